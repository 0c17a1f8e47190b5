/* SPDX-License-Identifier: GPL-2.0-only */
/* Violations on purpose, so that tests see the audit and the leaf function refuse. Built with IVM_DEBUG only. */
#ifndef IVM_MEM_SEED_H
#define IVM_MEM_SEED_H

struct ivm_space;

#ifdef IVM_DEBUG
void ivm_seed_init(void);
void ivm_seed_exit(void);
/* Before the space is taken apart: double leaves would be freed twice. */
void ivm_seed_undo(struct ivm_space *space);
#else
static inline void ivm_seed_init(void) {}
static inline void ivm_seed_exit(void) {}
static inline void ivm_seed_undo(struct ivm_space *space) {}
#endif

#endif
