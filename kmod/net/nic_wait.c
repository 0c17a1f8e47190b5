// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for a guest that reads slowly: backpressure instead of loss, but never
 * for long.
 *
 * A card whose ring is full has patience with it: senders wait until there is
 * room, but no longer than IVM_NIC_PATIENCE_MS. Then the card is deaf: what is sent
 * to it is dropped until it reads again. A guest that reads a frame now and then,
 * just in time, would so slow down everybody who talks to it; so patience is used
 * up by waiting, and earned only by reading.
 *
 * Senders are resumed under wait_lock, which also protects who waits for whom; a
 * card that goes takes it to leave all lists, and is not called afterwards.
 */
#include "nic.h"
#include "switch.h"

#include <linux/jiffies.h>
#include <linux/timekeeping.h>

#define PATIENCE_NS	(IVM_NIC_PATIENCE_MS * 1000000ULL)
#define EARNED_BY_FRAME	400000ULL	/* ns: a guest may be as slow as 2500 frames a second */
#define EARNED_BY_BYTE	100ULL		/* ns: or 10 MB/s, if its frames are big */
#define PATIENCE_MIN	1000000ULL	/* less is not worth a timer */

static DEFINE_SPINLOCK(wait_lock);

/* What the guest has read since we last looked. RCU. */
static void earn(struct ivm_nic *nic)
{
	struct ivm_port *port = rcu_dereference(nic->port);
	u64 frames, bytes, earned;

	if (!port)
		return;
	frames = ivm_port_sum_one(port, IVM_STAT_TX);
	bytes = ivm_port_sum_one(port, IVM_STAT_TX_BYTES);
	earned = (frames - nic->credit_frames) * EARNED_BY_FRAME + (bytes - nic->credit_bytes) * EARNED_BY_BYTE;
	nic->credit_frames = frames;
	nic->credit_bytes = bytes;
	nic->credit_ns = min(nic->credit_ns + min(earned, PATIENCE_NS), PATIENCE_NS);
}

static void pay(struct ivm_nic *nic)
{
	u64 waited = ktime_get_ns() - nic->stalled_ns;

	nic->credit_ns -= min(waited, nic->credit_ns);
}

/* wait_lock held. Return: whether it is worth waiting. */
static bool begin_stall(struct ivm_nic *nic)
{
	if (nic->deaf)
		return false;
	if (nic->stalled)
		return true;
	earn(nic);
	if (nic->credit_ns < PATIENCE_MIN) {
		WRITE_ONCE(nic->deaf, true);
		return false;
	}
	WRITE_ONCE(nic->stalled, true);
	nic->stalled_ns = ktime_get_ns();
	mod_timer(&nic->stall_timer, jiffies + max(1UL, nsecs_to_jiffies(nic->credit_ns)));
	return true;
}

static void resume_all(struct ivm_nic *nic)
{
	struct ivm_nic_waiter *waiter, *next;

	lockdep_assert_held(&wait_lock);
	list_for_each_entry_safe(waiter, next, &nic->waiters, link) {
		unsigned int queue;
		struct ivm_nic *sender;

		list_del_init(&waiter->link);
		sender = waiter->sender;
		queue = waiter - sender->waiter;
		sender->ops->resume(sender->ctx, queue);
	}
}

bool ivm_nic_stall(struct ivm_nic *nic)
{
	bool worth;

	if (READ_ONCE(nic->deaf))
		return false;
	if (READ_ONCE(nic->stalled))
		return true;
	spin_lock_bh(&wait_lock);
	worth = begin_stall(nic);
	spin_unlock_bh(&wait_lock);
	return worth;
}

bool ivm_nic_wait(struct ivm_nic *nic, struct ivm_nic *sender, unsigned int queue)
{
	struct ivm_nic_waiter *waiter = &sender->waiter[queue];
	bool worth;

	spin_lock_bh(&wait_lock);
	worth = begin_stall(nic);
	if (worth)
		list_move_tail(&waiter->link, &nic->waiters);
	spin_unlock_bh(&wait_lock);
	return worth;
}

