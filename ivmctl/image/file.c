// SPDX-License-Identifier: GPL-2.0-only
#include "file.h"

#include "../fail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int ivm_file_open(struct ivm_file *file, const char *what, const char *path)
{
	struct stat st;
	int err;

	*file = (struct ivm_file){ .what = what, .path = path, .fd = -1 };
	/* O_NONBLOCK: a FIFO in the way must not block us. */
	file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (file->fd < 0) {
		err = errno;
		return ivm_fail(err, "cannot open the %s %s: %s", what, path, strerror(err));
	}
	if (fstat(file->fd, &st))
		err = ivm_fail(errno, "cannot examine the %s %s: %s", what, path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		err = ivm_fail(EISDIR, "the %s %s is a directory; expected a file", what, path);
	else if (!S_ISREG(st.st_mode))
		err = ivm_fail(EINVAL, "the %s %s is not a regular file", what, path);
	else if (!st.st_size)
		err = ivm_fail(EINVAL, "the %s %s is empty", what, path);
	else
		err = 0;
	if (err)
		ivm_file_close(file);
	else
		file->size = (uint64_t)st.st_size;
	return err;
}

void ivm_file_close(struct ivm_file *file)
{
	if (file->path && file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

int ivm_file_read(const struct ivm_file *file, uint64_t offset, void *buffer, size_t length)
{
	char *to = buffer;

	if (offset > file->size || length > file->size - offset)
		return ivm_fail(EINVAL, "the %s %s is truncated: %zu bytes are needed at offset %llu, but it has %llu bytes in all",
				file->what, file->path, length, (unsigned long long)offset,
				(unsigned long long)file->size);
	while (length) {
		ssize_t got = pread(file->fd, to, length, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ivm_fail(errno, "cannot read the %s %s: %s", file->what, file->path, strerror(errno));
		if (!got)
			return ivm_fail(EINVAL, "the %s %s shrank while it was read", file->what, file->path);
		to += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return 0;
}
