// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#include "attrs.h"
#include "text.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IVM_SYS_CPU	"/sys/devices/system/cpu"
#define IVM_SYS_CPU_MAX	65536	/* more than any kernel numbers */

/* -1: a CPU that is not there, or offline: it has no topology. */
static int ivm_machine_topology(int cpu, const char *what)
{
	char *path = ivm_format(IVM_SYS_CPU "/cpu%d/topology/%s", cpu, what);
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
static int ivm_machine_cpus(void)
{
	DIR *dir = opendir(IVM_SYS_CPU);
	struct dirent *entry;
	int cpu, end, cpus = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (sscanf(entry->d_name, "cpu%d%n", &cpu, &end) == 1 && !entry->d_name[end] &&
		    cpu >= cpus && cpu < IVM_SYS_CPU_MAX)
			cpus = cpu + 1;
	closedir(dir);
	return cpus;
}

static struct json_object *ivm_machine_core(struct json_object *machine, int package, int core)
{
	struct json_object *object;

	for (size_t i = 0; i < json_object_array_length(machine); i++) {
		object = json_object_array_get_idx(machine, i);
		if ((int)ivm_json_get_number(object, "package") == package &&
		    (int)ivm_json_get_number(object, "core") == core)
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
	int cpu = (int)ivm_json_get_number(vcpu, "cpu");
	struct json_object *core, *cpus, *entry;

	for (size_t i = 0; i < json_object_array_length(machine); i++) {
		core = json_object_array_get_idx(machine, i);
		cpus = ivm_machine_member(core, "cpus");
		for (size_t k = 0; k < json_object_array_length(cpus); k++) {
			if (json_object_get_int(json_object_array_get_idx(cpus, k)) != cpu)
				continue;
			entry = json_object_new_object();
			json_object_object_add(entry, "vm", json_object_new_string(vm));
			json_object_object_add(entry, "vcpu", json_object_new_int((int)ivm_json_get_number(vcpu, "vcpu")));
			json_object_object_add(entry, "cpu", json_object_new_int(cpu));
			json_object_object_add(entry, "vcpu-state",
					       json_object_new_string(ivm_json_get_text(vcpu, "vcpu-state")));
			json_object_array_add(ivm_machine_member(core, "vcpus"), entry);
			return;
		}
	}
}

struct json_object *ivm_machine(struct json_object *vms)
{
	struct json_object *machine = json_object_new_array(), *vm, *list;
	int cpus = ivm_machine_cpus(), core;

	for (int cpu = 0; cpu < cpus; cpu++) {
		core = ivm_machine_topology(cpu, "core_id");
		if (core < 0)
			continue;
		json_object_array_add(ivm_machine_member(ivm_machine_core(machine,
				      ivm_machine_topology(cpu, "physical_package_id"), core), "cpus"),
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

void ivm_machine_print(struct json_object *machine)
{
	struct json_object *core, *list, *vcpu;
	int package, before = -1;

	for (size_t i = 0; i < json_object_array_length(machine); i++) {
		core = json_object_array_get_idx(machine, i);
		package = (int)ivm_json_get_number(core, "package");
		if (package != before)
			printf("package %d\n", package);
		before = package;
		printf("  core %-4d CPU", (int)ivm_json_get_number(core, "core"));
		list = ivm_machine_member(core, "cpus");
		for (size_t k = 0; k < json_object_array_length(list); k++)
			printf("%c%d", k ? ',' : ' ', json_object_get_int(json_object_array_get_idx(list, k)));
		list = ivm_machine_member(core, "vcpus");
		for (size_t k = 0; k < json_object_array_length(list); k++) {
			vcpu = json_object_array_get_idx(list, k);
			printf("  %s/%d %s", ivm_json_get_text(vcpu, "vm"), (int)ivm_json_get_number(vcpu, "vcpu"),
			       ivm_json_get_text(vcpu, "vcpu-state"));
		}
		putchar('\n');
	}
}
