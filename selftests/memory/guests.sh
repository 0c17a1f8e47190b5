#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P8 to P11 from inside: zero at first sight, each page its own, nothing beyond.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

outside_count() { ivmctl --json vm show "$1" | grep -oE '"[a-z._-]*outside[a-z._-]*" ?: ?[0-9]+' | grep -oE '[0-9]+$' | head -n 1; }

memory_guest() # SIZE IN MIB
{
	guest_run memory 1 "$1M" "memory=$1" 300
}

test_smallest() { memory_guest 4; }
test_64_mib() { memory_guest 64; }
test_768_mib()
{
	[ "$(mem_available)" -gt $((900 * 1024)) ] || skip_it "this host has no 900 MiB"
	memory_guest 768
}

# P10: the memory of one VM goes to the next one, and nothing of it is seen there.
test_successor_sees_zeros()
{
	for i in 1 2 3; do
		memory_guest 256 || return
	done
}

# P9: counted, told as an event, and not more often than the host likes.
test_outside_is_counted_and_told()
{
	local n lines

	dmesg -C
	ivmctl --json events >events 2>/dev/null &
	defer kill $!
	guest_vm far memory 1 16M "case=many stay=1"
	vm_start far
	wait_for 200 console_has far 'verdict 0x10' || bad "the guest has not come to its end"
	n=$(outside_count far)
	say "counted ${n:-nothing}, $(grep -c outside events) events, $(dmesg | wc -l) lines of log"
	[ "${n:-0}" -ge 20000 ] || bad "the count is ${n:-missing}"
	grep -q outside events || bad "no event says so"
	at_most events "$(grep -c outside events)" 200
	at_most "lines in the log" "$(dmesg | wc -l)" 20
}

# The map is injective, by the tables themselves (P8, P11), while VMs run.
test_audit()
{
	guest_vm one chatty 1 64M ""
	guest_vm two chatty 1 32M ""
	vm_start one
	vm_start two
	ivmctl --json host audit >audit || bad "the audit failed"
	cat audit | tr -d '\n' | sed 's/^/# /'; echo
	grep -qE '"violations" ?: ?0\b' audit || bad "there are violations"
	bytes=$(grep -oE '"bytes" ?: ?[0-9]+' audit | grep -oE '[0-9]+')
	same "bytes audited" "${bytes:-0}" $((96 << 20))
}

# P11: no process of the host maps it. The module has no mmap to offer; see also ctl:ioctl.
test_no_process_maps_it()
{
	guest_vm solo chatty 1 64M ""
	vm_start solo
	for d in /proc/[0-9]*; do
		grep -l ivm "$d/maps" 2>/dev/null
	done | while read -r maps; do
		p=${maps%/maps}
		! grep -q '/dev/ivm\|anon_inode.*ivm' "$maps" || bad "$(cat "$p/comm") maps it"
	done
	# user-space memory has not grown by the guest's
	rss=$(cat /proc/[0-9]*/status 2>/dev/null | awk '/^VmRSS/ { s += $2 } END { print s }')
	at_most "resident memory of all processes (kB)" "$rss" 60000
}

run_tests smallest 64_mib 768_mib successor_sees_zeros outside_is_counted_and_told audit no_process_maps_it
