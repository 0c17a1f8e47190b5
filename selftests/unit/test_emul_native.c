// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulation against the processor that the test runs on: random instructions
 * with random operands and flags are executed natively on a buffer, and
 * emulated on the same bytes as device memory, as RAM, or as one page of each.
 * Registers, flags and memory must be the same. In 64-bit code, in 32-bit code
 * with flat segments, and in 16- and 32-bit code with segments that have a base.
 */
/* sources: kmod/emul/alu.c kmod/emul/decode.c kmod/emul/exec.c kmod/emul/fetch.c kmod/emul/operand.c kmod/emul/string.c kmod/emul/walk.c selftests/unit/fake_space.c */
#include "unit.h"

#include <asm/ldt.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "emul/emul.h"
#include "fake_space.h"

#define DATA		0x10000000UL	/* linear, native and guest */
#define DATA_SIZE	0x4000
#define CODE		0x20000000UL
#define CONTEXT		0x30000000UL
#define STACK		(CONTEXT + 0x1800)
#define INSN		(CODE + 0x800)	/* the instruction under test */
#define DEVICE_GPA	0xd0000000ULL	/* guest-physical, where data pages are a device */
#define RAM_PAGES	32
#define RAM_DATA	0x10000ULL	/* guest-physical, where data pages are RAM */
#define RAM_CODE	0x8000ULL

#define FLAGS		0xcd5ULL	/* CF PF AF ZF SF DF OF */
#define DF		0x400ULL
#define AF		0x10ULL

/* Shared with the generated code, at CONTEXT. */
struct context {
	u64 gpr[16];
	u64 rflags;
	u64 host_rsp;
	u32 target_offset;	/* a far pointer */
	u16 target_selector;
	u16 ds, es, ss, host_ds, host_es;
};

static struct context *const context = (struct context *)CONTEXT;
static u8 *const data = (u8 *)DATA;

static u64 rng_state = 88172645463325252ULL;

static u64 rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state * 0x2545f4914f6cdd1dULL >> 8 ^ rng_state;
}

static unsigned int below(unsigned int n)
{
	return (rnd() >> 20) % n;
}

/* ---- running natively ---- */

static u8 *emit;

static void bytes(const void *p, unsigned int n)
{
	memcpy(emit, p, n);
	emit += n;
}

#define EMIT(...) bytes((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void emit_u32(u32 v)
{
	bytes(&v, 4);
}

/* opcode with a register and the absolute address of a context field */
static void emit_abs(u8 rex, u8 opcode, unsigned int reg, size_t offset)
{
	EMIT(rex | (reg & 8 ? 4 : 0), opcode, (reg & 7) << 3 | 4, 0x25);
	emit_u32(CONTEXT + offset);
}

#define AT(field) offsetof(struct context, field)

enum mode { MODE_64, MODE_32, MODE_32_BASED, MODE_16 };

static enum mode mode;	/* of this test's process */
static u8 *tail;		/* where the instruction under test returns to */

