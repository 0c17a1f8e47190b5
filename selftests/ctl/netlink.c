// SPDX-License-Identifier: GPL-2.0-only
/*
 * P12: every netlink command with each kind of bad request. Each is refused
 * with an errno, a sentence, and the offset of the attribute at fault where
 * one is; and nothing has changed afterwards.
 */
#define _GNU_SOURCE
#include "request.h"

#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "harness.h"

#define VM "nl-test"
#define MIB (1ULL << 20)

static const unsigned char spin[] = { 0xeb, 0xfe };

/* What a correct request of each command carries. */
static const struct command {
	int cmd;
	const char *name;
	bool named, create, list;
	bool anyone;
} commands[] = {
	{ IVM_CMD_HOST_GET, "HOST_GET", .anyone = true },
	{ IVM_CMD_HOST_SET, "HOST_SET", .list = true },
	{ IVM_CMD_HOST_AUDIT, "HOST_AUDIT" },
	{ IVM_CMD_VM_CREATE, "VM_CREATE", .named = true, .create = true },
	{ IVM_CMD_VM_START, "VM_START", .named = true },
	{ IVM_CMD_VM_STOP, "VM_STOP", .named = true },
	{ IVM_CMD_VM_RESET, "VM_RESET", .named = true },
	{ IVM_CMD_VM_PAUSE, "VM_PAUSE", .named = true },
	{ IVM_CMD_VM_RESUME, "VM_RESUME", .named = true },
	{ IVM_CMD_VM_DELETE, "VM_DELETE", .named = true },
	{ IVM_CMD_VM_GET, "VM_GET", .named = true },
};
#define FOR_EACH(c) for (const struct command *c = commands; c < commands + sizeof(commands) / sizeof(*commands); c++)

FIXTURE(netlink) {
	int fd, family;
	struct request r;
	struct answer *a;
	char *before;
};

FIXTURE_SETUP(netlink)
{
	self->a = calloc(1, sizeof(*self->a));
	self->fd = request_open();
	ASSERT_GE(self->fd, 0);
	self->family = request_family(self->fd);
	ASSERT_GT(self->family, 0) TH_LOG("no netlink family: is ivm.ko loaded?");
	vm_stop(self->fd, VM);
	vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
	/* A VM that runs has something to lose by any command that is obeyed. */
	ASSERT_EQ(0, vm_create(self->fd, VM, 1, 4 * MIB, 0));
	ASSERT_EQ(0, vm_load_code(VM, spin, sizeof(spin)));
	ASSERT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, VM));
	self->before = world(self->fd);
	ASSERT_NE(NULL, strstr(self->before, VM));
}

FIXTURE_TEARDOWN(netlink)
{
	vm_stop(self->fd, VM);
	vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
	free(self->before);
	free(self->a);
	close(self->fd);
}

static void start(struct _test_data_netlink *self, const struct command *c)
{
	request_start(&self->r, self->family, c->cmd, 0);
}

/* The attributes of a right request, but for one. */
static void rest(struct _test_data_netlink *self, const struct command *c, int but)
{
	if (c->named && but != IVM_A_NAME)
		put_text(&self->r, IVM_A_NAME, c->create ? "nl-new" : VM);
	if (c->create && but != IVM_A_VCPUS)
		put_u32(&self->r, IVM_A_VCPUS, 1);
	if (c->create && but != IVM_A_MEMORY)
		put_u64(&self->r, IVM_A_MEMORY, 4 * MIB);
	if (c->list && but != IVM_A_CPU_LIST)
		put_text(&self->r, IVM_A_CPU_LIST, "all");
}

