// SPDX-License-Identifier: GPL-2.0-only
/* P5: who waits for whom when the turns of a gang begin, for how long, and what is counted. */
/* sources: kmod/sched/meet.c kmod/sched/skew.c */
#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/ivm.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "sched/gang.h"

#define GHZ	2	/* a cycle is not a nanosecond */
#define MEET_US	500	/* unless told otherwise by a parameter of the module */

/* What is gang.c's and account.c's. */
DEFINE_RAW_SPINLOCK(ivm_gang_lock);

u64 ivm_account_ns(u64 cycles) { return div_u64(cycles, GHZ); }

static unsigned int done_waiting;

void ivm_account_met(struct ivm_account_vcpu *vcpu, u64 cycles)
{
	vcpu->met += cycles;
	__atomic_add_fetch(&done_waiting, 1, __ATOMIC_SEQ_CST);
}

static struct ivm_gang *gang;

/* What happens while somebody waits, at which us of the test, the earliest first. */
static struct event {
	unsigned int us;
	void (*what)(u64 arg);
	u64 arg;
} events[8];
static unsigned int nr_events, next_event;
static u64 begin_ns;

static unsigned int now_us(void) { return (shim_clock_now() - begin_ns) / 1000; }

/* A microsecond passes; what is due then may wait itself. */
static void passes(void)
{
	const struct event *event;

	BUG_ON(shim_locks_held() || shim_irqs_off());
	shim_clock_advance(1000);
	if (next_event < nr_events && events[next_event].us <= now_us()) {
		event = &events[next_event++];
		event->what(event->arg);
	}
}

static void at(unsigned int us, void (*what)(u64), u64 arg)
{
	events[nr_events++] = (struct event) { us, what, arg };
}

/* As gang_apply() does. */
static void turns_begin(u64 vcpus)
{
	u64 left;

	raw_spin_lock_irq(&ivm_gang_lock);
	gang->fresh |= vcpus;
	for (left = vcpus; left; left &= left - 1)
		gang->vcpu[__ffs64(left)].turn = true;
	ivm_meet_call(gang);
	raw_spin_unlock_irq(&ivm_gang_lock);
}

static void turns_end(u64 vcpus)
{
	raw_spin_lock_irq(&ivm_gang_lock);
	for (; vcpus; vcpus &= vcpus - 1) {
		gang->vcpu[__ffs64(vcpus)].turn = false;
		ivm_meet_excuse(&gang->vcpu[__ffs64(vcpus)]);
	}
	raw_spin_unlock_irq(&ivm_gang_lock);
}

/* Begins for vCPUs that had other turns before. */
static void next_turns(u64 vcpus)
{
	turns_end(vcpus);
	turns_begin(vcpus);
}

static void comes(u64 index) { ivm_meet(&gang->vcpu[index]); }

static void enters(unsigned int index, u64 tsc)
{
	raw_spin_lock_irq(&ivm_gang_lock);
	ivm_meet_entered(&gang->vcpu[index], tsc);
	raw_spin_unlock_irq(&ivm_gang_lock);
}

/* How long vCPU @index waited, in us. */
static unsigned int waited(unsigned int index) { return gang->vcpu[index].account.met / (GHZ * 1000); }

FIXTURE(meet) { int unused; };
FIXTURE_SETUP(meet)
{
	unsigned int i;

	shim_tsc_per_us(GHZ * 1000);
	shim_relax = passes;
	begin_ns = shim_clock_now();
	gang = kzalloc(struct_size(gang, vcpu, IVM_VCPUS_MAX), GFP_KERNEL);
	gang->nr = IVM_VCPUS_MAX;
	for (i = 0; i < gang->nr; i++) {
		gang->vcpu[i].gang = gang;
		gang->vcpu[i].index = i;
	}
}
FIXTURE_TEARDOWN(meet)
{
	EXPECT_EQ(nr_events, next_event);
	EXPECT_EQ(0, shim_locks_held());
	kfree(gang);
}

