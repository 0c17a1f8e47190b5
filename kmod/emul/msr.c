// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSRs: the allow-list, and those that need nothing but storage. What is not
 * listed does not exist. Numbers and names: SDM 4, APM 2 appendix A.
 */
#include "emul.h"

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

/* What a write must satisfy beyond the mask of writable bits. */
enum check {
	CHECK_NONE,
	CHECK_MTRR_TYPE,	/* bits 7:0 are a memory type */
	CHECK_MTRR_FIXED,	/* eight memory types */
};

/**
 * struct entry - one MSR, or a run of MSRs that are alike
 * @index:	the first
 * @nr:		how many
 * @kind:	enum ivm_msr_kind
 * @check:	STORED: enum check
 * @slot:	STORED: of the first in struct ivm_msrs
 * @value:	CONST: what it reads; STORED: value after reset
 * @writable:	STORED: bits that may be written; others must keep their value
 */
struct entry {
	u32 index;
	u16 nr;
	u8 kind;
	u8 check;
	u8 slot;
	u64 value, writable;
};

/* Slots of STORED. */
enum {
	SLOT_BIOS_SIGN,
	SLOT_MISC_ENABLE,
	SLOT_MTRR_DEF_TYPE,
	SLOT_TSC_AUX,
	SLOT_HWCR,
	SLOT_MTRR_VARIABLE,
	SLOT_MTRR_FIXED_64K = SLOT_MTRR_VARIABLE + 16,
	SLOT_MTRR_FIXED_16K,
	SLOT_MTRR_FIXED_4K = SLOT_MTRR_FIXED_16K + 2,
	SLOTS = SLOT_MTRR_FIXED_4K + 8,
};
static_assert(SLOTS <= IVM_MSR_STORED_MAX);

#define FIXED(i, v)	{ .index = (i), .nr = 1, .kind = IVM_MSR_CONST, .value = (v) }
#define IGNORED(i, n)	{ .index = (i), .nr = (n), .kind = IVM_MSR_IGNORED }
#define ROUTED(i, n, k)	{ .index = (i), .nr = (n), .kind = IVM_MSR_##k }
#define STORED(i, n, s, v, w, c) \
	{ .index = (i), .nr = (n), .kind = IVM_MSR_STORED, .slot = (s), .value = (v), .writable = (w), .check = (c) }

#define MTRR_PAIRS		8
#define MTRR_FIXED_EXISTS	BIT(8)
#define MTRR_WC_EXISTS		BIT(10)
#define MTRR_ENABLE		BIT(11)
#define MTRR_FIXED_ENABLE	BIT(10)
#define MTRR_WRITE_BACK		6
#define MTRR_ADDRESS		GENMASK_ULL(51, 12)
#define MTRR_VALID		BIT(11)

#define MISC_FAST_STRINGS	BIT(0)
#define MISC_NO_BTS		BIT(11)
#define MISC_NO_PEBS		BIT(12)

/* HWCR: the TSC counts at P0's rate; what guests set for their own reasons has no effect here. */
#define HWCR_TSC_P0		BIT(24)
#define HWCR_WRITABLE		(BIT(3) | BIT(6) | BIT(8) | BIT(18))

/*
 * Sorted by index. Variable MTRRs are pairs of base and mask, told apart in
 * ivm_msr_write().
 */