/* offset 0: no one attribute is at fault. errno 0: any. */
static bool refused(struct __test_metadata *_metadata, struct _test_data_netlink *self, const char *what, const char *how,
		    int error, size_t offset)
{
	int got = request_send(self->fd, &self->r, self->a);
	char *after = world(self->fd);
	bool ok = got > 0 && (!error || got == error) && (self->a->text[0] || self->a->missing) &&
		  (!offset || self->a->offset == offset) && !strcmp(self->before, after);

	EXPECT_TRUE(ok) {
		TH_LOG("%s, %s: error %d (want %d), text '%s', offset %u (want %zu)", what, how, got, error,
		       self->a->text, self->a->offset, offset);
		if (strcmp(self->before, after))
			TH_LOG("changed: was\n%sis\n%s", self->before, after);
	}
	free(after);
	return ok;
}
#define REFUSED(...) refused(_metadata, self, __VA_ARGS__)

TEST_F(netlink, right_requests_are_obeyed)
{
	/* Without this the refusals below would prove nothing. */
	FOR_EACH(c) {
		if (c->cmd != IVM_CMD_HOST_GET && c->cmd != IVM_CMD_HOST_SET && c->cmd != IVM_CMD_HOST_AUDIT &&
		    c->cmd != IVM_CMD_VM_GET)
			continue;
		start(self, c);
		rest(self, c, 0);
		EXPECT_EQ(0, request_send(self->fd, &self->r, self->a))
			TH_LOG("%s: %s", c->name, self->a->text);
	}
	EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_PAUSE, VM));
	EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_RESUME, VM));
	EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_RESET, VM));
}

TEST_F(netlink, missing_attributes)
{
	static const int required[] = { IVM_A_NAME, IVM_A_VCPUS, IVM_A_MEMORY, IVM_A_CPU_LIST };

	FOR_EACH(c)
		for (int i = 0; i < 4; i++) {
			if ((required[i] == IVM_A_NAME && !c->named) || (required[i] == IVM_A_CPU_LIST && !c->list) ||
			    ((required[i] == IVM_A_VCPUS || required[i] == IVM_A_MEMORY) && !c->create))
				continue;
			start(self, c);
			rest(self, c, required[i]);
			REFUSED(c->name, "missing", EINVAL, 0);
			EXPECT_EQ(required[i], self->a->missing) TH_LOG("%s", c->name);
		}
}

TEST_F(netlink, short_and_long_attributes)
{
	static const char many[4096];
	char name[64];
	size_t at;

	memset(name, 'a', sizeof(name));
	FOR_EACH(c) {
		if (c->named) {
			start(self, c);
			at = put(&self->r, IVM_A_NAME, NULL, 0);
			rest(self, c, IVM_A_NAME);
			REFUSED(c->name, "name of no bytes", 0, at);
			start(self, c);
			at = put(&self->r, IVM_A_NAME, "", 1);
			rest(self, c, IVM_A_NAME);
			REFUSED(c->name, "empty name", 0, at);
			start(self, c);
			at = put(&self->r, IVM_A_NAME, name, IVM_NAME_MAX + 2);
			rest(self, c, IVM_A_NAME);
			REFUSED(c->name, "long name", 0, at);
			start(self, c);
			at = put(&self->r, IVM_A_NAME, VM, strlen(VM));
			rest(self, c, IVM_A_NAME);
			REFUSED(c->name, "name without NUL", EINVAL, at);
			start(self, c);
			at = put(&self->r, IVM_A_NAME, VM "\0more", strlen(VM) + 6);
			rest(self, c, IVM_A_NAME);
			REFUSED(c->name, "name with something behind its NUL", EINVAL, at);
			start(self, c);
			at = put(&self->r, IVM_A_NAME, many, sizeof(many));
			rest(self, c, IVM_A_NAME);
			REFUSED(c->name, "huge name", 0, at);
		}
		if (c->list) {
			start(self, c);
			at = put(&self->r, IVM_A_CPU_LIST, NULL, 0);
			REFUSED(c->name, "list of no bytes", 0, at);
			start(self, c);
			at = put(&self->r, IVM_A_CPU_LIST, many, sizeof(many));
			REFUSED(c->name, "huge list", 0, at);
		}
		for (size_t size = 0; c->create && size < 24; size += 1) {
			if (size != 4) {
				start(self, c);
				at = put(&self->r, IVM_A_VCPUS, many, size);
				rest(self, c, IVM_A_VCPUS);
				REFUSED(c->name, "vcpus of wrong size", 0, at);
			}
			if (size != 8) {
				start(self, c);
				at = put(&self->r, IVM_A_MEMORY, many, size);
				rest(self, c, IVM_A_MEMORY);
				REFUSED(c->name, "memory of wrong size", 0, at);
			}
			if (size != 2) {
				start(self, c);
				rest(self, c, 0);
				at = put(&self->r, IVM_A_DEBUG_EXIT, many, size);
				REFUSED(c->name, "port of wrong size", 0, at);
			}
		}
	}
	start(self, &commands[5]);
	rest(self, &commands[5], 0);
	at = put_u32(&self->r, IVM_A_FORCE, 1);
	REFUSED("VM_STOP", "a flag with a value", 0, at);
}

