// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI transport of virtio devices (virtio 1.2, 4.1), modern only.
 *
 * All registers lie in one I/O BAR, so that no access needs an instruction
 * decoded; the MSI-X table has a memory BAR to itself. All doorbells are one
 * port: the driver writes the number of the queue there (a
 * notify_off_multiplier of 0).
 *
 * A register answers to accesses of its own width only, as the driver must make
 * them (4.1.3.1): others read as 0 and change nothing. What a driver may not
 * do in the state that the device is in changes nothing either.
 */
#include "virtio.h"

#include "../mem/mem.h"

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/virtio_pci.h>

#define VIRTIO_VENDOR		0x1af4
#define VIRTIO_DEVICE		0x1040	/* plus the device's id */
#define VIRTIO_SUBSYSTEM	0x1100	/* some drivers insist on the one that virtual machines usually show */

/* BAR 0 */
#define REGS_COMMON		0x00
#define REGS_COMMON_LEN		0x3c
#define REGS_NOTIFY		0x40
#define REGS_NOTIFY_LEN		4
#define REGS_ISR		0x44
#define REGS_CONFIG		0x80
#define REGS_SIZE		0x100
#define MSIX_BAR		1

#define ISR_QUEUE		BIT(0)
#define ISR_CONFIG		BIT(1)

static_assert(REGS_CONFIG + IVM_VIRTIO_CONFIG_MAX <= REGS_SIZE);

/* What the driver wrote of a queue that may or may not be enabled. */
struct virtio_ring_regs {
	u16 size;
	u64 desc, avail, used;
};

/*
 * (c) constant  (l) lock  (w) written under lock with WRITE_ONCE(), read
 * without  (a) anyone, atomic
 *
 * Locks, outer before inner: lock, a queue's, those of MSI-X and irq/. The lock
 * of the PCI bus is not held when we are called. None is ever taken in an
 * interrupt.
 */
struct ivm_virtio {
	struct ivm_pci_identity identity;	/* (c) */
	struct ivm_pci_function *fn;		/* (c) */
	const struct ivm_virtio_type *type;	/* (c) */
	void *dev;				/* (c) */
	u64 offered;				/* (c) features */
	unsigned int nr_queues, max_size;	/* (c) */
	struct virtio_ring_regs *ring;		/* (l) nr_queues */

	bool live;				/* (w) started, not stopped or broken since */
	bool broken;				/* (a) DEVICE_NEEDS_RESET */
	atomic_t isr;				/* (a) */
	atomic_t generation;			/* (a) of the device configuration */
	u16 config_vector;			/* (w) */

	spinlock_t lock;
	u8 status;				/* (w) without NEEDS_RESET */
	bool started;				/* (l) ops->start was called */
	u32 offered_select, wanted_select;	/* (l) which half of the features */
	u64 wanted;				/* (l) features that the driver wrote */
	u64 features;				/* (w) negotiated, 0 before */
	u16 queue_select;			/* (l) */
	struct ivm_vq vq[];
};

/* ---- interrupts: any context ---- */

static void virtio_interrupt(struct ivm_virtio *v, u32 isr, u16 vector)
{
	if (ivm_msix_enabled(v->fn))
		ivm_msix_raise(v->fn, vector);
	else
		atomic_or(isr, &v->isr);	/* for drivers that poll; there is no line */
}

void ivm_vq_interrupt(struct ivm_vq *vq)
{
	virtio_interrupt(vq->dev, ISR_QUEUE, READ_ONCE(vq->vector));
}

/* Before DRIVER_OK nobody wants to hear of it (2.1.2). */
static void virtio_config_interrupt(struct ivm_virtio *v)
{
	if (READ_ONCE(v->status) & IVM_VIRTIO_DRIVER_OK)
		virtio_interrupt(v, ISR_CONFIG, READ_ONCE(v->config_vector));
}

void ivm_virtio_config_changed(struct ivm_virtio *v)
{
	atomic_inc(&v->generation);
	virtio_config_interrupt(v);
}

