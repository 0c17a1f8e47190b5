/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that goes into a guest: opened once, its header read here, its body by the module. */
#ifndef IVM_FILE_H
#define IVM_FILE_H

#include <stddef.h>
#include <stdint.h>

struct ivm_file {
	const char	*what;	/* "kernel", "initrd" …: how sentences call it */
	const char	*path;	/* borrowed */
	int		fd;
	uint64_t	size;	/* bytes, at least 1 */
};

/**
 * ivm_file_open() - open a regular file that is not empty
 * Return: 0, or a negative errno with a sentence: missing, a directory, not readable, empty.
 */
int ivm_file_open(struct ivm_file *file, const char *what, const char *path);
void ivm_file_close(struct ivm_file *file);	/* accepts one that was never opened, if zeroed or fd is -1 */

/* Read exactly @length bytes at @offset. Return: 0; -EINVAL with a sentence where the file is shorter. */
int ivm_file_read(const struct ivm_file *file, uint64_t offset, void *buffer, size_t length);

#endif