/* Code before and after the instruction: switches all registers and, outside 64-bit code, segments. */
static void make_trampoline(void)
{
	unsigned int i;

	emit = (u8 *)CODE;
	EMIT(0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57);	/* push rbx rbp r12-r15 */
	emit_abs(0x48, 0x89, 4, AT(host_rsp));
	if (mode != MODE_64) {
		emit_abs(0x40, 0x8c, 3, AT(host_ds));
		emit_abs(0x40, 0x8c, 0, AT(host_es));
		emit_abs(0x40, 0x8e, 3, AT(ds));
		emit_abs(0x40, 0x8e, 0, AT(es));
	}
	EMIT(0x48, 0xc7, 0xc4);		/* mov rsp, STACK */
	emit_u32(STACK);
	EMIT(0xff, 0x34, 0x25);		/* push flags; popf */
	emit_u32(CONTEXT + AT(rflags));
	EMIT(0x9d);
	if (mode != MODE_64)
		emit_abs(0x40, 0x8e, 2, AT(ss));
	for (i = 0; i < 16; i++)
		emit_abs(0x48, 0x8b, i, AT(gpr) + i * 8);
	EMIT(0xff, 0x2c, 0x25);		/* jmp far [target] */
	emit_u32(CONTEXT + AT(target_offset));

	tail = emit;
	for (i = 0; i < 16; i++)
		emit_abs(0x48, 0x89, i, AT(gpr) + i * 8);
	EMIT(0x48, 0xc7, 0xc4);
	emit_u32(STACK);
	EMIT(0x9c, 0x8f, 0x04, 0x25);	/* pushf; pop flags */
	emit_u32(CONTEXT + AT(rflags));
	EMIT(0xfc);			/* cld */
	if (mode != MODE_64) {
		EMIT(0xb8);		/* ss = 0x2b */
		emit_u32(0x2b);
		EMIT(0x8e, 0xd0);
		emit_abs(0x40, 0x8e, 3, AT(host_ds));
		emit_abs(0x40, 0x8e, 0, AT(host_es));
	}
	emit_abs(0x48, 0x8b, 4, AT(host_rsp));
	EMIT(0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3);
}

static void run_native(const u8 *insn, unsigned int len)
{
	emit = (u8 *)INSN;
	bytes(insn, len);
	if (mode == MODE_64) {
		EMIT(0xe9);
		emit_u32(tail - emit - 4);
	} else {
		if (mode == MODE_16)
			EMIT(0x66);
		EMIT(0xea);		/* jmp 0x33:tail */
		emit_u32((unsigned long)tail);
		EMIT(0x33, 0x00);
	}
	((void (*)(void))CODE)();
}

/* What was being executed, for a native fault. */
static u8 current[16];
static unsigned int current_len;

static void on_signal(int sig)
{
	char text[64] = "# signal at";
	unsigned int i;

	for (i = 0; i < current_len; i++)
		sprintf(text + strlen(text), " %02x", current[i]);
	strcat(text, "\n");
	if (write(2, text, strlen(text)) < 0)
		_exit(98);
	_exit(99);
}

/* ---- the emulated side ---- */

struct machine {
	struct ivm_regs regs;
	struct ivm_sregs sregs;
	struct ivm_emul_cpu cpu;
	u8 device[DATA_SIZE];
	unsigned int device_accesses;
	bool bad_access;
};

static struct machine m;

static bool mmio_in_range(u64 gpa, unsigned int size)
{
	m.device_accesses++;
	if (gpa < DEVICE_GPA || gpa - DEVICE_GPA + size > DATA_SIZE ||
	    (size != 1 && size != 2 && size != 4 && size != 8) || (gpa & 0xfff) + size > 0x1000)
		m.bad_access = true;
	return !m.bad_access;
}

static bool mmio_read(void *ctx, u64 gpa, unsigned int size, u64 *value)
{
	if (!mmio_in_range(gpa, size))
		return false;
	*value = 0xdddddddddddddddd;	/* upper bytes are nobody's business */
	memcpy(value, m.device + (gpa - DEVICE_GPA), size);
	return true;
}

static bool mmio_write(void *ctx, u64 gpa, unsigned int size, u64 value)
{
	if (!mmio_in_range(gpa, size))
		return false;
	memcpy(m.device + (gpa - DEVICE_GPA), &value, size);
	return true;
}

static const struct ivm_emul_ops ops = { .mmio_read = mmio_read, .mmio_write = mmio_write };

/* Tables: PML4 at 0x1000, PDPT 0x2000, PD 0x3000, page tables 0x4000 (data) and 0x5000 (code). */
static void map_data(unsigned int page, bool ram)
{
	u64 gpa = ram ? RAM_DATA : DEVICE_GPA;

	fake_space_set(m.cpu.space, 0x4000 + page * 8, 8, (gpa + page * 0x1000) | 7);
}

