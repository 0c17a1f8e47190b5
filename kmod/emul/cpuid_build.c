// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the table that CPUID answers from. Everything is denied first: a bit
 * is shown because it stands in a mask below and the host has it, or because
 * we supply it ourselves.
 */
#include "cpuid.h"
#include "cpuid_allow.h"
#include "x86.h"

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

/* While the table is made. */
struct builder {
	struct ivm_cpuid *table;
	const struct ivm_cpuid_host *host;
	u32 host_basic_max, host_ext_max;
	bool amd;			/* or Hygon; all others follow Intel's rules */
	unsigned int nr_vcpus;
	unsigned int id_bits;		/* APIC id bits that name a core */
	u64 xcr0;
};

static struct ivm_cpuid_regs host_read(const struct builder *b, u32 leaf, u32 subleaf)
{
	struct ivm_cpuid_regs out = {};

	if (leaf < IVM_CPUID_EXT_BASE ? leaf <= b->host_basic_max : leaf <= b->host_ext_max)
		b->host->read(leaf, subleaf, &out);
	return out;
}

/*
 * Adds the answer of the next subleaf of @leaf (the first one if there was
 * none). A leaf whose subleaf is not looked at has nr 0: call only once for it.
 */
static void add(struct builder *b, struct ivm_cpuid_leaf *leaf, const struct ivm_cpuid_regs *regs)
{
	struct ivm_cpuid *t = b->table;

	/* Enough by construction; a table that is too small must not become a wild write. */
	if (WARN_ON_ONCE(t->nr_answers >= IVM_CPUID_ANSWERS))
		return;
	if (!leaf->first)
		leaf->first = t->nr_answers;
	t->answer[t->nr_answers++] = *regs;
}

static void add_subleaf(struct builder *b, struct ivm_cpuid_leaf *leaf, const struct ivm_cpuid_regs *regs)
{
	add(b, leaf, regs);
	leaf->nr++;
}

static struct ivm_cpuid_leaf *ext_leaf(struct builder *b, u32 leaf)
{
	return &b->table->ext[leaf - IVM_CPUID_EXT_BASE];
}

static bool is_vendor(const struct ivm_cpuid_regs *leaf0, const char *name)
{
	return !memcmp(&leaf0->ebx, name, 4) && !memcmp(&leaf0->edx, name + 4, 4) &&
	       !memcmp(&leaf0->ecx, name + 8, 4);
}

/*
 * Family, model and stepping: the host's, with one exception. QEMU's "max" CPU
 * under software emulation says AMD family 0xf (K8), yet has nested paging, a
 * thing no K8 ever had. Kernels take the family at its word and look for K8's
 * errata in MSRs (the E400 check reads 0xc0010055) and disable features for
 * them. What we show has the features of a much later CPU: say Zen (17h, model
 * 1, stepping 2), for which no kernel does that.
 */
static u32 signature(const struct builder *b)
{
	u32 eax = host_read(b, 1, 0).eax;
	bool svm = host_read(b, 0x80000001, 0).ecx & BIT(2);
	bool nested = svm && host_read(b, 0x8000000a, 0).edx & BIT(0);
	u32 family = eax >> 8 & 0xf;

	if (family == 0xf)
		family += eax >> 20 & 0xff;
	return b->amd && family == 0xf && nested ? 0x00800f12 : eax;
}

static void hide_without_xcr0(const struct builder *b, struct ivm_cpuid_regs *leaf1,
			      struct ivm_cpuid_regs *leaf7, struct ivm_cpuid_regs *leaf7_1,
			      struct ivm_cpuid_regs *ext1)
{
	if (!b->xcr0)
		leaf1->ecx &= ~CPUID_1_ECX_XSAVE;
	if ((b->xcr0 & XCR0_AVX) != XCR0_AVX) {
		leaf1->ecx &= ~CPUID_1_ECX_NEEDS_YMM;
		leaf7->ebx &= ~CPUID_7_EBX_NEEDS_YMM;
		leaf7->ecx &= ~CPUID_7_ECX_NEEDS_YMM;
		leaf7_1->eax &= ~CPUID_7_1_EAX_NEEDS_YMM;
		ext1->ecx &= ~CPUID_80000001_ECX_NEEDS_YMM;
	}
	if ((b->xcr0 & XCR0_AVX512) != XCR0_AVX512) {
		leaf7->ebx &= ~CPUID_7_EBX_NEEDS_ZMM;
		leaf7->ecx &= ~CPUID_7_ECX_NEEDS_ZMM;
		leaf7->edx &= ~CPUID_7_EDX_NEEDS_ZMM;
		leaf7_1->eax &= ~CPUID_7_1_EAX_NEEDS_ZMM;
	}
}

