// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the comparison with a real processor cannot see: faults, how devices
 * are accessed, instruction lengths, long repetitions, string I/O.
 */
/* sources: kmod/emul/alu.c kmod/emul/decode.c kmod/emul/exec.c kmod/emul/fetch.c kmod/emul/length.c kmod/emul/operand.c kmod/emul/string.c kmod/emul/walk.c selftests/unit/fake_space.c */
#include "unit.h"

#include <pthread.h>
#include <time.h>

#include "emul/emul.h"
#include "emul/x86.h"
#include "fake_space.h"

/*
 * Linear is guest-physical up to 2 MiB, RAM up to RAM_END, devices above but
 * for NOBODY. Pages of the second 2 MiB are mapped one by one by tests.
 */
#define RAM_END		0x20000
#define CODE		0x10000
#define DATA		0x18000
#define DEVICE		0x80000
#define NOBODY		0xf0000
#define TABLE_4K	0x4000		/* maps linear 0x200000 … */
#define WINDOW		0x200000

/* The harness calls it struct _test_data_cpu. */
FIXTURE(cpu) {
	struct ivm_regs regs;
	struct ivm_sregs sregs;
	struct ivm_emul_cpu cpu;
	struct ivm_fault fault;
	u64 gpa;
	char log[4096];			/* of device accesses: "r4:80000 w1:80001 " … */
	u64 last_write;
};

static bool mmio_read(void *ctx, u64 gpa, unsigned int size, u64 *value)
{
	struct _test_data_cpu *self = ctx;

	if (gpa >= NOBODY)
		return false;
	if (strlen(self->log) < sizeof(self->log) - 32)
		sprintf(self->log + strlen(self->log), "r%u:%llx ", size, gpa);
	*value = 0x1122334455667788;
	return true;
}

static bool mmio_write(void *ctx, u64 gpa, unsigned int size, u64 value)
{
	struct _test_data_cpu *self = ctx;

	if (gpa >= NOBODY)
		return false;
	if (strlen(self->log) < sizeof(self->log) - 32)
		sprintf(self->log + strlen(self->log), "w%u:%llx ", size, gpa);
	self->last_write = value;
	return true;
}

static void io_read(void *ctx, u16 port, unsigned int size, u32 *value)
{
	struct _test_data_cpu *self = ctx;

	sprintf(self->log + strlen(self->log), "i%u:%x ", size, port);
	*value = 0x44434241;
}

static void io_write(void *ctx, u16 port, unsigned int size, u32 value)
{
	struct _test_data_cpu *self = ctx;

	sprintf(self->log + strlen(self->log), "o%u:%x=%x ", size, port, value);
}

static const struct ivm_emul_ops ops = {
	.mmio_read = mmio_read, .mmio_write = mmio_write, .io_read = io_read, .io_write = io_write,
};

static const struct ivm_segreg code64 = { .selector = 8, .attr = 0xa9b, .limit = 0xffffffff };
static const struct ivm_segreg code32 = { .selector = 8, .attr = 0xc9b, .limit = 0xffffffff };
static const struct ivm_segreg code16 = { .selector = 8, .attr = 0x09b, .limit = 0xffff, .base = CODE };
static const struct ivm_segreg data32 = { .selector = 16, .attr = 0xc93, .limit = 0xffffffff };

FIXTURE_SETUP(cpu)
{
	unsigned int i;

	memset(self, 0, sizeof(*self));
	self->cpu = (struct ivm_emul_cpu){
		.regs = &self->regs, .sregs = &self->sregs, .space = fake_space_create(RAM_END / 0x1000),
		.phys_bits = 40,
	};
	fake_space_set(self->cpu.space, 0x1000, 8, 0x2007);
	fake_space_set(self->cpu.space, 0x2000, 8, 0x3007);
	fake_space_set(self->cpu.space, 0x3000, 8, 0x0087);		/* 2 MiB */
	fake_space_set(self->cpu.space, 0x3008, 8, TABLE_4K | 7);
	self->sregs.cr0 = 0x80010033;
	self->sregs.cr3 = 0x1000;
	self->sregs.cr4 = 0x20;
	self->sregs.efer = 0xd01;
	for (i = 0; i < IVM_SEGS; i++)
		self->sregs.seg[i] = data32;
	self->sregs.seg[IVM_CS] = code64;
	self->regs.rip = CODE;
	self->regs.rflags = 2;
}

FIXTURE_TEARDOWN(cpu)
{
	fake_space_destroy(self->cpu.space);
}

/* 32-bit code without paging; 16-bit code in real mode. */
static void protected_mode(struct _test_data_cpu *self)
{
	self->sregs.cr0 = 0x11;
	self->sregs.efer = 0;
	self->sregs.seg[IVM_CS] = code32;
}

