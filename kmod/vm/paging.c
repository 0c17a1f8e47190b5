// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paging of a guest on shadow tables: control registers, page faults, INVLPG.
 *
 * The guest's control registers are in cpu.paging; the backend gives the CPU
 * others. What a write to them forgets is what the manuals say, or more (AMD APM
 * volume 2, 5.5.2; Intel SDM 3A 4.10.4.1).
 */
#include "priv.h"
#include "../mem/shadow.h"

#include <asm/processor-flags.h>
#include <asm/trap_pf.h>

#define CR0_BITS (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | \
		  X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
#define CR0_MSW (X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS)
#define CR3_KEEP BIT_ULL(63)		/* with PCIDs: what is held of the new one stays */
#define CR3_PCID 0xfffULL

static bool has_pcids(const struct ivm_paging *paging)
{
	return paging->cr4 & X86_CR4_PCIDE;
}

/* The context of CR3 as it is now. @forget: what it holds. */
static void paging_use(struct ivm_vcpu *vcpu, bool forget)
{
	const struct ivm_paging *paging = &vcpu->cpu.paging;

	ivm_shadow_use(vcpu->tables, paging->efer & EFER_LMA, has_pcids(paging) ? paging->cr3 & CR3_PCID : 0, forget);
}

/* Registers changed. */
static void paging_apply(struct ivm_vcpu *vcpu)
{
	ivm_backend->set_paging(&vcpu->cpu, ivm_shadow_root(vcpu->tables));
	ivm_shadow_stale(vcpu->tables);		/* that forgot it */
}

/* Tables may have changed. */
static void paging_sync(struct ivm_vcpu *vcpu)
{
	if (ivm_shadow_stale(vcpu->tables))
		paging_apply(vcpu);
}

static void paging_restart(struct ivm_vcpu *vcpu)
{
	ivm_shadow_drop_all(vcpu->tables);
	paging_use(vcpu, false);
	paging_apply(vcpu);
}

/**
 * ivm_paging_begin() - reset or boot has set the registers: nothing that is held is true
 * @vcpu: on shadow tables
 *
 * Context: its own thread, before it enters the guest.
 */
void ivm_paging_begin(struct ivm_vcpu *vcpu)
{
	vcpu->cpu.repage = false;
	paging_restart(vcpu);
}

/* ---- control registers ---- */

/* APM 3.1.1, 14.6.2; SDM 3A 4.1.2. -EINVAL: #GP. */
static int paging_write_cr0(struct ivm_vcpu *vcpu, u64 value)
{
	struct ivm_paging *paging = &vcpu->cpu.paging;
	bool was_on = paging->cr0 & X86_CR0_PG, on = value & X86_CR0_PG, code64;
	u64 changed;

	if (value >> 32)
		return -EINVAL;
	value = (value & CR0_BITS) | X86_CR0_ET;
	if ((on && !(value & X86_CR0_PE)) || ((value & X86_CR0_NW) && !(value & X86_CR0_CD)))
		return -EINVAL;
	code64 = vcpu->sregs.seg[IVM_CS].attr & BIT(9);
	if (on && !was_on && paging->efer & EFER_LME && (!(paging->cr4 & X86_CR4_PAE) || code64))
		return -EINVAL;
	if (!on && was_on && (has_pcids(paging) || (paging->efer & EFER_LMA && code64)))
		return -EINVAL;

	changed = paging->cr0 ^ value;
	paging->cr0 = value;
	if (on && paging->efer & EFER_LME)
		paging->efer |= EFER_LMA;
	else
		paging->efer &= ~(u64)EFER_LMA;
	if (changed & (X86_CR0_PG | X86_CR0_WP))
		paging_restart(vcpu);
	else
		paging_apply(vcpu);
	return 0;
}

/* APM 3.1.2, 5.3.2; SDM 3A 4.10.4.1. */
static int paging_write_cr3(struct ivm_vcpu *vcpu, u64 value)
{
	struct ivm_paging *paging = &vcpu->cpu.paging;
	bool keep = has_pcids(paging) && value & CR3_KEEP;

	if (has_pcids(paging))
		value &= ~CR3_KEEP;
	if (paging->efer & EFER_LMA && value >> ivm_cpuid_phys_bits(vcpu->vm->cpuid))
		return -EINVAL;
	paging->cr3 = value;
	if (paging->cr0 & X86_CR0_PG) {
		paging_use(vcpu, !keep);
		paging_apply(vcpu);
	}
	return 0;
}

static int paging_write_cr4(struct ivm_vcpu *vcpu, u64 value)
{
	const u64 forgets = X86_CR4_PGE | X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PCIDE | X86_CR4_SMEP | X86_CR4_SMAP;
	u64 old = vcpu->cpu.paging.cr4;

	if (ivm_backend->write_cr4(&vcpu->cpu, value, vcpu->vm->cr4_allowed))
		return -EINVAL;
	if ((old ^ value) & forgets)
		paging_restart(vcpu);
	else
		paging_apply(vcpu);
	return 0;
}

