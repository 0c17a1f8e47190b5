// SPDX-License-Identifier: GPL-2.0-only
/* P5, P6: whose turn it is on which core. */
/* sources: kmod/sched/share.c */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/cpumask.h>
#include <linux/ivm.h>

#include "sched/share.h"

#define CORES	4
#define SHARES	6
#define SLICE	10000000ULL
#define SECOND	(1000000000ULL / SLICE)	/* slices */

static u64 random_state;

static unsigned int random_below(unsigned int n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 33) % n;
}

/* A toy host: shares in slots, what each had in all. */
FIXTURE(share) {
	struct ivm_plan plan;
	struct ivm_turn turn[CORES];
	struct ivm_share share[SHARES];
	struct ivm_share_member member[SHARES][CORES];
	u64 had[SHARES];	/* ns, of the busiest member */
	u64 all[SHARES];	/* ns, in which all that wanted a core had one */
};
FIXTURE_SETUP(share)
{
	shim_cpus(CORES, CORES, 1);
	random_state = 1;
	ivm_plan_init(&self->plan, self->turn, CORES, SLICE);
}
FIXTURE_TEARDOWN(share) { }

#define HOST FIXTURE_DATA(share)

#define EXPECT_NEAR(expected, seen, band) do { EXPECT_GE((seen), (expected) - (band)); EXPECT_LE((seen), (expected) + (band)); } while (0)

/* A share in slot @s with vCPUs on cores @first, @first + 1, … */
static struct ivm_share *make(HOST *self, unsigned int s, unsigned int first, unsigned int nr, bool strict, u32 floor, u32 cap)
{
	unsigned int m;

	for (m = 0; m < nr; m++)
		self->member[s][m] = (struct ivm_share_member) { .cpu = (first + m) % CORES };
	ivm_share_init(&self->share[s], self->member[s], nr, strict);
	ivm_share_set(&self->share[s], floor, cap);
	ivm_share_add(&self->plan, &self->share[s]);
	return &self->share[s];
}

static void want_all(HOST *self, struct ivm_share *share)
{
	unsigned int m;

	for (m = 0; m < share->nr; m++)
		ivm_share_want(&self->plan, share, m);
}

/* All that have a turn use @ns. */
static void run(HOST *self, u64 ns)
{
	struct ivm_share *share;
	unsigned int s, m;
	u64 has;

	for (s = 0; s < SHARES; s++) {
		share = &self->share[s];
		for (has = share->has; has; has &= has - 1) {
			m = __ffs64(has);
			share->member[m].used_ns += ns;
		}
		self->had[s] += share->has ? ns : 0;
		self->all[s] += share->has && share->has == share->wants ? ns : 0;
	}
}

static void slices(HOST *self, unsigned int nr)
{
	while (nr--) {
		run(self, SLICE);
		ivm_plan_slice(&self->plan, SLICE);
	}
}

/* Of the time of @nr slices, in thousandths. */
static int part(u64 ns, unsigned int nr) { return (ns * 1000 + nr * SLICE / 2) / (nr * SLICE); }

TEST_F(share, a_free_core_is_had_at_once)
{
	struct ivm_share *a = make(self, 0, 0, 2, true, 0, 1000);

	ivm_share_want(&self->plan, a, 1);
	EXPECT_EQ(BIT(1), a->has);
	EXPECT_TRUE(cpumask_test_cpu(1, &self->plan.changed));
	EXPECT_FALSE(cpumask_test_cpu(0, &self->plan.changed));
	ivm_share_want(&self->plan, a, 0);
	EXPECT_EQ(3, a->has);
	cpumask_clear(&self->plan.changed);
	slices(self, 3);
	EXPECT_TRUE(cpumask_empty(&self->plan.changed));	/* who is alone is left alone */
	ivm_share_rest(&self->plan, a, 0);
	EXPECT_EQ(2, a->has);
	EXPECT_TRUE(cpumask_test_cpu(0, &self->plan.changed));	/* also a turn that ends with none after it is told */
	EXPECT_FALSE(cpumask_test_cpu(1, &self->plan.changed));
}

