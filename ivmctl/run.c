// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl vm start|stop|reset|pause|resume: the kernel object. */
#include "commands.h"

#include "attrs.h"
#include "cards.h"
#include "device.h"
#include "fail.h"
#include "nl.h"
#include "print.h"
#include "store.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IVM_POLL_MS		50
#define IVM_PROGRESS_MS		250
#define IVM_STOP_TIMEOUT_S	60
#define IVM_STOP_PRESS_S	10

static void ivm_sleep_ms(long ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

static uint64_t ivm_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

char *ivm_stop_text(struct json_object *vm)
{
	static const struct {
		const char *reason, *text;
		bool code;
	} texts[] = {
		{ "shutdown", "the guest powered off", false },
		{ "triple-fault", "triple fault of vCPU ", true },
		{ "debug-exit", "the guest ended itself with debug-exit code ", true },
		{ "operator", "stopped by force", false },
		{ "host", "stopped by the host", false },
		{ "error", "it could not go on", false },
	};
	const char *reason = ivm_json_get_text(vm, "stop-reason"), *why = ivm_json_get_text(vm, "text");
	char *text = NULL, *full;

	for (size_t i = 0; !text && i < IVM_COUNT(texts); i++)
		if (!strcmp(texts[i].reason, reason))
			text = texts[i].code ? ivm_format("%s%llu", texts[i].text, (unsigned long long)
							  ivm_json_get_number(vm, "stop-code")) :
					       ivm_strdup(texts[i].text);
	full = ivm_format("%s%s%s", text ?: reason, *why ? ": " : "", why);
	free(text);
	return full;
}

static void ivm_print_vm(struct ivm_nl *nl, const char *name)
{
	struct json_object *vm;

	if (ivm_nl_vm_get(nl, name, &vm))
		return;
	ivm_print_json(vm);
	json_object_put(vm);
}

/* ---- start ---- */

/* Shows how memory gets ready while VM_START blocks its own connection. */
struct ivm_progress {
	const char	*name;
	atomic_bool	stop;
	bool		running;
	pthread_t	thread;
};

static void *ivm_progress_run(void *context)
{
	struct ivm_progress *progress = context;
	struct json_object *vm;
	struct ivm_nl *nl;
	bool shown = false;

	if (ivm_nl_open(&nl))
		return NULL;
	while (!atomic_load(&progress->stop)) {
		char ready[IVM_SIZE_TEXT], all[IVM_SIZE_TEXT];

		for (int ms = 0; ms < IVM_PROGRESS_MS && !atomic_load(&progress->stop); ms += 10)
			ivm_sleep_ms(10);
		if (atomic_load(&progress->stop) || ivm_nl_vm_get(nl, progress->name, &vm))
			continue;
		fprintf(stderr, "\r\033[K%s: %s of %s of memory ready", progress->name,
			ivm_size_text(ivm_json_get_number(vm, "memory-ready") & ~((1ULL << 20) - 1), ready),
			ivm_size_text(ivm_json_get_number(vm, "memory"), all));
		shown = true;
		json_object_put(vm);
	}
	if (shown)
		fputs("\r\033[K", stderr);
	ivm_nl_close(nl);
	return NULL;
}

static void ivm_progress_begin(struct ivm_progress *progress, const char *name)
{
	progress->name = name;
	atomic_init(&progress->stop, false);
	progress->running = isatty(STDERR_FILENO) &&
			    !pthread_create(&progress->thread, NULL, ivm_progress_run, progress);
}

static void ivm_progress_end(struct ivm_progress *progress)
{
	atomic_store(&progress->stop, true);
	if (progress->running)
		pthread_join(progress->thread, NULL);
}

/* Make way for a new object: what an earlier run left is deleted, what runs is not. */
static int ivm_start_clear(struct ivm_nl *nl, const char *name)
{
	struct json_object *vm;
	const char *state;
	int err = ivm_nl_vm_get(nl, name, &vm);

	if (err)
		return err == -ENOENT ? 0 : err;
	state = ivm_json_get_text(vm, "state");
	if (!strcmp(state, "created") || !strcmp(state, "loaded") || !strcmp(state, "stopped"))
		err = ivm_nl_vm_command(nl, IVM_CMD_VM_DELETE, name);
	else
		err = ivm_fail(EBUSY, "VM '%s' is %s already", name, state);
	json_object_put(vm);
	return err;
}

static int ivm_start_create(struct ivm_nl *nl, const struct ivm_definition *def)
{
	struct nl_msg *msg = ivm_nl_request(nl, IVM_CMD_VM_CREATE);

	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, IVM_A_NAME, def->name) ||
	    nla_put_u32(msg, IVM_A_VCPUS, (uint32_t)def->vcpus) ||
	    nla_put_u64(msg, IVM_A_MEMORY, def->memory) ||
	    (def->max && nla_put_u64(msg, IVM_A_MEMORY_MAX, def->max)) ||
	    (def->debug_exit && nla_put_u16(msg, IVM_A_DEBUG_EXIT, (uint16_t)def->debug_exit)) ||
	    (def->affinity && nla_put_string(msg, IVM_A_AFFINITY, def->affinity)) ||
	    ivm_cpu_put(msg, def->has_cpu ? &def->cpu : NULL, def->cosched) || ivm_cards_put(msg, def)) {
		nlmsg_free(msg);
		return ivm_fail(ENOMEM, "out of memory");
	}
	return ivm_nl_call(nl, msg, NULL);
}

