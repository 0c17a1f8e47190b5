// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC: every register in both modes, timers, IPIs, NMI, INIT/SIPI, errors (Intel SDM 3A, chapter 11). */
#include "guest.h"

#define VEC 0x41

static volatile u64 seen_tsc;

static void handler(struct frame *f)
{
	seen_tsc = rdtsc();
	apic_eoi();
}

static u64 irq_count_of(u32 cpu, u8 vector) { return ((volatile struct cpu *)&cpus[cpu])->irq_count[vector]; }

/* For how many ms an interrupt for another vCPU may be on its way: patience= says more where the host is late itself. */
static u64 patience(void) { return option_num("patience", 2000); }

/* Interrupts may come until cond holds, at most ms. */
#define with_irqs(cond, ms) ({ sti(); bool r_ = wait_until(cond, ms); cli(); r_; })

/* ---- registers ---- */

static void page_read(void *arg) { (void)*(volatile u32 *)arg; }
static void page_write(void *arg)
{
	*(volatile u32 *)arg = 0;
}

static bool may_write(u32 reg)
{
	return reg != APIC_ICR && reg != APIC_ICR_HIGH && reg != APIC_SVR && reg != APIC_TPR;
}

static void every_page_register(void)
{
	check_eq(apic_read(APIC_ID) >> 24, this_cpu()->apic_id);
	check((apic_read(APIC_VERSION) & 0xf0) == 0x10);
	check((apic_read(APIC_VERSION) >> 16 & 0xff) >= 5);
	for (u32 reg = 0; reg < 256; reg++) {
		void *at = (void *)(APIC_BASE + reg * 16);

		check_eq(guarded(page_read, at, NULL), NO_FAULT);
		if (may_write(reg))
			check_eq(guarded(page_write, at, NULL), NO_FAULT);
	}
	apic_enable();
	/* Registers hold what was written, within their bits. */
	apic_write(APIC_LVT_LINT0, 0x10000 | VEC);
	check_eq(apic_read(APIC_LVT_LINT0), 0x10000 | VEC);
	apic_write(APIC_TPR, 0x123);
	check_eq(apic_read(APIC_TPR), 0x23);
	check_eq(apic_read(APIC_PPR), 0x23);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LDR, 0xa5ffffff);
	check_eq(apic_read(APIC_LDR), 0xa5000000);
	apic_write(APIC_LDR, 0);
	apic_enable();
}

static void x2_read(void *arg) { (void)rdmsr((u64)arg); }
static void x2_write(void *arg) { wrmsr((u64)arg, 0); }
static void x2_write_ones(void *arg) { wrmsr((u64)arg, ~0UL); }

static bool x2_readable(u32 r)
{
	return r == 2 || r == 3 || r == 8 || r == 0xa || r == 0xd || r == 0xf || (r >= 0x10 && r < 0x29) ||
	       r == 0x30 || (r >= 0x32 && r <= 0x39) || r == 0x3e;
}

static bool x2_writable(u32 r)
{
	return r == 8 || r == 0xb || r == 0xf || r == 0x28 || r == 0x30 || (r >= 0x32 && r <= 0x38) || r == 0x3e || r == 0x3f;
}

static void every_x2apic_register(void)
{
	if (!apic_x2apic()) {
		skip("no x2APIC");
		return;
	}
	for (u64 r = 0; r < 0x100; r++) {
		u32 lvt_max = (apic_read(APIC_VERSION) >> 16 & 0xff);
		u32 v;

		/* Optional ones: CMCI, and thermal and counter entries by the version register. */
		if (r == 0x2f || (r == APIC_LVT_PMC && lvt_max < 4) || (r == APIC_LVT_THERMAL && lvt_max < 5))
			continue;
		v = guarded(x2_read, (void *)(0x800 + r), NULL);
		if (!check_eq(v, x2_readable(r) ? NO_FAULT : VEC_GP))
			note("read of MSR %lx", 0x800 + r);
		if (r == APIC_ICR || r == APIC_SELF_IPI)	/* would send */
			continue;
		v = guarded(x2_write, (void *)(0x800 + r), NULL);
		if (!check_eq(v, x2_writable(r) ? NO_FAULT : VEC_GP))
			note("write of MSR %lx", 0x800 + r);
		if (r != APIC_TIMER_INIT) {
			v = guarded(x2_write_ones, (void *)(0x800 + r), NULL);
			if (!check_eq(v, VEC_GP))
				note("write of ones to MSR %lx", 0x800 + r);
		}
	}
	check_eq(rdmsr(0x802), this_cpu()->apic_id);
	check_eq(rdmsr(0x80d), (u64)(this_cpu()->apic_id >> 4) << 16 | 1UL << (this_cpu()->apic_id & 15));
	/* In this mode the page is gone: plain memory space that nobody owns. */
	if (on_ivm())
		check_fault(page_read, APIC_BASE, VEC_GP);
	apic_xapic();
}

