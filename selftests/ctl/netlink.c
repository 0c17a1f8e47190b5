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
#define ROOM "nl-room"	/* the VM whose memory may grow and shrink */
#define MIB (1ULL << 20)

static const unsigned char spin[] = { 0xeb, 0xfe };

/* What a correct request of each command carries. */
static const struct command {
	int cmd;
	const char *name;
	bool named, create, list, shares;
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
	{ IVM_CMD_VM_SET, "VM_SET", .named = true, .shares = true },
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
	vm_stop(self->fd, ROOM);
	vm_command(self->fd, IVM_CMD_VM_DELETE, ROOM);
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
	if (c->shares && but != IVM_A_CPU_FLOOR)
		put_u32(&self->r, IVM_A_CPU_FLOOR, 0);
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
		    c->cmd != IVM_CMD_VM_GET && c->cmd != IVM_CMD_VM_SET)
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
	static const int required[] = { IVM_A_NAME, IVM_A_VCPUS, IVM_A_MEMORY, IVM_A_CPU_LIST, IVM_A_CPU_FLOOR };

	FOR_EACH(c)
		for (int i = 0; i < 5; i++) {
			if ((required[i] == IVM_A_NAME && !c->named) || (required[i] == IVM_A_CPU_LIST && !c->list) ||
			    (required[i] == IVM_A_CPU_FLOOR && !c->shares) ||
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
	static const int bytes[] = { IVM_A_MEMORY, IVM_A_MEMORY_MAX };
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
			if (size != 2) {
				start(self, c);
				rest(self, c, 0);
				at = put(&self->r, IVM_A_DEBUG_EXIT, many, size);
				REFUSED(c->name, "port of wrong size", 0, at);
			}
		}
	}
	FOR_EACH(c)
		for (size_t size = 0; size < 24; size += size == 3 ? 2 : 1)
			for (int type = IVM_A_CPU_FLOOR; type <= IVM_A_SMT; type++) {
				if (!(type >= IVM_A_RESERVE ? c->list : c->create || c->shares))
					continue;
				start(self, c);
				rest(self, c, type);
				at = put(&self->r, type, many, size);
				REFUSED(c->name, "part of a core of wrong size", 0, at);
			}
	FOR_EACH(c)
		for (size_t size = 0; size < 24; size += size == 7 ? 2 : 1)
			for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
				if (!c->create && !c->shares)
					continue;
				start(self, c);
				rest(self, c, bytes[i]);
				at = put(&self->r, bytes[i], many, size);
				REFUSED(c->name, "memory of wrong size", 0, at);
			}
	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	at = put(&self->r, IVM_A_AFFINITY, many, sizeof(many));
	REFUSED("VM_CREATE", "huge affinity", 0, at);
	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	at = put(&self->r, IVM_A_AFFINITY, "0\0001", 4);
	REFUSED("VM_CREATE", "affinity with something behind its NUL", EINVAL, at);
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
			start(self, c);
			put_u32(&self->r, IVM_A_RESERVE, 200);
			at = put_u32(&self->r, IVM_A_RESERVE, 200);
			REFUSED(c->name, "two reserves", EINVAL, at);
			start(self, c);
			put_u32(&self->r, IVM_A_SMT, IVM_SMT_GUARD);
			at = put_u32(&self->r, IVM_A_SMT, IVM_SMT_EXCLUSIVE);
			REFUSED(c->name, "two policies for siblings", EINVAL, at);
		}
		if (c->shares) {
			start(self, c);
			rest(self, c, 0);
			at = put_u32(&self->r, IVM_A_CPU_FLOOR, 100);
			REFUSED(c->name, "two floors", EINVAL, at);
			start(self, c);
			rest(self, c, 0);
			put_u64(&self->r, IVM_A_MEMORY, 4 * MIB);
			at = put_u64(&self->r, IVM_A_MEMORY, 4 * MIB);
			REFUSED(c->name, "memory twice", EINVAL, at);
		}
		if (c->create || c->shares) {
			start(self, c);
			rest(self, c, 0);
			put_u64(&self->r, IVM_A_MEMORY_MAX, 8 * MIB);
			at = put_u64(&self->r, IVM_A_MEMORY_MAX, 8 * MIB);
			REFUSED(c->name, "two bounds of memory", EINVAL, at);
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
			start(self, c);
			rest(self, c, 0);
			put_text(&self->r, IVM_A_AFFINITY, "0");
			at = put_text(&self->r, IVM_A_AFFINITY, "0");
			REFUSED(c->name, "affinity twice", EINVAL, at);
		}
	}
}

