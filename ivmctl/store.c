// SPDX-License-Identifier: GPL-2.0-only
#include "store.h"

#include "fail.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define IVM_STORE_DIR		"/etc/ivm/vms"
#define IVM_STORE_SUFFIX	".json"
#define IVM_STORE_FILE_MAX	65536
#define IVM_STORE_WAIT_MS	10000
#define IVM_STORE_POLL_MS	20

static const char *ivm_store_dir(void)
{
	const char *dir = getenv("IVM_DIR");

	return dir && *dir ? dir : IVM_STORE_DIR;
}

static int ivm_store_fail(const char *verb, const char *what)
{
	int err = errno;

	return ivm_fail(err, "cannot %s %s: %s%s", verb, what, strerror(err),
			err == EACCES || err == EPERM ? "; run as root" : "");
}

/* The directory, with the directories above it, for root alone. */
static int ivm_store_make_dir(void)
{
	char *path = ivm_strdup(ivm_store_dir()), *slash = path;
	int err = 0;

	do {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			err = ivm_store_fail("create", path);
		if (slash)
			*slash = '/';
	} while (slash && !err);
	free(path);
	return err;
}

static int ivm_store_open_dir(void)
{
	int dir = open(ivm_store_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 ? ivm_store_fail("open", ivm_store_dir()) : dir;
}

/* Is @lock still the file called @path? The one before us may have deleted it. */
static bool ivm_store_lock_current(int lock, const char *path)
{
	struct stat held, named;

	return !fstat(lock, &held) && !stat(path, &named) &&
	       held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

int ivm_store_lock(const char *name)
{
	const struct timespec pause = { .tv_nsec = IVM_STORE_POLL_MS * 1000000L };
	char *path;
	int lock, err;

	err = ivm_store_make_dir();
	if (err)
		return err;
	path = ivm_format("%s/.%s.lock", ivm_store_dir(), name);
	for (int waited = 0; ; ) {
		lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (lock < 0) {
			lock = ivm_store_fail("open", path);
			break;
		}
		if (!flock(lock, LOCK_EX | LOCK_NB)) {
			if (ivm_store_lock_current(lock, path))
				break;
			close(lock);
			continue;
		}
		err = errno;
		close(lock);
		if (err != EWOULDBLOCK && err != EINTR) {
			errno = err;
			lock = ivm_store_fail("lock", path);
			break;
		}
		if (waited >= IVM_STORE_WAIT_MS) {
			lock = ivm_fail(EBUSY, "another ivmctl has worked on VM '%s' for %d s (it holds %s); try again when it is done",
					name, IVM_STORE_WAIT_MS / 1000, path);
			break;
		}
		nanosleep(&pause, NULL);
		waited += IVM_STORE_POLL_MS;
	}
	free(path);
	return lock;
}

void ivm_store_unlock(const char *name, int lock)
{
	char *path;

	if (lock < 0)
		return;
	/* While we hold it: who waits for it finds out, and locks a new one. */
	if (ivm_store_exists(name) == 0) {
		path = ivm_format("%s/.%s.lock", ivm_store_dir(), name);
		unlink(path);
		free(path);
	}
	close(lock);
}

int ivm_store_lock_all(void)
{
	const struct timespec pause = { .tv_nsec = IVM_STORE_POLL_MS * 1000000L };
	int dir = ivm_store_open_dir();

	if (dir < 0)
		return dir;
	for (int waited = 0; flock(dir, LOCK_EX | LOCK_NB); waited += IVM_STORE_POLL_MS) {
		int err = errno;

		if ((err == EWOULDBLOCK || err == EINTR) && waited < IVM_STORE_WAIT_MS) {
			nanosleep(&pause, NULL);
			continue;
		}
		close(dir);
		if (err == EWOULDBLOCK || err == EINTR)
			return ivm_fail(EBUSY, "another ivmctl has held %s for %d s; try again when it is done",
					ivm_store_dir(), IVM_STORE_WAIT_MS / 1000);
		errno = err;
		return ivm_store_fail("lock", ivm_store_dir());
	}
	return dir;
}

void ivm_store_unlock_all(int lock)
{
	if (lock >= 0)
		close(lock);
}

/* Read up to IVM_STORE_FILE_MAX bytes into @text. Return: length or negative errno. */
static ssize_t ivm_store_read(const char *path, char *text)
{
	struct stat st;
	size_t length = 0;
	ssize_t got = -1;
	int fd;

	/* A FIFO in the way must not block us. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return ivm_store_fail("read", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return ivm_fail(EINVAL, "%s is not a regular file", path);
	}
	while (length < IVM_STORE_FILE_MAX) {
		got = read(fd, text + length, IVM_STORE_FILE_MAX - length);
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	if (got < 0)
		got = ivm_store_fail("read", path);
	else if (length == IVM_STORE_FILE_MAX)
		got = ivm_fail(EFBIG, "%s has %d bytes or more; no definition is that long", path, IVM_STORE_FILE_MAX);
	else
		got = (ssize_t)length;
	close(fd);
	return got;
}

int ivm_store_load(const char *name, struct ivm_definition *def)
{
	char *path = ivm_format("%s/%s" IVM_STORE_SUFFIX, ivm_store_dir(), name);
	char *text = ivm_zalloc(1, IVM_STORE_FILE_MAX);
	ssize_t length;
	int err;

	ivm_definition_init(def, name);
	length = ivm_store_read(path, text);
	if (length == -ENOENT)
		err = ivm_fail(ENOENT, "there is no VM '%s'; ivmctl vm list shows all", name);
	else if (length < 0)
		err = (int)length;
	else
		err = ivm_definition_parse(def, text, (size_t)length, path);
	free(text);
	free(path);
	return err;
}

int ivm_store_exists(const char *name)
{
	char *path = ivm_format("%s/%s" IVM_STORE_SUFFIX, ivm_store_dir(), name);
	struct stat st;
	int result = 1;

	if (lstat(path, &st))
		result = errno == ENOENT ? 0 : ivm_store_fail("read", path);
	free(path);
	return result;
}

int ivm_store_explain(const char *name, int err)
{
	if (err != -ENOENT)
		return err;
	if (ivm_store_exists(name) == 1)
		return ivm_fail(ENOENT, "VM '%s' does not run; start it with: ivmctl vm start %s", name, name);
	return ivm_fail(ENOENT, "there is no VM '%s'; ivmctl vm list shows all", name);
}

static int ivm_store_write(int fd, const char *text, const char *path)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t put = write(fd, text, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return ivm_store_fail("write", path);
		text += put;
		length -= (size_t)put;
	}
	return fsync(fd) ? ivm_store_fail("sync", path) : 0;
}

int ivm_store_save(const struct ivm_definition *def)
{
	char *path = ivm_format("%s/%s" IVM_STORE_SUFFIX, ivm_store_dir(), def->name);
	char *temp = ivm_format("%s/.%s.new", ivm_store_dir(), def->name);
	struct json_object *root = ivm_definition_json(def);
	char *text = ivm_format("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY |
								       JSON_C_TO_STRING_SPACED |
								       JSON_C_TO_STRING_NOSLASHESCAPE));
	int fd = -1, err, dir;

	dir = ivm_store_open_dir();
	if (dir < 0) {
		err = dir;
		goto out;
	}
	/* Left over by an ivmctl that was killed; the lock is ours. */
	unlink(temp);
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		err = ivm_store_fail("create", temp);
		goto out;
	}
	err = ivm_store_write(fd, text, temp);
	if (!err && rename(temp, path))
		err = ivm_store_fail("rename to", path);
	if (err)
		unlink(temp);
	else if (fsync(dir))
		err = ivm_store_fail("sync", ivm_store_dir());
out:
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	json_object_put(root);
	free(text);
	free(temp);
	free(path);
	return err;
}

int ivm_store_delete(const char *name)
{
	char *path = ivm_format("%s/%s" IVM_STORE_SUFFIX, ivm_store_dir(), name);
	int err = 0, dir;

	if (unlink(path))
		err = ivm_store_fail("delete", path);
	dir = ivm_store_open_dir();
	if (dir >= 0) {
		if (!err && fsync(dir))
			err = ivm_store_fail("sync", ivm_store_dir());
		close(dir);
	}
	free(path);
	return err;
}

static int ivm_store_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The name of a VM in the file name of its definition, or NULL. The caller frees it. */
static char *ivm_store_entry(const char *file)
{
	size_t length = strlen(file), suffix = strlen(IVM_STORE_SUFFIX);
	char *name;

	if (length <= suffix || strcmp(file + length - suffix, IVM_STORE_SUFFIX))
		return NULL;
	name = ivm_format("%.*s", (int)(length - suffix), file);
	if (!ivm_check_name(name))
		return name;
	free(name);
	return NULL;
}

int ivm_store_names(char ***names, size_t *count)
{
	char **list = NULL, **grown;
	size_t used = 0, room = 0;
	struct dirent *entry;
	DIR *dir;

	dir = opendir(ivm_store_dir());
	if (!dir && errno != ENOENT)
		return ivm_store_fail("read", ivm_store_dir());
	while (dir && (entry = readdir(dir))) {
		char *name = ivm_store_entry(entry->d_name);

		if (!name)
			continue;
		if (used == room) {
			room = room ? 2 * room : 16;
			grown = ivm_zalloc(room, sizeof(*grown));
			if (used)
				memcpy(grown, list, used * sizeof(*grown));
			free(list);
			list = grown;
		}
		list[used++] = name;
	}
	if (dir)
		closedir(dir);
	if (used)
		qsort(list, used, sizeof(*list), ivm_store_compare);
	*names = list;
	*count = used;
	return 0;
}

void ivm_store_names_free(char **names, size_t count)
{
	while (count)
		free(names[--count]);
	free(names);
}
