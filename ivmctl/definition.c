// SPDX-License-Identifier: GPL-2.0-only
#include "definition.h"

#include "args.h"
#include "fail.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IVM_JSON_DEPTH	6	/* an object of arrays of objects of arrays is all that a definition needs */

#define IVM_KEY(member) offsetof(struct ivm_definition, member)

const struct ivm_key ivm_keys[] = {
	{ .name = "vcpus", .type = IVM_KEY_NUMBER, .offset = IVM_KEY(vcpus), .min = 1, .max = IVM_VCPUS_MAX,
	  .value = "N", .help = "virtual processors, 1 to 64, at most the host's physical cores (default 1)" },
	{ .name = "memory", .type = IVM_KEY_SIZE, .offset = IVM_KEY(memory), .min = IVM_MEMORY_MIN,
	  .max = IVM_MEMORY_MAX, .step = IVM_MEMORY_ALIGN,
	  .value = "SIZE", .help = "memory, a multiple of 2M, like 512M or 4G" },
	{ .name = "max", .type = IVM_KEY_SIZE, .offset = IVM_KEY(max), .min = IVM_MEMORY_MIN,
	  .max = IVM_MEMORY_MAX, .step = IVM_MEMORY_ALIGN, .optional = true,
	  .value = "SIZE", .help = "memory can be set up to this while it runs; without it memory is fixed" },
	{ .name = "kernel", .type = IVM_KEY_PATH, .offset = IVM_KEY(kernel),
	  .value = "FILE", .help = "kernel: Linux bzImage, ELF with PVH note, or multiboot" },
	{ .name = "initrd", .type = IVM_KEY_PATH, .offset = IVM_KEY(initrd), .optional = true,
	  .value = "FILE", .help = "initial ramdisk, or first module" },
	{ .name = "cmdline", .type = IVM_KEY_TEXT, .offset = IVM_KEY(cmdline), .optional = true,
	  .value = "TEXT", .help = "command line of the kernel" },
	{ .name = "modules", .type = IVM_KEY_MODULES, .offset = IVM_KEY(modules), .optional = true,
	  .value = "FILE[ ARGS],...", .help = "modules for a multiboot or PVH kernel" },
	{ .name = "debug-exit", .type = IVM_KEY_NUMBER, .offset = IVM_KEY(debug_exit), .min = 1, .max = 0xfffc,
	  .optional = true,
	  .value = "PORT", .help = "I/O port where a write stops the VM with the value written, like 0xf4" },
	{ .name = "affinity", .type = IVM_KEY_TEXT, .offset = IVM_KEY(affinity), .max = IVM_CPU_LIST_MAX,
	  .optional = true,
	  .value = "LIST", .help = "CPUs whose cores the vCPUs stay on, in their order, like 4,2 or 2-5" },
	{ .name = "cpu", .type = IVM_KEY_CPU, .offset = IVM_KEY(cpu), .optional = true,
	  .value = "FLOOR%[:CAP%]", .help = "of its core each vCPU gets FLOOR when it wants, never more than CAP" },
	{ .name = "cosched", .type = IVM_KEY_COSCHED, .offset = IVM_KEY(cosched), .optional = true,
	  .value = "strict|relaxed|off", .help = "the vCPUs run together or not at all, where it can be, or each for itself" },
	{ .name = "nic", .type = IVM_KEY_NICS, .offset = IVM_KEY(nics), .optional = true,
	  .value = "switch:NAME,vlan:N[,...]", .help = "a network card; may be given again, see below" },
	{ }
};

static const char *const ivm_nic_names[IVM_NICS_MAX] = {
	"nic0", "nic1", "nic2", "nic3", "nic4", "nic5", "nic6", "nic7",
};

/* The number in "nic3"; IVM_NICS_MAX: it is no such name. */
static size_t ivm_nic_index(const char *name)
{
	size_t i;

	for (i = 0; i < IVM_NICS_MAX; i++)
		if (!strcmp(name, ivm_nic_names[i]))
			break;
	return i;
}

const char *ivm_key_name(const char *name)
{
	const struct ivm_key *key = ivm_key_find(name);

	if (!key)
		return NULL;
	return ivm_nic_index(name) < IVM_NICS_MAX ? ivm_nic_names[ivm_nic_index(name)] : key->name;
}

