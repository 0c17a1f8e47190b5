// SPDX-License-Identifier: GPL-2.0-only
/* "ivmctl top": figures from two looks, how they are laid out, and what happens to the terminal. */
#include "../harness.h"

#include "fake_module.h"

#include "commands.h"
#include "usage.h"
#include "view.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define S 1000000000ULL

/* ---- figures ---- */

static struct json_object *usage(const char *vms, const char *cores, const char *vms2, const char *cores2)
{
	struct ivm_sample before = { .ns = 5 * S, .vms = json(vms), .cores = json(cores) };
	struct ivm_sample after = { .ns = 7 * S, .time_ns = 99, .vms = json(vms2), .cores = json(cores2) };
	struct json_object *model = ivm_usage_model(&before, &after);

	ivm_sample_free(&before);
	ivm_sample_free(&after);
	return model;
}

static const char *plain(struct json_object *object)
{
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

#define CORE(guest, idle) "{'package':0,'core':0,'cpu':0,'cpu-list':'0-1','given':true,'name':'web','vcpu':1,'floors':250,'wall-ns':" #guest ",'guest-ns':" #guest ",'hyp-ns':0,'gang-ns':0,'held-ns':0,'host-ns':0,'idle-ns':" #idle "}"
#define GANG(run, corun) "'gang':{'gang-run-ns':" #run ",'gang-corun-ns':" #corun ",'skew-p99-ns':4200}"
#define VCPU(n, guest, hyp, gang, ready) "{'vcpu':" #n ",'cpu':0,'tid':9,'vcpu-state':'running','guest-ns':" #guest ",'hyp-ns':" #hyp ",'gang-ns':" #gang ",'ready-ns':" #ready "}"
#define VM(id, rest) "{'id':" #id ",'name':'web','state':'running','cpu-floor':250,'cpu-cap':1000,'cosched':'strict'," rest "}"

TEST(an_interval)
{
	static const char *const want[] = {
		"{\"time-ns\":99,\"interval-ns\":2000000000,\"cores\":[{\"package\":0,\"core\":0,\"cpu\":0,",
		"\"floors\":250,\"given\":true,\"vm\":\"web\",\"vcpu\":1,\"wall-ns\":2000000,",
		"\"guest-ns\":2000000,\"hyp-ns\":0,\"gang-ns\":0,\"held-ns\":0,\"host-ns\":0,\"idle-ns\":1000000,",
		"\"guest-percent\":66.7,\"hyp-percent\":0.0,\"gang-percent\":0.0,\"held-percent\":0.0,",
		"\"host-percent\":0.0,\"idle-percent\":33.3}],\"vms\":[{\"name\":\"web\",\"id\":3,",
		"\"state\":\"running\",\"cpu\":\"25%\",\"cosched\":\"strict\",\"corun-percent\":99.9,",
		"\"skew-p99-ns\":4200,\"ready-percent\":50.0,\"vcpus\":[{\"vcpu\":0,\"cpu\":0,",
		"\"vcpu-state\":\"running\",\"use-percent\":51.1,\"guest-percent\":50.0,\"hyp-percent\":1.0,",
		"\"gang-percent\":0.1,\"ready-percent\":0.0},{\"vcpu\":1,\"cpu\":0,\"vcpu-state\":\"running\",",
		"\"use-percent\":0.0,\"guest-percent\":0.0,\"hyp-percent\":0.0,\"gang-percent\":0.0,",
		"\"ready-percent\":100.0}]}]}",
		NULL
	};
	struct json_object *model = usage("[" VM(3, GANG(1000, 900) ",'list-vcpu':[" VCPU(0, 0, 0, 0, 0) "," VCPU(1, 100, 0, 0, 0) "]") "]",
					  "[" CORE(1000000, 0) "]",
					  "[" VM(3, GANG(3000, 2899) ",'list-vcpu':[" VCPU(0, 1000000000, 20000000, 2000000, 0) ","
						 VCPU(1, 100, 0, 0, 2000000000) "]") "]",
					  "[" CORE(3000000, 1000000) "]");

	EXPECT_STREQ(join(want), plain(model));
	json_object_put(model);
}

/* What is new, another VM of the same name, counters that went back, answers with less in them: shown without figures. */
TEST(no_figures_without_two_looks_at_the_same)
{
	static const struct { const char *vms, *cores, *vms2, *cores2; } cases[] = {
		{ "[]", "[]", "[" VM(3, GANG(9000000, 9000000) ",'list-vcpu':[" VCPU(0, 9000000, 9000000, 9000000, 9000000) "]") "]", "[" CORE(9000000, 9000000) "]" },
		{ "[" VM(2, GANG(1000000, 1000000) ",'list-vcpu':[" VCPU(0, 1000000, 1000000, 1000000, 1000000) "]") "]", "[]",
		  "[" VM(3, GANG(9000000, 9000000) ",'list-vcpu':[" VCPU(0, 9000000, 9000000, 9000000, 9000000) "]") "]", "[" CORE(9000000, 9000000) "]" },
		{ "[" VM(3, GANG(9000000, 9000000) ",'list-vcpu':[" VCPU(0, 9000000, 9000000, 9000000, 9000000) "]") "]", "[" CORE(9000000, 9000000) "]",
		  "[" VM(3, GANG(1000000, 1000000) ",'list-vcpu':[" VCPU(0, 1000000, 1000000, 1000000, 1000000) "]") "]", "[" CORE(5000000, 5000000) "]" },
		{ "[" VM(3, GANG(1000000, 1000000) ",'list-vcpu':[" VCPU(1, 1000000, 1000000, 1000000, 1000000) "]") "]", "[" CORE(9000000, 9000000) "]",
		  "[" VM(3, GANG(1000000, 1000000) ",'list-vcpu':[" VCPU(0, 9000000, 9000000, 9000000, 9000000) "]") "]", "[" CORE(12000000, 5000000) "]" },
		{ "[" VM(3, "'list-vcpu':[{'vcpu':0,'guest-ns':1}]") "]", "[{'package':0,'core':0,'cpu':0,'wall-ns':1}]",
		  "[" VM(3, "'list-vcpu':[{'vcpu':0,'guest-ns':1}]") "]", "[{'package':0,'core':0,'cpu':0,'wall-ns':1}]" },
		{ "[]", "[" CORE(1000000, 1000000) "]", "[" VM(3, "'x':1") "]",
		  "[{'package':0,'core':0,'cpu':1,'wall-ns':9,'guest-ns':9,'hyp-ns':9,'gang-ns':9,'held-ns':9,'host-ns':9,'idle-ns':9}]" },
		{ "[" VM(3, "'gang':{}") "]", "[{}]", "[" VM(3, "'gang':{}") "]", "[{}]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *model = usage(cases[i].vms, cases[i].cores, cases[i].vms2, cases[i].cores2);

		EXPECT_EQ(NULL, strstr(plain(model), "percent")) TH_LOG("case %zu: %s", i, plain(model));
		EXPECT_NE(NULL, strstr(plain(model), "\"name\":\"web\",\"id\":3")) TH_LOG("case %zu: %s", i, plain(model));
		json_object_put(model);
	}
}

/* The module makes hyp of used, guest and gang, which do not stand still while it reads them. */
TEST(a_little_back_is_nothing)
{
	struct json_object *model = usage("[" VM(3, "'list-vcpu':[" VCPU(0, 5000000000, 1000000, 0, 0) "]") "]", "[" CORE(5000000, 5000000) "]",
					  "[" VM(3, "'list-vcpu':[" VCPU(0, 6000000000, 999999, 0, 0) "]") "]", "[" CORE(6000000, 4999990) "]");

	EXPECT_NE(NULL, strstr(plain(model), "\"guest-percent\":50.0,\"hyp-percent\":0.0")) TH_LOG("%s", plain(model));
	EXPECT_NE(NULL, strstr(plain(model), "\"guest-percent\":100.0,")) TH_LOG("%s", plain(model));
	EXPECT_NE(NULL, strstr(plain(model), "\"idle-ns\":0,")) TH_LOG("%s", plain(model));
	json_object_put(model);
}

TEST(what_went_is_not_shown)
{
	struct json_object *model = usage("[" VM(3, GANG(1, 1)) "]", "[" CORE(9, 9) "]", "[]", "[]");

	EXPECT_STREQ("{\"time-ns\":99,\"interval-ns\":2000000000,\"cores\":[],\"vms\":[]}", plain(model));
	json_object_put(model);
}

/* ---- a page ---- */

/* So many cores and VMs, each VM of so many vCPUs. */
static struct json_object *model_of(int cores, int vms, int vcpus)
{
	struct json_object *model = json("{'time-ns':0,'interval-ns':1,'cores':[],'vms':[]}"), *vm, *vcpu;

	for (int i = 0; i < cores; i++)
		json_object_array_add(json_object_object_get(model, "cores"),
				      json("{'package':0,'core':5,'cpu':7,'given':true,'floors':125,'guest-percent':100.0}"));
	for (int i = 0; i < vms; i++) {
		vm = json("{'name':'a-name-of-31-characters-and-more','state':'running','cpu':'12.5%:99.5%','cosched':'relaxed','vcpus':[]}");
		for (int k = 0; k < vcpus; k++) {
			vcpu = json("{'use-percent':93.1}");
			json_object_array_add(json_object_object_get(vm, "vcpus"), vcpu);
		}
		json_object_array_add(json_object_object_get(model, "vms"), vm);
	}
	return model;
}

TEST(a_page_fits)
{
	for (size_t height = 1; height < 40; height++)
		for (int cores = 0; cores < 20; cores += 3)
			for (int vms = 0; vms < 20; vms += 3) {
				struct json_object *model = model_of(cores, vms, 1);
				size_t left = 0, shown_cores = 0, shown_vms = 0, more;
				struct ivm_rows rows = { 0 };

				ivm_view_page(&rows, model, "title", height, 80);
				EXPECT_TRUE(rows.count <= height || height < 5) TH_LOG("%zu rows of %zu", rows.count, height);
				for (size_t i = 0; i < rows.count; i++) {
					ASSERT_GE(80, strlen(rows.row[i])) TH_LOG("%s", rows.row[i]);
					shown_cores += !!strstr(rows.row[i], "0/5");
					shown_vms += !!strstr(rows.row[i], "a-name");
					if (sscanf(rows.row[i], "... %zu more", &more) == 1)
						left += more;
				}
				/* with room for a row of each, nothing goes unsaid; with room for all, all is there */
				if (height >= 7)
					EXPECT_EQ(cores + vms, (int)(shown_cores + shown_vms + left)) TH_LOG("%zu high, %d, %d", height, cores, vms);
				if ((int)height >= 5 + cores + vms)
					EXPECT_EQ(0, left) TH_LOG("%zu high, %d, %d", height, cores, vms);
				ivm_rows_free(&rows);
				json_object_put(model);
			}
}

TEST(many_vcpus_continue_below)
{
	static const struct { size_t width; int vcpus; size_t rows; } cases[] = {
		{ 80, 1, 1 }, { 78, 1, 1 }, { 77, 1, 2 }, { 80, 2, 2 }, { 80, 10, 2 }, { 80, 11, 3 }, { 200, 18, 1 }, { 200, 19, 2 },
		{ 80, 64, 8 }, { 1, 3, 4 }, { 80, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *model = model_of(0, 1, cases[i].vcpus);
		struct ivm_rows rows = { 0 };
		size_t uses = 0;

		ivm_view_page(&rows, model, "title", 100, cases[i].width);
		EXPECT_EQ(5 + cases[i].rows, rows.count) TH_LOG("%zu wide, %d vCPUs", cases[i].width, cases[i].vcpus);
		for (size_t k = 0; k < rows.count; k++) {
			for (const char *at = rows.row[k]; (at = strstr(at, " 93.1%")); at++)
				uses++;
			EXPECT_TRUE(strlen(rows.row[k]) <= cases[i].width || cases[i].width < 80) TH_LOG("%s", rows.row[k]);
		}
		EXPECT_EQ(cases[i].vcpus, (int)uses);
		ivm_rows_free(&rows);
		json_object_put(model);
	}
}

/* ---- the command ---- */

/* A bit of work for each look; the second VM lives for one look only. */
static void work(void)
{
	static unsigned long long looks;
	char *text;

	looks++;
	json_object_put(fake.vms);
	text = ivm_format("[{'id':3,'name':'web','state':'running','gang':{'gang-run-ns':%llu,'gang-corun-ns':%llu,'skew-p99-ns':4200},'list-vcpu':[{'vcpu':0,'cpu':0,'vcpu-state':'running','guest-ns':%llu,'hyp-ns':0,'gang-ns':0,'ready-ns':0}]},{'id':%llu,'name':'passer','state':'running'}]",
			  looks * 1000, looks * 990, looks * 10000000ULL, 100 + looks);
	fake.vms = json(text);
	free(text);
	json_object_put(fake.cores);
	text = ivm_format("[{'package':0,'core':0,'cpu':0,'given':true,'name':'web','vcpu':0,'wall-ns':%llu,'guest-ns':%llu,'hyp-ns':0,'gang-ns':0,'held-ns':0,'host-ns':0,'idle-ns':%llu}]", looks * 100, looks * 75, looks * 25);
	fake.cores = json(text);
	free(text);
}

FIXTURE(top) {
	int user, slave;
	pid_t child;
	struct termios before;
};

static int top_of(const char *interval, const char *count, bool as_json)
{
	struct ivm_args args = { .json = as_json, .count = count ? 2 : 1, .items = { { "interval", interval }, { "count", count } } };

	return ivm_top(&args);
}

static void begin(struct _test_data_top *self, const char *interval, const char *count)
{
	self->child = fork();
	if (!self->child) {
		close(self->user);
		login_tty(self->slave);
		setenv("TERM", "xterm", 1);
		if (top_of(interval, count, false)) {
			fprintf(stderr, "failed: %s\n", ivm_failure());
			exit(1);
		}
		puts("after");
		exit(0);
	}
}

FIXTURE_SETUP(top)
{
	const struct winsize size = { .ws_row = 30, .ws_col = 100 };

	memset(&fake, 0, sizeof(fake));
	fake.loaded = true;
	fake.on_dump = work;
	ASSERT_EQ(0, openpty(&self->user, &self->slave, NULL, NULL, &size));
	ASSERT_EQ(0, tcgetattr(self->slave, &self->before));
}

FIXTURE_TEARDOWN(top)
{
	if (self->child > 0) {
		kill(self->child, SIGKILL);
		waitpid(self->child, NULL, 0);
	}
	close(self->user);
	close(self->slave);
}

static char seen[1 << 20];

/* Read until @text came, for at most 10 s. What came before it is in seen[], too. */
static int expect(int fd, const char *text)
{
	size_t used = 0;

	seen[0] = '\0';
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
	printf("# expected \"%s\", found \"%.2000s\"\n", text, seen);
	return 0;
}

static int exit_status(pid_t *child)
{
	int status;

	for (int i = 0; i < 1000; i++) {
		if (waitpid(*child, &status, WNOHANG) == *child) {
			*child = 0;
			return status;
		}
		usleep(10000);
	}
	kill(*child, SIGKILL);
	waitpid(*child, &status, 0);
	*child = 0;
	return -1;
}

/* Keys come one by one, unseen, and none of them is a signal. */
static int is_raw(struct _test_data_top *self)
{
	struct termios now;

	tcgetattr(self->slave, &now);
	return !(now.c_lflag & (ICANON | ECHO | ISIG)) && now.c_oflag == self->before.c_oflag;
}

static int is_restored(struct _test_data_top *self)
{
	struct termios now;

	tcgetattr(self->slave, &now);
	return now.c_lflag == self->before.c_lflag && now.c_oflag == self->before.c_oflag &&
	       now.c_iflag == self->before.c_iflag && now.c_cflag == self->before.c_cflag &&
	       !memcmp(now.c_cc, self->before.c_cc, sizeof(now.c_cc));
}

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

TEST_F(top, shows_and_leaves_at_q)
{
	begin(self, "0.1", NULL);
	EXPECT_TRUE(expect(self->user, "Counting"));
	EXPECT_NE(NULL, strstr(seen, ENTER "\033[Hivmctl top: every 0.1 s. q leaves.\033[K\r"));
	EXPECT_TRUE(expect(self->user, "99.0%"));
	EXPECT_TRUE(is_raw(self));
	EXPECT_TRUE(expect(self->user, "75.0%"));
	ASSERT_EQ(6, write(self->user, "x\033[A\x1a ", 6));	/* none of them is a way out, Ctrl-Z neither */
	EXPECT_TRUE(expect(self->user, "75.0%"));
	EXPECT_TRUE(expect(self->user, "75.0%"));
	ASSERT_EQ(1, write(self->user, "q", 1));
	EXPECT_TRUE(expect(self->user, LEAVE "after"));
	EXPECT_EQ(0, exit_status(&self->child));
	EXPECT_TRUE(is_restored(self));
}

TEST_F(top, leaves_at_ctrl_c_or_sigint)
{
	for (int i = 0; i < 2; i++) {
		begin(self, "0.1", NULL);
		EXPECT_TRUE(expect(self->user, "75.0%"));
		if (i)
			kill(self->child, SIGINT);
		else
			ASSERT_EQ(1, write(self->user, "\x03", 1));
		EXPECT_TRUE(expect(self->user, LEAVE "after"));
		EXPECT_EQ(0, exit_status(&self->child));
		EXPECT_TRUE(is_restored(self));
	}
}

TEST_F(top, leaves_after_so_many)
{
	begin(self, "0.1", "2");
	EXPECT_TRUE(expect(self->user, LEAVE "after"));
	EXPECT_EQ(0, exit_status(&self->child));
	EXPECT_TRUE(is_restored(self));
}

TEST_F(top, restored_after_fatal_signals)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGABRT };
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		begin(self, "0.1", NULL);
		EXPECT_TRUE(expect(self->user, "75.0%"));
		kill(self->child, signals[i]);
		EXPECT_TRUE(expect(self->user, LEAVE)) TH_LOG("signal %d", signals[i]);
		status = exit_status(&self->child);
		EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signals[i])
			TH_LOG("signal %d, status 0x%x", signals[i], status);
		EXPECT_TRUE(is_restored(self)) TH_LOG("signal %d", signals[i]);
	}
}

