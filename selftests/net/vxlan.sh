#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# VMs of two hosts share a VLAN: each host has a switch whose uplink is a vxlan
# device (P1 across hosts). Started on both by two-hosts: vxlan.sh east|west.
#
# East has a VM in VLAN 10 and a plain station in VLAN 20; west a VM in each. All
# have addresses of one network, so that nothing but the VLAN keeps them apart.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

SIDE=${1:-}
case $SIDE in
east) HERE=192.168.77.1 FAR=192.168.77.2 ;;
west) HERE=192.168.77.2 FAR=192.168.77.1 ;;
*) echo "usage: $0 east|west" >&2; exit 2 ;;
esac
VERDICT_PORT=7077
SECONDS_TO_MEET=400
EAST10=10.10.0.1 WEST10=10.10.0.2 WEST20=10.10.0.3 STATION20=10.10.0.4
KEPT=$(mktemp -d)	# what one test leaves to the next

host_reaches_far() { ping -c 1 -W 1 $FAR >/dev/null; }

guest_script() # ADDRESS
{
	cat <<-END
		ip link set eth0 up
		ip addr add $1/24 dev eth0
		reach() { n=0; until ping -c 1 -W 1 \$1 >/dev/null; do n=\$((n + 1)); [ \$n -lt 300 ] || exit 1; done; }
		count() { echo "from $1 to \$1 size \$2: \$(ping -c 5 -W 5 -s \$2 \$1 | grep -o '[0-9]* packets received')"; }
	END
	cat
	echo "sleep 5000"
}

start_guest() # NAME ADDRESS VLAN MAC <SCRIPT
{
	ivmctl vm create "$1" kernel=/guest/vmlinux initrd=/guest/initrd memory=128M \
		cmdline="console=ttyS0 quiet ivm.run=$(guest_script "$2" | base64 -w 0)" \
		nic="switch:sw0,vlan:$3,mac:$4" && ivmctl vm start "$1" || give_up "no VM $1"
}

come() # NAME PATTERN
{
	wait_for $SECONDS_TO_MEET console_has "$1" "$2" && return
	console "$1" | tail -n 12 | sed "s/^/# $1: /"
	give_up "$1 never says: $2"
}

clean()
{
	local vm

	xargs -r kill <"$KEPT/pids"
	for vm in east10 west10 west20; do
		vm_gone $vm >/dev/null 2>&1
	done
	ip netns del station
	ip link del sw0
	ip link del vx0
	rm -rf "$KEPT"
} 2>/dev/null
trap clean EXIT

# --- both ---------------------------------------------------------------------

test_hosts_are_connected()
{
	ip link set eth0 up mtu 9000
	ip addr add $HERE/24 dev eth0
	wait_for 120 host_reaches_far || give_up "the other host does not answer"
	ip link add vx0 type vxlan id 77 local $HERE remote $FAR dstport 4789 dev eth0 || give_up "no vxlan"
	ip link set vx0 up
	ivmctl switch create sw0 || give_up "no switch"
	ip link set sw0 up
	ip link set vx0 master sw0 || give_up "vx0 is no port"
	ivmctl port set vx0 trunk=10,20 role=uplink || give_up "vx0 is no uplink"
}

# A small frame, one that fills its size, one that is cut to pieces.
met() # NAME FROM TO
{
	local size

	for size in 56 1472 20000; do
		come "$1" "^from $2 to $3 size $size: "
		console_has "$1" "^from $2 to $3 size $size: 5 packets received" ||
			bad "$(console "$1" | grep "^from $2 to $3 size $size")"
	done
}

meeting() # ADDRESS
{
	echo "reach $1"
	for size in 56 1472 20000; do
		echo "count $1 $size"
	done
}

# --- east ---------------------------------------------------------------------

test_east_meets_west()
{
	meeting $WEST10 | start_guest east10 $EAST10 10 02:00:00:00:10:01
	# they outlive this test: their reader is test_tags_on_the_wire
	tcpdump -i vx0 -e -n -l -s 200 >"$KEPT/uplink" 2>/dev/null &
	echo $! >"$KEPT/pids"
	tcpdump -i "ivm$(vm_get east10 id)n0" -e -n -l -s 200 >"$KEPT/port" 2>/dev/null &
	echo $! >>"$KEPT/pids"
	met east10 $EAST10 $WEST10
}

# Comes when VLAN 10's guests have met, which west's guest in VLAN 20 waits for.
test_station_of_vlan_20()
{
	ip netns add station
	ip link add st0 type veth peer name st1 netns station
	ip link set st0 up master sw0 || give_up "st0 is no port"
	ivmctl port set st0 access=20 || give_up "st0 has no VLAN"
	ip -n station addr add $STATION20/24 dev st1
	ip -n station link set st1 up
	timeout $SECONDS_TO_MEET nc -l $HERE $VERDICT_PORT >"$KEPT/verdict" || bad "west never says that it is over"
	same "word from west" "$(cat "$KEPT/verdict")" over
}

# On the way between the hosts each frame has its VLAN, and what has another one comes to no port.
test_tags_on_the_wire()
{
	local asked

	[ "$(grep -c '02:00:00:00:10:01 > 02:00:00:00:10:02.*vlan 10,' "$KEPT/uplink")" -ge 15 ] ||
		bad "east10's frames do not leave with VLAN 10: $(grep -m 3 02:00:00:00:10:01 "$KEPT/uplink")"
	! grep -E '02:00:00:00:[12]0:0' "$KEPT/uplink" | grep -v 'vlan [12]0,' | grep . ||
		bad "frames without a VLAN on the wire"
	asked=$(grep -c "02:00:00:00:20:03 > .*vlan 20,.*who-has $EAST10 " "$KEPT/uplink")
	[ "$asked" -ge 1 ] || bad "west20's questions for east10 never came across: nothing was tested"
	[ "$(grep -c "02:00:00:00:10:02 > " "$KEPT/port")" -ge 15 ] || bad "the port of east10 was not watched"
	! grep 02:00:00:00:20:03 "$KEPT/port" || bad "frames of VLAN 20 came to east10"
}

# --- west ---------------------------------------------------------------------

test_west_meets_east()
{
	meeting $EAST10 | start_guest west10 $WEST10 10 02:00:00:00:10:02
	start_guest west20 $WEST20 20 02:00:00:00:20:03 <<-END
		reach $STATION20
		count $STATION20 56
		count $EAST10 56
		count $WEST10 56
	END
	met west10 $WEST10 $EAST10
}

test_vlan_20_is_apart()
{
	come west20 "^from $WEST20 to $WEST10 size 56: "
	console_has west20 "^from $WEST20 to $STATION20 size 56: 5 packets received" || bad "west20 does not reach its own VLAN"
	console_has west20 "^from $WEST20 to $EAST10 size 56: 0 packets received" || bad "west20 reaches east10"
	console_has west20 "^from $WEST20 to $WEST10 size 56: 0 packets received" || bad "west20 reaches west10"
}

test_east_is_told()
{
	tell() { echo over | nc -N -w 5 $FAR $VERDICT_PORT; }
	wait_for 60 tell || bad "east does not listen"
}

if [ "$SIDE" = east ]; then
	run_tests hosts_are_connected east_meets_west station_of_vlan_20 tags_on_the_wire
else
	run_tests hosts_are_connected west_meets_east vlan_20_is_apart east_is_told
fi
