// SPDX-License-Identifier: GPL-2.0-only
#include "room.h"

#include "attrs.h"
#include "print.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

char *ivm_room_note(struct json_object *vm)
{
	uint64_t now = ivm_json_get_number(vm, "memory-now");
	const char *why = ivm_json_get_text(vm, "memory-text");
	char size[IVM_SIZE_TEXT];

	/* Fixed memory has no such name, nor has a VM that does not run. */
	if (!json_object_object_get_ex(vm, "memory-boot", NULL) || now == ivm_json_get_number(vm, "memory"))
		return NULL;
	return ivm_format("its memory is %s now%s%s", ivm_size_text(now, size), *why ? ": " : "", why);
}

/* Row @i of the table gets a name and a value on one of its sides; takes over @value. */
static void ivm_room_cell(struct json_object *rows, size_t i, const char *side, const char *name, char *value)
{
	struct json_object *row = json_object_array_get_idx(rows, i);
	char *key = ivm_format("%s-value", side);

	if (!row) {
		row = json_object_new_object();
		json_object_array_put_idx(rows, i, row);
		for (const char *const *cell = (const char *const[]){ "host", "host-value", "guest", "guest-value", NULL };
		     *cell; cell++)
			json_object_object_add(row, *cell, json_object_new_string(""));
	}
	json_object_object_add(row, side, json_object_new_string(name));
	json_object_object_add(row, key, json_object_new_string(value));
	free(key);
	free(value);
}

/* Those of @fields that @vm has, in rows from @i on. Return: the row behind. */
static size_t ivm_room_cells(struct json_object *rows, size_t i, const char *side, struct json_object *vm,
			     const struct ivm_field *fields, size_t count)
{
	for (size_t at = 0; at < count; at++)
		if (json_object_object_get_ex(vm, fields[at].name, NULL))
			ivm_room_cell(rows, i++, side, fields[at].title, ivm_field_text(vm, &fields[at]));
	return i;
}

static char *ivm_room_drivers(struct json_object *vm)
{
	const struct ivm_field field = { .name = "memory-drivers", .format = IVM_AS_LIST };
	struct json_object *drivers = json_object_object_get(vm, "memory-drivers");

	return json_object_array_length(drivers) ? ivm_field_text(vm, &field) : ivm_strdup("none");
}

void ivm_room_print(struct json_object *vm)
{
	static const struct ivm_field host[] = {
		{ "memory", "memory", IVM_AS_SIZE }, { "now", "memory-now", IVM_AS_SIZE }, { "max", "max", IVM_AS_SIZE },
		{ "started with", "memory-boot", IVM_AS_SIZE }, { "balloon", "balloon", IVM_AS_SIZE },
	};
	static const struct ivm_field guest[] = {
		{ "total", "guest-total", IVM_AS_SIZE }, { "free", "guest-free", IVM_AS_SIZE },
		{ "available", "guest-available", IVM_AS_SIZE },
	};
	static const struct ivm_field columns[] = {
		{ "HOST", "host", IVM_AS_TEXT }, { "", "host-value", IVM_AS_TEXT },
		{ "GUEST", "guest", IVM_AS_TEXT }, { "", "guest-value", IVM_AS_TEXT },
	};
	struct json_object *rows;
	size_t said;

	if (!json_object_object_get_ex(vm, "memory-boot", NULL))
		return;
	rows = json_object_new_array();
	ivm_room_cells(rows, 0, "host", vm, host, IVM_COUNT(host));
	if (json_object_object_get_ex(vm, "memory-drivers", NULL))
		ivm_room_cell(rows, 0, "guest", "drivers", ivm_room_drivers(vm));
	said = ivm_room_cells(rows, 1, "guest", vm, guest, IVM_COUNT(guest));
	if (said == 1)
		ivm_room_cell(rows, 1, "guest", "says", ivm_strdup("nothing of its memory"));
	else if (json_object_object_get_ex(vm, "guest-age-ms", NULL))
		ivm_room_cell(rows, said, "guest", "said so",
			      ivm_format("%.1f s ago", (double)ivm_json_get_number(vm, "guest-age-ms") / 1000));
	putchar('\n');
	ivm_print_table(rows, columns, IVM_COUNT(columns));
	json_object_put(rows);
}
