#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each way in which a guest ends or begins again, and what is said about it.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

triple_fault() # HOW [VCPU]
{
	guest_vm triple triple "$((${2:-0} + 1))" 16M "how=$1 vcpu=${2:-0}"
	vm_start triple
	wait_for 30 vm_ended triple || give_up "it has not ended"
	same reason "$(vm_get triple stop-reason)" triple-fault
	same "vCPU" "$(vm_get triple stop-code)" "${2:-0}"
	vm_get triple text | grep -q "vCPU ${2:-0}: RIP 0x" || bad "it does not say where: $(vm_get triple text)"
	ivmctl vm list | grep -qi 'triple.*triple fault' || bad "the list does not say so: $(ivmctl vm list | grep triple)"
}

test_no_descriptor_table() { triple_fault idt; }
test_no_stack() { triple_fault stack; }
test_page_tables_outside_memory() { triple_fault cr3; }	# P9
test_page_tables_that_map_nothing() { triple_fault table; }
test_triple_fault_of_another_vcpu() { need_vcpus 2; triple_fault idt 1; }

more_resets() { [ "$(vm_get "$1" resets)" -ge "$2" ]; }

resets_itself() # VIA: P10, the guest checks that its memory is zero again
{
	guest_vm "again-$1" reset 1 16M "via=$1"
	vm_start "again-$1"
	wait_for 60 more_resets "again-$1" 5 || { console "again-$1" | tail -n 3 | sed 's/^/# /'; give_up "$(vm_get "again-$1" resets) resets"; }
	same state "$(vm_state "again-$1")" running
	! console_has "again-$1" 'not ok' || bad "$(console "again-$1" | grep 'not ok' | head -n 1)"
	[ "$(console "again-$1" | grep -c started)" -ge 5 ] || bad "it says less often than it resets that it started"
}

test_reset_by_cf9() { resets_itself cf9; }
test_reset_by_keyboard_controller() { resets_itself kbd; }

test_operator_reset_with_2_vcpus()
{
	need_vcpus 2
	guest_vm oper reset 2 16M via=none
	vm_start oper
	for i in 1 2 3 4 5; do
		started() { [ "$(console oper | grep -c 'started with 2 vCPUs, memory clean')" -ge "$i" ]; }
		wait_for 30 started || { console oper | tail -n 3 | sed 's/^/# /'; give_up "start $i has not come"; }
		ivmctl vm reset oper || bad "reset $i failed"
	done
	same resets "$(vm_get oper resets)" 5
}

test_soft_off()
{
	guest_vm off reset 1 16M via=off
	vm_start off
	wait_for 30 vm_ended off || give_up "it has not ended"
	same reason "$(vm_get off stop-reason)" shutdown
}

test_debug_exit_code()
{
	guest_vm code first 1 16M ""
	vm_start code
	wait_for 30 vm_ended code || give_up "it has not ended"
	same reason "$(vm_get code stop-reason)" debug-exit
	same code "$(vm_get code stop-code)" 16
	console_has code '^S$' || bad "its output is lost"
	# Without the device the same write is nothing.
	vm_create none kernel="$GUESTS/first.elf" memory=16M
	vm_start none
	sleep 1
	same state "$(vm_state none)" running
}

# Spins of any kind end at once when told to.
test_forced_stop_of_spinning_guests()
{
	local how n start

	n=$(vcpus_max)
	for how in jmp pause cpuid port hlt; do
		guest_vm "spin-$how" spin "$n" 16M "how=$how"
		vm_start "spin-$how"
		wait_for 30 console_has "spin-$how" "spinning by $how" || bad "it does not spin by $how"
		# nobody listens to the button
		refused 'power|button|stopped' within 30 ivmctl vm stop "spin-$how" --timeout 1
		start=$(date +%s%N)
		ivmctl vm stop "spin-$how" --force >/dev/null || bad "it does not stop"
		at_most "milliseconds until it was stopped, by $how" $((($(date +%s%N) - start) / 1000000)) $((20000 * SLOW))
		same reason "$(vm_get "spin-$how" stop-reason)" operator
	done
}

test_pause_stops_time()
{
	guest_vm still heartbeat 1 16M ""
	vm_start still
	beats() { console still | grep -c '^beat'; }
	enough() { [ "$(beats)" -ge 10 ]; }
	wait_for 30 enough || give_up "it does not beat"
	ivmctl vm pause still || bad "it does not pause"
	sleep 0.5
	a=$(beats)
	sleep 3
	same "beats while it was paused" "$(beats)" "$a"
	same state "$(vm_state still)" paused
	ivmctl vm resume still || bad "it does not resume"
	later() { [ "$(beats)" -ge $((a + 10)) ]; }
	wait_for 30 later || bad "it does not beat any more"
	# no time passed for the guest: no gap of three seconds
	gap=$(console still | sed -n 's/^beat.* max \([0-9]*\)$/\1/p' | tail -n 1)
	say "longest gap $((gap / 1000)) ms"
	at_most "longest gap in the guest's time (ms)" $((gap / 1000)) $((2000 * SLOW))
}

run_tests no_descriptor_table no_stack page_tables_outside_memory page_tables_that_map_nothing triple_fault_of_another_vcpu \
	reset_by_cf9 reset_by_keyboard_controller operator_reset_with_2_vcpus soft_off debug_exit_code \
	forced_stop_of_spinning_guests pause_stops_time