/**
 * ivm_paging_efer() - EFER was written
 * @vcpu: on shadow tables
 * @old:  its value before
 *
 * Context: inner loop.
 */
void ivm_paging_efer(struct ivm_vcpu *vcpu, u64 old)
{
	if ((old ^ vcpu->cpu.paging.efer) & EFER_NX)
		paging_restart(vcpu);
	else
		paging_apply(vcpu);
}

static u64 paging_read(const struct ivm_vcpu *vcpu, unsigned int number)
{
	const struct ivm_paging *paging = &vcpu->cpu.paging;

	return number == 0 ? paging->cr0 : number == 3 ? paging->cr3 : paging->cr4;
}

static int paging_write(struct ivm_vcpu *vcpu, unsigned int number, u64 value)
{
	switch (number) {
	case 0:
		return paging_write_cr0(vcpu, value);
	case 3:
		return paging_write_cr3(vcpu, value);
	default:
		return paging_write_cr4(vcpu, value);
	}
}

/* What was intercepted, by the CPU's word or from its bytes. Return: false when there is nothing to do. */
static bool take_apart(struct ivm_vcpu *vcpu, struct ivm_system *system)
{
	const struct ivm_exit *exit = &vcpu->cpu.exit;
	struct ivm_fault fault;
	u64 gpa;

	if (exit->length && exit->reason == IVM_EXIT_CR_ACCESS && exit->reg.decoded) {
		ivm_exit_code(vcpu);
		system->op = exit->reg.write ? IVM_SYSTEM_TO_CR : IVM_SYSTEM_FROM_CR;
		system->number = exit->reg.number;
		system->gpr = exit->reg.gpr;
		system->length = exit->length;
		return true;
	}
	if (exit->length && exit->reason == IVM_EXIT_INVLPG && exit->invlpg.decoded) {
		system->op = IVM_SYSTEM_INVLPG;
		system->value = exit->invlpg.address;
		system->length = exit->length;
		return true;
	}
	switch (ivm_emul_system(ivm_exit_view(vcpu), &ivm_exit_emul_ops, vcpu, system, &fault, &gpa)) {
	case IVM_EMUL_DONE:
		return true;
	case IVM_EMUL_FAULT:
		ivm_exit_inject(vcpu, &fault);
		return false;
	case IVM_EMUL_UNCLAIMED:
		ivm_exit_outside(vcpu, gpa, "operand");
		return false;
	default:
		return false;		/* the guest changed its code meanwhile: again */
	}
}

/**
 * ivm_paging_system() - MOV to and from CR0, CR3 and CR4, CLTS, LMSW, SMSW, INVLPG
 * @vcpu: on shadow tables
 *
 * Context: inner loop.
 */
void ivm_paging_system(struct ivm_vcpu *vcpu)
{
	struct ivm_paging *paging = &vcpu->cpu.paging;
	u64 *gpr = vcpu->cpu.regs.gpr, mask = ~0ULL;
	struct ivm_system system = {};
	int err = 0;

	if (!take_apart(vcpu, &system))
		return;
	if (!(paging->efer & EFER_LMA) || !(vcpu->sregs.seg[IVM_CS].attr & BIT(9)))
		mask = U32_MAX;
	switch (system.op) {
	case IVM_SYSTEM_TO_CR:
		err = paging_write(vcpu, system.number, gpr[system.gpr] & mask);
		break;
	case IVM_SYSTEM_FROM_CR:
		gpr[system.gpr] = paging_read(vcpu, system.number) & mask;
		break;
	case IVM_SYSTEM_CLTS:
		err = paging_write_cr0(vcpu, paging->cr0 & ~(u64)X86_CR0_TS);
		break;
	case IVM_SYSTEM_LMSW:		/* it cannot leave protected mode */
		err = paging_write_cr0(vcpu, (paging->cr0 & ~(u64)(CR0_MSW & ~X86_CR0_PE)) | (system.value & CR0_MSW));
		break;
	case IVM_SYSTEM_SMSW:
		break;
	case IVM_SYSTEM_INVLPG:
		ivm_shadow_drop_page(vcpu->tables, system.value);
		paging_sync(vcpu);
		break;
	}
	if (err)
		ivm_exit_inject_gp(vcpu);
	else
		ivm_exit_advance(vcpu, system.length);
}

/* It would have CR3 from guest memory, and segments from wherever. No system that this is for does it. */
void ivm_paging_task_switch(struct ivm_vcpu *vcpu)
{
	char text[IVM_TEXT_MAX];

	snprintf(text, sizeof(text), "vCPU %u: a task switch by hardware (RIP %#llx): not with shadow paging",
		 vcpu->index, vcpu->cpu.regs.rip);
	ivm_vm_wish_stop(vcpu->vm, IVM_STOP_ERROR, vcpu->cpu.exit.code, text);
	vcpu->leave = true;
}

