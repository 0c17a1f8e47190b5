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

#endif
