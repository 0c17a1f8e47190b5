#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The same VM started and stopped 200 times: no memory is lost, no thread is left.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

CYCLES=${LEAK_CYCLES:-200}

cycle() # the guest ends itself with its first instructions, or is stopped while it spins
{
	vm_start "$1"
	if [ "$1" = quick ]; then
		wait_for 10 vm_ended quick || give_up "it has not ended"
	else
		ivmctl vm stop "$1" --force >/dev/null || give_up "it does not stop"
	fi
}

test_200_times()
{
	local memory slab_before threads i

	vm_create quick kernel="$GUESTS/first.elf" memory=16M debug-exit=0xf4
	vm_create spins kernel="$GUESTS/spin.elf" memory=16M
	for i in 1 2 3 4 5; do	# caches fill
		cycle quick
		cycle spins
	done
	memory=$(mem_available) slab_before=$(slab) threads=$(ls -d /proc/[0-9]* | wc -l)
	for ((i = 1; i <= CYCLES; i++)); do
		[ $((i % 2)) = 0 ] && cycle quick || cycle spins
		[ $((i % 50)) != 0 ] || say "$i cycles: MemAvailable $(mem_available) kB, Slab $(slab) kB"
	done
	# RCU, and lists of free pages per CPU, settle
	held=$(held_back)	# kmemleak searches at the end of such a run
	settled() { [ $((memory - $(mem_available))) -lt $((4096 + held)) ] && [ $(($(slab) - slab_before)) -lt $((1024 + held)) ]; }
	wait_for 15 settled || bad "MemAvailable $memory → $(mem_available) kB, Slab $slab_before → $(slab) kB"
	same "vCPU threads left" "$(ivm_threads | wc -l)" 0
	[ $(($(ls -d /proc/[0-9]* | wc -l) - threads)) -le 2 ] || bad "processes: $threads before, $(ls -d /proc/[0-9]* | wc -l) now"
	same "frames that VMs own" "$(host_get frames)" 0
}

run_tests 200_times
