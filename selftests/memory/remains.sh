#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P10: what a VM wrote is nowhere in the host's memory once it has stopped, and what
# was in the host's memory before is nowhere in the guest's.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

SEARCH=$(module_file ivm_search)

search() # PARAMETER WHAT: the number that it says
{
	dmesg -C
	insmod "$SEARCH" "$1" 2>/dev/null
	dmesg | sed -n "s/.*ivm_search: \([0-9]*\) $2.*/\1/p"
}

test_nothing_remains() # P10
{
	local seed=$((RANDOM * 32768 + RANDOM + 1)) pages found

	[ -n "$SEARCH" ] || skip_it "ivm_search.ko was not built for this kernel"
	guest_vm marked canary 1 64M "seed=$seed"
	vm_start marked
	wait_for 60 console_has marked '^written on' || give_up "the guest has not come to its end"
	pages=$(console marked | sed -n 's/^written on \([0-9]*\) pages/\1/p')
	ivmctl vm pause marked
	found=$(search "seed=$seed" places)
	say "$pages pages of the guest, $found places"
	# 64 in each page: the search finds what is there
	[ "${found:-0}" -ge $((pages * 64)) ] || bad "found in ${found:-no} places while it runs"
	ivmctl vm resume marked
	ivmctl vm stop marked --force
	same "places after it has stopped" "$(search "seed=$seed" places)" 0
}

# With init_on_alloc=0 the host gives out memory as it is (a leg of its own); the guest looks at all of its own.
test_nothing_is_seen() # P10
{
	[ -n "$SEARCH" ] || skip_it "ivm_search.ko was not built for this kernel"
	say "$(grep -o 'init_on_alloc=[01]' /proc/cmdline || echo "the host zeroes what it allocates"), $(search fill=1 'pages filled') pages filled"
	guest_run memory 1 256M "memory=256 case=zero_at_start" 300
}

run_tests nothing_remains nothing_is_seen
