/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Feature bits that a guest may see if the host has them, private to
 * cpuid_build.c. Bit numbers: SDM 2A CPUID, APM 3 appendix E.
 *
 * A bit stands here when it names instructions without state of their own, or
 * state that the backends switch. Left out on purpose: SVM, VMX, SMX, SGX;
 * MONITOR(X), WAITPKG (would stop a core without an exit); PMU, IBS, LWP, PT,
 * DS, PDCM; TSX; MPX, PKU, CET, AMX, LA57, XSAVEC, XSAVES (state or modes that
 * nobody switches); RDT; thermal and power management; XAPIC extensions; debug
 * extensions; RDPRU; ARCH_CAPABILITIES, VIRT_SSBD.
 */
#ifndef IVM_EMUL_CPUID_ALLOW_H
#define IVM_EMUL_CPUID_ALLOW_H

#include <linux/bits.h>

/* XCR0: SSE and AVX; those and opmask, ZMM_Hi256, Hi16_ZMM. */
#define XCR0_AVX	(BIT(1) | BIT(2))
#define XCR0_AVX512	(XCR0_AVX | BIT(5) | BIT(6) | BIT(7))

#define CPUID_1_EBX_CLFLUSH_SIZE 0xff00U

#define CPUID_1_ECX_PCID	BIT(17)
#define CPUID_7_EBX_INVPCID	BIT(10)
#define CPUID_1_ECX_XSAVE	BIT(26)
#define CPUID_1_ECX_NEEDS_YMM	(BIT(12) | BIT(28) | BIT(29))	/* FMA AVX F16C */
#define CPUID_1_ECX_ALLOW						\
	(BIT(0) | BIT(1) | BIT(9) |		/* SSE3 PCLMULQDQ SSSE3 */	\
	 BIT(13) | CPUID_1_ECX_PCID |		/* CMPXCHG16B */	\
	 BIT(19) | BIT(20) |			/* SSE4.1 SSE4.2 */	\
	 BIT(22) | BIT(23) | BIT(25) |		/* MOVBE POPCNT AES */	\
	 CPUID_1_ECX_XSAVE | BIT(30) |		/* RDRAND */		\
	 CPUID_1_ECX_NEEDS_YMM)
/* x2APIC, TSC-deadline timer, "a hypervisor is present": ours whatever the host has. */
#define CPUID_1_ECX_OURS	(BIT(21) | BIT(24) | BIT(31))

#define CPUID_1_EDX_VME		BIT(1)
#define CPUID_1_EDX_DE		BIT(2)
#define CPUID_1_EDX_PSE		BIT(3)
#define CPUID_1_EDX_PAE		BIT(6)
#define CPUID_1_EDX_APIC	BIT(9)
#define CPUID_1_EDX_PGE		BIT(13)
#define CPUID_1_EDX_FXSR	BIT(24)
#define CPUID_1_EDX_SSE		BIT(25)
#define CPUID_1_EDX_HTT		BIT(28)
#define CPUID_1_EDX_ALLOW						\
	(BIT(0) | CPUID_1_EDX_VME | CPUID_1_EDX_DE | CPUID_1_EDX_PSE |	/* FPU */	\
	 BIT(4) | BIT(5) | CPUID_1_EDX_PAE |	/* TSC MSR */		\
	 BIT(7) | BIT(8) | BIT(11) |		/* MCE CX8 SEP */	\
	 BIT(12) | CPUID_1_EDX_PGE | BIT(14) |	/* MTRR MCA */		\
	 BIT(15) | BIT(16) | BIT(17) |		/* CMOV PAT PSE-36 */	\
	 BIT(19) | BIT(23) |			/* CLFLUSH MMX */	\
	 CPUID_1_EDX_FXSR | CPUID_1_EDX_SSE |				\
	 BIT(26) | BIT(27))			/* SSE2 self-snoop */

#define CPUID_7_EBX_FSGSBASE	BIT(0)
#define CPUID_7_EBX_SMEP	BIT(7)
#define CPUID_7_EBX_SMAP	BIT(20)
#define CPUID_7_EBX_NEEDS_YMM	BIT(5)					/* AVX2 */
/* AVX512: F DQ IFMA PF ER CD BW VL */
#define CPUID_7_EBX_NEEDS_ZMM	(BIT(16) | BIT(17) | BIT(21) | BIT(26) | \
				 BIT(27) | BIT(28) | BIT(30) | BIT(31))
#define CPUID_7_EBX_ALLOW						\
	(CPUID_7_EBX_FSGSBASE | BIT(1) |	/* TSC_ADJUST */	\
	 BIT(3) | BIT(6) | BIT(8) |		/* BMI1, FDP exceptions only, BMI2 */	\
	 CPUID_7_EBX_SMEP | BIT(9) | CPUID_7_EBX_INVPCID | /* ERMS */	\
	 BIT(13) | BIT(18) | BIT(19) |		/* no FPU CS/DS, RDSEED ADX */	\
	 CPUID_7_EBX_SMAP | BIT(23) | BIT(24) |	/* CLFLUSHOPT CLWB */	\
	 BIT(29) | CPUID_7_EBX_NEEDS_YMM | CPUID_7_EBX_NEEDS_ZMM)	/* SHA */