/* ---- page faults ---- */

/*
 * Write protection does not hold for the guest's supervisor, but does for the
 * processor's.
 */
static bool unprotects(unsigned int access, const struct ivm_leaf *leaf)
{
	return access & IVM_WALK_WRITE && !(access & IVM_WALK_USER) && !leaf->writable;
}

/*
 * Such a page becomes the supervisor's alone until a user asks for it; but then
 * SMAP, which is about pages of users, would not hold any more. With it the
 * instruction is executed here. Return: it was, or has faulted.
 */
static bool write_unprotected(struct ivm_vcpu *vcpu)
{
	bool stepping = vcpu->cpu.regs.rflags & X86_EFLAGS_TF;
	struct ivm_fault fault;
	u64 gpa;

	if (vcpu->cpu.delivering)
		return false;
	switch (ivm_emul_mmio(ivm_exit_view(vcpu), &ivm_exit_emul_ops, vcpu, &fault, &gpa)) {
	case IVM_EMUL_DONE:
	case IVM_EMUL_AGAIN:
		vcpu->cpu.shadow = false;
		if (unlikely(stepping))
			ivm_exit_single_step(vcpu);
		return true;
	case IVM_EMUL_FAULT:
		ivm_exit_inject(vcpu, &fault);
		return true;
	case IVM_EMUL_UNCLAIMED:
		ivm_exit_outside(vcpu, gpa, "write");
		return true;
	default:
		return false;
	}
}

/*
 * What the guest's entries beside the one that was walked say, as far as they
 * have been used before: a TLB may read ahead.
 */
static void read_ahead(struct ivm_vcpu *vcpu, const struct ivm_leaf *leaf)
{
	struct ivm_shadow_rights rights = { .shift = PAGE_SHIFT };
	struct ivm_leaf other;
	unsigned int i;
	u64 gpa;

	for (i = 0; i < IVM_WALK_BESIDE; i++) {
		if (!ivm_walk_beside(&vcpu->emul, leaf, i, &gpa, &other) ||
		    !ivm_space_is_ram(vcpu->vm->space, gpa, PAGE_SIZE))
			continue;
		rights.write = other.writable && other.dirty;
		rights.user = other.user;
		rights.execute = other.executable;
		ivm_shadow_offer(vcpu->tables, i, gpa, &rights);
	}
}

static int fill(struct ivm_vcpu *vcpu, u64 linear, unsigned int access, u64 gpa, const struct ivm_leaf *leaf)
{
	struct ivm_shadow_rights rights = {
		.shift = leaf->shift,
		.write = leaf->writable && leaf->dirty,
		.user = leaf->user,
		.execute = leaf->executable,
	};

	if (unprotects(access, leaf)) {
		rights.write = true;
		rights.user = false;
		if (leaf->user && vcpu->cpu.paging.cr4 & X86_CR4_SMEP)
			rights.execute = false;
	}
	return ivm_shadow_map(vcpu->tables, linear, gpa, &rights);
}

/**
 * ivm_paging_fault() - a page fault on shadow tables: the guest's own, or a translation that is missing
 * @vcpu: on shadow tables
 *
 * Context: inner loop.
 */
void ivm_paging_fault(struct ivm_vcpu *vcpu)
{
	const struct ivm_emul_cpu *view = ivm_exit_code(vcpu);
	u64 linear = vcpu->cpu.exit.exc.address, gpa;
	u32 error = vcpu->cpu.exit.exc.error;
	unsigned int access = 0;
	struct ivm_fault fault;
	struct ivm_leaf leaf;

	if (error & X86_PF_WRITE)
		access |= IVM_WALK_WRITE;
	if (error & X86_PF_INSTR)
		access |= IVM_WALK_FETCH;
	if (error & X86_PF_USER)
		access |= IVM_WALK_USER;
	else if (view->sregs->cpl == 3)
		access |= IVM_WALK_IMPLICIT;

	switch (ivm_walk_leaf(view, linear, access, &gpa, &leaf, &fault)) {
	case 0:
		break;
	case -EFAULT:
		ivm_exit_inject(vcpu, &fault);
		return;
	default:
		ivm_exit_outside(vcpu, gpa, "page-table walk");
		return;
	}
	if (!ivm_space_is_ram(vcpu->vm->space, gpa, 1)) {
		ivm_exit_access(vcpu, gpa, access & IVM_WALK_WRITE, access & IVM_WALK_FETCH);
		return;
	}
	if (unprotects(access, &leaf) && leaf.user && view->sregs->cr4 & X86_CR4_SMAP && write_unprotected(vcpu))
		return;
	if (fill(vcpu, linear, access, gpa, &leaf)) {
		ivm_vm_wish_stop(vcpu->vm, IVM_STOP_ERROR, gpa, "internal error: a frame could not be shown");
		vcpu->leave = true;
	} else {
		read_ahead(vcpu, &leaf);
	}
	paging_sync(vcpu);
}
