// SPDX-License-Identifier: GPL-2.0-only
#include "fake_card.h"

#include <stdlib.h>
#include <string.h>

#include "shim.h"
#include "why.h"
#include "dev/virtio_net.h"

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#define QUEUES	(2 * IVM_NIC_QUEUES_MAX + 1)

struct ivm_virtio {
	const struct ivm_virtio_type *type;
	void *dev;
	u64 offered, features;
	unsigned int nr, config_changes;
	bool live, broken, deferred, enable[QUEUES];
	struct ivm_vq vq[QUEUES];
	struct fake_queue queue[QUEUES];
};

const u8 fake_mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
int fake_virtio_fails;

/* ---- dev/virtio.h ---- */

struct ivm_virtio *ivm_virtio_create(struct ivm_pci *pci, unsigned int slot, struct ivm_irqchip *irq,
				     struct ivm_space *space, const struct ivm_virtio_type *type, u64 features,
				     unsigned int nr_queues, unsigned int max_size, void *dev)
{
	struct ivm_virtio *v;
	unsigned int i;

	if (fake_virtio_fails)
		return ERR_PTR(fake_virtio_fails);
	BUG_ON(nr_queues > QUEUES || max_size > IVM_VQ_SIZE_MAX || (max_size & (max_size - 1)));
	v = kzalloc(sizeof(*v), GFP_KERNEL);
	if (!v)
		return ERR_PTR(-ENOMEM);
	v->type = type;
	v->dev = dev;
	v->offered = features;
	v->nr = nr_queues;
	for (i = 0; i < nr_queues; i++) {
		v->vq[i].dev = v;
		v->vq[i].index = i;
		v->enable[i] = true;
		spin_lock_init(&v->vq[i].lock);
	}
	return v;
}

static void forget(struct ivm_virtio *v)
{
	struct fake_queue *q;
	unsigned int i, j, k;

	for (i = 0; i < v->nr; i++) {
		q = &v->queue[i];
		for (j = 0; j < q->nr; j++)
			for (k = 0; k < q->chain[j].nr_out + q->chain[j].nr_in; k++)
				free(q->chain[j].piece[k].data);
		free(q->chain);
		*q = (struct fake_queue){ };
	}
}

void ivm_virtio_destroy(struct ivm_virtio *v)
{
	if (!v)
		return;
	forget(v);
	kfree(v);
}

void ivm_virtio_reset(struct ivm_virtio *v)
{
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	v->live = false;
	v->type->ops->stop(v->dev);
	for (i = 0; i < v->nr; i++) {
		spin_lock(&v->vq[i].lock);
		v->vq[i].enabled = false;
		v->vq[i].broken = false;
		spin_unlock(&v->vq[i].lock);
	}
	v->broken = false;
	v->features = 0;
	local_irq_restore(flags);
}

struct ivm_vq *ivm_virtio_queue(struct ivm_virtio *v, unsigned int index)
{
	BUG_ON(index >= v->nr);
	return &v->vq[index];
}

u64 ivm_virtio_features(const struct ivm_virtio *v)
{
	return v->features;
}

bool ivm_virtio_live(const struct ivm_virtio *v)
{
	return v->live && !v->broken;
}

void ivm_virtio_config_changed(struct ivm_virtio *v)
{
	__atomic_fetch_add(&v->config_changes, 1, __ATOMIC_RELAXED);
}

void ivm_virtio_broken(struct ivm_virtio *v)
{
	unsigned int i;

	WRITE_ONCE(v->broken, true);
	for (i = 0; i < v->nr; i++)
		WRITE_ONCE(v->vq[i].broken, true);
}

/* All rings lie at 0. */
bool ivm_virtio_memory_goes(struct ivm_virtio *v, u64 gpa, u64 len)
{
	if (gpa || v->broken)
		return false;
	ivm_virtio_broken(v);
	return true;
}

void ivm_virtio_memory_gone(struct ivm_virtio *v)
{
	unsigned int i;

	for (i = 0; i < v->nr; i++) {
		spin_lock_bh(&v->vq[i].lock);
		spin_unlock_bh(&v->vq[i].lock);
	}
}

/* A queue that is not enabled has no rings: nobody who closed the card's has any business here. */
static struct fake_queue *queue_of(struct ivm_vq *vq)
{
	BUG_ON(!shim_lock_held(&vq->lock) || !vq->enabled);
	return &vq->dev->queue[vq->index];
}

/* What the device can see. */
static unsigned int offered(struct fake_queue *q)
{
	return READ_ONCE(q->nr) - q->late;
}

