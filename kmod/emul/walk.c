// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's own page tables, walked as its MMU would (SDM 3A chapter 4, APM 2
 * chapter 5). Entries are in guest RAM, where other vCPUs may change them at
 * any moment: each is read once per attempt, and written by compare-and-swap.
 */
#include "insn.h"
#include "pte.h"
#include "../mem/mem.h"

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>

/* Page-fault error code (SDM 4.7). */
#define PF_P		BIT(0)
#define PF_W		BIT(1)
#define PF_U		BIT(2)
#define PF_RSVD		BIT(3)
#define PF_I		BIT(4)

/*
 * A compare-and-swap fails when another vCPU changed the entry after we read
 * it; the walk then starts again, as the CPU's would. A guest that keeps
 * changing its entries gets a page fault after so many attempts.
 */
#define ATTEMPTS	8

/* A walk in progress. Its address is never passed on, so that it lives in registers. */
struct walk {
	const struct ivm_emul_cpu *cpu;
	u64 linear;
	unsigned int access;	/* IVM_WALK_* */
	u64 reserved;		/* bits that must be 0 in every entry */
	u64 rights;		/* AND of all levels: W, U, and NX inverted */
	u64 gpa;		/* the answer, or the address that is not RAM */
	u64 entry;		/* what maps the page, A and D as they are now */
	const u64 *at;		/* where it is, if it is one of 8 bytes for 4 KiB */
	u64 above;		/* rights of the levels above it */
	unsigned int shift;	/* of the page */
};

/* How a level of the walk ended. */
enum step {
	STEP_TABLE,		/* it points to the next table */
	STEP_DONE,		/* it maps the page */
	STEP_AGAIN,		/* changed meanwhile */
	STEP_OUTSIDE,		/* the table is not in RAM */
	STEP_NOT_PRESENT,
	STEP_RESERVED,
	STEP_DENIED,
};

static noinline int page_fault(const struct ivm_emul_cpu *cpu, u64 linear, unsigned int access,
			       u32 error, struct ivm_fault *fault)
{
	const struct ivm_sregs *s = cpu->sregs;

	if (access & IVM_WALK_WRITE)
		error |= PF_W;
	if (access & IVM_WALK_USER)
		error |= PF_U;
	/* A fetch is told from a read only where there is something that forbids fetches. */
	if (access & IVM_WALK_FETCH &&
	    (s->cr4 & X86_CR4_SMEP || (s->cr4 & X86_CR4_PAE && s->efer & IVM_EFER_NXE)))
		error |= PF_I;
	*fault = (struct ivm_fault){
		.vector = IVM_VECTOR_PF, .has_error = true, .error = error, .address = linear
	};
	return -EFAULT;
}

/* SDM 4.6.1; the leaf's bits are in w->rights already. */
static __always_inline bool permitted(const struct walk *w)
{
	const struct ivm_sregs *s = w->cpu->sregs;
	bool user_page = w->rights & PTE_U;

	if (w->access & IVM_WALK_USER) {
		if (!user_page)
			return false;
	} else if (user_page) {
		if (w->access & IVM_WALK_FETCH) {
			if (s->cr4 & X86_CR4_SMEP)
				return false;
		} else if (s->cr4 & X86_CR4_SMAP &&
			   (w->access & IVM_WALK_IMPLICIT || !(w->cpu->regs->rflags & X86_EFLAGS_AC))) {
			return false;
		}
	}
	if (w->access & IVM_WALK_WRITE && !(w->rights & PTE_W) &&
	    (w->access & IVM_WALK_USER || s->cr0 & X86_CR0_WP))
		return false;
	return !(w->access & IVM_WALK_FETCH) || w->rights & PTE_NX;
}

/* A and, for a write, D of the entry that maps the page. */
static __always_inline u64 leaf_marks(const struct walk *w)
{
	return w->access & IVM_WALK_WRITE ? PTE_A | PTE_D : PTE_A;
}

