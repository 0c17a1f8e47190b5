// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who did what, when, and how it ended (P12).
 *
 * Where the kernel's audit subsystem is on, it is the place: records of type
 * KERNEL_OTHER (the one set aside for modules), with the fields that every
 * audit tool knows: auid, uid, pid, ses, comm, exe, subj. Elsewhere a line of
 * the kernel log says the same. Successes are never dropped: who can cause
 * them could empty the log as well. Refusals anyone can cause, so in the
 * kernel log they are rate-limited; audit has limits of its own.
 */
#include "log.h"

#include <linux/audit.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/ivm.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

/* What no name or list looks like may try to look like a field or a line of its own. */
static bool printable(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (!isascii(name[i]) || !(isalnum(name[i]) || strchr("._-,", name[i])))
			return false;
	return i && i <= IVM_CPU_LIST_MAX;
}

static bool log_audit(const char *act, const char *target, int err)
{
	struct audit_buffer *ab;

	if (audit_enabled == AUDIT_OFF)
		return false;
	ab = audit_log_start(audit_context(), GFP_KERNEL, AUDIT_KERNEL_OTHER);
	if (!ab)
		return true;		/* excluded by a rule, or counted as lost by audit */
	audit_log_format(ab, "module=ivm op=%s target=%s", act, target);
	audit_log_task_info(ab);
	audit_log_format(ab, " errno=%d res=%d", -err, !err);
	audit_log_end(ab);
	return true;
}

void ivm_log_act(const char *act, const char *target, int err)
{
	static DEFINE_RATELIMIT_STATE(refusals, 10 * HZ, 20);
	char comm[TASK_COMM_LEN];

	if (!target)
		target = "-";
	else if (!printable(target))
		target = "(invalid)";
	if (log_audit(act, target, err))
		return;
	if (err && !__ratelimit(&refusals))
		return;
	get_task_comm(comm, current);
	pr_info("ivm: %s %s: %s (%d), by %*pE, pid %d, uid %u, login uid %d\n",
		act, target, err ? "refused" : "done", err, (int)strlen(comm), comm,
		task_tgid_nr(current), from_kuid(&init_user_ns, current_uid()),
		(int)from_kuid(&init_user_ns, audit_get_loginuid(current)));
}
