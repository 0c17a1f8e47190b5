// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executes the instruction that touched device memory.
 *
 * Single-stepping is the caller's: it looks at RFLAGS.TF before it calls here,
 * and after IVM_EMUL_DONE injects #DB with DR6.BS if it was set. Likewise it
 * ends an interrupt shadow.
 */
#include "insn.h"

#include <linux/kernel.h>


/**
 * ivm_insn_finish() - the instruction is complete: RIP moves on
 * @insn:	decoded
 *
 * RF suppresses breakpoints for one instruction only (SDM 3B 18.3.1.1).
 * Return: IVM_EMUL_DONE.
 */
enum ivm_emul_result ivm_insn_finish(struct ivm_insn *insn)
{
	insn->cpu->regs->rip = ivm_code_next_rip(insn);
	insn->cpu->regs->rflags &= ~X86_EFLAGS_RF;
	return IVM_EMUL_DONE;
}

static enum ivm_emul_result prepare(struct ivm_insn *insn, struct ivm_operand *operand, bool write)
{
	return ivm_operand_prepare(insn, operand, insn->seg, insn->offset, insn->mem_size, write);
}

static u64 swap_bytes(u64 value, unsigned int size)
{
	return __builtin_bswap64(value) >> (64 - size * 8);
}

/* MOV, MOVBE to memory: nothing is read. */
static enum ivm_emul_result exec_store(struct ivm_insn *insn)
{
	struct ivm_operand operand = {};
	u64 value = insn->form == IVM_FORM_MEM_IMM ? insn->imm : ivm_reg_read(insn, insn->reg, insn->size);
	enum ivm_emul_result ret;

	if (insn->op == IVM_OP_MOVBE)
		value = swap_bytes(value, insn->size);
	ret = prepare(insn, &operand, true);
	if (!ret)
		ret = ivm_operand_write(insn, &operand, value);
	return ret ? ret : ivm_insn_finish(insn);
}

/* Destination is a register: MOV, MOVZX, MOVSX, MOVBE, and arithmetic. */
static enum ivm_emul_result exec_load(struct ivm_insn *insn)
{
	struct ivm_operand operand = {};
	enum ivm_emul_result ret;
	u64 value;

	ret = prepare(insn, &operand, false);
	if (!ret)
		ret = ivm_operand_read(insn, &operand, &value);
	if (ret)
		return ret;
	if (insn->op == IVM_OP_MOVSX)
		value = ivm_sign_extend(value, insn->mem_size);
	else if (insn->op == IVM_OP_MOVBE)
		value = swap_bytes(value, insn->size);
	else if (insn->op < IVM_OP_MOV)
		value = ivm_alu(insn->op, insn->size, ivm_reg_read(insn, insn->reg, insn->size), value,
				&insn->cpu->regs->rflags);
	if (insn->op != IVM_OP_CMP)
		ivm_reg_write(insn, insn->reg, insn->size, value);
	return ivm_insn_finish(insn);
}

/* A bit offset in a register reaches beyond the operand: it selects the word, too (SDM BT). */
static void select_word(struct ivm_insn *insn, u64 bit)
{
	s64 words = (s64)ivm_sign_extend(bit, insn->size) >> (insn->size == 8 ? 6 : insn->size == 4 ? 5 : 4);

	insn->offset = ivm_low(insn->offset + words * insn->size, insn->addr_size);
}

/* Memory is read, and written unless the operation only compares. */
static enum ivm_emul_result exec_modify(struct ivm_insn *insn)
{
	bool write = insn->op != IVM_OP_CMP && insn->op != IVM_OP_TEST && insn->op != IVM_OP_BT;
	bool is_bit = insn->op >= IVM_OP_BT && insn->op <= IVM_OP_BTC;
	struct ivm_operand operand = {};
	u64 flags = insn->cpu->regs->rflags, source = ivm_low(insn->imm, insn->size), old, value;
	enum ivm_emul_result ret;

	if (insn->form == IVM_FORM_MEM_REG) {
		source = ivm_reg_read(insn, insn->reg, insn->size);
		if (is_bit)
			select_word(insn, source);
	}
	ret = prepare(insn, &operand, write);
	if (!ret)
		ret = ivm_operand_read(insn, &operand, &old);
	if (ret)
		return ret;
	value = ivm_alu(insn->op, insn->size, old, source, &flags);
	if (write) {
		ret = ivm_operand_update(insn, &operand, old, value);
		if (ret)
			return ret;
	}
	insn->cpu->regs->rflags = flags;
	return ivm_insn_finish(insn);
}

/* XCHG, XADD, CMPXCHG: memory and a register change. */
static enum ivm_emul_result exec_exchange(struct ivm_insn *insn)
{
	struct ivm_operand operand = {};
	u64 flags = insn->cpu->regs->rflags, source = ivm_reg_read(insn, insn->reg, insn->size), old, value;
	u64 accumulator = ivm_reg_read(insn, IVM_RAX, insn->size);
	enum ivm_emul_result ret;

