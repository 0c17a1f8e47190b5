/* SPDX-License-Identifier: GPL-2.0-only */
/* One stub per vector, guarded(), and the way to CPL 3 and back. */

	.text
	.code64
	.altmacro
	.macro stub v
	.balign 16
	.if \v != 8 && (\v < 10 || \v > 14) && \v != 17 && \v != 21 && \v != 29 && \v != 30
	push	$0
	.endif
	push	$\v
	jmp	trap_common
	.endm

	.balign 16
	.globl	trap_stubs
trap_stubs:
	.set	i, 0
	.rept	256
	stub	%i
	.set	i, i + 1
	.endr

trap_common:
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$~15, %rsp
	call	trap
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq

/* int guarded_call(fn, arg): 0, or 1 when an exception ended it */
	.globl	guarded_call, guarded_end
guarded_call:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%gs:8
	mov	%rsp, %gs:8
	sub	$8, %rsp
	mov	%rdi, %rax
	mov	%rsi, %rdi
	and	$~15, %rsp
	call	*%rax
	xor	%eax, %eax
	mov	%gs:8, %rsp
	jmp	1f
guarded_end:				/* trap() set RSP to what %gs:8 holds */
	mov	$1, %eax
1:	pop	%gs:8
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

/* void user_enter(fn, arg, stack): as fn at CPL 3; ends by user_return() there, or by a guarded exception */
	.globl	user_enter, user_return, user_leave
user_enter:
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%gs:16
	mov	%rsp, %gs:16
	mov	%rdi, %rax
	mov	%rsi, %rdi
	push	$0x1b
	push	%rdx
	pushfq
	orq	$0x3000, (%rsp)		/* IOPL 3 */
	push	$0x23
	push	%rax
	iretq
user_return:
	int	$0x30
	hlt
user_leave:				/* trap() set RSP to what %gs:16 holds */
	pop	%gs:16
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	ret

	.section .note.GNU-stack, "", @progbits