/* When the module cannot run any VM, its reason says more than the refusal of a command. */
static int ivm_start_check_host(struct ivm_nl *nl)
{
	struct json_object *host;
	const char *reason;
	int err = ivm_nl_call(nl, ivm_nl_request(nl, IVM_CMD_HOST_GET), &host);

	if (err)
		return err;
	reason = ivm_json_get_text(host, "reason");
	if (*reason)
		err = ivm_fail(EOPNOTSUPP, "this host cannot run VMs now: %s", reason);
	json_object_put(host);
	return err;
}

/* From nothing to running; on failure no object is left. */
static int ivm_start_object(struct ivm_nl *nl, const struct ivm_definition *def, const struct ivm_manifest *manifest)
{
	struct ivm_progress progress;
	char *why;
	int err = ivm_start_create(nl, def);

	if (err)
		return err;
	err = ivm_device_load(def->name, manifest);
	if (!err) {
		ivm_progress_begin(&progress, def->name);
		err = ivm_nl_vm_command(nl, IVM_CMD_VM_START, def->name);
		ivm_progress_end(&progress);
	}
	if (err) {
		/* The first failure is what counts, whatever deleting says. */
		why = ivm_strdup(ivm_failure());
		ivm_nl_vm_command(nl, IVM_CMD_VM_DELETE, def->name);
		err = ivm_fail(-err, "%s", why);
		free(why);
	}
	return err;
}

/* A definition that was edited may name an address that another VM has, or none. */
static int ivm_start_check_cards(struct ivm_definition *def)
{
	bool complete = true;
	int lock, err;

	if (!def->nr_nics)
		return 0;
	for (size_t i = 0; i < def->nr_nics; i++)
		complete &= def->nics[i].has_mac;
	lock = ivm_store_lock_all();
	if (lock < 0)
		return lock;
	err = ivm_cards_complete(def);
	if (!err && !complete)
		err = ivm_store_save(def);
	ivm_store_unlock_all(lock);
	return err;
}

/* Devices of cards come with the start; their names are ours to give. */
static void ivm_start_names(struct ivm_nl *nl, const struct ivm_definition *def)
{
	struct json_object *vm;

	if (!def->nr_nics)
		return;
	if (ivm_nl_vm_get(nl, def->name, &vm)) {
		fprintf(stderr, "ivmctl: note: the cards get no names: %s\n", ivm_failure());
		return;
	}
	ivm_cards_name(vm);
	json_object_put(vm);
}

static int ivm_start_locked(const struct ivm_args *args, struct ivm_nl *nl)
{
	struct ivm_manifest manifest;
	struct ivm_definition def;
	int err = ivm_store_load(args->name, &def) ?: ivm_start_check_cards(&def);

	if (!err) {
		err = ivm_start_check_host(nl);
		if (!err)
			err = ivm_start_clear(nl, args->name);
		if (!err) {
			err = ivm_manifest_build(&manifest, &def);
			if (!err)
				err = ivm_start_object(nl, &def, &manifest);
			ivm_manifest_free(&manifest);
		}
	}
	if (!err)
		ivm_start_names(nl, &def);
	ivm_definition_free(&def);
	if (!err && args->json)
		ivm_print_vm(nl, args->name);
	return err;
}

int ivm_vm_start(const struct ivm_args *args)
{
	struct ivm_nl *nl;
	int err, lock;

	/* Before the lock, which would make a directory for a VM that is none. */
	err = ivm_store_exists(args->name);
	if (err < 0)
		return err;
	if (!err)
		return ivm_fail(ENOENT, "there is no VM '%s'; ivmctl vm list shows all", args->name);
	err = ivm_nl_open(&nl);
	if (err)
		return err;
	lock = ivm_store_lock(args->name);
	err = lock < 0 ? lock : ivm_start_locked(args, nl);
	ivm_store_unlock(args->name, lock);
	ivm_nl_close(nl);
	if (!err && ivm_args_get(args, "console"))
		err = ivm_console_attach(args->name);
	return err;
}

/* ---- stop ---- */

static int ivm_stop_request(struct ivm_nl *nl, const char *name, bool force)
{
	struct nl_msg *msg = ivm_nl_request(nl, IVM_CMD_VM_STOP);

	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, IVM_A_NAME, name) || (force && nla_put_flag(msg, IVM_A_FORCE))) {
		nlmsg_free(msg);
		return ivm_fail(ENOMEM, "out of memory");
	}
	return ivm_nl_call(nl, msg, NULL);
}

