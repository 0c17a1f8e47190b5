// SPDX-License-Identifier: GPL-2.0-only
/*
 * bracket SPAN MS: marks for count.c where a span of so many milliseconds begins
 * and ends, and prints its number there. SPAN is 0 to 5.
 */
#include "mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What a mark says is part of the instruction. */
#define SPAN(n)	(end ? MARK_END(MARK_SPAN + (n)) : MARK_BEGIN(MARK_SPAN + (n)))

static void mark(int span, int end)
{
	switch (span) {
	case 0:
		SPAN(0);
		break;
	case 1:
		SPAN(1);
		break;
	case 2:
		SPAN(2);
		break;
	case 3:
		SPAN(3);
		break;
	case 4:
		SPAN(4);
		break;
	case 5:
		SPAN(5);
		break;
	}
}

int main(int argc, char **argv)
{
	struct timespec nap;
	int span, ms;

	if (argc != 3)
		return 2;
	span = atoi(argv[1]);
	ms = atoi(argv[2]);
	if (span < 0 || span >= MARK_SPANS || ms <= 0)
		return 2;
	nap = (struct timespec) { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	mark(span, 0);
	nanosleep(&nap, NULL);
	mark(span, 1);
	printf("%d\n", MARK_SPAN + span);
	return 0;
}
