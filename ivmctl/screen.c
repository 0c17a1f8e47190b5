// SPDX-License-Identifier: GPL-2.0-only
#include "screen.h"

#include "fail.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define IVM_NS_PER_S		1000000000ULL
#define IVM_SCREEN_ROWS		24	/* when the terminal does not say */
#define IVM_SCREEN_COLUMNS	80
#define IVM_CTRL_C		3

#define IVM_ANSI_ENTER	"\033[?1049h\033[?25l"	/* second page, no cursor */
#define IVM_ANSI_LEAVE	"\033[?25h\033[?1049l"
#define IVM_ANSI_HOME	"\033[H"
#define IVM_ANSI_EOL	"\033[K"
#define IVM_ANSI_REST	"\033[J"

/* What ends us in an orderly way, and what only wakes us: both come while we wait, at no other time. */
static const int ivm_screen_ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int ivm_screen_wakes[] = { SIGWINCH, SIGCONT };
static const int ivm_screen_fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGPIPE };

static struct termios ivm_screen_saved;
static volatile sig_atomic_t ivm_screen_taken, ivm_screen_keys, ivm_screen_ended, ivm_screen_woken;
static sigset_t ivm_screen_mask;	/* as it was before us */
static bool ivm_screen_began;

bool ivm_screen_possible(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb");
}

/* From signal handlers too. */
static void ivm_screen_restore(void)
{
	ssize_t put;

	if (!ivm_screen_taken)
		return;
	ivm_screen_taken = 0;
	put = write(STDOUT_FILENO, IVM_ANSI_LEAVE, sizeof(IVM_ANSI_LEAVE) - 1);
	(void)put;	/* if it fails, nobody is there to see it */
	if (ivm_screen_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &ivm_screen_saved);
}

static void ivm_screen_on_end(int signal_number)
{
	ivm_screen_ended = signal_number;
}

static void ivm_screen_on_wake(int signal_number)
{
	ivm_screen_woken = signal_number;
}

/* Installed with SA_RESETHAND, so raising ends the process as the signal would have. */
static void ivm_screen_on_fatal(int signal_number)
{
	ivm_screen_restore();
	raise(signal_number);
}

static void ivm_screen_handle(const int *signals, size_t count, void (*handler)(int), int flags, sigset_t *mask)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	for (size_t i = 0; i < count; i++) {
		sigaction(signals[i], &action, NULL);
		if (mask)
			sigaddset(mask, signals[i]);
	}
}

/* Keys at once and unseen; Ctrl-C and Ctrl-Z are keys. Output stays as it is. */
static int ivm_screen_raw(void)
{
	struct termios raw = ivm_screen_saved;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static int ivm_screen_write(const char *data, size_t length)
{
	while (length) {
		ssize_t put = write(STDOUT_FILENO, data, length);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = STDOUT_FILENO, .events = POLLOUT };

			poll(&ready, 1, -1);
			continue;
		}
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return ivm_fail(errno, "cannot write to the terminal: %s", strerror(errno));
		data += put;
		length -= (size_t)put;
	}
	return 0;
}

int ivm_screen_begin(void)
{
	sigset_t mask;

	/* Keys are for whom types at a terminal. */
	ivm_screen_keys = isatty(STDIN_FILENO);
	if (ivm_screen_keys && tcgetattr(STDIN_FILENO, &ivm_screen_saved))
		return ivm_fail(errno, "cannot read the settings of the terminal: %s", strerror(errno));
	sigemptyset(&mask);
	ivm_screen_handle(ivm_screen_fatal, IVM_COUNT(ivm_screen_fatal), ivm_screen_on_fatal, (int)SA_RESETHAND, NULL);
	ivm_screen_handle(ivm_screen_ends, IVM_COUNT(ivm_screen_ends), ivm_screen_on_end, 0, &mask);
	ivm_screen_handle(ivm_screen_wakes, IVM_COUNT(ivm_screen_wakes), ivm_screen_on_wake, 0, &mask);
	sigprocmask(SIG_BLOCK, &mask, &ivm_screen_mask);
	atexit(ivm_screen_restore);
	ivm_screen_began = true;
	ivm_screen_taken = 1;
	if (ivm_screen_keys && ivm_screen_raw()) {
		int err = ivm_fail(errno, "cannot set the terminal to single keys: %s", strerror(errno));

		ivm_screen_restore();
		return err;
	}
	return ivm_screen_write(IVM_ANSI_ENTER, sizeof(IVM_ANSI_ENTER) - 1);
}