/* Control bits that belong to the features shown. */
static void allow_controls(struct ivm_cpuid *t, const struct ivm_cpuid_regs *l1,
			   const struct ivm_cpuid_regs *l7, const struct ivm_cpuid_regs *e1)
{
	/* In every 64-bit processor: time-stamp and counter rights, machine checks. */
	u64 cr4 = X86_CR4_TSD | X86_CR4_PCE | X86_CR4_MCE;
	u64 efer = 0;

	cr4 |= l1->edx & CPUID_1_EDX_VME ? X86_CR4_VME | X86_CR4_PVI : 0;
	cr4 |= l1->edx & CPUID_1_EDX_DE ? X86_CR4_DE : 0;
	cr4 |= l1->edx & CPUID_1_EDX_PSE ? X86_CR4_PSE : 0;
	cr4 |= l1->edx & CPUID_1_EDX_PAE ? X86_CR4_PAE : 0;
	cr4 |= l1->edx & CPUID_1_EDX_PGE ? X86_CR4_PGE : 0;
	cr4 |= l1->edx & CPUID_1_EDX_FXSR ? X86_CR4_OSFXSR : 0;
	cr4 |= l1->edx & CPUID_1_EDX_SSE ? X86_CR4_OSXMMEXCPT : 0;
	cr4 |= l1->ecx & CPUID_1_ECX_PCID ? X86_CR4_PCIDE : 0;
	cr4 |= l1->ecx & CPUID_1_ECX_XSAVE ? X86_CR4_OSXSAVE : 0;
	cr4 |= l7->ecx & CPUID_7_ECX_UMIP ? X86_CR4_UMIP : 0;
	cr4 |= l7->ebx & CPUID_7_EBX_FSGSBASE ? X86_CR4_FSGSBASE : 0;
	cr4 |= l7->ebx & CPUID_7_EBX_SMEP ? X86_CR4_SMEP : 0;
	cr4 |= l7->ebx & CPUID_7_EBX_SMAP ? X86_CR4_SMAP : 0;
	efer |= e1->edx & CPUID_80000001_EDX_SYSCALL ? IVM_EFER_SCE : 0;
	efer |= e1->edx & CPUID_80000001_EDX_LM ? IVM_EFER_LME | IVM_EFER_LMA : 0;
	efer |= e1->edx & CPUID_80000001_EDX_NX ? IVM_EFER_NXE : 0;
	efer |= e1->edx & CPUID_80000001_EDX_FFXSR ? IVM_EFER_FFXSR : 0;
	t->cr4_allowed = cr4;
	t->efer_allowed = efer;
}

