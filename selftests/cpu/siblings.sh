#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P7: nothing runs beside a vCPU on its core; the other threads of IVM's cores are offline while VMs run.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

online() { cat /sys/devices/system/cpu/online; }
threads_of() { cat "/sys/devices/system/cpu/cpu$1/topology/thread_siblings_list"; }

# They come back siblings_linger seconds after the last VM: two here, where half a minute is the default.
back() { wait_for 25 online_is "$1" || bad "CPUs online afterwards: $(online), wanted $1"; }
online_is() { [ "$(online)" = "$1" ]; }

need_siblings()
{
	need_vcpus 2
	[ "$(cat /sys/devices/system/cpu/present)" = 0-3 ] || skip_it "this host has no two cores of two threads"
	wait_for 90 online_is 0-3 || give_up "of CPUs 0-3 only $(online) are online: siblings did not come back"
	[ "$(threads_of 0)" = 0-1 ] || skip_it "this host has no two cores of two threads"
}

cpu_is() { [ "$(vcpu_cpu "$1")" = "$2" ]; }

test_offline_while_a_vm_runs() # P7
{
	need_siblings
	guest_vm one spin 1 16M
	guest_vm two spin 2 16M
	same "siblings that are offline before" "$(host_get smt-offline)" ""
	vm_start one
	same "CPUs online beside one VM" "$(online)" 0,2
	same "siblings that are offline" "$(host_get smt-offline)" 1,3
	vm_start two
	ivmctl vm stop one --force >/dev/null
	same "CPUs online beside the other" "$(online)" 0,2
	ivmctl vm pause two
	same "CPUs online beside a paused one" "$(online)" 0,2
	ivmctl vm stop two --force >/dev/null
	back 0-3
	# what was offline before stays so
	defer bring 3 1
	bring 3 0
	vm_start one
	same "siblings that are offline because of IVM" "$(host_get smt-offline)" 1
	ivmctl vm stop one --force >/dev/null
	back 0-2
}

test_nobody_brings_one_back() # P7
{
	need_siblings
	guest_vm held heartbeat 2 16M ""
	vm_start held
	wait_for 30 beats_on held 3 || give_up "the guest does not beat"
	bring 1 1 && bad "CPU 1 came online beside a vCPU"
	bring 3 1 && bad "CPU 3 came online beside a vCPU"
	same "CPUs online" "$(online)" 0,2
	dmesg >log
	grep -q 'ivm: CPU 1 stays offline' log || bad "the kernel's log does not say why"
	n=$(beats held)
	wait_for 20 beats_on held $((n + 3)) || bad "no beat afterwards"
	# the core of a thread that goes is the other one's
	defer bring 2 1
	bring 2 0 || give_up "CPU 2 cannot go"
	bring 3 1 || bad "CPU 3 has its core for itself, and cannot come online"
	bring 2 1 && bad "CPU 2 came online beside a vCPU"
	n=$(beats held)
	wait_for 20 beats_on held $((n + 3)) || bad "no beat on CPU 3"
	ivmctl vm stop held --force >/dev/null
	bring 2 1
	back 0-3
}

test_cores_change_under_a_vm() # P7
{
	need_siblings
	defer ivmctl host set cores=all
	guest_vm moved heartbeat 1 16M ""
	vm_start moved
	ivmctl host set cores=0 || bad "cannot give IVM core 0 alone"
	same "CPUs online with core 0" "$(online)" 0,2-3
	wait_for 10 cpu_is moved 0 || bad "the vCPU is on CPU $(vcpu_cpu moved)"
	ivmctl host set cores=3 || bad "cannot give IVM the core of CPU 3"
	same "CPUs online with core 2" "$(online)" 0-2
	wait_for 10 cpu_is moved 2 || bad "the vCPU is on CPU $(vcpu_cpu moved)"
	# named by a thread that is offline because of us
	ivmctl host set cores=0,3 || bad "cannot name a core by its thread that is offline"
	same "CPUs online with both cores" "$(online)" 0,2
	refused "one of them" ivmctl host set cores=0 cpu-list=0
	n=$(beats moved)
	wait_for 20 beats_on moved $((n + 3)) || bad "no beat afterwards"
	ivmctl vm stop moved --force >/dev/null
	back 0-3
}

# A task that wants the sibling for itself alone gets nothing of it.
test_hog_on_the_sibling() # P7
{
	need_siblings
	taskset -c 1 sh -c 'while :; do :; done' &
	hog=$!
	defer kill $hog
	guest_vm quiet spin 1 16M
	vm_start quiet
	same "CPUs online" "$(online)" 0,2
	a=$(awk '{ print $39 }' /proc/$hog/stat)
	[ "$a" != 1 ] && [ "$a" != 3 ] || bad "the hog is on CPU $a"
	ivmctl vm stop quiet --force >/dev/null
	back 0-3
}

# Half a minute each time would be most of this test.
echo 2 >/sys/module/ivm/parameters/siblings_linger

run_tests offline_while_a_vm_runs nobody_brings_one_back cores_change_under_a_vm hog_on_the_sibling
