/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#undef min
#undef max
#define min(a, b) ({ typeof(a) shim_a = (a); typeof(b) shim_b = (b); (void)(&shim_a == &shim_b); shim_a < shim_b ? shim_a : shim_b; })
#define max(a, b) ({ typeof(a) shim_c = (a); typeof(b) shim_d = (b); (void)(&shim_c == &shim_d); shim_c > shim_d ? shim_c : shim_d; })
#define min_t(t, a, b)	min((t)(a), (t)(b))
#define max_t(t, a, b)	max((t)(a), (t)(b))
#define clamp(v, lo, hi)	min((typeof(v))max(v, lo), hi)
#define clamp_t(t, v, lo, hi)	min_t(t, max_t(t, v, lo), hi)
#define swap(a, b) do { typeof(a) shim_t = (a); (a) = (b); (b) = shim_t; } while (0)

#endif
