/* SPDX-License-Identifier: GPL-2.0-only */
/* Running the matrix: each cell's frame is sent, all that arrives anywhere is held against what must. */
#ifndef IVM_VERIFY_MATRIX_H
#define IVM_VERIFY_MATRIX_H

#include "probe.h"

#include <json-c/json.h>

enum ivm_fault {
	IVM_FAULT_LEAK,		/* it came out where it must not */
	IVM_FAULT_LOSS,		/* it did not come out where it must */
	IVM_FAULT_ALTERED,	/* it came out with other bytes, or another tag */
	IVM_FAULT_TWICE,	/* it came out more than once */
	IVM_FAULTS,
};

extern const char *const ivm_fault_names[IVM_FAULTS];

struct ivm_matrix {
	const struct ivm_run_values *run;
	/* of each cell and port, counted as frames arrive */
	uint8_t			*seen;
	bool			*sent;
	uint64_t		cells, frames, delivered;
	uint64_t		faults[IVM_FAULTS];
	struct json_object	*failures;	/* array; the first IVM_FAILURES_MAX */
};

#define IVM_FAILURES_MAX 1000

void ivm_matrix_init(struct ivm_matrix *matrix, const struct ivm_run_values *run);
void ivm_matrix_free(struct ivm_matrix *matrix);

/* How many frames must arrive, all ports together, when this cell's is sent. */
size_t ivm_matrix_due(const struct ivm_cell *cell);

/* A frame arrived. Return: false when it is none of the matrix. */
bool ivm_matrix_arrived(struct ivm_matrix *matrix, size_t at, const struct ivm_bytes *frame);

/* All that comes has come: what is missing is lost. */
void ivm_matrix_end(struct ivm_matrix *matrix);

/**
 * ivm_matrix_run() - send all, take all
 * @stop: set by a signal: end early
 *
 * Return: 0 when it ran to its end, whatever it found; negative errno with a sentence.
 */
int ivm_matrix_run(struct ivm_matrix *matrix, const struct ivm_probes *probes, const volatile int *stop);

#endif
