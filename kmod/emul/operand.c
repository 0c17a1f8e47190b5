// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers and memory as an instruction sees them. Memory is first prepared,
 * which finds every fault there is to find, then read or written: a write that
 * faults on its second page leaves the first alone.
 */
#include "insn.h"
#include "../mem/mem.h"

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include <asm/unaligned.h>

/**
 * ivm_fault_set() - an exception with error code 0, or without one where it has none
 * @insn:	its fault is filled
 * @vector:	IVM_VECTOR_*
 *
 * Exceptions push no error code in real mode (SDM 3 20.1.4).
 * Return: IVM_EMUL_FAULT.
 */
enum ivm_emul_result ivm_fault_set(struct ivm_insn *insn, u8 vector)
{
	*insn->fault = (struct ivm_fault){
		.vector = vector,
		.has_error = vector != IVM_VECTOR_UD && insn->cpu->sregs->cr0 & X86_CR0_PE,
	};
	return IVM_EMUL_FAULT;
}

/* Without REX, byte registers 4 to 7 are AH, CH, DH, BH. */
static bool is_high_byte(const struct ivm_insn *insn, unsigned int reg, unsigned int size)
{
	return size == 1 && !insn->rex && reg >= 4;
}

u64 ivm_reg_read(const struct ivm_insn *insn, unsigned int reg, unsigned int size)
{
	const u64 *gpr = insn->cpu->regs->gpr;

	if (is_high_byte(insn, reg, size))
		return gpr[reg - 4] >> 8 & 0xff;
	return ivm_low(gpr[reg], size);
}

/* Results of 32 bits clear the upper half; smaller ones leave the rest alone. */
void ivm_reg_write(struct ivm_insn *insn, unsigned int reg, unsigned int size, u64 value)
{
	u64 *gpr = insn->cpu->regs->gpr;

	if (is_high_byte(insn, reg, size))
		gpr[reg - 4] = (gpr[reg - 4] & ~0xff00ULL) | (value & 0xff) << 8;
	else if (size >= 4)
		gpr[reg] = ivm_low(value, size);
	else
		gpr[reg] = (gpr[reg] & ~ivm_low(~0ULL, size)) | ivm_low(value, size);
}

/* Type and limit of a segment outside 64-bit code (SDM 3A 5.3, 5.5). */
static bool segment_allows(const struct ivm_insn *insn, unsigned int seg, u64 offset, unsigned int size, bool write)
{
	const struct ivm_sregs *s = insn->cpu->sregs;
	const struct ivm_segreg *reg = &s->seg[seg];
	u64 last = offset + size - 1;
	bool code = reg->attr & IVM_SEG_CODE;

	if (s->cr0 & X86_CR0_PE && !(insn->cpu->regs->rflags & X86_EFLAGS_VM)) {
		if (!(reg->attr & IVM_SEG_P))		/* null */
			return false;
		/* The same bit: a data segment may be written, a code segment may be read. */
		if (write ? code || !(reg->attr & IVM_SEG_WRITABLE) : code && !(reg->attr & IVM_SEG_WRITABLE))
			return false;
		if (!code && reg->attr & IVM_SEG_DOWN)
			return offset > reg->limit && last <= (reg->attr & IVM_SEG_DB ? 0xffffffff : 0xffff);
	}
	return last <= reg->limit;
}

static bool is_canonical(u64 linear)
{
	return (s64)(linear << 16) >> 16 == (s64)linear;
}

/* Linear address of @size bytes at @seg:@offset, which is cut to the address size. */
static enum ivm_emul_result linearize(struct ivm_insn *insn, unsigned int seg, u64 offset, unsigned int size,
				      bool write, u64 *linear)
{
	const struct ivm_sregs *s = insn->cpu->sregs;
	bool ok;

	if (insn->code.mode == 64) {
		*linear = offset + (seg >= IVM_FS ? s->seg[seg].base : 0);
		ok = is_canonical(*linear) && is_canonical(*linear + size - 1);
	} else {
		*linear = (u32)(s->seg[seg].base + offset);
		ok = segment_allows(insn, seg, offset, size, write);
	}
	if (!ok)
		return ivm_fault_set(insn, seg == IVM_SS ? IVM_VECTOR_SS : IVM_VECTOR_GP);
	if (s->cpl == 3 && s->cr0 & X86_CR0_AM && insn->cpu->regs->rflags & X86_EFLAGS_AC && *linear & (size - 1))
		return ivm_fault_set(insn, IVM_VECTOR_AC);
	return IVM_EMUL_DONE;
}