static void build_features(struct builder *b)
{
	struct ivm_cpuid *t = b->table;
	struct ivm_cpuid_regs l1 = host_read(b, 1, 0), l7 = host_read(b, 7, 0);
	struct ivm_cpuid_regs l7_1 = {}, e1 = host_read(b, 0x80000001, 0);

	if (l7.eax >= 1)
		l7_1 = host_read(b, 7, 1);

	l1.eax = signature(b);
	l1.ebx &= CPUID_1_EBX_CLFLUSH_SIZE;
	l1.ebx |= (1U << b->id_bits) << 16;	/* bits 31:24, the APIC id, are live */
	l1.ecx &= CPUID_1_ECX_ALLOW;
	l1.ecx |= CPUID_1_ECX_OURS;
	l1.edx &= CPUID_1_EDX_ALLOW;
	l1.edx |= CPUID_1_EDX_APIC | (b->nr_vcpus > 1 ? CPUID_1_EDX_HTT : 0);

	l7.eax = 1;
	l7.ebx &= CPUID_7_EBX_ALLOW;
	l7.ecx &= CPUID_7_ECX_ALLOW;
	l7.edx &= CPUID_7_EDX_ALLOW;
	if (b->host->shadowed) {
		/* Contexts of shadow tables go by PCID, so that a guest need not forget one to use another. */
		l1.ecx |= CPUID_1_ECX_PCID;
		l7.ebx &= ~(u32)CPUID_7_EBX_INVPCID;
	}
	l7_1.eax &= CPUID_7_1_EAX_ALLOW;
	l7_1.ebx = l7_1.ecx = l7_1.edx = 0;

	e1.eax = b->amd ? l1.eax : 0;
	e1.ebx &= b->amd ? CPUID_80000001_EBX_PACKAGE : 0;
	e1.ecx &= CPUID_80000001_ECX_ALLOW |
		  (b->amd && b->host_ext_max >= 0x8000001e ? CPUID_80000001_ECX_TOPOEXT : 0);
	if (b->amd && b->nr_vcpus > 1)
		e1.ecx |= CPUID_80000001_ECX_CMP_LEGACY;
	e1.edx &= CPUID_80000001_EDX_ALLOW;
	if (b->amd)	/* AMD repeats leaf 1 here, the live APIC bit included */
		e1.edx |= l1.edx & CPUID_80000001_EDX_SHARED;

	hide_without_xcr0(b, &l1, &l7, &l7_1, &e1);

	add(b, &t->basic[1], &l1);
	t->basic[1].live = IVM_CPUID_FEATURES;
	add_subleaf(b, &t->basic[7], &l7);
	add_subleaf(b, &t->basic[7], &l7_1);
	add(b, ext_leaf(b, 0x80000001), &e1);
	if (b->amd)
		ext_leaf(b, 0x80000001)->live = IVM_CPUID_AMD_FEATURES;
	allow_controls(t, &l1, &l7, &e1);
}

/*
 * Caches as the host's, with who shares them put right: what one core has for
 * itself stays private, what is wider is shared by the whole package. Leaf 4
 * (Intel) and 0x8000001d (AMD) have the same layout but for the number of
 * cores, which Intel puts here as well.
 */
static void build_caches(struct builder *b, struct ivm_cpuid_leaf *leaf, u32 number)
{
	u32 last_core = (1U << b->id_bits) - 1;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		struct ivm_cpuid_regs c = host_read(b, number, i);
		u32 level = c.eax >> 5 & 7;

		if (!(c.eax & 0x1f))	/* no more caches */
			break;
		c.eax &= 0x3ff;		/* type, level, self-initialising, fully associative */
		if (level >= 3)
			c.eax |= last_core << 14;
		if (!b->amd)
			c.eax |= last_core << 26;
		c.edx &= 7;
		add_subleaf(b, leaf, &c);
	}
	/* So that the leaf is not one whose subleaf is ignored. */
	add_subleaf(b, leaf, &(struct ivm_cpuid_regs){});
}

/* Leaves 0xb and 0x1f: one thread per core, then all cores of the package. */
static void build_topology(struct builder *b, struct ivm_cpuid_leaf *leaf)
{
	const struct ivm_cpuid_regs smt = { .eax = 0, .ebx = 1, .ecx = 1 << 8 };
	const struct ivm_cpuid_regs core = { .eax = b->id_bits, .ebx = b->nr_vcpus, .ecx = 2 << 8 };

	add_subleaf(b, leaf, &smt);
	add_subleaf(b, leaf, &core);
	leaf->live = IVM_CPUID_TOPOLOGY;
}

