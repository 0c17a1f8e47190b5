// SPDX-License-Identifier: GPL-2.0-only
/* Arithmetic with flags (SDM 1 3.4.3, and each instruction's "Flags Affected"). */
#include "insn.h"

#include <linux/bitops.h>

#define FLAGS_RESULT	(X86_EFLAGS_SF | X86_EFLAGS_ZF | X86_EFLAGS_PF)
#define FLAGS_ALL	(FLAGS_RESULT | X86_EFLAGS_CF | X86_EFLAGS_AF | X86_EFLAGS_OF)

/* SF, ZF, PF: from the result alone. */
static u64 result_flags(u64 result, unsigned int size)
{
	u64 flags = 0;

	if (!result)
		flags |= X86_EFLAGS_ZF;
	if (result >> (size * 8 - 1) & 1)
		flags |= X86_EFLAGS_SF;
	if (!(hweight8(result & 0xff) & 1))
		flags |= X86_EFLAGS_PF;
	return flags;
}

/* a + b + carry */
static u64 add(unsigned int size, u64 a, u64 b, u64 carry, u64 *flags)
{
	u64 result = ivm_low(a + b + carry, size);
	/* Carry out of each bit (what is generated, or propagated). */
	u64 carries = (a & b) | ((a | b) & ~result);
	unsigned int top = size * 8 - 1;

	*flags = result_flags(result, size);
	if (carries >> top & 1)
		*flags |= X86_EFLAGS_CF;
	if (carries & BIT(3))
		*flags |= X86_EFLAGS_AF;
	if ((~(a ^ b) & (a ^ result)) >> top & 1)
		*flags |= X86_EFLAGS_OF;
	return result;
}

/* a - b - borrow */
static u64 sub(unsigned int size, u64 a, u64 b, u64 borrow, u64 *flags)
{
	u64 result = ivm_low(a - b - borrow, size);
	u64 borrows = (~a & b) | ((~a | b) & result);
	unsigned int top = size * 8 - 1;

	*flags = result_flags(result, size);
	if (borrows >> top & 1)
		*flags |= X86_EFLAGS_CF;
	if (borrows & BIT(3))
		*flags |= X86_EFLAGS_AF;
	if (((a ^ b) & (a ^ result)) >> top & 1)
		*flags |= X86_EFLAGS_OF;
	return result;
}

/**
 * ivm_alu() - one operation
 * @op:		IVM_OP_ADD … IVM_OP_BTC
 * @size:	of operands and result: 1, 2, 4, 8
 * @a:		destination operand, upper bits zero
 * @b:		source operand, upper bits zero; bit operations use it modulo the size
 * @rflags:	in and out. Flags that are undefined are as current CPUs leave
 *		them: AF 0 after logic, all but CF unchanged after bit tests
 *
 * Return: what goes to the destination, upper bits zero; @a where nothing does.
 */
u64 ivm_alu(enum ivm_op op, unsigned int size, u64 a, u64 b, u64 *rflags)
{
	u64 carry = *rflags & X86_EFLAGS_CF ? 1 : 0, mask = FLAGS_ALL, flags, result;
	u64 bit = 1ULL << (b & (size * 8 - 1));

	switch (op) {
	case IVM_OP_ADD:
		result = add(size, a, b, 0, &flags);
		break;
	case IVM_OP_ADC:
		result = add(size, a, b, carry, &flags);
		break;
	case IVM_OP_SBB:
		result = sub(size, a, b, carry, &flags);
		break;
	case IVM_OP_SUB:
		result = sub(size, a, b, 0, &flags);
		break;
	case IVM_OP_CMP:
		sub(size, a, b, 0, &flags);
		result = a;
		break;
	case IVM_OP_NEG:
		result = sub(size, 0, a, 0, &flags);
		break;
	case IVM_OP_INC:
		result = add(size, a, 1, 0, &flags);
		mask &= ~X86_EFLAGS_CF;
		break;
	case IVM_OP_DEC:
		result = sub(size, a, 1, 0, &flags);
		mask &= ~X86_EFLAGS_CF;
		break;
	case IVM_OP_OR:
		result = a | b;
		flags = result_flags(result, size);
		break;
	case IVM_OP_AND:
		result = a & b;
		flags = result_flags(result, size);
		break;
	case IVM_OP_XOR:
		result = a ^ b;
		flags = result_flags(result, size);
		break;
	case IVM_OP_TEST:
		flags = result_flags(a & b, size);
		result = a;
		break;
	case IVM_OP_NOT:
		return ivm_low(~a, size);
	default:	/* bit tests */
		flags = a & bit ? X86_EFLAGS_CF : 0;
		mask = X86_EFLAGS_CF;
		if (op == IVM_OP_BTS)
			result = a | bit;
		else if (op == IVM_OP_BTR)
			result = a & ~bit;
		else
			result = op == IVM_OP_BTC ? a ^ bit : a;
		break;
	}
	*rflags = (*rflags & ~mask) | (flags & mask);
	return result;
}