/*
 * Wait until the VM with @id is stopped. Unless it was done by force, its power
 * button is pressed again now and then: a guest that was still booting missed
 * it. *vm: how it ended, NULL when it is gone. Return: 0, -ETIMEDOUT without a
 * sentence, or negative errno.
 */
static int ivm_stop_wait(struct ivm_nl *nl, const char *name, uint64_t id, bool force, uint64_t seconds,
			 struct json_object **vm)
{
	const uint64_t begin = ivm_now_ms();
	uint64_t pressed = begin;
	bool terminal = isatty(STDERR_FILENO), shown = false;
	int err;

	for (;;) {
		uint64_t waited = ivm_now_ms() - begin;

		*vm = NULL;
		err = ivm_nl_vm_get(nl, name, vm);
		if (err == -ENOENT) {
			err = 0;
			break;
		}
		/* Another id: someone started it anew after it had stopped. */
		if (err || !strcmp(ivm_json_get_text(*vm, "state"), "stopped"))
			break;
		if (ivm_json_get_number(*vm, "id") != id || waited >= seconds * 1000) {
			err = ivm_json_get_number(*vm, "id") != id ? 0 : -ETIMEDOUT;
			json_object_put(*vm);
			*vm = NULL;
			break;
		}
		json_object_put(*vm);
		if (!force && ivm_now_ms() - pressed >= IVM_STOP_PRESS_S * 1000) {
			pressed = ivm_now_ms();
			ivm_stop_request(nl, name, false);	/* refused when it has stopped meanwhile */
		}
		if (terminal && waited >= 1000) {
			fprintf(stderr, "\r\033[K%s: waiting for it to stop, %llu of %llu s", name,
				(unsigned long long)waited / 1000, (unsigned long long)seconds);
			shown = true;
		}
		ivm_sleep_ms(IVM_POLL_MS);
	}
	if (shown)
		fputs("\r\033[K", stderr);
	return err;
}

static int ivm_stop_vm(struct ivm_nl *nl, const struct ivm_args *args, bool force, uint64_t seconds)
{
	const uint64_t begin = ivm_now_ms();
	struct json_object *vm;
	uint64_t id;
	char *text;
	int err;

	err = ivm_store_explain(args->name, ivm_nl_vm_get(nl, args->name, &vm));
	if (err)
		return err;
	id = ivm_json_get_number(vm, "id");
	json_object_put(vm);
	err = ivm_stop_request(nl, args->name, force);
	if (!err)
		err = ivm_stop_wait(nl, args->name, id, force, seconds, &vm);
	if (err == -ETIMEDOUT)
		return ivm_fail(ETIMEDOUT, "VM '%s' has not stopped after %llu s%s%s", args->name,
				(unsigned long long)seconds, force ? "" :
				"; the guest may ignore its power button; end it with: ivmctl vm stop --force ",
				force ? "" : args->name);
	if (err)
		return err;
	if (args->json && vm) {
		ivm_print_json(vm);
	} else if (!args->json) {
		text = vm ? ivm_stop_text(vm) : ivm_strdup("it is gone");
		printf("%s stopped after %.1f s: %s\n", args->name, (double)(ivm_now_ms() - begin) / 1000, text);
		free(text);
	}
	json_object_put(vm);
	return 0;
}

int ivm_vm_stop(const struct ivm_args *args)
{
	uint64_t seconds;
	struct ivm_nl *nl;
	int err = ivm_args_seconds(args, "timeout", IVM_STOP_TIMEOUT_S, &seconds);

	if (!err)
		err = ivm_nl_open(&nl);
	if (err)
		return err;
	err = ivm_stop_vm(nl, args, ivm_args_get(args, "force"), seconds);
	ivm_nl_close(nl);
	return err;
}

/* ---- one command, no more ---- */

static int ivm_vm_simple(const struct ivm_args *args, enum ivm_cmd cmd)
{
	struct ivm_nl *nl;
	int err = ivm_nl_open(&nl);

	if (err)
		return err;
	err = ivm_store_explain(args->name, ivm_nl_vm_command(nl, cmd, args->name));
	if (!err && args->json)
		ivm_print_vm(nl, args->name);
	ivm_nl_close(nl);
	return err;
}

int ivm_vm_reset(const struct ivm_args *args)
{
	return ivm_vm_simple(args, IVM_CMD_VM_RESET);
}

int ivm_vm_pause(const struct ivm_args *args)
{
	return ivm_vm_simple(args, IVM_CMD_VM_PAUSE);
}

int ivm_vm_resume(const struct ivm_args *args)
{
	return ivm_vm_simple(args, IVM_CMD_VM_RESUME);
}
