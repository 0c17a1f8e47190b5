// SPDX-License-Identifier: GPL-2.0-only
#include "usage.h"

#include "attrs.h"
#include "fail.h"
#include "gang.h"
#include "nl.h"
#include "percent.h"
#include "text.h"
#include "times.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define IVM_NS_PER_S	1000000000ULL

/*
 * A counter that is the difference of others, read one after the other, may seem to go
 * back by a little. One that goes back further began anew.
 */
#define IVM_USAGE_JITTER	1000000

static uint64_t ivm_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * IVM_NS_PER_S + (uint64_t)now.tv_nsec;
}

int ivm_sample_take(struct ivm_sample *sample, struct ivm_nl *nl)
{
	uint64_t begin = ivm_clock(CLOCK_MONOTONIC);
	int err;

	memset(sample, 0, sizeof(*sample));
	err = ivm_nl_dump_vms(nl, &sample->vms);
	if (err) {
		sample->vms = NULL;
		return err;
	}
	/* The moment that the VMs' counters are of, as good as we know it. */
	sample->ns = begin + (ivm_clock(CLOCK_MONOTONIC) - begin) / 2;
	sample->time_ns = ivm_clock(CLOCK_REALTIME);
	err = ivm_nl_dump_cores(nl, &sample->cores);
	if (err)
		sample->cores = NULL;
	if (err == -EOPNOTSUPP) {
		sample->cores = json_object_new_array();
		err = 0;
	}
	if (err)
		ivm_sample_free(sample);
	return err;
}

void ivm_sample_free(struct ivm_sample *sample)
{
	json_object_put(sample->vms);
	json_object_put(sample->cores);
	memset(sample, 0, sizeof(*sample));
}

/* The entry of @array that has the same numbers as @object under both names, or NULL. */
static struct json_object *ivm_usage_find(struct json_object *array, struct json_object *object, const char *name,
					  const char *second)
{
	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		struct json_object *entry = json_object_array_get_idx(array, i);

		if (ivm_json_get_number(entry, name) == ivm_json_get_number(object, name) &&
		    ivm_json_get_number(entry, second) == ivm_json_get_number(object, second))
			return entry;
	}
	return NULL;
}

/* How far a counter went. Return: false when it began anew. */
static bool ivm_usage_went(uint64_t from, uint64_t to, uint64_t *delta)
{
	*delta = to >= from ? to - from : 0;
	return to >= from || from - to <= IVM_USAGE_JITTER;
}

/* How far the counter @name went. Return: false when one of them lacks it, or it began anew. */
static bool ivm_usage_delta(struct json_object *before, struct json_object *after, const char *name, uint64_t *delta)
{
	return json_object_object_get_ex(before, name, NULL) && json_object_object_get_ex(after, name, NULL) &&
	       ivm_usage_went(ivm_json_get_number(before, name), ivm_json_get_number(after, name), delta);
}

static void ivm_usage_copy(struct json_object *to, struct json_object *from, const char *const *names)
{
	struct json_object *value;

	for (; *names; names++)
		if (json_object_object_get_ex(from, *names, &value))
			json_object_object_add(to, *names, json_object_get(value));
}

static void ivm_usage_add(struct json_object *object, const char *name, uint64_t part, uint64_t whole)
{
	json_object_object_add(object, name, ivm_percent_json(ivm_permille(part, whole)));
}

/* ---- cores ---- */

static struct json_object *ivm_usage_core(struct json_object *before, struct json_object *core)
{
	static const char *const names[] = { "package", "core", "cpu", "floors", NULL };
	struct json_object *use = json_object_new_object();
	uint64_t from[IVM_TIMES], to[IVM_TIMES], wall;
	bool known = before && ivm_usage_delta(before, core, "wall-ns", &wall) &&
		     ivm_times_get(before, from) && ivm_times_get(core, to);

	ivm_usage_copy(use, core, names);
	json_object_object_add(use, "given", json_object_new_boolean(json_object_object_get_ex(core, "given", NULL)));
	if (json_object_object_get_ex(core, "name", NULL)) {
		json_object_object_add(use, "vm", json_object_new_string(ivm_json_get_text(core, "name")));
		json_object_object_add(use, "vcpu", json_object_new_uint64(ivm_json_get_number(core, "vcpu")));
	}
	for (size_t i = 0; known && i < IVM_TIMES; i++)
		known = ivm_usage_went(from[i], to[i], &to[i]);
	if (known) {
		json_object_object_add(use, "wall-ns", json_object_new_uint64(wall));
		ivm_times_add(use, to);
	}
	return use;
}

/* ---- VMs ---- */

struct ivm_vcpu_use {
	uint64_t	guest, hyp, gang, ready;
};

