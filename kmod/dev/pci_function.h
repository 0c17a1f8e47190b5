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
#define IVM_MSIX_MAX	64	/* vectors of a function */
#define IVM_MSIX_NONE	0xffff

struct ivm_pci_function;

struct ivm_pci_bar {
	u32 size;			/* power of two, 0: no such BAR; memory BARs are 32-bit, not prefetchable */
	bool io;
	const struct ivm_bus_ops *ops;	/* addr is the offset in the BAR; NULL: the MSI-X table and PBA */
};

/* What a function is made of; constant storage. */
struct ivm_pci_identity {
	u16 vendor, device, subsystem_vendor, subsystem;
	u8 revision;
	u32 class_code;			/* 24 bits */
	struct ivm_pci_bar bar[IVM_PCI_BARS];
	u8 msix_bar;			/* a memory BAR without ops */
};

/**
 * ivm_pci_add() - put a function on the bus, its BARs placed in the windows
 * @slot:	device number 1 ... 31, function 0
 * @identity:	see there
 * @nr_vectors:	of MSI-X, 0 ... IVM_MSIX_MAX; 0: no MSI-X capability
 * @irq:	takes the messages
 * @ctx:	handed to BAR ops as dev
 *
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

/* Raise a vector, 0 ... nr_vectors - 1: sent, or pending while it or the function is masked; ignored else. Any context. */
void ivm_msix_raise(struct ivm_pci_function *fn, unsigned int vector);
unsigned int ivm_msix_vectors(const struct ivm_pci_function *fn);

#endif
