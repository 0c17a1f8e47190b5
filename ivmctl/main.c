// SPDX-License-Identifier: GPL-2.0-only
/*
 * ivmctl: the table of its commands. Dispatch, help and completion read
 * nothing else.
 */
#include "commands.h"
#include "attrs.h"
#include "fail.h"
#include "log.h"
#include "nl.h"
#include "print.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ivm_version(const struct ivm_args *args);
static int ivm_help(const struct ivm_args *args);

static const struct ivm_option ivm_start_options[] = {
	{ "console", NULL, "attach to the serial console at once" },
	{ }
};

static const struct ivm_option ivm_stop_options[] = {
	{ "force", NULL, "stop at once, without asking the guest" },
	{ "timeout", "SECONDS", "how long to wait for the guest (default 60)" },
	{ }
};

static const struct ivm_option ivm_set_options[] = {
	{ "timeout", "SECONDS", "how long to wait for memory of a VM that runs (default 30; 0: do not wait)" },
	{ }
};

static const struct ivm_option ivm_console_options[] = {
	{ "history", NULL, "print what is kept of the output, at most 64 KiB, and end" },
	{ "no-wait", NULL, "end when the input ends, not when the VM stops" },
	{ }
};

static const struct ivm_option ivm_host_options[] = {
	{ "cores", "LIST", "physical cores for vCPUs, like 0-3,6, or all; any thread names its core" },
	{ "cpu-list", "LIST", "the same" },
	{ "reserve", "SHARE%", "of each of them, what the host keeps for itself, 1% to 90%" },
	{ "smt", "exclusive|guard", "their other threads are offline while VMs run, or online and held in idle" },
	{ }
};

static const struct ivm_option ivm_switch_create_options[] = {
	{ "uplink", "DEVICE", "a device that leads to other switches: trunk of all VLANs" },
	{ "ageing", "SECONDS", "how long a learnt address lives unseen (default 300)" },
	{ }
};

static const struct ivm_option ivm_switch_set_options[] = {
	{ "ageing", "SECONDS", "how long a learnt address lives unseen" },
	{ "flush", NULL, "forget all learnt addresses" },
	{ }
};

static const struct ivm_option ivm_switch_verify_options[] = {
	{ "vlans", "A,B,C,D", "VLANs to probe with; else four that no port but uplinks has" },
	{ }
};

static const struct ivm_option ivm_port_list_options[] = {
	{ "switch", "SWITCH", "only ports of this switch" },
	{ }
};

static const struct ivm_option ivm_port_attach_options[] = {
	{ "host", "yes", "make a device of this name for the host, and attach its other end, NAME-p" },
	{ }
};

static const struct ivm_option ivm_event_options[] = {
	{ "vm", "NAME", "only events of this VM" },
	{ }
};

static const struct ivm_option ivm_top_options[] = {
	{ "interval", "SECONDS", "how long to count before each look, 0.1 to 3600 (default 1)" },
	{ "count", "N", "end after so many looks" },
	{ }
};

static const struct ivm_option ivm_help_options[] = {
	{ "complete", NULL, "print the table of commands for shell completion" },
	{ }
};

