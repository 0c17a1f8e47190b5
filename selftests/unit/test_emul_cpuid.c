// SPDX-License-Identifier: GPL-2.0-only
/* CPUID: nothing but what is allowed, and all leaves telling the same story. */
/* sources: kmod/emul/cpuid.c kmod/emul/cpuid_build.c */
#include "unit.h"

#include <cpuid.h>
#include <linux/err.h>

#include "emul/cpuid.h"
#include "emul/x86.h"

#define KHZ 2596000

/* ---- hosts ---- */

static void real_read(u32 leaf, u32 subleaf, struct ivm_cpuid_regs *out)
{
	__cpuid_count(leaf, subleaf, out->eax, out->ebx, out->ecx, out->edx);
}

static void put_vendor(struct ivm_cpuid_regs *out, const char *name)
{
	memcpy(&out->ebx, name, 4);
	memcpy(&out->edx, name + 4, 4);
	memcpy(&out->ecx, name + 8, 4);
}

/* A host that has every feature bit there could be: what is shown is what the lists let through. */
static const char *full_vendor;
static u32 full_signature;

static void full_read(u32 leaf, u32 subleaf, struct ivm_cpuid_regs *out)
{
	memset(out, 0xff, sizeof(*out));
	switch (leaf) {
	case 0:
		put_vendor(out, full_vendor);
		out->eax = 0x20;
		break;
	case 0x80000000:
		put_vendor(out, full_vendor);
		out->eax = 0x80000021;
		break;
	case 1:
		out->eax = full_signature;
		break;
	case 7:
		if (!subleaf)
			out->eax = 2;
		break;
	case 4:
	case 0x8000001d:
		/* L1 data, L1 code, L2, L3: shared by 2, 2, 2, 16 threads */
		*out = (struct ivm_cpuid_regs){ .ebx = 0x1c0003f, .ecx = 63, .edx = ~0U };
		if (subleaf < 4)
			out->eax = (subleaf == 0 ? 1 : subleaf == 1 ? 2 : 3) | (subleaf < 2 ? 1 : subleaf) << 5 |
				   1 << 8 | (subleaf == 3 ? 15 : 1) << 14 | 31U << 26;
		break;
	case 0xd:
		if (subleaf == 0)
			*out = (struct ivm_cpuid_regs){ .eax = 0x602e7, .ebx = 0xa88, .ecx = 0x2b00 };
		else if (subleaf == 2)
			*out = (struct ivm_cpuid_regs){ .eax = 256, .ebx = 576, .ecx = 3 };
		else if (subleaf >= 5 && subleaf <= 7)
			*out = (struct ivm_cpuid_regs){ .eax = 64 << subleaf % 5 * 3, .ebx = 1088 + 64 * (subleaf - 5) * 8 };
		break;
	default:
		break;
	}
}

static struct ivm_cpuid *full(const char *vendor, u32 signature, unsigned int vcpus, u64 xcr0)
{
	const struct ivm_cpuid_host host = { .read = full_read, .phys_bits = 46, .tsc_stable = true };
	struct ivm_cpuid *table;

	full_vendor = vendor;
	full_signature = signature;
	table = ivm_cpuid_build(&host, vcpus, KHZ, xcr0);
	return IS_ERR(table) ? NULL : table;
}

static const char amd[] = "AuthenticAMD", intel[] = "GenuineIntel";

static struct ivm_cpuid_regs ask(const struct ivm_cpuid *table, unsigned int vcpu, u32 leaf, u32 subleaf)
{
	const struct ivm_cpuid_state state = { .vcpu = vcpu, .xcr0 = 1, .apic_enabled = true };
	struct ivm_cpuid_regs out;

	memset(&out, 0xcc, sizeof(out));
	ivm_cpuid_answer(table, &state, leaf, subleaf, &out);
	return out;
}

static bool has(u32 word, unsigned int bit)
{
	return word >> bit & 1;
}

