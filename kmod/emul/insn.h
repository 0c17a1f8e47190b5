/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An instruction on its way from bytes to effects, private to emul/.
 *
 * fetch.c reads bytes, decode.c makes fields of them, operand.c reaches memory
 * and devices, alu.c computes, exec.c and string.c put it together.
 *
 * Functions that return enum ivm_emul_result mean "go on" by IVM_EMUL_DONE (0);
 * anything else is handed up to the caller of emul/ as it is.
 */
#ifndef IVM_EMUL_INSN_H
#define IVM_EMUL_INSN_H

#include "emul.h"
#include "x86.h"

/* Bits of a REX prefix. */
#define REX_W	BIT(3)
#define REX_R	BIT(2)
#define REX_X	BIT(1)
#define REX_B	BIT(0)

#define IVM_INSN_MAX	15	/* bytes; more is #GP(0) */

/* Bytes of the instruction at CS:RIP, fetched as they are asked for. */
struct ivm_code {
	u8 byte[IVM_INSN_MAX];
	u8 nr;			/* fetched */
	u8 pos;			/* consumed: the length, in the end */
	u8 mode;		/* of the code segment: 16, 32, 64 */
};

/* What is done. The first eight are numbered as in opcodes and ModRM.reg of group 1. */
enum ivm_op {
	IVM_OP_ADD, IVM_OP_OR, IVM_OP_ADC, IVM_OP_SBB, IVM_OP_AND, IVM_OP_SUB, IVM_OP_XOR, IVM_OP_CMP,
	IVM_OP_TEST, IVM_OP_INC, IVM_OP_DEC, IVM_OP_NOT, IVM_OP_NEG,
	/* numbered as in ModRM.reg of group 8, from 4 */
	IVM_OP_BT, IVM_OP_BTS, IVM_OP_BTR, IVM_OP_BTC,
	IVM_OP_MOV, IVM_OP_MOVZX, IVM_OP_MOVSX, IVM_OP_MOVBE,
	IVM_OP_XCHG, IVM_OP_XADD, IVM_OP_CMPXCHG, IVM_OP_PUSH, IVM_OP_POP,
	IVM_OP_MOVS, IVM_OP_CMPS, IVM_OP_STOS, IVM_OP_LODS, IVM_OP_SCAS, IVM_OP_INS, IVM_OP_OUTS,
};

/* Where operands are; the memory operand is one of them, or implied by a string operation. */
enum ivm_form {
	IVM_FORM_MEM_REG,	/* memory is the destination, a register the source */
	IVM_FORM_REG_MEM,
	IVM_FORM_MEM_IMM,
	IVM_FORM_MEM,
	IVM_FORM_STRING,
};

struct ivm_insn {
	const struct ivm_emul_cpu *cpu;
	const struct ivm_emul_ops *ops;
	void *ctx;
	struct ivm_fault *fault;	/* out, with IVM_EMUL_FAULT */
	u64 *gpa;			/* out, with IVM_EMUL_UNCLAIMED */

	struct ivm_code code;
	u8 op;			/* enum ivm_op */
	u8 form;		/* enum ivm_form */
	u8 size;		/* of the operation, in bytes: 1, 2, 4, 8 */
	u8 mem_size;		/* of the memory operand, which MOVZX … have smaller */
	u8 addr_size;		/* 2, 4, 8 */
	u8 reg;			/* register operand */
	u8 rex;			/* the byte, 0: none */
	u8 rep;			/* 0, 0xf2, 0xf3 */
	bool lock, data16;	/* prefixes f0, 66 */
	s8 override;		/* segment prefix, -1: none */
	u8 modrm;
	u8 seg;			/* of the memory operand */
	bool rip_relative, base_rsp;
	u64 offset;		/* of the memory operand in its segment */
	u64 imm;		/* sign-extended */
};

/**
 * struct ivm_operand - a piece of guest memory that an instruction reads or writes
 * @nr:		pages it touches, 1 or 2
 * @len:	bytes in each
 * @gpa:	of the first byte in each
 * @ram:	where the kernel sees it; NULL: a device, or nothing
 * @page:	linear page last translated, with @page_gpa: what a TLB is for within
 *		one repeated instruction; valid when @cached
 */
struct ivm_operand {
	u8 nr;
	u8 len[2];
	bool cached;
	u64 gpa[2];
	u8 *ram[2];
	u64 page, page_gpa;
};

/* walk.c */
int ivm_walk_fetch(const struct ivm_emul_cpu *cpu, u64 linear, u64 *gpa, struct ivm_fault *fault);

/* fetch.c */
void ivm_code_start(struct ivm_code *code, const struct ivm_emul_cpu *cpu);
enum ivm_emul_result ivm_code_byte(struct ivm_insn *insn, u8 *byte);
enum ivm_emul_result ivm_code_value(struct ivm_insn *insn, unsigned int size, u64 *value);
u64 ivm_code_next_rip(const struct ivm_insn *insn);

/* decode.c */
enum ivm_emul_result ivm_decode(struct ivm_insn *insn);
enum ivm_emul_result ivm_decode_prefixes(struct ivm_insn *insn, u8 *opcode);
enum ivm_emul_result ivm_decode_modrm(struct ivm_insn *insn);

/* operand.c */
enum ivm_emul_result ivm_fault_set(struct ivm_insn *insn, u8 vector);
u64 ivm_reg_read(const struct ivm_insn *insn, unsigned int reg, unsigned int size);
void ivm_reg_write(struct ivm_insn *insn, unsigned int reg, unsigned int size, u64 value);
enum ivm_emul_result ivm_operand_prepare(struct ivm_insn *insn, struct ivm_operand *operand, unsigned int seg,
					 u64 offset, unsigned int size, bool write);
enum ivm_emul_result ivm_operand_read(struct ivm_insn *insn, const struct ivm_operand *operand, u64 *value);
enum ivm_emul_result ivm_operand_write(struct ivm_insn *insn, const struct ivm_operand *operand, u64 value);
enum ivm_emul_result ivm_operand_update(struct ivm_insn *insn, const struct ivm_operand *operand,
					u64 old, u64 value);

/* alu.c */
u64 ivm_alu(enum ivm_op op, unsigned int size, u64 a, u64 b, u64 *rflags);

/* string.c */
enum ivm_emul_result ivm_exec_string(struct ivm_insn *insn);

/* exec.c */
enum ivm_emul_result ivm_insn_finish(struct ivm_insn *insn);

/* The low @size bytes of @value. */
static inline u64 ivm_low(u64 value, unsigned int size)
{
	return size == 8 ? value : value & ((1ULL << size * 8) - 1);
}

/* Its low @size bytes, sign-extended. */
static inline u64 ivm_sign_extend(u64 value, unsigned int size)
{
	unsigned int shift = 64 - size * 8;

	return (s64)(value << shift) >> shift;
}

static inline bool ivm_in_long_mode_code(const struct ivm_sregs *s)
{
	return s->efer & IVM_EFER_LMA && s->seg[IVM_CS].attr & IVM_SEG_L;
}

#endif
