// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for libFuzzer where there is no clang: the same number of inputs,
 * from a generator with a fixed seed. No coverage guides it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static uint64_t next(void)	/* xorshift64* */
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

static unsigned long option(int argc, char **argv, const char *name, unsigned long value)
{
	size_t len = strlen(name);
	int i;

	for (i = 1; i < argc; i++)
		if (!strncmp(argv[i], name, len))
			value = strtoul(argv[i] + len, NULL, 0);
	return value;
}

int main(int argc, char **argv)
{
	unsigned long runs = option(argc, argv, "-runs=", 10000);
	unsigned long max = option(argc, argv, "-max_len=", 4096);
	unsigned long i, j;

	state = option(argc, argv, "-seed=", 1) * 0x9e3779b97f4a7c15ULL | 1;
	for (i = 0; i < runs; i++) {
		size_t size = next() % (max + 1);
		uint8_t *data = malloc(size ? size : 1);	/* exact, so that overruns show */

		if (!data)
			return 1;
		for (j = 0; j < size; j++)
			data[j] = next() >> 56;
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	fprintf(stderr, "Done %lu runs\n", runs);
	return 0;
}
