// SPDX-License-Identifier: GPL-2.0-only
/*
 * P12: /dev/ivm with wild pointers, lengths that wrap, foreign descriptors,
 * files that are none, and files that change after they were sealed. A refusal
 * has an errno and, where memory can be written, a sentence.
 */
#define _GNU_SOURCE
#include "request.h"

#include <linux/capability.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "harness.h"

#define VM "ioctl-test"
#define MIB (1ULL << 20)
#define SIZE (4 * MIB)

static const unsigned char spin[] = { 0xeb, 0xfe };

FIXTURE(ioctl) {
	int fd, dev, file;
	struct ivm_segment seg[IVM_SEGMENTS_MAX + 1];
	struct ivm_load load;
};

FIXTURE_SETUP(ioctl)
{
	self->fd = request_open();
	ASSERT_GE(self->fd, 0);
	vm_stop(self->fd, VM);
	vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
	ASSERT_EQ(0, vm_create(self->fd, VM, 1, SIZE, 0)) TH_LOG("is ivm.ko loaded?");
	self->dev = open("/dev/ivm", O_RDWR | O_CLOEXEC);
	ASSERT_GE(self->dev, 0);
	self->file = code_file(spin, sizeof(spin));
	memset(&self->load, 0, sizeof(self->load));
	strcpy(self->load.name, VM);
	boot_regs(&self->load);
	self->seg[0] = (struct ivm_segment){ .fd = self->file, .size = sizeof(spin), .gpa = 0x1000 };
	self->load.nr_segments = 1;
	self->load.segments = (uintptr_t)self->seg;
}

FIXTURE_TEARDOWN(ioctl)
{
	vm_stop(self->fd, VM);
	vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
	close(self->file);
	close(self->dev);
	close(self->fd);
}

/* One sentence, and the VM is as it was. error 0: any. */
static void refused(struct __test_metadata *_metadata, struct _test_data_ioctl *self, const char *how, int error)
{
	int before = vm_state(self->fd, VM), got;

	memset(self->load.text, 0, sizeof(self->load.text));
	got = ioctl(self->dev, IVM_IOC_LOAD, &self->load) ? errno : 0;
	EXPECT_TRUE(got && (!error || got == error) && self->load.text[0] && !strchr(self->load.text, '\n') &&
		    strnlen(self->load.text, IVM_TEXT_MAX) < IVM_TEXT_MAX)
		TH_LOG("%s: error %d (%s), want %d; text '%.100s'", how, got, strerror(got), error, self->load.text);
	EXPECT_EQ(before, vm_state(self->fd, VM)) TH_LOG("%s: state changed", how);
}
#define REFUSED(how, error) refused(_metadata, self, how, error)

TEST_F(ioctl, right_manifest_is_taken)
{
	EXPECT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load)) TH_LOG("%s", self->load.text);
	EXPECT_EQ(IVM_VM_LOADED, vm_state(self->fd, VM));
	/* loaded again, as often as one likes, until it starts */
	EXPECT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load));
	EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, VM));
	REFUSED("loading a VM that runs", EBUSY);
}

TEST_F(ioctl, numbers_and_pointers)
{
	static const unsigned long numbers[] = { 0, 0xB740, 0xffffffff, 0x5401 };
	void *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uintptr_t wild[] = { 0, 1, 8, (uintptr_t)none, 0x7fffffffffff, 0xffff800000000000, ~0UL, ~7UL };

	munmap(edge + 4096, 4096);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		int got = ioctl(self->dev, numbers[i], &self->load);

		EXPECT_EQ(-1, got) TH_LOG("number %lx", numbers[i]);
	}
	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_LOAD, wild[i]));
		EXPECT_EQ(EFAULT, errno) TH_LOG("load at %lx", wild[i]);
		EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_CONSOLE, wild[i]));
		EXPECT_EQ(EFAULT, errno) TH_LOG("console at %lx", wild[i]);
		self->load.segments = wild[i];
		REFUSED("wild segments", 0);
	}
	/* half of it mapped */
	EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_LOAD, edge + 4096 - sizeof(struct ivm_load) / 2));
	EXPECT_EQ(EFAULT, errno);
	self->load.segments = (uintptr_t)edge + 4096 - sizeof(struct ivm_segment);
	self->load.nr_segments = 2;
	memcpy(edge + 4096 - sizeof(struct ivm_segment), self->seg, sizeof(struct ivm_segment));
	REFUSED("half of the segments", EFAULT);
	/* readable, but the answer cannot be written */
	memcpy(edge, &self->load, sizeof(self->load));
	mprotect(edge, 4096, PROT_READ);
	EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_LOAD, edge));
}

