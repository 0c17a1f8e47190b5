// SPDX-License-Identifier: GPL-2.0-only
/* Definitions from the command line and from hostile files, and the files themselves. */
#include "../harness.h"

#include "definition.h"
#include "fail.h"
#include "store.h"
#include "text.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *as_text(const struct ivm_definition *def)
{
	struct json_object *json = ivm_definition_json(def);
	char *text = ivm_strdup(json_object_to_json_string(json));

	json_object_put(json);
	return text;
}

FIXTURE(definition) {
	struct ivm_definition def;
};

FIXTURE_SETUP(definition)
{
	ivm_definition_init(&self->def, "t0");
}

FIXTURE_TEARDOWN(definition)
{
	ivm_definition_free(&self->def);
}

TEST_F(definition, every_key_is_set)
{
	static const char *const pairs[][2] = {
		{ "vcpus", "2" }, { "memory", "512M" }, { "max", "2G" }, { "kernel", "/k" }, { "initrd", "/i" },
		{ "cmdline", "console=ttyS0 a=\"b c\" \\ \xc3\xa4" }, { "modules", "/m a b,/n" }, { "debug-exit", "0xf4" },
		{ "affinity", "4,2" }, { "cpu", "12.5%:50%" }, { "cosched", "relaxed" }, { "nic", "switch:sw0,vlan:10" },
	};
	char *text;
	size_t keys = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		ASSERT_EQ(0, ivm_definition_set(&self->def, pairs[i][0], pairs[i][1])) TH_LOG("%s", ivm_failure());
	for (const struct ivm_key *key = ivm_keys; key->name; key++)
		keys++;
	EXPECT_EQ(keys, ARRAY_SIZE(pairs));	/* a new key wants a row here and below */
	EXPECT_EQ(0, ivm_definition_check(&self->def));
	EXPECT_EQ(2, self->def.vcpus);
	EXPECT_EQ(512ULL << 20, self->def.memory);
	EXPECT_STREQ("/k", self->def.kernel);
	EXPECT_STREQ("/i", self->def.initrd);
	EXPECT_EQ(2ULL << 30, self->def.max);
	EXPECT_STREQ(pairs[5][1], self->def.cmdline);
	ASSERT_EQ(2, self->def.nr_modules);
	EXPECT_STREQ("/m a b", self->def.modules[0]);
	EXPECT_STREQ("/n", self->def.modules[1]);
	EXPECT_EQ(0xf4, self->def.debug_exit);
	EXPECT_STREQ("4,2", self->def.affinity);
	EXPECT_TRUE(self->def.has_cpu);
	EXPECT_EQ(125, self->def.cpu.floor);
	EXPECT_EQ(500, self->def.cpu.cap);
	EXPECT_EQ(IVM_COSCHED_RELAXED, self->def.cosched);
	text = as_text(&self->def);
	EXPECT_NE(NULL, strstr(text, "\"cpu\": \"12.5%:50%\", \"cosched\": \"relaxed\"")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "\"memory\": 536870912, \"max\": 2147483648, \"kernel\""));
	free(text);
}

