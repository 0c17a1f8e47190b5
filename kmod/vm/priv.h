/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of vm/ share.
 *
 * Locks, outermost first:
 *   vm->life	mutex; serialises changes of state, held over long work
 *   vm->cards_lock	mutex; existence of network cards; rtnl may be taken inside
 *   vm->parts	mutex; existence of what readers of state look at. It is taken
 *		inside CPU hotplug, whose lock others take inside rtnl: so
 *		rtnl is never taken inside this one
 *   vms_lock	mutex; the list of VMs
 * Threads of vCPUs take none: they report through vm->wish and the VM's
 * work item, which runs on a workqueue and takes vm->life.
 */
#ifndef IVM_VM_PRIV_H
#define IVM_VM_PRIV_H

#include "vm.h"
#include "../cpu/cpu.h"
#include "../cpu/host.h"
#include "../dev/dev.h"
#include "../emul/emul.h"
#include "../irq/irq.h"
#include "../sched/sched.h"
#include "../why.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <asm/processor-flags.h>

/* What others ask of a vCPU's thread; bits of ivm_vcpu.requests. */
enum ivm_request {
	IVM_REQ_IRQ,		/* its next interrupt may have changed; answered in the inner loop */
	IVM_REQ_NMI,		/* likewise */
	/* from here on: leaves the inner loop */
	IVM_REQ_SLOW,
	IVM_REQ_PARK = IVM_REQ_SLOW,	/* stop running until unparked */
	IVM_REQ_QUIT,		/* end the thread */
	IVM_REQ_INIT,
	IVM_REQ_SIPI,
	IVM_REQ_MOVE,		/* its CPU changed */
	IVM_REQ_DEVICE,		/* set by itself in the inner loop: cards in ivm_vcpu.cards_pending wait */
	IVM_REQ_LOOK,		/* its turn on its core began or ended */
};
#define IVM_REQ_SLOW_MASK	(~0UL << IVM_REQ_SLOW)
#define IVM_REQ_START_MASK	(BIT(IVM_REQ_INIT) | BIT(IVM_REQ_SIPI))

/* Counters of a vCPU beyond exits by reason; the names stand in info.c. */
enum ivm_counter {
	IVM_COUNT_INJECTED,	/* interrupts */
	IVM_COUNT_NMI,
	IVM_COUNT_FAULT,	/* faults that we injected */
	IVM_COUNT_OUTSIDE,	/* P9: accesses outside RAM and devices */
	IVM_COUNT_MSR_UNKNOWN,
	IVM_COUNT_PORT_UNCLAIMED,
	IVM_COUNT_MMIO,
	IVM_COUNT_EMUL_UNKNOWN,	/* instructions on device memory that we do not answer */
	IVM_COUNT_HALT,
	IVM_COUNT_DISPATCH,	/* entries into the inner loop */
	IVM_COUNT_SHARED,	/* P4: of these, those that found another vCPU of the VM on the core */
	IVM_COUNT_NR,
};

struct ivm_pci;
struct ivm_vm;

/*
 * Legend: (c) constant once created  (o) its own thread; others only while it is
 * parked or absent  (a) anybody, atomically  (r) written by its own thread, read by anybody
 */
struct ivm_vcpu {
	struct ivm_cpu cpu;		/* (o) */
	unsigned long requests;		/* (a) enum ivm_request */
	bool irq_check;			/* (o) ivm_irq_next() may say something */
	bool leave;			/* (o) the inner loop ends after this exit */
	bool in_loop;			/* (r) in the inner loop: kicks need an IPI; see ivm_vcpu_kick() */
	int loop_cpu;			/* (r) where */
	struct ivm_vm *vm;		/* (c) */
	unsigned int index;		/* (c) */
	struct ivm_msrs msrs;		/* (o) */
	struct ivm_emul_cpu emul;	/* (o) */
	struct ivm_shadow *tables;	/* (c) shadow page tables; NULL: it runs on second-stage tables */
	struct ivm_code_cache code;	/* (o) dies with the memory it points into */
	struct ivm_sregs sregs;		/* (o) scratch copy for emulation */
	u64 clock_gpa;			/* (o) KVM clock MSR, 0: off */
	bool eoi_offered;		/* (o) clearing *eoi_flag ends the interrupt in service: see eoi.c */
	atomic_t *eoi_flag;		/* (o) in guest RAM; NULL: off */
	u64 eoi_msr;			/* (o) */
	unsigned long cards_pending;	/* (o) bit per card: work that it asked for with IVM_REQ_DEVICE */
	unsigned int nmis;		/* (o) NMIs pending, at most 2 */

