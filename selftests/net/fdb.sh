#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Addresses: static ones stay, learnt ones are bounded, age, move, and survive each other's floods.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=net.sh
. "$(dirname "$0")/net.sh"

learnt_is() { [ "$(learnt "$1")" = "$2" ]; }
frame() { printf '%s%s88b5%080d' "${1//:/}" "${2//:/}" 0; }	# DST SRC

test_flood_is_bounded()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10 learn=100
	port_new sw0 2 mode=1 access=10 learn=1000
	"$FRAMES" macs q2 500
	wait_for 10 learnt_is sw0 500 || bad "$(learnt sw0) learnt, not 500"
	"$FRAMES" macs q1 20000 100000
	wait_for 10 learnt_is sw0 600 || bad "$(learnt sw0) learnt, not 600"
	same "entries of the flooder" "$(fdb sw0 'dev p1' | wc -l)" 100
	same "entries of the other" "$(fdb sw0 'dev p2' | wc -l)" 500
	"$SWCTL" switch sw0 flush
	same "after a flush" "$(learnt sw0)" 0
}

# Unknown unicast goes to uplinks only; known goes where it is known.
test_unknown_to_uplinks()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10
	port_new sw0 2 mode=1 access=10
	port_new sw0 3 mode=1 access=10 role=1
	"$FRAMES" send q1 5 "$(frame 02:00:00:00:00:99 02:00:00:00:00:01)"
	counted p3 tx 5
	same "at the station" "$(stat p2 tx)" 0
	"$FRAMES" send q2 1 "$(frame 02:00:00:00:00:01 02:00:00:00:00:99)"
	counted p1 tx 1
	"$FRAMES" send q1 5 "$(frame 02:00:00:00:00:99 02:00:00:00:00:01)"
	counted p2 tx 5
	same "at the uplink" "$(stat p3 tx)" 5
	balanced p1 p2 p3
}

test_static_stays()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10 macs=02:00:00:00:00:01
	port_new sw0 2 mode=1 access=10
	port_new sw0 3 mode=1 access=20
	port_new sw0 4 mode=2 trunk=10,20
	"$SWCTL" port p2 macs=02:00:00:00:00:01 2>err && bad "a neighbour's address"
	grep -q 'another port' err || bad "$(cat err)"
	"$SWCTL" port p4 macs=02:00:00:00:00:01 2>/dev/null && bad "a neighbour's address in one of two VLANs"
	# nothing of it is left
	same "static entries" "$(fdb sw0 static | wc -l)" 1
	"$SWCTL" port p3 macs=02:00:00:00:00:01 || bad "the same address in another VLAN"
	"$SWCTL" port p3 access=10 2>/dev/null && bad "into the VLAN where the address is another's"
	same "VLAN" "$(stat p3 access)" 20
	"$FRAMES" send q2 3 "$(frame ff:ff:ff:ff:ff:ff 02:00:00:00:00:01)"
	counted p2 drop_moved 3
	fdb sw0 'dev p1 vlan 10' | grep -q static || bad "it moved"
	"$SWCTL" port p1 macs=
	"$SWCTL" port p2 macs=02:00:00:00:00:01 || bad "it is free now"
	balanced p1 p2 p3 p4
}

test_moves_and_ages()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10
	port_new sw0 2 mode=1 access=10
	port_new sw0 3 mode=1 access=10 learn=0
	"$SWCTL" switch sw0 ageing=$((10 * SLOW))
	"$FRAMES" send q1 1 "$(frame ff:ff:ff:ff:ff:ff 02:00:00:00:00:01)"
	wait_for 5 eval "fdb sw0 'dev p1' | grep -q 02:00:00:00:00:01" || bad "not learnt"
	"$FRAMES" send q2 1 "$(frame ff:ff:ff:ff:ff:ff 02:00:00:00:00:01)"
	wait_for 5 eval "fdb sw0 'dev p2' | grep -q 02:00:00:00:00:01" || bad "not moved"
	"$FRAMES" send q3 1 "$(frame ff:ff:ff:ff:ff:ff 02:00:00:00:00:01)"
	counted p3 rx 1
	fdb sw0 'dev p2' | grep -q 02:00:00:00:00:01 || bad "moved to a port that does not learn"
	same learnt "$(learnt sw0)" 1
	wait_for 20 learnt_is sw0 0 || bad "it does not age"
}

