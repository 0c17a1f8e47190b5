// SPDX-License-Identifier: GPL-2.0-only
/* CPUID as the guest sees it: the lookup (a hot path). The table comes from cpuid_build.c. */
#include "cpuid.h"
#include "x86.h"

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#define XSAVE_LEGACY	576	/* FXSAVE area and XSAVE header (SDM 13.4) */

/* Bytes that XSAVE in standard form writes for the components in @xcr0 (SDM 13.4.3). */
static u32 ivm_cpuid_xsave_size(const struct ivm_cpuid *cpuid, u64 xcr0)
{
	u32 size = XSAVE_LEGACY;
	unsigned int i;

	for (i = 2; i < IVM_CPUID_XCR0_BITS; i++)
		if (xcr0 & BIT_ULL(i))
			size = max(size, cpuid->xsave_end[i]);
	return size;
}

/* Leaves outside the two dense ranges. */
static const struct ivm_cpuid_leaf *ivm_cpuid_other(const struct ivm_cpuid *cpuid, u32 leaf)
{
	static const struct ivm_cpuid_leaf zero;

	if (leaf - IVM_PLATFORM_CPUID_KVM <= IVM_CPUID_KVM_MAX)
		return &cpuid->kvm[leaf - IVM_PLATFORM_CPUID_KVM];
	if (leaf == IVM_PLATFORM_CPUID_IVM)
		return &cpuid->ivm;
	/* The rest of the range that is reserved for hypervisors answers nothing whatever the vendor. */
	if (leaf >> 28 == IVM_PLATFORM_CPUID_KVM >> 28)
		return &zero;
	/* Intel answers with the highest basic leaf, AMD with zeros (SDM CPUID; APM 3 CPUID). */
	return cpuid->beyond_repeats ? &cpuid->basic[cpuid->basic_max] : &zero;
}

static __always_inline const struct ivm_cpuid_leaf *ivm_cpuid_find(const struct ivm_cpuid *cpuid, u32 leaf)
{
	if (leaf <= cpuid->basic_max)
		return &cpuid->basic[leaf];
	if (leaf - IVM_CPUID_EXT_BASE <= cpuid->ext_max)
		return &cpuid->ext[leaf - IVM_CPUID_EXT_BASE];
	return ivm_cpuid_other(cpuid, leaf);
}

static __always_inline const struct ivm_cpuid_regs *
ivm_cpuid_entry(const struct ivm_cpuid *cpuid, const struct ivm_cpuid_leaf *entry, u32 subleaf)
{
	if (!entry->nr)
		return &cpuid->answer[entry->first];
	return &cpuid->answer[subleaf < entry->nr ? entry->first + subleaf : 0];
}

const struct ivm_cpuid_regs *ivm_cpuid_fixed(const struct ivm_cpuid *cpuid, u32 leaf, u32 subleaf)
{
	const struct ivm_cpuid_leaf *entry = ivm_cpuid_find(cpuid, leaf);

	return unlikely(entry->live != IVM_CPUID_FIXED) ? NULL : ivm_cpuid_entry(cpuid, entry, subleaf);
}

void ivm_cpuid_answer(const struct ivm_cpuid *cpuid, const struct ivm_cpuid_state *state,
		      u32 leaf, u32 subleaf, struct ivm_cpuid_regs *out)
{
	const struct ivm_cpuid_leaf *entry = ivm_cpuid_find(cpuid, leaf);

	*out = *ivm_cpuid_entry(cpuid, entry, subleaf);
	switch (entry->live) {
	case IVM_CPUID_FEATURES:
		out->ebx |= state->vcpu << 24;
		if (state->cr4 & X86_CR4_OSXSAVE)
			out->ecx |= BIT(27);
		fallthrough;
	case IVM_CPUID_AMD_FEATURES:
		if (!state->apic_enabled)
			out->edx &= ~BIT(9);
		break;
	case IVM_CPUID_TOPOLOGY:
		out->ecx |= subleaf & 0xff;
		out->edx = state->vcpu;
		break;
	case IVM_CPUID_XSAVE:
		if (!subleaf)
			out->ebx = ivm_cpuid_xsave_size(cpuid, state->xcr0);
		break;
	case IVM_CPUID_AMD_TOPOLOGY:
		out->eax = state->vcpu;
		out->ebx |= state->vcpu & 0xff;
		break;
	}
}

void ivm_cpuid_destroy(struct ivm_cpuid *cpuid)
{
	kfree(cpuid);
}

u64 ivm_cpuid_cr4_allowed(const struct ivm_cpuid *cpuid)
{
	return cpuid->cr4_allowed;
}

u64 ivm_cpuid_efer_allowed(const struct ivm_cpuid *cpuid)
{
	return cpuid->efer_allowed;
}

u8 ivm_cpuid_phys_bits(const struct ivm_cpuid *cpuid)
{
	return cpuid->phys_bits;
}
