// SPDX-License-Identifier: GPL-2.0-only
/* How long the intercepted instruction is, on CPUs that do not save the next RIP. */
#include "insn.h"
#include "pte.h"
#include "../mem/mem.h"

#include <linux/compiler.h>
#include <linux/kernel.h>

/*
 * With prefixes, in other modes, across pages, and with what follows some
 * opcodes. @rm, may be NULL: the register in the r/m field of that.
 */
static unsigned int length_slow(const struct ivm_emul_cpu *cpu, u32 opcode, unsigned int *rm)
{
	struct ivm_fault fault;
	u64 gpa;
	struct ivm_insn insn = { .cpu = cpu, .fault = &fault, .gpa = &gpa };
	unsigned int n = ivm_opcode_bytes(opcode);
	u32 found;
	u8 byte;

	ivm_code_start(&insn.code, cpu);
	if (ivm_decode_prefixes(&insn, &byte))
		return 0;
	/* A prefix that belongs to the opcode: PAUSE is 0xf390. */
	if (n == 2 && opcode >> 8 >= 0xf2 && insn.rep == opcode >> 8) {
		opcode &= 0xff;
		n = 1;
	}
	found = byte;
	while (--n) {
		if (ivm_code_byte(&insn, &byte))
			return 0;
		found = found << 8 | byte;
	}
	/* All of these are #UD with LOCK, and would not have been intercepted. */
	if (found != opcode || insn.lock)
		return 0;
	if ((ivm_opcode_has_register(opcode) || ivm_opcode_has_immediate(opcode)) && ivm_code_byte(&insn, &byte))
		return 0;
	if (ivm_opcode_has_modrm(opcode) && ivm_decode_modrm(&insn))
		return 0;
	if (rm)
		*rm = (byte & 7) | (insn.rex & REX_B ? 8 : 0);
	return insn.code.pos;
}

unsigned int ivm_emul_mov_reg(const struct ivm_emul_cpu *cpu, u32 opcode, unsigned int *gpr)
{
	return length_slow(cpu, opcode, gpr);
}

/* The slot that may hold a page. */
static struct ivm_code_page *slot(const struct ivm_emul_cpu *cpu, u64 rip)
{
	return &cpu->code->page[rip >> 12 & (ARRAY_SIZE(cpu->code->page) - 1)];
}

static __always_inline bool entries_hold(const struct ivm_code_page *page)
{
	return READ_ONCE(*page->entry[0]) == page->value[0] && READ_ONCE(*page->entry[1]) == page->value[1] &&
	       READ_ONCE(*page->entry[2]) == page->value[2] && READ_ONCE(*page->entry[3]) == page->value[3];
}

/*
 * Would a walk now go the same way, find the same rights, and set no accessed
 * bit? EFER.NXE decides nothing: no entry on the way had NX.
 */
static __always_inline bool still_holds(const struct ivm_emul_cpu *cpu, const struct ivm_code_page *page, u64 rip)
{
	const struct ivm_sregs *s = cpu->sregs;

	return page->linear == (rip | 0xfff) && page->cr3 == s->cr3 && page->cr4 == s->cr4 &&
	       page->cpl == s->cpl && entries_hold(page);
}

/*
 * Notes which table entries lead to @rip in 4-level mode, and what they hold.
 * Judges nothing: the walk that follows does. Return: false when a table is
 * not in RAM.
 */
static bool collect(const struct ivm_emul_cpu *cpu, struct ivm_code_page *page, u64 rip)
{
	u64 value = cpu->sregs->cr3;
	const u64 *entry = NULL;
	unsigned int i, shift;

	for (i = 0, shift = 39; i < 4; i++, shift -= 9) {
		if (!entry || !(value & PTE_PS)) {
			entry = ivm_space_ptr(cpu->space, (value & PTE_ADDRESS) + (rip >> shift & 511) * 8, NULL);
			if (!entry)
				return false;
			value = READ_ONCE(*entry);
		}
		page->entry[i] = entry;
		page->value[i] = value;
	}
	return true;
}

/*
 * Where the kernel sees the code at RIP in 64-bit mode; NULL when it cannot be
 * fetched. The page is remembered if its entries were the same before and
 * after the walk: what the walk found is then what they say.
 */
static noinline const u8 *code_walk(const struct ivm_emul_cpu *cpu, u64 rip)
{
	const struct ivm_sregs *s = cpu->sregs;
	struct ivm_code_page *page = NULL;
	struct ivm_fault fault;
	const u8 *ram;
	u64 gpa;

	if (cpu->code) {
		page = slot(cpu, rip);
		page->linear = 0;
		if (!collect(cpu, page, rip))
			page = NULL;
	}
	if (ivm_walk_fetch(cpu, rip, &gpa, &fault))
		return NULL;
	ram = ivm_space_ptr(cpu->space, gpa, NULL);
	if (ram && page && entries_hold(page)) {
		page->cr3 = s->cr3;
		page->cr4 = s->cr4;
		page->cpl = s->cpl;
		page->ram = ram - (rip & 0xfff);
		page->linear = rip | 0xfff;
	}
	return ram;
}

const u8 *ivm_emul_code(const struct ivm_emul_cpu *cpu)
{
	u64 rip = cpu->regs->rip;
	const struct ivm_code_page *page;

	if (unlikely(!ivm_in_long_mode_code(cpu->sregs) || (rip & 0xfff) > 0xffc))
		return NULL;
	if (likely(cpu->code)) {
		page = slot(cpu, rip);
		if (likely(still_holds(cpu, page, rip)))
			return page->ram + (rip & 0xfff);
	}
	return code_walk(cpu, rip);
}

unsigned int ivm_emul_length_slow(const struct ivm_emul_cpu *cpu, u32 opcode)
{
	return length_slow(cpu, opcode, NULL);
}
