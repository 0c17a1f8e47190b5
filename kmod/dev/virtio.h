/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * virtio 1.2 for devices of ours: split virtqueues (virtqueue.c), the PCI
 * transport (virtio_pci.c). Private to dev/. Builds in user space too.
 *
 * A guest can write anything into rings and registers at any moment. What it
 * says is read once, checked, and used from the copy. Where a driver breaks the
 * rules of a ring, the device sets DEVICE_NEEDS_RESET and does nothing more
 * until it is reset (2.1.1).
 */
#ifndef IVM_DEV_VIRTIO_H
#define IVM_DEV_VIRTIO_H

#include "pci_function.h"
#include "../net/frame.h"	/* struct ivm_piece */

#include <linux/spinlock.h>

#define IVM_VQ_SIZE_MAX		1024	/* entries of a queue */
#define IVM_VQ_CHAIN_MAX	64	/* pieces of a chain, after cutting at the ends of frames */
#define IVM_VQ_ROOM_CHAINS	64	/* chains that are taken together: 64 KiB in the least ones that Linux offers are 43, */
#define IVM_VQ_ROOM_EXTRA	192	/* with so many pieces beyond one each */

/* Bits of the device status (2.1). */
enum ivm_virtio_status {
	IVM_VIRTIO_ACKNOWLEDGE	= 1,
	IVM_VIRTIO_DRIVER	= 2,
	IVM_VIRTIO_DRIVER_OK	= 4,
	IVM_VIRTIO_FEATURES_OK	= 8,
	IVM_VIRTIO_NEEDS_RESET	= 64,
	IVM_VIRTIO_FAILED	= 128,
};

/* Features that the transport offers by itself (6). */
#define IVM_VIRTIO_F_INDIRECT_DESC	(1ULL << 28)
#define IVM_VIRTIO_F_EVENT_IDX		(1ULL << 29)
#define IVM_VIRTIO_F_VERSION_1		(1ULL << 32)

/* A ring where the kernel sees it. */
struct ivm_vq_ring {
	u64 gpa;	/* aligned, wholly RAM: checked when the queue is enabled */
	void *ptr;	/* of all of it when it lies in one frame, else NULL */
};

/*
 * (l) protected by lock  (t) written by the transport while the queue is
 * disabled and nobody uses it, constant while it is enabled  (a) set by anyone,
 * cleared by the transport when no queue is enabled
 */
struct ivm_vq {
	spinlock_t lock;		/* of the device's: held around every call below; bottom halves off */
	bool enabled;			/* (l) */
	bool broken;			/* (a) a driver broke the rules of this queue or of another one of the device */
	bool event_idx, indirect;	/* (t) negotiated */
	u16 size;			/* (t) power of two, at most IVM_VQ_SIZE_MAX */
	u16 vector;			/* MSI-X, or IVM_MSIX_NONE; read once */
	u16 next_avail, next_used;	/* (l) free-running */
	u16 avail_seen;			/* (l) the driver's index as read last */
	u16 signalled;			/* (l) next_used as published last */
	struct ivm_vq_ring desc, avail, used;	/* (t) */
	u64 near_gpa, near_len;		/* (l) guest memory in one piece that was found last; len 0: none yet */
	void *near;			/* (l) where it is */
	struct ivm_space *space;	/* constant */
	struct ivm_virtio *dev;		/* constant */
	unsigned int index;		/* constant */
};

/* One chain: what the device may read, then what it may write. */
struct ivm_chain {
	u16 head;
	unsigned int nr_out, nr_in;	/* pieces */
	u32 out_len, in_len;		/* bytes */
	struct ivm_piece piece[IVM_VQ_CHAIN_MAX];	/* out pieces first */
};

/* An entry of the used ring (2.7.8): the chain that begins with descriptor @id, with @len bytes written. */
struct ivm_vq_used {
	u32 id, len;
};