const struct ivm_key *ivm_key_find(const char *name)
{
	if (ivm_nic_index(name) < IVM_NICS_MAX)
		name = "nic";
	for (const struct ivm_key *key = ivm_keys; key->name; key++)
		if (!strcmp(key->name, name))
			return key;
	return NULL;
}

static uint64_t *ivm_key_number(const struct ivm_definition *def, const struct ivm_key *key)
{
	return (uint64_t *)((char *)def + key->offset);
}

static char **ivm_key_text(const struct ivm_definition *def, const struct ivm_key *key)
{
	return (char **)((char *)def + key->offset);
}

static bool ivm_key_is_number(const struct ivm_key *key)
{
	return key->type == IVM_KEY_NUMBER || key->type == IVM_KEY_SIZE;
}

static bool ivm_key_is_share(const struct ivm_key *key)
{
	return key->type == IVM_KEY_CPU || key->type == IVM_KEY_COSCHED;
}

void ivm_definition_init(struct ivm_definition *def, const char *name)
{
	memset(def, 0, sizeof(*def));
	strncpy(def->name, name, IVM_NAME_MAX);
	def->vcpus = 1;
	def->cpu = IVM_CPU_DEFAULT;
}

static void ivm_modules_free(struct ivm_definition *def)
{
	while (def->nr_modules)
		free(def->modules[--def->nr_modules]);
}

void ivm_definition_free(struct ivm_definition *def)
{
	ivm_modules_free(def);
	for (const struct ivm_key *key = ivm_keys; key->name; key++) {
		if (key->type != IVM_KEY_PATH && key->type != IVM_KEY_TEXT)
			continue;
		free(*ivm_key_text(def, key));
		*ivm_key_text(def, key) = NULL;
	}
}

/* Range and step of a number; @found is how the user wrote it. */
static int ivm_key_check_number(const struct ivm_key *key, uint64_t number, const char *found)
{
	char min[IVM_SIZE_TEXT], max[IVM_SIZE_TEXT], step[IVM_SIZE_TEXT];

	if (number < key->min || number > key->max) {
		if (key->type == IVM_KEY_SIZE)
			return ivm_fail(EINVAL, "%s is %s; expected %s to %s", key->name, found,
					ivm_size_text(key->min, min), ivm_size_text(key->max, max));
		return ivm_fail(EINVAL, "%s is %s; expected %llu to %llu", key->name, found,
				(unsigned long long)key->min, (unsigned long long)key->max);
	}
	if (key->step && number % key->step)
		return ivm_fail(EINVAL, "%s is %s; expected a multiple of %s", key->name, found,
				ivm_size_text(key->step, step));
	return 0;
}

/* Texts reach kernels, terminals and logs: no control bytes, bounded length. */
static int ivm_key_check_text(const struct ivm_key *key, const char *text)
{
	size_t length = strlen(text), max = key->max ? key->max : IVM_CMDLINE_MAX - 1;

	if (length > max)
		return ivm_fail(EINVAL, "%s has %zu bytes; expected at most %zu", key->name, length, max);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return ivm_fail(EINVAL, "%s has a control character (byte 0x%02x at position %zu)",
					key->name, (unsigned char)*c, (size_t)(c - text) + 1);
	if (key->type == IVM_KEY_TEXT)
		return 0;
	if (text[0] != '/')
		return ivm_fail(EINVAL, "%s is '%.100s'; expected an absolute path", key->name, text);
	return 0;
}

/* A path as typed becomes absolute, because ivmctl may start the VM from elsewhere. */
static char *ivm_key_complete(const struct ivm_key *key, const char *value)
{
	char *here, *text;

	if (key->type == IVM_KEY_TEXT || value[0] == '/' || !value[0])
		return ivm_strdup(value);
	here = getcwd(NULL, 0);
	text = ivm_format("%s%s%s", here ?: "", here && here[1] ? "/" : "", value);
	free(here);
	return text;
}

