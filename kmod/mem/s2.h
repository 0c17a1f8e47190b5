/* SPDX-License-Identifier: GPL-2.0-only */
/* Second-stage page tables: one walker, the format (NPT, EPT) as data. */
#ifndef IVM_MEM_S2_H
#define IVM_MEM_S2_H

#include "frames.h"
#include "mem.h"

/* Level 1 maps 4 KiB pages, level 2 blocks of 2 MiB; the top is level 4 or 5. */
#define IVM_S2_ENTRIES 512U

struct ivm_s2 {
	const struct ivm_s2_format *format;
	u64 *root;
	atomic64_t tables;	/* table pages, the root included */
};

/* Bits 12-51 of an entry, without the mark of the host's memory encryption. */
u64 ivm_s2_address(u64 entry);

/* Return: 0, -EINVAL for a format that nobody can walk, -ENOMEM. May sleep. */
int ivm_s2_init(struct ivm_s2 *s2, const struct ivm_s2_format *format);

/**
 * ivm_s2_map() - install the leaf of a frame
 * @s2:		tables
 * @owner:	to whom the tables belong
 * @page:	frame; its order says which leaf is made
 * @gfn:	guest-physical address >> 12
 *
 * Several threads may map at once. Tables on the way are made as needed.
 *
 * Return: 0; -ENOMEM; -EPERM when the inverse record of the frame does not
 * name this owner and this address; -EINVAL when the frame or address is
 * misaligned or out of range; -EEXIST when something stands there already.
 * The last three are counted (ivm_leaf_refused()). May sleep.
 */
int ivm_s2_map(struct ivm_s2 *s2, const struct ivm_owner *owner, struct page *page, u64 gfn);

/* Makes the tables that ivm_s2_map() will need for a frame of @order at @gfn. Return: 0, -ENOMEM, -EEXIST. May sleep. */
int ivm_s2_prepare(struct ivm_s2 *s2, u64 gfn, unsigned int order);

/* The level-2 entry for the block of @gfn, or NULL when no table holds it. Any context. */
u64 *ivm_s2_block_slot(struct ivm_s2 *s2, u64 gfn);

/* The level-1 table of the block of @gfn, or NULL when there is none. Any context. */
u64 *ivm_s2_small_table(struct ivm_s2 *s2, u64 gfn);

/* Does an entry at @level point to a table, and to which? Any context. */
bool ivm_s2_is_table(const struct ivm_s2_format *format, u64 entry, unsigned int level);
u64 *ivm_s2_table(u64 entry);

/*
 * Take away every leaf of the block of @gfn. Several threads may do so with
 * different blocks. Return: its level-1 table, if it had one: for
 * ivm_s2_free_table() once nobody walks it any more. Any context.
 */
u64 *ivm_s2_take_block(struct ivm_s2 *s2, u64 gfn);
void ivm_s2_free_table(struct ivm_s2 *s2, u64 *table);	/* accepts NULL */

/* Frees all tables but the root, which becomes empty. Leaves are forgotten. May sleep. */
void ivm_s2_clear(struct ivm_s2 *s2);

/* Frees everything; accepts what ivm_s2_init() refused, zeroed. May sleep. */
void ivm_s2_free(struct ivm_s2 *s2);

#endif
