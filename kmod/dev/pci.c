// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI configuration mechanism 1 (PCI 3.0, 3.2.2.3.2) over one bus, and the
 * reset control register that PC chipsets put into the same ports.
 */
#include "pci.h"

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>

#define PCI_ADDRESS_PORT	0xcf8
#define PCI_DATA_PORT		0xcfc
#define PCI_ADDRESS_ENABLE	BIT(31)
#define PCI_ADDRESS_BITS	(PCI_ADDRESS_ENABLE | 0x00fffffc)
#define PCI_RESET_CPU		BIT(2)	/* the change from 0 to 1 resets */
#define PCI_RESET_BITS		(BIT(1) | BIT(2) | BIT(3))

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

/* ---- configuration space, and the reset control register ---- */

/* The function that the address register selects, or NULL. */
static struct ivm_pci_function *pci_selected(const struct ivm_pci *pci, u32 address)
{
	u8 bus = address >> 16, devfn = address >> 8;

	return address & PCI_ADDRESS_ENABLE && !bus && !(devfn % 8) ? pci->function[devfn / 8] : NULL;
}

static u32 pci_address(struct ivm_pci *pci)
{
	unsigned long flags;
	u32 address;

	raw_spin_lock_irqsave(&pci->lock, flags);
	address = pci->address;
	raw_spin_unlock_irqrestore(&pci->lock, flags);
	return address;
}

static u32 pci_read_data(struct ivm_pci *pci, u64 port, unsigned int size)
{
	u32 address = pci_address(pci);
	struct ivm_pci_function *fn = pci_selected(pci, address);

	return fn ? ivm_pci_function_read(fn, address % 256 + (port - PCI_DATA_PORT), size) : ~0U;
}

static void pci_write_data(struct ivm_pci *pci, u64 port, unsigned int size, u32 value)
{
	u32 address = pci_address(pci);
	struct ivm_pci_function *fn = pci_selected(pci, address);

	if (fn)
		ivm_pci_function_write(fn, address % 256 + (port - PCI_DATA_PORT), size, value);
}

static u32 pci_read_control(struct ivm_pci *pci, u64 port, unsigned int size)
{
	unsigned long flags;
	u32 value = ~0U;	/* the address register answers as a whole only */

	raw_spin_lock_irqsave(&pci->lock, flags);
	if (port == PCI_ADDRESS_PORT && size == 4)
		value = pci->address;
	else if (port == IVM_PLATFORM_RESET_PORT && size == 1)
		value = pci->reset_control;
	raw_spin_unlock_irqrestore(&pci->lock, flags);
	return value;
}

static u64 pci_read(void *dev, u64 port, unsigned int size)
{
	u32 value = port >= PCI_DATA_PORT ? pci_read_data(dev, port, size) : pci_read_control(dev, port, size);

	return value & GENMASK_ULL(size * 8 - 1, 0);
}

/* Return: whether the guest asked for a reset. */
static bool pci_write_reset_control(struct ivm_pci *pci, u8 value)
{
	bool reset = value & ~pci->reset_control & PCI_RESET_CPU;

	pci->reset_control = value & PCI_RESET_BITS;
	return reset;
}

static void pci_write_control(struct ivm_pci *pci, u64 port, unsigned int size, u32 value)
{
	unsigned long flags;
	bool reset = false;

	raw_spin_lock_irqsave(&pci->lock, flags);
	if (port == PCI_ADDRESS_PORT && size == 4)
		pci->address = value & PCI_ADDRESS_BITS;
	else if (port == IVM_PLATFORM_RESET_PORT && size == 1)
		reset = pci_write_reset_control(pci, value);
	raw_spin_unlock_irqrestore(&pci->lock, flags);
	if (reset)
		pci->ops->reset(pci->ctx);
}

static void pci_write(void *dev, u64 port, unsigned int size, u64 value)
{
	value &= GENMASK_ULL(size * 8 - 1, 0);
	if (port >= PCI_DATA_PORT)
		pci_write_data(dev, port, size, value);
	else
		pci_write_control(dev, port, size, value);
}

const struct ivm_bus_ops ivm_pci_bus_ops = {
	.read = pci_read,
	.write = pci_write,
};

/* ---- windows ---- */

/*
 * A decoder's base may change at any moment. It is read once, and the offset
 * that comes of it is checked, so that no access leaves the BAR.
 */
static __always_inline bool pci_inside(const struct ivm_pci_decoder *bar, u64 addr, unsigned int size, u64 *offset)
{
	*offset = addr - READ_ONCE(bar->base);
	return *offset < bar->size && size <= bar->size - *offset;
}

