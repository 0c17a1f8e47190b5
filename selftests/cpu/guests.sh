#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Processors as tiny guests see them: CPUID, MSRs, modes, instructions that are not there.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# P3, P7: the guest sees one thread per core
test_cpuid_1_vcpu() { guest_run cpuid 1 16M vcpus=1; }
test_cpuid_2_vcpus() { need_vcpus 2; guest_run cpuid 2 16M vcpus=2; }
test_msr() { guest_run msr 1 16M "" 400; }
test_modes() { guest_run modes 1 16M "" 300; }

run_tests cpuid_1_vcpu cpuid_2_vcpus msr modes
