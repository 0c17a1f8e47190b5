// SPDX-License-Identifier: GPL-2.0-only
/* The MSR allow-list: what is there, what is not, and what may be written. */
/* sources: kmod/emul/msr.c */
#include "unit.h"

#include <errno.h>

#include "emul/emul.h"

static struct ivm_msrs msrs;

static u64 read_msr(u32 index)
{
	u64 value = 0xdeadbeefdeadbeef;

	return ivm_msr_read(&msrs, index, &value) ? 0xbadbadbadbadbad : value;
}

TEST(what_kernels_touch_at_boot_is_there)
{
	static const struct {
		u32 index;
		enum ivm_msr_kind kind;
	} list[] = {
		{ 0x10, IVM_MSR_TSC }, { 0x3b, IVM_MSR_TSC }, { 0x11, IVM_MSR_KVM_CLOCK }, { 0x12, IVM_MSR_KVM_CLOCK },
		{ 0x4b564d00, IVM_MSR_KVM_CLOCK }, { 0x4b564d01, IVM_MSR_KVM_CLOCK }, { 0x4b564d04, IVM_MSR_KVM_EOI }, { 0x1b, IVM_MSR_LAPIC },
		{ 0x6e0, IVM_MSR_LAPIC }, { 0x800, IVM_MSR_LAPIC }, { 0x83f, IVM_MSR_LAPIC }, { 0x8ff, IVM_MSR_LAPIC },
		{ 0x17, IVM_MSR_CONST }, { 0x3a, IVM_MSR_CONST }, { 0x48, IVM_MSR_SPEC_CTRL },
		{ 0x49, IVM_MSR_SPEC_CTRL }, { 0xc001011f, IVM_MSR_SPEC_CTRL }, { 0x8b, IVM_MSR_STORED },
		{ 0xfe, IVM_MSR_CONST }, { 0x174, IVM_MSR_BACKEND }, { 0x176, IVM_MSR_BACKEND },
		{ 0x179, IVM_MSR_CONST }, { 0x17a, IVM_MSR_IGNORED }, { 0x17b, IVM_MSR_IGNORED },
		{ 0x1a0, IVM_MSR_STORED }, { 0x1d9, IVM_MSR_BACKEND }, { 0x200, IVM_MSR_STORED },
		{ 0x20f, IVM_MSR_STORED }, { 0x250, IVM_MSR_STORED }, { 0x258, IVM_MSR_STORED },
		{ 0x259, IVM_MSR_STORED }, { 0x268, IVM_MSR_STORED }, { 0x26f, IVM_MSR_STORED },
		{ 0x277, IVM_MSR_BACKEND }, { 0x2ff, IVM_MSR_STORED }, { 0xc0000080, IVM_MSR_BACKEND },
		{ 0xc0000084, IVM_MSR_BACKEND }, { 0xc0000100, IVM_MSR_BACKEND }, { 0xc0000102, IVM_MSR_BACKEND },
		{ 0xc0000103, IVM_MSR_STORED }, { 0xc0010000, IVM_MSR_IGNORED }, { 0xc0010007, IVM_MSR_IGNORED },
		{ 0xc0010010, IVM_MSR_IGNORED }, { 0xc0010015, IVM_MSR_STORED }, { 0xc001001f, IVM_MSR_IGNORED },
		{ 0xc0010055, IVM_MSR_IGNORED }, { 0xc0010112, IVM_MSR_IGNORED }, { 0xc0010113, IVM_MSR_IGNORED },
		{ 0xc0011029, IVM_MSR_CONST },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++)
		EXPECT_EQ(list[i].kind, ivm_msr_kind(list[i].index)) TH_LOG("MSR %x", list[i].index);
}

TEST(what_is_not_listed_is_not_there)
{
	/* Neighbours of what is, and MSRs that only features we hide would need. */
	static const u32 list[] = {
		2, 0xf, 0x13, 0x16, 0x1a, 0x1c, 0x39, 0x3c, 0x4a, 0x8a, 0x8c, 0xc1, 0xe7, 0x10a, 0x10b, 0x173, 0x177,
		0x17c, 0x186, 0x1da, 0x1df, 0x210, 0x24f, 0x251, 0x257, 0x25a, 0x267, 0x270, 0x276, 0x278, 0x2fe,
		0x300, 0x38f, 0x400, 0x480, 0x570, 0x6a0, 0x6df, 0x6e1, 0x7ff, 0x900, 0xda0, 0xd90, 0x40000000,
		0x4b564cff, 0x4b564d02, 0x4b564d03, 0x4b564d05, 0xc000007f, 0xc0000085, 0xc00000ff, 0xc0000104, 0xc0010008, 0xc0010020,
		0xc0010117, 0xc0010131, 0xc0011020, 0xc0011027, 0xc0011030, 0xffffffff,
	};
	u64 value = 1;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(list); i++) {
		EXPECT_EQ(IVM_MSR_NONE, ivm_msr_kind(list[i])) TH_LOG("MSR %x", list[i]);
		EXPECT_EQ(-EINVAL, ivm_msr_read(&msrs, list[i], &value));
		EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, list[i], 0));
	}
	EXPECT_EQ(1, value);
	/* Others answer for these. */
	EXPECT_EQ(-EINVAL, ivm_msr_read(&msrs, 0x10, &value));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0xc0000080, 0));
}

