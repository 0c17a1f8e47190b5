// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page walk against a second one, written without a thought for speed:
 * bit by bit, level by level, from the rules. Random tables in all modes.
 */
/* sources: kmod/emul/walk.c selftests/unit/fake_space.c */
#include "unit.h"

#include <errno.h>
#include <pthread.h>

#include "emul/emul.h"
#include "emul/x86.h"
#include "fake_space.h"

#define PAGES	16
#define HOLE	9

static u64 rng_state = 0x1234567887654321ULL;

static u64 rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL ^ rng_state >> 11;
}

static unsigned int below(unsigned int n)
{
	return (rnd() >> 20) % n;
}

static bool one_in(unsigned int n)
{
	return below(n) == 0;
}

enum paging { NONE, TWO_LEVEL, PAE, FOUR_LEVEL };

struct outcome {
	int ret;
	u64 gpa;
	struct ivm_fault fault;
	struct ivm_leaf leaf;
};

struct machine {
	struct ivm_regs regs;
	struct ivm_sregs sregs;
	struct ivm_emul_cpu cpu;
	enum paging paging;
};

static struct machine m;

/* ---- the model ---- */

static bool bit(u64 value, unsigned int n)
{
	return value >> n & 1;
}

static bool nxe(void)
{
	return m.sregs.efer & IVM_EFER_NXE;
}

/* Must bit @n be 0 in an entry at @level (1: page table) that is a @leaf or not? */
static bool is_reserved(unsigned int level, bool leaf, unsigned int n)
{
	unsigned int phys = m.cpu.phys_bits;

	switch (m.paging) {
	case TWO_LEVEL:
		if (level == 2 && leaf)		/* 4 MiB: PSE-36 */
			return n == 21 || (n >= 13 && n <= 20 && n - 13 + 32 >= phys);
		return false;
	case PAE:
		if (n == 63)
			return level == 3 || !nxe();
		if (n >= phys)
			return true;
		if (level == 3)
			return n == 1 || n == 2 || (n >= 5 && n <= 8);
		return level == 2 && leaf && n >= 13 && n <= 20;
	default:
		if (n == 63)
			return !nxe();
		if (n >= 52)
			return false;
		if (n >= phys)
			return true;
		if (level == 4)
			return n == 7;
		if (level == 3 && leaf)
			return n >= 13 && n <= 29;
		return level == 2 && leaf && n >= 13 && n <= 20;
	}
}

static struct outcome page_fault(u64 linear, unsigned int access, bool present, bool reserved)
{
	u32 error = 0;

	if (present)
		error |= 1;
	if (access & IVM_WALK_WRITE)
		error |= 2;
	if (access & IVM_WALK_USER)
		error |= 4;
	if (reserved)
		error |= 8;
	if (access & IVM_WALK_FETCH) {
		if (m.sregs.cr4 & X86_CR4_SMEP)
			error |= 16;
		if (nxe() && m.paging >= PAE)
			error |= 16;
	}
	return (struct outcome){
		.ret = -EFAULT, .fault = { .vector = 14, .has_error = true, .error = error, .address = linear },
	};
}

static bool allowed(unsigned int access, bool writable, bool user, bool no_execute)
{
	bool supervisor = !(access & IVM_WALK_USER);

	if (access & IVM_WALK_FETCH) {
		if (no_execute)
			return false;
		if (supervisor)
			return !(user && m.sregs.cr4 & X86_CR4_SMEP);
		return user;
	}
	if (!supervisor && !user)
		return false;
	if (supervisor && user && m.sregs.cr4 & X86_CR4_SMAP &&
	    (access & IVM_WALK_IMPLICIT || !(m.regs.rflags & X86_EFLAGS_AC)))
		return false;
	if (access & IVM_WALK_WRITE && !writable)
		return supervisor && !(m.sregs.cr0 & X86_CR0_WP);
	return true;
}

static bool is_ram(u64 gpa)
{
	return gpa < PAGES * 0x1000 && gpa / 0x1000 != HOLE;
}

/* What the model wrote, so that it can be taken back. */
static struct {
	u64 at, old, new;
	unsigned int size;
} written[4];
static unsigned int nr_written;

