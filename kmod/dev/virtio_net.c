// SPDX-License-Identifier: GPL-2.0-only
/*
 * The card: features, configuration, and its life.
 *
 * Guest memory is touched in three places: tx_batch(), rx_put() and
 * ctrl_batch(). Each has the lock of the queue whose ring it is, and has seen
 * under that lock that the queue is open. net_stop() takes the lock of each
 * queue and closes it. So when net_stop() returns, nobody touches guest memory,
 * and nobody will before net_start() opens a queue again. Who could:
 *
 *   vCPU threads	in ivm_virtio_net_work(): find queues closed. When the
 *			card is destroyed or quiesced they are parked.
 *   workers		of a queue or of the card: likewise; before the card is
 *			freed they are cancelled, see net_cancel().
 *   the switch		in deliver(): finds queues closed, says so. None is left
 *			once ivm_nic_destroy() returned.
 *   a sender's frame	in the switch: ivm_nic_send() keeps nothing when it
 *			returns, and its caller has the transmit queue's lock.
 *
 * Likewise for a part of guest memory that goes while the card is at work, see
 * ivm_virtio_net_memory_gone().
 *
 * A net_stop() may have to wait for a sender: one frame's time, as ->shut ends
 * a batch before the next. It runs with interrupts off on a vCPU's thread; that
 * is no deadlock, since those locks are never taken by interrupts, and whoever
 * holds one runs with bottom halves off and waits for nobody.
 *
 * Locks, outermost first: the transport's (around start and stop) or
 * driver_lock; a transmit or the control queue's; the switch's; a receive
 * queue's; those of interrupts.
 */
#include "virtio_net.h"
#include "../why.h"

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/etherdevice.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/unaligned.h>

#define VNET_ID			1		/* virtio device id */
#define VNET_CLASS		0x020000	/* Ethernet controller */
#define VNET_SPEED		10000		/* Mb/s: what a driver likes to know; nothing depends on it */
#define VNET_FULL_DUPLEX	1

#define VNET_OFFERED	(VNET_F_CSUM | VNET_F_GUEST_CSUM | VNET_F_CTRL_GUEST_OFFLOADS | VNET_F_MTU | VNET_F_MAC | \
			 VNET_F_GUEST_TSO4 | VNET_F_GUEST_TSO6 | VNET_F_GUEST_ECN | \
			 VNET_F_GUEST_USO4 | VNET_F_GUEST_USO6 | \
			 VNET_F_HOST_TSO4 | VNET_F_HOST_TSO6 | VNET_F_HOST_ECN | VNET_F_HOST_USO | \
			 VNET_F_MRG_RXBUF | VNET_F_STATUS | VNET_F_CTRL_VQ | VNET_F_CTRL_RX | VNET_F_CTRL_VLAN | \
			 VNET_F_CTRL_RX_EXTRA | VNET_F_GUEST_ANNOUNCE | VNET_F_CTRL_MAC_ADDR | VNET_F_SPEED_DUPLEX)

/* ---- features ---- */

/* Which feature needs one of which others (5.1.3.1). */
static const struct {
	u64 feature, one_of;
} net_needs[] = {
	{ VNET_F_GUEST_TSO4, VNET_F_GUEST_CSUM },
	{ VNET_F_GUEST_TSO6, VNET_F_GUEST_CSUM },
	{ VNET_F_GUEST_USO4, VNET_F_GUEST_CSUM },
	{ VNET_F_GUEST_USO6, VNET_F_GUEST_CSUM },
	{ VNET_F_GUEST_ECN, VNET_F_GUEST_TSO4 | VNET_F_GUEST_TSO6 },
	{ VNET_F_HOST_TSO4, VNET_F_CSUM },
	{ VNET_F_HOST_TSO6, VNET_F_CSUM },
	{ VNET_F_HOST_USO, VNET_F_CSUM },
	{ VNET_F_HOST_ECN, VNET_F_HOST_TSO4 | VNET_F_HOST_TSO6 },
	{ VNET_F_CTRL_RX, VNET_F_CTRL_VQ },
	{ VNET_F_CTRL_VLAN, VNET_F_CTRL_VQ },
	{ VNET_F_CTRL_RX_EXTRA, VNET_F_CTRL_VQ },
	{ VNET_F_GUEST_ANNOUNCE, VNET_F_CTRL_VQ },
	{ VNET_F_MQ, VNET_F_CTRL_VQ },
	{ VNET_F_CTRL_MAC_ADDR, VNET_F_CTRL_VQ },
	{ VNET_F_CTRL_GUEST_OFFLOADS, VNET_F_CTRL_VQ },
};

