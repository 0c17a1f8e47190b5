// SPDX-License-Identifier: GPL-2.0-only
/* P12: every command in every state of a VM: what works, what is refused, and where it leads. */
#define _GNU_SOURCE
#include "request.h"

#include <pthread.h>
#include "harness.h"

#define VM "life-test"
#define MIB (1ULL << 20)

static const unsigned char spin[] = { 0xeb, 0xfe };

enum { START, PRESS, KILL, RESET, PAUSE, RESUME, DELETE, LOAD, COMMANDS };
static const char *const command_name[] = { "start", "power button", "forced stop", "reset", "pause", "resume", "delete", "load" };
static const char *const state_name[] = { "none", "created", "loaded", "starting", "running", "paused", "stopped" };

/* Where a command leads from each state: 0 = refused and nothing changes; -1 = the VM is gone. */
static const int leads[][COMMANDS] = {
	[IVM_VM_CREATED] = { 0, 0, IVM_VM_STOPPED, 0, 0, 0, -1, IVM_VM_LOADED },
	[IVM_VM_LOADED] = { IVM_VM_RUNNING, 0, IVM_VM_STOPPED, 0, 0, 0, -1, IVM_VM_LOADED },
	[IVM_VM_RUNNING] = { 0, IVM_VM_RUNNING, IVM_VM_STOPPED, IVM_VM_RUNNING, IVM_VM_PAUSED, 0, 0, 0 },
	[IVM_VM_PAUSED] = { 0, 0, IVM_VM_STOPPED, IVM_VM_RUNNING, 0, IVM_VM_RUNNING, 0, 0 },
	[IVM_VM_STOPPED] = { 0, 0, 0, 0, 0, 0, -1, 0 },
};

#define SWITCH "sw-life"
static unsigned int nics;	/* network cards of each VM that create() makes */

FIXTURE(life) {
	int fd;
};

FIXTURE_VARIANT(life) {
	unsigned int nics;
};

FIXTURE_VARIANT_ADD(life, alone) { .nics = 0 };
FIXTURE_VARIANT_ADD(life, on_a_switch) { .nics = 2 };

FIXTURE_SETUP(life)
{
	self->fd = request_open();
	ASSERT_GT(request_family(self->fd), 0) TH_LOG("no netlink family: is ivm.ko loaded?");
	nics = variant->nics;
	if (nics)
		ASSERT_EQ(0, system("ip link add " SWITCH " type ivmsw"));
}

FIXTURE_TEARDOWN(life)
{
	vm_stop(self->fd, VM);
	vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
	if (nics) {
		/* nothing of a VM's cards is left when it has none any more */
		EXPECT_NE(0, system("ip -o link show | grep -E '^[0-9]+: ivm[0-9]+n[0-9]'"));
		EXPECT_EQ(0, system("ip link del " SWITCH));
	}
	close(self->fd);
}

static int create(int fd)
{
	return vm_create_with_nics(fd, VM, 1, 2 * MIB, 0, SWITCH, nics, 1);
}

static int issue(int fd, int what)
{
	static const int cmd[] = { IVM_CMD_VM_START, IVM_CMD_VM_STOP, 0, IVM_CMD_VM_RESET, IVM_CMD_VM_PAUSE,
				   IVM_CMD_VM_RESUME, IVM_CMD_VM_DELETE };

	if (what == LOAD)
		return vm_load_code(VM, spin, sizeof(spin));
	return what == KILL ? vm_stop(fd, VM) : vm_command(fd, cmd[what], VM);
}

/* From created into this state. */
static bool lead(int fd, int state)
{
	if (state == IVM_VM_STOPPED)
		return !issue(fd, LOAD) && !issue(fd, START) && !issue(fd, KILL) && vm_state(fd, VM) == state;
	if (state >= IVM_VM_LOADED && issue(fd, LOAD))
		return false;
	if (state >= IVM_VM_RUNNING && issue(fd, START))
		return false;
	if (state == IVM_VM_PAUSED && issue(fd, PAUSE))
		return false;
	return vm_state(fd, VM) == state;
}

/* A fresh VM in this state. */
static bool reach(int fd, int state)
{
	vm_stop(fd, VM);
	vm_command(fd, IVM_CMD_VM_DELETE, VM);
	return !create(fd) && lead(fd, state);
}

TEST_F(life, every_command_in_every_state)
{
	for (int s = IVM_VM_CREATED; s <= IVM_VM_STOPPED; s++) {
		if (s == IVM_VM_STARTING)
			continue;
		for (int c = 0; c < COMMANDS; c++) {
			int want = leads[s][c], got, after;

			ASSERT_TRUE(reach(self->fd, s)) TH_LOG("cannot reach %s", state_name[s]);
			got = issue(self->fd, c);
			after = vm_state(self->fd, VM);
			EXPECT_EQ(want == 0, got != 0)
				TH_LOG("%s while %s: error %d", command_name[c], state_name[s], got);
			EXPECT_EQ(want == 0 ? s : want < 0 ? 0 : want, after)
				TH_LOG("%s while %s leads to %s", command_name[c], state_name[s], state_name[after]);
		}
	}
}