TEST_F(top, follows_the_size)
{
	struct winsize size = { .ws_row = 6, .ws_col = 40 };
	char *page, *row;

	begin(self, "0.1", NULL);
	EXPECT_TRUE(expect(self->user, "75.0%"));
	ASSERT_EQ(0, ioctl(self->user, TIOCSWINSZ, &size));
	EXPECT_TRUE(expect(self->user, "more rows of VMs: the screen is to\033[K\033[J"));
	/* a whole page of the new size */
	EXPECT_TRUE(expect(self->user, "\033[J"));
	page = strrchr(seen, 'H');
	ASSERT_NE(NULL, page);
	for (row = strtok(page + 1, "\r\n"); row; row = strtok(NULL, "\r\n"))
		EXPECT_GE(40 + 6, strlen(row)) TH_LOG("%s", row ?: "");
	size.ws_row = size.ws_col = 0;		/* a terminal that does not know: as usual */
	ASSERT_EQ(0, ioctl(self->user, TIOCSWINSZ, &size));
	EXPECT_TRUE(expect(self->user, "75.0%"));
}

/* At once, not when the interval is over. */
TEST_F(top, does_not_wait_to_follow)
{
	const struct winsize size = { .ws_row = 10, .ws_col = 10 };

	begin(self, "1000", NULL);
	EXPECT_TRUE(expect(self->user, "Counting ..."));
	ASSERT_EQ(0, ioctl(self->user, TIOCSWINSZ, &size));
	EXPECT_TRUE(expect(self->user, "\033[Hivmctl top\033[K"));
	ASSERT_EQ(1, write(self->user, "q", 1));
	EXPECT_TRUE(expect(self->user, LEAVE "after"));
}

