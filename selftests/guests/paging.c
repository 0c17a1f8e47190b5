// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random page tables, random accesses through them: what each gives, fault or
 * value, and what it leaves in accessed and dirty bits, goes into one number.
 * The same seed must give the same number, however the translation is made.
 *
 * Options: ops=N, seed=N, print=N (the number each so many operations), from=N
 * (from then on, what each does).
 */
#include "guest.h"

#define PAGE		4096UL
#define WINDOW		0x200000000000UL	/* an entry of the top table of its own */
#define USER_CODE	0x300000000000UL	/* aliases of user_probe and its stack, for CPL 3 */
#define USER_STACK	0x300000200000UL
#define FIRST_PD_ENTRY	8UL	/* so that pages of 2 MiB and 1 GiB show RAM from 16 MiB on */
#define RAM_BASE	(FIRST_PD_ENTRY << 21)

#define P	(1UL << 0)
#define W	(1UL << 1)
#define U	(1UL << 2)
#define A	(1UL << 5)
#define PS	(1UL << 7)
#define G	(1UL << 8)
#define RSVD	(1UL << 51)
#define NX	(1UL << 63)

#define CR0_WP		(1UL << 16)
#define CR4_PGE		(1UL << 7)
#define CR4_SMEP	(1UL << 20)
#define CR4_SMAP	(1UL << 21)
#define EFER		0xc0000080
#define EFER_NXE	(1UL << 11)

#define NR_PD	2
#define NR_PT	4
#define NR_FRAME 8

extern u64 pml4[];
void user_enter(void (*fn)(void *), void *arg, void *stack);
int guarded_call(void (*fn)(void *), void *arg);

static u64 pdpt[512] __aligned(4096), pd[NR_PD][512] __aligned(4096), pt[NR_PT][512] __aligned(4096);
static u8 frame[NR_FRAME][4096] __aligned(4096);
static u8 user_stack[4096] __aligned(4096);

enum kind { READ, WRITE, FETCH };

struct probe {
	u64 va;
	u64 kind;
	u64 value;	/* in for a write, out for a read */
	u64 ac;
};

static u64 state = 1, hash = 0xcbf29ce484222325;
static u32 globals;	/* entries with G now: a load of CR3 forgets what they made no more */
static bool has_smep, has_smap;
static bool told;	/* what this operation does */

static u64 rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1d;
}

static bool one_in(u32 n) { return !((u32)(rnd() >> 33) % n); }
static u32 below(u32 n) { return (u32)(rnd() >> 33) % n; }

static void fold(u64 v)
{
	for (u32 i = 0; i < 8; i++, v >>= 8)
		hash = (hash ^ (v & 0xff)) * 0x100000001b3;
}

/* ---- tables ---- */

static u64 *entry_at(u32 level, u32 table, u32 i)
{
	switch (level) {
	case 4:
		return &pml4[WINDOW >> 39 & 511];
	case 3:
		return &pdpt[i & 1];
	case 2:
		return &pd[table % NR_PD][FIRST_PD_ENTRY + (i & 1)];
	default:
		return &pt[table % NR_PT][i & 3];
	}
}

static u64 random_entry(u32 level)
{
	u64 e = rnd() & 0x60;	/* A, D */

	e |= one_in(8) ? 0 : P;
	e |= one_in(4) ? 0 : W;
	e |= one_in(4) ? 0 : U;
	e |= one_in(6) ? NX : 0;
	e |= one_in(48) ? RSVD : 0;
	e |= one_in(6) ? G : 0;
	if (level == 4) {
		e |= one_in(64) ? PS : 0;
		return e | (u64)pdpt;
	}
	if (level == 3) {
		if (one_in(6))
			/*
			 * The first GiB; a reserved bit now and then. Accessed already: that an access
			 * which is denied leaves it alone is not said of these, and an emulator is known.
			 */
			return e | PS | A | (one_in(16) ? 1UL << 20 : 0);
		return e | (u64)pd[below(NR_PD)];
	}
	if (level == 2) {
		if (one_in(4))
			return e | PS | (RAM_BASE + ((u64)below(3) << 21)) | (one_in(16) ? 1UL << 16 : 0);
		return e | (u64)pt[below(NR_PT)];
	}
	return e | (u64)frame[below(NR_FRAME)];
}

