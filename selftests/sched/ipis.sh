#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Interrupts from one vCPU to another, halted or busy, come in time. Other emulated
# hosts than those that count instructions are late themselves now and then.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_lapic_2_vcpus() { need_counting; need_vcpus 2; guest_run lapic 2 16M; }
test_eoi() { need_counting; need_vcpus 2; guest_run eoi 2 16M; }

run_tests lapic_2_vcpus eoi
