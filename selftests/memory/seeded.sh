#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P11, the other way round: memory that is made wrong on purpose (a module built
# with IVM_DEBUG=1). The audit finds it, and the one function that installs
# leaves refuses a frame that has a place already.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

SEED=/sys/kernel/debug/ivm_mem/seed

# A paused VM: it would see its memory change.
victim()
{
	mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug 2>/dev/null
	[ -e $SEED ] || skip_it "the module is built without IVM_DEBUG"
	guest_vm victim heartbeat 1 16M ""
	vm_start victim
	ivmctl vm pause victim ||
		give_up "it does not pause: $(vm_get victim stop-reason) $(vm_get victim text)"
}

found() # HARM
{
	echo "$1" >$SEED || give_up "the seed '$1' does not grow"
	refused 'violations? of memory isolation' ivmctl host audit
	say "$1: $(cat refused.err)"
	grep '^violation ' refused.out | head -n 3 | sed 's/^/#   /'
	grep -qE "^violation  *VM $(vm_get victim id): .*(gfn|frame|pages)" refused.out || bad "VM, address and frame are not named"
	echo undo >$SEED || give_up "'$1' cannot be undone"
	ivmctl host audit >audit || bad "there are violations after '$1' was undone: $(cat audit)"
}

test_audit_finds_a_wrong_record() { victim; found record; }
test_audit_finds_a_frame_with_two_places() { victim; found alias; }
test_audit_finds_a_frame_without_a_place() { victim; found unmap; }

test_a_second_leaf_is_refused()
{
	local before

	victim
	before=$(cat $SEED)
	refused 'not permitted' bash -c "echo steal >$SEED"
	same "refusals" "$(cat $SEED)" $((before + 1))
	ivmctl host audit >audit || bad "there are violations: $(cat audit)"
}

# Of another VM, and of an earlier life of its own.
test_a_frame_of_others_is_refused()
{
	local before kind

	victim
	guest_vm other heartbeat 1 16M ""
	vm_start other
	before=$(cat $SEED)
	for kind in foreign stale; do
		refused 'not permitted' bash -c "echo $kind >$SEED"
	done
	same "refusals" "$(cat $SEED)" $((before + 2))
	ivmctl host audit >audit || bad "there are violations: $(cat audit)"
}

run_tests a_frame_of_others_is_refused audit_finds_a_wrong_record audit_finds_a_frame_with_two_places audit_finds_a_frame_without_a_place \
	a_second_leaf_is_refused
