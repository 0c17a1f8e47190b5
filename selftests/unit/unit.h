/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every unit test includes first: kselftest's harness (TEST(), FIXTURE(),
 * EXPECT_EQ(), TEST_HARNESS_MAIN ...), where each test runs in a process of
 * its own, hence with a fresh clock; then what it can do to the fake kernel.
 * The harness ends a test after 30 s, which one that computes for a second takes
 * beside emulators that leave it little of a processor.
 */
#ifndef IVM_UNIT_H
#define IVM_UNIT_H

#include <kselftest_harness.h>
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300
#include "shim/shim.h"

#endif
