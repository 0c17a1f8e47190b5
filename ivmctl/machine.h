/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's processors as the kernel shows them, and which vCPUs are where. */
#ifndef IVM_MACHINE_H
#define IVM_MACHINE_H

#include <json-c/json.h>

#define IVM_SYS_CPU "/sys/devices/system/cpu"

/**
 * ivm_machine() - one object per physical core that has a CPU online
 * @sys: IVM_SYS_CPU; tests have a machine of their own
 * @vms: as of ivm_nl_dump_vms()
 *
 * Members: package, core, cpus (those online), vcpus (objects of vm, vcpu, cpu,
 * vcpu-state), in the order of their first CPU.
 */
struct json_object *ivm_machine(const char *sys, struct json_object *vms);

/* The core of these numbers in @machine; if there is none, a new one without CPUs at its end. */
struct json_object *ivm_machine_core(struct json_object *machine, int package, int core);

#endif
