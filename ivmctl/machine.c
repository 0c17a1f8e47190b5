// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#include "attrs.h"
#include "cpulist.h"
#include "text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -1: a CPU that is not there, or offline: it has no topology. */
static int ivm_machine_topology(const char *sys, int cpu, const char *what)
{
	char *path = ivm_format("%s/cpu%d/topology/%s", sys, cpu, what);
	FILE *file = fopen(path, "re");
	int value = -1;

	free(path);
	if (!file)
		return -1;
	if (fscanf(file, "%d", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

/* One more than the highest number of a CPU. */
static int ivm_machine_cpus(const char *sys)
{
	DIR *dir = opendir(sys);
	struct dirent *entry;
	int cpu, end, cpus = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "cpu%d%n", &cpu, &end) == 1 && !entry->d_name[end] &&
		    cpu >= cpus && cpu < IVM_CPU_NUMBERS)
			cpus = cpu + 1;
	closedir(dir);
	return cpus;
}

struct json_object *ivm_machine_core(struct json_object *machine, int package, int core)
{
	struct json_object *object;

	for (size_t i = 0; i < json_object_array_length(machine); i++) {
		object = json_object_array_get_idx(machine, i);
		if (ivm_json_get_int(object, "package") == package &&
		    ivm_json_get_int(object, "core") == core)
			return object;
	}
	object = json_object_new_object();
	json_object_object_add(object, "package", json_object_new_int(package));
	json_object_object_add(object, "core", json_object_new_int(core));
	json_object_object_add(object, "cpus", json_object_new_array());
	json_object_object_add(object, "vcpus", json_object_new_array());
	json_object_array_add(machine, object);
	return object;
}

static struct json_object *ivm_machine_member(struct json_object *object, const char *name)
{
	return json_object_object_get(object, name);
}

/* vCPUs that have no CPU, as no core is left for them, are on no core. */
static void ivm_machine_place(struct json_object *machine, const char *vm, struct json_object *vcpu)
{
	int cpu = ivm_json_get_int(vcpu, "cpu");
	struct json_object *core, *entry;

	for (size_t i = 0; i < json_object_array_length(machine); i++) {
		core = json_object_array_get_idx(machine, i);
		if (!ivm_cpulist_has(ivm_machine_member(core, "cpus"), cpu))
			continue;
		entry = json_object_new_object();
		json_object_object_add(entry, "vm", json_object_new_string(vm));
		json_object_object_add(entry, "vcpu", json_object_new_int(ivm_json_get_int(vcpu, "vcpu")));
		json_object_object_add(entry, "cpu", json_object_new_int(cpu));
		json_object_object_add(entry, "vcpu-state", json_object_new_string(ivm_json_get_text(vcpu, "vcpu-state")));
		json_object_array_add(ivm_machine_member(core, "vcpus"), entry);
		return;
	}
}

struct json_object *ivm_machine(const char *sys, struct json_object *vms)
{
	struct json_object *machine = json_object_new_array(), *vm, *list;
	int cpus = ivm_machine_cpus(sys), core;

	for (int cpu = 0; cpu < cpus; cpu++) {
		core = ivm_machine_topology(sys, cpu, "core_id");
		if (core < 0)
			continue;
		json_object_array_add(ivm_machine_member(ivm_machine_core(machine,
				      ivm_machine_topology(sys, cpu, "physical_package_id"), core), "cpus"),
				      json_object_new_int(cpu));
	}
	for (size_t i = 0; i < json_object_array_length(vms); i++) {
		vm = json_object_array_get_idx(vms, i);
		list = ivm_machine_member(vm, "list-vcpu");
		for (size_t k = 0; list && k < json_object_array_length(list); k++)
			ivm_machine_place(machine, ivm_json_get_text(vm, "name"), json_object_array_get_idx(list, k));
	}
	return machine;
}