static bool ivm_usage_vcpu_deltas(struct json_object *before, struct json_object *vcpu, struct ivm_vcpu_use *use)
{
	return before && ivm_usage_delta(before, vcpu, "guest-ns", &use->guest) &&
	       ivm_usage_delta(before, vcpu, "hyp-ns", &use->hyp) &&
	       ivm_usage_delta(before, vcpu, "gang-ns", &use->gang) &&
	       ivm_usage_delta(before, vcpu, "ready-ns", &use->ready);
}

/* Return: whether it has figures; *ready: without a core, of the interval. */
static bool ivm_usage_vcpu(struct json_object *list, struct json_object *before, struct json_object *vcpu,
			   uint64_t interval, uint64_t *ready)
{
	static const char *const names[] = { "vcpu", "cpu", "vcpu-state", NULL };
	struct json_object *use = json_object_new_object();
	struct ivm_vcpu_use delta;
	bool known = ivm_usage_vcpu_deltas(before, vcpu, &delta);

	ivm_usage_copy(use, vcpu, names);
	if (known) {
		ivm_usage_add(use, "use-percent", delta.guest + delta.hyp + delta.gang, interval);
		ivm_usage_add(use, "guest-percent", delta.guest, interval);
		ivm_usage_add(use, "hyp-percent", delta.hyp, interval);
		ivm_usage_add(use, "gang-percent", delta.gang, interval);
		ivm_usage_add(use, "ready-percent", delta.ready, interval);
		*ready = delta.ready;
	}
	json_object_array_add(list, use);
	return known;
}

static void ivm_usage_vcpus(struct json_object *use, struct json_object *before, struct json_object *vm,
			    uint64_t interval)
{
	struct json_object *list = json_object_new_array(), *vcpus, *old = NULL, *vcpu;
	uint64_t ready, sum = 0, count = 0;

	if (before)
		old = json_object_object_get(before, "list-vcpu");
	vcpus = json_object_object_get(vm, "list-vcpu");
	for (size_t i = 0; vcpus && i < json_object_array_length(vcpus); i++) {
		vcpu = json_object_array_get_idx(vcpus, i);
		if (!ivm_usage_vcpu(list, ivm_usage_find(old, vcpu, "vcpu", "vcpu"), vcpu, interval, &ready))
			continue;
		sum += ready;
		count++;
	}
	if (count)
		ivm_usage_add(use, "ready-percent", sum / count, interval);
	json_object_object_add(use, "vcpus", list);
}

static struct json_object *ivm_usage_vm(struct json_object *before, struct json_object *vm, uint64_t interval)
{
	static const char *const names[] = { "name", "id", "state", "cpu", "cosched", NULL };
	static const char *const skews[] = { "skew-p99-ns", NULL };
	struct json_object *use = json_object_new_object(), *gang = NULL, *old = NULL;
	uint64_t run, corun;

	ivm_gang_complete(vm);
	ivm_usage_copy(use, vm, names);
	json_object_object_get_ex(vm, "gang", &gang);
	if (before)
		json_object_object_get_ex(before, "gang", &old);
	if (ivm_usage_delta(old, gang, "gang-run-ns", &run) && ivm_usage_delta(old, gang, "gang-corun-ns", &corun) && run)
		ivm_usage_add(use, "corun-percent", corun, run);
	if (gang)
		ivm_usage_copy(use, gang, skews);
	ivm_usage_vcpus(use, before, vm, interval);
	return use;
}

struct json_object *ivm_usage_model(const struct ivm_sample *before, const struct ivm_sample *after)
{
	struct json_object *model = json_object_new_object(), *cores = json_object_new_array();
	struct json_object *vms = json_object_new_array(), *entry, *old;
	uint64_t interval = after->ns - before->ns;

	for (size_t i = 0; i < json_object_array_length(after->cores); i++) {
		entry = json_object_array_get_idx(after->cores, i);
		old = ivm_usage_find(before->cores, entry, "package", "core");
		/* Another of its threads leads it now, and has counters of its own. */
		if (old && ivm_json_get_int(old, "cpu") != ivm_json_get_int(entry, "cpu"))
			old = NULL;
		json_object_array_add(cores, ivm_usage_core(old, entry));
	}
	for (size_t i = 0; i < json_object_array_length(after->vms); i++) {
		entry = json_object_array_get_idx(after->vms, i);
		json_object_array_add(vms, ivm_usage_vm(ivm_usage_find(before->vms, entry, "id", "id"), entry, interval));
	}
	json_object_object_add(model, "time-ns", json_object_new_uint64(after->time_ns));
	json_object_object_add(model, "interval-ns", json_object_new_uint64(interval));
	json_object_object_add(model, "cores", cores);
	json_object_object_add(model, "vms", vms);
	return model;
}
