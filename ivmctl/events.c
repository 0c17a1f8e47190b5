// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl events: what happens, one line each, as it happens. */
#include "commands.h"

#include "attrs.h"
#include "nl.h"
#include "print.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ivm_event_print(struct json_object *event, void *context)
{
	static const struct ivm_field time = { "", "time-ns", IVM_AS_TIME };
	static const struct ivm_field details[] = {
		{ " state=", "state", IVM_AS_TEXT }, { " stop-reason=", "stop-reason", IVM_AS_TEXT },
		{ " stop-code=", "stop-code", IVM_AS_TEXT }, { " vcpu=", "vcpu", IVM_AS_TEXT },
		{ " address=", "address", IVM_AS_HEX }, { " cpu=", "cpu", IVM_AS_TEXT }, { " ", "text", IVM_AS_TEXT },
	};
	const struct ivm_args *args = context;
	const char *only = ivm_args_get(args, "vm"), *name = ivm_json_get_text(event, "name");
	char *text;

	/* Lost events may have been of any VM. */
	if (only && *name && strcmp(only, name))
		return 0;
	if (args->json) {
		ivm_print_json(event);
		return 0;
	}
	text = ivm_field_text(event, &time);
	printf("%s %s", text, *name ? name : "-");
	/* A changed state speaks for itself below. */
	if (strcmp(ivm_json_get_text(event, "event-type"), "state"))
		printf(" %s", ivm_json_get_text(event, "event-type"));
	free(text);
	for (size_t i = 0; i < IVM_COUNT(details); i++) {
		if (!json_object_object_get_ex(event, details[i].name, NULL))
			continue;
		if (!strcmp(details[i].name, "stop-reason") &&
		    !strcmp(ivm_json_get_text(event, "stop-reason"), "none"))
			continue;
		text = ivm_field_text(event, &details[i]);
		printf("%s%s", details[i].title, text);
		free(text);
	}
	putchar('\n');
	fflush(stdout);
	return 0;
}

int ivm_events(const struct ivm_args *args)
{
	const char *only = ivm_args_get(args, "vm");
	struct ivm_nl *nl;
	int err = only ? ivm_check_name(only) : 0;

	if (!err)
		err = ivm_nl_open(&nl);
	if (err)
		return err;
	err = ivm_nl_events(nl, ivm_event_print, NULL, (void *)args);
	ivm_nl_close(nl);
	return err;
}
