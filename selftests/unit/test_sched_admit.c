// SPDX-License-Identifier: GPL-2.0-only
/* P6: which floors can be promised, and that those are given. */
/* sources: kmod/sched/admit.c kmod/sched/share.c */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/ivm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "sched/gang.h"
#include "why.h"

#define GANGS	6
#define CORES	5
#define RESERVE	100
#define SLICE	10000000ULL

/* What is gang.c's. */
DEFINE_MUTEX(ivm_admit_lock);
LIST_HEAD(ivm_gangs);
/* And of reserve.c. */
u32 ivm_reserve(void) { return RESERVE; }

static u64 random_state = 1;

static unsigned int random_below(unsigned int n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (random_state >> 33) % n;
}

FIXTURE(admit) {
	struct ivm_why why;
	struct ivm_gang *gang[GANGS];
	unsigned int nr;
};
FIXTURE_SETUP(admit)
{
	shim_cpus(CORES, CORES, 1);
	mutex_lock(&ivm_admit_lock);
}

#define HOST FIXTURE_DATA(admit)

static void forget(HOST *self)
{
	while (self->nr)
		kfree(self->gang[--self->nr]);
	INIT_LIST_HEAD(&ivm_gangs);
}

FIXTURE_TEARDOWN(admit)
{
	forget(self);
	mutex_unlock(&ivm_admit_lock);
	EXPECT_EQ(0, shim_alloc_live());
}

/* A VM that does not run yet; @cores: a digit for each of its vCPUs, '-' for one that has none. */
static struct ivm_gang *make(HOST *self, const char *cores, u32 cosched)
{
	unsigned int nr = strlen(cores), i;
	struct ivm_gang *gang = kzalloc(struct_size(gang, vcpu, nr), GFP_KERNEL);

	self->gang[self->nr++] = gang;
	INIT_LIST_HEAD(&gang->link);
	gang->nr = nr;
	gang->shares = (struct ivm_shares) { .cap = IVM_CPU_WHOLE, .cosched = cosched };
	for (i = 0; i < nr; i++)
		gang->member[i].cpu = cores[i] == '-' ? -1 : cores[i] - '0';
	return gang;
}

/* As ivm_gang_set() and ivm_gang_create() do. */
static int ask(HOST *self, struct ivm_gang *gang, u32 floor, u32 reserve)
{
	struct ivm_shares shares = gang->shares;

	shares.floor = floor;
	self->why = (struct ivm_why) { };
	return ivm_admit(gang, &shares, reserve, &self->why);
}

static void enlist(struct ivm_gang *gang, u32 floor)
{
	gang->shares.floor = floor;
	if (list_empty(&gang->link))
		list_add_tail(&gang->link, &ivm_gangs);
}

static struct ivm_gang *runs(HOST *self, const char *cores, u32 cosched, u32 floor)
{
	struct ivm_gang *gang = make(self, cores, cosched);

	enlist(gang, floor);
	return gang;
}

/* What the refusal says: thousandths; -1: something else. */
static int figure(const struct ivm_why *why)
{
	const char *at = strstr(why->text, "at most ");
	unsigned int whole, tenth;
	char rest[8];

	if (why->attr != IVM_A_CPU_FLOOR || !at || sscanf(at, "at most %u.%1u %% %7s", &whole, &tenth, rest) != 3 ||
	    strcmp(rest, "can"))
		return -1;
	return whole * 10 + tenth;
}

/* The greatest floor that @gang can have, as far as all that is said of it agrees; else -1. */
static int most_beside(HOST *self, struct ivm_gang *gang, u32 reserve)
{
	int most = IVM_CPU_WHOLE;

	if (ask(self, gang, IVM_CPU_WHOLE, reserve))
		most = figure(&self->why);
	if (most < 0 || ask(self, gang, most, reserve) || self->why.text[0])
		return -1;
	if (most < IVM_CPU_WHOLE && (ask(self, gang, most + 1, reserve) != -EBUSY || figure(&self->why) != most))
		return -1;
	return most;
}

