// SPDX-License-Identifier: GPL-2.0-only
/* Preloaded into ivmctl: what it logs goes to the file $TEST_SYSLOG instead. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void append(int priority, const char *format, va_list args)
{
	FILE *file = fopen(getenv("TEST_SYSLOG"), "a");

	if (!file)
		abort();
	fprintf(file, "<%d> ", priority);
	vfprintf(file, format, args);
	fputc('\n', file);
	fclose(file);
}

void openlog(const char *ident, int option, int facility)
{
	FILE *file = fopen(getenv("TEST_SYSLOG"), "a");

	(void)option;
	if (!file)
		abort();
	fprintf(file, "%s <%d> ", ident, facility);
	fclose(file);
}

void closelog(void)
{
}

void syslog(int priority, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	append(priority, format, args);
	va_end(args);
}

/* What glibc's headers make of it under _FORTIFY_SOURCE. */
void __syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	append(priority, format, args);
	va_end(args);
}
