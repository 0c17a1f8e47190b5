// SPDX-License-Identifier: GPL-2.0-only
#include "fpu.h"

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>

/*
 * State components that a guest may own: x87, SSE, AVX and the three of
 * AVX-512 (AMD APM 11.5.2). MPX is dead, PKRU is switched by the host's
 * scheduler behind our back, AMX needs permission per process: not offered.
 */
#define FPU_X87		BIT_ULL(0)
#define FPU_SSE		BIT_ULL(1)
#define FPU_AVX		BIT_ULL(2)
#define FPU_AVX512	(BIT_ULL(5) | BIT_ULL(6) | BIT_ULL(7))
#define FPU_OFFERED	(FPU_X87 | FPU_SSE | FPU_AVX | FPU_AVX512)

#define FPU_FCW_RESET	0x0040	/* after RESET (AMD APM 14.1.3) */
#define FPU_MXCSR_RESET	0x1f80

static u64 fpu_allowed __ro_after_init;	/* XCR0 bits for guests; 0 without XSAVE */
static u64 fpu_host_xcr0 __ro_after_init;
static unsigned int fpu_order __ro_after_init;	/* pages of a save area */

/* Legend: (o) the vCPU's own thread, or the thread is parked  (c) constant */
struct ivm_fpu {
	u64 xcr0;	/* (o) the guest's */
	void *area;	/* (o) XSAVE or FXSAVE format, standard; page-aligned */
};

/* The legacy header of an XSAVE area (AMD APM 11.4.4). */
struct fpu_legacy {
	u16 fcw, fsw;
	u8 ftw, reserved;
	u16 fop;
	u64 rip, rdp;
	u32 mxcsr, mxcsr_mask;
};

static void fpu_save(void *area, u64 mask)
{
	if (fpu_allowed)
		asm volatile("xsave64 (%0)" : : "r" (area), "a" ((u32)mask), "d" ((u32)(mask >> 32)) : "memory");
	else
		asm volatile("fxsave64 (%0)" : : "r" (area) : "memory");
}

static void fpu_restore(const void *area, u64 mask)
{
	if (fpu_allowed)
		asm volatile("xrstor64 (%0)" : : "r" (area), "a" ((u32)mask), "d" ((u32)(mask >> 32)) : "memory");
	else
		asm volatile("fxrstor64 (%0)" : : "r" (area) : "memory");
}

/**
 * ivm_fpu_init() - read what the host has enabled
 *
 * Context: module load, any CPU; Linux keeps XCR0 equal on all of them.
 */
void __init ivm_fpu_init(void)
{
	u32 eax, ebx, ecx, edx;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return;
	fpu_host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	fpu_allowed = fpu_host_xcr0 & FPU_OFFERED;
	if ((fpu_allowed & FPU_AVX512) != FPU_AVX512)
		fpu_allowed &= ~FPU_AVX512;
	/* EBX: bytes that an XSAVE of everything in XCR0 may touch (AMD APM E.3.8). */
	cpuid_count(0xd, 0, &eax, &ebx, &ecx, &edx);
	fpu_order = get_order(ebx);
}

u64 ivm_fpu_xcr0_allowed(void)
{
	return fpu_allowed;
}

struct ivm_fpu *ivm_fpu_create(void)
{
	struct ivm_fpu *fpu = kzalloc(sizeof(*fpu), GFP_KERNEL);

	if (!fpu)
		return ERR_PTR(-ENOMEM);
	fpu->area = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, fpu_order);
	if (!fpu->area) {
		kfree(fpu);
		return ERR_PTR(-ENOMEM);
	}
	ivm_fpu_reset(fpu);
	return fpu;
}

void ivm_fpu_destroy(struct ivm_fpu *fpu)
{
	if (!fpu)
		return;
	/* Registers may have held secrets of the guest. */
	memset(fpu->area, 0, PAGE_SIZE << fpu_order);
	free_pages((unsigned long)fpu->area, fpu_order);
	kfree(fpu);
}

void ivm_fpu_reset(struct ivm_fpu *fpu)
{
	struct fpu_legacy *legacy = fpu->area;

	memset(fpu->area, 0, PAGE_SIZE << fpu_order);
	legacy->fcw = FPU_FCW_RESET;
	legacy->mxcsr = FPU_MXCSR_RESET;
	if (fpu_allowed)	/* XSTATE_BV: take x87 and SSE from the area, the rest is initial */
		*(u64 *)(fpu->area + 512) = FPU_X87 | FPU_SSE;
	fpu->xcr0 = FPU_X87;
}

/**
 * ivm_fpu_load() - put the guest's state into the registers
 * @fpu: of the vCPU whose thread this is
 *
 * kernel_fpu_begin() first: it saves a user task's registers if they are still
 * live and makes the host forget which task they belong to.
 *
 * Context: the vCPU's thread, interrupts off until ivm_fpu_put().
 */
void ivm_fpu_load(struct ivm_fpu *fpu)
{
	kernel_fpu_begin_mask(0);
	fpu_restore(fpu->area, fpu_allowed);
	if (fpu_allowed && fpu->xcr0 != fpu_host_xcr0)
		xsetbv(XCR_XFEATURE_ENABLED_MASK, fpu->xcr0);
}

void ivm_fpu_put(struct ivm_fpu *fpu)
{
	if (fpu_allowed) {
		fpu->xcr0 = ivm_fpu_xcr0_live();
		if (fpu->xcr0 != fpu_host_xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, fpu_host_xcr0);
	}
	fpu_save(fpu->area, fpu_allowed);
	kernel_fpu_end();
}

/**
 * ivm_fpu_xcr0_live() - the guest's XCR0, from the register
 *
 * XSETBV is intercepted, and yet this looks: emulators of SVM are known to let
 * it through, and what the guest then holds there must not stay for the host.
 *
 * Context: between load and put.
 */
u64 ivm_fpu_xcr0_live(void)
{
	return fpu_allowed ? xgetbv(XCR_XFEATURE_ENABLED_MASK) & fpu_allowed : 0;
}

/**
 * ivm_fpu_set_xcr0() - the guest's XSETBV of XCR0 (AMD APM 11.5.2)
 * @fpu:  loaded
 * @xcr0: any value
 *
 * Return: 0, or -EINVAL for #GP(0): x87 off, AVX without SSE, AVX-512 in part
 * or without AVX, a bit that is not offered.
 */
int ivm_fpu_set_xcr0(struct ivm_fpu *fpu, u64 xcr0)
{
	if (!(xcr0 & FPU_X87) || (xcr0 & ~fpu_allowed))
		return -EINVAL;
	if ((xcr0 & FPU_AVX) && !(xcr0 & FPU_SSE))
		return -EINVAL;
	if ((xcr0 & FPU_AVX512) &&
	    ((xcr0 & FPU_AVX512) != FPU_AVX512 || !(xcr0 & FPU_AVX)))
		return -EINVAL;
	fpu->xcr0 = xcr0;
	xsetbv(XCR_XFEATURE_ENABLED_MASK, xcr0);
	return 0;
}
