// SPDX-License-Identifier: GPL-2.0-only
#include "args.h"

#include "fail.h"
#include "text.h"
#include "values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct ivm_option *ivm_args_find(const struct ivm_command *command, const char *name)
{
	for (const struct ivm_option *option = command->options; option && option->name; option++)
		if (!strcmp(option->name, name))
			return option;
	return NULL;
}

/* The key of the command's vocabulary that @word names, or NULL. */
static const char *ivm_args_key(const struct ivm_command *command, const char *word, bool *again)
{
	*again = false;
	return command->keys ? command->keys->find(word, again) : NULL;
}

static int ivm_args_add(struct ivm_args *args, const char *key, const char *value, bool again)
{
	if (!again && ivm_args_get(args, key))
		return ivm_usage("%s is given twice", key);
	if (args->count == IVM_ARGS_MAX)
		return ivm_usage("there are more than %d settings", IVM_ARGS_MAX);
	args->items[args->count].key = key;
	args->items[args->count++].value = value;
	return 0;
}

static int ivm_args_unknown(const struct ivm_command *command, const char *what, const char *word)
{
	return ivm_usage("'%s%s%s' has no %s '%.60s'; see: ivmctl help %s", command->noun,
			 command->verb ? " " : "", command->verb ?: "", what, word, command->noun);
}

/* "--option", "--option=value", or "--option" followed by its value in @next. *used: words taken. */
static int ivm_args_option(const struct ivm_command *command, char *word, const char *next, int *used,
			   struct ivm_args *args)
{
	char *value = strchr(word, '=');
	const struct ivm_option *option;
	const char *name, *key;
	bool flag = false, again;

	*used = 1;
	if (value)
		*value++ = '\0';
	option = ivm_args_find(command, word + 2);
	key = ivm_args_key(command, word + 2, &again);
	if (!strcmp(word, "--json") && !value) {
		args->json = true;
		return 0;
	}
	if (option) {
		name = option->name;
		flag = !option->value;
	} else if (key) {
		name = key;
	} else {
		return ivm_args_unknown(command, "option", word);
	}
	if (flag && value)
		return ivm_usage("--%s takes no value", name);
	if (!flag && !value) {
		if (!next)
			return ivm_usage("--%s needs a value", name);
		*used = 2;
		return ivm_args_add(args, name, next, again);
	}
	return ivm_args_add(args, name, value ?: "", again);
}

/* "key=value", where @equals is the sign between them. */
static int ivm_args_setting(const struct ivm_command *command, char *word, char *equals, struct ivm_args *args)
{
	const struct ivm_option *option;
	const char *key;
	bool again;

	*equals = '\0';
	option = ivm_args_find(command, word);
	key = ivm_args_key(command, word, &again);
	if (option && option->value)
		return ivm_args_add(args, option->name, equals + 1, false);
	if (key)
		return ivm_args_add(args, key, equals + 1, again);
	return ivm_args_unknown(command, "key", word);
}

/* One word that is neither option nor setting. */
static int ivm_args_operand(const struct ivm_command *command, const char *word, struct ivm_args *args)
{
	if (command->operand != IVM_OPERAND_NONE && !args->name)
		args->name = word;
	else if (command->operand == IVM_OPERAND_SWITCH_PORT && !args->second)
		args->second = word;
	else
		return ivm_usage("the word '%.60s' is one too many; see: ivmctl help %s", word, command->noun);
	return 0;
}

static int ivm_args_missing(const struct ivm_command *command, const char *what)
{
	char *usage = ivm_usage_text(command);
	int err = ivm_usage("the name of the %s is missing; usage: ivmctl %s", what, usage);

	free(usage);
	return err;
}

static int ivm_args_check_device(const char *what, const char *name, size_t size)
{
	if (*name && strlen(name) < size && !strpbrk(name, "/: \t\n"))
		return 0;
	return ivm_fail(EINVAL, "the name of the %s is '%.40s'; expected 1 to %zu characters without / : and blanks",
			what, name, size - 1);
}

/* Are the operands there, and can they be what they stand for? */
static int ivm_args_check(const struct ivm_command *command, const struct ivm_args *args)
{
	int err;

	switch (command->operand) {
	case IVM_OPERAND_NAME:
		return args->name ? ivm_check_name(args->name) : ivm_args_missing(command, "VM");
	case IVM_OPERAND_PORT:
		return args->name ? ivm_args_check_device("port", args->name, IVM_DEVICE_TEXT) :
				    ivm_args_missing(command, "port");
	case IVM_OPERAND_SWITCH:
	case IVM_OPERAND_SWITCH_PORT:
		if (!args->name)
			return ivm_args_missing(command, "switch");
		err = ivm_args_check_device("switch", args->name, IVM_DEVICE_TEXT);
		if (err || command->operand == IVM_OPERAND_SWITCH)
			return err;
		return args->second ? ivm_args_check_device("port", args->second, IVM_DEVICE_TEXT) :
				      ivm_args_missing(command, "port");
	case IVM_OPERAND_NONE:
	case IVM_OPERAND_NOUN:
		break;
	}
	return 0;
}

int ivm_args_parse(const struct ivm_command *command, int argc, char **argv, struct ivm_args *args)
{
	int err = 0, used = 1;

	for (int i = 0; i < argc && !err; i += used) {
		char *word = argv[i], *equals = strchr(word, '=');

		used = 1;
		if (!strncmp(word, "--", 2) && word[2])
			err = ivm_args_option(command, word, i + 1 < argc ? argv[i + 1] : NULL, &used, args);
		else if (equals)
			err = ivm_args_setting(command, word, equals, args);
		else
			err = ivm_args_operand(command, word, args);
	}
	return err ?: ivm_args_check(command, args);
}

const char *ivm_args_get(const struct ivm_args *args, const char *key)
{
	for (size_t i = 0; i < args->count; i++)
		if (!strcmp(args->items[i].key, key))
			return args->items[i].value;
	return NULL;
}

int ivm_args_seconds(const struct ivm_args *args, const char *key, uint64_t otherwise, uint64_t *seconds)
{
	const char *text = ivm_args_get(args, key);

	*seconds = otherwise;
	if (text && (ivm_parse_number(text, seconds) || *seconds > 86400))
		return ivm_fail(EINVAL, "%s is '%.40s'; expected a number of seconds, 0 to 86400", key, text);
	return 0;
}