static int most(HOST *self, struct ivm_gang *gang) { return most_beside(self, gang, RESERVE); }

/* ---- what can be promised ---- */

TEST_F(admit, a_core_is_shared_up_to_the_reserve)
{
	struct ivm_gang *a = make(self, "0", IVM_COSCHED_STRICT), *b = make(self, "0", IVM_COSCHED_STRICT);

	EXPECT_EQ(900, most(self, a));
	EXPECT_EQ(1000, most_beside(self, a, 0));
	EXPECT_EQ(749, most_beside(self, a, 251));
	enlist(a, 500);
	EXPECT_EQ(400, most(self, b));
	enlist(b, 399);
	EXPECT_EQ(1, most(self, make(self, "0", IVM_COSCHED_STRICT)));	/* to the last thousandth */
	enlist(b, 400);
	EXPECT_EQ(0, most(self, make(self, "0", IVM_COSCHED_STRICT)));
	EXPECT_EQ(900, most(self, make(self, "1", IVM_COSCHED_STRICT)));
	/* nobody is in its own way */
	EXPECT_EQ(500, most(self, a));
	enlist(b, 0);
	EXPECT_EQ(900, most(self, a));
}

TEST_F(admit, a_gang_is_in_the_way_on_all_its_cores)
{
	struct ivm_gang *b;

	runs(self, "01", IVM_COSCHED_STRICT, 300);
	runs(self, "23", IVM_COSCHED_RELAXED, 200);
	b = make(self, "12", IVM_COSCHED_STRICT);
	EXPECT_EQ(400, most(self, b));		/* they may run at once, and may not */
	EXPECT_EQ(600, most(self, make(self, "10", IVM_COSCHED_STRICT)));	/* who meets twice counts once */
	EXPECT_EQ(900, most(self, make(self, "4", IVM_COSCHED_STRICT)));
}

/* A and C do not meet; but B has to find a time when neither runs. */
TEST_F(admit, gangs_chain_over_cores)
{
	struct ivm_gang *a = runs(self, "0", IVM_COSCHED_STRICT, 300), *b = runs(self, "01", IVM_COSCHED_STRICT, 350), *c;

	c = make(self, "12", IVM_COSCHED_STRICT);
	EXPECT_EQ(250, most(self, c));
	enlist(c, 200);
	EXPECT_EQ(350, most(self, a));
	EXPECT_EQ(400, most(self, b));
	/* one link further, a is too far away to matter */
	EXPECT_EQ(350, most(self, make(self, "2", IVM_COSCHED_STRICT)));
	enlist(b, 0);				/* whom nothing is promised needs no time */
	EXPECT_EQ(900, most(self, a));
}

TEST_F(admit, each_vcpu_for_itself_counts_for_itself)
{
	struct ivm_gang *a = runs(self, "012", IVM_COSCHED_OFF, 400), *b = make(self, "12", IVM_COSCHED_STRICT);

	EXPECT_EQ(100, most(self, b));
	EXPECT_EQ(500, most(self, make(self, "12", IVM_COSCHED_OFF)));	/* one on each core */
	EXPECT_EQ(900, most(self, a));					/* they do not meet */
	a->shares.cosched = IVM_COSCHED_RELAXED;
	EXPECT_EQ(500, most(self, b));
}

/* What two of them ask of a third VM is rounded down, not up. */
TEST_F(admit, what_vcpus_ask_for_together_is_divided)
{
	runs(self, "12", IVM_COSCHED_STRICT, 499);
	EXPECT_EQ(200, most(self, make(self, "012", IVM_COSCHED_OFF)));
	EXPECT_EQ(401, most(self, make(self, "01", IVM_COSCHED_OFF)));
	EXPECT_EQ(401, most(self, make(self, "012", IVM_COSCHED_STRICT)));
}

