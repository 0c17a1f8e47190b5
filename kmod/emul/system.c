// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that decide about paging: MOV to and from control registers, CLTS,
 * LMSW, SMSW, INVLPG (APM 3, "System Instruction Reference"). They are taken
 * apart here for CPUs that do not tell their operands; what they do is vm/'s.
 */
#include "insn.h"

#include <linux/kernel.h>

static bool names_register(const struct ivm_insn *insn)
{
	return insn->modrm >> 6 == 3;
}

static unsigned int rm_register(const struct ivm_insn *insn)
{
	return (insn->modrm & 7) | (insn->rex & REX_B ? 8 : 0);
}

/* The memory operand's offset is complete once the length is known. */
static void finish_offset(struct ivm_insn *insn)
{
	if (insn->rip_relative)
		insn->offset += ivm_code_next_rip(insn);
	insn->offset = ivm_low(insn->offset, insn->addr_size);
}

/* No fault, whatever the address: INVLPG checks neither limits nor canonical form. */
static u64 linear_of(const struct ivm_insn *insn)
{
	const struct ivm_sregs *s = insn->cpu->sregs;

	if (insn->code.mode == 64)
		return insn->offset + (insn->seg >= IVM_FS ? s->seg[insn->seg].base : 0);
	return (u32)(insn->offset + s->seg[insn->seg].base);
}

/* A register takes the whole of CR0, as far as it is wide; memory takes 16 bits. */
static enum ivm_emul_result store_msw(struct ivm_insn *insn)
{
	u64 cr0 = insn->cpu->sregs->cr0;
	struct ivm_operand operand = {};
	enum ivm_emul_result ret;

	if (names_register(insn)) {
		insn->size = insn->rex & REX_W ? 8 : (insn->code.mode == 16) != insn->data16 ? 2 : 4;
		ivm_reg_write(insn, rm_register(insn), insn->size, cr0);
		return IVM_EMUL_DONE;
	}
	ret = ivm_operand_prepare(insn, &operand, insn->seg, insn->offset, 2, true);
	return ret ? ret : ivm_operand_write(insn, &operand, cr0);
}

static enum ivm_emul_result load_msw(struct ivm_insn *insn, u64 *value)
{
	struct ivm_operand operand = {};
	enum ivm_emul_result ret;

	if (names_register(insn)) {
		*value = ivm_reg_read(insn, rm_register(insn), 2);
		return IVM_EMUL_DONE;
	}
	ret = ivm_operand_prepare(insn, &operand, insn->seg, insn->offset, 2, false);
	return ret ? ret : ivm_operand_read(insn, &operand, value);
}

/* 0F 01: group 7. */
static enum ivm_emul_result group7(struct ivm_insn *insn, struct ivm_system *system)
{
	enum ivm_emul_result ret = ivm_decode_modrm(insn);

	if (ret)
		return ret;
	if (!names_register(insn))
		finish_offset(insn);
	switch (insn->modrm >> 3 & 7) {
	case 4:
		system->op = IVM_SYSTEM_SMSW;
		return store_msw(insn);
	case 6:
		system->op = IVM_SYSTEM_LMSW;
		return load_msw(insn, &system->value);
	case 7:
		if (names_register(insn))
			return IVM_EMUL_UNKNOWN;
		system->op = IVM_SYSTEM_INVLPG;
		system->value = linear_of(insn);
		return IVM_EMUL_DONE;
	default:
		return IVM_EMUL_UNKNOWN;
	}
}

static enum ivm_emul_result decode_system(struct ivm_insn *insn, struct ivm_system *system)
{
	enum ivm_emul_result ret;
	u8 byte;

	ret = ivm_decode_prefixes(insn, &byte);
	if (!ret && (byte != 0x0f || insn->lock))
		return IVM_EMUL_UNKNOWN;
	if (!ret)
		ret = ivm_code_byte(insn, &byte);
	if (ret)
		return ret;
	switch (byte) {
	case 0x01:
		return group7(insn, system);
	case 0x06:
		system->op = IVM_SYSTEM_CLTS;
		return IVM_EMUL_DONE;
	case 0x20:
	case 0x22:
		/* Registers, whatever the mod field says. */
		ret = ivm_code_byte(insn, &insn->modrm);
		system->op = byte == 0x22 ? IVM_SYSTEM_TO_CR : IVM_SYSTEM_FROM_CR;
		system->number = (insn->modrm >> 3 & 7) | (insn->rex & REX_R ? 8 : 0);
		system->gpr = rm_register(insn);
		return ret;
	default:
		return IVM_EMUL_UNKNOWN;
	}
}

enum ivm_emul_result ivm_emul_system(const struct ivm_emul_cpu *cpu, const struct ivm_emul_ops *ops, void *ctx,
				     struct ivm_system *system, struct ivm_fault *fault, u64 *gpa)
{
	struct ivm_insn insn = { .cpu = cpu, .ops = ops, .ctx = ctx, .fault = fault, .gpa = gpa };
	enum ivm_emul_result ret;

	ivm_code_start(&insn.code, cpu);
	ret = decode_system(&insn, system);
	system->length = insn.code.pos;
	return ret;
}