static void make_machine(void)
{
	struct ivm_segreg flat = { .attr = 0xcf3, .limit = 0xffffffff };
	struct ivm_segreg based = { .attr = 0x4f3, .limit = 0xffff, .base = DATA };
	unsigned int i;

	m.cpu.regs = &m.regs;
	m.cpu.sregs = &m.sregs;
	m.cpu.space = fake_space_create(RAM_PAGES);
	m.cpu.phys_bits = 48;
	fake_space_set(m.cpu.space, 0x1000, 8, 0x2000 | 7);
	fake_space_set(m.cpu.space, 0x2000, 8, 0x3000 | 7);
	fake_space_set(m.cpu.space, 0x3000 + (DATA >> 21) * 8, 8, 0x4000 | 7);
	fake_space_set(m.cpu.space, 0x3000 + (CODE >> 21) * 8, 8, 0x5000 | 7);
	fake_space_set(m.cpu.space, 0x5000, 8, RAM_CODE | 7);
	m.sregs.cr0 = 0x80050033;
	m.sregs.cr3 = 0x1000;
	m.sregs.cr4 = 0x20;
	m.sregs.efer = 0xd01;
	m.sregs.cpl = 3;
	for (i = 0; i < IVM_SEGS; i++)
		m.sregs.seg[i] = mode == MODE_64 || mode == MODE_32 ? flat : based;
	m.sregs.seg[IVM_CS] = (struct ivm_segreg){ .attr = 0xcfb, .limit = 0xffffffff };
	if (mode == MODE_64)
		m.sregs.seg[IVM_CS].attr = 0xafb;
	if (mode == MODE_16)
		m.sregs.seg[IVM_CS] = (struct ivm_segreg){ .attr = 0x0fb, .limit = 0xffff, .base = CODE };
}

/* ---- making instructions ---- */

struct gen {
	u8 insn[32];
	unsigned int len;
	struct ivm_regs regs;
	u64 rip;		/* of the instruction, an offset in its code segment */
	u64 ignore;		/* flags that are undefined afterwards */
	bool data16, addr_toggle;
	u8 rex;			/* 0: none */
};

static void put(struct gen *g, u8 byte)
{
	g->insn[g->len++] = byte;
}

static void put_value(struct gen *g, u64 value, unsigned int size)
{
	memcpy(g->insn + g->len, &value, size);
	g->len += size;
}

/* Offset in the data segments of the buffer's first byte. */
static u64 data_offset(const struct gen *g)
{
	return mode == MODE_64 || mode == MODE_32 ? DATA : 0;
}

/* Somewhere in the middle, often near a page boundary. */
static u64 somewhere(const struct gen *g)
{
	u64 at = below(2) ? 0x2000 - below(16) : 0x1100 + below(0x1e00);

	return data_offset(g) + at;
}

static unsigned int addr_size(const struct gen *g)
{
	if (mode == MODE_64)
		return g->addr_toggle ? 4 : 8;
	return (mode == MODE_16) != g->addr_toggle ? 2 : 4;
}

static unsigned int op_size(const struct gen *g)
{
	if (g->rex & 8)
		return 8;
	return (mode == MODE_16) != g->data16 ? 2 : 4;
}

/* Low bytes as addressed, junk above. */
static void set_addr_reg(struct gen *g, unsigned int reg, u64 value)
{
	unsigned int size = addr_size(g);

	if (size < 8)
		value = (value & ((1ULL << size * 8) - 1)) | rnd() << size * 8;
	if (mode != MODE_64)
		value = (u32)value;
	g->regs.gpr[reg] = value;
}

/*
 * ModRM with @reg in its middle, SIB and displacement, and registers so that
 * they address @target. @imm: bytes that follow. @keep: do not touch @reg's
 * register, @near: RSP only with small displacements. Return: false when
 * that cannot be had; the caller starts again.
 */