/* ---- timers ---- */

static void one_shot(void)
{
	u64 before = irq_count(VEC), ticks, tsc;

	set_irq(VEC, handler);
	apic_write(APIC_TIMER_DIV, 0xb);		/* by 1 */
	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INIT, 0xffffffff);
	tsc = rdtsc();
	delay_us(10000);
	ticks = 0xffffffff - apic_read(APIC_TIMER_CUR);
	tsc = rdtsc() - tsc;
	note("timer %lu kHz", ticks * tsc_khz() / tsc);
	check(ticks > 1000);

	apic_write(APIC_LVT_TIMER, VEC);
	tsc = rdtsc();					/* before it runs: a host may be busy in between */
	apic_write(APIC_TIMER_INIT, ticks);		/* some 10 ms */
	check(with_irqs(irq_count(VEC) > before, 2000));
	check(seen_tsc - tsc > 8 * tsc_khz());		/* not early */
	check_eq(apic_read(APIC_TIMER_CUR), 0);
	with_irqs(false, 30);
	check_eq(irq_count(VEC), before + 1);		/* once */
	/* Zero stops it. */
	apic_write(APIC_TIMER_INIT, ticks);
	apic_write(APIC_TIMER_INIT, 0);
	with_irqs(false, 30);
	check_eq(irq_count(VEC), before + 1);
	/* Masked: it counts, but nobody hears. */
	apic_write(APIC_LVT_TIMER, 0x10000 | VEC);
	apic_write(APIC_TIMER_INIT, ticks / 4);
	with_irqs(false, 30);
	check_eq(irq_count(VEC), before + 1);
	apic_write(APIC_TIMER_INIT, 0);
}

static void periodic(void)
{
	u64 before = irq_count(VEC), start, per_ms, t;
	u32 left;

	set_irq(VEC, handler);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INIT, 0xffffffff);
	start = rdtsc();
	delay_us(5000);
	/* A host that is busy before or behind a look at the clock makes the tick seem shorter than it is, never longer. */
	t = rdtsc() - start;
	left = apic_read(APIC_TIMER_CUR);
	per_ms = (0xffffffff - left) * tsc_khz() / t;
	apic_write(APIC_LVT_TIMER, 0x20000 | VEC);
	start = rdtsc();
	apic_write(APIC_TIMER_INIT, per_ms * 5);
	check(with_irqs(irq_count(VEC) >= before + 20, 10000));
	t = (rdtsc() - start) / tsc_khz();
	note("20 periods of 5 ms took %lu ms", t);
	check(t >= 95);
	/* The divider stretches it. */
	apic_write(APIC_TIMER_INIT, 0);
	with_irqs(false, 2);			/* the one that was under way */
	apic_write(APIC_TIMER_DIV, 0x3);		/* by 16 */
	before = irq_count(VEC);
	start = rdtsc();
	apic_write(APIC_TIMER_INIT, per_ms * 5 / 16);
	check(with_irqs(irq_count(VEC) >= before + 4, 5000));
	t = (rdtsc() - start) / tsc_khz();
	check(t >= 17);
	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INIT, 0);
	apic_write(APIC_TIMER_DIV, 0xb);
}