/* Standard form only: XSAVEC, XSAVES and XGETBV with ECX=1 are not offered. */
static void build_xsave(struct builder *b)
{
	struct ivm_cpuid *t = b->table;
	struct ivm_cpuid_leaf *leaf = &t->basic[0xd];
	struct ivm_cpuid_regs main = { .eax = (u32)b->xcr0, .ecx = 576, .edx = b->xcr0 >> 32 };
	struct ivm_cpuid_regs sub = host_read(b, 0xd, 1);
	unsigned int i;

	for (i = 2; i < IVM_CPUID_XCR0_BITS; i++) {
		struct ivm_cpuid_regs c;

		if (!(b->xcr0 & BIT_ULL(i)))
			continue;
		c = host_read(b, 0xd, i);
		t->xsave_end[i] = c.eax + c.ebx;
		main.ecx = max(main.ecx, t->xsave_end[i]);
	}
	add_subleaf(b, leaf, &main);
	add_subleaf(b, leaf, &(struct ivm_cpuid_regs){ .eax = sub.eax & CPUID_D_1_EAX_ALLOW });
	for (i = 2; i < IVM_CPUID_XCR0_BITS && b->xcr0 >> i; i++) {
		struct ivm_cpuid_regs c = {};

		if (b->xcr0 & BIT_ULL(i)) {
			c = host_read(b, 0xd, i);
			c.ecx = c.edx = 0;
		}
		add_subleaf(b, leaf, &c);
	}
	leaf->live = IVM_CPUID_XSAVE;
}

static void build_basic(struct builder *b, const struct ivm_cpuid_regs *leaf0)
{
	struct ivm_cpuid *t = b->table;
	struct ivm_cpuid_regs r = *leaf0;

	/* 0x1f only where the vendor has it; 0xb always, for x2APIC ids; nothing empty at the end. */
	t->basic_max = !b->amd && b->host_basic_max >= 0x1f ? 0x1f : b->xcr0 ? 0xd : 0xb;
	r.eax = t->basic_max;
	add(b, &t->basic[0], &r);
	if (!b->amd) {
		r = host_read(b, 2, 0);		/* cache and TLB descriptors */
		add(b, &t->basic[2], &r);
		build_caches(b, &t->basic[4], 4);
	}
	/* ARAT: the LAPIC timer never stops. Nothing else of power management. */
	add(b, &t->basic[6], &(struct ivm_cpuid_regs){ .eax = BIT(2) });
	build_topology(b, &t->basic[0xb]);
	if (b->xcr0)
		build_xsave(b);
	if (t->basic_max >= 0x1f)
		build_topology(b, &t->basic[0x1f]);
}

static void build_extended(struct builder *b, const struct ivm_cpuid_regs *leaf0)
{
	struct ivm_cpuid *t = b->table;
	struct ivm_cpuid_regs r = {};
	u32 leaf;

	t->ext_max = min_t(u32, b->host_ext_max - IVM_CPUID_EXT_BASE, b->amd ? IVM_CPUID_EXT_MAX : 8);
	t->ext_max = max_t(u32, t->ext_max, 8);
	r.eax = IVM_CPUID_EXT_BASE + t->ext_max;
	if (b->amd) {
		r.ebx = leaf0->ebx;
		r.ecx = leaf0->ecx;
		r.edx = leaf0->edx;
	}
	add(b, ext_leaf(b, 0x80000000), &r);
	/* Brand string; L1, TLBs, L2 and L3 sizes. */
	for (leaf = 0x80000002; leaf <= 0x80000006; leaf++) {
		r = host_read(b, leaf, 0);
		add(b, ext_leaf(b, leaf), &r);
	}
	/* Invariant TSC: only when the processor says so and the kernel found nothing against it. */
	r = (struct ivm_cpuid_regs){};
	if (b->host->tsc_stable)
		r.edx = host_read(b, 0x80000007, 0).edx & BIT(8);
	add(b, ext_leaf(b, 0x80000007), &r);

	r = host_read(b, 0x80000008, 0);
	r.eax = t->phys_bits | 48 << 8;		/* 4-level paging: no LA57 */
	r.ebx &= CPUID_80000008_EBX_ALLOW;
	r.ecx = b->amd ? (b->nr_vcpus - 1) | b->id_bits << 12 : 0;
	r.edx = 0;
	add(b, ext_leaf(b, 0x80000008), &r);
	if (!b->amd)
		return;

	if (t->ext_max >= 0x19) {		/* TLB entries for 1 GiB pages */
		r = host_read(b, 0x80000019, 0);
		r.ecx = r.edx = 0;
		add(b, ext_leaf(b, 0x80000019), &r);
	}
	if (t->ext_max >= 0x1a) {		/* speed hints */
		r = (struct ivm_cpuid_regs){ .eax = host_read(b, 0x8000001a, 0).eax & 7 };
		add(b, ext_leaf(b, 0x8000001a), &r);
	}
	if (t->ext_max >= 0x1e && host_read(b, 0x80000001, 0).ecx & CPUID_80000001_ECX_TOPOEXT) {
		build_caches(b, ext_leaf(b, 0x8000001d), 0x8000001d);
		/* One thread per core, one node; ids are live. */
		add(b, ext_leaf(b, 0x8000001e), &(struct ivm_cpuid_regs){});
		ext_leaf(b, 0x8000001e)->live = IVM_CPUID_AMD_TOPOLOGY;
	}
	if (t->ext_max >= 0x21) {
		r = (struct ivm_cpuid_regs){
			.eax = host_read(b, 0x80000021, 0).eax & CPUID_80000021_EAX_ALLOW
		};
		add(b, ext_leaf(b, 0x80000021), &r);
	}
}