static bool put_modrm(struct gen *g, unsigned int reg, u64 target, unsigned int imm, bool keep, bool near)
{
	unsigned int size = addr_size(g), mod = below(3), rm = below(8), disp_len, scale = 0;
	int base, index = -1;
	u64 disp;

	put(g, mod << 6 | reg << 3 | rm);
	reg |= g->rex & 4 ? 8 : 0;
	if (size == 2) {
		static const s8 bases[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };

		base = mod == 0 && rm == 6 ? -1 : bases[rm];
		index = rm < 4 ? 6 + (rm & 1) : -1;
		disp_len = base < 0 ? 2 : mod;
	} else {
		base = rm | (g->rex & 1 ? 8 : 0);
		if (rm == 4) {
			u8 sib = rnd();

			put(g, sib);
			rm = sib & 7;
			base = rm | (g->rex & 1 ? 8 : 0);
			index = (sib >> 3 & 7) | (g->rex & 2 ? 8 : 0);
			if (index == 4)
				index = -1;
			scale = sib >> 6;
			if (mod == 0 && rm == 5)
				base = -1;
		} else if (mod == 0 && rm == 5) {
			base = -1;
			if (mode == MODE_64)
				target -= g->rip + g->len + 4 + imm;
		}
		disp_len = mod == 1 ? 1 : mod == 2 || base < 0 ? 4 : 0;
	}
	if (keep && (base == (int)reg || index == (int)reg))
		return false;
	if (base >= 0 && base == index)
		return false;
	if (near && base == 4 && (index >= 0 || disp_len > 1 || (mode == MODE_64 && size < 8)))
		return false;

	if (base < 0) {
		if (index >= 0) {
			set_addr_reg(g, index, below(0x1000));
			target -= (g->regs.gpr[index] & 0xfff) << scale;
		}
		put_value(g, target, disp_len);
		return true;
	}
	disp = disp_len == 1 ? (s64)(s8)rnd() : disp_len == 2 ? (s64)(s16)rnd() : disp_len ? (s64)(s32)rnd() : 0;
	put_value(g, disp, disp_len);
	set_addr_reg(g, base, target - disp - (index >= 0 ? g->regs.gpr[index] << scale : 0));
	return true;
}

/* Prefixes, in random order as far as order is free; REX last. */
static void put_prefixes(struct gen *g, bool may_lock, u8 rep)
{
	static const u8 segments[] = { 0x26, 0x36, 0x3e };

	if (below(4) == 0) {
		put(g, 0x66);
		g->data16 = true;
	}
	if (may_lock && below(3) == 0)
		put(g, 0xf0);
	if (below(6) == 0)
		put(g, segments[below(3)]);
	/* Not where segments are flat: 16 bits do not reach the buffer. */
	if (mode != MODE_32 && below(6) == 0) {
		put(g, 0x67);
		g->addr_toggle = true;
	}
	if (rep)
		put(g, rep);
	if (mode == MODE_64 && below(2)) {
		g->rex = 0x40 | below(16);
		put(g, g->rex);
	}
}

enum kind {
	ALU, GROUP1, TEST_REG, XCHG, MOV, MOV_IMM, UNARY, INC_DEC, EXTEND, MOVSXD, BIT_REG, BIT_IMM,
	CMPXCHG, XADD, MOVBE, MOVNTI, STACK_OP, MOFFS, STRING, KINDS
};

