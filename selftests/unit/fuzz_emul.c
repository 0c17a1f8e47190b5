// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random bytes as code, registers, segments, control registers and page tables.
 * Whatever a guest puts there: no crash, no wild access, RIP moves by the
 * length of one instruction or not at all, devices see only sizes they know.
 */
/* sources: kmod/emul/alu.c kmod/emul/decode.c kmod/emul/exec.c kmod/emul/fetch.c kmod/emul/length.c kmod/emul/msr.c kmod/emul/operand.c kmod/emul/string.c kmod/emul/walk.c selftests/unit/fake_space.c */
/* max_len: 512 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>

#include "emul/emul.h"
#include "emul/x86.h"
#include "fake_space.h"

#define PAGES	12
#define HOLE	10
#define CODE	0x6000U

static const uint8_t *input;
static size_t input_left;
static u64 beyond;

/* The next bytes of the input; beyond its end, numbers that depend on all of it: short inputs do much, too. */
static u64 take(unsigned int size)
{
	u64 value = 0;

	if (size > input_left) {
		beyond ^= beyond << 13;
		beyond ^= beyond >> 7;
		beyond ^= beyond << 17;
		return size == 8 ? beyond : beyond >> 8 & ((1ULL << size * 8) - 1);
	}
	memcpy(&value, input, size);
	input += size;
	input_left -= size;
	return value;
}

static void start(const uint8_t *data, size_t size)
{
	size_t i;

	input = data;
	input_left = size;
	beyond = 0xcbf29ce484222325;
	for (i = 0; i < size; i++)
		beyond = (beyond ^ data[i]) * 0x100000001b3;
}

#define MUST(cond) do {								\
	if (!(cond)) {								\
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		abort();							\
	}									\
} while (0)

/* 4096 bytes from one device to another, one by one, and what unaligned ends may add. */
#define ACCESSES_MAX (2 * 4096 + 32)

static unsigned int accesses;

static void check_mmio(u64 gpa, unsigned int size)
{
	MUST(size == 1 || size == 2 || size == 4 || size == 8);
	MUST((gpa & 0xfff) + size <= 0x1000);
	MUST(gpa / 0x1000 >= PAGES || gpa / 0x1000 == HOLE);
	MUST(++accesses <= ACCESSES_MAX);
}

static bool mmio_read(void *ctx, u64 gpa, unsigned int size, u64 *value)
{
	check_mmio(gpa, size);
	*value = 0x8877665544332211 ^ gpa;
	return (gpa & 0x7000) != 0x7000;
}

static bool mmio_write(void *ctx, u64 gpa, unsigned int size, u64 value)
{
	check_mmio(gpa, size);
	MUST(size == 8 || value >> size * 8 == 0);
	return (gpa & 0x7000) != 0x7000;
}

static void io_read(void *ctx, u16 port, unsigned int size, u32 *value)
{
	MUST(size == 1 || size == 2 || size == 4);
	MUST(++accesses <= ACCESSES_MAX);
	*value = 0x12345678;
}

static void io_write(void *ctx, u16 port, unsigned int size, u32 value)
{
	MUST(size == 1 || size == 2 || size == 4);
	MUST(size == 4 || value >> size * 8 == 0);
	MUST(++accesses <= ACCESSES_MAX);
}

static const struct ivm_emul_ops ops = {
	.mmio_read = mmio_read, .mmio_write = mmio_write, .io_read = io_read, .io_write = io_write,
};

enum paging { NONE, TWO_LEVEL, PAE, FOUR_LEVEL };

/*
 * Linear pages 0-15 are guest-physical 0-15, half of them devices; page 16 and
 * up are not there; then the input spoils some entries.
 */
static void make_tables(struct ivm_space *space, struct ivm_sregs *s, enum paging paging)
{
	unsigned int i, pokes = take(1) % 8;

	for (i = 0; i < 16; i++) {
		fake_space_set(space, 0x4000 + i * 8, 8, i << 12 | 7);
		fake_space_set(space, 0x5000 + i * 4, 4, i << 12 | 7);
	}
	fake_space_set(space, 0x1000, 8, 0x2007);
	fake_space_set(space, 0x2000, 8, 0x3007);
	fake_space_set(space, 0x3000, 8, 0x4007);
	fake_space_set(space, 0x1800, 8, 0x3001);
	fake_space_set(space, 0x1c00, 4, 0x5007);
	s->cr3 = 0x1000;
	if (paging == PAE)
		s->cr3 = 0x1800;
	if (paging == TWO_LEVEL) {
		fake_space_set(space, 0x7000, 4, 0x5007);
		s->cr3 = 0x7000;
	}
	for (i = 0; i < pokes; i++) {
		u64 at = take(2) % (HOLE * 0x1000) & ~7ULL;

		fake_space_set(space, at, 8, take(8));
	}
}

