// SPDX-License-Identifier: GPL-2.0-only
/* The board's interrupt sources: 8259 pair, 8254, IOAPIC, ACPI PM timer, CMOS clock, UART. */
#include "guest.h"

#define PIC1 0x20
#define PIC2 0xa0
#define PIC_BASE 0x70		/* vectors 70-77, 78-7f */
#define VEC 0x51
#define PIT_HZ 1193182UL
#define UART_GSI 4

#define with_irqs(cond, ms) ({ sti(); bool r_ = wait_until(cond, ms); cli(); r_; })

/* ---- IOAPIC ---- */

static u32 io_read(u32 reg)
{
	*(volatile u32 *)(u64)acpi_ioapic = reg;
	return *(volatile u32 *)((u64)acpi_ioapic + 0x10);
}

static void io_write(u32 reg, u32 v)
{
	*(volatile u32 *)(u64)acpi_ioapic = reg;
	*(volatile u32 *)((u64)acpi_ioapic + 0x10) = v;
}

static void io_route(u32 pin, u64 entry)
{
	io_write(0x11 + pin * 2, entry >> 32);
	io_write(0x10 + pin * 2, entry);
}

#define MASKED (1UL << 16)
#define LEVEL (1UL << 15)
#define LOW (1UL << 13)

static void pics_off(void)
{
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}

static void ioapic_registers(void)
{
	u32 pins = (io_read(1) >> 16 & 0xff) + 1;

	check(acpi_ioapic);
	check(pins >= 24);
	for (u32 pin = 0; pin < pins; pin++) {
		io_route(pin, 0xff00000000000000 | MASKED | LEVEL | VEC);
		check_eq(io_read(0x10 + pin * 2) & 0x1afff, MASKED | LEVEL | VEC);
		check_eq(io_read(0x11 + pin * 2), 0xff000000);
		/* Delivery status and remote IRR are read-only. */
		io_route(pin, MASKED | 1 << 12 | 1 << 14 | VEC);
		check_eq(io_read(0x10 + pin * 2) & 0x5000, 0);
		io_route(pin, MASKED);
	}
	/* Registers that do not exist answer something and change nothing. */
	for (u32 reg = 0x10 + pins * 2; reg < 0x100; reg++) {
		io_write(reg, 0xffffffff);
		(void)io_read(reg);
	}
	check_eq(io_read(0x10), MASKED);
}

/* ---- 8254 ---- */

static void pit_program(u32 channel, u32 mode, u32 count)
{
	outb(0x43, channel << 6 | 3 << 4 | mode << 1);
	outb(0x40 + channel, count);
	outb(0x40 + channel, count >> 8);
}

static u32 pit_count(u32 channel)
{
	outb(0x43, channel << 6);
	u32 lo = inb(0x40 + channel);

	return lo | inb(0x40 + channel) << 8;
}

static void pit_stop(void) { outb(0x43, 0x30); }	/* mode 0, waits for a count */

static void pit_counts(void)
{
	u32 a, b;
	u64 t;

	pit_program(0, 2, 0);
	t = rdtsc();
	a = pit_count(0);
	delay_us(10000);
	b = pit_count(0);
	t = (rdtsc() - t) * 1000 / tsc_khz();	/* us */
	note("%u ticks in %lu us", (a - b) & 0xffff, t);
	check(((a - b) & 0xffff) >= 10000 * PIT_HZ / 1000000 * 9 / 10);
	check(((a - b) & 0xffff) <= t * PIT_HZ / 1000000 * 11 / 10);
	pit_stop();
}

/* Channel 2 with its gate and output at port 61: how kernels calibrate. */
static void pit_channel_2(void)
{
	u64 t;
	u8 was = inb(0x61);

	outb(0x61, (was & ~2) | 1);
	t = rdtsc();	/* before: the core may be another's for a while */
	pit_program(2, 0, PIT_HZ / 100);
	check_eq(inb(0x61) & 0x20, 0);
	check(wait_until(inb(0x61) & 0x20, 1000));
	t = (rdtsc() - t) * 1000 / tsc_khz();
	note("10 ms by channel 2 are %lu us by the TSC", t);
	check(t > 9000);
	outb(0x61, was);
}

static void handler(struct frame *f) { apic_eoi(); }
static void pic_handler(struct frame *f)
{
	if (f->vector >= PIC_BASE + 8)
		outb(PIC2, 0x20);
	outb(PIC1, 0x20);
}

static void pit_through_ioapic(void)
{
	u64 before, t;
	u32 pin = 2;		/* by the interrupt source override of IRQ 0 */

	pics_off();
	set_irq(VEC, handler);
	before = irq_count(VEC);
	io_route(pin, (u64)this_cpu()->apic_id << 56 | VEC);
	t = rdtsc();				/* before it runs: a host that is busy in between lengthens what is seen */
	pit_program(0, 2, PIT_HZ / 200);
	check(with_irqs(irq_count(VEC) >= before + 10, 5000));
	t = (rdtsc() - t) / tsc_khz();
	note("10 periods of 5 ms took %lu ms", t);
	check(t >= 45);
	io_route(pin, MASKED | VEC);
	with_irqs(false, 20);			/* the one that was under way */
	before = irq_count(VEC);
	with_irqs(false, 20);
	check_eq(irq_count(VEC), before);
	pit_stop();
}