/* Stopped from elsewhere, and back: the screen is taken again. */
TEST_F(top, comes_back_after_a_stop)
{
	begin(self, "0.1", NULL);
	EXPECT_TRUE(expect(self->user, "75.0%"));
	kill(self->child, SIGSTOP);
	ASSERT_EQ(0, tcsetattr(self->slave, TCSANOW, &self->before));	/* as a shell does */
	kill(self->child, SIGCONT);
	EXPECT_TRUE(expect(self->user, ENTER));
	EXPECT_TRUE(expect(self->user, "75.0%"));
	ASSERT_EQ(1, write(self->user, "q", 1));
	EXPECT_TRUE(expect(self->user, LEAVE "after"));
	EXPECT_TRUE(is_restored(self));
}

TEST_F(top, ends_with_its_terminal)
{
	int status;

	begin(self, "0.1", NULL);
	EXPECT_TRUE(expect(self->user, "75.0%"));
	close(self->slave);
	close(self->user);
	self->user = self->slave = -1;
	status = exit_status(&self->child);
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP) TH_LOG("status 0x%x", status);
}

static void fail_soon(void)
{
	static int looks;

	work();
	if (++looks == 3)
		fake.dump_error = ENOENT;
}

TEST_F(top, a_failure_is_told_on_the_restored_terminal)
{
	fake.on_dump = fail_soon;
	begin(self, "0.1", NULL);
	EXPECT_TRUE(expect(self->user, LEAVE "failed: no list"));
	EXPECT_EQ(1 << 8, exit_status(&self->child));
	EXPECT_TRUE(is_restored(self));
}

