// SPDX-License-Identifier: GPL-2.0-only
#include "attrs.h"

#include "cpu.h"
#include "text.h"
#include "values.h"

#include <linux/ivm.h>
#include <netlink/attr.h>
#include <stdbool.h>
#include <string.h>

enum ivm_attr_type {
	IVM_ATTR_NONE,
	IVM_ATTR_U16,
	IVM_ATTR_U32,
	IVM_ATTR_S32,
	IVM_ATTR_U64,
	IVM_ATTR_MS,		/* nanoseconds, told in milliseconds */
	IVM_ATTR_TEXT,
	IVM_ATTR_FLAG,
	IVM_ATTR_ENUM,
	IVM_ATTR_BITS,		/* array of names */
	IVM_ATTR_MAC,
	IVM_ATTR_SHARE,		/* as users write it, "10%" */
	IVM_ATTR_OBJECT,	/* a nest on its own */
	IVM_ATTR_NEST,		/* of requests only */
	IVM_ATTR_LIST,		/* array of nests */
	IVM_ATTR_STATS,		/* NAME: VALUE */
	IVM_ATTR_ENTRY,		/* a nest inside one of them */
};

struct ivm_attr_row {
	const char		*name;
	enum ivm_attr_type	type;
	const char *const	*names;		/* of an enum's values, of bits from the lowest one on */
	size_t			nr_names;
	const char		*also;		/* another name for the same, or NULL */
};

static const char *const ivm_state_names[] = {
	[IVM_VM_CREATED] = "created", [IVM_VM_LOADED] = "loaded", [IVM_VM_STARTING] = "starting",
	[IVM_VM_RUNNING] = "running", [IVM_VM_PAUSED] = "paused", [IVM_VM_STOPPED] = "stopped",
};

static const char *const ivm_reason_names[] = {
	[IVM_STOP_NONE] = "none", [IVM_STOP_SHUTDOWN] = "shutdown", [IVM_STOP_TRIPLE_FAULT] = "triple-fault",
	[IVM_STOP_DEBUG_EXIT] = "debug-exit", [IVM_STOP_OPERATOR] = "operator", [IVM_STOP_HOST] = "host",
	[IVM_STOP_ERROR] = "error",
};

static const char *const ivm_vcpu_state_names[] = {
	[IVM_VCPU_OFF] = "off", [IVM_VCPU_RUNNING] = "running", [IVM_VCPU_HALTED] = "halted",
	[IVM_VCPU_PAUSED] = "paused", [IVM_VCPU_READY] = "ready",
};

static const char *const ivm_event_names[] = {
	[IVM_EVENT_STATE] = "state", [IVM_EVENT_RESET] = "reset", [IVM_EVENT_OUTSIDE] = "outside",
	[IVM_EVENT_DELETED] = "deleted", [IVM_EVENT_LOST] = "lost", [IVM_EVENT_MOVED] = "moved",
};

/* enum ivm_memory_driver */
static const char *const ivm_driver_names[] = { "virtio-mem", "balloon" };

const char *const ivm_smt_names[] = { [IVM_SMT_EXCLUSIVE] = "exclusive", [IVM_SMT_GUARD] = "guard" };

#define IVM_NS_PER_MS	1000000ULL

#define IVM_ENUM(label, table) \
	{ .name = label, .type = IVM_ATTR_ENUM, .names = table, .nr_names = IVM_COUNT(table) }