static u64 random_va(void)
{
	return WINDOW | (u64)below(2) << 30 | (FIRST_PD_ENTRY + below(2)) << 21 | (u64)below(4) << 12;
}

static void invalidate(void)
{
	u64 cr4 = read_cr4();

	if (!globals && one_in(2)) {
		write_cr3(read_cr3());
	} else if (one_in(16)) {
		for (u64 i = 0; i < 16; i++)
			invlpg(WINDOW | (i >> 3) << 30 | (FIRST_PD_ENTRY + (i >> 2 & 1)) << 21 | (i & 3) << 12);
	} else {
		write_cr4(cr4 ^ CR4_PGE);
		write_cr4(cr4);
	}
}

static void change_table(void)
{
	u32 level = one_in(16) ? 4 : 1 + below(3);
	u64 *e = entry_at(level, below(4), below(4)), new = random_entry(level);

	globals += !!(new & G) - !!(*e & G);
	*(volatile u64 *)e = new;
	invalidate();
}

static void change_controls(void)
{
	switch (below(4)) {
	case 0:
		write_cr0(read_cr0() ^ CR0_WP);
		break;
	case 1:
		if (has_smep)
			write_cr4(read_cr4() ^ CR4_SMEP);
		break;
	case 2:
		if (has_smap)
			write_cr4(read_cr4() ^ CR4_SMAP);
		break;
	default:
		wrmsr(EFER, rdmsr(EFER) ^ EFER_NXE);
		invalidate();
		break;
	}
}

/* ---- accesses ---- */

/*
 * At either privilege: one access, and nothing else that touches memory of the
 * supervisor. At CPL 3 it runs by its alias, which is why it is asm and has a
 * page to itself. RDI: struct probe in registers would be lost on return, so the
 * value comes back in the probe, which is on the user's stack page there.
 */
asm(".pushsection .text\n"
	".balign 4096\n"
	"user_probe:\n"
	"	call	probe_body\n"
	"	int	$0x30\n"
	"probe_body:\n"
	"	mov	(%rdi), %rsi\n"
	"	mov	8(%rdi), %rcx\n"
	"	mov	16(%rdi), %rax\n"
	"	cmp	$1, %rcx\n"
	"	je	1f\n"
	"	ja	2f\n"
	"	mov	(%rsi), %rax\n"
	"	mov	%rax, 16(%rdi)\n"
	"	ret\n"
	"1:	mov	%rax, (%rsi)\n"
	"	ret\n"
	"2:	jmp	*%rsi\n"
	".balign 4096\n"
	".popsection\n");
extern char user_probe[], probe_body[];

static void supervisor(void *arg)
{
	struct probe *p = arg;
	u64 flags;

	asm volatile("pushf; pop %0" : "=r"(flags));
	if (p->ac)
		asm volatile("push %0; popf" :: "r"(flags | 1 << 18) : "memory", "cc");
	asm volatile("call probe_body" :: "D"(p) : "rax", "rcx", "rsi", "memory", "cc");
	asm volatile("push %0; popf" :: "r"(flags & ~(1UL << 18)) : "memory", "cc");
}

static void user(void *arg)
{
	user_enter((void (*)(void *))USER_CODE, arg, (void *)(USER_STACK + 2048));
}