TEST_F(share, a_strict_share_runs_whole_or_not_at_all)
{
	struct ivm_share *a = make(self, 0, 0, 2, true, 0, 1000), *b = make(self, 1, 1, 2, true, 0, 1000);
	struct ivm_share *c = make(self, 2, 2, 1, true, 0, 1000);

	want_all(self, a);
	ivm_share_want(&self->plan, b, 1);	/* on core 2, alone */
	EXPECT_EQ(2, b->has);
	ivm_share_want(&self->plan, c, 0);
	EXPECT_EQ(0, c->has);
	slices(self, 1);
	ivm_share_want(&self->plan, b, 0);	/* core 1 is a's: until the slice ends */
	EXPECT_EQ(3, a->has);
	slices(self, 4 * SECOND);
	EXPECT_EQ(self->had[0], self->all[0]);
	EXPECT_LE(self->had[1] - self->all[1], SLICE);
	/* a and b meet, so do b and c; a and c may run at once */
	EXPECT_NEAR(500, part(self->had[0], 4 * SECOND), 5);
	EXPECT_NEAR(500, part(self->had[1], 4 * SECOND), 5);
	EXPECT_NEAR(500, part(self->had[2], 4 * SECOND), 5);
}

TEST_F(share, relaxed_goes_ahead_in_part)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 0, 1000), *b = make(self, 1, 0, 2, false, 0, 1000);

	want_all(self, a);
	want_all(self, b);
	EXPECT_EQ(2, b->has);
	slices(self, 2 * SECOND);
	EXPECT_GE(part(self->had[1], 2 * SECOND), 990);
}

/* … which neither counts against its floor, that is promised to all of its members, nor comes out of others' floors. */
TEST_F(share, relaxed_in_part_is_at_no_floors_cost)
{
	unsigned int s;

	want_all(self, make(self, 0, 0, 2, false, 400, 1000));
	want_all(self, make(self, 1, 1, 1, true, 500, 1000));
	slices(self, 5 * SECOND);
	EXPECT_GE(part(self->all[0], 5 * SECOND), 400);
	EXPECT_GE(part(self->had[0], 5 * SECOND), 990);
	EXPECT_GE(part(self->had[1], 5 * SECOND), 500);
	/* two that do not meet, each with one of its cores */
	want_all(self, make(self, 2, 0, 1, true, 500, 1000));
	for (s = 0; s < 3; s++)
		self->had[s] = self->all[s] = 0;
	slices(self, 5 * SECOND);
	EXPECT_GE(part(self->all[0], 5 * SECOND), 395);
	EXPECT_GE(part(self->had[1], 5 * SECOND), 495);
	EXPECT_GE(part(self->had[2], 5 * SECOND), 495);
	/* when all are behind, the furthest first: in part comes after a floor that can be met */
	self->share[1].credit = 5 * SLICE;
	self->share[0].credit = 3 * SLICE;
	self->share[2].credit = SLICE;
	ivm_plan_slice(&self->plan, 0);
	EXPECT_EQ(&self->share[1], self->turn[1].share);
	EXPECT_EQ(&self->share[2], self->turn[0].share);
}

TEST_F(share, equals_are_equal_whatever_their_width)
{
	unsigned int s;

	make(self, 0, 0, 4, true, 0, 1000);
	make(self, 1, 0, 1, true, 0, 1000);
	make(self, 2, 0, 2, true, 0, 1000);
	for (s = 0; s < 3; s++)
		want_all(self, &self->share[s]);
	slices(self, 6 * SECOND);
	for (s = 0; s < 3; s++)
		EXPECT_NEAR(333, part(self->had[s], 6 * SECOND), 5);
}

TEST_F(share, spare_time_goes_by_the_floors)
{
	static const u32 floor[] = { 50, 100, 350 };
	unsigned int s;

	for (s = 0; s < 3; s++)
		want_all(self, make(self, s, 0, 1, true, floor[s], 1000));
	slices(self, 10 * SECOND);
	for (s = 0; s < 3; s++)
		EXPECT_NEAR(2 * floor[s], part(self->had[s], 10 * SECOND), 5);
}

