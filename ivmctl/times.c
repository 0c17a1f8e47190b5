// SPDX-License-Identifier: GPL-2.0-only
#include "times.h"

#include "attrs.h"
#include "percent.h"
#include "print.h"
#include "text.h"

#include <stdlib.h>

const char *const ivm_times_names[IVM_TIMES] = { "guest", "hyp", "gang", "held", "host", "idle" };

bool ivm_times_get(struct json_object *core, uint64_t ns[IVM_TIMES])
{
	bool all = true;

	for (size_t i = 0; i < IVM_TIMES; i++) {
		char *name = ivm_format("%s-ns", ivm_times_names[i]);

		all &= json_object_object_get_ex(core, name, NULL);
		ns[i] = ivm_json_get_number(core, name);
		free(name);
	}
	return all;
}

static void ivm_times_add_one(struct json_object *object, const char *name, const char *unit, struct json_object *value)
{
	char *full = ivm_format("%s-%s", name, unit);

	json_object_object_add(object, full, value);
	free(full);
}

void ivm_times_add(struct json_object *object, const uint64_t ns[IVM_TIMES])
{
	uint64_t permilles[IVM_TIMES], whole = 0;

	ivm_permilles(ns, IVM_TIMES, permilles);
	for (size_t i = 0; i < IVM_TIMES; i++) {
		ivm_times_add_one(object, ivm_times_names[i], "ns", json_object_new_uint64(ns[i]));
		whole += permilles[i];
	}
	for (size_t i = 0; i < IVM_TIMES && whole; i++)
		ivm_times_add_one(object, ivm_times_names[i], "percent", ivm_percent_json(permilles[i]));
}

char *ivm_times_text(struct json_object *object, const char *name)
{
	char *full = ivm_format("%s-percent", name), *text;
	const struct ivm_field field = { .name = full, .format = IVM_AS_PERCENT };

	text = ivm_field_text(object, &field);
	free(full);
	return text;
}
