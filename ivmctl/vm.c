// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl vm create|list|show|set|delete: definitions, merged with what the module knows. */
#include "commands.h"

#include "attrs.h"
#include "cards.h"
#include "fail.h"
#include "follow.h"
#include "gang.h"
#include "image/manifest.h"
#include "live.h"
#include "nl.h"
#include "print.h"
#include "room.h"
#include "store.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IVM_MEMORY_TIMEOUT_S	30

/* A word of "vm set" that says how, not what. */
static bool ivm_vm_is_option(const char *word)
{
	return !strcmp(word, "timeout");
}

/* nic= names all cards: those of before go, but their addresses stay with cards that name none. */
static void ivm_vm_keep_macs(struct ivm_definition *def, const struct ivm_nic *before, size_t count)
{
	for (size_t i = 0; i < def->nr_nics && i < count; i++) {
		bool used = false;

		for (size_t j = 0; j < def->nr_nics; j++)
			used |= def->nics[j].has_mac && !memcmp(def->nics[j].mac, before[i].mac, IVM_MAC_LEN);
		if (def->nics[i].has_mac || !before[i].has_mac || used)
			continue;
		memcpy(def->nics[i].mac, before[i].mac, IVM_MAC_LEN);
		def->nics[i].has_mac = true;
	}
}

static int ivm_vm_apply(struct ivm_definition *def, const struct ivm_args *args)
{
	bool replace = ivm_args_get(args, "nic");
	size_t count = replace ? def->nr_nics : 0;
	struct ivm_nic *before = ivm_zalloc(count + 1, sizeof(*before));
	int err = 0;

	memcpy(before, def->nics, count * sizeof(*before));
	if (replace)
		def->nr_nics = 0;
	for (size_t i = 0; i < args->count && !err; i++)
		if (!ivm_vm_is_option(args->items[i].key))
			err = ivm_definition_set(def, args->items[i].key, args->items[i].value);
	if (!err)
		ivm_vm_keep_macs(def, before, count);
	free(before);
	return err ?: ivm_definition_check(def);
}

/* Would it start? Files are examined as at a start, so that errors show now. */
static int ivm_vm_examine(const struct ivm_definition *def)
{
	struct ivm_manifest manifest;
	int err = ivm_manifest_build(&manifest, def);

	ivm_manifest_free(&manifest);
	return err;
}

/* The kernel object, or NULL when there is none or no module. Return: 0 or negative errno. */
static int ivm_vm_live(const char *name, struct json_object **vm)
{
	struct ivm_nl *nl;
	int err = ivm_nl_open(&nl);

	*vm = NULL;
	if (err)
		return err == -ENODEV ? 0 : err;
	err = ivm_nl_vm_get(nl, name, vm);
	ivm_nl_close(nl);
	return err == -ENOENT ? 0 : err;
}

/* @live: the VM in the module, which changes with its definition or not at all; NULL: there is none. */
static int ivm_vm_write(struct ivm_definition *def, struct ivm_live *live)
{
	int err, lock = ivm_store_lock_all();

	if (lock < 0)
		return lock;
	err = ivm_cards_complete(def);
	if (!err && live)
		err = ivm_live_set(live, def);
	if (!err) {
		err = ivm_store_save(def);
		if (err && live)
			err = ivm_live_undo(live, err);
	}
	ivm_store_unlock_all(lock);
	return err;
}

/* What create and set print as JSON. */
static struct json_object *ivm_vm_written(const struct ivm_definition *def)
{
	struct json_object *root = json_object_new_object();

	json_object_object_add(root, "name", json_object_new_string(def->name));
	json_object_object_add(root, "definition", ivm_definition_json(def));
	return root;
}

