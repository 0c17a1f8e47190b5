#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Bad input by rtnetlink: refused with a sentence, and nothing has changed.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=net.sh
. "$(dirname "$0")/net.sh"

settings() { "$SWCTL" show "$1" | grep -vE '^(rx|tx|copies|drop)'; }

# with_a_word PORT WORD...: refused, and a sentence says why
with_a_word()
{
	local dev=$1 status=0

	shift
	"$SWCTL" port "$dev" "$@" 2>refused.err || status=$?
	[ $status = 1 ] || bad "'$*' ended with $status"
	grep -q "no sentence" refused.err && bad "'$*' was refused without a word: $(cat refused.err)"
	return 0
}

# refused_and_same PORT WORD...
refused_and_same()
{
	settings "$1" >before
	with_a_word "$@"
	settings "$1" | cmp -s - before || bad "'${*:2}' was refused, and changed something"
}

test_every_attribute_of_wrong_length()
{
	local lengths=([2]=1 [3]=2 [5]=2 [6]=1 [7]=1 [8]=1 [11]=4 [12]=4 [13]=4 [14]=4 [15]=4 [16]=4 [17]=8 [18]=8) a n hex

	sw_new sw0
	port_new sw0 1
	for a in "${!lengths[@]}"; do
		settings p1 >before
		for n in 0 1 2 3 4 5 7 8 9 16; do
			[ $n != "${lengths[a]}" ] || continue
			hex=$(printf '01%.0s' $(seq 1 $n))
			[ $n != 0 ] || hex=
			with_a_word p1 "$a:$hex"
		done
		settings p1 | cmp -s - before || bad "a length of attribute $a was refused, and changed something"
	done
	# lists: not a multiple, and too long
	for n in 1 3 5 260; do refused_and_same p1 "4:$(printf '01%.0s' $(seq 1 $n))"; done
	for n in 1 5 7 102; do refused_and_same p1 "9:$(printf '02%.0s' $(seq 1 $n))"; done
	for n in 1 19 21 660; do refused_and_same p1 "10:$(printf '02%.0s' $(seq 1 $n))"; done
	# not for requests
	refused_and_same p1 "1:00000000"
	refused_and_same p1 "19:$(printf '00%.0s' {1..264})"
}

test_values_out_of_range()
{
	sw_new sw0
	port_new sw0 1
	port_new sw0 2
	for v in 0 4095 4096 65535; do
		refused_and_same p1 mode=1 access=$v
		refused_and_same p1 mode=2 trunk=$v
		refused_and_same p1 mode=2 trunk=1-$v
	done
	refused_and_same p1 mode=3
	refused_and_same p1 mode=255
	refused_and_same p1 mode=1
	refused_and_same p1 mode=2
	refused_and_same p1 mode=2 trunk=10-20,15
	refused_and_same p1 mode=2 trunk=20-10
	refused_and_same p1 mode=2 trunk=10 native=11
	refused_and_same p1 native=11
	refused_and_same p1 role=2
	refused_and_same p1 role=1 isolated=1
	refused_and_same p1 isolated=2
	refused_and_same p1 guard=1
	refused_and_same p1 guard=2 macs=02:00:00:00:00:01
	refused_and_same p1 macs=01:00:00:00:00:01
	refused_and_same p1 macs=00:00:00:00:00:00
	refused_and_same p1 macs=02:00:00:00:00:01,02:00:00:00:00:01
	refused_and_same p1 ips=10.0.0.1/8
	refused_and_same p1 ips=10.0.0.0/33
	refused_and_same p1 ips=fe80::1/64
	refused_and_same p1 serves=4
	refused_and_same p1 learn=65537
	refused_and_same p1 mirror=p1
	refused_and_same p1 mirror=lo
	refused_and_same p1 mirror=sw0
	refused_and_same p1 mirror=99999
	# a good one beside a bad one changes nothing either
	refused_and_same p1 mode=1 access=10 learn=65537
}