static void real_mode(struct _test_data_cpu *self)
{
	unsigned int i;

	self->sregs.cr0 = 0x10;
	self->sregs.efer = 0;
	for (i = 0; i < IVM_SEGS; i++)
		self->sregs.seg[i] = (struct ivm_segreg){ .attr = 0x93, .limit = 0xffff, .base = DEVICE };
	self->sregs.seg[IVM_CS] = code16;
	self->regs.rip = 0;
}

static void put_code(struct _test_data_cpu *self, u64 at, const void *code, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		*fake_space_at(self->cpu.space, at + i) = ((const u8 *)code)[i];
}

static enum ivm_emul_result run_code(struct _test_data_cpu *self, const char *code, unsigned int len)
{
	put_code(self, CODE, code, len);
	self->log[0] = '\0';
	self->fault = (struct ivm_fault){};
	return ivm_emul_mmio(&self->cpu, &ops, self, &self->fault, &self->gpa);
}

#define RUN(code) run_code(self, code, sizeof(code) - 1)

#define EXPECT_FAULT(vec, has, code) do {				\
	EXPECT_EQ(vec, self->fault.vector);				\
	EXPECT_EQ(has, self->fault.has_error);				\
	EXPECT_EQ(code, self->fault.error);				\
} while (0)

static void map(struct _test_data_cpu *self, unsigned int page, u64 entry)
{
	fake_space_set(self->cpu.space, TABLE_4K + page * 8, 8, entry);
}

/* ---- devices ---- */

TEST_F(cpu, device_accesses_are_exact)
{
	static const struct {
		const char *name, *code;
		unsigned int len;
		const char *log;
	} cases[] = {
		{ "mov eax, [rbx]", "\x8b\x03", 2, "r4:80000 " },
		{ "mov [rbx], al", "\x88\x03", 2, "w1:80000 " },
		{ "mov [rbx], rax", "\x48\x89\x03", 3, "w8:80000 " },
		{ "mov dword [rbx], 1", "\xc7\x03\x01\x00\x00\x00", 6, "w4:80000 " },
		{ "movzx eax, word [rbx]", "\x0f\xb7\x03", 3, "r2:80000 " },
		{ "add [rbx], eax", "\x01\x03", 2, "r4:80000 w4:80000 " },
		{ "add eax, [rbx]", "\x03\x03", 2, "r4:80000 " },
		{ "cmp [rbx], eax", "\x39\x03", 2, "r4:80000 " },
		{ "test byte [rbx], 1", "\xf6\x03\x01", 3, "r1:80000 " },
		{ "xchg [rbx], eax", "\x87\x03", 2, "r4:80000 w4:80000 " },
		{ "lock cmpxchg [rbx], ecx (unequal)", "\xf0\x0f\xb1\x0b", 4, "r4:80000 w4:80000 " },
		{ "bt dword [rbx], 3", "\x0f\xba\x23\x03", 4, "r4:80000 " },
		{ "bts dword [rbx], 3", "\x0f\xba\x2b\x03", 4, "r4:80000 w4:80000 " },
		{ "push qword [rbx]", "\xff\x33", 2, "r8:80000 " },
		{ "pop qword [rbx]", "\x8f\x03", 2, "w8:80000 " },
		{ "movsd", "\xa5", 1, "r4:81000 w4:82000 " },
		{ "cmpsb", "\xa6", 1, "r1:81000 r1:82000 " },
		{ "rep movsb", "\xf3\xa4", 2, "r1:81000 w1:82000 r1:81001 w1:82001 " },
		{ "mov eax, [rbx+0xffe]", "\x8b\x83\xfe\x0f\x00\x00", 6, "r2:80ffe r2:81000 " },
		{ "mov [rbx+0xfff], eax", "\x89\x83\xff\x0f\x00\x00", 6, "w1:80fff w2:81000 w1:81002 " },
		{ "REX in front of 66 does not count", "\x48\x66\x89\x03", 4, "w2:80000 " },
		{ "mov rax, [rbx+0xffb]", "\x48\x8b\x83\xfb\x0f\x00\x00", 7, "r1:80ffb r4:80ffc r2:81000 r1:81002 " },
		{ "mov eax, [rbx+1]", "\x8b\x43\x01", 3, "r4:80001 " },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		self->regs.rip = CODE;
		self->regs.gpr[IVM_RAX] = 7;
		self->regs.gpr[IVM_RBX] = DEVICE;
		self->regs.gpr[IVM_RCX] = 2;
		self->regs.gpr[IVM_RSI] = DEVICE + 0x1000;
		self->regs.gpr[IVM_RDI] = DEVICE + 0x2000;
		self->regs.gpr[IVM_RSP] = DATA + 0x100;
		EXPECT_EQ(IVM_EMUL_DONE, run_code(self, cases[i].code, cases[i].len)) TH_LOG("%s", cases[i].name);
		EXPECT_STREQ(cases[i].log, self->log) TH_LOG("%s", cases[i].name);
		EXPECT_EQ(CODE + cases[i].len, self->regs.rip);
	}
}

