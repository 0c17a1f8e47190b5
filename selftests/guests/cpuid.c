// SPDX-License-Identifier: GPL-2.0-only
/* What CPUID says: one thread per core (P3, P7), signatures, and nothing that IVM does not honour. */
#include "guest.h"

static bool same(struct cpuid a, struct cpuid b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

static bool text_is(u32 b, u32 c, u32 d, const char *want)
{
	u32 w[3] = { b, c, d };

	return !memcmp(w, want, 12);
}

/* Answers of leaves that name threads, cores and APIC ids, on the vCPU that runs it. */
static void topology_here(void *arg)
{
	u32 id = this_cpu()->apic_id, n = nr_cpus, max = cpuid(0, 0).eax, sub;
	struct cpuid r = cpuid(1, 0);

	check_eq(r.ebx >> 24, id);
	/* With HTT set, EBX[23:16] counts logical processors of the package: all of them are cores. */
	if (r.edx & 1 << 28)
		check(((r.ebx >> 16) & 0xff) >= n);
	else
		check_eq(n, 1);
	if (max >= 4) {
		for (sub = 0; (r = cpuid(4, sub)).eax & 0x1f && sub < 16; sub++)
			if ((r.eax >> 5 & 7) < 3)	/* caches of a core: nobody shares them */
				check_eq(r.eax >> 14 & 0xfff, 0);
		check(sub < 16);
	}
	for (u32 leaf = 0xb; leaf <= 0x1f; leaf += 0x14) {
		if (max < leaf || !cpuid(leaf, 0).ebx)
			continue;
		r = cpuid(leaf, 0);
		check_eq(r.ecx >> 8 & 0xff, 1);		/* SMT level: */
		check_eq(r.eax & 0x1f, 0);		/* no bit of the APIC id names a thread */
		check_eq(r.ebx & 0xffff, 1);
		check_eq(r.edx, id);
		r = cpuid(leaf, 1);
		check_eq(r.ecx >> 8 & 0xff, 2);		/* core level */
		check_eq(r.ebx & 0xffff, n);
		check(1U << (r.eax & 0x1f) >= n);
	}
	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		check(!(cpuid(0x80000008, 0).ecx & 0xff) || (cpuid(0x80000008, 0).ecx & 0xff) + 1 == n);
	if (cpuid(0x80000000, 0).eax >= 0x8000001e && cpuid(0x80000001, 0).ecx & 1 << 22) {
		r = cpuid(0x8000001e, 0);
		check_eq(r.eax, id);
		check_eq(r.ebx >> 8 & 0xff, 0);		/* threads per core - 1 */
		for (sub = 0; (r = cpuid(0x8000001d, sub)).eax & 0x1f && sub < 16; sub++)
			if ((r.eax >> 5 & 7) < 3)
				check_eq(r.eax >> 14 & 0xfff, 0);
	}
}

static void one_thread_per_core(void)
{
	check_eq(smp_start(), nr_cpus);
	smp_call_all(topology_here, NULL);
}

static void vcpus_as_configured(void)
{
	u64 want = option_num("vcpus", 0);

	if (!want) {
		skip("no vcpus= on the command line");
		return;
	}
	check_eq(nr_cpus, want);
	check_eq(smp_start(), want);
}

static void signatures(void)
{
	struct cpuid r;

	if (!on_ivm()) {
		skip("not on IVM");
		return;
	}
	check(cpuid(1, 0).ecx >> 31);
	r = cpuid(0x40000000, 0);
	check(text_is(r.ebx, r.ecx, r.edx, "KVMKVMKVM\0\0\0"));
	check(r.eax >= 0x40000001 && r.eax < 0x40000100);
	r = cpuid(0x40000001, 0);
	check(r.eax & 1 << 3);		/* clock by the newer MSRs */
	r = cpuid(0x40000100, 0);
	check(text_is(r.ebx, r.ecx, r.edx, "IVMIVMIVMIVM"));
}

static void hidden_features(void)
{
	struct cpuid one = cpuid(1, 0), seven = cpuid(7, 0), ext = cpuid(0x80000001, 0);

	if (!on_ivm()) {
		skip("not on IVM");
		return;
	}
	check_eq(one.ecx & 1 << 3, 0);		/* MONITOR */
	check_eq(one.ecx & 1 << 5, 0);		/* VMX */
	check_eq(one.ecx & 1 << 6, 0);		/* SMX */
	check_eq(one.ecx & 1 << 15, 0);		/* PDCM */
	check_eq(one.edx & 1 << 21, 0);		/* debug store */
	check_eq(seven.ebx & 1 << 2, 0);	/* SGX */
	check_eq(seven.ebx & (1 << 4 | 1 << 11), 0);	/* HLE, RTM */
	check_eq(seven.ebx & 1 << 14, 0);	/* MPX */
	check_eq(seven.ecx & 1 << 3, 0);	/* PKU */
	check_eq(seven.ecx & 1 << 16, 0);	/* LA57 */
	check_eq(ext.ecx & 1 << 2, 0);		/* SVM */
	check_eq(ext.ecx & 1 << 12, 0);		/* SKINIT */
	if (cpuid(0x80000000, 0).eax >= 0x8000000a)
		check(same(cpuid(0x8000000a, 0), (struct cpuid){ 0 }));
	if (cpuid(0, 0).eax >= 0xa)
		check_eq(cpuid(0xa, 0).eax & 0xff, 0);	/* architectural PMU */
	check(one.ecx & 1 << 21);		/* x2APIC is there */
	check(one.ecx & 1 << 24);		/* TSC deadline */
	check(one.edx & 1 << 9);		/* APIC */
}

static void osxsave_follows_cr4(void)
{
	u64 cr4 = read_cr4();

	if (!(cpuid(1, 0).ecx & 1 << 26)) {
		skip("no XSAVE");
		return;
	}
	write_cr4(cr4 | 1 << 18);
	check_eq(cpuid(1, 0).ecx >> 27 & 1, 1);
	write_cr4(cr4 & ~(1UL << 18));
	check_eq(cpuid(1, 0).ecx >> 27 & 1, 0);
	write_cr4(cr4);
}

static const u32 bases[] = { 0, 0x20000000, 0x40000000, 0x40000100, 0x80000000, 0x80860000, 0xc0000000, 0xfffffff0 };

/* Any leaf with any subleaf has an answer, and the same one twice (APERF-like counters do not exist in CPUID). */
static void every_leaf_is_stable(void)
{
	for (u32 b = 0; b < ARRAY_SIZE(bases); b++)
		for (u32 l = 0; l < (bases[b] == 0xfffffff0 ? 16 : 0x40); l++)
			for (u32 s = 0; s < 6; s++) {
				u32 sub = s == 5 ? 0xffffffff : s;

				if (!check(same(cpuid(bases[b] + l, sub), cpuid(bases[b] + l, sub))))
					note("leaf %x subleaf %x", bases[b] + l, sub);
			}
}

static void features_here(void *arg)
{
	static const u32 leaf[] = { 7, 0xd, 0x40000000, 0x40000001, 0x40000100, 0x80000000, 0x80000001, 0x80000007, 0x80000008 };
	static struct cpuid first[ARRAY_SIZE(leaf)];

	for (u32 i = 0; i < ARRAY_SIZE(leaf); i++) {
		struct cpuid r = cpuid(leaf[i], 0);

		if (arg)
			first[i] = r;
		else if (!check(same(r, first[i])))
			note("leaf %x differs on vCPU %u", leaf[i], this_cpu()->index);
	}
}

static void all_vcpus_alike(void)
{
	if (nr_cpus == 1) {
		skip("one vCPU");
		return;
	}
	check_eq(smp_start(), nr_cpus);
	features_here((void *)1);
	smp_call_all(features_here, NULL);
}

static void address_width_is_sane(void)
{
	u32 bits = cpuid(0x80000008, 0).eax & 0xff;

	check(bits >= 36 && bits <= 52);
	check(ram_top() <= 1UL << bits);
}

/* The instruction's length is found even when prefixes stretch it, and the upper register halves are cleared. */
static void prefixed_forms(void)
{
	u64 a = 0xdeadbeef00000000, b = ~0UL, c = 0xffffffff00000000, d = ~0UL;
	struct cpuid want = cpuid(0, 0);

	asm volatile(".byte 0x66, 0x67, 0x2e, 0x48, 0x0f, 0xa2" : "+a"(a), "+b"(b), "+c"(c), "+d"(d));
	check_eq(a, want.eax);
	check_eq(b, want.ebx);
	check_eq(c, want.ecx);
	check_eq(d, want.edx);
}

static const struct guest_case cases[] = {
	{ "vcpus_as_configured", vcpus_as_configured },
	{ "one_thread_per_core", one_thread_per_core },
	{ "signatures", signatures },
	{ "hidden_features", hidden_features },
	{ "osxsave_follows_cr4", osxsave_follows_cr4 },
	{ "every_leaf_is_stable", every_leaf_is_stable },
	{ "all_vcpus_alike", all_vcpus_alike },
	{ "address_width_is_sane", address_width_is_sane },
	{ "prefixed_forms", prefixed_forms },
};

u32 guest_main(void) { return RUN_CASES("P3", cases); }