TEST_F(definition, bad_values_change_nothing)
{
	static const char *const pairs[][2] = {
		{ "vcpus", "0" }, { "vcpus", "65" }, { "vcpus", "-1" }, { "vcpus", "two" }, { "vcpus", "" },
		{ "vcpus", "4294967297" }, { "vcpus", "99999999999999999999" }, { "vcpus", "1.0" },
		{ "memory", "0" }, { "memory", "" }, { "memory", "1M" }, { "memory", "3M" }, { "memory", "2097153" },
		{ "memory", "1025G" }, { "memory", "2T" }, { "memory", "99999999999T" }, { "memory", "-2M" },
		{ "memory", "lots" }, { "max", "0" }, { "max", "1M" }, { "max", "65M" }, { "max", "2097153" }, { "max", "1025G" },
		{ "max", "none" }, { "max", "-2M" }, { "kernel", "" }, { "kernel", "/a\nb" }, { "initrd", "/a\x01" },
		{ "cmdline", "a\nb" }, { "cmdline", "a\x1b[2J" }, { "cmdline", "\x7f" },
		{ "modules", "/a,/b\n" }, { "modules", "/1,/2,/3,/4,/5,/6,/7,/8,/9,/10,/11,/12,/13,/14,/15,/16,/17" },
		{ "nic", "switch:a/b,vlan:1" }, { "nic", "vlan" }, { "nic0", "vlan:0" }, { "nic0", "frob:1" }, { "nic1", "" },
		{ "nic2", "vlan:1" }, { "nic0", "mac:ff:ff:ff:ff:ff:ff" },
		{ "cpu", "25" }, { "cpu", "50%:25%" }, { "cpu", "101%" }, { "cpu", "0%:0%" }, { "cpu", "1.25%" }, { "cpu", "x" },
		{ "cosched", "Strict" }, { "cosched", "1" }, { "cosched", "strict," },
		{ "debug-exit", "0" }, { "debug-exit", "0xfffd" }, { "debug-exit", "65536" }, { "debug-exit", "f4" },
	};
	char *before, *after, *huge;

	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "64M"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", "/k"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "modules", "/m"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "nic", "switch:sw0,vlan:1"));
	before = as_text(&self->def);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		EXPECT_EQ(-EINVAL, ivm_definition_set(&self->def, pairs[i][0], pairs[i][1]))
			TH_LOG("%s=%s", pairs[i][0], pairs[i][1]);
		EXPECT_NE(NULL, strstr(ivm_failure(), pairs[i][0])) TH_LOG("%s", ivm_failure());
		EXPECT_EQ(NULL, strpbrk(ivm_failure(), "\n\x1b")) TH_LOG("%s", ivm_failure());
	}
	huge = ivm_zalloc(1, 1 << 20);
	memset(huge, 'x', (1 << 20) - 1);
	EXPECT_EQ(-EINVAL, ivm_definition_set(&self->def, "cmdline", huge));
	EXPECT_EQ(-EINVAL, ivm_definition_set(&self->def, "kernel", huge));
	EXPECT_EQ(-EINVAL, ivm_definition_set(&self->def, "vcpus", huge));
	EXPECT_EQ(IVM_USAGE, ivm_definition_set(&self->def, huge, "1"));
	free(huge);
	EXPECT_EQ(IVM_USAGE, ivm_definition_set(&self->def, "vcpu", "1"));
	EXPECT_EQ(IVM_USAGE, ivm_definition_set(&self->def, "", "1"));
	EXPECT_EQ(IVM_USAGE, ivm_definition_set(&self->def, "name", "x"));
	EXPECT_EQ(IVM_USAGE, ivm_definition_set(&self->def, "nic8", "vlan:1"));
	EXPECT_EQ(IVM_USAGE, ivm_definition_set(&self->def, "nic00", "vlan:1"));
	after = as_text(&self->def);
	EXPECT_STREQ(before, after);
	free(before);
	free(after);
}

TEST_F(definition, optional_keys_are_removed_by_nothing)
{
	static const char *const names[] = {
		"max", "initrd", "cmdline", "modules", "debug-exit", "affinity", "cpu", "cosched", "nic",
	};
	static const char *const values[] = { "1G", "/i", "x", "/m", "1", "3", "25%:50%", "off", "switch:sw0,vlan:1" };
	char *before, *after;

	before = as_text(&self->def);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ASSERT_EQ(0, ivm_definition_set(&self->def, names[i], values[i]));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(0, ivm_definition_set(&self->def, names[i], ""));
	after = as_text(&self->def);
	EXPECT_STREQ(before, after);
	EXPECT_EQ(IVM_CPU_WHOLE, self->def.cpu.cap);
	EXPECT_EQ(0, self->def.cpu.floor);
	free(before);
	free(after);
}

/* A cap that was given once is gone with a value that has none. */
TEST_F(definition, cpu_is_one_value)
{
	static const char *const steps[][2] = {
		{ "25%:50%", "25%:50%" }, { "10%", "10%" }, { "0%", "0%" }, { "0%:20%", "0%:20%" }, { "30%:100%", "30%" },
	};
	struct json_object *json;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		ASSERT_EQ(0, ivm_definition_set(&self->def, "cpu", steps[i][0]));
		json = ivm_definition_json(&self->def);
		EXPECT_STREQ(steps[i][1], json_object_get_string(json_object_object_get(json, "cpu")));
		json_object_put(json);
	}
}

