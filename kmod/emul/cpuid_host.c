// SPDX-License-Identifier: GPL-2.0-only
/* CPUID of the machine we run on. The only file of emul/ that needs a real kernel around it. */
#include "cpuid.h"

#include <asm/processor.h>
#include <asm/tsc.h>

static void ivm_cpuid_host_read(u32 leaf, u32 subleaf, struct ivm_cpuid_regs *out)
{
	cpuid_count(leaf, subleaf, &out->eax, &out->ebx, &out->ecx, &out->edx);
}

struct ivm_cpuid *ivm_cpuid_create(unsigned int nr_vcpus, u32 tsc_khz, u64 xcr0, bool shadowed)
{
	const struct ivm_cpuid_host host = {
		.read = ivm_cpuid_host_read,
		.phys_bits = boot_cpu_data.x86_phys_bits,
		.tsc_stable = !check_tsc_unstable(),
		.shadowed = shadowed,
	};

	return ivm_cpuid_build(&host, nr_vcpus, tsc_khz, xcr0);
}
