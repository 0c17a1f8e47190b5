// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl host show|set|audit. */
#include "commands.h"

#include "attrs.h"
#include "cores.h"
#include "cpu.h"
#include "fail.h"
#include "machine.h"
#include "nl.h"
#include "print.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

static const struct ivm_field ivm_host_fields[] = {
	{ "version", "version", IVM_AS_TEXT }, { "backend", "backend", IVM_AS_TEXT },
	{ "nested-paging", "nested-paging", IVM_AS_TEXT }, { "cannot-start", "reason", IVM_AS_TEXT },
	{ "cores", "cores", IVM_AS_TEXT }, { "cpu-list", "cpu-list", IVM_AS_TEXT },
	{ "smt-offline", "smt-offline", IVM_AS_TEXT },
	{ "smt", "smt", IVM_AS_TEXT }, { "reserve", "reserve", IVM_AS_TEXT }, { "slice", "slice-ns", IVM_AS_SPAN },
	{ "vcpus-max", "vcpus-max", IVM_AS_TEXT }, { "memory", "memory", IVM_AS_SIZE },
	{ "memory-free", "memory-free", IVM_AS_SIZE }, { "vms", "vms", IVM_AS_TEXT },
	{ "frames", "frames", IVM_AS_TEXT }, { "tsc-khz", "tsc-khz", IVM_AS_TEXT },
};

static const struct ivm_field ivm_audit_fields[] = {
	{ "violations", "violations", IVM_AS_TEXT },
	{ "bytes", "bytes", IVM_AS_SIZE }, { "frames", "frames", IVM_AS_TEXT },
	{ "leaves", "leaves", IVM_AS_TEXT }, { "tables", "tables", IVM_AS_TEXT },
};

static int ivm_host_ask(enum ivm_cmd cmd, struct json_object **answer)
{
	struct ivm_nl *nl;
	int err = ivm_nl_open(&nl);

	if (err)
		return err;
	err = ivm_nl_call(nl, ivm_nl_request(nl, cmd), answer);
	if (!err && !*answer)
		err = ivm_fail(EPROTO, "the module gave no answer");
	ivm_nl_close(nl);
	return err;
}

/*
 * The host's cores, and who runs where. That is for those who may see the VMs,
 * and an older module does not know it: without it the cores are shown alone.
 */
static struct json_object *ivm_host_machine(struct json_object *host)
{
	struct json_object *vms = NULL, *cores = NULL, *machine;
	struct ivm_nl *nl;

	if (!ivm_nl_open(&nl)) {
		if (ivm_nl_dump_vms(nl, &vms))
			vms = NULL;
		if (ivm_nl_dump_cores(nl, &cores))
			cores = NULL;
		ivm_nl_close(nl);
	}
	if (!vms)
		vms = json_object_new_array();
	machine = ivm_machine(IVM_SYS_CPU, vms);
	if (cores)
		ivm_cores_add(machine, cores, ivm_json_get_text(host, "smt-offline"));
	json_object_put(vms);
	json_object_put(cores);
	return machine;
}

int ivm_host_show(const struct ivm_args *args)
{
	struct json_object *host, *machine;
	int err = ivm_host_ask(IVM_CMD_HOST_GET, &host);

	if (err)
		return err;
	machine = ivm_host_machine(host);
	json_object_object_add(host, "machine", machine);
	if (args->json) {
		ivm_print_json(host);
	} else {
		ivm_print_fields(host, ivm_host_fields, IVM_COUNT(ivm_host_fields));
		ivm_cores_print(machine);
	}
	json_object_put(host);
	return 0;
}

/* One message, so that all are taken or none. @list: NULL: stays; @reserve, @smt: 0: stays */
static struct nl_msg *ivm_host_request(struct ivm_nl *nl, const char *list, uint32_t reserve, uint32_t smt)
{
	struct nl_msg *msg = ivm_nl_request(nl, IVM_CMD_HOST_SET);

	if (msg && ((list && nla_put_string(msg, IVM_A_CPU_LIST, list)) ||
		    (reserve && nla_put_u32(msg, IVM_A_RESERVE, reserve)) ||
		    (smt && nla_put_u32(msg, IVM_A_SMT, smt)))) {
		nlmsg_free(msg);
		ivm_fail(ENOMEM, "out of memory");
		return NULL;
	}
	return msg;
}

static int ivm_host_parse_smt(const char *text, uint32_t *smt)
{
	for (*smt = IVM_SMT_EXCLUSIVE; *smt < IVM_COUNT(ivm_smt_names); ++*smt)
		if (!strcmp(text, ivm_smt_names[*smt]))
			return 0;
	return ivm_fail(EINVAL, "smt is '%.60s'; expected exclusive or guard", text);
}

int ivm_host_set(const struct ivm_args *args)
{
	const char *cores = ivm_args_get(args, "cores"), *list = ivm_args_get(args, "cpu-list");
	const char *share = ivm_args_get(args, "reserve"), *policy = ivm_args_get(args, "smt");
	uint32_t reserve = 0, smt = 0;
	struct ivm_nl *nl;
	int err = 0;

	if (cores && list)
		return ivm_usage("cores and cpu-list are the same; give one of them");
	list = list ?: cores;
	if (!list && !share && !policy)
		return ivm_usage("nothing to set; usage: ivmctl host set cores=LIST reserve=SHARE%% smt=exclusive|guard");
	if (list && strlen(list) > IVM_CPU_LIST_MAX)
		return ivm_fail(EINVAL, "the list of cores has %zu bytes; expected at most %d", strlen(list), IVM_CPU_LIST_MAX);
	if (share)
		err = ivm_share_parse("reserve", share, IVM_RESERVE_MIN, IVM_RESERVE_MAX, &reserve);
	if (!err && policy)
		err = ivm_host_parse_smt(policy, &smt);
	if (!err)
		err = ivm_nl_open(&nl);
	if (err)
		return err;
	err = ivm_nl_call(nl, ivm_host_request(nl, list, reserve, smt), NULL);
	ivm_nl_close(nl);
	return err;
}

/* A line for each that is told. */
static void ivm_host_violations(struct json_object *audit)
{
	struct json_object *list, *one;

	if (!json_object_object_get_ex(audit, "list-violation", &list))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		one = json_object_array_get_idx(list, i);
		printf("violation        VM %llu: %s\n", (unsigned long long)ivm_json_get_number(one, "id"),
		       ivm_json_get_text(one, "text"));
	}
}

int ivm_host_audit(const struct ivm_args *args)
{
	struct json_object *audit;
	int err = ivm_host_ask(IVM_CMD_HOST_AUDIT, &audit);

	if (err)
		return err;
	if (args->json) {
		ivm_print_json(audit);
	} else {
		ivm_print_fields(audit, ivm_audit_fields, IVM_COUNT(ivm_audit_fields));
		ivm_host_violations(audit);
	}
	if (ivm_json_get_number(audit, "violations"))
		err = ivm_fail(EUCLEAN, "the audit found %llu violations of memory isolation: stop these VMs, and report it",
			       (unsigned long long)ivm_json_get_number(audit, "violations"));
	json_object_put(audit);
	return err;
}
