/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_WORKQUEUE_H
#define SHIM_LINUX_WORKQUEUE_H

#include <linux/container_of.h>
#include <linux/types.h>

/* Runs in shim_work_run(), on whatever thread calls that; one item never on two at once. */
struct work_struct {
	void (*func)(struct work_struct *work);
	bool pending, running;
	struct work_struct *next;
};

struct workqueue_struct;
#define system_unbound_wq	((struct workqueue_struct *)NULL)

#define INIT_WORK(w, f)		(*(w) = (struct work_struct){ .func = (f) })
bool queue_work(struct workqueue_struct *wq, struct work_struct *work);
bool cancel_work_sync(struct work_struct *work);

/* However long the delay: it runs in the next shim_work_run(). */
struct delayed_work {
	struct work_struct work;
};

#define DECLARE_DELAYED_WORK(n, f)	struct delayed_work n = { .work = { .func = (f) } }
static inline bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *work, unsigned long delay)
{
	(void)delay;
	return queue_work(wq, &work->work);
}
static inline bool cancel_delayed_work_sync(struct delayed_work *work) { return cancel_work_sync(&work->work); }

#endif