static const struct ivm_command ivm_commands[] = {
	{ .noun = "vm", .verb = "create", .operand = IVM_OPERAND_NAME, .keys = &ivm_definition_vocabulary, .changes = true,
	  .help = "define a VM", .run = ivm_vm_create },
	{ .noun = "vm", .verb = "list",
	  .help = "all VMs, defined or running", .run = ivm_vm_list },
	{ .noun = "vm", .verb = "show", .operand = IVM_OPERAND_NAME,
	  .help = "everything about one VM", .run = ivm_vm_show },
	{ .noun = "vm", .verb = "start", .operand = IVM_OPERAND_NAME, .changes = true,
	  .options = ivm_start_options, .help = "start it as defined now", .run = ivm_vm_start },
	{ .noun = "vm", .verb = "stop", .operand = IVM_OPERAND_NAME, .changes = true,
	  .options = ivm_stop_options, .help = "press its power button and wait", .run = ivm_vm_stop },
	{ .noun = "vm", .verb = "reset", .operand = IVM_OPERAND_NAME, .changes = true,
	  .help = "clear its memory and boot it again", .run = ivm_vm_reset },
	{ .noun = "vm", .verb = "pause", .operand = IVM_OPERAND_NAME, .changes = true,
	  .help = "stop its vCPUs, keep everything", .run = ivm_vm_pause },
	{ .noun = "vm", .verb = "resume", .operand = IVM_OPERAND_NAME, .changes = true,
	  .help = "let a paused VM run on", .run = ivm_vm_resume },
	{ .noun = "vm", .verb = "set", .operand = IVM_OPERAND_NAME, .keys = &ivm_definition_vocabulary, .changes = true,
	  .options = ivm_set_options,
	  .help = "change its definition; cpu, cosched, and memory up to max at once", .run = ivm_vm_set },
	{ .noun = "vm", .verb = "delete", .operand = IVM_OPERAND_NAME, .changes = true,
	  .help = "forget a VM that does not run", .run = ivm_vm_delete },
	{ .noun = "vm", .verb = "console", .operand = IVM_OPERAND_NAME, .changes = true,
	  .options = ivm_console_options, .help = "its serial console; Ctrl-] detaches", .run = ivm_vm_console },
	{ .noun = "host", .verb = "show",
	  .help = "what this host offers, and why no VM can start", .run = ivm_host_show },
	{ .noun = "host", .verb = "set", .changes = true, .options = ivm_host_options,
	  .help = "choose the cores that run VMs, what else runs on them, and the host's reserve", .run = ivm_host_set },
	{ .noun = "host", .verb = "audit",
	  .help = "prove the isolation of all guest memory", .run = ivm_host_audit },
	{ .noun = "switch", .verb = "create", .operand = IVM_OPERAND_SWITCH, .changes = true,
	  .options = ivm_switch_create_options, .help = "make a switch and bring it up", .run = ivm_switch_create },
	{ .noun = "switch", .verb = "list",
	  .help = "all switches", .run = ivm_switch_list },
	{ .noun = "switch", .verb = "show", .operand = IVM_OPERAND_SWITCH,
	  .help = "one switch and its ports", .run = ivm_switch_show },
	{ .noun = "switch", .verb = "set", .operand = IVM_OPERAND_SWITCH, .changes = true,
	  .options = ivm_switch_set_options, .help = "change a switch, or make it forget", .run = ivm_switch_set },
	{ .noun = "switch", .verb = "verify", .operand = IVM_OPERAND_SWITCH, .changes = true,
	  .options = ivm_switch_verify_options,
	  .help = "prove the isolation of VLANs on this very switch", .run = ivm_switch_verify },
	{ .noun = "switch", .verb = "delete", .operand = IVM_OPERAND_SWITCH, .changes = true,
	  .help = "remove a switch; its ports stay, detached", .run = ivm_switch_delete },
	{ .noun = "port", .verb = "list", .options = ivm_port_list_options,
	  .help = "all ports of all switches", .run = ivm_port_list },
	{ .noun = "port", .verb = "show", .operand = IVM_OPERAND_PORT,
	  .help = "how a port is set, and its counters", .run = ivm_port_show },
	{ .noun = "port", .verb = "set", .operand = IVM_OPERAND_PORT, .keys = &ivm_port_vocabulary, .changes = true,
	  .help = "change a port, at once", .run = ivm_port_set },
	{ .noun = "port", .verb = "attach", .operand = IVM_OPERAND_SWITCH_PORT, .keys = &ivm_port_vocabulary,
	  .changes = true, .options = ivm_port_attach_options,
	  .help = "make a device a port of a switch, and bring it up", .run = ivm_port_attach_command },
	{ .noun = "port", .verb = "detach", .operand = IVM_OPERAND_PORT, .changes = true,
	  .help = "take a device away from its switch", .run = ivm_port_detach },
	{ .noun = "events", .options = ivm_event_options,
	  .help = "print what happens, as it happens", .run = ivm_events },
	{ .noun = "top", .options = ivm_top_options,
	  .help = "where the time of cores and VMs goes, live", .run = ivm_top },
	{ .noun = "version",
	  .help = "versions of ivmctl and of the module", .run = ivm_version },
	{ .noun = "help", .operand = IVM_OPERAND_NOUN, .options = ivm_help_options,
	  .help = "this text, or more on one noun", .run = ivm_help },
	{ }
};

