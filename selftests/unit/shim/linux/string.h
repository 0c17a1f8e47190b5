/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_STRING_H
#define SHIM_LINUX_STRING_H

#include <string.h>
#include <linux/types.h>

/* Bytes stored without the NUL, or -E2BIG when it was cut short. */
ssize_t strscpy(char *dst, const char *src, size_t size);

static inline void memzero_explicit(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ __volatile__("" :: "r"(p) : "memory");
}

#endif
