#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P3: a vCPU is one kernel thread. P4: those of one VM are on cores of their own.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

core_of() # CPU: its physical core, named by its first thread
{
	sed 's/[,-].*//' "/sys/devices/system/cpu/cpu$1/topology/thread_siblings_list"
}

test_one_thread_each_on_cores_of_their_own() # P3 P4
{
	local n

	n=$(vcpus_max)
	guest_vm wide spin "$n" 16M how=hlt
	vm_start wide
	wait_for 30 console_has wide "spinning by hlt on $n vCPUs" || give_up "the guest did not bring up $n vCPUs"
	ivm_threads wide >threads
	same "number of vCPU threads" "$(wc -l <threads)" "$n"
	for ((i = 0; i < n; i++)); do
		grep -qx "ivm-wide/$i" threads || bad "no thread is called ivm-wide/$i: $(tr '\n' ' ' <threads)"
	done
	ivmctl --json vm show wide >show
	# each thread is bound to one CPU, no two to one core
	grep -oE '"tid" ?: ?[0-9]+' show | grep -oE '[0-9]+' >tids
	same "number of threads that vm show names" "$(wc -l <tids)" "$n"
	while read -r tid; do
		cpu=$(sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$tid/status")
		[[ $cpu =~ ^[0-9]+$ ]] || { bad "thread $tid may run on '$cpu'"; continue; }
		core_of "$cpu"
	done <tids >cores
	same "number of distinct cores" "$(sort -u cores | wc -l)" "$n"
	# and host show draws it so: each vCPU on another core
	ivmctl host show >machine
	same "cores that host show draws with a vCPU of it" "$(grep -cE '^  core .* wide/[0-9]+ ' machine)" "$n"
	ivmctl --json host show | grep -qE '"vm" ?: ?"wide", ?"vcpu" ?: ?0, ?"cpu" ?: ?[0-9]+' || bad "host show --json does not place vCPU 0"
	ivmctl vm stop wide --force >/dev/null
	same "threads left after the stop" "$(ivm_threads wide | wc -l)" 0
}

test_too_many_vcpus() # both numbers are in the refusal
{
	local n

	n=$(vcpus_max)
	[ "$n" -lt 64 ] || skip_it "this host has 64 cores"
	vm_create broad kernel="$GUESTS/spin.elf" vcpus=$((n + 1)) memory=16M
	refused "$((n + 1)).*$n|$n.*$((n + 1))" ivmctl vm start broad
	same state "$(vm_state broad)" defined
}

# affinity= says which vCPU belongs on which core.
test_affinity() # P4
{
	need_vcpus 2
	guest_vm pinned spin 2 16M
	ivmctl vm set pinned affinity=2,0
	[ "$(core_of 2)" = 2 ] || skip_it "CPU 2 begins no core here"
	vm_start pinned
	ivmctl --json vm show pinned >show
	same "CPUs of vCPU 0 and 1" "$(grep -oE '"cpu" ?: ?[0-9]+' show | grep -oE '[0-9]+' | tr '\n' ' ')" "2 0 "
	same affinity "$(vm_get pinned affinity)" 2,0
	ivmctl vm set pinned affinity=0,2
	ivmctl --json vm show pinned | grep -qE '"differs" ?: ?\[ ?"affinity" ?\]' || bad "vm show does not say that affinity differs"
	ivmctl vm stop pinned --force >/dev/null
	vm_start pinned
	same "CPU of vCPU 0" "$(vcpu_cpu pinned)" 0
	ivmctl vm stop pinned --force >/dev/null
	for try in "0,99:no CPU 99" "0:names 1 CPUs, and the VM has 2" "0,2,3:names 3 CPUs" "nonsense:expected a list" "0,0:of one core"; do
		ivmctl vm set pinned affinity="${try%%:*}"
		refused "${try#*:}" ivmctl vm start pinned
	done
	guest_vm one spin 1 16M
	ivmctl vm set one affinity=2
	vm_start one
	same "CPU of the other VM's vCPU" "$(vcpu_cpu one)" 2
	refused "pinned to the core of CPU 2" ivmctl host set cores=0
	ivmctl vm stop one --force >/dev/null
	ivmctl vm set pinned affinity=
	vm_start pinned
	same "affinity when there is none" "$(vm_get pinned affinity)" ""
}

# The guest's time in a spin is the thread's CPU time: no helper thread does its work.
test_guest_time_is_accounted()
{
	guest_vm busy spin 1 16M
	vm_start busy
	wait_for 30 console_has busy spinning || give_up "the guest does not spin"
	tid=$(ivmctl --json vm show busy | grep -oE '"tid" ?: ?[0-9]+' | grep -oE '[0-9]+')
	a=$(awk '{ print $14 + $15 }' "/proc/$tid/stat")
	sleep 3
	b=$(awk '{ print $14 + $15 }' "/proc/$tid/stat")
	[ $(((b - a) * 100 / $(getconf CLK_TCK))) -ge 100 ] || bad "the thread got $((b - a)) ticks in 3 s of spinning"
}

run_tests one_thread_each_on_cores_of_their_own too_many_vcpus affinity guest_time_is_accounted