TEST_F(ioctl, names_and_reserved_fields)
{
	static const char *const names[] = { "", "nobody-here", "../x", "a b" };

	for (int i = 0; i < 4; i++) {
		memset(self->load.name, 0, sizeof(self->load.name));
		strcpy(self->load.name, names[i]);
		REFUSED(names[i], 0);
	}
	memset(self->load.name, 'a', sizeof(self->load.name));
	REFUSED("name without NUL", 0);
	memset(self->load.name, 0, sizeof(self->load.name));
	strcpy(self->load.name, VM);
	self->load.reserved = 1;
	REFUSED("reserved field of the manifest", EINVAL);
	self->load.reserved = 0;
	self->seg[0].reserved = 0x80000000;
	REFUSED("reserved field of a segment", EINVAL);
}

TEST_F(ioctl, counts)
{
	static const uint32_t counts[] = { 0, IVM_SEGMENTS_MAX + 1, 0x7fffffff, 0xffffffff, 0x10000001 };

	for (int i = 0; i < 5; i++) {
		self->load.nr_segments = counts[i];
		REFUSED("number of segments", 0);
	}
}

TEST_F(ioctl, sizes_and_addresses)
{
	static const struct { uint64_t offset, size, gpa; const char *how; } bad[] = {
		{ 0, 0, 0x1000, "no bytes" },
		{ 0, 3, 0x1000, "more than the file has" },
		{ 1, 2, 0x1000, "beyond the end by offset" },
		{ 2, 1, 0x1000, "offset at the end" },
		{ 0, ~0ULL, 0x1000, "all of it" },
		{ ~0ULL, 2, 0x1000, "offset that wraps" },
		{ 1ULL << 63, 1, 0x1000, "negative offset" },
		{ ~0ULL - 1, 4, 0x1000, "offset and size that wrap" },
		{ 0, 2, SIZE, "behind RAM" },
		{ 0, 2, SIZE - 1, "over the end of RAM" },
		{ 0, 2, ~0ULL, "address that wraps" },
		{ 0, 2, 0xfee00000, "on the LAPIC" },
		{ 0, 2, 1ULL << 52, "beyond physical addresses" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		self->seg[0].offset = bad[i].offset;
		self->seg[0].size = bad[i].size;
		self->seg[0].gpa = bad[i].gpa;
		REFUSED(bad[i].how, 0);
	}
	self->seg[0] = (struct ivm_segment){ .fd = self->file, .size = 2, .gpa = 0x1000 };
	self->seg[1] = (struct ivm_segment){ .fd = self->file, .size = 2, .gpa = 0x1001 };
	self->load.nr_segments = 2;
	REFUSED("segments that overlap", 0);
}

TEST_F(ioctl, descriptors_that_are_no_files)
{
	char name[] = "/tmp/ioctl-XXXXXX";
	int pipes[2], write_only, fds[16], n = 0;

	close(mkstemp(name));
	write_only = open(name, O_WRONLY);
	ASSERT_EQ(0, pipe(pipes));
	fds[n++] = -1;
	fds[n++] = 9999;
	fds[n++] = 0x7fffffff;
	fds[n++] = open("/", O_RDONLY | O_DIRECTORY);
	fds[n++] = open("/dev/zero", O_RDONLY);
	fds[n++] = open("/dev/null", O_RDONLY);
	fds[n++] = open("/proc/self/maps", O_RDONLY);
	fds[n++] = open("/tmp", O_PATH);
	fds[n++] = pipes[0];
	fds[n++] = socket(AF_UNIX, SOCK_STREAM, 0);
	fds[n++] = eventfd(0, 0);
	fds[n++] = epoll_create1(0);
	fds[n++] = self->dev;
	fds[n++] = self->fd;
	fds[n++] = write_only;
	for (int i = 0; i < n; i++) {
		char how[32];

		snprintf(how, sizeof(how), "descriptor %d of the table", i);
		self->seg[0].fd = fds[i];
		REFUSED(how, 0);
	}
	for (int i = 3; i < n - 3; i++)
		close(fds[i]);
	close(pipes[1]);
	close(write_only);
	unlink(name);
}

/* Refused when the manifest is sealed or, at the latest, when the VM starts; with a sentence. */
TEST_F(ioctl, registers_that_no_cpu_accepts)
{
	static const struct { const char *how; size_t at; uint64_t value; } bad[] = {
		{ "PG without PE", offsetof(struct ivm_boot_regs, cr0), 0x80000010 },
		{ "NW without CD", offsetof(struct ivm_boot_regs, cr0), 0x20000011 },
		{ "upper half of CR0", offsetof(struct ivm_boot_regs, cr0), 0x10000000011 },
		{ "reserved bit of CR4", offsetof(struct ivm_boot_regs, cr4), 0x80000000 },
		{ "VMXE", offsetof(struct ivm_boot_regs, cr4), 0x2000 },
		{ "SVME", offsetof(struct ivm_boot_regs, efer), 0x1000 },
		{ "all of EFER", offsetof(struct ivm_boot_regs, efer), ~0ULL },
		{ "LMA without paging", offsetof(struct ivm_boot_regs, efer), 0x500 },
		{ "CR3 beyond physical addresses", offsetof(struct ivm_boot_regs, cr3), 1ULL << 60 },
	};
	struct ivm_boot_regs good = self->load.regs;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int got;

		self->load.regs = good;
		memcpy((char *)&self->load.regs + bad[i].at, &bad[i].value, 8);
		got = ioctl(self->dev, IVM_IOC_LOAD, &self->load);
		if (!got)
			got = vm_command(self->fd, IVM_CMD_VM_START, VM);
		EXPECT_NE(0, got) TH_LOG("%s", bad[i].how);
		EXPECT_GT(IVM_VM_STARTING, vm_state(self->fd, VM)) TH_LOG("%s", bad[i].how);
	}
	self->load.regs = good;
	EXPECT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load));
	EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, VM));
}

