/* SPDX-License-Identifier: GPL-2.0-only */
/* The ACPI tables that describe the platform of include/uapi/linux/ivm.h to a guest. */
#ifndef IVM_ACPI_H
#define IVM_ACPI_H

#include "manifest.h"

/* Place RSDP, XSDT, FADT, FACS, DSDT and MADT for def->vcpus processors. Return: 0 or negative errno. */
int ivm_acpi_load(struct ivm_manifest *manifest);

#endif
