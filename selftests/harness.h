/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kselftest's harness, which knows no factor for slow hosts: a test that it ends
 * after its usual 30 s would have passed on an emulated host with sanitisers.
 */
#ifndef IVM_SELFTESTS_HARNESS_H
#define IVM_SELFTESTS_HARNESS_H

#include "kselftest_harness.h"

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

#endif
