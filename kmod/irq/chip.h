/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to irq/: the objects behind irq.h.
 *
 * Who may touch a field:
 *  (c) constant once created
 *  (a) anyone, in any context, with atomic operations
 *  (o) the vCPU's own thread; others only while no vCPU runs
 *  (r) written as (o) with WRITE_ONCE(), read by anyone with READ_ONCE()
 *  (l) under the lock of its object
 *  (z) written by freeze() and thaw() only, while no vCPU runs
 *
 * Locks, outer before inner: PIT, then PIC or IOAPIC. A LAPIC's timer lock is
 * innermost and taken alone. The request registers of a LAPIC need none.
 */
#ifndef IVM_IRQ_CHIP_H
#define IVM_IRQ_CHIP_H

#include "irq.h"

#include <asm/barrier.h>
#include <asm/msr.h>
#include <linux/atomic.h>
#include <linux/hrtimer.h>
#include <linux/ivm.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>

/* Registers of the LAPIC: bits 11:4 of the xAPIC offset, bits 7:0 of the x2APIC MSR. */
enum ivm_apic_reg {
	IVM_APIC_ID		= 0x02,
	IVM_APIC_VERSION	= 0x03,
	IVM_APIC_TPR		= 0x08,
	IVM_APIC_APR		= 0x09,	/* xAPIC only */
	IVM_APIC_PPR		= 0x0a,
	IVM_APIC_EOI		= 0x0b,
	IVM_APIC_RRD		= 0x0c,	/* xAPIC only */
	IVM_APIC_LDR		= 0x0d,
	IVM_APIC_DFR		= 0x0e,	/* xAPIC only */
	IVM_APIC_SVR		= 0x0f,
	IVM_APIC_ISR		= 0x10,	/* 8 registers each */
	IVM_APIC_TMR		= 0x18,
	IVM_APIC_IRR		= 0x20,
	IVM_APIC_ESR		= 0x28,
	IVM_APIC_ICR		= 0x30,
	IVM_APIC_ICR2		= 0x31,	/* xAPIC only */
	IVM_APIC_LVT		= 0x32,	/* enum ivm_lvt, in this order */
	IVM_APIC_LVT_LAST	= 0x37,
	IVM_APIC_TMICT		= 0x38,
	IVM_APIC_TMCCT		= 0x39,
	IVM_APIC_TDCR		= 0x3e,
	IVM_APIC_SELF_IPI	= 0x3f,	/* x2APIC only */
};

enum ivm_lvt { IVM_LVT_TIMER, IVM_LVT_THERMAL, IVM_LVT_PERF, IVM_LVT_LINT0, IVM_LVT_LINT1, IVM_LVT_ERROR, IVM_LVTS };

#define IVM_LVT_MASKED		(1U << 16)
#define IVM_LVT_TIMER_MODE	(3U << 17)
#define IVM_LVT_ONESHOT		(0U << 17)
#define IVM_LVT_PERIODIC	(1U << 17)
#define IVM_LVT_DEADLINE	(2U << 17)

#define IVM_SVR_ENABLE		(1U << 8)
#define IVM_SVR_NO_EOI_BCAST	(1U << 12)	/* the guest will write the IOAPIC's EOI register itself */

/* Version 0x14, six LVT entries, EOI broadcasts can be suppressed. */
#define IVM_APIC_VERSION_VALUE	(0x14U | (IVM_LVTS - 1) << 16 | 1U << 24)

/* Delivery modes: LVT, ICR, IOAPIC and MSI use the same numbers. */
enum ivm_delivery {
	IVM_DM_FIXED, IVM_DM_LOWEST, IVM_DM_SMI, IVM_DM_RESERVED,
	IVM_DM_NMI, IVM_DM_INIT, IVM_DM_SIPI, IVM_DM_EXTINT,
};

#define IVM_ESR_SEND_VECTOR	(1U << 5)
#define IVM_ESR_RECV_VECTOR	(1U << 6)
#define IVM_ESR_REGISTER	(1U << 7)

/* Vectors below are no interrupts. */
#define IVM_VECTOR_FIRST	16

#define IVM_VECTOR_WORDS	4	/* of 64 bits */

enum ivm_apic_mode { IVM_APIC_DISABLED, IVM_APIC_XAPIC, IVM_APIC_X2APIC };