static const struct ivm_attr_row ivm_attr_rows[IVM_A_MAX + 1] = {
	[IVM_A_NAME]		= { .name = "name", .type = IVM_ATTR_TEXT },
	[IVM_A_ID]		= { .name = "id", .type = IVM_ATTR_U32 },
	[IVM_A_VCPUS]		= { .name = "vcpus", .type = IVM_ATTR_U32 },
	[IVM_A_MEMORY]		= { .name = "memory", .type = IVM_ATTR_U64 },
	[IVM_A_MEMORY_READY]	= { .name = "memory-ready", .type = IVM_ATTR_U64, .also = "memory-now" },
	[IVM_A_MEMORY_FREE]	= { .name = "memory-free", .type = IVM_ATTR_U64 },
	[IVM_A_DEBUG_EXIT]	= { .name = "debug-exit", .type = IVM_ATTR_U16 },
	[IVM_A_FORCE]		= { .name = "force", .type = IVM_ATTR_FLAG },
	[IVM_A_STATE]		= IVM_ENUM("state", ivm_state_names),
	[IVM_A_STOP_REASON]	= IVM_ENUM("stop-reason", ivm_reason_names),
	[IVM_A_STOP_CODE]	= { .name = "stop-code", .type = IVM_ATTR_U64 },
	[IVM_A_TEXT]		= { .name = "text", .type = IVM_ATTR_TEXT },
	[IVM_A_RESETS]		= { .name = "resets", .type = IVM_ATTR_U32 },
	[IVM_A_STARTED_NS]	= { .name = "started-ns", .type = IVM_ATTR_U64 },
	[IVM_A_RUN_NS]		= { .name = "run-ns", .type = IVM_ATTR_U64 },
	[IVM_A_KERNEL_BYTES]	= { .name = "kernel-bytes", .type = IVM_ATTR_U64 },
	[IVM_A_LIST_VCPU]	= { .name = "list-vcpu", .type = IVM_ATTR_LIST },
	[IVM_A_VCPU_ENTRY]	= { .name = "vcpu-entry", .type = IVM_ATTR_ENTRY },
	[IVM_A_VCPU]		= { .name = "vcpu", .type = IVM_ATTR_U32 },
	[IVM_A_CPU]		= { .name = "cpu", .type = IVM_ATTR_S32 },
	[IVM_A_TID]		= { .name = "tid", .type = IVM_ATTR_U32 },
	[IVM_A_VCPU_STATE]	= IVM_ENUM("vcpu-state", ivm_vcpu_state_names),
	[IVM_A_GUEST_NS]	= { .name = "guest-ns", .type = IVM_ATTR_U64 },
	[IVM_A_LIST_STAT]	= { .name = "list-stat", .type = IVM_ATTR_STATS },
	[IVM_A_STAT_ENTRY]	= { .name = "stat-entry", .type = IVM_ATTR_ENTRY },
	[IVM_A_VALUE]		= { .name = "value", .type = IVM_ATTR_U64 },
	[IVM_A_VERSION]		= { .name = "version", .type = IVM_ATTR_TEXT },
	[IVM_A_BACKEND]		= { .name = "backend", .type = IVM_ATTR_TEXT },
	[IVM_A_REASON]		= { .name = "reason", .type = IVM_ATTR_TEXT },
	[IVM_A_CORES]		= { .name = "cores", .type = IVM_ATTR_U32 },
	[IVM_A_VCPUS_MAX]	= { .name = "vcpus-max", .type = IVM_ATTR_U32 },
	[IVM_A_CPU_LIST]	= { .name = "cpu-list", .type = IVM_ATTR_TEXT },
	[IVM_A_VMS]		= { .name = "vms", .type = IVM_ATTR_U32 },
	[IVM_A_FRAMES]		= { .name = "frames", .type = IVM_ATTR_U64 },
	[IVM_A_LEAVES]		= { .name = "leaves", .type = IVM_ATTR_U64 },
	[IVM_A_TABLES]		= { .name = "tables", .type = IVM_ATTR_U64 },
	[IVM_A_VIOLATIONS]	= { .name = "violations", .type = IVM_ATTR_U64 },
	[IVM_A_BYTES]		= { .name = "bytes", .type = IVM_ATTR_U64 },
	[IVM_A_TSC_KHZ]		= { .name = "tsc-khz", .type = IVM_ATTR_U32 },
	[IVM_A_NESTED_PAGING]	= { .name = "nested-paging", .type = IVM_ATTR_FLAG },
	[IVM_A_EVENT_TYPE]	= IVM_ENUM("event-type", ivm_event_names),
	[IVM_A_TIME_NS]		= { .name = "time-ns", .type = IVM_ATTR_U64 },
	[IVM_A_ADDRESS]		= { .name = "address", .type = IVM_ATTR_U64 },
	[IVM_A_LIST_NIC]	= { .name = "list-nic", .type = IVM_ATTR_LIST },
	[IVM_A_NIC_ENTRY]	= { .name = "nic-entry", .type = IVM_ATTR_ENTRY },
	[IVM_A_NIC_MAC]		= { .name = "nic-mac", .type = IVM_ATTR_MAC },
	[IVM_A_NIC_SWITCH]	= { .name = "nic-switch", .type = IVM_ATTR_TEXT },
	[IVM_A_NIC_QUEUES]	= { .name = "nic-queues", .type = IVM_ATTR_U16 },
	[IVM_A_NIC_MTU]		= { .name = "nic-mtu", .type = IVM_ATTR_U16 },
	[IVM_A_NIC_PORT]	= { .name = "nic-port", .type = IVM_ATTR_NEST },
	[IVM_A_NIC_IFNAME]	= { .name = "nic-ifname", .type = IVM_ATTR_TEXT },
	[IVM_A_NIC_IFINDEX]	= { .name = "nic-ifindex", .type = IVM_ATTR_U32 },
	[IVM_A_AFFINITY]	= { .name = "affinity", .type = IVM_ATTR_TEXT },
	[IVM_A_SIBLINGS]	= { .name = "smt-offline", .type = IVM_ATTR_TEXT },
	[IVM_A_CPU_FLOOR]	= { .name = "cpu-floor", .type = IVM_ATTR_U32 },
	[IVM_A_CPU_CAP]		= { .name = "cpu-cap", .type = IVM_ATTR_U32 },
	[IVM_A_COSCHED]		= IVM_ENUM("cosched", ivm_cosched_names),
	[IVM_A_RESERVE]		= { .name = "reserve", .type = IVM_ATTR_SHARE },
	[IVM_A_SMT]		= IVM_ENUM("smt", ivm_smt_names),
	[IVM_A_SLICE_NS]	= { .name = "slice-ns", .type = IVM_ATTR_U64 },
	[IVM_A_GANG]		= { .name = "gang", .type = IVM_ATTR_OBJECT },
	[IVM_A_GANG_RUN_NS]	= { .name = "gang-run-ns", .type = IVM_ATTR_U64 },
	[IVM_A_GANG_CORUN_NS]	= { .name = "gang-corun-ns", .type = IVM_ATTR_U64 },
	[IVM_A_GANG_STARTS]	= { .name = "gang-starts", .type = IVM_ATTR_U64 },
	[IVM_A_GANG_LATE]	= { .name = "gang-late", .type = IVM_ATTR_U64 },
	[IVM_A_SKEW_P50_NS]	= { .name = "skew-p50-ns", .type = IVM_ATTR_U64 },
	[IVM_A_SKEW_P99_NS]	= { .name = "skew-p99-ns", .type = IVM_ATTR_U64 },
	[IVM_A_SKEW_MAX_NS]	= { .name = "skew-max-ns", .type = IVM_ATTR_U64 },
	[IVM_A_HYP_NS]		= { .name = "hyp-ns", .type = IVM_ATTR_U64 },
	[IVM_A_GANG_NS]		= { .name = "gang-ns", .type = IVM_ATTR_U64 },
	[IVM_A_READY_NS]	= { .name = "ready-ns", .type = IVM_ATTR_U64 },
	[IVM_A_HELD_NS]		= { .name = "held-ns", .type = IVM_ATTR_U64 },
	[IVM_A_HELD_IRQ_NS]	= { .name = "held-irq-ns", .type = IVM_ATTR_U64 },
	[IVM_A_HOST_NS]		= { .name = "host-ns", .type = IVM_ATTR_U64 },
	[IVM_A_IDLE_NS]		= { .name = "idle-ns", .type = IVM_ATTR_U64 },
	[IVM_A_WALL_NS]		= { .name = "wall-ns", .type = IVM_ATTR_U64 },
	[IVM_A_PACKAGE]		= { .name = "package", .type = IVM_ATTR_U32 },
	[IVM_A_CORE]		= { .name = "core", .type = IVM_ATTR_U32 },
	[IVM_A_GIVEN]		= { .name = "given", .type = IVM_ATTR_FLAG },
	[IVM_A_FLOORS]		= { .name = "floors", .type = IVM_ATTR_U32 },
	[IVM_A_MEMORY_MAX]	= { .name = "max", .type = IVM_ATTR_U64 },
	[IVM_A_MEMORY_BOOT]	= { .name = "memory-boot", .type = IVM_ATTR_U64 },
	[IVM_A_MEMORY_DRIVERS]	= { .name = "memory-drivers", .type = IVM_ATTR_BITS, .names = ivm_driver_names,
				    .nr_names = IVM_COUNT(ivm_driver_names) },
	[IVM_A_MEMORY_TEXT]	= { .name = "memory-text", .type = IVM_ATTR_TEXT },
	[IVM_A_BALLOON]		= { .name = "balloon", .type = IVM_ATTR_U64 },
	[IVM_A_GUEST_TOTAL]	= { .name = "guest-total", .type = IVM_ATTR_U64 },
	[IVM_A_GUEST_FREE]	= { .name = "guest-free", .type = IVM_ATTR_U64 },
	[IVM_A_GUEST_AVAILABLE]	= { .name = "guest-available", .type = IVM_ATTR_U64 },
	[IVM_A_GUEST_AGE_NS]	= { .name = "guest-age-ms", .type = IVM_ATTR_MS },
	[IVM_A_LIST_VIOLATION]	= { .name = "list-violation", .type = IVM_ATTR_LIST },
	[IVM_A_VIOLATION_ENTRY]	= { .name = "violation-entry", .type = IVM_ATTR_ENTRY },
};

