// SPDX-License-Identifier: GPL-2.0-only
/* Descriptor tables of a vCPU, what happens on an exception or interrupt, and CPL 3. */
#include "guest.h"

#define MSR_GS_BASE 0xc0000101
#define VEC_USER_RETURN 0x30

struct gate { u16 low; u16 sel; u8 ist, type; u16 mid; u32 high, zero; } __packed;
struct tss { u32 zero0; u64 rsp[3]; u64 zero1; u64 ist[7]; u64 zero2; u16 zero3, iomap; } __packed;
struct pointer { u16 limit; u64 base; } __packed;

struct cpu cpus[MAX_CPUS];

static struct gate idt[256] __aligned(16);
static struct tss tss[MAX_CPUS];
static u8 ist[MAX_CPUS][3][2048] __aligned(16);
static u8 rsp0[MAX_CPUS][2048] __aligned(16);
static u8 user_stack[MAX_CPUS][2048] __aligned(16);
static irq_fn *irq[256];
static bool (*trap_first)(struct frame *);

extern char trap_stubs[], guarded_end[], user_leave[];
extern u64 tss_desc[2];
extern u64 pml4[];
int guarded_call(void (*fn)(void *), void *arg);
void user_enter(void (*fn)(void *), void *arg, void *stack);
void trap(struct frame *f);
void trap_init_cpu(struct cpu *cpu);

/* The lock of tss_desc is that vCPUs start one after the other. */
void trap_init_cpu(struct cpu *cpu)
{
	u32 i = cpu->index;
	u64 t = (u64)&tss[i];
	struct pointer p = { sizeof(idt) - 1, (u64)idt };

	for (u32 v = 0; v < 256; v++) {
		u64 a = (u64)trap_stubs + v * 16;
		/* A guest may have ruined its stack when these arrive. */
		u8 stack = v == VEC_DF ? 1 : v == VEC_NMI ? 2 : v == VEC_GP || v == VEC_SS || v == VEC_PF ? 3 : 0;
		u8 type = v == VEC_USER_RETURN || v == VEC_BP ? 0xee : 0x8e;

		idt[v] = (struct gate){ .low = a, .sel = SEL_CODE64, .ist = stack, .type = type,
					.mid = a >> 16, .high = a >> 32 };
	}
	asm volatile("lidt %0" :: "m"(p));

	for (u32 s = 0; s < 3; s++)
		tss[i].ist[s] = (u64)ist[i][s] + sizeof(ist[i][s]);
	tss[i].rsp[0] = (u64)rsp0[i] + sizeof(rsp0[i]);
	tss[i].iomap = sizeof(struct tss);
	tss_desc[0] = (sizeof(struct tss) - 1) | (t & 0xffffff) << 16 | 0x89UL << 40 | (t >> 24 & 0xff) << 56;
	tss_desc[1] = t >> 32;
	asm volatile("ltr %w0" :: "r"(SEL_TSS));

	cpu->self = cpu;
	wrmsr(MSR_GS_BASE, (u64)cpu);
}

static void leave_to(struct frame *f, char *rip, u64 rsp)
{
	f->rip = (u64)rip;
	f->rsp = rsp;
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rflags = 2;
}

void trap(struct frame *f)
{
	struct cpu *cpu = this_cpu();

	if (f->vector == VEC_USER_RETURN && cpu->user_recover) {
		leave_to(f, user_leave, cpu->user_recover);
		return;
	}
	if (f->vector >= 32) {
		cpu->irq_count[f->vector]++;
		if (irq[f->vector])
			irq[f->vector](f);
		else
			apic_eoi();
		return;
	}
	if (trap_first && trap_first(f))
		return;
	if (f->vector == VEC_NMI) {
		cpu->irq_count[VEC_NMI]++;
		return;
	}
	cpu->fault = (struct fault){ .vector = f->vector, .error = f->error, .rip = f->rip, .cr2 = read_cr2() };
	if (cpu->recover) {
		leave_to(f, guarded_end, cpu->recover);
		return;
	}
	print("Bail out! vCPU %u: exception %lu error %lx at %lx, address %lx, rsp %lx\n",
	      cpu->index, f->vector, f->error, f->rip, cpu->fault.cr2, f->rsp);
	guest_exit(VERDICT_CRASH);
}

u32 guarded(void (*fn)(void *), void *arg, struct fault *fault)
{
	struct cpu *cpu = this_cpu();
	u64 user = cpu->user_recover;

	if (!guarded_call(fn, arg)) {
		if (fault)
			fault->vector = NO_FAULT;
		return NO_FAULT;
	}
	cpu->user_recover = user;
	if (fault)
		*fault = cpu->fault;
	return cpu->fault.vector;
}

struct user_call { void (*fn)(void *); void *arg; };

static void enter(void *arg)
{
	struct user_call *call = arg;
	u32 i = this_cpu()->index;

	user_enter(call->fn, call->arg, user_stack[i] + sizeof(user_stack[i]) - 8);
}

u32 run_user(void (*fn)(void *), void *arg, struct fault *fault)
{
	struct user_call call = { fn, arg };
	u32 vector;

	/* The image is below 4 MiB; neither SMEP nor SMAP is on. */
	pml4[0] |= MAP_USER;
	*map_entry(0, 3, true) |= MAP_USER;
	for (u64 a = 0; a < (u64)image_end; a += 2UL << 20)
		*map_entry(a, 2, true) |= MAP_USER;
	write_cr3(read_cr3());
	vector = guarded(enter, &call, fault);
	/* The way to CPL 3 emptied what it may not use. */
	asm volatile("mov %0, %%ds; mov %0, %%es" :: "r"(SEL_DATA));
	return vector;
}

void set_gate(u8 vector, void (*entry)(void))
{
	idt[vector].low = (u64)entry;
	idt[vector].mid = (u64)entry >> 16;
	idt[vector].high = (u64)entry >> 32;
}

void set_irq(u8 vector, irq_fn *fn) { irq[vector] = fn; }
void set_trap(bool (*fn)(struct frame *)) { trap_first = fn; }
u64 irq_count(u8 vector) { return ((volatile struct cpu *)this_cpu())->irq_count[vector]; }
