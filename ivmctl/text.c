// SPDX-License-Identifier: GPL-2.0-only
#include "text.h"

#include "fail.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/ivm.h>

/* Parse digits from @text on; returns the first byte behind them, or NULL. */
static const char *ivm_parse_digits(const char *text, uint64_t *value)
{
	char *end;
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long number;

	/* strtoull() would also take blanks and a minus sign. */
	if (!isxdigit((unsigned char)text[hex ? 2 : 0]))
		return NULL;
	errno = 0;
	number = strtoull(text, &end, hex ? 16 : 10);
	if (errno || end == text)
		return NULL;
	*value = number;
	return end;
}

int ivm_parse_number(const char *text, uint64_t *value)
{
	uint64_t number;
	const char *end = ivm_parse_digits(text, &number);

	if (!end || *end)
		return -EINVAL;
	*value = number;
	return 0;
}

int ivm_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t number;
	const char *end = ivm_parse_digits(text, &number);
	unsigned int shift = 0;

	if (!end)
		return -EINVAL;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (number > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = number << shift;
	return 0;
}

const char *ivm_size_text(uint64_t bytes, char text[IVM_SIZE_TEXT])
{
	static const char units[] = "\0KMGT";
	unsigned int unit = 0;

	while (bytes && bytes % 1024 == 0 && unit < 4) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, IVM_SIZE_TEXT, "%llu%.1s", (unsigned long long)bytes, &units[unit]);
	return text;
}

int ivm_check_name(const char *name)
{
	size_t length = strlen(name);

	if (!length)
		return ivm_fail(EINVAL, "the name of the VM is empty; expected 1 to %d of the characters A-Z a-z 0-9 . _ -",
				IVM_NAME_MAX);
	if (length > IVM_NAME_MAX)
		return ivm_fail(EINVAL, "the name '%.40s%s' has %zu characters; a VM's name has at most %d",
				name, length > 40 ? "..." : "", length, IVM_NAME_MAX);
	for (const char *c = name; *c; c++) {
		bool alnum = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');

		if (!alnum && (c == name || !strchr("._-", *c)))
			return ivm_fail(EINVAL, "the name '%s' has a bad character at position %d; expected A-Z a-z 0-9 . _ -, and a letter or digit first",
					name, (int)(c - name) + 1);
	}
	return 0;
}

static void ivm_no_memory(void)
{
	fputs("ivmctl: out of memory\n", stderr);
	exit(1);
}

char *ivm_format(const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		ivm_no_memory();
	return text;
}

void *ivm_zalloc(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		ivm_no_memory();
	return memory;
}

char *ivm_strdup(const char *text)
{
	return ivm_format("%s", text);
}
