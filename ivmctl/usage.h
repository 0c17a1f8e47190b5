/* SPDX-License-Identifier: GPL-2.0-only */
/* What cores and VMs did between two looks at the module. */
#ifndef IVM_USAGE_H
#define IVM_USAGE_H

#include <json-c/json.h>
#include <stdint.h>

struct ivm_nl;

/* One look. Zeroed: none. */
struct ivm_sample {
	uint64_t		ns;		/* CLOCK_MONOTONIC */
	uint64_t		time_ns;	/* CLOCK_REALTIME */
	struct json_object	*vms, *cores;	/* arrays, of ivm_nl_dump_vms() and ivm_nl_dump_cores() */
};

/* Look. An older module has no cores. Return: 0, or negative errno with @sample empty. */
int ivm_sample_take(struct ivm_sample *sample, struct ivm_nl *nl);
void ivm_sample_free(struct ivm_sample *sample);

/**
 * ivm_usage_model() - what happened from @before to @after
 *
 * An object of time-ns, interval-ns, cores and vms. A core or VM that was not
 * there before, under the same number, has no figures of the interval: what it
 * did until now is of another time. Nor has one whose counters began anew.
 */
struct json_object *ivm_usage_model(const struct ivm_sample *before, const struct ivm_sample *after);

#endif
