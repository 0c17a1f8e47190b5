#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Stock Linux guests on a switch: who reaches whom (P1), and what becomes of
# frames and devices when a VM is reset, paused, stopped, or started often.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=stock.sh
. "$(dirname "$0")/stock.sh"

# P1: VLANs are apart, whatever addresses say; one VLAN is together.
test_vlans()
{
	new_switch
	guest a 1 vlan:10
	guest b 2 vlan:10
	ready a 1
	ready b 2
	must_ping b 1
	must_ping a 2
	must_ping b 1 3 "-s 1472"
	must_ping b 1 3 "-s 65000"
	guest c 3 vlan:20
	ready c 3
	must_not_ping c 1
	must_not_ping b 3
	# nothing but the VLAN was in the way
	ivmctl port set "$(ifname c)" access=10 || bad "its VLAN cannot be changed"
	must_ping c 1
	ivmctl port set "$(ifname c)" access=20
	must_not_ping c 1
}

feature() # VM BIT NAME: of its card, as its driver took it
{
	[ "$(sed -n "s/^[01]\{$2\}\(.\).*/\1/p" "$1.features")" = 1 ] || bad "$1's driver has not taken $3"
}

# What a stock driver makes of the card: offloads, a pair of queues for each vCPU, link state, the address.
test_card_of_a_stock_guest()
{
	local drops

	need_vcpus 3
	new_switch
	guest b 2 vlan:10
	VCPUS=2 guest a 1 vlan:10,queues:2
	ready a 1
	ready b 2
	do_in a 30 "cat /sys/bus/virtio/devices/virtio0/features; ls /sys/class/net/eth0/queues | tr '\n' ' '; grep -c 'virtio0-input' /proc/interrupts; uname -r"
	grep -oE '^[01]{64}$' a.out >a.features
	feature a 0 CSUM
	feature a 1 GUEST_CSUM
	feature a 7 GUEST_TSO4
	feature a 8 GUEST_TSO6
	feature a 11 HOST_TSO4
	feature a 12 HOST_TSO6
	feature a 15 MRG_RXBUF
	feature a 16 STATUS
	feature a 17 CTRL_VQ
	feature a 22 MQ
	feature a 29 EVENT_IDX
	feature a 32 VERSION_1
	grep -q 'rx-0 rx-1 tx-0 tx-1' a.out || { bad "not two pairs of queues for two vCPUs"; sed 's/^/# /' a.out; }
	# each vCPU sends by a queue of its own
	for cpu in 1 2; do
		do_in a 60 "taskset $cpu ping -c 3 -W 2 10.0.0.2" || { bad "vCPU $cpu cannot ping"; sed 's/^/# /' a.out; }
	done
	# the operator pulls the plug, and puts it in again
	ip link set "$(ifname a)" down
	do_in a 30 "sleep 1; cat /sys/class/net/eth0/carrier" || bad "no carrier file"
	grep -qx 0 a.out || bad "the guest does not see that its link is down"
	must_not_ping b 1
	ip link set "$(ifname a)" up
	do_in a 30 "sleep 1; cat /sys/class/net/eth0/carrier"
	grep -qx 1 a.out || bad "the guest does not see that its link is up"
	must_ping b 1
	# P2: another address than the definition's gets it nowhere
	drops=$(ethtool -S "$(ifname a)" | sed -n 's/^ *drop_guard_mac: //p')
	do_in a 30 "ip link set eth0 address 02:00:00:00:00:77; cat /sys/class/net/eth0/address; true"
	if grep -qx 02:00:00:00:00:77 a.out; then
		must_not_ping a 2
		[ "$(ethtool -S "$(ifname a)" | sed -n 's/^ *drop_guard_mac: //p')" -gt "${drops:-0}" ] ||
			bad "its frames under a false name are not counted"
	else
		say "its driver is refused another address"
		must_ping a 2
	fi
}

# The guest's count of what it sent and got is the host's, from the other side.
guest_counts() # NAME: sets sent, got
{
	do_in "$1" 30 "cd /sys/class/net/eth0/statistics; cat tx_packets rx_packets; cd"
	read -r -d '' sent got < <(grep -E '^[0-9]+$' "$1.out")
}
host_count() { cat "/sys/class/net/$(ifname "$1")/statistics/$2"; } # NAME COUNTER