static const struct ivm_attr_row *ivm_attr_row(unsigned int type)
{
	return type <= IVM_A_MAX && ivm_attr_rows[type].name ? &ivm_attr_rows[type] : NULL;
}

const char *ivm_attr_name(unsigned int type)
{
	const struct ivm_attr_row *row = ivm_attr_row(type);

	return row ? row->name : "unknown";
}

static struct json_object *ivm_attr_json_enum(const struct ivm_attr_row *row, uint32_t value)
{
	if (value < row->nr_names && row->names[value])
		return json_object_new_string(row->names[value]);
	return json_object_new_uint64(value);	/* of a newer module */
}

/* Bits of a newer module are left out. */
static struct json_object *ivm_attr_json_bits(const struct ivm_attr_row *row, uint32_t value)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < row->nr_names; i++)
		if (value & 1U << i)
			json_object_array_add(array, json_object_new_string(row->names[i]));
	return array;
}

static struct json_object *ivm_attr_json_list(const struct nlattr *list)
{
	struct json_object *array = json_object_new_array();
	struct nlattr *entry;
	int left;

	nla_for_each_nested(entry, list, left) {
		const struct ivm_attr_row *row = ivm_attr_row((unsigned int)nla_type(entry));

		if (row && row->type == IVM_ATTR_ENTRY)
			json_object_array_add(array, ivm_attrs_json(nla_data(entry), nla_len(entry)));
	}
	return array;
}

