// SPDX-License-Identifier: GPL-2.0-only
/* End of interrupt without an exit, by KVM's documented interface: a bit in our memory instead of the EOI register. */
#include "guest.h"

#define MSR_KVM_EOI	0x4b564d04
#define FEATURE_EOI	(1U << 6)

#define LOW	0x41
#define MIDDLE	0x51
#define HIGH	0x61

static volatile u32 flag[MAX_CPUS] __aligned(64);

static volatile u32 *my_flag(void) { return &flag[this_cpu()->index]; }

/* What guests do at the end of a handler. */
static bool end_without_exit(void)
{
	bool was;

	asm volatile("btrl $0, %1; setc %0" : "=q"(was), "+m"(*my_flag()) :: "memory", "cc");
	if (!was)
		apic_eoi();
	return was;
}

static bool in_service(u8 vector) { return apic_read(APIC_ISR + vector / 32) >> (vector % 32) & 1; }

static void enable(void)
{
	*my_flag() = 0;
	wrmsr(MSR_KVM_EOI, (u64)my_flag() | 1);
}

static void disable(void) { wrmsr(MSR_KVM_EOI, 0); }

static void self_ipi(u8 vector) { apic_icr(this_cpu()->apic_id, vector); }

/* Interrupts may come until cond holds: the window may open a tick late. */
#define let_in(cond) ({ sti(); bool r_ = wait_until(cond, 2000); cli(); r_; })

static volatile u32 seen, ended, came[256];

static void plain(struct frame *f)
{
	came[f->vector]++;
	seen = *my_flag();
	ended = end_without_exit();
}

static void offered(void)
{
	set_irq(MIDDLE, plain);
	came[MIDDLE] = 0;
	enable();
	for (u32 i = 1; i <= 100; i++) {
		seen = ended = 0;
		self_ipi(MIDDLE);
		let_in(came[MIDDLE] == i);
		if (!check_eq(came[MIDDLE], i) || !check_eq(seen, 1) || !check_eq(ended, 1))
			break;
		if (!check(!in_service(MIDDLE)) || !check_eq(apic_read(APIC_PPR), 0))
			break;
	}
	disable();
	seen = 1;
	self_ipi(MIDDLE);
	let_in(came[MIDDLE] == 101);
	check_eq(came[MIDDLE], 101);
	check_eq(seen, 0);
	check(!in_service(MIDDLE));
}

static void deaf(struct frame *f)
{
	came[f->vector]++;
	seen = *my_flag();
	apic_eoi();
}

/* Whoever does not look at the bit loses nothing. */
static void ignored(void)
{
	set_irq(MIDDLE, deaf);
	came[MIDDLE] = 0;
	enable();
	for (u32 i = 1; i <= 10; i++) {
		self_ipi(MIDDLE);
		let_in(came[MIDDLE] == i);
		check_eq(came[MIDDLE], i);
		check(!in_service(MIDDLE));
	}
	disable();
}

static volatile u32 low_seen;

static void low(struct frame *f)
{
	came[LOW]++;
	low_seen = *my_flag();
	check(!in_service(MIDDLE));
	end_without_exit();
}

/* One that waits is let in when the handler is over. */
static void offered_when_one_waits(void)
{
	set_irq(LOW, low);
	set_irq(MIDDLE, plain);
	came[LOW] = came[MIDDLE] = low_seen = seen = ended = 0;
	enable();
	self_ipi(LOW);
	self_ipi(MIDDLE);
	let_in(came[LOW]);
	check_eq(came[MIDDLE], 1);
	check_eq(seen, 1);
	check_eq(ended, 1);
	check_eq(came[LOW], 1);
	check_eq(low_seen, 1);
	disable();
}

static void opens_early(struct frame *f)
{
	came[MIDDLE]++;
	seen = *my_flag();
	ended = let_in(!*my_flag());
	check_eq(came[LOW], 0);
	end_without_exit();
}

/* A handler that lets others in before its end: the one that waits comes after that, not before. */
static void withdrawn_before_the_end(void)
{
	set_irq(LOW, low);
	set_irq(MIDDLE, opens_early);
	came[LOW] = came[MIDDLE] = seen = ended = 0;
	enable();
	self_ipi(LOW);
	self_ipi(MIDDLE);
	let_in(came[LOW]);
	check_eq(seen, 1);
	check_eq(ended, 1);
	check_eq(came[MIDDLE], 1);
	check_eq(came[LOW], 1);
	check(!in_service(LOW) && !in_service(MIDDLE));
	disable();
}

static void asks_for_low(struct frame *f)
{
	came[MIDDLE]++;
	seen = *my_flag();
	self_ipi(LOW);
	ended = end_without_exit();
}

