// SPDX-License-Identifier: GPL-2.0-only
#include "matrix.h"

#include "../fail.h"
#include "../text.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define IVM_PATIENCE_MS		400	/* for frames that are due */
#define IVM_PATIENCE_SHORT_MS	20	/* once many were lost */
#define IVM_PATIENCE_TRIES	50
#define IVM_QUIET_MS		500	/* nothing comes for so long: nothing will */

const char *const ivm_fault_names[IVM_FAULTS] = { "leak", "loss", "altered", "twice" };

void ivm_matrix_init(struct ivm_matrix *matrix, const struct ivm_run_values *run)
{
	memset(matrix, 0, sizeof(*matrix));
	matrix->run = run;
	matrix->seen = ivm_zalloc(ivm_nr_cells() * ivm_nr_probes, sizeof(*matrix->seen));
	matrix->sent = ivm_zalloc(ivm_nr_cells(), sizeof(*matrix->sent));
	matrix->failures = json_object_new_array();
}

void ivm_matrix_free(struct ivm_matrix *matrix)
{
	free(matrix->seen);
	free(matrix->sent);
	json_object_put(matrix->failures);
	memset(matrix, 0, sizeof(*matrix));
}

size_t ivm_matrix_due(const struct ivm_cell *cell)
{
	size_t due = 0;

	for (size_t at = 0; at < ivm_nr_probes; at++)
		due += ivm_expect(cell->sender, cell->to, &ivm_shapes[cell->shape], at).arrives;
	return due;
}

static void ivm_matrix_add_text(struct json_object *object, const char *name, char *text)
{
	if (text)
		json_object_object_add(object, name, json_object_new_string(text));
	free(text);
}

/* @got: NULL when nothing came. */
static void ivm_matrix_fault(struct ivm_matrix *matrix, enum ivm_fault fault, const struct ivm_cell *cell, size_t at,
			     const struct ivm_expect *expect, const struct ivm_bytes *got)
{
	static struct ivm_bytes want;
	struct json_object *failure;

	matrix->faults[fault]++;
	if (json_object_array_length(matrix->failures) >= IVM_FAILURES_MAX)
		return;
	failure = json_object_new_object();
	json_object_object_add(failure, "fault", json_object_new_string(ivm_fault_names[fault]));
	json_object_object_add(failure, "from", json_object_new_string(ivm_probe_kinds[cell->sender].name));
	json_object_object_add(failure, "to", json_object_new_string(ivm_probe_kinds[cell->to].name));
	json_object_object_add(failure, "frame", json_object_new_string(ivm_shapes[cell->shape].name));
	json_object_object_add(failure, "at", json_object_new_string(ivm_probe_kinds[at].name));
	json_object_object_add(failure, "rule", json_object_new_string(expect->rule));
	if (expect->arrives) {
		ivm_frame_expect(matrix->run, cell, expect, &want);
		ivm_matrix_add_text(failure, "expected", ivm_frame_text(&want));
	} else {
		json_object_object_add(failure, "expected", json_object_new_string("nothing"));
	}
	ivm_matrix_add_text(failure, "found", got ? ivm_frame_text(got) : ivm_strdup("nothing"));
	json_object_array_add(matrix->failures, failure);
}

bool ivm_matrix_arrived(struct ivm_matrix *matrix, size_t at, const struct ivm_bytes *frame)
{
	static struct ivm_bytes want;
	struct ivm_expect expect;
	struct ivm_cell cell;
	uint32_t number;
	uint8_t *seen;

	if (!ivm_frame_identify(matrix->run, frame, &number))
		return false;
	cell = ivm_cell_at(number);
	expect = ivm_expect(cell.sender, cell.to, &ivm_shapes[cell.shape], at);
	seen = &matrix->seen[number * ivm_nr_probes + at];
	if (*seen < UINT8_MAX)
		(*seen)++;
	matrix->delivered++;
	if (!expect.arrives) {
		ivm_matrix_fault(matrix, IVM_FAULT_LEAK, &cell, at, &expect, frame);
		return true;
	}
	ivm_frame_expect(matrix->run, &cell, &expect, &want);
	if (*seen > 1)
		ivm_matrix_fault(matrix, IVM_FAULT_TWICE, &cell, at, &expect, frame);
	else if (!ivm_frame_same(&want, frame))
		ivm_matrix_fault(matrix, IVM_FAULT_ALTERED, &cell, at, &expect, frame);
	return true;
}

