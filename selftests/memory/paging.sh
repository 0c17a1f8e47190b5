#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P8 by two ways of paging: what a guest sees of its own page tables is the same.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

OPS=${PAGING_OPS:-20000} SEEDS=${PAGING_SEEDS:-1 2 3}
module=/lab/ivm.ko

with_module() # PARAMETER...
{
	rmmod ivm || give_up "the module does not unload: $(lsmod | grep ivm)"
	insmod $module "$@" || give_up "it does not load with $*"
	ivmctl host set reserve=50% >/dev/null
}

# The results of all seeds, a line each, into FILE.
results() # FILE
{
	local seed

	for seed in $SEEDS; do
		guest_vm "seed$seed" paging 1 32M "ops=$OPS seed=$seed"
		vm_start "seed$seed"
	done
	for seed in $SEEDS; do
		wait_for $((300 + OPS / 50)) vm_ended "seed$seed" || give_up "seed $seed has not ended"
		same "verdict of seed $seed" "$(vm_get "seed$seed" stop-code)" 16
		console "seed$seed" | sed -n 's/^# result of/result of/p' | grep . || bad "seed $seed has no result"
		ivmctl vm delete "seed$seed"
	done >"$1"
	sed 's/^/# /' "$1"
}

test_nested_and_shadow_agree() # P8
{
	[ -e $module ] || skip_it "no $module here"
	[ "$(host_get nested-paging)" = true ] || skip_it "this host has no nested paging"
	defer with_module
	results nested
	with_module nested_paging=0
	[ "$(host_get nested-paging)" != true ] || bad "it says that guests have nested paging"
	results shadow
	cmp nested shadow || bad "they do not agree: $(diff nested shadow)"
	ivmctl host audit >audit || bad "there are violations: $(cat audit)"
}

# One vCPU changes the entry that others go through.
test_races() # P8
{
	need_vcpus 2
	guest_run race "$(vcpus_max)" 16M "" 400
}

run_tests nested_and_shadow_agree races