TEST_F(share, floors_hold_against_any_number)
{
	unsigned int s, second;
	u64 before;

	want_all(self, make(self, 0, 0, 2, true, 400, 1000));
	for (s = 1; s < SHARES; s++)
		want_all(self, make(self, s, s % 2, 1, true, 0, 1000));
	for (second = 0; second < 10; second++) {
		before = self->had[0];
		slices(self, SECOND);
		EXPECT_GE(part(self->had[0] - before, SECOND), 390);
	}
	EXPECT_EQ(self->had[0], self->all[0]);
	for (s = 1; s < SHARES; s++)
		EXPECT_GE(part(self->had[s], 10 * SECOND), 10);
}

/* Not who is owed most, but who waits longest for what it is owed. */
TEST_F(share, the_furthest_behind_for_its_size_is_first)
{
	unsigned int s;

	want_all(self, make(self, 0, 0, 1, true, 100, 1000));
	want_all(self, make(self, 1, 0, 1, true, 500, 1000));
	want_all(self, make(self, 2, 0, 1, true, 200, 1000));
	for (s = 0; s < 2; s++) {
		self->share[0].credit = s ? SLICE / 5 : SLICE;
		self->share[1].credit = 2 * SLICE;
		self->share[2].credit = SLICE / 2;
		ivm_plan_slice(&self->plan, 0);
		EXPECT_EQ(&self->share[s], self->turn[0].share);
	}
}

/* A guest gains nothing from a vCPU that wakes for a moment in each slice. */
TEST_F(share, the_busiest_member_is_charged)
{
	struct ivm_share *cheat = make(self, 0, 0, 2, true, 200, 1000);
	unsigned int i;

	want_all(self, cheat);
	want_all(self, make(self, 1, 0, 1, true, 200, 1000));
	for (i = 0; i < 2 * SECOND; i++) {
		run(self, SLICE);
		self->member[0][1].used_ns /= 100;
		ivm_plan_slice(&self->plan, SLICE);
	}
	EXPECT_NEAR(500, part(self->had[1], 2 * SECOND), 10);
}

TEST_F(share, caps_hold_though_nobody_else_runs)
{
	unsigned int second;
	u64 before;

	want_all(self, make(self, 0, 0, 2, true, 100, 250));
	for (second = 0; second < 5; second++) {
		before = self->had[0];
		slices(self, SECOND);
		EXPECT_NEAR(250, part(self->had[0] - before, SECOND), 25);
	}
	EXPECT_NEAR(250, part(self->had[0], 5 * SECOND), 6);
	ivm_share_set(&self->share[0], 100, 1000);
	slices(self, 2);
	before = self->had[0];
	slices(self, SECOND);
	EXPECT_EQ(SECOND * SLICE, self->had[0] - before);
}

TEST_F(share, a_cap_is_not_saved_up)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 0, 200);

	slices(self, 5 * SECOND);
	want_all(self, a);
	slices(self, 10);
	EXPECT_LE(self->had[0], 4 * SLICE);
}

TEST_F(share, to_wake_does_not_evade_a_cap)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 0, 200);
	unsigned int i;

	for (i = 0; i < 2 * SECOND; i++) {
		ivm_share_want(&self->plan, a, 0);
		run(self, SLICE * 9 / 10);
		ivm_share_rest(&self->plan, a, 0);
		ivm_plan_slice(&self->plan, SLICE);
	}
	EXPECT_NEAR(200, part(self->had[0], 2 * SECOND), 15);
}

/* What a cap keeps from running does not hold back the others. */
TEST_F(share, others_go_on_beside_a_cap)
{
	want_all(self, make(self, 0, 0, 1, true, 500, 510));
	want_all(self, make(self, 1, 0, 1, true, 0, 1000));
	want_all(self, make(self, 2, 0, 1, true, 0, 1000));
	slices(self, 10 * SECOND);
	EXPECT_NEAR(510, part(self->had[0], 10 * SECOND), 10);
	EXPECT_NEAR(245, part(self->had[1], 10 * SECOND), 10);
	EXPECT_NEAR(245, part(self->had[2], 10 * SECOND), 10);
}

