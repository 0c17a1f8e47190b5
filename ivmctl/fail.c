// SPDX-License-Identifier: GPL-2.0-only
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char ivm_fail_text[1024];

void ivm_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void ivm_fail_record(const char *format, va_list args)
{
	/* The arguments may be the sentence itself, so it is built elsewhere. */
	char text[sizeof(ivm_fail_text)];

	vsnprintf(text, sizeof(text), format, args);
	ivm_printable(text);
	snprintf(ivm_fail_text, sizeof(ivm_fail_text), "%s", text);
}

int ivm_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ivm_fail_record(format, args);
	va_end(args);
	return -err;
}

int ivm_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ivm_fail_record(format, args);
	va_end(args);
	return IVM_USAGE;
}

const char *ivm_failure(void)
{
	return ivm_fail_text;
}
