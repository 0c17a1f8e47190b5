// SPDX-License-Identifier: GPL-2.0-only
/* An administrator's word on which vCPU belongs on which core: a CPU list whose order counts. */
#include "sched.h"
#include "../why.h"

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>

#include <linux/ivm.h>

/* Digits, at least one, up to U16_MAX. Return: where they end, or NULL. */
static const char *affinity_number(const char *text, unsigned int *number)
{
	unsigned int n = 0;

	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++) {
		n = 10 * n + (*text - '0');
		if (n > U16_MAX)
			return NULL;
	}
	*number = n;
	return text;
}

/**
 * ivm_affinity_parse() - which CPU names the core of each vCPU
 * @list: like "4,2" or "2-5"; the first CPU is vCPU 0's
 * @nr:   vCPUs, 1 … IVM_VCPUS_MAX
 * @cpu:  out: one per vCPU
 * @why:  filled on refusal
 *
 * Whether there are such CPUs is for ivm_cores_place() to say.
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int ivm_affinity_parse(const char *list, unsigned int nr, u16 *cpu, struct ivm_why *why)
{
	unsigned int first, last, named = 0;
	const char *at = list;

	for (;;) {
		at = affinity_number(at, &first);
		last = first;
		if (at && *at == '-')
			at = affinity_number(at + 1, &last);
		if (!at || last < first || (*at && *at != ','))
			return ivm_why(why, IVM_A_AFFINITY, -EINVAL,
				       "expected a list of CPUs like \"4,2\" or \"2-5\", not \"%.80s\"", list);
		for (; first <= last; first++, named++)
			if (named < nr)
				cpu[named] = first;
		if (!*at)
			break;
		at++;
	}
	if (named != nr)
		return ivm_why(why, IVM_A_AFFINITY, -EINVAL,
			       "affinity names %u CPUs, and the VM has %u vCPUs: it needs one for each", named, nr);
	return 0;
}