test_what_is_set_is_shown()
{
	sw_new sw0
	port_new sw0 1
	port_new sw0 2
	"$SWCTL" port p1 mode=2 trunk=1,10-20,4094 native=10 guard=1 macs=02:00:00:00:00:01,02:00:00:00:00:02 \
		ips=10.0.0.0/24,2001:db8::/64 serves=1 learn=7 mirror=p2 storm-broadcast=1 storm-multicast=2 storm-unknown=3 \
		rate-in=4 rate-out=5000000000 || bad "refused"
	"$SWCTL" show p1 >shown
	for line in "mode 2" "trunk 1-1,10-20,4094-4094" "native 10" "guard 1" "macs 02:00:00:00:00:01,02:00:00:00:00:02" \
		"ips 10.0.0.0/24,2001:db8::/64" "serves 1" "learn 7" "mirror $(cat /sys/class/net/p2/ifindex)" \
		"storm-broadcast 1" "storm-multicast 2" "storm-unknown 3" "rate-in 4" "rate-out 5000000000" "role 0" "isolated 0"; do
		grep -qx "$line" shown || bad "no '$line' in: $(tr '\n' ';' <shown)"
	done
	# lists can be emptied, the rest stays
	"$SWCTL" port p1 guard=0 macs= ips= || bad "lists cannot be emptied"
	"$SWCTL" show p1 >shown
	grep -qx "macs" shown && grep -qx "ips" shown && grep -qx "mode 2" shown || bad "not empty: $(tr '\n' ';' <shown)"
	# the same twice: the last one counts
	"$SWCTL" port p1 learn=5 learn=6
	same "learn" "$(stat p1 learn)" 6
}

test_switch_attributes()
{
	sw_new sw0
	for v in 0 9 1000001 4294967295; do
		"$SWCTL" switch sw0 ageing=$v 2>/dev/null && bad "ageing $v"
	done
	for raw in 2: 2:01 2:0101010101 3:00 4:00000000 1:00; do
		"$SWCTL" switch sw0 $raw 2>/dev/null && bad "raw $raw"
	done
	same ageing "$(stat sw0 ageing)" 300
	"$SWCTL" switch sw0 ageing=10 || bad "ageing 10"
	same ageing "$(stat sw0 ageing)" 10
}

test_who_may_be_a_port()
{
	sw_new sw0
	sw_new sw1
	port_new sw0 1
	ip link add br0 type bridge
	defer ip link del br0
	ip link add d0 type dummy
	defer ip link del d0
	refused "itself" ip link set sw0 master sw0
	refused "switch" ip link set sw1 master sw0
	refused "bridg|switch" ip link set sw0 master br0
	refused "Ethernet" ip link set lo master sw0
	refused "VLAN" ip link add link sw0 name v0 type vlan id 5
	! modprobe -q macvlan || refused "switch" ip link add link sw0 name m0 type macvlan
	ip link set d0 master br0
	ip link set d0 nomaster
	# a device that belongs to somebody who does not let it go by itself
	if modprobe -q macvlan; then
		ip link add link d0 name m1 type macvlan
		refused "takes the device's frames" ip link set d0 master sw0
		ip link del m1
	fi
	# from one switch to the other: it leaves the first, and begins anew
	"$SWCTL" port p1 mode=1 access=10
	ip link set p1 master sw1 || bad "it cannot change the switch"
	same "mode" "$(stat p1 mode)" 0
	ip link set p1 nomaster
	"$SWCTL" port p1 mode=1 access=10 2>/dev/null && bad "no port, and accepted"
	refused "." ip link add x type ivmnic
	! ip link show x 2>/dev/null || bad "a card without a VM"
}

test_bridge_shows()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10 macs=02:00:00:00:00:01
	port_new sw0 2 mode=2 trunk=10,20-30 native=25
	bridge -compressvlans vlan show >vlans
	tr -s ' \n' ' ' <vlans | grep -q 'p1 10 PVID Egress Untagged' || bad "$(cat vlans)"
	tr -s ' \n' ' ' <vlans | grep -q 'p2 10 20-24 25 PVID Egress Untagged 26-30' || bad "$(cat vlans)"
	fdb sw0 02:00:00:00:00:01 | grep -q 'dev p1 vlan 10.*static' || bad "$(bridge fdb show)"
	ip -s link show sw0 >/dev/null || bad "no statistics"
	same "counters by ethtool" "$(ethtool -S sw0 | grep -c ': ')" 33
	refused 'mode' bridge vlan add dev p1 vid 20
}

run_tests every_attribute_of_wrong_length values_out_of_range what_is_set_is_shown switch_attributes who_may_be_a_port bridge_shows
