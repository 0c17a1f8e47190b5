// SPDX-License-Identifier: GPL-2.0-only
/*
 * From bytes to fields: prefixes, opcode, ModRM, immediate (SDM 2A chapter 2,
 * APM 3 chapter 1). Knows only what ivm_emul_mmio() and ivm_emul_string_io()
 * answer, and of that only forms with a memory operand.
 */
#include "insn.h"

#include <linux/kernel.h>


static unsigned int mod(const struct ivm_insn *insn)
{
	return insn->modrm >> 6;
}

/* ModRM.reg as it selects an operation within a group: without REX. */
static unsigned int group(const struct ivm_insn *insn)
{
	return insn->modrm >> 3 & 7;
}

/**
 * ivm_decode_prefixes() - legacy prefixes and REX
 * @insn:	sizes and prefixes are filled; code must be started
 * @opcode:	the byte after them
 */
enum ivm_emul_result ivm_decode_prefixes(struct ivm_insn *insn, u8 *opcode)
{
	bool long_mode = insn->code.mode == 64, addr_toggle = false;
	enum ivm_emul_result ret;
	u8 byte;

	insn->override = -1;
	for (;;) {
		ret = ivm_code_byte(insn, &byte);
		if (ret)
			return ret;
		if (long_mode && (byte & 0xf0) == 0x40) {
			insn->rex = byte;
			continue;
		}
		switch (byte) {
		case 0x26: case 0x2e: case 0x36: case 0x3e:	/* ES CS SS DS: without effect in 64-bit code */
			if (!long_mode)
				insn->override = byte >> 3 & 3;
			break;
		case 0x64: case 0x65:				/* FS GS */
			insn->override = IVM_FS + (byte & 1);
			break;
		case 0x66:
			insn->data16 = true;
			break;
		case 0x67:
			addr_toggle = true;
			break;
		case 0xf0:
			insn->lock = true;
			break;
		case 0xf2: case 0xf3:
			insn->rep = byte;
			break;
		default:
			if (long_mode)
				insn->addr_size = addr_toggle ? 4 : 8;
			else
				insn->addr_size = (insn->code.mode == 16) != addr_toggle ? 2 : 4;
			*opcode = byte;
			return IVM_EMUL_DONE;
		}
		insn->rex = 0;		/* counts only right before the opcode */
	}
}

/* Size of an operand that is not a byte. */
static unsigned int word_size(const struct ivm_insn *insn)
{
	if (insn->rex & REX_W)
		return 8;
	return (insn->code.mode == 16) != insn->data16 ? 2 : 4;
}

/* Stack operands are 64 bits wide in 64-bit code unless 0x66 makes them 16. */
static unsigned int stack_size(const struct ivm_insn *insn)
{
	if (insn->code.mode == 64)
		return insn->data16 && !(insn->rex & REX_W) ? 2 : 8;
	return word_size(insn);
}

/* 16-bit addressing: base, index, or none. */
static enum ivm_emul_result modrm16(struct ivm_insn *insn)
{
	static const s8 base[8] = { IVM_RBX, IVM_RBX, IVM_RBP, IVM_RBP, IVM_RSI, IVM_RDI, IVM_RBP, IVM_RBX };
	static const s8 index[8] = { IVM_RSI, IVM_RDI, IVM_RSI, IVM_RDI, -1, -1, -1, -1 };
	const u64 *gpr = insn->cpu->regs->gpr;
	unsigned int rm = insn->modrm & 7;
	bool absolute = mod(insn) == 0 && rm == 6;
	unsigned int len = absolute || mod(insn) == 2 ? 2 : mod(insn);
	enum ivm_emul_result ret;
	u64 disp;

	ret = ivm_code_value(insn, len, &disp);
	if (ret)
		return ret;
	insn->offset = disp;
	if (!absolute) {
		insn->offset += gpr[base[rm]];
		if (index[rm] >= 0)
			insn->offset += gpr[index[rm]];
		if (base[rm] == IVM_RBP)
			insn->seg = IVM_SS;
	}
	return IVM_EMUL_DONE;
}

