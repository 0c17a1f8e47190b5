// SPDX-License-Identifier: GPL-2.0-only
/* Memory that grows and shrinks: "vm set memory=" of a VM that runs, and how it is shown. */
#include "kselftest_harness.h"

#include "fake_module.h"

#include "commands.h"
#include "store.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define M (1ULL << 20)

FIXTURE(room) {
	char dir[64];
};

/* What time does to the guest: by how much its memory changes at each look, down to or up to where. */
static int64_t step, until;
static int looks;

static struct json_object *web(void)
{
	return fake_vm("web");
}

static void put(const char *name, uint64_t value)
{
	json_object_object_add(web(), name, json_object_new_uint64(value));
}

static void guest_works(void)
{
	int64_t now = (int64_t)ivm_json_get_number(web(), "memory-now"), left = until - now;

	if (!looks++ || !step)	/* it was only looked whether the VM exists */
		return;
	put("memory-now", (uint64_t)(now + (llabs(left) < llabs(step) ? left : step)));
}

/* The smallest kernel that vm create takes. */
static void make_kernel(const char *path)
{
	static const uint32_t words[] = { 0x1badb002, 0x00010000, 0xe4514ffe, 0x200000, 0x200000, 0, 0, 0x200000 };
	FILE *file = fopen(path, "w");

	fwrite(words, sizeof(words), 1, file);
	fclose(file);
}

