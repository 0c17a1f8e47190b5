// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl vm console: the terminal at the VM's serial port. */
#include "commands.h"

#include "device.h"
#include "fail.h"
#include "store.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define IVM_CONSOLE_ESCAPE	0x1d	/* Ctrl-] */
#define IVM_CONSOLE_CHUNK	4096

enum ivm_console_end {
	IVM_CONSOLE_GOES_ON,
	IVM_CONSOLE_STOPPED,	/* the VM did */
	IVM_CONSOLE_DETACHED,	/* the user did, or without waiting the input ended */
};

struct ivm_terminal {
	const char	*name;
	int		fd;		/* the VM's console, not blocking */
	bool		input;		/* stdin is still open */
	bool		wait;		/* after the end of stdin, until the VM stops */
	bool		raw;		/* stdin is a terminal, in raw mode */
	char		pending[IVM_CONSOLE_CHUNK];	/* typed, not yet taken by the guest */
	size_t		pending_start, pending_end;
};

/* For the signal handler: what to restore. */
static struct termios ivm_termios_saved;
static volatile sig_atomic_t ivm_termios_changed;

static void ivm_termios_restore(void)
{
	if (ivm_termios_changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &ivm_termios_saved);
	ivm_termios_changed = 0;
}

/* The handler was installed with SA_RESETHAND, so raising ends the process as the signal would have. */
static void ivm_console_fatal(int signal_number)
{
	if (ivm_termios_changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &ivm_termios_saved);
	raise(signal_number);
}

static int ivm_terminal_raw(void)
{
	static const int fatal[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGABRT, SIGSEGV, SIGBUS, SIGALRM };
	struct sigaction action = { .sa_handler = ivm_console_fatal, .sa_flags = (int)SA_RESETHAND };
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &ivm_termios_saved))
		return ivm_fail(errno, "cannot read the settings of the terminal: %s", strerror(errno));
	for (size_t i = 0; i < IVM_COUNT(fatal); i++)
		sigaction(fatal[i], &action, NULL);
	atexit(ivm_termios_restore);
	raw = ivm_termios_saved;
	cfmakeraw(&raw);
	ivm_termios_changed = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw))
		return ivm_fail(errno, "cannot set the terminal to raw mode: %s", strerror(errno));
	return 0;
}

static int ivm_write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t put = write(fd, data, length);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			poll(&ready, 1, -1);
			continue;
		}
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return ivm_fail(errno, "cannot write the VM's output: %s", strerror(errno));
		data += put;
		length -= (size_t)put;
	}
	return 0;
}

/* Everything that the VM has written. Return: enum ivm_console_end or negative errno. */
static int ivm_console_output(int fd)
{
	char data[IVM_CONSOLE_CHUNK];

	for (;;) {
		ssize_t got = read(fd, data, sizeof(data));
		int err;

		if (!got)
			return IVM_CONSOLE_STOPPED;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return IVM_CONSOLE_GOES_ON;
		if (got < 0)
			return ivm_fail(errno, "cannot read the VM's console: %s", strerror(errno));
		err = ivm_write_all(STDOUT_FILENO, data, (size_t)got);
		if (err)
			return err;
	}
}

/* What the user has typed, into the queue. Return: enum ivm_console_end or negative errno. */
static int ivm_console_typed(struct ivm_terminal *terminal)
{
	ssize_t got = read(STDIN_FILENO, terminal->pending, sizeof(terminal->pending));
	char *escape;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return IVM_CONSOLE_GOES_ON;
	if (got <= 0) {
		/* EIO: the terminal went away, which ends the input just as well. */
		terminal->input = false;
		return terminal->wait ? IVM_CONSOLE_GOES_ON : IVM_CONSOLE_DETACHED;
	}
	terminal->pending_start = 0;
	terminal->pending_end = (size_t)got;
	escape = terminal->raw ? memchr(terminal->pending, IVM_CONSOLE_ESCAPE, (size_t)got) : NULL;
	return escape ? IVM_CONSOLE_DETACHED : IVM_CONSOLE_GOES_ON;
}

/* Hand the queue to the guest as far as it takes it. Return: 0 or negative errno. */
static int ivm_console_type(struct ivm_terminal *terminal)
{
	while (terminal->pending_start < terminal->pending_end) {
		ssize_t put = write(terminal->fd, terminal->pending + terminal->pending_start,
				    terminal->pending_end - terminal->pending_start);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			return 0;
		if (put < 0) {
			/* A VM that has stopped takes nothing; its last output is still to be read. */
			terminal->pending_start = terminal->pending_end;
			terminal->input = false;
			return 0;
		}
		terminal->pending_start += (size_t)put;
	}
	return 0;
}

static int ivm_console_loop(struct ivm_terminal *terminal)
{
	int result = IVM_CONSOLE_GOES_ON;

	while (result == IVM_CONSOLE_GOES_ON) {
		bool pending = terminal->pending_start < terminal->pending_end;
		struct pollfd fds[] = {
			{ .fd = terminal->fd, .events = (short)(POLLIN | (pending ? POLLOUT : 0)) },
			{ .fd = terminal->input && !pending ? STDIN_FILENO : -1, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return ivm_fail(errno, "cannot wait for the VM's console: %s", strerror(errno));
		}
		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			result = ivm_console_output(terminal->fd);
		if (result == IVM_CONSOLE_GOES_ON && fds[1].revents)
			result = ivm_console_typed(terminal);
		if (result == IVM_CONSOLE_GOES_ON)
			ivm_console_type(terminal);
	}
	return result;
}

/* Be the terminal of @name until it stops or the user detaches. */
static int ivm_console_run(const char *name, uint32_t flags, bool wait)
{
	struct ivm_terminal terminal = {
		.name = name, .input = true, .wait = wait, .raw = isatty(STDIN_FILENO),
	};
	int result = 0;

	terminal.fd = ivm_device_console(name, flags | IVM_CONSOLE_INPUT | IVM_CONSOLE_NONBLOCK);
	if (terminal.fd < 0)
		return ivm_store_explain(name, terminal.fd);
	if (terminal.raw) {
		fprintf(stderr, "Console of %s. Ctrl-] detaches.\n", name);
		result = ivm_terminal_raw();
	}
	if (!result)
		result = ivm_console_loop(&terminal);
	ivm_termios_restore();
	close(terminal.fd);
	if (terminal.raw && result >= 0)
		fprintf(stderr, "\n%s\n", result == IVM_CONSOLE_STOPPED ? "The VM stopped." : "Detached.");
	return result < 0 ? result : 0;
}

/* What is kept, and no more. */
static int ivm_console_history(const char *name)
{
	int fd = ivm_device_console(name, IVM_CONSOLE_HISTORY | IVM_CONSOLE_NONBLOCK);
	int result;

	if (fd < 0)
		return ivm_store_explain(name, fd);
	result = ivm_console_output(fd);
	close(fd);
	return result < 0 ? result : 0;
}

int ivm_console_attach(const char *name)
{
	return ivm_console_run(name, IVM_CONSOLE_HISTORY, true);
}

int ivm_vm_console(const struct ivm_args *args)
{
	if (ivm_args_get(args, "history"))
		return ivm_console_history(args->name);
	return ivm_console_run(args->name, 0, !ivm_args_get(args, "no-wait"));
}
