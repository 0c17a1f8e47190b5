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

struct ivm_definition;
struct ivm_nl;

struct ivm_live {
	struct ivm_nl		*nl;	/* NULL: no module */
	struct json_object	*vm;	/* as it was; NULL: the module does not know it */
	const char		*name;
	bool			cpu, cosched;	/* what changes */
	bool			changed;
};

/* Can the key be changed while the VM exists? */
bool ivm_live_key(const char *key);

/**
 * ivm_live_open() - look whether the VM exists
 *
 * Return: 0, also when there is no such VM or no module; negative errno. Close it in any case.
 */
int ivm_live_open(struct ivm_live *live, const char *name);
void ivm_live_close(struct ivm_live *live);

/* Change it to what @def says, of the keys that live->cpu and live->cosched name. Return: 0, or the module's refusal. */
int ivm_live_set(struct ivm_live *live, const struct ivm_definition *def);

/* The definition could not be written: put the VM back. Return: @err, with a sentence that says how it is now. */
int ivm_live_undo(struct ivm_live *live, int err);

#endif
