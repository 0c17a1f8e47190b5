// SPDX-License-Identifier: GPL-2.0-only
#include "view.h"

#include "attrs.h"
#include "cpu.h"
#include "print.h"
#include "text.h"
#include "times.h"

#include <ctype.h>
#include <linux/ivm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a page: where the uses of vCPUs begin behind a VM's figures, or else below them. */
#define IVM_VIEW_USE_AT		71
#define IVM_VIEW_USE_BELOW	8
#define IVM_VIEW_USE_WIDTH	7	/* " 100.0%" */
#define IVM_VIEW_OWNER		13	/* of a VM's name, to leave room for the vCPU */

/* Takes over @row. */
static void ivm_rows_add(struct ivm_rows *rows, char *row)
{
	if (rows->count == rows->room) {
		char **more = ivm_zalloc(2 * rows->room + 16, sizeof(*more));

		if (rows->count)
			memcpy(more, rows->row, rows->count * sizeof(*more));
		free(rows->row);
		rows->row = more;
		rows->room = 2 * rows->room + 16;
	}
	rows->row[rows->count++] = row;
}

void ivm_rows_free(struct ivm_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->row[i]);
	free(rows->row);
	memset(rows, 0, sizeof(*rows));
}

static char *ivm_view_text(struct json_object *object, const char *name, enum ivm_format format)
{
	const struct ivm_field field = { .name = name, .format = format };

	return ivm_field_text(object, &field);
}

static char *ivm_view_floors(struct json_object *core)
{
	char text[IVM_SHARE_TEXT];

	if (!json_object_object_get_ex(core, "floors", NULL))
		return ivm_strdup("-");
	return ivm_strdup(ivm_share_text((uint32_t)ivm_json_get_number(core, "floors"), text));
}

/* "web/0" with at most @max of the name, or why nobody can be there. */
static char *ivm_view_owner(struct json_object *core, int max)
{
	struct json_object *given = json_object_object_get(core, "given");

	if (*ivm_json_get_text(core, "vm"))
		return ivm_format("%.*s/%llu", max, ivm_json_get_text(core, "vm"),
				  (unsigned long long)ivm_json_get_number(core, "vcpu"));
	return ivm_strdup(json_object_get_boolean(given) ? "-" : "(host)");
}

/* ---- a page ---- */

static char *ivm_page_core(struct json_object *core)
{
	char *owner = ivm_view_owner(core, IVM_VIEW_OWNER), *floors = ivm_view_floors(core), *row, *longer, *text;

	row = ivm_format("%3llu/%-3llu %3d  %-17s %6s", (unsigned long long)ivm_json_get_number(core, "package"),
			 (unsigned long long)ivm_json_get_number(core, "core"),
			 ivm_json_get_int(core, "cpu"), owner, floors);
	for (size_t i = 0; i < IVM_TIMES; i++) {
		text = ivm_times_text(core, ivm_times_names[i]);
		longer = ivm_format("%s %6s", row, text);
		free(row);
		free(text);
		row = longer;
	}
	free(owner);
	free(floors);
	return row;
}

static char *ivm_page_core_title(void)
{
	char *row = ivm_format("%-7s %3s  %-17s %6s", "  CORE", "CPU", "NOW", "FLOORS"), *longer;

	for (size_t i = 0; i < IVM_TIMES; i++) {
		char name[8];
		size_t k = 0;

		for (; ivm_times_names[i][k] && k + 1 < sizeof(name); k++)
			name[k] = (char)toupper((unsigned char)ivm_times_names[i][k]);
		name[k] = '\0';
		longer = ivm_format("%s %6s", row, name);
		free(row);
		row = longer;
	}
	return row;
}

/* The first row of a VM, up to where its vCPUs begin. */
static char *ivm_page_vm(struct json_object *vm)
{
	char *corun = ivm_view_text(vm, "corun-percent", IVM_AS_PERCENT);
	char *ready = ivm_view_text(vm, "ready-percent", IVM_AS_PERCENT);
	char *skew = ivm_view_text(vm, "skew-p99-ns", IVM_AS_SPAN);
	char *cpu = ivm_view_text(vm, "cpu", IVM_AS_TEXT), *cosched = ivm_view_text(vm, "cosched", IVM_AS_TEXT);
	char *row = ivm_format("%-17.17s %-8.8s %-11.11s %-7.7s %6s %6s %9s", ivm_json_get_text(vm, "name"),
			       ivm_json_get_text(vm, "state"), cpu, cosched, corun, ready, skew);

	free(corun);
	free(ready);
	free(skew);
	free(cpu);
	free(cosched);
	return row;
}

/* A VM, and the uses of its vCPUs: behind its figures if the width has room for all, else in rows below. */
static void ivm_page_add_vm(struct ivm_rows *rows, struct json_object *vm, size_t width)
{
	struct json_object *vcpus = json_object_object_get(vm, "vcpus");
	size_t count = json_object_array_length(vcpus), room = count, indent = IVM_VIEW_USE_AT;
	char *row = ivm_page_vm(vm), *use, *longer;

	if (IVM_VIEW_USE_AT + count * IVM_VIEW_USE_WIDTH > width) {
		indent = IVM_VIEW_USE_BELOW;
		room = width > indent + IVM_VIEW_USE_WIDTH ? (width - indent) / IVM_VIEW_USE_WIDTH : 1;
	}
	for (size_t i = 0; i < count; i++) {
		if (indent == IVM_VIEW_USE_BELOW && i % room == 0) {
			ivm_rows_add(rows, row);
			row = ivm_strdup("");
		}
		use = ivm_view_text(json_object_array_get_idx(vcpus, i), "use-percent", IVM_AS_PERCENT);
		longer = ivm_format("%-*s %6s", i % room ? 0 : (int)indent, row, use);
		free(row);
		free(use);
		row = longer;
	}
	ivm_rows_add(rows, row);
}

