/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_IRQ_WORK_H
#define SHIM_LINUX_IRQ_WORK_H

#include <linux/types.h>

/* Runs in shim_irq_work_run(). Not for several threads. */
struct irq_work {
	void (*func)(struct irq_work *work);
	bool pending;
	struct irq_work *next;
};

#define IRQ_WORK_INIT(f)	((struct irq_work){ .func = (f) })
#define IRQ_WORK_INIT_LAZY(f)	IRQ_WORK_INIT(f)

bool irq_work_queue(struct irq_work *work);
void irq_work_sync(struct irq_work *work);

#endif
