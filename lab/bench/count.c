// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin for the lab's emulator: counts instructions, those of guests apart.
 * It sees every instruction from outside of the emulated host, so neither
 * hypervisor is asked, trusted or disturbed.
 *
 *	lab/run -P count.so,out=FILE
 *
 * Guest mode lasts from a VMRUN to the instruction behind it, where #VMEXIT
 * resumes (AMD APM 15.6). A guest cannot fake that place: it is known by the
 * host memory that holds it. Each repetition of a string instruction is one
 * instruction; time that the host sleeps is none.
 *
 * A program in the host brackets what it wants counted with the no-ops of
 * mark.h. At the end of each bracket one line goes to FILE:
 *
 *	counted ID ALL GUEST ENTRIES ROUNDS
 *
 * One processor only. The interface is QEMU's documented one for plugins,
 * version 1; its header is in no package of Debian 12, hence the declarations.
 */
#include "mark.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { CALLBACK_READS_NO_REGISTERS = 0, INLINE_ADD = 0 };
typedef void (*translated_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*executed_fn)(unsigned int cpu, void *data);

struct emulator {
	const char *target;
	struct { int min, current; } version;
	bool system;
	struct { int cpus, max_cpus; } smp;
};

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_fn fn);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
extern void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_fn fn, int flags, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *counter, uint64_t add);

EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct emulator *emulator, int argc, char **argv);

#define RETURNS_MAX 8	/* KVM has two, one of them for encrypted guests */

struct counts {
	uint64_t all, guest, entries, rounds;
};

static const unsigned char vmrun[] = { 0x0f, 0x01, 0xd8 };

static struct counts now;	/* now.guest: of the runs that ended */
static struct counts begun[MARK_IDS];
static uint64_t repeated;	/* now.all at the last REP instruction */
static const void *repeating;	/* and where that is */
static uint64_t entered;	/* now.all at the VMRUN */
static bool in_guest;
static const char *returns[RETURNS_MAX];	/* where #VMEXIT resumes */
static unsigned int nr_returns;
static FILE *out;

/*
 * Whether an instruction's callback runs before or after it is counted makes no
 * difference: what lies between VMRUN and the place of return, without both, is
 * the guest's.
 */
static void at_vmrun(unsigned int cpu, void *data)
{
	if (in_guest)		/* a guest that tries it: an exit like others */
		return;
	in_guest = true;
	entered = now.all;
	now.entries++;
}

static void at_return(unsigned int cpu, void *data)
{
	if (!in_guest)
		return;
	in_guest = false;
	now.guest += now.all - 1 - entered;
}

/* The same instruction with no other in between is a round of it; what an interrupt tears apart is two. */
static void at_rep(unsigned int cpu, void *data)
{
	if (!in_guest && data == repeating && now.all == repeated + 1)
		now.rounds++;
	repeating = data;
	repeated = now.all;
}

/* INS, OUTS, MOVS, CMPS, STOS, LODS, SCAS behind REP or REPNE and what else may stand there (AMD APM 3, 1.2.6) */
static bool is_rep(const unsigned char *code, size_t size)
{
	unsigned char op = code[size - 1];
	bool rep = false;

	if (op < 0x6c || (op > 0x6f && op < 0xa4) || (op > 0xa7 && op < 0xaa) || op > 0xaf)
		return false;
	for (size_t i = 0; i < size - 1; i++)
		if (code[i] == 0xf2 || code[i] == 0xf3)
			rep = true;
		else if (code[i] != 0x66 && code[i] != 0x67 && (code[i] & 0xf0) != 0x40 && (code[i] & 0xe7) != 0x26 &&
			 (code[i] & 0xfe) != 0x64)
			return false;
	return rep;
}

static void at_mark(unsigned int cpu, void *data)
{
	unsigned int code = (uintptr_t)data, id = code >> 1;
	struct counts *begin = &begun[id];

	if (in_guest)		/* guests have no marks */
		return;
	if (!(code & 1)) {
		*begin = now;
		return;
	}
	fprintf(out, "counted %u %llu %llu %llu %llu\n", id, (unsigned long long)(now.all - begin->all),
		(unsigned long long)(now.guest - begin->guest), (unsigned long long)(now.entries - begin->entries),
		(unsigned long long)(now.rounds - begin->rounds));
	fflush(out);
}

/* Is this the instruction behind a VMRUN that was seen? The memory may have got other contents meanwhile. */
static bool is_return(const char *place)
{
	for (unsigned int i = 0; i < nr_returns; i++)
		if (returns[i] == place)
			return !memcmp(place - sizeof(vmrun), vmrun, sizeof(vmrun));
	return false;
}

static void add_return(const char *place)
{
	for (unsigned int i = 0; i < nr_returns; i++)
		if (returns[i] == place)
			return;
	if (nr_returns < RETURNS_MAX)
		returns[nr_returns++] = place;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		const unsigned char *code = qemu_plugin_insn_data(insn);
		size_t size = qemu_plugin_insn_size(insn);
		const char *place = qemu_plugin_insn_haddr(insn);

		qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD, &now.all, 1);
		if (size == sizeof(vmrun) && !memcmp(code, vmrun, size)) {
			if (!in_guest)
				add_return(place + size);
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_vmrun, CALLBACK_READS_NO_REGISTERS, NULL);
		}
		if (is_rep(code, size))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_rep, CALLBACK_READS_NO_REGISTERS, (void *)place);
		if (is_return(place))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_return, CALLBACK_READS_NO_REGISTERS, NULL);
		if (size == sizeof(mark_bytes) + 1 && !memcmp(code, mark_bytes, size - 1) && code[size - 1] < 2 * MARK_IDS)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, at_mark, CALLBACK_READS_NO_REGISTERS,
							       (void *)(uintptr_t)code[size - 1]);
	}
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct emulator *emulator, int argc, char **argv)
{
	if (!emulator->system || emulator->smp.max_cpus != 1) {
		fprintf(stderr, "count: wants a machine of one processor\n");
		return 1;
	}
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fprintf(stderr, "count: expected out=FILE\n");
		return 1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
