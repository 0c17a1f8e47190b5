/* SPDX-License-Identifier: GPL-2.0-only */
/* Says "S" on the UART with its first instructions, then ends by debug-exit: how long does a start take? */
	.section .multiboot, "a"
	.balign 8
	.long 0x1badb002, 0x00000001, -(0x1badb002 + 0x00000001)

	.text
	.code32
	.globl _start
_start:
	mov	$0x3f8, %dx
	mov	$'S', %al
	out	%al, %dx
	mov	$'\n', %al
	out	%al, %dx
	mov	$0x10, %al
	out	%al, $0xf4
1:	cli
	hlt
	jmp	1b
	.section .note.GNU-stack, "", @progbits