# Sets sent, got (the guest's) and rx, tx (the host's) of one moment: nothing moved while they were read.
counts_of_now() # NAME
{
	rx=$(host_count "$1" rx_packets) tx=$(host_count "$1" tx_packets)
	guest_counts "$1"
	[ "$rx" = "$(host_count "$1" rx_packets)" ] && [ "$tx" = "$(host_count "$1" tx_packets)" ]
}

test_counters()
{
	local sent got rx tx sent_before got_before rx_before tx_before

	new_switch
	guest a 1 vlan:10
	guest b 2 vlan:10
	ready a 1
	ready b 2
	# nothing but what is asked for
	do_in a 30 "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
	do_in b 30 "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
	must_ping b 1
	wait_for 60 counts_of_now a || give_up "there is always traffic"
	sent_before=$sent got_before=$got rx_before=$rx tx_before=$tx
	must_ping b 1 20 "-i 0.1"
	wait_for 60 counts_of_now a || give_up "there is always traffic"
	[ $((sent - sent_before)) -ge 20 ] || bad "20 answers are $((sent - sent_before)) frames"
	same "frames from a, as the host counts" $((rx - rx_before)) $((sent - sent_before))
	same "frames to a, as the host counts" $((tx - tx_before)) $((got - got_before))
}

# TCP for as long as it goes. The listener's standard input never ends, or it would.
stream() # FROM TO NUMBER-OF-TO
{
	do_in "$2" 30 "(tail -f /dev/null | while :; do nc -l -p 5000; done) >/dev/null 2>&1 & sleep 1"
	do_in "$1" 30 "(while :; do nc 10.0.0.$3 5000 </dev/zero; sleep 1; done) >/dev/null 2>&1 & sleep 1"
}
frames() { cat "/sys/class/net/$(ifname "$1")/statistics/rx_packets"; }	# that it sent
more_frames() { [ "$(frames "$1")" -ge "$2" ]; }
flows() # NAME: it sends
{
	vm_is "$1" running || { tell "$1"; give_up "$1 does not run ${2:-}"; }
	wait_for 60 more_frames "$1" $(($(frames "$1") + 200)) || { tell "$1"; give_up "nothing flows from $1 ${2:-}"; }
}

test_pause_and_resume_under_traffic()
{
	local n

	new_switch
	guest a 1 vlan:10
	guest b 2 vlan:10
	ready a 1
	ready b 2
	stream a b 2
	flows a
	ivmctl vm pause b || bad "it does not pause"
	sleep 3
	n=$(frames a)
	sleep 3
	at_most "frames into a guest that is paused" $(($(frames a) - n)) 100
	ivmctl vm resume b || bad "it does not resume"
	flows a "after the receiver went on"
	ivmctl vm pause a
	sleep 1
	n=$(frames a)
	sleep 2
	same "frames of a guest that is paused" "$(frames a)" "$n"
	ivmctl vm resume a
	flows a "after it went on"
}

test_reset_under_traffic()
{
	local device who

	new_switch
	guest a 1 vlan:10
	guest b 2 vlan:10
	ready a 1
	ready b 2
	stream a b 2
	for who in a b; do
		flows a
		device=$(cat "/sys/class/net/$(ifname $who)/ifindex")
		ivmctl vm reset $who || bad "$who cannot be reset"
		same "device of $who" "$(cat "/sys/class/net/$(ifname $who)/ifindex")" "$device"
		# behind the prompt of its last life
		again() { [ "$(console $who | grep -c 'guest ready cpus=')" -ge 2 ]; }
		wait_for 180 again || { tell $who; give_up "$who does not come back"; }
		ready $who "$([ $who = a ] && echo 1 || echo 2)"
		stream a b 2
		flows a "after $who was reset"
	done
}