TEST_F(netlink, attributes_that_the_command_does_not_know)
{
	static const int types[] = { IVM_A_PAD, IVM_A_ID, IVM_A_STATE, IVM_A_STOP_REASON, IVM_A_LIST_VCPU, IVM_A_TSC_KHZ,
				     IVM_A_MEMORY_READY, IVM_A_MEMORY_BOOT, IVM_A_MEMORY_DRIVERS, IVM_A_BALLOON,
				     IVM_A_ADDRESS, IVM_A_NIC_ENTRY, IVM_A_NIC_MAC, IVM_A_NIC_IFINDEX, IVM_A_SLICE_NS, IVM_A_GANG, IVM_A_MAX, IVM_A_MAX + 1, 200, 0x3fff };
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
			at = nest(&self->r, IVM_A_LIST_NIC);
			REFUSED(c->name, "network cards, of another command", EINVAL, at);
		}
		if (!c->create && !c->shares) {
			start(self, c);
			rest(self, c, 0);
			at = put_u32(&self->r, IVM_A_CPU_CAP, 500);
			REFUSED(c->name, "a cap, of another command", EINVAL, at);
			start(self, c);
			rest(self, c, 0);
			at = put_u64(&self->r, IVM_A_MEMORY, 4 * MIB);
			REFUSED(c->name, "memory, of another command", EINVAL, at);
			start(self, c);
			rest(self, c, 0);
			at = put_u64(&self->r, IVM_A_MEMORY_MAX, 8 * MIB);
			REFUSED(c->name, "a bound of memory, of another command", EINVAL, at);
		}
		if (!c->list) {
			start(self, c);
			rest(self, c, 0);
			at = put_u32(&self->r, IVM_A_RESERVE, 200);
			REFUSED(c->name, "a reserve, of another command", EINVAL, at);
			start(self, c);
			rest(self, c, 0);
			at = put_u32(&self->r, IVM_A_SMT, IVM_SMT_GUARD);
			REFUSED(c->name, "a policy for siblings, of another command", EINVAL, at);
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
	/* for one vCPU */
	static const char * const affinities[] = { "", "x", "0,", "0,1", "0-1", "1-0", "-0", "65536", "99999999999", "0x0", " 0", "all" };
	static const struct { int type; uint32_t value; } shares[] = {
		{ IVM_A_CPU_FLOOR, 1001 }, { IVM_A_CPU_FLOOR, 0xffffffff }, { IVM_A_CPU_CAP, 0 }, { IVM_A_CPU_CAP, 1001 },
		{ IVM_A_CPU_CAP, 0x80000000 }, { IVM_A_COSCHED, 0 }, { IVM_A_COSCHED, 4 }, { IVM_A_COSCHED, 0xffffffff },
		{ IVM_A_RESERVE, 0 }, { IVM_A_RESERVE, IVM_RESERVE_MIN - 1 }, { IVM_A_RESERVE, IVM_RESERVE_MAX + 1 },
		{ IVM_A_RESERVE, 0xffffffff }, { IVM_A_SMT, 0 }, { IVM_A_SMT, IVM_SMT_GUARD + 1 }, { IVM_A_SMT, 0x80000001 },
		{ IVM_A_SMT, 0xffffffff },
	};
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
	FOR_EACH(c)
		for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
			if (!(shares[i].type >= IVM_A_RESERVE ? c->list : c->create || c->shares))
				continue;
			start(self, c);
			if (!c->list)
				rest(self, c, shares[i].type);
			at = put_u32(&self->r, shares[i].type, shares[i].value);
			REFUSED(c->name, "part of a core", EINVAL, at);
		}
	start(self, create);
	rest(self, create, 0);
	put_u32(&self->r, IVM_A_CPU_FLOOR, 500);
	at = put_u32(&self->r, IVM_A_CPU_CAP, 499);
	REFUSED("VM_CREATE", "a cap below the floor", EINVAL, at);
	start(self, &commands[11]);
	put_text(&self->r, IVM_A_NAME, VM);
	at = put_u32(&self->r, IVM_A_CPU_FLOOR, 995);
	REFUSED("VM_SET", "a floor that leaves the host no reserve", EBUSY, at);
	for (size_t i = 0; i < sizeof(affinities) / sizeof(*affinities); i++) {
		start(self, create);
		rest(self, create, 0);
		at = put_text(&self->r, IVM_A_AFFINITY, affinities[i]);
		REFUSED("VM_CREATE", affinities[i], EINVAL, at);
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
		rest(self, c, IVM_A_NAME);
		REFUSED(c->name, "a name that nobody has", ENOENT, at);
	}
}