static void write_entry(u64 at, unsigned int size, u64 old, u64 new)
{
	fake_space_set(m.cpu.space, at, size, new);
	written[nr_written].at = at;
	written[nr_written].size = size;
	written[nr_written].old = old;
	written[nr_written++].new = new;
}

/* Does to the tables what the walk should. */
static struct outcome model(u64 linear, unsigned int access)
{
	static const unsigned int levels[] = { 0, 2, 3, 4 };
	bool writable = true, user = true, no_execute = false;
	unsigned int size = m.paging == TWO_LEVEL ? 4 : 8, level, shift, n;
	u64 table = m.sregs.cr3 & ~0xfffULL, at, e;

	if (m.paging == NONE)
		return (struct outcome){ .gpa = linear & 0xffffffff, .leaf = { 30, true, true, true, true } };
	if (m.paging == FOUR_LEVEL) {
		for (n = 48; n < 64; n++)
			if (bit(linear, n) != bit(linear, 47))
				return (struct outcome){ .ret = -EFAULT, .fault = { .vector = 13, .has_error = true } };
		table &= (1ULL << 52) - 1;
	} else {
		linear &= 0xffffffff;
		table &= 0xffffffff;
		if (m.paging == PAE)
			table = m.sregs.cr3 & 0xffffffe0;
	}

	for (level = levels[m.paging]; ; level--) {
		bool no_rights = m.paging == PAE && level == 3, leaf = level == 1;
		u64 marks, address;

		shift = 12 + (level - 1) * (size == 4 ? 10 : 9);
		at = table + (linear >> shift) % (4096 / size) * size;
		if (!is_ram(at))
			return (struct outcome){ .ret = -ENXIO, .gpa = at };
		e = fake_space_get(m.cpu.space, at, size);
		if (!bit(e, 0))
			return page_fault(linear, access, false, false);
		if (bit(e, 7) && level == 2)
			leaf = m.paging != TWO_LEVEL || m.sregs.cr4 & X86_CR4_PSE;
		if (bit(e, 7) && level == 3 && m.paging == FOUR_LEVEL)
			leaf = true;
		for (n = 0; n < 64; n++)
			if (bit(e, n) && is_reserved(level, leaf, n))
				return page_fault(linear, access, true, true);
		if (!no_rights) {
			writable = writable && bit(e, 1);
			user = user && bit(e, 2);
			no_execute = no_execute || bit(e, 63);
		}
		if (leaf && !allowed(access, writable, user, no_execute))
			return page_fault(linear, access, true, false);
		marks = no_rights ? 0 : 1 << 5;
		if (leaf && access & IVM_WALK_WRITE)
			marks |= 1 << 6;
		write_entry(at, size, e, e | marks);

		address = e & ((1ULL << 52) - 1) & ~0xfffULL;
		if (size == 4 && level == 2 && leaf)
			address = (e & 0xffc00000) | (e >> 13 & 0xff) << 32;
		if (!leaf) {
			table = address;
			continue;
		}
		address >>= shift;
		return (struct outcome){
			.gpa = address << shift | (linear & ((1ULL << shift) - 1)),
			.leaf = { shift, writable, user, !no_execute, bit(e | marks, 6) },
		};
	}
}

/* ---- random machines and tables ---- */

static u64 random_entry(void)
{
	u64 e = (u64)below(PAGES + 1) << 12;
	unsigned int n;

	if (one_in(24))
		e = rnd() & 0xffffffffff000;
	for (n = 0; n < 12; n++)
		if (one_in(2))
			e |= 1ULL << n;
	if (!one_in(16))
		e |= 1;
	if (one_in(2))
		e |= 6;
	if (one_in(3))
		e |= 1 << 7;
	else
		e &= ~(1ULL << 7);
	/* Pages larger than 4 KiB have to be aligned, mostly. */
	if (bit(e, 7) && !one_in(8))
		e &= one_in(3) ? ~0x3ffff000ULL : ~0x1ff000ULL;
	/* Most directory-pointer entries of PAE are fine, or nothing deeper would be seen. */
	if (m.paging == PAE && one_in(2))
		e &= ~0x1e6ULL;
	if (one_in(8))
		e |= 1ULL << 63;
	if (one_in(24))
		e |= 1ULL << (36 + below(28));
	return e;
}