/* A random instruction and the registers it needs. Return: false to try again. */
static bool make_insn(struct gen *g)
{
	enum kind kind = below(KINDS);
	bool locks = kind == ALU || kind == GROUP1 || kind == XCHG || kind == UNARY || kind == INC_DEC ||
		     kind == BIT_REG || kind == BIT_IMM || kind == CMPXCHG || kind == XADD, may_lock = locks;
	unsigned int reg = below(8), sub = below(8), wide = below(2), imm, i;
	u64 target = somewhere(g);
	u8 opcode = 0, rep = 0;

	for (i = 0; i < 16; i++)
		g->regs.gpr[i] = below(3) ? rnd() : (s64)(s8)rnd();
	if (mode != MODE_64)
		for (i = 0; i < 16; i++)
			g->regs.gpr[i] = (u32)g->regs.gpr[i];
	g->regs.rflags = 0x202 | (rnd() & FLAGS);

	/* Locked accesses stay within 8 aligned bytes: a split lock would stop the whole machine. */
	if (locks)
		target &= ~7ULL;

	switch (kind) {
	case ALU:
		opcode = sub << 3 | below(4);
		may_lock = sub != 7 && !(opcode & 2);
		if (sub == 1 || sub == 4 || sub == 6)
			g->ignore = AF;
		break;
	case GROUP1:
		may_lock = sub != 7;
		if (sub == 1 || sub == 4 || sub == 6)
			g->ignore = AF;
		break;
	case UNARY:
		sub = below(4);
		may_lock = sub >= 2;
		g->ignore = sub < 2 ? AF : 0;
		break;
	case BIT_REG:
	case BIT_IMM:
		sub = below(4);
		may_lock = sub != 0;
		g->ignore = 0x894;	/* OF SF AF PF */
		break;
	case TEST_REG:
		g->ignore = AF;
		break;
	case MOVSXD:
		if (mode != MODE_64)
			return false;
		break;
	case STRING:
		rep = below(3) == 0 ? 0 : 0xf2 + below(2);
		break;
	default:
		break;
	}
	put_prefixes(g, may_lock, rep);
	if (op_size(g) == 2 && kind == MOVSXD)
		return false;		/* vendors differ in what they read */
	imm = wide ? op_size(g) == 2 ? 2 : 4 : 1;

	switch (kind) {
	case ALU:
		put(g, opcode);
		return put_modrm(g, reg, target, 0, false, false);
	case GROUP1:
		if (below(2)) {
			put(g, 0x83);
			imm = 1;
		} else {
			put(g, 0x80 | wide);
		}
		if (!put_modrm(g, sub, target, imm, false, false))
			return false;
		put_value(g, rnd(), imm);
		return true;
	case TEST_REG:
		put(g, 0x84 | wide);
		return put_modrm(g, reg, target, 0, false, false);
	case XCHG:
		put(g, 0x86 | wide);
		return put_modrm(g, reg, target, 0, false, false);
	case MOV:
		put(g, 0x88 | below(4));
		return put_modrm(g, reg, target, 0, false, false);
	case MOV_IMM:
		put(g, 0xc6 | wide);
		if (!put_modrm(g, 0, target, imm, false, false))
			return false;
		put_value(g, rnd(), imm);
		return true;
	case UNARY:
		put(g, 0xf6 | wide);
		imm = sub < 2 ? imm : 0;
		if (!put_modrm(g, sub, target, imm, false, false))
			return false;
		put_value(g, rnd(), imm);
		return true;
	case INC_DEC:
		put(g, 0xfe | wide);
		return put_modrm(g, below(2), target, 0, false, false);
	case EXTEND:
		put(g, 0x0f);
		put(g, (below(2) ? 0xb6 : 0xbe) | wide);
		return put_modrm(g, reg, target, 0, false, false);
	case MOVSXD:
		put(g, 0x63);
		return put_modrm(g, reg, target, 0, false, false);
	case BIT_REG:
		put(g, 0x0f);
		put(g, 0xa3 | sub << 3);
		/* At most 0x1000 bytes away in either direction. */
		i = reg | (g->rex & 4 ? 8 : 0);
		g->regs.gpr[i] = (s64)(s16)rnd();
		if (i == 4)
			return false;
		return put_modrm(g, reg, data_offset(g) + 0x1800 + below(0x800) / 8 * 8, 0, true, false);
	case BIT_IMM:
		put(g, 0x0f);
		put(g, 0xba);
		if (!put_modrm(g, 4 + sub, target, 1, false, false))
			return false;
		put(g, rnd());
		return true;
	case CMPXCHG:
		put(g, 0x0f);
		put(g, 0xb0 | wide);
		if (!put_modrm(g, reg, target, 0, false, false))
			return false;
		/* Equal, every other time; unless RAX is needed as an address. */
		if (below(2))
			memcpy(data + (target - data_offset(g)), &g->regs.gpr[0], 8);
		return true;
	case XADD:
		put(g, 0x0f);
		put(g, 0xc0 | wide);
		return put_modrm(g, reg, target, 0, false, false);
	case MOVBE:
		put(g, 0x0f);
		put(g, 0x38);
		put(g, 0xf0 | wide);
		return put_modrm(g, reg, target, 0, false, false);
	case MOVNTI:
		if (g->data16)
			return false;
		put(g, 0x0f);
		put(g, 0xc3);
		return put_modrm(g, reg, target, 0, false, false);
	case STACK_OP:
		g->regs.gpr[4] = somewhere(g);
		put(g, sub & 1 ? 0xff : 0x8f);
		return put_modrm(g, sub & 1 ? 6 : 0, target, 0, false, true);
	case MOFFS:
		put(g, 0xa0 | below(4));
		put_value(g, target, addr_size(g));
		return true;
	default: {
		static const u8 strings[] = { 0xa4, 0xa6, 0xaa, 0xac, 0xae };

		put(g, strings[below(5)] | wide);
		set_addr_reg(g, 6, somewhere(g));
		set_addr_reg(g, 7, somewhere(g));
		set_addr_reg(g, 1, below(20));
		/* So that comparisons go on for a while. */
		if (below(2))
			memset(data + 0x1f00, rnd(), 0x200);
		return true;
	}
	}
}