static void pics_init(u8 mask1, u8 mask2)
{
	outb(PIC1, 0x11);
	outb(PIC1 + 1, PIC_BASE);
	outb(PIC1 + 1, 4);
	outb(PIC1 + 1, 1);
	outb(PIC2, 0x11);
	outb(PIC2 + 1, PIC_BASE + 8);
	outb(PIC2 + 1, 2);
	outb(PIC2 + 1, 1);
	outb(PIC1 + 1, mask1);
	outb(PIC2 + 1, mask2);
}

static void pit_through_pic(void)
{
	u64 before;

	set_irq(PIC_BASE, pic_handler);
	before = irq_count(PIC_BASE);
	pics_init(0xfe, 0xff);
	check_eq(inb(PIC1 + 1), 0xfe);
	check_eq(inb(PIC2 + 1), 0xff);
	apic_write(APIC_LVT_LINT0, 0x700);		/* ExtINT */
	pit_program(0, 2, PIT_HZ / 200);
	check(with_irqs(irq_count(PIC_BASE) >= before + 5, 5000));
	/* Masked at the PIC. */
	outb(PIC1 + 1, 0xff);
	with_irqs(false, 10);
	before = irq_count(PIC_BASE);
	with_irqs(false, 20);
	check_eq(irq_count(PIC_BASE), before);
	/* Unmasked, but LINT0 masked. */
	apic_write(APIC_LVT_LINT0, 0x10700);
	outb(PIC1 + 1, 0xfe);
	with_irqs(false, 20);
	check_eq(irq_count(PIC_BASE), before);
	pit_stop();
	pics_init(0xff, 0xff);
}

/* ---- UART ---- */

static volatile u32 uart_seen;
static volatile u8 uart_iir;

static void uart_handler(struct frame *f)
{
	uart_iir = inb(UART_PORT + 2);
	uart_seen++;
	if ((uart_iir & 0xf) == 2)
		outb(UART_PORT + 1, 0);		/* enough */
	apic_eoi();
}

static void uart_transmit_interrupt(void)
{
	set_irq(VEC, uart_handler);
	uart_seen = 0;
	io_route(UART_GSI, (u64)this_cpu()->apic_id << 56 | VEC);
	outb(UART_PORT + 4, 0x0b);		/* OUT2 gates the line */
	outb(UART_PORT + 1, 2);
	check(with_irqs(uart_seen > 0, 2000));
	check_eq(uart_iir & 0xf, 2);
	outb(UART_PORT + 1, 0);
	io_route(UART_GSI, MASKED);
}

static void uart_scratch_and_divisor(void)
{
	u8 lcr = inb(UART_PORT + 3), lo;

	for (u32 v = 0; v < 256; v += 51) {
		outb(UART_PORT + 7, v);
		check_eq(inb(UART_PORT + 7), v);
	}
	outb(UART_PORT + 3, lcr | 0x80);
	lo = inb(UART_PORT);
	outb(UART_PORT, 12);
	check_eq(inb(UART_PORT), 12);
	outb(UART_PORT, lo);
	outb(UART_PORT + 3, lcr);
	check_eq(inb(UART_PORT + 3), lcr);
	check_eq(inb(UART_PORT + 5) & 0x60, 0x60);
}

static void uart_loopback(void)
{
	u8 mcr = inb(UART_PORT + 4);

	outb(UART_PORT + 4, 0x10);
	outb(UART_PORT, 'x');
	check(wait_until(inb(UART_PORT + 5) & 1, 100));
	check_eq(inb(UART_PORT), 'x');
	check_eq(inb(UART_PORT + 5) & 1, 0);
	outb(UART_PORT + 4, mcr);
}

/* ---- clocks ---- */

static void pm_timer_runs(void)
{
	u64 t = rdtsc(), a = pm_timer(), ticks;	/* the TSC outside: a host that is busy in between lengthens both */

	delay_us(50000);
	ticks = (pm_timer() - a) & 0xffffff;
	t = (rdtsc() - t) * 1000 / tsc_khz();
	check(ticks > 3579545 / 20 * 95 / 100);
	check(ticks < t * 3579545 / 1000000 * 105 / 100 + 100);
}

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static u32 bcd(u8 v) { return (v >> 4) * 10 + (v & 15); }

static void cmos_clock_ticks(void)
{
	u32 s, year = bcd(cmos(9)), month = bcd(cmos(8)), day = bcd(cmos(7));

	check(year >= 20 && year < 99);
	check(month >= 1 && month <= 12);
	check(day >= 1 && day <= 31);
	check(bcd(cmos(2)) < 60);
	check(cmos(0xd) & 0x80);		/* valid RAM and time */
	s = cmos(0);
	check(bcd(s) < 60);
	check(wait_until(cmos(0) != s, 5000));
	outb(0x70, 0x40);
	outb(0x71, 0xa5);
	check_eq(cmos(0x40), 0xa5);
}

static const struct guest_case cases[] = {
	{ "ioapic_registers", ioapic_registers },
	{ "pit_counts", pit_counts },
	{ "pit_channel_2", pit_channel_2 },
	{ "pit_through_ioapic", pit_through_ioapic },
	{ "pit_through_pic", pit_through_pic },
	{ "uart_transmit_interrupt", uart_transmit_interrupt },
	{ "uart_scratch_and_divisor", uart_scratch_and_divisor },
	{ "uart_loopback", uart_loopback },
	{ "pm_timer_runs", pm_timer_runs },
	{ "cmos_clock_ticks", cmos_clock_ticks },
};

u32 guest_main(void)
{
	pics_init(0xff, 0xff);
	return RUN_CASES(NULL, cases);
}
