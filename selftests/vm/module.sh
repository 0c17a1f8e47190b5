#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module in use is not unloaded; unused it goes and comes without a trace.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

module=/lab/ivm.ko
back() { [ -d /sys/module/ivm ] || insmod $module; }

test_unload_is_refused_while_a_vm_exists()
{
	guest_vm holds heartbeat 1 16M ""
	vm_start holds
	wait_for 30 console_has holds '^beat 3 ' || give_up "it does not beat"
	! rmmod ivm 2>rmmod.err || bad "the module was unloaded under a VM"
	grep -qi 'in use' rmmod.err || bad "rmmod says: $(cat rmmod.err)"
	same state "$(vm_state holds)" running
	ivmctl vm pause holds
	! rmmod ivm 2>/dev/null || bad "the module was unloaded under a paused VM"
	ivmctl vm resume holds
}

# Unloads, loads, and runs a VM to its end.
again()
{
	rmmod ivm || give_up "the module does not unload: $(lsmod | grep ivm)"
	refused 'module|modprobe|loaded' ivmctl vm start waits
	insmod $module || give_up "it does not load again"
	vm_start after
	wait_for 30 vm_ended after || give_up "no VM runs after that"
}

test_unload_and_load_again()
{
	local before i

	[ -e $module ] || skip_it "no $module here"
	defer back
	vm_create waits kernel="$GUESTS/spin.elf" memory=16M
	guest_vm after first 1 16M ""
	# What the first times leave in caches is left once.
	again
	again
	before=$(mem_available)
	for i in 1 2 3 4 5; do
		again
	done
	kept() { [ $((before - $(mem_available))) -lt $((8192 + $(held_back))) ]; }
	wait_for 15 kept || bad "memory is lost: $before → $(mem_available) kB"
}

# P12: without rights nothing is learned of other people's VMs, and nothing is done.
test_other_users()
{
	guest_vm secret spin 1 16M ""
	vm_start secret
	for what in "vm show secret" "vm stop secret --force" "vm pause secret" "vm reset secret" "vm delete secret" \
		    "vm console secret --history" "vm start secret" "host set --cpu-list all" "host audit" "events"; do
		# shellcheck disable=SC2086 # words
		refused 'permi|right|CAP_SYS_ADMIN|denied|root' within 20 setpriv --reuid 65534 --clear-groups --bounding-set=-all --inh-caps=-all ivmctl $what
	done
	same state "$(vm_state secret)" running
	# who may not know sees no names
	! setpriv --reuid 65534 --clear-groups ivmctl vm list 2>/dev/null | grep -q secret || bad "the list shows VMs to everyone"
}

run_tests unload_is_refused_while_a_vm_exists unload_and_load_again other_users