static bool net_features(void *dev, u64 features)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(net_needs); i++)
		if ((features & net_needs[i].feature) && !(features & net_needs[i].one_of))
			return false;
	return true;
}

/* ---- what the switch is told ---- */

static void net_nic_features(u64 offloads, struct ivm_nic_features *features)
{
	u64 uso = VNET_F_GUEST_USO4 | VNET_F_GUEST_USO6;

	*features = (struct ivm_nic_features){
		.csum = offloads & VNET_F_GUEST_CSUM,
		.tso4 = offloads & VNET_F_GUEST_TSO4,
		.tso6 = offloads & VNET_F_GUEST_TSO6,
		.ecn = offloads & VNET_F_GUEST_ECN,
		.uso = (offloads & uso) == uso,
	};
}

/**
 * ivm_vnet_driver_changed() - tell the switch whether a driver is there, and what it takes
 * @card: as it is now; when that changes again, IVM_VNET_PENDING_DRIVER brings somebody here again
 *
 * Context: task, may sleep; several at once.
 */
void ivm_vnet_driver_changed(struct ivm_virtio_net *card)
{
	struct ivm_nic_features features;
	bool up;

	mutex_lock(&card->driver_lock);
	up = READ_ONCE(card->up) && !READ_ONCE(card->shut);
	net_nic_features(up ? READ_ONCE(card->offloads) : 0, &features);
	if (up || card->told)
		ivm_nic_driver(card->nic, up, &features);
	card->told = up;
	mutex_unlock(&card->driver_lock);
}

/* The switch says whether the link is up: ops->link of struct ivm_nic_ops. */
static void net_link(void *ctx, bool up)
{
	struct ivm_virtio_net *card = ctx;
	int old, set = VNET_S_LINK_UP;

	if (!up) {
		old = atomic_fetch_and(~(VNET_S_LINK_UP | VNET_S_ANNOUNCE), &card->status);
	} else {
		if (READ_ONCE(card->up) && (READ_ONCE(card->features) & VNET_F_GUEST_ANNOUNCE) &&
		    !(atomic_read(&card->status) & VNET_S_LINK_UP))
			set |= VNET_S_ANNOUNCE;	/* others may have forgotten where this card is */
		old = atomic_fetch_or(set, &card->status);
	}
	if (READ_ONCE(card->up) && !(old & VNET_S_LINK_UP) == up)
		ivm_virtio_config_changed(card->virtio);
}

static const struct ivm_nic_ops net_nic_ops = {
	.deliver = ivm_vnet_rx_deliver,
	.resume = ivm_vnet_tx_resume,
	.link = net_link,
};

/* ---- work ---- */

/* Have a worker do it. Any context. */
void ivm_vnet_kick(struct ivm_virtio_net *card, struct work_struct *work)
{
	if (!READ_ONCE(card->dying))
		queue_work(system_unbound_wq, work);
}

/* A ring is broken; the device waits for a reset. That queue's lock is held, the switch's may be; or no vCPU runs. */
void ivm_vnet_ring_broken(struct ivm_virtio_net *card)
{
	WRITE_ONCE(card->shut, true);
	atomic_inc(&card->broken);
	set_bit(IVM_VNET_PENDING_DRIVER, &card->pending);
	ivm_vnet_kick(card, &card->work);
}

/*
 * A doorbell. Whoever sets a bit in ->pending calls for somebody to look at it,
 * even if it was set already: who set it before may be waiting for a core.
 */
static void net_notify(void *dev, unsigned int queue)
{
	struct ivm_virtio_net *card = dev;

	set_bit(queue, &card->pending);
	card->ops->defer(card->ctx);
}

