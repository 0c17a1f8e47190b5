// SPDX-License-Identifier: GPL-2.0-only
/* The bytes of the instruction at CS:RIP, through the guest's segments and page tables. */
#include "insn.h"
#include "../mem/mem.h"

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

/**
 * ivm_code_start() - nothing fetched yet
 * @code:	filled
 * @cpu:	CS tells whether code is 16-, 32- or 64-bit
 */
void ivm_code_start(struct ivm_code *code, const struct ivm_emul_cpu *cpu)
{
	code->nr = 0;
	code->pos = 0;
	if (ivm_in_long_mode_code(cpu->sregs))
		code->mode = 64;
	else
		code->mode = cpu->sregs->seg[IVM_CS].attr & IVM_SEG_DB ? 32 : 16;
}

/* Fetches the rest of the page, or what the limit leaves of it, after what is there already. */
static enum ivm_emul_result fetch_more(struct ivm_insn *insn)
{
	const struct ivm_segreg *cs = &insn->cpu->sregs->seg[IVM_CS];
	struct ivm_code *code = &insn->code;
	u64 linear = insn->cpu->regs->rip + code->nr, gpa;
	unsigned int len = IVM_INSN_MAX - code->nr;
	void *ram;

	if (!len)
		return ivm_fault_set(insn, IVM_VECTOR_GP);
	if (code->mode != 64) {
		u32 offset = linear;

		if (linear > cs->limit)
			return ivm_fault_set(insn, IVM_VECTOR_GP);
		len = min_t(u64, len, (u64)cs->limit - offset + 1);
		linear = (u32)(cs->base + offset);
	}
	len = min_t(u64, len, 0x1000 - (linear & 0xfff));

	switch (ivm_walk_fetch(insn->cpu, linear, &gpa, insn->fault)) {
	case 0:
		break;
	case -EFAULT:
		return IVM_EMUL_FAULT;
	default:
		*insn->gpa = gpa;
		return IVM_EMUL_UNCLAIMED;
	}
	ram = ivm_space_ptr(insn->cpu->space, gpa, NULL);
	if (!ram) {
		*insn->gpa = gpa;
		return IVM_EMUL_UNCLAIMED;
	}
	memcpy(code->byte + code->nr, ram, len);
	code->nr += len;
	return IVM_EMUL_DONE;
}

/**
 * ivm_code_byte() - the next byte of the instruction
 * @insn:	ivm_code_start() was called; its position moves on
 * @byte:	out
 *
 * A page is touched only when a byte in it is needed: an instruction that ends
 * at the end of a page does not fault on the next one.
 *
 * Context: any. Return: DONE; FAULT (#PF, or #GP(0) beyond the limit of CS or 15
 * bytes); UNCLAIMED when code is not in RAM.
 */
enum ivm_emul_result ivm_code_byte(struct ivm_insn *insn, u8 *byte)
{
	struct ivm_code *code = &insn->code;
	enum ivm_emul_result ret;

	if (code->pos == code->nr) {
		ret = fetch_more(insn);
		if (ret)
			return ret;
	}
	*byte = code->byte[code->pos++];
	return IVM_EMUL_DONE;
}

/* The next @size bytes (0: none), little-endian, sign-extended to 64 bits. */
enum ivm_emul_result ivm_code_value(struct ivm_insn *insn, unsigned int size, u64 *value)
{
	enum ivm_emul_result ret;
	unsigned int i;
	u8 byte;

	*value = 0;
	for (i = 0; i < size; i++) {
		ret = ivm_code_byte(insn, &byte);
		if (ret)
			return ret;
		*value |= (u64)byte << i * 8;
	}
	if (size)
		*value = ivm_sign_extend(*value, size);
	return IVM_EMUL_DONE;
}

/* RIP after the instruction, as wide as the mode has it. */
u64 ivm_code_next_rip(const struct ivm_insn *insn)
{
	u64 rip = insn->cpu->regs->rip + insn->code.pos;

	return ivm_low(rip, insn->code.mode / 8);
}
