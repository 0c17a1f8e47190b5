/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_JUMP_LABEL_H
#define SHIM_JUMP_LABEL_H

#include <stdbool.h>

struct static_key_false { bool on; };

#define DECLARE_STATIC_KEY_FALSE(name)		extern struct static_key_false name
#define DEFINE_STATIC_KEY_FALSE(name)		struct static_key_false name
#define static_branch_unlikely(key)		((key)->on)

#endif
