// SPDX-License-Identifier: GPL-2.0-only
/*
 * The console's terminal side. The VM is one end of a socket pair here, the
 * user holds the other side of a pseudo terminal.
 */
#include "../harness.h"

#include "../../ivmctl/console.c"

#include <pty.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <utmp.h>

static int guest_end;	/* what ivm_device_console() gives out */

int ivm_device_console(const char *name, uint32_t flags)
{
	if (flags & IVM_CONSOLE_NONBLOCK)
		fcntl(guest_end, F_SETFL, O_NONBLOCK);
	return guest_end;
}

/* Read from @fd until @text came, for at most 10 s. */
static int expect(int fd, const char *text)
{
	char seen[65536] = "";
	size_t used = 0;

	for (int i = 0; i < 100; i++) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (poll(&ready, 1, 100) <= 0)
			continue;
		got = read(fd, seen + used, sizeof(seen) - 1 - used);
		if (got <= 0)
			break;
		used += (size_t)got;
		seen[used] = '\0';
		if (strstr(seen, text))
			return 1;
	}
	printf("# expected \"%s\", found \"%s\"\n", text, seen);
	return 0;
}

static int exit_status(pid_t child)
{
	int status;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		usleep(10000);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return -1;
}

FIXTURE(terminal) {
	int guest, user, slave;
	pid_t child;
	struct termios before;
};

FIXTURE_SETUP(terminal)
{
	const int small = 4096;
	int pair[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	self->guest = pair[0];
	guest_end = pair[1];
	/* A guest's queue is short. */
	ASSERT_EQ(0, setsockopt(guest_end, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)));
	ASSERT_EQ(0, openpty(&self->user, &self->slave, NULL, NULL, NULL));
	ASSERT_EQ(0, tcgetattr(self->slave, &self->before));
	self->child = fork();
	if (!self->child) {
		close(self->guest);
		login_tty(self->slave);
		exit(ivm_console_run("t0", 0, true) ? 1 : 0);
	}
	close(guest_end);
	ASSERT_TRUE(expect(self->user, "Ctrl-]"));
}

FIXTURE_TEARDOWN(terminal)
{
	kill(self->child, SIGKILL);
	close(self->user);
	close(self->slave);
	close(self->guest);
}

static int is_raw(struct _test_data_terminal *self)
{
	struct termios now;

	for (int i = 0; i < 500; i++) {
		tcgetattr(self->slave, &now);
		if (!(now.c_lflag & (ICANON | ECHO | ISIG)) && !(now.c_oflag & OPOST))
			return 1;
		usleep(10000);
	}
	return 0;
}

static int is_restored(struct _test_data_terminal *self)
{
	struct termios now;

	tcgetattr(self->slave, &now);
	return now.c_lflag == self->before.c_lflag && now.c_oflag == self->before.c_oflag &&
	       now.c_iflag == self->before.c_iflag && now.c_cflag == self->before.c_cflag;
}

TEST_F(terminal, both_ways_and_escape)
{
	ASSERT_TRUE(is_raw(self));
	ASSERT_EQ(7, write(self->guest, "login: ", 7));
	EXPECT_TRUE(expect(self->user, "login: "));
	ASSERT_EQ(5, write(self->user, "ab\x03\x04\r", 5));	/* Ctrl-C and Ctrl-D are the guest's */
	EXPECT_TRUE(expect(self->guest, "ab\x03\x04\r"));
	ASSERT_EQ(1, write(self->user, "\x1d", 1));
	EXPECT_TRUE(expect(self->user, "Detached."));
	EXPECT_EQ(0, exit_status(self->child));
	EXPECT_TRUE(is_restored(self));
}

TEST_F(terminal, ends_when_the_vm_stops)
{
	ASSERT_TRUE(is_raw(self));
	ASSERT_EQ(4, write(self->guest, "bye\n", 4));
	close(self->guest);
	EXPECT_TRUE(expect(self->user, "bye"));
	EXPECT_EQ(0, exit_status(self->child));
	EXPECT_TRUE(is_restored(self));
}

