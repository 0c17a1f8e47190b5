#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# CPUs of the host that come and go under running VMs.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_cpu_of_a_running_vcpu_goes_away()
{
	need_vcpus 2
	guest_vm moving heartbeat 1 16M ""
	vm_start moving
	wait_for 30 beats_on moving 5 || give_up "the guest does not beat"
	cpu=$(vcpu_cpu moving)
	[[ $cpu =~ ^[0-9]+$ ]] || give_up "its thread may run on '$cpu'"
	if [ "$cpu" = 0 ]; then
		# CPU 0 stays: give IVM the other cores and start again
		ivmctl vm stop moving --force >/dev/null
		last=$(ls -d /sys/devices/system/cpu/cpu[0-9]* | sed 's/.*cpu//' | sort -n | tail -n 1)
		defer ivmctl host set --cpu-list all
		ivmctl host set --cpu-list "$last" || give_up "cannot choose CPU $last"
		vm_start moving
		wait_for 30 beats_on moving 5 || give_up "the guest does not beat on CPU $last"
		cpu=$(vcpu_cpu moving)
		ivmctl host set --cpu-list all
		[ "$cpu" != 0 ] || give_up "it does not leave CPU 0"
	fi
	defer bring "$cpu" 1
	siblings=$(cat "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list")
	ivmctl --json events --vm moving >events 2>/dev/null &
	defer kill $!
	sleep 1
	bring "$cpu" 0 || give_up "cannot take CPU $cpu offline"
	n=$(beats moving)
	wait_for 20 beats_on moving $((n + 5)) || bad "no beat after its CPU $cpu (siblings $siblings) went away"
	grep -qE '"event-type" ?: ?"moved"' events || bad "no event says that it moved: $(cat events)"
	now=$(vcpu_cpu moving)
	[ "$now" != "$cpu" ] || bad "its thread is still bound to CPU $cpu"
	say "moved from CPU $cpu to $now"
	bring "$cpu" 1
	n=$(beats moving)
	wait_for 20 beats_on moving $((n + 5)) || bad "no beat after CPU $cpu came back"
}

# P6: a promise that cannot be kept any longer is not broken in silence.
test_floors_that_a_cpu_takes_along()
{
	local gone

	need_vcpus 2
	defer ivmctl host set reserve="$(host_get reserve)"
	ivmctl host set reserve=50%
	guest_vm stays heartbeat 1 16M ""
	guest_vm goes heartbeat 1 16M ""
	ivmctl vm set stays cpu=40%
	ivmctl vm set goes cpu=30%
	vm_start stays
	vm_start goes
	gone=$(vcpu_cpu goes)
	if [ "$gone" = 0 ]; then
		gone=$(vcpu_cpu stays)
		ivmctl vm set stays cpu=30%
		ivmctl vm set goes cpu=40%
	fi
	defer bring "$gone" 1
	ivmctl --json events >events 2>/dev/null &
	defer kill $!
	sleep 1
	bring "$gone" 0 || give_up "cannot take CPU $gone offline"
	wait_for 20 grep -qE '"moved".*cannot be met: 10.0 % of a core' events || bad "no event says that the floors cannot be met: $(cat events)"
	bring "$gone" 1
	for vm in stays goes; do	# and it is possible again
		refused 'at most' ivmctl vm set $vm cpu=60%
	done
}

test_cpus_that_flap()
{
	need_vcpus 2
	guest_vm flap heartbeat 2 16M load=1
	guest_vm flap1 spin 1 16M ""
	vm_start flap
	vm_start flap1
	for i in 1 2 3 4 5; do
		for c in $(seq 1 $(($(nproc --all) - 1))); do
			bring "$c" 0 && bring "$c" 1
		done
	done
	n=$(beats flap)
	wait_for 20 beats_on flap $((n + 3)) || bad "no beat after the CPUs flapped"
	same state "$(vm_state flap1)" running
	same "dispatches on a core of another vCPU" "$(vm_get flap dispatches.shared)" 0 # P4
	[ "$(vm_get flap dispatches)" -gt 10 ] || bad "$(vm_get flap dispatches) dispatches"
}

test_list_of_cores()
{
	defer ivmctl host set --cpu-list all
	all=$(host_get cores)
	ivmctl host set --cpu-list 0 || bad "cannot give IVM core 0 alone"
	same cores "$(host_get cores)" 1
	refused "99|cannot have" ivmctl host set --cpu-list 99
	refused "." ivmctl host set --cpu-list nonsense
	same "cores after refusals" "$(host_get cores)" 1
	vm_create two kernel="$GUESTS/spin.elf" vcpus=2 memory=16M
	refused "2.*1|1.*2" ivmctl vm start two
	ivmctl host set --cpu-list all
	same "cores at the end" "$(host_get cores)" "$all"
}

run_tests cpu_of_a_running_vcpu_goes_away floors_that_a_cpu_takes_along cpus_that_flap list_of_cores