void ivm_virtio_broken(struct ivm_virtio *v)
{
	unsigned int i;

	if (xchg(&v->broken, true))
		return;
	WRITE_ONCE(v->live, false);
	for (i = 0; i < v->nr_queues; i++)
		WRITE_ONCE(v->vq[i].broken, true);
	virtio_config_interrupt(v);
}

/* ---- life ---- */

static void virtio_stop(struct ivm_virtio *v)
{
	unsigned int i;

	WRITE_ONCE(v->live, false);
	v->started = false;
	v->type->ops->stop(v->dev);
	for (i = 0; i < v->nr_queues; i++) {
		spin_lock(&v->vq[i].lock);
		ivm_vq_disable(&v->vq[i]);
		spin_unlock(&v->vq[i].lock);
	}
}

static void virtio_reset_locked(struct ivm_virtio *v)
{
	unsigned int i;

	virtio_stop(v);
	/* No queue is enabled, and all their locks were free since: nobody is about to find anything broken. */
	WRITE_ONCE(v->status, 0);
	WRITE_ONCE(v->broken, false);
	WRITE_ONCE(v->features, 0);
	WRITE_ONCE(v->config_vector, IVM_MSIX_NONE);
	v->wanted = 0;
	v->offered_select = 0;
	v->wanted_select = 0;
	v->queue_select = 0;
	atomic_set(&v->isr, 0);
	for (i = 0; i < v->nr_queues; i++) {
		WRITE_ONCE(v->vq[i].broken, false);
		WRITE_ONCE(v->vq[i].vector, IVM_MSIX_NONE);
		v->ring[i] = (struct virtio_ring_regs){ .size = v->max_size };
	}
}

/*
 * Runs the device when the driver is ready and the function may access memory.
 * A driver that takes the bus away from a device at work (a kernel on its way
 * into kexec does) must find all accesses ended, and has to reset it.
 */
static void virtio_update(struct ivm_virtio *v)
{
	bool master = ivm_pci_bus_master(v->fn);

	if (v->started && !master) {
		virtio_stop(v);
		ivm_virtio_broken(v);
	} else if (!v->started && master && v->status & IVM_VIRTIO_DRIVER_OK && !READ_ONCE(v->broken)) {
		v->started = true;
		WRITE_ONCE(v->live, true);
		v->type->ops->start(v->dev);
	}
}

/* The PCI command register was written. */
static void virtio_command(void *ctx)
{
	struct ivm_virtio *v = ctx;
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	virtio_update(v);
	spin_unlock_irqrestore(&v->lock, flags);
}

static bool virtio_asserts(void *ctx)
{
	struct ivm_virtio *v = ctx;

	return atomic_read(&v->isr);
}

static const struct ivm_pci_function_ops virtio_function_ops = {
	.command = virtio_command,
	.interrupt = virtio_asserts,
};

/* ---- status and features ---- */

static bool virtio_features_ok(struct ivm_virtio *v)
{
	return !(v->wanted & ~v->offered) && v->wanted & IVM_VIRTIO_F_VERSION_1 &&
	       v->type->ops->features(v->dev, v->wanted);
}

/* Each of these needs those before it. Bits are set one by one or together, and cleared by a reset only. */
static u8 virtio_status_allowed(u8 status)
{
	static const u8 order[] = {
		IVM_VIRTIO_ACKNOWLEDGE, IVM_VIRTIO_DRIVER, IVM_VIRTIO_FEATURES_OK, IVM_VIRTIO_DRIVER_OK
	};
	u8 allowed = status & IVM_VIRTIO_FAILED;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order) && status & order[i]; i++)
		allowed |= order[i];
	return allowed;
}

static void virtio_set_status(struct ivm_virtio *v, u8 value)
{
	u8 status;

	if (!value) {
		virtio_reset_locked(v);
		return;
	}
	status = virtio_status_allowed(v->status | value);
	if (status & ~v->status & IVM_VIRTIO_FEATURES_OK) {
		if (virtio_features_ok(v))
			WRITE_ONCE(v->features, v->wanted);
		else
			status &= ~(IVM_VIRTIO_FEATURES_OK | IVM_VIRTIO_DRIVER_OK);
	}
	WRITE_ONCE(v->status, status);
	virtio_update(v);
}