	struct task_struct *task;	/* by vm->life */
	bool parked;			/* (r) obeys IVM_REQ_PARK; vm->park_wait is woken */
	int assigned_cpu;		/* (a) host CPU it belongs on; -1: none, must not run */
	u8 sipi_vector;			/* (a) valid with IVM_REQ_SIPI */
	u32 state;			/* (r) enum ivm_vcpu_state */
	bool waits_for_sipi, halted;	/* (o) */
	struct ivm_gang_vcpu *gang;	/* (c) what the scheduler knows of it */
	u64 guest_cycles;		/* (o) in guest mode, since the inner loop began */
	u64 exits[IVM_EXIT_REASONS];	/* (r) */
	u64 count[IVM_COUNT_NR];	/* (r) */
};

/* What vCPU threads ask of the VM's work item; bits of ivm_vm.wish. */
enum ivm_wish {
	IVM_WISH_STOP,			/* reason in vm->wish_stop */
	IVM_WISH_RESET,
	IVM_WISH_EVENT,			/* an outside access to report */
};

/* A network card while the VM has its devices. */
struct ivm_card {
	struct ivm_virtio_net *net;	/* NULL: none */
	unsigned int index;		/* (c) */
};

/* Memory that may grow and shrink; see memory.c. */
struct ivm_memory {
	struct ivm_virtio_mem *mem;		/* (r), and by cards_lock; NULL: memory is fixed, or there are no devices */
	struct ivm_virtio_balloon *balloon;	/* likewise */
	u64 room;				/* (r) bytes of addresses for more */
	u64 target, max;			/* (l), and by cards_lock: what it is to have, and may be set to */
	bool lacks;				/* (l) read by anybody: the host had nothing when it was asked last */
	u64 rests_until;			/* by the work item; ktime_get_ns() */
	struct delayed_work work;
};

struct ivm_wish_stop {
	u32 reason;
	u64 code;
	char text[IVM_TEXT_MAX];
};

/*
 * Legend: (c) constant once created  (l) vm->life  (a) anybody, atomically  (r) constant while the VM
 * runs: written with vm->life held and no vCPU thread
 */
struct ivm_vm {
	struct kref ref;
	struct list_head node;		/* by vms_lock */
	u32 id;				/* (c) */
	struct ivm_vm_config config;	/* (c) but for config.net, (l): held until it is gone, and config.shares, (l) */
	struct ivm_console *console;	/* (c) */
	struct mutex life;
	struct mutex cards_lock;	/* inside life: cards exist while it is held */
	struct mutex parts;		/* inside life: vcpu[], nr_vcpus and space exist while it is held */
	u32 state;			/* (l) enum ivm_vm_state; read by anybody */
	bool gone;			/* (l) stopped or deleted: holds neither resources nor the module */

	struct ivm_manifest *manifest;	/* (l) */
	struct ivm_seal *seals;		/* (l) what the files were when sealed, one per segment */

