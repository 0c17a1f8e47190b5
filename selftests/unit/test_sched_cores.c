// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/sched/cores.c */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/ivm.h>
#include <linux/topology.h>

#include "sched/sched.h"
#include "why.h"

/* A VM as sched/ sees it: where it was told that its vCPUs are. */
struct vm {
	struct ivm_placement *placement;
	unsigned int nr, moves;
	int cpu[IVM_VCPUS_MAX];
};

static void moved(void *ctx, unsigned int index, int cpu)
{
	char list[IVM_CPU_LIST_MAX + 1];
	struct vm *vm = ctx;

	if (index >= vm->nr || vm->cpu[index] == cpu)
		abort();	/* told of changes only */
	vm->cpu[index] = cpu;
	vm->moves++;
	ivm_cores_list(list, sizeof(list));	/* what an owner may do from here */
}

static const struct ivm_sched_ops ops = { .moved = moved };

static int place(struct vm *vm, unsigned int nr, struct ivm_why *why)
{
	*vm = (struct vm){ .nr = nr };
	vm->placement = ivm_cores_place(nr, 0, NULL, vm->cpu, &ops, vm, why);
	return IS_ERR(vm->placement) ? (int)PTR_ERR(vm->placement) : 0;
}

/* Each vCPU on an online first thread of a core of its own; or nowhere. Return: vCPUs that are nowhere, 1000 if wrong. */
static unsigned int check(const struct vm *vm)
{
	struct cpumask used = { 0 };
	unsigned int i, nowhere = 0;

	for (i = 0; i < vm->nr; i++) {
		int cpu = vm->cpu[i];

		if (cpu < 0) {
			nowhere++;
			continue;
		}
		if (!cpu_online(cpu) || cpumask_first(topology_sibling_cpumask(cpu)) != cpu ||
		    cpumask_test_cpu(cpu, &used))
			return 1000;
		cpumask_set_cpu(cpu, &used);
	}
	return nowhere;
}

/* 4 cores of 2 threads: 0-1 2-3 4-5 6-7; two CPUs that could be are not there. */
FIXTURE(cores) { struct ivm_why why; struct vm a, b; };
FIXTURE_SETUP(cores)
{
	shim_cpus(10, 8, 2);
	ASSERT_EQ(0, ivm_cores_init());
}
FIXTURE_TEARDOWN(cores)
{
	ivm_cores_exit();
	EXPECT_EQ(0, shim_alloc_live());
}

TEST_F(cores, counts_cores_not_threads)
{
	char list[IVM_CPU_LIST_MAX + 1];

	EXPECT_EQ(4, ivm_cores_count());
	ivm_cores_list(list, sizeof(list));
	EXPECT_STREQ("all", list);
	shim_cpu_down(1);
	EXPECT_EQ(4, ivm_cores_count());
	shim_cpu_down(0);
	EXPECT_EQ(3, ivm_cores_count());
	shim_cpu_up(1);
	EXPECT_EQ(4, ivm_cores_count());
}

TEST_F(cores, a_vm_gets_distinct_cores_and_never_more_than_there_are)
{
	ASSERT_EQ(0, place(&self->a, 4, &self->why));
	EXPECT_EQ(0, check(&self->a));
	EXPECT_EQ(-E2BIG, place(&self->b, 5, &self->why));
	EXPECT_EQ(IVM_A_VCPUS, self->why.attr);
	EXPECT_NE(NULL, strstr(self->why.text, "5 vCPUs"));
	EXPECT_NE(NULL, strstr(self->why.text, "has 4"));
	ivm_cores_release(self->a.placement);
	ivm_cores_release(NULL);
}

TEST_F(cores, the_least_loaded_cores_come_first)
{
	struct vm c;

	ASSERT_EQ(0, place(&self->a, 2, &self->why));
	ASSERT_EQ(0, place(&self->b, 2, &self->why));
	EXPECT_EQ(0, self->a.cpu[0]);
	EXPECT_EQ(2, self->a.cpu[1]);
	EXPECT_EQ(4, self->b.cpu[0]);
	EXPECT_EQ(6, self->b.cpu[1]);
	ivm_cores_release(self->a.placement);
	ASSERT_EQ(0, place(&c, 3, &self->why));
	EXPECT_EQ(0, c.cpu[0]);
	EXPECT_EQ(2, c.cpu[1]);
	EXPECT_EQ(4, c.cpu[2]);
	ASSERT_EQ(0, place(&self->a, 1, &self->why));
	EXPECT_EQ(0, self->a.cpu[0]);	/* all have one: the first */
	ivm_cores_release(self->a.placement);
	ivm_cores_release(self->b.placement);
	ivm_cores_release(c.placement);
}