/* No time is set. */
#define IVM_NEVER		(~0ULL)

/* Of the timer and of the host's part in it; see lapic_timer.c. */
struct ivm_lapic_timer {
	raw_spinlock_t lock;
	struct hrtimer hrtimer;	/* (l) armed only when an interrupt will come of it, and not while frozen */
	u64 target;		/* (l) chip time of the next expiry of the counter, IVM_NEVER: stopped */
	u64 deadline;		/* (l) guest TSC; 0: none */
	u32 initial;		/* (l) TMICT */
	u32 tdcr;		/* (l) */
	bool unheard;		/* (l) periodic, and not armed since the interrupt before was not taken; also read without */
};

struct ivm_lapic {
	/*
	 * 1: ivm_irq_next() has to look. Whoever adds a request sets the
	 * request first and this second, and kicks the vCPU when it was 0;
	 * the vCPU's thread clears it first and looks second.
	 */
	u32 pending;				/* (a) */
	u32 extint_message;			/* (a) an ExtINT message came: run an INTA cycle */
	unsigned long irr[IVM_VECTOR_WORDS];	/* (a) */
	unsigned long tmr[IVM_VECTOR_WORDS];	/* (a) set before the vector's bit in irr */
	atomic_t errors;			/* (a) ESR bits since the last write of ESR */

	struct ivm_irqchip *chip;		/* (c) */
	u32 id;					/* (c) APIC id, index of the vCPU */
	u8 mode;				/* (r) enum ivm_apic_mode */
	bool accepts;				/* (r) enabled by mode and by SVR: takes fixed interrupts */
	u8 tpr;					/* (o) */
	u8 ppr;					/* (r) */
	u8 isr_top;				/* (o) highest vector in service, 0: none */
	unsigned long isr[IVM_VECTOR_WORDS];	/* (o) */
	u64 base;				/* (o) of the register page */
	u64 icr;				/* (o) */
	u32 ldr;				/* (r) as the xAPIC register; x2APIC ids follow from id */
	u32 dfr;				/* (r) */
	u32 svr;				/* (o) */
	u32 esr;				/* (o) */
	u32 lvt[IVM_LVTS];			/* (r); the timer's under the timer lock too */
	struct ivm_lapic_timer timer;
};

struct ivm_ioapic {
	raw_spinlock_t lock;
	u64 entry[IVM_PLATFORM_IOAPIC_PINS];	/* (l) */
	u32 lines;				/* (l) levels of the pins */
	u32 id;					/* (l) */
	u8 select;				/* (l) */
};

/* One 8259. */
struct ivm_pic {
	u8 lines;		/* levels of the inputs */
	u8 irr, isr, imr;
	u8 elcr;		/* inputs that are level-triggered */
	u8 elcr_mask;		/* (c) those that may be */
	u8 base;		/* of the vectors */
	u8 lowest;		/* input with the lowest priority: 7 unless rotated */
	u8 init_step;		/* next ICW expected, 0: none */
	bool need_icw4, single, all_level;
	bool auto_eoi, rotate_on_auto_eoi;
	bool special_mask, special_nested;
	bool poll, read_isr;
};

struct ivm_pics {
	raw_spinlock_t lock;
	struct ivm_pic master, slave;	/* (l) */
	u8 out;				/* (r, under the lock) level of the master's INTR */
};

/* One counter of the 8254. */
struct ivm_pit_channel {
	u32 reload;		/* ticks, 1 … 65536 */
	u64 start;		/* chip time when counting began; with the gate down: what had passed then */
	bool counting;		/* a count was written, and a trigger seen where the mode wants one */
	bool gate;
	bool latched, status_latched, bcd, null_count;
	bool read_high, write_high;	/* next byte of a two-byte access is the high one */
	u8 mode, access;		/* access: 1 low, 2 high, 3 low then high */
	u8 write_low, status;
	u16 latch;
};

struct ivm_pit {
	raw_spinlock_t lock;
	struct ivm_pit_channel channel[3];	/* (l) */
	bool speaker;				/* (l) */
	struct hrtimer hrtimer;			/* (l) channel 0; not armed while frozen */
	u64 event;				/* (l) tick of channel 0 at which its output rises, IVM_NEVER: none */
};

