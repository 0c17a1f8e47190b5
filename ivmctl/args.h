/* SPDX-License-Identifier: GPL-2.0-only */
/* What a command line may say (struct ivm_command, the table is in main.c) and what it said (struct ivm_args). */
#ifndef IVM_ARGS_H
#define IVM_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVM_ARGS_MAX 64

struct ivm_option {
	const char *name;	/* written --name, or name=value */
	const char *value;	/* what its value looks like; NULL: a flag, only --name */
	const char *help;
};

enum ivm_operand {
	IVM_OPERAND_NONE,
	IVM_OPERAND_NAME,	/* the name of a VM */
	IVM_OPERAND_NOUN,	/* any word, may be left out */
	IVM_OPERAND_SWITCH,	/* the name of a switch */
	IVM_OPERAND_PORT,	/* the name of a port */
	IVM_OPERAND_SWITCH_PORT, /* a switch, and a device to be its port */
};

/* Keys that key=value may name: of definitions, of ports. */
struct ivm_vocabulary {
	const char *title;
	/* @word as a text that stays, NULL: no such key. *again: it may be given more than once. */
	const char *(*find)(const char *word, bool *again);
	/* Row @i of the table. Return: false behind the last one. */
	bool (*row)(size_t i, const char **name, const char **value, const char **help, bool *optional);
	const char *note;	/* printed under the table, or NULL */
};

/* definition.c and settings.c */
extern const struct ivm_vocabulary ivm_definition_vocabulary, ivm_port_vocabulary;

struct ivm_args;

struct ivm_command {
	const char		*noun;
	const char		*verb;		/* NULL: the noun is the command */
	enum ivm_operand	operand;
	const struct ivm_vocabulary *keys;	/* takes key=value; or NULL */
	bool			changes;	/* logged with its outcome */
	const struct ivm_option	*options;	/* NULL, or ends with an entry without name */
	const char		*help;
	int (*run)(const struct ivm_args *args);	/* 0, negative errno or IVM_USAGE with a sentence */
};

struct ivm_args {
	bool		json;
	const char	*name;		/* operand, or NULL */
	const char	*second;	/* second operand, or NULL */
	size_t		count;
	struct {
		const char *key;	/* points at its table, not at the command line */
		const char *value;	/* "" for a flag */
	} items[IVM_ARGS_MAX];
};

/*
 * Understand the words after noun and verb. Words live as long as argv, which
 * is modified: '=' becomes NUL. Return: 0; IVM_USAGE; -EINVAL for a name that cannot be one.
 */
int ivm_args_parse(const struct ivm_command *command, int argc, char **argv, struct ivm_args *args);

/* The value given for @key, "" for a flag that was given, NULL when it was not. */
const char *ivm_args_get(const struct ivm_args *args, const char *key);

/* A number of seconds given for @key, or @otherwise. Return: 0, or -EINVAL. */
int ivm_args_seconds(const struct ivm_args *args, const char *key, uint64_t otherwise, uint64_t *seconds);

/* ---- help.c: everything below is printed from the table ---- */

/* The usage of one command, as "vm start NAME [--console]", for free(). */
char *ivm_usage_text(const struct ivm_command *command);

/* Help on everything (@noun NULL) or on one noun; IVM_USAGE when it does not exist. */
int ivm_help_print(const struct ivm_command *table, const char *noun);

/* One line per command for shell completion: noun, verb, then NAME, key= and --option words. */
void ivm_help_complete(const struct ivm_command *table);

#endif
