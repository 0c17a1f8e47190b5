// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/ivm: what needs file descriptors. Boot manifests come in, consoles go out.
 *
 * Everything is copied in once and checked from the copy; nothing changes
 * before all of it was found good.
 */
#include "ctl.h"

#include "console.h"
#include "log.h"
#include "../vm/vm.h"
#include "../why.h"

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* The structs look the same to 32-bit programs: compat_ptr_ioctl() is enough. */
static_assert(sizeof(struct ivm_segment) == 32);
static_assert(sizeof(struct ivm_segreg) == 16);
static_assert(sizeof(struct ivm_boot_regs) == 22 * 8 + 10 * 16);
static_assert(sizeof(struct ivm_console_open) == IVM_NAME_MAX + 1 + 8 + IVM_TEXT_MAX);
static_assert(sizeof(struct ivm_load) ==
	      IVM_NAME_MAX + 1 + 16 + sizeof(struct ivm_boot_regs) + IVM_TEXT_MAX);

/* Return: the VM, referenced, or NULL with @why filled. */
static struct ivm_vm *find_vm(const char *name, int *err, struct ivm_why *why)
{
	struct ivm_vm *vm;

	if (strnlen(name, IVM_NAME_MAX + 1) > IVM_NAME_MAX) {
		*err = ivm_why(why, IVM_A_NAME, -EINVAL, "the name of the VM has no end");
		return NULL;
	}
	vm = ivm_vm_find(name);
	if (!vm)
		*err = ivm_why(why, IVM_A_NAME, -ENOENT, "there is no VM of this name");
	return vm;
}

/* Takes a file reference into @to, which the owner of the manifest puts. */
static int take_segment(struct ivm_manifest_segment *to, const struct ivm_segment *from,
			unsigned int nr, struct ivm_why *why)
{
	loff_t file_size;

	if (from->reserved)
		return ivm_why(why, 0, -EINVAL, "segment %u: reserved field is not 0", nr);
	if (!from->size)
		return ivm_why(why, 0, -EINVAL, "segment %u is empty", nr);
	if (from->size > U64_MAX - from->gpa)
		return ivm_why(why, 0, -EINVAL, "segment %u wraps around the address space", nr);
	to->file = fget(from->fd);
	if (!to->file)
		return ivm_why(why, 0, -EBADF, "segment %u: %d is no open file", nr, from->fd);
	if (!S_ISREG(file_inode(to->file)->i_mode))
		return ivm_why(why, 0, -EINVAL, "segment %u: %d is no regular file", nr, from->fd);
	if (!(to->file->f_mode & FMODE_READ) || !(to->file->f_mode & FMODE_CAN_READ))
		return ivm_why(why, 0, -EACCES, "segment %u: %d is not open for reading", nr, from->fd);
	file_size = i_size_read(file_inode(to->file));
	if (from->offset > file_size || from->size > file_size - from->offset)
		return ivm_why(why, 0, -EINVAL,
			       "segment %u: %llu bytes from %llu on are not within a file of %lld",
			       nr, from->size, from->offset, file_size);
	to->offset = from->offset;
	to->size = from->size;
	to->gpa = from->gpa;
	return 0;
}

/* Return: a manifest or ERR_PTR with @why filled. */
static struct ivm_manifest *take_manifest(const struct ivm_load *load, struct ivm_why *why)
{
	struct ivm_manifest *manifest;
	struct ivm_segment *segments;
	unsigned int i;
	int err;

