// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include "fail.h"
#include "text.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define IVM_LOG_COMMAND_MAX 800	/* bytes; syslog lines are bounded */

char *ivm_log_command(int argc, char **argv)
{
	char *text = ivm_strdup("ivmctl");

	for (int i = 1; i < argc && strlen(text) < IVM_LOG_COMMAND_MAX; i++) {
		const char *quote = strpbrk(argv[i], " \t\n\"'\\") || !*argv[i] ? "'" : "";
		char *longer = ivm_format("%s %s%s%s", text, quote, argv[i], quote);

		free(text);
		text = longer;
	}
	if (strlen(text) > IVM_LOG_COMMAND_MAX)
		strcpy(text + IVM_LOG_COMMAND_MAX - 3, "...");
	ivm_printable(text);
	return text;
}

/* The user who logged in, whatever su or sudo made of them since; "unset" when nobody did. */
static void ivm_log_login(char *login, size_t size)
{
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, login, size - 1);

	if (fd >= 0)
		close(fd);
	login[got > 0 ? got : 0] = '\0';
	if (got <= 0 || !strcmp(login, "4294967295"))
		snprintf(login, size, "unset");
}

void ivm_log_outcome(const char *command, const char *failure)
{
	const struct passwd *user = getpwuid(getuid());
	const char *tty = ttyname(STDIN_FILENO);
	char login[16];

	ivm_log_login(login, sizeof(login));
	openlog("ivmctl", LOG_PID, LOG_AUTHPRIV);
	syslog(failure ? LOG_WARNING : LOG_NOTICE, "user=%s uid=%u login=%s tty=%s command=\"%s\" outcome=%s%s",
	       user ? user->pw_name : "?", getuid(), login, tty ?: "none", command,
	       failure ? "refused: " : "done", failure ?: "");
	closelog();
}
