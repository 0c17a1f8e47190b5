// SPDX-License-Identifier: GPL-2.0-only
/* MSI-X (PCI 3.0, 6.8.2): table and pending bits in a BAR, messages to the interrupt chip. */
#include "pci.h"

#include "../irq/irq.h"

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>

#define MSIX_TABLE	0
#define MSIX_PBA	(IVM_MSIX_MAX * PCI_MSIX_ENTRY_SIZE)

static_assert(MSIX_PBA + IVM_MSIX_MAX / 8 <= IVM_MSIX_BAR);

/* ---- messages ---- */

/*
 * The lock makes a mask final: what is raised after the write that masked the
 * vector has returned is not sent.
 */
static void msix_send_locked(struct ivm_pci_function *fn, struct ivm_msix_vector *v)
{
	v->pending = false;
	/* An address that is not the interrupt chip's would be a write to memory somewhere: not from us. */
	(void)ivm_irq_msi(fn->irq, (u64)v->address_high << 32 | v->address_low, v->data);
}

/* Vector or function was unmasked. */
static void msix_flush_locked(struct ivm_pci_function *fn, struct ivm_msix_vector *v)
{
	if (v->pending && !v->masked && READ_ONCE(fn->gate) == IVM_MSIX_OPEN)
		msix_send_locked(fn, v);
}

void ivm_msix_raise(struct ivm_pci_function *fn, unsigned int vector)
{
	struct ivm_msix_vector *v;
	unsigned long flags;
	u8 gate;

	if (vector >= fn->nr_vectors)
		return;
	v = &fn->vector[vector];
	raw_spin_lock_irqsave(&v->lock, flags);
	/*
	 * Whoever opens the gate looks at each vector under its lock later, and
	 * whoever shuts it likewise: no message is lost or kept between the two.
	 */
	gate = READ_ONCE(fn->gate);
	if (likely(gate == IVM_MSIX_OPEN && !v->masked))
		msix_send_locked(fn, v);
	else if (gate != IVM_MSIX_OFF)
		v->pending = true;
	raw_spin_unlock_irqrestore(&v->lock, flags);
}

unsigned int ivm_msix_vectors(const struct ivm_pci_function *fn)
{
	return fn->nr_vectors;
}

bool ivm_msix_enabled(const struct ivm_pci_function *fn)
{
	return READ_ONCE(fn->gate) != IVM_MSIX_OFF;
}

/* ---- table and pending bits ---- */

static u32 msix_table_read(struct ivm_msix_vector *v, unsigned int field)
{
	switch (field) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		return v->address_low;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		return v->address_high;
	case PCI_MSIX_ENTRY_DATA:
		return v->data;
	default:
		return v->masked ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0;
	}
}

static void msix_table_write(struct ivm_msix_vector *v, unsigned int field, u32 value)
{
	switch (field) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		v->address_low = value & ~3U;
		break;
	case PCI_MSIX_ENTRY_UPPER_ADDR:
		v->address_high = value;
		break;
	case PCI_MSIX_ENTRY_DATA:
		v->data = value;
		break;
	default:
		v->masked = value & PCI_MSIX_ENTRY_CTRL_MASKBIT;
	}
}

static u32 msix_pending(struct ivm_pci_function *fn, unsigned int first)
{
	u32 bits = 0;
	unsigned int i;

	for (i = 0; i < 32 && first + i < fn->nr_vectors; i++)
		if (READ_ONCE(fn->vector[first + i].pending))
			bits |= 1U << i;
	return bits;
}

static u32 msix_read_dword(struct ivm_pci_function *fn, u64 offset)
{
	struct ivm_msix_vector *v;
	unsigned long flags;
	u32 value;

	if (offset >= MSIX_PBA)
		return offset < MSIX_PBA + IVM_MSIX_MAX / 8 ? msix_pending(fn, (offset - MSIX_PBA) * 8) : 0;
	if (offset / PCI_MSIX_ENTRY_SIZE >= fn->nr_vectors)
		return 0;
	v = &fn->vector[offset / PCI_MSIX_ENTRY_SIZE];
	raw_spin_lock_irqsave(&v->lock, flags);
	value = msix_table_read(v, offset % PCI_MSIX_ENTRY_SIZE);
	raw_spin_unlock_irqrestore(&v->lock, flags);
	return value;
}