TEST_F(netlink, attributes_given_twice)
{
	size_t at;

	FOR_EACH(c) {
		if (c->named) {
			start(self, c);
			rest(self, c, 0);
			at = put_text(&self->r, IVM_A_NAME, c->create ? "nl-new" : VM);
			REFUSED(c->name, "two names", EINVAL, at);
		}
		if (c->list) {
			start(self, c);
			rest(self, c, 0);
			at = put_text(&self->r, IVM_A_CPU_LIST, "all");
			REFUSED(c->name, "two lists", EINVAL, at);
		}
		if (c->create) {
			start(self, c);
			rest(self, c, 0);
			at = put_u32(&self->r, IVM_A_VCPUS, 1);
			REFUSED(c->name, "vcpus twice", EINVAL, at);
			start(self, c);
			rest(self, c, 0);
			at = put_u64(&self->r, IVM_A_MEMORY, 4 * MIB);
			REFUSED(c->name, "memory twice", EINVAL, at);
		}
	}
}

TEST_F(netlink, attributes_that_the_command_does_not_know)
{
	static const int types[] = { IVM_A_PAD, IVM_A_ID, IVM_A_STATE, IVM_A_STOP_REASON, IVM_A_LIST_VCPU, IVM_A_TSC_KHZ,
				     IVM_A_ADDRESS, IVM_A_MAX, IVM_A_MAX + 1, 200, 0x3fff };
	size_t at;

	FOR_EACH(c) {
		for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
			start(self, c);
			rest(self, c, 0);
			at = put_u32(&self->r, types[i], 1);
			REFUSED(c->name, "unknown attribute", EINVAL, at);
		}
		if (!c->create) {
			start(self, c);
			rest(self, c, 0);
			at = put_u64(&self->r, IVM_A_MEMORY, 4 * MIB);
			REFUSED(c->name, "memory, of another command", EINVAL, at);
		}
		if (c->cmd != IVM_CMD_VM_STOP) {
			start(self, c);
			rest(self, c, 0);
			at = put(&self->r, IVM_A_FORCE, NULL, 0);
			REFUSED(c->name, "force, of another command", EINVAL, at);
		}
	}
}

