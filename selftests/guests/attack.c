// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that tries to get more of its cores than it is entitled to, or to
 * spoil them for others. On all its vCPUs, until the power button is pressed:
 *
 *	how=spin	computes all the time
 *	how=dodge	computes until shortly before each boundary of period=US
 *			(10000), is asleep across it (margin=US, 500), and finds out
 *			by its own gaps where the boundaries are
 *	how=wake	sleeps for an instant, again and again
 *	how=alternate	computes for on=US (300), sleeps for off=US (300)
 *	how=ipi		vCPUs send interrupts to all the others, one to itself
 *	how=nmi		the first one sends NMIs to the others, who sleep
 *	how=init	the first one sends INIT to the others, who were never started
 *	how=sipi	likewise INIT and SIPI; they begin, and sleep
 *	how=deadline	TSC deadlines in the past
 *	how=periodic	the shortest period of the APIC timer, sleeping in between
 *	how=deaf	likewise, with interrupts off: it never wakes
 *	how=port	reads of a port that nobody claims
 *	how=mmio	reads of device memory that nobody claims
 *	how=listen	sleeps, and is interrupted when somebody types into its console
 *	how=lopsided	the first one computes all the time, the others are as wake
 *
 * Then it says "ran N us": how long its vCPUs can prove to have run, and all of
 * them halt for good. A stretch between two looks at the TSC counts when it is
 * shorter than gap=US (50); so what counts cannot have been somebody else's time.
 */
#include "guest.h"

#define VEC_TIMER	0x41
#define VEC_IPI		0x42
#define VEC_UART	0x43
#define PORT		0x2f8		/* where a second UART would be */
#define HOLE		0xe8000000UL	/* of PCI memory, without a device */
#define PM1_STATUS	0x600
#define PM1_POWER_BUTTON	0x100
#define LOOK_US		20000		/* for the button: seldom, as it is an exit */
#define AP_PAGE		0x9000UL
#define IOAPIC		0xfec00000UL
#define IOAPIC_WINDOW	0x10
#define IOAPIC_UART	(0x10 + 2 * 4)	/* its redirection entry */
#define LVT_PERIODIC	0x20000
#define LVT_DEADLINE	0x40000
#define LVT_MASKED	0x10000

static struct runner {
	u64 last, ran, rounds;
	volatile bool done;
} __aligned(64) runners[MAX_CPUS];

static u64 khz, gap, period, margin, on, off;	/* in TSC ticks but the first */
static volatile bool over;

static u64 us(u64 n) { return n * khz / 1000; }

static struct runner *self(void) { return &runners[this_cpu()->index]; }

/* Now; the time since the last look counts if nothing came between. */
static u64 look(struct runner *r)
{
	u64 now = rdtsc();

	if (now - r->last < gap)
		r->ran += now - r->last;
	r->last = now;
	return now;
}

/* The first vCPU is the one that looks for the button. */
static bool goes_on(struct runner *r)
{
	static u64 next;

	if (look(r) >= next && r == runners) {
		next = r->last + us(LOOK_US);
		over = inw(PM1_STATUS) & PM1_POWER_BUTTON;
	}
	return !over;
}

static void take_timer(struct frame *f)
{
	apic_eoi();
}

/* Sleeps until the TSC is @until; the time does not count. */
static void sleep_until(struct runner *r, u64 until)
{
	wrmsr(MSR_TSC_DEADLINE, until);
	sti_hlt_cli();
	r->last = rdtsc();
	r->rounds++;
}

static void compute_until(struct runner *r, u64 until)
{
	while (look(r) < until)
		;
}

static void spin(struct runner *r)
{
	while (goes_on(r))
		;
}

/* A slice that is ours begins where a long gap ends. */
static void dodge(struct runner *r)
{
	u64 boundary = rdtsc() + period, before;

	for (before = r->last; goes_on(r); before = r->last) {
		if (r->last - before > period / 4)
			boundary = r->last + period;
		if (r->last < boundary - margin)
			continue;
		sleep_until(r, boundary + margin);
		/* Did others have the slice that began? */
		if (r->last < boundary + 2 * margin)
			boundary += period;
		else
			boundary = r->last + period;
	}
}

static void wake(struct runner *r)
{
	while (goes_on(r))
		sleep_until(r, r->last + us(20));
}

static void alternate(struct runner *r)
{
	while (goes_on(r)) {
		compute_until(r, r->last + on);
		sleep_until(r, r->last + off);
	}
}

static void ipi(struct runner *r)
{
	u32 to = nr_cpus > 1 ? ICR_OTHERS : ICR_SELF;

	sti();
	for (; goes_on(r); r->rounds++)
		apic_icr(0, to | VEC_IPI);
	cli();
}

static bool take_nmi(struct frame *f)
{
	return f->vector == VEC_NMI;
}

static void nmi(struct runner *r)
{
	if (r != runners) {
		while (!over)
			asm volatile("cli; hlt");
		return;
	}
	for (; goes_on(r); r->rounds++)
		apic_icr(0, ICR_OTHERS | ICR_NMI);
	/* They look for their end when they are woken. */
	for (u32 i = 1; i < nr_cpus; i++)
		while (!runners[i].done)
			apic_icr(0, ICR_OTHERS | ICR_NMI);
}