/* ---- what must never be shown, even if the host has it ---- */

TEST(features_that_nobody_honours_are_hidden)
{
	static const struct {
		u32 leaf, subleaf;
		u8 reg, bit;		/* reg: 0 EAX … 3 EDX */
		const char *name;
	} hidden[] = {
		{ 1, 0, 2, 2, "DTES64" }, { 1, 0, 2, 3, "MONITOR" }, { 1, 0, 2, 5, "VMX" }, { 1, 0, 2, 6, "SMX" },
		{ 1, 0, 2, 7, "EIST" }, { 1, 0, 2, 8, "TM2" }, { 1, 0, 2, 15, "PDCM" }, { 1, 0, 2, 18, "DCA" },
		{ 1, 0, 2, 27, "OSXSAVE without CR4" }, { 1, 0, 3, 18, "PSN" }, { 1, 0, 3, 21, "DS" },
		{ 1, 0, 3, 22, "ACPI" }, { 1, 0, 3, 29, "TM" }, { 1, 0, 3, 31, "PBE" },
		{ 6, 0, 0, 0, "digital thermal sensor" }, { 6, 0, 0, 1, "turbo" }, { 6, 0, 2, 0, "APERF" },
		{ 7, 0, 1, 2, "SGX" }, { 7, 0, 1, 4, "HLE" }, { 7, 0, 1, 11, "RTM" }, { 7, 0, 1, 12, "RDT-M" },
		{ 7, 0, 1, 14, "MPX" }, { 7, 0, 1, 15, "RDT-A" }, { 7, 0, 1, 25, "PT" }, { 7, 0, 2, 3, "PKU" },
		{ 7, 0, 2, 4, "OSPKE" }, { 7, 0, 2, 5, "WAITPKG" }, { 7, 0, 2, 7, "CET SS" }, { 7, 0, 2, 16, "LA57" },
		{ 7, 0, 2, 24, "bus lock detect" }, { 7, 0, 2, 29, "ENQCMD" }, { 7, 0, 2, 30, "SGX LC" },
		{ 7, 0, 2, 31, "PKS" }, { 7, 0, 3, 5, "UINTR" }, { 7, 0, 3, 15, "hybrid" }, { 7, 0, 3, 16, "TSXLDTRK" },
		{ 7, 0, 3, 20, "CET IBT" }, { 7, 0, 3, 22, "AMX" }, { 7, 0, 3, 24, "AMX" }, { 7, 0, 3, 28, "L1D flush" },
		{ 7, 0, 3, 29, "ARCH_CAPABILITIES" }, { 7, 0, 3, 30, "CORE_CAPABILITIES" },
		{ 0xd, 1, 0, 1, "XSAVEC" }, { 0xd, 1, 0, 2, "XGETBV1" }, { 0xd, 1, 0, 3, "XSAVES" },
		{ 0x80000001, 0, 2, 2, "SVM" }, { 0x80000001, 0, 2, 3, "extended APIC" },
		{ 0x80000001, 0, 2, 10, "IBS" }, { 0x80000001, 0, 2, 12, "SKINIT" }, { 0x80000001, 0, 2, 15, "LWP" },
		{ 0x80000001, 0, 2, 19, "node id" }, { 0x80000001, 0, 2, 23, "core counters" },
		{ 0x80000001, 0, 2, 26, "breakpoint extension" }, { 0x80000001, 0, 2, 29, "MONITORX" },
		{ 0x80000007, 0, 3, 9, "core performance boost" }, { 0x80000008, 0, 1, 1, "instructions retired" },
		{ 0x80000008, 0, 1, 4, "RDPRU" }, { 0x80000008, 0, 1, 25, "VIRT_SSBD" },
		{ 0x80000021, 0, 0, 8, "automatic IBRS" },
	};
	static const char *const vendors[] = { amd, intel };
	unsigned int v, i;

	for (v = 0; v < 2; v++) {
		struct ivm_cpuid *table = full(vendors[v], 0x000906ea, 4, 0x7);

		ASSERT_NE(NULL, table);
		for (i = 0; i < ARRAY_SIZE(hidden); i++) {
			struct ivm_cpuid_regs r = ask(table, 0, hidden[i].leaf, hidden[i].subleaf);
			u32 word[4] = { r.eax, r.ebx, r.ecx, r.edx };

			EXPECT_FALSE(has(word[hidden[i].reg], hidden[i].bit)) TH_LOG("%s", hidden[i].name);
		}
		ivm_cpuid_destroy(table);
	}
}

