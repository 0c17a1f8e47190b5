/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From multiboot 1 (32-bit protected mode, no paging) to 64-bit C, and the
 * trampoline that brings other vCPUs the same way from real mode.
 */
#define MAGIC 0x1badb002
#define FLAGS 0x00000003	/* modules on pages; memory map wanted */

	.section .multiboot, "a"
	.balign 8
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)

	.text
	.code32
	.globl _start
_start:
	cli
	cld
	mov	%eax, boot_magic
	mov	%ebx, boot_info
	lgdt	gdt_pointer
	/* 4 GiB one to one by 2 MiB pages */
	mov	$pd, %edi
	mov	$0x83, %eax
	mov	$2048, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$0x200000, %eax
	loop	1b
	mov	$pd + 3, %eax
	mov	$pdpt, %edi
	mov	$4, %ecx
1:	mov	%eax, (%edi)
	add	$8, %edi
	add	$4096, %eax
	loop	1b
	movl	$pdpt + 3, pml4
	mov	$cpus, %ebx
	mov	$boot_stack_end, %esp
	jmp	to_long_mode

/* EBX = struct cpu, ESP = stack, GDT loaded, paging off */
to_long_mode:
	mov	%cr4, %eax
	or	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	mov	%eax, %cr4
	mov	$pml4, %eax
	mov	%eax, %cr3
	mov	$0xc0000080, %ecx
	rdmsr
	or	$0x900, %eax		/* LME, NXE */
	wrmsr
	mov	%cr0, %eax
	and	$~0x6000000c, %eax	/* caches on, no x87 emulation, TS clear */
	or	$0x80010023, %eax	/* PG, WP, NE, MP, PE */
	mov	%eax, %cr0
	ljmp	$0x08, $1f

	.code64
1:	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%ebx, %edi
	xor	%ebp, %ebp
	call	cpu_entry
1:	cli
	hlt
	jmp	1b

/*
 * Copied to AP_BASE; a vCPU starts there in real mode with CS = AP_BASE >> 4.
 * ap_cpu and ap_stack are filled in before each SIPI.
 */
#define AP_BASE 0x8000
	.balign 16
	.code16
	.globl ap_begin, ap_end, ap_cpu, ap_stack
ap_begin:
	cli
	cld
	/* Exits in real mode, whose lengths have to be found too */
	mov	$0x40000100, %eax
	cpuid
	mov	$0x2f8, %dx
	in	%dx, %al
	out	%eax, $0x80
	xor	%ax, %ax
	mov	%ax, %ds
	lgdtl	AP_BASE + (ap_gdt - ap_begin)
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$0x40, $(AP_BASE + (1f - ap_begin))
	.code32
1:	mov	$0x10, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	AP_BASE + (ap_cpu - ap_begin), %ebx
	mov	AP_BASE + (ap_stack - ap_begin), %esp
	mov	$to_long_mode, %eax
	jmp	*%eax
	.balign 4
ap_cpu:	.long	0
ap_stack: .long	0
ap_gdt:	.word	gdt_end - gdt - 1
	.long	gdt
ap_end:

	.data
	.balign 8
	.globl	gdt, tss_desc
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 08: 64-bit code */
	.quad	0x00cf93000000ffff	/* 10: data */
	.quad	0x00cff3000000ffff	/* 18: user data */
	.quad	0x00affb000000ffff	/* 20: user 64-bit code */
tss_desc: .quad	0, 0			/* 28: TSS of the vCPU that loads it */
	.quad	0x00009b000000ffff	/* 38: 16-bit code */
	.quad	0x00cf9b000000ffff	/* 40: 32-bit code */
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.quad	gdt
	.globl	boot_magic, boot_info
boot_magic: .long 0
boot_info: .long 0

	.bss
	.balign	4096
	.globl	pml4
pml4:	.skip	4096
pdpt:	.skip	4096
pd:	.skip	4 * 4096
boot_stack: .skip 16384
boot_stack_end:

	.section .note.GNU-stack, "", @progbits