/* A file that changed after it was sealed is not booted from. */
TEST_F(ioctl, file_that_changed_after_sealing)
{
	char name[] = "/tmp/ioctl-XXXXXX";
	int file = mkstemp(name);
	char page[4096] = { (char)0xeb, (char)0xfe };

	ASSERT_EQ(sizeof(page), write(file, page, sizeof(page)));
	self->seg[0].fd = open(name, O_RDONLY);
	self->seg[0].size = sizeof(page);
	for (int round = 0; round < 3; round++) {
		struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_sec = 1000 + round } };

		ASSERT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load)) TH_LOG("%s", self->load.text);
		usleep(20000);	/* times of files are as coarse as ticks */
		ASSERT_EQ(0, round == 0 ? pwrite(file, "x", 1, 4000) != 1 :
			     round == 1 ? ftruncate(file, 8192) : futimens(file, times));
		EXPECT_NE(0, vm_command(self->fd, IVM_CMD_VM_START, VM)) TH_LOG("round %d", round);
		EXPECT_NE(IVM_VM_RUNNING, vm_state(self->fd, VM));
		if (vm_state(self->fd, VM) == IVM_VM_STOPPED) {
			vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
			ASSERT_EQ(0, vm_create(self->fd, VM, 1, SIZE, 0));
		}
		ASSERT_EQ(0, ftruncate(file, 4096));
	}
	/* Not changed: it starts, also when the name is gone by then. */
	unlink(name);
	ASSERT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load));
	EXPECT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, VM));
	/* Changed before a reset: the VM stops, and says why. */
	usleep(20000);
	ASSERT_EQ(1, pwrite(file, "y", 1, 4000));
	EXPECT_NE(0, vm_command(self->fd, IVM_CMD_VM_RESET, VM));
	EXPECT_EQ(IVM_VM_STOPPED, vm_state(self->fd, VM));
	close(self->seg[0].fd);
	close(file);
}