/* Leaves that describe what we do not have are empty, those of SVM and SEV among them. */
TEST(leaves_without_meaning_are_zero)
{
	static const u32 leaves[] = {
		3, 5, 8, 9, 0xa, 0xc, 0x80000009, 0x8000000a, 0x8000001b, 0x8000001c, 0x8000001f, 0x80000020,
		0x40000002, 0x40000011, 0x400000ff, 0x40000101, 0x4fffffff, 0x80000022, 0x80860000, 0xc0000000,
		0xffffffff, 0x1f, 0x21, 0x1000,
	};
	struct ivm_cpuid *table = full(amd, 0x00a00f11, 4, 0x7);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct ivm_cpuid_regs r = ask(table, 3, leaves[i], 0);

		EXPECT_EQ(0, r.eax | r.ebx | r.ecx | r.edx) TH_LOG("leaf %x", leaves[i]);
	}
	ivm_cpuid_destroy(table);
}

TEST(leaves_beyond_the_highest_repeat_it_on_intel_only)
{
	struct ivm_cpuid *table = full(intel, 0x000906ea, 4, 0x7);
	struct ivm_cpuid_regs max = ask(table, 2, 0x1f, 1), r;

	EXPECT_EQ(0x1f, ask(table, 0, 0, 0).eax);
	EXPECT_NE(0, max.eax);
	r = ask(table, 2, 0x12345, 1);
	EXPECT_EQ(0, memcmp(&r, &max, sizeof(r)));
	r = ask(table, 2, 0x80000009, 1);
	EXPECT_EQ(0, memcmp(&r, &max, sizeof(r)));
	r = ask(table, 2, 0x40000050, 1);
	EXPECT_EQ(0, r.eax | r.ebx | r.ecx | r.edx);
	ivm_cpuid_destroy(table);
}

/* On the machine that we are on: a bit that it lacks is shown only if it is ours. */
TEST(nothing_is_shown_that_the_host_lacks)
{
	static const struct {
		u32 leaf, subleaf;
		struct ivm_cpuid_regs check, ours;	/* feature words, and bits of them that we supply */
	} words[] = {
		{ 1, 0, { .ecx = ~0U, .edx = ~0U }, { .ecx = BIT(21) | BIT(24) | BIT(31), .edx = BIT(9) | BIT(28) } },
		{ 7, 0, { .ebx = ~0U, .ecx = ~0U, .edx = ~0U }, {} },
		{ 0xd, 1, { .eax = ~0U }, {} },
		{ 0x80000001, 0, { .ecx = ~0U, .edx = ~0U }, { .ecx = BIT(1) } },
		{ 0x80000007, 0, { .edx = ~0U }, {} },
		{ 0x80000008, 0, { .ebx = ~0U }, {} },
	};
	const struct ivm_cpuid_host host = { .read = real_read, .phys_bits = 40, .tsc_stable = true };
	struct ivm_cpuid *table = ivm_cpuid_build(&host, 2, KHZ, 7);
	unsigned int i;

	ASSERT_FALSE(IS_ERR(table));
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		struct ivm_cpuid_regs shown = ask(table, 0, words[i].leaf, words[i].subleaf), real;

		real_read(words[i].leaf, words[i].subleaf, &real);
		EXPECT_EQ(0, shown.eax & words[i].check.eax & ~real.eax & ~words[i].ours.eax);
		EXPECT_EQ(0, shown.ebx & words[i].check.ebx & ~real.ebx & ~words[i].ours.ebx);
		EXPECT_EQ(0, shown.ecx & words[i].check.ecx & ~real.ecx & ~words[i].ours.ecx);
		EXPECT_EQ(0, shown.edx & words[i].check.edx & ~real.edx & ~words[i].ours.edx);
	}
	EXPECT_EQ(40, ivm_cpuid_phys_bits(table));
	EXPECT_EQ(40 | 48 << 8, ask(table, 0, 0x80000008, 0).eax & 0xffff);
	ivm_cpuid_destroy(table);
}