/* 32- and 64-bit addressing; also where SIB is. */
static enum ivm_emul_result modrm32(struct ivm_insn *insn)
{
	const u64 *gpr = insn->cpu->regs->gpr;
	unsigned int rm = insn->modrm & 7;
	unsigned int len = mod(insn) == 1 ? 1 : mod(insn) == 2 ? 4 : 0;
	bool base = true;
	enum ivm_emul_result ret;
	u64 disp;
	u8 sib;

	insn->offset = 0;
	if (rm == 4) {
		unsigned int index;

		ret = ivm_code_byte(insn, &sib);
		if (ret)
			return ret;
		rm = sib & 7;
		index = (sib >> 3 & 7) | (insn->rex & REX_X ? 8 : 0);
		if (index != 4)		/* RSP is no index; R12 is */
			insn->offset = gpr[index] << (sib >> 6);
		if (rm == 5 && mod(insn) == 0) {
			base = false;
			len = 4;
		}
	} else if (rm == 5 && mod(insn) == 0) {
		base = false;
		len = 4;
		insn->rip_relative = insn->code.mode == 64;
	}
	ret = ivm_code_value(insn, len, &disp);
	if (ret)
		return ret;
	insn->offset += disp;
	if (base) {
		if (insn->rex & REX_B)
			rm |= 8;
		else if (rm == IVM_RSP || rm == IVM_RBP)
			insn->seg = IVM_SS;
		insn->base_rsp = rm == IVM_RSP;
		insn->offset += gpr[rm];
	}
	return IVM_EMUL_DONE;
}

/**
 * ivm_decode_modrm() - ModRM, SIB and displacement
 * @insn:	prefixes are decoded
 *
 * Fills the memory operand, without what RIP-relative addressing adds and not
 * yet cut to the address size; nothing but ModRM when it names a register.
 */
enum ivm_emul_result ivm_decode_modrm(struct ivm_insn *insn)
{
	enum ivm_emul_result ret;

	ret = ivm_code_byte(insn, &insn->modrm);
	if (ret)
		return ret;
	insn->reg = group(insn) | (insn->rex & REX_R ? 8 : 0);
	insn->seg = IVM_DS;
	if (mod(insn) == 3)
		return IVM_EMUL_DONE;
	ret = insn->addr_size == 2 ? modrm16(insn) : modrm32(insn);
	if (insn->override >= 0)
		insn->seg = insn->override;
	return ret;
}

/* An operation in one of its forms, before ModRM is read. @bytes: operands of one byte. */
static void set(struct ivm_insn *insn, enum ivm_op op, enum ivm_form form, bool bytes)
{
	insn->op = op;
	insn->form = form;
	insn->size = bytes ? 1 : word_size(insn);
}

/* A0-A3: accumulator and an absolute offset as wide as an address. */
static enum ivm_emul_result decode_moffs(struct ivm_insn *insn, u8 opcode)
{
	set(insn, IVM_OP_MOV, opcode & 2 ? IVM_FORM_MEM_REG : IVM_FORM_REG_MEM, !(opcode & 1));
	insn->reg = IVM_RAX;
	insn->seg = insn->override >= 0 ? insn->override : IVM_DS;
	return ivm_code_value(insn, insn->addr_size, &insn->offset);
}

/*
 * Opcodes of one byte with ModRM. ModRM is read first: in groups it selects
 * the operation. Return: IVM_EMUL_UNKNOWN or DONE; @imm: bytes of immediate.
 */
static enum ivm_emul_result one_byte(struct ivm_insn *insn, u8 opcode, unsigned int *imm)
{
	bool bytes = !(opcode & 1);
	enum ivm_form direction = opcode & 2 ? IVM_FORM_REG_MEM : IVM_FORM_MEM_REG;

