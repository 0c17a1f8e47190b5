/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting until a guest has given or taken the memory that "vm set" asked for.
 * Who does not want to wait any longer gets what was reached: the VM and its
 * definition are set to that, so that nothing goes on when nobody looks.
 */
#ifndef IVM_FOLLOW_H
#define IVM_FOLLOW_H

#include <json-c/json.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct ivm_definition;
struct ivm_live;
struct ivm_nl;

struct ivm_follow {
	const char	*name;
	struct ivm_nl	*nl;
	uint64_t	id;		/* of the VM: another one of that name is not ours */
	uint64_t	from, to;	/* bytes */
	uint64_t	begin_ms;
	sigset_t	ends, before;	/* signals that end the waiting; what was blocked before */
	bool		ended;		/* one of them came */
};

/* Before the module is asked: from here on who interrupts ends the waiting, not the process. */
void ivm_follow_begin(struct ivm_follow *follow, const struct ivm_live *live);
void ivm_follow_end(struct ivm_follow *follow);

/**
 * ivm_follow() - wait until the VM has the memory that it was set to
 * @def:	as it was asked for and saved; memory is changed to what was reached
 * @seconds:	how long; 0: only look
 * @vm:		out: as it was at the end, for json_object_put(); NULL: it is gone
 *
 * Shows on a terminal how far it is. Nobody holds the lock of the name, it is taken at the end.
 *
 * Return: 0, also when it was not waited for; else negative errno with a sentence that
 * says what was reached, and how it is now.
 */
int ivm_follow(struct ivm_follow *follow, struct ivm_definition *def, uint64_t seconds, struct json_object **vm);

#endif