static int ivm_vm_check_free(const char *name)
{
	struct json_object *vm;
	int err = ivm_store_exists(name);

	if (err)
		return err < 0 ? err : ivm_fail(EEXIST, "there is a VM '%s' already; change it with: ivmctl vm set %s",
						name, name);
	err = ivm_vm_live(name, &vm);
	if (!err && vm && !ivm_vm_is_idle(vm))
		err = ivm_fail(EEXIST, "a VM '%s' without definition is %s; stop it first, or choose another name",
			       name, ivm_json_get_text(vm, "state"));
	json_object_put(vm);
	return err;
}

int ivm_vm_create(const struct ivm_args *args)
{
	struct ivm_definition def;
	int lock, err;

	lock = ivm_store_lock(args->name);
	if (lock < 0)
		return lock;
	ivm_definition_init(&def, args->name);
	err = ivm_vm_check_free(args->name);
	if (!err)
		err = ivm_vm_apply(&def, args) ?: ivm_vm_examine(&def);
	if (!err)
		err = ivm_vm_write(&def, NULL);
	ivm_store_unlock(args->name, lock);
	if (!err && args->json) {
		struct json_object *written = ivm_vm_written(&def);

		ivm_print_json(written);
		json_object_put(written);
	}
	ivm_definition_free(&def);
	return err;
}

/* ---- set ---- */

/* Is @key set, and not at once? */
static bool ivm_vm_is_later(const struct ivm_live *live, const char *key)
{
	return !ivm_vm_is_option(key) && !ivm_live_has(live, key);
}

/* Of what was set, what a VM that runs does not get before its next start. */
static void ivm_vm_note_later(const struct ivm_live *live, const struct ivm_args *args)
{
	const char *state = ivm_json_get_text(live->vm, "state");

	fprintf(stderr, "ivmctl: note: VM '%s' is %s; in force from its next start:", args->name, state);
	for (size_t i = 0; i < args->count; i++)
		if (ivm_vm_is_later(live, args->items[i].key))
			fprintf(stderr, " %s", args->items[i].key);
	fputc('\n', stderr);
}

/* Does what is set mean anything to a VM that exists? */
static bool ivm_vm_asks_module(const struct ivm_args *args)
{
	static const char *const names[] = { "cpu", "cosched", "memory", "max" };
	bool asks = false;

	for (size_t i = 0; i < IVM_COUNT(names); i++)
		asks |= ivm_args_get(args, names[i]) != NULL;
	return asks;
}

/* Into the definition, and what can be changed at once into the VM that exists; @live is open. */
static int ivm_vm_set_both(struct ivm_definition *def, const struct ivm_args *args, struct ivm_live *live)
{
	bool later = false;
	int err = 0;

	for (size_t i = 0; i < args->count; i++)
		later |= ivm_vm_is_later(live, args->items[i].key);
	/* Files may be gone while the VM runs; what it can be changed at once in can be changed all the same. */
	if (later)
		err = ivm_vm_examine(def);
	if (!err)
		err = ivm_vm_write(def, live);
	if (!err && later && live->vm && !ivm_vm_is_idle(live->vm))
		ivm_vm_note_later(live, args);
	return err;
}

/* Memory of a VM that runs: @vm, how it is now, or NULL; @asked: bytes. */
static void ivm_vm_add_memory(struct json_object *root, struct json_object *vm, const struct ivm_definition *def,
			      uint64_t asked)
{
	static const char *const names[] = { "memory-now", "max" };
	struct json_object *value;
	bool reached = vm && ivm_json_get_number(vm, "memory-now") == asked;

	json_object_object_add(root, "memory", json_object_new_uint64(def->memory));
	for (size_t i = 0; i < IVM_COUNT(names); i++)
		if (vm && json_object_object_get_ex(vm, names[i], &value))
			json_object_object_add(root, names[i], json_object_get(value));
	json_object_object_add(root, "reached", json_object_new_boolean(reached));
	json_object_object_add(root, "text", json_object_new_string(vm ? ivm_json_get_text(vm, "memory-text") : ""));
}

/* A guest that runs may have less memory than its kernel needs to start. */
static void ivm_vm_note_unfit(const struct ivm_definition *def)
{
	if (ivm_vm_examine(def))
		fprintf(stderr, "ivmctl: note: VM '%s' could not be started like this: %s\n", def->name, ivm_failure());
}

