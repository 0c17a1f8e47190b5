// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sentences with numbers and names in netlink's extended acknowledgements.
 *
 * In this kernel an acknowledgement points to its text, and netlink reads it
 * (twice: for the length, then for a copy that must fit that length) only
 * after the handler has returned, with no hook to tell when. But it does so in
 * the task that sent the request, before that task can send another one. So
 * each task gets one text of its own: the next refusal of the same task may
 * overwrite it, nothing else may, and it goes when its task is dead.
 */
#include "extack.h"

#include <linux/list.h>
#include <linux/ivm.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

struct said {
	struct list_head link;		/* in all_said, by lock */
	struct pid *pid;		/* of the thread, referenced */
	char text[IVM_TEXT_MAX];	/* the thread's own */
};

static LIST_HEAD(all_said);
static DEFINE_SPINLOCK(lock);

static void said_free(struct said *said)
{
	list_del(&said->link);
	put_pid(said->pid);
	kfree(said);
}

static bool thread_is_dead(struct pid *pid)
{
	bool dead;

	rcu_read_lock();
	dead = !pid_task(pid, PIDTYPE_PID);
	rcu_read_unlock();
	return dead;
}

/* The entry of the current thread, or NULL; sweeps out those of dead ones. */
static struct said *find_own(void)
{
	struct said *said, *next, *own = NULL;

	spin_lock(&lock);
	list_for_each_entry_safe(said, next, &all_said, link) {
		if (said->pid == task_pid(current))
			own = said;
		else if (thread_is_dead(said->pid))
			said_free(said);
	}
	spin_unlock(&lock);
	return own;
}

void ivm_extack_text(struct netlink_ext_ack *extack, const char *text)
{
	struct said *said;

	if (!extack)
		return;
	said = find_own();
	if (!said) {
		said = kmalloc(sizeof(*said), GFP_KERNEL);
		if (!said) {
			NL_SET_ERR_MSG(extack, "refused, and no memory to say why");
			return;
		}
		said->pid = get_pid(task_pid(current));
		spin_lock(&lock);
		list_add(&said->link, &all_said);
		spin_unlock(&lock);
	}
	strscpy(said->text, text, sizeof(said->text));
	extack->_msg = said->text;
}

void ivm_extack_exit(void)
{
	struct said *said, *next;

	list_for_each_entry_safe(said, next, &all_said, link)
		said_free(said);
}
