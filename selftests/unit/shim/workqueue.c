// SPDX-License-Identifier: GPL-2.0-only
/* Work that waits for a worker, here until a thread of the test says that it is one. */
#include <pthread.h>
#include <sched.h>

#include "shim.h"
#include <linux/kernel.h>
#include <linux/workqueue.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct work_struct *queue;

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	struct work_struct **at;
	bool queued;

	(void)wq;
	pthread_mutex_lock(&lock);
	queued = !work->pending;
	if (queued) {
		work->pending = true;
		work->next = NULL;
		for (at = &queue; *at; at = &(*at)->next)
			;
		*at = work;
	}
	pthread_mutex_unlock(&lock);
	return queued;
}

/* The first item that nobody runs; it is off the queue and running then. */
static struct work_struct *take(void)
{
	struct work_struct **at, *work;

	pthread_mutex_lock(&lock);
	for (at = &queue; *at && (*at)->running; at = &(*at)->next)
		;
	work = *at;
	if (work) {
		*at = work->next;
		work->pending = false;
		work->running = true;
	}
	pthread_mutex_unlock(&lock);
	return work;
}

unsigned int shim_work_run(void)
{
	struct work_struct *work;
	unsigned int n;

	might_sleep();
	for (n = 0; (work = take()); n++) {
		work->func(work);
		pthread_mutex_lock(&lock);
		work->running = false;
		pthread_mutex_unlock(&lock);
	}
	return n;
}

/* Off the queue, even if it queues itself; and not running. */
bool cancel_work_sync(struct work_struct *work)
{
	struct work_struct **at;
	bool was = false, running;

	might_sleep();
	do {
		pthread_mutex_lock(&lock);
		for (at = &queue; *at && *at != work; at = &(*at)->next)
			;
		if (*at) {
			*at = work->next;
			work->pending = false;
			was = true;
		}
		running = work->running;
		pthread_mutex_unlock(&lock);
		if (running)
			sched_yield();
	} while (running);
	return was;
}
