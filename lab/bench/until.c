// SPDX-License-Identifier: GPL-2.0-only
/*
 * until TEXT COMMAND...: runs the command, reads its output until TEXT appears
 * in it, ends the command, and prints how many TSC ticks that took, counted
 * from before its start. Status 1 when the text never came.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

int main(int argc, char **argv)
{
	static char text[1 << 20];
	size_t have = 0, from = 0;
	uint64_t start;
	int out[2], pid;

	if (argc < 3 || pipe(out))
		return 2;
	start = __rdtsc();
	pid = fork();
	if (pid < 0)
		return 2;
	if (!pid) {
		setpgid(0, 0);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	close(out[1]);
	while (have < sizeof(text) - 1) {
		ssize_t n = read(out[0], text + have, sizeof(text) - 1 - have);

		if (n <= 0)
			break;
		have += n;
		if (memmem(text + from, have - from, argv[1], strlen(argv[1]))) {
			printf("%llu\n", (unsigned long long)(__rdtsc() - start));
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return 0;
		}
		from = have > strlen(argv[1]) ? have - strlen(argv[1]) : 0;
	}
	fprintf(stderr, "until: '%s' never came; the output ends: %s\n", argv[1], text + (have > 300 ? have - 300 : 0));
	kill(-pid, SIGKILL);
	return 1;
}
