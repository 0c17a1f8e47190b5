// SPDX-License-Identifier: GPL-2.0-only
/* Which vCPU an administrator wants on which core. */
/* sources: kmod/sched/affinity.c kmod/sched/cores.c */
#include "unit.h"

#include <string.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/ivm.h>

#include "sched/cores.h"
#include "sched/sched.h"
#include "why.h"

#define VCPUS	3

TEST(lists_in_their_order)
{
	static const struct { const char *list; u16 cpu[VCPUS]; } t[] = {
		{ "0,1,2", { 0, 1, 2 } }, { "4-6", { 4, 5, 6 } }, { "9,0-1", { 9, 0, 1 } }, { "65535,7,7", { 65535, 7, 7 } },
		{ "0001,2-2,3", { 1, 2, 3 } },
	};
	u16 cpu[VCPUS];

	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT_EQ(0, ivm_affinity_parse(t[i].list, VCPUS, cpu, NULL)) TH_LOG("%s", t[i].list);
		EXPECT_EQ(0, memcmp(cpu, t[i].cpu, sizeof(cpu))) TH_LOG("%s", t[i].list);
	}
}

TEST(bad_lists)
{
	static const struct { const char *list, *text; } t[] = {
		{ "", "not \"\"" }, { ",", "expected" }, { "1,,2", "expected" }, { "1,2,", "expected" }, { " 1,2,3", "expected" },
		{ "1-", "expected" }, { "-1", "expected" }, { "3-1", "expected" }, { "1,2,x", "expected" }, { "all", "expected" },
		{ "65536,1,2", "expected" }, { "99999999999,1,2", "expected" }, { "1,2", "names 2 CPUs, and the VM has 3" },
		{ "1,2,3,4", "names 4 CPUs" }, { "0-65535,0-65535", "names 131072 CPUs" }, { "1:2:3", "expected" },
	};
	u16 cpu[VCPUS];

	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		struct ivm_why why = { };

		EXPECT_EQ(-EINVAL, ivm_affinity_parse(t[i].list, VCPUS, cpu, &why)) TH_LOG("%s", t[i].list);
		EXPECT_EQ(IVM_A_AFFINITY, why.attr);
		EXPECT_NE(NULL, strstr(why.text, t[i].text)) TH_LOG("%s: %s", t[i].list, why.text);
	}
}

static int now[VCPUS];

static void moved(void *ctx, unsigned int index, int cpu)
{
	now[index] = cpu;
}

static const struct ivm_sched_ops ops = { .moved = moved };

/* 4 cores of 2 threads: 0-1 2-3 4-5 6-7; two CPUs that could be are not there. */
FIXTURE(pinned) { struct ivm_why why; struct ivm_placement *placement; };
FIXTURE_SETUP(pinned)
{
	shim_cpus(10, 8, 2);
	ASSERT_EQ(0, ivm_cores_init());
}
FIXTURE_TEARDOWN(pinned)
{
	ivm_cores_exit();
	EXPECT_EQ(0, shim_alloc_live());
}

TEST_F(pinned, each_is_where_it_was_wanted)
{
	static const u16 wanted[] = { 7, 0, 2 };	/* any thread names its core */

	self->placement = ivm_cores_place(3, 0, wanted, now, &ops, NULL, &self->why);
	ASSERT_FALSE(IS_ERR(self->placement));
	EXPECT_EQ(6, now[0]);
	EXPECT_EQ(0, now[1]);
	EXPECT_EQ(2, now[2]);
	ivm_cores_release(self->placement);
}

TEST_F(pinned, what_cannot_be_is_refused)
{
	static const struct { u16 wanted[2]; const char *text; } t[] = {
		{ { 0, 1 }, "CPUs 0 and 1 are of one core" }, { { 2, 2 }, "CPUs 2 and 2" }, { { 8, 0 }, "no CPU 8" },
		{ { 0, 65535 }, "no CPU 65535" }, { { 0, 5 }, "CPU 5 is offline" }, { { 0, 6 }, "core of CPU 6 is not given" },
	};

	shim_cpu_down(5);
	ASSERT_EQ(0, ivm_cores_set("0-4", NULL));
	for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
		self->placement = ivm_cores_place(2, 0, t[i].wanted, now, &ops, NULL, &self->why);
		EXPECT_EQ(-EINVAL, PTR_ERR(self->placement));
		EXPECT_EQ(IVM_A_AFFINITY, self->why.attr);
		EXPECT_NE(NULL, strstr(self->why.text, t[i].text)) TH_LOG("%s", self->why.text);
	}
}

TEST_F(pinned, it_waits_for_its_core_and_goes_nowhere_else)
{
	static const u16 wanted[] = { 4, 2 };
	struct ivm_placement *other;
	int cpu;

	self->placement = ivm_cores_place(2, 0, wanted, now, &ops, NULL, &self->why);
	ASSERT_FALSE(IS_ERR(self->placement));
	shim_cpu_down(5);
	EXPECT_EQ(4, now[0]);
	shim_cpu_down(4);
	EXPECT_EQ(-1, now[0]);
	EXPECT_EQ(2, now[1]);
	other = ivm_cores_place(1, 0, NULL, &cpu, &ops, NULL, &self->why);
	ASSERT_FALSE(IS_ERR(other));
	EXPECT_EQ(0, cpu);
	shim_cpu_up(4);
	EXPECT_EQ(4, now[0]);
	ivm_cores_release(other);
	/* nor can its core be taken away */
	EXPECT_EQ(-EBUSY, ivm_cores_set("0-3", &self->why));
	EXPECT_NE(NULL, strstr(self->why.text, "vCPU 0 of a VM that is started is pinned to the core of CPU 4"));
	EXPECT_EQ(0, ivm_cores_set("2-4", &self->why));
	EXPECT_EQ(4, now[0]);
	ivm_cores_release(self->placement);
}

TEST_F(pinned, a_thread_that_ivm_took_offline_names_its_core)
{
	static const u16 wanted[] = { 3 };

	ASSERT_EQ(0, ivm_cores_set("all", NULL));
	ivm_cores_hide(3);
	shim_cpu_down(3);
	self->placement = ivm_cores_place(1, 0, wanted, now, &ops, NULL, &self->why);
	ASSERT_FALSE(IS_ERR(self->placement));
	EXPECT_EQ(2, now[0]);
	ivm_cores_release(self->placement);
}

TEST_HARNESS_MAIN