TEST_F(meet, alone_nobody_is_waited_for)
{
	turns_begin(BIT(5));
	EXPECT_EQ(0, gang->fresh);
	EXPECT_EQ(0, gang->starts);
	EXPECT_FALSE(gang->vcpu[5].meets);
	comes(5);
	EXPECT_EQ(0, now_us());
	EXPECT_FALSE(gang->vcpu[5].met);
	turns_begin(0);
	EXPECT_EQ(0, gang->starts);
	EXPECT_EQ(0, gang->late);
}

TEST_F(meet, all_wait_until_the_last_one_comes)
{
	turns_begin(BIT(0) | BIT(40) | BIT(63));
	EXPECT_EQ(1, gang->starts);
	EXPECT_TRUE(gang->vcpu[63].meets);
	EXPECT_FALSE(gang->vcpu[1].meets);
	at(10, comes, 63);
	at(30, comes, 40);
	comes(0);
	EXPECT_EQ(30, now_us());
	EXPECT_EQ(30, waited(0));
	EXPECT_EQ(20, waited(63));
	EXPECT_EQ(0, waited(40));
	EXPECT_TRUE(gang->vcpu[0].met && gang->vcpu[40].met && gang->vcpu[63].met);
	EXPECT_FALSE(gang->vcpu[0].meets || gang->vcpu[40].meets || gang->vcpu[63].meets);
	EXPECT_EQ(0, gang->late);
	/* who looks again does not wait again */
	comes(0);
	EXPECT_EQ(30, now_us());
	/* nor is one who begins alone beside them waited for, or held up */
	turns_begin(BIT(7));
	comes(7);
	EXPECT_EQ(30, now_us());
	EXPECT_EQ(1, gang->starts);
}

TEST_F(meet, the_wait_is_bounded)
{
	turns_begin(BIT(0) | BIT(1));
	comes(0);
	EXPECT_GT(now_us(), MEET_US);
	EXPECT_LE(now_us(), MEET_US + 2);
	EXPECT_EQ(now_us(), waited(0));
	EXPECT_EQ(1, gang->late);
	/* who comes late finds nobody to wait for, and is not counted again */
	comes(1);
	EXPECT_EQ(0, waited(1));
	turns_begin(BIT(0) | BIT(1));
	EXPECT_EQ(1, gang->late);
	EXPECT_EQ(2, gang->starts);
}

TEST_F(meet, the_bound_is_in_time_not_in_cycles)
{
	shim_tsc_per_us(3700);
	turns_begin(BIT(0) | BIT(1));
	comes(0);
	EXPECT_GT(now_us(), MEET_US);
	EXPECT_LE(now_us(), MEET_US + 2);
}

TEST_F(meet, one_that_is_late_is_counted_once_by_all_who_wait)
{
	turns_begin(0xf);
	at(100, comes, 1);
	at(200, comes, 2);
	comes(0);
	EXPECT_EQ(1, gang->late);
	turns_end(0xf);
	EXPECT_EQ(1, gang->late);
	turns_begin(0xf);	/* nobody comes */
	EXPECT_EQ(1, gang->late);
	turns_begin(0xf);
	EXPECT_EQ(2, gang->late);
	at(now_us() + 1, comes, 1);
	at(now_us() + 2, comes, 2);
	at(now_us() + 3, comes, 3);
	comes(0);
	turns_begin(0xf);	/* all came to the one before */
	EXPECT_EQ(2, gang->late);
	EXPECT_EQ(4, gang->starts);
}

TEST_F(meet, whose_turn_ends_is_excused)
{
	turns_begin(7);
	at(10, comes, 1);
	at(20, turns_end, BIT(2));
	comes(0);
	EXPECT_EQ(20, now_us());
	EXPECT_EQ(0, gang->late);
	EXPECT_FALSE(gang->vcpu[2].meets);
	comes(2);
	EXPECT_FALSE(gang->vcpu[2].met);
	/* what is measured is without it */
	enters(0, 1000);
	enters(1, 1600);
	EXPECT_EQ(1, gang->skew.total);
	EXPECT_EQ(300, gang->skew.max_ns);
	next_turns(7);
	EXPECT_EQ(0, gang->late);
}