static const struct entry list[] = {
	IGNORED(0x00000000, 2),					/* P5_MC_ADDR, P5_MC_TYPE */
	ROUTED(0x00000010, 1, TSC),				/* TSC */
	ROUTED(0x00000011, 2, KVM_CLOCK),			/* wall clock, system time (old numbers) */
	FIXED(0x00000017, 0),					/* PLATFORM_ID */
	ROUTED(0x0000001b, 1, LAPIC),				/* APIC_BASE */
	FIXED(0x0000003a, BIT(0)),				/* FEATURE_CONTROL: locked, nothing enabled */
	ROUTED(0x0000003b, 1, TSC),				/* TSC_ADJUST */
	ROUTED(0x00000048, 2, SPEC_CTRL),			/* SPEC_CTRL, PRED_CMD */
	/* Software clears it, executes CPUID and reads the revision: 0, no update was loaded. */
	STORED(0x0000008b, 1, SLOT_BIOS_SIGN, 0, ~0ULL, CHECK_NONE),
	FIXED(0x000000fe, MTRR_PAIRS | MTRR_FIXED_EXISTS | MTRR_WC_EXISTS),	/* MTRRCAP */
	ROUTED(0x00000174, 3, BACKEND),				/* SYSENTER_CS, ESP, EIP */
	FIXED(0x00000179, 0),					/* MCG_CAP: no banks */
	IGNORED(0x0000017a, 2),					/* MCG_STATUS, MCG_CTL */
	STORED(0x000001a0, 1, SLOT_MISC_ENABLE, MISC_FAST_STRINGS | MISC_NO_BTS | MISC_NO_PEBS,
	       MISC_FAST_STRINGS, CHECK_NONE),
	ROUTED(0x000001d9, 1, BACKEND),				/* DEBUGCTL */
	IGNORED(0x000001db, 4),					/* last branch and last interrupt, from and to */
	STORED(0x00000200, 16, SLOT_MTRR_VARIABLE, 0, 0, CHECK_NONE),
	STORED(0x00000250, 1, SLOT_MTRR_FIXED_64K, 0, ~0ULL, CHECK_MTRR_FIXED),
	STORED(0x00000258, 2, SLOT_MTRR_FIXED_16K, 0, ~0ULL, CHECK_MTRR_FIXED),
	STORED(0x00000268, 8, SLOT_MTRR_FIXED_4K, 0, ~0ULL, CHECK_MTRR_FIXED),
	ROUTED(0x00000277, 1, BACKEND),				/* PAT */
	/* No firmware runs: as one leaves it, all memory write-back. */
	STORED(0x000002ff, 1, SLOT_MTRR_DEF_TYPE, MTRR_ENABLE | MTRR_WRITE_BACK,
	       MTRR_ENABLE | MTRR_FIXED_ENABLE | 0xff, CHECK_MTRR_TYPE),
	ROUTED(0x000006e0, 1, LAPIC),				/* TSC_DEADLINE */
	ROUTED(0x00000800, 0x100, LAPIC),			/* x2APIC */
	ROUTED(0x4b564d00, 2, KVM_CLOCK),			/* wall clock, system time */
	ROUTED(0x4b564d04, 1, KVM_EOI),				/* EOI without exit */
	ROUTED(0xc0000080, 5, BACKEND),				/* EFER, STAR, LSTAR, CSTAR, SFMASK */
	ROUTED(0xc0000100, 3, BACKEND),				/* FS, GS, kernel GS base */
	STORED(0xc0000103, 1, SLOT_TSC_AUX, 0, 0xffffffff, CHECK_NONE),
	/* Counters without a feature bit: in every AMD processor since K7, and probed. They count nothing. */
	IGNORED(0xc0010000, 8),					/* PERF_CTL0-3, PERF_CTR0-3 */
	IGNORED(0xc0010010, 1),					/* SYSCFG */
	STORED(0xc0010015, 1, SLOT_HWCR, HWCR_TSC_P0, HWCR_WRITABLE, CHECK_NONE),
	IGNORED(0xc001001a, 1),					/* TOP_MEM */
	IGNORED(0xc001001d, 1),					/* TOP_MEM2 */
	IGNORED(0xc001001f, 1),					/* NB_CFG */
	IGNORED(0xc0010055, 1),					/* interrupt pending and CMP halt (E400) */
	IGNORED(0xc0010058, 1),					/* MMIO configuration base: disabled */
	IGNORED(0xc0010112, 2),					/* TSEG base and mask: no SMM */
	FIXED(0xc0010114, BIT(4) | BIT(3)),			/* VM_CR: SVM disabled and locked */
	ROUTED(0xc001011f, 1, SPEC_CTRL),			/* VIRT_SPEC_CTRL */
	IGNORED(0xc0011022, 1),					/* DC_CFG */
	/* LFENCE serialises; the host sees to it, the guest cannot change it. */
	FIXED(0xc0011029, BIT(1)),				/* DE_CFG */
	IGNORED(0xc001102a, 1),					/* BU_CFG2 */
};

