// SPDX-License-Identifier: GPL-2.0-only
#include "args.h"
#include "fail.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ivm_usage_text(const struct ivm_command *command)
{
	static const char *const operands[] = { "", " NAME", " [NOUN]", " SWITCH", " PORT", " SWITCH PORT" };
	char *text = ivm_format("%s%s%s%s", command->noun, command->verb ? " " : "", command->verb ?: "",
				operands[command->operand]);

	for (const struct ivm_option *option = command->options; option && option->name; option++) {
		char *longer = ivm_format("%s [--%s%s%s]", text, option->name, option->value ? " " : "",
					  option->value ?: "");

		free(text);
		text = longer;
	}
	if (command->keys) {
		char *longer = ivm_format("%s KEY=VALUE...", text);

		free(text);
		text = longer;
	}
	return text;
}

static void ivm_help_command(const struct ivm_command *command, bool options)
{
	char *usage = ivm_usage_text(command);

	if (strlen(usage) > 38)
		printf("  %s\n  %-38s  %s\n", usage, "", command->help);
	else
		printf("  %-38s  %s\n", usage, command->help);
	free(usage);
	for (const struct ivm_option *option = command->options; options && option && option->name; option++) {
		char *left = ivm_format("--%s%s%s", option->name, option->value ? " " : "", option->value ?: "");

		printf("      %-34s  %s\n", left, option->help);
		free(left);
	}
}

static void ivm_help_keys(const struct ivm_vocabulary *keys)
{
	const char *name, *value, *help;
	bool optional;

	printf("\n%s\n", keys->title);
	for (size_t i = 0; keys->row(i, &name, &value, &help, &optional); i++) {
		char *left = ivm_format("%s=%s", name, value);

		if (strlen(left) > 28)
			printf("  %s\n  %-28s  %s%s\n", left, "", help, optional ? " (optional)" : "");
		else
			printf("  %-28s  %s%s\n", left, help, optional ? " (optional)" : "");
		free(left);
	}
	if (keys->note)
		puts(keys->note);
}

int ivm_help_print(const struct ivm_command *table, const char *noun)
{
	const struct ivm_vocabulary *keys = NULL;
	bool found = false;

	for (const struct ivm_command *command = table; command->noun; command++) {
		if (noun && strcmp(noun, command->noun))
			continue;
		if (!found)
			puts("Usage: ivmctl [--json] NOUN [VERB] [NAME] [key=value | --option value]...\n");
		ivm_help_command(command, noun != NULL);
		found = true;
		keys = command->keys ?: keys;
	}
	if (!found)
		return ivm_usage("there is no noun '%.60s'; see: ivmctl help", noun);
	if (noun && keys)
		ivm_help_keys(keys);
	if (!noun)
		puts("\nMore on one noun: ivmctl help NOUN. Exit status: 0 done, 1 refused or failed, 2 wrong usage.");
	return 0;
}

void ivm_help_complete(const struct ivm_command *table)
{
	static const char *const operands[] = { "", " NAME", "", " SWITCH", " PORT", " SWITCH DEVICE" };

	for (const struct ivm_command *command = table; command->noun; command++) {
		const char *name, *value, *help;
		bool optional;

		printf("%s %s%s", command->noun, command->verb ?: "-", operands[command->operand]);
		for (const struct ivm_option *option = command->options; option && option->name; option++)
			printf(" --%s", option->name);
		for (size_t i = 0; command->keys && command->keys->row(i, &name, &value, &help, &optional); i++)
			printf(" %s=", name);
		putchar('\n');
	}
}
