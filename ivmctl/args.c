// SPDX-License-Identifier: GPL-2.0-only
#include "args.h"

#include "definition.h"
#include "fail.h"
#include "text.h"

#include <errno.h>
#include <string.h>

static const struct ivm_option *ivm_args_find(const struct ivm_command *command, const char *name)
{
	for (const struct ivm_option *option = command->options; option && option->name; option++)
		if (!strcmp(option->name, name))
			return option;
	return NULL;
}

static int ivm_args_add(struct ivm_args *args, const char *key, const char *value)
{
	if (ivm_args_get(args, key))
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
	const struct ivm_key *key;
	const char *name;
	bool flag = false;

	*used = 1;
	if (value)
		*value++ = '\0';
	option = ivm_args_find(command, word + 2);
	key = command->keys ? ivm_key_find(word + 2) : NULL;
	if (!strcmp(word, "--json") && !value) {
		args->json = true;
		return 0;
	}
	if (option) {
		name = option->name;
		flag = !option->value;
	} else if (key) {
		name = key->name;
	} else {
		return ivm_args_unknown(command, "option", word);
	}
	if (flag && value)
		return ivm_usage("--%s takes no value", name);
	if (!flag && !value) {
		if (!next)
			return ivm_usage("--%s needs a value", name);
		*used = 2;
		return ivm_args_add(args, name, next);
	}
	return ivm_args_add(args, name, value ?: "");
}

/* "key=value", where @equals is the sign between them. */
static int ivm_args_setting(const struct ivm_command *command, char *word, char *equals, struct ivm_args *args)
{
	const struct ivm_option *option;
	const struct ivm_key *key;

	*equals = '\0';
	option = ivm_args_find(command, word);
	key = command->keys ? ivm_key_find(word) : NULL;
	if (option && option->value)
		return ivm_args_add(args, option->name, equals + 1);
	if (key)
		return ivm_args_add(args, key->name, equals + 1);
	return ivm_args_unknown(command, "key", word);
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
		else if (command->operand == IVM_OPERAND_NONE || args->name)
			err = ivm_usage("the word '%.60s' is one too many; see: ivmctl help %s", word, command->noun);
		else
			args->name = word;
	}
	if (err)
		return err;
	if (command->operand == IVM_OPERAND_NAME) {
		if (!args->name)
			return ivm_usage("the name of the VM is missing; usage: ivmctl %s %s NAME ...",
					 command->noun, command->verb);
		return ivm_check_name(args->name);
	}
	return 0;
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