/* ---- memory that grows and shrinks ---- */

/* What VM_GET says of ROOM; ~0: nothing. */
static uint64_t told(struct _test_data_netlink *self, int type)
{
	uint64_t value = 0;
	size_t len;

	request_start(&self->r, self->family, IVM_CMD_VM_GET, 0);
	put_text(&self->r, IVM_A_NAME, ROOM);
	if (request_send(self->fd, &self->r, self->a) || !self->a->attr[type])
		return ~0ULL;
	len = self->a->attr[type]->nla_len - NLA_HDRLEN;	/* of a text the beginning */
	memcpy(&value, (char *)self->a->attr[type] + NLA_HDRLEN, len < sizeof(value) ? len : sizeof(value));
	return value;
}

/* VM_SET of @name with one number. Returns its offset. */
static size_t set_start(struct _test_data_netlink *self, const char *name, int type, uint64_t value)
{
	start(self, &commands[11]);
	put_text(&self->r, IVM_A_NAME, name);
	return put_u64(&self->r, type, value);
}

TEST_F(netlink, bounds_of_memory_out_of_range)
{
	/* for 4 MiB */
	static const uint64_t max[] = { 0, 1, 4096, MIB, 2 * MIB, 4 * MIB - 1, 4 * MIB + 1, 5 * MIB, IVM_MEMORY_MAX + 2 * MIB,
					1ULL << 62, 0xffffffffffe00000, ~0ULL };
	size_t at;

	for (size_t i = 0; i < sizeof(max) / sizeof(*max); i++) {
		start(self, &commands[3]);
		rest(self, &commands[3], 0);
		at = put_u64(&self->r, IVM_A_MEMORY_MAX, max[i]);
		REFUSED("VM_CREATE", "memory-max", 0, at);
	}
	ASSERT_EQ(0, vm_create_with_room(self->fd, "nl-new", 4 * MIB, 4 * MIB));
	ASSERT_EQ(0, vm_command(self->fd, IVM_CMD_VM_DELETE, "nl-new"));
}

TEST_F(netlink, memory_of_a_vm_without_bounds)
{
	static const uint64_t memory[] = { 2 * MIB, 4 * MIB, 6 * MIB };
	size_t at;

	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++) {
		at = set_start(self, VM, IVM_A_MEMORY, memory[i]);
		REFUSED("VM_SET", "memory that is fixed", 0, at);
		at = set_start(self, VM, IVM_A_MEMORY_MAX, memory[i]);
		REFUSED("VM_SET", "a bound of memory that is fixed", 0, at);
	}
	/* all or nothing */
	at = set_start(self, VM, IVM_A_MEMORY, 2 * MIB);
	put_u32(&self->r, IVM_A_CPU_FLOOR, 10);
	REFUSED("VM_SET", "memory that is fixed, and a floor", 0, at);
}

