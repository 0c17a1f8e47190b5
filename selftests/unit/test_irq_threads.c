// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's thread that looks only when it is kicked, against senders that wait
 * until each of their interrupts was taken: a lost kick stops the test.
 */
/* sources: kmod/irq/[a-z]*.c */
#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include "irq/irq.h"

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/ivm.h>
#include <linux/kernel.h>

#define SENDERS	3
#define ROUNDS	3000

static struct ivm_irqchip *chip;
static int kicked[SENDERS + 1];
static u32 taken[256];
static int done;

static void kick(void *ctx, unsigned int vcpu)
{
	__atomic_store_n(&kicked[vcpu], 1, __ATOMIC_SEQ_CST);
}

static void none(void *ctx, unsigned int vcpu)
{
}

static void none_sipi(void *ctx, unsigned int vcpu, u8 vector)
{
}

static const struct ivm_irq_ops ops = { kick, none, none, none_sipi };

/* Takes what is there; the last look found nothing. */
static void drain(void)
{
	int vector;

	while (ivm_irq_next(chip, 0) != IVM_IRQ_NONE) {
		vector = ivm_irq_ack(chip, 0);
		if (vector == IVM_IRQ_NONE)
			continue;
		if (vector >= 0x30)
			ivm_lapic_write_msr(chip, 0, 0x80b, 0);
		__atomic_fetch_add(&taken[vector], 1, __ATOMIC_SEQ_CST);
	}
}

static void *owner(void *arg)
{
	local_irq_disable();
	while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST)) {
		if (__atomic_exchange_n(&kicked[0], 0, __ATOMIC_SEQ_CST))
			drain();
		else
			sched_yield();
	}
	return NULL;
}

static void wait_taken(u8 vector, u32 count)
{
	while (__atomic_load_n(&taken[vector], __ATOMIC_SEQ_CST) < count)
		sched_yield();
}

/* Sender n is vCPU n and sends vectors of its own class. */
static void *ipi_sender(void *arg)
{
	unsigned long n = (unsigned long)arg;
	u32 i;

	local_irq_disable();
	for (i = 1; i <= ROUNDS; i++) {
		ivm_lapic_write_msr(chip, n, 0x830, 0x40 + n * 0x10);
		wait_taken(0x40 + n * 0x10, i);
	}
	return NULL;
}

/* Edges into the PICs, in automatic EOI mode, vector 0x24. */
static void *line_sender(void *arg)
{
	u32 i;

	for (i = 1; i <= ROUNDS; i++) {
		ivm_irq_line(chip, 4, true);
		wait_taken(0x24, i);
		ivm_irq_line(chip, 4, false);
	}
	return NULL;
}

/* A level through the IOAPIC, vector 0x90: the broadcast EOI of one allows the next. */
static void *level_sender(void *arg)
{
	u32 i, seen;

	for (i = 1; i <= ROUNDS; i++) {
		seen = __atomic_load_n(&taken[0x90], __ATOMIC_SEQ_CST);
		ivm_irq_line(chip, 20, true);
		wait_taken(0x90, seen + 1);
		ivm_irq_line(chip, 20, false);
	}
	return NULL;
}

static const u8 pic_words[][2] = { { 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 4 }, { 0x21, 3 } };

FIXTURE(threads) {
	int nothing;
};

FIXTURE_SETUP(threads)
{
}

FIXTURE_TEARDOWN(threads)
{
}

TEST_F_TIMEOUT(threads, no_interrupt_is_lost_between_them, 120)
{
	void *(*const senders[])(void *) = { ipi_sender, ipi_sender, ipi_sender, line_sender, level_sender };
	pthread_t threads[ARRAY_SIZE(senders)], own;
	unsigned long i;

	chip = ivm_irqchip_create(SENDERS + 1, 1000000, &ops, NULL);
	ASSERT_FALSE(IS_ERR(chip));
	ivm_irqchip_thaw(chip, 0);
	for (i = 0; i <= SENDERS; i++) {
		ivm_lapic_write_msr(chip, i, 0x1b, IVM_PLATFORM_LAPIC_BASE | 0xc00);
		ivm_lapic_write_msr(chip, i, 0x80f, 0x1ff);
	}
	for (i = 0; i < ARRAY_SIZE(pic_words); i++)
		ivm_pic_write(chip, pic_words[i][0], 1, pic_words[i][1]);
	ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE, 4, 0x10 + 40);
	ivm_ioapic_write(chip, IVM_PLATFORM_IOAPIC_BASE + 0x10, 4, 0x8090);
	kicked[0] = 1;

	pthread_create(&own, NULL, owner, NULL);
	for (i = 0; i < ARRAY_SIZE(senders); i++)
		pthread_create(&threads[i], NULL, senders[i], (void *)(i + 1));
	for (i = 0; i < ARRAY_SIZE(senders); i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&done, 1, __ATOMIC_SEQ_CST);
	pthread_join(own, NULL);

	EXPECT_EQ(ROUNDS, taken[0x50]);
	EXPECT_EQ(ROUNDS, taken[0x60]);
	EXPECT_EQ(ROUNDS, taken[0x70]);
	EXPECT_EQ(ROUNDS, taken[0x24]);
	EXPECT_GE(taken[0x90], ROUNDS);
	ivm_irqchip_destroy(chip);
}

TEST_HARNESS_MAIN
