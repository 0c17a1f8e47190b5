/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What "vm set" changes of a VM that exists in the module. The module comes
 * first, so that its refusal changes nothing; when the definition cannot be
 * written afterwards, the VM is put back as it was.
 */
#ifndef IVM_LIVE_H
#define IVM_LIVE_H

#include "cpu.h"

#include <json-c/json.h>
#include <stdbool.h>

struct ivm_args;
struct ivm_definition;
struct ivm_nl;

struct ivm_live {
	struct ivm_nl		*nl;	/* NULL: no module */
	struct json_object	*vm;	/* as it was; NULL: the module does not know it */
	const char		*name;
	bool			cpu, cosched, memory, max;	/* what changes */
	bool			changed;
};

/* Does its state say that @vm exists only as a record of how it ended, or not yet? */
bool ivm_vm_is_idle(struct json_object *vm);

/**
 * ivm_live_open() - look whether the VM exists
 *
 * Return: 0, also when there is no such VM or no module; negative errno. Close it in any case.
 */
int ivm_live_open(struct ivm_live *live, const char *name);
void ivm_live_close(struct ivm_live *live);

/**
 * ivm_live_choose() - which of the keys in @args change the VM at once
 * Shares of a VM that exists; memory and max while it runs, and was started with max.
 *
 * Return: 0, or -EBUSY with a sentence: its memory is fixed.
 */
int ivm_live_choose(struct ivm_live *live, const struct ivm_args *args, const struct ivm_definition *def);

/* Was @key chosen? Else it is of the next start. */
bool ivm_live_has(const struct ivm_live *live, const char *key);

/* Change it to what @def says, of the keys that were chosen. Return: 0, or the module's refusal. */
int ivm_live_set(struct ivm_live *live, const struct ivm_definition *def);

/* The definition could not be written: put the VM back. Return: @err, with a sentence that says how it is now. */
int ivm_live_undo(struct ivm_live *live, int err);

#endif
