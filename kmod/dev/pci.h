/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to pci.c, pci_function.c and msix.c: the bus and its functions.
 *
 * (c) constant once the first vCPU runs
 * (l) under the lock of struct ivm_pci
 * (w) written under that lock with WRITE_ONCE(), read without by READ_ONCE()
 * (v) under the lock of its vector
 *
 * Locks, outer before inner: the bus's, a vector's, those of irq/.
 */
#ifndef IVM_DEV_PCI_H
#define IVM_DEV_PCI_H

#include "pci_function.h"

#include <linux/ivm.h>
#include <linux/spinlock.h>

#define IVM_PCI_SLOTS		32
#define IVM_PCI_CONFIG_DWORDS	64

/* Ports are handed out in pieces of this size, so that a port finds its BAR by one look into a table. */
#define IVM_PCI_IO_GRANULE	32
#define IVM_PCI_IO_GRANULES	(IVM_PLATFORM_PCI_IO_SIZE / IVM_PCI_IO_GRANULE)

/* A BAR that does not decode has this base: no offset that is computed from it lies in any BAR. */
#define IVM_PCI_NOWHERE		(~0ULL)

/*
 * A BAR as it decodes. Who finds one without a lock while it is moved may see
 * the old base or the new: an access goes to an offset inside this BAR, or
 * nowhere.
 */
struct ivm_pci_decoder {
	u64 base;			/* (w) port or address, or IVM_PCI_NOWHERE */
	u32 size;			/* (c) 0: no such BAR */
	bool io;			/* (c) */
	const struct ivm_bus_ops *ops;	/* (c) */
	void *ctx;			/* (c) handed to ops */
};

enum ivm_msix_gate {
	IVM_MSIX_OFF,			/* not enabled: nothing is raised, nothing kept */
	IVM_MSIX_HELD,			/* masked as a whole, or not a bus master: all becomes pending */
	IVM_MSIX_OPEN,
};

struct ivm_msix_vector {
	raw_spinlock_t lock;
	u32 address_low, address_high, data;	/* (v) */
	bool masked, pending;			/* (v) */
};

struct ivm_pci_function {
	struct ivm_pci *pci;				/* (c) */
	const struct ivm_pci_identity *identity;	/* (c) NULL: the host bridge */
	struct ivm_irqchip *irq;			/* (c) */
	void *ctx;					/* (c) */
	unsigned int slot;				/* (c) */
	u32 config[IVM_PCI_CONFIG_DWORDS];		/* (w) */
	u32 initial[IVM_PCI_CONFIG_DWORDS];		/* (c) what a reset makes of it */
	u32 writable[IVM_PCI_CONFIG_DWORDS];		/* (c) bits that a guest may change */
	u8 last_cap, free_cap;				/* (c) last capability, first byte behind it */
	u8 msix_cap, window_cap;			/* (c) offsets, 0: none */
	struct ivm_pci_decoder bar[IVM_PCI_BARS];
	unsigned int nr_vectors;			/* (c) */
	u8 gate;					/* (w) enum ivm_msix_gate */
	struct ivm_msix_vector *vector;			/* (c) */
};

struct ivm_pci {
	const struct ivm_pci_ops *ops;				/* (c) */
	void *ctx;						/* (c) */
	struct ivm_pci_function *function[IVM_PCI_SLOTS];	/* (c) function 0 of each device on bus 0; NULL: absent */
	struct ivm_pci_function host_bridge;

	raw_spinlock_t lock;
	u32 address;						/* (l) at CF8 */
	u8 reset_control;					/* (l) at CF9 */
	struct ivm_pci_decoder *io[IVM_PCI_IO_GRANULES];	/* (w) whose ports these are */
};

/* ---- pci_function.c; the register functions take the lock of the bus themselves ---- */

/* @size is 1, 2 or 4; an access never crosses a multiple of 4. */
u32 ivm_pci_function_read(struct ivm_pci_function *fn, u8 reg, unsigned int size);
void ivm_pci_function_write(struct ivm_pci_function *fn, u8 reg, unsigned int size, u32 value);
void ivm_pci_function_reset(struct ivm_pci_function *fn);

/* ---- msix.c ---- */

extern const struct ivm_bus_ops ivm_msix_bus_ops;	/* table and PBA; dev = struct ivm_pci_function */

int ivm_msix_create(struct ivm_pci_function *fn);	/* table and capability; may sleep */
void ivm_msix_destroy(struct ivm_pci_function *fn);	/* accepts a function without */
/* Message control or the command register may have changed. Lock of the bus held. */
void ivm_msix_update(struct ivm_pci_function *fn);
void ivm_msix_reset(struct ivm_pci_function *fn);	/* the table as after power-on; likewise */

/* Appends a capability, @len bytes with its header of id and next; Return: its offset, or -ENOSPC. */
int ivm_pci_add_cap(struct ivm_pci_function *fn, u8 id, const void *body, unsigned int len);

static inline bool ivm_pci_command(const struct ivm_pci_function *fn, u16 bit)
{
	return READ_ONCE(fn->config[1]) & bit;
}

#endif