TEST_F(cpu, an_address_that_nobody_claims_is_reported)
{
	struct ivm_regs before;

	self->regs.gpr[IVM_RBX] = NOBODY + 8;
	before = self->regs;
	EXPECT_EQ(IVM_EMUL_UNCLAIMED, RUN("\x8b\x03"));
	EXPECT_EQ(NOBODY + 8, self->gpa);
	EXPECT_EQ(IVM_EMUL_UNCLAIMED, RUN("\x01\x03"));
	EXPECT_EQ(0, memcmp(&before, &self->regs, sizeof(before)));

	/* RAM in front of it stays as it was: the device is asked first. */
	map(self, 0, DATA | 7);
	map(self, 1, NOBODY | 7);
	self->regs.gpr[IVM_RBX] = WINDOW + 0xffe;
	self->regs.gpr[IVM_RAX] = 0xffffffff;
	EXPECT_EQ(IVM_EMUL_UNCLAIMED, RUN("\x89\x03"));
	EXPECT_EQ(NOBODY, self->gpa);
	EXPECT_EQ(0, fake_space_get(self->cpu.space, DATA + 0xffe, 2));
}

/* ---- faults ---- */

TEST_F(cpu, a_write_that_faults_on_its_second_page_does_nothing_to_the_first)
{
	map(self, 0, DEVICE | 7);
	map(self, 1, 0);
	self->regs.gpr[IVM_RBX] = WINDOW + 0xffe;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x89\x03"));
	EXPECT_FAULT(14, true, 2);
	EXPECT_EQ(WINDOW + 0x1000, self->fault.address);
	EXPECT_STREQ("", self->log);

	map(self, 1, DATA | 5);		/* read-only: reading and modifying reads nothing either */
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x01\x03"));
	EXPECT_FAULT(14, true, 3);
	EXPECT_STREQ("", self->log);
	EXPECT_EQ(CODE, self->regs.rip);

	/* PUSH faults on the stack before it reads the device, POP on the device's page before it reads the stack. */
	self->regs.gpr[IVM_RBX] = DEVICE;
	self->regs.gpr[IVM_RSP] = WINDOW + 0x5000;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\xff\x33"));
	EXPECT_EQ(WINDOW + 0x4ff8, self->fault.address);
	EXPECT_STREQ("", self->log);
	EXPECT_EQ(WINDOW + 0x5000, self->regs.gpr[IVM_RSP]);
}

TEST_F(cpu, not_canonical_is_gp_or_ss)
{
	self->regs.gpr[IVM_RBX] = 0x800000000000;
	self->regs.gpr[IVM_RBP] = 0x7ffffffffffd;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x8b\x03"));
	EXPECT_FAULT(13, true, 0);
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x8b\x45\x00"));
	EXPECT_FAULT(12, true, 0);
	self->regs.gpr[IVM_R13] = 0x800000000000;	/* looks like RBP in ModRM, is not */
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x41\x8b\x45\x00"));
	EXPECT_FAULT(13, true, 0);
}

TEST_F(cpu, segments_limit_and_type)
{
	static const struct {
		const char *name;
		u16 attr;
		u32 limit;
		u64 at;
		bool write, ok;
	} tries[] = {
		{ "up, last byte", 0xc93, 0x1003, 0x1000, true, true },
		{ "up, beyond", 0xc93, 0x1002, 0x1000, false, false },
		{ "up, wraps", 0xc93, 0xffffffff, 0xfffffffd, false, false },
		{ "read-only", 0xc91, 0xffffffff, 0x1000, true, false },
		{ "read-only, read", 0xc91, 0xffffffff, 0x1000, false, true },
		{ "down, above the limit", 0xc97, 0xfff, 0x1000, true, true },
		{ "down, at the limit", 0xc97, 0x1000, 0x1000, true, false },
		{ "down, 16 bits, beyond 64 KiB", 0x897, 0xfff, 0xfffd, false, false },
		{ "down, 16 bits, up to 64 KiB", 0x897, 0xfff, 0xfffc, false, true },
		{ "code, readable", 0xc9b, 0xffffffff, 0x1000, false, true },
		{ "code, written", 0xc9b, 0xffffffff, 0x1000, true, false },
		{ "code, execute-only", 0xc99, 0xffffffff, 0x1000, false, false },
		{ "null", 0, 0xffffffff, 0x1000, false, false },
	};
	enum ivm_emul_result result;
	unsigned int i;

	protected_mode(self);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		self->sregs.seg[IVM_DS].attr = self->sregs.seg[IVM_SS].attr = tries[i].attr;
		self->sregs.seg[IVM_DS].limit = self->sregs.seg[IVM_SS].limit = tries[i].limit;
		self->sregs.seg[IVM_DS].base = self->sregs.seg[IVM_SS].base = DEVICE;
		self->regs.gpr[IVM_RBX] = self->regs.gpr[IVM_RBP] = tries[i].at;
		self->regs.rip = CODE;
		result = run_code(self, tries[i].write ? "\x89\x03" : "\x8b\x03", 2);
		EXPECT_EQ(tries[i].ok ? IVM_EMUL_DONE : IVM_EMUL_FAULT, result) TH_LOG("%s", tries[i].name);
		if (tries[i].ok)
			continue;
		EXPECT_FAULT(13, true, 0);
		result = run_code(self, tries[i].write ? "\x89\x45\x00" : "\x8b\x45\x00", 3);
		EXPECT_EQ(IVM_EMUL_FAULT, result);
		EXPECT_FAULT(12, true, 0);
	}
}