/* All is set: wait for memory if it is that of a VM that runs, and print. */
static int ivm_vm_set_end(struct ivm_definition *def, const struct ivm_args *args, struct ivm_follow *follow,
			  uint64_t seconds)
{
	struct json_object *vm = NULL, *written;
	uint64_t asked = def->memory;
	int err = 0;

	if (follow)
		err = ivm_follow(follow, def, seconds, &vm);
	if (follow && !err)
		ivm_vm_note_unfit(def);
	if (args->json) {
		written = ivm_vm_written(def);
		if (follow)
			ivm_vm_add_memory(written, vm, def, asked);
		ivm_print_json(written);
		json_object_put(written);
	}
	json_object_put(vm);
	return err;
}

static int ivm_vm_set_locked(struct ivm_definition *def, const struct ivm_args *args, struct ivm_live *live,
			     struct ivm_follow *follow)
{
	int err = ivm_store_load(args->name, def) ?: ivm_vm_apply(def, args);

	if (err)
		return err;
	err = ivm_live_open(live, def->name);
	if (err && !ivm_vm_asks_module(args))
		err = 0;	/* the definition alone is changed: what the module would say does not matter */
	if (!err)
		err = ivm_live_choose(live, args, def);
	if (err)
		return err;
	if (live->memory)
		ivm_follow_begin(follow, live);
	return ivm_vm_set_both(def, args, live);
}

static int ivm_vm_set_checked(const struct ivm_args *args, uint64_t seconds)
{
	struct ivm_live live = { 0 };
	struct ivm_definition def;
	struct ivm_follow follow;
	int err, lock = ivm_store_lock(args->name);

	if (lock < 0)
		return lock;
	err = ivm_vm_set_locked(&def, args, &live, &follow);
	ivm_store_unlock(args->name, lock);
	if (!err)
		err = ivm_vm_set_end(&def, args, live.memory && live.changed ? &follow : NULL, seconds);
	if (live.memory)
		ivm_follow_end(&follow);
	ivm_live_close(&live);
	ivm_definition_free(&def);
	return err;
}

int ivm_vm_set(const struct ivm_args *args)
{
	const char *timeout = ivm_args_get(args, "timeout");
	uint64_t seconds;
	int err;

	if (args->count == (timeout ? 1 : 0))
		return ivm_usage("nothing to set; usage: ivmctl vm set NAME KEY=VALUE...");
	if (timeout && !ivm_args_get(args, "memory"))
		return ivm_usage("timeout is how long to wait for memory; give memory=SIZE, or leave it out");
	err = ivm_args_seconds(args, "timeout", IVM_MEMORY_TIMEOUT_S, &seconds) ?: ivm_store_exists(args->name);
	if (err < 0)
		return err;
	if (!err)
		return ivm_fail(ENOENT, "there is no VM '%s'; ivmctl vm list shows all", args->name);
	return ivm_vm_set_checked(args, seconds);
}

static int ivm_vm_delete_object(const char *name, bool *existed)
{
	struct json_object *vm = NULL;
	struct ivm_nl *nl;
	int err = ivm_nl_open(&nl);

	*existed = false;
	if (err)
		return err == -ENODEV ? 0 : err;
	err = ivm_nl_vm_get(nl, name, &vm);
	if (err == -ENOENT) {
		err = 0;
	} else if (!err && !ivm_vm_is_idle(vm)) {
		err = ivm_fail(EBUSY, "VM '%s' is %s; stop it first: ivmctl vm stop %s", name,
			       ivm_json_get_text(vm, "state"), name);
	} else if (!err) {
		*existed = true;
		err = ivm_nl_vm_command(nl, IVM_CMD_VM_DELETE, name);
	}
	json_object_put(vm);
	ivm_nl_close(nl);
	return err;
}