static void access(void)
{
	bool as_user = one_in(2);
	struct probe here, *p = as_user ? (struct probe *)user_stack : &here;
	struct fault f = {};

	*p = (struct probe){ .va = random_va(), .kind = below(3), .value = rnd(), .ac = one_in(2) };
	if (p->kind == FETCH)
		p->va += 0x800;		/* a RET stands there */
	else
		p->va += 8 * (u64)below(16);
	if (as_user) {
		guarded(user, (void *)USER_STACK, &f);
		asm volatile("mov %0, %%ds; mov %0, %%es" :: "r"(SEL_DATA));
	} else {
		guarded(supervisor, p, &f);
	}
	f.error |= f.error >> 3 & 1;	/* an emulator is known that says "reserved" without "present" */
	if (told)
		note("%s %lx kind %lu ac %lu, cr0 %lx cr4 %lx: vector %x error %lx cr2 %lx value %lx entries %lx %lx %lx %lx",
		     as_user ? "user" : "supervisor", p->va, p->kind, p->ac, read_cr0(), read_cr4(), f.vector, f.error,
		     f.cr2, f.vector == NO_FAULT ? p->value : 0, *entry_at(4, 0, 0), pdpt[p->va >> 30 & 1],
		     pd[pdpt[p->va >> 30 & 1] & 0x1000 ? 1 : 0][p->va >> 21 & 511], pt[0][0]);
	fold(f.vector);
	if (f.vector == VEC_PF) {
		fold(f.error);
		fold(f.cr2);
	}
	fold(p->va);
	fold(f.vector == NO_FAULT ? p->value : 0);
}

/* Accessed and dirty bits. */
static u64 sum_tables(void)
{
	u64 sum = *entry_at(4, 0, 0);

	for (u32 i = 0; i < 2; i++)
		sum = sum * 31 + pdpt[i];
	for (u32 t = 0; t < NR_PD; t++)
		for (u32 i = 0; i < 2; i++)
			sum = sum * 31 + pd[t][FIRST_PD_ENTRY + i];
	for (u32 t = 0; t < NR_PT; t++)
		for (u32 i = 0; i < 4; i++)
			sum = sum * 31 + pt[t][i];
	return sum;
}

static void begin(void)
{
	struct cpuid c = cpuid(7, 0);

	has_smep = c.ebx & 1 << 7;
	has_smap = c.ebx & 1 << 20;
	if (option_num("seed", 0))
		state = option_num("seed", 0) * 0x9e3779b97f4a7c15 | 1;
	map_4k(USER_CODE, (u64)user_probe, U);
	map_4k(USER_STACK, (u64)user_stack, U | W);
	/* The window's RAM: numbers, and something to execute. */
	for (u64 a = RAM_BASE; a < RAM_BASE + (8UL << 20); a += PAGE)
		*(u64 *)a = a, *(u8 *)(a + 0x800) = 0xc3;
	for (u32 i = 0; i < NR_FRAME; i++)
		*(u64 *)frame[i] = i + 1, frame[i][0x800] = 0xc3;
	for (u32 t = 0; t < NR_PD; t++)
		for (u32 i = 0; i < 2; i++)
			pd[t][FIRST_PD_ENTRY + i] = (u64)pt[(t + i) % NR_PT] | P | W | U;
	for (u32 t = 0; t < NR_PT; t++)
		for (u32 i = 0; i < 4; i++)
			pt[t][i] = (u64)frame[(t + i) % NR_FRAME] | P | W | U;
	pdpt[0] = (u64)pd[0] | P | W | U;
	pdpt[1] = (u64)pd[1] | P | W | U;
	*entry_at(4, 0, 0) = (u64)pdpt | P | W | U;
	write_cr4(read_cr4() | CR4_PGE);
}

static void random_operations(void)
{
	u64 ops = option_num("ops", 100000), every = option_num("print", 0), from = option_num("from", ~0UL);

	if (ram_top() < RAM_BASE + (8UL << 20)) {
		skip("needs 24 MiB");
		return;
	}
	begin();
	for (u64 i = 1; i <= ops; i++) {
		told = i >= from;
		if (one_in(2))
			change_table();
		if (one_in(16))
			change_controls();
		access();
		fold(sum_tables());
		if (told || (every && i % every == 0))
			note("%lu: %lx tables %lx", i, hash, sum_tables());
		if (i % 4096 == 0)
			progress(i, ops);
	}
	write_cr4(read_cr4() & ~(CR4_SMEP | CR4_SMAP));
	note("result of %lu operations: %lx", ops, hash);
	check(hash);
}

u32 guest_main(void)
{
	static const struct guest_case cases[] = { { "random_operations", random_operations } };

	return RUN_CASES(NULL, cases);
}
