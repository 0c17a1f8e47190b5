/* SPDX-License-Identifier: GPL-2.0-only */
/* Bits of the guest's page-table entries (SDM 3A 4.3 to 4.5), private to emul/. */
#ifndef IVM_EMUL_PTE_H
#define IVM_EMUL_PTE_H

#include <linux/bits.h>

#define PTE_P		BIT_ULL(0)
#define PTE_W		BIT_ULL(1)
#define PTE_U		BIT_ULL(2)
#define PTE_A		BIT_ULL(5)
#define PTE_D		BIT_ULL(6)
#define PTE_PS		BIT_ULL(7)
#define PTE_PAT_LARGE	BIT_ULL(12)
#define PTE_NX		BIT_ULL(63)
#define PTE_ADDRESS	GENMASK_ULL(51, 12)

#endif
