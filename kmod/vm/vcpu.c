// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread of a vCPU (P3): two loops, one inside the other.
 *
 * The inner loop runs with interrupts off and the guest's FPU state live in the
 * registers: enter, answer the exit, enter again. The outer loop sleeps while
 * the vCPU is halted, parked or not started, or while its core is another's, and
 * obeys requests.
 */
#include "priv.h"
#include "../cpu/fpu.h"
#include "../mem/shadow.h"
#include "../trace.h"

#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/topology.h>
#include <asm/msr.h>

#define VCPU_NMIS_MAX	2	/* one in service, one latched */

/* INIT and SIPI are sent by guests, as often as they like: what they ask for is done when it is the vCPU's turn. */
static bool request_of_guest(enum ivm_request request)
{
	return BIT(request) & IVM_REQ_START_MASK;
}

/**
 * ivm_vcpu_kick() - make a request, and see to it that the thread notices
 * @vcpu:    with a thread
 * @request: what is asked
 *
 * The inner loop announces itself in in_loop, then reads requests; we write a
 * request, then read in_loop: one of the two sees the other. In the guest, or
 * on the way there with interrupts off, the IPI becomes an exit.
 *
 * Context: any, also with irq/'s locks held.
 */
void ivm_vcpu_kick(struct ivm_vcpu *vcpu, enum ivm_request request)
{
	int cpu;

	if (test_and_set_bit(request, &vcpu->requests) && (request < IVM_REQ_SLOW || request_of_guest(request)))
		return;		/* whoever set it kicked */
	smp_mb__after_atomic();
	if (READ_ONCE(vcpu->in_loop)) {
		cpu = READ_ONCE(vcpu->loop_cpu);
		if (cpu != raw_smp_processor_id())
			smp_send_reschedule(cpu);
	} else if (vcpu->task != current || !in_task()) {	/* itself it looks again before it sleeps */
		wake_up_process(vcpu->task);
		if (request < IVM_REQ_SLOW || request_of_guest(request))
			ivm_gang_wake(vcpu->gang);
		else if (request != IVM_REQ_LOOK)
			ivm_gang_nudge(vcpu->gang);
	}
}

static void vcpu_gang_look(void *ctx, unsigned int index)
{
	struct ivm_vm *vm = ctx;

	ivm_vcpu_kick(vm->vcpu[index], IVM_REQ_LOOK);
}

const struct ivm_gang_ops ivm_vcpu_gang_ops = { .look = vcpu_gang_look };

/* Devices are reset before the threads exist: nobody listens yet, and power-on looks at everything anyway. */
static void vcpu_irq_request(struct ivm_vm *vm, unsigned int index, enum ivm_request request)
{
	struct ivm_vcpu *vcpu = READ_ONCE(vm->vcpu[index]);

	if (vcpu && READ_ONCE(vcpu->task))
		ivm_vcpu_kick(vcpu, request);
}

static void vcpu_irq_kick(void *ctx, unsigned int index)
{
	vcpu_irq_request(ctx, index, IVM_REQ_IRQ);
}

static void vcpu_irq_nmi(void *ctx, unsigned int index)
{
	vcpu_irq_request(ctx, index, IVM_REQ_NMI);
}

/* Who is off, and has no SIPI to obey, has been through INIT: not worth a turn on its core. */
static void vcpu_irq_init(void *ctx, unsigned int index)
{
	struct ivm_vm *vm = ctx;
	struct ivm_vcpu *vcpu = READ_ONCE(vm->vcpu[index]);

	if (vcpu && !test_bit(IVM_REQ_SIPI, &vcpu->requests)) {
		smp_rmb();	/* see vcpu_obey_start() */
		if (READ_ONCE(vcpu->state) == IVM_VCPU_OFF)
			return;
	}
	vcpu_irq_request(vm, index, IVM_REQ_INIT);
}

static void vcpu_irq_sipi(void *ctx, unsigned int index, u8 vector)
{
	struct ivm_vm *vm = ctx;

	if (vm->vcpu[index])
		WRITE_ONCE(vm->vcpu[index]->sipi_vector, vector);
	vcpu_irq_request(vm, index, IVM_REQ_SIPI);
}

const struct ivm_irq_ops ivm_vcpu_irq_ops = {
	.kick = vcpu_irq_kick,
	.nmi = vcpu_irq_nmi,
	.init = vcpu_irq_init,
	.sipi = vcpu_irq_sipi,
};

/* ---- the inner loop ---- */

