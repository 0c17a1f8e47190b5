// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests to the module of which the first allocation fails, then the second, and
 * so on until one goes through without: /proc/.../fail-nth, where the kernel has it.
 * After each, the VM is in a state that the answer allows, and owns no frame unless
 * it runs.
 *
 * What is counted is every allocation of the task from the system call on: netlink's
 * first, and those of the sanitisers between the module's own. Copies from and to
 * user space count too. None of our own code runs in between.
 *
 *	fail_nth [-k] [-m MIB] [-c VCPUS] [-s SWITCH] [-t SECONDS] COMMAND...
 *
 * -k: allocations of kthreadd fail, which makes the threads of vCPUs. Commands: start
 * create set get audit host reset stop delete. A line of comment for each, and one
 * "FAIL: ..." for whatever is wrong; status 1 then.
 */
#define _GNU_SOURCE
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define VM "fails"
#define MOST 20000U		/* a request that allocates so often is caught in a loop */
#define WORDLESS 2U		/* refusals of generic netlink itself, which has no words for them */
#define KTHREADD "/proc/2/task/2/fail-nth"

static const unsigned char spin[] = { 0xeb, 0xfe };

static int fd, family, nth;
static bool kthreadd;
static unsigned long long mib = 16;
static unsigned int vcpus = 1, failed;
static const char *on_switch;
static struct answer answer;

