// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that decide about paging, taken apart: operands, lengths, what is not one of them. */
/* sources: kmod/emul/alu.c kmod/emul/decode.c kmod/emul/exec.c kmod/emul/fetch.c kmod/emul/operand.c kmod/emul/string.c kmod/emul/system.c kmod/emul/walk.c selftests/unit/fake_space.c */
#include "unit.h"

#include "emul/emul.h"
#include "emul/x86.h"
#include "fake_space.h"

#define CODE	0x10000
#define RAM_END	0x20000

static struct ivm_regs regs;
static struct ivm_sregs sregs;
static struct ivm_emul_cpu cpu = { .regs = &regs, .sregs = &sregs, .phys_bits = 40 };
static struct ivm_system got;
static struct ivm_fault fault;
static u64 gpa;

static const struct ivm_emul_ops no_devices;

static void begin(void)
{
	unsigned int i;

	memset(&regs, 0, sizeof(regs));
	memset(&sregs, 0, sizeof(sregs));
	for (i = 0; i < 16; i++)
		regs.gpr[i] = 0x1100 + i;
	regs.rip = CODE;
	regs.rflags = 2;
	cpu.space = fake_space_create(RAM_END / 0x1000);
	fake_space_set(cpu.space, 0x1000, 8, 0x2007);
	fake_space_set(cpu.space, 0x2000, 8, 0x3007);
	fake_space_set(cpu.space, 0x3000, 8, 0x0087);
	sregs.cr0 = 0x80010033;
	sregs.cr3 = 0x1000;
	sregs.cr4 = 0x20;
	sregs.efer = 0xd01;
	for (i = 0; i < IVM_SEGS; i++)
		sregs.seg[i] = (struct ivm_segreg){ .selector = 16, .attr = 0xc93, .limit = 0xffffffff };
	sregs.seg[IVM_CS] = (struct ivm_segreg){ .selector = 8, .attr = 0xa9b, .limit = 0xffffffff };
	sregs.seg[IVM_FS].base = 0x123450000000;
}

static enum ivm_emul_result take(const char *code, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		*fake_space_at(cpu.space, CODE + i) = code[i];
	got = (struct ivm_system){};
	fault = (struct ivm_fault){};
	return ivm_emul_system(&cpu, &no_devices, NULL, &got, &fault, &gpa);
}

#define TAKE(code) take(code, sizeof(code) - 1)

TEST(moves)
{
	begin();
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x22\xd8"));		/* mov cr3, rax */
	EXPECT_EQ(IVM_SYSTEM_TO_CR, got.op);
	EXPECT_EQ(3, got.number);
	EXPECT_EQ(IVM_RAX, got.gpr);
	EXPECT_EQ(3, got.length);
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x41\x0f\x20\xc7"));	/* mov r15, cr0 */
	EXPECT_EQ(IVM_SYSTEM_FROM_CR, got.op);
	EXPECT_EQ(0, got.number);
	EXPECT_EQ(IVM_R15, got.gpr);
	EXPECT_EQ(4, got.length);
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x44\x0f\x22\xc1"));	/* mov cr8, rcx */
	EXPECT_EQ(8, got.number);
	EXPECT_EQ(IVM_RCX, got.gpr);
	/* the mod field is ignored */
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x22\x23"));
	EXPECT_EQ(4, got.number);
	EXPECT_EQ(IVM_RBX, got.gpr);
	EXPECT_EQ(3, got.length);
}

TEST(machine_status_word)
{
	begin();
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x06"));
	EXPECT_EQ(IVM_SYSTEM_CLTS, got.op);
	EXPECT_EQ(2, got.length);

	regs.gpr[IVM_R9] = 0xabcdef0000000009;
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x41\x0f\x01\xf1"));	/* lmsw r9w */
	EXPECT_EQ(IVM_SYSTEM_LMSW, got.op);
	EXPECT_EQ(9, got.value);
	EXPECT_EQ(4, got.length);
	fake_space_set(cpu.space, 0x8000, 8, 0xffff000e);
	regs.gpr[IVM_RBX] = 0x7ff0;
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x01\x73\x10"));	/* lmsw [rbx + 16] */
	EXPECT_EQ(0xe, got.value);
	EXPECT_EQ(4, got.length);

	/* a register gets as much of CR0 as it is wide */
	regs.gpr[IVM_RDX] = ~0ULL;
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x01\xe2"));		/* smsw edx */
	EXPECT_EQ(IVM_SYSTEM_SMSW, got.op);
	EXPECT_EQ(0x80010033, regs.gpr[IVM_RDX]);
	regs.gpr[IVM_RDX] = ~0ULL;
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x66\x0f\x01\xe2"));	/* smsw dx */
	EXPECT_EQ(0xffffffffffff0033, regs.gpr[IVM_RDX]);
	/* memory 16 bits */
	fake_space_set(cpu.space, 0x8000, 8, ~0ULL);
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x01\x63\x10"));
	EXPECT_EQ(0xffffffffffff0033, fake_space_get(cpu.space, 0x8000, 8));
	EXPECT_EQ(CODE, regs.rip);		/* the caller moves it */
}

TEST(invlpg_finds_its_address)
{
	begin();
	regs.gpr[IVM_RBX] = 0xffff888012345678;
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x01\x3b"));		/* invlpg [rbx] */
	EXPECT_EQ(IVM_SYSTEM_INVLPG, got.op);
	EXPECT_EQ(0xffff888012345678, got.value);
	EXPECT_EQ(3, got.length);
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x01\x3d\x04\x00\x00\x00"));	/* invlpg [rip + 4] */
	EXPECT_EQ(CODE + 7 + 4, got.value);
	regs.gpr[IVM_RBX] = 0x1000;
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x64\x0f\x01\x3b"));	/* invlpg fs:[rbx] */
	EXPECT_EQ(0x123450001000, got.value);
	regs.gpr[IVM_RBX] = 0x7777000012345678;			/* not canonical: no fault */
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x01\x3b"));
	EXPECT_EQ(0x7777000012345678, got.value);
	/* 32-bit code: base and offset wrap */
	sregs.efer = 0;
	sregs.cr0 = 0x11;
	sregs.seg[IVM_CS].attr = 0xc9b;
	sregs.seg[IVM_DS].base = 0xfffff000;
	regs.gpr[IVM_RBX] = 0x1234;
	ASSERT_EQ(IVM_EMUL_DONE, TAKE("\x0f\x01\x3b"));
	EXPECT_EQ(0x234, got.value);
}

TEST(anything_else)
{
	begin();
	EXPECT_EQ(IVM_EMUL_UNKNOWN, TAKE("\x90"));
	EXPECT_EQ(IVM_EMUL_UNKNOWN, TAKE("\x0f\xa2"));
	EXPECT_EQ(IVM_EMUL_UNKNOWN, TAKE("\x0f\x01\xf8"));	/* SWAPGS, not INVLPG */
	EXPECT_EQ(IVM_EMUL_UNKNOWN, TAKE("\x0f\x01\x13"));	/* LGDT */
	EXPECT_EQ(IVM_EMUL_UNKNOWN, TAKE("\xf0\x0f\x06"));
	/* an operand that faults, and one outside RAM */
	regs.gpr[IVM_RBX] = 0x400000;
	ASSERT_EQ(IVM_EMUL_FAULT, TAKE("\x0f\x01\x33"));	/* lmsw [rbx] */
	EXPECT_EQ(IVM_VECTOR_PF, fault.vector);
	EXPECT_EQ(0x400000, fault.address);
}

TEST_HARNESS_MAIN