TEST_F(netlink, values_out_of_range)
{
	static const uint32_t vcpus[] = { 0, IVM_VCPUS_MAX + 1, 1000, 0x7fffffff, 0x80000000, 0xffffffff };
	static const uint64_t memory[] = { 0, 1, 4096, MIB, 2 * MIB + 1, 3 * MIB, IVM_MEMORY_MAX + 2 * MIB,
					   1ULL << 62, 0xffffffffffe00000, ~0ULL };
	static const char * const names[] = { "-a", ".a", "_a", "a b", "a/b", "../a", "a\nb", "a\x01", "a\xff", "a*", "\xc3\xa4", "a;b", "a%s" };
	static const char * const lists[] = { "x", "0-", "-1", "99", "0,,1", "3-0", "0-99999999999", "0x0", " ", "0 1", "ALL", "all,0" };
	const struct command *create = &commands[3], *set = &commands[1];
	size_t at;

	for (size_t i = 0; i < sizeof(vcpus) / sizeof(*vcpus); i++) {
		start(self, create);
		at = put_u32(&self->r, IVM_A_VCPUS, vcpus[i]);
		rest(self, create, IVM_A_VCPUS);
		REFUSED("VM_CREATE", "vcpus", 0, at);
	}
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++) {
		start(self, create);
		at = put_u64(&self->r, IVM_A_MEMORY, memory[i]);
		rest(self, create, IVM_A_MEMORY);
		REFUSED("VM_CREATE", "memory", 0, at);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		start(self, create);
		at = put_text(&self->r, IVM_A_NAME, names[i]);
		rest(self, create, IVM_A_NAME);
		REFUSED("VM_CREATE", names[i], EINVAL, at);
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		start(self, set);
		at = put_text(&self->r, IVM_A_CPU_LIST, lists[i]);
		REFUSED("HOST_SET", lists[i], 0, at);
	}
	start(self, create);
	rest(self, create, 0);
	at = put_u16(&self->r, IVM_A_DEBUG_EXIT, 0);
	REFUSED("VM_CREATE", "debug-exit port 0", 0, at);
	start(self, create);
	at = put_text(&self->r, IVM_A_NAME, VM);
	rest(self, create, IVM_A_NAME);
	REFUSED("VM_CREATE", "a name that is taken", EEXIST, at);
	FOR_EACH(c) {
		if (!c->named || c->create)
			continue;
		start(self, c);
		at = put_text(&self->r, IVM_A_NAME, "nl-nobody");
		REFUSED(c->name, "a name that nobody has", ENOENT, at);
	}
}

TEST_F(netlink, more_vcpus_than_cores)
{
	const struct command *create = &commands[3];
	uint32_t most = 0;
	char want[16];

	start(self, &commands[0]);
	ASSERT_EQ(0, request_send(self->fd, &self->r, self->a));
	ASSERT_NE(NULL, self->a->attr[IVM_A_VCPUS_MAX]);
	memcpy(&most, (char *)self->a->attr[IVM_A_VCPUS_MAX] + NLA_HDRLEN, 4);
	ASSERT_GT(most, 0);
	if (most >= IVM_VCPUS_MAX)
		SKIP(return, "this host has cores for every VM");
	start(self, create);
	put_u32(&self->r, IVM_A_VCPUS, most + 1);
	rest(self, create, IVM_A_VCPUS);
	/* Refused now or when it starts; the sentence has both numbers. */
	if (request_send(self->fd, &self->r, self->a) == 0) {
		ASSERT_EQ(0, vm_load_code("nl-new", spin, sizeof(spin)));
		request_start(&self->r, self->family, IVM_CMD_VM_START, 0);
		put_text(&self->r, IVM_A_NAME, "nl-new");
		EXPECT_GT(request_send(self->fd, &self->r, self->a), 0);
		vm_command(self->fd, IVM_CMD_VM_DELETE, "nl-new");
	}
	snprintf(want, sizeof(want), "%u", most);
	EXPECT_NE(NULL, strstr(self->a->text, want)) TH_LOG("'%s' lacks %s", self->a->text, want);
	snprintf(want, sizeof(want), "%u", most + 1);
	EXPECT_NE(NULL, strstr(self->a->text, want)) TH_LOG("'%s' lacks %s", self->a->text, want);
}