TEST_F(netlink, memory_of_a_vm_with_bounds)
{
	static const struct { int type; uint64_t value; } bad[] = {
		{ IVM_A_MEMORY, 0 }, { IVM_A_MEMORY, 1 }, { IVM_A_MEMORY, MIB }, { IVM_A_MEMORY, 3 * MIB },
		{ IVM_A_MEMORY, 4 * MIB + 1 }, { IVM_A_MEMORY, 66 * MIB }, { IVM_A_MEMORY, IVM_MEMORY_MAX + 2 * MIB },
		{ IVM_A_MEMORY, 1ULL << 62 }, { IVM_A_MEMORY, ~0ULL },
		{ IVM_A_MEMORY_MAX, 0 }, { IVM_A_MEMORY_MAX, 2 * MIB }, { IVM_A_MEMORY_MAX, 65 * MIB },
		{ IVM_A_MEMORY_MAX, 64 * MIB + 1 }, { IVM_A_MEMORY_MAX, IVM_MEMORY_MAX + 2 * MIB }, { IVM_A_MEMORY_MAX, ~0ULL },
	};
	size_t at;

	ASSERT_EQ(0, vm_create_with_room(self->fd, ROOM, 4 * MIB, 64 * MIB));
	EXPECT_EQ(64 * MIB, told(self, IVM_A_MEMORY_MAX));
	EXPECT_EQ(~0ULL, told(self, IVM_A_MEMORY_BOOT));
	EXPECT_EQ(~0ULL, told(self, IVM_A_MEMORY_DRIVERS));
	ASSERT_EQ(0, vm_load_code(ROOM, spin, sizeof(spin)));
	ASSERT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, ROOM));
	free(self->before);
	self->before = world(self->fd);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		at = set_start(self, ROOM, bad[i].type, bad[i].value);
		REFUSED("VM_SET", bad[i].type == IVM_A_MEMORY ? "memory" : "memory-max", 0, at);
		at = set_start(self, ROOM, bad[i].type, bad[i].value);
		put_u32(&self->r, IVM_A_CPU_FLOOR, 10);
		REFUSED("VM_SET", "a floor, and memory or memory-max", 0, at);
	}
	/* one of two that do not go together */
	set_start(self, ROOM, IVM_A_MEMORY, 34 * MIB);
	put_u64(&self->r, IVM_A_MEMORY_MAX, 32 * MIB);
	REFUSED("VM_SET", "memory beyond a new bound", 0, 0);
	/* This guest runs no driver: it keeps what it has, and that is said. */
	EXPECT_EQ(4 * MIB, told(self, IVM_A_MEMORY_BOOT));
	EXPECT_EQ(0, told(self, IVM_A_MEMORY_DRIVERS));
	EXPECT_EQ(0, told(self, IVM_A_BALLOON));
	EXPECT_EQ(~0ULL, told(self, IVM_A_MEMORY_TEXT));
	EXPECT_EQ(~0ULL, told(self, IVM_A_GUEST_TOTAL));
	EXPECT_EQ(~0ULL, told(self, IVM_A_GUEST_AGE_NS));
	set_start(self, ROOM, IVM_A_MEMORY, 128 * MIB);
	put_u64(&self->r, IVM_A_MEMORY_MAX, 128 * MIB);
	EXPECT_EQ(0, request_send(self->fd, &self->r, self->a)) TH_LOG("%s", self->a->text);
	EXPECT_EQ(128 * MIB, told(self, IVM_A_MEMORY));
	EXPECT_EQ(128 * MIB, told(self, IVM_A_MEMORY_MAX));
	EXPECT_EQ(4 * MIB, told(self, IVM_A_MEMORY_READY));
	told(self, IVM_A_MEMORY_TEXT);
	EXPECT_NE(NULL, self->a->attr[IVM_A_MEMORY_TEXT]);
	/* as ivmctl does when nobody waits any longer */
	EXPECT_EQ(0, vm_set_u64(self->fd, ROOM, IVM_A_MEMORY, 4 * MIB));
	EXPECT_EQ(0, vm_set_u64(self->fd, ROOM, IVM_A_MEMORY_MAX, 4 * MIB));
	EXPECT_EQ(4 * MIB, told(self, IVM_A_MEMORY_READY));
	told(self, IVM_A_MEMORY);
	EXPECT_EQ(NULL, self->a->attr[IVM_A_MEMORY_TEXT]);
	EXPECT_EQ(0, vm_stop(self->fd, ROOM));
	EXPECT_EQ(4 * MIB, told(self, IVM_A_MEMORY_MAX));
	EXPECT_EQ(~0ULL, told(self, IVM_A_MEMORY_BOOT));
}

/* ---- network cards ---- */

static const unsigned char mac[6] = { 2, 0, 0, 0, 0, 1 };