	ret = prepare(insn, &operand, true);
	if (!ret)
		ret = ivm_operand_read(insn, &operand, &old);
	if (ret)
		return ret;

	value = source;
	if (insn->op == IVM_OP_XADD) {
		value = ivm_alu(IVM_OP_ADD, insn->size, old, source, &flags);
	} else if (insn->op == IVM_OP_CMPXCHG) {
		ivm_alu(IVM_OP_CMP, insn->size, accumulator, old, &flags);
		/* Memory is written even if they differ: with its old value (SDM CMPXCHG). */
		if (accumulator != old)
			value = old;
	}
	ret = ivm_operand_update(insn, &operand, old, value);
	if (ret)
		return ret;

	if (insn->op != IVM_OP_CMPXCHG)
		ivm_reg_write(insn, insn->reg, insn->size, old);
	else if (accumulator != old)
		ivm_reg_write(insn, IVM_RAX, insn->size, old);
	insn->cpu->regs->rflags = flags;
	return ivm_insn_finish(insn);
}

/* Width of the stack pointer. */
static unsigned int stack_addr_size(const struct ivm_insn *insn)
{
	if (insn->code.mode == 64)
		return 8;
	return insn->cpu->sregs->seg[IVM_SS].attr & IVM_SEG_DB ? 4 : 2;
}

/* PUSH and POP with a memory operand. Both places are prepared before either is touched. */
static enum ivm_emul_result exec_stack(struct ivm_insn *insn)
{
	struct ivm_operand memory = {}, stack = {};
	unsigned int width = stack_addr_size(insn);
	u64 rsp = ivm_low(insn->cpu->regs->gpr[IVM_RSP], width), value, after;
	bool push = insn->op == IVM_OP_PUSH;
	enum ivm_emul_result ret;

	after = ivm_low(push ? rsp - insn->size : rsp + insn->size, width);
	/* POP computes its address with RSP as it is afterwards (SDM POP). */
	if (!push && insn->base_rsp)
		insn->offset = ivm_low(insn->offset + insn->size, insn->addr_size);

	ret = ivm_operand_prepare(insn, &stack, IVM_SS, push ? after : rsp, insn->size, push);
	if (!ret)
		ret = prepare(insn, &memory, !push);
	if (!ret)
		ret = ivm_operand_read(insn, push ? &memory : &stack, &value);
	if (!ret)
		ret = ivm_operand_write(insn, push ? &stack : &memory, value);
	if (ret)
		return ret;
	ivm_reg_write(insn, IVM_RSP, width, after);
	return ivm_insn_finish(insn);
}

static enum ivm_emul_result execute(struct ivm_insn *insn)
{
	switch (insn->op) {
	case IVM_OP_INS:
	case IVM_OP_OUTS:		/* an exit of its own: ivm_emul_string_io() */
		return IVM_EMUL_UNKNOWN;
	case IVM_OP_XCHG:
	case IVM_OP_XADD:
	case IVM_OP_CMPXCHG:
		return exec_exchange(insn);
	case IVM_OP_PUSH:
	case IVM_OP_POP:
		return exec_stack(insn);
	default:
		break;
	}
	if (insn->form == IVM_FORM_STRING)
		return ivm_exec_string(insn);
	if (insn->form == IVM_FORM_REG_MEM)
		return exec_load(insn);
	return insn->op == IVM_OP_MOV || insn->op == IVM_OP_MOVBE ? exec_store(insn) : exec_modify(insn);
}

enum ivm_emul_result ivm_emul_mmio(const struct ivm_emul_cpu *cpu, const struct ivm_emul_ops *ops, void *ctx,
				   struct ivm_fault *fault, u64 *gpa)
{
	struct ivm_insn insn = { .cpu = cpu, .ops = ops, .ctx = ctx, .fault = fault, .gpa = gpa };
	enum ivm_emul_result ret;

	ret = ivm_decode(&insn);
	return ret ? ret : execute(&insn);
}

enum ivm_emul_result ivm_emul_string_io(const struct ivm_emul_cpu *cpu, const struct ivm_emul_ops *ops, void *ctx,
					struct ivm_fault *fault, u64 *gpa)
{
	struct ivm_insn insn = { .cpu = cpu, .ops = ops, .ctx = ctx, .fault = fault, .gpa = gpa };
	enum ivm_emul_result ret;

	ret = ivm_decode(&insn);
	if (ret)
		return ret;
	if (insn.op != IVM_OP_INS && insn.op != IVM_OP_OUTS)
		return IVM_EMUL_UNKNOWN;
	return ivm_exec_string(&insn);
}
