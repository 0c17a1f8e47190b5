#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Three VMs: one is killed, one ends in triple faults, one spins. The heartbeat
# of the other has no gap above 200 ms more than it has alone.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

BEATS=${BEATS:-200}	# of 50 ms

max_gap() { console "$1" | sed -n 's/^beat.* max \([0-9]*\)$/\1/p' | tail -n 1; }

test_heartbeat_beside_hostile_guests()
{
	local alone beside i

	guest_vm heart heartbeat 1 16M "beats=$BEATS"
	guest_vm dies triple 1 16M how=stack
	guest_vm spins spin 1 16M how=jmp
	guest_vm killed chatty 1 16M ""
	vm_start heart
	wait_for 90 vm_ended heart || give_up "it does not beat alone"
	alone=$(max_gap heart)

	vm_start spins
	vm_start heart
	for ((i = 0; ; i++)); do
		! vm_ended heart || break
		[ $i -lt 200 ] || give_up "it does not end"
		ivmctl vm start dies 2>/dev/null
		ivmctl vm start killed 2>/dev/null
		sleep 0.2
		ivmctl vm stop killed --force >/dev/null 2>&1
	done
	beside=$(max_gap heart)
	same "verdict" "$(vm_get heart stop-code)" 16
	same "state of the one that spins" "$(vm_state spins)" running
	say "longest gap $((alone / 1000)) ms alone, $((beside / 1000)) ms beside $i lives and deaths"
	[ "$i" -ge 3 ] || bad "only $i others lived and died meanwhile"
	at_most "longest gap (ms)" $((beside / 1000)) $((alone / 1000 + 200))
}

run_tests heartbeat_beside_hostile_guests