/* An entry of LIST_NIC with all that a right one has to have, but for one attribute. */
static size_t nic_start(struct request *r, int but)
{
	size_t entry = nest(r, IVM_A_NIC_ENTRY);

	if (but != IVM_A_NIC_MAC)
		put(r, IVM_A_NIC_MAC, mac, sizeof(mac));
	if (but != IVM_A_NIC_SWITCH)
		put_text(r, IVM_A_NIC_SWITCH, "nl-none");
	return entry;
}

/* VM_CREATE, right but for one attribute of its one card, which is as given. Returns the offset of that. */
static size_t with_nic(struct _test_data_netlink *self, int type, const void *data, size_t size)
{
	size_t list, entry, at;

	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	list = nest(&self->r, IVM_A_LIST_NIC);
	entry = nic_start(&self->r, type & NLA_TYPE_MASK);
	at = put(&self->r, type, data, size);
	nest_end(&self->r, entry);
	nest_end(&self->r, list);
	return at;
}

/* Likewise one attribute of the card's port. */
static size_t with_port(struct _test_data_netlink *self, int type, const void *data, size_t size)
{
	size_t list, entry, port, at;

	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	list = nest(&self->r, IVM_A_LIST_NIC);
	entry = nic_start(&self->r, 0);
	port = nest(&self->r, IVM_A_NIC_PORT);
	at = put(&self->r, type, data, size);
	nest_end(&self->r, port);
	nest_end(&self->r, entry);
	nest_end(&self->r, list);
	return at;
}

/* VM_CREATE with so many cards, all right. Returns the offset of the last. */
static size_t with_nics(struct _test_data_netlink *self, unsigned int nr)
{
	size_t list, entry = 0;

	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	list = nest(&self->r, IVM_A_LIST_NIC);
	for (unsigned int i = 0; i < nr; i++) {
		const unsigned char own[6] = { 2, 0, 0, 0, 1, i };

		entry = nic_start(&self->r, IVM_A_NIC_MAC);
		put(&self->r, IVM_A_NIC_MAC, own, sizeof(own));
		put_u16(&self->r, IVM_A_NIC_QUEUES, 1);
		put_u16(&self->r, IVM_A_NIC_MTU, 1400 + i);
		nest_end(&self->r, nest(&self->r, IVM_A_NIC_PORT));
		nest_end(&self->r, entry);
	}
	nest_end(&self->r, list);
	return entry;
}

TEST_F(netlink, nics_that_are_right)
{
	static const unsigned int numbers[] = { 0, 1, IVM_NICS_MAX };

	/* Without this the refusals below would prove nothing. */
	for (int n = 0; n < 3; n++) {
		with_nics(self, numbers[n]);
		ASSERT_EQ(0, request_send(self->fd, &self->r, self->a)) TH_LOG("%u: %s", numbers[n], self->a->text);
		request_start(&self->r, self->family, IVM_CMD_VM_GET, 0);
		put_text(&self->r, IVM_A_NAME, "nl-new");
		ASSERT_EQ(0, request_send(self->fd, &self->r, self->a));
		for (unsigned int i = 0; i < numbers[n]; i++) {
			const unsigned char own[6] = { 2, 0, 0, 0, 1, i };
			struct nlattr *nic = inside(self->a->attr[IVM_A_LIST_NIC], IVM_A_NIC_ENTRY, i), *a;

			ASSERT_NE(NULL, nic);
			a = inside(nic, IVM_A_NIC_MAC, 0);
			ASSERT_NE(NULL, a);
			EXPECT_EQ(0, memcmp((char *)a + NLA_HDRLEN, own, 6));
			a = inside(nic, IVM_A_NIC_SWITCH, 0);
			ASSERT_NE(NULL, a);
			EXPECT_STREQ("nl-none", (char *)a + NLA_HDRLEN);
			a = inside(nic, IVM_A_NIC_QUEUES, 0);
			ASSERT_NE(NULL, a);
			EXPECT_EQ(1, *(uint16_t *)((char *)a + NLA_HDRLEN));
			a = inside(nic, IVM_A_NIC_MTU, 0);
			ASSERT_NE(NULL, a);
			EXPECT_EQ(1400 + i, *(uint16_t *)((char *)a + NLA_HDRLEN));
			/* no device before it runs */
			EXPECT_EQ(NULL, inside(nic, IVM_A_NIC_IFNAME, 0));
			EXPECT_EQ(NULL, inside(nic, IVM_A_NIC_IFINDEX, 0));
		}
		EXPECT_EQ(NULL, inside(self->a->attr[IVM_A_LIST_NIC], IVM_A_NIC_ENTRY, numbers[n]));
		EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_DELETE, "nl-new"));
	}
}

