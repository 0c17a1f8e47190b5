#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Vector registers of guest and host are each other's secret and property:
# a guest computes in them beside a host that does so in softirqs, kernel threads and processes.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

ROUNDS=${FPU_ROUNDS:-1000000}	# of all guests together
LIMIT=$((${FPU_SECONDS:-900} * SLOW))
stress=/sys/kernel/debug/ivm_fpu_stress

begun() { console "$1" | grep -q '^# .* rounds with'; }
percent() { console "$1" | grep -oE '[0-9]+% done$' | tail -n 1; }

test_no_bit_differs_either_way()
{
	local vms=1 n line='' seen='' now since cpus='' users='' uses=0 least

	[ -d /sys/kernel/debug/clear_warn_once ] || mount -t debugfs none /sys/kernel/debug 2>/dev/null
	n=$(vcpus_max)
	[ "$n" -lt 2 ] || vms=2	# two guests as well, on cores of their own
	module=$(module_file ivm_fpu_stress)
	[ -n "$module" ] || skip_it "ivm_fpu_stress.ko was not built for this kernel"
	for ((i = 0; i < vms; i++)); do
		guest_vm "fpu$i" fpu 1 16M "rounds=$((ROUNDS / vms))"
		vm_start "fpu$i"
		cpus+=,$(vcpu_cpu "fpu$i")
	done
	# The host uses registers where guests do; elsewhere that proves nothing and takes time from all.
	insmod "$module" cpus="${cpus#,}" || give_up "cannot load ivm_fpu_stress on CPUs ${cpus#,}"
	defer rmmod ivm_fpu_stress
	for cpu in ${cpus//,/ }; do
		"$SELFTESTS/cpu/fpu_user" "$cpu" >"user.$cpu" &
		users+=" $!"
		defer kill -9 $!
	done
	for ((i = 0; i < vms; i++)); do
		wait_for 60 begun "fpu$i" || give_up "guest $i does not begin"
	done
	since=$SECONDS
	for ((end = SECONDS + LIMIT; SECONDS < end; )); do
		left=0 ended=0
		now=$(cat $stress)
		for ((i = 0; i < vms; i++)); do
			vm_ended "fpu$i" && ended=1 || left=1
		done
		# what counts is what happened while all of them computed
		[ $ended = 1 ] && [ -n "$line" ] || line=$now
		[ $left = 1 ] || break
		now=$(for ((i = 0; i < vms; i++)); do percent "fpu$i"; done)
		if [ "$now" != "$seen" ]; then
			seen=$now since=$SECONDS
			say "${now//$'\n'/, }; host: $line"
		fi
		[ $((SECONDS - since)) -lt $((240 * SLOW)) ] || { bad "no progress: a guest hangs"; break; }
		sleep 1
	done
	say "$line while all guests computed; at the end: $(cat $stress)"
	[ "$left" = 0 ] || bad "not done after $LIMIT s"
	for ((i = 0; i < vms; i++)); do
		console "fpu$i" | grep -E '^(ok|not ok|# .*fpu.c)' | sed 's/^/#   /'
		same "verdict of guest $i" "$(vm_get "fpu$i" stop-code)" 16
	done
	# shellcheck disable=SC2086 # words
	kill $users
	# shellcheck disable=SC2086 # words
	wait $users
	for cpu in ${cpus//,/ }; do
		say "process on CPU $cpu: $(cat "user.$cpu")"
		[[ $(cat "user.$cpu") =~ uses\ ([0-9]+)\ errors\ 0$ ]] || bad "a process lost its registers"
		uses=$((uses + ${BASH_REMATCH[1]:-0}))
	done
	[[ $(cat $stress) =~ errors\ ([0-9]+) ]] || give_up "no result of the host"
	same "errors of the host" "${BASH_REMATCH[1]}" 0
	# some thousand times in a million rounds; how many depends on this machine's speed
	least=$((ROUNDS / 1000))
	[[ $line =~ softirq\ ([0-9]+)\ thread\ ([0-9]+) ]] || give_up "no result of the host"
	[ "${BASH_REMATCH[1]}" -ge $least ] && [ "${BASH_REMATCH[2]}" -ge $least ] ||
		bad "the host hardly used its registers: it should have, $least times each way"
	[ $uses -ge $least ] || bad "processes used their registers $uses times only"
}

run_tests no_bit_differs_either_way
