// SPDX-License-Identifier: GPL-2.0-only
/*
 * One loop, run by several threads.
 *
 * The helpers are work items of the unbound workqueue, so the host's CPU mask
 * for unbound work holds for them too. They live on the caller's stack: nothing
 * can fail here before the work starts.
 */
#include "parallel.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

/* Memory bandwidth is used up by then; more threads would only disturb the host. */
#define IVM_PARALLEL_MAX 8

struct crew {
	u64 nr;
	int (*fn)(void *ctx, u64 index);
	void *ctx;
	atomic64_t next;	/* index to hand out */
	atomic_t err;		/* the first error, sticks; ends the loop for all */
};

struct helper {
	struct work_struct work;
	struct crew *crew;
};

/* Return: false when there is nothing left to do. */
static bool crew_step(struct crew *crew)
{
	u64 index;
	int err;

	if (atomic_read(&crew->err))
		return false;
	index = atomic64_inc_return(&crew->next) - 1;
	if (index >= crew->nr)
		return false;
	err = crew->fn(crew->ctx, index);
	if (err)
		atomic_cmpxchg(&crew->err, 0, err);
	cond_resched();
	return true;
}

static void helper_run(struct work_struct *work)
{
	struct helper *helper = container_of(work, struct helper, work);

	while (crew_step(helper->crew))
		;
}

int ivm_parallel(u64 nr, bool killable, int (*fn)(void *ctx, u64 index), void *ctx)
{
	struct crew crew = { .nr = nr, .fn = fn, .ctx = ctx };
	struct helper helper[IVM_PARALLEL_MAX - 1];
	unsigned int i, helpers;

	helpers = min3(nr, (u64)num_online_cpus(), (u64)IVM_PARALLEL_MAX);
	if (helpers)
		helpers--;		/* the caller works too */
	for (i = 0; i < helpers; i++) {
		helper[i].crew = &crew;
		INIT_WORK_ONSTACK(&helper[i].work, helper_run);
		queue_work(system_unbound_wq, &helper[i].work);
	}
	while (crew_step(&crew))
		if (killable && fatal_signal_pending(current))
			atomic_cmpxchg(&crew.err, 0, -EINTR);
	/* All indexes are handed out: who has not begun need not begin. */
	for (i = 0; i < helpers; i++) {
		cancel_work_sync(&helper[i].work);
		destroy_work_on_stack(&helper[i].work);
	}
	return atomic_read(&crew.err);
}