/* ---- both sides, compared ---- */

static void describe(const struct gen *g, const char *what)
{
	unsigned int i;

	fprintf(stderr, "# %s, mode %d:", what, mode);
	for (i = 0; i < g->len; i++)
		fprintf(stderr, " %02x", g->insn[i]);
	fprintf(stderr, "\n");
}

static bool compare(const struct gen *g, const bool *ram)
{
	u64 mask = mode == MODE_64 ? ~0ULL : 0xffffffff;
	bool same = true;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		/* Registers 8 to 15 cannot be seen outside 64-bit code. */
		if (mode != MODE_64 && i >= 8)
			break;
		if ((m.regs.gpr[i] ^ context->gpr[i]) & mask) {
			describe(g, "register differs");
			fprintf(stderr, "# r%u before %llx emulated %llx native %llx\n", i, g->regs.gpr[i],
				m.regs.gpr[i], context->gpr[i]);
			same = false;
		}
	}
	if ((m.regs.rflags ^ context->rflags) & FLAGS & ~g->ignore) {
		describe(g, "flags differ");
		fprintf(stderr, "# before %llx emulated %llx native %llx\n", g->regs.rflags, m.regs.rflags,
			context->rflags);
		same = false;
	}
	if (m.regs.rip != g->rip + g->len) {
		describe(g, "RIP differs");
		fprintf(stderr, "# emulated %llx native %llx\n", m.regs.rip, g->rip + g->len);
		same = false;
	}
	for (i = 0; i < DATA_SIZE / 0x1000; i++) {
		const u8 *page = ram[i] ? fake_space_at(m.cpu.space, RAM_DATA + i * 0x1000) : m.device + i * 0x1000;

		if (memcmp(page, data + i * 0x1000, 0x1000)) {
			describe(g, "memory differs");
			same = false;
		}
	}
	return same;
}

