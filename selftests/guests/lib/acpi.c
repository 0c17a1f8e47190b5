// SPDX-License-Identifier: GPL-2.0-only
/* ACPI tables, as far as a tiny guest needs them: vCPUs and IOAPIC by MADT (ACPI 6.5, 5.2). */
#include "guest.h"

#define PM1_CNT_PORT 0x604
#define SLP_TYP_S5 5
#define SLP_EN (1 << 13)

struct rsdp { char sig[8]; u8 sum; char oem[6]; u8 rev; u32 rsdt; u32 length; u64 xsdt; u8 sum2, zero[3]; } __packed;
struct madt { struct acpi_header h; u32 lapic, flags; u8 entry[]; } __packed;

void acpi_init(void);
void mark_used(u64 base, u64 size);

u32 acpi_ioapic, acpi_ioapic_gsi;
static const struct rsdp *rsdp;

static bool sum_ok(const void *p, u32 n)
{
	const u8 *b = p;
	u8 sum = 0;

	while (n--)
		sum += *b++;
	return !sum;
}

const struct acpi_header *acpi_table(const char *sig, u32 nth)
{
	const struct acpi_header *root, *t;
	u32 size, n;

	if (!rsdp)
		return NULL;
	size = rsdp->rev >= 2 && rsdp->xsdt ? 8 : 4;
	root = (void *)(size == 8 ? rsdp->xsdt : rsdp->rsdt);
	n = (root->length - sizeof(*root)) / size;
	for (u32 i = 0; i < n; i++) {
		const u8 *e = (const u8 *)(root + 1) + i * size;

		t = (void *)(size == 8 ? *(u64 *)e : *(u32 *)e);
		if ((!sig || !memcmp(t->sig, sig, 4)) && !nth--)
			return sum_ok(t, t->length) ? t : NULL;
	}
	return NULL;
}

void acpi_init(void)
{
	const struct acpi_header *t;
	const struct madt *madt;
	u32 found = 0;

	for (u64 a = 0xe0000; a < 0x100000 && !rsdp; a += 16)
		if (!memcmp((void *)a, "RSD PTR ", 8) && sum_ok((void *)a, 20))
			rsdp = (void *)a;
	if (!rsdp)
		return;
	mark_used((u64)rsdp, sizeof(*rsdp));
	if (rsdp->rsdt)
		mark_used(rsdp->rsdt, ((struct acpi_header *)(u64)rsdp->rsdt)->length);
	if (rsdp->rev >= 2 && rsdp->xsdt)
		mark_used(rsdp->xsdt, ((struct acpi_header *)rsdp->xsdt)->length);
	for (u32 i = 0; (t = acpi_table(NULL, i)); i++) {
		mark_used((u64)t, t->length);
		if (!memcmp(t->sig, "FACP", 4)) {
			const u8 *f = (const u8 *)t;
			u32 facs = *(u32 *)(f + 36), dsdt = *(u32 *)(f + 40);
			u64 x_facs = t->length >= 140 ? *(u64 *)(f + 132) : 0;
			u64 x_dsdt = t->length >= 148 ? *(u64 *)(f + 140) : 0;

			if (facs || x_facs)
				mark_used(x_facs ? x_facs : facs, 64);
			if (dsdt || x_dsdt)
				mark_used(x_dsdt ? x_dsdt : dsdt,
					  ((struct acpi_header *)(x_dsdt ? x_dsdt : dsdt))->length);
		}
	}
	madt = (void *)acpi_table("APIC", 0);
	if (!madt)
		return;
	for (const u8 *e = madt->entry; e < (u8 *)madt + madt->h.length && e[1]; e += e[1]) {
		u32 id = e[0] == 0 ? e[3] : *(u32 *)(e + 4);
		u32 flags = e[0] == 0 ? *(u32 *)(e + 4) : *(u32 *)(e + 8);

		if ((e[0] == 0 || e[0] == 9) && flags & 1 && found < MAX_CPUS)
			cpus[found++].apic_id = id;
		if (e[0] == 1 && !acpi_ioapic) {
			acpi_ioapic = *(u32 *)(e + 4);
			acpi_ioapic_gsi = *(u32 *)(e + 8);
		}
	}
	if (found)
		nr_cpus = found;
	for (u32 i = 0; i < nr_cpus; i++)
		cpus[i].index = i;
}

void acpi_power_off(void)
{
	outw(PM1_CNT_PORT, SLP_TYP_S5 << 10 | SLP_EN);
	outw(PM1_CNT_PORT, SLP_EN);		/* type 0 is S5 for QEMU */
}