TEST_F(cores, a_thread_that_goes_hands_over_to_its_sibling)
{
	ASSERT_EQ(0, place(&self->a, 2, &self->why));
	shim_cpu_down(2);
	EXPECT_EQ(1, self->a.moves);
	EXPECT_EQ(3, self->a.cpu[1]);
	shim_cpu_up(2);			/* the first thread leads again */
	EXPECT_EQ(2, self->a.cpu[1]);
	shim_cpu_down(3);
	EXPECT_EQ(2, self->a.moves);
	EXPECT_EQ(0, check(&self->a));
	ivm_cores_release(self->a.placement);
}

TEST_F(cores, a_core_that_goes_hands_over_to_a_free_one)
{
	ASSERT_EQ(0, place(&self->a, 3, &self->why));
	shim_cpu_down(1);
	shim_cpu_down(0);
	EXPECT_EQ(6, self->a.cpu[0]);
	EXPECT_EQ(1, self->a.moves);
	EXPECT_EQ(0, check(&self->a));
	ivm_cores_release(self->a.placement);
}

TEST_F(cores, without_a_core_a_vcpu_waits_for_one)
{
	ASSERT_EQ(0, place(&self->a, 4, &self->why));
	shim_cpu_down(4);
	shim_cpu_down(5);
	EXPECT_EQ(-1, self->a.cpu[2]);
	EXPECT_EQ(1, check(&self->a));
	shim_cpu_up(5);
	EXPECT_EQ(5, self->a.cpu[2]);
	shim_cpu_up(4);
	EXPECT_EQ(4, self->a.cpu[2]);
	EXPECT_EQ(0, check(&self->a));
	ivm_cores_release(self->a.placement);
}

TEST_F(cores, after_release_nobody_is_told)
{
	ASSERT_EQ(0, place(&self->a, 4, &self->why));
	ivm_cores_release(self->a.placement);
	shim_cpu_down(1);
	shim_cpu_down(0);
	EXPECT_EQ(0, self->a.moves);
}

TEST_F(cores, any_thread_names_its_core)
{
	char list[IVM_CPU_LIST_MAX + 1];

	ASSERT_EQ(0, ivm_cores_set("1,4-5", &self->why));
	EXPECT_EQ(2, ivm_cores_count());
	ivm_cores_list(list, sizeof(list));
	EXPECT_STREQ("1,4-5", list);
	ASSERT_EQ(0, place(&self->a, 2, &self->why));
	EXPECT_EQ(0, self->a.cpu[0]);
	EXPECT_EQ(4, self->a.cpu[1]);
	ivm_cores_release(self->a.placement);
	ASSERT_EQ(0, ivm_cores_set("all", &self->why));
	EXPECT_EQ(4, ivm_cores_count());
}

TEST_F(cores, threads_of_a_given_core_that_come_back_are_given)
{
	shim_cpu_down(0);
	ASSERT_EQ(0, ivm_cores_set("1", &self->why));
	ASSERT_EQ(0, place(&self->a, 1, &self->why));
	EXPECT_EQ(1, self->a.cpu[0]);
	shim_cpu_up(0);
	EXPECT_EQ(1, ivm_cores_count());
	EXPECT_EQ(0, self->a.cpu[0]);
	shim_cpu_down(1);
	shim_cpu_up(1);
	shim_cpu_down(0);
	EXPECT_EQ(1, self->a.cpu[0]);
	ivm_cores_release(self->a.placement);
}

TEST_F(cores, placed_vcpus_leave_cores_that_are_taken_away)
{
	ASSERT_EQ(0, place(&self->a, 2, &self->why));
	ASSERT_EQ(0, place(&self->b, 1, &self->why));
	ASSERT_EQ(0, ivm_cores_set("2-3,6", &self->why));
	EXPECT_EQ(6, self->a.cpu[0]);	/* 2 is taken by its sibling vCPU */
	EXPECT_EQ(2, self->a.cpu[1]);
	EXPECT_EQ(1, self->a.moves);
	EXPECT_TRUE(self->b.cpu[0] == 2 || self->b.cpu[0] == 6);
	EXPECT_EQ(0, check(&self->a));
	ivm_cores_release(self->a.placement);
	ivm_cores_release(self->b.placement);
}

