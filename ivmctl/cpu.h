/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shares of a core: what "25%" means, the floor and cap of cpu=, and how a VM's
 * vCPUs share their time. Shares are in thousandths (IVM_CPU_WHOLE) everywhere
 * but in text, which has percent signs: a bare 25 might be meant either way.
 */
#ifndef IVM_CPU_H
#define IVM_CPU_H

#include <linux/ivm.h>
#include <stdbool.h>
#include <stdint.h>

struct nl_msg;

#define IVM_SHARE_TEXT	16	/* bytes that ivm_share_text() needs */
#define IVM_CPU_TEXT	(2 * IVM_SHARE_TEXT)

/* Of its core, what each vCPU is promised and what it may have at most. */
struct ivm_cpu {
	uint32_t	floor, cap;
};

/* What holds where nothing was said: no promise, no cap. */
#define IVM_CPU_DEFAULT	((struct ivm_cpu){ .floor = 0, .cap = IVM_CPU_WHOLE })

/* By enum ivm_cosched; the first is no name. */
extern const char *const ivm_cosched_names[IVM_COSCHED_OFF + 1];

/*
 * All parsers: 0, or -EINVAL with a sentence that begins with @key, and the result untouched.
 */

/* "12.5%", @min to @max thousandths. */
int ivm_share_parse(const char *key, const char *text, uint32_t min, uint32_t max, uint32_t *share);

/* "12.5%" of 125; any number has a text. Return: @text. */
char *ivm_share_text(uint32_t share, char text[IVM_SHARE_TEXT]);

/* "FLOOR" or "FLOOR:CAP"; without a cap there is none. */
int ivm_cpu_parse(const char *key, const char *text, struct ivm_cpu *cpu);

/* As ivm_cpu_parse() reads it. Return: @text. */
char *ivm_cpu_text(const struct ivm_cpu *cpu, char text[IVM_CPU_TEXT]);

/* One of ivm_cosched_names. */
int ivm_cosched_parse(const char *key, const char *text, uint32_t *cosched);

/* Attributes of what is given: @cpu unless NULL, @cosched unless 0. Return: 0, or -ENOMEM with a sentence. */
int ivm_cpu_put(struct nl_msg *msg, const struct ivm_cpu *cpu, uint32_t cosched);

#endif