/* ---- no terminal ---- */

static char *run_piped(struct _test_data_top *self, const char *count, bool as_json)
{
	size_t used = 0;
	ssize_t got;
	int out[2];

	if (pipe(out))
		abort();
	self->child = fork();
	if (!self->child) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		exit(top_of("0.1", count, as_json) ? 1 : 0);
	}
	close(out[1]);
	while ((got = read(out[0], seen + used, sizeof(seen) - 1 - used)) > 0)
		used += (size_t)got;
	close(out[0]);
	seen[used] = '\0';
	return seen;
}

TEST_F(top, lines_when_there_is_no_terminal)
{
	char *line;
	int cores = 0, vms = 0;

	run_piped(self, "3", false);
	EXPECT_EQ(0, exit_status(&self->child));
	EXPECT_EQ(NULL, strchr(seen, '\033')) TH_LOG("%s", seen);
	for (line = strtok(seen, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, " core 0/0 cpu=0 now=web/0 floors=- guest=75.0% hyp=0.0% gang=0.0% held=0.0% host=0.0% idle=25.0%"))
			cores++;
		else if (strstr(line, " vm web state=running corun=99.0% ready=0.0% skew-p99=4.2us use="))
			vms++;
		else
			EXPECT_NE(NULL, strstr(line, " vm passer state=running")) TH_LOG("%s", line);
	}
	EXPECT_EQ(3, cores);
	EXPECT_EQ(3, vms);
}