static int ivm_version(const struct ivm_args *args)
{
	struct json_object *answer = NULL, *version = json_object_new_object();
	const char *module = NULL;
	struct ivm_nl *nl;
	int err = ivm_nl_open(&nl);

	if (!err) {
		err = ivm_nl_call(nl, ivm_nl_request(nl, IVM_CMD_HOST_GET), &answer);
		ivm_nl_close(nl);
	}
	json_object_object_add(version, "ivmctl", json_object_new_string(IVM_VERSION));
	if (!err && answer) {
		module = ivm_json_get_text(answer, "version");
		json_object_object_add(version, "module", json_object_new_string(module));
	}
	if (args->json)
		ivm_print_json(version);
	else
		printf("ivmctl %s, module %s\n", IVM_VERSION, module ?: "not loaded");
	json_object_put(answer);
	json_object_put(version);
	return err == -ENODEV ? 0 : err;
}

static int ivm_help(const struct ivm_args *args)
{
	if (!ivm_args_get(args, "complete"))
		return ivm_help_print(ivm_commands, args->name);
	ivm_help_complete(ivm_commands);
	return 0;
}

/* The row for @noun and @verb (NULL: none was given). *words: how many of them it uses. */
static const struct ivm_command *ivm_find(const char *noun, const char *verb, int *words)
{
	bool known = false;

	for (const struct ivm_command *command = ivm_commands; command->noun; command++) {
		if (strcmp(command->noun, noun))
			continue;
		known = true;
		*words = command->verb ? 2 : 1;
		if (!command->verb || (verb && !strcmp(command->verb, verb)))
			return command;
	}
	if (!known)
		ivm_usage("there is no noun '%.60s'; see: ivmctl help", noun);
	else if (!verb)
		ivm_usage("what about %s? see: ivmctl help %s", noun, noun);
	else
		ivm_usage("'%s' has no verb '%.60s'; see: ivmctl help %s", noun, verb, noun);
	return NULL;
}

static int ivm_run(int argc, char **argv)
{
	struct ivm_args args = { 0 };
	const struct ivm_command *command;
	char *line;
	int err, words, at = 1;

	while (at < argc && !strcmp(argv[at], "--json")) {
		args.json = true;
		at++;
	}
	if (at < argc && (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")))
		argv[at] = "help";
	else if (at < argc && !strcmp(argv[at], "--version"))
		argv[at] = "version";
	if (at == argc)
		return ivm_usage("nothing to do; see: ivmctl help");
	command = ivm_find(argv[at], at + 1 < argc ? argv[at + 1] : NULL, &words);
	if (!command)
		return IVM_USAGE;
	line = ivm_log_command(argc, argv);	/* parsing changes argv */
	err = ivm_args_parse(command, argc - at - words, argv + at + words, &args);
	if (!err)
		err = command->run(&args);
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = ivm_fail(EIO, "cannot write to the standard output");
	if (command->changes)
		ivm_log_outcome(line, err ? ivm_failure() : NULL);
	free(line);
	return err;
}

int main(int argc, char **argv)
{
	int err = ivm_run(argc, argv);

	if (err)
		fprintf(stderr, "ivmctl: %s\n", ivm_failure());
	if (!err)
		return 0;
	return err == IVM_USAGE ? 2 : 1;
}
