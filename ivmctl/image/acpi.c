// SPDX-License-Identifier: GPL-2.0-only
/* ACPI Specification 6.4, chapter 5.2: layouts and field values; every number of the platform is IVM_PLATFORM_*. */
#include "acpi.h"

#include "parcel.h"

#include <stdbool.h>
#include <string.h>

#include "dsdt.h"	/* made from dsdt.asl: dsdt_aml_code[] */

#define IVM_ACPI_PACKED __attribute__((packed))

struct ivm_acpi_rsdp {			/* 5.2.5.3 */
	char		signature[8];
	uint8_t		checksum;	/* of the first 20 bytes */
	char		oem[6];
	uint8_t		revision;
	uint32_t	rsdt, length;
	uint64_t	xsdt;
	uint8_t		extended_checksum, reserved[3];
} IVM_ACPI_PACKED;

struct ivm_acpi_header {		/* 5.2.6 */
	char		signature[4];
	uint32_t	length;
	uint8_t		revision, checksum;
	char		oem[6], oem_table[8];
	uint32_t	oem_revision;
	char		creator[4];
	uint32_t	creator_revision;
} IVM_ACPI_PACKED;

struct ivm_acpi_address {		/* 5.2.3.2, generic address */
	uint8_t		space, bits, shift, access;
	uint64_t	address;
} IVM_ACPI_PACKED;

struct ivm_acpi_xsdt {
	struct ivm_acpi_header	header;
	uint64_t		tables[2];
} IVM_ACPI_PACKED;

struct ivm_acpi_facs {			/* 5.2.10 */
	char		signature[4];
	uint32_t	length, hardware_signature, waking_vector, global_lock, flags;
	uint64_t	x_waking_vector;
	uint8_t		version, reserved[31];
} IVM_ACPI_PACKED;

struct ivm_acpi_fadt {			/* 5.2.9 */
	struct ivm_acpi_header	header;
	uint32_t	facs, dsdt;
	uint8_t		reserved0, profile;
	uint16_t	sci_int;
	uint32_t	smi_cmd;
	uint8_t		acpi_enable, acpi_disable, s4bios_req, pstate_cnt;
	uint32_t	pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm2_cnt, pm_tmr, gpe0, gpe1;
	uint8_t		pm1_evt_len, pm1_cnt_len, pm2_cnt_len, pm_tmr_len, gpe0_len, gpe1_len, gpe1_base, cst_cnt;
	uint16_t	p_lvl2_lat, p_lvl3_lat, flush_size, flush_stride;
	uint8_t		duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t	boot_arch;
	uint8_t		reserved1;
	uint32_t	flags;
	struct ivm_acpi_address	reset;
	uint8_t		reset_value;
	uint16_t	arm_boot_arch;
	uint8_t		minor;
	uint64_t	x_facs, x_dsdt;
	struct ivm_acpi_address	x_pm1a_evt, x_pm1b_evt, x_pm1a_cnt, x_pm1b_cnt, x_pm2_cnt, x_pm_tmr,
				x_gpe0, x_gpe1, sleep_control, sleep_status;
	uint64_t	hypervisor;
} IVM_ACPI_PACKED;

_Static_assert(sizeof(struct ivm_acpi_rsdp) == 36, "RSDP");
_Static_assert(sizeof(struct ivm_acpi_header) == 36, "table header");
_Static_assert(sizeof(struct ivm_acpi_facs) == 64, "FACS");
_Static_assert(sizeof(struct ivm_acpi_fadt) == 276, "FADT of revision 6");

/* FADT flags, 5.2.9 table 5.10 */
#define IVM_FADT_WBINVD		(1U << 0)
#define IVM_FADT_PROC_C1	(1U << 2)	/* HLT works */
#define IVM_FADT_NO_SLP_BUTTON	(1U << 5)
#define IVM_FADT_NO_FIX_RTC	(1U << 6)
#define IVM_FADT_TMR_VAL_EXT	(1U << 8)	/* the PM timer has 32 bits */
#define IVM_FADT_RESET_REG_SUP	(1U << 10)
#define IVM_FADT_HEADLESS	(1U << 12)

/* boot architecture, table 5.11: no 8042 (bit 1 clear), CMOS clock present (bit 5 clear) */
#define IVM_FADT_BOOT_LEGACY	(1U << 0)	/* ISA devices: the UART */
#define IVM_FADT_BOOT_NO_VGA	(1U << 2)

#define IVM_CMOS_CENTURY	0x32	/* register of the clock */