TEST_F(cores, bad_lists_are_refused_and_change_nothing)
{
	static const struct { const char *list; int err; const char *text; } t[] = {
		{ "", -EINVAL, "names no CPU" },
		{ "x", -EINVAL, "not \"x\"" },
		{ "3-1", -EINVAL, "expected" },
		{ "all,1", -EINVAL, "expected" },
		{ "64", -EINVAL, "the last one is 9" },
		{ "9", -EINVAL, "no CPU 9" },
		{ "0,7", -EINVAL, "CPU 7 is offline" },
		{ "0-1", -EBUSY, "has 2 vCPUs, the CPU list leaves 1" },
	};
	char list[IVM_CPU_LIST_MAX + 2];
	unsigned int i;

	shim_cpu_down(7);
	ASSERT_EQ(0, place(&self->a, 2, &self->why));
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		self->why = (struct ivm_why){ 0 };
		EXPECT_EQ(t[i].err, ivm_cores_set(t[i].list, &self->why));
		EXPECT_EQ(IVM_A_CPU_LIST, self->why.attr);
		EXPECT_NE(NULL, strstr(self->why.text, t[i].text)) TH_LOG("%s: %s", t[i].list, self->why.text);
		EXPECT_EQ(t[i].err, ivm_cores_set(t[i].list, NULL));
	}
	memset(list, '0', sizeof(list) - 1);
	list[sizeof(list) - 1] = '\0';
	EXPECT_EQ(-EINVAL, ivm_cores_set(list, &self->why));
	EXPECT_NE(NULL, strstr(self->why.text, "at most 255"));
	ivm_cores_list(list, sizeof(list));
	EXPECT_STREQ("all", list);
	EXPECT_EQ(4, ivm_cores_count());
	EXPECT_EQ(0, self->a.moves);
	ivm_cores_release(self->a.placement);
}

TEST_F(cores, lack_of_memory_is_said)
{
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, place(&self->a, 2, &self->why));
}

/* A host and its VMs at random: whatever happens, each VM's view is as it should be. */
TEST_F(cores, random_hotplug_and_lists_keep_the_rules)
{
	static const char * const lists[] = { "all", "0-3", "1,2,4", "5", "0,2,4,6", "6-7" };
	static struct vm vm[6];
	unsigned int i, j, nr, cpu, refused = 0, want;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		struct vm *v = &vm[random() % ARRAY_SIZE(vm)];

		switch (random() % 4) {
		case 0:
			cpu = random() % 8;
			if (!cpu_online(cpu))
				shim_cpu_up(cpu);
			else if (cpumask_weight(cpu_online_mask) > 1)
				shim_cpu_down(cpu);
			break;
		case 1:
			refused += !!ivm_cores_set(lists[random() % ARRAY_SIZE(lists)], NULL);
			break;
		case 2:
			if (v->placement)
				break;
			nr = random() % 5 + 1;
			want = ivm_cores_count();
			ASSERT_EQ(nr > want ? -E2BIG : 0, place(v, nr, NULL));
			if (nr > want)
				v->placement = NULL;
			break;
		default:
			ivm_cores_release(v->placement);
			v->placement = NULL;
		}
		for (j = 0; j < ARRAY_SIZE(vm); j++)
			if (vm[j].placement) {
				want = vm[j].nr > ivm_cores_count() ? vm[j].nr - ivm_cores_count() : 0;
				ASSERT_EQ(want, check(&vm[j]));
			}
	}
	EXPECT_LT(0, refused);
	for (j = 0; j < ARRAY_SIZE(vm); j++)
		ivm_cores_release(vm[j].placement);
}

TEST(init_survives_lack_of_memory)
{
	shim_cpus(4, 4, 2);
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, ivm_cores_init());
	shim_alloc_fail(2);
	EXPECT_EQ(-ENOMEM, ivm_cores_init());
}

TEST_HARNESS_MAIN
