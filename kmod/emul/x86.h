/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Architectural bits, private to emul/. CR0, CR4 and RFLAGS have theirs in
 * <asm/processor-flags.h>, which user space has too; EFER's are not in any
 * header that both sides share.
 */
#ifndef IVM_EMUL_X86_H
#define IVM_EMUL_X86_H

#include <linux/bits.h>
#include <asm/processor-flags.h>

#define IVM_EFER_SCE	BIT(0)
#define IVM_EFER_LME	BIT(8)
#define IVM_EFER_LMA	BIT(10)
#define IVM_EFER_NXE	BIT(11)
#define IVM_EFER_FFXSR	BIT(14)

/* struct ivm_segreg.attr */
#define IVM_SEG_ACCESSED	BIT(0)
#define IVM_SEG_WRITABLE	BIT(1)	/* data; readable when code */
#define IVM_SEG_DOWN		BIT(2)	/* data: expands down */
#define IVM_SEG_CODE		BIT(3)
#define IVM_SEG_S		BIT(4)	/* code or data, not system */
#define IVM_SEG_P		BIT(7)
#define IVM_SEG_L		BIT(9)
#define IVM_SEG_DB		BIT(10)

/* Exception vectors. */
#define IVM_VECTOR_DB		1
#define IVM_VECTOR_UD		6
#define IVM_VECTOR_SS		12
#define IVM_VECTOR_GP		13
#define IVM_VECTOR_PF		14
#define IVM_VECTOR_AC		17

#endif