/* The thread of one whose turn ended may look only when it has another one, that begins alone. */
TEST_F(meet, an_excuse_is_not_forgotten)
{
	turns_begin(3);
	turns_end(BIT(1));
	turns_begin(BIT(1));
	comes(1);
	EXPECT_EQ(0, now_us());
	comes(0);
	EXPECT_EQ(0, now_us());
	EXPECT_EQ(0, gang->late);
}

/* Who leaves because its own turn is over leaves the others to meet. */
TEST_F(meet, the_wait_ends_with_the_turn)
{
	turns_begin(7);
	at(10, turns_end, BIT(0));
	comes(0);
	EXPECT_EQ(10, now_us());
	EXPECT_EQ(0, gang->late);
	at(50, comes, 2);
	comes(1);
	EXPECT_EQ(50, now_us());
	EXPECT_EQ(0, gang->late);
}

static unsigned int host_takes_us;

static void host_takes_the_cpu(void)
{
	shim_need_resched = false;
	shim_clock_advance(host_takes_us * 1000);
}

/* The reserve's thread wakes in the beginning of each slice: that is no reason to part. */
TEST_F(meet, the_host_has_the_cpu_when_it_wants_it)
{
	shim_resched = host_takes_the_cpu;
	host_takes_us = 100;
	shim_need_resched = true;
	turns_begin(3);
	at(150, comes, 1);
	comes(0);
	EXPECT_EQ(150, now_us());
	EXPECT_EQ(50, waited(0));
	EXPECT_EQ(0, waited(1));
	EXPECT_EQ(0, gang->late);
	/* for too long: nobody waits any more, nor is who comes then held up */
	next_turns(3);
	host_takes_us = 1000;
	shim_need_resched = true;
	comes(0);
	EXPECT_EQ(1151, now_us());
	EXPECT_EQ(51, waited(0));
	EXPECT_EQ(1, gang->late);
	comes(1);
	EXPECT_EQ(1151, now_us());
	EXPECT_EQ(0, waited(1));
}

TEST_F(meet, another_meeting_ends_the_wait_for_the_one_before)
{
	turns_begin(7);
	at(10, next_turns, 7);
	comes(0);
	EXPECT_EQ(10, now_us());
	EXPECT_EQ(0, gang->late);	/* all were excused */
	EXPECT_TRUE(gang->vcpu[0].meets);
	at(20, turns_begin, 7);
	comes(0);
	EXPECT_EQ(20, now_us());
	EXPECT_EQ(1, gang->late);	/* those that were not there, and not once more by who waited */
	at(30, comes, 1);
	at(40, comes, 2);
	comes(0);
	EXPECT_EQ(40, now_us());
	EXPECT_EQ(1, gang->late);
	EXPECT_EQ(3, gang->starts);
}

TEST_F(meet, how_far_apart_they_entered_is_counted_once)
{
	turns_begin(7);
	enters(1, 5000);
	enters(3, 10);		/* is not one of them */
	enters(0, 4000);
	enters(1, 9000);	/* left meanwhile, and is there again */
	EXPECT_EQ(0, gang->skew.total);
	enters(2, 4500);
	EXPECT_EQ(1, gang->skew.total);
	EXPECT_EQ(500, gang->skew.max_ns);
	enters(0, 20000);
	enters(1, 20000);
	enters(2, 90000);
	EXPECT_EQ(1, gang->skew.total);
	/* nothing of it is left in the next one */
	next_turns(3);
	enters(1, 100000);
	enters(0, 100100);
	EXPECT_EQ(2, gang->skew.total);
	EXPECT_EQ(500, gang->skew.max_ns);
	EXPECT_LE(ivm_skew_percentile(&gang->skew, 50), 55);
}

/* Of a meeting that not all entered, nothing is left. */
TEST_F(meet, each_meeting_is_counted_for_itself)
{
	turns_begin(3);
	enters(0, 9000);
	turns_begin(3);
	enters(1, 5000);
	EXPECT_EQ(0, gang->skew.total);
	enters(0, 5400);
	EXPECT_EQ(1, gang->skew.total);
	EXPECT_EQ(200, gang->skew.max_ns);
}