TEST_F(netlink, nics_with_attributes_missing_or_twice)
{
	static const int required[] = { IVM_A_NIC_MAC, IVM_A_NIC_SWITCH };
	static const uint16_t one = 1, mtu = 1500;
	static const struct {
		int type;
		const void *data;
		size_t size;
	} twice[] = {
		{ IVM_A_NIC_MAC, mac, sizeof(mac) }, { IVM_A_NIC_SWITCH, "nl-none", 8 }, { IVM_A_NIC_QUEUES, &one, 2 },
		{ IVM_A_NIC_MTU, &mtu, 2 }, { IVM_A_NIC_PORT | NLA_F_NESTED, NULL, 0 },
	};
	size_t at, list, entry;

	for (int i = 0; i < 2; i++) {
		start(self, &commands[3]);
		rest(self, &commands[3], 0);
		list = nest(&self->r, IVM_A_LIST_NIC);
		nest_end(&self->r, nic_start(&self->r, required[i]));
		nest_end(&self->r, list);
		REFUSED("VM_CREATE", "a card that lacks something", EINVAL, 0);
		EXPECT_EQ(required[i], self->a->missing);
	}
	for (size_t i = 0; i < sizeof(twice) / sizeof(*twice); i++) {
		start(self, &commands[3]);
		rest(self, &commands[3], 0);
		list = nest(&self->r, IVM_A_LIST_NIC);
		entry = nic_start(&self->r, twice[i].type & NLA_TYPE_MASK);
		put(&self->r, twice[i].type, twice[i].data, twice[i].size);
		at = put(&self->r, twice[i].type, twice[i].data, twice[i].size);
		nest_end(&self->r, entry);
		nest_end(&self->r, list);
		REFUSED("VM_CREATE", "an attribute of a card twice", EINVAL, at);
	}
	with_nics(self, 1);
	at = nest(&self->r, IVM_A_LIST_NIC);
	REFUSED("VM_CREATE", "two lists of cards", EINVAL, at);
	/* both in the port of one card */
	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	list = nest(&self->r, IVM_A_LIST_NIC);
	entry = nic_start(&self->r, 0);
	size_t port = nest(&self->r, IVM_A_NIC_PORT);

	put_u16(&self->r, IVM_PORT_A_ACCESS, 10);
	at = put_u16(&self->r, IVM_PORT_A_ACCESS, 20);
	nest_end(&self->r, port);
	nest_end(&self->r, entry);
	nest_end(&self->r, list);
	REFUSED("VM_CREATE", "an attribute of a port twice", EINVAL, at);
}

