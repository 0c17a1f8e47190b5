/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module knows of the physical cores, put into the picture of the machine. */
#ifndef IVM_CORES_H
#define IVM_CORES_H

#include <json-c/json.h>

/**
 * ivm_cores_add() - complete @machine, of ivm_machine(), by what the module told
 * @cores:	as of ivm_nl_dump_cores()
 * @held:	list of CPUs that are offline because of IVM
 *
 * Each core gets cpu (whose core it is to the module), given, floors, now (object
 * of vm and vcpu, while a vCPU has it), offline and smt-offline (arrays of its
 * threads, the second those in @held), wall-ns, and the times of ivm_times_add().
 */
void ivm_cores_add(struct json_object *machine, struct json_object *cores, const char *held);

/* The machine for people: its packages, and lines per core. */
void ivm_cores_print(struct json_object *machine);

#endif