TEST_F(cpu, real_mode_has_limits_but_no_error_codes)
{
	real_mode(self);
	self->regs.gpr[IVM_RBX] = 0xfffe;
	EXPECT_EQ(IVM_EMUL_DONE, RUN("\x8b\x07"));	/* mov ax, [bx] */
	EXPECT_STREQ("r2:8fffe ", self->log);
	self->regs.rip = 0;
	self->regs.gpr[IVM_RBX] = 0xffff;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x8b\x07"));
	EXPECT_FAULT(13, false, 0);
	self->regs.gpr[IVM_RBP] = 0xffff;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x8b\x46\x00"));
	EXPECT_FAULT(12, false, 0);
}

TEST_F(cpu, alignment_check)
{
	self->sregs.cpl = 3;
	self->sregs.cr0 |= X86_CR0_AM;
	self->regs.rflags |= X86_EFLAGS_AC;
	self->regs.gpr[IVM_RBX] = DEVICE + 2;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x8b\x03"));
	EXPECT_FAULT(17, true, 0);
	EXPECT_EQ(IVM_EMUL_DONE, RUN("\x66\x8b\x03"));
	self->sregs.cpl = 0;
	self->regs.rip = CODE;
	EXPECT_EQ(IVM_EMUL_DONE, RUN("\x8b\x03"));
}

TEST_F(cpu, lock_where_it_may_not_be_is_ud)
{
	static const char *const bad[] = {
		"\xf0\x89\x03", "\xf0\x03\x03", "\xf0\x39\x03", "\xf0\x85\x03", "\xf0\x0f\xa3\x03", "\xf0\xff\x33",
		"\xf0\xa5\x90", "\xf0\x8b\x03",
	};
	static const char *const good[] = {
		"\xf0\x01\x03", "\xf0\x87\x03", "\xf0\xff\x03", "\xf0\xf7\x13", "\xf0\xf7\x1b",
	};
	unsigned int i;

	self->regs.gpr[IVM_RBX] = self->regs.gpr[IVM_RSI] = self->regs.gpr[IVM_RDI] = DEVICE;
	self->regs.gpr[IVM_RSP] = DATA + 0x100;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(IVM_EMUL_FAULT, run_code(self, bad[i], 4)) TH_LOG("case %u", i);
		EXPECT_FAULT(6, false, 0);
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		self->regs.rip = CODE;
		EXPECT_EQ(IVM_EMUL_DONE, run_code(self, good[i], 3)) TH_LOG("case %u", i);
	}
}

TEST_F(cpu, other_instructions_are_left_alone)
{
	static const char *const others[] = {
		"\x0f\xa2\x90\x90", "\xf4\x90\x90\x90", "\x0f\x01\xd9\x90", "\x8b\xc3\x90\x90", "\xff\x23\x90\x90",
		"\xff\x13\x90\x90", "\xf7\x23\x90\x90", "\x0f\xae\x3b\x90", "\xd1\x23\x90\x90", "\x6c\x90\x90\x90",
		"\xf2\x0f\x38\xf1\x03", "\x0f\x28\x03\x90", "\x82\x03\x01\x90", "\x8f\xe8\x00\x00",
	};
	struct ivm_regs before;
	unsigned int i;

	self->regs.gpr[IVM_RBX] = DEVICE;
	before = self->regs;
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(IVM_EMUL_UNKNOWN, run_code(self, others[i], 4)) TH_LOG("case %u", i);
		EXPECT_EQ(0, memcmp(&before, &self->regs, sizeof(before)));
		EXPECT_STREQ("", self->log);
	}
}