#define IVM_MADT_PCAT_COMPAT	1U		/* there are 8259s as well */

struct ivm_acpi_lapic {
	uint8_t		type, length, uid, apic_id;
	uint32_t	flags;
} IVM_ACPI_PACKED;

struct ivm_acpi_ioapic {
	uint8_t		type, length, id, reserved;
	uint32_t	address, gsi_base;
} IVM_ACPI_PACKED;

struct ivm_acpi_override {
	uint8_t		type, length, bus, source;
	uint32_t	gsi;
	uint16_t	flags;
} IVM_ACPI_PACKED;

struct ivm_acpi_lapic_nmi {
	uint8_t		type, length, uid;
	uint16_t	flags;
	uint8_t		lint;
} IVM_ACPI_PACKED;

struct ivm_acpi_madt {			/* 5.2.12; the processors' entries follow */
	struct ivm_acpi_header		header;
	uint32_t			lapic_base, flags;
	struct ivm_acpi_ioapic		ioapic;
	struct ivm_acpi_override	timer, sci;
	struct ivm_acpi_lapic_nmi	nmi;
	struct ivm_acpi_lapic		lapics[];
} IVM_ACPI_PACKED;

static uint8_t ivm_acpi_checksum(const void *data, size_t length)
{
	const uint8_t *byte = data;
	uint8_t sum = 0;

	while (length--)
		sum = (uint8_t)(sum + *byte++);
	return (uint8_t)-sum;
}

static void ivm_acpi_begin(struct ivm_acpi_header *header, const char *signature, uint8_t revision, size_t length)
{
	memcpy(header->signature, signature, 4);
	header->length = (uint32_t)length;
	header->revision = revision;
	memcpy(header->oem, "IVM   ", 6);
	memcpy(header->oem_table, "IVMPLATF", 8);
	header->oem_revision = 1;
	memcpy(header->creator, "IVM ", 4);
	header->creator_revision = 1;
}

static void ivm_acpi_end(struct ivm_acpi_header *header)
{
	header->checksum = ivm_acpi_checksum(header, header->length);
}

/* @access: 1 byte, 2 word, 3 dword */
static struct ivm_acpi_address ivm_acpi_port(uint64_t port, uint8_t bits, uint8_t access)
{
	return (struct ivm_acpi_address){ .space = 1, .bits = bits, .access = access, .address = port };
}

static uint64_t ivm_acpi_fadt(struct ivm_parcel *parcel, uint64_t facs, uint64_t dsdt)
{
	uint64_t gpa;
	struct ivm_acpi_fadt *fadt = ivm_parcel_take(parcel, sizeof(*fadt), 16, &gpa);

	ivm_acpi_begin(&fadt->header, "FACP", 6, sizeof(*fadt));
	fadt->minor = 4;
	/* FACS by its 32-bit field, DSDT by both: either way each is one table (5.2.9, X_FIRMWARE_CTRL). */
	fadt->facs = (uint32_t)facs;
	fadt->dsdt = (uint32_t)dsdt;
	fadt->x_dsdt = dsdt;
	fadt->sci_int = IVM_PLATFORM_SCI_GSI;
	/* No SMI command port: the platform is in ACPI mode from the start. */
	fadt->pm1a_evt = IVM_PLATFORM_PM1_EVT_PORT;
	fadt->pm1a_cnt = IVM_PLATFORM_PM1_CNT_PORT;
	fadt->pm_tmr = IVM_PLATFORM_PM_TMR_PORT;
	fadt->pm1_evt_len = 4;
	fadt->pm1_cnt_len = 2;
	fadt->pm_tmr_len = 4;
	fadt->x_pm1a_evt = ivm_acpi_port(IVM_PLATFORM_PM1_EVT_PORT, 32, 2);
	fadt->x_pm1a_cnt = ivm_acpi_port(IVM_PLATFORM_PM1_CNT_PORT, 16, 2);
	fadt->x_pm_tmr = ivm_acpi_port(IVM_PLATFORM_PM_TMR_PORT, 32, 3);
	fadt->p_lvl2_lat = 101;		/* more than 100: no C2 */
	fadt->p_lvl3_lat = 1001;	/* more than 1000: no C3 */
	fadt->century = IVM_CMOS_CENTURY;
	fadt->boot_arch = IVM_FADT_BOOT_LEGACY | IVM_FADT_BOOT_NO_VGA;
	/* The power button is a fixed one: its flag stays clear. */
	fadt->flags = IVM_FADT_WBINVD | IVM_FADT_PROC_C1 | IVM_FADT_NO_SLP_BUTTON | IVM_FADT_NO_FIX_RTC |
		      IVM_FADT_TMR_VAL_EXT | IVM_FADT_RESET_REG_SUP | IVM_FADT_HEADLESS;
	fadt->century = 0x32;		/* index of the century in the CMOS RAM */
	fadt->reset = ivm_acpi_port(IVM_PLATFORM_RESET_PORT, 8, 1);
	fadt->reset_value = IVM_PLATFORM_RESET_VALUE;
	memcpy(&fadt->hypervisor, "IVMIVMIV", 8);
	ivm_acpi_end(&fadt->header);
	return gpa;
}

