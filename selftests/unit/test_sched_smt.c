// SPDX-License-Identifier: GPL-2.0-only
/* P7: nothing runs beside a vCPU on its core. */
/* sources: kmod/sched/cores.c kmod/sched/smt.c */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <linux/cpumask.h>
#include <linux/ivm.h>
#include <linux/topology.h>

#include "sched/cores.h"
#include "sched/guard.h"
#include "sched/sched.h"
#include "why.h"

/* As hexadecimal bits: 0-1 2-3 4-5 6-7 are cores of two threads. */
static unsigned long online(void) { return cpu_online_mask->bits[0]; }

/* What guard.c would do. */
static unsigned int guard_started;
static bool guard_fails;

int ivm_guard_start(struct ivm_why *why)
{
	if (guard_fails)
		return ivm_why(why, 0, -ENOMEM, "no thread");
	guard_started = 1;
	return 0;
}

void ivm_guard_stop(void)
{
	guard_started = 0;
}

/* The VM ends, and some time passes. */
static void put(void)
{
	ivm_smt_put();
	shim_work_run();
}

FIXTURE(smt) { struct ivm_why why; };
FIXTURE_SETUP(smt)
{
	shim_cpus(10, 8, 2);
	ASSERT_EQ(0, ivm_cores_init());
}
FIXTURE_TEARDOWN(smt)
{
	shim_cpu_stuck = SHIM_CPUS;
	guard_fails = false;
	ivm_smt_set_policy(IVM_SMT_EXCLUSIVE, NULL);
	ivm_smt_exit();
	ivm_cores_exit();
	EXPECT_EQ(0, shim_alloc_live());
}

TEST_F(smt, siblings_are_offline_while_any_vm_runs)
{
	EXPECT_EQ(0xff, online());
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(0x55, online());
	EXPECT_EQ(4, ivm_cores_count());
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	put();
	EXPECT_EQ(0x55, online());
	ivm_smt_put();
	EXPECT_EQ(0x55, online());	/* another VM may follow */
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	shim_work_run();
	EXPECT_EQ(0x55, online());
	ivm_smt_put();
	EXPECT_EQ(0, shim_cpu_try_up(1));	/* nobody is kept from it meanwhile */
	shim_work_run();
	EXPECT_EQ(0xff, online());
	EXPECT_EQ(4, ivm_cores_count());
}

TEST_F(smt, only_those_of_cores_of_ivm)
{
	ASSERT_EQ(0, ivm_cores_set("4-7", &self->why));
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(0x5f, online());
	put();
	EXPECT_EQ(0xff, online());
}

TEST_F(smt, what_was_offline_stays_so)
{
	shim_cpu_down(3);
	shim_cpu_down(4);
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(0x65, online());	/* 5 leads its core */
	put();
	EXPECT_EQ(0xe7, online());
}

TEST_F(smt, nobody_else_brings_one_online)
{
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(-EBUSY, shim_cpu_try_up(1));
	EXPECT_EQ(0x55, online());
	EXPECT_EQ(1, shim_printed());
	shim_cpu_down(2);		/* its core is free then */
	EXPECT_EQ(0, shim_cpu_try_up(3));
	EXPECT_EQ(-EBUSY, shim_cpu_try_up(2));
	EXPECT_EQ(0x59, online());
	EXPECT_EQ(4, ivm_cores_count());
	put();
	EXPECT_EQ(0xfb, online());	/* 2 went without us */
	shim_cpu_up(2);
}

TEST_F(smt, one_that_cannot_go_refuses_the_vm_and_all_is_as_before)
{
	shim_cpu_stuck = 5;
	EXPECT_EQ(-EBUSY, ivm_smt_get(&self->why));
	EXPECT_NE(NULL, strstr(self->why.text, "CPU 5 shares a core"));
	EXPECT_EQ(0xff, online());
	shim_cpu_down(1);
	EXPECT_EQ(0, shim_cpu_try_up(1));	/* nor is anybody kept from it */
	shim_cpu_stuck = SHIM_CPUS;
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(0x55, online());
	put();
}

TEST_F(smt, cores_change_while_vms_run)
{
	ASSERT_EQ(0, ivm_cores_set("0-3", &self->why));
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(0xf5, online());
	ASSERT_EQ(0, ivm_smt_set_cores("4-7", &self->why));
	EXPECT_EQ(0x5f, online());
	ASSERT_EQ(0, ivm_smt_set_cores("2,6", &self->why));
	EXPECT_EQ(0x77, online());
	ASSERT_EQ(0, ivm_smt_set_cores("3,7", &self->why));	/* the same, one by a thread that is offline because of us */
	EXPECT_EQ(0x77, online());
	/* refused: nothing changes */
	shim_cpu_stuck = 1;
	EXPECT_EQ(-EBUSY, ivm_smt_set_cores("all", &self->why));
	EXPECT_EQ(0x77, online());
	EXPECT_EQ(2, ivm_cores_count());
	EXPECT_EQ(-EINVAL, ivm_smt_set_cores("nonsense", &self->why));
	EXPECT_EQ(0x77, online());
	shim_cpu_stuck = SHIM_CPUS;
	ASSERT_EQ(0, ivm_smt_set_cores("all", &self->why));
	EXPECT_EQ(0x55, online());
	put();
	EXPECT_EQ(0xff, online());
}

