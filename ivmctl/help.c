// SPDX-License-Identifier: GPL-2.0-only
#include "args.h"
#include "definition.h"
#include "fail.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *ivm_usage_text(const struct ivm_command *command)
{
	static const char *const operands[] = { "", " NAME", " [NOUN]" };
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

static void ivm_help_keys(void)
{
	puts("\nKeys (KEY=VALUE, or --KEY VALUE; an optional key is removed by KEY=):");
	for (const struct ivm_key *key = ivm_keys; key->name; key++) {
		char *left = ivm_format("%s=%s", key->name, key->value);

		printf("  %-28s  %s%s\n", left, key->help, key->optional ? " (optional)" : "");
		free(left);
	}
}

int ivm_help_print(const struct ivm_command *table, const char *noun)
{
	bool found = false, keys = false;

	for (const struct ivm_command *command = table; command->noun; command++) {
		if (noun && strcmp(noun, command->noun))
			continue;
		if (!found)
			puts("Usage: ivmctl [--json] NOUN [VERB] [NAME] [key=value | --option value]...\n");
		ivm_help_command(command, noun != NULL);
		found = true;
		keys |= command->keys;
	}
	if (!found)
		return ivm_usage("there is no noun '%.60s'; see: ivmctl help", noun);
	if (noun && keys)
		ivm_help_keys();
	if (!noun)
		puts("\nMore on one noun: ivmctl help NOUN. Exit status: 0 done, 1 refused or failed, 2 wrong usage.");
	return 0;
}

void ivm_help_complete(const struct ivm_command *table)
{
	for (const struct ivm_command *command = table; command->noun; command++) {
		printf("%s %s", command->noun, command->verb ?: "-");
		if (command->operand == IVM_OPERAND_NAME)
			printf(" NAME");
		for (const struct ivm_option *option = command->options; option && option->name; option++)
			printf(" --%s", option->name);
		for (const struct ivm_key *key = ivm_keys; command->keys && key->name; key++)
			printf(" %s=", key->name);
		putchar('\n');
	}
}