static u8 virtio_get_status(struct ivm_virtio *v)
{
	return v->status | (READ_ONCE(v->broken) ? IVM_VIRTIO_NEEDS_RESET : 0);
}

static void virtio_want(struct ivm_virtio *v, u32 half)
{
	unsigned int shift = 32 * v->wanted_select;

	if (v->status & IVM_VIRTIO_FEATURES_OK || v->wanted_select > 1)
		return;
	v->wanted = (v->wanted & ~(0xffffffffULL << shift)) | (u64)half << shift;
}

/* ---- queues ---- */

/* The driver chose one that is not there: every register of it reads as 0. */
static struct ivm_vq *virtio_selected(struct ivm_virtio *v)
{
	return v->queue_select < v->nr_queues ? &v->vq[v->queue_select] : NULL;
}

static void queue_enable(struct ivm_virtio *v, struct ivm_vq *vq)
{
	struct virtio_ring_regs *ring = &v->ring[vq->index];
	int err = 0;

	if ((v->status & (IVM_VIRTIO_FEATURES_OK | IVM_VIRTIO_DRIVER_OK)) != IVM_VIRTIO_FEATURES_OK ||
	    READ_ONCE(v->broken))
		return;
	spin_lock(&vq->lock);
	if (!vq->enabled)
		err = ivm_vq_enable(vq, ring->size, ring->desc, ring->avail, ring->used, v->features);
	spin_unlock(&vq->lock);
	if (err)
		ivm_virtio_broken(v);
}

static void queue_vector(struct ivm_virtio *v, struct ivm_vq *vq, u16 vector)
{
	WRITE_ONCE(vq->vector, vector < ivm_msix_vectors(v->fn) ? vector : IVM_MSIX_NONE);
}

static void set_half(u64 *value, bool high, u32 half)
{
	*value = high ? (u32)*value | (u64)half << 32 : (*value & ~0xffffffffULL) | half;
}

static u32 queue_read(struct ivm_virtio *v, struct ivm_vq *vq, unsigned int reg)
{
	const struct virtio_ring_regs *ring = &v->ring[vq->index];

	switch (reg) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return ring->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return vq->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return READ_ONCE(vq->enabled);
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return lower_32_bits(ring->desc);
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return upper_32_bits(ring->desc);
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return lower_32_bits(ring->avail);
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return upper_32_bits(ring->avail);
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return lower_32_bits(ring->used);
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return upper_32_bits(ring->used);
	default:
		return 0;	/* the notify offset too */
	}
}

/* Registers that say where the ring is: not while it is in use. */
static void queue_write_ring(struct ivm_virtio *v, struct ivm_vq *vq, unsigned int reg, u32 value)
{
	struct virtio_ring_regs *ring = &v->ring[vq->index];

	if (READ_ONCE(vq->enabled))
		return;
	switch (reg) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (is_power_of_2(value) && value <= v->max_size)
			ring->size = value;
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		set_half(&ring->desc, reg == VIRTIO_PCI_COMMON_Q_DESCHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		set_half(&ring->avail, reg == VIRTIO_PCI_COMMON_Q_AVAILHI, value);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		set_half(&ring->used, reg == VIRTIO_PCI_COMMON_Q_USEDHI, value);
		break;
	}
}

static void queue_write(struct ivm_virtio *v, struct ivm_vq *vq, unsigned int reg, u32 value)
{
	switch (reg) {
	case VIRTIO_PCI_COMMON_Q_MSIX:
		queue_vector(v, vq, value);
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		if (value == 1)
			queue_enable(v, vq);
		break;
	default:
		queue_write_ring(v, vq, reg, value);
	}
}

/* ---- common configuration ---- */