/* A period of one tick may not take the machine away from its owner, nor from others. */
static void shortest_period(void)
{
	u64 before = irq_count(VEC), spins = 0, begin, t;

	if (!on_ivm()) {
		skip("QEMU does not come out of it");
		return;
	}
	set_irq(VEC, NULL);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, 0x20000 | VEC);
	apic_write(APIC_TIMER_INIT, 1);
	begin = rdtsc();
	sti();
	do {
		t = rdtsc() - begin;
		spins++;
	} while (t < 100 * tsc_khz() || (spins < 2 && t < 5000 * tsc_khz()));	/* a host may be slower than the timer for a while */
	cli();
	apic_write(APIC_LVT_TIMER, 0x10000);
	apic_write(APIC_TIMER_INIT, 0);
	note("%lu interrupts, %lu spins in %lu ms", irq_count(VEC) - before, spins, t / tsc_khz());
	check(irq_count(VEC) > before);
	check(spins > 1);
	with_irqs(false, 5);
}

static void tsc_deadline(void)
{
	u64 before = irq_count(VEC), when, reads;

	if (!(cpuid(1, 0).ecx & 1 << 24)) {
		skip("no TSC-deadline timer");
		return;
	}
	set_irq(VEC, handler);
	apic_write(APIC_LVT_TIMER, 0x40000 | VEC);
	asm volatile("mfence" ::: "memory");
	when = rdtsc() + 10 * tsc_khz();
	wrmsr(MSR_TSC_DEADLINE, when);
	reads = rdmsr(MSR_TSC_DEADLINE);
	if (rdtsc() < when)		/* on a host that is very busy it may be over */
		check_eq(reads, when);
	check(with_irqs(irq_count(VEC) > before, 2000));
	check(seen_tsc >= when);
	check_eq(rdmsr(MSR_TSC_DEADLINE), 0);
	/* In the past: at once. */
	wrmsr(MSR_TSC_DEADLINE, 1);
	check(with_irqs(irq_count(VEC) > before + 1, 1000));
	/* Disarmed: never. */
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 10 * tsc_khz());
	wrmsr(MSR_TSC_DEADLINE, 0);
	with_irqs(false, 30);
	check_eq(irq_count(VEC), before + 2);
	/* The end of time is no time soon. */
	wrmsr(MSR_TSC_DEADLINE, ~0UL);
	with_irqs(false, 30);
	check_eq(irq_count(VEC), before + 2);
	/* In another mode the MSR reads zero and ignores writes. */
	apic_write(APIC_LVT_TIMER, 0x10000 | VEC);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + tsc_khz());
	check_eq(rdmsr(MSR_TSC_DEADLINE), 0);
}

/* ---- interrupts to itself ---- */

static void self_ipi_both_modes(void)
{
	u64 before = irq_count(VEC);

	set_irq(VEC, handler);
	apic_icr(0, ICR_SELF | VEC);
	check(with_irqs(irq_count(VEC) == before + 1, 1000));
	apic_icr(this_cpu()->apic_id, VEC);
	check(with_irqs(irq_count(VEC) == before + 2, 1000));
	if (!apic_x2apic())
		return;
	wrmsr(0x83f, VEC);
	check(with_irqs(irq_count(VEC) == before + 3, 1000));
	wrmsr(0x830, ICR_SELF | VEC);
	check(with_irqs(irq_count(VEC) == before + 4, 1000));
	apic_xapic();
}

static u8 order[4];
static volatile u32 taken;

static void take(struct frame *f)
{
	if (taken < 4)
		order[taken++] = f->vector;
	apic_eoi();
}

static void priorities(void)
{
	taken = 0;
	set_irq(0x41, take);
	set_irq(0x51, take);
	set_irq(0x61, take);
	apic_icr(0, ICR_SELF | 0x41);
	apic_icr(0, ICR_SELF | 0x61);
	apic_icr(0, ICR_SELF | 0x51);
	check_eq(apic_read(APIC_IRR + 2) & 1 << 1, 1 << 1);		/* 0x41 = 2 * 32 + 1 */
	/* The task priority holds classes 4 and 5 back. */
	write_cr8(5);
	check_eq(apic_read(APIC_TPR), 0x50);
	check(with_irqs(taken == 1, 1000));
	with_irqs(false, 5);
	check_eq(taken, 1);
	check_eq(order[0], 0x61);
	apic_write(APIC_TPR, 0);
	check_eq(read_cr8(), 0);
	check(with_irqs(taken == 3, 1000));
	check_eq(order[1], 0x51);
	check_eq(order[2], 0x41);
	set_irq(0x51, NULL);
	set_irq(0x61, NULL);
}

