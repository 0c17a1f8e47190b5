/* SPDX-License-Identifier: GPL-2.0-only */
/* The model of usage.h for people: rows for a screen, or lines for a file. */
#ifndef IVM_VIEW_H
#define IVM_VIEW_H

#include <json-c/json.h>
#include <stddef.h>

struct ivm_rows {
	char	**row;		/* of them each is for free() */
	size_t	count, room;
};

/* Zeroed: empty. */
void ivm_rows_free(struct ivm_rows *rows);

/*
 * @model as a page of @height rows, or less, and about @width columns. Cores and VMs
 * that find no room are counted in a row at the end of theirs. NULL: nothing is known yet.
 */
void ivm_view_page(struct ivm_rows *rows, struct json_object *model, const char *title, size_t height, size_t width);

/* A line for each core and VM, with the time in front and name=value. */
void ivm_view_print(struct json_object *model);

#endif