TEST_F(admit, who_has_no_core_is_in_nobodys_way)
{
	struct ivm_gang *a = runs(self, "0-", IVM_COSCHED_STRICT, 600), *b = make(self, "-1", IVM_COSCHED_STRICT);

	EXPECT_EQ(900, most(self, b));
	EXPECT_EQ(900, most(self, make(self, "1--", IVM_COSCHED_OFF)));
	EXPECT_EQ(300, most(self, make(self, "-0", IVM_COSCHED_OFF)));
	EXPECT_EQ(1000, most(self, make(self, "--", IVM_COSCHED_STRICT)));
	EXPECT_EQ(600, ivm_admit_floors(0));
	EXPECT_EQ(0, ivm_admit_floors(1));
	a->member[0].cpu = -1;
	EXPECT_EQ(0, ivm_admit_floors(0));
	EXPECT_EQ(0, ivm_admit_reserve(1000, &self->why));
}

/* What hotplug left is not held against who asks for no more than it has. */
TEST_F(admit, to_lower_a_floor_is_never_refused)
{
	struct ivm_gang *a = runs(self, "0", IVM_COSCHED_STRICT, 600), *b = runs(self, "1", IVM_COSCHED_STRICT, 600), *c;
	struct ivm_shares shares = b->shares;

	c = make(self, "0", IVM_COSCHED_STRICT);
	b->member[0].cpu = 0;
	EXPECT_EQ(0, ask(self, b, 600, RESERVE));
	EXPECT_EQ(0, ask(self, b, 599, RESERVE));
	EXPECT_EQ(0, ask(self, b, 0, RESERVE));
	EXPECT_EQ(0, ask(self, a, 301, RESERVE));
	EXPECT_EQ(-EBUSY, ask(self, b, 601, RESERVE));
	EXPECT_EQ(300, figure(&self->why));
	EXPECT_EQ(0, ask(self, c, 0, RESERVE));
	EXPECT_EQ(-EBUSY, ask(self, c, 1, RESERVE));
	EXPECT_EQ(0, figure(&self->why));
	/* another way to be scheduled is another promise */
	shares.cosched = IVM_COSCHED_OFF;
	EXPECT_EQ(-EBUSY, ivm_admit(b, &shares, RESERVE, &self->why));
	shares.floor = 0;
	EXPECT_EQ(0, ivm_admit(b, &shares, RESERVE, &self->why));
}

/* CPU hotplug moves vCPUs and asks nobody. */
TEST_F(admit, a_floor_that_was_moved_away_from_is_missed)
{
	struct ivm_gang *a = runs(self, "0", IVM_COSCHED_STRICT, 500), *b = runs(self, "1", IVM_COSCHED_STRICT, 500);
	struct ivm_gang *none = runs(self, "0", IVM_COSCHED_STRICT, 0);
	u32 left = 0;

	mutex_unlock(&ivm_admit_lock);
	EXPECT_FALSE(ivm_gang_lacks(a, &left));
	b->member[0].cpu = 0;
	EXPECT_TRUE(ivm_gang_lacks(b, &left));
	EXPECT_EQ(400, left);
	EXPECT_TRUE(ivm_gang_lacks(a, &left));
	EXPECT_FALSE(ivm_gang_lacks(none, &left));
	b->shares.floor = 400;
	EXPECT_FALSE(ivm_gang_lacks(a, &left));
	b->shares.floor = 500;
	shim_alloc_fail(1);
	EXPECT_FALSE(ivm_gang_lacks(a, &left));
	mutex_lock(&ivm_admit_lock);
}

TEST_F(admit, a_way_to_be_scheduled_is_judged_as_asked_for)
{
	struct ivm_gang *a = runs(self, "01", IVM_COSCHED_STRICT, 300);
	struct ivm_shares shares = a->shares;

	runs(self, "01", IVM_COSCHED_STRICT, 400);
	shares.cosched = IVM_COSCHED_OFF;	/* 400 + 2 * 300 */
	EXPECT_EQ(-EBUSY, ivm_admit(a, &shares, RESERVE, &self->why));
	EXPECT_EQ(250, figure(&self->why));
	shares.floor = 250;
	EXPECT_EQ(0, ivm_admit(a, &shares, RESERVE, &self->why));
	shares = (struct ivm_shares) { .floor = 300, .cap = IVM_CPU_WHOLE, .cosched = IVM_COSCHED_RELAXED };
	EXPECT_EQ(0, ivm_admit(a, &shares, RESERVE, &self->why));
}

