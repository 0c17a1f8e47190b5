#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Vector registers of guest and host are each other's secret and property:
# a guest computes in them beside a host kernel that does so in softirqs and tasks.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

ROUNDS=${FPU_ROUNDS:-1000000}
stress=/sys/kernel/debug/ivm_fpu_stress

test_no_bit_differs_either_way()
{
	local vms=1 n line

	[ -d /sys/kernel/debug/clear_warn_once ] || mount -t debugfs none /sys/kernel/debug 2>/dev/null
	n=$(vcpus_max)
	[ "$n" -lt 2 ] || vms=2	# two guests as well, on cores of their own
	module=$(module_file ivm_fpu_stress)
	[ -n "$module" ] || skip_it "ivm_fpu_stress.ko was not built for this kernel"
	insmod "$module" || give_up "cannot load ivm_fpu_stress"
	defer rmmod ivm_fpu_stress
	for ((i = 0; i < vms; i++)); do
		guest_vm "fpu$i" fpu 1 16M "rounds=$((ROUNDS / vms))"
		vm_start "fpu$i"
	done
	seen=0 since=$SECONDS
	for ((end = SECONDS + ${FPU_SECONDS:-900}; SECONDS < end; )); do
		left=0
		for ((i = 0; i < vms; i++)); do
			vm_ended "fpu$i" || left=1
		done
		[ $left = 1 ] || break
		now=$(console fpu0 | grep -c 'done$')
		[ "$now" = "$seen" ] || { seen=$now since=$SECONDS; say "$(console fpu0 | grep 'done$' | tail -n 1 | sed 's/^# //'); host: $(cat $stress)"; }
		[ $((SECONDS - since)) -lt 240 ] || { bad "no progress for 240 s: a guest hangs"; break; }
		sleep 1
	done
	line=$(cat $stress)
	say "$line"
	[ "$left" = 0 ] || bad "not done after 900 s"
	for ((i = 0; i < vms; i++)); do
		console "fpu$i" | grep -E '^(ok|not ok|# .*fpu.c)' | sed 's/^/#   /'
		same "verdict of guest $i" "$(vm_get "fpu$i" stop-code)" 16
	done
	[[ $line =~ softirq\ ([0-9]+)\ thread\ ([0-9]+)\ errors\ ([0-9]+) ]] || give_up "no result of the host"
	same "errors of the host" "${BASH_REMATCH[3]}" 0
	[ "${BASH_REMATCH[1]}" -ge 100 ] && [ "${BASH_REMATCH[2]}" -ge 100 ] || bad "the host hardly used its registers"
}

run_tests no_bit_differs_either_way