/* Requests that need no leaving. */
static void vcpu_take_requests(struct ivm_vcpu *vcpu)
{
	if (test_and_clear_bit(IVM_REQ_IRQ, &vcpu->requests))
		vcpu->irq_check = true;
	if (test_and_clear_bit(IVM_REQ_NMI, &vcpu->requests) && vcpu->nmis < VCPU_NMIS_MAX)
		vcpu->nmis++;
}

/* Give the guest what waits for it, NMIs first; or ask for a window. */
static void vcpu_events(struct ivm_vcpu *vcpu)
{
	const struct ivm_cpu_ops *ops = ivm_backend;
	struct ivm_cpu *cpu = &vcpu->cpu;
	int vector;

	if (vcpu->nmis) {
		if (ops->can_nmi(cpu)) {
			ops->inject_nmi(cpu);
			vcpu->nmis--;
			vcpu->count[IVM_COUNT_NMI]++;
		} else {
			ops->nmi_window(cpu);
		}
	}
	if (!vcpu->irq_check)
		return;
	ivm_eoi_withdraw(vcpu);		/* what waits may wait for that EOI */
	if (!ops->can_interrupt(cpu)) {
		vcpu->irq_check = ivm_irq_next(vcpu->vm->irq, vcpu->index) != IVM_IRQ_NONE;
		if (vcpu->irq_check)
			ops->irq_window(cpu);
		return;
	}
	vector = ivm_irq_ack(vcpu->vm->irq, vcpu->index);
	if (vector == IVM_IRQ_NONE) {
		vcpu->irq_check = false;
		return;
	}
	ops->inject_interrupt(cpu, vector);
	trace_ivm_inject(vcpu->vm->id, vcpu->index, vector);
	vcpu->count[IVM_COUNT_INJECTED]++;
	/* Another one of higher priority may wait already: it needs the window. */
	if (ivm_irq_next(vcpu->vm->irq, vcpu->index) != IVM_IRQ_NONE) {
		ops->irq_window(cpu);
		return;
	}
	vcpu->irq_check = false;
	if (ivm_eoi_offer(vcpu, vector))
		ops->irq_window(cpu);
}

/*
 * P4, and the record that proves it: no other vCPU of the VM is on this core.
 * Return: the core, by its first thread; -1 if it was another's already.
 */
static int vcpu_take_core(struct ivm_vcpu *vcpu)
{
	struct ivm_vm *vm = vcpu->vm;
	int cpu = smp_processor_id(), core = cpumask_first(topology_sibling_cpumask(cpu));
	bool shared = cpumask_test_and_set_cpu(core, &vm->cores_busy);

	vcpu->count[IVM_COUNT_DISPATCH]++;
	vcpu->count[IVM_COUNT_SHARED] += shared;
	trace_ivm_dispatch(vm->id, vcpu->index, cpu, core, shared);
	return shared ? -1 : core;
}

static void vcpu_give_core(struct ivm_vcpu *vcpu, int core)
{
	if (likely(core >= 0))
		cpumask_clear_cpu(core, &vcpu->vm->cores_busy);
}

static void vcpu_inner(struct ivm_vcpu *vcpu)
{
	const struct ivm_cpu_ops *ops = ivm_backend;
	struct ivm_cpu *cpu = &vcpu->cpu;
	unsigned long requests;
	u64 entered, start;
	int core;

	local_irq_disable();
	if (unlikely(!ivm_cpu_host_here() || smp_processor_id() != READ_ONCE(vcpu->assigned_cpu))) {
		/* CPU hotplug pushed us off; the scheduler of IVM says where to go. */
		local_irq_enable();
		set_bit(IVM_REQ_MOVE, &vcpu->requests);
		schedule_timeout_idle(1);
		return;
	}
	WRITE_ONCE(vcpu->loop_cpu, smp_processor_id());
	WRITE_ONCE(vcpu->in_loop, true);
	smp_mb();	/* see ivm_vcpu_kick() */

	WRITE_ONCE(vcpu->state, IVM_VCPU_RUNNING);
	core = vcpu_take_core(vcpu);
	current->flags |= PF_VCPU;	/* ticks from here on are guest time */
	vcpu->leave = false;
	cpu->tsc_aux = ivm_msr_tsc_aux(&vcpu->msrs);
	ivm_fpu_load(cpu->fpu);
	if (unlikely(cpu->repage) && vcpu->tables)
		ivm_paging_begin(vcpu);
	ops->load(cpu);
	vcpu->guest_cycles = 0;
	entered = rdtsc();
	do {
		requests = READ_ONCE(vcpu->requests);
		if (unlikely(requests)) {
			if (requests & IVM_REQ_SLOW_MASK)
				break;
			vcpu_take_requests(vcpu);
		}
		if (unlikely(vcpu->irq_check || vcpu->nmis))
			vcpu_events(vcpu);
		if (unlikely(!ivm_guard_enter()))
			break;		/* what was injected waits for the next entry */
		start = rdtsc();
		static_call(ivm_backend_enter)(cpu);
		vcpu->guest_cycles += rdtsc() - start;
		ivm_guard_exit();
		if (trace_ivm_exit_enabled())
			ivm_exit_trace(vcpu);
		if (vcpu->eoi_offered)
			ivm_eoi_collect(vcpu);
		vcpu->exits[cpu->exit.reason]++;
		ivm_exit_handlers[cpu->exit.reason](vcpu);
	} while (!vcpu->leave && !need_resched());
	ops->put(cpu);
	ivm_fpu_put(cpu->fpu);
	ivm_gang_left(vcpu->gang, entered, vcpu->guest_cycles);

	vcpu_give_core(vcpu, core);
	WRITE_ONCE(vcpu->in_loop, false);
	local_irq_enable();		/* what interrupted the guest runs here */
	current->flags &= ~PF_VCPU;
}