TEST_F(definition, missing_keys_are_named)
{
	EXPECT_EQ(-EINVAL, ivm_definition_check(&self->def));
	EXPECT_NE(NULL, strstr(ivm_failure(), "memory is missing"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "64M"));
	EXPECT_EQ(-EINVAL, ivm_definition_check(&self->def));
	EXPECT_NE(NULL, strstr(ivm_failure(), "kernel is missing"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", "/k"));
	EXPECT_EQ(0, ivm_definition_check(&self->def));
}

/* max is checked when all is said: memory may come behind it. */
TEST_F(definition, max_is_not_below_memory)
{
	static const char small[] = "{\"memory\":\"64M\",\"max\":\"62M\",\"kernel\":\"/k\"}";
	static const char same[] = "{\"max\":67108864,\"memory\":\"64M\",\"kernel\":\"/k\"}";

	ASSERT_EQ(0, ivm_definition_set(&self->def, "max", "62M"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "64M"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", "/k"));
	EXPECT_EQ(-EINVAL, ivm_definition_check(&self->def));
	EXPECT_STREQ("max is 62M, and memory is 64M; give max=64M or more, or a smaller memory", ivm_failure());
	ASSERT_EQ(0, ivm_definition_set(&self->def, "max", "64M"));
	EXPECT_EQ(0, ivm_definition_check(&self->def)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(-EINVAL, ivm_definition_parse(&self->def, small, strlen(small), "f"));
	EXPECT_STREQ("f: max is 62M, and memory is 64M; give max=64M or more, or a smaller memory", ivm_failure());
	EXPECT_EQ(0, ivm_definition_parse(&self->def, same, strlen(same), "f")) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(64ULL << 20, self->def.max);
}

static char *nics(const struct ivm_definition *def)
{
	struct json_object *json = ivm_definition_json(def), *list = json_object_object_get(json, "nic");
	char *text = ivm_strdup(list ? json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN) : "");

	json_object_put(json);
	return text;
}

TEST_F(definition, cards_are_added_changed_and_removed)
{
	static const char *const steps[][3] = {
		{ "nic", "switch:a,vlan:1", "[{\"switch\":\"a\",\"vlan\":1}]" },
		{ "nic", "switch:b,vlan:2", "[{\"switch\":\"a\",\"vlan\":1},{\"switch\":\"b\",\"vlan\":2}]" },
		{ "nic0", "vlan:3", "[{\"switch\":\"a\",\"vlan\":3},{\"switch\":\"b\",\"vlan\":2}]" },
		{ "nic2", "switch:c,vlan:4",
		  "[{\"switch\":\"a\",\"vlan\":3},{\"switch\":\"b\",\"vlan\":2},{\"switch\":\"c\",\"vlan\":4}]" },
		{ "nic1", "", "[{\"switch\":\"a\",\"vlan\":3},{\"switch\":\"c\",\"vlan\":4}]" },
		{ "nic", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		char *text;

		ASSERT_EQ(0, ivm_definition_set(&self->def, steps[i][0], steps[i][1])) TH_LOG("%s", ivm_failure());
		text = nics(&self->def);
		EXPECT_STREQ(steps[i][2], text) TH_LOG("step %zu", i);
		free(text);
	}
	for (int i = 0; i < IVM_NICS_MAX; i++)
		ASSERT_EQ(0, ivm_definition_set(&self->def, "nic", "switch:a,vlan:1"));
	EXPECT_EQ(-EINVAL, ivm_definition_set(&self->def, "nic", "switch:a,vlan:1"));
}

TEST_F(definition, cards_are_checked_as_a_whole)
{
	ASSERT_EQ(0, ivm_definition_set(&self->def, "memory", "64M"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", "/k"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "nic", "switch:a,vlan:1,queues:2"));
	EXPECT_EQ(-EINVAL, ivm_definition_check(&self->def));
	EXPECT_STREQ("nic0: queues is 2; expected at most one for each of the 1 vcpus", ivm_failure());
	ASSERT_EQ(0, ivm_definition_set(&self->def, "vcpus", "2"));
	EXPECT_EQ(0, ivm_definition_check(&self->def));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "nic", "switch:a"));
	EXPECT_EQ(-EINVAL, ivm_definition_check(&self->def));
	EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), "nic1: no VLAN")) TH_LOG("%s", ivm_failure());
	ASSERT_EQ(0, ivm_definition_set(&self->def, "nic1", "vlan:1,mac:02:00:00:00:00:01"));
	EXPECT_EQ(0, ivm_definition_check(&self->def));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "nic0", "mac:02:00:00:00:00:01"));
	EXPECT_EQ(-EINVAL, ivm_definition_check(&self->def));
	EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), "nic0 and nic1 both")) TH_LOG("%s", ivm_failure());
}