static bool one_case(void)
{
	struct gen g;
	enum ivm_emul_result result;
	struct ivm_fault fault = {};
	bool ram[DATA_SIZE / 0x1000];
	unsigned int i;
	u64 gpa = 0;

	do {
		memset(&g, 0, sizeof(g));
		g.rip = mode == MODE_16 ? INSN - CODE : INSN;
	} while (!make_insn(&g) || g.len > 15);

	for (i = 0; i < DATA_SIZE / 0x1000; i++) {
		ram[i] = below(3) == 0;
		map_data(i, ram[i]);
		memcpy(ram[i] ? fake_space_at(m.cpu.space, RAM_DATA + i * 0x1000) : m.device + i * 0x1000,
		       data + i * 0x1000, 0x1000);
	}
	memcpy(fake_space_at(m.cpu.space, RAM_CODE + 0x800), g.insn, g.len);
	m.regs = g.regs;
	m.regs.rip = g.rip;
	m.bad_access = false;
	result = ivm_emul_mmio(&m.cpu, &ops, NULL, &fault, &gpa);
	if (result != IVM_EMUL_DONE || m.bad_access) {
		describe(&g, "not done");
		fprintf(stderr, "# result %d, fault %u at %llx, gpa %llx\n", result, fault.vector, fault.address, gpa);
		return false;
	}

	memcpy(current, g.insn, g.len);
	current_len = g.len;
	memcpy(context->gpr, g.regs.gpr, sizeof(context->gpr));
	context->rflags = g.regs.rflags;
	run_native(g.insn, g.len);
	return compare(&g, ram);
}

static void map_fixed(unsigned long at, size_t size, int prot)
{
	if (mmap((void *)at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)at)
		_exit(97);
}

/* Return: selector of a new entry in this process's table, 0 when the kernel has none. */
static u16 make_segment(unsigned int entry, unsigned long base, unsigned int limit, bool code, bool is_32bit)
{
	struct user_desc desc = {
		.entry_number = entry, .base_addr = base, .limit = limit, .seg_32bit = is_32bit,
		.contents = code ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA, .useable = 1,
	};

	return syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)) ? 0 : entry << 3 | 7;
}

static bool setup(enum mode which)
{
	static const int signals[] = { SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP };
	stack_t stack = { .ss_sp = (void *)(CONTEXT + 0x8000), .ss_size = 0x8000 };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	unsigned int i;

	mode = which;
	map_fixed(DATA, DATA_SIZE, PROT_READ | PROT_WRITE);
	map_fixed(CODE, 0x2000, PROT_READ | PROT_WRITE | PROT_EXEC);
	map_fixed(CONTEXT, 0x10000, PROT_READ | PROT_WRITE);
	sigaltstack(&stack, NULL);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	for (i = 0; i < DATA_SIZE; i++)
		data[i] = rnd();

	context->ds = context->es = context->ss = 0x2b;
	context->target_offset = mode == MODE_16 ? INSN - CODE : INSN;
	context->target_selector = mode == MODE_64 ? 0x33 : 0x23;
	if (mode == MODE_16 || mode == MODE_32_BASED) {
		context->ds = context->es = context->ss = make_segment(0, DATA, 0xffff, false, true);
		if (!context->ds)
			return false;
	}
	if (mode == MODE_16)
		context->target_selector = make_segment(1, CODE, 0xffff, true, false);
	make_trampoline();
	make_machine();
	return true;
}

#define CASES 250000

static bool run_cases(void)
{
	unsigned int i;

	for (i = 0; i < CASES; i++)
		if (!one_case())
			return false;
	return true;
}

TEST(like_the_processor_in_64_bit_code)
{
	ASSERT_TRUE(setup(MODE_64));
	EXPECT_TRUE(run_cases());
}

TEST(like_the_processor_in_32_bit_code)
{
	ASSERT_TRUE(setup(MODE_32));
	EXPECT_TRUE(run_cases());
}

TEST(like_the_processor_in_32_bit_code_with_bases)
{
	if (!setup(MODE_32_BASED))
		SKIP(return, "this kernel has no modify_ldt()");
	EXPECT_TRUE(run_cases());
}

TEST(like_the_processor_in_16_bit_code)
{
	if (!setup(MODE_16))
		SKIP(return, "this kernel has no modify_ldt()");
	EXPECT_TRUE(run_cases());
}

TEST_HARNESS_MAIN