static void withdrawn(void)
{
	set_irq(LOW, low);
	set_irq(MIDDLE, asks_for_low);
	came[LOW] = came[MIDDLE] = seen = 0;
	ended = 1;
	enable();
	self_ipi(MIDDLE);
	let_in(came[LOW]);
	check_eq(seen, 1);
	check_eq(ended, 0);
	check_eq(came[MIDDLE], 1);
	check_eq(came[LOW], 1);
	check(!in_service(LOW) && !in_service(MIDDLE));
	disable();
}

static void inner(struct frame *f)
{
	came[HIGH]++;
	check(in_service(MIDDLE) && in_service(HIGH));
	end_without_exit();
}

static void outer(struct frame *f)
{
	came[MIDDLE]++;
	self_ipi(HIGH);
	let_in(came[HIGH] == came[MIDDLE]);
	check(in_service(MIDDLE));
	check(!in_service(HIGH));
	end_without_exit();
}

static void nested(void)
{
	set_irq(MIDDLE, outer);
	set_irq(HIGH, inner);
	came[MIDDLE] = came[HIGH] = 0;
	enable();
	for (u32 i = 1; i <= 10; i++) {
		self_ipi(MIDDLE);
		let_in(came[MIDDLE] == i);
		check_eq(came[MIDDLE], i);
		check_eq(came[HIGH], i);
		check(!in_service(MIDDLE) && !in_service(HIGH));
	}
	disable();
}

static volatile u32 victim;	/* APIC id */
static volatile bool spinning;

/* No exit of ours, and still the bit goes when another vCPU sends one that must wait. */
static void spins(struct frame *f)
{
	seen = *my_flag();
	spinning = true;
	ended = wait_until(!*my_flag(), 5000);
	end_without_exit();
}

static void send_low(void *arg)
{
	while (!spinning)
		pause();
	apic_icr(victim, LOW);
}

static void withdrawn_by_another(void)
{
	if (nr_cpus < 2) {
		skip("one vCPU");
		return;
	}
	set_irq(LOW, low);
	set_irq(MIDDLE, spins);
	came[LOW] = seen = ended = 0;
	victim = this_cpu()->apic_id;
	enable();
	smp_call(1, send_low, NULL);
	self_ipi(MIDDLE);
	let_in(ended);
	check_eq(seen, 1);
	check_eq(ended, 1);
	check(smp_wait(1, 5000));
	let_in(came[LOW]);
	check_eq(came[LOW], 1);
	disable();
}

static u64 found;
static void read_msr(void *arg) { found = rdmsr(MSR_KVM_EOI); }
static void write_msr(void *arg) { wrmsr(MSR_KVM_EOI, *(u64 *)arg); }

static void bad_values(void)
{
	u64 bad[] = { 2, 3, (u64)my_flag() | 2, ram_top() | 1, 0xfee00001, 1ULL << 45 | 1, ~0UL, ~2UL, 1ULL << 63 | 1 };

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		if (!check_eq(guarded(write_msr, &bad[i], NULL), VEC_GP))
			note("value %lx", bad[i]);
	check_eq(rdmsr(MSR_KVM_EOI), 0);
	enable();
	check_eq(guarded(write_msr, &bad[0], NULL), VEC_GP);
	check_eq(rdmsr(MSR_KVM_EOI), (u64)my_flag() | 1);	/* as before */
	disable();
	check_eq(guarded(read_msr, NULL, NULL), NO_FAULT);
	check_eq(found, 0);
}

static void enable_there(void *arg) { enable(); }
static void read_there(void *arg) { found = rdmsr(MSR_KVM_EOI); }

/* INIT: the vCPU starts with what a kernel that never heard of this expects. */
static void init_disables(void)
{
	if (nr_cpus < 2) {
		skip("one vCPU");
		return;
	}
	smp_call(1, enable_there, NULL);
	check(smp_wait(1, 1000));
	smp_call(1, read_there, NULL);
	check(smp_wait(1, 1000));
	check(found & 1);
	check(smp_restart(1));
	smp_call(1, read_there, NULL);
	check(smp_wait(1, 1000));
	check_eq(found, 0);
}

static void feature(void)
{
	smp_start();
	check(cpuid(0x40000001, 0).eax & FEATURE_EOI);
}

static const struct guest_case cases[] = {
	{ "feature", feature },
	{ "offered", offered },
	{ "ignored", ignored },
	{ "offered_when_one_waits", offered_when_one_waits },
	{ "withdrawn_before_the_end", withdrawn_before_the_end },
	{ "withdrawn", withdrawn },
	{ "nested", nested },
	{ "withdrawn_by_another", withdrawn_by_another },
	{ "bad_values", bad_values },
	{ "init_disables", init_disables },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
