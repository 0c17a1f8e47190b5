/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions and registers that we answer ourselves. Calls mem/ for guest
 * RAM and nobody else; devices are reached through struct ivm_emul_ops.
 * Interrupts may be off; nothing here sleeps. Builds in user space too
 * (selftests/unit), where fuzzers run it.
 */
#ifndef IVM_EMUL_H
#define IVM_EMUL_H

#include "../regs.h"

#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/unaligned.h>

struct ivm_space;

/**
 * struct ivm_code_cache - pages that instructions were lately read from
 *
 * For ivm_emul_code() only, and only a shortcut: a page is used when each
 * table entry on the way to it still holds what it held. One per vCPU, owned by
 * its thread. Must be zeroed whenever guest RAM is populated, and when some of it
 * goes: it has pointers into it.
 */
struct ivm_code_cache {
	struct ivm_code_page {
		u64 linear;		/* of its last byte; 0: nothing remembered */
		u64 cr3, cr4;		/* what the walk depended on */
		u8 cpl;
		const u8 *ram;		/* the page's bytes */
		const u64 *entry[4];	/* table entries, top first; short walks repeat the last one */
		u64 value[4];		/* what they hold, accessed bits set */
	} page[4];
};

/* What emulation sees of a vCPU; made by vm/ from the backend's state, once per exit. */
struct ivm_emul_cpu {
	struct ivm_regs *regs;		/* live: results are written here */
	struct ivm_sregs *sregs;	/* a copy, not written */
	struct ivm_space *space;
	struct ivm_code_cache *code;	/* NULL: none */
	u8 phys_bits;			/* of the guest: bits above are reserved in page tables */
};

/* How emulation reaches devices. Called with what the instruction asked, sizes 1, 2, 4, 8. Return false: nobody claims it. */
struct ivm_emul_ops {
	bool (*mmio_read)(void *ctx, u64 gpa, unsigned int size, u64 *value);
	bool (*mmio_write)(void *ctx, u64 gpa, unsigned int size, u64 value);
	void (*io_read)(void *ctx, u16 port, unsigned int size, u32 *value);	/* unclaimed: ones */
	void (*io_write)(void *ctx, u16 port, unsigned int size, u32 value);
};

enum ivm_emul_result {
	IVM_EMUL_DONE,		/* registers, RIP and memory are as after the instruction */
	IVM_EMUL_AGAIN,		/* as DONE, but a REP has iterations left: RIP still at the instruction; enter the guest, it comes back */
	IVM_EMUL_FAULT,		/* @fault is to be injected; RIP unchanged */
	IVM_EMUL_UNCLAIMED,	/* address *gpa is neither RAM nor a device: P9; RIP unchanged */
	IVM_EMUL_UNKNOWN,	/* not an instruction that we answer; RIP unchanged */
};

/* ---- walk.c: the guest's own page tables ---- */

#define IVM_WALK_WRITE	(1U << 0)
#define IVM_WALK_USER	(1U << 1)	/* the access has user rights (CPL 3, not implicit) */
#define IVM_WALK_FETCH	(1U << 2)
#define IVM_WALK_IMPLICIT	(1U << 3)	/* by the processor for itself: descriptors, while user code runs */

/* What a translation allows beyond the access that it was made for. */
struct ivm_leaf {
	u8 shift;		/* of the guest's page: 12, 21, 22, 30 */
	bool writable, user, executable;
	bool dirty;		/* its entry says so already */
	const u64 *entry;	/* that maps a page of 4 KiB, in guest RAM; NULL: another size or format */
	u64 above;		/* private to walk.c */
};

#define IVM_WALK_BESIDE 8	/* entries that stand together */

/**
 * ivm_walk_beside() - what an entry beside the one that a walk ended at says
 * @cpu:	as for the walk
 * @leaf:	of the walk
 * @place:	0 to IVM_WALK_BESIDE - 1, among the entries that stand together
 * @gpa:	out, of its page
 * @other:	out, without an entry of its own
 *
 * Return: false for the entry of the walk itself, and for one that is not
 * present, has reserved bits or has not been accessed yet. Nothing is written.
 */
