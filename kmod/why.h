/* SPDX-License-Identifier: GPL-2.0-only */
/* The sentence that goes with an errno: filled where the refusal is decided, shown where the user is. */
#ifndef IVM_WHY_H
#define IVM_WHY_H

#include <linux/kernel.h>
#include <linux/ivm.h>

/**
 * struct ivm_why - why something was refused
 * @text: one sentence that says what is wrong and what to do; empty when nothing was said
 * @attr: the IVM_A_* attribute at fault, 0 when none is
 * @entry: where @attr is repeated in a list: which of its entries, from 0
 */
struct ivm_why {
	char text[IVM_TEXT_MAX];
	int attr;
	unsigned int entry;
};

/**
 * ivm_why() - say why, and return the error
 * @why:  where the sentence goes; may be NULL
 * @attr: IVM_A_* at fault or 0
 * @err:  negative errno, returned unchanged
 * @fmt:  printf format of the sentence
 *
 * Context: any.
 */
static inline __printf(4, 5)
int ivm_why(struct ivm_why *why, int attr, int err, const char *fmt, ...)
{
	va_list args;

	if (why) {
		va_start(args, fmt);
		vscnprintf(why->text, sizeof(why->text), fmt, args);
		va_end(args);
		why->attr = attr;
	}
	return err;
}

#endif