/* Ends the walk at an 8-byte entry that maps a page of 1 << @shift bytes. */
static __always_inline enum step finish8(struct walk *w, u64 *p, u64 e, unsigned int shift)
{
	u64 offset = BIT_ULL(shift) - 1, marks = leaf_marks(w);

	if (shift > 12 && unlikely(e & offset & PTE_ADDRESS & ~PTE_PAT_LARGE))
		return STEP_RESERVED;
	if (unlikely(!permitted(w)))
		return STEP_DENIED;
	if (unlikely((e & marks) != marks) && cmpxchg(p, e, e | marks) != e)
		return STEP_AGAIN;
	w->gpa = (e & PTE_ADDRESS & ~offset) | (w->linear & offset);
	w->entry = e | marks;
	w->shift = shift;
	return STEP_DONE;
}

/*
 * One level of 8-byte entries. @entry: in, what points to the table; out, the
 * entry found. The common case, present with A set and no reserved bit, costs
 * one comparison.
 */
static __always_inline enum step level8(struct walk *w, u64 *entry, unsigned int shift)
{
	/* The top level has no pages: PS must be 0 there. */
	u64 reserved = shift == 39 ? w->reserved | PTE_PS : w->reserved;
	u64 at = (*entry & PTE_ADDRESS) + (w->linear >> shift & 511) * 8;
	u64 *p = ivm_space_ptr(w->cpu->space, at, NULL);
	bool accessed = true;
	u64 e;

	if (unlikely(!p)) {
		w->gpa = at;
		return STEP_OUTSIDE;
	}
	e = READ_ONCE(*p);
	if (unlikely((e & (reserved | PTE_P | PTE_A)) != (PTE_P | PTE_A))) {
		if (!(e & PTE_P))
			return STEP_NOT_PRESENT;
		if (e & reserved)
			return STEP_RESERVED;
		accessed = false;
	}
	if (shift == 12) {
		w->above = w->rights;
		w->at = p;
	}
	w->rights &= e ^ PTE_NX;
	if (shift == 12 || (shift < 39 && e & PTE_PS))
		return finish8(w, p, e, shift);
	if (unlikely(!accessed) && cmpxchg(p, e, e | PTE_A) != e)
		return STEP_AGAIN;
	*entry = e;
	return STEP_TABLE;
}

static __always_inline enum step walk_4level(struct walk *w)
{
	const struct ivm_sregs *s = w->cpu->sregs;
	u64 entry = s->cr3;
	enum step step;

	w->reserved = ~0ULL << w->cpu->phys_bits & PTE_ADDRESS;
	if (unlikely(!(s->efer & IVM_EFER_NXE)))
		w->reserved |= PTE_NX;
	step = level8(w, &entry, 39);
	if (unlikely(step))
		return step;
	step = level8(w, &entry, 30);
	if (unlikely(step))
		return step;
	step = level8(w, &entry, 21);
	if (step)
		return step;
	return level8(w, &entry, 12);
}

/*
 * The page-directory-pointer entries are read from memory on each walk, as AMD
 * does; Intel loads them with CR3, but a guest cannot rely on it keeping old
 * ones either. They grant no rights and have no accessed bit (SDM 4.4.1).
 */
static __always_inline enum step walk_pae(struct walk *w)
{
	const struct ivm_sregs *s = w->cpu->sregs;
	u64 at = (s->cr3 & 0xffffffe0) + (w->linear >> 30) * 8;
	u64 *p = ivm_space_ptr(w->cpu->space, at, NULL);
	enum step step;
	u64 entry;

	if (!p) {
		w->gpa = at;
		return STEP_OUTSIDE;
	}
	entry = READ_ONCE(*p);
	if (!(entry & PTE_P))
		return STEP_NOT_PRESENT;
	if (entry & (~0ULL << w->cpu->phys_bits | 0x1e6))
		return STEP_RESERVED;

	w->reserved = ~0ULL << w->cpu->phys_bits & ~PTE_NX;
	if (!(s->efer & IVM_EFER_NXE))
		w->reserved |= PTE_NX;
	step = level8(w, &entry, 21);
	if (step)
		return step;
	return level8(w, &entry, 12);
}