/* Takes over @text. */
static int ivm_key_add_module(struct ivm_definition *def, const struct ivm_key *key, char *text)
{
	int err = ivm_key_check_text(key, text);

	if (!err && def->nr_modules == IVM_MODULES_MAX)
		err = ivm_fail(EINVAL, "%s names more than %d files", key->name, IVM_MODULES_MAX);
	if (err) {
		free(text);
		return err;
	}
	def->modules[def->nr_modules++] = text;
	return 0;
}

/* Replace the modules by those in @list; on failure the old ones stay. */
static int ivm_key_set_modules(struct ivm_definition *def, const struct ivm_key *key, const char *list)
{
	struct ivm_definition new = { 0 };
	char *copy = ivm_strdup(list), *rest = copy, *word;
	int err = 0;

	while (!err && (word = strsep(&rest, ",")))
		if (*list)
			err = ivm_key_add_module(&new, key, ivm_key_complete(key, word));
	free(copy);
	if (err) {
		ivm_modules_free(&new);
		return err;
	}
	ivm_modules_free(def);
	memcpy(def->modules, new.modules, sizeof(new.modules));
	def->nr_modules = new.nr_modules;
	return 0;
}

/* ---- cards ---- */

/* Put the number of the card in front of the sentence. */
static int ivm_nic_fail(int err, size_t index)
{
	return err ? ivm_fail(-err, "nic%zu: %s", index, ivm_failure()) : 0;
}

/* Change card @index, or add it. */
static int ivm_key_set_nic(struct ivm_definition *def, size_t index, const char *words)
{
	struct ivm_nic nic = { 0 };
	int err;

	if (index >= IVM_NICS_MAX)
		return ivm_fail(EINVAL, "nic is given more than %d times; a VM has at most so many cards", IVM_NICS_MAX);
	if (index > def->nr_nics)
		return ivm_fail(EINVAL, "nic%zu is not the next card; there are %zu", index, def->nr_nics);
	if (index < def->nr_nics)
		nic = def->nics[index];
	err = ivm_nic_fail(ivm_nic_text(&nic, words), index);
	if (err)
		return err;
	def->nics[index] = nic;
	if (index == def->nr_nics)
		def->nr_nics++;
	return 0;
}

static int ivm_key_remove_nic(struct ivm_definition *def, size_t index)
{
	if (index >= def->nr_nics)
		return ivm_fail(EINVAL, "nic%zu is not there; there are %zu cards", index, def->nr_nics);
	def->nr_nics--;
	memmove(&def->nics[index], &def->nics[index + 1], (def->nr_nics - index) * sizeof(def->nics[0]));
	return 0;
}

/* "nic" or "nic3", with or without a value. */
static int ivm_key_set_nics(struct ivm_definition *def, const char *name, const char *value)
{
	size_t index = ivm_nic_index(name);

	if (index == IVM_NICS_MAX && !*value) {
		def->nr_nics = 0;
		return 0;
	}
	if (index == IVM_NICS_MAX)
		return ivm_key_set_nic(def, def->nr_nics, value);
	return *value ? ivm_key_set_nic(def, index, value) : ivm_key_remove_nic(def, index);
}

static int ivm_definition_check_nics(const struct ivm_definition *def)
{
	char mac[IVM_MAC_TEXT];

	for (size_t i = 0; i < def->nr_nics; i++) {
		int err = ivm_nic_fail(ivm_nic_check(&def->nics[i], def->vcpus), i);

		if (err)
			return err;
		for (size_t j = 0; j < i; j++)
			if (def->nics[i].has_mac && def->nics[j].has_mac &&
			    !memcmp(def->nics[i].mac, def->nics[j].mac, IVM_MAC_LEN))
				return ivm_fail(EINVAL, "nic%zu and nic%zu both have mac %s; each card needs its own", j, i,
						ivm_mac_text(def->nics[i].mac, mac));
	}
	return 0;
}

static int ivm_key_set_number(struct ivm_definition *def, const struct ivm_key *key, const char *value)
{
	uint64_t number;
	int err;

	if (key->type == IVM_KEY_SIZE)
		err = ivm_parse_size(value, &number);
	else
		err = ivm_parse_number(value, &number);
	if (err)
		return ivm_fail(EINVAL, "%s is '%.100s'; expected %s", key->name, value,
				key->type == IVM_KEY_SIZE ? "a size like 512M or 4G" : "a number");
	err = ivm_key_check_number(key, number, value);
	if (err)
		return err;
	*ivm_key_number(def, key) = number;
	return 0;
}

