// SPDX-License-Identifier: GPL-2.0-only
/* Work that waits for an interrupt, here until the test says that one comes. */
#include "shim.h"
#include <linux/bug.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>

static struct irq_work *queue;

bool irq_work_queue(struct irq_work *work)
{
	if (work->pending)
		return false;
	work->pending = true;
	work->next = queue;
	queue = work;
	return true;
}

unsigned int shim_irq_work_run(void)
{
	unsigned long flags;
	unsigned int n;

	local_irq_save(flags);
	for (n = 0; queue; n++) {
		struct irq_work *work = queue;

		queue = work->next;
		work->pending = false;
		work->func(work);
	}
	local_irq_restore(flags);
	return n;
}

void irq_work_sync(struct irq_work *work)
{
	might_sleep();
	if (work->pending)
		shim_irq_work_run();	/* as the kernel waits until it ran */
}