struct ivm_irqchip {
	unsigned int nr_vcpus;			/* (c) */
	const struct ivm_irq_ops *ops;		/* (c) */
	void *ctx;				/* (c) */
	u8 phys_bits;				/* (c) width of an address */
	u32 tsc_khz;				/* (c) */
	u64 tsc_mult;				/* (c) ns = ticks * tsc_mult >> 32 */
	bool frozen;				/* (z) */
	s64 ns_offset;				/* (z) chip time = CLOCK_MONOTONIC + this */
	s64 tsc_offset;				/* (z) guest TSC = host TSC + this */
	u64 frozen_ns, frozen_tsc;		/* (z) what both stand at while frozen */
	atomic64_t lint0;			/* (a) vCPUs whose LINT0 listens to the PICs, bit by index */
	struct ivm_ioapic ioapic;
	struct ivm_pics pics;
	struct ivm_pit pit;
	struct ivm_lapic *lapic[IVM_VCPUS_MAX];	/* (c) */
};

/* A message to LAPICs, whatever sent it. */
struct ivm_irq_message {
	u32 dest;
	bool wide;		/* dest has 32 bits (x2APIC ICR), not 8 */
	bool logical;
	bool level;		/* level-triggered: sets TMR */
	u8 delivery;		/* enum ivm_delivery */
	u8 vector;
};

/* ---- time: any context ---- */

static inline bool ivm_irqchip_frozen(const struct ivm_irqchip *chip)
{
	return smp_load_acquire(&chip->frozen);	/* whoever sees true sees frozen_ns and frozen_tsc */
}

/* Chip time in ns: CLOCK_MONOTONIC without the pauses. */
static inline u64 ivm_irqchip_now(const struct ivm_irqchip *chip)
{
	if (unlikely(ivm_irqchip_frozen(chip)))
		return chip->frozen_ns;
	return ktime_get_ns() + chip->ns_offset;
}

/* CLOCK_MONOTONIC at chip time @ns; not while frozen. */
static inline ktime_t ivm_irqchip_ktime(const struct ivm_irqchip *chip, u64 ns)
{
	return ns_to_ktime(ns - chip->ns_offset);
}

/* The guest's TSC. */
static inline u64 ivm_irqchip_tsc(const struct ivm_irqchip *chip)
{
	if (unlikely(ivm_irqchip_frozen(chip)))
		return chip->frozen_tsc;
	return rdtsc() + chip->tsc_offset;
}

/* ---- lapic.c ---- */

void ivm_lapic_init(struct ivm_lapic *l, struct ivm_irqchip *chip, u32 id);
/* Registers as after INIT; mode and base stay. No vCPU runs, or own thread. */
void ivm_lapic_reset(struct ivm_lapic *l);
/* As after power-on; vCPU 0 as firmware leaves it: enabled, LINT0 ExtINT, LINT1 NMI. No vCPU runs. */
void ivm_lapic_power_on(struct ivm_lapic *l);
/**
 * ivm_lapic_raise() - request a fixed interrupt
 * @vector:	16 … 255
 * Return: false when the LAPIC does not take interrupts. Any context but the own thread's.
 */
bool ivm_lapic_raise(struct ivm_lapic *l, u8 vector, bool level);
/* Likewise for the own thread, which needs no kick: it calls ivm_irq_next() before it enters the guest. */
bool ivm_lapic_raise_own(struct ivm_lapic *l, u8 vector);
/* Something that ivm_irq_next() reports has come: make its thread look. Any context. */
void ivm_lapic_wake(struct ivm_lapic *l);
/* Record an error, and tell the guest by its error LVT. Any context. */
void ivm_lapic_error(struct ivm_lapic *l, u32 bit);
/* What an LVT entry asks for, now. Any context. */
void ivm_lapic_local(struct ivm_lapic *l, enum ivm_lvt entry);
/* The PICs' INTR rose: on the LINT0 of every vCPU that listens. Any context. */
void ivm_lapics_lint0(struct ivm_irqchip *chip);
/* Highest vector that would be taken now, or IVM_IRQ_NONE. Own thread. */
int ivm_lapic_highest(const struct ivm_lapic *l);
/* IRR to ISR; @vector is what ivm_lapic_highest() said. Own thread. */
void ivm_lapic_take(struct ivm_lapic *l, u8 vector);
void ivm_lapic_eoi(struct ivm_lapic *l);		/* own thread */
void ivm_lapic_set_tpr(struct ivm_lapic *l, u8 tpr);	/* own thread */
void ivm_lapic_set_svr(struct ivm_lapic *l, u32 svr);	/* own thread */
void ivm_lapic_set_lvt(struct ivm_lapic *l, enum ivm_lvt entry, u32 value);	/* own thread */
int ivm_lapic_set_base(struct ivm_lapic *l, u64 value);	/* own thread; -EINVAL: #GP */
u64 ivm_lapic_get_base(const struct ivm_lapic *l);
/* Logical id in x2APIC mode. */
static inline u32 ivm_x2apic_ldr(u32 id)
{
	return (id >> 4) << 16 | 1U << (id & 15);
}

