// SPDX-License-Identifier: GPL-2.0-only
#include "fake_irq.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "irq/irq.h"
#include "shim/shim.h"
#include <linux/bug.h>
#include <linux/kernel.h>

/* Few kinds of messages are told apart; the last counts all others. */
static struct {
	u64 address;
	u32 data;
	unsigned int count;
} kinds[64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

int ivm_irq_msi(struct ivm_irqchip *chip, u64 address, u32 data)
{
	unsigned int i;

	BUG_ON(chip != FAKE_IRQ);
	if (address >> 20 != 0xfee)
		return -EINVAL;
	pthread_mutex_lock(&lock);
	for (i = 0; i < ARRAY_SIZE(kinds) - 1; i++)
		if (!kinds[i].count || (kinds[i].address == address && kinds[i].data == data))
			break;
	kinds[i].address = address;
	kinds[i].data = data;
	kinds[i].count++;
	pthread_mutex_unlock(&lock);
	return 0;
}

unsigned int fake_irq_take(u64 address, u32 data)
{
	unsigned int i, count = 0;

	pthread_mutex_lock(&lock);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].address != address || kinds[i].data != data)
			continue;
		count += kinds[i].count;
		kinds[i].count = 0;
	}
	pthread_mutex_unlock(&lock);
	return count;
}

unsigned int fake_irq_take_all(void)
{
	unsigned int i, count = 0;

	pthread_mutex_lock(&lock);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		count += kinds[i].count;
	memset(kinds, 0, sizeof(kinds));
	pthread_mutex_unlock(&lock);
	return count;
}