int ivm_vq_pop(struct ivm_vq *vq, struct ivm_chain *chain)
{
	struct fake_queue *q = queue_of(vq);
	struct fake_chain *c;
	unsigned int i;

	if (READ_ONCE(vq->broken))
		return -EIO;
	if (q->breaks) {
		ivm_virtio_broken(vq->dev);
		return -EIO;
	}
	if (q->next == offered(q))
		return 0;
	c = &q->chain[q->next];
	BUG_ON(c->popped);
	c->popped = true;
	memset(chain, 0x5a, sizeof(*chain));
	chain->head = q->next;
	chain->nr_out = c->nr_out;
	chain->nr_in = c->nr_in;
	chain->out_len = 0;
	chain->in_len = 0;
	for (i = 0; i < c->nr_out + c->nr_in; i++) {
		chain->piece[i] = c->piece[i];
		*(i < c->nr_out ? &chain->out_len : &chain->in_len) += c->piece[i].len;
	}
	q->next++;
	return 1;
}

void ivm_vq_unpop(struct ivm_vq *vq)
{
	struct fake_queue *q = queue_of(vq);

	BUG_ON(!q->next || q->chain[q->next - 1].pushed);
	q->next--;
	q->chain[q->next].popped = false;
}

int ivm_vq_pop_room(struct ivm_vq *vq, struct ivm_room *room, u32 len, unsigned int most)
{
	struct ivm_chain *chain = &room->walked;
	int ret;

	BUG_ON(most > IVM_VQ_ROOM_CHAINS);
	while (room->len < len) {
		if (room->nr == most)
			return -EMSGSIZE;
		ret = ivm_vq_pop(vq, chain);
		if (ret <= 0)
			return ret;
		if (!chain->in_len) {
			ivm_virtio_broken(vq->dev);
			ret = -EIO;
		} else if (room->nr_pieces - room->nr + chain->nr_in - 1 > IVM_VQ_ROOM_EXTRA) {
			ret = -EMSGSIZE;
		}
		if (ret <= 0) {
			ivm_vq_unpop(vq);
			return ret;
		}
		memcpy(&room->piece[room->nr_pieces], &chain->piece[chain->nr_out], chain->nr_in * sizeof(*chain->piece));
		room->nr_pieces += chain->nr_in;
		room->chain[room->nr].id = chain->head;
		room->chain[room->nr++].len = chain->in_len;
		room->len += chain->in_len;
	}
	return 1;
}

void ivm_vq_unpop_room(struct ivm_vq *vq, const struct ivm_room *room)
{
	unsigned int i;

	for (i = 0; i < room->nr; i++)
		ivm_vq_unpop(vq);
}

bool ivm_vq_pending(struct ivm_vq *vq)
{
	struct fake_queue *q = queue_of(vq);

	return q->next != offered(q);
}

void ivm_vq_push(struct ivm_vq *vq, u16 head, u32 len)
{
	struct fake_queue *q = queue_of(vq);

	BUG_ON(head >= q->next || !q->chain[head].popped || q->chain[head].pushed);
	q->chain[head].pushed = true;
	q->chain[head].used = len;
	q->pushed++;
}

void ivm_vq_push_room(struct ivm_vq *vq, struct ivm_room *room, u32 len)
{
	unsigned int i;
	u32 n;

	for (i = 0; i < room->nr; i++, len -= n) {
		n = min(room->chain[i].len, len);
		BUG_ON(!n);
		ivm_vq_push(vq, room->chain[i].id, n);
	}
	BUG_ON(len);
}

bool ivm_vq_publish(struct ivm_vq *vq)
{
	struct fake_queue *q = queue_of(vq);
	bool some = q->published != q->pushed;

	WRITE_ONCE(q->published, q->pushed);
	return some && !q->quiet;
}

void ivm_vq_interrupt(struct ivm_vq *vq)
{
	__atomic_fetch_add(&vq->dev->queue[vq->index].interrupts, 1, __ATOMIC_RELAXED);
}

bool ivm_vq_notify_enable(struct ivm_vq *vq)
{
	struct fake_queue *q = queue_of(vq);

	if (q->late)
		q->late--;
	q->doorbell = true;
	q->asked = q->next;
	smp_mb();
	if (q->flicker) {
		q->flicker--;
		return true;
	}
	return offered(q) != q->next;
}

void ivm_vq_notify_disable(struct ivm_vq *vq)
{
	queue_of(vq)->doorbell = false;
}

/* ---- for tests ---- */

struct fake_queue *fake_queue(struct ivm_virtio_net *card, unsigned int queue)
{
	return &card->virtio->queue[queue];
}

void fake_driver_enable(struct ivm_virtio_net *card, unsigned int queue, bool enable)
{
	card->virtio->enable[queue] = enable;
}

