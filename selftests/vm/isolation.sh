#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Three VMs: one is killed, one ends in triple faults, one spins. The heartbeat
# of the other has no gap above 200 ms more than it has alone.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

BEATS=${BEATS:-200}	# of 50 ms
LIVES=3

max_gap() { console "$1" | sed -n 's/^beat.* max \([0-9]*\)$/\1/p' | tail -n 1; }
beats() { console "$1" | sed -n 's/^beat \([0-9]*\) .*/\1/p' | tail -n 1; }
beat_enough() { [ "$(beats heart)" -ge "$BEATS" ]; }

# Sets gap: the longest of at least BEATS beats (in µs)
measure() # alone|beside
{
	local i

	vm_start heart
	for ((i = 0; i < 60 * SLOW; i++)); do
		if [ "$1" = beside ]; then
			ivmctl vm start dies 2>/dev/null
			ivmctl vm start killed 2>/dev/null
			ivmctl vm stop killed --force >/dev/null 2>&1
			lives=$((i + 1))
		fi
		sleep 0.5
		[ "$1" = beside ] && [ $i -lt $LIVES ] || ! beat_enough || break
	done
	gap=$(max_gap heart)
	[ "$(beats heart)" -ge "$BEATS" ] || give_up "only $(beats heart) beats $1"
	same "state of the heart" "$(vm_state heart)" running
	ivmctl vm stop heart --force >/dev/null
}

# The emulated host is itself at the mercy of its machine: alone is measured
# before and after, and a failure is looked at once more.
test_heartbeat_beside_hostile_guests()
{
	local gap lives=0 alone beside try

	guest_vm heart heartbeat 1 16M ""
	guest_vm dies triple 1 16M how=stack
	guest_vm spins spin 1 16M how=jmp
	guest_vm killed chatty 1 16M ""
	for try in 1 2; do
		measure alone
		alone=$gap
		vm_start spins
		measure beside
		beside=$gap
		same "state of the one that spins" "$(vm_state spins)" running
		ivmctl vm stop spins --force >/dev/null
		measure alone
		[ "$gap" -le "$alone" ] || alone=$gap
		say "try $try: longest gap $((alone / 1000)) ms alone, $((beside / 1000)) ms beside $lives lives and deaths"
		[ "$beside" -gt $((alone + 200000 * SLOW)) ] || return 0
	done
	at_most "longest gap (ms)" $((beside / 1000)) $((alone / 1000 + 200 * SLOW))
}

run_tests heartbeat_beside_hostile_guests
