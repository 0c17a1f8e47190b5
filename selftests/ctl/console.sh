#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The console and the events: what a chatty guest, a slow reader and a killed one may and may not cause.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_last_64_kib_are_kept()
{
	guest_vm talk chatty 1 16M lines=3000
	vm_start talk
	wait_for 60 console_has talk '^ready$' || give_up "the guest never got ready"
	console talk >all
	ivmctl vm console talk --history >raw
	[ "$(stat -c %s raw)" -le 65536 ] || bad "more than 64 KiB are kept: $(stat -c %s raw)"
	[ "$(stat -c %s raw)" -ge 60000 ] || bad "less than 64 KiB are kept: $(stat -c %s raw)"
	grep -q 'line 00002999' all || bad "the last line is missing"
	# what is kept is whole: consecutive numbers from some line to the last
	sed -n 's/^line \([0-9]*\) of a guest that talks a lot$/\1/p' all | tail -n +2 >numbers
	first=$(head -n 1 numbers)
	seq -f %08g "$((10#$first))" 2999 | cmp -s - numbers || bad "lines are lost or mixed up behind $first"
	ivmctl vm stop talk --force >/dev/null
	console_has talk 'line 00002999' || bad "the output is gone after the stop"
}

test_typing_reaches_the_guest()
{
	guest_vm echo chatty 1 16M lines=1
	vm_start echo
	wait_for 30 console_has echo '^ready$' || give_up "the guest never got ready"
	printf 'hello there\nq' | within 60 ivmctl vm console echo >out || bad "console ended with $?"
	wait_for 30 vm_ended echo || bad "the guest did not get the q"
	console_has echo 'hello there' || bad "no echo of what was typed"
}

test_killed_readers_do_no_harm()
{
	guest_vm kill chatty 1 16M
	vm_start kill
	for _ in 1 2 3 4; do
		# one that reads, one that never does
		ivmctl vm console kill </dev/null >/dev/null 2>&1 &
		a=$!
		# shellcheck disable=SC2216
		ivmctl vm console kill </dev/null 2>/dev/null | sleep 100 &
		b=$!
		sleep 0.3
		kill -9 $a $b
		wait $a $b 2>/dev/null
	done
	pkill -9 -P $$ sleep
	same state "$(vm_state kill)" running
	before=$(console kill | tail -n 1)
	sleep 1
	[ "$(console kill | tail -n 1)" != "$before" ] || bad "the guest no longer speaks"
}

test_events_tell_the_story()
{
	ivmctl --json events --vm story >events 2>/dev/null &
	defer kill $!
	sleep 0.5
	guest_vm story reset 1 16M via=none
	vm_start story
	wait_for 30 console_has story started || give_up "the guest did not start"
	ivmctl vm pause story && ivmctl vm resume story && ivmctl vm reset story || bad "pause, resume or reset failed"
	ivmctl vm stop story --force >/dev/null
	ivmctl vm delete story
	wait_for 10 grep -q deleted events || bad "no event says that it is deleted"
	grep -oE '"(state|event-type)" ?: ?"[a-z]*"' events | sed -E 's/.*"([a-z]*)"$/\1/' | tr '\n' ' ' >words
	for word in starting running paused reset stopped deleted; do
		grep -qw "$word" words || bad "no event says $word: $(cat words)"
	done
}

# P12: who did what to which VM, and how it went.
test_acts_are_logged()
{
	dmesg -C
	guest_vm logged spin 1 16M
	vm_start logged
	ivmctl vm pause logged
	ivmctl vm pause logged 2>/dev/null && bad "pausing twice worked"
	ivmctl vm stop logged --force >/dev/null
	dmesg >log
	for act in vm-create vm-start vm-pause vm-stop; do
		grep -q "$act.*logged" log || bad "the log has no $act of the VM"
	done
	grep -qE "vm-pause.*logged.*(refused|fail|EBUSY|-16|error)" log || bad "the log does not tell that the second pause was refused"
	grep -qE "(uid|user)[ =:]*0" log || bad "the log does not tell who"
	# and no guest can fill it
	lines=$(wc -l <log)
	at_most "lines in the log" "$lines" 20
}

run_tests last_64_kib_are_kept typing_reaches_the_guest killed_readers_do_no_harm events_tell_the_story acts_are_logged