void ivm_virtio_net_work(struct ivm_virtio_net *card)
{
	unsigned long pending = READ_ONCE(card->pending), queues;
	unsigned int queue;

	if (unlikely(pending & BIT(IVM_VNET_PENDING_DRIVER))) {
		clear_bit(IVM_VNET_PENDING_DRIVER, &card->pending);
		smp_mb__after_atomic();		/* then look how things are */
		ivm_vnet_driver_changed(card);
	}
	for (queues = pending & ~BIT(IVM_VNET_PENDING_DRIVER); queues; queues &= queues - 1) {
		queue = __ffs(queues);
		if (queue == READ_ONCE(card->ctrl_index))
			ivm_vnet_ctrl_work(card);
		else if (queue == 2 * card->nr_pairs)
			clear_bit(queue, &card->pending);
		else if (queue & 1)
			ivm_vnet_tx_work(&card->tx[queue / 2]);
		else
			ivm_vnet_rx_work(&card->rx[queue / 2]);
	}
}

static void net_worker(struct work_struct *work)
{
	ivm_virtio_net_work(container_of(work, struct ivm_virtio_net, work));
}

/* ---- driver comes and goes ---- */

static void net_open_pair(struct ivm_virtio_net *card, unsigned int pair)
{
	struct ivm_vnet_rx *rx = &card->rx[pair];
	struct ivm_vnet_tx *tx = &card->tx[pair];
	unsigned long flags;

	spin_lock_irqsave(&rx->vq->lock, flags);
	WRITE_ONCE(rx->open, rx->vq->enabled);
	rx->starved = false;
	if (rx->open)
		ivm_vq_notify_disable(rx->vq);
	spin_unlock_irqrestore(&rx->vq->lock, flags);

	spin_lock_irqsave(&tx->vq->lock, flags);
	WRITE_ONCE(tx->open, tx->vq->enabled);
	spin_unlock_irqrestore(&tx->vq->lock, flags);
	set_bit(ivm_vnet_tx_queue(pair), &card->pending);
}

/* The control queue comes behind the pairs that the driver knows of (5.1.2). */
static void net_open_ctrl(struct ivm_virtio_net *card, unsigned int pairs)
{
	struct ivm_vq *vq;
	unsigned long flags;

	if (!(card->features & VNET_F_CTRL_VQ))
		return;
	vq = ivm_virtio_queue(card->virtio, 2 * pairs);
	spin_lock_irqsave(&vq->lock, flags);
	card->ctrl_index = 2 * pairs;
	card->ctrl_tell = false;
	card->ctrl_open = vq->enabled;
	WRITE_ONCE(card->ctrl, vq);
	spin_unlock_irqrestore(&vq->lock, flags);
	set_bit(2 * pairs, &card->pending);
}

static void net_start(void *dev)
{
	struct ivm_virtio_net *card = dev;
	unsigned int pairs, i;
	u64 features = ivm_virtio_features(card->virtio);

	WRITE_ONCE(card->features, features);
	WRITE_ONCE(card->offloads, features & VNET_F_GUEST_OFFLOADS);
	WRITE_ONCE(card->pairs, 1);
	atomic_and(~VNET_S_ANNOUNCE, &card->status);
	ivm_vnet_filter_reset(&card->filter, features & VNET_F_CTRL_VLAN);
	WRITE_ONCE(card->shut, false);

	pairs = features & VNET_F_MQ ? card->nr_pairs : 1;
	net_open_ctrl(card, pairs);
	for (i = 0; i < pairs; i++)
		net_open_pair(card, i);
	WRITE_ONCE(card->up, true);
	smp_mb__before_atomic();	/* who clears the bit sees the driver */
	set_bit(IVM_VNET_PENDING_DRIVER, &card->pending);
	card->ops->defer(card->ctx);
}

/* Close all queues; nobody touches guest memory when it returns. Any context but interrupts. */
static void net_close(struct ivm_virtio_net *card)
{
	unsigned int i, nr = 2 * card->nr_pairs + 1;
	unsigned long flags;
	struct ivm_vq *vq;

	WRITE_ONCE(card->up, false);
	WRITE_ONCE(card->shut, true);
	for (i = 0; i < nr; i++) {
		vq = ivm_virtio_queue(card->virtio, i);
		spin_lock_irqsave(&vq->lock, flags);
		if (vq == card->ctrl) {
			card->ctrl_open = false;
			WRITE_ONCE(card->ctrl, NULL);
			WRITE_ONCE(card->ctrl_index, 2 * card->nr_pairs);
		}
		if (i < 2 * card->nr_pairs)
			WRITE_ONCE(*(i & 1 ? &card->tx[i / 2].open : &card->rx[i / 2].open), false);
		spin_unlock_irqrestore(&vq->lock, flags);
	}
	smp_mb__before_atomic();	/* who clears the bit sees that the driver is gone */
	set_bit(IVM_VNET_PENDING_DRIVER, &card->pending);
}

