// SPDX-License-Identifier: GPL-2.0-only
#include "cpulist.h"

#include "text.h"

#include <ctype.h>
#include <stdlib.h>

/* Digits at *at, which moves behind them. Return: the number, or -1. */
static int ivm_cpulist_number(const char **at)
{
	int number = 0;

	if (!isdigit((unsigned char)**at))
		return -1;
	for (; isdigit((unsigned char)**at); ++*at) {
		number = 10 * number + (**at - '0');
		if (number >= IVM_CPU_NUMBERS)
			return -1;
	}
	return number;
}

struct json_object *ivm_cpulist_json(const char *text)
{
	struct json_object *array = json_object_new_array();
	int first, last;

	do {
		first = last = ivm_cpulist_number(&text);
		if (*text == '-') {
			text++;
			last = ivm_cpulist_number(&text);
		}
		if (first < 0 || last < 0)
			break;
		for (; first <= last && json_object_array_length(array) < IVM_CPU_NUMBERS; first++)
			json_object_array_add(array, json_object_new_int(first));
	} while (*text++ == ',');
	return array;
}

bool ivm_cpulist_has(struct json_object *array, int cpu)
{
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (json_object_get_int(json_object_array_get_idx(array, i)) == cpu)
			return true;
	return false;
}

char *ivm_cpulist_text(struct json_object *array)
{
	char *text = ivm_strdup(""), *longer;

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		longer = ivm_format("%s%s%d", text, i ? "," : "", json_object_get_int(json_object_array_get_idx(array, i)));
		free(text);
		text = longer;
	}
	return text;
}
