// SPDX-License-Identifier: GPL-2.0-only
/*
 * until WHOSE TEXT COMMAND...: runs the command, reads its output until TEXT
 * appears in it, and ends the command. For count.c it marks where that begins,
 * before the command's process exists, and where TEXT was read; WHOSE is "ours",
 * "peers", "ours-shadow" or "peers-shadow". Status 1 when the text never came.
 */
#define _GNU_SOURCE
#include "mark.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a mark says is part of the instruction. */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define DEFINE_MARKS(name, id)				\
static void begin_##name(void) { MARK_BEGIN(id); }	\
static void end_##name(void) { MARK_END(id); }
DEFINE_MARKS(ours, MARK_OURS)
DEFINE_MARKS(peers, MARK_PEERS)
DEFINE_MARKS(shadow_ours, MARK_SHADOW_OURS)
DEFINE_MARKS(shadow_peers, MARK_SHADOW_PEERS)

static const struct whose {
	const char *name;
	void (*begin)(void);
	void (*end)(void);
} all[] = {
	{ "ours", begin_ours, end_ours },
	{ "peers", begin_peers, end_peers },
	{ "ours-shadow", begin_shadow_ours, end_shadow_ours },
	{ "peers-shadow", begin_shadow_peers, end_shadow_peers },
};

static const struct whose *find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		if (!strcmp(all[i].name, name))
			return &all[i];
	return NULL;
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	size_t have = 0, from = 0;
	const char *wanted;
	int out[2], pid;
	const struct whose *whose = argc < 4 ? NULL : find(argv[1]);

	if (!whose || pipe(out))
		return 2;
	wanted = argv[2];
	whose->begin();
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
			whose->end();
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
