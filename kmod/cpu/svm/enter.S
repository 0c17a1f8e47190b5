/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch (AMD APM 15.5).
 *
 * VMRUN and #VMEXIT swap little more than RIP, RSP, RAX, RFLAGS, CRs, CS, SS,
 * DS, ES, GDTR and IDTR. FS, GS, TR, LDTR and the SYSCALL and SYSENTER MSRs are
 * the guest's from the first VMLOAD to the last: no per-CPU access in between,
 * and CLGI holds back every interrupt and NMI that would make one.
 *
 * Interrupts are enabled under CLGI: with V_INTR_MASKING the host's IF at VMRUN
 * decides whether a host interrupt ends the guest's run (APM 15.21.1).
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/cpufeatures.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>

/* Offsets in the array of general registers, numbered as ModRM does; RAX and RSP are in the VMCB. */
#define GPR(n)	(8 * (n))

.section .noinstr.text, "ax"

/*
 * void svm_switch(u64 *gpr, u64 vmcb_pa, u64 host_pa, u32 guest_spec_ctrl, u32 host_spec_ctrl)
 *
 * Equal values of SPEC_CTRL: the MSR is left alone.
 */
SYM_FUNC_START(svm_switch)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx

	push	%r8		/* host_spec_ctrl */
	push	%rcx		/* guest_spec_ctrl */
	push	%rdx		/* host_pa */
	push	%rsi		/* vmcb_pa */
	push	%rdi		/* gpr */

	clgi
	sti

	cmp	%ecx, %r8d
	je	1f
	mov	%ecx, %eax
	xor	%edx, %edx
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	wrmsr
1:
	mov	%rsi, %rax
	vmload	%rax

	mov	GPR(1)(%rdi), %rcx
	mov	GPR(2)(%rdi), %rdx
	mov	GPR(3)(%rdi), %rbx
	mov	GPR(5)(%rdi), %rbp
	mov	GPR(6)(%rdi), %rsi
	mov	GPR(8)(%rdi), %r8
	mov	GPR(9)(%rdi), %r9
	mov	GPR(10)(%rdi), %r10
	mov	GPR(11)(%rdi), %r11
	mov	GPR(12)(%rdi), %r12
	mov	GPR(13)(%rdi), %r13
	mov	GPR(14)(%rdi), %r14
	mov	GPR(15)(%rdi), %r15
	mov	GPR(7)(%rdi), %rdi

	VM_CLEAR_CPU_BUFFERS
	vmrun	%rax

	/* RAX is vmcb_pa again and RSP ours; the rest is the guest's. */
	pop	%rax		/* gpr */
	mov	%rcx, GPR(1)(%rax)
	mov	%rdx, GPR(2)(%rax)
	mov	%rbx, GPR(3)(%rax)
	mov	%rbp, GPR(5)(%rax)
	mov	%rsi, GPR(6)(%rax)
	mov	%rdi, GPR(7)(%rax)
	mov	%r8, GPR(8)(%rax)
	mov	%r9, GPR(9)(%rax)
	mov	%r10, GPR(10)(%rax)
	mov	%r11, GPR(11)(%rax)
	mov	%r12, GPR(12)(%rax)
	mov	%r13, GPR(13)(%rax)
	mov	%r14, GPR(14)(%rax)
	mov	%r15, GPR(15)(%rax)

	pop	%rax		/* vmcb_pa */
	vmsave	%rax
	pop	%rax		/* host_pa */
	vmload	%rax

	/* No return address of the guest's making may be predicted. */
	FILL_RETURN_BUFFER %rax, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT

	pop	%rcx		/* guest_spec_ctrl */
	pop	%rax		/* host_spec_ctrl */
	cmp	%ecx, %eax
	je	2f
	xor	%edx, %edx
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	wrmsr
2:
	/* Before any return: it may call the IBPB, which clobbers RAX, RCX and RDX. */
	UNTRAIN_RET

	/* Values of the guest's choosing must not feed a mispredicted path of ours. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d

	cli
	stgi

	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET
SYM_FUNC_END(svm_switch)
