/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's view of a virtio device on a PCI bus, for tests: config space, ports, and a driver by the book. */
#ifndef FAKE_VIRTIO_H
#define FAKE_VIRTIO_H

#include <linux/ivm.h>
#include <linux/types.h>

#include "dev/virtio.h"
#include "fake_ring.h"

#define FAKE_VIRTIO_SLOT	3
#define FAKE_VIRTIO_RAM		0x100000ULL	/* bytes of guest RAM */
#define FAKE_VIRTIO_FREE	0x80000ULL	/* rings lie below */
#define FAKE_VIRTIO_QUEUES	8		/* at most */

struct fake_virtio {
	struct ivm_space *space;
	struct ivm_pci *pci;
	struct ivm_virtio *virtio;
	unsigned int nr_queues;
	bool no_master, no_msix;	/* fake_virtio_start() leaves bus mastering alone, or MSI-X */
	struct fake_ring ring[FAKE_VIRTIO_QUEUES];
};

/* Bus, RAM and device, in slot FAKE_VIRTIO_SLOT. */
void fake_virtio_create(struct fake_virtio *d, const struct ivm_virtio_type *type, u64 features,
			unsigned int nr_queues, unsigned int max_size, void *dev);
void fake_virtio_destroy(struct fake_virtio *d);
/* As a vCPU does it: interrupts off. Any port or address of the windows. */
u64 fake_virtio_in(struct fake_virtio *d, u64 port, unsigned int size);
void fake_virtio_out(struct fake_virtio *d, u64 port, unsigned int size, u64 value);
u64 fake_virtio_load(struct fake_virtio *d, u64 addr, unsigned int size);
void fake_virtio_store(struct fake_virtio *d, u64 addr, unsigned int size, u64 value);
u32 fake_virtio_config(struct fake_virtio *d, u8 reg, unsigned int size);	/* of PCI */
void fake_virtio_set_config(struct fake_virtio *d, u8 reg, unsigned int size, u32 value);
/* Registers of the common configuration, where the BAR is after creation. */
u32 fake_virtio_get(struct fake_virtio *d, unsigned int reg, unsigned int size);
void fake_virtio_set(struct fake_virtio *d, unsigned int reg, unsigned int size, u32 value);
void fake_virtio_ring_bell(struct fake_virtio *d, u16 queue);
u8 fake_virtio_isr(struct fake_virtio *d);
void fake_virtio_features(struct fake_virtio *d, u64 features);		/* writes the driver's */
/* Selects a queue and writes where its ring is, and its vector; does not enable it. */
void fake_virtio_queue(struct fake_virtio *d, unsigned int queue, const struct fake_ring *ring, u16 vector);
/* Resets and starts the device: vector 0 for configuration, 1 + q for queue q, rings of 16 made anew. */
void fake_virtio_start(struct fake_virtio *d, u64 features);

/* Messages of a vector of a device so started, since the last call. */
unsigned int fake_virtio_irqs(unsigned int vector);

#endif