int ivm_vm_delete(const struct ivm_args *args)
{
	bool object = false;
	int defined, lock = -1, err;

	defined = ivm_store_exists(args->name);
	if (defined < 0)
		return defined;
	if (defined) {
		lock = ivm_store_lock(args->name);
		if (lock < 0)
			return lock;
	}
	err = ivm_vm_delete_object(args->name, &object);
	if (!err && defined)
		err = ivm_store_delete(args->name);
	else if (!err && !object)
		err = ivm_fail(ENOENT, "there is no VM '%s'; ivmctl vm list shows all", args->name);
	ivm_store_unlock(args->name, lock);
	return err;
}

/* ---- list and show: one model for both ---- */

static void ivm_vm_add_difference(struct json_object **list, const char *name)
{
	if (!*list)
		*list = json_object_new_array();
	json_object_array_add(*list, json_object_new_string(name));
}

/* Names of the keys where what runs is not what is defined. NULL when they agree. */
static struct json_object *ivm_vm_differences(struct json_object *vm, struct json_object *definition)
{
	static const char *const names[] = { "vcpus", "memory", "max", "debug-exit" };
	struct json_object *list = NULL;

	for (size_t i = 0; i < IVM_COUNT(names); i++)
		if (ivm_json_get_number(vm, names[i]) != ivm_json_get_number(definition, names[i]))
			ivm_vm_add_difference(&list, names[i]);
	if (strcmp(ivm_json_get_text(vm, "affinity"), ivm_json_get_text(definition, "affinity")))
		ivm_vm_add_difference(&list, "affinity");
	if (ivm_gang_differs(vm, definition, "cpu"))
		ivm_vm_add_difference(&list, "cpu");
	if (ivm_gang_differs(vm, definition, "cosched"))
		ivm_vm_add_difference(&list, "cosched");
	if (ivm_cards_differ(vm, definition))
		ivm_vm_add_difference(&list, "nic");
	return list;
}

/* A word for people about what is unusual. */
static void ivm_vm_note(struct json_object *vm, bool defined)
{
	const char *state = ivm_json_get_text(vm, "state");
	struct json_object *list;
	char *note = NULL, *more;

	if (!strcmp(state, "stopped"))
		note = ivm_stop_text(vm);
	else if (!strcmp(state, "starting"))
		note = ivm_format("%llu of %llu MiB ready",
				  (unsigned long long)ivm_json_get_number(vm, "memory-ready") >> 20,
				  (unsigned long long)ivm_json_get_number(vm, "memory") >> 20);
	else
		note = ivm_room_note(vm);
	if (*ivm_json_get_text(vm, "definition-error"))
		more = ivm_strdup(ivm_json_get_text(vm, "definition-error"));
	else if (!defined)
		more = ivm_strdup("no definition");
	else if (json_object_object_get_ex(vm, "differs", &list))
		more = ivm_strdup("definition differs, in force from the next start");
	else
		more = NULL;
	if (note || more) {
		char *text = ivm_format("%s%s%s", note ?: "", note && more ? "; " : "", more ?: "");

		json_object_object_add(vm, "note", json_object_new_string(text));
		free(text);
	}
	free(note);
	free(more);
}

/*
 * The model of one VM: the module's attributes if it knows it, else state
 * "defined"; plus "definition", "definition-error", "differs", "note". Takes
 * over @vm, which may be NULL. Return: NULL when it exists neither here nor there.
 */
static struct json_object *ivm_vm_model(const char *name, struct json_object *vm)
{
	static const char *const names[] = { "vcpus", "memory", "max" };
	struct json_object *definition = NULL, *differs, *value;
	struct ivm_definition def;
	int err = ivm_store_load(name, &def);