test_by_hand()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10 macs=02:00:00:00:00:01 learn=1
	bridge fdb add 02:00:00:00:00:02 dev sw0 self vlan 10 via p1 static || bad "add static"
	bridge fdb add 02:00:00:00:00:03 dev sw0 self vlan 10 via p1 dynamic || bad "add dynamic"
	same entries "$(fdb sw0 'dev p1' | wc -l)" 3
	refused "learn no more" bridge fdb add 02:00:00:00:00:04 dev sw0 self vlan 10 via p1 dynamic
	refused "already" bridge fdb add 02:00:00:00:00:02 dev sw0 self vlan 10 via p1 static
	refused "not in this VLAN" bridge fdb add 02:00:00:00:00:02 dev sw0 self vlan 20 via p1 static
	refused "VLAN" bridge fdb add 02:00:00:00:00:02 dev sw0 self via p1 static
	refused "via" bridge fdb add 02:00:00:00:00:02 dev sw0 self vlan 10 static
	refused "unicast" bridge fdb add 03:00:00:00:00:02 dev sw0 self vlan 10 via p1 static
	refused "configuration" bridge fdb del 02:00:00:00:00:01 dev sw0 self vlan 10
	bridge fdb del 02:00:00:00:00:02 dev sw0 self vlan 10 || bad "del"
	bridge fdb del 02:00:00:00:00:02 dev sw0 self vlan 10 2>/dev/null && bad "del twice"
	"$SWCTL" port p1 access=20
	same "after a change of VLAN" "$(fdb sw0 'dev p1' | grep -c 'vlan 10')" 0
	fdb sw0 'dev p1 vlan 20' | grep -q 02:00:00:00:00:01 || bad "the port's own did not follow"
}

# Everything at once, with traffic; then the books are in order.
test_races()
{
	local i

	sw_new sw0
	for i in 1 2 3; do port_new sw0 $i mode=2 trunk=10,20 native=10 learn=200; done
	for i in 1 2 3; do
		(while :; do "$FRAMES" macs q$i 3000 $((i * 100)); done) &
		defer kill $!
	done
	(for ((i = 0; i < 100000; i++)); do
		bridge fdb add "06:00:00:00:$(printf %02x:%02x $((i >> 8 & 3)) $((i & 255)))" dev sw0 self vlan 10 via p1 dynamic
		bridge fdb del "06:00:00:00:$(printf %02x:%02x $((i >> 8 & 3)) $((i & 255)))" dev sw0 self vlan 10
	done) >/dev/null 2>&1 &
	defer kill $!
	for i in {1..25}; do
		"$SWCTL" switch sw0 flush
		"$SWCTL" port p2 learn=$((i * 7 % 50)) macs="06:00:00:00:00:$(printf %02x "$i")"
		bridge fdb show >/dev/null
		[ $((i % 5)) != 0 ] || { ip link set p3 nomaster; ip link set p3 master sw0; "$SWCTL" port p3 mode=1 access=10 learn=50; }
		same "over the bound" "$(fdb sw0 'dev p2' | grep -vc static | awk '{ print ($1 > 300) }')" 0
	done
	undo=("${TEST_UNDO[@]}")
	for i in "${undo[@]}"; do [[ $i != kill* ]] || eval "$i"; done
	wait 2>/dev/null
	sleep 0.5
	same "learnt, by sum and by list" "$(learnt sw0)" "$(fdb sw0 | grep -vc static)"
}

run_tests flood_is_bounded unknown_to_uplinks static_stays moves_and_ages by_hand races
