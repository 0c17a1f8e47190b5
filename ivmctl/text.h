/* SPDX-License-Identifier: GPL-2.0-only */
/* Small conversions between text and values. */
#ifndef IVM_TEXT_H
#define IVM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IVM_SIZE_TEXT	32	/* bytes that ivm_size_text() needs */

/* Elements of an array. */
#define IVM_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/**
 * ivm_parse_number() - decimal, or hexadecimal after 0x; digits only, nothing before or after
 * Return: 0, or -EINVAL with *value untouched; records no sentence.
 */
int ivm_parse_number(const char *text, uint64_t *value);

/**
 * ivm_parse_size() - a number of bytes, optionally with K, M, G or T (powers of 1024)
 * Return: 0, or -EINVAL (also when it does not fit 64 bits); records no sentence.
 */
int ivm_parse_size(const char *text, uint64_t *bytes);

/* Write @bytes in the largest unit that divides it, as ivm_parse_size() reads it. Return: @text. */
const char *ivm_size_text(uint64_t bytes, char text[IVM_SIZE_TEXT]);

/* May @name be the name of a VM? Rules in uapi/linux/ivm.h. Return: 0, or -EINVAL with a sentence. */
int ivm_check_name(const char *name);

/* malloc()ed printf; ends the process when there is no memory. */
char *ivm_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Like calloc() and strdup(), but end the process when there is no memory. */
void *ivm_zalloc(size_t count, size_t size);
char *ivm_strdup(const char *text);

#endif