void ivm_nic_wait_cancel(struct ivm_nic *sender, unsigned int queue)
{
	spin_lock_bh(&wait_lock);
	list_del_init(&sender->waiter[queue].link);
	spin_unlock_bh(&wait_lock);
}

void ivm_nic_wake(struct ivm_nic *nic)
{
	/* who begins to wait looks for room again afterwards, so nobody is missed here */
	if (!READ_ONCE(nic->stalled) && !READ_ONCE(nic->deaf))
		return;
	spin_lock_bh(&wait_lock);
	if (nic->stalled) {
		pay(nic);
		WRITE_ONCE(nic->stalled, false);
		del_timer(&nic->stall_timer);
	}
	WRITE_ONCE(nic->deaf, false);
	resume_all(nic);
	spin_unlock_bh(&wait_lock);
}

/* Patience is used up. */
static void stall_timeout(struct timer_list *timer)
{
	struct ivm_nic *nic = from_timer(nic, timer, stall_timer);
	bool deaf = false;

	rcu_read_lock();
	/* there may be room by now, and nobody who looked */
	if (ivm_nic_has_backlog(nic) && ivm_nic_drain(nic, IVM_NIC_BACKLOG)) {
		ivm_nic_wake(nic);
		rcu_read_unlock();
		return;
	}
	spin_lock_bh(&wait_lock);
	/* else it was woken while this waited for the lock */
	if (nic->stalled && !timer_pending(&nic->stall_timer)) {
		WRITE_ONCE(nic->stalled, false);
		if (!ivm_nic_has_backlog(nic) && list_empty(&nic->waiters))
			goto unlock;
		nic->credit_ns = 0;
		WRITE_ONCE(nic->deaf, true);
		deaf = true;
		resume_all(nic);
	}
unlock:
	spin_unlock_bh(&wait_lock);
	if (deaf)
		ivm_nic_purge(nic, IVM_STAT_DROP_TX_FULL);
	rcu_read_unlock();
}

/* ---- the rate of a port ---- */

static void rate_timeout(struct timer_list *timer)
{
	struct ivm_nic *nic = from_timer(nic, timer, rate_timer);
	unsigned int queue;

	for (queue = 0; queue < nic->queues; queue++)
		if (test_and_clear_bit(queue, &nic->rate_queues))
			nic->ops->resume(nic->ctx, queue);
}

void ivm_nic_wait_rate(struct ivm_nic *nic, unsigned int queue, u64 ns)
{
	set_bit(queue, &nic->rate_queues);
	/* the earliest wins: a queue that tries too early waits again */
	if (!timer_pending(&nic->rate_timer))
		mod_timer(&nic->rate_timer, jiffies + 1 + nsecs_to_jiffies(min_t(u64, ns, NSEC_PER_SEC)));
}

/* ---- life ---- */

void ivm_nic_wait_init(struct ivm_nic *nic)
{
	unsigned int i;

	INIT_LIST_HEAD(&nic->waiters);
	nic->credit_ns = PATIENCE_NS;
	timer_setup(&nic->stall_timer, stall_timeout, 0);
	timer_setup(&nic->rate_timer, rate_timeout, 0);
	for (i = 0; i < nic->queues; i++) {
		INIT_LIST_HEAD(&nic->waiter[i].link);
		nic->waiter[i].sender = nic;
	}
}

void ivm_nic_wait_exit(struct ivm_nic *nic)
{
	unsigned int i;

	spin_lock_bh(&wait_lock);
	resume_all(nic);
	for (i = 0; i < nic->queues; i++)
		list_del_init(&nic->waiter[i].link);
	/* begin_stall() starts no timer any more */
	WRITE_ONCE(nic->deaf, true);
	WRITE_ONCE(nic->stalled, false);
	spin_unlock_bh(&wait_lock);
	del_timer_sync(&nic->stall_timer);
	del_timer_sync(&nic->rate_timer);
}
