/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VM is meant to be: the model behind the files in /etc/ivm/vms, the
 * key=value words of the command line, and --json. One table of keys (name,
 * type, range) serves all of them.
 */
#ifndef IVM_DEFINITION_H
#define IVM_DEFINITION_H

#include "cpu.h"
#include "nic.h"

#include <json-c/json.h>
#include <linux/ivm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVM_CMDLINE_MAX	4096	/* bytes of a command line, with the NUL; a kernel may take less */
#define IVM_MODULES_MAX	16

/* Zeroed by ivm_definition_init(); strings are owned by it. */
struct ivm_definition {
	char		name[IVM_NAME_MAX + 1];
	uint64_t	vcpus;
	uint64_t	memory;		/* bytes */
	uint64_t	max;		/* bytes up to which it may grow while it runs; 0: it is fixed */
	char		*kernel;	/* absolute path; NULL until given */
	char		*initrd;	/* absolute path, or NULL */
	char		*cmdline;	/* or NULL */
	char		*modules[IVM_MODULES_MAX]; /* "PATH" or "PATH ARGUMENTS" */
	size_t		nr_modules;
	uint64_t	debug_exit;	/* I/O port, 0: no such device */
	char		*affinity;	/* list of CPUs, or NULL */
	bool		has_cpu;	/* else cpu is what holds where nothing was said */
	struct ivm_cpu	cpu;
	uint32_t	cosched;	/* enum ivm_cosched, 0: nothing was said */
	size_t		nr_nics;
	struct ivm_nic	nics[IVM_NICS_MAX];
};

enum ivm_key_type {
	IVM_KEY_NUMBER,
	IVM_KEY_SIZE,		/* JSON: bytes, or text like "512M" */
	IVM_KEY_PATH,
	IVM_KEY_TEXT,
	IVM_KEY_CPU,		/* floor and cap; JSON: text, as on the command line */
	IVM_KEY_COSCHED,	/* likewise */
	IVM_KEY_MODULES,	/* JSON: array; text: separated by commas */
	IVM_KEY_NICS,		/* JSON: array of objects; text: one card, nicI= for the card of that number */
};

struct ivm_key {
	const char		*name;
	enum ivm_key_type	type;
	size_t			offset;		/* in struct ivm_definition */
	uint64_t		min, max;	/* of a number or size */
	uint64_t		step;		/* a size must be a multiple of it */
	bool			optional;	/* the empty text removes it */
	const char		*value;		/* what a value looks like */
	const char		*help;
};

extern const struct ivm_key ivm_keys[];		/* ends with an entry without name */

/* The key called @name ("nic3" is a name of nic), or NULL. Records no sentence. */
const struct ivm_key *ivm_key_find(const char *name);

/* @name as a text that stays, "nic3" too; NULL when there is no such key. */
const char *ivm_key_name(const char *name);

/* Empty, with the defaults (one vCPU); @name was checked by ivm_check_name(). */
void ivm_definition_init(struct ivm_definition *def, const char *name);

/* Free what it owns; may be called twice. */
void ivm_definition_free(struct ivm_definition *def);

/**
 * ivm_definition_set() - one key=value of the command line
 *
 * Return: 0; -EINVAL when the value is bad; IVM_USAGE for an unknown key. @def
 * is unchanged then. A relative path is completed with the current directory.
 *
 * nic= adds a card, or without a value takes all away. nicI= changes what it
 * names of card I (or adds it, if I is the number of cards), and without a value
 * takes it away; those behind it move up.
 */
int ivm_definition_set(struct ivm_definition *def, const char *key, const char *value);

/* Is everything there that a VM needs? Return: 0, or -EINVAL with a sentence that names the key. */
int ivm_definition_check(const struct ivm_definition *def);

/**
 * ivm_definition_parse() - the text of a definition file
 * @text:	need not end with a NUL
 * @where:	named in the sentence on failure
 *
 * Return: 0, or -EINVAL: no JSON object, an unknown key, a value of wrong type
 * or out of range, a missing key. @def was initialised; free it in any case.
 */
int ivm_definition_parse(struct ivm_definition *def, const char *text, size_t length, const char *where);

/* As JSON object, in the order of the table; keys not given are left out. The caller owns it. */
struct json_object *ivm_definition_json(const struct ivm_definition *def);

#endif