/* ---- topology ---- */

static unsigned int log2_up(unsigned int n)
{
	unsigned int bits = 0;

	while (1U << bits < n)
		bits++;
	return bits;
}

TEST(topology_is_one_thread_per_core_in_every_leaf)
{
	static const char *const vendors[] = { amd, intel };
	unsigned int v, n, id;

	for (v = 0; v < 2; v++) {
		for (n = 1; n <= IVM_VCPUS_MAX; n++) {
			struct ivm_cpuid *table = full(vendors[v], 0x00a00f11, n, 0x7);
			unsigned int bits = log2_up(n), i;
			struct ivm_cpuid_regs r;

			ASSERT_NE(NULL, table);
			for (id = 0; id < n; id++) {
				r = ask(table, id, 1, 0);
				EXPECT_EQ(id, r.ebx >> 24);
				EXPECT_EQ(1U << bits, r.ebx >> 16 & 0xff);
				EXPECT_EQ(n > 1, has(r.edx, 28));

				r = ask(table, id, 0xb, 0);
				EXPECT_EQ(0, r.eax);
				EXPECT_EQ(1, r.ebx);
				EXPECT_EQ(0x100, r.ecx);
				EXPECT_EQ(id, r.edx);
				r = ask(table, id, 0xb, 1);
				EXPECT_EQ(bits, r.eax);
				EXPECT_EQ(n, r.ebx);
				EXPECT_EQ(0x201, r.ecx);
				EXPECT_EQ(id, r.edx);
				r = ask(table, id, 0xb, 2);
				EXPECT_EQ(0, r.eax | r.ebx);
				EXPECT_EQ(2, r.ecx);
				EXPECT_EQ(id, r.edx);
			}
			for (i = 0; i < 4; i++) {
				r = ask(table, 0, v ? 4 : 0x8000001d, i);
				EXPECT_EQ(i < 2 ? 1 : i, r.eax >> 5 & 7);
				EXPECT_EQ(i == 3 ? (1 << bits) - 1 : 0, r.eax >> 14 & 0xfff);
				EXPECT_EQ(v ? (1 << bits) - 1 : 0, r.eax >> 26);
			}
			r = ask(table, 0, v ? 4 : 0x8000001d, 4);
			EXPECT_EQ(0, r.eax | r.ebx | r.ecx | r.edx);
			if (v) {
				r = ask(table, n - 1, 0x1f, 1);
				EXPECT_EQ(n, r.ebx);
				EXPECT_EQ(0, ask(table, 0, 0x80000008, 0).ecx);
				EXPECT_FALSE(has(ask(table, 0, 0x80000001, 0).ecx, 1));
			} else {
				r = ask(table, 0, 0x80000008, 0);
				EXPECT_EQ(n - 1, r.ecx & 0xff);
				EXPECT_EQ(bits, r.ecx >> 12 & 0xf);
				EXPECT_EQ(n > 1, has(ask(table, 0, 0x80000001, 0).ecx, 1));
				r = ask(table, n - 1, 0x8000001e, 0);
				EXPECT_EQ(n - 1, r.eax);
				EXPECT_EQ(n - 1, r.ebx);	/* core id; one thread */
				EXPECT_EQ(0, r.ecx);
			}
			ivm_cpuid_destroy(table);
		}
	}
}