/* ---- RIP and RFLAGS ---- */

TEST_F(cpu, rip_is_as_wide_as_the_mode)
{
	self->regs.gpr[IVM_RBX] = DEVICE;
	self->regs.rflags |= X86_EFLAGS_RF | X86_EFLAGS_TF;
	EXPECT_EQ(IVM_EMUL_DONE, RUN("\x8b\x03"));
	EXPECT_EQ(2 | X86_EFLAGS_TF, self->regs.rflags);

	/* The last two bytes of a 16-bit segment: IP wraps. */
	real_mode(self);
	self->sregs.seg[IVM_CS].base = CODE - 0xfffe;
	self->regs.rip = 0xfffe;
	self->regs.gpr[IVM_RBX] = 0;
	EXPECT_EQ(IVM_EMUL_DONE, RUN("\x8b\x07"));
	EXPECT_EQ(0, self->regs.rip);
	/* One more byte would be beyond the limit. */
	self->regs.rip = 0xfffe;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x8b\x47\x00"));
	EXPECT_FAULT(13, false, 0);
}

TEST_F(cpu, too_long_is_gp)
{
	self->regs.gpr[IVM_RBX] = DEVICE;
	EXPECT_EQ(IVM_EMUL_DONE, RUN("\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x8b\x03"));
	EXPECT_EQ(CODE + 15, self->regs.rip);
	self->regs.rip = CODE;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x3e\x8b\x03"));
	EXPECT_FAULT(13, true, 0);
}

TEST_F(cpu, code_across_pages)
{
	map(self, 0, CODE | 7);
	map(self, 1, 0);
	self->regs.gpr[IVM_RBX] = DEVICE;
	put_code(self, CODE + 0xffe, "\x8b\x03", 2);
	self->regs.rip = WINDOW + 0xffe;		/* ends with the page: the next one is not touched */
	EXPECT_EQ(IVM_EMUL_DONE, ivm_emul_mmio(&self->cpu, &ops, self, &self->fault, &self->gpa));
	self->regs.rip = WINDOW + 0xfff;
	put_code(self, CODE + 0xfff, "\x8b", 1);
	EXPECT_EQ(IVM_EMUL_FAULT, ivm_emul_mmio(&self->cpu, &ops, self, &self->fault, &self->gpa));
	EXPECT_FAULT(14, true, 0x10);
	EXPECT_EQ(WINDOW + 0x1000, self->fault.address);
	map(self, 1, DATA | 7);
	put_code(self, DATA, "\x03", 1);
	EXPECT_EQ(IVM_EMUL_DONE, ivm_emul_mmio(&self->cpu, &ops, self, &self->fault, &self->gpa));
	EXPECT_EQ(WINDOW + 0x1001, self->regs.rip);
	self->regs.rip = DEVICE;			/* code in a device */
	EXPECT_EQ(IVM_EMUL_UNCLAIMED, ivm_emul_mmio(&self->cpu, &ops, self, &self->fault, &self->gpa));
	EXPECT_EQ(DEVICE, self->gpa);
}

/* ---- repetitions ---- */

TEST_F(cpu, long_repetitions_come_back)
{
	unsigned int calls = 0;
	enum ivm_emul_result result;

	self->regs.gpr[IVM_RDI] = DEVICE;
	self->regs.gpr[IVM_RCX] = 10000;
	self->regs.rflags |= X86_EFLAGS_RF;
	while ((result = RUN("\xf3\xaa")) == IVM_EMUL_AGAIN) {
		calls++;
		EXPECT_EQ(CODE, self->regs.rip);
		EXPECT_EQ(10000 - calls * 4096, self->regs.gpr[IVM_RCX]);
		EXPECT_EQ(DEVICE + calls * 4096, self->regs.gpr[IVM_RDI]);
	}
	EXPECT_EQ(IVM_EMUL_DONE, result);
	EXPECT_EQ(2, calls);
	EXPECT_EQ(0, self->regs.gpr[IVM_RCX]);
	EXPECT_EQ(CODE + 2, self->regs.rip);
}

TEST_F(cpu, a_fault_in_a_repetition_keeps_what_was_done)
{
	map(self, 0, DEVICE | 7);
	map(self, 1, 0);
	self->regs.gpr[IVM_RDI] = WINDOW + 0xff8;
	self->regs.gpr[IVM_RCX] = 5;
	EXPECT_EQ(IVM_EMUL_FAULT, RUN("\xf3\xab"));
	EXPECT_FAULT(14, true, 2);
	EXPECT_EQ(WINDOW + 0x1000, self->fault.address);
	EXPECT_STREQ("w4:80ff8 w4:80ffc ", self->log);
	EXPECT_EQ(3, self->regs.gpr[IVM_RCX]);
	EXPECT_EQ(WINDOW + 0x1000, self->regs.gpr[IVM_RDI]);
	EXPECT_EQ(CODE, self->regs.rip);
}