	struct ivm_space *space;	/* (r) */
	atomic64_t ready;		/* bytes of memory ready, for progress */
	struct ivm_cpuid *cpuid;	/* (r) */
	struct ivm_irqchip *irq;	/* (r) */
	struct ivm_platform *platform;	/* (r) */
	struct ivm_card card[IVM_NICS_MAX];	/* (r), and by cards_lock */
	struct ivm_memory memory;
	struct ivm_virtio_net_counts past_cards;	/* by cards_lock; of cards that are gone */
	struct ivm_placement *placement;	/* (r) */
	struct ivm_gang *gang;		/* (r), and by parts */
	struct ivm_gang_info past_gang;	/* by parts; of the one that is gone */
	struct ivm_vcpu *vcpu[IVM_VCPUS_MAX];	/* (r) */
	unsigned int nr_vcpus;		/* (r) created so far */
	u64 past_exits[IVM_EXIT_REASONS];	/* by parts; of vCPUs that are gone */
	u64 past_count[IVM_COUNT_NR];	/* by parts */
	int assigned[IVM_VCPUS_MAX];	/* by parts; host CPU of each vCPU, also before it exists */
	bool host_held;			/* (l) ivm_cpu_host_get() was done */
	bool siblings_held;		/* (l) ivm_smt_get() was done */
	wait_queue_head_t park_wait;
	struct cpumask cores_busy;	/* (a) first threads of the cores on which a vCPU is in its inner loop */
	u64 cr4_allowed, efer_allowed;	/* (r) */
	u64 tsc_offset;			/* (r) */
	u64 paused_tsc;			/* (l) guest TSC at the pause */
	u64 reset_after;		/* by the work item; jiffies before which the guest is not reset again */

	u32 resets;			/* (l) */
	u64 started_ns;			/* (l) CLOCK_REALTIME */
	u64 run_ns, running_since;	/* (l) boot time clock */
	struct ivm_wish_stop stopped;	/* (l) why it is stopped */

	unsigned long wish;		/* any context, atomic bits */
	raw_spinlock_t wish_lock;	/* wish_stop and outside */
	struct ivm_wish_stop wish_stop;
	struct ivm_event outside;	/* the latest access outside, not yet reported */
	u64 outside_after;		/* jiffies before which no other is reported */
	struct work_struct work;
};

/* ---- vm.c ---- */
extern struct workqueue_struct *ivm_vm_queue;
void ivm_vm_set_state(struct ivm_vm *vm, u32 state);	/* with vm->life; tells the listener */
void ivm_vm_notify(struct ivm_vm *vm, u32 type);	/* with vm->life */
void ivm_vm_put_net(struct ivm_vm *vm);	/* with vm->life: the VM has no cards any more, nor will have */
void ivm_vm_notify_event(const struct ivm_event *event);
/* From a vCPU's thread, any context: end or reset the VM. The first reason wins. */
void ivm_vm_wish_stop(struct ivm_vm *vm, u32 reason, u64 code, const char *text);
void ivm_vm_wish_reset(struct ivm_vm *vm);

/* ---- life.c ---- */
void ivm_vm_work(struct work_struct *work);
void ivm_vm_halt(struct ivm_vm *vm, const struct ivm_wish_stop *stop);	/* with vm->life, not gone yet */

/* ---- vcpu.c ---- */
struct ivm_vcpu *ivm_vcpu_create(struct ivm_vm *vm, unsigned int index);	/* vm->gang is there */
void ivm_vcpu_destroy(struct ivm_vcpu *vcpu);	/* no thread */
int ivm_vcpu_spawn(struct ivm_vcpu *vcpu);	/* thread made, parked */
void ivm_vcpu_join(struct ivm_vcpu *vcpu);	/* ends the thread; accepts none */
void ivm_vcpu_park_soon(struct ivm_vm *vm);	/* any context: no thread enters the guest again */
void ivm_vcpu_park(struct ivm_vm *vm);		/* all threads; returns when none is in the guest */
void ivm_vcpu_unpark(struct ivm_vm *vm);
void ivm_vcpu_power_on(struct ivm_vcpu *vcpu);	/* reset state; thread parked or absent */
void ivm_vcpu_kick(struct ivm_vcpu *vcpu, enum ivm_request request);	/* any context */
void ivm_vcpu_move(struct ivm_vcpu *vcpu, int cpu);
void ivm_vcpu_memory_gone(struct ivm_vcpu *vcpu, u64 gpa, u64 len);	/* thread parked: forgets all that leads there */
extern const struct ivm_irq_ops ivm_vcpu_irq_ops;	/* ctx = struct ivm_vm */
extern const struct ivm_gang_ops ivm_vcpu_gang_ops;	/* ctx = struct ivm_vm */

