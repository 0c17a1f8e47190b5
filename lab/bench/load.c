// SPDX-License-Identifier: GPL-2.0-only
/*
 * load MODULE [OPTIONS]: loads a module, once. insmod of busybox tries a second
 * way when the first one fails; a module that does its work while it is loaded
 * and then wants to be away, with ENODEV, would do it twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = argc < 2 ? -1 : open(argv[1], O_RDONLY);

	if (fd < 0 || (syscall(SYS_finit_module, fd, argc > 2 ? argv[2] : "", 0) && errno != ENODEV)) {
		perror("load");
		return 1;
	}
	return 0;
}
