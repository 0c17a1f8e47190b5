/* SPDX-License-Identifier: GPL-2.0-only */
/* An interrupt chip that only notes messages: what dev/ uses of irq/irq.h. */
#ifndef FAKE_IRQ_H
#define FAKE_IRQ_H

#include <linux/types.h>

/* For ivm_irq_msi(); there is one. */
#define FAKE_IRQ	((struct ivm_irqchip *)0x1)

/* Messages since the last call, of one address and data, or of any. Other threads may send meanwhile. */
unsigned int fake_irq_take(u64 address, u32 data);
unsigned int fake_irq_take_all(void);

#endif