/* ---- XSAVE ---- */

static u32 xsave_now(const struct ivm_cpuid *table, u64 xcr0)
{
	const struct ivm_cpuid_state state = { .xcr0 = xcr0, .cr4 = X86_CR4_OSXSAVE };
	struct ivm_cpuid_regs r;

	ivm_cpuid_answer(table, &state, 0xd, 0, &r);
	return r.ebx;
}

TEST(xsave_sizes_follow_xcr0)
{
	struct ivm_cpuid *table = full(intel, 0x000906ea, 2, 0xe7);
	struct ivm_cpuid_regs r = ask(table, 0, 0xd, 0);
	u32 largest = 0;
	unsigned int i;

	EXPECT_EQ(0xe7, r.eax);
	EXPECT_EQ(0, r.edx);
	for (i = 2; i < 63; i++) {
		struct ivm_cpuid_regs c = ask(table, 0, 0xd, i);

		EXPECT_EQ(0xe7ULL >> i & 1, c.eax != 0) TH_LOG("component %u", i);
		EXPECT_EQ(0, c.ecx | c.edx);
		if (c.eax + c.ebx > largest)
			largest = c.eax + c.ebx;
	}
	EXPECT_EQ(largest, r.ecx);
	EXPECT_EQ(largest, xsave_now(table, 0xe7));
	EXPECT_EQ(832, xsave_now(table, 7));
	EXPECT_EQ(576, xsave_now(table, 3));
	EXPECT_EQ(576, xsave_now(table, 1));
	ivm_cpuid_destroy(table);
}

TEST(what_needs_xsave_goes_with_it)
{
	struct ivm_cpuid *none = full(amd, 0x00a00f11, 2, 0), *avx = full(amd, 0x00a00f11, 2, 7);

	EXPECT_EQ(0, ask(none, 0, 1, 0).ecx & (BIT(12) | BIT(26) | BIT(27) | BIT(28) | BIT(29)));
	EXPECT_EQ(0, ask(none, 0, 7, 0).ebx & (BIT(5) | BIT(16)));
	EXPECT_EQ(0, ask(none, 0, 7, 0).ecx & (BIT(1) | BIT(9) | BIT(10)));
	EXPECT_EQ(0, ask(none, 0, 0x80000001, 0).ecx & (BIT(11) | BIT(16)));
	EXPECT_EQ(0, ask(none, 0, 0xd, 0).eax);
	EXPECT_EQ(0xb, ask(none, 0, 0, 0).eax);
	EXPECT_FALSE(ivm_cpuid_cr4_allowed(none) & X86_CR4_OSXSAVE);

	EXPECT_TRUE(has(ask(avx, 0, 1, 0).ecx, 26));
	EXPECT_TRUE(has(ask(avx, 0, 1, 0).ecx, 28));
	EXPECT_TRUE(has(ask(avx, 0, 7, 0).ebx, 5));
	EXPECT_EQ(0, ask(avx, 0, 7, 0).ebx & (BIT(16) | BIT(17) | BIT(30) | BIT(31)));
	EXPECT_EQ(0xd, ask(avx, 0, 0, 0).eax);
	EXPECT_TRUE(ivm_cpuid_cr4_allowed(avx) & X86_CR4_OSXSAVE);
	ivm_cpuid_destroy(none);
	ivm_cpuid_destroy(avx);
}

/* ---- live bits, controls, signatures ---- */