/* Doorbells come through here. */
static __always_inline const struct ivm_pci_decoder *pci_find_io(const struct ivm_pci *pci, u64 port,
								 unsigned int size, u64 *offset)
{
	u64 granule = (port - IVM_PLATFORM_PCI_IO_BASE) / IVM_PCI_IO_GRANULE % IVM_PCI_IO_GRANULES;
	const struct ivm_pci_decoder *bar = READ_ONCE(pci->io[granule]);

	return bar && pci_inside(bar, port, size, offset) ? bar : NULL;
}

static u64 pci_io_window_read(void *dev, u64 port, unsigned int size)
{
	const struct ivm_pci_decoder *bar;
	u64 offset;

	bar = pci_find_io(dev, port, size, &offset);
	return bar ? bar->ops->read(bar->ctx, offset, size) : ~0ULL >> (64 - 8 * size);
}

static void pci_io_window_write(void *dev, u64 port, unsigned int size, u64 value)
{
	const struct ivm_pci_decoder *bar;
	u64 offset;

	bar = pci_find_io(dev, port, size, &offset);
	if (likely(bar))
		bar->ops->write(bar->ctx, offset, size, value);
}

const struct ivm_bus_ops ivm_pci_io_window_ops = {
	.read = pci_io_window_read,
	.write = pci_io_window_write,
};

/* Only MSI-X tables are there: they are touched seldom, and a walk is short enough. */
static const struct ivm_pci_decoder *pci_find_mmio(const struct ivm_pci *pci, u64 addr, unsigned int size, u64 *offset)
{
	unsigned int slot, i;

	for (slot = 0; slot < IVM_PCI_SLOTS; slot++) {
		const struct ivm_pci_function *fn = pci->function[slot];

		for (i = 0; fn && i < IVM_PCI_BARS; i++)
			if (!fn->bar[i].io && pci_inside(&fn->bar[i], addr, size, offset))
				return &fn->bar[i];
	}
	return NULL;
}

static u64 pci_mmio_window_read(void *dev, u64 addr, unsigned int size)
{
	const struct ivm_pci_decoder *bar;
	u64 offset;

	bar = pci_find_mmio(dev, addr, size, &offset);
	return bar ? bar->ops->read(bar->ctx, offset, size) : ~0ULL >> (64 - 8 * size);
}

static void pci_mmio_window_write(void *dev, u64 addr, unsigned int size, u64 value)
{
	const struct ivm_pci_decoder *bar;
	u64 offset;

	bar = pci_find_mmio(dev, addr, size, &offset);
	if (bar)
		bar->ops->write(bar->ctx, offset, size, value);
}

const struct ivm_bus_ops ivm_pci_mmio_window_ops = {
	.read = pci_mmio_window_read,
	.write = pci_mmio_window_write,
};

/* ---- coming and going ---- */

/**
 * ivm_pci_reset() - address and reset control registers to 0, functions as they were added
 * @pci: of this VM
 *
 * Context: any but NMI; no vCPU runs.
 */
void ivm_pci_reset(struct ivm_pci *pci)
{
	unsigned long flags;
	unsigned int slot;

	raw_spin_lock_irqsave(&pci->lock, flags);
	pci->address = 0;
	pci->reset_control = 0;
	raw_spin_unlock_irqrestore(&pci->lock, flags);
	for (slot = 0; slot < IVM_PCI_SLOTS; slot++)
		if (pci->function[slot])
			ivm_pci_function_reset(pci->function[slot]);
}

static void pci_add_host_bridge(struct ivm_pci *pci)
{
	struct ivm_pci_function *fn = &pci->host_bridge;
	unsigned int i;

	fn->pci = pci;
	for (i = 0; i < ARRAY_SIZE(host_bridge_config); i++) {
		fn->config[i] = host_bridge_config[i];
		fn->initial[i] = host_bridge_config[i];
	}
	for (i = 0; i < IVM_PCI_BARS; i++)
		fn->bar[i].base = IVM_PCI_NOWHERE;
	pci->function[0] = fn;
}

/**
 * ivm_pci_create() - a PCI bus with a host bridge
 * @ops: what the guest asks for
 * @ctx: handed to @ops
 *
 * Claim 8 ports from 0xcf8 for it, and the windows.
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
	raw_spin_lock_init(&pci->lock);
	pci_add_host_bridge(pci);
	return pci;
}

/**
 * ivm_pci_destroy() - free the bus; the functions are their owners' business, and gone
 * @pci: may be NULL
 *
 * Context: any that may free memory; no vCPU runs.
 */
void ivm_pci_destroy(struct ivm_pci *pci)
{
	kfree(pci);
}