TEST_F(definition, relative_paths_are_completed)
{
	ASSERT_EQ(0, chdir("/usr"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", "lib/k"));
	EXPECT_STREQ("/usr/lib/k", self->def.kernel);
	ASSERT_EQ(0, ivm_definition_set(&self->def, "modules", "a x,/b"));
	EXPECT_STREQ("/usr/a x", self->def.modules[0]);
	ASSERT_EQ(0, chdir("/"));
	ASSERT_EQ(0, ivm_definition_set(&self->def, "kernel", "k"));
	EXPECT_STREQ("/k", self->def.kernel);
}

static int parse(const char *text, size_t length)
{
	struct ivm_definition def;
	int err;

	ivm_definition_init(&def, "t0");
	err = ivm_definition_parse(&def, text, length, "FILE");
	ivm_definition_free(&def);
	return err;
}

TEST(good_files)
{
	static const char *const files[] = {
		"{\"memory\":67108864,\"kernel\":\"/k\"}",
		"{\"memory\":\"64M\",\"kernel\":\"/k\",\"vcpus\":\"2\"}",
		"\t\n{ \"kernel\" : \"/k\" , \"memory\" : \"64M\" }\r\n",
		"{\"memory\":\"64M\",\"kernel\":\"/k\",\"modules\":[]}",
		"{\"memory\":\"64M\",\"kernel\":\"/k\",\"modules\":[\"/a,b c\",\"/d\"],\"debug-exit\":\"0xf4\"}",
		"{\"memory\":\"64M\",\"kernel\":\"/k\",\"nic\":[{\"switch\":\"s\",\"vlan\":10,\"ip\":[\"10.0.0.5\"],\"mac\":\"02:00:00:00:00:01\"},{\"switch\":\"s\",\"trunk\":\"10,20-29\",\"native\":\"10\",\"guard\":false}]}",
		"{\"memory\":\"64M\",\"kernel\":\"/k\",\"nic\":[]}",
		"{\"memory\":\"64M\",\"kernel\":\"/k\",\"cpu\":\"25%\",\"cosched\":\"strict\"}",
		"{\"memory\":\"64M\",\"kernel\":\"/k\",\"cpu\":\"0%:12.5%\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int err = parse(files[i], strlen(files[i]));

		EXPECT_EQ(0, err) TH_LOG("%s: %s", files[i], ivm_failure());
	}
}

#define REST "\"memory\":67108864,\"kernel\":\"/k\""

TEST(hostile_files)
{
	static const char *const files[] = {
		"", " ", "{", "}", "null", "[]", "1", "\"x\"", "{}", "{]", "{\"memory\"}", "{" REST ",}", "{" REST "} x",
		"{" REST "}{" REST "}", "{" REST ",\"name\":\"x\"}", "{" REST ",\"\":1}", "{'memory':67108864}",
		"{" REST ",\"vcpus\":0}", "{" REST ",\"vcpus\":-1}", "{" REST ",\"vcpus\":65}", "{" REST ",\"vcpus\":1.5}",
		"{" REST ",\"vcpus\":1e0}", "{" REST ",\"vcpus\":true}", "{" REST ",\"vcpus\":null}",
		"{" REST ",\"vcpus\":[]}", "{" REST ",\"vcpus\":{}}", "{" REST ",\"vcpus\":NaN}",
		"{" REST ",\"vcpus\":99999999999999999999999999999999}",
		"{" REST ",\"vcpus\":-99999999999999999999999999999999}", "{" REST ",\"vcpus\":18446744073709551617}",
		"{\"kernel\":\"/k\"}", "{\"memory\":67108864}", "{\"memory\":1e9,\"kernel\":\"/k\"}",
		"{\"memory\":1,\"kernel\":\"/k\"}", "{\"memory\":18446744073709551615,\"kernel\":\"/k\"}",
		"{\"memory\":\"64\\u0000M\",\"kernel\":\"/k\"}", "{\"memory\":67108864,\"kernel\":\"/k\\u0000x\"}",
		"{\"memory\":67108864,\"kernel\":\"k\"}", "{\"memory\":67108864,\"kernel\":\"\"}",
		"{\"memory\":67108864,\"kernel\":1}", "{\"memory\":67108864,\"kernel\":[\"/k\"]}",
		"{" REST ",\"cmdline\":\"a\\nb\"}", "{" REST ",\"cmdline\":\"\\u001b[2J\"}", "{" REST ",\"cmdline\":7}",
		"{" REST ",\"cmdline\":\"a\nb\"}", "{" REST ",\"cmdline\":\"\xff\xfe\"}",
		"{" REST ",\"modules\":\"/a\"}", "{" REST ",\"modules\":[1]}", "{" REST ",\"modules\":[[\"/a\"]]}",
		"{" REST ",\"modules\":[\"a\"]}", "{" REST ",\"modules\":[\"/a\\u0000\"]}", "{" REST ",\"modules\":[null]}",
		"{" REST ",\"debug-exit\":65536}", "{" REST ",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
		"{" REST ",\"cpu\":25}", "{" REST ",\"cpu\":0.25}", "{" REST ",\"cpu\":\"25\"}", "{" REST ",\"cpu\":\"\"}",
		"{" REST ",\"cpu\":null}", "{" REST ",\"cpu\":[\"25%\",\"50%\"]}", "{" REST ",\"cpu\":{\"floor\":\"25%\"}}",
		"{" REST ",\"cpu\":\"50%:25%\"}", "{" REST ",\"cpu\":\"25%\\u0000\"}", "{" REST ",\"cpu\":\"25%\\n\"}",
		"{" REST ",\"cosched\":\"\"}", "{" REST ",\"cosched\":1}", "{" REST ",\"cosched\":\"on\"}",
		"{" REST ",\"cosched\":true}", "{" REST ",\"cosched\":\"off\\u0000\"}",
		"{" REST ",\"cpu-floor\":250}", "{" REST ",\"nic\":{}}", "{" REST ",\"nic\":\"switch:s,vlan:1\"}", "{" REST ",\"nic\":[1]}",
		"{" REST ",\"nic\":[{}]}", "{" REST ",\"nic\":[{\"switch\":\"s\"}]}", "{" REST ",\"nic\":[{\"vlan\":1}]}",
		"{" REST ",\"nic\":[{\"switch\":\"s\",\"vlan\":4095}]}", "{" REST ",\"nic0\":{\"switch\":\"s\",\"vlan\":1}}",
		"{" REST ",\"nic\":[{\"switch\":\"s\",\"vlan\":1,\"queues\":2}]}",
		"{" REST ",\"nic\":[{},{},{},{},{},{},{},{},{}]}", "{" REST ",\"nic\":[{\"switch\":\"s\",\"trunk\":[[[[1]]]]}]}",
		"{" REST ",\"nic\":[{\"switch\":\"s\",\"vlan\":1,\"mac\":\"02:00:00:00:00:01\"},{\"switch\":\"s\",\"vlan\":2,\"mac\":\"02:00:00:00:00:01\"}]}",
		"/* c */{" REST "}", "\xef\xbb\xbf{" REST "}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		EXPECT_EQ(-EINVAL, parse(files[i], strlen(files[i]))) TH_LOG("%s", files[i]);
		EXPECT_EQ(ivm_failure(), strstr(ivm_failure(), "FILE")) TH_LOG("%s: %s", files[i], ivm_failure());
		EXPECT_EQ(NULL, strpbrk(ivm_failure(), "\n\x1b"));
	}
	/* A NUL in the raw file, inside and behind. */
	EXPECT_EQ(-EINVAL, parse("{\0" REST "}", sizeof("{\0" REST "}") - 1));
	EXPECT_EQ(-EINVAL, parse("{" REST "}\0", sizeof("{" REST "}")));
	EXPECT_EQ(-EINVAL, parse("{" REST "}\0x", sizeof("{" REST "}\0x") - 1));
	EXPECT_EQ(-EINVAL, parse("\0\0\0\0", 4));
}

TEST(deep_nesting_is_refused)
{
	size_t depth = 60000;
	char *text = ivm_zalloc(1, depth);

	memset(text, '[', depth);
	EXPECT_EQ(-EINVAL, parse(text, depth));
	EXPECT_NE(NULL, strstr(ivm_failure(), "not valid JSON")) TH_LOG("%s", ivm_failure());
	for (size_t i = 0; i + 5 <= depth; i += 5)
		memcpy(text + i, "{\"a\":", 5);
	EXPECT_EQ(-EINVAL, parse(text, depth));
	free(text);
}

/* ---- files ---- */

FIXTURE(store) {
	char dir[64];
};

FIXTURE_SETUP(store)
{
	char *sub;

	snprintf(self->dir, sizeof(self->dir), "/tmp/ivm-test-%d", getpid());
	ASSERT_EQ(0, mkdir(self->dir, 0700));
	sub = ivm_format("%s/a/b", self->dir);
	setenv("IVM_DIR", sub, 1);
	free(sub);
}

FIXTURE_TEARDOWN(store)
{
	char *command = ivm_format("rm -rf %s", self->dir);

	EXPECT_EQ(0, system(command));
	free(command);
}

static int save(const char *name, const char *memory)
{
	struct ivm_definition def;
	int err;

	ivm_definition_init(&def, name);
	err = ivm_definition_set(&def, "memory", memory) ?: ivm_definition_set(&def, "kernel", "/k") ?:
	      ivm_store_save(&def);
	ivm_definition_free(&def);
	return err;
}

TEST_F(store, what_is_saved_is_loaded)
{
	struct ivm_definition def, back;
	char *path, *text, *text_back;
	struct stat st;
	int lock;

	umask(0);
	lock = ivm_store_lock("web");
	ASSERT_LE(0, lock) TH_LOG("%s", ivm_failure());
	ivm_definition_init(&def, "web");
	ASSERT_EQ(0, ivm_definition_set(&def, "memory", "1G"));
	ASSERT_EQ(0, ivm_definition_set(&def, "kernel", "/k/\xc3\xa4 \"q\" \\"));
	ASSERT_EQ(0, ivm_definition_set(&def, "cmdline", "a=\"b/c\" 'd' {}[]"));
	ASSERT_EQ(0, ivm_definition_set(&def, "modules", "/m,/n o"));
	EXPECT_EQ(0, ivm_store_exists("web"));
	ASSERT_EQ(0, ivm_store_save(&def)) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(1, ivm_store_exists("web"));
	ASSERT_EQ(0, ivm_store_load("web", &back)) TH_LOG("%s", ivm_failure());
	text = as_text(&def);
	text_back = as_text(&back);
	EXPECT_STREQ(text, text_back);
	EXPECT_STREQ("web", back.name);
	free(text);
	free(text_back);
	ivm_definition_free(&def);
	ivm_definition_free(&back);

	path = ivm_format("%s/web.json", getenv("IVM_DIR"));
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_EQ(0600, st.st_mode & 07777);
	ASSERT_EQ(0, stat(getenv("IVM_DIR"), &st));
	EXPECT_EQ(0700, st.st_mode & 07777);
	free(path);
	EXPECT_EQ(0, ivm_store_delete("web"));
	EXPECT_EQ(-ENOENT, ivm_store_delete("web"));
	EXPECT_EQ(0, ivm_store_exists("web"));
	ivm_store_unlock("web", lock);
	path = ivm_format("%s/.web.lock", getenv("IVM_DIR"));
	EXPECT_NE(0, stat(path, &st));
	free(path);
}

TEST_F(store, names_are_sorted_and_only_names)
{
	char **names, *path;
	size_t count;

	ASSERT_EQ(0, ivm_store_names(&names, &count));
	EXPECT_EQ(0, count);	/* no directory yet */
	ivm_store_names_free(names, count);
	ivm_store_unlock("x", ivm_store_lock("x"));
	for (int i = 40; i-- > 0;) {
		char *name = ivm_format("vm%02d", i);

		ASSERT_EQ(0, save(name, "64M"));
		free(name);
	}
	path = ivm_format("cd %s && touch .json a.jsonx 'b c.json' ./-x.json README .vm01.new && mkdir d.json", getenv("IVM_DIR"));
	ASSERT_EQ(0, system(path));
	free(path);
	ASSERT_EQ(0, ivm_store_names(&names, &count));
	ASSERT_EQ(41, count);
	EXPECT_STREQ("d", names[0]);
	EXPECT_STREQ("vm00", names[1]);
	EXPECT_STREQ("vm39", names[40]);
	ivm_store_names_free(names, count);
}

TEST_F(store, what_is_no_definition_is_refused)
{
	static const struct { const char *make, *why; } cases[] = {
		{ "mkdir f.json", "not a regular file" },
		{ "mkfifo f.json", "not a regular file" },
		{ "ln -s /dev/zero f.json", "not a regular file" },
		{ "touch f.json", "ends too early" },
		{ "head -c 70000 /dev/zero >f.json", "65536 bytes or more" },
		{ "head -c 65535 /dev/urandom >f.json", "not valid JSON" },
	};
	struct ivm_definition def;

	ivm_store_unlock("f", ivm_store_lock("f"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *command = ivm_format("cd %s && rm -rf f.json && %s", getenv("IVM_DIR"), cases[i].make);

		ASSERT_EQ(0, system(command));
		free(command);
		EXPECT_GT(0, ivm_store_load("f", &def)) TH_LOG("%s", cases[i].make);
		EXPECT_NE(NULL, strstr(ivm_failure(), cases[i].why)) TH_LOG("%s: %s", cases[i].make, ivm_failure());
		ivm_definition_free(&def);
	}
}

TEST_F(store, a_leftover_of_a_killed_writer_does_no_harm)
{
	char *command;

	ivm_store_unlock("f", ivm_store_lock("f"));
	command = ivm_format("cd %s && head -c 100000 /dev/urandom >.f.new && chmod 0 .f.new", getenv("IVM_DIR"));
	ASSERT_EQ(0, system(command));
	free(command);
	EXPECT_EQ(0, save("f", "64M")) TH_LOG("%s", ivm_failure());
	EXPECT_EQ(1, ivm_store_exists("f"));
}

TEST_F(store, what_does_not_run_is_explained)
{
	ivm_store_unlock("f", ivm_store_lock("f"));
	ASSERT_EQ(0, save("f", "64M"));
	EXPECT_EQ(-ENOENT, ivm_store_explain("f", -ENOENT));
	EXPECT_STREQ("VM 'f' does not run; start it with: ivmctl vm start f", ivm_failure());
	EXPECT_EQ(-ENOENT, ivm_store_explain("g", -ENOENT));
	EXPECT_STREQ("there is no VM 'g'; ivmctl vm list shows all", ivm_failure());
	ivm_fail(EBUSY, "busy");
	EXPECT_EQ(-EBUSY, ivm_store_explain("f", -EBUSY));
	EXPECT_STREQ("busy", ivm_failure());
	EXPECT_EQ(0, ivm_store_explain("f", 0));
}

/* Readers always meet a whole file while writers replace it; killing a writer at any moment loses nothing. */
TEST_F(store, readers_never_meet_half_a_file)
{
	struct ivm_definition def;
	int loads = 0;
	time_t end;

	ivm_store_unlock("f", ivm_store_lock("f"));
	ASSERT_EQ(0, save("f", "64M"));
	srandom(1);
	for (end = time(NULL) + 2; time(NULL) < end; ) {
		pid_t writer = fork();

		if (!writer) {
			for (int i = 0; ; i++)
				if (save("f", i % 2 ? "64M" : "1024G"))
					_exit(1);
		}
		for (int i = 0; i < 20; i++, loads++) {
			ASSERT_EQ(0, ivm_store_load("f", &def)) TH_LOG("%s", ivm_failure());
			ASSERT_TRUE(def.memory == 64ULL << 20 || def.memory == 1024ULL << 30);
			ivm_definition_free(&def);
			usleep((unsigned int)(random() % 500));
		}
		kill(writer, SIGKILL);
		waitpid(writer, NULL, 0);
	}
	EXPECT_LT(100, loads);
}

TEST_F(store, a_lock_excludes_and_ends_with_its_process)
{
	int lock = ivm_store_lock("f"), status, up[2];
	struct timespec begin, now;
	pid_t other;
	char c;

	ASSERT_LE(0, lock);
	ASSERT_EQ(0, pipe(up));
	other = fork();
	if (!other) {
		/* Waits; then dies with the lock in hand. */
		close(lock);
		if (ivm_store_lock("f") < 0 || write(up[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	usleep(300000);
	EXPECT_EQ(0, waitpid(other, &status, WNOHANG));
	ASSERT_EQ(0, fcntl(up[0], F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-1, read(up[0], &c, 1));
	ivm_store_unlock("f", lock);
	ASSERT_EQ(0, fcntl(up[0], F_SETFL, 0));
	EXPECT_EQ(1, read(up[0], &c, 1));
	kill(other, SIGKILL);
	waitpid(other, &status, 0);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	lock = ivm_store_lock("f");
	clock_gettime(CLOCK_MONOTONIC, &now);
	EXPECT_LE(0, lock);
	EXPECT_GE(2, now.tv_sec - begin.tv_sec);
	ivm_store_unlock("f", lock);
}

TEST_HARNESS_MAIN