TEST_F(share, who_slept_has_no_claim_to_the_past)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 0, 1000), *b = make(self, 1, 0, 1, true, 0, 1000);
	u64 before;

	want_all(self, a);
	slices(self, 10 * SECOND);
	want_all(self, b);
	before = self->had[0];
	slices(self, SECOND);
	EXPECT_NEAR(500, part(self->had[0] - before, SECOND), 20);
	/* nor of its floor */
	ivm_share_rest(&self->plan, b, 0);
	ivm_share_set(b, 400, 1000);
	slices(self, 10 * SECOND);
	ivm_share_set(a, 400, 1000);
	want_all(self, b);
	before = self->had[1];
	slices(self, SECOND / 5);
	EXPECT_NEAR(500, part(self->had[1] - before, SECOND / 5), 50);
}

/* A guest that sleeps just before each slice ends is charged what it used. */
TEST_F(share, dodging_the_end_of_slices_gains_nothing)
{
	struct ivm_share *victim = make(self, 0, 0, 1, true, 300, 1000), *cheat = make(self, 1, 0, 1, true, 300, 1000);
	unsigned int i;

	want_all(self, victim);
	want_all(self, cheat);
	for (i = 0; i < 10 * SECOND; i++) {
		run(self, SLICE * 9 / 10);
		ivm_share_rest(&self->plan, cheat, 0);
		run(self, SLICE / 10);
		ivm_plan_slice(&self->plan, SLICE);
		ivm_share_want(&self->plan, cheat, 0);
	}
	EXPECT_GE(part(self->had[0], 10 * SECOND), 490);
}

/* … and loses nothing: it is owed its floor of a slice at whose end it sleeps. */
TEST_F(share, who_sleeps_as_a_slice_ends_has_its_floor_of_it)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 300, 1000);

	want_all(self, a);
	ivm_plan_slice(&self->plan, SLICE);
	EXPECT_TRUE(a->by_floor);
	run(self, SLICE * 9 / 10);
	ivm_share_rest(&self->plan, a, 0);
	ivm_plan_slice(&self->plan, SLICE);
	EXPECT_EQ((3 + 3 - 9) * (s64)SLICE / 10, a->credit);
	ivm_plan_slice(&self->plan, SLICE);	/* of one that it slept through, nothing */
	EXPECT_EQ((3 + 3 - 9) * (s64)SLICE / 10, a->credit);
}

/* Who waits for two cores, and needs one of them no more, has the other one at once. */
TEST_F(share, a_member_that_rests_holds_up_nobody)
{
	struct ivm_share *a = make(self, 0, 0, 2, true, 0, 1000);

	want_all(self, make(self, 1, 1, 1, true, 0, 1000));
	ivm_share_want(&self->plan, a, 1);
	ivm_share_want(&self->plan, a, 0);
	EXPECT_EQ(0, a->has);
	ivm_share_rest(&self->plan, a, 1);
	EXPECT_EQ(1, a->has);
}

/* A promise that hotplug broke is not made up for without end. */
TEST_F(share, what_is_owed_is_bounded)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 400, 1000);

	ivm_share_move(&self->plan, a, 0, -1);
	want_all(self, a);
	slices(self, 5 * SECOND);
	EXPECT_EQ(400 * SECOND * SLICE / 1000, a->credit);
}

TEST_F(share, who_wakes_in_its_slice_joins_at_once)
{
	struct ivm_share *a = make(self, 0, 0, 2, true, 0, 1000), *b = make(self, 1, 1, 2, true, 0, 1000);

	want_all(self, a);
	slices(self, 1);
	want_all(self, b);
	EXPECT_EQ(0, b->has);
	ivm_share_rest(&self->plan, a, 1);
	EXPECT_EQ(3, b->has);		/* fills */
	ivm_share_want(&self->plan, a, 1);
	EXPECT_EQ(3, a->has);
	EXPECT_EQ(0, b->has);		/* not even in part */
}

