// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host keeps of each core. Threads of vCPUs are real-time ones, so that
 * no task of the host comes between the vCPUs of a gang; but for the last part
 * of each slice, the reserve, they are the least of the ordinary ones: whatever
 * the host has to do runs then, and what it does not use is the guests'.
 *
 * Only threads whose turn it is change class. One that sleeps is a real-time
 * one, so that it can run when it is woken.
 *
 * The real-time share stays below what the kernel throttles (sched_rt_runtime_us):
 * throttling would stop vCPUs at its own time, one by one.
 */
#include "gang.h"
#include "../why.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/rtmutex.h>
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>

#define RESERVE_DEFAULT		100	/* thousandths */
#define THROTTLE_MARGIN		10	/* thousandths: the host has real-time threads of its own */
#define LEAST_NICE		19

/* Of those that take it, ordinary threads are the least of their CPU and others real-time ones: who holds it inherits. */
static DEFINE_RT_MUTEX(class_lock);
static u32 reserve = RESERVE_DEFAULT;	/* by ivm_admit_lock; read by anybody */
static struct task_struct *reserve_thread;
static bool reserve_wanted;		/* somebody has a turn: the thread shall not sleep for long */
static bool limited;			/* by ivm_admit_lock; read by anybody: the kernel throttles real-time threads */
static bool hosts_part;			/* by class_lock; read by anybody: it is the host's part of the slice */

u32 ivm_reserve(void)
{
	return READ_ONCE(reserve);
}

bool ivm_reserve_hosts_part(void)
{
	return READ_ONCE(hosts_part);
}

bool ivm_reserve_limited(void)
{
	return READ_ONCE(limited);
}

static u64 reserve_ns(u64 slice)
{
	return div_u64(slice * ivm_reserve(), IVM_CPU_WHOLE);
}

static void reserve_set_class(struct ivm_gang_vcpu *vcpu, struct task_struct *task, bool ordinary)
{
	lockdep_assert_held(&class_lock);
	if (vcpu->ordinary == ordinary)
		return;
	if (ordinary)
		sched_set_normal(task, LEAST_NICE);
	else
		sched_set_fifo_low(task);
	WRITE_ONCE(vcpu->ordinary, ordinary);
}

/**
 * ivm_reserve_match() - the class of the part of the slice that it is
 * @vcpu: whose thread calls, when its turn begins
 *
 * To change costs more than a short run of the guest, and most guests sleep and
 * wake all the time: in the host's part, a thread that has no rival on its CPU
 * when it comes stays what it is. Who comes later has its part from the next slice
 * on, at whose end reserve_begin() asks nobody.
 *
 * Context: may sleep.
 */
void ivm_reserve_match(struct ivm_gang_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->ordinary) == READ_ONCE(hosts_part) || (!vcpu->ordinary && single_task_running()))
		return;
	rt_mutex_lock(&class_lock);
	reserve_set_class(vcpu, current, hosts_part);
	rt_mutex_unlock(&class_lock);
}

/* The thread that calls is about to sleep, or to wait for its turn. */
void ivm_reserve_leave(struct ivm_gang_vcpu *vcpu)
{
	if (!READ_ONCE(vcpu->ordinary))
		return;
	rt_mutex_lock(&class_lock);
	reserve_set_class(vcpu, current, false);
	rt_mutex_unlock(&class_lock);
}

void ivm_reserve_adopt(struct task_struct *task)
{
	sched_set_fifo_low(task);
}

void ivm_reserve_sync(void)
{
	rt_mutex_lock(&class_lock);
	rt_mutex_unlock(&class_lock);
}

/* All whose turn it is, on all cores. */
static void reserve_begin(bool hosts)
{
	struct ivm_gang_vcpu *vcpu;
	struct task_struct *task;
	unsigned int cpu;

	rt_mutex_lock(&class_lock);
	WRITE_ONCE(hosts_part, hosts);
	if (!hosts)
		ivm_guard_slice();
	for_each_online_cpu(cpu) {
		task = ivm_gang_runs_on(cpu, &vcpu);
		if (!task)
			continue;
		reserve_set_class(vcpu, task, hosts);
		put_task_struct(task);
	}
	rt_mutex_unlock(&class_lock);
}

void ivm_reserve_wake(void)
{
	if (READ_ONCE(reserve_wanted))
		return;
	WRITE_ONCE(reserve_wanted, true);
	wake_up_process(reserve_thread);
}

