#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# More memory than there is: refused with both numbers, and nothing is lost or disturbed.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# What the kernel estimates as available is never quite the same; a VM of these tests has hundreds of MiB.
free_close_to() { local d=$(($(mem_available) - $1)); [ "${d#-}" -lt $((32768 + $(held_back))) ]; }

test_more_than_the_host_has()
{
	local total before

	total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
	before=$(mem_available)
	for size in $(((total + 1) / 2 * 2))M $((total / 2 * 2 + 4096))M 512G 1T; do
		vm_create big kernel="$GUESTS/spin.elf" memory="$size"
		refused "memory|free" ivmctl vm start big
		grep -qE '[0-9].*[0-9]' refused.err || bad "no numbers: $(cat refused.err)"
		say "$size: $(cat refused.err)"
		ivmctl vm delete big
	done
	wait_for 10 free_close_to "$before" || bad "memory was $before kB, is $(mem_available) kB"
}

test_second_vm_does_not_fit()
{
	local most before

	before=$(mem_available)
	most=$(($(host_get memory-free) >> 20 & ~1))
	guest_vm full chatty 1 $((most * 3 / 4 / 2 * 2))M ""
	vm_start full
	guest_vm over chatty 1 $((most / 2 / 2 * 2))M ""
	refused "memory|free" ivmctl vm start over
	same "state of the first" "$(vm_state full)" running
	ivmctl vm stop full --force >/dev/null
	# and now it does
	vm_start over
	ivmctl vm stop over --force >/dev/null
	wait_for 20 free_close_to "$before" || bad "memory was $before kB, is $(mem_available) kB"
}

test_interrupted_start_gives_everything_back()
{
	local before most

	before=$(mem_available)
	most=$(($(host_get memory-free) >> 20 & ~1))
	guest_vm killed chatty 1 $((most * 3 / 4 / 2 * 2))M ""
	for i in 1 2 3; do
		ivmctl vm start killed >/dev/null 2>&1 &
		sleep 0.2
		kill -9 $!
		wait $! 2>/dev/null
		ivmctl vm stop killed --force >/dev/null 2>&1
	done
	wait_for 20 free_close_to "$before" || bad "memory was $before kB, is $(mem_available) kB"
	same "threads left" "$(ivm_threads killed | wc -l)" 0
}

run_tests more_than_the_host_has second_vm_does_not_fit interrupted_start_gives_everything_back
