#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Processors as tiny guests see them: CPUID, MSRs, modes, instructions that are not there.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# P3, P7: the guest sees one thread per core
test_cpuid_1_vcpu() { guest_run cpuid 1 16M vcpus=1; }
test_cpuid_2_vcpus() { need_vcpus 2; guest_run cpuid 2 16M vcpus=2; }
test_msr() { guest_run msr 1 16M "" 400; }
emulated=
! grep -q 'QEMU TCG' /proc/cpuinfo || emulated=emulated=1
test_modes() { guest_run modes 1 16M "$emulated" 300; }

test_legacy_paging() { guest_run legacy 1 16M "" 60; }

# A real CPU faults on these; an emulated one may take them, and the guest then
# ends by its own deed. The VM beside it notices nothing.
own_deed() # CASE
{
	guest_vm beside heartbeat 1 16M ""
	vm_start beside
	guest_vm deed modes 1 16M "case=$1"
	vm_start deed
	wait_for 60 vm_ended deed || bad "it has not ended"
	case $(vm_get deed stop-reason) in
	debug-exit) same "its verdict" "$(vm_get deed stop-code)" 16 ;;
	error | triple-fault) say "ended: $(vm_get deed stop-reason) $(vm_get deed text)" ;;
	*) bad "ended by $(vm_get deed stop-reason)" ;;
	esac
	n=$(console beside | grep -c '^beat')
	later() { [ "$(console beside | grep -c '^beat')" -gt $((n + 5)) ]; }
	wait_for 20 later || bad "the other VM does not beat any more"
}
test_cr0_combinations() { own_deed cr0_combinations; }
test_cr3_reserved_bits() { own_deed cr3_reserved_bits; }

run_tests cpuid_1_vcpu cpuid_2_vcpus msr modes legacy_paging cr0_combinations cr3_reserved_bits
