// SPDX-License-Identifier: GPL-2.0-only
/* The machine as "host show" draws it, and a VM as "vm show" prints it, from answers made up here. */
#include "../harness.h"

#include "fake_module.h"

#include "commands.h"
#include "cores.h"
#include "machine.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char printed[65536];

/* What @print writes to the standard output. */
static const char *output_of(int (*print)(void *context), void *context, int *err)
{
	char path[64];
	int saved = dup(STDOUT_FILENO);
	FILE *file;

	snprintf(path, sizeof(path), "/tmp/ivm-cores-%d.out", getpid());
	fflush(stdout);
	if (!freopen(path, "w", stdout))
		abort();
	*err = print(context);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	file = fopen(path, "r");
	printed[fread(printed, 1, sizeof(printed) - 1, file)] = '\0';
	fclose(file);
	unlink(path);
	return printed;
}

static int print_machine(void *machine)
{
	ivm_cores_print(machine);
	return 0;
}

FIXTURE(machine) {
	char sys[64];
	struct json_object *vms, *machine;
};

static void make_cpu(const char *sys, int cpu, int package, int core)
{
	char *command = ivm_format("mkdir -p %s/cpu%d/topology && cd %s/cpu%d/topology && echo %d >core_id && echo %d >physical_package_id",
				   sys, cpu, sys, cpu, core, package);

	if (system(command))
		abort();
	free(command);
}

/* Two packages of two cores of two threads; CPU 1 is offline because of IVM, CPU 7 for its own reasons. */
FIXTURE_SETUP(machine)
{
	static const int online[] = { 0, 2, 3, 4, 5, 6 };

	snprintf(self->sys, sizeof(self->sys), "/tmp/ivm-sys-%d", getpid());
	for (size_t i = 0; i < ARRAY_SIZE(online); i++)
		make_cpu(self->sys, online[i], online[i] / 4, online[i] / 2 % 2);
	self->vms = json("[{'name':'web','list-vcpu':[{'vcpu':0,'cpu':0,'vcpu-state':'running'},{'vcpu':1,'cpu':-1,'vcpu-state':'off'}]},{'name':'db','list-vcpu':[{'vcpu':0,'cpu':0,'vcpu-state':'ready'}]}]");
	self->machine = ivm_machine(self->sys, self->vms);
}

FIXTURE_TEARDOWN(machine)
{
	char *command = ivm_format("rm -rf %s", self->sys);

	EXPECT_EQ(0, system(command));
	free(command);
	json_object_put(self->machine);
	json_object_put(self->vms);
}

#define CORE0 "{'cpu':0,'cpu-list':'0-1','package':0,'core':0,'given':true,'name':'web','vcpu':0,'wall-ns':3000,'guest-ns':1000,'hyp-ns':1000,'gang-ns':1000,'held-ns':0,'host-ns':0,'idle-ns':0,'floors':255}"

TEST_F(machine, as_the_kernel_shows_it)
{
	int err;

	EXPECT_STREQ("package 0\n"
		     "  core 0    CPU 0  web/0 running  db/0 ready\n"
		     "  core 1    CPU 2,3\n"
		     "package 1\n"
		     "  core 0    CPU 4,5\n"
		     "  core 1    CPU 6\n", output_of(print_machine, self->machine, &err));
}

