#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Devices of all kinds as ports, those that go or move while frames fly, and wires that make loops.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=net.sh
. "$(dirname "$0")/net.sh"

ALL=ffffffffffff

quiet() { echo 1 >"/proc/sys/net/ipv6/conf/$1/disable_ipv6"; }

# A port of any kind, in VLAN 10: as_port DEV
as_port()
{
	quiet "$1"
	ip link set "$1" up master sw0 && "$SWCTL" port "$1" mode=1 access=10 && return
	give_up "$1 is no port"
}

# A pair of veth ends NAME and far-NAME, both up.
pair()
{
	ip link add "$1" type veth peer name "far-$1" || give_up "no veth pair $1"
	defer ip link del "$1"
	quiet "$1"
	quiet "far-$1"
	ip link set "$1" up
	ip link set "far-$1" up
}

rx_of() { cat "/sys/class/net/$1/statistics/rx_packets"; }
rx_is() { [ "$(rx_of "$1")" = "$2" ]; }

# What p1 and DEV send to each other comes through: through DEV FAR [FAR'S NUMBER OF FRAMES]
through()
{
	local before

	before=$(stat p1 tx)
	"$FRAMES" send "$2" 3 ${ALL}02000000000288b500000000
	counted p1 tx $((before + 3))
	before=$(rx_of "$2")
	"$FRAMES" send q1 5 ${ALL}02000000000188b500000000
	wait_for 5 rx_is "$2" $((before + 5)) || bad "$(($(rx_of "$2") - before)) of 5 frames came to $2"
}

# A vlan device, and one of another VLAN beside it.
test_vlan_device()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10
	pair x
	for v in 5 6; do
		ip link add link far-x name fx$v type vlan id $v
		quiet fx$v
		ip link set fx$v up
	done
	ip link add link x name x5 type vlan id 5
	as_port x5
	through x5 fx5
	rx_is fx6 0 || bad "frames came to another VLAN of the wire"
	ip link set x5 nomaster
	balanced_all sw0
}

# A bond: it is the port.
test_bond()
{
	modprobe -q bonding || skip_it "this kernel has no bonds"
	sw_new sw0
	port_new sw0 1 mode=1 access=10
	pair y
	ip link add bondx type bond mode active-backup miimon 100 || give_up "no bonds"
	defer ip link del bondx
	ip link set y down
	ip link set y master bondx
	as_port bondx
	wait_for 5 eval '[ "$(cat /sys/class/net/bondx/carrier)" = 1 ]'
	through bondx far-y
	# what it is made of goes
	ip link set y nomaster
	"$FRAMES" send q1 2 ${ALL}02000000000188b500000000
	wait_for 5 eval '[ $(stat bondx drop_tx_down) = 2 ]' || bad "to a bond without devices: $("$SWCTL" show bondx | grep drop | grep -v ' 0$' | tr '\n' ' ')"
	ip link set bondx nomaster
	balanced_all sw0
}

# A vxlan device to ourselves: what is sent comes back by another address.
test_vxlan()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10
	ip link add vx0 type vxlan id 7 local 127.0.0.1 remote 127.0.0.2 dstport 4790 dev lo || give_up "no vxlan"
	defer ip link del vx0
	ip link add vx1 type vxlan id 7 local 127.0.0.2 remote 127.0.0.1 dstport 4791 dev lo
	defer ip link del vx1
	as_port vx0
	"$FRAMES" send q1 5 ${ALL}02000000000188b500000000
	counted vx0 tx 5
	balanced_all sw0
}

# Under traffic: what a port stands on goes.
test_lower_devices_vanish()
{
	local i

	sw_new sw0
	for i in 1 2; do port_new sw0 $i mode=1 access=10; done
	noise 1 2
	for i in $(rounds 6); do
		ip link add low type veth peer name far-low
		ip link set low up
		ip link set far-low up
		ip link add link low name low5 type vlan id 5
		as_port low5
		"$SWCTL" port low5 mode=2 trunk=10-20 role=1
		"$FRAMES" macs far-low 20
		ip link del low
		[ ! -e /sys/class/net/low5 ] || bad "low5 stays"
	done
	[ "$(stat p1 rx)" -gt 0 ] || bad "no traffic at all"
}

test_moves_under_traffic()
{
	local i

	sw_new sw0
	for i in 1 2 3; do port_new sw0 $i mode=1 access=10; done
	ip netns add away
	defer ip netns del away
	noise 1 2 3
	for i in $(rounds 6); do
		ip link set p3 netns away || bad "it cannot be moved"
		ip -n away link set p3 up
		ip -n away link set p3 netns 1
		ip link set p3 up master sw0 || bad "it cannot come back"
		"$SWCTL" port p3 mode=2 trunk=10,20 role=1
	done
	[ "$(stat p1 rx)" -gt 0 ] || bad "no traffic at all"
}

# A namespace goes with its switch and its ports, at which frames from outside arrive.
test_namespace_goes_under_traffic()
{
	local i k

	for i in $(rounds 5); do
		ip netns add away
		ip -n away link add sw0 type ivmsw || bad "no switch there"
		for k in 1 2; do
			ip link add p$k netns away type veth peer name q$k
			ip -n away link set p$k up master sw0
			ip netns exec away "$SWCTL" port p$k mode=1 access=10 mirror=0
			ip link set q$k up
			"$FRAMES" fuzz q$k 100000 $((i + k)) 02:00:00:00:00:01 >/dev/null 2>&1 &
		done
		sleep 0.2
		[ "$(ip netns exec away "$SWCTL" show p1 | sed -n 's/^rx //p')" -gt 0 ] || bad "no traffic"
		ip netns del away
		# its devices go a little later, and so do those who send to them
		wait_for 10 eval '[ ! -e /sys/class/net/q1 ] && [ ! -e /sys/class/net/q2 ]' || bad "a port stays"
		wait
	done
}

# Whoever makes a loop of wires has a storm; limits hold it, the host lives, and it ends with the loop.
test_loops_of_wires()
{
	local before i

	sw_new sw0
	sw_new sw1
	port_new sw0 1 mode=1 access=10
	for i in a b; do
		pair loop-$i
		ip link set loop-$i master sw0
		ip link set far-loop-$i master sw1
		"$SWCTL" port loop-$i mode=1 access=10 storm-broadcast=200 storm-multicast=200
		"$SWCTL" port far-loop-$i mode=1 access=10
	done
	# a wire from the switch to itself
	pair self
	for i in self far-self; do
		ip link set $i master sw0
		"$SWCTL" port $i mode=1 access=10 storm-broadcast=200
	done
	"$FRAMES" send q1 20 ${ALL}02000000000188b500000000
	sleep 1
	[ "$(stat loop-a drop_storm)" -gt 0 ] || bad "no storm: $("$SWCTL" show loop-a | grep -v ' 0$' | tr '\n' ' ')"
	ip link del self
	ip link set far-loop-a nomaster
	sleep 1
	before=$(stat p1 tx)
	sleep 1
	same "frames after the loop was opened" "$(stat p1 tx)" "$before"
	balanced_all sw0
	balanced_all sw1
}

run_tests vlan_device bond vxlan lower_devices_vanish moves_under_traffic namespace_goes_under_traffic loops_of_wires
