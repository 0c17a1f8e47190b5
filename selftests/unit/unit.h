/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every unit test includes first: kselftest's harness (TEST(), FIXTURE(),
 * EXPECT_EQ(), TEST_HARNESS_MAIN ...), where each test runs in a process of
 * its own, hence with a fresh clock; then what it can do to the fake kernel.
 */
#ifndef IVM_UNIT_H
#define IVM_UNIT_H

#include <kselftest_harness.h>
#include "shim/shim.h"

#endif