TEST_F(machine, with_what_the_module_knows)
{
	static const char *const want[] = {
		"{\"package\":0,\"core\":0,\"cpus\":[0],\"vcpus\":[{\"vm\":\"web\",\"vcpu\":0,\"cpu\":0,",
		"\"vcpu-state\":\"running\"},{\"vm\":\"db\",\"vcpu\":0,\"cpu\":0,\"vcpu-state\":\"ready\"}],",
		"\"offline\":[1],\"smt-offline\":[1],\"given\":true,\"now\":{\"vm\":\"web\",\"vcpu\":0},",
		"\"cpu\":0,\"floors\":255,\"wall-ns\":3000,\"guest-ns\":1000,\"hyp-ns\":1000,\"gang-ns\":1000,",
		"\"held-ns\":0,\"host-ns\":0,\"idle-ns\":0,\"guest-percent\":33.4,\"hyp-percent\":33.3,",
		"\"gang-percent\":33.3,\"held-percent\":0.0,\"host-percent\":0.0,\"idle-percent\":0.0}",
		NULL
	};
	struct json_object *cores = json("[" CORE0 ",{'cpu':2,'cpu-list':'2,3','package':0,'core':1,'floors':0},{'cpu':6,'cpu-list':'6-7','package':1,'core':1,'given':true,'floors':1000}]");
	struct json_object *core;
	int err;

	ivm_cores_add(self->machine, cores, "1");
	EXPECT_STREQ("package 0\n"
		     "  core 0    CPU 0 (1 offline because of IVM)  web/0 running  db/0 ready\n"
		     "            given, floors 25.5%, now web/0: guest 33.4% hyp 33.3% gang 33.3% held 0.0% host 0.0% idle 0.0%\n"
		     "  core 1    CPU 2,3\n"
		     "            not given, floors 0%\n"
		     "package 1\n"
		     "  core 0    CPU 4,5\n"
		     "  core 1    CPU 6 (7 offline)\n"
		     "            given, floors 100%\n", output_of(print_machine, self->machine, &err));
	core = json_object_array_get_idx(self->machine, 0);
	EXPECT_STREQ(join(want), json_object_to_json_string_ext(core, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(cores);
}

/* A core that the kernel did not draw, one without a number, times that are not all there, lists that are none. */
TEST_F(machine, odd_answers)
{
	struct json_object *cores = json("[{'cpu':9,'cpu-list':'8-9','package':7,'core':3,'given':true,'guest-ns':5},{'package':0,'core':0,'given':true},{},{'cpu':-1,'package':0,'core':9,'given':true},{'cpu':2,'cpu-list':'rubbish','package':0,'core':1,'wall-ns':0,'guest-ns':0,'hyp-ns':0,'gang-ns':0,'held-ns':0,'host-ns':0,'idle-ns':0}]");
	const char *text;
	int err;

	ivm_cores_add(self->machine, cores, "nonsense");
	text = output_of(print_machine, self->machine, &err);
	EXPECT_NE(NULL, strstr(text, "package 7\n  core 3    CPU 9 (8 offline)\n            given\n")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "  core 1    CPU 2,3\n            not given\n")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "  core 0    CPU 0  web/0 running  db/0 ready\n  core 1")) TH_LOG("%s", text);
	json_object_put(cores);
}

/* ---- commands as a whole ---- */

#define AS_JSON printed		/* anything but NULL */

static int host_show(void *context)
{
	struct ivm_args args = { .json = context };

	return ivm_host_show(&args);
}

FIXTURE(commands) {
	int unused;
};

FIXTURE_SETUP(commands)
{
	setenv("IVM_DIR", "/nonexistent/ivm", 1);
	memset(&fake, 0, sizeof(fake));
	fake.loaded = true;
	fake.host = json("{'version':'1','cores':2,'cpu-list':'all','smt-offline':'1','reserve':'12.5%','slice-ns':5000000}");
	fake.vms = json("[{'id':3,'name':'web','state':'running','vcpus':2,'memory':67108864,'run-ns':2000000000,'cpu-floor':250,'cpu-cap':500,'cosched':'relaxed','gang':{'gang-run-ns':4000000000,'gang-corun-ns':3999000000,'gang-starts':1234,'gang-late':5,'skew-p50-ns':850,'skew-p99-ns':4299,'skew-max-ns':1999999},'list-vcpu':[{'vcpu':0,'cpu':0,'tid':7,'vcpu-state':'running','guest-ns':1500000000,'hyp-ns':250000000,'gang-ns':1000000,'ready-ns':2000000},{'vcpu':1,'cpu':2,'tid':8,'vcpu-state':'ready','guest-ns':500000000}]}]");
	fake.cores = json("[" CORE0 "]");
}

FIXTURE_TEARDOWN(commands)
{
	json_object_put(fake.host);
	json_object_put(fake.vms);
	json_object_put(fake.cores);
}

TEST_F(commands, host_show)
{
	const char *text;
	int err;

	text = output_of(host_show, NULL, &err);
	EXPECT_EQ(0, err);
	EXPECT_NE(NULL, strstr(text, "reserve          12.5%\nslice            5.0 ms\n")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "given, floors 25.5%, now web/0: guest 33.4%")) TH_LOG("%s", text);
	text = output_of(host_show, AS_JSON, &err);
	EXPECT_NE(NULL, strstr(text, "\"reserve\":\"12.5%\",\"slice-ns\":5000000,\"machine\":[{\"package\":")) TH_LOG("%s", text);
}

/* Neither lists nor times: as it was before the module had them. */
TEST_F(commands, host_show_of_less)
{
	const char *text;
	int err;

	json_object_put(fake.cores);
	fake.cores = NULL;
	fake.dump_error = EPERM;
	json_object_object_del(fake.host, "reserve");
	json_object_object_del(fake.host, "slice-ns");
	text = output_of(host_show, NULL, &err);
	EXPECT_EQ(0, err);
	EXPECT_EQ(NULL, strstr(text, "given"));
	EXPECT_EQ(NULL, strstr(text, "reserve"));
	EXPECT_NE(NULL, strstr(text, "package 0\n")) TH_LOG("%s", text);
}