static void make_cpu(struct ivm_emul_cpu *cpu)
{
	struct ivm_regs *r = cpu->regs;
	struct ivm_sregs *s = cpu->sregs;
	u8 how = take(1);
	enum paging paging = how & 3;
	unsigned int i;

	cpu->phys_bits = 36 + (how >> 2) % 17;
	s->cr0 = (take(4) & (X86_CR0_WP | X86_CR0_AM)) | (how & 0x40 ? X86_CR0_PE : 0);
	if (paging)
		s->cr0 |= X86_CR0_PE | X86_CR0_PG;
	s->cr4 = take(4) & (X86_CR4_PSE | X86_CR4_SMEP | X86_CR4_SMAP);
	s->cr4 |= paging >= PAE ? X86_CR4_PAE : 0;
	s->efer = (take(1) & 1 ? IVM_EFER_NXE : 0) | (paging == FOUR_LEVEL ? IVM_EFER_LMA | IVM_EFER_LME : 0);
	s->cpl = take(1) & 3;
	make_tables(cpu->space, s, paging);
	for (i = 0; i < IVM_SEGS; i++) {
		u8 kind = take(1);

		s->seg[i].attr = kind & 1 ? 0xc93 : take(2);
		s->seg[i].limit = kind & 2 ? 0xffffffff : take(4);
		s->seg[i].base = kind & 4 ? 0 : take(kind & 8 ? 2 : 8);
	}
	/* Code can be fetched, mostly. */
	if (how & 0x80) {
		s->seg[IVM_CS].base = 0;
		s->seg[IVM_CS].limit = 0xffffffff;
	}
	r->rip = CODE + (take(1) & 1 ? 0xff8 + take(1) % 8 : 0);
	if (!(how & 0x80) && take(1) & 1)
		r->rip = take(8);
	r->rflags = take(4) & 0x3f7fd5;
	for (i = 0; i < 16; i++) {
		u8 kind = take(1);

		r->gpr[i] = kind & 1 ? take(2) & 0xffff : kind & 2 ? (s64)(s8)take(1) : take(8);
	}
}

/* Bytes as they come, or prefixes and an opcode that is answered, then bytes as they come. */
static void put_code(struct ivm_emul_cpu *cpu, bool io)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48, 0x45, 0x64 };
	static const u8 one[] = {
		0x00, 0x03, 0x39, 0x63, 0x80, 0x81, 0x83, 0x84, 0x87, 0x88, 0x8b, 0x8f, 0xa0, 0xa3, 0xa4, 0xa5, 0xa6,
		0xaa, 0xab, 0xac, 0xad, 0xae, 0xc6, 0xc7, 0xf6, 0xf7, 0xfe, 0xff,
	};
	static const u8 two[] = { 0xa3, 0xab, 0xb0, 0xb1, 0xb3, 0xb6, 0xb7, 0xba, 0xbb, 0xbe, 0xbf, 0xc0, 0xc1, 0xc3, 0x38 };
	u64 at = cpu->regs->rip % (HOLE * 0x1000);
	u8 code[24], how = take(1);
	unsigned int i, n = 0;

	if (how & 3) {
		for (i = how >> 2 & 3; i; i--)
			code[n++] = prefixes[take(1) % ARRAY_SIZE(prefixes)];
		if (io) {
			code[n++] = 0x6c + take(1) % 4;
		} else if (how & 0x10) {
			code[n++] = one[take(1) % ARRAY_SIZE(one)];
		} else {
			code[n++] = 0x0f;
			code[n++] = two[take(1) % ARRAY_SIZE(two)];
			if (code[n - 1] == 0x38)
				code[n++] = 0xf0 | (take(1) & 1);
		}
	}
	for (; n < 20; n++)
		code[n] = take(1);
	for (i = 0; i < n && (at + i) / 0x1000 < HOLE; i++)
		*fake_space_at(cpu->space, at + i) = code[i];
}

/* RIP moves as far as one instruction is long, within the width that the mode has. */
static void check_moved(const struct ivm_emul_cpu *cpu, u64 rip)
{
	const struct ivm_sregs *s = cpu->sregs;
	u64 mask = 0xffff;

	if (s->efer & IVM_EFER_LMA && s->seg[IVM_CS].attr & IVM_SEG_L)
		mask = ~0ULL;
	else if (s->seg[IVM_CS].attr & IVM_SEG_DB)
		mask = 0xffffffff;
	MUST(((cpu->regs->rip - rip) & mask) - 1 < 15);
	MUST((cpu->regs->rip & ~mask) == 0);
	MUST(!(cpu->regs->rflags & X86_EFLAGS_RF));
}

