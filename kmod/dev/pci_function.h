/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI function of ours on the guest's bus: configuration space of type 0, BARs
 * that the guest may move inside the platform's windows, MSI-X. Private to dev/.
 *
 * Register functions come as in dev.h: interrupts off, several vCPUs at once.
 * The configuration space is protected by the lock of struct ivm_pci; decoding
 * of BARs takes no lock.
 */
#ifndef IVM_DEV_PCI_FUNCTION_H
#define IVM_DEV_PCI_FUNCTION_H

#include "dev.h"

#define IVM_PCI_BARS	6
#define IVM_MSIX_MAX	256	/* vectors of a function */
#define IVM_MSIX_NONE	0xffff
#define IVM_MSIX_BAR	0x2000	/* bytes of a BAR with table and PBA, at least */

struct ivm_pci_function;

struct ivm_pci_bar {
	/* Power of two, 0: no such BAR. 32 to 256 ports; memory from 4 KiB, 32-bit, not prefetchable. */
	u32 size;
	bool io;
	const struct ivm_bus_ops *ops;	/* addr is the offset in the BAR; NULL: the MSI-X table and PBA */
};

/* Each may be NULL. */
struct ivm_pci_function_ops {
	/* The command register may have changed: ask ivm_pci_bus_master(). No lock held, several vCPUs at once. */
	void (*command)(void *ctx);
	/*
	 * Would the function assert its interrupt line, if it had one? Shows in
	 * the status register while MSI-X is off. Lock of the bus held: takes none.
	 */
	bool (*interrupt)(void *ctx);
};

/* What a function is made of; constant storage. */
struct ivm_pci_identity {
	u16 vendor, device, subsystem_vendor, subsystem;
	u8 revision;
	u32 class_code;			/* 24 bits */
	struct ivm_pci_bar bar[IVM_PCI_BARS];
	u8 msix_bar;			/* a memory BAR without ops */
	const struct ivm_pci_function_ops *ops;	/* NULL: none of them */
};

/**
 * ivm_pci_add() - put a function on the bus, its BARs placed in the windows
 * @slot:	device number 1 ... 31, function 0
 * @identity:	see there; lives as long as the function
 * @nr_vectors:	of MSI-X, 0 ... IVM_MSIX_MAX; 0: no MSI-X capability
 * @irq:	takes the messages
 * @ctx:	handed to BAR ops as dev, and to identity->ops
 *
 * The BARs decode, as firmware would leave them; the function is no bus master.
 * Before the first vCPU runs. Return: the function or ERR_PTR: -EBUSY slot
 * taken, -ENOSPC window full, -EINVAL, -ENOMEM. May sleep.
 */
struct ivm_pci_function *ivm_pci_add(struct ivm_pci *pci, unsigned int slot, const struct ivm_pci_identity *identity,
				     unsigned int nr_vectors, struct ivm_irqchip *irq, void *ctx);
/* Off the bus, and freed; no vCPU runs. Accepts NULL. */
void ivm_pci_remove(struct ivm_pci_function *fn);

/**
 * ivm_pci_capability() - append a vendor-specific capability (id 9) to the function's list
 * @body:	what follows id, next and length
 * @len:	bytes of @body
 * Return: its offset in configuration space, or -ENOSPC. Before the first vCPU runs.
 */
int ivm_pci_capability(struct ivm_pci_function *fn, const void *body, unsigned int len);
/**
 * ivm_pci_window() - likewise, with virtio's way into the BARs by configuration accesses
 * @body:	17 bytes: a structure as in virtio 1.2, 4.1.4.9. Its bar, offset
 *		and length are the guest's; an access to its data goes there, whatever
 *		the command register says.
 */
int ivm_pci_window(struct ivm_pci_function *fn, const void *body, unsigned int len);

/* May the function access memory: guest memory, and messages? Any context. */
bool ivm_pci_bus_master(const struct ivm_pci_function *fn);

/* Raise a vector, 0 ... nr_vectors - 1: sent, or pending while it or the function is masked; ignored else. Any context. */
void ivm_msix_raise(struct ivm_pci_function *fn, unsigned int vector);
unsigned int ivm_msix_vectors(const struct ivm_pci_function *fn);
bool ivm_msix_enabled(const struct ivm_pci_function *fn);	/* by the guest, masked or not. Any context */

#endif
