// SPDX-License-Identifier: GPL-2.0-only
/*
 * End of interrupt without an exit, by the documented KVM interface
 * (Documentation/virt/kvm/x86/msr.rst of the kernel, MSR 0x4b564d04): while a bit
 * in the guest's memory is set, clearing it is as good as writing EOI.
 *
 * We set the bit when an interrupt is injected whose end only its LAPIC would
 * notice, and look at it after the next exit, before anything else is done with
 * the LAPIC. What else is requested by then waits for that end: the vCPU exits as
 * soon as its handler is over and it takes interrupts again. When something is
 * requested meanwhile, a kick makes the vCPU exit. If the end has not come at such
 * an exit, the bit is cleared first, and the guest's EOI comes to us.
 *
 * Only the vCPU itself is to touch the word. If another one does, interrupts of
 * this guest end too early or too late: its own loss. The word is in guest RAM;
 * when that goes, so does the offer: ivm_vcpu_memory_gone().
 */
#include "priv.h"
#include "../mem/mem.h"

#include <linux/errno.h>

#define EOI_ENABLE	BIT(0)
#define EOI_RESERVED	BIT(1)
#define EOI_FLAG	1	/* in the word */

/* Return: whether others wait for that end, so that the guest is to exit when it can take them. */
bool ivm_eoi_offer(struct ivm_vcpu *vcpu, u8 vector)
{
	if (!vcpu->eoi_flag || !ivm_lapic_ends_silently(vcpu->vm->irq, vcpu->index, vector))
		return false;
	atomic_or(EOI_FLAG, vcpu->eoi_flag);
	vcpu->eoi_offered = true;
	return ivm_lapic_holds_back(vcpu->vm->irq, vcpu->index);
}

void ivm_eoi_collect(struct ivm_vcpu *vcpu)
{
	if (atomic_read(vcpu->eoi_flag) & EOI_FLAG)
		return;		/* its handler is still at work */
	vcpu->eoi_offered = false;
	ivm_lapic_end(vcpu->vm->irq, vcpu->index);
	vcpu->irq_check = true;		/* who requests one just now may rely on us to look */
}

void ivm_eoi_withdraw(struct ivm_vcpu *vcpu)
{
	if (likely(!vcpu->eoi_offered))
		return;
	vcpu->eoi_offered = false;
	if (!(atomic_fetch_andnot(EOI_FLAG, vcpu->eoi_flag) & EOI_FLAG))
		ivm_lapic_end(vcpu->vm->irq, vcpu->index);
	vcpu->irq_check = true;
}

void ivm_eoi_reset(struct ivm_vcpu *vcpu)
{
	vcpu->eoi_offered = false;
	vcpu->eoi_flag = NULL;
	vcpu->eoi_msr = 0;
}

/* Bit 0 enables, bit 1 is reserved, the rest is the address of the word. An address outside RAM: #GP. */
int ivm_eoi_write(struct ivm_vcpu *vcpu, u64 value)
{
	atomic_t *flag = NULL;

	if (value & EOI_RESERVED)
		return -EINVAL;
	if (value & EOI_ENABLE) {
		flag = ivm_space_ptr(vcpu->vm->space, value & ~(u64)EOI_ENABLE, NULL);
		if (!flag)
			return -EINVAL;
	}
	ivm_eoi_withdraw(vcpu);
	vcpu->eoi_flag = flag;
	vcpu->eoi_msr = value;
	return 0;
}
