/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A module that is not there: what nl.c offers, answered from JSON objects that a
 * test holds. Linked in front of the library, so that its nl.c is not taken.
 */
#ifndef IVM_TEST_FAKE_MODULE_H
#define IVM_TEST_FAKE_MODULE_H

#include "attrs.h"
#include "fail.h"
#include "nl.h"
#include "text.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct fake_module {
	bool			loaded;
	struct json_object	*host, *vms, *cores;	/* cores NULL: a module that knows no such command */
	int			refuse;			/* errno for whatever changes something */
	int			refuse_after;		/* only behind so many changes */
	int			dump_error;		/* errno for lists */
	void			(*on_dump)(void);	/* time goes on */
	void			(*on_get)(void);	/* likewise, when one VM is asked for */
	/* the requests that change something */
	int			changes;
	uint8_t			cmd;
	char			name[64], cpu_list[300];
	int64_t			floor, cap, cosched, reserve, smt, memory, max;	/* -1: not in it */
} fake;

struct ivm_nl {
	int	nothing;
};

int ivm_nl_open(struct ivm_nl **nl)
{
	if (!fake.loaded)
		return ivm_fail(ENODEV, "the module ivm is not loaded");
	*nl = ivm_zalloc(1, sizeof(**nl));
	return 0;
}

void ivm_nl_close(struct ivm_nl *nl)
{
	free(nl);
}

struct nl_msg *ivm_nl_request(struct ivm_nl *nl, enum ivm_cmd cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 0, 30, 0, 0, (uint8_t)cmd, IVM_GENL_VERSION);
	return msg;
}

struct nl_msg *ivm_nl_request_name(struct ivm_nl *nl, enum ivm_cmd cmd, const char *name)
{
	struct nl_msg *msg = ivm_nl_request(nl, cmd);

	nla_put_string(msg, IVM_A_NAME, name);
	return msg;
}

static struct json_object *fake_vm(const char *name)
{
	for (size_t i = 0; fake.vms && i < json_object_array_length(fake.vms); i++) {
		struct json_object *vm = json_object_array_get_idx(fake.vms, i);

		if (!strcmp(ivm_json_get_text(vm, "name"), name))
			return vm;
	}
	return NULL;
}

static int64_t fake_number(struct nlattr **tb, int attr)
{
	if (!tb[attr])
		return -1;
	return nla_len(tb[attr]) == 8 ? (int64_t)nla_get_u64(tb[attr]) : (int64_t)nla_get_u32(tb[attr]);
}

static int fake_vm_set(void)
{
	static const char *const words[] = { "", "strict", "relaxed", "off" };
	struct json_object *vm = fake_vm(fake.name);

	if (!vm)
		return ivm_fail(ENOENT, "there is none");
	if (fake.floor >= 0)
		json_object_object_add(vm, "cpu-floor", json_object_new_int64(fake.floor));
	if (fake.cap >= 0)
		json_object_object_add(vm, "cpu-cap", json_object_new_int64(fake.cap));
	if (fake.cosched >= 0)
		json_object_object_add(vm, "cosched", json_object_new_string(words[fake.cosched]));
	if (fake.memory >= 0)
		json_object_object_add(vm, "memory", json_object_new_int64(fake.memory));
	if (fake.max >= 0)
		json_object_object_add(vm, "max", json_object_new_int64(fake.max));
	return 0;
}

int ivm_nl_call(struct ivm_nl *nl, struct nl_msg *request, struct json_object **answer)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(request));
	struct nlattr *tb[IVM_A_MAX + 1];

	if (nla_parse(tb, IVM_A_MAX, genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0), NULL))
		abort();
	fake.cmd = header->cmd;
	snprintf(fake.name, sizeof(fake.name), "%s", tb[IVM_A_NAME] ? nla_get_string(tb[IVM_A_NAME]) : "");
	snprintf(fake.cpu_list, sizeof(fake.cpu_list), "%s", tb[IVM_A_CPU_LIST] ? nla_get_string(tb[IVM_A_CPU_LIST]) : "-");
	fake.floor = fake_number(tb, IVM_A_CPU_FLOOR);
	fake.cap = fake_number(tb, IVM_A_CPU_CAP);
	fake.cosched = fake_number(tb, IVM_A_COSCHED);
	fake.reserve = fake_number(tb, IVM_A_RESERVE);
	fake.smt = fake_number(tb, IVM_A_SMT);
	fake.memory = fake_number(tb, IVM_A_MEMORY);
	fake.max = fake_number(tb, IVM_A_MEMORY_MAX);
	nlmsg_free(request);
	if (fake.cmd == IVM_CMD_HOST_GET) {
		*answer = json_object_get(fake.host);
		return 0;
	}
	if (fake.refuse && fake.changes >= fake.refuse_after)
		return ivm_fail(fake.refuse, "not with this module");
	fake.changes++;
	return fake.cmd == IVM_CMD_VM_SET ? fake_vm_set() : 0;
}

/* A copy: callers complete what they get. */
int ivm_nl_vm_get(struct ivm_nl *nl, const char *name, struct json_object **vm)
{
	*vm = NULL;
	if (fake.on_get)
		fake.on_get();
	if (!fake_vm(name))
		return ivm_fail(ENOENT, "there is none");
	return json_object_deep_copy(fake_vm(name), vm, NULL);
}

int ivm_nl_vm_command(struct ivm_nl *nl, enum ivm_cmd cmd, const char *name)
{
	return ivm_nl_call(nl, ivm_nl_request_name(nl, cmd, name), NULL);
}

int ivm_nl_dump_vms(struct ivm_nl *nl, struct json_object **array)
{
	if (fake.on_dump)
		fake.on_dump();
	if (fake.dump_error)
		return ivm_fail(fake.dump_error, "no list");
	*array = NULL;
	return json_object_deep_copy(fake.vms, array, NULL);
}

int ivm_nl_dump_cores(struct ivm_nl *nl, struct json_object **array)
{
	if (!fake.cores)
		return ivm_fail(EOPNOTSUPP, "no such command");
	*array = NULL;
	return json_object_deep_copy(fake.cores, array, NULL);
}

int ivm_nl_events(struct ivm_nl *nl, int (*event)(struct json_object *event, void *context),
		  void (*ready)(void *context), void *context)
{
	return 0;
}

/* The same text in single quotes, which JSON of tests is easier to read in. */
static inline struct json_object *json(const char *text)
{
	char *copy = ivm_strdup(text);
	struct json_object *object;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	object = json_tokener_parse(copy);
	if (!object)
		abort();
	free(copy);
	return object;
}

/* One text of many, for lines that would be too long; the last is NULL. */
static inline const char *join(const char *const *parts)
{
	static char text[4096];

	for (text[0] = '\0'; *parts; parts++)
		strcat(text, *parts);
	return text;
}

#endif
