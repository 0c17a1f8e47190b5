/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Definitions on disk: one file NAME.json per VM in /etc/ivm/vms (or $IVM_DIR,
 * for tests). Files are replaced whole and synced, so a reader or a crash never
 * meets half a file. Whoever changes a definition, or starts from it, holds the
 * lock of that name meanwhile.
 */
#ifndef IVM_STORE_H
#define IVM_STORE_H

#include "definition.h"

/**
 * ivm_store_lock() - exclude other ivmctl processes from this name
 * Waits up to 10 s. Creates the directory when it does not exist.
 *
 * Return: descriptor for ivm_store_unlock(), -EBUSY, or another negative errno.
 * The lock ends with the process, whatever ends it.
 */
int ivm_store_lock(const char *name);

/* @lock may be negative. A name that has no definition keeps no lock file. */
void ivm_store_unlock(const char *name, int lock);

/*
 * Exclude all others from choosing addresses, until ivm_store_unlock_all(). Taken
 * behind the lock of a name. Return: descriptor, -EBUSY, or another negative errno.
 */
int ivm_store_lock_all(void);
void ivm_store_unlock_all(int lock);	/* may be negative */

/* Read and check the definition of @name. Return: 0, -ENOENT, -EINVAL …; free @def in any case. */
int ivm_store_load(const char *name, struct ivm_definition *def);

/* Does a definition of @name exist, readable or not? Return: 1, 0, or negative errno. */
int ivm_store_exists(const char *name);

/*
 * The module does not know @name: say what that means for the user, who may
 * have a definition of it. Return: @err, -ENOENT, with the better sentence;
 * any other @err as it is.
 */
int ivm_store_explain(const char *name, int err);

/* Write @def, replacing what was there. The caller holds the lock. */
int ivm_store_save(const struct ivm_definition *def);

/* Remove the definition. The caller holds the lock. Return: 0, -ENOENT, … */
int ivm_store_delete(const char *name);

/**
 * ivm_store_names() - names of all definitions, sorted
 * @names:	array of *@count names, for ivm_store_names_free(); set on success only
 *
 * A directory that does not exist holds none.
 */
int ivm_store_names(char ***names, size_t *count);
void ivm_store_names_free(char **names, size_t count);

#endif