/* Of @all, as many rows as there is @room for; if not all, the last one says how many are left. */
static void ivm_page_part(struct ivm_rows *rows, struct ivm_rows *all, size_t room, const char *what)
{
	size_t shown = all->count <= room ? all->count : room ? room - 1 : 0;

	for (size_t i = 0; i < shown; i++)
		ivm_rows_add(rows, ivm_strdup(all->row[i]));
	if (shown < all->count && room)
		ivm_rows_add(rows, ivm_format("... %zu more rows of %s: the screen is too low", all->count - shown, what));
	ivm_rows_free(all);
}

void ivm_view_page(struct ivm_rows *rows, struct json_object *model, const char *title, size_t height, size_t width)
{
	struct ivm_rows cores = { 0 }, vms = { 0 };
	struct json_object *list;
	size_t room, half;

	ivm_rows_add(rows, ivm_strdup(title));
	if (!model) {
		ivm_rows_add(rows, ivm_strdup(""));
		ivm_rows_add(rows, ivm_strdup("Counting ..."));
		return;
	}
	list = json_object_object_get(model, "cores");
	for (size_t i = 0; i < json_object_array_length(list); i++)
		ivm_rows_add(&cores, ivm_page_core(json_object_array_get_idx(list, i)));
	list = json_object_object_get(model, "vms");
	for (size_t i = 0; i < json_object_array_length(list); i++)
		ivm_page_add_vm(&vms, json_object_array_get_idx(list, i), width);
	/* Title, two empty rows, two rows of column names; what the one part leaves is the other's. */
	room = height > 5 ? height - 5 : 0;
	half = room / 2 > vms.count ? room - vms.count : room / 2;
	if (half > cores.count)
		half = cores.count;
	ivm_rows_add(rows, ivm_strdup(""));
	ivm_rows_add(rows, ivm_page_core_title());
	ivm_page_part(rows, &cores, half, "cores");
	ivm_rows_add(rows, ivm_strdup(""));
	ivm_rows_add(rows, ivm_format("%-17s %-8s %-11s %-7s %6s %6s %9s   %s", "VM", "STATE", "CPU", "COSCHED", "CORUN",
				      "READY", "SKEW-P99", "USE"));
	ivm_page_part(rows, &vms, room - half, "VMs");
}

/* ---- lines ---- */

/* " title=value" without blanks in it, when there is a value. */
static void ivm_line_field(struct json_object *object, const char *title, const char *name, enum ivm_format format)
{
	char *text = ivm_view_text(object, name, format);

	if (strcmp(text, "-")) {
		printf(" %s=", title);
		for (const char *c = text; *c; c++)
			if (*c != ' ')
				putchar(*c);
	}
	free(text);
}

static void ivm_line_core(struct json_object *core)
{
	char *owner = ivm_view_owner(core, IVM_NAME_MAX), *floors = ivm_view_floors(core), *text;

	printf(" core %llu/%llu cpu=%d now=%s floors=%s", (unsigned long long)ivm_json_get_number(core, "package"),
	       (unsigned long long)ivm_json_get_number(core, "core"), ivm_json_get_int(core, "cpu"), owner, floors);
	for (size_t i = 0; i < IVM_TIMES; i++) {
		text = ivm_times_text(core, ivm_times_names[i]);
		printf(" %s=%s", ivm_times_names[i], text);
		free(text);
	}
	putchar('\n');
	free(owner);
	free(floors);
}

static void ivm_line_vm(struct json_object *vm)
{
	static const struct ivm_field fields[] = {
		{ "state", "state", IVM_AS_TEXT }, { "cpu", "cpu", IVM_AS_TEXT }, { "cosched", "cosched", IVM_AS_TEXT },
		{ "corun", "corun-percent", IVM_AS_PERCENT }, { "ready", "ready-percent", IVM_AS_PERCENT },
		{ "skew-p99", "skew-p99-ns", IVM_AS_SPAN },
	};
	struct json_object *vcpus = json_object_object_get(vm, "vcpus");

	printf(" vm %s", ivm_json_get_text(vm, "name"));
	for (size_t i = 0; i < IVM_COUNT(fields); i++)
		ivm_line_field(vm, fields[i].title, fields[i].name, fields[i].format);
	for (size_t i = 0; vcpus && i < json_object_array_length(vcpus); i++) {
		char *use = ivm_view_text(json_object_array_get_idx(vcpus, i), "use-percent", IVM_AS_PERCENT);

		printf("%s%s", i ? "," : " use=", use);
		free(use);
	}
	putchar('\n');
}

void ivm_view_print(struct json_object *model)
{
	struct json_object *cores = json_object_object_get(model, "cores"), *vms = json_object_object_get(model, "vms");
	char *time = ivm_view_text(model, "time-ns", IVM_AS_TIME);

	for (size_t i = 0; i < json_object_array_length(cores); i++) {
		fputs(time, stdout);
		ivm_line_core(json_object_array_get_idx(cores, i));
	}
	for (size_t i = 0; i < json_object_array_length(vms); i++) {
		fputs(time, stdout);
		ivm_line_vm(json_object_array_get_idx(vms, i));
	}
	fflush(stdout);
	free(time);
}