bool ivm_walk_beside(const struct ivm_emul_cpu *cpu, const struct ivm_leaf *leaf, unsigned int place, u64 *gpa,
		     struct ivm_leaf *other);

/**
 * ivm_walk() - translate a linear address as the guest's MMU would
 * @cpu:	CR0, CR3, CR4, EFER decide the mode: no paging, 32-bit with PSE, PAE, 4-level
 * @linear:	canonical or not (#GP(0), or #SS(0) decided by the caller through the segment)
 * @access:	IVM_WALK_*; WP, NXE, SMEP, SMAP (with RFLAGS.AC), U/S, reserved bits are honoured
 * @gpa:	out
 * @fault:	out: #PF with error code and address, or #GP(0)
 *
 * Sets accessed and dirty bits with compare-and-swap, as the CPU does. Never
 * loops; each table entry is read once.
 *
 * Return: 0 or -EFAULT (fault filled), or -ENXIO when a table lies outside RAM
 * (then *gpa is its address: P9).
 */
int ivm_walk(const struct ivm_emul_cpu *cpu, u64 linear, unsigned int access, u64 *gpa, struct ivm_fault *fault);

/* As ivm_walk(), and what else the translation allows; without paging everything, in pages of 1 GiB. */
int ivm_walk_leaf(const struct ivm_emul_cpu *cpu, u64 linear, unsigned int access, u64 *gpa, struct ivm_leaf *leaf,
		  struct ivm_fault *fault);

/* ---- decode.c, exec.c ---- */

/**
 * ivm_emul_code() - the bytes at CS:RIP, where they can be had at once
 * @cpu: as for ivm_emul_length()
 * Return: at least four of them, in guest RAM; NULL outside 64-bit mode, at the
 * end of a page, and where they cannot be fetched.
 */
const u8 *ivm_emul_code(const struct ivm_emul_cpu *cpu);

/* The length, whatever the mode and the prefixes. Return: as ivm_emul_length(). */
unsigned int ivm_emul_length_slow(const struct ivm_emul_cpu *cpu, u32 opcode);

/* Bytes of an opcode written as a number. */
static __always_inline unsigned int ivm_opcode_bytes(u32 opcode)
{
	return opcode > 0xffff ? 3 : opcode > 0xff ? 2 : 1;
}

/* MOV to and from control and debug registers: ModRM names two registers whatever its mod field says. */
static __always_inline bool ivm_opcode_has_register(u32 opcode)
{
	return opcode - 0x0f20 <= 0x0f23 - 0x0f20;
}

/* Groups 6 and 7 (LGDT, INVLPG …) when their ModRM byte is not part of the number. */
static __always_inline bool ivm_opcode_has_modrm(u32 opcode)
{
	return opcode - 0x0f00 <= 0x0f01 - 0x0f00;
}

static __always_inline bool ivm_opcode_has_immediate(u32 opcode)
{
	return opcode == 0xcd || opcode - 0xe4 <= 0xe7 - 0xe4;	/* INT n; IN and OUT of a port given here */
}

/**
 * ivm_emul_length() - length of the instruction at CS:RIP, for intercepts where the CPU does not tell
 * @cpu:	CS and control registers
 * @opcode:	the opcode expected there without prefixes, as the number 0x0fa2
 *		(CPUID), 0xf4 (HLT), 0x0f32 …; decides nothing but whether what is
 *		found is believed
 * Return: 1 … 15; or 0 when the bytes cannot be read or are something else
 * (the guest changed its code or tables meanwhile): simply enter again.
 *
 * Hot path (a CPUID exit pays it on CPUs without next-RIP save), in 64-bit mode
 * without prefixes: some 60 instructions where @cpu has a cache of code pages
 * and the last walk still holds, some 200 where not. Inline because what it
 * asks of the opcode is known where it is called.
 */