/* Memory is set while the VM runs or is paused, and nowhere else. */
TEST_F(life, memory_in_every_state)
{
	if (nics)
		SKIP(return, "cards make no difference here");
	for (int state = IVM_VM_CREATED; state <= IVM_VM_STOPPED; state++) {
		if (state == IVM_VM_STARTING)
			continue;
		vm_stop(self->fd, VM);
		vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
		ASSERT_EQ(0, vm_create_with_room(self->fd, VM, 4 * MIB, 64 * MIB));
		ASSERT_TRUE(lead(self->fd, state)) TH_LOG("%s", state_name[state]);
		if (state == IVM_VM_RUNNING || state == IVM_VM_PAUSED) {
			EXPECT_EQ(0, vm_set_u64(self->fd, VM, IVM_A_MEMORY, 64 * MIB)) TH_LOG("%s", state_name[state]);
			EXPECT_EQ(0, vm_set_u64(self->fd, VM, IVM_A_MEMORY_MAX, 128 * MIB)) TH_LOG("%s", state_name[state]);
			EXPECT_EQ(0, vm_set_u64(self->fd, VM, IVM_A_MEMORY, 128 * MIB)) TH_LOG("%s", state_name[state]);
		} else {
			EXPECT_LT(0, vm_set_u64(self->fd, VM, IVM_A_MEMORY, 64 * MIB)) TH_LOG("%s", state_name[state]);
		}
		EXPECT_EQ(state, vm_state(self->fd, VM));
	}
}

TEST_F(life, same_name_again)
{
	for (int i = 0; i < 20; i++) {
		ASSERT_TRUE(reach(self->fd, IVM_VM_RUNNING));
		EXPECT_EQ(EEXIST, create(self->fd));
	}
}

/* Any number of callers at once: each gets one answer, the state stays lawful, nothing hangs. */
enum { CALLS = 100 };
struct caller { int seed, done; };

static void *call_at_random(void *arg)
{
	struct caller *me = arg;
	unsigned int x = me->seed;
	int fd = request_open();

	for (int i = 0; i < CALLS; i++) {
		x = x * 1103515245 + 12345;
		switch (x >> 16 & 7) {
		case 0:
			create(fd);
			break;
		case 1:
			issue(fd, LOAD);
			break;
		default:
			issue(fd, x >> 20 & 7 ? x >> 20 & 7 : START);
		}
		vm_state(fd, VM);
		me->done++;
	}
	close(fd);
	return NULL;
}

TEST_F_TIMEOUT(life, callers_that_race, 1200)
{
	struct caller caller[4] = { };
	pthread_t thread[4];
	int state;

	/* their refusals are not news */
	freopen("/dev/null", "w", stdout);
	for (int i = 0; i < 4; i++) {
		caller[i].seed = i * 7919 + 1;
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, call_at_random, &caller[i]));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (int i = 0; i < 4; i++)
		EXPECT_EQ(CALLS, caller[i].done);
	state = vm_state(self->fd, VM);
	EXPECT_NE(IVM_VM_STARTING, state);
	EXPECT_TRUE(reach(self->fd, IVM_VM_RUNNING));
}

/* A guest that ends by itself while someone pauses, resets and stops it. */
TEST_F_TIMEOUT(life, guest_ends_while_it_is_ordered_about, 1200)
{
	/* mov dx, f4; mov al, 5; out; hlt -- after a short loop */
	static const unsigned char ends[] = { 0xb9, 0x00, 0x10, 0x00, 0x00, 0xe2, 0xfe, 0xb0, 0x05, 0xe6, 0xf4, 0xf4, 0xeb, 0xfd };
	static const int orders[] = { PAUSE, RESUME, RESET };

	for (int i = 0; i < 60; i++) {
		vm_stop(self->fd, VM);
		vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
		ASSERT_EQ(0, vm_create(self->fd, VM, 1, 2 * MIB, 0xf4));
		ASSERT_EQ(0, vm_load_code(VM, ends, sizeof(ends)));
		ASSERT_EQ(0, issue(self->fd, START));
		for (int k = 0; k < i % 4; k++)
			issue(self->fd, orders[(i + k) % 3]);
		issue(self->fd, RESUME);
		if (i % 5 == 0)
			issue(self->fd, KILL);
		EXPECT_EQ(1, vm_wait(self->fd, VM, IVM_VM_STOPPED, 10)) TH_LOG("round %d: %s", i, state_name[vm_state(self->fd, VM)]);
	}
}

TEST_HARNESS_MAIN