TEST(bits_that_follow_registers)
{
	struct ivm_cpuid *table = full(amd, 0x00a00f11, 2, 7);
	struct ivm_cpuid_state state = { .vcpu = 1, .apic_enabled = true, .cr4 = X86_CR4_OSXSAVE };
	struct ivm_cpuid_regs r;

	ivm_cpuid_answer(table, &state, 1, 0, &r);
	EXPECT_TRUE(has(r.ecx, 27));
	EXPECT_TRUE(has(r.edx, 9));
	ivm_cpuid_answer(table, &state, 0x80000001, 0, &r);
	EXPECT_TRUE(has(r.edx, 9));
	state.apic_enabled = false;
	state.cr4 = 0;
	ivm_cpuid_answer(table, &state, 1, 77, &r);
	EXPECT_FALSE(has(r.ecx, 27));
	EXPECT_FALSE(has(r.edx, 9));
	ivm_cpuid_answer(table, &state, 0x80000001, 0, &r);
	EXPECT_FALSE(has(r.edx, 9));
	ivm_cpuid_destroy(table);
}

TEST(controls_belong_to_features)
{
	struct ivm_cpuid *table = full(amd, 0x00a00f11, 2, 7);
	u64 cr4 = ivm_cpuid_cr4_allowed(table), efer = ivm_cpuid_efer_allowed(table);

	EXPECT_EQ(0x370fff, cr4);	/* VME … UMIP, FSGSBASE PCIDE OSXSAVE SMEP SMAP */
	EXPECT_EQ(0x4d01, efer);	/* SCE LME LMA NXE FFXSR; no SVME */
	ivm_cpuid_destroy(table);
}

TEST(signature_is_never_a_k8_with_nested_paging)
{
	struct ivm_cpuid *table = full(amd, 0x00060fb1, 1, 0);	/* family 0xf, as QEMU's "max" */

	EXPECT_EQ(0x00800f12, ask(table, 0, 1, 0).eax);
	EXPECT_EQ(0x00800f12, ask(table, 0, 0x80000001, 0).eax);
	ivm_cpuid_destroy(table);
	table = full(amd, 0x00a20f10, 1, 0);
	EXPECT_EQ(0x00a20f10, ask(table, 0, 1, 0).eax);
	ivm_cpuid_destroy(table);
	table = full(intel, 0x00060fb1, 1, 0);
	EXPECT_EQ(0x00060fb1, ask(table, 0, 1, 0).eax);
	ivm_cpuid_destroy(table);
}

TEST(hypervisor_leaves)
{
	struct ivm_cpuid *table = full(amd, 0x00a00f11, 2, 7);
	struct ivm_cpuid_regs r = ask(table, 0, 0x40000000, 0);

	EXPECT_TRUE(has(ask(table, 0, 1, 0).ecx, 31));
	EXPECT_EQ(0x40000010, r.eax);
	EXPECT_EQ(0, memcmp(&r.ebx, "KVMKVMKVM\0\0\0", 12));
	EXPECT_EQ(BIT(0) | BIT(1) | BIT(3) | BIT(6) | BIT(24), ask(table, 0, 0x40000001, 0).eax);
	EXPECT_EQ(KHZ, ask(table, 0, 0x40000010, 0).eax);
	r = ask(table, 0, 0x40000100, 0);
	EXPECT_EQ(0x40000100, r.eax);
	EXPECT_EQ(0, memcmp(&r.ebx, "IVMIVMIVMIVM", 12));
	ivm_cpuid_destroy(table);
}

TEST(invariant_tsc_needs_processor_and_kernel)
{
	const struct ivm_cpuid_host unstable = { .read = full_read, .phys_bits = 40 };
	struct ivm_cpuid *table = full(amd, 0x00a00f11, 1, 0);

	EXPECT_EQ(BIT(8), ask(table, 0, 0x80000007, 0).edx);
	ivm_cpuid_destroy(table);
	table = ivm_cpuid_build(&unstable, 1, KHZ, 0);
	EXPECT_EQ(0, ask(table, 0, 0x80000007, 0).edx);
	ivm_cpuid_destroy(table);
}

TEST_HARNESS_MAIN