/* ---- exit.c ---- */
extern void (*const ivm_exit_handlers[IVM_EXIT_REASONS])(struct ivm_vcpu *vcpu);	/* inner loop */
void ivm_exit_trace(const struct ivm_vcpu *vcpu);
void ivm_exit_single_step(struct ivm_vcpu *vcpu);
void ivm_exit_inject_gp(struct ivm_vcpu *vcpu);
void ivm_exit_inject(struct ivm_vcpu *vcpu, const struct ivm_fault *fault);

/* The vCPU as emulation sees it, with CS and control registers only. */
static inline const struct ivm_emul_cpu *ivm_exit_code(struct ivm_vcpu *vcpu)
{
	static_call(ivm_backend_get_code)(&vcpu->cpu, &vcpu->sregs);
	return &vcpu->emul;
}

/* Past an instruction that was answered; a single step over it traps. */
static inline void ivm_exit_advance(struct ivm_vcpu *vcpu, unsigned int length)
{
	static_call(ivm_backend_advance)(&vcpu->cpu, length);
	if (unlikely(vcpu->cpu.regs.rflags & X86_EFLAGS_TF))
		ivm_exit_single_step(vcpu);
}

/**
 * ivm_exit_skip() - move past the instruction that was intercepted and answered
 * @vcpu:   at the instruction
 * @opcode: for CPUs that do not tell its length; see ivm_emul_length()
 *
 * When its bytes cannot be read any more, because the guest changed its code or
 * tables under us, it executes again: only that guest is the slower for it.
 */
static __always_inline void ivm_exit_skip(struct ivm_vcpu *vcpu, u32 opcode)
{
	unsigned int length = vcpu->cpu.exit.length;

	if (!length)
		length = ivm_emul_length(ivm_exit_code(vcpu), opcode);
	if (length)
		ivm_exit_advance(vcpu, length);
}

const struct ivm_emul_cpu *ivm_exit_view(struct ivm_vcpu *vcpu);	/* full view */

/* ---- exit_msr.c, exit_mem.c, exit_io.c, exit_reg.c: handlers ---- */
void ivm_exit_rdmsr(struct ivm_vcpu *vcpu);
void ivm_exit_wrmsr(struct ivm_vcpu *vcpu);
void ivm_exit_memory(struct ivm_vcpu *vcpu);
void ivm_exit_io(struct ivm_vcpu *vcpu);
void ivm_exit_cr(struct ivm_vcpu *vcpu);
void ivm_exit_dr(struct ivm_vcpu *vcpu);
void ivm_exit_xsetbv(struct ivm_vcpu *vcpu);
void ivm_exit_access(struct ivm_vcpu *vcpu, u64 gpa, bool write, bool fetch);
void ivm_exit_outside(struct ivm_vcpu *vcpu, u64 gpa, const char *kind);
extern const struct ivm_emul_ops ivm_exit_emul_ops;	/* ctx = struct ivm_vcpu */

/* ---- paging.c: guests on shadow tables ---- */
void ivm_paging_begin(struct ivm_vcpu *vcpu);
void ivm_paging_system(struct ivm_vcpu *vcpu);
void ivm_paging_fault(struct ivm_vcpu *vcpu);
void ivm_paging_task_switch(struct ivm_vcpu *vcpu);
void ivm_paging_efer(struct ivm_vcpu *vcpu, u64 old);

