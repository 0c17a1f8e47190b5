/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test may do to the world behind the kernel headers of this folder. */
#ifndef IVM_SHIM_H
#define IVM_SHIM_H

#include <linux/types.h>

/* ---- clock.c: time moves only here ---- */

/* Nanoseconds of the one clock behind ktime_get() and friends; starts well above 0. */
u64 shim_clock_now(void);
/* Moves time on; timers due on the way fire in order, each seeing its own time as "now". */
void shim_clock_advance(u64 ns);
/* TSC ticks in a microsecond for rdtsc(), default 1000 (a tick is a nanosecond). */
void shim_tsc_per_us(u64 ticks);
/* Timers armed now; fired since the start. */
unsigned int shim_timers_armed(void);
u64 shim_timers_fired(void);
/* Calls of hrtimer_start…() since the start: what a hostile guest could make the host do. */
u64 shim_timers_started(void);

/* ---- realtime.c ---- */

/* Sets the wall clock, which goes on with the one clock; default: somewhere in 2023. */
void shim_real_set(s64 seconds);

/* ---- irq_work.c ---- */

/* Runs what was queued, with interrupts off. Return: how many. */
unsigned int shim_irq_work_run(void);

/* ---- workqueue.c ---- */

/* Be a worker until nothing is queued that another one is not at. Return: how many items. */
unsigned int shim_work_run(void);

/* ---- cpus.c ---- */

#define SHIM_CPUS	64

/* A host with @cpus CPUs that can be, the first @present of them there and online; @threads per core, side by side. */
void shim_cpus(unsigned int cpus, unsigned int present, unsigned int threads);
/* CPU hotplug, with the callbacks that were set up. */
void shim_cpu_down(unsigned int cpu);
void shim_cpu_up(unsigned int cpu);
/* The same, where callbacks may object. Return: their error; the CPU is offline again then. */
int shim_cpu_try_up(unsigned int cpu);
/* remove_cpu() and add_cpu() of this one fail with -EBUSY; SHIM_CPUS: of none. */
extern unsigned int shim_cpu_stuck;

/* ---- memory.c ---- */

/* Objects allocated and not yet freed. */
unsigned int shim_alloc_live(void);
/* The @nth allocation from now (1 = the next) fails, once; 0 = none. */
void shim_alloc_fail(unsigned int nth);

/* ---- context.c: who may not sleep, which locks are held ---- */

/* Raw spinlocks held by this thread; interrupts off? */
unsigned int shim_locks_held(void);
bool shim_irqs_off(void);
/* What happens each time that somebody who waits calls cpu_relax(): as if others did it meanwhile. NULL: nothing. */
extern void (*shim_relax)(void);
/* What need_resched() says. */
extern bool shim_need_resched;
/* Called by cond_resched(). */
extern void (*shim_resched)(void);
/* Lines that the code under test printed since the start (a guest must not cause any). */
u64 shim_printed(void);

#endif