/* As finish8(), for 4-byte entries; @gpa is what they map, offset included. */
static __always_inline enum step finish4(struct walk *w, u32 *p, u32 e, unsigned int shift, u64 gpa)
{
	u32 marks = leaf_marks(w);

	if (!permitted(w))
		return STEP_DENIED;
	if ((e & marks) != marks && cmpxchg(p, e, e | marks) != e)
		return STEP_AGAIN;
	w->gpa = gpa;
	w->entry = e | marks;
	w->shift = shift;
	return STEP_DONE;
}

/* One entry of 4 bytes at @at. */
static __always_inline enum step read4(struct walk *w, u64 at, u32 **p, u32 *e)
{
	*p = ivm_space_ptr(w->cpu->space, at, NULL);
	if (!*p) {
		w->gpa = at;
		return STEP_OUTSIDE;
	}
	*e = READ_ONCE(**p);
	if (!(*e & PTE_P))
		return STEP_NOT_PRESENT;
	w->rights &= *e | PTE_NX;	/* no such bit here */
	return STEP_TABLE;
}

/* SDM 4.3. A page of 4 MiB has bits 39:32 of its address in bits 20:13 (PSE-36), bit 21 is reserved. */
static __always_inline enum step walk_32bit(struct walk *w)
{
	const struct ivm_emul_cpu *cpu = w->cpu;
	enum step step;
	u32 *p, e;

	step = read4(w, (cpu->sregs->cr3 & 0xfffff000) + (w->linear >> 22) * 4, &p, &e);
	if (step)
		return step;
	if (e & PTE_PS && cpu->sregs->cr4 & X86_CR4_PSE) {
		u64 high = (u64)(e >> 13 & 0xff) << 32;

		if (e & BIT(21) || high >> cpu->phys_bits)
			return STEP_RESERVED;
		return finish4(w, p, e, 22, high | (e & 0xffc00000) | (w->linear & 0x3fffff));
	}
	if (!(e & PTE_A) && cmpxchg(p, e, e | (u32)PTE_A) != e)
		return STEP_AGAIN;

	step = read4(w, (e & 0xfffff000) + (w->linear >> 12 & 0x3ff) * 4, &p, &e);
	if (step)
		return step;
	return finish4(w, p, e, 12, (e & 0xfffff000) | (w->linear & 0xfff));
}

static noinline enum step walk_legacy(struct walk *out)
{
	struct walk w = *out;
	enum step step = w.cpu->sregs->cr4 & X86_CR4_PAE ? walk_pae(&w) : walk_32bit(&w);

	*out = w;
	return step;
}

/* @leaf: NULL, or filled when the step is done. */
static __always_inline enum step walk_once(const struct ivm_emul_cpu *cpu, u64 linear, unsigned int access,
					   u64 *gpa, struct ivm_leaf *leaf)
{
	struct walk w = { .cpu = cpu, .linear = linear, .access = access, .rights = ~0ULL };
	enum step step;

	if (unlikely(!(cpu->sregs->efer & IVM_EFER_LMA))) {
		struct walk legacy = w;

		step = walk_legacy(&legacy);
		w = legacy;
	} else {
		step = walk_4level(&w);
	}
	*gpa = w.gpa;
	if (leaf && step == STEP_DONE)
		*leaf = (struct ivm_leaf){
			.shift = w.shift,
			.writable = w.rights & PTE_W,
			.user = w.rights & PTE_U,
			.executable = w.rights & PTE_NX,
			.dirty = w.entry & PTE_D,
			.entry = w.at,
			.above = w.above,
		};
	return step;
}