/* ---- the outer loop ---- */

static void vcpu_sleep(struct ivm_vcpu *vcpu, unsigned long until, u32 state)
{
	WRITE_ONCE(vcpu->state, state);
	if (state == IVM_VCPU_HALTED)
		ivm_gang_halt(vcpu->gang);
	else if (state != IVM_VCPU_READY)
		ivm_gang_rest(vcpu->gang);
	for (;;) {
		set_current_state(TASK_IDLE);
		if (READ_ONCE(vcpu->requests) & until)
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static void vcpu_obey_park(struct ivm_vcpu *vcpu)
{
	WRITE_ONCE(vcpu->state, IVM_VCPU_PAUSED);
	ivm_gang_rest(vcpu->gang);
	smp_store_release(&vcpu->parked, true);		/* all that the vCPU did is visible to whoever parked it */
	wake_up(&vcpu->vm->park_wait);
	for (;;) {
		set_current_state(TASK_IDLE);
		if (!test_bit(IVM_REQ_PARK, &vcpu->requests) || test_bit(IVM_REQ_QUIT, &vcpu->requests))
			break;
		if (test_and_clear_bit(IVM_REQ_LOOK, &vcpu->requests)) {
			/* Its turn has begun, as an interrupt came for it: it has no use for it. */
			__set_current_state(TASK_RUNNING);
			ivm_gang_rest(vcpu->gang);
			continue;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	WRITE_ONCE(vcpu->parked, false);
}

static void vcpu_obey_move(struct ivm_vcpu *vcpu)
{
	int cpu = READ_ONCE(vcpu->assigned_cpu);

	if (cpu >= 0)
		set_cpus_allowed_ptr(current, cpumask_of(cpu));
	else
		vcpu_sleep(vcpu, IVM_REQ_SLOW_MASK, IVM_VCPU_PAUSED);	/* no core left: a move wakes us */
}

/* INIT: reset but for APIC base, MTRRs, FPU; then wait for SIPI, the boot processor at once runs again (APM 14.1). */
static void vcpu_obey_init(struct ivm_vcpu *vcpu)
{
	ivm_backend->reset(&vcpu->cpu);
	local_irq_disable();
	ivm_eoi_reset(vcpu);
	ivm_lapic_init_signal(vcpu->vm->irq, vcpu->index);
	local_irq_enable();
	vcpu->irq_check = true;
	vcpu->halted = false;
	vcpu->nmis = 0;
	vcpu->waits_for_sipi = vcpu->index;
}

static void vcpu_obey_sipi(struct ivm_vcpu *vcpu)
{
	if (!vcpu->waits_for_sipi)
		return;
	ivm_backend->sipi(&vcpu->cpu, READ_ONCE(vcpu->sipi_vector));
	vcpu->waits_for_sipi = false;
}

/* As other vCPUs can make it do so all the time, it does it in its own. */
static void vcpu_obey_start(struct ivm_vcpu *vcpu)
{
	if (!ivm_gang_enter(vcpu->gang)) {
		vcpu_sleep(vcpu, IVM_REQ_SLOW_MASK & ~IVM_REQ_START_MASK, IVM_VCPU_READY);
	} else if (test_and_clear_bit(IVM_REQ_INIT, &vcpu->requests)) {
		vcpu_obey_init(vcpu);
	} else {
		/* In this order: an INIT that finds no SIPI finds that the vCPU is not off. */
		WRITE_ONCE(vcpu->state, IVM_VCPU_RUNNING);
		if (test_and_clear_bit(IVM_REQ_SIPI, &vcpu->requests))
			vcpu_obey_sipi(vcpu);
	}
}

/* Has a halted vCPU a reason to go on? */
static bool vcpu_wakes(struct ivm_vcpu *vcpu)
{
	bool wakes;

	local_irq_disable();
	vcpu_take_requests(vcpu);
	wakes = vcpu->nmis ||
		(vcpu->irq_check && (vcpu->cpu.regs.rflags & X86_EFLAGS_IF) &&
		 ivm_irq_next(vcpu->vm->irq, vcpu->index) != IVM_IRQ_NONE);
	local_irq_enable();
	return wakes;
}

static int vcpu_thread(void *data)
{
	struct ivm_vcpu *vcpu = data;

	ivm_gang_attach(vcpu->gang);
	for (;;) {
		if (test_bit(IVM_REQ_LOOK, &vcpu->requests))
			test_and_clear_bit(IVM_REQ_LOOK, &vcpu->requests);	/* a barrier: what it is about is seen below */
		if (test_bit(IVM_REQ_QUIT, &vcpu->requests))
			break;
		if (test_bit(IVM_REQ_PARK, &vcpu->requests))
			vcpu_obey_park(vcpu);
		else if (test_and_clear_bit(IVM_REQ_MOVE, &vcpu->requests))
			vcpu_obey_move(vcpu);
		else if (READ_ONCE(vcpu->requests) & IVM_REQ_START_MASK)
			vcpu_obey_start(vcpu);
		else if (test_and_clear_bit(IVM_REQ_DEVICE, &vcpu->requests))
			ivm_cards_work(vcpu);
		else if (vcpu->waits_for_sipi)
			vcpu_sleep(vcpu, IVM_REQ_SLOW_MASK, IVM_VCPU_OFF);
		else if (vcpu->halted && !vcpu_wakes(vcpu))
			vcpu_sleep(vcpu, ~0UL, IVM_VCPU_HALTED);
		else {
			vcpu->halted = false;
			if (ivm_gang_enter(vcpu->gang))
				vcpu_inner(vcpu);
			else
				vcpu_sleep(vcpu, IVM_REQ_SLOW_MASK, IVM_VCPU_READY);
		}
		cond_resched();
	}
	WRITE_ONCE(vcpu->state, IVM_VCPU_OFF);
	ivm_gang_detach(vcpu->gang);
	/* From here on an ordinary thread that runs anywhere: its core may be another vCPU's. */
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	sched_set_normal(current, 0);
	/* The creator holds a reference to the task and waits in kthread_stop(). */
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

/* ---- for life.c ---- */

struct ivm_vcpu *ivm_vcpu_create(struct ivm_vm *vm, unsigned int index)
{
	struct ivm_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL);
	int err;

	if (!vcpu)
		return ERR_PTR(-ENOMEM);
	vcpu->vm = vm;
	vcpu->index = index;
	vcpu->gang = ivm_gang_vcpu(vm->gang, index);
	vcpu->state = IVM_VCPU_OFF;
	vcpu->assigned_cpu = -1;
	vcpu->cpu.id = vm->id;
	vcpu->emul = (struct ivm_emul_cpu) {
		.regs = &vcpu->cpu.regs,
		.sregs = &vcpu->sregs,
		.space = vm->space,
		.code = &vcpu->code,
		.phys_bits = ivm_cpuid_phys_bits(vm->cpuid),
	};
	if (!ivm_cpu_host_nested()) {
		vcpu->tables = ivm_shadow_create(vm->space);
		if (IS_ERR(vcpu->tables)) {
			err = PTR_ERR(vcpu->tables);
			goto err_vcpu;
		}
		vcpu->cpu.shadowed = true;
	}
	vcpu->cpu.fpu = ivm_fpu_create();
	if (IS_ERR(vcpu->cpu.fpu)) {
		err = PTR_ERR(vcpu->cpu.fpu);
		goto err_tables;
	}
	err = ivm_backend->create(&vcpu->cpu, ivm_space_root(vm->space));
	if (err)
		goto err_fpu;
	ivm_vcpu_power_on(vcpu);
	return vcpu;
err_fpu:
	ivm_fpu_destroy(vcpu->cpu.fpu);
err_tables:
	ivm_shadow_destroy(vcpu->tables);
err_vcpu:
	kfree(vcpu);
	return ERR_PTR(err);
}

void ivm_vcpu_destroy(struct ivm_vcpu *vcpu)
{
	if (!vcpu)
		return;
	ivm_backend->destroy(&vcpu->cpu);
	ivm_fpu_destroy(vcpu->cpu.fpu);
	ivm_shadow_destroy(vcpu->tables);
	kfree_sensitive(vcpu);
}

void ivm_vcpu_power_on(struct ivm_vcpu *vcpu)
{
	ivm_backend->reset(&vcpu->cpu);
	ivm_backend->flush(&vcpu->cpu);
	ivm_backend->set_tsc_offset(&vcpu->cpu, vcpu->vm->tsc_offset);
	ivm_fpu_reset(vcpu->cpu.fpu);
	ivm_msr_reset(&vcpu->msrs);
	vcpu->cpu.spec_ctrl = 0;
	vcpu->clock_gpa = 0;
	ivm_eoi_reset(vcpu);
	vcpu->irq_check = true;
	vcpu->nmis = 0;
	vcpu->halted = false;
	vcpu->waits_for_sipi = vcpu->index;
	clear_bit(IVM_REQ_INIT, &vcpu->requests);
	clear_bit(IVM_REQ_SIPI, &vcpu->requests);
	clear_bit(IVM_REQ_NMI, &vcpu->requests);
	clear_bit(IVM_REQ_DEVICE, &vcpu->requests);
	vcpu->cards_pending = 0;
}

/**
 * ivm_vcpu_memory_gone() - forget translations of memory that is the guest's no more, and pointers into it
 * @vcpu: its thread is parked
 * @gpa:  of memory that ivm_space_ptr() does not find any more
 * @len:  of it
 *
 * The guest's end-of-interrupt word is switched off if it was there.
 * Context: vm->life held.
 */
void ivm_vcpu_memory_gone(struct ivm_vcpu *vcpu, u64 gpa, u64 len)
{
	memset(&vcpu->code, 0, sizeof(vcpu->code));
	if (vcpu->eoi_flag && vcpu->eoi_msr - gpa < len)	/* its enable bit does not matter */
		ivm_eoi_reset(vcpu);
	if (vcpu->tables) {
		ivm_shadow_drop_all(vcpu->tables);
		vcpu->cpu.repage = true;
	}
	ivm_backend->flush(&vcpu->cpu);
}

int ivm_vcpu_spawn(struct ivm_vcpu *vcpu)
{
	struct task_struct *task;

	vcpu->requests = BIT(IVM_REQ_PARK);
	task = kthread_create(vcpu_thread, vcpu, "ivm-%s/%u", vcpu->vm->config.name, vcpu->index);
	if (IS_ERR(task))
		return PTR_ERR(task);
	get_task_struct(task);
	vcpu->task = task;
	if (vcpu->assigned_cpu >= 0)
		set_cpus_allowed_ptr(task, cpumask_of(vcpu->assigned_cpu));
	ivm_reserve_adopt(task);
	wake_up_process(task);
	ivm_gang_nudge(vcpu->gang);
	wait_event(vcpu->vm->park_wait, smp_load_acquire(&vcpu->parked));
	return 0;
}

void ivm_vcpu_join(struct ivm_vcpu *vcpu)
{
	if (!vcpu || !vcpu->task)
		return;
	ivm_vcpu_kick(vcpu, IVM_REQ_QUIT);
	kthread_stop(vcpu->task);
	put_task_struct(vcpu->task);
	vcpu->task = NULL;
}

void ivm_vcpu_park_soon(struct ivm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		ivm_vcpu_kick(vm->vcpu[i], IVM_REQ_PARK);
}

void ivm_vcpu_park(struct ivm_vm *vm)
{
	unsigned int i;

	ivm_vcpu_park_soon(vm);
	for (i = 0; i < vm->nr_vcpus; i++)
		wait_event(vm->park_wait, smp_load_acquire(&vm->vcpu[i]->parked));
}

void ivm_vcpu_unpark(struct ivm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		clear_bit(IVM_REQ_PARK, &vm->vcpu[i]->requests);
		smp_mb__after_atomic();
		wake_up_process(vm->vcpu[i]->task);
		ivm_gang_nudge(vm->vcpu[i]->gang);
	}
}

/* sched/ decided; the thread moves itself. Context: may sleep. */
void ivm_vcpu_move(struct ivm_vcpu *vcpu, int cpu)
{
	WRITE_ONCE(vcpu->assigned_cpu, cpu);
	if (vcpu->task)
		ivm_vcpu_kick(vcpu, IVM_REQ_MOVE);
}
