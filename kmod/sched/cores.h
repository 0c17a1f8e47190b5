/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of sched/ ask cores.c. */
#ifndef IVM_CORES_H
#define IVM_CORES_H

#include <linux/types.h>

struct cpumask;
struct ivm_why;

/*
 * While sealed, no second thread of a core of IVM's comes online: whoever tries
 * gets -EBUSY. May sleep.
 */
void ivm_cores_seal(bool sealed);

/**
 * ivm_cores_siblings() - online threads of cores of IVM's on which no vCPU runs
 * @list:	as for ivm_cores_set(): as if these were its cores; NULL: its cores now
 * @siblings:	out
 * @why:	filled on refusal
 * Return: 0, or -EINVAL for a bad list. May sleep.
 */
int ivm_cores_siblings(const char *list, struct cpumask *siblings, struct ivm_why *why);

/*
 * smt.c is about to take @cpu offline: lists may go on to name its core by it.
 * Until it comes online, or this is undone. May sleep.
 */
void ivm_cores_hide(unsigned int cpu);
void ivm_cores_unhide(unsigned int cpu);

/* Is @cpu hidden, and has not been online since? May sleep. */
bool ivm_cores_hidden(unsigned int cpu);

/* Is the core of @cpu, which may be hidden, one of IVM's? May sleep. */
bool ivm_cores_given(unsigned int cpu);

#endif