	if (load->reserved)
		return ERR_PTR(ivm_why(why, 0, -EINVAL, "reserved field is not 0"));
	if (!load->nr_segments || load->nr_segments > IVM_SEGMENTS_MAX)
		return ERR_PTR(ivm_why(why, 0, -EINVAL, "%u segments given, 1 to %u are possible",
				       load->nr_segments, IVM_SEGMENTS_MAX));
	segments = memdup_user(u64_to_user_ptr(load->segments),
			       load->nr_segments * sizeof(*segments));
	if (IS_ERR(segments))
		return ERR_PTR(ivm_why(why, 0, PTR_ERR(segments), "the segments cannot be read"));
	manifest = kzalloc(sizeof(*manifest), GFP_KERNEL);
	if (!manifest) {
		err = -ENOMEM;
		goto out_segments;
	}
	manifest->regs = load->regs;
	for (i = 0; i < load->nr_segments; i++) {
		manifest->nr = i + 1;
		err = take_segment(&manifest->segment[i], &segments[i], i, why);
		if (err)
			goto out_manifest;
	}
	kfree(segments);
	return manifest;

out_manifest:
	for (i = 0; i < manifest->nr; i++)
		if (manifest->segment[i].file)
			fput(manifest->segment[i].file);
	kfree(manifest);
out_segments:
	kfree(segments);
	return ERR_PTR(err);
}

static int load_vm(const struct ivm_load *load, struct ivm_why *why)
{
	struct ivm_manifest *manifest;
	struct ivm_vm *vm;
	int err;

	vm = find_vm(load->name, &err, why);
	if (!vm)
		return err;
	manifest = take_manifest(load, why);
	if (IS_ERR(manifest)) {
		err = PTR_ERR(manifest);
	} else {
		err = ivm_vm_load(vm, manifest, why);
		if (err)
			ivm_manifest_free(manifest);
	}
	ivm_vm_put(vm);
	return err;
}

/* The error matters more than its text: whether the text could be stored is not asked. */
static void tell(char __user *text, const struct ivm_why *why)
{
	size_t len = strlen(why->text) + 1;

	if (copy_to_user(text, why->text, len))
		return;
}

static long ioctl_load(struct ivm_load __user *user)
{
	struct ivm_why why = {};
	struct ivm_load *load;
	int err;

	load = memdup_user(user, sizeof(*load));
	if (IS_ERR(load))
		return PTR_ERR(load);
	err = load_vm(load, &why);
	load->name[IVM_NAME_MAX] = 0;
	ivm_log_act("vm-load", load->name, err);
	kfree(load);
	if (err)
		tell(user->text, &why);
	return err;
}

static int open_console(const struct ivm_console_open *open, struct ivm_why *why)
{
	struct ivm_vm *vm;
	int err;

	if (open->reserved)
		return ivm_why(why, 0, -EINVAL, "reserved field is not 0");
	if (open->flags & ~IVM_CONSOLE_FLAGS)
		return ivm_why(why, 0, -EINVAL, "unknown flags %#x", open->flags & ~IVM_CONSOLE_FLAGS);
	vm = find_vm(open->name, &err, why);
	if (!vm)
		return err;
	err = ivm_console_fd(ivm_vm_console(vm), open->flags);
	ivm_vm_put(vm);
	return err;
}

static long ioctl_console(struct ivm_console_open __user *user)
{
	struct ivm_console_open open;
	struct ivm_why why = {};
	int fd;

	if (copy_from_user(&open, user, sizeof(open)))
		return -EFAULT;
	fd = open_console(&open, &why);
	open.name[IVM_NAME_MAX] = 0;
	ivm_log_act(open.flags & IVM_CONSOLE_INPUT ? "vm-console" : "vm-console-read",
		    open.name, min(fd, 0));
	if (fd < 0)
		tell(user->text, &why);
	return fd;
}

static long ivm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case IVM_IOC_LOAD:
		return ioctl_load((struct ivm_load __user *)arg);
	case IVM_IOC_CONSOLE:
		return ioctl_console((struct ivm_console_open __user *)arg);
	default:
		return -ENOTTY;
	}
}

static int ivm_open(struct inode *inode, struct file *file)
{
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static const struct file_operations ivm_fops = {
	.owner = THIS_MODULE,
	.open = ivm_open,
	.unlocked_ioctl = ivm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice ivm_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ivm",
	.fops = &ivm_fops,
	.mode = 0600,
};

int ivm_chardev_init(void)
{
	return misc_register(&ivm_device);
}

void ivm_chardev_exit(void)
{
	misc_deregister(&ivm_device);
}