TEST_F(terminal, restored_after_fatal_signals)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGSEGV };
	int status, pair[2];

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		ASSERT_TRUE(is_raw(self));
		kill(self->child, signals[i]);
		status = exit_status(self->child);
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signals[i])
			TH_LOG("signal %d, status 0x%x", signals[i], status);
		EXPECT_TRUE(is_restored(self)) TH_LOG("signal %d", signals[i]);
		close(self->guest);
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
		self->guest = pair[0];
		guest_end = pair[1];
		self->child = fork();
		if (!self->child) {
			close(self->guest);
			login_tty(self->slave);
			exit(ivm_console_run("t0", 0, true) ? 1 : 0);
		}
		close(guest_end);
	}
}

/* Much at once in both directions, while the guest is slow to read: nothing is lost, nothing blocks. */
TEST_F(terminal, floods)
{
	static char block[32768];
	size_t got = 0, sent = 0;
	char data[4096];

	ASSERT_TRUE(is_raw(self));
	memset(block, 'x', sizeof(block));
	fcntl(self->guest, F_SETFL, O_NONBLOCK);
	fcntl(self->user, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 20000 && (sent < 2000000 || got < sent); i++) {
		ssize_t n = sent < 2000000 ? write(self->guest, block, sizeof(block)) : 0;

		if (n > 0)
			sent += (size_t)n;
		n = read(self->user, data, sizeof(data));
		if (n > 0)
			got += (size_t)n;
		if (n < 0)
			usleep(100);
	}
	EXPECT_LE(2000000, sent);
	EXPECT_EQ(sent, got);
	sent = got = 0;
	for (int i = 0; i < 20000 && (sent < 200000 || got < sent); i++) {
		ssize_t n = sent < 200000 ? write(self->user, block, 1024) : 0;

		if (n > 0)
			sent += (size_t)n;
		n = i % 8 ? 0 : read(self->guest, data, sizeof(data));
		if (n > 0)
			got += (size_t)n;
		if (n < 0)
			usleep(100);
	}
	EXPECT_LE(200000, sent);
	EXPECT_EQ(sent, got);
}

/* ---- stdin is no terminal ---- */

FIXTURE(pipe) {
	int guest, in, out;
	pid_t child;
};

static pid_t run_piped(struct _test_data_pipe *self, bool wait)
{
	int pair[2], in[2], out[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pipe(in) || pipe(out))
		abort();
	guest_end = pair[1];
	child = fork();
	if (!child) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(pair[0]);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		exit(ivm_console_run("t0", 0, wait) ? 1 : 0);
	}
	close(pair[1]);
	close(in[0]);
	close(out[1]);
	self->guest = pair[0];
	self->in = in[1];
	self->out = out[0];
	return child;
}

FIXTURE_SETUP(pipe)
{
}

FIXTURE_TEARDOWN(pipe)
{
	close(self->guest);
	close(self->out);
}

TEST_F(pipe, waits_for_the_vm_after_the_input)
{
	pid_t child = run_piped(self, true);

	ASSERT_EQ(9, write(self->in, "poweroff\n", 9));
	close(self->in);
	EXPECT_TRUE(expect(self->guest, "poweroff\n"));
	usleep(200000);
	EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));
	ASSERT_EQ(6, write(self->guest, "down\r\n", 6));
	close(self->guest);
	EXPECT_TRUE(expect(self->out, "down\r\n"));
	EXPECT_EQ(0, exit_status(child));
}

TEST_F(pipe, does_not_wait_when_told_so)
{
	pid_t child = run_piped(self, false);

	/* Ctrl-] is a byte like any other here. */
	ASSERT_EQ(5, write(self->in, "a\x1d!b\n", 5));
	close(self->in);
	EXPECT_TRUE(expect(self->guest, "a\x1d!b\n"));
	EXPECT_EQ(0, exit_status(child));
}

TEST_HARNESS_MAIN