/* Chains that together have room for what the device writes: all that it may write to, in their order. */
struct ivm_room {
	u32 len;			/* bytes */
	unsigned int nr, nr_pieces;
	struct ivm_vq_used chain[IVM_VQ_ROOM_CHAINS];
	struct ivm_piece piece[IVM_VQ_ROOM_CHAINS + IVM_VQ_ROOM_EXTRA];
	struct ivm_chain walked;	/* virtqueue.c: one that is more than a descriptor */
};

/**
 * ivm_vq_pop() - take the next chain that the driver offers
 * Return: 1 and @chain filled; 0 there is none; -EIO the driver broke the
 * rules: loop, index out of range, writable before readable, memory that is not
 * RAM, more than IVM_VQ_CHAIN_MAX pieces, a ring that jumps: the queue is broken
 * and the device needs a reset. Lock held.
 */
int ivm_vq_pop(struct ivm_vq *vq, struct ivm_chain *chain);
/*
 * Pieces are where memory was when the chain was popped: with the lock, they are
 * given up. ivm_vq_rewalk() finds those of chain->head anew, by what the driver
 * says now. Return: 1, or -EIO as ivm_vq_pop(). Lock held.
 */
int ivm_vq_rewalk(struct ivm_vq *vq, struct ivm_chain *chain);
/* Copy what the device may read, from byte @offset on; each byte is read once. Return: bytes, fewer than @len at the end. Lock held. */
u32 ivm_chain_read(const struct ivm_chain *chain, u32 offset, void *to, u32 len);
/* Copy to the beginning of what the device may write: @len is at most in_len. Lock held. */
void ivm_chain_write(const struct ivm_chain *chain, const void *from, u32 len);
/* Put the chain that was popped last back: the next pop returns it again, read anew. Lock held since that pop. */
void ivm_vq_unpop(struct ivm_vq *vq);
/**
 * ivm_vq_pop_room() - take chains until @len bytes can be written to them
 * @room: what was taken so far; its len, nr and nr_pieces are 0 at first
 * @most: chains, at most IVM_VQ_ROOM_CHAINS
 * Return: 1; 0 all that the driver offers was taken, and it is not enough: call
 * again when there is more; -EMSGSIZE they would be too many; -EIO as
 * ivm_vq_pop(), also for a chain that cannot be written to. Lock held.
 */
int ivm_vq_pop_room(struct ivm_vq *vq, struct ivm_room *room, u32 len, unsigned int most);
/* Put all of @room back, as ivm_vq_unpop() does. Lock held since it was taken. */
void ivm_vq_unpop_room(struct ivm_vq *vq, const struct ivm_room *room);
/* Has the driver offered something that was not popped? Lock held. */
bool ivm_vq_pending(struct ivm_vq *vq);
/* Give a chain back with @len bytes written; the driver sees it after ivm_vq_publish(). Lock held. */
void ivm_vq_push(struct ivm_vq *vq, u16 head, u32 len);
/* Give all chains of @room back, full but for the last: @len bytes were written, those that it was taken for. Lock held. */
void ivm_vq_push_room(struct ivm_vq *vq, struct ivm_room *room, u32 len);
/* Show the driver what was pushed. Return: whether it wants an interrupt. Lock held. */
bool ivm_vq_publish(struct ivm_vq *vq);
/* Interrupt the driver about this queue. Any context. */
void ivm_vq_interrupt(struct ivm_vq *vq);
/*
 * Ask for doorbells, or say that none are needed. enable: returns true when
 * something arrived meanwhile, so that the caller looks again. Lock held.
 */
bool ivm_vq_notify_enable(struct ivm_vq *vq);
void ivm_vq_notify_disable(struct ivm_vq *vq);

/* For the transport. @size entries, addresses as the driver wrote them: -EINVAL when they cannot be rings. Lock held. */
int ivm_vq_enable(struct ivm_vq *vq, unsigned int size, u64 desc, u64 avail, u64 used, u64 features);
void ivm_vq_disable(struct ivm_vq *vq);	/* Lock held */
/* Memory goes: true when a ring of the queue lies there. It is broken then, and not touched any more. Lock held. */
bool ivm_vq_memory_goes(struct ivm_vq *vq, u64 gpa, u64 len);
void ivm_vq_memory_gone(struct ivm_vq *vq);	/* no pointer into it is left. Lock held */