/* Width of the register that begins at each offset. */
static const u8 common_width[REGS_COMMON_LEN] = {
	[VIRTIO_PCI_COMMON_DFSELECT] = 4,
	[VIRTIO_PCI_COMMON_DF] = 4,
	[VIRTIO_PCI_COMMON_GFSELECT] = 4,
	[VIRTIO_PCI_COMMON_GF] = 4,
	[VIRTIO_PCI_COMMON_MSIX] = 2,
	[VIRTIO_PCI_COMMON_NUMQ] = 2,
	[VIRTIO_PCI_COMMON_STATUS] = 1,
	[VIRTIO_PCI_COMMON_CFGGENERATION] = 1,
	[VIRTIO_PCI_COMMON_Q_SELECT] = 2,
	[VIRTIO_PCI_COMMON_Q_SIZE] = 2,
	[VIRTIO_PCI_COMMON_Q_MSIX] = 2,
	[VIRTIO_PCI_COMMON_Q_ENABLE] = 2,
	[VIRTIO_PCI_COMMON_Q_NOFF] = 2,
	[VIRTIO_PCI_COMMON_Q_DESCLO] = 4,
	[VIRTIO_PCI_COMMON_Q_DESCHI] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILLO] = 4,
	[VIRTIO_PCI_COMMON_Q_AVAILHI] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDLO] = 4,
	[VIRTIO_PCI_COMMON_Q_USEDHI] = 4,
};

static u32 common_read(struct ivm_virtio *v, unsigned int reg)
{
	struct ivm_vq *vq = virtio_selected(v);

	switch (reg) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return v->offered_select;
	case VIRTIO_PCI_COMMON_DF:
		return v->offered_select < 2 ? v->offered >> 32 * v->offered_select : 0;
	case VIRTIO_PCI_COMMON_GFSELECT:
		return v->wanted_select;
	case VIRTIO_PCI_COMMON_GF:
		return v->wanted_select < 2 ? v->wanted >> 32 * v->wanted_select : 0;
	case VIRTIO_PCI_COMMON_MSIX:
		return v->config_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return v->nr_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return virtio_get_status(v);
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return atomic_read(&v->generation) & 0xff;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return v->queue_select;
	default:
		return vq ? queue_read(v, vq, reg) : 0;
	}
}

static void common_write(struct ivm_virtio *v, unsigned int reg, u32 value)
{
	struct ivm_vq *vq = virtio_selected(v);

	switch (reg) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		v->offered_select = value;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		v->wanted_select = value;
		break;
	case VIRTIO_PCI_COMMON_GF:
		virtio_want(v, value);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		WRITE_ONCE(v->config_vector, value < ivm_msix_vectors(v->fn) ? value : IVM_MSIX_NONE);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		virtio_set_status(v, value);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		v->queue_select = value;
		break;
	case VIRTIO_PCI_COMMON_DF:
	case VIRTIO_PCI_COMMON_NUMQ:
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		break;
	default:
		if (vq)
			queue_write(v, vq, reg, value);
	}
}

/* ---- the BAR ---- */

/* The hot path of a guest: no lock. Who stops the device takes the queue's. */
static void virtio_notify(struct ivm_virtio *v, u16 index)
{
	if (likely(index < v->nr_queues && READ_ONCE(v->live) && READ_ONCE(v->vq[index].enabled)))
		v->type->ops->notify(v->dev, index);
}

static bool in_common(u64 offset, unsigned int size)
{
	return offset < REGS_COMMON_LEN && common_width[offset] == size;
}

static bool in_config(const struct ivm_virtio *v, u64 offset, unsigned int size)
{
	return offset >= REGS_CONFIG && size <= 4 && offset - REGS_CONFIG + size <= v->type->config_size;
}

static u64 regs_read(void *ctx, u64 offset, unsigned int size)
{
	struct ivm_virtio *v = ctx;
	unsigned long flags;
	u32 value = 0;

	if (offset == REGS_ISR && size == 1)
		return atomic_xchg(&v->isr, 0);
	spin_lock_irqsave(&v->lock, flags);
	if (in_common(offset, size))
		value = common_read(v, offset);
	else if (in_config(v, offset, size))
		value = v->type->ops->config_read(v->dev, offset - REGS_CONFIG, size);
	spin_unlock_irqrestore(&v->lock, flags);
	return value;
}

