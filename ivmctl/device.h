/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/ivm: what needs file descriptors. */
#ifndef IVM_DEVICE_H
#define IVM_DEVICE_H

#include "image/manifest.h"

/* Seal @manifest into the VM called @name. Return: 0, or negative errno with the module's sentence. */
int ivm_device_load(const char *name, const struct ivm_manifest *manifest);

/* Open the console of @name with IVM_CONSOLE_*. Return: descriptor, or negative errno with a sentence. */
int ivm_device_console(const char *name, uint32_t flags);

#endif
