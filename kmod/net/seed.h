/* SPDX-License-Identifier: GPL-2.0-only */
/* Cards without a guest, so that tests see what a switch does to one. Built with IVM_DEBUG only. */
#ifndef IVM_NET_SEED_H
#define IVM_NET_SEED_H

#ifdef IVM_DEBUG
void ivm_net_seed_init(void);
void ivm_net_seed_exit(void);	/* deletes the cards */
#else
static inline void ivm_net_seed_init(void) { }
static inline void ivm_net_seed_exit(void) { }
#endif

#endif
