/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory of a VM that may grow and shrink, as the host has it and as the guest sees it. */
#ifndef IVM_ROOM_H
#define IVM_ROOM_H

#include <json-c/json.h>

/* What is unusual about the memory of @vm: it has not what it is to have, and why; NULL: nothing. For free(). */
char *ivm_room_note(struct json_object *vm);

/* A table for people, behind an empty line, while @vm runs and its memory is not fixed. */
void ivm_room_print(struct json_object *vm);

#endif