static void net_stop(void *dev)
{
	struct ivm_virtio_net *card = dev;

	net_close(card);
	ivm_vnet_kick(card, &card->work);
}

/* ---- configuration ---- */

static u32 net_config_read(void *dev, unsigned int offset, unsigned int size)
{
	struct ivm_virtio_net *card = dev;
	u8 config[VNET_CONFIG_SIZE] = { };
	u32 value = 0;

	memcpy(config, card->mac, ETH_ALEN);
	put_unaligned_le16(atomic_read(&card->status), config + 6);
	put_unaligned_le16(card->nr_pairs, config + 8);
	put_unaligned_le16(card->mtu, config + 10);
	put_unaligned_le32(VNET_SPEED, config + 12);
	config[16] = VNET_FULL_DUPLEX;
	if (size <= sizeof(value) && offset <= sizeof(config) - size)
		memcpy(&value, config + offset, size);
	return value;
}

/* All fields are read-only for a driver that speaks version 1 (5.1.4.2). */
static void net_config_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
}

static const struct ivm_virtio_ops net_virtio_ops = {
	.features = net_features,
	.start = net_start,
	.stop = net_stop,
	.notify = net_notify,
	.config_read = net_config_read,
	.config_write = net_config_write,
};

static const struct ivm_virtio_type net_virtio_type = {
	.id = VNET_ID,
	.class_code = VNET_CLASS,
	.config_size = VNET_CONFIG_SIZE,
	.ops = &net_virtio_ops,
};

/* ---- life ---- */

static struct ivm_virtio_net *net_alloc(unsigned int pairs)
{
	struct ivm_virtio_net *card;
	unsigned int i;

	card = kzalloc(sizeof(*card), GFP_KERNEL);
	if (!card)
		return NULL;
	card->nr_pairs = pairs;
	card->rx = kvcalloc(pairs, sizeof(*card->rx), GFP_KERNEL);
	card->tx = kvcalloc(pairs, sizeof(*card->tx), GFP_KERNEL);
	if (!card->rx || !card->tx) {
		kvfree(card->rx);
		kvfree(card->tx);
		kfree(card);
		return NULL;
	}
	for (i = 0; i < pairs; i++) {
		ivm_vnet_rx_init(&card->rx[i], card, i);
		ivm_vnet_tx_init(&card->tx[i], card, i);
	}
	return card;
}

static void net_free(struct ivm_virtio_net *card)
{
	kvfree(card->rx);
	kvfree(card->tx);
	kfree(card);
}

/* A sender has its own queue's lock while it takes a receiver's: two classes, so that lockdep can see the order. */
static void net_name_queues(struct ivm_virtio_net *card)
{
	static struct lock_class_key rx_key, tx_key, ctrl_key;
	unsigned int i;

	for (i = 0; i < card->nr_pairs; i++) {
		card->rx[i].vq = ivm_virtio_queue(card->virtio, ivm_vnet_rx_queue(i));
		lockdep_set_class(&card->rx[i].vq->lock, &rx_key);
		card->tx[i].vq = ivm_virtio_queue(card->virtio, ivm_vnet_tx_queue(i));
		lockdep_set_class(&card->tx[i].vq->lock, &tx_key);
	}
	lockdep_set_class(&ivm_virtio_queue(card->virtio, 2 * card->nr_pairs)->lock, &ctrl_key);
}

/**
 * ivm_virtio_net_create() - see dev.h
 * @params:	@params->nic is checked: 1 ... IVM_NIC_QUEUES_MAX queues, MTU in range
 * @ops:	constant storage
 * @ctx:	handed to @ops
 * @why:	says what is missing
 *
 * The switch calls from the moment ivm_nic_create() is under way: the card is
 * complete by then but for ->nic, which nothing looks at before a driver came.
 */
