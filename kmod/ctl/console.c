// SPDX-License-Identifier: GPL-2.0-only
/*
 * A console as a file descriptor: struct ivm_console_open in the UAPI header
 * says what it promises.
 *
 * Bytes pass through a small buffer of the descriptor, so that the console's
 * lock is never held while user memory is touched. A reader that waits holds
 * no lock: a second thread may write meanwhile.
 */
#include "console.h"

#include "../dev/dev.h"

#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/ivm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#define BOUNCE_SIZE 2048

struct console_file {
	struct ivm_console *con;	/* constant */
	struct mutex lock;		/* one read or write at a time */
	u64 pos;			/* by lock; where reading goes on */
	u8 bounce[BOUNCE_SIZE];		/* by lock */
};

/* Return: bytes read; 0 when there are none now; -EFAULT, with the position unchanged. */
static ssize_t take(struct console_file *cf, char __user *buf, size_t len)
{
	u64 pos = cf->pos;
	size_t n;

	n = ivm_console_copy(cf->con, &pos, cf->bounce, min_t(size_t, len, BOUNCE_SIZE));
	if (copy_to_user(buf, cf->bounce, n))
		return -EFAULT;
	WRITE_ONCE(cf->pos, pos);
	return n;
}

static bool can_read(struct console_file *cf)
{
	return ivm_console_end(cf->con) != READ_ONCE(cf->pos) || ivm_console_hung(cf->con);
}

static ssize_t console_read(struct file *file, char __user *buf, size_t len, loff_t *ppos)
{
	struct console_file *cf = file->private_data;
	ssize_t n;
	bool hung;

	if (!len)
		return 0;
	for (;;) {
		if (mutex_lock_interruptible(&cf->lock))
			return -ERESTARTSYS;
		hung = ivm_console_hung(cf->con);	/* before the copy: what came first is read first */
		n = take(cf, buf, len);
		mutex_unlock(&cf->lock);
		if (n || hung)
			return n;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(*ivm_console_wait(cf->con), can_read(cf)))
			return -ERESTARTSYS;
	}
}

static bool can_write(struct console_file *cf)
{
	return ivm_console_type_room(cf->con) || ivm_console_hung(cf->con);
}

/* Return: bytes taken; 0 when there is no room; -EIO when no guest is there to read them. */
static ssize_t give(struct console_file *cf, const char __user *buf, size_t len)
{
	len = min_t(size_t, len, BOUNCE_SIZE);
	if (ivm_console_hung(cf->con))
		return -EIO;
	if (copy_from_user(cf->bounce, buf, len))
		return -EFAULT;
	return ivm_console_type(cf->con, cf->bounce, len);
}

static ssize_t console_write(struct file *file, const char __user *buf, size_t len, loff_t *ppos)
{
	struct console_file *cf = file->private_data;
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		if (mutex_lock_interruptible(&cf->lock))
			return done ? done : -ERESTARTSYS;
		n = give(cf, buf + done, len - done);
		mutex_unlock(&cf->lock);
		if (n < 0)
			return done ? done : n;
		done += n;
		if (n)
			continue;
		if (file->f_flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		if (wait_event_interruptible(*ivm_console_wait(cf->con), can_write(cf)))
			return done ? done : -ERESTARTSYS;
	}
	return done;
}

static __poll_t console_poll(struct file *file, poll_table *wait)
{
	struct console_file *cf = file->private_data;
	bool hung;
	__poll_t mask = 0;

	poll_wait(file, ivm_console_wait(cf->con), wait);
	hung = ivm_console_hung(cf->con);
	if (can_read(cf))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (hung)
		mask |= EPOLLHUP;
	else if (file->f_mode & FMODE_WRITE && ivm_console_type_room(cf->con))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

static int console_release(struct inode *inode, struct file *file)
{
	struct console_file *cf = file->private_data;

	ivm_console_put(cf->con);
	mutex_destroy(&cf->lock);
	kfree(cf);
	return 0;
}

static const struct file_operations console_fops = {
	.owner = THIS_MODULE,	/* the module stays while a descriptor is open */
	.read = console_read,
	.write = console_write,
	.poll = console_poll,
	.release = console_release,
	.llseek = no_llseek,
};

int ivm_console_fd(struct ivm_console *con, u32 flags)
{
	struct console_file *cf;
	int fd, mode = O_CLOEXEC;

	cf = kzalloc(sizeof(*cf), GFP_KERNEL);
	if (!cf) {
		ivm_console_put(con);
		return -ENOMEM;
	}
	cf->con = con;
	mutex_init(&cf->lock);
	cf->pos = flags & IVM_CONSOLE_HISTORY ? ivm_console_oldest(con) : ivm_console_end(con);
	mode |= flags & IVM_CONSOLE_INPUT ? O_RDWR : O_RDONLY;
	if (flags & IVM_CONSOLE_NONBLOCK)
		mode |= O_NONBLOCK;
	fd = anon_inode_getfd("[ivm-console]", &console_fops, cf, mode);
	if (fd < 0) {
		ivm_console_put(con);
		mutex_destroy(&cf->lock);
		kfree(cf);
	}
	return fd;
}