/* Takes over @text. */
static int ivm_key_set_text(struct ivm_definition *def, const struct ivm_key *key, char *text)
{
	int err = ivm_key_check_text(key, text);

	if (err) {
		free(text);
		return err;
	}
	free(*ivm_key_text(def, key));
	*ivm_key_text(def, key) = text;
	return 0;
}

/* The keys that say how the VM shares cores. */
static int ivm_key_set_share(struct ivm_definition *def, const struct ivm_key *key, const char *value)
{
	int err;

	if (key->type == IVM_KEY_COSCHED)
		return ivm_cosched_parse(key->name, value, &def->cosched);
	err = ivm_cpu_parse(key->name, value, &def->cpu);
	if (!err)
		def->has_cpu = true;
	return err;
}

/* Take away what was said, so that the module's own choice holds. */
static void ivm_key_remove(struct ivm_definition *def, const struct ivm_key *key)
{
	switch (key->type) {
	case IVM_KEY_NUMBER:
	case IVM_KEY_SIZE:
		*ivm_key_number(def, key) = 0;
		break;
	case IVM_KEY_CPU:
		def->has_cpu = false;
		def->cpu = IVM_CPU_DEFAULT;
		break;
	case IVM_KEY_COSCHED:
		def->cosched = 0;
		break;
	default:
		free(*ivm_key_text(def, key));
		*ivm_key_text(def, key) = NULL;
		break;
	}
}

int ivm_definition_set(struct ivm_definition *def, const char *name, const char *value)
{
	const struct ivm_key *key = ivm_key_find(name);

	if (!key)
		return ivm_usage("there is no key '%.60s'; see: ivmctl help vm", name);
	if (!*value && !key->optional)
		return ivm_fail(EINVAL, "%s needs a value: %s", key->name, key->value);
	if (key->type == IVM_KEY_MODULES)
		return ivm_key_set_modules(def, key, value);
	if (key->type == IVM_KEY_NICS)
		return ivm_key_set_nics(def, name, value);
	if (!*value) {
		ivm_key_remove(def, key);
		return 0;
	}
	if (ivm_key_is_number(key))
		return ivm_key_set_number(def, key, value);
	if (ivm_key_is_share(key))
		return ivm_key_set_share(def, key, value);
	return ivm_key_set_text(def, key, ivm_key_complete(key, value));
}

static int ivm_definition_check_max(const struct ivm_definition *def)
{
	char memory[IVM_SIZE_TEXT], max[IVM_SIZE_TEXT];

	if (!def->max || def->max >= def->memory)
		return 0;
	return ivm_fail(EINVAL, "max is %s, and memory is %s; give max=%s or more, or a smaller memory",
			ivm_size_text(def->max, max), ivm_size_text(def->memory, memory), memory);
}

int ivm_definition_check(const struct ivm_definition *def)
{
	for (const struct ivm_key *key = ivm_keys; key->name; key++) {
		bool given = true;

		if (key->optional)
			continue;
		if (ivm_key_is_number(key))
			given = *ivm_key_number(def, key) != 0;
		else if (key->type == IVM_KEY_PATH || key->type == IVM_KEY_TEXT)
			given = *ivm_key_text(def, key) != NULL;
		if (!given)
			return ivm_fail(EINVAL, "%s is missing; give %s=%s", key->name, key->name, key->value);
	}
	return ivm_definition_check_max(def) ?: ivm_definition_check_nics(def);
}

/* A JSON string without NUL inside, or NULL with a sentence. */
static const char *ivm_json_text(const struct ivm_key *key, struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string)) {
		ivm_fail(EINVAL, "%s is of type %s; expected a string", key->name,
			 json_type_to_name(json_object_get_type(value)));
		return NULL;
	}
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value)) {
		ivm_fail(EINVAL, "%s contains a NUL character", key->name);
		return NULL;
	}
	return text;
}