TEST_F(netlink, nics_with_attributes_of_wrong_size)
{
	static const struct {
		int type;
		size_t right, most;
	} sizes[] = { { IVM_A_NIC_MAC, 6, 20 }, { IVM_A_NIC_QUEUES, 2, 9 }, { IVM_A_NIC_MTU, 2, 9 } };
	static const char many[4096];
	char name[64];
	size_t at;

	memset(name, 'a', sizeof(name));
	for (int i = 0; i < 3; i++)
		for (size_t size = 0; size < sizes[i].most; size++) {
			if (size == sizes[i].right)
				continue;
			at = with_nic(self, sizes[i].type, many, size);
			REFUSED("VM_CREATE", "a card's attribute of wrong size", 0, at);
		}
	at = with_nic(self, IVM_A_NIC_SWITCH, NULL, 0);
	REFUSED("VM_CREATE", "switch of no bytes", 0, at);
	at = with_nic(self, IVM_A_NIC_SWITCH, "sw0", 3);
	REFUSED("VM_CREATE", "switch without NUL", 0, at);
	at = with_nic(self, IVM_A_NIC_SWITCH, "sw0\0more", 9);
	REFUSED("VM_CREATE", "switch with something behind its NUL", EINVAL, at);
	name[16] = 0;
	at = with_nic(self, IVM_A_NIC_SWITCH, name, 17);
	REFUSED("VM_CREATE", "switch with a long name", 0, at);
	at = with_nic(self, IVM_A_NIC_SWITCH, many, sizeof(many));
	REFUSED("VM_CREATE", "switch with a huge name", 0, at);
	/* nests that are none */
	at = with_nic(self, IVM_A_NIC_PORT, NULL, 0);
	REFUSED("VM_CREATE", "a port without the flag of nests", 0, at);
	for (size_t size = 1; size < 4; size++) {
		at = with_nic(self, IVM_A_NIC_PORT | NLA_F_NESTED, many, size);
		REFUSED("VM_CREATE", "a port of some bytes", 0, at);
		start(self, &commands[3]);
		rest(self, &commands[3], 0);
		at = put(&self->r, IVM_A_LIST_NIC | NLA_F_NESTED, many, size);
		REFUSED("VM_CREATE", "a list of some bytes", 0, at);
	}
	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	at = put(&self->r, IVM_A_LIST_NIC, NULL, 0);
	REFUSED("VM_CREATE", "a list without the flag of nests", 0, at);
	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	size_t list = nest(&self->r, IVM_A_LIST_NIC);

	at = put(&self->r, IVM_A_NIC_ENTRY, many, 8);
	nest_end(&self->r, list);
	REFUSED("VM_CREATE", "a card without the flag of nests", 0, at);
	/* An attribute that reaches beyond its card. */
	at = with_nic(self, IVM_A_NIC_MTU, many, 2);
	((struct nlattr *)(self->r.bytes + at))->nla_len = 400;
	REFUSED("VM_CREATE", "an attribute longer than its nest", 0, 0);
}

TEST_F(netlink, nics_with_attributes_that_they_do_not_have)
{
	static const int types[] = { IVM_A_PAD, IVM_A_NAME, IVM_A_ID, IVM_A_LIST_NIC, IVM_A_NIC_ENTRY, IVM_A_NIC_IFNAME,
				     IVM_A_NIC_IFINDEX, IVM_A_MAX + 1, 200, 0x3fff };
	size_t at, list;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		at = with_nic(self, types[i], "\1\0\0", 4);
		REFUSED("VM_CREATE", "an attribute that no card has", EINVAL, at);
		if (types[i] == IVM_A_NIC_ENTRY)
			continue;
		start(self, &commands[3]);
		rest(self, &commands[3], 0);
		list = nest(&self->r, IVM_A_LIST_NIC);
		at = put_u32(&self->r, types[i], 1);
		nest_end(&self->r, list);
		REFUSED("VM_CREATE", "something else among cards", EINVAL, at);
	}
	at = with_port(self, IVM_PORT_A_STATS, "\0\0\0\0\0\0\0", 8);
	REFUSED("VM_CREATE", "counters of a port", 0, at);
	at = with_port(self, IVM_PORT_A_MAX + 1, "\0\0\0", 4);
	REFUSED("VM_CREATE", "an attribute that no port has", EINVAL, at);
}