TEST_F(admit, the_host_keeps_its_reserve)
{
	struct ivm_gang *b;

	EXPECT_EQ(0, ivm_admit_reserve(1000, &self->why));
	runs(self, "0", IVM_COSCHED_STRICT, 300);
	b = runs(self, "01", IVM_COSCHED_STRICT, 250);
	runs(self, "1", IVM_COSCHED_STRICT, 103);
	runs(self, "2", IVM_COSCHED_STRICT, 0);
	EXPECT_EQ(0, ivm_admit_reserve(347, &self->why));	/* all three meet at b */
	EXPECT_EQ(-EBUSY, ivm_admit_reserve(348, &self->why));
	EXPECT_EQ(IVM_A_RESERVE, self->why.attr);
	EXPECT_NE(NULL, strstr(self->why.text, "leave 34.7 %"));
	EXPECT_EQ(0, ivm_admit_reserve(347, NULL));
	EXPECT_EQ(-EBUSY, ivm_admit_reserve(348, NULL));
	b->shares.cosched = IVM_COSCHED_OFF;			/* now only 300 + 250 and 250 + 103 do */
	EXPECT_EQ(0, ivm_admit_reserve(450, &self->why));
	EXPECT_EQ(-EBUSY, ivm_admit_reserve(451, &self->why));
	runs(self, "01", IVM_COSCHED_STRICT, 500);		/* as hotplug may leave it */
	EXPECT_EQ(-EBUSY, ivm_admit_reserve(IVM_RESERVE_MIN, &self->why));
	EXPECT_NE(NULL, strstr(self->why.text, "leave 0.0 %"));
}

TEST_F(admit, what_is_promised_on_a_core)
{
	runs(self, "01", IVM_COSCHED_STRICT, 300);
	runs(self, "12", IVM_COSCHED_OFF, 250);
	runs(self, "1", IVM_COSCHED_RELAXED, 0);
	make(self, "1", IVM_COSCHED_STRICT);
	EXPECT_EQ(300, ivm_admit_floors(0));
	EXPECT_EQ(550, ivm_admit_floors(1));
	EXPECT_EQ(250, ivm_admit_floors(2));
	EXPECT_EQ(0, ivm_admit_floors(3));
}

TEST_F(admit, without_memory_nothing_is_promised)
{
	struct ivm_gang *a = make(self, "0", IVM_COSCHED_STRICT);

	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, ask(self, a, 1, RESERVE));
	EXPECT_NE(0, self->why.text[0]);
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, ivm_admit_reserve(10, &self->why));
}

static int checked(struct ivm_why *why, u32 floor, u32 cap, u32 cosched)
{
	struct ivm_shares shares = { .floor = floor, .cap = cap, .cosched = cosched };

	*why = (struct ivm_why) { };
	return ivm_shares_check(&shares, why);
}

/* Return: the attribute that is at fault, 0: none, -1: refused in another way. */
static int fault(u32 floor, u32 cap, u32 cosched)
{
	struct ivm_why why;
	int err = checked(&why, floor, cap, cosched);

	return err == -EINVAL && why.text[0] ? why.attr : err || why.text[0] ? -1 : 0;
}

