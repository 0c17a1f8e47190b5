// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the guest to the switch.
 *
 * A queue has one sender at a time, whoever comes first: a vCPU's thread whose
 * guest rang the doorbell, or a worker. Who finds it busy goes away again: the
 * queue's bit in ->pending is set by then, and the sender looks at it after it
 * has given the queue up. So nothing that was announced is left lying.
 *
 * The sender holds vq->lock for as long as it is at work; that is what stop()
 * waits for, a frame's time at most, as ->shut is looked at before each. Under
 * it come the locks of the switch and the lock of a receive queue; nobody takes
 * a transmit queue's lock under those.
 */
#include "virtio_net.h"

#include <linux/kernel.h>
#include <linux/string.h>

/* Copy @len bytes from the front of the chain and cut them off it. */
static void tx_cut(struct ivm_piece **piece, unsigned int *nr, void *to, u32 len)
{
	u32 n;

	while (len && *nr) {
		n = min((*piece)->len, len);
		memcpy(to, (*piece)->data, n);
		to += n;
		len -= n;
		(*piece)->data += n;
		(*piece)->len -= n;
		if ((*piece)->len)
			break;
		(*piece)++;
		(*nr)--;
	}
}

/* Copy @len bytes from the front of the chain and leave them there. */
static void tx_peek(const struct ivm_piece *piece, unsigned int nr, u8 *to, u32 len)
{
	u32 n;

	for (; len && nr; piece++, nr--) {
		n = min(piece->len, len);
		memcpy(to, piece->data, n);
		to += n;
		len -= n;
	}
}

/*
 * The frame in the queue's chain: header and head are copied once, here, and
 * everything is decided by the copies. What comes behind stays where it is.
 */
static enum ivm_vnet_bad tx_frame(struct ivm_vnet_tx *tx, struct ivm_frame *frame)
{
	struct ivm_virtio_net *card = tx->card;
	struct ivm_chain *chain = &tx->chain;
	struct ivm_piece *piece = chain->piece;
	unsigned int nr = chain->nr_out;
	struct ivm_vnet_hdr hdr;

	if (unlikely(chain->nr_in || chain->out_len < sizeof(hdr)))
		return IVM_VNET_BAD_CHAIN;
	if (likely(piece->len > sizeof(hdr))) {
		memcpy(&hdr, piece->data, sizeof(hdr));
		piece->data += sizeof(hdr);
		piece->len -= sizeof(hdr);
	} else {
		tx_cut(&piece, &nr, &hdr, sizeof(hdr));
	}
	frame->len = chain->out_len - sizeof(hdr);
	frame->head_len = min_t(u32, frame->len, sizeof(tx->head));
	tx_peek(piece, nr, tx->head, frame->head_len);
	barrier();	/* from here on the copies, and no second look */
	frame->head = tx->head;
	frame->piece = piece;
	frame->nr_pieces = nr;
	return ivm_vnet_hdr_check(&hdr, READ_ONCE(card->features), card->mtu, frame);
}

/* What a frame costs of the budget: one that is going to be cut may cost as many as it becomes. */
static unsigned int tx_cost(const struct ivm_frame *frame)
{
	return frame->gso ? 1 + frame->len / frame->gso_size / 16 : 1;
}

/* One chain. Return: what it cost; 0: it could not be sent now and is in the ring again. */
static unsigned int tx_one(struct ivm_vnet_tx *tx)
{
	struct ivm_frame frame = { };
	enum ivm_vnet_bad bad = tx_frame(tx, &frame);
	unsigned int cost = 1;

	if (unlikely(bad)) {
		WRITE_ONCE(tx->bad[bad], tx->bad[bad] + 1);
	} else {
		cost = tx_cost(&frame);
		if (ivm_nic_send(tx->card->nic, tx->index, &frame) == IVM_NIC_AGAIN) {
			ivm_vq_unpop(tx->vq);
			return 0;
		}
	}
	ivm_vq_push(tx->vq, tx->chain.head, 0);
	return cost;
}

/*
 * Send until the ring is empty, the budget is spent, or the switch wants to be
 * left alone. Return: whether to go on at once. vq->lock held.
 */
static bool tx_batch(struct ivm_vnet_tx *tx, bool *interrupt)
{
	unsigned int frames = 0, bytes = 0, cost, pushed = 0;
	struct ivm_vq *vq = tx->vq;
	bool more = false;
	int ret;

	ivm_vq_notify_disable(vq);
	for (;;) {
		if (unlikely(!tx->open || READ_ONCE(tx->card->shut)))
			break;
		if (frames >= IVM_VNET_BUDGET_FRAMES || bytes >= IVM_VNET_BUDGET_BYTES) {
			more = true;
			break;
		}
		ret = ivm_vq_pop(vq, &tx->chain);
		if (!ret) {
			if (!ivm_vq_notify_enable(vq))
				break;
			ivm_vq_notify_disable(vq);
			frames++;	/* a driver that offers and takes back must not hold us */
			continue;
		}
		if (unlikely(ret < 0)) {
			ivm_vnet_ring_broken(tx->card);
			break;
		}
		cost = tx_one(tx);
		if (!cost)
			break;	/* ivm_vnet_tx_resume() comes; no doorbell until then */
		frames += cost;
		bytes += tx->chain.out_len;
		pushed++;
	}
	*interrupt = pushed && ivm_vq_publish(vq);
	return more;
}

/**
 * ivm_vnet_tx_work() - send what a queue holds, within the budget
 * @tx:	queue; nothing happens if somebody else is at it
 *
 * Context: task, may sleep. What is left when the budget is spent is sent by a
 * worker, after others had their turn.
 */
void ivm_vnet_tx_work(struct ivm_vnet_tx *tx)
{
	unsigned int bit = ivm_vnet_tx_queue(tx->index);
	struct ivm_virtio_net *card = tx->card;
	bool more = false, interrupt = false;

	if (test_and_set_bit(0, &tx->busy))
		return;
	clear_bit(bit, &card->pending);
	smp_mb__after_atomic();		/* what is announced after this is looked at below */
	spin_lock_bh(&tx->vq->lock);
	if (tx->open)
		more = tx_batch(tx, &interrupt);
	spin_unlock_bh(&tx->vq->lock);
	if (interrupt)
		ivm_vq_interrupt(tx->vq);
	if (more)
		set_bit(bit, &card->pending);
	smp_mb__before_atomic();
	clear_bit(0, &tx->busy);
	smp_mb__after_atomic();		/* pairs with setting the bit in ->pending, then finding the queue busy */
	if (test_bit(bit, &card->pending))
		ivm_vnet_kick(card, &tx->work);
}

static void tx_worker(struct work_struct *work)
{
	ivm_vnet_tx_work(container_of(work, struct ivm_vnet_tx, work));
}

/* The switch has room again: ops->resume of struct ivm_nic_ops. */
void ivm_vnet_tx_resume(void *ctx, unsigned int queue)
{
	struct ivm_virtio_net *card = ctx;

	if (queue >= card->nr_pairs)
		return;
	set_bit(ivm_vnet_tx_queue(queue), &card->pending);
	ivm_vnet_kick(card, &card->tx[queue].work);
}

void ivm_vnet_tx_init(struct ivm_vnet_tx *tx, struct ivm_virtio_net *card, unsigned int pair)
{
	tx->card = card;
	tx->index = pair;
	INIT_WORK(&tx->work, tx_worker);
}