void ivm_screen_end(void)
{
	int ended = ivm_screen_ended;

	if (!ivm_screen_began)
		return;
	ivm_screen_began = false;
	ivm_screen_restore();
	ivm_screen_handle(ivm_screen_ends, IVM_COUNT(ivm_screen_ends), SIG_DFL, 0, NULL);
	ivm_screen_handle(ivm_screen_wakes, IVM_COUNT(ivm_screen_wakes), SIG_DFL, 0, NULL);
	sigprocmask(SIG_SETMASK, &ivm_screen_mask, NULL);
	ivm_screen_ended = 0;
	/* Ctrl-C is a way to leave; others want to see their signal in the status. */
	if (ended && ended != SIGINT)
		raise(ended);
}

void ivm_screen_size(size_t *rows, size_t *columns)
{
	struct winsize size;

	*rows = IVM_SCREEN_ROWS;
	*columns = IVM_SCREEN_COLUMNS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	if (size.ws_row)
		*rows = size.ws_row;
	if (size.ws_col)
		*columns = size.ws_col;
}

int ivm_screen_draw(char *const *rows, size_t count)
{
	size_t height, width, length;
	char *page = NULL;
	FILE *out;
	int err;

	ivm_screen_size(&height, &width);
	out = open_memstream(&page, &length);
	if (!out)
		return ivm_fail(ENOMEM, "out of memory");
	fputs(IVM_ANSI_HOME, out);
	for (size_t i = 0; i < count && i < height; i++) {
		char *row = ivm_format("%.*s", (int)width, rows[i]);

		ivm_printable(row);
		/* No line feed behind the last one: it would move all of them up. */
		fprintf(out, "%s%s" IVM_ANSI_EOL, i ? "\r\n" : "", row);
		free(row);
	}
	fputs(IVM_ANSI_REST, out);
	err = fclose(out) ? ivm_fail(ENOMEM, "out of memory") : ivm_screen_write(page, length);
	free(page);
	return err;
}

/* Return: false when the user wants to leave, or the terminal is gone. */
static bool ivm_screen_typed(void)
{
	char keys[64];
	ssize_t got = read(STDIN_FILENO, keys, sizeof(keys));

	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	/* Keys like arrows send several bytes, which mean nothing one by one. */
	if (!got || keys[0] == '\033')
		return got;
	return !memchr(keys, 'q', (size_t)got) && !memchr(keys, IVM_CTRL_C, (size_t)got);
}

static uint64_t ivm_screen_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * IVM_NS_PER_S + (uint64_t)now.tv_nsec;
}

enum ivm_screen_event ivm_screen_wait(uint64_t ns)
{
	for (;;) {
		struct pollfd keys = { .fd = ivm_screen_keys ? STDIN_FILENO : -1, .events = POLLIN };
		uint64_t now = ivm_screen_now(), left = ns > now ? ns - now : 0;
		const struct timespec limit = {
			.tv_sec = (time_t)(left / IVM_NS_PER_S), .tv_nsec = (long)(left % IVM_NS_PER_S),
		};
		int ready = ppoll(&keys, 1, &limit, &ivm_screen_mask);

		if (ivm_screen_ended || (ready > 0 && !ivm_screen_typed()))
			return IVM_SCREEN_END;
		if (ivm_screen_woken) {
			/* Whoever stopped us may have used the terminal meanwhile. */
			if (ivm_screen_woken == SIGCONT &&
			    ((ivm_screen_keys && ivm_screen_raw()) ||
			     ivm_screen_write(IVM_ANSI_ENTER, sizeof(IVM_ANSI_ENTER) - 1)))
				return IVM_SCREEN_END;
			ivm_screen_woken = 0;
			return IVM_SCREEN_CHANGED;
		}
		if (!ready)
			return IVM_SCREEN_TIME;
		if (ready < 0 && errno != EINTR)
			return IVM_SCREEN_END;
	}
}