static void regs_write(void *ctx, u64 offset, unsigned int size, u64 value)
{
	struct ivm_virtio *v = ctx;
	unsigned long flags;

	value &= GENMASK_ULL(size * 8 - 1, 0);
	if (likely(offset == REGS_NOTIFY && size == 2)) {
		virtio_notify(v, value);
		return;
	}
	spin_lock_irqsave(&v->lock, flags);
	if (in_common(offset, size))
		common_write(v, offset, value);
	else if (in_config(v, offset, size))
		v->type->ops->config_write(v->dev, offset - REGS_CONFIG, size, value);
	spin_unlock_irqrestore(&v->lock, flags);
}

static const struct ivm_bus_ops virtio_regs_ops = {
	.read = regs_read,
	.write = regs_write,
};

/* ---- coming and going ---- */

/* A virtio structure capability, and what some kinds have behind it; without id, next and length. Little-endian, as we are. */
struct virtio_cap_body {
	u8 type, bar, id, padding[2];
	u32 offset, length, more;
} __packed;

static int virtio_capability(struct ivm_virtio *v, u8 type, u32 offset, u32 length)
{
	struct virtio_cap_body body = {
		.type = type,
		.offset = offset,
		.length = length,
		/* Of the doorbells: notify_off_multiplier, 0. Of the window: its data. */
	};

	switch (type) {
	case VIRTIO_PCI_CAP_PCI_CFG:
		return ivm_pci_window(v->fn, &body, sizeof(body));
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		return ivm_pci_capability(v->fn, &body, sizeof(body));
	default:
		return ivm_pci_capability(v->fn, &body, offsetof(struct virtio_cap_body, more));
	}
}

static int virtio_capabilities(struct ivm_virtio *v)
{
	const struct {
		u8 type;
		u32 offset, length;
	} caps[] = {
		{ VIRTIO_PCI_CAP_COMMON_CFG, REGS_COMMON, REGS_COMMON_LEN },
		{ VIRTIO_PCI_CAP_NOTIFY_CFG, REGS_NOTIFY, REGS_NOTIFY_LEN },
		{ VIRTIO_PCI_CAP_ISR_CFG, REGS_ISR, 1 },
		{ VIRTIO_PCI_CAP_DEVICE_CFG, REGS_CONFIG, v->type->config_size },
		{ VIRTIO_PCI_CAP_PCI_CFG, 0, 0 },
	};
	unsigned int i;
	int cap;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		if (caps[i].type == VIRTIO_PCI_CAP_DEVICE_CFG && !v->type->config_size)
			continue;
		cap = virtio_capability(v, caps[i].type, caps[i].offset, caps[i].length);
		if (cap < 0)
			return cap;
	}
	return 0;
}

static void virtio_identify(struct ivm_virtio *v)
{
	v->identity = (struct ivm_pci_identity){
		.vendor = VIRTIO_VENDOR,
		.device = VIRTIO_DEVICE + v->type->id,
		.subsystem_vendor = VIRTIO_VENDOR,
		.subsystem = VIRTIO_SUBSYSTEM,
		.revision = 1,
		.class_code = v->type->class_code,
		.bar = {
			{ .size = REGS_SIZE, .io = true, .ops = &virtio_regs_ops },
			[MSIX_BAR] = { .size = IVM_MSIX_BAR },
		},
		.msix_bar = MSIX_BAR,
		.ops = &virtio_function_ops,
	};
}

static struct ivm_virtio *virtio_alloc(unsigned int nr_queues)
{
	struct ivm_virtio *v = kvzalloc(struct_size(v, vq, nr_queues), GFP_KERNEL);

	if (!v)
		return NULL;
	v->ring = kcalloc(nr_queues, sizeof(*v->ring), GFP_KERNEL);
	if (!v->ring) {
		kvfree(v);
		return NULL;
	}
	return v;
}

