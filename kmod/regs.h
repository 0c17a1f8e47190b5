/* SPDX-License-Identifier: GPL-2.0-only */
/* Architectural state of a vCPU in neutral form: what backends fill and emulation reads. */
#ifndef IVM_REGS_H
#define IVM_REGS_H

#include <linux/types.h>
#include <linux/ivm.h>

/* Numbers as in ModRM and REX encodings. */
enum ivm_gpr {
	IVM_RAX, IVM_RCX, IVM_RDX, IVM_RBX, IVM_RSP, IVM_RBP, IVM_RSI, IVM_RDI,
	IVM_R8, IVM_R9, IVM_R10, IVM_R11, IVM_R12, IVM_R13, IVM_R14, IVM_R15,
};

struct ivm_regs {
	u64 gpr[16];
	u64 rip;
	u64 rflags;
};

/* Numbers as in segment-register encodings. */
enum ivm_seg { IVM_ES, IVM_CS, IVM_SS, IVM_DS, IVM_FS, IVM_GS, IVM_SEGS };

/* Control and segment registers, a copy. */
struct ivm_sregs {
	u64 cr0, cr2, cr3, cr4, efer;
	struct ivm_segreg seg[IVM_SEGS];
	struct ivm_segreg tr, ldtr, gdtr, idtr;
	u8 cpl;
};

/* An exception for the guest. */
struct ivm_fault {
	u8 vector;
	bool has_error;
	u32 error;
	u64 address;	/* CR2, for #PF */
};

#endif