static __always_inline unsigned int ivm_emul_length(const struct ivm_emul_cpu *cpu, u32 opcode)
{
	unsigned int n = ivm_opcode_bytes(opcode);
	const u8 *code = ivm_emul_code(cpu);

	/* No segment, no page boundary, no prefix, nothing after the opcode: nearly always. */
	if (likely(code) && likely(get_unaligned_be32(code) >> (32 - 8 * n) == opcode) &&
	    !ivm_opcode_has_register(opcode) && !ivm_opcode_has_modrm(opcode) && !ivm_opcode_has_immediate(opcode))
		return n;
	return ivm_emul_length_slow(cpu, opcode);
}

/**
 * ivm_emul_mov_reg() - a MOV to or from a control or debug register (0x0f20 … 0x0f23)
 * @gpr:	out: number of the general register, with REX
 * Return: as ivm_emul_length().
 */
unsigned int ivm_emul_mov_reg(const struct ivm_emul_cpu *cpu, u32 opcode, unsigned int *gpr);

/**
 * ivm_emul_mmio() - execute the instruction at CS:RIP that touched device memory
 *
 * All of MOV (88-8b, a0-a3, c6, c7), MOVZX, MOVSX, MOVSXD, MOVBE if cheap, XCHG, ALU
 * operations with a memory operand (ADD OR ADC SBB AND SUB XOR CMP TEST, INC,
 * DEC, NOT, NEG), BT/BTS/BTR/BTC, CMPXCHG, XADD, STOS, LODS, MOVS, SCAS, CMPS with REP, PUSH/POP of
 * memory, in 16-, 32- and 64-bit modes, with flags. Memory operands may be RAM or devices, byte by
 * page; they may straddle pages. LOCK is accepted where the CPU accepts it, else #UD.
 * REP does at most 4096 bytes a call (IVM_EMUL_AGAIN).
 */
enum ivm_emul_result ivm_emul_mmio(const struct ivm_emul_cpu *cpu, const struct ivm_emul_ops *ops, void *ctx,
				   struct ivm_fault *fault, u64 *gpa);

/* A string I/O exit (INS, OUTS), decoded again from memory because the exit lacks segment and address size on some CPUs. */
enum ivm_emul_result ivm_emul_string_io(const struct ivm_emul_cpu *cpu, const struct ivm_emul_ops *ops, void *ctx,
					struct ivm_fault *fault, u64 *gpa);

/* ---- system.c ---- */

enum ivm_system_op {
	IVM_SYSTEM_TO_CR, IVM_SYSTEM_FROM_CR, IVM_SYSTEM_CLTS, IVM_SYSTEM_LMSW, IVM_SYSTEM_SMSW, IVM_SYSTEM_INVLPG,
};

/* An instruction that decides about paging, taken apart. */
struct ivm_system {
	enum ivm_system_op op;
	u8 length;
	u8 number, gpr;		/* TO_CR, FROM_CR: the control register and the general one */
	u64 value;		/* LMSW: the operand; INVLPG: the linear address */
};

/**
 * ivm_emul_system() - take apart the instruction at CS:RIP
 * @cpu:	the full view
 * @ops:	for operands in device memory
 * @ctx:	for @ops
 * @system:	out
 * @fault:	out
 * @gpa:	out
 *
 * SMSW is executed but for RIP; of the others nothing is done yet. The CPU has
 * checked that the guest may execute it.
 *
 * Return: DONE; FAULT or UNCLAIMED where an operand has it; UNKNOWN for anything
 * else (the guest changed its code meanwhile: enter again). Any context.
 */
enum ivm_emul_result ivm_emul_system(const struct ivm_emul_cpu *cpu, const struct ivm_emul_ops *ops, void *ctx,
				     struct ivm_system *system, struct ivm_fault *fault, u64 *gpa);

/* ---- cpuid.c ---- */

struct ivm_cpuid;	/* what the guest's CPUID answers, for one VM */

struct ivm_cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

/* What answers depend on besides the leaf. */
struct ivm_cpuid_state {
	unsigned int vcpu;	/* index = APIC id */
	u64 cr4, xcr0;
	bool apic_enabled;	/* CPUID.1:EDX.APIC follows APIC_BASE.EN */
};

