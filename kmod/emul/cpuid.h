/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID, private to emul/: cpuid_host.c reads the host, cpuid_build.c makes the
 * table from it, cpuid.c answers.
 */
#ifndef IVM_EMUL_CPUID_H
#define IVM_EMUL_CPUID_H

#include "emul.h"

/**
 * struct ivm_cpuid_host - what the table is made from
 * @read:	executes CPUID (or replays a recorded host, in tests)
 * @phys_bits:	physical address bits left to the operating system: fewer than
 *		leaf 0x80000008 says where memory encryption took some
 * @tsc_stable:	the host's kernel trusts the TSC
 * @shadowed:	guests run on shadow tables
 */
struct ivm_cpuid_host {
	void (*read)(u32 leaf, u32 subleaf, struct ivm_cpuid_regs *out);
	u8 phys_bits;
	bool tsc_stable;
	bool shadowed;
};

/* The part of an answer that depends on struct ivm_cpuid_state. */
enum ivm_cpuid_live {
	IVM_CPUID_FIXED,
	IVM_CPUID_FEATURES,	/* 1: APIC id, OSXSAVE, APIC */
	IVM_CPUID_AMD_FEATURES,	/* 80000001: APIC */
	IVM_CPUID_TOPOLOGY,	/* b, 1f: x2APIC id, echo of the subleaf */
	IVM_CPUID_XSAVE,	/* d: size of what XCR0 enables */
	IVM_CPUID_AMD_TOPOLOGY,	/* 8000001e: APIC id, core id */
};

/**
 * struct ivm_cpuid_leaf - where the answers of one leaf stand
 * @first:	index of subleaf 0 in ivm_cpuid.answer; index 0 is the all-zero answer
 * @nr:		subleaves; 0: the subleaf is ignored
 * @live:	enum ivm_cpuid_live
 */
struct ivm_cpuid_leaf {
	u8 first;
	u8 nr;
	u8 live;
};

#define IVM_CPUID_BASIC_MAX	0x1f
#define IVM_CPUID_EXT_BASE	0x80000000U
#define IVM_CPUID_EXT_MAX	0x21
#define IVM_CPUID_KVM_MAX	0x10	/* from IVM_PLATFORM_CPUID_KVM */
#define IVM_CPUID_ANSWERS	192
#define IVM_CPUID_XCR0_BITS	20	/* state components 0 … 19 at most are ever shown */

struct ivm_cpuid {
	u32 basic_max, ext_max;		/* highest leaves, ext_max without its base */
	bool beyond_repeats;		/* leaves beyond the maximum answer like the highest basic one */
	u8 phys_bits;
	struct ivm_cpuid_leaf basic[IVM_CPUID_BASIC_MAX + 1];
	struct ivm_cpuid_leaf ext[IVM_CPUID_EXT_MAX + 1];
	struct ivm_cpuid_leaf kvm[IVM_CPUID_KVM_MAX + 1];
	struct ivm_cpuid_leaf ivm;
	unsigned int nr_answers;
	struct ivm_cpuid_regs answer[IVM_CPUID_ANSWERS];
	u32 xsave_end[IVM_CPUID_XCR0_BITS];	/* first byte after a component; 0: absent */
	u64 cr4_allowed, efer_allowed;
};

/**
 * ivm_cpuid_build() - the table for one VM
 * @host:	the machine it runs on
 * @nr_vcpus:	1 … IVM_VCPUS_MAX
 * @tsc_khz:	of host and guest
 * @xcr0:	XCR0 bits the guest may set; 0 hides XSAVE and what needs it
 *
 * Context: may sleep (allocates). Return: the table or ERR_PTR(-ENOMEM).
 */
struct ivm_cpuid *ivm_cpuid_build(const struct ivm_cpuid_host *host, unsigned int nr_vcpus,
				  u32 tsc_khz, u64 xcr0);

#endif
