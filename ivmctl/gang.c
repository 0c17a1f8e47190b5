// SPDX-License-Identifier: GPL-2.0-only
#include "gang.h"

#include "attrs.h"
#include "cpu.h"
#include "percent.h"
#include "print.h"
#include "text.h"

#include <string.h>

void ivm_gang_complete(struct json_object *vm)
{
	struct json_object *gang;
	char text[IVM_CPU_TEXT];
	struct ivm_cpu cpu;
	uint64_t run;

	if (json_object_object_get_ex(vm, "cpu-floor", NULL) && json_object_object_get_ex(vm, "cpu-cap", NULL)) {
		cpu.floor = (uint32_t)ivm_json_get_number(vm, "cpu-floor");
		cpu.cap = (uint32_t)ivm_json_get_number(vm, "cpu-cap");
		json_object_object_add(vm, "cpu", json_object_new_string(ivm_cpu_text(&cpu, text)));
	}
	if (!json_object_object_get_ex(vm, "gang", &gang))
		return;
	run = ivm_json_get_number(gang, "gang-run-ns");
	if (run)
		json_object_object_add(gang, "corun-percent",
				       ivm_percent_json(ivm_permille(ivm_json_get_number(gang, "gang-corun-ns"), run)));
}

bool ivm_gang_differs(struct json_object *vm, struct json_object *definition, const char *key)
{
	const char *live = ivm_json_get_text(vm, key), *defined = ivm_json_get_text(definition, key);
	char text[IVM_CPU_TEXT];

	if (!*live)
		return false;
	if (!*defined)
		defined = strcmp(key, "cpu") ? ivm_cosched_names[IVM_COSCHED_STRICT] :
					       ivm_cpu_text(&IVM_CPU_DEFAULT, text);
	return strcmp(live, defined);
}

void ivm_gang_print(struct json_object *vm)
{
	static const struct ivm_field shares[] = {
		{ "cpu", "cpu", IVM_AS_TEXT }, { "cosched", "cosched", IVM_AS_TEXT },
	};
	static const struct ivm_field fields[] = {
		{ "gang-run", "gang-run-ns", IVM_AS_DURATION }, { "corun", "corun-percent", IVM_AS_PERCENT },
		{ "gang-starts", "gang-starts", IVM_AS_TEXT }, { "gang-late", "gang-late", IVM_AS_TEXT },
		{ "skew-p50", "skew-p50-ns", IVM_AS_SPAN }, { "skew-p99", "skew-p99-ns", IVM_AS_SPAN },
		{ "skew-max", "skew-max-ns", IVM_AS_SPAN },
	};
	struct json_object *gang;

	ivm_print_fields(vm, shares, IVM_COUNT(shares));
	if (json_object_object_get_ex(vm, "gang", &gang))
		ivm_print_fields(gang, fields, IVM_COUNT(fields));
}
