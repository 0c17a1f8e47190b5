// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl top: cores and VMs at work, again and again. */
#include "commands.h"

#include "attrs.h"
#include "fail.h"
#include "nl.h"
#include "print.h"
#include "screen.h"
#include "text.h"
#include "usage.h"
#include "view.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IVM_NS_PER_S		1000000000ULL
#define IVM_TOP_INTERVAL_MIN	(IVM_NS_PER_S / 10)
#define IVM_TOP_INTERVAL_MAX	(3600 * IVM_NS_PER_S)

struct ivm_top {
	bool			json, screen;
	char			*title;
	uint64_t		interval;	/* nanoseconds */
	uint64_t		count;		/* intervals to come; UINT64_MAX: until the end */
	struct ivm_nl		*nl;
	struct ivm_sample	last;
	struct json_object	*model;		/* what is on the screen; NULL: nothing yet */
};

/* Seconds with decimals, as "0.5", in nanoseconds. */
static int ivm_top_interval(const char *text, uint64_t *interval)
{
	uint64_t ns = 0, unit = IVM_NS_PER_S;
	const char *c = text;

	for (; isdigit((unsigned char)*c) && ns <= IVM_TOP_INTERVAL_MAX; c++)
		ns = 10 * ns + (uint64_t)(*c - '0') * unit;
	if (c > text && *c == '.' && isdigit((unsigned char)c[1]))
		for (c++; isdigit((unsigned char)*c); c++) {
			unit /= 10;
			ns += (uint64_t)(*c - '0') * unit;
		}
	if (*c || ns < IVM_TOP_INTERVAL_MIN || ns > IVM_TOP_INTERVAL_MAX)
		return ivm_fail(EINVAL, "interval is '%.40s'; expected seconds, 0.1 to 3600", text);
	*interval = ns;
	return 0;
}

static int ivm_top_options(struct ivm_top *top, const struct ivm_args *args)
{
	const char *interval = ivm_args_get(args, "interval") ?: "1", *count = ivm_args_get(args, "count");
	int err = ivm_top_interval(interval, &top->interval);

	if (err)
		return err;
	top->count = UINT64_MAX;
	if (count && (ivm_parse_number(count, &top->count) || !top->count))
		return ivm_fail(EINVAL, "count is '%.40s'; expected a number from 1 on", count);
	top->json = args->json;
	top->screen = !top->json && ivm_screen_possible();
	top->title = ivm_format("ivmctl top: every %s s. q leaves.", interval);
	return 0;
}

static int ivm_top_compare(const void *a, const void *b)
{
	return strcmp(ivm_json_get_text(*(struct json_object *const *)a, "name"),
		      ivm_json_get_text(*(struct json_object *const *)b, "name"));
}

static int ivm_top_draw(struct ivm_top *top)
{
	struct ivm_rows rows = { 0 };
	size_t height, width;
	int err;

	ivm_screen_size(&height, &width);
	ivm_view_page(&rows, top->model, top->title, height, width);
	err = ivm_screen_draw(rows.row, rows.count);
	ivm_rows_free(&rows);
	return err;
}

static int ivm_top_show(struct ivm_top *top)
{
	if (top->screen)
		return ivm_top_draw(top);
	if (top->json)
		ivm_print_json(top->model);
	else
		ivm_view_print(top->model);
	return ferror(stdout) ? ivm_fail(EIO, "cannot write to the standard output") : 0;
}

/* Look again, and show what happened since the last look. */
static int ivm_top_next(struct ivm_top *top)
{
	struct ivm_sample now;
	int err = ivm_sample_take(&now, top->nl);

	/* VMs that come and go too fast to be listed: the interval lasts until the next look. */
	if (err == -EAGAIN)
		return 0;
	if (err)
		return err;
	json_object_put(top->model);
	top->model = ivm_usage_model(&top->last, &now);
	json_object_array_sort(json_object_object_get(top->model, "vms"), ivm_top_compare);
	ivm_sample_free(&top->last);
	top->last = now;
	if (top->count != UINT64_MAX)
		top->count--;
	return ivm_top_show(top);
}

/* Wait until CLOCK_MONOTONIC is @ns. Return: false when the user wants to leave; *err: a failure meanwhile. */
static bool ivm_top_wait(struct ivm_top *top, uint64_t ns, int *err)
{
	const struct timespec until = { .tv_sec = (time_t)(ns / IVM_NS_PER_S), .tv_nsec = (long)(ns % IVM_NS_PER_S) };

	*err = 0;
	while (top->screen) {
		switch (ivm_screen_wait(ns)) {
		case IVM_SCREEN_TIME:
			return true;
		case IVM_SCREEN_END:
			return false;
		case IVM_SCREEN_CHANGED:
			*err = ivm_top_draw(top);
			if (*err)
				return false;
		}
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	return true;
}

static int ivm_top_loop(struct ivm_top *top)
{
	uint64_t next;
	int err;

	err = ivm_sample_take(&top->last, top->nl);
	if (!err && top->screen)
		err = ivm_top_draw(top);
	next = top->last.ns;
	while (!err && top->count) {
		next += top->interval;
		if (!ivm_top_wait(top, next, &err))
			break;
		err = ivm_top_next(top);
		/* After a stop of ours or of the machine, do not make up for what was missed. */
		if (top->last.ns > next + top->interval)
			next = top->last.ns;
	}
	return err;
}

int ivm_top(const struct ivm_args *args)
{
	struct ivm_top top = { 0 };
	int err = ivm_top_options(&top, args);

	if (!err)
		err = ivm_nl_open(&top.nl);
	if (!err && top.screen)
		err = ivm_screen_begin();
	if (!err)
		err = ivm_top_loop(&top);
	if (top.screen)
		ivm_screen_end();
	ivm_sample_free(&top.last);
	json_object_put(top.model);
	ivm_nl_close(top.nl);
	free(top.title);
	return err;
}
