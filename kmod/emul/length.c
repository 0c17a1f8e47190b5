// SPDX-License-Identifier: GPL-2.0-only
/* How long the intercepted instruction is, on CPUs that do not save the next RIP. */
#include "insn.h"
#include "../mem/mem.h"

#include <linux/compiler.h>

#include <asm/unaligned.h>

/* Bytes of an opcode written as a number: 0xf4, 0x0fa2, 0x0f01d0. */
static unsigned int opcode_bytes(u32 opcode)
{
	return opcode > 0xffff ? 3 : opcode > 0xff ? 2 : 1;
}

/* MOV to and from control and debug registers: ModRM names two registers whatever its mod field says. */
static bool has_register_byte(u32 opcode)
{
	return opcode - 0x0f20 <= 0x0f23 - 0x0f20;
}

/* Groups 6 and 7 (LGDT, INVLPG …) when their ModRM byte is not part of the number. */
static bool has_modrm(u32 opcode)
{
	return opcode - 0x0f00 <= 0x0f01 - 0x0f00;
}

static bool has_immediate(u32 opcode)
{
	return opcode == 0xcd;		/* INT n */
}

/*
 * With prefixes, in other modes, across pages, and with what follows some
 * opcodes. @rm, may be NULL: the register in the r/m field of that.
 */
static unsigned int length_slow(const struct ivm_emul_cpu *cpu, u32 opcode, unsigned int *rm)
{
	struct ivm_fault fault;
	u64 gpa;
	struct ivm_insn insn = { .cpu = cpu, .fault = &fault, .gpa = &gpa };
	unsigned int n = opcode_bytes(opcode);
	u32 found;
	u8 byte;

	ivm_code_start(&insn.code, cpu);
	if (ivm_decode_prefixes(&insn, &byte))
		return 0;
	found = byte;
	while (--n) {
		if (ivm_code_byte(&insn, &byte))
			return 0;
		found = found << 8 | byte;
	}
	/* All of these are #UD with LOCK, and would not have been intercepted. */
	if (found != opcode || insn.lock)
		return 0;
	if ((has_register_byte(opcode) || has_immediate(opcode)) && ivm_code_byte(&insn, &byte))
		return 0;
	if (has_modrm(opcode) && ivm_decode_modrm(&insn))
		return 0;
	if (rm)
		*rm = (byte & 7) | (insn.rex & REX_B ? 8 : 0);
	return insn.code.pos;
}

unsigned int ivm_emul_mov_reg(const struct ivm_emul_cpu *cpu, u32 opcode, unsigned int *gpr)
{
	return length_slow(cpu, opcode, gpr);
}

unsigned int ivm_emul_length(const struct ivm_emul_cpu *cpu, u32 opcode)
{
	u64 rip = cpu->regs->rip, gpa;
	unsigned int n = opcode_bytes(opcode);
	struct ivm_fault fault;
	void *ram;

	/* No segment, no page boundary, no prefix, nothing after the opcode: nearly always. */
	if (likely(ivm_in_long_mode_code(cpu->sregs) && (rip & 0xfff) <= 0xffc)) {
		if (ivm_walk_fetch(cpu, rip, &gpa, &fault))
			return 0;
		ram = ivm_space_ptr(cpu->space, gpa, NULL);
		if (unlikely(!ram))
			return 0;
		if (likely(get_unaligned_be32(ram) >> (32 - 8 * n) == opcode) &&
		    !has_register_byte(opcode) && !has_modrm(opcode) && !has_immediate(opcode))
			return n;
	}
	return length_slow(cpu, opcode, NULL);
}