FIXTURE_SETUP(room)
{
	struct ivm_definition def;
	char *path;
	int lock;

	snprintf(self->dir, sizeof(self->dir), "/tmp/ivm-room-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0700));
	setenv("IVM_DIR", self->dir, 1);
	path = ivm_format("%s/kernel", self->dir);
	make_kernel(path);
	ivm_definition_init(&def, "web");
	ASSERT_EQ(0, ivm_definition_set(&def, "memory", "512M"));
	ASSERT_EQ(0, ivm_definition_set(&def, "max", "1G"));
	ASSERT_EQ(0, ivm_definition_set(&def, "kernel", path));
	free(path);
	lock = ivm_store_lock("web");
	ASSERT_EQ(0, ivm_store_save(&def)) TH_LOG("%s", ivm_failure());
	ivm_store_unlock("web", lock);
	ivm_definition_free(&def);
	memset(&fake, 0, sizeof(fake));
	fake.loaded = true;
	fake.vms = json("[{'id':3,'name':'web','state':'running','vcpus':1,'memory':536870912,'memory-now':536870912,'max':1073741824,'memory-boot':536870912,'memory-drivers':['virtio-mem','balloon'],'balloon':0}]");
	fake.on_get = guest_works;
	step = until = looks = 0;
}

FIXTURE_TEARDOWN(room)
{
	char *command = ivm_format("rm -rf %s", self->dir);

	EXPECT_EQ(0, system(command));
	free(command);
	json_object_put(fake.vms);
}

/* What a command prints is in out[] and said[]. */
static char out[8192], said[1024];

static void read_back(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
	unlink(path);
}

static int run(int (*command)(const struct ivm_args *), const struct ivm_args *args)
{
	char *paths[2] = { ivm_format("%s/out", getenv("IVM_DIR")), ivm_format("%s/said", getenv("IVM_DIR")) };
	int err, saved[2] = { dup(STDOUT_FILENO), dup(STDERR_FILENO) };

	fflush(stdout);
	if (!freopen(paths[0], "w", stdout) || !freopen(paths[1], "w", stderr))
		abort();
	err = command(args);
	fflush(stdout);
	fflush(stderr);
	for (int i = 0; i < 2; i++) {
		dup2(saved[i], i + 1);
		close(saved[i]);
	}
	read_back(paths[0], out, sizeof(out));
	read_back(paths[1], said, sizeof(said));
	free(paths[0]);
	free(paths[1]);
	return err;
}

/* vm set web KEY=VALUE..., with --json; the last word is NULL. */
static int set(const char *word, ...)
{
	struct ivm_args args = { .name = "web", .json = true };
	va_list words;

	va_start(words, word);
	for (; word; word = va_arg(words, const char *)) {
		args.items[args.count].key = word;
		args.items[args.count++].value = va_arg(words, const char *);
	}
	va_end(words);
	looks = 0;
	return run(ivm_vm_set, &args);
}

static uint64_t defined(const char *key)
{
	struct ivm_definition def;
	struct json_object *json = NULL;
	uint64_t value;

	if (!ivm_store_load("web", &def))
		json = ivm_definition_json(&def);
	value = ivm_json_get_number(json, key);
	json_object_put(json);
	ivm_definition_free(&def);
	return value;
}

static bool found(const char *all, const char *text)
{
	if (strstr(all, text))
		return true;
	fprintf(stderr, "# no '%s' in: %s\n", text, all);
	return false;
}

static bool says(const char *text)
{
	return found(ivm_failure(), text);
}

static bool prints(const char *text)
{
	return found(out, text);
}

TEST_F(room, grows)
{
	step = 128 * M;
	until = 1024 * M;
	ASSERT_EQ(0, set("memory", "1G", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(1, fake.changes);
	EXPECT_EQ(IVM_CMD_VM_SET, fake.cmd);
	EXPECT_EQ(1024 * M, fake.memory);
	EXPECT_EQ(-1, fake.max);
	EXPECT_EQ(-1, fake.floor);
	EXPECT_EQ(1024 * M, defined("memory"));
	EXPECT_GT(looks, 4);
	EXPECT_TRUE(prints("\"memory\":1073741824,\"memory-now\":1073741824,\"max\":1073741824,\"reached\":true,\"text\":\"\"}\n"));
	EXPECT_STREQ("", said);
}

TEST_F(room, shrinks)
{
	step = -100 * (int64_t)M;
	until = 128 * M;
	ASSERT_EQ(0, set("memory", "128M", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(128 * M, fake.memory);
	EXPECT_EQ(128 * M, defined("memory"));
	EXPECT_TRUE(prints("\"memory-now\":134217728"));
	EXPECT_TRUE(prints("\"reached\":true"));
}

/* What is not there in time: the module and the definition get what is, and nothing goes on. */
TEST_F(room, deadline_of_a_guest_that_shrinks)
{
	step = -60 * (int64_t)M;
	until = 211 * M;	/* no multiple of 2M */
	put("balloon", 1);
	json_object_object_add(web(), "memory-text", json_object_new_string("the guest needs it"));
	EXPECT_EQ(-ETIMEDOUT, set("memory", "128M", "timeout", "1", NULL));
	EXPECT_TRUE(says("web: released 301 MiB of 384 MiB in "));
	EXPECT_TRUE(says(" s: the guest needs it; its memory is 212M now and stays so; ask again, with a longer timeout= if it needs time"));
	EXPECT_EQ(2, fake.changes);
	EXPECT_EQ(212 * M, fake.memory);
	EXPECT_EQ(-1, fake.max);
	EXPECT_EQ(212 * M, defined("memory"));
	EXPECT_TRUE(prints("\"definition\":{\"vcpus\":1,\"memory\":222298112,"));
	EXPECT_TRUE(prints("\"memory\":222298112,\"memory-now\":221249536,\"max\":1073741824,\"reached\":false,\"text\":\"the guest needs it\"}\n"));
}

TEST_F(room, deadline_of_a_guest_that_grows)
{
	step = 50 * M;
	until = 612 * M;
	EXPECT_EQ(-ETIMEDOUT, set("memory", "1G", "timeout", "1", NULL));
	EXPECT_TRUE(says("web: got 100 MiB of 512 MiB in "));
	EXPECT_TRUE(says(" s: the guest has not done more; its memory is 612M now and stays so;"));
	EXPECT_EQ(612 * M, fake.memory);
	EXPECT_EQ(612 * M, defined("memory"));
}

/* Away from where it was to go: that is no part of the way. */
TEST_F(room, deadline_of_a_guest_that_goes_the_other_way)
{
	step = 50 * M;
	until = 612 * M;
	EXPECT_EQ(-ETIMEDOUT, set("memory", "128M", "timeout", "1", NULL));
	EXPECT_TRUE(says("web: released 0 MiB of 384 MiB in "));
	EXPECT_EQ(612 * M, defined("memory"));
}

/* Shown on a terminal, and gone at the end. */
TEST_F(room, progress)
{
	static const struct ivm_args args = { .name = "web", .count = 1, .items = { { "memory", "1G" } } };
	int err, master, slave, saved = dup(STDERR_FILENO);
	struct pollfd ready = { .events = POLLIN };
	char text[1024] = "";
	size_t got = 0;

	ASSERT_EQ(0, openpty(&master, &slave, NULL, NULL, NULL));
	step = 64 * M;
	until = 1024 * M;
	fflush(stderr);
	dup2(slave, STDERR_FILENO);
	err = ivm_vm_set(&args);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	/* What was written comes in pieces. */
	for (ready.fd = master; poll(&ready, 1, 200) > 0 && got < sizeof(text) - 1; )
		got += (size_t)read(master, text + got, sizeof(text) - 1 - got);
	close(slave);
	close(master);
	EXPECT_EQ(0, err) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(0, strncmp(text, "\r\033[Kweb: ", 9));
	EXPECT_TRUE(found(text, "M of 512M of memory added\r\033[K"));
	EXPECT_STREQ("\r\033[K", text + strlen(text) - strlen("\r\033[K"));
}

TEST_F(room, not_waited_for)
{
	ASSERT_EQ(0, set("memory", "1G", "timeout", "0", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(1, fake.changes);
	EXPECT_EQ(2, looks);
	EXPECT_EQ(1024 * M, defined("memory"));
	EXPECT_TRUE(prints("\"memory\":1073741824,\"memory-now\":536870912,\"max\":1073741824,\"reached\":false"));
	EXPECT_STREQ("", said);
}

/* A guest that runs needs less than one that starts: that is no reason to refuse, but to say it. */
TEST_F(room, a_definition_that_could_not_start)
{
	step = -512 * (int64_t)M;
	until = 2 * M;
	ASSERT_EQ(0, set("memory", "2M", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(2 * M, defined("memory"));
	EXPECT_TRUE(found(said, "ivmctl: note: VM 'web' could not be started like this: "));
}

static int interrupt_at;
static int interrupt_with;

static void guest_is_interrupted(void)
{
	guest_works();
	if (looks == interrupt_at)
		raise(interrupt_with);
}

/* Whatever asks us to end has the VM settled first; what was blocked before is so again. */
TEST_F(room, interrupted)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t mask;

	fake.on_get = guest_is_interrupted;
	interrupt_at = 4;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		signal(signals[i], SIG_DFL);	/* who runs us in the background may have them ignored */
		interrupt_with = signals[i];
		put("memory", 512 * M);
		put("memory-now", 512 * M);
		step = -50 * (int64_t)M;
		until = 412 * M;
		EXPECT_EQ(-ETIMEDOUT, set("memory", "128M", "timeout", "600", NULL));
		EXPECT_TRUE(says("web: released 100 MiB of 384 MiB in "));
		EXPECT_TRUE(says(" s, then interrupted: the guest has not done more; its memory is 412M now"));
		EXPECT_EQ(412 * M, fake.memory);
		EXPECT_EQ(412 * M, defined("memory"));
		sigprocmask(SIG_BLOCK, NULL, &mask);
		EXPECT_EQ(0, sigismember(&mask, signals[i]));
	}
}

/* As under nohup. */
TEST_F(room, what_is_ignored_does_not_interrupt)
{
	fake.on_get = guest_is_interrupted;
	interrupt_at = 3;
	interrupt_with = SIGHUP;
	signal(SIGHUP, SIG_IGN);
	step = 128 * M;
	until = 1024 * M;
	EXPECT_EQ(0, set("memory", "1G", NULL)) TH_LOG("%s", ivm_failure());
	signal(SIGHUP, SIG_DFL);
}

static void somebody_sets_it(void)
{
	if (++looks == 3)
		put("memory", 700 * M);
}

TEST_F(room, somebody_else_sets_it_meanwhile)
{
	fake.on_get = somebody_sets_it;
	EXPECT_EQ(-ECANCELED, set("memory", "1G", NULL));
	EXPECT_STREQ("memory of VM 'web' was set to 700M by somebody else meanwhile; it is 512M now", ivm_failure());
	EXPECT_EQ(1, fake.changes);
	EXPECT_TRUE(prints("\"reached\":false"));
}

static void it_stops(void)
{
	if (++looks != 3)
		return;
	json_object_object_add(web(), "state", json_object_new_string("stopped"));
	json_object_object_add(web(), "stop-reason", json_object_new_string("shutdown"));
}

static void it_is_another(void)
{
	if (++looks == 3)
		put("id", 4);
}

static void it_goes(void)
{
	if (++looks == 3)
		json_object_object_add(web(), "name", json_object_new_string("other"));
}

TEST_F(room, ends_meanwhile)
{
	fake.on_get = it_stops;
	EXPECT_EQ(-ECANCELED, set("memory", "1G", NULL));
	EXPECT_STREQ("VM 'web' has stopped meanwhile (the guest powered off); from its next start on it has memory=1G", ivm_failure());
	EXPECT_EQ(1024 * M, defined("memory"));
	json_object_object_add(web(), "state", json_object_new_string("running"));
	fake.on_get = it_is_another;
	EXPECT_EQ(-ECANCELED, set("memory", "900M", NULL));
	EXPECT_STREQ("VM 'web' is another one by now; its definition has memory=900M", ivm_failure());
	fake.on_get = it_goes;
	EXPECT_EQ(-ECANCELED, set("memory", "800M", NULL));
	EXPECT_STREQ("VM 'web' is another one by now; its definition has memory=800M", ivm_failure());
	EXPECT_TRUE(prints("\"memory\":838860800,\"reached\":false,\"text\":\"\"}\n"));
	EXPECT_EQ(3, fake.changes);
}

/* What cannot be settled is said. */
TEST_F(room, the_module_refuses_the_end)
{
	fake.refuse = EBUSY;
	fake.refuse_after = 1;
	EXPECT_EQ(-EBUSY, set("memory", "1G", "timeout", "1", NULL));
	EXPECT_TRUE(says("web: got 0 MiB of 512 MiB in "));
	EXPECT_TRUE(says(" s: the guest has not done more; it goes on to 1G, as the module refused to end it at 512M: not with this module"));
	EXPECT_EQ(1024 * M, defined("memory"));
}

TEST_F(room, a_refusal_changes_nothing)
{
	fake.refuse = ENOMEM;
	EXPECT_EQ(-ENOMEM, set("memory", "1G", NULL));
	EXPECT_STREQ("not with this module", ivm_failure());
	EXPECT_EQ(512 * M, defined("memory"));
	EXPECT_EQ(1, looks);
	EXPECT_STREQ("", out);
}

/* No file can grow: the definition cannot be written. */
TEST_F(room, the_vm_is_put_back_when_the_file_cannot_be_written)
{
	static const struct ivm_args args = { .name = "web", .count = 2, .items = { { "memory", "1G" }, { "max", "2G" } } };
	struct rlimit limit, none = { 0 };
	int err;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	none.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	err = ivm_vm_set(&args);
	setrlimit(RLIMIT_FSIZE, &limit);
	EXPECT_EQ(-EFBIG, err);
	EXPECT_TRUE(says("nothing is changed, VM 'web' in the module was put back as it was"));
	EXPECT_EQ(2, fake.changes);
	EXPECT_EQ(512 * M, fake.memory);
	EXPECT_EQ(1024 * M, fake.max);
}

TEST_F(room, bounds_move_both_ways)
{
	ASSERT_EQ(0, set("max", "2G", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(2048 * M, fake.max);
	EXPECT_EQ(-1, fake.memory);
	EXPECT_EQ(1, looks);	/* nothing to wait for */
	EXPECT_EQ(NULL, strstr(out, "reached"));
	ASSERT_EQ(0, set("max", "512M", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(512 * M, fake.max);
	EXPECT_EQ(512 * M, defined("max"));
	/* both at once, in one message */
	until = 3072 * M;
	step = 4096 * M;
	ASSERT_EQ(0, set("memory", "3G", "max", "4G", "cpu", "5%", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(3, fake.changes);
	EXPECT_EQ(3072 * M, fake.memory);
	EXPECT_EQ(4096 * M, fake.max);
	EXPECT_EQ(50, fake.floor);
	EXPECT_STREQ("", said);
}

/* No VM that runs can become one whose memory is fixed. */
TEST_F(room, max_is_taken_away_at_the_next_start)
{
	ASSERT_EQ(0, set("max", "", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_STREQ("ivmctl: note: VM 'web' is running; in force from its next start: max\n", said);
	EXPECT_EQ(0, fake.changes);
	EXPECT_EQ(0, defined("max"));
}

TEST_F(room, bad_values_never_reach_the_module)
{
	static const struct { const char *memory, *max, *says; } rows[] = {
		{ "3M", "1G", "memory is 3M; expected a multiple of 2M" }, { "1025G", "1G", "memory is 1025G; expected 2M to 1T" },
		{ "0", "1G", "memory is 0; expected 2M to 1T" }, { "2G", "1G", "max is 1G, and memory is 2G; give max=2G or more" },
		{ "64M", "3M", "max is 3M; expected a multiple of 2M" }, { "64M", "2T", "max is 2T; expected 2M to 1T" },
		{ "64M", "x", "max is 'x'; expected a size" }, { "64M", "32M", "max is 32M, and memory is 64M" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EXPECT_EQ(-EINVAL, set("memory", rows[i].memory, "max", rows[i].max, NULL)) TH_LOG("row %zu", i);
		EXPECT_TRUE(says(rows[i].says));
	}
	EXPECT_EQ(-EINVAL, set("memory", "1026M", NULL));
	EXPECT_TRUE(says("give max=1026M or more, or a smaller memory"));
	EXPECT_EQ(-EINVAL, set("memory", "64M", "timeout", "soon", NULL));
	EXPECT_TRUE(says("timeout is 'soon'"));
	EXPECT_EQ(IVM_USAGE, set("max", "2G", "timeout", "5", NULL));
	EXPECT_TRUE(says("timeout is how long to wait for memory; give memory=SIZE, or leave it out"));
	EXPECT_EQ(IVM_USAGE, set("timeout", "5", NULL));
	EXPECT_TRUE(says("nothing to set"));
	EXPECT_EQ(0, fake.changes);
	EXPECT_EQ(512 * M, defined("memory"));
	EXPECT_EQ(1024 * M, defined("max"));
}

TEST_F(room, fixed_memory)
{
	json_object_object_del(web(), "max");
	EXPECT_EQ(-EBUSY, set("memory", "64M", NULL));
	EXPECT_STREQ("VM 'web' is running, and was started without max=SIZE, which makes its memory fixed; stop it first: ivmctl vm stop web",
		     ivm_failure());
	EXPECT_EQ(-EBUSY, set("memory", "64M", "max", "2G", NULL));
	EXPECT_EQ(512 * M, defined("memory"));
	/* to make the next start one with max is all right */
	ASSERT_EQ(0, set("max", "2G", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_STREQ("ivmctl: note: VM 'web' is running; in force from its next start: max\n", said);
	EXPECT_EQ(0, fake.changes);
}

TEST_F(room, of_a_vm_that_does_not_run_the_definition_alone)
{
	static const char *const states[] = { "created", "loaded", "stopped" };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		json_object_object_add(web(), "state", json_object_new_string(states[i]));
		ASSERT_EQ(0, set("memory", i % 2 ? "2G" : "64M", "max", "4G", NULL)) TH_LOG("%s", ivm_failure());
		EXPECT_EQ(i % 2 ? 2048 * M : 64 * M, defined("memory"));
	}
	EXPECT_EQ(NULL, strstr(out, "reached"));
	fake.loaded = false;
	ASSERT_EQ(0, set("memory", "32M", "timeout", "1", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(32 * M, defined("memory"));
	EXPECT_EQ(0, fake.changes);
}

/* A paused guest does nothing, but it may be told what to do when it goes on. */
TEST_F(room, paused)
{
	json_object_object_add(web(), "state", json_object_new_string("paused"));
	ASSERT_EQ(0, set("memory", "1G", "timeout", "0", NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(1024 * M, fake.memory);
}

TEST_F(room, a_start_says_what_is_defined)
{
	struct ivm_args args = { .name = "web" };

	json_object_put(fake.vms);
	fake.vms = json("[]");
	fake.on_get = NULL;
	fake.host = json("{'cores':1}");
	fake.refuse = EBUSY;
	EXPECT_EQ(-EBUSY, ivm_vm_start(&args));
	EXPECT_EQ(IVM_CMD_VM_CREATE, fake.cmd) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(512 * M, fake.memory);
	EXPECT_EQ(1024 * M, fake.max);
	ASSERT_EQ(0, set("max", "", NULL));
	EXPECT_EQ(-EBUSY, ivm_vm_start(&args));
	EXPECT_EQ(512 * M, fake.memory);
	EXPECT_EQ(-1, fake.max);
	json_object_put(fake.host);
}

/* ---- shown ---- */

static int show(bool as_json)
{
	struct ivm_args args = { .name = "web", .json = as_json };

	return run(ivm_vm_show, &args);
}

static void guest_says(void)
{
	put("memory-now", 724 * M);
	put("balloon", 300 * M);
	put("guest-total", 1003520 << 10);
	put("guest-free", 100 * M);
	put("guest-available", 300 * M);
	put("guest-age-ms", 1290);
	json_object_object_add(web(), "memory-text", json_object_new_string("the guest needs it"));
}

TEST_F(room, host_and_guest_side_by_side)
{
	guest_says();
	ASSERT_EQ(0, show(false)) TH_LOG("%s", ivm_failure());
	EXPECT_TRUE(prints("note             its memory is 724M now: the guest needs it\n"));
	EXPECT_TRUE(prints("memory           512M\nmax              1G\n"));
	EXPECT_TRUE(prints("\nHOST                GUEST"));
	EXPECT_TRUE(prints("\n"
		      "memory        512M  drivers    virtio-mem, balloon\n"
		      "now           724M  total      980M\n"
		      "max           1G    free       100M\n"
		      "started with  512M  available  300M\n"
		      "balloon       300M  said so    1.3 s ago\n"));
	ASSERT_EQ(0, show(true));
	EXPECT_TRUE(prints("\"memory\":536870912,\"memory-now\":759169024,\"max\":1073741824,\"memory-boot\":536870912,\"memory-drivers\":[\"virtio-mem\",\"balloon\"],\"balloon\":314572800,\"guest-total\":1027604480,\"guest-free\":104857600,\"guest-available\":314572800,\"guest-age-ms\":1290,\"memory-text\":\"the guest needs it\""));
	EXPECT_EQ(NULL, strstr(out, "differs")) TH_LOG("%s", out);
}

TEST_F(room, a_guest_that_says_nothing)
{
	json_object_object_add(web(), "memory-drivers", json_object_new_array());
	ASSERT_EQ(0, show(false));
	EXPECT_TRUE(prints("memory        512M  drivers  none\nnow           512M  says     nothing of its memory\nmax           1G"));
	EXPECT_EQ(NULL, strstr(out, "note")) TH_LOG("%s", out);
	/* some of it */
	put("guest-free", 2 * M);
	ASSERT_EQ(0, show(false));
	EXPECT_TRUE(prints("now           512M  free     2M\n"));
	EXPECT_EQ(NULL, strstr(out, "said so"));
}

TEST_F(room, no_table_without_max_or_when_it_does_not_run)
{
	json_object_object_del(web(), "memory-boot");
	json_object_object_del(web(), "memory-drivers");
	json_object_object_add(web(), "state", json_object_new_string("loaded"));
	put("memory-now", 0);
	ASSERT_EQ(0, show(false));
	EXPECT_EQ(NULL, strstr(out, "its memory is")) TH_LOG("%s", out);
	json_object_object_add(web(), "state", json_object_new_string("stopped"));
	ASSERT_EQ(0, show(false));
	EXPECT_EQ(NULL, strstr(out, "HOST")) TH_LOG("%s", out);
	EXPECT_TRUE(prints("max              1G\n"));
	EXPECT_EQ(NULL, strstr(out, "its memory is"));
	json_object_object_del(web(), "max");
	ASSERT_EQ(0, show(false));
	EXPECT_EQ(NULL, strstr(out, "HOST"));
	fake.vms = (json_object_put(fake.vms), json("[]"));
	fake.on_get = NULL;
	ASSERT_EQ(0, show(false));
	EXPECT_TRUE(prints("memory           512M\nmax              1G\n"));
}

TEST_F(room, listed)
{
	struct ivm_args args = { 0 };

	guest_says();
	ASSERT_EQ(0, run(ivm_vm_list, &args));
	EXPECT_TRUE(prints("web   running  1      512M    its memory is 724M now: the guest needs it\n"));
}

/* A file that was edited beside a VM that runs. */
TEST_F(room, what_differs)
{
	put("max", 2048 * M);
	ASSERT_EQ(0, show(true));
	EXPECT_TRUE(prints("\"differs\":[\"max\"]"));
	json_object_object_del(web(), "max");
	ASSERT_EQ(0, show(true));
	EXPECT_TRUE(prints("\"differs\":[\"max\"]"));
}

TEST_HARNESS_MAIN
