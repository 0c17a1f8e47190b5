// SPDX-License-Identifier: GPL-2.0-only
/* Answers and refusals of the module, made up here: what becomes of their attributes. */
#include "../harness.h"

/* For the handlers of messages, which are static. */
#include "../../ivmctl/nl.c"

static struct nl_msg *message(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, 0, 0, 30, 0, 0, IVM_CMD_VM_GET, 1);
	return msg;
}

static struct json_object *as_json(struct nl_msg *msg)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));

	return ivm_attrs_json(genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0));
}

TEST(every_attribute_has_a_name)
{
	/* PAD carries nothing. A new attribute wants a row in attrs.c. */
	for (unsigned int i = IVM_A_PAD + 1; i <= IVM_A_MAX; i++) {
		EXPECT_STRNE("unknown", ivm_attr_name(i)) TH_LOG("attribute %u", i);
		for (unsigned int j = IVM_A_PAD + 1; j < i; j++) {
			const char *other = ivm_attr_name(j);

			EXPECT_STRNE(other, ivm_attr_name(i)) TH_LOG("attributes %u and %u", j, i);
		}
	}
	EXPECT_STREQ("unknown", ivm_attr_name(0));
	EXPECT_STREQ("unknown", ivm_attr_name(IVM_A_MAX + 1));
	EXPECT_STREQ("unknown", ivm_attr_name(UINT32_MAX));
}

TEST(a_vm_as_json)
{
	struct nl_msg *msg = message();
	struct nlattr *list, *entry;
	struct json_object *json, *want;

	nla_put_string(msg, IVM_A_NAME, "web");
	nla_put_u32(msg, IVM_A_STATE, IVM_VM_STOPPED);
	nla_put_u32(msg, IVM_A_STOP_REASON, IVM_STOP_TRIPLE_FAULT);
	nla_put_u64(msg, IVM_A_MEMORY, UINT64_MAX);
	nla_put_u16(msg, IVM_A_DEBUG_EXIT, 0xf4);
	nla_put_flag(msg, IVM_A_NESTED_PAGING);
	list = nla_nest_start(msg, IVM_A_LIST_VCPU);
	entry = nla_nest_start(msg, IVM_A_VCPU_ENTRY);
	nla_put_u32(msg, IVM_A_VCPU, 0);
	nla_put_u32(msg, IVM_A_CPU, (uint32_t)-1);
	nla_put_u32(msg, IVM_A_VCPU_STATE, IVM_VCPU_HALTED);
	nla_nest_end(msg, entry);
	nla_nest_end(msg, list);
	list = nla_nest_start(msg, IVM_A_LIST_STAT);
	entry = nla_nest_start(msg, IVM_A_STAT_ENTRY);
	nla_put_string(msg, IVM_A_NAME, "exits.cpuid");
	nla_put_u64(msg, IVM_A_VALUE, 42);
	nla_nest_end(msg, entry);
	nla_nest_end(msg, list);
	json = as_json(msg);
	want = json_tokener_parse("{'name':'web','state':'stopped','stop-reason':'triple-fault'}");
	json_object_object_add(want, "memory", json_object_new_uint64(UINT64_MAX));
	json_object_object_add(want, "debug-exit", json_object_new_int(0xf4));
	json_object_object_add(want, "nested-paging", json_object_new_boolean(true));
	json_object_object_add(want, "list-vcpu", json_tokener_parse("[{'vcpu':0,'cpu':-1,'vcpu-state':'halted'}]"));
	json_object_object_add(want, "list-stat", json_tokener_parse("{'exits.cpuid':42}"));
	EXPECT_EQ(1, json_object_equal(want, json)) TH_LOG("%s", json_object_to_json_string(json));
	json_object_put(want);
	json_object_put(json);
	nlmsg_free(msg);
}

TEST(cards_of_a_vm_as_json)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 0x0a };
	struct nl_msg *msg = message();
	struct nlattr *list, *entry;
	struct json_object *json;

	list = nla_nest_start(msg, IVM_A_LIST_NIC);
	entry = nla_nest_start(msg, IVM_A_NIC_ENTRY);
	nla_put(msg, IVM_A_NIC_MAC, sizeof(mac), mac);
	nla_put_string(msg, IVM_A_NIC_SWITCH, "sw0");
	nla_put_u16(msg, IVM_A_NIC_QUEUES, 2);
	nla_put_u16(msg, IVM_A_NIC_MTU, 65521);
	nla_put_string(msg, IVM_A_NIC_IFNAME, "ivm1n0");
	nla_put_u32(msg, IVM_A_NIC_IFINDEX, 7);
	nla_nest_end(msg, entry);
	entry = nla_nest_start(msg, IVM_A_NIC_ENTRY);
	nla_put(msg, IVM_A_NIC_MAC, 5, mac);		/* too short */
	nla_nest_end(msg, entry);
	nla_nest_end(msg, list);
	json = as_json(msg);
	EXPECT_STREQ("{\"list-nic\":[{\"nic-mac\":\"02:00:00:00:00:0a\",\"nic-switch\":\"sw0\",\"nic-queues\":2,\"nic-mtu\":65521,\"nic-ifname\":\"ivm1n0\",\"nic-ifindex\":7},{}]}",
		     json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	nlmsg_free(msg);
}