TEST_F(smt, what_cannot_come_back_now_does_later)
{
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	shim_cpu_stuck = 3;
	put();
	EXPECT_EQ(0xf7, online());
	EXPECT_EQ(1, shim_printed());
	shim_cpu_stuck = SHIM_CPUS;
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	put();
	EXPECT_EQ(0xff, online());
}

TEST_F(smt, guarded_siblings_stay_online)
{
	EXPECT_EQ(IVM_SMT_EXCLUSIVE, ivm_smt_policy());
	ASSERT_EQ(0, ivm_smt_set_policy(IVM_SMT_GUARD, &self->why));
	EXPECT_EQ(IVM_SMT_GUARD, ivm_smt_policy());
	EXPECT_EQ(0, guard_started);
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(1, guard_started);
	EXPECT_EQ(0xff, online());
	EXPECT_EQ(4, ivm_cores_count());
	ASSERT_EQ(0, ivm_smt_set_cores("0-3", &self->why));
	EXPECT_EQ(0xff, online());
	shim_cpu_down(3);
	EXPECT_EQ(0, shim_cpu_try_up(3));
	ivm_smt_put();
	EXPECT_EQ(1, guard_started);	/* another VM may follow */
	shim_work_run();
	EXPECT_EQ(0, guard_started);
}

TEST_F(smt, one_that_cannot_be_held_refuses_the_vm)
{
	ASSERT_EQ(0, ivm_smt_set_policy(IVM_SMT_GUARD, &self->why));
	guard_fails = true;
	EXPECT_EQ(-ENOMEM, ivm_smt_get(&self->why));
	EXPECT_NE(NULL, strstr(self->why.text, "no thread"));
	/* no VM is left behind that would keep the policy as it is */
	ASSERT_EQ(0, ivm_smt_set_policy(IVM_SMT_EXCLUSIVE, &self->why));
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(0x55, online());
	put();
}

TEST_F(smt, the_policy_changes_while_no_vm_runs)
{
	static const u32 bad[] = { 0, 3, 0x80000001, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, ivm_smt_set_policy(bad[i], &self->why));
		EXPECT_EQ(IVM_A_SMT, self->why.attr);
	}
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(-EBUSY, ivm_smt_set_policy(IVM_SMT_GUARD, &self->why));
	EXPECT_NE(NULL, strstr(self->why.text, "1 do"));
	EXPECT_EQ(0, ivm_smt_set_policy(IVM_SMT_EXCLUSIVE, &self->why));
	EXPECT_EQ(0x55, online());
	ivm_smt_put();
	EXPECT_EQ(0x55, online());
	/* at once, not only when nobody comes any more */
	ASSERT_EQ(0, ivm_smt_set_policy(IVM_SMT_GUARD, &self->why));
	EXPECT_EQ(0xff, online());
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(-EBUSY, ivm_smt_set_policy(IVM_SMT_EXCLUSIVE, &self->why));
	EXPECT_EQ(1, guard_started);
	ivm_smt_put();
	ASSERT_EQ(0, ivm_smt_set_policy(IVM_SMT_EXCLUSIVE, &self->why));
	EXPECT_EQ(0, guard_started);
	ASSERT_EQ(0, ivm_smt_get(&self->why));
	EXPECT_EQ(0x55, online());
	put();
}

/* While a VM runs no core of IVM's has two threads online, and in the end all is as the administrator left it. */
TEST_F(smt, random_hotplug_lists_and_vms)
{
	static const char * const lists[] = { "all", "0-3", "0,2,4", "4", "0,2,4,6", "6-7" };
	unsigned int i, cpu, users = 0, refused = 0;

	srandom(2);
	for (i = 0; i < 3000; i++) {
		switch (random() % 4) {
		case 0:
			cpu = random() % 8;
			if (!cpu_online(cpu))
				refused += !!shim_cpu_try_up(cpu);
			else if (cpumask_weight(cpu_online_mask) > 1)
				shim_cpu_down(cpu);
			break;
		case 1:
			ivm_smt_set_cores(lists[random() % ARRAY_SIZE(lists)], NULL);
			break;
		case 2:
			ASSERT_EQ(0, ivm_smt_get(NULL));
			users++;
			break;
		default:
			if (users) {
				put();
				users--;
			}
		}
		if (users) {
			struct cpumask siblings;

			ASSERT_EQ(0, ivm_cores_siblings(NULL, &siblings, NULL));
			ASSERT_TRUE(cpumask_empty(&siblings));
		}
	}
	EXPECT_LT(0, refused);
	for (; users; users--)
		put();
	shim_printed();
}

TEST_HARNESS_MAIN