static int ivm_json_set_number(struct ivm_definition *def, const struct ivm_key *key, struct json_object *value)
{
	const char *text;

	if (json_object_is_type(value, json_type_string)) {
		text = ivm_json_text(key, value);
		return text ? ivm_key_set_number(def, key, text) : -EINVAL;
	}
	if (!json_object_is_type(value, json_type_int))
		return ivm_fail(EINVAL, "%s is of type %s; expected a whole number", key->name,
				json_type_to_name(json_object_get_type(value)));
	if (json_object_get_int64(value) < 0)
		return ivm_fail(EINVAL, "%s is negative; expected %llu or more", key->name,
				(unsigned long long)key->min);
	/* Numbers beyond 64 bits arrive here as UINT64_MAX, which no key allows. */
	text = json_object_get_string(value);
	if (ivm_key_check_number(key, json_object_get_uint64(value), text))
		return -EINVAL;
	*ivm_key_number(def, key) = json_object_get_uint64(value);
	return 0;
}

static int ivm_json_set_modules(struct ivm_definition *def, const struct ivm_key *key, struct json_object *value)
{
	int err;

	if (!json_object_is_type(value, json_type_array))
		return ivm_fail(EINVAL, "%s is of type %s; expected an array of strings", key->name,
				json_type_to_name(json_object_get_type(value)));
	ivm_modules_free(def);
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		const char *text = ivm_json_text(key, json_object_array_get_idx(value, i));

		if (!text)
			return -EINVAL;
		err = ivm_key_add_module(def, key, ivm_strdup(text));
		if (err)
			return err;
	}
	return 0;
}

static int ivm_json_set_nics(struct ivm_definition *def, const struct ivm_key *key, struct json_object *value)
{
	int err;

	if (!json_object_is_type(value, json_type_array))
		return ivm_fail(EINVAL, "%s is of type %s; expected an array of objects", key->name,
				json_type_to_name(json_object_get_type(value)));
	if (json_object_array_length(value) > IVM_NICS_MAX)
		return ivm_fail(EINVAL, "%s has %zu cards; expected at most %d", key->name,
				json_object_array_length(value), IVM_NICS_MAX);
	def->nr_nics = 0;
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		memset(&def->nics[i], 0, sizeof(def->nics[i]));
		err = ivm_nic_fail(ivm_nic_json(&def->nics[i], json_object_array_get_idx(value, i)), i);
		if (err)
			return err;
		def->nr_nics++;
	}
	return 0;
}

static int ivm_json_set(struct ivm_definition *def, const char *name, struct json_object *value)
{
	const struct ivm_key *key = ivm_key_find(name);
	const char *text;

	if (!key || strcmp(key->name, name))
		return ivm_fail(EINVAL, "there is no key '%.60s'", name);
	if (key->type == IVM_KEY_NICS)
		return ivm_json_set_nics(def, key, value);
	if (ivm_key_is_number(key))
		return ivm_json_set_number(def, key, value);
	if (key->type == IVM_KEY_MODULES)
		return ivm_json_set_modules(def, key, value);
	text = ivm_json_text(key, value);
	if (!text)
		return -EINVAL;
	return ivm_key_is_share(key) ? ivm_key_set_share(def, key, text) : ivm_key_set_text(def, key, ivm_strdup(text));
}

int ivm_definition_parse(struct ivm_definition *def, const char *text, size_t length, const char *where)
{
	struct json_tokener *tokener = json_tokener_new_ex(IVM_JSON_DEPTH);
	struct json_object *root;
	size_t end;
	int err = 0;

	if (!tokener)
		return ivm_fail(ENOMEM, "out of memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, text, (int)length);
	end = json_tokener_get_parse_end(tokener);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		err = ivm_fail(EINVAL, "%s is not valid JSON: %s (byte %zu)", where,
			       json_tokener_get_error(tokener) == json_tokener_continue ?
			       "it ends too early" : json_tokener_error_desc(json_tokener_get_error(tokener)),
			       end + 1);
		goto out;
	}
	while (end < length && strchr(" \t\r\n", text[end]) && text[end])
		end++;
	if (end < length) {
		err = ivm_fail(EINVAL, "%s has something behind its JSON object (byte %zu)", where, end + 1);
		goto out;
	}
	if (!json_object_is_type(root, json_type_object)) {
		err = ivm_fail(EINVAL, "%s holds JSON of type %s; expected an object", where,
			       json_type_to_name(json_object_get_type(root)));
		goto out;
	}
	json_object_object_foreach(root, name, value) {
		err = ivm_json_set(def, name, value);
		if (err)
			break;
	}
	if (!err)
		err = ivm_definition_check(def);
	if (err) {
		char *why = ivm_strdup(ivm_failure());

		err = ivm_fail(-err, "%s: %s", where, why);
		free(why);
	}
out:
	json_object_put(root);
	json_tokener_free(tokener);
	return err;
}