static void init(struct runner *r)
{
	for (; goes_on(r); r->rounds++)
		apic_icr(0, ICR_OTHERS | ICR_INIT);
}

static void sipi(struct runner *r)
{
	static const u8 code[] = { 0xfa, 0xf4, 0xeb, 0xfc };	/* cli; hlt; jmp */

	memcpy((u8 *)AP_PAGE, code, sizeof(code));
	for (; goes_on(r); r->rounds++) {
		apic_icr(0, ICR_OTHERS | ICR_INIT);
		apic_icr(0, ICR_OTHERS | ICR_SIPI | AP_PAGE >> 12);
	}
}

static void deadline(struct runner *r)
{
	sti();
	for (; goes_on(r); r->rounds++)
		wrmsr(MSR_TSC_DEADLINE, 1);
	cli();
}

/* Asks for more than the host gives. */
static void shortest_period(void)
{
	apic_write(APIC_TIMER_DIV, 0xb);
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | VEC_TIMER);
	apic_write(APIC_TIMER_INIT, 1);
}

static void periodic(struct runner *r)
{
	shortest_period();
	for (; goes_on(r); r->rounds++) {
		sti_hlt_cli();
		r->last = rdtsc();
	}
}

static void deaf(struct runner *r)
{
	shortest_period();
	for (;;)
		asm volatile("cli; hlt");
}

static void port(struct runner *r)
{
	for (; goes_on(r); r->rounds++)
		inb(PORT);
}

static void mmio(struct runner *r)
{
	for (; goes_on(r); r->rounds++)
		(void)*(volatile u32 *)HOLE;
}

static void ioapic_write(u32 reg, u32 value)
{
	*(volatile u32 *)IOAPIC = reg;
	*(volatile u32 *)(IOAPIC + IOAPIC_WINDOW) = value;
}

static void take_uart(struct frame *f)
{
	inb(UART_PORT);
	apic_eoi();
}

static void listen(struct runner *r)
{
	set_irq(VEC_UART, take_uart);
	ioapic_write(IOAPIC_UART + 1, 0);
	ioapic_write(IOAPIC_UART, VEC_UART);
	outb(UART_PORT + 1, 1);
	while (goes_on(r)) {
		sti_hlt_cli();
		r->last = rdtsc();
		print("heard\n");
	}
}

static void lopsided(struct runner *r)
{
	if (r == runners)
		spin(r);
	else
		wake(r);
}

static const struct attack {
	const char *name;
	void (*run)(struct runner *r);
	bool alone;		/* the others are not started */
} attacks[] = {
	{ "spin", spin }, { "dodge", dodge }, { "wake", wake }, { "alternate", alternate }, { "ipi", ipi },
	{ "nmi", nmi }, { "init", init, true }, { "sipi", sipi, true }, { "deadline", deadline },
	{ "periodic", periodic }, { "deaf", deaf }, { "port", port }, { "mmio", mmio }, { "listen", listen },
	{ "lopsided", lopsided },
};

static const struct attack *attack;

static void run(void)
{
	struct runner *r = self();

	apic_x2apic();	/* whose registers are answered the quickest */
	apic_write(APIC_LVT_TIMER, LVT_DEADLINE | VEC_TIMER);
	r->last = rdtsc();
	attack->run(r);
	apic_write(APIC_LVT_TIMER, LVT_MASKED);
	r->done = true;
}

static void run_other(void *arg)
{
	run();
	for (;;)
		asm volatile("cli; hlt");
}

u32 guest_main(void)
{
	const char *how = option("how");
	u64 ran = 0, rounds = 0;

	for (u32 i = 0; how && i < ARRAY_SIZE(attacks); i++)
		if (streq(how, attacks[i].name))
			attack = &attacks[i];
	if (!attack) {
		print("there is no such attack\n");
		return VERDICT_FAIL;
	}
	khz = tsc_khz();
	gap = us(option_num("gap", 50));
	period = us(option_num("period", 10000));
	margin = us(option_num("margin", 500));
	on = us(option_num("on", 300));
	off = us(option_num("off", 300));
	set_irq(VEC_TIMER, take_timer);
	set_irq(VEC_IPI, take_timer);
	set_trap(take_nmi);
	if (!attack->alone)
		smp_start();
	print("attacking by %s on %u vCPUs\n", attack->name, nr_cpus);
	for (u32 i = 1; i < nr_cpus && !attack->alone; i++)
		smp_call(i, run_other, NULL);
	run();
	for (u32 i = 0; i < nr_cpus; i++) {
		while (i && !attack->alone && !runners[i].done)
			pause();
		ran += runners[i].ran;
		rounds += runners[i].rounds;
	}
	print("ran %lu us in %lu rounds\n", ran * 1000 / khz, rounds);
	for (;;)
		asm volatile("cli; hlt");
}