static void random_machine(void)
{
	struct ivm_sregs *s = &m.sregs;

	m.paging = one_in(50) ? NONE : TWO_LEVEL + below(3);
	m.cpu.phys_bits = 36 + below(17);
	s->cr0 = X86_CR0_PE | (m.paging ? X86_CR0_PG : 0) | (one_in(2) ? X86_CR0_WP : 0);
	s->cr4 = (one_in(2) ? X86_CR4_PSE : 0) | (one_in(3) ? X86_CR4_SMEP : 0) | (one_in(3) ? X86_CR4_SMAP : 0);
	s->cr4 |= m.paging >= PAE ? X86_CR4_PAE : 0;
	s->efer = (m.paging == FOUR_LEVEL ? IVM_EFER_LMA | IVM_EFER_LME : 0) | (one_in(4) ? 0 : IVM_EFER_NXE);
	m.regs.rflags = 2 | (one_in(2) ? X86_EFLAGS_AC : 0);
	s->cr3 = below(PAGES) << 12 | (m.paging == PAE ? below(128) << 5 : below(4096));
}

/* Random entries where the walk will look; the rest is junk from before. */
static void random_tables(u64 linear)
{
	static const unsigned int shifts[] = { 12, 21, 22, 30, 39 };
	unsigned int page, i;
	u64 e;

	for (i = 0; i < 4; i++) {
		page = below(PAGES);
		if (page == HOLE)
			continue;
		e = random_entry();
		fake_space_set(m.cpu.space, page << 12 | (linear >> shifts[below(5)] & 511) * 8, 8, e);
		fake_space_set(m.cpu.space, page << 12 | (linear >> 12 & 0x3ff) * 4, 4, random_entry());
		fake_space_set(m.cpu.space, page << 12 | (linear >> 22 & 0x3ff) * 4, 4, random_entry());
	}
	if (m.paging != NONE && (m.sregs.cr3 >> 12) != HOLE) {
		u64 root = m.sregs.cr3 & 0xf000;

		if (m.paging == FOUR_LEVEL)
			fake_space_set(m.cpu.space, root | (linear >> 39 & 511) * 8, 8, random_entry() & (one_in(8) ? ~0ULL : ~0x80ULL));
		if (m.paging == PAE)
			fake_space_set(m.cpu.space, (m.sregs.cr3 & 0xffe0) + (linear >> 30 & 3) * 8, 8,
				       random_entry() & ~(one_in(8) ? 0 : 0x1e6ULL));
	}
}

static u8 before[PAGES * 4096], after[PAGES * 4096];

static void snapshot(u8 *to)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (i != HOLE)
			memcpy(to + i * 4096, fake_space_at(m.cpu.space, i << 12), 4096);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	if (a->ret != b->ret)
		return false;
	if (a->ret == -EFAULT)
		return a->fault.vector == b->fault.vector && a->fault.has_error == b->fault.has_error &&
		       a->fault.error == b->fault.error && a->fault.address == b->fault.address;
	if (a->ret == 0 && memcmp(&a->leaf, &b->leaf, offsetof(struct ivm_leaf, entry)))
		return false;
	return a->gpa == b->gpa;
}

static void make_machine(void)
{
	unsigned int i;

	m.cpu.regs = &m.regs;
	m.cpu.sregs = &m.sregs;
	m.cpu.space = fake_space_create(PAGES);
	fake_space_hole(m.cpu.space, HOLE << 12);
	for (i = 0; i < PAGES * 512; i++)
		if (i / 512 != HOLE)
			fake_space_set(m.cpu.space, i * 8, 8, random_entry());
}