/* … but not at the cost of who was chosen for the slice, too. */
TEST_F(share, who_wakes_evicts_fillers_only)
{
	struct ivm_share *a = make(self, 0, 0, 2, true, 0, 1000), *b = make(self, 1, 1, 1, true, 0, 1000);

	ivm_share_want(&self->plan, a, 0);
	want_all(self, b);
	slices(self, 1);
	EXPECT_EQ(1, a->has);
	EXPECT_EQ(1, b->has);
	ivm_share_want(&self->plan, a, 1);
	EXPECT_EQ(1, a->has);
	EXPECT_EQ(1, b->has);
}

/* Not even for the first slices does who slept go before who worked. */
TEST_F(share, who_slept_takes_turns_at_once)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 0, 1000), *b = make(self, 1, 0, 1, true, 0, 1000);

	want_all(self, a);
	slices(self, SECOND);
	want_all(self, b);
	slices(self, 5);
	EXPECT_LE(self->had[1], 2 * SLICE);
	EXPECT_GE(self->had[1], SLICE);
}

/* Nor who could have run but for its cap, … */
TEST_F(share, time_beyond_a_cap_is_lost)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 0, 100), *b = make(self, 1, 0, 1, true, 0, 1000);
	u64 before;

	want_all(self, a);
	want_all(self, b);
	slices(self, 2 * SECOND);
	ivm_share_set(a, 0, 1000);
	before = self->had[0];
	slices(self, 5);
	EXPECT_LE(self->had[0] - before, 3 * SLICE);
}

/* … whatever its weight: the bound on virtual times is wide for who has a floor. */
TEST_F(share, time_beyond_a_cap_is_lost_at_any_weight)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 100, 100), *b = make(self, 1, 0, 1, true, 100, 1000);
	u64 before;

	want_all(self, a);
	want_all(self, b);
	slices(self, 3 * SECOND);
	ivm_share_set(a, 100, 1000);
	before = self->had[0];
	slices(self, 20);
	EXPECT_NEAR(10 * SLICE, self->had[0] - before, 2 * SLICE);
}

/* Nor does who was held up elsewhere have its neighbours pay for it. */
TEST_F(share, who_was_held_up_takes_turns_once_it_is_free)
{
	struct ivm_share *wide = make(self, 0, 0, 2, true, 0, 1000), *holds = make(self, 1, 1, 1, true, 1000, 1000);
	u64 before;

	want_all(self, wide);
	want_all(self, holds);
	want_all(self, make(self, 2, 0, 1, true, 0, 1000));
	slices(self, 5 * SECOND);
	EXPECT_LE(self->had[0], 2 * SLICE);
	ivm_share_rest(&self->plan, holds, 0);
	before = self->had[2];
	slices(self, 20);
	EXPECT_NEAR(10 * SLICE, self->had[2] - before, 3 * SLICE);
}

/* … nor is who waited, and sleeps then, owed that time when it wakes. */
TEST_F(share, what_was_waited_for_is_not_kept_asleep)
{
	struct ivm_share *a = make(self, 0, 0, 1, true, 400, 1000), *b = make(self, 1, 0, 1, true, 400, 1000);
	u64 before;

	want_all(self, a);
	ivm_share_move(&self->plan, b, 0, -1);
	want_all(self, b);
	slices(self, 2 * SECOND);
	ivm_share_rest(&self->plan, b, 0);
	ivm_share_move(&self->plan, b, 0, 0);
	want_all(self, b);
	before = self->had[1];
	slices(self, SECOND / 5);
	EXPECT_NEAR(500, part(self->had[1] - before, SECOND / 5), 100);
}

TEST_F(share, moves_and_ends)
{
	struct ivm_share *a = make(self, 0, 0, 2, true, 0, 1000), *b = make(self, 1, 1, 1, true, 0, 1000);

	want_all(self, a);
	slices(self, 1);
	want_all(self, b);
	ivm_share_move(&self->plan, a, 1, -1);	/* no core is left for it: the rest goes on */
	EXPECT_EQ(1, a->has);
	EXPECT_EQ(1, b->has);
	ivm_share_move(&self->plan, a, 1, 3);
	EXPECT_EQ(3, a->has);
	ivm_share_remove(&self->plan, a);
	EXPECT_EQ(NULL, self->turn[0].share);
	EXPECT_EQ(NULL, self->turn[3].share);
	EXPECT_EQ(b, self->turn[1].share);
	ivm_share_remove(&self->plan, b);
	EXPECT_TRUE(list_empty(&self->plan.shares));
}

