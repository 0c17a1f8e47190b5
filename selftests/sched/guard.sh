#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P7 by the policy guard: siblings stay online, and nothing but interrupts runs there while their core is in guest mode.
#
# How much a task gets is judged where instructions are counted (lab/run -i -p 2x2).
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

online() { cat /sys/devices/system/cpu/online; }
online_is() { [ "$(online)" = "$1" ]; }
threads_of() { cat "/sys/devices/system/cpu/cpu$1/topology/thread_siblings_list"; }

need_siblings()
{
	need_vcpus 2
	wait_for 90 online_is 0-3
	[ "$(online)" = 0-3 ] && [ "$(threads_of 0)" = 0-1 ] || skip_it "this host has no two cores of two threads"
}

use_guard()
{
	need_siblings
	defer ivmctl host set smt=exclusive
	ivmctl host set smt=guard || give_up "the policy cannot be set"
}

# Of core 0, which host show lists first.
core_ns() { ivmctl --json host show | grep -oE "\"$1\" ?: ?[0-9]+" | head -n 1 | grep -oE '[0-9]+$'; }
vm_guest_ms() { ivmctl --json vm show "$1" | grep -oE '"guest-ns" ?: ?[0-9]+' | grep -oE '[0-9]+$' | awk '{ s += $1 } END { printf "%d\n", s / 1000000 }'; }
cpu_ms() { awk '{ printf "%d\n", $1 / 1000000 }' "/proc/$1/schedstat"; }

spinner() # NAME VCPUS
{
	guest_vm "$1" spin "$2" 16M how=pause
	vm_start "$1"
	wait_for 60 console_has "$1" "spinning by pause on $2 vCPUs" || give_up "$1 did not bring up $2 vCPUs"
}

test_siblings_stay_online() # P7
{
	use_guard
	same "the policy" "$(host_get smt)" guard
	spinner one 2
	same "CPUs online beside a VM" "$(online)" 0-3
	same "siblings that are offline" "$(host_get smt-offline)" ""
	refused 'stop them' ivmctl host set smt=exclusive
	same "the policy, after a refusal" "$(host_get smt)" guard
	[ "$(core_ns held-ns)" -gt 0 ] || bad "no sibling was held"
	ivmctl vm stop one --force >/dev/null
	ivmctl host set smt=exclusive || bad "the policy cannot be set back"
	vm_start one
	same "CPUs online with the policy exclusive" "$(online)" 0,2
}

test_words_that_are_no_policy()
{
	for word in maybe '' Guard exclusive,guard; do
		refused 'exclusive or guard|value|empty' ivmctl host set smt="$word"
	done
	same "the policy" "$(host_get smt)" exclusive
}

# Of what passes, a hog on the sibling of a vCPU has at most what the guest does not have.
hog_gets() # VMS COMMAND...
{
	local vms=$1 hog had guest begin passed vm before

	shift
	need_counting
	use_guard
	defer ivmctl host set cores=all reserve="$reserve"
	ivmctl host set cores=0 reserve=10%
	for vm in $(seq "$vms"); do spinner "quiet$vm" 1; done
	"$@" taskset -c 1 sh -c 'while :; do :; done' &
	hog=$!
	defer kill $hog
	sleep 1
	before=$(vm_guest_ms quiet1)
	begin=${EPOCHREALTIME/./} had=$(cpu_ms $hog) guest=$(core_ns guest-ns)
	sleep 2
	guest=$((($(core_ns guest-ns) - guest) / 1000000)) had=$(($(cpu_ms $hog) - had))
	passed=$(((${EPOCHREALTIME/./} - begin) / 1000))
	before=$(($(vm_guest_ms quiet1) - before))
	say "of $passed ms $vms guests had $guest, the first $before, a hog on the sibling $had; interrupts while held: $(core_ns held-irq-ns) ns"
	[ $((before * vms)) -ge $((guest * 95 / 100)) ] || bad "the first of $vms guests has $before of $guest ms"
	at_most "ms of the guests and of the hog" $((guest + had)) $((passed * 101 / 100))
	[ $guest -ge $((passed * 7 / 10)) ] || bad "the guests have $guest ms of $passed"
	[ $had -ge $((passed * 5 / 100)) ] || bad "the hog has $had ms of $passed, and the host's reserve is a tenth"
	kill $hog
}

test_an_ordinary_hog_on_the_sibling() { hog_gets 1 env; } # P7
test_a_real_time_hog_on_the_sibling() { hog_gets 1 chrt -f 50; } # P7
test_a_hog_beside_two_vms() { hog_gets 2 env; } # P6 P7

test_siblings_come_and_go() # P7
{
	use_guard
	guest_vm held heartbeat 2 16M ""
	vm_start held
	wait_for 30 beats_on held 3 || give_up "the guest does not beat"
	defer bring 1 1
	defer bring 2 1
	for cpu in 1 2; do	# a sibling; the first thread of a core, whose other one leads it then
		bring $cpu 0 || bad "CPU $cpu cannot go"
		n=$(beats held)
		wait_for 20 beats_on held $((n + 3)) || bad "no beat without CPU $cpu"
		bring $cpu 1 || bad "CPU $cpu cannot come back"
		n=$(beats held)
		wait_for 20 beats_on held $((n + 3)) || bad "no beat with CPU $cpu back"
	done
	same "CPUs online" "$(online)" 0-3
	ivmctl vm stop held --force >/dev/null
}

reserve=$(host_get reserve)
# Half a minute each time would be most of this test.
echo 2 >/sys/module/ivm/parameters/siblings_linger

run_tests siblings_stay_online words_that_are_no_policy an_ordinary_hog_on_the_sibling a_real_time_hog_on_the_sibling a_hog_beside_two_vms siblings_come_and_go