/* ---- lapic_timer.c ---- */

void ivm_lapic_timer_init(struct ivm_lapic *l);
void ivm_lapic_timer_reset(struct ivm_lapic *l);	/* own thread, or no vCPU runs */
void ivm_lapic_timer_stop(struct ivm_lapic *l);		/* chip is frozen; waits for the callback: may sleep */
void ivm_lapic_timer_go(struct ivm_lapic *l);		/* chip was thawed */
/* Own thread, all below. */
void ivm_lapic_timer_set_lvt(struct ivm_lapic *l, u32 value);
void ivm_lapic_timer_set_initial(struct ivm_lapic *l, u32 count);
void ivm_lapic_timer_set_divide(struct ivm_lapic *l, u32 value);
u32 ivm_lapic_timer_initial(struct ivm_lapic *l);
u32 ivm_lapic_timer_current(struct ivm_lapic *l);
u32 ivm_lapic_timer_divide(struct ivm_lapic *l);
void ivm_lapic_timer_set_deadline(struct ivm_lapic *l, u64 tsc);
u64 ivm_lapic_timer_deadline(struct ivm_lapic *l);
void ivm_lapic_timer_heard(struct ivm_lapic *l);	/* an interrupt was taken that timer.unheard may be about */

/* ---- ipi.c ---- */

/**
 * ivm_irq_send() - give a message to the LAPICs it is for
 * @own:	LAPIC whose thread is calling, or NULL
 * Return: how many took it as a fixed interrupt. Any context.
 */
unsigned int ivm_irq_send(struct ivm_irqchip *chip, const struct ivm_irq_message *msg,
			  struct ivm_lapic *own);
/* The command register was written: bits as in x2APIC mode, destination in the upper half. Own thread. */
void ivm_lapic_command(struct ivm_lapic *l, u64 icr);
/* SELF IPI register. Own thread. */
void ivm_lapic_self_ipi(struct ivm_lapic *l, u8 vector);

/* ---- ioapic.c ---- */

void ivm_ioapic_reset(struct ivm_irqchip *chip);	/* lines keep their level */
void ivm_ioapic_line(struct ivm_irqchip *chip, unsigned int pin, bool level);	/* any context */
/* A LAPIC ended a level-triggered interrupt. Any context. */
void ivm_ioapic_eoi(struct ivm_irqchip *chip, u8 vector);

/* ---- pic.c ---- */

void ivm_pics_reset(struct ivm_irqchip *chip);		/* lines keep their level */
void ivm_pics_line(struct ivm_irqchip *chip, unsigned int irq, bool level);	/* 0 … 15; any context */
/*
 * INTA cycle: what it would be now (changes nothing), and the real one.
 * @forced: run it even when INTR is low, as the CPU would: a spurious vector
 * comes of it then. Return: vector or IVM_IRQ_NONE. Any context.
 */
int ivm_pics_peek(struct ivm_irqchip *chip, bool forced);
int ivm_pics_ack(struct ivm_irqchip *chip, bool forced);

/* ---- pit.c ---- */

void ivm_pit_init(struct ivm_irqchip *chip);
void ivm_pit_reset(struct ivm_irqchip *chip);	/* no vCPU runs */
void ivm_pit_stop(struct ivm_irqchip *chip);	/* as ivm_lapic_timer_stop() */
void ivm_pit_go(struct ivm_irqchip *chip);

#endif
