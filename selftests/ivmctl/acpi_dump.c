// SPDX-License-Identifier: GPL-2.0-only
/*
 * acpi_dump KERNEL VCPUS FOLDER: write the ACPI tables that a VM would get,
 * found as a guest finds them: from the RSDP on, by their addresses. Checks
 * every checksum on the way.
 */
#include "fail.h"
#include "image/manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned char memory[IVM_ACPI_SIZE];

static void die(const char *why)
{
	fprintf(stderr, "acpi_dump: %s\n", why);
	exit(1);
}

/* What lies at @gpa, if @length bytes do. */
static unsigned char *at(uint64_t gpa, size_t length)
{
	if (gpa < IVM_ACPI_BASE || gpa - IVM_ACPI_BASE > sizeof(memory) - length)
		die("an address points outside the ACPI area");
	return memory + (gpa - IVM_ACPI_BASE);
}

static uint32_t u32(const unsigned char *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static uint64_t u64(const unsigned char *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static void check_sum(const unsigned char *data, size_t length, const char *what)
{
	unsigned char sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (unsigned char)(sum + data[i]);
	if (sum)
		die(what);
}

static void save(const char *folder, const unsigned char *table, const char *what)
{
	uint32_t length = u32(table + 4);
	char path[4096];
	FILE *file;

	if (strncmp((const char *)table, what, 4))
		die(what);
	if (strcmp(what, "FACS"))
		check_sum(table, length, what);
	snprintf(path, sizeof(path), "%s/%s.dat", folder, what);
	file = fopen(path, "w");
	if (!file || fwrite(table, 1, length, file) != length || fclose(file))
		die(path);
}

int main(int argc, char **argv)
{
	const unsigned char *rsdp, *xsdt, *fadt;
	struct ivm_definition def;
	struct ivm_manifest manifest;

	if (argc != 4)
		die("usage: acpi_dump KERNEL VCPUS FOLDER");
	ivm_definition_init(&def, "acpi");
	if (ivm_definition_set(&def, "memory", "256M") || ivm_definition_set(&def, "kernel", argv[1]) ||
	    ivm_definition_set(&def, "vcpus", argv[2]) || ivm_manifest_build(&manifest, &def))
		die(ivm_failure());
	for (uint32_t i = 0; i < manifest.count; i++) {
		struct ivm_segment *segment = &manifest.segments[i];

		if (segment->gpa >= IVM_ACPI_BASE && segment->gpa < IVM_ACPI_BASE + IVM_ACPI_SIZE &&
		    pread(segment->fd, at(segment->gpa, segment->size), segment->size, (off_t)segment->offset) !=
		    (ssize_t)segment->size)
			die("cannot read the memfd");
	}
	rsdp = at(manifest.rsdp, 36);
	if (memcmp(rsdp, "RSD PTR ", 8) || manifest.rsdp % 16)
		die("no RSDP where firmware puts it");
	check_sum(rsdp, 20, "RSDP");
	check_sum(rsdp, 36, "RSDP, extended");
	xsdt = at(u64(rsdp + 24), 36);
	save(argv[3], xsdt, "XSDT");
	if (u32(xsdt + 4) != 36 + 16)
		die("XSDT has not two tables");
	fadt = at(u64(xsdt + 36), 276);
	save(argv[3], fadt, "FACP");
	save(argv[3], at(u64(xsdt + 44), 44), "APIC");
	save(argv[3], at(u32(fadt + 36), 64), "FACS");
	if (u32(fadt + 36) % 64)
		die("FACS is not aligned to 64");
	save(argv[3], at(u32(fadt + 40), 36), "DSDT");
	if (u32(fadt + 40) != u64(fadt + 140))
		die("DSDT and X_DSDT differ");
	ivm_manifest_free(&manifest);
	ivm_definition_free(&def);
	return 0;
}