bool fake_driver_start(struct ivm_virtio_net *card, u64 features)
{
	struct ivm_virtio *v = card->virtio;
	unsigned long flags;
	unsigned int i;

	BUG_ON(features & ~v->offered);
	local_irq_save(flags);
	if (!v->type->ops->features(v->dev, features)) {
		local_irq_restore(flags);
		return false;
	}
	v->features = features;
	for (i = 0; i < v->nr; i++) {
		spin_lock(&v->vq[i].lock);
		v->vq[i].enabled = v->enable[i];
		spin_unlock(&v->vq[i].lock);
	}
	v->live = true;
	v->type->ops->start(v->dev);
	local_irq_restore(flags);
	return true;
}

void fake_driver_stop(struct ivm_virtio_net *card)
{
	ivm_virtio_reset(card->virtio);
}

struct fake_chain *fake_chain(struct ivm_virtio_net *card, unsigned int queue)
{
	struct fake_queue *q = &card->virtio->queue[queue];

	if (!q->chain) {
		q->max = 4096;
		q->chain = calloc(q->max, sizeof(*q->chain));
	}
	BUG_ON(q->nr == q->max);
	return &q->chain[q->nr];
}

static struct ivm_piece *add_piece(struct fake_chain *chain, u32 len)
{
	struct ivm_piece *piece = &chain->piece[chain->nr_out + chain->nr_in];

	BUG_ON(chain->nr_out + chain->nr_in == IVM_VQ_CHAIN_MAX);
	piece->data = malloc(len);
	piece->len = len;
	return piece;
}

void fake_out(struct fake_chain *chain, const void *data, u32 len)
{
	BUG_ON(chain->nr_in);
	memcpy(add_piece(chain, len)->data, data, len);
	chain->nr_out++;
}

void fake_in(struct fake_chain *chain, u32 len)
{
	memset(add_piece(chain, len)->data, 0xee, len);
	chain->nr_in++;
}

void fake_offer(struct ivm_virtio_net *card, unsigned int queue)
{
	struct fake_queue *q = &card->virtio->queue[queue];

	smp_store_release(&q->nr, q->nr + 1);
}

void fake_ring(struct ivm_virtio_net *card, unsigned int queue)
{
	struct ivm_virtio *v = card->virtio;
	unsigned long flags;

	local_irq_save(flags);
	if (v->live && v->vq[queue].enabled)
		v->type->ops->notify(v->dev, queue);
	local_irq_restore(flags);
}

u32 fake_written(const struct fake_chain *chain, void *to, u32 max)
{
	u32 left = min(chain->used, max), n, at = 0;
	unsigned int i;

	for (i = chain->nr_out; i < chain->nr_out + chain->nr_in && left; i++) {
		n = min(chain->piece[i].len, left);
		memcpy(to + at, chain->piece[i].data, n);
		at += n;
		left -= n;
	}
	return at;
}

void fake_memory_gone(struct ivm_virtio_net *card)
{
	forget(card->virtio);
}

u32 fake_config(struct ivm_virtio_net *card, unsigned int offset, unsigned int size)
{
	unsigned long flags;
	u32 value;

	BUG_ON(offset + size > card->virtio->type->config_size);
	local_irq_save(flags);
	card->virtio->type->ops->config_write(card->virtio->dev, offset, size, 0xa5a5a5a5);
	value = card->virtio->type->ops->config_read(card->virtio->dev, offset, size);
	local_irq_restore(flags);
	return value;
}

u64 fake_offered(struct ivm_virtio_net *card)
{
	return card->virtio->offered;
}

bool fake_broken(struct ivm_virtio_net *card)
{
	return card->virtio->broken;
}

unsigned int fake_config_changes(struct ivm_virtio_net *card)
{
	return card->virtio->config_changes;
}

static bool deferred;

static void defer(void *ctx)
{
	BUG_ON(!shim_irqs_off());
	WRITE_ONCE(deferred, true);
}

bool fake_deferred(struct ivm_virtio_net *card)
{
	return __atomic_exchange_n(&deferred, false, __ATOMIC_SEQ_CST);
}

struct ivm_virtio_net *fake_card(unsigned int queues, unsigned int mtu)
{
	static const struct ivm_virtio_net_ops ops = { .defer = defer };
	struct ivm_nic_params nic = { .switch_name = "sw0", .queues = queues, .mtu = mtu };
	const struct ivm_virtio_net_params params = { .slot = 1, .nic = &nic };
	struct ivm_why why = { };

	memcpy(nic.mac, fake_mac, sizeof(nic.mac));
	return ivm_virtio_net_create(&params, &ops, NULL, &why);
}

void fake_card_destroy(struct ivm_virtio_net *card)
{
	ivm_virtio_net_destroy(card);
	BUG_ON(shim_work_run());
	BUG_ON(shim_printed() || shim_locks_held() || shim_irqs_off());
}