/* ---- clock.c ---- */
int ivm_clock_write(struct ivm_vcpu *vcpu, u32 msr, u64 value);
int ivm_clock_read(struct ivm_vcpu *vcpu, u32 msr, u64 *value);
u64 ivm_clock_guest_tsc(struct ivm_vm *vm);

/* ---- eoi.c: own thread ---- */
int ivm_eoi_write(struct ivm_vcpu *vcpu, u64 value);	/* the MSR; -EINVAL: #GP */
void ivm_eoi_reset(struct ivm_vcpu *vcpu);		/* also while the thread is parked or absent */
bool ivm_eoi_offer(struct ivm_vcpu *vcpu, u8 vector);	/* @vector was injected, nothing of higher priority waits */
void ivm_eoi_collect(struct ivm_vcpu *vcpu);		/* after an exit, if offered */
void ivm_eoi_withdraw(struct ivm_vcpu *vcpu);		/* the next EOI must be heard */

/* ---- boot.c ---- */
int ivm_boot_check(const struct ivm_vm *vm, const struct ivm_manifest *manifest, struct ivm_why *why);
struct ivm_seal *ivm_boot_seal(const struct ivm_manifest *manifest);	/* ERR_PTR */
int ivm_boot_replay(struct ivm_vm *vm, struct ivm_why *why);	/* memory zeroed, no thread runs: load segments, set vCPU 0 */

/* ---- platform.c ---- */
struct ivm_platform *ivm_platform_create(struct ivm_vm *vm, struct ivm_why *why);	/* ERR_PTR */
void ivm_platform_destroy(struct ivm_platform *platform);	/* accepts NULL */
void ivm_platform_reset(struct ivm_platform *platform);
struct ivm_bus *ivm_platform_bus(struct ivm_platform *platform);
void ivm_platform_power_button(struct ivm_platform *platform);

/* ---- cards.c: network cards ---- */
int ivm_cards_check(const struct ivm_vm_config *config, struct ivm_why *why);
int ivm_cards_create(struct ivm_vm *vm, struct ivm_pci *pci, struct ivm_why *why);	/* all or nothing */
void ivm_cards_destroy(struct ivm_vm *vm);	/* accepts none; guest memory is not touched any more */
void ivm_cards_quiesce(struct ivm_vm *vm);	/* no vCPU runs: cards forget their drivers */
void ivm_cards_work(struct ivm_vcpu *vcpu);	/* its thread, outer loop: what IVM_REQ_DEVICE asks for */
void ivm_cards_info(struct ivm_vm *vm, struct ivm_vm_info *info);
void ivm_cards_memory_goes(struct ivm_vm *vm, u64 gpa, u64 len);	/* no vCPU runs: see ivm_virtio_net_memory_goes() */
void ivm_cards_memory_gone(struct ivm_vm *vm);

/* ---- memory.c: memory that grows and shrinks; vm->life held, but for work and info ---- */
int ivm_memory_check(const struct ivm_vm_config *config, struct ivm_why *why);
u64 ivm_memory_room(const struct ivm_vm *vm);
int ivm_memory_set_check(const struct ivm_vm *vm, const struct ivm_vm_change *change, struct ivm_why *why);
int ivm_memory_reserve(struct ivm_vm *vm, const struct ivm_vm_change *change, struct ivm_why *why);
void ivm_memory_unreserve(struct ivm_vm *vm);
void ivm_memory_set(struct ivm_vm *vm, const struct ivm_vm_change *change);
int ivm_memory_create(struct ivm_vm *vm, struct ivm_pci *pci, struct ivm_why *why);
void ivm_memory_destroy(struct ivm_vm *vm);
int ivm_memory_reset(struct ivm_vm *vm, struct ivm_why *why);
void ivm_memory_info(struct ivm_vm *vm, struct ivm_vm_info *info);
void ivm_memory_work(struct work_struct *work);

#endif
