// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two permission maps, one pair for all guests: every port and every MSR
 * is intercepted, but for the MSRs that VMLOAD and VMSAVE switch anyway.
 */
#include "svm.h"

#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <asm/msr-index.h>

#define SVM_IOPM_ORDER	2	/* 12 KiB (APM 15.10.1) */
#define SVM_MSRPM_ORDER	1	/* 8 KiB (APM 15.11) */

static void *svm_iopm, *svm_msrpm;	/* constant once created */

/* Swapped by VMLOAD/VMSAVE (APM 15.5.2): the guest's value is in force only while the guest runs. */
static const u32 svm_direct_msrs[] = {
	MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
};

/* Two bits per MSR, read then write, in vectors of 8192 MSRs that start at 0, c0000000h and c0010000h. */
static void svm_msr_allow(u32 msr)
{
	u32 offset = msr < 0x2000 ? 0 : msr < 0xc0010000 ? 0x800 : 0x1000;
	u32 bit = (msr & 0x1fff) * 2;
	u8 *byte = svm_msrpm + offset + bit / 8;

	*byte &= ~(3 << bit % 8);
}

int svm_maps_create(void)
{
	unsigned int i;

	svm_iopm = (void *)__get_free_pages(GFP_KERNEL, SVM_IOPM_ORDER);
	svm_msrpm = (void *)__get_free_pages(GFP_KERNEL, SVM_MSRPM_ORDER);
	if (!svm_iopm || !svm_msrpm) {
		svm_maps_destroy();
		return -ENOMEM;
	}
	memset(svm_iopm, 0xff, PAGE_SIZE << SVM_IOPM_ORDER);
	memset(svm_msrpm, 0xff, PAGE_SIZE << SVM_MSRPM_ORDER);
	for (i = 0; i < ARRAY_SIZE(svm_direct_msrs); i++)
		svm_msr_allow(svm_direct_msrs[i]);
	return 0;
}

void svm_maps_destroy(void)
{
	free_pages((unsigned long)svm_iopm, SVM_IOPM_ORDER);
	free_pages((unsigned long)svm_msrpm, SVM_MSRPM_ORDER);
	svm_iopm = NULL;
	svm_msrpm = NULL;
}

u64 svm_maps_io(void)
{
	return __sme_pa(svm_iopm);
}

u64 svm_maps_msr(void)
{
	return __sme_pa(svm_msrpm);
}