struct ivm_virtio;

/* What a device is; constant storage. Called by vCPU threads with interrupts off, serialised by the transport, unless said otherwise. */
struct ivm_virtio_ops {
	/* The driver chose @features, a subset of what was offered: acceptable? */
	bool (*features)(void *dev, u64 features);
	/* DRIVER_OK was set, and the device may access memory. Doorbells may come before it returns. */
	void (*start)(void *dev);
	/*
	 * Status 0 was written, or a live device may not access memory any
	 * more: nothing of the driver's is used when it returns, as far as
	 * that can be done without sleeping: take the queues' locks, mark them
	 * disabled. The transport does that too, after it.
	 */
	void (*stop)(void *dev);
	/* Doorbell of an enabled queue of a live device; several vCPUs at once, not serialised. */
	void (*notify)(void *dev, unsigned int queue);
	/* Device-specific configuration, @size 1, 2 or 4 within config_size. */
	u32 (*config_read)(void *dev, unsigned int offset, unsigned int size);
	void (*config_write)(void *dev, unsigned int offset, unsigned int size, u32 value);
};

#define IVM_VIRTIO_CONFIG_MAX	128

struct ivm_virtio_type {
	u16 id;				/* virtio device id: 1 network */
	u32 class_code;			/* PCI class, 24 bits */
	unsigned int config_size;	/* at most IVM_VIRTIO_CONFIG_MAX */
	const struct ivm_virtio_ops *ops;
};

/**
 * ivm_virtio_create() - a virtio device on the PCI bus, in reset state
 * @features:	offered beyond VERSION_1, EVENT_IDX and INDIRECT_DESC, which the transport offers itself
 * @nr_queues:	queues
 * @max_size:	greatest size of each, power of two
 * @dev:	handed to ops
 * One MSI-X vector per queue and one for configuration are there, IVM_MSIX_MAX at most.
 * Return: the device or ERR_PTR: as ivm_pci_add(). May sleep. Before the first vCPU runs.
 */
struct ivm_virtio *ivm_virtio_create(struct ivm_pci *pci, unsigned int slot, struct ivm_irqchip *irq,
				     struct ivm_space *space, const struct ivm_virtio_type *type, u64 features,
				     unsigned int nr_queues, unsigned int max_size, void *dev);
void ivm_virtio_destroy(struct ivm_virtio *virtio);	/* no vCPU runs; accepts NULL */
void ivm_virtio_reset(struct ivm_virtio *virtio);	/* as if the driver had written status 0; calls ops->stop. No vCPU runs */
/*
 * Guest memory goes. goes(): queues with rings in [gpa, gpa + len) break the
 * device; returns true when it was not broken before. gone(): no queue has a
 * pointer into memory that the space does not know any more. Task context, no
 * queue's lock held; no vCPU runs.
 */
bool ivm_virtio_memory_goes(struct ivm_virtio *virtio, u64 gpa, u64 len);
void ivm_virtio_memory_gone(struct ivm_virtio *virtio);
struct ivm_vq *ivm_virtio_queue(struct ivm_virtio *virtio, unsigned int index);
u64 ivm_virtio_features(const struct ivm_virtio *virtio);	/* negotiated; 0 before FEATURES_OK */
bool ivm_virtio_live(const struct ivm_virtio *virtio);		/* DRIVER_OK, bus master, and no reset needed */
void ivm_virtio_config_changed(struct ivm_virtio *virtio);	/* new generation, interrupt. Any context */
/*
 * The driver broke the rules: DEVICE_NEEDS_RESET, every queue is broken. Any
 * context, with the lock of a queue that is enabled held, or from within ops.
 */
void ivm_virtio_broken(struct ivm_virtio *virtio);

#endif