TEST_F(top, json_is_a_document_per_line)
{
	struct json_object *model;
	int count = 0;
	char *line;

	run_piped(self, "3", true);
	EXPECT_EQ(0, exit_status(&self->child));
	for (line = strtok(seen, "\n"); line; line = strtok(NULL, "\n")) {
		model = json_tokener_parse(line);
		ASSERT_NE(NULL, model) TH_LOG("%s", line);
		/* On a busy machine one is late, and the next one shorter, but never by more than half. */
		EXPECT_LE(45000000, ivm_json_get_number(model, "interval-ns"));
		EXPECT_NE(NULL, strstr(line, "\"corun-percent\":99.0")) TH_LOG("%s", line);
		/* sorted by name, the one without figures too */
		EXPECT_LT(strstr(line, "\"name\":\"passer\""), strstr(line, "\"name\":\"web\""));
		json_object_put(model);
		count++;
	}
	EXPECT_EQ(3, count);
}

static int in_pipe(const char *interval, const char *count)
{
	return top_of(interval, count, true);
}

TEST_F(top, bad_options)
{
	static const char *const intervals[] = {
		"", "0", "0.0", "0.09", "x", "-1", "1s", " 1", "1 ", "1.", ".5", "1..5", "3601", "3600.1", "1e3", "0x10", "nan",
		"99999999999999999999999999",
	};
	static const char *const counts[] = { "", "0", "-1", "x", "1.5", "99999999999999999999" };

	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		EXPECT_EQ(-EINVAL, in_pipe(intervals[i], "1")) TH_LOG("%s", intervals[i]);
		EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), "interval is ")) TH_LOG("%s", ivm_failure());
	}
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		EXPECT_EQ(-EINVAL, in_pipe("0.1", counts[i])) TH_LOG("%s", counts[i]);
		EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), "count is ")) TH_LOG("%s", ivm_failure());
	}
	fake.loaded = false;
	EXPECT_EQ(-ENODEV, in_pipe("3600", "1"));
	EXPECT_EQ(-ENODEV, in_pipe("0.1", NULL));
	EXPECT_EQ(-ENODEV, in_pipe("0.123456789123", NULL));
}

static int looks_without_list;

static void now_and_then(void)
{
	work();
	fake.dump_error = ++looks_without_list == 2 ? EAGAIN : 0;
}

/* A list that did not hold still is looked at the next time; what it says then is of the longer interval. */
TEST_F(top, a_list_in_motion_is_passed_over)
{
	struct json_object *model;

	fake.on_dump = now_and_then;
	run_piped(self, "1", true);
	EXPECT_EQ(0, exit_status(&self->child));
	model = json_tokener_parse(seen);
	EXPECT_LE(190000000, ivm_json_get_number(model, "interval-ns"));
	json_object_put(model);
}

TEST_HARNESS_MAIN
