// SPDX-License-Identifier: GPL-2.0-only
#include "fake_virtio.h"

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "fake_irq.h"
#include "fake_space.h"

#define RING_SIZE	16
#define RING_STRIDE	0x1000
#define NOTIFY		0x40
#define ISR		0x44
#define MSI_ADDRESS	0xfee00000U
#define MSI_DATA(v)	(0x40 + (v))

static void no_reset(void *ctx) { }
static const struct ivm_pci_ops pci_ops = { .reset = no_reset };

void fake_virtio_create(struct fake_virtio *d, const struct ivm_virtio_type *type, u64 features,
			unsigned int nr_queues, unsigned int max_size, void *dev)
{
	BUG_ON(nr_queues > FAKE_VIRTIO_QUEUES);
	*d = (struct fake_virtio){
		.space = fake_space_create(FAKE_VIRTIO_RAM / 4096),
		.pci = ivm_pci_create(&pci_ops, NULL),
		.nr_queues = nr_queues,
	};
	BUG_ON(IS_ERR(d->pci));
	d->virtio = ivm_virtio_create(d->pci, FAKE_VIRTIO_SLOT, FAKE_IRQ, d->space, type, features,
				      nr_queues, max_size, dev);
	BUG_ON(IS_ERR(d->virtio));
}

void fake_virtio_destroy(struct fake_virtio *d)
{
	ivm_virtio_destroy(d->virtio);
	ivm_pci_destroy(d->pci);
	fake_space_destroy(d->space);
}

static u64 from(const struct ivm_bus_ops *ops, struct ivm_pci *pci, u64 addr, unsigned int size)
{
	unsigned long flags;
	u64 value;

	local_irq_save(flags);
	value = ops->read(pci, addr, size);
	local_irq_restore(flags);
	BUG_ON(size < 8 && value >> 8 * size);
	return value;
}

static void to(const struct ivm_bus_ops *ops, struct ivm_pci *pci, u64 addr, unsigned int size, u64 value)
{
	unsigned long flags;

	local_irq_save(flags);
	ops->write(pci, addr, size, value);
	local_irq_restore(flags);
}

u64 fake_virtio_in(struct fake_virtio *d, u64 port, unsigned int size)
{
	return from(&ivm_pci_io_window_ops, d->pci, port, size);
}

void fake_virtio_out(struct fake_virtio *d, u64 port, unsigned int size, u64 value)
{
	to(&ivm_pci_io_window_ops, d->pci, port, size, value);
}

u64 fake_virtio_load(struct fake_virtio *d, u64 addr, unsigned int size)
{
	return from(&ivm_pci_mmio_window_ops, d->pci, addr, size);
}

void fake_virtio_store(struct fake_virtio *d, u64 addr, unsigned int size, u64 value)
{
	to(&ivm_pci_mmio_window_ops, d->pci, addr, size, value);
}

static void select_reg(struct fake_virtio *d, u8 reg)
{
	to(&ivm_pci_bus_ops, d->pci, 0xcf8, 4, 0x80000000U | FAKE_VIRTIO_SLOT << 11 | (reg & 0xfc));
}

u32 fake_virtio_config(struct fake_virtio *d, u8 reg, unsigned int size)
{
	select_reg(d, reg);
	return from(&ivm_pci_bus_ops, d->pci, 0xcfc + reg % 4, size);
}

void fake_virtio_set_config(struct fake_virtio *d, u8 reg, unsigned int size, u32 value)
{
	select_reg(d, reg);
	to(&ivm_pci_bus_ops, d->pci, 0xcfc + reg % 4, size, value);
}

u32 fake_virtio_get(struct fake_virtio *d, unsigned int reg, unsigned int size)
{
	return fake_virtio_in(d, IVM_PLATFORM_PCI_IO_BASE + reg, size);
}

void fake_virtio_set(struct fake_virtio *d, unsigned int reg, unsigned int size, u32 value)
{
	fake_virtio_out(d, IVM_PLATFORM_PCI_IO_BASE + reg, size, value);
}

void fake_virtio_ring_bell(struct fake_virtio *d, u16 queue)
{
	fake_virtio_set(d, NOTIFY, 2, queue);
}

u8 fake_virtio_isr(struct fake_virtio *d)
{
	return fake_virtio_get(d, ISR, 1);
}

void fake_virtio_features(struct fake_virtio *d, u64 features)
{
	fake_virtio_set(d, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_GF, 4, features);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_GF, 4, features >> 32);
}

void fake_virtio_queue(struct fake_virtio *d, unsigned int queue, const struct fake_ring *ring, u16 vector)
{
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_SIZE, 2, ring->size);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_MSIX, 2, vector);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_DESCLO, 4, ring->desc);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_DESCHI, 4, ring->desc >> 32);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_AVAILLO, 4, ring->avail);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_AVAILHI, 4, ring->avail >> 32);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_USEDLO, 4, ring->used);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_USEDHI, 4, ring->used >> 32);
}

/* The MSI-X table is at the start of its BAR; the capability is the first. */
static void enable_msix(struct fake_virtio *d)
{
	u8 cap = fake_virtio_config(d, PCI_CAPABILITY_LIST, 1);
	u64 entry = IVM_PLATFORM_PCI_MMIO_BASE;
	unsigned int i;

	BUG_ON(fake_virtio_config(d, cap, 1) != PCI_CAP_ID_MSIX);
	for (i = 0; i <= d->nr_queues; i++, entry += PCI_MSIX_ENTRY_SIZE) {
		fake_virtio_store(d, entry + PCI_MSIX_ENTRY_LOWER_ADDR, 4, MSI_ADDRESS);
		fake_virtio_store(d, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 4, 0);
		fake_virtio_store(d, entry + PCI_MSIX_ENTRY_DATA, 4, MSI_DATA(i));
		fake_virtio_store(d, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, 0);
	}
	fake_virtio_set_config(d, cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

void fake_virtio_start(struct fake_virtio *d, u64 features)
{
	unsigned int q;

	if (!d->no_master)
		fake_virtio_set_config(d, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	if (!d->no_msix)
		enable_msix(d);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, IVM_VIRTIO_ACKNOWLEDGE);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, IVM_VIRTIO_ACKNOWLEDGE | IVM_VIRTIO_DRIVER);
	fake_virtio_features(d, features);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	BUG_ON(!(fake_virtio_get(d, VIRTIO_PCI_COMMON_STATUS, 1) & IVM_VIRTIO_FEATURES_OK));
	fake_virtio_set(d, VIRTIO_PCI_COMMON_MSIX, 2, 0);
	for (q = 0; q < d->nr_queues; q++) {
		fake_ring_init(&d->ring[q], d->space, RING_SIZE, q * RING_STRIDE);
		fake_virtio_queue(d, q, &d->ring[q], 1 + q);
		fake_virtio_set(d, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	}
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
}

unsigned int fake_virtio_irqs(unsigned int vector)
{
	return fake_irq_take(MSI_ADDRESS, MSI_DATA(vector));
}
