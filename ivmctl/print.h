/* SPDX-License-Identifier: GPL-2.0-only */
/* Printing of the JSON model: as JSON, as a table, or as a list of fields. */
#ifndef IVM_PRINT_H
#define IVM_PRINT_H

#include <json-c/json.h>
#include <stddef.h>

enum ivm_format {
	IVM_AS_TEXT,
	IVM_AS_SIZE,		/* bytes */
	IVM_AS_HEX,
	IVM_AS_DURATION,	/* nanoseconds */
	IVM_AS_TIME,		/* CLOCK_REALTIME in nanoseconds; 0 is "-" */
	IVM_AS_LIST,		/* array of texts */
	IVM_AS_SPAN,		/* nanoseconds in the unit that suits them, "4.2 us" */
	IVM_AS_PERCENT,		/* "99.1%" */
};

struct ivm_field {
	const char	*title;
	const char	*name;		/* in the JSON object */
	enum ivm_format	format;
};

/* One document, one line, flushed. */
void ivm_print_json(struct json_object *object);

/* The value of one field for people, or "-"; for free(). Control characters become '?'. */
char *ivm_field_text(struct json_object *object, const struct ivm_field *field);

/* One line per object of @array, aligned, under a line of titles. */
void ivm_print_table(struct json_object *array, const struct ivm_field *fields, size_t count);

/* One line per field that @object has. */
void ivm_print_fields(struct json_object *object, const struct ivm_field *fields, size_t count);

#endif
