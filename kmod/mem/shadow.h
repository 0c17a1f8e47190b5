/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shadow page tables of one vCPU: from linear addresses to frames, for where the
 * processor does not walk two stages (nested_paging=0, or a CPU without it).
 *
 * They are a translation lookaside buffer in memory. Nothing is in them that the
 * guest's own tables did not say at some moment since the guest last told the
 * processor to forget it, and accessed and dirty bits were set on the way: what
 * x86 lets a TLB hold (AMD APM volume 2, 5.5; Intel SDM 3A 4.10). So the guest's
 * tables need no write protection, and vCPUs share nothing. Like a TLB it holds
 * several contexts, by PCID, and forgets everything when it is full.
 *
 * All functions but create, destroy and audit: the vCPU's own thread, or while
 * it is parked; interrupts may be off, nothing sleeps.
 */
#ifndef IVM_MEM_SHADOW_H
#define IVM_MEM_SHADOW_H

#include "mem.h"

struct ivm_shadow;
struct page;

/* What a translation allows, by all that the guest's tables say. */
struct ivm_shadow_rights {
	u8 shift;	/* of the guest's page: 12, 21, 22, 30 */
	bool write, user, execute;
};

/* Tables for one vCPU of a populated space; ERR_PTR(-ENOMEM). May sleep. destroy() accepts NULL. */
struct ivm_shadow *ivm_shadow_create(struct ivm_space *space);
void ivm_shadow_destroy(struct ivm_shadow *shadow);

/**
 * ivm_shadow_use() - translate by another context
 * @shadow:	tables
 * @long_mode:	four levels; else three, for linear addresses of 32 bits. A change forgets everything
 * @pcid:	0 to 4095, of the guest
 * @forget:	what the context holds already
 */
void ivm_shadow_use(struct ivm_shadow *shadow, bool long_mode, u16 pcid, bool forget);

/**
 * ivm_shadow_map() - remember a translation in the context in use
 * @linear:	canonical; of 32 bits with three levels
 * @gpa:	where it leads, in RAM; the same offset in its page
 * @rights:	of the translation
 *
 * Return: 0, or what ivm_leaf_install() refused with.
 */
int ivm_shadow_map(struct ivm_shadow *shadow, u64 linear, u64 gpa, const struct ivm_shadow_rights *rights);

/**
 * ivm_shadow_offer() - a translation beside the one that was mapped last, if there is none yet
 * @place:	of its entry among the eight that stand together, 0 to 7
 * @gpa:	of its page, in RAM
 * @rights:	of the translation, whose page is one of 4 KiB, as that of the last one was
 */
void ivm_shadow_offer(struct ivm_shadow *shadow, unsigned int place, u64 gpa, const struct ivm_shadow_rights *rights);

/* Forget the guest's page at a linear address, in all contexts; one context; everything. */
void ivm_shadow_drop_page(struct ivm_shadow *shadow, u64 linear);
void ivm_shadow_drop_context(struct ivm_shadow *shadow, u16 pcid);
void ivm_shadow_drop_all(struct ivm_shadow *shadow);

/* What the processor's CR3 is to be. Changes only where ivm_shadow_stale() says so. */
u64 ivm_shadow_root(const struct ivm_shadow *shadow);

/* Since the last call: was anything taken away that the processor may have in its own TLB, or the root changed? */
bool ivm_shadow_stale(struct ivm_shadow *shadow);

#endif