TEST_F(netlink, broken_messages)
{
	static const int cmds[] = { 0, IVM_CMD_EVENT, IVM_CMD_MAX + 1, 255 };

	for (int i = 0; i < 4; i++) {
		request_start(&self->r, self->family, cmds[i], 0);
		EXPECT_GT(request_send(self->fd, &self->r, self->a), 0) TH_LOG("command %d", cmds[i]);
	}
	/* Attributes whose length runs out of the message, or is less than a header. */
	for (int len = 0; len < 70000; len += len < 16 ? 1 : 9973) {
		struct nlattr *nla;
		char *after;
		size_t at;

		if (len == NLA_HDRLEN + sizeof(VM))
			continue;
		start(self, &commands[9]);
		at = put_text(&self->r, IVM_A_NAME, VM);
		nla = (void *)(self->r.bytes + at);
		nla->nla_len = len;
		EXPECT_GT(request_send(self->fd, &self->r, self->a), 0) TH_LOG("length %d", len);
		after = world(self->fd);
		EXPECT_STREQ(self->before, after);
		free(after);
	}
	/* Too short for a header of generic netlink. */
	start(self, &commands[2]);
	self->r.head.nlmsg_len = NLMSG_HDRLEN;
	EXPECT_GT(request_send(self->fd, &self->r, self->a), 0);
	/* A dump of what has none, and of VM_GET with attributes. */
	request_start(&self->r, self->family, IVM_CMD_VM_GET, NLM_F_DUMP);
	put_text(&self->r, IVM_A_NAME, VM);
	send(self->fd, self->r.bytes, self->r.head.nlmsg_len, 0);
	EXPECT_GT(recv(self->fd, self->a->bytes, sizeof(self->a->bytes), 0), 0);
	EXPECT_EQ(NLMSG_ERROR, ((struct nlmsghdr *)self->a->bytes)->nlmsg_type);
}

static void drop_rights(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { };

	if (syscall(SYS_capset, &head, none))
		abort();
}

TEST_F(netlink, without_rights)
{
	int status, pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		/* root in name only; then somebody else, with a socket of their own */
		int bad = 0, fd = self->fd;

		drop_rights();
		for (int round = 0; round < 2; round++) {
			FOR_EACH(c) {
				int got;

				start(self, c);
				rest(self, c, 0);
				if (c->cmd == IVM_CMD_VM_STOP)
					put(&self->r, IVM_A_FORCE, NULL, 0);
				got = request_send(fd, &self->r, self->a);
				if (c->anyone ? got != 0 : got != EPERM || !self->a->text[0]) {
					TH_LOG("%s, round %d: %d '%s'", c->name, round, got, self->a->text);
					bad++;
				}
			}
			fd = request_open();
			if (fd < 0)
				bad++;
		}
		_exit(bad ? 1 : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	char *after = world(self->fd);

	EXPECT_STREQ(self->before, after);
	free(after);
}

TEST_F(netlink, events_need_rights)
{
	int status, pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		struct sockaddr_nl me = { .nl_family = AF_NETLINK };
		struct nlattr *groups, *entry;
		int fd, left, group = 0;

		/* the only group of the family */
		request_start(&self->r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
		put_text(&self->r, CTRL_ATTR_FAMILY_NAME, IVM_GENL_NAME);
		if (request_send(self->fd, &self->r, self->a))
			_exit(2);
		groups = self->a->attr[CTRL_ATTR_MCAST_GROUPS];
		if (!groups)
			_exit(3);
		entry = (void *)((char *)groups + NLA_HDRLEN);
		left = entry->nla_len - NLA_HDRLEN;
		for (struct nlattr *n = (void *)((char *)entry + NLA_HDRLEN); left >= NLA_HDRLEN;
		     left -= NLA_ALIGN(n->nla_len), n = (void *)((char *)n + NLA_ALIGN(n->nla_len)))
			if ((n->nla_type & NLA_TYPE_MASK) == CTRL_ATTR_MCAST_GRP_ID)
				group = *(uint32_t *)((char *)n + NLA_HDRLEN);
		drop_rights();
		fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
		if (!group || bind(fd, (struct sockaddr *)&me, sizeof(me)))
			_exit(4);
		_exit(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