TEST(shares_and_gangs_as_json)
{
	struct nl_msg *msg = message();
	struct nlattr *nest, *entry;
	struct json_object *json;

	nla_put_u32(msg, IVM_A_CPU_FLOOR, 125);
	nla_put_u32(msg, IVM_A_CPU_CAP, 1000);
	nla_put_u32(msg, IVM_A_COSCHED, IVM_COSCHED_RELAXED);
	nla_put_u32(msg, IVM_A_RESERVE, 125);
	nla_put_u32(msg, IVM_A_SMT, IVM_SMT_GUARD);
	nest = nla_nest_start(msg, IVM_A_GANG);
	nla_put_u64(msg, IVM_A_GANG_RUN_NS, 10);
	nla_put_u64(msg, IVM_A_SKEW_P99_NS, UINT64_MAX);
	nla_put(msg, IVM_A_GANG_LATE, 7, "1234567");	/* too short */
	nla_nest_end(msg, nest);
	nest = nla_nest_start(msg, IVM_A_LIST_VCPU);
	entry = nla_nest_start(msg, IVM_A_VCPU_ENTRY);
	nla_put_u32(msg, IVM_A_VCPU_STATE, IVM_VCPU_READY);
	nla_put_u64(msg, IVM_A_HYP_NS, 1);
	nla_put_u64(msg, IVM_A_GANG_NS, 2);
	nla_put_u64(msg, IVM_A_READY_NS, 3);
	nla_nest_end(msg, entry);
	nla_nest_end(msg, nest);
	json = as_json(msg);
	EXPECT_STREQ("{\"cpu-floor\":125,\"cpu-cap\":1000,\"cosched\":\"relaxed\",\"reserve\":\"12.5%\",\"smt\":\"guard\",\"gang\":{\"gang-run-ns\":10,\"skew-p99-ns\":18446744073709551615},\"list-vcpu\":[{\"vcpu-state\":\"ready\",\"hyp-ns\":1,\"gang-ns\":2,\"ready-ns\":3}]}",
		     json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	nlmsg_free(msg);
	msg = message();
	nla_put(msg, IVM_A_RESERVE, 3, "abc");
	nla_put_u32(msg, IVM_A_COSCHED, 0);
	nla_put_u32(msg, IVM_A_GANG, 0xffffffff);	/* rubbish where a nest should be */
	json = as_json(msg);
	EXPECT_STREQ("{\"cosched\":0,\"gang\":{}}", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	nlmsg_free(msg);
}

TEST(memory_as_json)
{
	struct nl_msg *msg = message();
	struct json_object *json;

	nla_put_u64(msg, IVM_A_MEMORY, 1ULL << 30);
	nla_put_u64(msg, IVM_A_MEMORY_READY, 512ULL << 20);
	nla_put_u64(msg, IVM_A_MEMORY_MAX, 2ULL << 30);
	nla_put_u64(msg, IVM_A_MEMORY_BOOT, 256ULL << 20);
	nla_put_u32(msg, IVM_A_MEMORY_DRIVERS, IVM_MEMORY_VIRTIO_MEM | IVM_MEMORY_BALLOON | 0x80000000);
	nla_put_string(msg, IVM_A_MEMORY_TEXT, "the guest is slow");
	nla_put_u64(msg, IVM_A_BALLOON, 4096);
	nla_put_u64(msg, IVM_A_GUEST_TOTAL, 7);
	nla_put_u64(msg, IVM_A_GUEST_FREE, 0);
	nla_put_u64(msg, IVM_A_GUEST_AVAILABLE, UINT64_MAX - 1);
	nla_put_u64(msg, IVM_A_GUEST_AGE_NS, 1234567890);
	json = as_json(msg);
	EXPECT_STREQ("{\"memory\":1073741824,\"memory-ready\":536870912,\"memory-now\":536870912,\"max\":2147483648,\"memory-boot\":268435456,\"memory-drivers\":[\"virtio-mem\",\"balloon\"],\"memory-text\":\"the guest is slow\",\"balloon\":4096,\"guest-total\":7,\"guest-free\":0,\"guest-available\":18446744073709551614,\"guest-age-ms\":1234}",
		     json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	nlmsg_free(msg);
	msg = message();
	nla_put_u32(msg, IVM_A_MEMORY_DRIVERS, 0);
	nla_put(msg, IVM_A_GUEST_AGE_NS, 7, "1234567");	/* too short */
	nla_put(msg, IVM_A_MEMORY_MAX, 4, "123");
	json = as_json(msg);
	EXPECT_STREQ("{\"memory-drivers\":[]}", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	nlmsg_free(msg);
}

TEST(attributes_of_another_version)
{
	struct nl_msg *msg = message();
	struct json_object *json;

	nla_put_u32(msg, IVM_A_STATE, 99);		/* a state that we do not know */
	nla_put_u32(msg, IVM_A_MAX + 7, 1);		/* an attribute neither */
	nla_put(msg, IVM_A_MEMORY, 3, "abc");		/* too short */
	nla_put(msg, IVM_A_ID, 0, NULL);
	nla_put(msg, IVM_A_NAME, 3, "abc");		/* no NUL */
	nla_put_u32(msg, IVM_A_LIST_STAT, 0xffffffff);	/* rubbish where a nest should be */
	json = as_json(msg);
	EXPECT_STREQ("{\"state\":99,\"name\":\"abc\",\"list-stat\":{}}", json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	nlmsg_free(msg);
}

/* Let the error handler see a refusal of @request with what @fill adds. */
static struct ivm_nl refuse(struct nl_msg *request, int err, void (*fill)(struct nl_msg *msg))
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nlmsghdr *header = nlmsg_put(msg, 0, 0, NLMSG_ERROR, sizeof(struct nlmsgerr), NLM_F_CAPPED | NLM_F_ACK_TLVS);
	struct nlmsgerr *body = nlmsg_data(header);
	struct ivm_nl nl = { .request = request ? nlmsg_hdr(request) : NULL };

	body->error = -err;
	if (fill)
		fill(msg);
	ivm_nl_on_error(NULL, nlmsg_data(nlmsg_hdr(msg)), &nl);
	nlmsg_free(msg);
	return nl;
}

static void fill_memory(struct nl_msg *msg)
{
	nla_put_string(msg, NLMSGERR_ATTR_MSG, "more than the host has");
	nla_put_u32(msg, NLMSGERR_ATTR_OFFS, NLMSG_HDRLEN + GENL_HDRLEN + 8);
}

static void fill_name(struct nl_msg *msg)
{
	nla_put_string(msg, NLMSGERR_ATTR_MSG, "there is none");
	nla_put_u32(msg, NLMSGERR_ATTR_OFFS, NLMSG_HDRLEN + GENL_HDRLEN);
}

static void fill_missing(struct nl_msg *msg)
{
	nla_put_u32(msg, NLMSGERR_ATTR_MISS_TYPE, IVM_A_VCPUS);
}

static void fill_policy(struct nl_msg *msg)
{
	struct nlattr *policy;

	fill_memory(msg);
	policy = nla_nest_start(msg, NLMSGERR_ATTR_POLICY);
	nla_put_u64(msg, NL_POLICY_TYPE_ATTR_MIN_VALUE_U, 1);
	nla_put_u64(msg, NL_POLICY_TYPE_ATTR_MAX_VALUE_U, 64);
	nla_nest_end(msg, policy);
}

static void fill_wild(struct nl_msg *msg)
{
	nla_put_u32(msg, NLMSGERR_ATTR_OFFS, 0xfffffff0);
	nla_put_string(msg, NLMSGERR_ATTR_MSG, "evil\x1b[2J\ntext");
}

TEST(refusals)
{
	struct nl_msg *request = message();
	struct ivm_nl nl;

	nla_put_string(request, IVM_A_NAME, "x");
	nla_put_u64(request, IVM_A_MEMORY, 1);
	nl = refuse(request, ENOMEM, fill_memory);
	EXPECT_TRUE(nl.done);
	EXPECT_EQ(-ENOMEM, nl.err);
	EXPECT_STREQ("memory: more than the host has", ivm_failure());
	EXPECT_EQ(-EINVAL, refuse(request, EINVAL, fill_missing).err);
	EXPECT_STREQ("the module misses the attribute vcpus", ivm_failure());
	EXPECT_EQ(-ERANGE, refuse(request, ERANGE, fill_policy).err);
	EXPECT_STREQ("memory: more than the host has (allowed: 1 to 64)", ivm_failure());
	EXPECT_EQ(-EPERM, refuse(request, EPERM, NULL).err);
	EXPECT_STREQ("Operation not permitted; this needs CAP_SYS_ADMIN: run as root", ivm_failure());
	EXPECT_EQ(-EBUSY, refuse(request, EBUSY, fill_wild).err);
	EXPECT_STREQ("evil?[2J?text", ivm_failure());
	EXPECT_EQ(-ENOENT, refuse(NULL, ENOENT, fill_memory).err);
	EXPECT_STREQ("more than the host has", ivm_failure());
	EXPECT_EQ(-ENOENT, refuse(request, ENOENT, fill_name).err);
	EXPECT_STREQ("VM 'x': there is none", ivm_failure());
	nlmsg_free(request);
}

TEST(without_module)
{
	struct ivm_nl *nl;
	int err = ivm_nl_open(&nl);

	if (!err) {
		ivm_nl_close(nl);
		SKIP(return, "the module is loaded");
	}
	EXPECT_EQ(-ENODEV, err);
	EXPECT_NE(NULL, strstr(ivm_failure(), "modprobe ivm"));
}

TEST_HARNESS_MAIN