static uint64_t ivm_acpi_madt(struct ivm_parcel *parcel, uint64_t vcpus)
{
	uint64_t gpa;
	size_t length = sizeof(struct ivm_acpi_madt) + vcpus * sizeof(struct ivm_acpi_lapic);
	struct ivm_acpi_madt *madt = ivm_parcel_take(parcel, length, 16, &gpa);

	ivm_acpi_begin(&madt->header, "APIC", 5, length);
	madt->lapic_base = IVM_PLATFORM_LAPIC_BASE;
	madt->flags = IVM_MADT_PCAT_COMPAT;
	madt->ioapic = (struct ivm_acpi_ioapic){ .type = 1, .length = sizeof(madt->ioapic),
		.id = IVM_PLATFORM_IOAPIC_ID, .address = IVM_PLATFORM_IOAPIC_BASE };
	/* The timer's ISA interrupt 0 arrives at pin 2, as in every PC. */
	madt->timer = (struct ivm_acpi_override){ .type = 2, .length = sizeof(madt->timer), .source = 0, .gsi = 2 };
	/* active high (1), level (3 << 2) */
	madt->sci = (struct ivm_acpi_override){ .type = 2, .length = sizeof(madt->sci),
		.source = IVM_PLATFORM_SCI_GSI, .gsi = IVM_PLATFORM_SCI_GSI, .flags = 0xd };
	madt->nmi = (struct ivm_acpi_lapic_nmi){ .type = 4, .length = sizeof(madt->nmi), .uid = 0xff, .lint = 1 };
	for (uint64_t i = 0; i < vcpus; i++)
		madt->lapics[i] = (struct ivm_acpi_lapic){ .type = 0, .length = sizeof(madt->lapics[0]),
			.uid = (uint8_t)i, .apic_id = (uint8_t)i, .flags = 1 };
	ivm_acpi_end(&madt->header);
	return gpa;
}

static uint64_t ivm_acpi_facs(struct ivm_parcel *parcel)
{
	uint64_t gpa;
	struct ivm_acpi_facs *facs = ivm_parcel_take(parcel, sizeof(*facs), 64, &gpa);

	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	return gpa;
}

int ivm_acpi_load(struct ivm_manifest *manifest)
{
	struct ivm_acpi_rsdp *rsdp;
	struct ivm_acpi_xsdt *xsdt;
	struct ivm_parcel parcel;
	uint64_t xsdt_gpa, facs, dsdt;
	int err;

	err = ivm_parcel_open_at(&parcel, manifest, IVM_ACPI_BASE, IVM_ACPI_SIZE, "ACPI tables");
	if (err)
		return ivm_parcel_close(&parcel, manifest, err);
	rsdp = ivm_parcel_take(&parcel, sizeof(*rsdp), 16, &manifest->rsdp);
	xsdt = ivm_parcel_take(&parcel, sizeof(*xsdt), 16, &xsdt_gpa);
	facs = ivm_acpi_facs(&parcel);
	memcpy(ivm_parcel_take(&parcel, sizeof(dsdt_aml_code), 16, &dsdt), dsdt_aml_code, sizeof(dsdt_aml_code));

	ivm_acpi_begin(&xsdt->header, "XSDT", 1, sizeof(*xsdt));
	xsdt->tables[0] = ivm_acpi_fadt(&parcel, facs, dsdt);
	xsdt->tables[1] = ivm_acpi_madt(&parcel, manifest->def->vcpus);
	ivm_acpi_end(&xsdt->header);

	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem, "IVM   ", 6);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt_gpa;
	rsdp->checksum = ivm_acpi_checksum(rsdp, 20);
	rsdp->extended_checksum = ivm_acpi_checksum(rsdp, sizeof(*rsdp));
	return ivm_parcel_close(&parcel, manifest, 0);
}