	if (err == -ENOENT && !vm) {
		ivm_definition_free(&def);
		return NULL;
	}
	if (!err)
		definition = ivm_definition_json(&def);
	ivm_definition_free(&def);
	if (vm)
		ivm_gang_complete(vm);
	if (!vm) {
		vm = json_object_new_object();
		json_object_object_add(vm, "name", json_object_new_string(name));
		json_object_object_add(vm, "state", json_object_new_string("defined"));
		for (size_t i = 0; i < IVM_COUNT(names); i++)
			if (json_object_object_get_ex(definition, names[i], &value))
				json_object_object_add(vm, names[i], json_object_get(value));
	} else if (definition && !ivm_vm_is_idle(vm)) {
		differs = ivm_vm_differences(vm, definition);
		if (differs)
			json_object_object_add(vm, "differs", differs);
	}
	if (definition)
		json_object_object_add(vm, "definition", definition);
	else if (err != -ENOENT)
		json_object_object_add(vm, "definition-error", json_object_new_string(ivm_failure()));
	ivm_vm_note(vm, definition != NULL);
	return vm;
}

/* All kernel objects; an empty array and a note when the module is not loaded. */
static int ivm_vm_all_live(struct json_object **all)
{
	struct ivm_nl *nl;
	int err = ivm_nl_open(&nl);

	if (err == -ENODEV) {
		*all = json_object_new_array();
		fprintf(stderr, "ivmctl: note: %s\n", ivm_failure());
		return 0;
	}
	if (err)
		return err;
	err = ivm_nl_dump_vms(nl, all);
	ivm_nl_close(nl);
	return err;
}

static int ivm_vm_compare(const void *a, const void *b)
{
	return strcmp(ivm_json_get_text(*(struct json_object *const *)a, "name"),
		      ivm_json_get_text(*(struct json_object *const *)b, "name"));
}

int ivm_vm_list(const struct ivm_args *args)
{
	static const struct ivm_field fields[] = {
		{ "NAME", "name", IVM_AS_TEXT }, { "STATE", "state", IVM_AS_TEXT },
		{ "VCPUS", "vcpus", IVM_AS_TEXT }, { "MEMORY", "memory", IVM_AS_SIZE },
		{ "NOTE", "note", IVM_AS_TEXT },
	};
	struct json_object *live, *list;
	size_t count, i;
	char **names;
	int err;

	err = ivm_store_names(&names, &count);
	if (err)
		return err;
	err = ivm_vm_all_live(&live);
	if (err) {
		ivm_store_names_free(names, count);
		return err;
	}
	list = json_object_new_array();
	for (size_t at = 0; at < json_object_array_length(live); at++) {
		struct json_object *vm = json_object_array_get_idx(live, at);
		const char *name = ivm_json_get_text(vm, "name");

		for (i = 0; i < count; i++)
			if (names[i] && !strcmp(names[i], name)) {
				free(names[i]);
				names[i] = NULL;
			}
		json_object_array_add(list, ivm_vm_model(name, json_object_get(vm)));
	}
	for (i = 0; i < count; i++) {
		struct json_object *vm = names[i] ? ivm_vm_model(names[i], NULL) : NULL;

		if (vm)		/* NULL also when it was deleted meanwhile */
			json_object_array_add(list, vm);
	}
	json_object_array_sort(list, ivm_vm_compare);
	if (args->json)
		ivm_print_json(list);
	else
		ivm_print_table(list, fields, IVM_COUNT(fields));
	json_object_put(list);
	json_object_put(live);
	ivm_store_names_free(names, count);
	return 0;
}

static void ivm_vm_print_definition(struct json_object *vm)
{
	struct json_object *definition;

	if (!json_object_object_get_ex(vm, "definition", &definition))
		return;
	for (const struct ivm_key *key = ivm_keys; key->name; key++) {
		const struct ivm_field field = {
			.title = key->name, .name = key->name,
			.format = key->type == IVM_KEY_SIZE ? IVM_AS_SIZE :
				  key->type == IVM_KEY_MODULES ? IVM_AS_LIST :
				  !strcmp(key->name, "debug-exit") ? IVM_AS_HEX : IVM_AS_TEXT,
		};

		if (key->type == IVM_KEY_NICS)
			continue;	/* a table of their own */
		/* In the object's own words above already. */
		if (key->type == IVM_KEY_NUMBER || key->type == IVM_KEY_SIZE || key->type == IVM_KEY_CPU ||
		    key->type == IVM_KEY_COSCHED)
			if (!json_object_object_get_ex(vm, "differs", NULL) &&
			    json_object_object_get_ex(vm, key->name, NULL))
				continue;
		ivm_print_fields(definition, &field, 1);
	}
}