test_stop_under_traffic()
{
	local device

	new_switch
	guest a 1 vlan:10
	guest b 2 vlan:10
	ready a 1
	ready b 2
	stream a b 2
	flows a
	device=$(ifname b)
	ivmctl vm stop b --force >/dev/null || bad "it cannot be stopped"
	[ ! -e "/sys/class/net/$device" ] || bad "its device stays"
	# the sender lives on, and a new receiver finds it
	do_in a 30 "echo alive" || bad "the sender does not live on"
	vm_start b
	ready b 2
	must_ping b 1
}

# The switch goes while guests send: they notice that the link is down, no more.
test_switch_goes_under_traffic()
{
	new_switch
	guest a 1 vlan:10
	guest b 2 vlan:10
	ready a 1
	ready b 2
	stream a b 2
	flows a
	ip link del $SW || bad "the switch cannot be deleted"
	same "devices without their switch" "$(cards)" 2
	do_in a 30 "echo alive" || bad "a is dead"
	do_in b 30 "echo alive" || bad "b is dead"
	same "state of a" "$(vm_state a)" running
	ivmctl vm stop a --force >/dev/null
	ivmctl vm stop b --force >/dev/null
	same "devices" "$(cards)" 0
}

test_start_without_switch()
{
	local frames

	frames=$(host_get frames)
	vm_create none kernel="$GUESTS/heartbeat.elf" memory=16M nic=switch:nowhere,mac:02:00:00:00:00:01,vlan:10
	refused nowhere ivmctl vm start none
	same "devices" "$(cards)" 0
	same "frames of VMs" "$(host_get frames)" "$frames"
}

# One address, one port, in the VLANs that two have in common. Among VMs the manager
# sees to it already; the module does for whatever else is a port.
test_address_that_is_taken()
{
	local mac=02:00:00:00:00:01 program="kernel=$GUESTS/heartbeat.elf"

	new_switch
	ip link add p0 type veth peer name q0 || give_up "no veth pair can be made"
	defer ip link del p0
	ivmctl port attach $SW p0 access=10 macs=$mac || give_up "p0 is no port"
	vm_create first "$program" memory=16M nic=switch:$SW,mac:02:00:00:00:00:02,vlan:10 nic=switch:$SW,mac:$mac,trunk:9-11
	refused "nic0: mac $mac is that of a card of VM 'first'" \
		ivmctl vm create second "$program" memory=16M nic=switch:$SW,mac:$mac,vlan:20
	refused 'network card 2.*MAC' ivmctl vm start first
	same "devices" "$(cards)" 0
	ivmctl port set p0 access=12 || bad "its VLAN cannot be changed"
	vm_start first
	same "devices" "$(cards)" 2
	refused 'another port.*MAC' ivmctl port set p0 access=11
	ivmctl vm stop first --force >/dev/null
	ivmctl port set p0 access=11 || bad "the address is not given back"
}

# One start and stop leaves nothing, or fifty would be seen.
test_start_and_stop()
{
	local i slab_before slab_after threads

	new_switch
	vm_create often kernel="$GUESTS/heartbeat.elf" memory=16M nic=switch:$SW,mac:02:00:00:00:00:01,vlan:10 \
		nic=switch:$SW,mac:02:00:00:00:00:02,trunk:10+20
	once()
	{
		vm_start often
		[ "$(cards)" = 2 ] || bad "$(cards) devices, not 2"
		ivmctl vm stop often --force >/dev/null || bad "it does not stop"
	}
	# caches fill
	for ((i = 0; i < 10; i++)); do once; done
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	slab_before=$(slab)
	for ((i = 0; i < 50; i++)); do once; done
	same "devices" "$(cards)" 0
	threads=$(ivm_threads often | wc -l)
	same "threads" "$threads" 0
	same "frames of VMs" "$(host_get frames)" 0
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	slab_after=$(slab)
	say "slab $slab_before kB, after 50 cycles $slab_after kB"
	# a net_device and a card are tens of kilobytes: 100 of them would be megabytes
	at_most "growth of the slab (kB)" $((slab_after - slab_before)) 1500
}

# LONG: those too that take an emulated host many minutes
run_tests vlans card_of_a_stock_guest ${LONG:+counters pause_and_resume_under_traffic reset_under_traffic stop_under_traffic \
	switch_goes_under_traffic start_without_switch address_that_is_taken start_and_stop}