static void check_result(const struct ivm_emul_cpu *cpu, enum ivm_emul_result result,
			 const struct ivm_fault *fault, const struct ivm_regs *before, bool io)
{
	MUST(result <= IVM_EMUL_UNKNOWN);
	if (result == IVM_EMUL_DONE)
		check_moved(cpu, before->rip);
	else
		MUST(cpu->regs->rip == before->rip);
	if (result == IVM_EMUL_UNKNOWN)
		MUST(!memcmp(cpu->regs, before, sizeof(*before)));
	if (result == IVM_EMUL_FAULT) {
		bool ud = fault->vector == IVM_VECTOR_UD, pf = fault->vector == IVM_VECTOR_PF;

		MUST(ud || pf || fault->vector == IVM_VECTOR_SS || fault->vector == IVM_VECTOR_GP ||
		     fault->vector == IVM_VECTOR_AC);
		MUST(pf || !fault->error);
		MUST(pf ? fault->has_error && fault->error < 0x20 : true);
		MUST(!(ud && fault->has_error));
		MUST(fault->has_error ? cpu->sregs->cr0 & X86_CR0_PE : true);
	}
	/* Flags that only privileged things change. */
	MUST(((cpu->regs->rflags ^ before->rflags) & ~(0x8d5ULL | X86_EFLAGS_RF)) == 0);
	if (io)
		MUST(!((cpu->regs->rflags ^ before->rflags) & ~X86_EFLAGS_RF));
}

/* What is remembered changes nothing. */
static void try_lengths(struct ivm_emul_cpu *cpu)
{
	struct ivm_code_cache cache = {};
	static const u32 opcodes[] = { 0xf4, 0xcd, 0x0fa2, 0x0f32, 0x0f22, 0x0f01, 0x0f01d0, 0x0f01f9 };
	unsigned int i, len;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++) {
		cpu->code = NULL;
		len = ivm_emul_length(cpu, opcodes[i]);
		cpu->code = &cache;
		MUST(ivm_emul_length(cpu, opcodes[i]) == len);
		MUST(ivm_emul_length(cpu, opcodes[i]) == len);
		MUST(len <= 15);
		MUST(!len || len > (opcodes[i] > 0xff) + (opcodes[i] > 0xffff));
	}
	cpu->code = NULL;
}

static void try_walk(const struct ivm_emul_cpu *cpu)
{
	struct ivm_fault fault;
	u64 linear = take(8), gpa = ~0ULL;
	unsigned int access = take(1) & 7;

	switch (ivm_walk(cpu, linear, access, &gpa, &fault)) {
	case 0:
		MUST((gpa & 0xfff) == (linear & 0xfff));
		MUST(gpa >> 52 == 0);
		break;
	case -EFAULT:
		MUST(fault.vector == IVM_VECTOR_PF || fault.vector == IVM_VECTOR_GP);
		break;
	case -ENXIO:
		MUST(gpa / 0x1000 >= PAGES || gpa / 0x1000 == HOLE);
		break;
	default:
		abort();
	}
}

static void try_msrs(void)
{
	static const u32 near[] = { 0, 0x80, 0x170, 0x200, 0x250, 0x800, 0xc0000080, 0xc0010000, 0xc0011000, 0x4b564d00 };
	static struct ivm_msrs msrs;
	u32 index = take(1) & 7 ? near[take(1) % ARRAY_SIZE(near)] + take(1) : take(4);
	u64 value = take(8), back = ~value;
	enum ivm_msr_kind kind = ivm_msr_kind(index);
	int ret;

	MUST(kind <= IVM_MSR_SPEC_CTRL);
	ret = ivm_msr_write(&msrs, index, value);
	MUST(ret == 0 || ret == -EINVAL);
	if (!ret && kind == IVM_MSR_STORED)
		MUST(!ivm_msr_read(&msrs, index, &back) && back == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ivm_regs regs = {}, before;
	struct ivm_sregs sregs = {}, sregs_before;
	struct ivm_emul_cpu cpu = { .regs = &regs, .sregs = &sregs };
	struct ivm_fault fault = {};
	enum ivm_emul_result result;
	u64 gpa = 0;
	bool io;

	start(data, size);
	cpu.space = fake_space_create(PAGES);
	fake_space_hole(cpu.space, HOLE << 12);
	make_cpu(&cpu);
	io = !(take(1) & 3);
	put_code(&cpu, io);
	try_walk(&cpu);
	try_lengths(&cpu);
	try_msrs();

	before = regs;
	sregs_before = sregs;
	accesses = 0;
	result = io ? ivm_emul_string_io(&cpu, &ops, NULL, &fault, &gpa)
		    : ivm_emul_mmio(&cpu, &ops, NULL, &fault, &gpa);
	check_result(&cpu, result, &fault, &before, io);
	MUST(!memcmp(&sregs, &sregs_before, sizeof(sregs)));
	fake_space_destroy(cpu.space);
	return 0;
}