	switch (opcode) {
	case 0x00 ... 0x3f:
		if ((opcode & 7) > 3)
			return IVM_EMUL_UNKNOWN;
		set(insn, opcode >> 3, direction, bytes);
		break;
	case 0x63:
		if (insn->code.mode != 64)
			return IVM_EMUL_UNKNOWN;
		set(insn, IVM_OP_MOVSX, IVM_FORM_REG_MEM, false);
		insn->mem_size = insn->size == 2 ? 2 : 4;
		break;
	case 0x80 ... 0x83:
		if (opcode == 0x82 && insn->code.mode == 64)
			return IVM_EMUL_UNKNOWN;
		set(insn, group(insn), IVM_FORM_MEM_IMM, bytes);
		*imm = opcode == 0x81 ? min_t(unsigned int, insn->size, 4) : 1;
		break;
	case 0x84: case 0x85:
		set(insn, IVM_OP_TEST, IVM_FORM_MEM_REG, bytes);
		break;
	case 0x86: case 0x87:
		set(insn, IVM_OP_XCHG, IVM_FORM_MEM_REG, bytes);
		break;
	case 0x88 ... 0x8b:
		set(insn, IVM_OP_MOV, direction, bytes);
		break;
	case 0x8f:
		if (group(insn))
			return IVM_EMUL_UNKNOWN;
		set(insn, IVM_OP_POP, IVM_FORM_MEM, false);
		insn->size = stack_size(insn);
		break;
	case 0xc6: case 0xc7:
		if (group(insn))
			return IVM_EMUL_UNKNOWN;
		set(insn, IVM_OP_MOV, IVM_FORM_MEM_IMM, bytes);
		*imm = min_t(unsigned int, insn->size, 4);
		break;
	case 0xf6: case 0xf7:
		if (group(insn) > 3)
			return IVM_EMUL_UNKNOWN;
		if (group(insn) < 2) {
			set(insn, IVM_OP_TEST, IVM_FORM_MEM_IMM, bytes);
			*imm = min_t(unsigned int, insn->size, 4);
		} else {
			set(insn, group(insn) == 2 ? IVM_OP_NOT : IVM_OP_NEG, IVM_FORM_MEM, bytes);
		}
		break;
	case 0xfe: case 0xff:
		if (group(insn) < 2) {
			set(insn, group(insn) ? IVM_OP_DEC : IVM_OP_INC, IVM_FORM_MEM, bytes);
		} else if (opcode == 0xff && group(insn) == 6) {
			set(insn, IVM_OP_PUSH, IVM_FORM_MEM, false);
			insn->size = stack_size(insn);
		} else {
			return IVM_EMUL_UNKNOWN;
		}
		break;
	default:
		return IVM_EMUL_UNKNOWN;
	}
	return IVM_EMUL_DONE;
}

/* Opcodes after 0x0f, likewise. */
static enum ivm_emul_result two_byte(struct ivm_insn *insn, u8 opcode, unsigned int *imm)
{
	bool bytes = !(opcode & 1);

	switch (opcode) {
	case 0xa3: case 0xab: case 0xb3: case 0xbb:
		set(insn, IVM_OP_BT + (opcode >> 3 & 3), IVM_FORM_MEM_REG, false);
		break;
	case 0xba:
		if (group(insn) < 4)
			return IVM_EMUL_UNKNOWN;
		set(insn, IVM_OP_BT + group(insn) - 4, IVM_FORM_MEM_IMM, false);
		*imm = 1;
		break;
	case 0xb0: case 0xb1:
		set(insn, IVM_OP_CMPXCHG, IVM_FORM_MEM_REG, bytes);
		break;
	case 0xb6: case 0xb7: case 0xbe: case 0xbf:
		set(insn, opcode & 8 ? IVM_OP_MOVSX : IVM_OP_MOVZX, IVM_FORM_REG_MEM, false);
		insn->mem_size = bytes ? 1 : 2;
		break;
	case 0xc0: case 0xc1:
		set(insn, IVM_OP_XADD, IVM_FORM_MEM_REG, bytes);
		break;
	case 0xc3:		/* MOVNTI: a MOV with a cache hint, never of 16 bits */
		if (insn->data16 || insn->rep)
			return IVM_EMUL_UNKNOWN;
		set(insn, IVM_OP_MOV, IVM_FORM_MEM_REG, false);
		insn->size = insn->rex & REX_W ? 8 : 4;
		break;
	default:
		return IVM_EMUL_UNKNOWN;
	}
	return IVM_EMUL_DONE;
}