static struct json_object *ivm_attr_json_stats(const struct nlattr *list)
{
	struct json_object *stats = json_object_new_object(), *all = ivm_attr_json_list(list);

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *stat = json_object_array_get_idx(all, i);
		const char *name = ivm_json_get_text(stat, "name");

		if (*name)
			json_object_object_add(stats, name, json_object_new_uint64(ivm_json_get_number(stat, "value")));
	}
	json_object_put(all);
	return stats;
}

/* One value, or NULL when it is too short. */
static struct json_object *ivm_attr_json(const struct ivm_attr_row *row, const struct nlattr *attr)
{
	const void *data = nla_data(attr);
	int length = nla_len(attr);
	char mac[IVM_MAC_TEXT], share[IVM_SHARE_TEXT];

	switch (row->type) {
	case IVM_ATTR_FLAG:
		return json_object_new_boolean(true);
	case IVM_ATTR_TEXT:
		return json_object_new_string_len(data, (int)strnlen(data, (size_t)length));
	case IVM_ATTR_LIST:
		return ivm_attr_json_list(attr);
	case IVM_ATTR_STATS:
		return ivm_attr_json_stats(attr);
	case IVM_ATTR_U16:
		return length < 2 ? NULL : json_object_new_uint64(nla_get_u16(attr));
	case IVM_ATTR_U32:
		return length < 4 ? NULL : json_object_new_uint64(nla_get_u32(attr));
	case IVM_ATTR_S32:
		return length < 4 ? NULL : json_object_new_int64(nla_get_s32(attr));
	case IVM_ATTR_ENUM:
		return length < 4 ? NULL : ivm_attr_json_enum(row, nla_get_u32(attr));
	case IVM_ATTR_BITS:
		return length < 4 ? NULL : ivm_attr_json_bits(row, nla_get_u32(attr));
	case IVM_ATTR_MS:
		return length < 8 ? NULL : json_object_new_uint64(nla_get_u64(attr) / IVM_NS_PER_MS);
	case IVM_ATTR_U64:
		return length < 8 ? NULL : json_object_new_uint64(nla_get_u64(attr));
	case IVM_ATTR_MAC:
		return length < IVM_MAC_LEN ? NULL : json_object_new_string(ivm_mac_text(data, mac));
	case IVM_ATTR_SHARE:
		return length < 4 ? NULL : json_object_new_string(ivm_share_text(nla_get_u32(attr), share));
	case IVM_ATTR_OBJECT:
		return ivm_attrs_json(data, length);
	case IVM_ATTR_NONE:
	case IVM_ATTR_NEST:
	case IVM_ATTR_ENTRY:
		break;
	}
	return NULL;
}

struct json_object *ivm_attrs_json(const struct nlattr *attrs, int length)
{
	struct json_object *object = json_object_new_object(), *value;
	const struct nlattr *attr;
	int left;

	nla_for_each_attr(attr, attrs, length, left) {
		const struct ivm_attr_row *row = ivm_attr_row((unsigned int)nla_type(attr));

		value = row ? ivm_attr_json(row, attr) : NULL;
		if (!value)
			continue;
		json_object_object_add(object, row->name, value);
		if (row->also)
			json_object_object_add(object, row->also, json_object_get(value));
	}
	return object;
}

const char *ivm_json_get_text(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

uint64_t ivm_json_get_number(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_uint64(value) : 0;
}

int ivm_json_get_int(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ? json_object_get_int(value) : -1;
}
