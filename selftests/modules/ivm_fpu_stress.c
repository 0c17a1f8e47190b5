// SPDX-License-Identifier: GPL-2.0-only
/*
 * Uses vector registers inside the kernel, as cryptography and checksums do:
 * from a timer's softirq and from a thread on each CPU of cpus=, both each
 * period= microseconds. Each use loads patterns between kernel_fpu_begin() and
 * _end(), holds them a moment, and compares: who enters a guest in between and
 * leaves its registers behind shows as an error here; whose guest loses its own
 * shows there. Much shorter periods leave an emulated CPU no time for the guest:
 * what they cost is the way to the softirq and to the thread, not the registers.
 *
 * /sys/kernel/debug/ivm_fpu_stress: "softirq N thread N errors N skipped N"
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <asm/fpu/api.h>

#define REGS 8
#define REG_BYTES 32

static char *cpus = "";
module_param(cpus, charp, 0444);
MODULE_PARM_DESC(cpus, "list of CPUs to work on; empty: all online");

static unsigned int period = 1000;
module_param(period, uint, 0444);
MODULE_PARM_DESC(period, "of each timer and each thread, in microseconds");

struct stress {
	struct hrtimer timer;
	struct task_struct *thread;
	u8 in[2][REGS][REG_BYTES], out[2][REGS][REG_BYTES];	/* by the softirq, by the thread */
};

static DEFINE_PER_CPU(struct stress, stress);
static struct cpumask working;
static atomic64_t uses[2], errors, skipped;
static bool avx;
static struct dentry *file;

#define LOAD_Y(n) ({ asm volatile("vmovdqu %0, %%ymm" #n :: "m"(*(u8 (*)[REG_BYTES])in[n])); })
#define SAVE_Y(n) ({ asm volatile("vmovdqu %%ymm" #n ", %0" : "=m"(*(u8 (*)[REG_BYTES])out[n])); })
#define LOAD_X(n) ({ asm volatile("movups %0, %%xmm" #n :: "m"(*(u8 (*)[16])in[n])); })
#define SAVE_X(n) ({ asm volatile("movups %%xmm" #n ", %0" : "=m"(*(u8 (*)[16])out[n])); })
#define EACH(x) do { x(0); x(1); x(2); x(3); x(4); x(5); x(6); x(7); } while (0)

/* Any context where irq_fpu_usable(). */
static void use_registers(u8 in[REGS][REG_BYTES], u8 out[REGS][REG_BYTES], unsigned int hold)
{
	unsigned int i;

	if (!irq_fpu_usable()) {
		atomic64_inc(&skipped);
		return;
	}
	get_random_bytes(in, REGS * REG_BYTES);
	kernel_fpu_begin();
	if (avx)
		EACH(LOAD_Y);
	else
		EACH(LOAD_X);
	for (i = 0; i < hold; i++)
		barrier();
	if (avx)
		EACH(SAVE_Y);
	else
		EACH(SAVE_X);
	kernel_fpu_end();
	for (i = 0; i < REGS; i++)
		if (memcmp(in[i], out[i], avx ? REG_BYTES : 16))
			atomic64_inc(&errors);
}

static enum hrtimer_restart from_timer_softirq(struct hrtimer *timer)
{
	struct stress *s = container_of(timer, struct stress, timer);

	use_registers(s->in[0], s->out[0], 300);
	atomic64_inc(&uses[0]);
	hrtimer_forward_now(timer, ns_to_ktime(period * (u64)NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static int from_thread(void *arg)
{
	struct stress *s = arg;

	/* pinned to the CPU of the thread */
	hrtimer_start(&s->timer, ns_to_ktime(period * (u64)NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED_SOFT);
	while (!kthread_should_stop()) {
		use_registers(s->in[1], s->out[1], 3000);
		atomic64_inc(&uses[1]);
		usleep_range(period, period + period / 2);
	}
	return 0;
}

static int stress_show(struct seq_file *seq, void *unused)
{
	seq_printf(seq, "softirq %lld thread %lld errors %lld skipped %lld\n", atomic64_read(&uses[0]),
		   atomic64_read(&uses[1]), atomic64_read(&errors), atomic64_read(&skipped));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stress);

static void stress_stop(void)
{
	struct stress *s;
	int cpu;

	debugfs_remove(file);
	for_each_cpu(cpu, &working) {
		s = per_cpu_ptr(&stress, cpu);
		if (s->thread)
			kthread_stop(s->thread);
		hrtimer_cancel(&s->timer);
	}
}

static int __init stress_init(void)
{
	struct stress *s;
	int cpu, err;

	if (!period)
		return -EINVAL;
	avx = boot_cpu_has(X86_FEATURE_AVX) && boot_cpu_has(X86_FEATURE_OSXSAVE);
	cpumask_copy(&working, cpu_online_mask);
	if (*cpus) {
		err = cpulist_parse(cpus, &working);
		if (err)
			return err;
		if (!cpumask_subset(&working, cpu_online_mask))
			return -EINVAL;
	}
	for_each_cpu(cpu, &working) {
		s = per_cpu_ptr(&stress, cpu);
		hrtimer_init(&s->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_SOFT);
		s->timer.function = from_timer_softirq;
	}
	for_each_cpu(cpu, &working) {
		s = per_cpu_ptr(&stress, cpu);
		s->thread = kthread_create_on_cpu(from_thread, s, cpu, "fpu-stress/%u");
		if (IS_ERR(s->thread)) {
			err = PTR_ERR(s->thread);
			s->thread = NULL;
			stress_stop();
			return err;
		}
		wake_up_process(s->thread);
	}
	file = debugfs_create_file("ivm_fpu_stress", 0400, NULL, NULL, &stress_fops);
	return 0;
}

static void __exit stress_exit(void)
{
	stress_stop();
}

module_init(stress_init);
module_exit(stress_exit);
MODULE_DESCRIPTION("Test of IVM: vector registers used by the host's kernel");
MODULE_LICENSE("GPL");