/* MOVBE, after 0x0f38. With f2 the same opcodes are CRC32. */
static enum ivm_emul_result three_byte(struct ivm_insn *insn, u8 opcode)
{
	if ((opcode & 0xfe) != 0xf0 || insn->rep)
		return IVM_EMUL_UNKNOWN;
	set(insn, IVM_OP_MOVBE, opcode & 1 ? IVM_FORM_MEM_REG : IVM_FORM_REG_MEM, false);
	return IVM_EMUL_DONE;
}

/* Opcodes without ModRM whose operands are where RSI and RDI point. */
static bool string_op(struct ivm_insn *insn, u8 opcode)
{
	static const u8 op[] = { IVM_OP_MOVS, IVM_OP_CMPS, 0, IVM_OP_STOS, IVM_OP_LODS, IVM_OP_SCAS };

	if (opcode >= 0x6c && opcode <= 0x6f) {
		set(insn, opcode & 2 ? IVM_OP_OUTS : IVM_OP_INS, IVM_FORM_STRING, !(opcode & 1));
		insn->size = min_t(unsigned int, insn->size, 4);	/* ports have no 64 bits */
		return true;
	}
	if (opcode >= 0xa4 && opcode <= 0xaf && (opcode & 0xfe) != 0xa8) {
		set(insn, op[(opcode - 0xa4) / 2], IVM_FORM_STRING, !(opcode & 1));
		return true;
	}
	return false;
}

/* APM 3 1.2.5: only instructions that read and then write memory. */
static bool may_lock(const struct ivm_insn *insn)
{
	switch (insn->op) {
	case IVM_OP_ADD ... IVM_OP_XOR:
		return insn->form != IVM_FORM_REG_MEM;
	case IVM_OP_INC ... IVM_OP_NEG:
	case IVM_OP_BTS ... IVM_OP_BTC:
	case IVM_OP_XCHG ... IVM_OP_CMPXCHG:
		return true;
	default:
		return false;
	}
}

/* ModRM and what follows it. */
static enum ivm_emul_result decode_rest(struct ivm_insn *insn, unsigned int map, u8 opcode)
{
	enum ivm_emul_result ret;
	unsigned int imm = 0;

	ret = ivm_decode_modrm(insn);
	if (ret)
		return ret;
	if (map == 1)
		ret = one_byte(insn, opcode, &imm);
	else
		ret = map == 2 ? two_byte(insn, opcode, &imm) : three_byte(insn, opcode);
	if (ret)
		return ret;
	if (mod(insn) == 3)	/* the guest changed its code since it touched memory here */
		return IVM_EMUL_UNKNOWN;
	if (!insn->mem_size)
		insn->mem_size = insn->size;
	return ivm_code_value(insn, imm, &insn->imm);
}

/**
 * ivm_decode() - the instruction at CS:RIP
 * @insn:	in: cpu, fault and gpa set, the rest zero. Out: everything of the
 *		operation and its memory operand
 *
 * Return: IVM_EMUL_DONE; FAULT or UNCLAIMED when bytes cannot be fetched, #UD for
 * a LOCK prefix that is not allowed; UNKNOWN for anything else.
 */
enum ivm_emul_result ivm_decode(struct ivm_insn *insn)
{
	enum ivm_emul_result ret;
	unsigned int map = 1;
	u8 opcode;

	ivm_code_start(&insn->code, insn->cpu);
	ret = ivm_decode_prefixes(insn, &opcode);
	while (!ret && map < 3 && opcode == (map == 1 ? 0x0f : 0x38)) {
		map++;
		ret = ivm_code_byte(insn, &opcode);
	}
	if (ret)
		return ret;

	if (map == 1 && opcode >= 0xa0 && opcode <= 0xa3)
		ret = decode_moffs(insn, opcode);
	else if (map != 1 || !string_op(insn, opcode))
		ret = decode_rest(insn, map, opcode);
	if (ret)
		return ret;
	if (insn->lock && !may_lock(insn))
		return ivm_fault_set(insn, IVM_VECTOR_UD);
	if (!insn->mem_size)
		insn->mem_size = insn->size;
	if (insn->rip_relative)
		insn->offset += insn->cpu->regs->rip + insn->code.pos;
	insn->offset = ivm_low(insn->offset, insn->addr_size);
	return IVM_EMUL_DONE;
}
