/* SPDX-License-Identifier: GPL-2.0-only */
/* For devices with byte-wide registers: a wider access reaches consecutive registers, lowest first. Private to dev/. */
#ifndef IVM_DEV_BYTES_H
#define IVM_DEV_BYTES_H

#include <linux/types.h>

static __always_inline u64 ivm_bytes_read(u8 (*reg)(void *dev, u64 addr), void *dev,
					  u64 addr, unsigned int size)
{
	u64 value = reg(dev, addr);
	unsigned int i;

	for (i = 1; i < size; i++)
		value |= (u64)reg(dev, addr + i) << (8 * i);
	return value;
}

static __always_inline void ivm_bytes_write(void (*reg)(void *dev, u64 addr, u8 value), void *dev,
					    u64 addr, unsigned int size, u64 value)
{
	unsigned int i;

	reg(dev, addr, value);
	for (i = 1; i < size; i++)
		reg(dev, addr + i, value >> (8 * i));
}

#endif
