/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal as a screen that is drawn anew: its second page, so that what was
 * there before comes back. Whatever ends the process, but SIGKILL, restores it.
 */
#ifndef IVM_SCREEN_H
#define IVM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ivm_screen_event {
	IVM_SCREEN_TIME,	/* it is time */
	IVM_SCREEN_CHANGED,	/* draw again: another size, or back from a stop */
	IVM_SCREEN_END,		/* the user wants to leave, or was cut off */
};

/* Is the standard output a terminal that can be drawn on? */
bool ivm_screen_possible(void);

/* Take the terminal. Return: 0, or negative errno with a sentence. */
int ivm_screen_begin(void);

/*
 * Give it back; a signal that asked for the end then ends the process. May be called without
 * ivm_screen_begin(), and twice.
 */
void ivm_screen_end(void);

void ivm_screen_size(size_t *rows, size_t *columns);

/*
 * Show @count rows, each cut to the width; rows beyond the height are not shown.
 * A control character is shown as '?'. Return: 0, or negative errno with a sentence.
 */
int ivm_screen_draw(char *const *rows, size_t count);

/* Wait until CLOCK_MONOTONIC is @ns, or for what comes first. */
enum ivm_screen_event ivm_screen_wait(uint64_t ns);

#endif