TEST(walk_is_like_the_model)
{
	unsigned int i, n, kinds[4] = {};

	make_machine();
	for (i = 0; i < 1000000; i++) {
		/* A table page or two deep, in the lower or upper half; rarely not canonical. */
		u64 linear = (s64)(rnd() << 16) >> 16;
		unsigned int access = below(16);
		struct outcome expected, found = {};
		bool full = one_in(64);

		if (one_in(40))
			linear = rnd();
		if (access & IVM_WALK_FETCH)
			access &= ~IVM_WALK_WRITE;
		if (access & IVM_WALK_USER)
			access &= ~IVM_WALK_IMPLICIT;
		random_machine();
		random_tables(linear);
		nr_written = 0;
		expected = model(linear, access);
		/* An entry may serve at two levels: take back in reverse, compare what was there last. */
		for (n = 0; n < nr_written; n++)
			written[n].new = fake_space_get(m.cpu.space, written[n].at, written[n].size);
		for (n = nr_written; n-- > 0;)
			fake_space_set(m.cpu.space, written[n].at, written[n].size, written[n].old);
		if (full)
			snapshot(before);

		if (one_in(2)) {
			found.ret = ivm_walk_leaf(&m.cpu, linear, access, &found.gpa, &found.leaf, &found.fault);
		} else {
			found.ret = ivm_walk(&m.cpu, linear, access, &found.gpa, &found.fault);
			found.leaf = expected.leaf;
		}

		for (n = 0; n < nr_written; n++) {
			u64 now = fake_space_get(m.cpu.space, written[n].at, written[n].size);

			ASSERT_EQ(written[n].new, now);
		}
		/* Nothing else was written; seen now and then. */
		if (full) {
			snapshot(after);
			for (n = 0; n < nr_written; n++)
				memcpy(after + written[n].at, before + written[n].at, written[n].size);
			ASSERT_EQ(0, memcmp(before, after, sizeof(before)));
		}
		if (!same(&expected, &found))
			TH_LOG("paging %d linear %llx access %x: expected %d gpa %llx fault %u/%x, found %d gpa %llx fault %u/%x",
			       m.paging, linear, access, expected.ret, expected.gpa, expected.fault.vector,
			       expected.fault.error, found.ret, found.gpa, found.fault.vector, found.fault.error);
		ASSERT_TRUE(same(&expected, &found));
		kinds[found.ret == 0 ? 0 : found.ret == -ENXIO ? 1 : found.fault.error & 8 ? 2 : 3]++;
	}
	/* All kinds of outcomes were seen, often. */
	for (i = 0; i < 4; i++)
		EXPECT_LT(10000, kinds[i]);
}

/* ---- tables that change while they are walked ---- */

#define ENTRY_AT 0x4000

static bool stop;

/* Another vCPU that moves a page back and forth, and clears its marks. */
static void *flip(void *unused)
{
	u64 *entry = (u64 *)fake_space_at(m.cpu.space, ENTRY_AT);
	u64 i;

	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++)
		__atomic_store_n(entry, i & 1 ? 0x5007 : 0x6007, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST(a_guest_that_changes_entries_is_bounded_and_loses_no_dirty_bit)
{
	struct ivm_fault fault;
	unsigned int i, faults = 0;
	pthread_t thread;
	u64 gpa, seen;

	m.cpu.regs = &m.regs;
	m.cpu.sregs = &m.sregs;
	m.cpu.space = fake_space_create(PAGES);
	m.cpu.phys_bits = 48;
	m.sregs = (struct ivm_sregs){ .cr0 = 0x80010001, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0xd00 };
	fake_space_set(m.cpu.space, 0x1000, 8, 0x2027);
	fake_space_set(m.cpu.space, 0x2000, 8, 0x3027);
	fake_space_set(m.cpu.space, 0x3000, 8, 0x4027);
	fake_space_set(m.cpu.space, ENTRY_AT, 8, 0x5007);
	ASSERT_EQ(0, pthread_create(&thread, NULL, flip, NULL));
	for (i = 0; i < 200000; i++) {
		if (ivm_walk(&m.cpu, 0x123, IVM_WALK_WRITE, &gpa, &fault)) {
			faults++;	/* gave up: allowed */
			continue;
		}
		EXPECT_TRUE(gpa == 0x5123 || gpa == 0x6123);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_LT(faults, i);

	/* Quiet now: marks are set in the entry that was used. */
	fake_space_set(m.cpu.space, ENTRY_AT, 8, 0x5007);
	ASSERT_EQ(0, ivm_walk(&m.cpu, 0x123, IVM_WALK_WRITE, &gpa, &fault));
	seen = fake_space_get(m.cpu.space, ENTRY_AT, 8);
	EXPECT_EQ(0x5067, seen);
}

TEST_HARNESS_MAIN