/**
 * ivm_cpuid_create() - features of the host that we honour, and our own leaves
 * @xcr0:	XCR0 bits that the guest may set (x87, SSE, AVX …); 0: XSAVE is hidden
 * @shadowed:	guests run on shadow tables: PCID there is ours, and INVPCID nobody's
 *
 * Allow-list by bit: anything not named is zero. One thread per core in every
 * topology leaf (1, 4, 0xb, 0x1f, 80000008, 8000001e), consistently, n cores in one package.
 * x2APIC, TSC-deadline, ARAT, hypervisor bit; invariant TSC when the host's is stable; no SVM, VMX, PKU,
 * LA57, MPX, PMU, MONITOR, TSX, SGX. 0x40000000: the documented KVM signature with clocksource,
 * clocksource2, stable clock and no-io-delay bits; 0x40000010: TSC and APIC frequency; 0x40000100: "IVMIVMIVMIVM".
 * Return: ERR_PTR(-ENOMEM) or the table, constant afterwards. May sleep.
 */
struct ivm_cpuid *ivm_cpuid_create(unsigned int nr_vcpus, u32 tsc_khz, u64 xcr0, bool shadowed);
void ivm_cpuid_destroy(struct ivm_cpuid *cpuid);
/* Leaves beyond the maximum answer as vendor's CPUs do. */
void ivm_cpuid_answer(const struct ivm_cpuid *cpuid, const struct ivm_cpuid_state *state,
		      u32 leaf, u32 subleaf, struct ivm_cpuid_regs *out);
/* The answer where it does not depend on the state, which is nearly everywhere, else NULL. Hot path: some 20 instructions. */
const struct ivm_cpuid_regs *ivm_cpuid_fixed(const struct ivm_cpuid *cpuid, u32 leaf, u32 subleaf);
/* Bits of CR4 (and EFER) that the guest may set, derived from the same table. */
u64 ivm_cpuid_cr4_allowed(const struct ivm_cpuid *cpuid);
u64 ivm_cpuid_efer_allowed(const struct ivm_cpuid *cpuid);
u8 ivm_cpuid_phys_bits(const struct ivm_cpuid *cpuid);

/* ---- msr.c: the allow-list ---- */

enum ivm_msr_kind {
	IVM_MSR_NONE,		/* not listed: #GP(0), counted */
	IVM_MSR_CONST,		/* reads a value, writes of that value are ignored, others #GP */
	IVM_MSR_STORED,		/* plain storage per vCPU, with a mask of writable bits */
	IVM_MSR_IGNORED,	/* reads 0, writes ignored */
	IVM_MSR_LAPIC,		/* 1b, 6e0, 800-8ff: irq/ */
	IVM_MSR_BACKEND,	/* state in the CPU: FS/GS base, STAR …, SYSENTER, PAT, EFER, DEBUGCTL: cpu/ */
	IVM_MSR_TSC,		/* 10, 3b: vm/ */
	IVM_MSR_KVM_CLOCK,	/* 11, 12, 4b564d00, 4b564d01: vm/ */
	IVM_MSR_KVM_EOI,	/* 4b564d04: vm/ */
	IVM_MSR_SPEC_CTRL,	/* 48, 49, c001011f: cpu/ */
};

/* Per-vCPU storage of IVM_MSR_STORED. */
#define IVM_MSR_STORED_MAX 64
struct ivm_msrs {
	u64 value[IVM_MSR_STORED_MAX];
};

/* Kind of an MSR. Any context. */
enum ivm_msr_kind ivm_msr_kind(u32 index);
/* CONST, STORED and IGNORED only. Return: 0 or -EINVAL (#GP). MTRRs, TSC_AUX, MCG_*, HWCR, MISC_ENABLE, BIOS_SIGN … */
int ivm_msr_read(const struct ivm_msrs *msrs, u32 index, u64 *value);
int ivm_msr_write(struct ivm_msrs *msrs, u32 index, u64 value);
void ivm_msr_reset(struct ivm_msrs *msrs);	/* values after reset */
u64 ivm_msr_tsc_aux(const struct ivm_msrs *msrs);

#endif