TEST_F(ioctl, console_descriptors)
{
	struct ivm_console_open open_it = { };
	int con;
	char byte, *volatile wild = (char *)1;

	strcpy(open_it.name, "nobody-here");
	EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_CONSOLE, &open_it));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_NE(0, open_it.text[0]);
	memset(open_it.name, 'a', sizeof(open_it.name));
	EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_CONSOLE, &open_it));
	memset(&open_it, 0, sizeof(open_it));
	strcpy(open_it.name, VM);
	open_it.flags = 0x80000000;
	EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_CONSOLE, &open_it));
	EXPECT_EQ(EINVAL, errno);
	open_it.flags = IVM_CONSOLE_NONBLOCK;
	open_it.reserved = 7;
	EXPECT_EQ(-1, ioctl(self->dev, IVM_IOC_CONSOLE, &open_it));
	EXPECT_EQ(EINVAL, errno);
	open_it.reserved = 0;
	ASSERT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load));
	ASSERT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, VM));
	con = ioctl(self->dev, IVM_IOC_CONSOLE, &open_it);
	ASSERT_GE(con, 0) TH_LOG("%s", open_it.text);
	EXPECT_NE(0, fcntl(con, F_GETFD) & FD_CLOEXEC);
	EXPECT_EQ(-1, read(con, &byte, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, write(con, "x", 1));	/* not opened for typing */
	EXPECT_EQ(-1, read(con, wild, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, con, 0));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->dev, 0));
	vm_stop(self->fd, VM);
	EXPECT_EQ(0, read(con, &byte, 1));
	close(con);
	/* Typing: more than the queue holds does not block a descriptor that must not. */
	open_it.flags = IVM_CONSOLE_NONBLOCK | IVM_CONSOLE_INPUT;
	vm_command(self->fd, IVM_CMD_VM_DELETE, VM);
	ASSERT_EQ(0, vm_create(self->fd, VM, 1, SIZE, 0));
	ASSERT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load));
	ASSERT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, VM));
	con = ioctl(self->dev, IVM_IOC_CONSOLE, &open_it);
	ASSERT_GE(con, 0) TH_LOG("%s", open_it.text);
	char text[8192] = { };
	ssize_t all = 0, n;

	while ((n = write(con, text, sizeof(text))) > 0 && all < 1 << 20)
		all += n;
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_LT(all, 1 << 20);
	EXPECT_EQ(-1, write(con, wild, 1));
	close(con);
}

TEST_F(ioctl, without_rights)
{
	int status, pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
		struct __user_cap_data_struct none[2] = { };

		syscall(SYS_capset, &head, none);
		_exit(open("/dev/ivm", O_RDWR) < 0 && (errno == EPERM || errno == EACCES) ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* A descriptor of a VM that is gone is harmless, and holds nothing up. */
TEST_F(ioctl, console_outlives_its_vm)
{
	struct ivm_console_open open_it = { .flags = IVM_CONSOLE_HISTORY | IVM_CONSOLE_INPUT };
	char byte;
	int con;

	strcpy(open_it.name, VM);
	ASSERT_EQ(0, ioctl(self->dev, IVM_IOC_LOAD, &self->load));
	ASSERT_EQ(0, vm_command(self->fd, IVM_CMD_VM_START, VM));
	con = ioctl(self->dev, IVM_IOC_CONSOLE, &open_it);
	ASSERT_GE(con, 0);
	ASSERT_EQ(0, vm_stop(self->fd, VM));
	ASSERT_EQ(0, vm_command(self->fd, IVM_CMD_VM_DELETE, VM));
	EXPECT_EQ(0, read(con, &byte, 1));
	EXPECT_EQ(-1, write(con, "x", 1));
	close(con);
}

TEST_HARNESS_MAIN