static void reserve_sleep(u64 until)
{
	ktime_t at = ns_to_ktime(until);

	set_current_state(TASK_IDLE);
	if (!kthread_should_stop())
		schedule_hrtimeout(&at, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

/* Until somebody has a turn. */
static void reserve_wait(void)
{
	set_current_state(TASK_IDLE);
	if (!READ_ONCE(reserve_wanted) && !kthread_should_stop())
		schedule();
	__set_current_state(TASK_RUNNING);
}

/*
 * The host's part is the end of each slice; when it begins late, because this
 * thread had to wait, it is no shorter for that.
 */
static int reserve_main(void *unused)
{
	u64 slice, now, length;

	while (!kthread_should_stop()) {
		if (!READ_ONCE(reserve_wanted)) {
			reserve_wait();
			continue;
		}
		/* Whoever has a turn from here on sets it again. */
		WRITE_ONCE(reserve_wanted, false);
		if (ivm_gang_slice_begins())
			WRITE_ONCE(reserve_wanted, true);
		reserve_begin(false);
		slice = ivm_slice_ns();
		length = reserve_ns(slice);
		now = ktime_get_ns() + length;
		reserve_sleep(now - now % slice + slice - length);

		reserve_begin(true);
		now = ktime_get_ns() + length;
		reserve_sleep(max(now, now - length + slice - (now - length) % slice));
	}
	return 0;
}

/* ---- the kernel's own limit ---- */

/* A number of microseconds of /proc/sys/kernel, or @otherwise. */
static long reserve_sysctl(const char *path, long otherwise)
{
	struct file *file = filp_open(path, O_RDONLY, 0);
	char text[24];
	loff_t at = 0;
	ssize_t len;
	long value;

	if (IS_ERR(file))
		return otherwise;
	len = kernel_read(file, text, sizeof(text) - 1, &at);
	filp_close(file, NULL);
	if (len <= 0)
		return otherwise;
	text[len] = 0;
	return kstrtol(strim(text), 10, &value) ? otherwise : value;
}

/**
 * ivm_reserve_check() - would the kernel throttle vCPUs that leave @wanted to the host?
 * @wanted: thousandths of each core
 * @attr:   to blame
 * @why:    filled on refusal
 *
 * Context: may sleep.
 * Return: 0 or -EBUSY.
 */
int ivm_reserve_check(u32 wanted, int attr, struct ivm_why *why)
{
	long runtime = reserve_sysctl("/proc/sys/kernel/sched_rt_runtime_us", 950000);
	long period = reserve_sysctl("/proc/sys/kernel/sched_rt_period_us", 1000000);
	long least;

	WRITE_ONCE(limited, runtime >= 0 && period > 0);
	if (!limited)
		return 0;
	least = IVM_CPU_WHOLE - div_s64((s64)runtime * IVM_CPU_WHOLE, period) + THROTTLE_MARGIN;
	if (wanted >= least)
		return 0;
	return ivm_why(why, attr, -EBUSY,
		       "the kernel would throttle vCPUs: give the host a reserve of %ld.%ld %% or more, or set kernel.sched_rt_runtime_us to -1",
		       least / 10, least % 10);
}

/**
 * ivm_reserve_set() - how much of each core the host keeps
 * @thousandths: IVM_RESERVE_MIN … IVM_RESERVE_MAX
 * @why:         filled on refusal
 *
 * Context: may sleep.
 * Return: 0; -EINVAL out of range; -EBUSY when floors of VMs could not be met, or
 * the kernel would throttle vCPUs.
 */
int ivm_reserve_set(u32 thousandths, struct ivm_why *why)
{
	int err;

	if (thousandths < IVM_RESERVE_MIN || thousandths > IVM_RESERVE_MAX)
		return ivm_why(why, IVM_A_RESERVE, -EINVAL, "a reserve is %d to %d thousandths of each core, not %u",
			       IVM_RESERVE_MIN, IVM_RESERVE_MAX, thousandths);
	mutex_lock(&ivm_admit_lock);
	err = ivm_reserve_check(thousandths, IVM_A_RESERVE, why);
	if (!err)
		err = ivm_admit_reserve(thousandths, why);
	if (!err)
		WRITE_ONCE(reserve, thousandths);
	mutex_unlock(&ivm_admit_lock);
	return err;
}

int ivm_reserve_init(void)
{
	struct task_struct *task = kthread_create(reserve_main, NULL, "ivm-reserve");

	if (IS_ERR(task))
		return PTR_ERR(task);
	sched_set_fifo(task);
	reserve_thread = task;
	wake_up_process(task);
	return 0;
}

/* No vCPU is left. */
void ivm_reserve_exit(void)
{
	kthread_stop(reserve_thread);
}