static int vm_show(void *context)
{
	struct ivm_args args = { .name = "web", .json = context };

	return ivm_vm_show(&args);
}

TEST_F(commands, vm_show)
{
	const char *text;
	int err;

	text = output_of(vm_show, NULL, &err);
	EXPECT_EQ(0, err) TH_LOG("%s", ivm_failure());
	EXPECT_NE(NULL, strstr(text, "cpu              25%:50%\ncosched          relaxed\n"
				     "gang-run         4.000 s\ncorun            99.9%\ngang-starts      1234\ngang-late        5\n"
				     "skew-p50         850 ns\nskew-p99         4.2 us\nskew-max         1.9 ms\n")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, "VCPU  STATE    CPU  TID  GUEST    HYP      GANG     READY\n"
				     "0     running  0    7    1.500 s  0.250 s  0.001 s  0.002 s\n"
				     "1     ready    2    8    0.500 s  -        -        -\n")) TH_LOG("%s", text);
	text = output_of(vm_show, AS_JSON, &err);
	EXPECT_NE(NULL, strstr(text, "\"cpu-floor\":250,\"cpu-cap\":500,\"cosched\":\"relaxed\",\"gang\":{\"gang-run-ns\":4000000000,\"gang-corun-ns\":3999000000,\"gang-starts\":1234,\"gang-late\":5,\"skew-p50-ns\":850,\"skew-p99-ns\":4299,\"skew-max-ns\":1999999,\"corun-percent\":99.9}")) TH_LOG("%s", text);
	EXPECT_NE(NULL, strstr(text, ",\"cpu\":\"25%:50%\"")) TH_LOG("%s", text);
}

TEST_F(commands, vm_show_of_an_older_module)
{
	static const char *const names[] = { "cpu-floor", "cpu-cap", "cosched", "gang" };
	const char *text;
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_object_object_del(fake_vm("web"), names[i]);
	text = output_of(vm_show, NULL, &err);
	EXPECT_EQ(0, err);
	EXPECT_EQ(NULL, strstr(text, "cosched"));
	EXPECT_EQ(NULL, strstr(text, "skew"));
	/* one half alone is as good as none, and a gang that never ran has no ratio */
	json_object_object_add(fake_vm("web"), "cpu-floor", json_object_new_int(5));
	json_object_object_add(fake_vm("web"), "gang", json("{'gang-run-ns':0,'gang-corun-ns':0}"));
	text = output_of(vm_show, NULL, &err);
	EXPECT_EQ(NULL, strstr(text, "corun"));
	EXPECT_EQ(NULL, strstr(text, "cpu  "));
}

/* A file that was edited beside a VM that runs. What is not said means what the module chooses. */
TEST_F(commands, what_differs)
{
	static const struct { const char *file, *want; } rows[] = {
		{ "'cpu':'25%:50%','cosched':'relaxed'", NULL }, { "'cpu':'25%','cosched':'relaxed'", "\"differs\":[\"cpu\"]" },
		{ "'cpu':'25.0%:50%','cosched':'strict'", "\"differs\":[\"cosched\"]" }, { "'vcpus':2", "\"differs\":[\"cpu\",\"cosched\"]" },
	};
	char dir[64], path[96];
	int err;

	snprintf(dir, sizeof(dir), "/tmp/ivm-differs-%d", getpid());
	snprintf(path, sizeof(path), "%s/web.json", dir);
	ASSERT_EQ(0, mkdir(dir, 0700));
	setenv("IVM_DIR", dir, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text = ivm_format("{'memory':'64M','kernel':'/k','vcpus':2,%s}", rows[i].file);
		struct json_object *file = json(text);

		ASSERT_EQ(0, json_object_to_file(path, file));
		json_object_put(file);
		free(text);
		output_of(vm_show, AS_JSON, &err);
		EXPECT_EQ(0, err);
		EXPECT_EQ(!rows[i].want, !strstr(printed, "differs")) TH_LOG("%s: %s", rows[i].file, printed);
		EXPECT_NE(NULL, strstr(printed, rows[i].want ?: "")) TH_LOG("%s: %s", rows[i].file, printed);
	}
	/* and none of it is against a module that does not say */
	json_object_object_del(fake_vm("web"), "cpu-floor");
	json_object_object_del(fake_vm("web"), "cosched");
	output_of(vm_show, AS_JSON, &err);
	EXPECT_EQ(NULL, strstr(printed, "differs"));
	unlink(path);
	rmdir(dir);
}

TEST_HARNESS_MAIN