struct ivm_virtio_net *ivm_virtio_net_create(const struct ivm_virtio_net_params *params,
					     const struct ivm_virtio_net_ops *ops, void *ctx, struct ivm_why *why)
{
	const struct ivm_nic_params *nic = params->nic;
	u64 features = VNET_OFFERED | (nic->queues > 1 ? VNET_F_MQ : 0);
	struct ivm_virtio_net *card;
	int err;

	card = net_alloc(nic->queues);
	if (!card)
		return ERR_PTR(ivm_why(why, 0, -ENOMEM, "not enough kernel memory for a network card"));
	card->ops = ops;
	card->ctx = ctx;
	card->mtu = nic->mtu;
	memcpy(card->mac, nic->mac, ETH_ALEN);
	card->shut = true;
	card->pairs = 1;
	card->ctrl_index = 2 * card->nr_pairs;
	atomic_set(&card->status, VNET_S_LINK_UP);
	mutex_init(&card->driver_lock);
	INIT_WORK(&card->work, net_worker);
	ivm_vnet_filter_init(&card->filter);
	card->virtio = ivm_virtio_create(params->pci, params->slot, params->irq, params->space, &net_virtio_type,
					 features, 2 * card->nr_pairs + 1, IVM_VNET_QUEUE_SIZE, card);
	if (IS_ERR(card->virtio)) {
		err = ivm_why(why, 0, PTR_ERR(card->virtio),
			      "no room for a network card on the PCI bus, slot %u (error %ld)", params->slot,
			      PTR_ERR(card->virtio));
		goto err_free;
	}
	net_name_queues(card);
	card->nic = ivm_nic_create(nic, &net_nic_ops, card, why);
	if (IS_ERR(card->nic)) {
		err = PTR_ERR(card->nic);
		goto err_virtio;
	}
	return card;
err_virtio:
	ivm_virtio_destroy(card->virtio);
err_free:
	net_free(card);
	return ERR_PTR(err);
}

static void net_cancel(struct ivm_virtio_net *card)
{
	unsigned int i;

	for (i = 0; i < card->nr_pairs; i++)
		cancel_work_sync(&card->tx[i].work);
	cancel_work_sync(&card->work);
}

/*
 * Workers are cancelled twice. The first time ends those that run; one that
 * looked at ->dying just before it was set, or the switch in resume(), may queue
 * one more until ivm_nic_destroy() returns. After that nobody is left who could.
 */
void ivm_virtio_net_destroy(struct ivm_virtio_net *card)
{
	if (!card)
		return;
	WRITE_ONCE(card->dying, true);
	net_close(card);
	net_cancel(card);
	ivm_nic_destroy(card->nic);
	net_cancel(card);
	ivm_virtio_destroy(card->virtio);
	net_free(card);
}

void ivm_virtio_net_quiesce(struct ivm_virtio_net *card)
{
	net_close(card);
	ivm_virtio_reset(card->virtio);
	ivm_vnet_driver_changed(card);
}

/* No vCPU runs: no driver comes or goes meanwhile. */
void ivm_virtio_net_memory_goes(struct ivm_virtio_net *card, u64 gpa, u64 len)
{
	if (ivm_virtio_memory_goes(card->virtio, gpa, len))
		ivm_vnet_ring_broken(card);
}

/* Who is at work with pieces of guest memory has the lock of a queue of the card that they are of: none is left. */
void ivm_virtio_net_memory_gone(struct ivm_virtio_net *card)
{
	ivm_virtio_memory_gone(card->virtio);
}

void ivm_virtio_net_counts(const struct ivm_virtio_net *card, struct ivm_virtio_net_counts *counts)
{
	unsigned int i;

	*counts = (struct ivm_virtio_net_counts){ .broken = atomic_read(&card->broken) };
	for (i = 0; i < card->nr_pairs; i++) {
		counts->bad_chain += READ_ONCE(card->tx[i].bad[IVM_VNET_BAD_CHAIN]);
		counts->bad_length += READ_ONCE(card->tx[i].bad[IVM_VNET_BAD_LENGTH]);
		counts->bad_csum += READ_ONCE(card->tx[i].bad[IVM_VNET_BAD_CSUM]);
		counts->bad_gso += READ_ONCE(card->tx[i].bad[IVM_VNET_BAD_GSO]);
	}
}

void ivm_virtio_net_name(struct ivm_virtio_net *card, char *name, u32 *ifindex)
{
	ivm_nic_name(card->nic, name, ifindex);
}