static void virtio_free(struct ivm_virtio *v)
{
	kfree(v->ring);
	kvfree(v);
}

static void virtio_init(struct ivm_virtio *v, struct ivm_space *space)
{
	unsigned int i;

	spin_lock_init(&v->lock);
	v->config_vector = IVM_MSIX_NONE;
	for (i = 0; i < v->nr_queues; i++) {
		v->ring[i].size = v->max_size;
		v->vq[i].space = space;
		v->vq[i].dev = v;
		v->vq[i].index = i;
		v->vq[i].vector = IVM_MSIX_NONE;
		spin_lock_init(&v->vq[i].lock);
	}
}

static int virtio_plug(struct ivm_virtio *v, struct ivm_pci *pci, unsigned int slot, struct ivm_irqchip *irq)
{
	int err;

	v->fn = ivm_pci_add(pci, slot, &v->identity, min_t(unsigned int, v->nr_queues + 1, IVM_MSIX_MAX), irq, v);
	if (IS_ERR(v->fn))
		return PTR_ERR(v->fn);
	err = virtio_capabilities(v);
	if (err)
		ivm_pci_remove(v->fn);
	return err;
}

struct ivm_virtio *ivm_virtio_create(struct ivm_pci *pci, unsigned int slot, struct ivm_irqchip *irq,
				     struct ivm_space *space, const struct ivm_virtio_type *type, u64 features,
				     unsigned int nr_queues, unsigned int max_size, void *dev)
{
	struct ivm_virtio *v;
	int err;

	if (!nr_queues || nr_queues > U16_MAX || !is_power_of_2(max_size) || max_size > IVM_VQ_SIZE_MAX ||
	    type->config_size > IVM_VIRTIO_CONFIG_MAX)
		return ERR_PTR(-EINVAL);
	v = virtio_alloc(nr_queues);
	if (!v)
		return ERR_PTR(-ENOMEM);
	v->type = type;
	v->dev = dev;
	v->offered = features | IVM_VIRTIO_F_VERSION_1 | IVM_VIRTIO_F_EVENT_IDX | IVM_VIRTIO_F_INDIRECT_DESC;
	v->nr_queues = nr_queues;
	v->max_size = max_size;
	virtio_init(v, space);
	virtio_identify(v);
	err = virtio_plug(v, pci, slot, irq);
	if (err) {
		virtio_free(v);
		return ERR_PTR(err);
	}
	return v;
}

void ivm_virtio_destroy(struct ivm_virtio *v)
{
	if (!v)
		return;
	ivm_pci_remove(v->fn);
	virtio_free(v);
}

void ivm_virtio_reset(struct ivm_virtio *v)
{
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	virtio_reset_locked(v);
	spin_unlock_irqrestore(&v->lock, flags);
}

bool ivm_virtio_memory_goes(struct ivm_virtio *v, u64 gpa, u64 len)
{
	bool before = READ_ONCE(v->broken), gone = false;
	unsigned int i;

	for (i = 0; i < v->nr_queues; i++) {
		spin_lock_bh(&v->vq[i].lock);
		gone |= ivm_vq_memory_goes(&v->vq[i], gpa, len);
		spin_unlock_bh(&v->vq[i].lock);
	}
	return gone && !before;
}

void ivm_virtio_memory_gone(struct ivm_virtio *v)
{
	unsigned int i;

	for (i = 0; i < v->nr_queues; i++) {
		spin_lock_bh(&v->vq[i].lock);
		ivm_vq_memory_gone(&v->vq[i]);
		spin_unlock_bh(&v->vq[i].lock);
	}
}

struct ivm_vq *ivm_virtio_queue(struct ivm_virtio *v, unsigned int index)
{
	return &v->vq[index];
}

u64 ivm_virtio_features(const struct ivm_virtio *v)
{
	return READ_ONCE(v->features);
}

bool ivm_virtio_live(const struct ivm_virtio *v)
{
	return READ_ONCE(v->live);
}