/* One page of an operand. */
static enum ivm_emul_result prepare_page(struct ivm_insn *insn, struct ivm_operand *operand, unsigned int i,
					 u64 linear, unsigned int len, bool write)
{
	unsigned int access = (write ? IVM_WALK_WRITE : 0) | (insn->cpu->sregs->cpl == 3 ? IVM_WALK_USER : 0);
	u64 gpa;

	if (operand->cached && operand->page == linear >> 12) {
		gpa = operand->page_gpa | (linear & 0xfff);
	} else {
		switch (ivm_walk(insn->cpu, linear, access, &gpa, insn->fault)) {
		case 0:
			break;
		case -EFAULT:
			return IVM_EMUL_FAULT;
		default:
			*insn->gpa = gpa;
			return IVM_EMUL_UNCLAIMED;
		}
		operand->cached = true;
		operand->page = linear >> 12;
		operand->page_gpa = gpa & ~0xfffULL;
	}
	operand->gpa[i] = gpa;
	operand->len[i] = len;
	operand->ram[i] = ivm_space_ptr(insn->cpu->space, gpa, NULL);
	return IVM_EMUL_DONE;
}

/**
 * ivm_operand_prepare() - check and translate a memory operand
 * @insn:	decoded
 * @operand:	filled; zero before the first use
 * @seg:	segment register, checked by the rules of the mode
 * @offset:	already cut to the address size
 * @size:	1, 2, 4, 8
 * @write:	it will be written (and perhaps read before)
 *
 * Context: any. Return: DONE, or FAULT or UNCLAIMED with nothing changed but
 * accessed and dirty bits.
 */
enum ivm_emul_result ivm_operand_prepare(struct ivm_insn *insn, struct ivm_operand *operand, unsigned int seg,
					 u64 offset, unsigned int size, bool write)
{
	enum ivm_emul_result ret;
	unsigned int first;
	u64 linear;

	ret = linearize(insn, seg, offset, size, write, &linear);
	if (ret)
		return ret;
	first = min_t(unsigned int, size, 0x1000 - (linear & 0xfff));
	operand->nr = 1;
	ret = prepare_page(insn, operand, 0, linear, first, write);
	if (ret || first == size)
		return ret;

	operand->nr = 2;
	linear += first;
	if (insn->code.mode != 64)
		linear = (u32)linear;
	return prepare_page(insn, operand, 1, linear, size - first, write);
}

/*
 * Devices take 1, 2, 4 or 8 bytes: what a page boundary cuts into other sizes
 * goes as naturally aligned pieces, in order of rising addresses.
 */
static unsigned int device_piece(u64 gpa, unsigned int len)
{
	unsigned int size = 8;

	if (len == 1 || len == 2 || len == 4 || len == 8)
		return len;
	while (size > len || gpa & (size - 1))
		size /= 2;
	return size;
}

static enum ivm_emul_result device_read(struct ivm_insn *insn, u64 gpa, unsigned int len, u64 *value)
{
	unsigned int done, size;
	u64 piece;

	*value = 0;
	for (done = 0; done < len; done += size) {
		size = device_piece(gpa + done, len - done);
		if (!insn->ops->mmio_read(insn->ctx, gpa + done, size, &piece)) {
			*insn->gpa = gpa + done;
			return IVM_EMUL_UNCLAIMED;
		}
		*value |= ivm_low(piece, size) << done * 8;
	}
	return IVM_EMUL_DONE;
}

static enum ivm_emul_result device_write(struct ivm_insn *insn, u64 gpa, unsigned int len, u64 value)
{
	unsigned int done, size;

	for (done = 0; done < len; done += size) {
		size = device_piece(gpa + done, len - done);
		if (!insn->ops->mmio_write(insn->ctx, gpa + done, size, ivm_low(value >> done * 8, size))) {
			*insn->gpa = gpa + done;
			return IVM_EMUL_UNCLAIMED;
		}
	}
	return IVM_EMUL_DONE;
}

/*
 * RAM is shared with running vCPUs: 1, 2, 4 and 8 bytes move at once, as the
 * CPU would move them; the barriers keep the compiler from doing it twice.
 */