#define CPUID_7_ECX_UMIP	BIT(2)
#define CPUID_7_ECX_NEEDS_YMM	(BIT(9) | BIT(10))			/* VAES VPCLMULQDQ */
/* AVX512: VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
#define CPUID_7_ECX_NEEDS_ZMM	(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define CPUID_7_ECX_ALLOW						\
	(BIT(0) | CPUID_7_ECX_UMIP |		/* PREFETCHWT1 */	\
	 BIT(8) | BIT(22) | BIT(25) |		/* GFNI RDPID CLDEMOTE */	\
	 BIT(27) | BIT(28) |			/* MOVDIRI MOVDIR64B */	\
	 CPUID_7_ECX_NEEDS_YMM | CPUID_7_ECX_NEEDS_ZMM)

/* AVX512: 4VNNIW 4FMAPS VP2INTERSECT FP16 */
#define CPUID_7_EDX_NEEDS_ZMM	(BIT(2) | BIT(3) | BIT(8) | BIT(23))
#define CPUID_7_EDX_ALLOW						\
	(BIT(4) | BIT(10) | BIT(14) |		/* FSRM MD_CLEAR SERIALIZE */	\
	 BIT(26) | BIT(27) | BIT(31) |		/* IBRS+IBPB STIBP SSBD: MSRs 48, 49 */	\
	 CPUID_7_EDX_NEEDS_ZMM)

#define CPUID_7_1_EAX_NEEDS_YMM	(BIT(4) | BIT(23))			/* AVX-VNNI AVX-IFMA */
#define CPUID_7_1_EAX_NEEDS_ZMM	BIT(5)					/* AVX512-BF16 */
/* Short-string speed bits: FZRM FSRS FSRC */
#define CPUID_7_1_EAX_ALLOW						\
	(BIT(10) | BIT(11) | BIT(12) | CPUID_7_1_EAX_NEEDS_YMM | CPUID_7_1_EAX_NEEDS_ZMM)

#define CPUID_D_1_EAX_ALLOW	BIT(0)					/* XSAVEOPT */

#define CPUID_80000001_EBX_PACKAGE 0xf0000000U
#define CPUID_80000001_ECX_CMP_LEGACY BIT(1)
#define CPUID_80000001_ECX_TOPOEXT BIT(22)
#define CPUID_80000001_ECX_NEEDS_YMM (BIT(11) | BIT(16))		/* XOP FMA4 */
#define CPUID_80000001_ECX_ALLOW					\
	(BIT(0) | BIT(4) |			/* LAHF in 64-bit mode, CR8 by LOCK MOV */	\
	 BIT(5) | BIT(6) | BIT(7) | BIT(8) |	/* LZCNT SSE4A misaligned-SSE PREFETCHW */	\
	 BIT(21) | CPUID_80000001_ECX_NEEDS_YMM) /* TBM */

#define CPUID_80000001_EDX_SYSCALL BIT(11)
#define CPUID_80000001_EDX_NX	BIT(20)
#define CPUID_80000001_EDX_FFXSR BIT(25)
#define CPUID_80000001_EDX_LM	BIT(29)
#define CPUID_80000001_EDX_ALLOW					\
	(CPUID_80000001_EDX_SYSCALL | CPUID_80000001_EDX_NX |		\
	 BIT(22) | CPUID_80000001_EDX_FFXSR |	/* MMX extensions */	\
	 BIT(26) | BIT(27) |			/* 1 GiB pages, RDTSCP */	\
	 CPUID_80000001_EDX_LM | BIT(30) | BIT(31)) /* 3DNow! */
#define CPUID_80000001_EDX_SHARED 0x0183f3ffU	/* what AMD repeats from leaf 1 */

#define CPUID_80000008_EBX_ALLOW					\
	(BIT(0) | BIT(2) |			/* CLZERO, FXRSTOR restores error pointers */	\
	 BIT(12) | BIT(14) | BIT(15) |		/* IBPB IBRS STIBP: MSRs 48, 49 */	\
	 BIT(16) | BIT(17) | BIT(18) | BIT(19) | /* how IBRS and STIBP are best used */	\
	 BIT(24) | BIT(26) | BIT(29) | BIT(30))	/* SSBD SSB_NO BTC_NO IBPB_RET */

#define CPUID_80000021_EAX_ALLOW					\
	(BIT(0) | BIT(2) | BIT(6) |		/* facts on data breakpoints, LFENCE, null selectors */	\
	 BIT(27) | BIT(28) | BIT(29))		/* SBPB IBPB_BRTYPE SRSO_NO */

/* KVM's documented interface: clocksource, no I/O delay needed, clocksource2, EOI without exit, stable clock. */
#define KVM_FEATURES		(BIT(0) | BIT(1) | BIT(3) | BIT(6) | BIT(24))

#endif