static void msix_write_dword(struct ivm_pci_function *fn, u64 offset, u32 value)
{
	struct ivm_msix_vector *v;
	unsigned long flags;

	if (offset / PCI_MSIX_ENTRY_SIZE >= fn->nr_vectors)
		return;
	v = &fn->vector[offset / PCI_MSIX_ENTRY_SIZE];
	raw_spin_lock_irqsave(&v->lock, flags);
	msix_table_write(v, offset % PCI_MSIX_ENTRY_SIZE, value);
	msix_flush_locked(fn, v);
	raw_spin_unlock_irqrestore(&v->lock, flags);
}

/* Whole, aligned dwords and qwords; what else does is undefined, here: nothing. */
static bool msix_defined(u64 offset, unsigned int size)
{
	return (size == 4 || size == 8) && !(offset % size);
}

static u64 msix_read(void *dev, u64 offset, unsigned int size)
{
	u64 value;

	if (!msix_defined(offset, size))
		return 0;
	value = msix_read_dword(dev, offset);
	if (size == 8)
		value |= (u64)msix_read_dword(dev, offset + 4) << 32;
	return value;
}

static void msix_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	if (!msix_defined(offset, size))
		return;
	msix_write_dword(dev, offset, value);
	if (size == 8)
		msix_write_dword(dev, offset + 4, value >> 32);
}

const struct ivm_bus_ops ivm_msix_bus_ops = {
	.read = msix_read,
	.write = msix_write,
};

/* ---- the function as a whole ---- */

static enum ivm_msix_gate msix_gate(const struct ivm_pci_function *fn)
{
	u16 control = fn->config[fn->msix_cap / 4] >> 16;

	if (!(control & PCI_MSIX_FLAGS_ENABLE))
		return IVM_MSIX_OFF;
	if (control & PCI_MSIX_FLAGS_MASKALL || !ivm_pci_command(fn, PCI_COMMAND_MASTER))
		return IVM_MSIX_HELD;
	return IVM_MSIX_OPEN;
}

void ivm_msix_update(struct ivm_pci_function *fn)
{
	enum ivm_msix_gate gate;
	unsigned long flags;
	unsigned int i;

	if (!fn->nr_vectors)
		return;
	gate = msix_gate(fn);
	if (gate == fn->gate)
		return;
	WRITE_ONCE(fn->gate, gate);
	for (i = 0; i < fn->nr_vectors; i++) {
		struct ivm_msix_vector *v = &fn->vector[i];

		raw_spin_lock_irqsave(&v->lock, flags);
		if (gate == IVM_MSIX_OFF)
			v->pending = false;
		else
			msix_flush_locked(fn, v);
		raw_spin_unlock_irqrestore(&v->lock, flags);
	}
}

void ivm_msix_reset(struct ivm_pci_function *fn)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < fn->nr_vectors; i++) {
		struct ivm_msix_vector *v = &fn->vector[i];

		raw_spin_lock_irqsave(&v->lock, flags);
		v->address_low = 0;
		v->address_high = 0;
		v->data = 0;
		v->masked = true;
		v->pending = false;
		raw_spin_unlock_irqrestore(&v->lock, flags);
	}
}

int ivm_msix_create(struct ivm_pci_function *fn)
{
	u32 bar = fn->identity->msix_bar;
	const u32 table = MSIX_TABLE | bar, pba = MSIX_PBA | bar;
	u8 body[PCI_CAP_MSIX_SIZEOF - 2] = {
		(fn->nr_vectors - 1) & 0xff, (fn->nr_vectors - 1) >> 8,
		table & 0xff, table >> 8 & 0xff, table >> 16 & 0xff, table >> 24,
		pba & 0xff, pba >> 8 & 0xff, pba >> 16 & 0xff, pba >> 24,
	};
	unsigned int i;
	int cap;

	fn->vector = kcalloc(fn->nr_vectors, sizeof(*fn->vector), GFP_KERNEL);
	if (!fn->vector)
		return -ENOMEM;
	for (i = 0; i < fn->nr_vectors; i++)
		raw_spin_lock_init(&fn->vector[i].lock);
	ivm_msix_reset(fn);
	cap = ivm_pci_add_cap(fn, PCI_CAP_ID_MSIX, body, sizeof(body));
	if (cap < 0)
		return cap;
	fn->msix_cap = cap;
	fn->writable[cap / 4] = (u32)(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) << 16;
	return 0;
}

void ivm_msix_destroy(struct ivm_pci_function *fn)
{
	kfree(fn->vector);
}