static void sti_shadow(void)
{
	u64 before = irq_count(VEC);
	u64 during;

	set_irq(VEC, handler);
	apic_icr(0, ICR_SELF | VEC);
	/* One instruction after STI runs before the interrupt; STI followed by CLI lets none in. */
	asm volatile("sti; cli" ::: "memory");
	during = irq_count(VEC);
	check(with_irqs(irq_count(VEC) == before + 1, 1000));
	check_eq(during, before);
}

static void hlt_wakes(void)
{
	u64 before = irq_count(VEC);

	set_irq(VEC, handler);
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, VEC);
	for (u32 i = 1; i <= 10; i++) {
		apic_write(APIC_TIMER_INIT, 100000);
		while (irq_count(VEC) < before + i)
			sti_hlt_cli();
	}
	check_eq(irq_count(VEC), before + 10);
	apic_write(APIC_LVT_TIMER, 0x10000);
}

static void errors_are_reported(void)
{
	u64 before = irq_count(0x43);

	if (!on_ivm()) {
		skip("QEMU delivers illegal vectors");
		return;
	}
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	check_eq(apic_read(APIC_ESR), 0);
	apic_write(APIC_LVT_ERROR, 0x43);
	apic_icr(0, ICR_SELF | 0x05);		/* vectors below 16 are illegal */
	apic_write(APIC_ESR, 0);
	check(apic_read(APIC_ESR) & (1 << 5 | 1 << 6));
	with_irqs(false, 5);
	check(irq_count(0x43) > before);
	apic_write(APIC_LVT_ERROR, 0x10000);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
}

static void nmi_to_self(void)
{
	u64 before = irq_count(VEC_NMI);

	apic_icr(this_cpu()->apic_id, ICR_NMI);
	check(wait_until(irq_count(VEC_NMI) == before + 1, 1000));
}

static void software_disabled(void)
{
	u64 before = irq_count(VEC);

	apic_write(APIC_SVR, 0xff);
	apic_icr(0, ICR_SELF | VEC);
	with_irqs(false, 5);
	check_eq(irq_count(VEC), before);
	check_eq(apic_read(APIC_LVT_TIMER) & 0x10000, 0x10000);	/* all entries mask themselves */
	apic_write(APIC_LVT_LINT0, 0);
	check_eq(apic_read(APIC_LVT_LINT0) & 0x10000, 0x10000);
	apic_enable();
	with_irqs(false, 5);
}

/* ---- between vCPUs ---- */

static volatile bool stop;

static void listen(void *arg)
{
	u64 until = rdtsc() + 20000 * tsc_khz();

	sti();
	while (!stop && rdtsc() < until)
		asm volatile("pause");
	cli();
}

static void halt_listening(void *arg)
{
	while (!stop)
		sti_hlt_cli();
}