static u64 ram_read(const u8 *ram, unsigned int len)
{
	u64 value = 0;

	if (len == 8)
		value = get_unaligned((const u64 *)ram);
	else if (len == 4)
		value = get_unaligned((const u32 *)ram);
	else if (len == 2)
		value = get_unaligned((const u16 *)ram);
	else
		memcpy(&value, ram, len);
	barrier();
	return value;
}

static void ram_write(u8 *ram, unsigned int len, u64 value)
{
	barrier();
	if (len == 8)
		put_unaligned(value, (u64 *)ram);
	else if (len == 4)
		put_unaligned((u32)value, (u32 *)ram);
	else if (len == 2)
		put_unaligned((u16)value, (u16 *)ram);
	else
		memcpy(ram, &value, len);
}

/**
 * ivm_operand_read() - the value of a prepared operand
 * @insn:	decoded
 * @operand:	prepared
 * @value:	out, upper bits zero
 *
 * A device register is read exactly once. Return: DONE, or UNCLAIMED.
 */
enum ivm_emul_result ivm_operand_read(struct ivm_insn *insn, const struct ivm_operand *operand, u64 *value)
{
	enum ivm_emul_result ret;
	unsigned int i, shift = 0;
	u64 part;

	*value = 0;
	for (i = 0; i < operand->nr; i++) {
		if (operand->ram[i]) {
			part = ram_read(operand->ram[i], operand->len[i]);
		} else {
			ret = device_read(insn, operand->gpa[i], operand->len[i], &part);
			if (ret)
				return ret;
		}
		*value |= part << shift;
		shift += operand->len[i] * 8;
	}
	return IVM_EMUL_DONE;
}

/**
 * ivm_operand_write() - store to a prepared operand
 * @insn:	decoded
 * @operand:	prepared for writing
 * @value:	its upper bits are ignored
 *
 * Devices come first, since they can refuse; RAM is changed only when they did
 * not. Return: DONE, or UNCLAIMED.
 */
enum ivm_emul_result ivm_operand_write(struct ivm_insn *insn, const struct ivm_operand *operand, u64 value)
{
	enum ivm_emul_result ret;
	unsigned int i, shift;

	for (i = 0, shift = 0; i < operand->nr; shift += operand->len[i++] * 8) {
		if (operand->ram[i])
			continue;
		ret = device_write(insn, operand->gpa[i], operand->len[i], value >> shift);
		if (ret)
			return ret;
	}
	for (i = 0, shift = 0; i < operand->nr; shift += operand->len[i++] * 8)
		if (operand->ram[i])
			ram_write(operand->ram[i], operand->len[i], value >> shift);
	return IVM_EMUL_DONE;
}

/* Return: false when memory does not hold @old any more. */
static bool ram_exchange(u8 *ram, unsigned int len, u64 old, u64 value)
{
	switch (len) {
	case 1:
		return cmpxchg(ram, (u8)old, (u8)value) == (u8)old;
	case 2:
		return cmpxchg((u16 *)ram, (u16)old, (u16)value) == (u16)old;
	case 4:
		return cmpxchg((u32 *)ram, (u32)old, (u32)value) == (u32)old;
	default:
		return cmpxchg((u64 *)ram, old, value) == old;
	}
}

/**
 * ivm_operand_update() - store what was computed from the value that was read
 * @insn:	decoded
 * @operand:	prepared for writing
 * @old:	what ivm_operand_read() gave
 * @value:	what to store
 *
 * On RAM this is atomic where it is naturally aligned. Not beyond: a locked
 * access across cache lines would stop the whole host's bus, or trap.
 *
 * Return: DONE; UNCLAIMED; AGAIN when another vCPU changed the value meanwhile
 * (nothing is stored: enter the guest, which executes it once more).
 */
enum ivm_emul_result ivm_operand_update(struct ivm_insn *insn, const struct ivm_operand *operand,
					u64 old, u64 value)
{
	unsigned int len = operand->len[0];

	if (operand->nr == 1 && operand->ram[0] && !(operand->gpa[0] & (len - 1)))
		return ram_exchange(operand->ram[0], len, old, value) ? IVM_EMUL_DONE : IVM_EMUL_AGAIN;
	return ivm_operand_write(insn, operand, value);
}
