// SPDX-License-Identifier: GPL-2.0-only
#include "cores.h"

#include "attrs.h"
#include "cpu.h"
#include "cpulist.h"
#include "machine.h"
#include "text.h"
#include "times.h"

#include <stdio.h>
#include <stdlib.h>

/* The core in the picture that @core is; a new one when nobody drew it. */
static struct json_object *ivm_cores_find(struct json_object *machine, struct json_object *core)
{
	int cpu = ivm_json_get_int(core, "cpu");
	struct json_object *entry;

	for (size_t i = 0; i < json_object_array_length(machine); i++) {
		entry = json_object_array_get_idx(machine, i);
		if (ivm_cpulist_has(json_object_object_get(entry, "cpus"), cpu))
			return entry;
	}
	entry = ivm_machine_core(machine, ivm_json_get_int(core, "package"),
				 ivm_json_get_int(core, "core"));
	json_object_array_add(json_object_object_get(entry, "cpus"), json_object_new_int(cpu));
	return entry;
}

/* Threads of the core that are not online, and which of them came to it by us. */
static void ivm_cores_add_offline(struct json_object *entry, const char *threads, struct json_object *held)
{
	struct json_object *all = ivm_cpulist_json(threads), *online = json_object_object_get(entry, "cpus");
	struct json_object *offline = json_object_new_array(), *ours = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *cpu = json_object_array_get_idx(all, i);

		if (ivm_cpulist_has(online, json_object_get_int(cpu)))
			continue;
		json_object_array_add(offline, json_object_get(cpu));
		if (ivm_cpulist_has(held, json_object_get_int(cpu)))
			json_object_array_add(ours, json_object_get(cpu));
	}
	json_object_object_add(entry, "offline", offline);
	json_object_object_add(entry, "smt-offline", ours);
	json_object_put(all);
}

static void ivm_cores_add_one(struct json_object *entry, struct json_object *core, struct json_object *held)
{
	static const char *const numbers[] = { "cpu", "floors", "wall-ns", "held-irq-ns" };
	struct json_object *value, *now;
	uint64_t ns[IVM_TIMES];

	ivm_cores_add_offline(entry, ivm_json_get_text(core, "cpu-list"), held);
	json_object_object_add(entry, "given",
			       json_object_new_boolean(json_object_object_get_ex(core, "given", NULL)));
	if (json_object_object_get_ex(core, "name", NULL)) {
		now = json_object_new_object();
		json_object_object_add(now, "vm", json_object_new_string(ivm_json_get_text(core, "name")));
		json_object_object_add(now, "vcpu", json_object_new_int(ivm_json_get_int(core, "vcpu")));
		json_object_object_add(entry, "now", now);
	}
	for (size_t i = 0; i < IVM_COUNT(numbers); i++)
		if (json_object_object_get_ex(core, numbers[i], &value))
			json_object_object_add(entry, numbers[i], json_object_get(value));
	if (ivm_times_get(core, ns))
		ivm_times_add(entry, ns);
}

void ivm_cores_add(struct json_object *machine, struct json_object *cores, const char *held)
{
	struct json_object *siblings = ivm_cpulist_json(held), *core;

	for (size_t i = 0; i < json_object_array_length(cores); i++) {
		core = json_object_array_get_idx(cores, i);
		if (ivm_json_get_int(core, "cpu") >= 0)
			ivm_cores_add_one(ivm_cores_find(machine, core), core, siblings);
	}
	json_object_put(siblings);
}

/* The CPUs in @list but those in @without, which may be NULL. */
static void ivm_cores_print_cpus(struct json_object *list, struct json_object *without, const char *before,
				 const char *behind)
{
	struct json_object *shown = json_object_new_array(), *cpu;
	char *text;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		cpu = json_object_array_get_idx(list, i);
		if (!without || !ivm_cpulist_has(without, json_object_get_int(cpu)))
			json_object_array_add(shown, json_object_get(cpu));
	}
	text = ivm_cpulist_text(shown);
	if (*text)
		printf("%s%s%s", before, text, behind);
	free(text);
	json_object_put(shown);
}

/* The second line, of what only the module knows. */
static void ivm_cores_print_use(struct json_object *core)
{
	char floors[IVM_SHARE_TEXT];
	struct json_object *value;

	if (!json_object_object_get_ex(core, "given", &value))
		return;
	printf("%12s%s", "", json_object_get_boolean(value) ? "given" : "not given");
	if (json_object_object_get_ex(core, "floors", NULL))
		printf(", floors %s", ivm_share_text((uint32_t)ivm_json_get_number(core, "floors"), floors));
	if (json_object_object_get_ex(core, "now", &value))
		printf(", now %s/%d", ivm_json_get_text(value, "vm"), ivm_json_get_int(value, "vcpu"));
	if (json_object_object_get_ex(core, "guest-percent", NULL)) {
		putchar(':');
		for (size_t i = 0; i < IVM_TIMES; i++) {
			char *text = ivm_times_text(core, ivm_times_names[i]);

			printf(" %s %s", ivm_times_names[i], text);
			free(text);
		}
		if (ivm_json_get_number(core, "held-irq-ns"))
			printf(" (interrupts while held: %.1f ms)", (double)ivm_json_get_number(core, "held-irq-ns") / 1e6);
	}
	putchar('\n');
}

void ivm_cores_print(struct json_object *machine)
{
	struct json_object *core, *list, *vcpu, *ours;
	int package, before = -1;

	for (size_t i = 0; i < json_object_array_length(machine); i++) {
		core = json_object_array_get_idx(machine, i);
		package = ivm_json_get_int(core, "package");
		if (package != before)
			printf("package %d\n", package);
		before = package;
		printf("  core %-4d", ivm_json_get_int(core, "core"));
		ours = json_object_object_get(core, "smt-offline");
		ivm_cores_print_cpus(json_object_object_get(core, "cpus"), NULL, " CPU ", "");
		ivm_cores_print_cpus(ours, NULL, " (", " offline because of IVM)");
		ivm_cores_print_cpus(json_object_object_get(core, "offline"), ours, " (", " offline)");
		list = json_object_object_get(core, "vcpus");
		for (size_t k = 0; k < json_object_array_length(list); k++) {
			vcpu = json_object_array_get_idx(list, k);
			printf("  %s/%d %s", ivm_json_get_text(vcpu, "vm"), ivm_json_get_int(vcpu, "vcpu"),
			       ivm_json_get_text(vcpu, "vcpu-state"));
		}
		putchar('\n');
		ivm_cores_print_use(core);
	}
}
