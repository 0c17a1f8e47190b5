/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_IRQFLAGS_H
#define SHIM_LINUX_IRQFLAGS_H

#include <linux/types.h>

/* A flag per thread; there is nothing to hold off but the checks of the shim. */
unsigned long shim_irq_save(void);
void shim_irq_restore(unsigned long flags);
bool shim_irqs_off(void);

#define local_irq_save(flags)		((flags) = shim_irq_save())
#define local_irq_restore(flags)	shim_irq_restore(flags)
#define local_irq_disable()		((void)shim_irq_save())
#define local_irq_enable()		shim_irq_restore(0)
#define irqs_disabled()			shim_irqs_off()

#endif
