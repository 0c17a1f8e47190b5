// SPDX-License-Identifier: GPL-2.0-only
#include "device.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IVM_DEVICE "/dev/ivm"

static int ivm_device_open(void)
{
	int fd = open(IVM_DEVICE, O_RDWR | O_CLOEXEC), err = errno;

	if (fd >= 0)
		return fd;
	if (err == ENOENT || err == ENXIO || err == ENODEV)
		return ivm_fail(ENODEV, IVM_DEVICE " is not there; load the module with: modprobe ivm");
	return ivm_fail(err, "cannot open " IVM_DEVICE ": %s%s", strerror(err),
			err == EPERM || err == EACCES ? "; this needs CAP_SYS_ADMIN: run as root" : "");
}

int ivm_device_load(const char *name, const struct ivm_manifest *manifest)
{
	struct ivm_load load = {
		.nr_segments = manifest->count,
		.segments = (uintptr_t)manifest->segments,
		.regs = manifest->regs,
	};
	int fd = ivm_device_open(), err = 0;

	if (fd < 0)
		return fd;
	strncpy(load.name, name, IVM_NAME_MAX);
	if (ioctl(fd, IVM_IOC_LOAD, &load)) {
		err = errno;
		load.text[IVM_TEXT_MAX - 1] = '\0';
		err = ivm_fail(err, "the module refuses the boot manifest of VM '%s': %s", name,
			       *load.text ? load.text : strerror(err));
	}
	close(fd);
	return err;
}

int ivm_device_console(const char *name, uint32_t flags)
{
	struct ivm_console_open console = { .flags = flags };
	int fd = ivm_device_open(), result;

	if (fd < 0)
		return fd;
	strncpy(console.name, name, IVM_NAME_MAX);
	result = ioctl(fd, IVM_IOC_CONSOLE, &console);
	if (result < 0) {
		int err = errno;

		console.text[IVM_TEXT_MAX - 1] = '\0';
		result = ivm_fail(err, "cannot open the console of VM '%s': %s", name,
				  *console.text ? console.text : strerror(err));
	}
	close(fd);
	return result;
}
