// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that writes what it likes to every register of the interrupt chips,
 * while time passes and lines move. After each step the state must be one that
 * the hardware could be in, the run loop must learn of every interrupt that
 * can be taken, and the host must not have done more than the step allows.
 */
/* sources: kmod/irq/[a-z]*.c */
/* max_len: 384 */
#include "irq/irq.h"
#include "irq/chip.h"
#include "shim/shim.h"

#include <asm/msr.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/string.h>

#define VCPUS	3
#define TSC_KHZ	2100000

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static unsigned int calls_up;

static void rec(void *ctx, unsigned int vcpu)
{
	BUG_ON(vcpu >= VCPUS);
	calls_up++;
}

static void rec_sipi(void *ctx, unsigned int vcpu, u8 vector)
{
	BUG_ON(vcpu >= VCPUS);
	calls_up++;
}

static const struct ivm_irq_ops ops = { rec, rec, rec, rec_sipi };

struct input {
	const u8 *data;
	size_t left;
};

/* Next @n bytes, little-endian; zeros after the end. */
static u64 take(struct input *in, unsigned int n)
{
	u64 value = 0;
	unsigned int i;

	for (i = 0; i < n && in->left; i++, in->left--)
		value |= (u64)*in->data++ << 8 * i;
	return value;
}

/* Values that mean something are more likely than chance makes them. */
static u64 value(struct input *in)
{
	u8 kind = take(in, 1);

	switch (kind & 7) {
	case 0:
		return take(in, 1);
	case 1:
		return take(in, 2);
	case 2:
		return take(in, 4);
	case 3:
		return take(in, 8);
	case 4:
		return 1ULL << (kind >> 3);
	case 5:
		return ~0ULL;
	case 6:
		return rdtsc() + take(in, 2);
	default:
		return kind >> 3;
	}
}

static unsigned int highest(const unsigned long *map)
{
	unsigned int i, top = 0;

	for (i = 0; i < IVM_VECTOR_WORDS; i++)
		if (map[i])
			top = i * 64 + __fls(map[i]);
	return top;
}

static void check_timer(struct ivm_lapic *l)
{
	struct ivm_lapic_timer *t = &l->timer;
	u32 lvt = l->lvt[IVM_LVT_TIMER];
	bool deadline = (lvt & IVM_LVT_TIMER_MODE) == IVM_LVT_DEADLINE;
	bool wanted = deadline ? t->deadline != 0 : t->target != IVM_NEVER;

	BUG_ON(t->hrtimer.armed != (wanted && !l->chip->frozen && !(lvt & IVM_LVT_MASKED)));
	BUG_ON(deadline && t->target != IVM_NEVER);
	BUG_ON(!deadline && t->deadline);
	BUG_ON(ivm_lapic_timer_current(l) > t->initial);
}

static void check_lapic(struct ivm_irqchip *chip, struct ivm_lapic *l)
{
	unsigned int top = highest(l->irr), served = highest(l->isr);
	bool extint = l->extint_message;
	u8 ppr;
	int next;
	int i;

	BUG_ON(l->isr_top != served);
	BUG_ON((served && served < 16) || (l->irr[0] & 0xffff));
	ppr = (l->tpr & 0xf0) >= (served & 0xf0) ? l->tpr : served & 0xf0;
	BUG_ON(l->ppr != ppr);
	BUG_ON(l->accepts != (l->mode != IVM_APIC_DISABLED && l->svr & IVM_SVR_ENABLE));
	for (i = 0; i < IVM_LVTS; i++)
		BUG_ON(!(l->svr & IVM_SVR_ENABLE) && !(l->lvt[i] & IVM_LVT_MASKED));
	if (chip->pics.out) {
		if (l->mode == IVM_APIC_DISABLED)
			extint |= l->id == 0;
		else
			extint |= (l->lvt[IVM_LVT_LINT0] & 0x10700) == 0x700;
	}
	next = ivm_irq_next(chip, l->id);
	BUG_ON(next != ivm_irq_next(chip, l->id));
	if (extint)
		BUG_ON(next == IVM_IRQ_NONE || next > 255);
	else if (l->accepts && (top & 0xf0) > (ppr & 0xf0))
		BUG_ON(next != (int)top);
	else
		BUG_ON(next != IVM_IRQ_NONE);
	check_timer(l);
}

static void check(struct ivm_irqchip *chip)
{
	struct ivm_pics *pics = &chip->pics;
	unsigned int i;

	BUG_ON(shim_locks_held() || shim_irqs_off());
	BUG_ON(chip->frozen && shim_timers_armed());
	for (i = 0; i < VCPUS; i++)
		check_lapic(chip, chip->lapic[i]);
	for (i = 0; i < IVM_PLATFORM_IOAPIC_PINS; i++) {
		u64 entry = chip->ioapic.entry[i];

		BUG_ON(entry & 1 << 14 && (!(entry & 1 << 15) || (entry >> 8 & 7) > 1));
	}
	/* Only unmasked requests are heard, and edges need their line. */
	BUG_ON(pics->out && !(pics->master.irr & ~pics->master.imr));
	BUG_ON(pics->master.irr & ~pics->master.lines & ~4);
	BUG_ON(pics->slave.irr & ~pics->slave.lines);
	for (i = 0; i < 3; i++)
		BUG_ON(chip->pit.channel[i].reload < 1 || chip->pit.channel[i].reload > 65536);
}

