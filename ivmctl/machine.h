/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's processors as the kernel shows them, and which vCPUs are where. */
#ifndef IVM_MACHINE_H
#define IVM_MACHINE_H

#include <json-c/json.h>

/**
 * ivm_machine() - one object per physical core that has a CPU online
 * @vms: as of ivm_nl_dump_vms()
 *
 * Members: package, core, cpus (those online), vcpus (objects of vm, vcpu, cpu,
 * vcpu-state), in the order of their first CPU.
 */
struct json_object *ivm_machine(struct json_object *vms);

/* A line per core of ivm_machine(). */
void ivm_machine_print(struct json_object *machine);

#endif
