// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

#include "args.h"
#include "attrs.h"
#include "definition.h"
#include "fail.h"
#include "nl.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

bool ivm_vm_is_idle(struct json_object *vm)
{
	const char *state = ivm_json_get_text(vm, "state");

	return !strcmp(state, "created") || !strcmp(state, "loaded") || !strcmp(state, "stopped");
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

int ivm_live_choose(struct ivm_live *live, const struct ivm_args *args, const struct ivm_definition *def)
{
	bool memory = ivm_args_get(args, "memory"), max = ivm_args_get(args, "max");

	live->cpu = ivm_args_get(args, "cpu");
	live->cosched = ivm_args_get(args, "cosched");
	if (!live->vm || ivm_vm_is_idle(live->vm))
		return 0;
	if (json_object_object_get_ex(live->vm, "max", NULL)) {
		live->memory = memory;
		/* To take max away makes memory fixed, which no VM that runs can become. */
		live->max = max && def->max;
	} else if (memory) {
		return ivm_fail(EBUSY, "VM '%s' is %s, and was started without max=SIZE, which makes its memory fixed; stop it first: ivmctl vm stop %s",
				live->name, ivm_json_get_text(live->vm, "state"), live->name);
	}
	return 0;
}

bool ivm_live_has(const struct ivm_live *live, const char *key)
{
	return (live->cpu && !strcmp(key, "cpu")) || (live->cosched && !strcmp(key, "cosched")) ||
	       (live->memory && !strcmp(key, "memory")) || (live->max && !strcmp(key, "max"));
}

/* What VM_SET says: what is NULL or 0 stays. */
struct ivm_live_values {
	const struct ivm_cpu	*cpu;
	uint32_t		cosched;
	uint64_t		memory, max;
};

static int ivm_live_put(struct nl_msg *msg, const struct ivm_live_values *values)
{
	int err = ivm_cpu_put(msg, values->cpu, values->cosched);

	if (!err && ((values->memory && nla_put_u64(msg, IVM_A_MEMORY, values->memory)) ||
		     (values->max && nla_put_u64(msg, IVM_A_MEMORY_MAX, values->max))))
		err = ivm_fail(ENOMEM, "out of memory");
	return err;
}

static int ivm_live_send(struct ivm_live *live, const struct ivm_live_values *values)
{
	struct nl_msg *msg = ivm_nl_request_name(live->nl, IVM_CMD_VM_SET, live->name);
	int err;

	if (!msg)
		return -ENOMEM;
	err = ivm_live_put(msg, values);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return ivm_nl_call(live->nl, msg, NULL);
}

int ivm_live_set(struct ivm_live *live, const struct ivm_definition *def)
{
	const struct ivm_live_values values = {
		.cpu = live->cpu ? &def->cpu : NULL,
		/* A key that was taken away means what a VM without it begins with. */
		.cosched = live->cosched ? def->cosched ?: IVM_COSCHED_STRICT : 0,
		.memory = live->memory ? def->memory : 0,
		.max = live->max ? def->max : 0,
	};
	int err;

	if (!live->vm || (!live->cpu && !live->cosched && !live->memory && !live->max))
		return 0;
	err = ivm_live_send(live, &values);
	if (err == -ENOENT)	/* deleted since we looked */
		return 0;
	if (err == -EOPNOTSUPP)
		return ivm_fail(EOPNOTSUPP, "cannot change VM '%s' while it exists: %s; is the module older than ivmctl?",
				live->name, ivm_failure());
	live->changed = !err;
	return err;
}

/* What the VM had before, as far as the module told. Return: whether that is all that was changed. */
static bool ivm_live_before(struct ivm_live *live, struct ivm_cpu *cpu, struct ivm_live_values *values)
{
	const char *word = ivm_json_get_text(live->vm, "cosched");

	memset(values, 0, sizeof(*values));
	for (uint32_t i = IVM_COSCHED_STRICT; live->cosched && i < IVM_COUNT(ivm_cosched_names); i++)
		if (!strcmp(word, ivm_cosched_names[i]))
			values->cosched = i;
	cpu->floor = (uint32_t)ivm_json_get_number(live->vm, "cpu-floor");
	cpu->cap = (uint32_t)ivm_json_get_number(live->vm, "cpu-cap");
	if (live->cpu)
		values->cpu = cpu;
	if (live->memory)
		values->memory = ivm_json_get_number(live->vm, "memory");
	if (live->max)
		values->max = ivm_json_get_number(live->vm, "max");
	return (!live->cosched || values->cosched) && (!live->cpu || cpu->cap) && (!live->memory || values->memory);
}

int ivm_live_undo(struct ivm_live *live, int err)
{
	char *why = ivm_strdup(ivm_failure());
	struct ivm_live_values values;
	struct ivm_cpu cpu;

	if (!live->changed) {
		free(why);
		return err;
	}
	if (!ivm_live_before(live, &cpu, &values))
		err = ivm_fail(-err, "%s; VM '%s' in the module has the new values, and did not tell its old ones", why,
			       live->name);
	else if (ivm_live_send(live, &values))
		err = ivm_fail(-err, "%s; VM '%s' in the module has the new values, and cannot be put back: %s", why,
			       live->name, ivm_failure());
	else
		err = ivm_fail(-err, "%s; nothing is changed, VM '%s' in the module was put back as it was", why, live->name);
	free(why);
	return err;
}