/* Return: did time pass, or every timer have to be set? */
static bool step(struct ivm_irqchip *chip, struct input *in)
{
	static const u16 pic_ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1 };
	static const u16 pit_ports[] = { 0x40, 0x41, 0x42, 0x43, 0x61 };
	u8 op = take(in, 1), where = take(in, 1);
	unsigned int vcpu = op >> 4 & 3, size = 1 << (op >> 6);
	u64 v, ns;

	if (vcpu >= VCPUS)
		vcpu = 0;
	switch (op & 15) {
	case 0:
		ivm_lapic_write(chip, vcpu, chip->lapic[vcpu]->base + where * 16, 4, value(in));
		ivm_lapic_read(chip, vcpu, chip->lapic[vcpu]->base + where * 16, 4);
		break;
	case 1:
		ivm_lapic_write(chip, vcpu, IVM_PLATFORM_LAPIC_BASE + (take(in, 2) & 0xfff), size, value(in));
		break;
	case 2:
		ivm_lapic_write_msr(chip, vcpu, 0x800 + where, value(in));
		break;
	case 3:
		BUG_ON(!ivm_lapic_read_msr(chip, vcpu, 0x800 + where, &v) && chip->lapic[vcpu]->mode != IVM_APIC_X2APIC);
		break;
	case 4:
		ivm_lapic_write_msr(chip, vcpu, 0x1b, where & 0x80 ? value(in) : IVM_PLATFORM_LAPIC_BASE | (where & 3) << 10);
		break;
	case 5:
		ivm_lapic_write_msr(chip, vcpu, 0x6e0, value(in));
		ivm_lapic_read_msr(chip, vcpu, 0x6e0, &v);
		break;
	case 6:
		ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE, 4, where);
		ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE + 0x10, 4, value(in));
		break;
	case 7:
		ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE + where, size, value(in));
		ivm_ioapic_read(chip, IVM_PLATFORM_IOAPIC_BASE + where, size);
		break;
	case 8:
		ivm_pic_write(chip, pic_ports[where % 6], size, value(in));
		ivm_pic_read(chip, pic_ports[where % 6], size);
		break;
	case 9:
		ivm_pit_write(chip, pit_ports[where % 5], size, value(in));
		ivm_pit_read(chip, pit_ports[where % 5], size);
		break;
	case 10:
		ivm_irq_line(chip, where & 31, where & 32);
		break;
	case 11:
		ivm_irq_msi(chip, where & 0x80 ? value(in) : 0xfee00000 | (where & 3) << 12 | (where & 0xc), take(in, 2));
		break;
	case 12:
		v = ivm_irq_next(chip, vcpu);
		BUG_ON((int)v != ivm_irq_ack(chip, vcpu));
		break;
	case 13:
		if (where & 1)
			ivm_lapic_write(chip, vcpu, chip->lapic[vcpu]->base + 0xb0, 4, 0);
		else
			ivm_lapic_set_cr8(chip, vcpu, where >> 4);
		break;
	case 14:
		/* up to 1 s */
		ns = take(in, 4) % 1000000000 >> where % 32;
		v = shim_timers_fired();
		shim_clock_advance(ns);
		/* periodic timers at their floors, and one of each that ends */
		BUG_ON(shim_timers_fired() - v > VCPUS * (ns / 50000 + 3) + ns / 100000 + 3);
		break;
	case 15:
		if (where < 100)
			ivm_irqchip_freeze(chip);
		else if (where < 220)
			ivm_irqchip_thaw(chip, where & 1 ? value(in) : 0);
		else if (where < 250)
			ivm_lapic_init_signal(chip, vcpu);
		else
			ivm_irqchip_reset(chip);
		break;
	}
	return (op & 15) >= 14;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	struct ivm_irqchip *chip;
	u64 started;

	shim_tsc_per_us(TSC_KHZ / 1000);
	chip = ivm_irqchip_create(VCPUS, TSC_KHZ, &ops, NULL);
	BUG_ON(IS_ERR(chip));
	ivm_irqchip_thaw(chip, 0);
	while (in.left) {
		calls_up = 0;
		started = shim_timers_started();
		if (!step(chip, &in)) {
			/* At most eight bytes to ports, or an EOI that sends the levels of all pins to all. */
			BUG_ON(calls_up > 8 * VCPUS + IVM_PLATFORM_IOAPIC_PINS);
			BUG_ON(shim_timers_started() - started > 8);
		}
		check(chip);
	}
	ivm_irqchip_destroy(chip);
	BUG_ON(shim_timers_armed() || shim_alloc_live() || shim_printed());
	return 0;
}