static __always_inline int walk(const struct ivm_emul_cpu *cpu, u64 linear, unsigned int access,
				u64 *gpa, struct ivm_leaf *leaf, struct ivm_fault *fault)
{
	const struct ivm_sregs *s = cpu->sregs;
	unsigned int attempt;

	if (unlikely(!(s->cr0 & X86_CR0_PG))) {
		*gpa = (u32)linear;
		if (leaf)
			*leaf = (struct ivm_leaf){
				.shift = 30, .writable = true, .user = true, .executable = true, .dirty = true,
			};
		return 0;
	}
	if (unlikely(!(s->efer & IVM_EFER_LMA))) {
		linear = (u32)linear;
	} else if (unlikely((s64)(linear << 16) >> 16 != (s64)linear)) {
		*fault = (struct ivm_fault){ .vector = IVM_VECTOR_GP, .has_error = true };
		return -EFAULT;
	}
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		enum step step = walk_once(cpu, linear, access, gpa, leaf);

		if (likely(step == STEP_DONE))
			return 0;
		switch (step) {
		case STEP_OUTSIDE:
			return -ENXIO;
		case STEP_NOT_PRESENT:
			return page_fault(cpu, linear, access, 0, fault);
		case STEP_RESERVED:
			return page_fault(cpu, linear, access, PF_P | PF_RSVD, fault);
		case STEP_DENIED:
			return page_fault(cpu, linear, access, PF_P, fault);
		default:
			break;
		}
	}
	return page_fault(cpu, linear, access, 0, fault);
}

int ivm_walk(const struct ivm_emul_cpu *cpu, u64 linear, unsigned int access, u64 *gpa, struct ivm_fault *fault)
{
	return walk(cpu, linear, access, gpa, NULL, fault);
}

int ivm_walk_leaf(const struct ivm_emul_cpu *cpu, u64 linear, unsigned int access, u64 *gpa, struct ivm_leaf *leaf,
		  struct ivm_fault *fault)
{
	return walk(cpu, linear, access, gpa, leaf, fault);
}

bool ivm_walk_beside(const struct ivm_emul_cpu *cpu, const struct ivm_leaf *leaf, unsigned int place, u64 *gpa,
		     struct ivm_leaf *other)
{
	u64 reserved = ~0ULL << cpu->phys_bits & PTE_ADDRESS, rights, e;
	const u64 *first = (const u64 *)((unsigned long)leaf->entry & ~(IVM_WALK_BESIDE * sizeof(u64) - 1));

	if (!first || first + place == leaf->entry)
		return false;
	if (!(cpu->sregs->efer & IVM_EFER_LMA))		/* see walk_pae() */
		reserved = ~0ULL << cpu->phys_bits & ~PTE_NX;
	if (!(cpu->sregs->efer & IVM_EFER_NXE))
		reserved |= PTE_NX;
	e = READ_ONCE(first[place]);
	if ((e & (reserved | PTE_P | PTE_A)) != (PTE_P | PTE_A))
		return false;
	rights = leaf->above & (e ^ PTE_NX);
	*gpa = e & PTE_ADDRESS;
	*other = (struct ivm_leaf){
		.shift = 12,
		.writable = rights & PTE_W,
		.user = rights & PTE_U,
		.executable = rights & PTE_NX,
		.dirty = e & PTE_D,
	};
	return true;
}

/* The same code once more, with what a fetch by the kernel does not need folded away. */
int ivm_walk_fetch(const struct ivm_emul_cpu *cpu, u64 linear, u64 *gpa, struct ivm_fault *fault)
{
	if (unlikely(cpu->sregs->cpl == 3))
		return ivm_walk(cpu, linear, IVM_WALK_FETCH | IVM_WALK_USER, gpa, fault);
	return walk(cpu, linear, IVM_WALK_FETCH, gpa, NULL, fault);
}