TEST_F(netlink, nics_with_values_out_of_range)
{
	static const unsigned char macs[][6] = {
		{ 0 }, { 1, 0, 0, 0, 0, 1 }, { 3, 0, 0, 0, 0, 1 }, { 0x33, 0x33, 0, 0, 0, 1 }, { 1, 0x80, 0xc2, 0, 0, 0 },
		{ 255, 255, 255, 255, 255, 255 },
	};
	static const char * const names[] = { "", ".", "..", "a/b", "/", "a b", "a:b", "a\n", "\t" };
	static const uint16_t queues[] = { 0, 2, IVM_NIC_QUEUES_MAX, IVM_NIC_QUEUES_MAX + 1, 0x8000, 0xffff };
	static const uint16_t mtu[] = { 0, 1, IVM_MTU_MIN - 1, IVM_MTU_MAX + 1, 0xffff };
	static const uint16_t vids[] = { 0, 4095, 4096, 0x8000, 0xffff };
	static const struct ivm_vlan_range ranges[] = { { 0, 1 }, { 5, 4 }, { 1, 4095 }, { 4096, 4096 } };
	size_t at, list, entry;

	for (size_t i = 0; i < sizeof(macs) / sizeof(*macs); i++) {
		at = with_nic(self, IVM_A_NIC_MAC, macs[i], 6);
		REFUSED("VM_CREATE", "an address of no one station", EINVAL, at);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		at = with_nic(self, IVM_A_NIC_SWITCH, names[i], strlen(names[i]) + 1);
		REFUSED("VM_CREATE", names[i], EINVAL, at);
	}
	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++) {
		at = with_nic(self, IVM_A_NIC_QUEUES, &queues[i], 2);
		REFUSED("VM_CREATE", "queues of a card on one vCPU", EINVAL, at);
	}
	for (size_t i = 0; i < sizeof(mtu) / sizeof(*mtu); i++) {
		at = with_nic(self, IVM_A_NIC_MTU, &mtu[i], 2);
		REFUSED("VM_CREATE", "mtu", EINVAL, at);
	}
	at = with_nics(self, IVM_NICS_MAX + 1);
	REFUSED("VM_CREATE", "too many cards", E2BIG, at);
	/* the second card is at fault */
	start(self, &commands[3]);
	rest(self, &commands[3], 0);
	list = nest(&self->r, IVM_A_LIST_NIC);
	nest_end(&self->r, nic_start(&self->r, 0));
	entry = nic_start(&self->r, IVM_A_NIC_MAC);
	at = put(&self->r, IVM_A_NIC_MAC, mac, sizeof(mac));
	nest_end(&self->r, entry);
	nest_end(&self->r, list);
	REFUSED("VM_CREATE", "an address twice", EEXIST, at);
	/* of ports only what shows that the card's is looked at as any port's is */
	for (size_t i = 0; i < sizeof(vids) / sizeof(*vids); i++) {
		at = with_port(self, IVM_PORT_A_ACCESS, &vids[i], 2);
		REFUSED("VM_CREATE", "VLAN of a port", 0, at);
	}
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		at = with_port(self, IVM_PORT_A_TRUNK, &ranges[i], sizeof(ranges[i]));
		REFUSED("VM_CREATE", "VLANs of a trunk", 0, at);
	}
	at = with_port(self, IVM_PORT_A_MODE, "\3", 1);
	REFUSED("VM_CREATE", "mode of a port", 0, at);
	at = with_port(self, IVM_PORT_A_ROLE, "\1", 1);
	REFUSED("VM_CREATE", "a card as uplink", 0, at);
}

TEST_F(netlink, start_without_the_switch)
{
	/* What is there, and is none: as unknown as one that is not there at all. */
	static const char * const names[] = { "nl-none", "lo" };

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, vm_create_with_nics(self->fd, "nl-new", 1, 4 * MIB, 0, names[i], 2, 7));
		ASSERT_EQ(0, vm_load_code("nl-new", spin, sizeof(spin)));
		for (int round = 0; round < 3; round++) {
			request_start(&self->r, self->family, IVM_CMD_VM_START, 0);
			put_text(&self->r, IVM_A_NAME, "nl-new");
			EXPECT_GT(request_send(self->fd, &self->r, self->a), 0);
			EXPECT_NE(NULL, strstr(self->a->text, names[i])) TH_LOG("'%s'", self->a->text);
			/* what to do */
			EXPECT_NE(NULL, strstr(self->a->text, "create")) TH_LOG("'%s'", self->a->text);
			EXPECT_EQ(IVM_VM_LOADED, vm_state(self->fd, "nl-new"));
		}
		EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_DELETE, "nl-new"));
	}
	char *after = world(self->fd);

	EXPECT_STREQ(self->before, after);
	free(after);
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
	/* A dump of what has none, and of VM_GET and CORE_GET with attributes; an answer of what has dumps only. */
	request_start(&self->r, self->family, IVM_CMD_CORE_GET, NLM_F_DUMP);
	put_text(&self->r, IVM_A_NAME, VM);
	EXPECT_EQ(EINVAL, request_send(self->fd, &self->r, self->a));
	request_start(&self->r, self->family, IVM_CMD_CORE_GET, 0);
	EXPECT_EQ(EOPNOTSUPP, request_send(self->fd, &self->r, self->a));
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
