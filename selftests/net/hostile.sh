#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Drivers that break the rules of virtio, on a switch that others use (P8): their
# own queues stop, and nobody else notices. What they do is in guests/virtio*.c.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=net.sh
. "$(dirname "$0")/net.sh"

# A neighbourhood: two stations of VLAN 10, one of them behind an uplink, and one of VLAN 20.
neighbours()
{
	sw_new sw0
	host_new sw0 a 10.0.0.1/24 mode=1 access=10
	host_new sw0 b 10.0.0.2/24 mode=1 access=10 role=1
	host_new sw0 c 10.0.0.3/24 mode=1 access=20
	# and somebody who talks to all, a little at a time
	port_new sw0 d mode=1 access=10
	(while "$FRAMES" macs qd 20; do sleep 0.1; done) >/dev/null 2>&1 &
	defer kill $!
}

# To the end of a guest program, with a ping from neighbour to neighbour all the time:
# hostile PROGRAM [VCPUS [CMDLINE]]
hostile()
{
	local program=$1 vcpus=${2:-1} lost before pings

	neighbours
	defer vm_gone "$program"
	ivmctl vm create "$program" kernel="$GUESTS/$program.elf" vcpus="$vcpus" memory=64M debug-exit=0xf4 \
		cmdline="${3:-}" nic=switch:sw0,vlan:10,mac:02:00:00:00:00:10 || give_up "no VM"
	before=$(stat pc tx)
	ip netns exec a ping -i 0.2 -W 2 10.0.0.2 >pings 2>&1 &
	pings=$!
	defer kill $pings
	vm_start "$program"
	wait_for 400 vm_ended "$program" || bad "it has not ended"
	console "$program" | grep -E '^(not ok|Bail|# )' | sed -E 's/^(# )?/#   /'
	console "$program" | grep -q '^1\.\.' || bad "no plan: $(vm_get "$program" stop-reason) $(vm_get "$program" text)"
	same "what it ended by" "$(vm_get "$program" stop-reason) $(vm_get "$program" stop-code)" "debug-exit 16"
	say "$(console "$program" | grep -c '^ok') cases; $(ethtool -S sw0 | sed -n 's/ *rx: //p') frames on the switch"
	kill -INT $pings
	wait $pings
	lost=$(sed -nE 's/.* ([0-9.]+)% packet loss.*/\1/p' pings)
	same "loss between neighbours in percent" "${lost:-all}" 0
	# ARP of nobody: what came there came out of another VLAN
	same "frames that came to VLAN 20" "$(stat pc tx)" "$before"
	vm_gone "$program" >/dev/null 2>&1
	balanced_all sw0
}

test_by_the_rules() { hostile virtio; }
test_against_the_rules() { hostile virtio_bad "$(vcpus)"; }
test_lies_about_frames() { hostile virtio_net "$(vcpus)"; }

# Some cases want somebody who changes things meanwhile.
vcpus() { [ "$(vcpus_max)" -ge 2 ] && echo 2 || echo 1; }

run_tests by_the_rules against_the_rules lies_about_frames