TEST(shares_from_outside_are_checked)
{
	EXPECT_EQ(0, fault(0, 1, IVM_COSCHED_STRICT));
	EXPECT_EQ(0, fault(0, 1000, IVM_COSCHED_RELAXED));
	EXPECT_EQ(0, fault(500, 500, IVM_COSCHED_OFF));
	EXPECT_EQ(0, fault(1000, 1000, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_CPU_FLOOR, fault(1001, 1000, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_CPU_FLOOR, fault(1001, 1001, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_CPU_FLOOR, fault(U32_MAX, 1000, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_CPU_CAP, fault(0, 0, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_CPU_CAP, fault(0, 1001, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_CPU_CAP, fault(1000, U32_MAX, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_CPU_CAP, fault(501, 500, IVM_COSCHED_STRICT));
	EXPECT_EQ(IVM_A_COSCHED, fault(0, 1000, 0));
	EXPECT_EQ(IVM_A_COSCHED, fault(0, 1000, IVM_COSCHED_OFF + 1));
	EXPECT_EQ(IVM_A_COSCHED, fault(0, 1000, U32_MAX));
}

/* ---- against a naive twin ---- */

/* The cores of vCPU @i's unit: its own, or its gang's. */
static unsigned long cores_of(const struct ivm_gang *gang, unsigned int i)
{
	unsigned long cores = 0;
	unsigned int k;

	for (k = 0; k < gang->nr; k++)
		if (gang->member[k].cpu >= 0 && (k == i || gang->shares.cosched != IVM_COSCHED_OFF))
			cores |= BIT(gang->member[k].cpu);
	return cores;
}

/* The one rule of Documentation/scheduling.rst, for who meets @cores, by all that have or ask for a floor. */
static bool sum_fits(HOST *self, const struct ivm_gang *asker, u32 floor, unsigned long cores, u32 reserve)
{
	u32 sum = reserve;
	unsigned int g, i;

	for (g = 0; g < self->nr; g++)
		for (i = 0; i < self->gang[g]->nr; i++) {
			if (i && self->gang[g]->shares.cosched != IVM_COSCHED_OFF)
				continue;	/* all vCPUs together were counted with the first one */
			if (cores & cores_of(self->gang[g], i))
				sum += self->gang[g] == asker ? floor : self->gang[g]->shares.floor;
		}
	return sum <= IVM_CPU_WHOLE;
}

/* Does it hold for @asker and for each that has a floor and meets it? */
static bool fits(HOST *self, const struct ivm_gang *asker, u32 floor, u32 reserve)
{
	unsigned int g, i, a;
	bool meets;

	for (g = 0; g < self->nr; g++)
		for (i = 0; i < self->gang[g]->nr; i++) {
			meets = false;
			for (a = 0; a < asker->nr; a++)
				meets |= !!(cores_of(self->gang[g], i) & cores_of(asker, a));
			if (meets && (self->gang[g] == asker || self->gang[g]->shares.floor) &&
			    !sum_fits(self, asker, floor, cores_of(self->gang[g], i), reserve))
				return false;
		}
	return true;
}

/* Gangs on random cores; those that have a core twice do not exist. */
static struct ivm_gang *random_gang(HOST *self, unsigned int nowhere)
{
	unsigned int nr = 0, core, first = random_below(CORES), wanted = 1 + random_below(CORES - 1);
	char cores[CORES + 1];

	for (core = 0; core < CORES && nr < wanted; core++)
		if (!random_below(2) || CORES - core == wanted - nr)
			cores[nr++] = nowhere && !random_below(nowhere) ? '-' : '0' + (first + core) % CORES;
	cores[nr] = '\0';
	return make(self, cores, IVM_COSCHED_STRICT + random_below(3));
}

TEST_F(admit, random_gangs_are_judged_as_by_a_naive_twin)
{
	unsigned int round, g, floor, refused = 0, limit;
	struct ivm_gang *gang;

	for (round = 0; round < 3000; round++) {
		u32 reserve = random_below(300);

		limit = 1 + random_below(700);
		for (g = 0; g < GANGS; g++) {
			gang = random_gang(self, 8);
			/* some are promised more than there is, as after hotplug */
			enlist(gang, random_below(3) ? random_below(limit) : 0);
		}
		gang = self->gang[random_below(GANGS)];
		list_del_init(&gang->link);
		if (random_below(2))
			list_add(&gang->link, &ivm_gangs);
		else
			gang->shares.floor = 0;		/* it is new */
		floor = gang->shares.floor + 1 + random_below(1000 - gang->shares.floor);
		ASSERT_EQ(fits(self, gang, floor, reserve) ? 0 : -EBUSY, ask(self, gang, floor, reserve));
		if (ask(self, gang, floor, reserve)) {
			int at_most = figure(&self->why);

			refused++;
			ASSERT_GE(at_most, 0);
			ASSERT_LT(at_most, floor);
			ASSERT_TRUE(!at_most || fits(self, gang, at_most, reserve));
			ASSERT_FALSE(fits(self, gang, at_most + 1, reserve));
			ASSERT_EQ(0, ask(self, gang, at_most, reserve));
		}
		forget(self);
	}
	/* both happen often */
	EXPECT_GE(refused, round / 4);
	EXPECT_LE(refused, round * 3 / 4);
}

/* ---- what is promised is given ---- */

/* The shares of @gang, as gang.c makes them. */
static void join(struct ivm_plan *plan, struct ivm_gang *gang)
{
	bool together = ivm_gang_together(gang), strict = gang->shares.cosched != IVM_COSCHED_RELAXED;
	struct ivm_share *share;
	unsigned int i, m;

	for (i = 0; i < (together ? 1 : gang->nr); i++) {
		share = together ? &gang->group : &gang->vcpu[i].single;
		ivm_share_init(share, &gang->member[i], together ? gang->nr : 1, strict);
		ivm_share_set(share, gang->shares.floor, IVM_CPU_WHOLE);
		ivm_share_add(plan, share);
		for (m = 0; m < share->nr; m++)
			ivm_share_want(plan, share, m);
	}
}

/* Everybody wants all the time, and has what the host leaves of its turns. */
static void slice(HOST *self, struct ivm_plan *plan, u64 had[GANGS][CORES], u32 reserve)
{
	u64 ns = SLICE * (IVM_CPU_WHOLE - reserve) / IVM_CPU_WHOLE;
	struct ivm_gang *gang;
	unsigned int g, i;

	for (g = 0; g < self->nr; g++) {
		gang = self->gang[g];
		for (i = 0; i < gang->nr; i++) {
			if (!(ivm_gang_together(gang) ? gang->group.has & BIT(i) : gang->vcpu[i].single.has))
				continue;
			gang->member[i].used_ns += ns;
			had[g][i] += ns;
		}
	}
	ivm_plan_slice(plan, SLICE);
}

/* Return: how much less than promised a vCPU had since the beginning, where that is most; ns. */
static s64 lack(HOST *self, u64 had[GANGS][CORES], unsigned int slices)
{
	unsigned int g, i;
	s64 most = 0;

	for (g = 0; g < self->nr; g++)
		for (i = 0; i < self->gang[g]->nr; i++)
			most = max(most, (s64)(slices * SLICE / IVM_CPU_WHOLE * self->gang[g]->shares.floor - had[g][i]));
	return most;
}

/* The rule above suffices: each vCPU has what its floor says, never late by more than a few slices. */
TEST_F(admit, what_is_promised_is_given)
{
	static const u32 reserves[] = { IVM_RESERVE_MIN, RESERVE, 250 };
	unsigned int round, g, nr, floor, refused = 0;

	for (round = 0; round < 100; round++) {
		struct ivm_turn turn[CORES] = { };
		u64 had[GANGS][CORES] = { };
		u32 reserve = reserves[random_below(3)];
		struct ivm_plan plan;

		ivm_plan_init(&plan, turn, CORES, SLICE);
		for (g = 0; g < GANGS; g++) {
			struct ivm_gang *gang = random_gang(self, 0);

			floor = random_below(4) ? 1 + random_below(600) : 0;
			/* who is refused takes all that there is: nothing is spare then */
			if (ask(self, gang, floor, reserve)) {
				floor = figure(&self->why);
				refused++;
			}
			enlist(gang, floor);
		}
		for (g = 0; g < GANGS; g++)
			join(&plan, self->gang[g]);
		for (nr = 1; nr <= 500; nr++) {
			slice(self, &plan, had, reserve);
			ASSERT_LE(lack(self, had, nr), 3 * (s64)SLICE);
		}
		forget(self);
	}
	EXPECT_GE(refused, round);
}

TEST_HARNESS_MAIN
