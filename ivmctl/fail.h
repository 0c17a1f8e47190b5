/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a failure travels: whoever finds it records one sentence and returns a
 * negative number; everyone above passes the number on; main prints the
 * sentence, once. A thread has its own sentence.
 */
#ifndef IVM_FAIL_H
#define IVM_FAIL_H

#define IVM_USAGE	(-4096)	/* the command line itself is wrong; beyond every errno */

/**
 * ivm_fail() - record what went wrong
 * @err:	positive errno that callers may branch on
 * @format:	sentence without newline: what was expected, what was found, what to do.
 *		Bytes that could upset a terminal are replaced by '?'.
 *
 * Return: -@err.
 */
int ivm_fail(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ivm_usage() - like ivm_fail(), for a command line that cannot be understood. Return: IVM_USAGE. */
int ivm_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The sentence recorded last by this thread; never NULL. */
const char *ivm_failure(void);

/* Replace every control byte in @text by '?', in place. */
void ivm_printable(char *text);

#endif
