// SPDX-License-Identifier: GPL-2.0-only
/*
 * String operations: memory at RSI and RDI, once or RCX times. Each iteration
 * is complete before the next one starts: after a fault or an interruption the
 * registers say where to go on, and RIP still points to the instruction.
 */
#include "insn.h"

#include <linux/kernel.h>

#define BYTES_PER_CALL	4096

/* RSI, RDI or RCX as wide as addresses are. */
static u64 counter(const struct ivm_insn *insn, unsigned int reg)
{
	return ivm_low(insn->cpu->regs->gpr[reg], insn->addr_size);
}

static void advance(struct ivm_insn *insn, unsigned int reg, s64 by)
{
	u64 value = counter(insn, reg) + by;

	ivm_reg_write(insn, reg, insn->addr_size, value);
}

struct string_operands {
	struct ivm_operand source, destination;	/* at RSI, at ES:RDI */
};

static enum ivm_emul_result prepare_source(struct ivm_insn *insn, struct string_operands *o)
{
	unsigned int seg = insn->override >= 0 ? insn->override : IVM_DS;

	return ivm_operand_prepare(insn, &o->source, seg, counter(insn, IVM_RSI), insn->size, false);
}

static enum ivm_emul_result prepare_destination(struct ivm_insn *insn, struct string_operands *o, bool write)
{
	return ivm_operand_prepare(insn, &o->destination, IVM_ES, counter(insn, IVM_RDI), insn->size, write);
}

/* One iteration, without the registers. */
static enum ivm_emul_result iterate(struct ivm_insn *insn, struct string_operands *o)
{
	struct ivm_regs *regs = insn->cpu->regs;
	u16 port = regs->gpr[IVM_RDX];
	enum ivm_emul_result ret = IVM_EMUL_DONE;
	u64 a, b;
	u32 word;

	switch (insn->op) {
	case IVM_OP_MOVS:
		ret = prepare_source(insn, o);
		if (!ret)
			ret = prepare_destination(insn, o, true);
		if (!ret)
			ret = ivm_operand_read(insn, &o->source, &a);
		return ret ? ret : ivm_operand_write(insn, &o->destination, a);
	case IVM_OP_STOS:
		ret = prepare_destination(insn, o, true);
		return ret ? ret : ivm_operand_write(insn, &o->destination, ivm_reg_read(insn, IVM_RAX, insn->size));
	case IVM_OP_LODS:
		ret = prepare_source(insn, o);
		if (!ret)
			ret = ivm_operand_read(insn, &o->source, &a);
		if (!ret)
			ivm_reg_write(insn, IVM_RAX, insn->size, a);
		return ret;
	case IVM_OP_SCAS:
		ret = prepare_destination(insn, o, false);
		if (!ret)
			ret = ivm_operand_read(insn, &o->destination, &b);
		if (!ret)
			ivm_alu(IVM_OP_CMP, insn->size, ivm_reg_read(insn, IVM_RAX, insn->size), b, &regs->rflags);
		return ret;
	case IVM_OP_CMPS:
		ret = prepare_source(insn, o);
		if (!ret)
			ret = prepare_destination(insn, o, false);
		if (!ret)
			ret = ivm_operand_read(insn, &o->source, &a);
		if (!ret)
			ret = ivm_operand_read(insn, &o->destination, &b);
		if (!ret)
			ivm_alu(IVM_OP_CMP, insn->size, a, b, &regs->rflags);
		return ret;
	case IVM_OP_INS:
		ret = prepare_destination(insn, o, true);
		if (ret)
			return ret;
		insn->ops->io_read(insn->ctx, port, insn->size, &word);
		return ivm_operand_write(insn, &o->destination, word);
	default:	/* OUTS */
		ret = prepare_source(insn, o);
		if (!ret)
			ret = ivm_operand_read(insn, &o->source, &a);
		if (!ret)
			insn->ops->io_write(insn->ctx, port, insn->size, a);
		return ret;
	}
}

static bool uses_source(const struct ivm_insn *insn)
{
	return insn->op != IVM_OP_STOS && insn->op != IVM_OP_SCAS && insn->op != IVM_OP_INS;
}

static bool uses_destination(const struct ivm_insn *insn)
{
	return insn->op != IVM_OP_LODS && insn->op != IVM_OP_OUTS;
}

/* REPE and REPNE end early by ZF; for what does not compare both are REP. */
static bool compare_ends(const struct ivm_insn *insn)
{
	bool equal = insn->cpu->regs->rflags & X86_EFLAGS_ZF;

	if (insn->op != IVM_OP_CMPS && insn->op != IVM_OP_SCAS)
		return false;
	return insn->rep == 0xf3 ? !equal : equal;
}

/**
 * ivm_exec_string() - the decoded string operation
 * @insn:	decoded, form IVM_FORM_STRING
 *
 * Return: DONE; AGAIN after BYTES_PER_CALL bytes of a repeated one; FAULT or
 * UNCLAIMED with the iterations before it done.
 */
enum ivm_emul_result ivm_exec_string(struct ivm_insn *insn)
{
	s64 step = insn->cpu->regs->rflags & X86_EFLAGS_DF ? -(s64)insn->size : insn->size;
	unsigned int left = BYTES_PER_CALL / insn->size;
	struct string_operands operands = {};
	enum ivm_emul_result ret;

	if (insn->rep && !counter(insn, IVM_RCX))
		return ivm_insn_finish(insn);
	for (;;) {
		ret = iterate(insn, &operands);
		if (ret)
			return ret;
		if (uses_source(insn))
			advance(insn, IVM_RSI, step);
		if (uses_destination(insn))
			advance(insn, IVM_RDI, step);
		if (!insn->rep)
			break;
		advance(insn, IVM_RCX, -1);
		if (!counter(insn, IVM_RCX) || compare_ends(insn))
			break;
		if (!--left)
			return IVM_EMUL_AGAIN;
	}
	return ivm_insn_finish(insn);
}
