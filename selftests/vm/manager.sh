#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# VMs are the kernel's: kill -9 of any ivmctl, whatever it does, leaves them running.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_killed_managers()
{
	local n verb a

	guest_vm heart heartbeat 1 16M ""
	ivmctl vm start heart --console </dev/null >/dev/null 2>&1 &
	a=$!
	wait_for 30 console_has heart '^beat 5 ' || give_up "it does not beat"
	kill -9 $a
	wait $a 2>/dev/null
	for verb in "vm console heart" "events" "vm stop heart --timeout 60" "vm show heart"; do
		# shellcheck disable=SC2086 # words
		ivmctl $verb </dev/null >/dev/null 2>&1 &
		a=$!
		sleep 0.3
		kill -9 $a 2>/dev/null
		wait $a 2>/dev/null
	done
	same state "$(vm_state heart)" running
	n=$(console heart | grep -c '^beat')
	later() { [ "$(console heart | grep -c '^beat')" -gt $((n + 10)) ]; }
	wait_for 30 later || bad "it does not beat any more"
	same "open descriptors of others" "$(find /proc/[0-9]*/fd -lname '*ivm*' 2>/dev/null | wc -l)" 0
}

# Two at once, each of many callers gets a precise answer and one succeeds.
test_two_managers_at_once()
{
	local i started=0

	guest_vm race spin 1 16M ""
	for i in 1 2 3 4 5; do
		for k in 1 2 3 4; do
			(ivmctl vm start race 2>"err.$k" && echo ok >"ok.$k") &
		done
		wait
		started=$(ls ok.* 2>/dev/null | wc -l)
		same "starts that succeeded in round $i" "$started" 1
		same state "$(vm_state race)" running
		[ "$(cat err.* | wc -l)" -ge 3 ] || bad "the others were told nothing"
		rm -f ok.* err.*
		ivmctl vm stop race --force >/dev/null
	done
}

run_tests killed_managers two_managers_at_once
