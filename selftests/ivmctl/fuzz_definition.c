// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a definition file, and as key=value words. What is accepted
 * must come out of its own JSON again unchanged.
 */
#include "definition.h"
#include "fail.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct ivm_definition *def)
{
	struct json_object *json = ivm_definition_json(def), *again;
	struct ivm_definition copy;
	const char *text = json_object_to_json_string(json);

	ivm_definition_init(&copy, "fuzz");
	if (ivm_definition_parse(&copy, text, strlen(text), "round trip"))
		abort();
	again = ivm_definition_json(&copy);
	if (strcmp(text, json_object_to_json_string(again)))
		abort();
	json_object_put(json);
	json_object_put(again);
	ivm_definition_free(&copy);
}

/* Lines of key=value. */
static void words(struct ivm_definition *def, const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *rest = text, *word;

	memcpy(text, data, size);
	while ((word = strsep(&rest, "\x01"))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (ivm_definition_set(def, word, value) > 0)
			abort();
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ivm_definition def;
	int err = 1;

	if (!size)
		return 0;
	ivm_definition_init(&def, "fuzz");
	if (data[0] == '{')
		err = ivm_definition_parse(&def, (const char *)data, size, "fuzz");
	else
		words(&def, data, size);
	if (err > 0)
		err = ivm_definition_check(&def);
	/* UTF-8 is checked in files only: words are the terminal's business. */
	if (!err && data[0] == '{')
		round_trip(&def);
	ivm_definition_free(&def);
	return 0;
}
