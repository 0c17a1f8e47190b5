// SPDX-License-Identifier: GPL-2.0-only
#include "print.h"

#include "fail.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IVM_NS_PER_S 1000000000ULL

void ivm_print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
}

static char *ivm_time_text(uint64_t ns)
{
	time_t seconds = (time_t)(ns / IVM_NS_PER_S);
	struct tm local;
	char text[64];

	if (!ns || !localtime_r(&seconds, &local) || !strftime(text, sizeof(text), "%F %T", &local))
		return ivm_strdup("-");
	return ivm_format("%s.%03u", text, (unsigned int)(ns % IVM_NS_PER_S / 1000000));
}

static char *ivm_span_text(uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	uint64_t one = 1;
	size_t unit = 0;

	while (unit + 1 < IVM_COUNT(units) && ns / one >= 1000) {
		one *= 1000;
		unit++;
	}
	if (!unit)
		return ivm_format("%llu ns", (unsigned long long)ns);
	return ivm_format("%llu.%llu %s", (unsigned long long)(ns / one), (unsigned long long)(ns % one * 10 / one),
			  units[unit]);
}

static char *ivm_list_text(struct json_object *array)
{
	char *text = ivm_strdup("");

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		char *longer = ivm_format("%s%s%s", text, i ? ", " : "",
					  json_object_get_string(json_object_array_get_idx(array, i)));

		free(text);
		text = longer;
	}
	return text;
}

char *ivm_field_text(struct json_object *object, const struct ivm_field *field)
{
	struct json_object *value;
	char size[IVM_SIZE_TEXT];
	uint64_t number;
	char *text;

	if (!json_object_object_get_ex(object, field->name, &value) || !value)
		return ivm_strdup("-");
	number = json_object_get_uint64(value);
	switch (field->format) {
	case IVM_AS_SIZE:
		return ivm_strdup(ivm_size_text(number, size));
	case IVM_AS_HEX:
		return ivm_format("0x%llx", (unsigned long long)number);
	case IVM_AS_DURATION:
		return ivm_format("%llu.%03llu s", (unsigned long long)(number / IVM_NS_PER_S),
				  (unsigned long long)(number % IVM_NS_PER_S / 1000000));
	case IVM_AS_TIME:
		return ivm_time_text(number);
	case IVM_AS_SPAN:
		return ivm_span_text(number);
	case IVM_AS_PERCENT:
		text = ivm_format("%s%%", json_object_get_string(value));
		break;
	case IVM_AS_LIST:
		text = ivm_list_text(value);
		break;
	case IVM_AS_TEXT:
	default:
		if (json_object_is_type(value, json_type_boolean))
			text = ivm_strdup(json_object_get_boolean(value) ? "yes" : "no");
		else
			text = ivm_strdup(json_object_get_string(value));
		break;
	}
	ivm_printable(text);
	return text;
}

void ivm_print_table(struct json_object *array, const struct ivm_field *fields, size_t count)
{
	size_t rows = json_object_array_length(array);
	char **cells = ivm_zalloc((rows + 1) * count, sizeof(*cells));

	for (size_t row = 0; row <= rows; row++)
		for (size_t i = 0; i < count; i++)
			cells[row * count + i] = row ?
				ivm_field_text(json_object_array_get_idx(array, row - 1), &fields[i]) :
				ivm_strdup(fields[i].title);
	for (size_t row = 0; row <= rows; row++) {
		for (size_t i = 0; i < count; i++) {
			size_t width = 0;

			for (size_t r = 0; r <= rows; r++)
				if (strlen(cells[r * count + i]) > width)
					width = strlen(cells[r * count + i]);
			if (i + 1 < count)
				printf("%-*s  ", (int)width, cells[row * count + i]);
			else
				printf("%s\n", cells[row * count + i]);
		}
	}
	for (size_t i = 0; i < (rows + 1) * count; i++)
		free(cells[i]);
	free(cells);
}

void ivm_print_fields(struct json_object *object, const struct ivm_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char *text;

		if (!json_object_object_get_ex(object, fields[i].name, NULL))
			continue;
		text = ivm_field_text(object, &fields[i]);
		printf("%-16s %s\n", fields[i].title, text);
		free(text);
	}
}