/* Each number that can be asked about: few are there, and storage is nobody else's. */
TEST(stored_registers_do_not_share_storage)
{
	static const u32 bases[] = { 0, 0x40000000, 0x4b564d00, 0xc0000000, 0xc0010000 };
	u32 stored[IVM_MSR_STORED_MAX];
	unsigned int b, i, n = 0, listed = 0;

	ivm_msr_reset(&msrs);
	for (b = 0; b < ARRAY_SIZE(bases); b++) {
		for (i = 0; i < 0x2000; i++) {
			enum ivm_msr_kind kind = ivm_msr_kind(bases[b] + i);

			listed += kind != IVM_MSR_NONE && kind != IVM_MSR_LAPIC;
			if (kind != IVM_MSR_STORED)
				continue;
			ASSERT_LT(n, IVM_MSR_STORED_MAX);
			stored[n++] = bases[b] + i;
		}
	}
	EXPECT_LT(listed, 120);
	EXPECT_EQ(32, n);
	/* A pattern of its own in each, which all of them accept: MTRR types, or what the reset value allows. */
	for (i = 0; i < n; i++) {
		u64 before[IVM_MSR_STORED_MAX];
		unsigned int j;
		u64 flip = stored[i] == 0x1a0 ? 1 : stored[i] == 0xc0010015 ? 8 : stored[i] >= 0x200 &&
			stored[i] <= 0x20f && stored[i] & 1 ? 0x800 : stored[i] == 0x2ff ? 1 << 10 : 4;

		for (j = 0; j < n; j++)
			before[j] = read_msr(stored[j]);
		EXPECT_EQ(0, ivm_msr_write(&msrs, stored[i], before[i] ^ flip)) TH_LOG("MSR %x", stored[i]);
		for (j = 0; j < n; j++)
			EXPECT_EQ(before[j] ^ (i == j ? flip : 0), read_msr(stored[j]));
	}
	ivm_msr_reset(&msrs);
	for (i = 0; i < n; i++)
		if (stored[i] != 0x1a0 && stored[i] != 0x2ff && stored[i] != 0xc0010015)
			EXPECT_EQ(0, read_msr(stored[i]));
}

TEST(values_after_reset)
{
	ivm_msr_reset(&msrs);
	EXPECT_EQ(0x806, read_msr(0x2ff));		/* MTRRs on, write-back, none fixed */
	EXPECT_EQ(0x508, read_msr(0xfe));
	EXPECT_EQ(0x1801, read_msr(0x1a0));
	EXPECT_EQ(0x1000000, read_msr(0xc0010015));	/* the TSC runs at P0 */
	EXPECT_EQ(1, read_msr(0x3a));			/* locked, nothing on */
	EXPECT_EQ(0, read_msr(0x179));
	EXPECT_EQ(2, read_msr(0xc0011029));
	EXPECT_EQ(0, read_msr(0xc0010055));
	EXPECT_EQ(0, ivm_msr_tsc_aux(&msrs));
}

TEST(constants_take_their_own_value_only)
{
	ivm_msr_reset(&msrs);
	EXPECT_EQ(0, ivm_msr_write(&msrs, 0xc0011029, 2));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0xc0011029, 0));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0x3a, 5));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0xfe, 0));
	EXPECT_EQ(0, ivm_msr_write(&msrs, 0xc001001f, ~0ULL));
	EXPECT_EQ(0, read_msr(0xc001001f));
}

TEST(writable_bits)
{
	ivm_msr_reset(&msrs);
	EXPECT_EQ(0, ivm_msr_write(&msrs, 0xc0000103, 0xffffffff));
	EXPECT_EQ(0xffffffff, ivm_msr_tsc_aux(&msrs));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0xc0000103, 0x100000000));
	EXPECT_EQ(0xffffffff, ivm_msr_tsc_aux(&msrs));

	EXPECT_EQ(0, ivm_msr_write(&msrs, 0x1a0, 0x1800));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0x1a0, 0x400001800));
	EXPECT_EQ(0, ivm_msr_write(&msrs, 0xc0010015, 0x1040148));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0xc0010015, 0x148));
	EXPECT_EQ(0, ivm_msr_write(&msrs, 0x8b, 0x1234567800000000));
	EXPECT_EQ(0x1234567800000000, read_msr(0x8b));
}

TEST(mtrr_types_are_checked)
{
	static const bool valid[8] = { true, true, false, false, true, true, true, false };
	unsigned int type, byte;

	ivm_msr_reset(&msrs);
	for (type = 0; type < 256; type++) {
		int expected = type < 8 && valid[type] ? 0 : -EINVAL;

		EXPECT_EQ(expected, ivm_msr_write(&msrs, 0x2ff, 0xc00 | type));
		EXPECT_EQ(expected, ivm_msr_write(&msrs, 0x202, 0xfee00000 | type));
		for (byte = 0; byte < 8; byte++)
			EXPECT_EQ(expected, ivm_msr_write(&msrs, 0x269, (u64)type << byte * 8));
	}
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0x2ff, 0x1006));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0x202, 0xfee00106));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0x202, 1ULL << 52));
	EXPECT_EQ(0, ivm_msr_write(&msrs, 0x203, 0xffffff800));
	EXPECT_EQ(-EINVAL, ivm_msr_write(&msrs, 0x203, 0xffffff801));
	EXPECT_EQ(0xffffff800, read_msr(0x203));
}

TEST_HARNESS_MAIN
