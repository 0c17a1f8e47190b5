/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The backend contract: all that a processor vendor's extension supplies.
 * Exits come out normalised, so that vm/exit.c knows nothing of VMCB or VMCS.
 * Backends call mem/ for a table root only, and nobody above.
 */
#ifndef IVM_CPU_H
#define IVM_CPU_H

#include "../mem/mem.h"
#include "../regs.h"

struct ivm_why;

/* What made the guest stop running; the operand fields that are valid stand behind it. */
enum ivm_exit_reason {
	IVM_EXIT_INTERRUPT,	/* the host has an interrupt: enable interrupts soon */
	IVM_EXIT_NMI,		/* the host took an NMI already */
	IVM_EXIT_IRQ_WINDOW,	/* the guest can take an external interrupt now */
	IVM_EXIT_NMI_WINDOW,	/* the guest can take an NMI now */
	IVM_EXIT_CPUID,
	IVM_EXIT_HLT,
	IVM_EXIT_IO,		/* io */
	IVM_EXIT_RDMSR,
	IVM_EXIT_WRMSR,
	IVM_EXIT_CR_ACCESS,	/* reg */
	IVM_EXIT_DR_ACCESS,	/* reg */
	IVM_EXIT_XSETBV,
	IVM_EXIT_HYPERCALL,
	IVM_EXIT_MEMORY,	/* mem: second-stage violation */
	IVM_EXIT_PAGE_FAULT,	/* exc: with shadow tables, before anybody knows whose fault it is */
	IVM_EXIT_INVLPG,	/* invlpg: with shadow tables */
	IVM_EXIT_TASK_SWITCH,	/* by hardware; with shadow tables */
	IVM_EXIT_EXCEPTION,	/* exc: intercepted, to be given to the guest */
	IVM_EXIT_MACHINE_CHECK,	/* the host's; handed on by the backend already */
	IVM_EXIT_UNDEFINED,	/* an instruction we do not offer: #UD */
	IVM_EXIT_CACHE,		/* WBINVD, INVD */
	IVM_EXIT_RDPMC,
	IVM_EXIT_PAUSE,
	IVM_EXIT_TRIPLE_FAULT,
	IVM_EXIT_INVALID,	/* the CPU refused the guest state: ends the VM */
	IVM_EXIT_UNKNOWN,	/* code: ends the VM */
	IVM_EXIT_REASONS,
};

struct ivm_exit {
	enum ivm_exit_reason reason;
	u8 length;		/* of the instruction; 0 when the CPU does not tell */
	u64 code;		/* the CPU's own exit code, for traces and reports */
	union {
		struct {
			u16 port;
			u8 size;	/* 1, 2, 4 */
			bool in, string;
			u64 next_rip;	/* 0 when unknown */
		} io;
		struct {
			u64 gpa;
			bool write, fetch, table;	/* table: the guest's page walk touched it */
		} mem;
		struct {
			u8 number;	/* of the control or debug register */
			bool write;
			bool decoded;	/* gpr is valid */
			u8 gpr;		/* source or destination */
		} reg;
		struct {
			u64 address;
			bool decoded;	/* address is valid */
		} invlpg;
		struct ivm_fault exc;
	};
};

struct ivm_fpu;

/* Control registers that decide about paging, as the guest knows them. */
struct ivm_paging {
	u64 cr0, cr3, cr4, efer;
};

/*
 * What a backend and vm/ share of a vCPU. Legend: (o) its own thread only;
 * others while it is parked  (c) constant once created
 */
struct ivm_cpu {
	struct ivm_regs regs;		/* (o) */
	struct ivm_exit exit;		/* (o) filled by enter */
	u64 dr[4];			/* (o) guest's DR0-3 */
	u64 spec_ctrl;			/* (o) guest's MSR 48h */
	u64 tsc_aux;			/* (o) guest's MSR c0000103h; in force from the next load */
	bool shadow;			/* (o) interrupt shadow at the last exit */
	bool delivering;		/* (o) the last exit cut short the delivery of an event, not an instruction */
	bool shadowed;			/* (c) it runs on shadow tables: paging is what the guest wrote, the CPU has other values */
	bool repage;			/* (o) shadowed: paging was set by reset or boot, all translations are void */
	struct ivm_paging paging;	/* (o) shadowed */
	struct ivm_fpu *fpu;		/* (c) */
	u32 id;				/* (c) the VM's, for barriers between VMs */
	void *backend;			/* (c) the backend's own part */
};

/*
 * All that a processor vendor supplies; no entry may be NULL. "Inner" = called
 * by the vCPU's own thread between load() and put(), interrupts off.
 */
struct ivm_cpu_ops {
	const char *name;	/* "svm" or "vmx", as users see it */