/* Wide ones and narrow ones that meet in a ring: nobody starves, whatever holds up whom. */
TEST_F(share, nobody_starves_in_a_ring)
{
	unsigned int s;

	want_all(self, make(self, 0, 0, 1, true, 800, 1000));
	want_all(self, make(self, 1, 0, 2, true, 0, 1000));
	want_all(self, make(self, 2, 1, 1, true, 0, 1000));
	want_all(self, make(self, 3, 1, 1, true, 0, 1000));
	want_all(self, make(self, 4, 2, 2, true, 0, 1000));
	slices(self, 20 * SECOND);
	for (s = 0; s < 5; s++)
		EXPECT_GE(part(self->had[s], 20 * SECOND), 9);
	EXPECT_GE(part(self->had[0], 20 * SECOND), 800);
	EXPECT_NEAR(part(self->had[2], 20 * SECOND), part(self->had[3], 20 * SECOND), 20);
}

static void check(struct __test_metadata *_metadata, HOST *self)
{
	unsigned int s, m, cpu, turns = 0;
	u64 waits;

	for (s = 0; s < SHARES; s++) {
		struct ivm_share *share = &self->share[s];

		if (!share->nr || list_empty(&share->link))
			continue;
		ASSERT_EQ(0, share->has & ~share->wants);
		for (waits = 0, m = 0; m < share->nr; m++) {
			if (share->has & BIT(m)) {
				ASSERT_EQ(share, self->turn[share->member[m].cpu].share);
				ASSERT_EQ(m, self->turn[share->member[m].cpu].member);
				turns++;
			} else if (share->wants & BIT(m) && share->member[m].cpu >= 0 && !self->turn[share->member[m].cpu].share) {
				waits |= BIT(m);
			}
		}
		/* a core idles beside one who wants it only if that one waits for the others, or is over its cap */
		if (waits && (share->cap >= 1000 || share->budget > 0)) {
			ASSERT_TRUE(share->strict);
			ASSERT_EQ(0, share->has);
		}
	}
	for (cpu = 0; cpu < CORES; cpu++)
		turns -= !!self->turn[cpu].share;
	ASSERT_EQ(0, turns);
}

TEST_F(share, random_events)
{
	unsigned int i, s, m;

	for (i = 0; i < 100000; i++) {
		struct ivm_share *share = &self->share[s = random_below(SHARES)];
		bool in = share->nr && !list_empty(&share->link);

		m = in ? random_below(share->nr) : 0;
		switch (random_below(in ? 8 : 9)) {
		case 0:
		case 1:
		case 2:
			if (in)
				ivm_share_want(&self->plan, share, m);
			break;
		case 3:
			if (in)
				ivm_share_rest(&self->plan, share, m);
			break;
		case 4:
			if (in && !random_below(10))
				ivm_share_remove(&self->plan, share);
			break;
		case 5:
			if (in) {
				/* to a core that none of its members has, or to none */
				unsigned int to = random_below(CORES), k;

				for (k = 0; k < share->nr && share->member[k].cpu != to; k++)
					;
				ivm_share_move(&self->plan, share, m, k < share->nr ? -1 : to);
			}
			break;
		case 6:
			if (in)
				ivm_share_set(share, random_below(300), 300 + random_below(701));
			break;
		case 7:
			run(self, random_below(SLICE));
			ivm_plan_slice(&self->plan, random_below(2 * SLICE));
			break;
		case 8:
			make(self, s, random_below(CORES), 1 + random_below(CORES), random_below(2), random_below(300),
			     300 + random_below(701));
			break;
		}
		check(_metadata, self);
		cpumask_clear(&self->plan.changed);
	}
}

TEST_HARNESS_MAIN
