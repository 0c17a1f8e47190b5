// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit TIMES: the least TSC ticks from the request for an audit until its answer,
 * for each GiB that it looked at.
 */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

static uint64_t number(const struct answer *a, int type)
{
	uint64_t v = 0;

	if (a->attr[type])
		memcpy(&v, (char *)a->attr[type] + NLA_HDRLEN, sizeof(v));
	return v;
}

int main(int argc, char **argv)
{
	int fd = request_open(), family = fd < 0 ? -1 : request_family(fd), i;
	uint64_t least = UINT64_MAX, t, bytes = 0;
	static struct request r;
	static struct answer a;

	if (argc != 2 || family < 0)
		return 1;
	for (i = 0; i < atoi(argv[1]); i++) {
		request_start(&r, family, IVM_CMD_HOST_AUDIT, 0);
		t = __rdtsc();
		if (request_send(fd, &r, &a) || number(&a, IVM_A_VIOLATIONS)) {
			fprintf(stderr, "audit: error %d %s\n", a.error, a.text);
			return 1;
		}
		t = __rdtsc() - t;
		bytes = number(&a, IVM_A_BYTES);
		least = t < least ? t : least;
	}
	if (!bytes)
		return 1;
	printf("%llu\n", (unsigned long long)(least * 1024 / (bytes >> 20)));
	return 0;
}