/* The entry that covers @index, or NULL. */
static const struct entry *find(u32 index)
{
	unsigned int low = 0, high = ARRAY_SIZE(list);

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (index < list[mid].index)
			high = mid;
		else
			low = mid + 1;
	}
	/* All entries below @low start at @index or before. */
	return low && index - list[low - 1].index < list[low - 1].nr ? &list[low - 1] : NULL;
}

enum ivm_msr_kind ivm_msr_kind(u32 index)
{
	const struct entry *entry;

	if (index >> 8 == 0x800 >> 8)	/* x2APIC first: EOI, ICR and self-IPI are hot */
		return IVM_MSR_LAPIC;
	entry = find(index);
	return entry ? entry->kind : IVM_MSR_NONE;
}

int ivm_msr_read(const struct ivm_msrs *msrs, u32 index, u64 *value)
{
	const struct entry *entry = find(index);

	switch (entry ? entry->kind : IVM_MSR_NONE) {
	case IVM_MSR_CONST:
		*value = entry->value;
		return 0;
	case IVM_MSR_IGNORED:
		*value = 0;
		return 0;
	case IVM_MSR_STORED:
		*value = msrs->value[entry->slot + (index - entry->index)];
		return 0;
	default:
		return -EINVAL;
	}
}

/* UC, WC, WT, WP, WB (SDM 12.11, APM 7.7) */
static bool is_memory_type(u8 type)
{
	return type < 8 && (BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6)) & BIT(type);
}

static bool passes(enum check check, u64 value)
{
	unsigned int i;

	switch (check) {
	case CHECK_MTRR_TYPE:
		return is_memory_type(value & 0xff);
	case CHECK_MTRR_FIXED:
		for (i = 0; i < 64; i += 8)
			if (!is_memory_type(value >> i & 0xff))
				return false;
		return true;
	default:
		return true;
	}
}

int ivm_msr_write(struct ivm_msrs *msrs, u32 index, u64 value)
{
	const struct entry *entry = find(index);
	enum check check;
	u64 writable, *stored;

	switch (entry ? entry->kind : IVM_MSR_NONE) {
	case IVM_MSR_CONST:
		return value == entry->value ? 0 : -EINVAL;
	case IVM_MSR_IGNORED:
		return 0;
	case IVM_MSR_STORED:
		break;
	default:
		return -EINVAL;
	}

	stored = &msrs->value[entry->slot + (index - entry->index)];
	writable = entry->writable;
	check = entry->check;
	if (entry->slot == SLOT_MTRR_VARIABLE) {
		bool mask = index & 1;	/* odd: PHYSMASKn; even: PHYSBASEn, whose low byte is a type */

		writable = MTRR_ADDRESS | (mask ? MTRR_VALID : 0xff);
		check = mask ? CHECK_NONE : CHECK_MTRR_TYPE;
	}
	if ((value ^ *stored) & ~writable || !passes(check, value))
		return -EINVAL;
	*stored = value;
	return 0;
}

void ivm_msr_reset(struct ivm_msrs *msrs)
{
	unsigned int i, n;

	memset(msrs, 0, sizeof(*msrs));
	for (i = 0; i < ARRAY_SIZE(list); i++)
		for (n = 0; list[i].kind == IVM_MSR_STORED && n < list[i].nr; n++)
			msrs->value[list[i].slot + n] = list[i].value;
}

u64 ivm_msr_tsc_aux(const struct ivm_msrs *msrs)
{
	return msrs->value[SLOT_TSC_AUX];
}