/* ---- RAM that another vCPU changes meanwhile ---- */

static bool stop;
static u32 others;	/* increments by the other thread; read after it ended */

static void *increment(void *counter)
{
	for (; !__atomic_load_n(&stop, __ATOMIC_RELAXED); others++)
		__atomic_fetch_add((u32 *)counter, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

TEST_F(cpu, nothing_is_lost_in_ram_that_is_shared)
{
	unsigned int done = 0, again = 0;
	enum ivm_emul_result result;
	time_t end = time(NULL) + 4;
	pthread_t thread;

	put_code(self, CODE, "\xf0\xff\x03", 3);		/* lock inc dword [rbx] */
	self->regs.gpr[IVM_RBX] = DATA;
	ASSERT_EQ(0, pthread_create(&thread, NULL, increment, fake_space_at(self->cpu.space, DATA)));
	/* Until the two have met a few times; where CPUs are scarce that may take a while, or not happen. */
	while (again < 20 && time(NULL) < end) {
		self->regs.rip = CODE;
		result = ivm_emul_mmio(&self->cpu, &ops, self, &self->fault, &self->gpa);
		ASSERT_TRUE(result == IVM_EMUL_DONE || result == IVM_EMUL_AGAIN);
		done += result == IVM_EMUL_DONE;
		again += result == IVM_EMUL_AGAIN;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(done + others, (u32)fake_space_get(self->cpu.space, DATA, 4));
}

/* ---- string I/O ---- */

static enum ivm_emul_result run_io(struct _test_data_cpu *self, const char *code, unsigned int len)
{
	put_code(self, CODE, code, len);
	self->log[0] = '\0';
	return ivm_emul_string_io(&self->cpu, &ops, self, &self->fault, &self->gpa);
}

TEST_F(cpu, string_io)
{
	self->regs.gpr[IVM_RDX] = 0x123403f8;
	self->regs.gpr[IVM_RSI] = DATA;
	self->regs.gpr[IVM_RCX] = 3;
	fake_space_set(self->cpu.space, DATA, 8, 0x636261);
	EXPECT_EQ(IVM_EMUL_DONE, run_io(self, "\xf3\x6e", 2));	/* rep outsb */
	EXPECT_STREQ("o1:3f8=61 o1:3f8=62 o1:3f8=63 ", self->log);
	EXPECT_EQ(DATA + 3, self->regs.gpr[IVM_RSI]);

	self->regs.rip = CODE;
	self->regs.gpr[IVM_RDI] = DATA + 0x10;
	self->regs.rflags |= X86_EFLAGS_DF;
	EXPECT_EQ(IVM_EMUL_DONE, run_io(self, "\x48\x6d", 2));	/* REX.W insd: still 4 bytes */
	EXPECT_STREQ("i4:3f8 ", self->log);
	EXPECT_EQ(0x44434241, fake_space_get(self->cpu.space, DATA + 0x10, 8));
	EXPECT_EQ(DATA + 0xc, self->regs.gpr[IVM_RDI]);

	/* The port is not read when there is nowhere to put it. */
	self->regs.rip = CODE;
	self->regs.gpr[IVM_RDI] = WINDOW;
	EXPECT_EQ(IVM_EMUL_FAULT, run_io(self, "\x6c", 1));
	EXPECT_FAULT(14, true, 2);
	EXPECT_STREQ("", self->log);

	EXPECT_EQ(IVM_EMUL_UNKNOWN, run_io(self, "\xa4", 1));
	/* OUTS takes a segment override, INS does not. */
	protected_mode(self);
	self->regs.rflags = 2;
	self->sregs.seg[IVM_DS].attr = 0;
	self->regs.gpr[IVM_RSI] = self->regs.gpr[IVM_RDI] = DATA;
	EXPECT_EQ(IVM_EMUL_FAULT, run_io(self, "\x6e", 1));
	EXPECT_FAULT(13, true, 0);
	EXPECT_EQ(IVM_EMUL_DONE, run_io(self, "\x26\x6e", 2));
	self->regs.rip = CODE;
	EXPECT_EQ(IVM_EMUL_DONE, run_io(self, "\x3e\x6c", 2));
}

/* ---- lengths ---- */

static unsigned int length_of(struct _test_data_cpu *self, u32 opcode, const char *code, unsigned int len)
{
	put_code(self, CODE, code, len);
	return ivm_emul_length(&self->cpu, opcode);
}

TEST_F(cpu, lengths)
{
	static const struct {
		u32 opcode;
		const char *code;
		unsigned int len;
		unsigned int in64, in32;
	} cases[] = {
		{ 0x0fa2, "\x0f\xa2", 2, 2, 2 },
		{ 0x0fa2, "\x66\x0f\xa2", 3, 3, 3 },
		{ 0x0fa2, "\x48\x0f\xa2", 3, 3, 0 },
		{ 0x0fa2, "\x67\xf3\x2e\x4f\x0f\xa2", 6, 6, 0 },
		{ 0x0fa2, "\x48\x66\x0f\xa2", 4, 4, 0 },
		{ 0x0fa2, "\xf0\x0f\xa2", 3, 0, 0 },
		{ 0x0fa2, "\x0f\x32", 2, 0, 0 },
		{ 0x0fa2, "\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x0f\xa2", 15, 15, 15 },
		{ 0x0fa2, "\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x0f\xa2", 16, 0, 0 },
		{ 0xf4, "\xf4", 1, 1, 1 },
		{ 0xf4, "\x2e\xf4", 2, 2, 2 },
		{ 0x90, "\xf3\x90", 2, 2, 2 },
		{ 0xf390, "\xf3\x90", 2, 2, 2 },
		{ 0xf390, "\x2e\xf3\x90", 3, 3, 3 },
		{ 0xf390, "\x2e\x90", 2, 0, 0 },
		{ 0xf390, "\xf2\x90", 2, 0, 0 },
		{ 0x0f01d9, "\x0f\x01\xd9", 3, 3, 3 },
		{ 0x0f01f9, "\x0f\x01\xd9", 3, 0, 0 },
		{ 0xcd, "\xcd\x80", 2, 2, 2 },
		{ 0xe4, "\xe4\x60", 2, 2, 2 },
		{ 0xe7, "\x66\xe7\x60", 3, 3, 3 },
		{ 0xec, "\xec", 1, 1, 1 },
		{ 0x0f20, "\x0f\x20\xc0", 3, 3, 3 },
		{ 0x0f22, "\x44\x0f\x22\xc0", 4, 4, 0 },
		{ 0x0f01, "\x0f\x01\x38", 3, 3, 3 },				/* invlpg [rax] */
		{ 0x0f01, "\x0f\x01\xbc\x24\x00\x10\x00\x00", 8, 8, 8 },	/* invlpg [rsp + 0x1000] */
		{ 0x0f01, "\x0f\x01\x3d\x00\x00\x00\x00", 7, 7, 7 },
		{ 0x0f01, "\x67\x0f\x01\x3e\x34\x12", 6, 4, 6 },		/* [esi], or [0x1234] */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_EQ(cases[i].in64, length_of(self, cases[i].opcode, cases[i].code, cases[i].len))
			TH_LOG("case %u", i);
	self->sregs.seg[IVM_CS] = code32;	/* compatibility mode */
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		EXPECT_EQ(cases[i].in32, length_of(self, cases[i].opcode, cases[i].code, cases[i].len))
			TH_LOG("case %u", i);
}

TEST_F(cpu, register_of_a_move_to_control_registers)
{
	unsigned int gpr = 99;

	put_code(self, CODE, "\x0f\x22\xe3", 3);		/* mov cr4, rbx */
	EXPECT_EQ(3, ivm_emul_mov_reg(&self->cpu, 0x0f22, &gpr));
	EXPECT_EQ(IVM_RBX, gpr);
	put_code(self, CODE, "\x45\x0f\x20\xc4", 4);	/* mov r12, cr8 */
	EXPECT_EQ(4, ivm_emul_mov_reg(&self->cpu, 0x0f20, &gpr));
	EXPECT_EQ(IVM_R12, gpr);
	gpr = 99;
	EXPECT_EQ(0, ivm_emul_mov_reg(&self->cpu, 0x0f22, &gpr));
	EXPECT_EQ(99, gpr);
}

TEST_F(cpu, lengths_at_the_edges)
{
	/* Each split of a prefixed instruction over two pages that are not neighbours in RAM. */
	unsigned int split;

	map(self, 0, CODE | 5);
	map(self, 1, DATA | 5);
	for (split = 1; split < 4; split++) {
		put_code(self, CODE + 0x1000 - split, "\x66\x0f\xa2", split);
		put_code(self, DATA, "\x66\x0f\xa2" + split, 3 - split);
		self->regs.rip = WINDOW + 0x1000 - split;
		map(self, 1, DATA | 5);
		EXPECT_EQ(3, ivm_emul_length(&self->cpu, 0x0fa2));
		map(self, 1, 0);
		EXPECT_EQ(split < 3 ? 0 : 3, ivm_emul_length(&self->cpu, 0x0fa2));
	}
	/* Not executable, no RAM, not canonical. */
	map(self, 0, CODE | 5 | BIT_ULL(63));
	self->regs.rip = WINDOW;
	put_code(self, CODE, "\x0f\xa2", 2);
	EXPECT_EQ(0, ivm_emul_length(&self->cpu, 0x0fa2));
	map(self, 0, CODE | 5);
	EXPECT_EQ(2, ivm_emul_length(&self->cpu, 0x0fa2));
	self->regs.rip = DEVICE;
	EXPECT_EQ(0, ivm_emul_length(&self->cpu, 0x0fa2));
	self->regs.rip = 1ULL << 47;
	EXPECT_EQ(0, ivm_emul_length(&self->cpu, 0x0fa2));
	/* CS limit and base. */
	real_mode(self);
	EXPECT_EQ(2, ivm_emul_length(&self->cpu, 0x0fa2));
	self->sregs.seg[IVM_CS].limit = 1;
	EXPECT_EQ(2, ivm_emul_length(&self->cpu, 0x0fa2));
	self->sregs.seg[IVM_CS].limit = 0;
	EXPECT_EQ(0, ivm_emul_length(&self->cpu, 0x0fa2));
}

static u64 rng_state = 42;

static unsigned int below(unsigned int n)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (rng_state >> 33) % n;
}

/* One thing that may end a walk elsewhere, or with a fault, or with an accessed bit to set. */
static void change_something(struct _test_data_cpu *self)
{
	static const u64 entries[] = { 0x1000, 0x2000, 0x3008, TABLE_4K, TABLE_4K + 8, TABLE_4K + 32 };
	static const u64 bits[] = { BIT(0), BIT(1), BIT(2), BIT(5), BIT(6), BIT(12), BIT(13), BIT_ULL(63), BIT_ULL(50) };
	u64 at = entries[below(ARRAY_SIZE(entries))];

	switch (below(8)) {
	case 0:
		self->sregs.cr3 ^= 0x8000;	/* another set of tables: its top is a copy */
		break;
	case 1:
		self->sregs.cr4 ^= X86_CR4_SMEP;
		break;
	case 2:
		self->sregs.efer ^= IVM_EFER_NXE;
		break;
	case 3:
		self->sregs.cpl ^= 3;
		break;
	case 4:
		*fake_space_at(self->cpu.space, (below(2) ? CODE : DATA) + below(2)) ^= 1 << below(8);
		break;
	case 5:
		put_code(self, CODE, "\x0f\xa2", 2);
		put_code(self, DATA, "\x0f\xa2", 2);
		break;
	case 6:				/* as it was, so that not all is broken soon */
		fake_space_set(self->cpu.space, 0x1000, 8, 0x2007);
		fake_space_set(self->cpu.space, 0x9000, 8, 0x2007);
		fake_space_set(self->cpu.space, 0x2000, 8, 0x3007);
		fake_space_set(self->cpu.space, 0x3008, 8, TABLE_4K | 7);
		map(self, 0, CODE | 5);
		map(self, 1, DATA | 5);
		map(self, 4, CODE | 5);		/* shares a slot with page 0 */
		break;
	default:
		fake_space_set(self->cpu.space, at, 8,
			       fake_space_get(self->cpu.space, at, 8) ^ bits[below(ARRAY_SIZE(bits))]);
		break;
	}
}

/* With the cache and without it: the same lengths, and the same accessed bits. */
TEST_F(cpu, a_remembered_page_is_used_only_while_it_holds)
{
	static u8 before[0x5000], after[0x5000];
	struct ivm_code_cache cache = {};
	unsigned int i, j, hits = 0;

	for (i = 0; i < 300000; i++) {
		unsigned int with, without;

		change_something(self);
		self->regs.rip = WINDOW + (below(2) ? 0 : below(2) ? 0x1000 : 0x4000);
		for (j = 0; j < 5; j++)
			memcpy(before + j * 0x1000, fake_space_at(self->cpu.space, j * 0x1000), 0x1000);
		self->cpu.code = NULL;
		without = ivm_emul_length(&self->cpu, 0x0fa2);
		for (j = 0; j < 5; j++) {
			memcpy(after + j * 0x1000, fake_space_at(self->cpu.space, j * 0x1000), 0x1000);
			memcpy(fake_space_at(self->cpu.space, j * 0x1000), before + j * 0x1000, 0x1000);
		}
		self->cpu.code = &cache;
		with = ivm_emul_length(&self->cpu, 0x0fa2);
		ASSERT_EQ(without, with);
		for (j = 0; j < 5; j++)
			ASSERT_EQ(0, memcmp(after + j * 0x1000, fake_space_at(self->cpu.space, j * 0x1000), 0x1000));
		hits += with == 2;
	}
	EXPECT_LT(10000, hits);
}

TEST_HARNESS_MAIN
