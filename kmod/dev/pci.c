// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration mechanism 1 (PCI 3.0, 3.2.2.3.2) over one bus, and the
 * reset control register that PC chipsets put into the same ports.
 */
#include "dev.h"

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <linux/ivm.h>

#define PCI_ADDRESS_PORT	0xcf8
#define PCI_DATA_PORT		0xcfc
#define PCI_ADDRESS_ENABLE	BIT(31)
#define PCI_ADDRESS_BITS	(PCI_ADDRESS_ENABLE | 0x00fffffc)
#define PCI_RESET_CPU		BIT(2)	/* the change from 0 to 1 resets */
#define PCI_RESET_BITS		(BIT(1) | BIT(2) | BIT(3))

struct ivm_pci_function;

/* Called with the lock of struct ivm_pci held. @size is 1, 2 or 4; an access never crosses a multiple of 4. */
struct ivm_pci_function_ops {
	u32 (*read)(struct ivm_pci_function *fn, u8 reg, unsigned int size);
	void (*write)(struct ivm_pci_function *fn, u8 reg, unsigned int size, u32 value);
};

/* What a function's own structure embeds. (c) constant once created */
struct ivm_pci_function {
	const struct ivm_pci_function_ops *ops;	/* (c) */
};

/* (c) constant once the first vCPU runs  (l) protected by lock */
struct ivm_pci {
	const struct ivm_pci_ops *ops;		/* (c) */
	void *ctx;				/* (c) */
	struct ivm_pci_function *function[256];	/* (c) bus 0 by devfn; NULL: absent */
	struct ivm_pci_function host_bridge;	/* (c) */

	raw_spinlock_t lock;
	u32 address;				/* (l) at CF8 */
	u8 reset_control;			/* (l) at CF9 */
};

/*
 * The host bridge has no registers that do anything, only an identity, and
 * that without subsystem ids, which the class does not need. 1b36:0008 is what
 * virtual machines customarily show for such a bridge; no driver binds to it.
 */
static const u32 host_bridge_config[] = {
	[PCI_VENDOR_ID / 4] = 0x1b36 | 0x0008 << 16,
	[PCI_COMMAND / 4] = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
	[PCI_CLASS_REVISION / 4] = 0x060000 << 8,
	[PCI_CACHE_LINE_SIZE / 4] = PCI_HEADER_TYPE_NORMAL << 16,
};

static u32 host_bridge_read(struct ivm_pci_function *fn, u8 reg, unsigned int size)
{
	return reg / 4 < ARRAY_SIZE(host_bridge_config) ?
	       host_bridge_config[reg / 4] >> reg % 4 * 8 : 0;
}

static void host_bridge_write(struct ivm_pci_function *fn, u8 reg, unsigned int size, u32 value)
{
	/* read-only */
}

static const struct ivm_pci_function_ops host_bridge_ops = {
	.read = host_bridge_read,
	.write = host_bridge_write,
};

/* The function that the address register selects, or NULL. */
static struct ivm_pci_function *pci_selected(const struct ivm_pci *pci)
{
	u8 bus = pci->address >> 16, devfn = pci->address >> 8;

	return pci->address & PCI_ADDRESS_ENABLE && !bus ? pci->function[devfn] : NULL;
}

static u32 pci_read_locked(struct ivm_pci *pci, u64 port, unsigned int size)
{
	struct ivm_pci_function *fn;

	if (port >= PCI_DATA_PORT) {
		fn = pci_selected(pci);
		return fn ? fn->ops->read(fn, pci->address % 256 + (port - PCI_DATA_PORT), size) : ~0U;
	}
	if (port == PCI_ADDRESS_PORT && size == 4)
		return pci->address;
	if (port == IVM_PLATFORM_RESET_PORT && size == 1)
		return pci->reset_control;
	return ~0U;	/* the address register answers as a whole only */
}

static u64 pci_read(void *dev, u64 port, unsigned int size)
{
	struct ivm_pci *pci = dev;
	unsigned long flags;
	u32 value;

	raw_spin_lock_irqsave(&pci->lock, flags);
	value = pci_read_locked(pci, port, size);
	raw_spin_unlock_irqrestore(&pci->lock, flags);
	return value & GENMASK_ULL(size * 8 - 1, 0);
}

/* Return: whether the guest asked for a reset. */
static bool pci_write_reset_control(struct ivm_pci *pci, u8 value)
{
	bool reset = value & ~pci->reset_control & PCI_RESET_CPU;

	pci->reset_control = value & PCI_RESET_BITS;
	return reset;
}

static void pci_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_pci_function *fn;
	struct ivm_pci *pci = dev;
	unsigned long flags;
	bool reset = false;

	value &= GENMASK_ULL(size * 8 - 1, 0);
	raw_spin_lock_irqsave(&pci->lock, flags);
	if (port >= PCI_DATA_PORT) {
		fn = pci_selected(pci);
		if (fn)
			fn->ops->write(fn, pci->address % 256 + (port - PCI_DATA_PORT), size, value);
	} else if (port == PCI_ADDRESS_PORT && size == 4) {
		pci->address = value & PCI_ADDRESS_BITS;
	} else if (port == IVM_PLATFORM_RESET_PORT && size == 1) {
		reset = pci_write_reset_control(pci, value);
	}
	raw_spin_unlock_irqrestore(&pci->lock, flags);
	if (reset)
		pci->ops->reset(pci->ctx);
}

const struct ivm_bus_ops ivm_pci_bus_ops = {
	.read = pci_read,
	.write = pci_write,
};

/**
 * ivm_pci_reset() - address and reset control registers to 0
 * @pci: of this VM
 *
 * Context: any but NMI.
 */
void ivm_pci_reset(struct ivm_pci *pci)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pci->lock, flags);
	pci->address = 0;
	pci->reset_control = 0;
	raw_spin_unlock_irqrestore(&pci->lock, flags);
}

/**
 * ivm_pci_create() - a PCI bus with a host bridge
 * @ops: what the guest asks for
 * @ctx: handed to @ops
 *
 * Claim 8 ports from 0xcf8 for it.
 *
 * Context: may sleep.
 * Return: the bus, or ERR_PTR(-ENOMEM).
 */
struct ivm_pci *ivm_pci_create(const struct ivm_pci_ops *ops, void *ctx)
{
	struct ivm_pci *pci = kzalloc(sizeof(*pci), GFP_KERNEL);

	if (!pci)
		return ERR_PTR(-ENOMEM);
	pci->ops = ops;
	pci->ctx = ctx;
	pci->host_bridge.ops = &host_bridge_ops;
	pci->function[0] = &pci->host_bridge;
	raw_spin_lock_init(&pci->lock);
	return pci;
}

/**
 * ivm_pci_destroy() - free the bus
 * @pci: may be NULL
 *
 * Context: any that may free memory; no vCPU runs.
 */
void ivm_pci_destroy(struct ivm_pci *pci)
{
	kfree(pci);
}