static void bad(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void bad(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FAIL: ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	failed = 1;
}

/* ---- the n-th ---- */

/* Return: false when it cannot be set. */
static bool arm(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	return pwrite(nth, text, len, 0) == len;
}

/* Return: how many allocations more it would have taken; 0: one has failed. */
static unsigned int disarm(void)
{
	char text[16] = "";
	unsigned int left = 1;

	/* These copies count too. The one that fails is the last: nothing is left to come then. */
	if (pread(nth, text, sizeof(text) - 1, 0) > 0)
		left = atoi(text);
	if (!arm(0) && !arm(0))
		bad("fail-nth cannot be reset: %s", strerror(errno));
	return left;
}

/* ---- the VM ---- */

static unsigned long long frames(void)
{
	struct request r;

	request_start(&r, family, IVM_CMD_HOST_GET, 0);
	if (request_send(fd, &r, &answer) || !answer.attr[IVM_A_FRAMES])
		return ~0ULL;
	return *(unsigned long long *)((char *)answer.attr[IVM_A_FRAMES] + NLA_HDRLEN);
}

static void gone(void)
{
	vm_stop(fd, VM);
	vm_command(fd, IVM_CMD_VM_DELETE, VM);
}

/* Whatever it was, it is in state @state afterwards. Return: false when that cannot be. */
static bool bring(int state)
{
	int now = vm_state(fd, VM);

	if (now == state)
		return true;
	if (now > state || now == IVM_VM_CREATED) {
		gone();
		now = 0;
	}
	if (!state)
		return !vm_state(fd, VM);
	if (!now && vm_create_with_nics(fd, VM, vcpus, mib << 20, 0, on_switch, on_switch ? 1 : 0, 0xfa))
		return false;
	if (state >= IVM_VM_LOADED && now < IVM_VM_LOADED && vm_load_code(VM, spin, sizeof(spin)))
		return false;
	if (state == IVM_VM_RUNNING && vm_command(fd, IVM_CMD_VM_START, VM))
		return false;
	return vm_state(fd, VM) == state;
}

/* ---- requests ---- */

enum {
	NONE = 1 << 0,
	CREATED = 1 << IVM_VM_CREATED,
	LOADED = 1 << IVM_VM_LOADED,
	RUNNING = 1 << IVM_VM_RUNNING,
	STOPPED = 1 << IVM_VM_STOPPED,
};

static const struct command {
	const char *name;
	int cmd;
	int from;		/* state that it needs */
	unsigned int refused;	/* states that it may be in then */
	unsigned int done;
} commands[] = {
	{ "start", IVM_CMD_VM_START, IVM_VM_LOADED, LOADED, RUNNING },
	{ "create", IVM_CMD_VM_CREATE, 0, NONE, CREATED },
	{ "set", IVM_CMD_VM_SET, IVM_VM_RUNNING, RUNNING, RUNNING },
	{ "get", IVM_CMD_VM_GET, IVM_VM_RUNNING, RUNNING, RUNNING },
	{ "audit", IVM_CMD_HOST_AUDIT, IVM_VM_RUNNING, RUNNING, RUNNING },
	{ "host", IVM_CMD_HOST_GET, IVM_VM_LOADED, LOADED, LOADED },
	/* What cannot be reset is stopped, and says why. */
	{ "reset", IVM_CMD_VM_RESET, IVM_VM_RUNNING, RUNNING | STOPPED, RUNNING },
	/* Needs no memory that could be missing: it is done, also where the answer is lost. */
	{ "stop", IVM_CMD_VM_STOP, IVM_VM_RUNNING, RUNNING, STOPPED },
	{ "delete", IVM_CMD_VM_DELETE, IVM_VM_LOADED, LOADED, NONE },
};

static void prepare(struct request *r, const struct command *c)
{
	request_start(r, family, c->cmd, 0);
	if (c->cmd != IVM_CMD_HOST_AUDIT && c->cmd != IVM_CMD_HOST_GET)
		put_text(r, IVM_A_NAME, VM);
	switch (c->cmd) {
	case IVM_CMD_VM_CREATE:
		put_u32(r, IVM_A_VCPUS, vcpus);
		put_u64(r, IVM_A_MEMORY, mib << 20);
		break;
	case IVM_CMD_VM_SET:
		put_u32(r, IVM_A_CPU_FLOOR, 100);
		break;
	case IVM_CMD_VM_STOP:
		put(r, IVM_A_FORCE, NULL, 0);
		break;
	}
}

/* Is the VM what the answer says? -1: no answer came, so either. */
static void check(const struct command *c, unsigned int n, int err)
{
	unsigned int now = 1U << vm_state(fd, VM), may = err < 0 ? c->refused | c->done : err ? c->refused : c->done;
	unsigned long long left;

	if (!(now & may))
		bad("%s, allocation %u: error %d (%s), and the VM is in state %d", c->name, n, err, answer.text,
		    vm_state(fd, VM));
	if (now & RUNNING)
		return;
	left = frames();
	if (left)
		bad("%s, allocation %u: error %d, and %llu frames are left", c->name, n, err, left);
}

/* Each one first; where there are hundreds, neighbours do the same thing. */
static unsigned int after(unsigned int n)
{
	return n < 300 ? n + 1 : n + 1 + (n - 300) / 20;
}

/* Return: false when it cannot be said. */
static bool run(const struct command *c, time_t until)
{
	unsigned int n, tried = 0, refused = 0, unheard = 0, harmless = 0, wordless = 0, left = 0;
	struct request r;
	int err = 0;

	for (n = 1; n < MOST; n = after(n)) {
		if (!bring(c->from)) {
			bad("%s, allocation %u: the VM cannot be brought to state %d", c->name, n, c->from);
			return false;
		}
		if (time(NULL) > until) {
			printf("%s: no time is left for allocations from %u on\n", c->name, n);
			break;
		}
		prepare(&r, c);
		if (!arm(n)) {
			bad("%s: fail-nth cannot be set: %s", c->name, strerror(errno));
			return false;
		}
		err = request_send(fd, &r, &answer);
		left = disarm();
		if (left)
			break;
		tried++;
		unheard += err < 0;
		refused += err > 0;
		harmless += !err;
		if (err > 0 && !answer.text[0])
			wordless++;
		check(c, n, err);
	}
	if (n >= MOST)
		bad("%s: still not through with %u allocations", c->name, n);
	else if (left && err)
		bad("%s: error %d (%s) where nothing failed", c->name, err, answer.text);
	else if (left)
		check(c, n, err);
	if (wordless > WORDLESS && c->cmd == IVM_CMD_VM_START)
		bad("%s: %u refusals without a word", c->name, wordless);
	printf("%s: %u allocations failed, of %u: %u refusals (%u without a word), %u without an answer, %u did not matter\n",
	       c->name, tried, n - 1, refused, wordless, unheard, harmless);
	/* Else the kernel was asked to fail what it does not count. */
	if (!tried)
		bad("%s: nothing could be made to fail", c->name);
	return true;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	unsigned int seconds = 3600;
	int option;

	while ((option = getopt(argc, argv, "km:c:s:t:")) != -1) {
		switch (option) {
		case 'k':
			kthreadd = true;
			break;
		case 'm':
			mib = atoi(optarg);
			break;
		case 'c':
			vcpus = atoi(optarg);
			break;
		case 's':
			on_switch = optarg;
			break;
		case 't':
			seconds = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	fd = request_open();
	family = fd < 0 ? -errno : request_family(fd);
	nth = open(kthreadd ? KTHREADD : "/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	/* A page of ours that is not there would be an allocation too. */
	if (family < 0 || nth < 0 || mlockall(MCL_CURRENT | MCL_FUTURE)) {
		bad("no netlink family, no fail-nth, or no memory to lock: %s", strerror(errno));
		return 1;
	}
	for (int i = optind; i < argc; i++) {
		const struct command *c = find(argv[i]);

		if (!c) {
			bad("there is no command %s", argv[i]);
			return 2;
		}
		if (!run(c, time(NULL) + seconds))
			break;
	}
	gone();
	if (vm_state(fd, VM))
		bad("the VM is still there");
	return failed;
}
