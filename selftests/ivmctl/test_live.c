// SPDX-License-Identifier: GPL-2.0-only
/* "vm set" of a VM that exists, and "host set": what the module is asked, in which order, and what a refusal leaves. */
#include "../harness.h"

#include "fake_module.h"

#include "commands.h"
#include "store.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

FIXTURE(live) {
	char dir[64];
};

/* The smallest kernel that vm create takes. */
static void make_kernel(const char *path)
{
	static const uint32_t words[] = {
		0x1badb002, 0x00010000, 0xe4514ffe, 0x200000, 0x200000, 0, 0, 0x200000,
	};
	FILE *file = fopen(path, "w");

	fwrite(words, sizeof(words), 1, file);
	fclose(file);
}

FIXTURE_SETUP(live)
{
	struct ivm_definition def;
	char *path;
	int lock;

	snprintf(self->dir, sizeof(self->dir), "/tmp/ivm-live-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0700));
	setenv("IVM_DIR", self->dir, 1);
	path = ivm_format("%s/kernel", self->dir);
	make_kernel(path);
	ivm_definition_init(&def, "web");
	ASSERT_EQ(0, ivm_definition_set(&def, "memory", "64M"));
	ASSERT_EQ(0, ivm_definition_set(&def, "kernel", path));
	ASSERT_EQ(0, ivm_definition_set(&def, "cpu", "5%:20%"));
	free(path);
	lock = ivm_store_lock("web");
	ASSERT_EQ(0, ivm_store_save(&def)) TH_LOG("%s", ivm_failure());
	ivm_store_unlock("web", lock);
	ivm_definition_free(&def);
	memset(&fake, 0, sizeof(fake));
	fake.loaded = true;
	fake.vms = json("[{'id':3,'name':'web','state':'running','vcpus':1,'memory':67108864,'cpu-floor':50,'cpu-cap':200,'cosched':'strict'}]");
}

FIXTURE_TEARDOWN(live)
{
	char *command = ivm_format("chmod 700 %s && rm -rf %s", self->dir, self->dir);

	EXPECT_EQ(0, system(command));
	free(command);
	json_object_put(fake.vms);
}

/* vm set web KEY=VALUE [KEY=VALUE]; what it says on the standard error is in said[]. */
static char said[1024];

static int set(const char *key, const char *value, const char *key2, const char *value2)
{
	struct ivm_args args = { .name = "web", .count = key2 ? 2 : 1, .items = { { key, value }, { key2, value2 } } };
	char *path = ivm_format("%s/said", getenv("IVM_DIR"));
	int err, saved = dup(STDERR_FILENO);
	FILE *file;

	fflush(stderr);
	if (!freopen(path, "w", stderr))
		abort();
	err = ivm_vm_set(&args);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	file = fopen(path, "r");
	said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
	fclose(file);
	unlink(path);
	free(path);
	return err;
}

/* What the definition says of cpu, or "none". */
static char *defined(const char *key)
{
	struct ivm_definition def;
	struct json_object *json = NULL;
	char *text;

	if (!ivm_store_load("web", &def))
		json = ivm_definition_json(&def);
	text = ivm_strdup(json_object_get_string(json_object_object_get(json, key)) ?: "none");
	json_object_put(json);
	ivm_definition_free(&def);
	return text;
}

#define EXPECT_DEFINED(key, want) do { char *_text = defined(key); EXPECT_STREQ(want, _text); free(_text); } while (0)

TEST_F(live, both_are_changed)
{
	ASSERT_EQ(0, set("cpu", "10%:40%", "cosched", "off")) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(1, fake.changes);	/* in one message */
	EXPECT_EQ(IVM_CMD_VM_SET, fake.cmd);
	EXPECT_STREQ("web", fake.name);
	EXPECT_EQ(100, fake.floor);
	EXPECT_EQ(400, fake.cap);
	EXPECT_EQ(IVM_COSCHED_OFF, fake.cosched);
	EXPECT_DEFINED("cpu", "10%:40%");
	EXPECT_DEFINED("cosched", "off");
	EXPECT_STREQ("", said);
}

TEST_F(live, what_is_not_named_is_not_sent)
{
	ASSERT_EQ(0, set("cosched", "relaxed", NULL, NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(-1, fake.floor);
	EXPECT_EQ(-1, fake.cap);
	EXPECT_EQ(IVM_COSCHED_RELAXED, fake.cosched);
	ASSERT_EQ(0, set("cpu", "15%", NULL, NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(150, fake.floor);
	EXPECT_EQ(1000, fake.cap);	/* no cap was said, so there is none any more */
	EXPECT_EQ(-1, fake.cosched);
	EXPECT_DEFINED("cpu", "15%");
}

TEST_F(live, a_key_taken_away_is_the_default)
{
	ASSERT_EQ(0, set("cpu", "", "cosched", "")) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(0, fake.floor);
	EXPECT_EQ(1000, fake.cap);
	EXPECT_EQ(IVM_COSCHED_STRICT, fake.cosched);
	EXPECT_DEFINED("cpu", "none");
	EXPECT_DEFINED("cosched", "none");
}

TEST_F(live, a_refusal_changes_nothing)
{
	fake.refuse = EBUSY;
	EXPECT_EQ(-EBUSY, set("cpu", "90%", NULL, NULL));
	EXPECT_STREQ("not with this module", ivm_failure());
	EXPECT_DEFINED("cpu", "5%:20%");
	EXPECT_EQ(50, ivm_json_get_number(fake_vm("web"), "cpu-floor"));
	fake.refuse = EOPNOTSUPP;
	EXPECT_EQ(-EOPNOTSUPP, set("cpu", "90%", NULL, NULL));
	EXPECT_NE(NULL, strstr(ivm_failure(), "is the module older than ivmctl?")) TH_LOG("%s", ivm_failure());
	EXPECT_DEFINED("cpu", "5%:20%");
}

TEST_F(live, bad_values_never_reach_the_module)
{
	EXPECT_EQ(-EINVAL, set("cpu", "90", NULL, NULL));
	EXPECT_EQ(-EINVAL, set("cpu", "50%:25%", NULL, NULL));
	EXPECT_EQ(-EINVAL, set("cpu", "10%", "cosched", "x"));
	EXPECT_EQ(-EINVAL, set("cpu", "10%", "memory", "3M"));
	EXPECT_EQ(0, fake.changes);
	EXPECT_DEFINED("cpu", "5%:20%");
}

/* No file can grow: the definition cannot be written. */
static int set_without_room(const char *key, const char *value)
{
	struct rlimit limit, none = { 0 };
	struct ivm_args args = { .name = "web", .count = 1, .items = { { key, value } } };
	int err;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	none.rlim_max = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &none);
	err = ivm_vm_set(&args);
	setrlimit(RLIMIT_FSIZE, &limit);
	return err;
}

TEST_F(live, the_vm_is_put_back_when_the_file_cannot_be_written)
{
	EXPECT_EQ(-EFBIG, set_without_room("cpu", "10%"));
	EXPECT_NE(NULL, strstr(ivm_failure(), "File too large; nothing is changed, VM 'web' in the module was put back as it was"))
		TH_LOG("%s", ivm_failure());
	EXPECT_EQ(2, fake.changes);
	EXPECT_EQ(50, fake.floor);
	EXPECT_EQ(200, fake.cap);
	EXPECT_EQ(-1, fake.cosched);
	EXPECT_DEFINED("cpu", "5%:20%");
	EXPECT_EQ(-EFBIG, set_without_room("cosched", "off"));
	EXPECT_EQ(4, fake.changes);
	EXPECT_EQ(-1, fake.floor);
	EXPECT_EQ(IVM_COSCHED_STRICT, fake.cosched);
}

TEST_F(live, what_cannot_be_put_back_is_said)
{
	fake.refuse = EBUSY;
	fake.refuse_after = 1;
	EXPECT_EQ(-EFBIG, set_without_room("cpu", "10%"));
	EXPECT_NE(NULL, strstr(ivm_failure(), "has the new values, and cannot be put back: not with this module"))
		TH_LOG("%s", ivm_failure());
	fake.refuse = 0;
	json_object_object_del(fake_vm("web"), "cpu-cap");
	json_object_object_del(fake_vm("web"), "cosched");
	EXPECT_EQ(-EFBIG, set_without_room("cosched", "off"));
	EXPECT_NE(NULL, strstr(ivm_failure(), "did not tell its old ones")) TH_LOG("%s", ivm_failure());
}

TEST_F(live, without_vm_or_module_the_definition_alone)
{
	json_object_object_add(fake_vm("web"), "name", json_object_new_string("other"));
	ASSERT_EQ(0, set("cpu", "1%", NULL, NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_DEFINED("cpu", "1%");
	fake.loaded = false;
	ASSERT_EQ(0, set("cpu", "2%", "cosched", "off")) TH_LOG("%s", ivm_failure());
	EXPECT_DEFINED("cpu", "2%");
	EXPECT_EQ(0, fake.changes);
}

/* All else is of the next start, and who sets it of a VM that runs is told so. */
TEST_F(live, what_waits_for_the_next_start_is_said)
{
	ASSERT_EQ(0, set("vcpus", "2", "cpu", "7%")) TH_LOG("%s", ivm_failure());
	EXPECT_STREQ("ivmctl: note: VM 'web' is running; in force from its next start: vcpus\n", said);
	EXPECT_EQ(70, fake.floor);
	EXPECT_DEFINED("vcpus", "2");
	json_object_object_add(fake_vm("web"), "state", json_object_new_string("stopped"));
	ASSERT_EQ(0, set("memory", "128M", NULL, NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_STREQ("", said);
	EXPECT_EQ(1, fake.changes);
}

/* A VM that runs needs its kernel's file no more. */
TEST_F(live, shares_change_without_the_files)
{
	char *path = ivm_format("%s/kernel", self->dir);

	ASSERT_EQ(0, unlink(path));
	free(path);
	EXPECT_EQ(0, set("cpu", "7%", NULL, NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(-ENOENT, set("cpu", "8%", "vcpus", "2"));
	EXPECT_EQ(1, fake.changes);
	EXPECT_DEFINED("cpu", "7%");
}

/* The module refuses here, with the request in hand. */
TEST_F(live, a_start_says_what_is_defined)
{
	struct ivm_args args = { .name = "web" };

	json_object_put(fake.vms);
	fake.vms = json("[]");
	fake.host = json("{'cores':1}");
	fake.refuse = EBUSY;
	EXPECT_EQ(-EBUSY, ivm_vm_start(&args));
	EXPECT_EQ(IVM_CMD_VM_CREATE, fake.cmd) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(50, fake.floor);
	EXPECT_EQ(200, fake.cap);
	EXPECT_EQ(-1, fake.cosched);
	ASSERT_EQ(0, set("cpu", "", "cosched", "relaxed")) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(-EBUSY, ivm_vm_start(&args));
	EXPECT_EQ(IVM_CMD_VM_CREATE, fake.cmd);
	EXPECT_EQ(-1, fake.floor);
	EXPECT_EQ(-1, fake.cap);
	EXPECT_EQ(IVM_COSCHED_RELAXED, fake.cosched);
	json_object_put(fake.host);
}

static int host_set(const char *key, const char *value, const char *key2, const char *value2)
{
	struct ivm_args args = { .count = key2 ? 2 : 1, .items = { { key, value }, { key2, value2 } } };

	return ivm_host_set(&args);
}

TEST_F(live, the_hosts_reserve)
{
	static const char *const bad[] = { "", "10", "0%", "0.9%", "90.1%", "100%", "x", "10%:20%", "10.55%" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, host_set("reserve", bad[i], "cores", "0")) TH_LOG("%s", bad[i]);
		EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), "reserve is ")) TH_LOG("%s", ivm_failure());
	}
	EXPECT_EQ(0, fake.changes);
	ASSERT_EQ(0, host_set("reserve", "12.5%", NULL, NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(IVM_CMD_HOST_SET, fake.cmd);
	EXPECT_EQ(125, fake.reserve);
	EXPECT_STREQ("-", fake.cpu_list);
	ASSERT_EQ(0, host_set("cores", "0-2", "reserve", "1%"));
	EXPECT_EQ(2, fake.changes);	/* in one message */
	EXPECT_EQ(10, fake.reserve);
	EXPECT_STREQ("0-2", fake.cpu_list);
	ASSERT_EQ(0, host_set("cpu-list", "all", NULL, NULL));
	EXPECT_EQ(-1, fake.reserve);
	EXPECT_STREQ("all", fake.cpu_list);
	EXPECT_EQ(IVM_USAGE, host_set("cores", "0", "cpu-list", "1"));
}

TEST_F(live, what_siblings_do)
{
	static const char *const bad[] = { "", "Guard", "exclusive,guard", "off", "1" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, host_set("smt", bad[i], "cores", "0")) TH_LOG("%s", bad[i]);
		EXPECT_NE(NULL, strstr(ivm_failure(), "exclusive or guard")) TH_LOG("%s", ivm_failure());
	}
	EXPECT_EQ(0, fake.changes);
	ASSERT_EQ(0, host_set("smt", "guard", NULL, NULL)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(IVM_CMD_HOST_SET, fake.cmd);
	EXPECT_EQ(IVM_SMT_GUARD, fake.smt);
	EXPECT_EQ(-1, fake.reserve);
	ASSERT_EQ(0, host_set("smt", "exclusive", "reserve", "1%"));
	EXPECT_EQ(2, fake.changes);	/* in one message */
	EXPECT_EQ(IVM_SMT_EXCLUSIVE, fake.smt);
	EXPECT_EQ(10, fake.reserve);
}

TEST_HARNESS_MAIN