/* Two halt and wake while the third one goes on. */
TEST_F(meet, those_that_begin_again_wait_for_each_other_only)
{
	turns_begin(7);
	at(10, comes, 1);
	at(20, comes, 2);
	comes(0);
	next_turns(3);
	at(30, comes, 1);
	comes(0);
	EXPECT_EQ(30, now_us());
	EXPECT_EQ(0, gang->late);
}

TEST_F(meet, who_entered_need_not_be_excused)
{
	turns_begin(3);
	enters(0, 1000);
	turns_end(BIT(0));
	EXPECT_EQ(0, gang->skew.total);
	enters(1, 1200);
	EXPECT_EQ(1, gang->skew.total);
	EXPECT_EQ(100, gang->skew.max_ns);
}

TEST_F(meet, the_last_excuse_settles_it)
{
	turns_begin(7);
	enters(0, 1000);
	enters(1, 1200);
	turns_end(BIT(2));
	EXPECT_EQ(1, gang->skew.total);
	EXPECT_EQ(100, gang->skew.max_ns);
	turns_end(3);
	EXPECT_EQ(1, gang->skew.total);
	/* one alone was not apart from anybody */
	turns_begin(3);
	enters(0, 5000);
	turns_end(BIT(1));
	EXPECT_EQ(1, gang->skew.total);
	enters(0, 9000);
	enters(1, 9000);
	EXPECT_EQ(1, gang->skew.total);
	turns_begin(3);		/* neither enters */
	turns_end(3);
	EXPECT_EQ(1, gang->skew.total);
}

/* ---- several threads at once ---- */

#define WAITERS	3
#define ROUNDS	400
#define EVERYBODY	(BIT(WAITERS + 1) - 1)	/* and one more, that need not come */

static pthread_barrier_t barrier;

static void yields(void) { sched_yield(); }

/* Comes to all meetings. */
static void *waiter(void *arg)
{
	struct ivm_gang_vcpu *vcpu = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		ivm_meet(vcpu);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void until_they_wait(void)
{
	while (hweight64(READ_ONCE(gang->arrived)) < WAITERS)
		sched_yield();
}

/* All give up at once, before any of them has the lock; with a new meeting or not, that is counted once. */
static void time_out_together(bool again)
{
	unsigned int i;

	raw_spin_lock_irq(&ivm_gang_lock);
	shim_clock_advance((MEET_US + 1) * 1000);
	while (__atomic_load_n(&done_waiting, __ATOMIC_SEQ_CST) < WAITERS)
		sched_yield();
	for (i = 0; i < 20; i++)
		sched_yield();	/* most likely they are at the lock then */
	if (again) {
		gang->fresh = EVERYBODY;
		ivm_meet_call(gang);
	}
	raw_spin_unlock_irq(&ivm_gang_lock);
}

TEST_F(meet, threads_that_wait_and_give_up)
{
	pthread_t thread[WAITERS];
	unsigned int i, late;

	shim_relax = yields;
	pthread_barrier_init(&barrier, NULL, WAITERS + 1);
	for (i = 0; i < WAITERS; i++)
		pthread_create(&thread[i], NULL, waiter, &gang->vcpu[i]);
	for (i = 0; i < ROUNDS; i++) {
		turns_begin(EVERYBODY);
		late = gang->late;
		done_waiting = 0;
		pthread_barrier_wait(&barrier);
		until_they_wait();
		if (i % 4) {
			EXPECT_EQ(0, __atomic_load_n(&done_waiting, __ATOMIC_SEQ_CST));
			comes(WAITERS);
		} else {
			time_out_together(i % 8);
		}
		pthread_barrier_wait(&barrier);
		EXPECT_EQ(i % 4 ? late : late + 1, gang->late);
		turns_end(EVERYBODY);
	}
	for (i = 0; i < WAITERS; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&barrier);
}

TEST_HARNESS_MAIN
