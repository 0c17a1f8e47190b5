// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

#include "attrs.h"
#include "definition.h"
#include "fail.h"
#include "nl.h"
#include "text.h"

#include <errno.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

bool ivm_live_key(const char *key)
{
	return !strcmp(key, "cpu") || !strcmp(key, "cosched");
}

int ivm_live_open(struct ivm_live *live, const char *name)
{
	int err;

	memset(live, 0, sizeof(*live));
	live->name = name;
	err = ivm_nl_open(&live->nl);
	if (err) {
		live->nl = NULL;
		return err == -ENODEV ? 0 : err;
	}
	err = ivm_nl_vm_get(live->nl, name, &live->vm);
	if (err)
		live->vm = NULL;
	return err == -ENOENT ? 0 : err;
}

void ivm_live_close(struct ivm_live *live)
{
	json_object_put(live->vm);
	ivm_nl_close(live->nl);
	live->vm = NULL;
	live->nl = NULL;
}

static int ivm_live_send(struct ivm_live *live, const struct ivm_cpu *cpu, uint32_t cosched)
{
	struct nl_msg *msg = ivm_nl_request_name(live->nl, IVM_CMD_VM_SET, live->name);
	int err;

	if (!msg)
		return -ENOMEM;
	err = ivm_cpu_put(msg, cpu, cosched);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ivm_nl_call(live->nl, msg, NULL);
}

int ivm_live_set(struct ivm_live *live, const struct ivm_definition *def)
{
	/* A key that was taken away means what a VM without it begins with. */
	uint32_t cosched = def->cosched ?: IVM_COSCHED_STRICT;
	int err;

	if (!live->vm || (!live->cpu && !live->cosched))
		return 0;
	err = ivm_live_send(live, live->cpu ? &def->cpu : NULL, live->cosched ? cosched : 0);
	if (err == -ENOENT)	/* deleted since we looked */
		return 0;
	if (err == -EOPNOTSUPP)
		return ivm_fail(EOPNOTSUPP, "cannot change VM '%s' while it exists: %s; is the module older than ivmctl?",
				live->name, ivm_failure());
	live->changed = !err;
	return err;
}

/* What the VM had before, as far as the module told. Return: whether that is all that was changed. */
static bool ivm_live_before(struct ivm_live *live, struct ivm_cpu *cpu, uint32_t *cosched)
{
	const char *word = ivm_json_get_text(live->vm, "cosched");

	*cosched = 0;
	for (uint32_t i = IVM_COSCHED_STRICT; live->cosched && i < IVM_COUNT(ivm_cosched_names); i++)
		if (!strcmp(word, ivm_cosched_names[i]))
			*cosched = i;
	cpu->floor = (uint32_t)ivm_json_get_number(live->vm, "cpu-floor");
	cpu->cap = (uint32_t)ivm_json_get_number(live->vm, "cpu-cap");
	return (!live->cosched || *cosched) && (!live->cpu || cpu->cap);
}

int ivm_live_undo(struct ivm_live *live, int err)
{
	char *why = ivm_strdup(ivm_failure());
	uint32_t cosched;
	struct ivm_cpu cpu;

	if (!live->changed) {
		free(why);
		return err;
	}
	if (!ivm_live_before(live, &cpu, &cosched))
		err = ivm_fail(-err, "%s; VM '%s' in the module has the new values, and did not tell its old ones", why,
			       live->name);
	else if (ivm_live_send(live, live->cpu ? &cpu : NULL, cosched))
		err = ivm_fail(-err, "%s; VM '%s' in the module has the new values, and cannot be put back: %s", why,
			       live->name, ivm_failure());
	else
		err = ivm_fail(-err, "%s; nothing is changed, VM '%s' in the module was put back as it was", why, live->name);
	free(why);
	return err;
}