static void ipis(void (*fn)(void *))
{
	u32 n = smp_start();

	if (n < 2) {
		skip("one vCPU");
		return;
	}
	check_eq(n, nr_cpus);
	set_irq(VEC, NULL);
	stop = false;
	for (u32 i = 1; i < n; i++)
		smp_call(i, fn, NULL);
	for (u32 i = 1; i < n; i++)
		for (u32 r = 0; r < 50; r++) {
			u64 before = irq_count_of(i, VEC);

			apic_icr(cpus[i].apic_id, VEC);
			if (!check(wait_until(irq_count_of(i, VEC) == before + 1, patience()))) {
				note("IPI %u to vCPU %u: %lu came", r, i, irq_count_of(i, VEC) - before);
				break;
			}
		}
	/* Broadcasts reach the others, and not the sender. */
	u64 mine = irq_count(VEC), theirs = irq_count_of(1, VEC);

	apic_icr(0, ICR_OTHERS | VEC);
	check(wait_until(irq_count_of(1, VEC) == theirs + 1, patience()));
	with_irqs(false, 2);
	check_eq(irq_count(VEC), mine);
	apic_icr(0, ICR_ALL | VEC);
	check(wait_until(irq_count_of(1, VEC) == theirs + 2, patience()));
	check(with_irqs(irq_count(VEC) == mine + 1, 1000));
	/* NMI. */
	theirs = irq_count_of(1, VEC_NMI);
	apic_icr(cpus[1].apic_id, ICR_NMI);
	check(wait_until(irq_count_of(1, VEC_NMI) == theirs + 1, patience()));
	/* Nobody is there: nothing happens to anybody. */
	apic_icr(0xfe, VEC);
	apic_icr(nr_cpus, ICR_NMI);
	stop = true;
	apic_icr(0, ICR_OTHERS | VEC);
	for (u32 i = 1; i < n; i++)
		check(smp_wait(i, 2000));
}

static void ipis_to_busy(void) { ipis(listen); }
static void ipis_to_halted(void) { ipis(halt_listening); }

static void x2apic_here(void *arg) { check(apic_x2apic()); }
static void xapic_here(void *arg) { apic_xapic(); }

static void ipis_by_x2apic(void)
{
	if (!(cpuid(1, 0).ecx & 1 << 21)) {
		skip("no x2APIC");
		return;
	}
	smp_start();
	smp_call_all(x2apic_here, NULL);
	ipis(halt_listening);
	smp_call_all(xapic_here, NULL);
}

static void logical_destinations(void)
{
	u64 theirs;

	if (smp_start() < 2) {
		skip("one vCPU");
		return;
	}
	set_irq(VEC, NULL);
	/* x2APIC derives the logical id; in the page's flat mode each LAPIC is told. */
	apic_write(APIC_DFR, 0xffffffff);
	apic_write(APIC_LDR, 1 << 24);
	stop = false;
	smp_call(1, (void (*)(void *))apic_enable, NULL);
	check(smp_wait(1, 1000));
	smp_call(1, listen, NULL);
	theirs = irq_count_of(1, VEC);
	u64 mine = irq_count(VEC);

	apic_icr(1, ICR_LOGICAL | VEC);
	check(with_irqs(irq_count(VEC) == mine + 1, 1000));
	check_eq(irq_count_of(1, VEC), theirs);
	stop = true;
	check(smp_wait(1, 2000));
}

static void init_and_sipi_again(void)
{
	if (nr_cpus < 2) {
		skip("one vCPU");
		return;
	}
	smp_start();
	for (u32 i = 0; i < 5; i++)
		if (!check(smp_restart(1)))
			return;
	/* A second SIPI to a vCPU that runs changes nothing. */
	apic_icr(cpus[1].apic_id, ICR_SIPI | 0xff);
	delay_us(1000);
	smp_call(1, x2apic_here, NULL);
	check(smp_wait(1, 2000));
	smp_call(1, xapic_here, NULL);
	check(smp_wait(1, 2000));
}

static const struct guest_case cases[] = {
	{ "every_page_register", every_page_register },
	{ "every_x2apic_register", every_x2apic_register },
	{ "one_shot", one_shot },
	{ "periodic", periodic },
	{ "shortest_period", shortest_period },
	{ "tsc_deadline", tsc_deadline },
	{ "self_ipi_both_modes", self_ipi_both_modes },
	{ "priorities", priorities },
	{ "sti_shadow", sti_shadow },
	{ "hlt_wakes", hlt_wakes },
	{ "errors_are_reported", errors_are_reported },
	{ "nmi_to_self", nmi_to_self },
	{ "software_disabled", software_disabled },
	{ "ipis_to_busy", ipis_to_busy },
	{ "ipis_to_halted", ipis_to_halted },
	{ "ipis_by_x2apic", ipis_by_x2apic },
	{ "logical_destinations", logical_destinations },
	{ "init_and_sipi_again", init_and_sipi_again },
};

u32 guest_main(void) { return RUN_CASES(NULL, cases); }
