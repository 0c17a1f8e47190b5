/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BCD_H
#define SHIM_LINUX_BCD_H

static inline unsigned int bcd2bin(unsigned char v) { return v / 16 * 10 + v % 16; }
static inline unsigned char bin2bcd(unsigned int v) { return v / 10 * 16 + v % 10; }

#endif