	/* Is the extension there and usable, by capability bits? -ENODEV with why. May sleep. */
	int (*probe)(struct ivm_why *why);
	/* After probe(): does it walk second-stage tables? */
	bool (*has_nested)(void);
	/* What all CPUs and guests share, after probe(). May sleep. exit(): no vCPU is left and every CPU is off. */
	int (*init)(void);
	void (*exit)(void);
	/* May this CPU be turned on? -EBUSY when somebody else holds it; changes nothing. Interrupts off. */
	int (*cpu_free)(void);
	/* Turn it on and off on this CPU; interrupts off. on(): -EBUSY when somebody else holds it. off() cannot fail. */
	int (*cpu_on)(void);
	void (*cpu_off)(void);
	/* Format of second-stage tables; after probe() succeeded. */
	const struct ivm_s2_format *(*s2_format)(void);

	/* The backend's part of a vCPU; @root: of the second-stage table, unless it is shadowed. May sleep. destroy() accepts half a create(). */
	int (*create)(struct ivm_cpu *cpu, u64 root);
	void (*destroy)(struct ivm_cpu *cpu);
	/* State after RESET, or after INIT (AMD APM 14.1.3). Own thread outside the inner loop, or thread parked. */
	void (*reset)(struct ivm_cpu *cpu);
	/* Where a SIPI starts it: real mode, CS base vector << 12. Likewise. */
	void (*sipi)(struct ivm_cpu *cpu, u8 vector);

	/* Make this CPU the guest's: MSRs, debug registers, barrier between VMs; and the host's again. Interrupts off. */
	void (*load)(struct ivm_cpu *cpu);
	void (*put)(struct ivm_cpu *cpu);
	/* Inner. Run the guest until it exits; fills cpu->regs and cpu->exit. */
	void (*enter)(struct ivm_cpu *cpu);

	/* Copies, at any time by the own thread. get_code() fills CR0, CR3, CR4, EFER, CPL and CS only. */
	void (*get_sregs)(struct ivm_cpu *cpu, struct ivm_sregs *sregs);
	void (*get_code)(struct ivm_cpu *cpu, struct ivm_sregs *sregs);
	/* -EINVAL with why when the CPU would refuse the state (APM 15.5.1). */
	int (*set_sregs)(struct ivm_cpu *cpu, const struct ivm_sregs *sregs, struct ivm_why *why);
	u64 (*cr4)(struct ivm_cpu *cpu);
	/* Shadowed: put cpu->paging and the tables at @root in force at the next entry, and forget every translation. Inner. */
	void (*set_paging)(struct ivm_cpu *cpu, u64 root);

	/* MSRs of kind IVM_MSR_BACKEND and IVM_MSR_SPEC_CTRL; @efer_allowed: bits of EFER. -EINVAL: #GP. */
	int (*read_msr)(struct ivm_cpu *cpu, u32 msr, u64 *value);
	int (*write_msr)(struct ivm_cpu *cpu, u32 msr, u64 value, u64 efer_allowed);
	/* CR4 with its rules; unless it is shadowed, CR0 and CR3 are not intercepted. -EINVAL: #GP. */
	int (*write_cr4)(struct ivm_cpu *cpu, u64 value, u64 allowed);
	/* DR4 and DR5 are resolved by the caller. -EINVAL: #GP. */
	u64 (*read_dr)(struct ivm_cpu *cpu, unsigned int number);
	int (*write_dr)(struct ivm_cpu *cpu, unsigned int number, u64 value);

	/* Inner. Can the guest take an external interrupt (an NMI) at the next entry? */
	bool (*can_interrupt)(struct ivm_cpu *cpu);
	bool (*can_nmi)(struct ivm_cpu *cpu);
	void (*inject_interrupt)(struct ivm_cpu *cpu, u8 vector);
	void (*inject_nmi)(struct ivm_cpu *cpu);
	/* Inner. A fault on top of one whose delivery was cut short becomes #DF, or a triple fault: returns true then. */
	bool (*inject_fault)(struct ivm_cpu *cpu, const struct ivm_fault *fault);
	/* Inner. Ask for an exit as soon as the guest can take an interrupt (an NMI). */
	void (*irq_window)(struct ivm_cpu *cpu);
	void (*nmi_window)(struct ivm_cpu *cpu);

	void (*set_tsc_offset)(struct ivm_cpu *cpu, u64 offset);	/* thread parked, or own */
	/* Forget every translation of this vCPU at the next entry. */
	void (*flush)(struct ivm_cpu *cpu);
	/* Inner. Move RIP past an instruction (truncated as the mode asks), end the interrupt shadow. */
	void (*advance)(struct ivm_cpu *cpu, unsigned int length);
};

extern const struct ivm_cpu_ops ivm_svm_ops;

#endif