/* A signature leaf: the highest leaf of its range, and 12 characters in EBX, ECX, EDX. */
static struct ivm_cpuid_regs signature_leaf(u32 max_leaf, const char *name)
{
	struct ivm_cpuid_regs r = { .eax = max_leaf };

	memcpy(&r.ebx, name, 4);
	memcpy(&r.ecx, name + 4, 4);
	memcpy(&r.edx, name + 8, 4);
	return r;
}

/* Leaves 0x400000xx: the paravirtual clock in the form that guests know, and who we are. */
static void build_hypervisor(struct builder *b, u32 tsc_khz)
{
	struct ivm_cpuid *t = b->table;
	struct ivm_cpuid_regs r;

	r = signature_leaf(IVM_PLATFORM_CPUID_KVM + IVM_CPUID_KVM_MAX, "KVMKVMKVM\0\0\0");
	add(b, &t->kvm[0], &r);
	add(b, &t->kvm[1], &(struct ivm_cpuid_regs){ .eax = KVM_FEATURES });
	r = (struct ivm_cpuid_regs){ .eax = tsc_khz, .ebx = IVM_PLATFORM_APIC_BUS_KHZ };
	add(b, &t->kvm[0x10], &r);
	r = signature_leaf(IVM_PLATFORM_CPUID_IVM, "IVMIVMIVMIVM");
	add(b, &t->ivm, &r);
}

struct ivm_cpuid *ivm_cpuid_build(const struct ivm_cpuid_host *host, unsigned int nr_vcpus,
				  u32 tsc_khz, u64 xcr0)
{
	struct builder b = { .host = host, .nr_vcpus = nr_vcpus };
	struct ivm_cpuid_regs leaf0, ext0;

	b.table = kzalloc(sizeof(*b.table), GFP_KERNEL);
	if (!b.table)
		return ERR_PTR(-ENOMEM);

	host->read(0, 0, &leaf0);
	host->read(IVM_CPUID_EXT_BASE, 0, &ext0);
	b.host_basic_max = leaf0.eax;
	b.host_ext_max = ext0.eax;
	b.amd = is_vendor(&leaf0, "AuthenticAMD") || is_vendor(&leaf0, "HygonGenuine");
	b.id_bits = fls(nr_vcpus - 1);	/* rounded up */
	b.xcr0 = xcr0 & (BIT_ULL(IVM_CPUID_XCR0_BITS) - 1);
	b.table->beyond_repeats = !b.amd;
	b.table->phys_bits = host->phys_bits;
	b.table->nr_answers = 1;	/* answer 0 is all zeros */

	build_basic(&b, &leaf0);
	build_features(&b);
	build_extended(&b, &leaf0);
	build_hypervisor(&b, tsc_khz);
	return b.table;
}
