// SPDX-License-Identifier: GPL-2.0-only
/* Text to the UART, and the words of the command line. */
#include "guest.h"

#define LSR 5
#define LSR_THRE 0x20

void putch(char c)
{
	if (c == '\n')
		putch('\r');
	while (!(inb(UART_PORT + LSR) & LSR_THRE))
		pause();
	outb(UART_PORT, c);
}

static void put_num(u64 v, u32 base, bool negative, u32 width)
{
	char buf[24];
	u32 n = 0;

	do
		buf[n++] = "0123456789abcdef"[v % base];
	while ((v /= base));
	while (n < width && n < sizeof(buf) - 1)
		buf[n++] = '0';
	if (negative)
		buf[n++] = '-';
	while (n)
		putch(buf[--n]);
}

static void vprint(const char *fmt, __builtin_va_list ap)
{
	for (; *fmt; fmt++) {
		u32 width = 0;
		bool l = false;
		s64 v;

		if (*fmt != '%') {
			putch(*fmt);
			continue;
		}
		for (fmt++; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + *fmt - '0';
		for (; *fmt == 'l'; fmt++)
			l = true;
		switch (*fmt) {
		case 's':
			for (const char *s = __builtin_va_arg(ap, const char *); *s; s++)
				putch(*s);
			break;
		case 'c':
			putch(__builtin_va_arg(ap, int));
			break;
		case 'd':
			v = l ? __builtin_va_arg(ap, s64) : __builtin_va_arg(ap, s32);
			put_num(v < 0 ? -v : v, 10, v < 0, width);
			break;
		case 'u':
		case 'x':
			put_num(l ? __builtin_va_arg(ap, u64) : __builtin_va_arg(ap, u32),
				*fmt == 'u' ? 10 : 16, false, width);
			break;
		default:
			putch(*fmt);
		}
	}
}

void print(const char *fmt, ...)
{
	__builtin_va_list ap;

	__builtin_va_start(ap, fmt);
	vprint(fmt, ap);
	__builtin_va_end(ap);
}

void note(const char *fmt, ...)
{
	__builtin_va_list ap;

	print("# ");
	__builtin_va_start(ap, fmt);
	vprint(fmt, ap);
	__builtin_va_end(ap);
	putch('\n');
}

const char *option(const char *name)
{
	static char value[64];
	const char *p = cmdline;
	size_t len = strlen(name);

	while (*p) {
		while (*p == ' ')
			p++;
		if (!memcmp(p, name, len) && (p[len] == '=' || p[len] == ' ' || !p[len])) {
			u32 n = 0;

			for (p += len + (p[len] == '='); *p && *p != ' ' && n < sizeof(value) - 1; p++)
				value[n++] = *p;
			value[n] = 0;
			return value;
		}
		while (*p && *p != ' ')
			p++;
	}
	return NULL;
}

u64 option_num(const char *name, u64 otherwise)
{
	const char *s = option(name);
	u64 v = 0;

	if (!s || !*s)
		return otherwise;
	for (; *s >= '0' && *s <= '9'; s++)
		v = v * 10 + *s - '0';
	return v;
}