static void ivm_vm_print(struct json_object *vm)
{
	static const struct ivm_field fields[] = {
		{ "name", "name", IVM_AS_TEXT }, { "id", "id", IVM_AS_TEXT },
		{ "state", "state", IVM_AS_TEXT }, { "note", "note", IVM_AS_TEXT },
		{ "vcpus", "vcpus", IVM_AS_TEXT }, { "memory", "memory", IVM_AS_SIZE },
		{ "max", "max", IVM_AS_SIZE }, { "debug-exit", "debug-exit", IVM_AS_HEX }, { "started", "started-ns", IVM_AS_TIME },
		{ "run", "run-ns", IVM_AS_DURATION }, { "resets", "resets", IVM_AS_TEXT },
		{ "kernel-bytes", "kernel-bytes", IVM_AS_TEXT }, { "differs", "differs", IVM_AS_LIST },
	};
	static const struct ivm_field threads[] = {
		{ "VCPU", "vcpu", IVM_AS_TEXT }, { "STATE", "vcpu-state", IVM_AS_TEXT },
		{ "CPU", "cpu", IVM_AS_TEXT }, { "TID", "tid", IVM_AS_TEXT },
		{ "GUEST", "guest-ns", IVM_AS_DURATION }, { "HYP", "hyp-ns", IVM_AS_DURATION },
		{ "GANG", "gang-ns", IVM_AS_DURATION }, { "READY", "ready-ns", IVM_AS_DURATION },
	};
	static const struct ivm_field cards[] = {
		{ "NIC", "nic", IVM_AS_TEXT }, { "SWITCH", "switch", IVM_AS_TEXT }, { "VLAN", "vlans", IVM_AS_TEXT },
		{ "MAC", "mac", IVM_AS_TEXT }, { "QUEUES", "queues", IVM_AS_TEXT }, { "MTU", "mtu", IVM_AS_TEXT },
		{ "DEVICE", "ifname", IVM_AS_TEXT },
	};
	struct json_object *list;

	ivm_print_fields(vm, fields, IVM_COUNT(fields));
	ivm_gang_print(vm);
	if (json_object_object_get_ex(vm, "differs", NULL))
		puts("\nDefinition, in force from the next start:");
	ivm_vm_print_definition(vm);
	ivm_room_print(vm);
	list = ivm_cards_model(vm, json_object_object_get(vm, "definition"));
	if (list) {
		putchar('\n');
		ivm_print_table(list, cards, IVM_COUNT(cards));
		json_object_put(list);
	}
	if (json_object_object_get_ex(vm, "list-vcpu", &list) && json_object_array_length(list)) {
		putchar('\n');
		ivm_print_table(list, threads, IVM_COUNT(threads));
	}
	if (json_object_object_get_ex(vm, "list-stat", &list) && json_object_object_length(list)) {
		putchar('\n');
		json_object_object_foreach(list, name, value)
			if (json_object_get_uint64(value))
				printf("%-32s %s\n", name, json_object_get_string(value));
	}
}

int ivm_vm_show(const struct ivm_args *args)
{
	struct json_object *vm;
	int err = ivm_vm_live(args->name, &vm);

	if (!err && !vm) {
		err = ivm_store_exists(args->name);
		err = err < 0 ? err : 0;
	}
	if (err)
		return err;
	vm = ivm_vm_model(args->name, vm);
	if (!vm)
		return ivm_fail(ENOENT, "there is no VM '%s'; ivmctl vm list shows all", args->name);
	if (args->json)
		ivm_print_json(vm);
	else
		ivm_vm_print(vm);
	json_object_put(vm);
	return 0;
}
