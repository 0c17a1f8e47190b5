// SPDX-License-Identifier: GPL-2.0-only
#include "follow.h"

#include "attrs.h"
#include "commands.h"
#include "fail.h"
#include "live.h"
#include "nl.h"
#include "store.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IVM_POLL_MS	50
#define IVM_PROGRESS_MS	250
#define IVM_NOT_YET	1	/* neither reached nor failed */

static const int ivm_follow_signals[] = { SIGINT, SIGTERM, SIGHUP };

static uint64_t ivm_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void ivm_follow_begin(struct ivm_follow *follow, const struct ivm_live *live)
{
	struct sigaction action;

	memset(follow, 0, sizeof(*follow));
	follow->name = live->name;
	follow->nl = live->nl;
	follow->id = ivm_json_get_number(live->vm, "id");
	follow->from = ivm_json_get_number(live->vm, "memory-now");
	sigemptyset(&follow->ends);
	/* What is ignored, as SIGHUP is under nohup, shall stay so. */
	for (size_t i = 0; i < IVM_COUNT(ivm_follow_signals); i++)
		if (!sigaction(ivm_follow_signals[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(&follow->ends, ivm_follow_signals[i]);
	sigprocmask(SIG_BLOCK, &follow->ends, &follow->before);
}

void ivm_follow_end(struct ivm_follow *follow)
{
	sigprocmask(SIG_SETMASK, &follow->before, NULL);
}

/* Return: 0 when the VM has what it is to have, IVM_NOT_YET, or negative errno when there is nothing to wait for. */
static int ivm_follow_look(struct ivm_follow *follow, struct json_object **vm)
{
	char memory[IVM_SIZE_TEXT], now[IVM_SIZE_TEXT];
	char *why;
	int err;

	json_object_put(*vm);
	*vm = NULL;
	err = ivm_nl_vm_get(follow->nl, follow->name, vm);
	if (err && err != -ENOENT)
		return err;
	if (err || ivm_json_get_number(*vm, "id") != follow->id)
		return ivm_fail(ECANCELED, "VM '%s' is another one by now; its definition has memory=%s", follow->name,
				ivm_size_text(follow->to, memory));
	if (ivm_vm_is_idle(*vm)) {
		why = ivm_stop_text(*vm);
		err = ivm_fail(ECANCELED, "VM '%s' has stopped meanwhile (%s); from its next start on it has memory=%s",
			       follow->name, why, ivm_size_text(follow->to, memory));
		free(why);
		return err;
	}
	if (ivm_json_get_number(*vm, "memory") != follow->to)
		return ivm_fail(ECANCELED, "memory of VM '%s' was set to %s by somebody else meanwhile; it is %s now",
				follow->name, ivm_size_text(ivm_json_get_number(*vm, "memory"), memory),
				ivm_size_text(ivm_json_get_number(*vm, "memory-now"), now));
	return ivm_json_get_number(*vm, "memory-now") == follow->to ? 0 : IVM_NOT_YET;
}

/* How much of the way is done, and how long it is: bytes. */
static uint64_t ivm_follow_done(const struct ivm_follow *follow, uint64_t now, uint64_t *all)
{
	bool grows = follow->to > follow->from;

	*all = grows ? follow->to - follow->from : follow->from - follow->to;
	if (grows)
		return now > follow->from ? now - follow->from : 0;
	return now < follow->from ? follow->from - now : 0;
}

static void ivm_follow_show(const struct ivm_follow *follow, uint64_t now)
{
	uint64_t all, done = ivm_follow_done(follow, now, &all);
	char part[IVM_SIZE_TEXT], whole[IVM_SIZE_TEXT];

	fprintf(stderr, "\r\033[K%s: %s of %s of memory %s", follow->name,
		ivm_size_text(done & ~((1ULL << 20) - 1), part), ivm_size_text(all, whole),
		follow->to > follow->from ? "added" : "released");
}

/* "web: released 300 MiB of 512 MiB in 30 s: why", for free(). */
static char *ivm_follow_text(const struct ivm_follow *follow, struct json_object *vm)
{
	uint64_t all, done = ivm_follow_done(follow, ivm_json_get_number(vm, "memory-now"), &all);
	const char *why = ivm_json_get_text(vm, "memory-text");

	if (!*why)
		why = "the guest has not done more";
	return ivm_format("%s: %s %llu MiB of %llu MiB in %llu s%s: %s", follow->name,
			  follow->to > follow->from ? "got" : "released", (unsigned long long)done >> 20,
			  (unsigned long long)all >> 20, (unsigned long long)(ivm_now_ms() - follow->begin_ms) / 1000,
			  follow->ended ? ", then interrupted" : "", why);
}

static int ivm_follow_send(struct ivm_follow *follow, uint64_t memory)
{
	struct nl_msg *msg = ivm_nl_request_name(follow->nl, IVM_CMD_VM_SET, follow->name);

	if (msg && nla_put_u64(msg, IVM_A_MEMORY, memory)) {
		nlmsg_free(msg);
		return ivm_fail(ENOMEM, "out of memory");
	}
	return ivm_nl_call(follow->nl, msg, NULL);
}

/* The definition as it is on the disk by now, unless somebody gave it another memory. */
static int ivm_follow_save(struct ivm_follow *follow, uint64_t memory)
{
	struct ivm_definition def;
	int err = ivm_store_load(follow->name, &def);

	if (!err && def.memory == follow->to) {
		def.memory = memory;
		err = ivm_definition_check(&def) ?: ivm_store_save(&def);
	}
	ivm_definition_free(&def);
	return err;
}

/* Make what was reached what the VM is to have. The lock is held. Return: negative errno with the sentence of the end. */
static int ivm_follow_settle(struct ivm_follow *follow, struct ivm_definition *def, struct json_object *vm)
{
	uint64_t reached = ivm_json_get_number(vm, "memory-now");
	char size[IVM_SIZE_TEXT], asked[IVM_SIZE_TEXT], *text = ivm_follow_text(follow, vm);
	int err;

	reached = (reached + IVM_MEMORY_ALIGN - 1) / IVM_MEMORY_ALIGN * IVM_MEMORY_ALIGN;
	ivm_size_text(reached, size);
	ivm_size_text(follow->to, asked);
	err = ivm_follow_send(follow, reached);
	if (err) {
		err = ivm_fail(-err, "%s; it goes on to %s, as the module refused to end it at %s: %s", text, asked, size,
			       ivm_failure());
		goto out;
	}
	json_object_object_add(vm, "memory", json_object_new_uint64(reached));
	err = ivm_follow_save(follow, reached);
	if (err) {
		err = ivm_fail(-err, "%s; its memory is %s now, but its definition still has %s: %s", text, size, asked,
			       ivm_failure());
		goto out;
	}
	def->memory = reached;
	err = ivm_fail(ETIMEDOUT, "%s; its memory is %s now and stays so; ask again, with a longer timeout= if it needs time",
		       text, size);
out:
	free(text);
	return err;
}

static int ivm_follow_give_up(struct ivm_follow *follow, struct ivm_definition *def, struct json_object **vm)
{
	char *text = ivm_follow_text(follow, *vm);
	int lock = ivm_store_lock(follow->name), err;

	if (lock < 0) {
		err = ivm_fail(-lock, "%s; it goes on, as it cannot be ended: %s", text, ivm_failure());
	} else {
		err = ivm_follow_look(follow, vm);
		if (err == IVM_NOT_YET)
			err = ivm_follow_settle(follow, def, *vm);
	}
	ivm_store_unlock(follow->name, lock);
	free(text);
	return err;
}

int ivm_follow(struct ivm_follow *follow, struct ivm_definition *def, uint64_t seconds, struct json_object **vm)
{
	const struct timespec pause = { .tv_nsec = IVM_POLL_MS * 1000000L };
	bool terminal = isatty(STDERR_FILENO), shown = false;
	uint64_t waited, show = IVM_PROGRESS_MS;
	int err;

	follow->to = def->memory;
	follow->begin_ms = ivm_now_ms();
	*vm = NULL;
	for (;;) {
		err = ivm_follow_look(follow, vm);
		waited = ivm_now_ms() - follow->begin_ms;
		if (err != IVM_NOT_YET || follow->ended || waited >= seconds * 1000)
			break;
		if (terminal && waited >= show) {
			ivm_follow_show(follow, ivm_json_get_number(*vm, "memory-now"));
			show = waited + IVM_PROGRESS_MS;
			shown = true;
		}
		follow->ended = sigtimedwait(&follow->ends, NULL, &pause) > 0;
	}
	if (shown)
		fputs("\r\033[K", stderr);
	if (err == IVM_NOT_YET)
		err = seconds ? ivm_follow_give_up(follow, def, vm) : 0;
	return err;
}
