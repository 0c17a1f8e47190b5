// SPDX-License-Identifier: GPL-2.0-only
/*
 * start_clear BYTES: TSC ticks from the request that starts a VM of this much
 * memory until the first thing its first instructions did has been seen here.
 */
#include "request.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>

#define VM "start-clear"

/* mov dx, 3f8; mov al, 'S'; out dx, al; mov al, 10; out f4, al; hlt */
static const unsigned char first[] = { 0xba, 0xf8, 0x03, 0x00, 0x00, 0xb0, 'S', 0xee, 0xb0, 0x10, 0xe6, 0xf4, 0xf4 };

int main(int argc, char **argv)
{
	struct ivm_console_open con = { .name = VM, .flags = IVM_CONSOLE_HISTORY };
	int fd = request_open(), dev = open("/dev/ivm", O_RDWR), console, err;
	char c = 0;
	uint64_t t;

	if (argc != 2 || fd < 0 || dev < 0 || vm_create(fd, VM, 1, strtoull(argv[1], NULL, 0), 0xf4) ||
	    vm_load_code(VM, first, sizeof(first)))
		return 1;
	console = ioctl(dev, IVM_IOC_CONSOLE, &con);
	t = __rdtsc();
	err = vm_command(fd, IVM_CMD_VM_START, VM);
	if (!err && read(console, &c, 1) != 1)
		err = -1;
	t = __rdtsc() - t;
	vm_wait(fd, VM, IVM_VM_STOPPED, 60);
	vm_stop(fd, VM);
	vm_command(fd, IVM_CMD_VM_DELETE, VM);
	if (err || c != 'S') {
		fprintf(stderr, "start_clear: error %d\n", err);
		return 1;
	}
	printf("%llu\n", (unsigned long long)t);
	return 0;
}