/* A member of the JSON object, or NULL when the key is not given. */
static struct json_object *ivm_key_json(const struct ivm_definition *def, const struct ivm_key *key)
{
	struct json_object *list = NULL;
	char text[IVM_CPU_TEXT];

	switch (key->type) {
	case IVM_KEY_NUMBER:
	case IVM_KEY_SIZE:
		return *ivm_key_number(def, key) ? json_object_new_uint64(*ivm_key_number(def, key)) : NULL;
	case IVM_KEY_CPU:
		return def->has_cpu ? json_object_new_string(ivm_cpu_text(&def->cpu, text)) : NULL;
	case IVM_KEY_COSCHED:
		return def->cosched ? json_object_new_string(ivm_cosched_names[def->cosched]) : NULL;
	case IVM_KEY_MODULES:
		if (def->nr_modules)
			list = json_object_new_array();
		for (size_t i = 0; i < def->nr_modules; i++)
			json_object_array_add(list, json_object_new_string(def->modules[i]));
		return list;
	case IVM_KEY_NICS:
		if (def->nr_nics)
			list = json_object_new_array();
		for (size_t i = 0; i < def->nr_nics; i++)
			json_object_array_add(list, ivm_nic_as_json(&def->nics[i]));
		return list;
	case IVM_KEY_PATH:
	case IVM_KEY_TEXT:
		break;
	}
	return *ivm_key_text(def, key) ? json_object_new_string(*ivm_key_text(def, key)) : NULL;
}

struct json_object *ivm_definition_json(const struct ivm_definition *def)
{
	struct json_object *root = json_object_new_object();

	for (const struct ivm_key *key = ivm_keys; key->name; key++) {
		struct json_object *value = ivm_key_json(def, key);

		if (value)
			json_object_object_add(root, key->name, value);
	}
	return root;
}

/* ---- for the command line ---- */

static const char *ivm_definition_find(const char *word, bool *again)
{
	*again = !strcmp(word, "nic");
	return ivm_key_name(word);
}

static bool ivm_definition_row(size_t i, const char **name, const char **value, const char **help, bool *optional)
{
	const struct ivm_key *key = &ivm_keys[i];

	if (!key->name)
		return false;
	*name = key->name;
	*value = key->value;
	*help = key->help;
	*optional = key->optional;
	return true;
}

const struct ivm_vocabulary ivm_definition_vocabulary = {
	.title = "Keys (KEY=VALUE, or --KEY VALUE; an optional key is removed by KEY=):",
	.find = ivm_definition_find,
	.row = ivm_definition_row,
	.note = "\nOf a VM that exists vm set changes cpu and cosched at once, and memory and max if it runs and was started\n"
		"with max; all else is in force from the next start. For memory it waits until the guest has given or\n"
		"taken it; what is not there by the timeout is not waited for: memory is then set to what was reached.\n"
		"cpu=25% promises a quarter of a core and sets no cap, cpu=0%:50% sets a cap alone.\n\n"
		"A card is nic=switch:NAME,vlan:N with, as needed, mac, queues, mtu, ip (again for each address),\n"
		"trunk, native, isolated, guard, macs, serves, learn, storm-..., rate-in, rate-out, mode: as\n"
		"ivmctl help port explains them. Words are separated by commas, elements of a list inside by +.\n"
		"vm set NAME nic=... replaces all cards; nic0=vlan:20 changes what it names of the first card,\n"
		"nicI= removes card I. A card keeps its address unless another is given.",
};
