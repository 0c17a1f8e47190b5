// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a definition file, as key=value words, as a card and as settings
 * of a port. What is accepted must come out of its own JSON again unchanged, and
 * settings out of their own words.
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

/* "n" and the words of nic= */
static void card(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *again;
	struct ivm_nic nic = { 0 }, before = { 0 }, back = { 0 };
	struct json_object *json;

	memcpy(text, data, size);
	if (ivm_nic_text(&nic, text)) {
		if (memcmp(&nic, &before, sizeof(nic)))
			abort();
	} else if (!ivm_nic_check(&nic, IVM_NIC_QUEUES_MAX)) {
		json = ivm_nic_as_json(&nic);
		again = strdup(json_object_to_json_string(json));
		if (ivm_nic_json(&back, json) || ivm_nic_check(&back, IVM_NIC_QUEUES_MAX))
			abort();
		json_object_put(json);
		json = ivm_nic_as_json(&back);
		if (strcmp(again, json_object_to_json_string(json)))
			abort();
		json_object_put(json);
		free(again);
	}
	free(text);
}

/* "p" and lines of key=value as "port set" takes them. */
static void port(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *rest = text, *word, *value, *again;
	struct ivm_settings settings = { 0 }, back = { 0 };

	memcpy(text, data, size);
	while ((word = strsep(&rest, "\n"))) {
		const struct ivm_setting *row;

		value = strchr(word, '=');
		if (!value)
			continue;
		*value++ = '\0';
		row = ivm_setting_find(word);
		if (row && ivm_settings_text(&settings, row, value, ",") > 0)
			abort();
	}
	free(text);
	if (ivm_settings_check(&settings))
		return;
	ivm_for_each_setting(row) {
		if (!ivm_settings_given(&settings, row->attr) ||
		    (row->attr == IVM_PORT_A_ACCESS && settings.mode != IVM_PORT_ACCESS))
			continue;
		value = ivm_setting_value(&settings, row, ',');
		if (ivm_settings_text(&back, row, value, ","))
			abort();
		again = ivm_setting_value(&back, row, ',');
		if (strcmp(value, again))
			abort();
		free(value);
		free(again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ivm_definition def;
	int err = 1;

	if (!size)
		return 0;
	if (data[0] == 'n' || data[0] == 'p') {
		(data[0] == 'n' ? card : port)(data + 1, size - 1);
		return 0;
	}
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
