// SPDX-License-Identifier: GPL-2.0-only
/*
 * until WHOSE TEXT COMMAND...: runs the command, reads its output until TEXT
 * appears in it, and ends the command. For count.c it marks where that begins,
 * before the command's process exists, and where TEXT was read; WHOSE is "ours"
 * or "peers". Status 1 when the text never came.
 */
#define _GNU_SOURCE
#include "mark.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void begin(bool ours)
{
	if (ours)
		MARK_BEGIN(MARK_OURS);
	else
		MARK_BEGIN(MARK_PEERS);
}

static void end(bool ours)
{
	if (ours)
		MARK_END(MARK_OURS);
	else
		MARK_END(MARK_PEERS);
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	size_t have = 0, from = 0;
	const char *wanted;
	int out[2], pid;
	bool ours;

	if (argc < 4 || pipe(out))
		return 2;
	ours = !strcmp(argv[1], "ours");
	if (!ours && strcmp(argv[1], "peers"))
		return 2;
	wanted = argv[2];
	begin(ours);
	pid = fork();
	if (pid < 0)
		return 2;
	if (!pid) {
		setpgid(0, 0);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	close(out[1]);
	while (have < sizeof(text) - 1) {
		ssize_t n = read(out[0], text + have, sizeof(text) - 1 - have);

		if (n <= 0)
			break;
		have += n;
		if (memmem(text + from, have - from, wanted, strlen(wanted))) {
			end(ours);
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return 0;
		}
		from = have > strlen(wanted) ? have - strlen(wanted) : 0;
	}
	fprintf(stderr, "until: '%s' never came; the output ends: %s\n", wanted, text + (have > 300 ? have - 300 : 0));
	kill(-pid, SIGKILL);
	return 1;
}