void ivm_matrix_end(struct ivm_matrix *matrix)
{
	for (uint32_t number = 0; number < ivm_nr_cells(); number++) {
		struct ivm_cell cell = ivm_cell_at(number);

		if (!matrix->sent[number])
			continue;
		for (size_t at = 0; at < ivm_nr_probes; at++) {
			struct ivm_expect expect = ivm_expect(cell.sender, cell.to, &ivm_shapes[cell.shape], at);

			if (expect.arrives && !matrix->seen[number * ivm_nr_probes + at])
				ivm_matrix_fault(matrix, IVM_FAULT_LOSS, &cell, at, &expect, NULL);
		}
	}
}

/* ---- live ---- */

static uint64_t ivm_matrix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Take what has arrived everywhere. Return: how many frames of ours that were. */
static size_t ivm_matrix_take(struct ivm_matrix *matrix, const struct ivm_probes *probes)
{
	static struct ivm_bytes frame;
	size_t taken = 0;

	for (size_t at = 0; at < ivm_nr_probes; at++)
		while (ivm_probes_receive(probes, at, &frame))
			taken += ivm_matrix_arrived(matrix, at, &frame);
	return taken;
}

static void ivm_matrix_poll(const struct ivm_probes *probes, int ms)
{
	struct pollfd fds[IVM_PROBES_MAX];

	for (size_t at = 0; at < ivm_nr_probes; at++)
		fds[at] = (struct pollfd){ .fd = probes->capture[at], .events = POLLIN };
	poll(fds, ivm_nr_probes, ms);
}

/* Take frames until @due have come. Return: false when they did not in @patience_ms. */
static bool ivm_matrix_wait(struct ivm_matrix *matrix, const struct ivm_probes *probes, size_t due,
			    uint64_t patience_ms)
{
	const uint64_t begin = ivm_matrix_ms();
	size_t taken = ivm_matrix_take(matrix, probes);

	while (taken < due) {
		uint64_t passed = ivm_matrix_ms() - begin;

		if (passed >= patience_ms)
			return false;
		ivm_matrix_poll(probes, (int)(patience_ms - passed));
		taken += ivm_matrix_take(matrix, probes);
	}
	return true;
}

static void ivm_matrix_wait_quiet(struct ivm_matrix *matrix, const struct ivm_probes *probes, const volatile int *stop)
{
	uint64_t last = ivm_matrix_ms();

	while (!*stop && ivm_matrix_ms() - last < IVM_QUIET_MS) {
		ivm_matrix_poll(probes, 50);
		if (ivm_matrix_take(matrix, probes))
			last = ivm_matrix_ms();
	}
}

/* All addressees of one sender and one kind of frame. */
static int ivm_matrix_send(struct ivm_matrix *matrix, const struct ivm_probes *probes, size_t sender, size_t shape,
			   size_t *due)
{
	struct ivm_cell cell = { .sender = sender, .shape = shape };
	int err = 0;

	*due = 0;
	for (cell.to = 0; cell.to < ivm_nr_probes && !err; cell.to++) {
		if (cell.to == sender)
			continue;
		matrix->cells++;
		if (!ivm_shape_can(sender, &ivm_shapes[shape]))
			continue;
		err = ivm_probes_send(probes, &cell);
		matrix->sent[ivm_cell_number(&cell)] = true;
		matrix->frames++;
		*due += ivm_matrix_due(&cell);
	}
	return err;
}

int ivm_matrix_run(struct ivm_matrix *matrix, const struct ivm_probes *probes, const volatile int *stop)
{
	unsigned int tries = IVM_PATIENCE_TRIES;
	size_t due;
	int err;

	for (size_t sender = 0; sender < ivm_nr_probes; sender++) {
		for (size_t shape = 0; shape < ivm_nr_shapes; shape++) {
			if (*stop)
				return ivm_fail(EINTR, "interrupted after %llu cells; the probes are removed",
						(unsigned long long)matrix->cells);
			err = ivm_matrix_send(matrix, probes, sender, shape, &due);
			if (err)
				return err;
			/* Late ones are still counted in their own cells; waiting keeps sockets from overflowing. */
			if (!ivm_matrix_wait(matrix, probes, due, tries ? IVM_PATIENCE_MS : IVM_PATIENCE_SHORT_MS) && tries)
				tries--;
		}
	}
	ivm_matrix_wait_quiet(matrix, probes, stop);
	if (*stop)
		return ivm_fail(EINTR, "interrupted after %llu cells; the probes are removed",
				(unsigned long long)matrix->cells);
	ivm_matrix_end(matrix);
	return 0;
}
