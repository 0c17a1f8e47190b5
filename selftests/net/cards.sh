#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Network cards without a guest behind them (a module built with IVM_DEBUG=1): what reaches a ring, and when.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=net.sh
. "$(dirname "$0")/net.sh"

CARDS=/sys/kernel/debug/ivm_net/cards
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug 2>/dev/null

card() { echo "$*" >$CARDS; } 2>/dev/null
field() { awk -v n="$1" -v f="$2" '$1 == n { print $f }' $CARDS; }
device() { field "$1" 2; }
delivered() { field "$1" 4; }
delivered_is() { [ "$(delivered "$1")" = "$2" ]; }
last() { field "$1" 7; }

need_cards() { [ -e $CARDS ] || skip_it "the module is built without IVM_DEBUG"; }

# card_new NAME VID [FEATURES]: address 02:00:00:00:00:NAME's number, room without end
card_new()
{
	card new "$1" sw0 "02:00:00:00:00:0${1#c}" "$2" 1 || give_up "no card $1"
	defer card del "$1"
	card up "$1" "${3:-31}"
	card room "$1" -1
}

# Its driver comes again, and takes frames only that are ready for the wire.
without_offloads()
{
	card down "$1"
	card up "$1" 0
	wait_for 5 is_up "$1"
}
is_up() { [ "$(cat "/sys/class/net/$(device "$1")/operstate")" = up ]; }

M1=020000000001 M2=020000000002 ALL=ffffffffffff
REST=88b5$(printf '%0110d' 7)

# A frame sent by a card arrives so, or not at all: arrives FROM HEX TO HEX|-
arrives()
{
	local before

	before=$(delivered "$3")
	card send "$1" "$2" || bad "$1 cannot send $2"
	if [ "$4" = - ]; then
		sleep 0.1
		same "frames at $3 of $2" "$(delivered "$3")" "$before"
	else
		wait_for 5 delivered_is "$3" $((before + 1)) || bad "$2 did not come to $3"
		same "what came to $3" "$(last "$3")" "$4"
	fi
}

every_form() # the same with and without somebody who watches
{
	arrives c1 $M2$M1"$REST" c2 $M2$M1"$REST"
	arrives c1 $ALL$M1"$REST" c2 $ALL$M1"$REST"
	arrives c1 $ALL$M1"$REST" c3 -
	arrives c1 $ALL$M1"$REST" c4 $ALL${M1}8100000a"$REST"
	arrives c4 $M2${M4}8100000a"$REST" c2 $M2$M4"$REST"
	arrives c4 $M2${M4}8100e00a"$REST" c2 $M2$M4"$REST"
	# another VLAN, none, a second tag, a tag of its own, somebody else's address
	arrives c4 $M2${M4}81000014"$REST" c2 -
	arrives c4 $M2${M4}"$REST" c2 -
	arrives c4 $M2${M4}8100000a8100000a"$REST" c2 -
	arrives c1 $M2${M1}8100000a"$REST" c2 -
	arrives c1 $M2${M1}81000000"$REST" c2 -
	arrives c1 $M2${M4}"$REST" c2 -
	arrives c4 $ALL${M4}8100000a8100000a"$REST" c2 -
	# nothing but a header
	arrives c1 $M2${M1}88b5 c2 $M2${M1}88b5
	arrives c4 $M2${M4}8100000a88b5 c2 $M2${M4}88b5
	arrives c4 $M2${M4}8100000a c2 -
}
M4=020000000004

four_cards()
{
	need_cards
	sw_new sw0
	card_new c1 10
	card_new c2 10
	card_new c3 20
	card_new c4 0
}
all_devices() { device c1; device c2; device c3; device c4; }

test_ring_to_ring()
{
	four_cards
	every_form
	# shellcheck disable=SC2046
	balanced $(all_devices)
}

test_watched()
{
	four_cards
	tcpdump -l -n -e -i "$(device c1)" >c1.seen 2>c1.err &
	defer kill $!
	tcpdump -l -n -e -i sw0 >sw0.seen 2>sw0.err &
	defer kill $!
	wait_for 10 grep -qs listening c1.err
	wait_for 10 grep -qs listening sw0.err
	every_form
	tc qdisc add dev "$(device c2)" root pfifo || bad "no qdisc"
	every_form
	# shellcheck disable=SC2046
	balanced $(all_devices)
	# What the card sends, dropped or not, 8 frames each time; on the switch what enters a VLAN and may go somewhere,
	# even if nobody is there, 10 frames, with their tags. (A line with a time for each; its bytes are on others.)
	packets() { grep '^[0-9]' "$1.seen"; }
	wait_for 5 eval '[ "$(packets c1 | wc -l)" -ge 16 ] && [ "$(packets sw0 | wc -l)" -ge 20 ]'
	same "frames that the tap on the card has seen" "$(packets c1 | wc -l)" 16
	same "frames that the tap on the switch has seen" "$(packets sw0 | wc -l)" 20
	same "without a tag on the switch" "$(packets sw0 | grep -vc 'vlan [0-9]')" 0
}

test_backpressure()
{
	local i status

	four_cards
	card del c2
	card new c2 sw0 02:00:00:00:00:02 10 1
	card up c2 31
	card room c2 3
	for i in 1 2 3; do card send c1 $M2$M1"$REST" || bad "frame $i"; done
	same "resumed" "$(field c1 5)" 0
	# no room: it is to wait, and is resumed when there is
	card "send c1 $M2$M1$REST" && bad "it went where there is no room"
	wait_for 2 eval '[ $(field c1 5) = 1 ]' || bad "not resumed when patience was used up"
	# it reads much, which earns patience
	card room c2 60
	for i in {1..20}; do card "send c1 $M2$M1$REST; send c1 $M2$M1$REST; send c1 $M2$M1$REST" || bad "there is room"; done
	card "send c1 $M2$M1$REST; room c2 1" || bad "room"
	same "resumed" "$(field c1 5)" 2
	card send c1 $M2$M1"$REST" || bad "there is room"
	same "delivered" "$(delivered c2)" 64
	same "lost" "$(stat "$(device c2)" drop_tx_full)" 0
	# a guest that does not read: others wait a little, and then no more
	card send c1 $M2$M1"$REST" && bad "it went where there is no room"
	wait_for 2 eval '[ $(field c1 5) = 3 ]' || bad "not resumed when patience was used up"
	card send c1 $M2$M1"$REST" || bad "it waits without end"
	same "lost" "$(stat "$(device c2)" drop_tx_full)" 1
	same "delivered" "$(delivered c2)" 64
	# it reads again, one frame at a time: that earns no patience worth the name
	for i in 1 2; do
		card "room c2 1; send c1 $M2$M1$REST; send c1 $M2$M1$REST" || bad "it waits for who reads slowly"
	done
	same "delivered" "$(delivered c2)" 66
	same "lost" "$(stat "$(device c2)" drop_tx_full)" 3
	# shellcheck disable=SC2046
	balanced $(all_devices)
	# its driver goes
	card down c2
	card send c1 $M2$M1"$REST" || bad "it waits for a driver"
	same "down" "$(stat "$(device c2)" drop_tx_down)" 1
}

test_devices_and_backlog()
{
	need_cards
	sw_new sw0
	card_new c1 10
	port_new sw0 1 mode=1 access=10
	wait_for 5 is_up c1
	card send c1 $ALL$M1"$REST" || bad "to a device"
	counted p1 tx 1
	"$FRAMES" send q1 5 ${M1}02000000009988b5
	wait_for 5 delivered_is c1 5 || bad "$(delivered c1) delivered"
	# no room: what comes waits a little; then it is lost, and counted
	card del c1
	card new c1 sw0 02:00:00:00:00:01 10 1
	card up c1 31
	wait_for 5 is_up c1
	"$FRAMES" send q1 10 ${M1}02000000009988b5
	counted "$(device c1)" drop_tx_full 10
	card room c1 -1
	"$FRAMES" send q1 10 ${M1}02000000009988b5
	wait_for 5 delivered_is c1 10 || bad "$(delivered c1) delivered"
	balanced_all sw0
}

# 3000 bytes of TCP in one frame: whole to a guest that takes it, in pieces to one that does not.
test_offloads()
{
	local ip tcp data

	four_cards
	data=$(printf '%02800d' 0)		# 1400 bytes
	tcp=3039005000000000000000005010ffff00000000
	ip=4500$(printf %04x $((20 + 20 + 1400)))000040004006000000000000ffffffff
	card gso c1 1 500 54 34 16 $M2${M1}0800"$ip$tcp$data" || bad "gso"
	same "whole" "$(field c2 6)" 1/500
	same "delivered" "$(delivered c2)" 1
	without_offloads c2
	card gso c1 1 500 54 34 16 $M2${M1}0800"$ip$tcp$data" || bad "gso"
	wait_for 5 delivered_is c2 4 || bad "$(delivered c2) delivered, not 1 + 3"
	same "a segment" "$(field c2 6)" 0/0
	# lies
	for lie in "1 0 54 34 16" "1 8 54 34 16" "4 500 54 34 16" "5 500 54 34 16" "1 500 54 50 16" "1 500 54 34 6" \
		"1 500 30 34 16" "1 500 2000 34 16" "3 500 54 34 16"; do
		# shellcheck disable=SC2086
		card gso c1 $lie $M2${M1}0800"$ip$tcp$data"
	done
	same "lies" "$(stat "$(device c1)" drop_runt)" 9
	same "delivered" "$(delivered c2)" 4
	# shellcheck disable=SC2046
	balanced $(all_devices)
}

# Is a frame of UDP over IPv4, in hex, one of so many bytes of data, whose checksum is right?
datagram() # HEX BYTES
{
	python3 - "$@" <<-'EOF'
		import struct, sys
		ip = bytes.fromhex(sys.argv[1])[14:]
		size = 8 + int(sys.argv[2])
		udp = ip[20:]
		assert struct.unpack(">H", ip[2:4])[0] == 20 + size, "the length of IPv4"
		assert struct.unpack(">H", udp[4:6])[0] == size == len(udp), f"{len(udp)} bytes of UDP"
		words = ip[12:20] + bytes((0, 17)) + udp[4:6] + udp + bytes(len(udp) % 2)
		total = sum(struct.unpack(f">{len(words) // 2}H", words))
		assert total % 0xffff == 0 and udp[6:8] != bytes(2), f"the checksum, {total:#x}"
	EOF
}

# The same of UDP (USO); and by cards on a trunk, whose frames bring their tag along.
test_offloads_of_udp_and_with_tags()
{
	local ip udp data

	four_cards
	data=$(printf '%02802x' 0xabc)		# 1401 bytes
	# 10.0.0.1 to 10.0.0.2; in the place of the checksum is that of the pseudo header
	ip=4500$(printf %04x $((20 + 8 + 1401)))00004000401100000a0000010a000002
	udp=30390050$(printf %04x $((8 + 1401)))$(printf %04x $((0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + 8 + 1401)))
	card gso c1 5 500 42 34 6 $M2${M1}0800"$ip$udp$data" || bad "gso"
	same "whole" "$(field c2 6)" 5/500
	same "delivered" "$(delivered c2)" 1
	# the trunk's tag goes, with the offload whole; a second one hides what is to be cut up
	card gso c4 5 500 46 38 6 $M2${M4}8100000a0800"$ip$udp$data" || bad "gso with a tag"
	same "whole, from a trunk" "$(field c2 6)" 5/500
	same "delivered" "$(delivered c2)" 2
	same "its first bytes" "$(last c2 | cut -c 1-32)" $M2${M4}08004500
	card gso c4 5 500 50 42 6 $M2${M4}8100000a810000140800"$ip$udp$data"
	same "twice tagged" "$(stat "$(device c4)" drop_runt)" 1
	same "delivered" "$(delivered c2)" 2
	# a guest without offloads: in datagrams, the last one shorter
	without_offloads c2
	card gso c1 5 500 42 34 6 $M2${M1}0800"$ip$udp$data" || bad "gso"
	wait_for 5 delivered_is c2 5 || bad "$(delivered c2) delivered, not 2 + 3"
	same "a datagram" "$(field c2 6)" 0/0
	datagram "$(last c2)" 401 2>datagram.err || bad "the last one: $(tail -n 1 datagram.err)"
	card gso c4 5 500 46 38 6 $M2${M4}8100000a0800"$ip$udp$data" || bad "gso with a tag"
	wait_for 5 delivered_is c2 8 || bad "$(delivered c2) delivered, not 5 + 3"
	datagram "$(last c2)" 401 2>datagram.err || bad "the last one, from a trunk: $(tail -n 1 datagram.err)"
	# shellcheck disable=SC2046
	balanced $(all_devices)
}

test_what_the_host_may_do()
{
	local dev

	four_cards
	dev=$(device c1)
	refused "." ip link del "$dev"
	refused "." ip link set "$dev" address 02:00:00:00:00:77
	refused "." ip link set "$dev" mtu 1400
	ip netns add away
	defer ip netns del away
	refused "." ip link set "$dev" netns away
	card new c5 sw0 02:00:00:00:00:01 10 1 && bad "two cards of one address in one VLAN"
	card new c5 sw9 02:00:00:00:00:05 10 1 && bad "no such switch"
	card new c5 lo 02:00:00:00:00:05 10 1 && bad "no switch at all"
	same "link" "$(field c1 3)" up
	ip link set "$dev" down
	same "link of a card that is down" "$(field c1 3)" down
	ip link set "$dev" up
	same "link" "$(field c1 3)" up
	ip link set "$dev" nomaster
	same "link of a card without a switch" "$(field c1 3)" down
	card send c1 $ALL$M1"$REST" || bad "it waits for a switch"
	ip link set "$dev" master sw0
	same "link" "$(field c1 3)" up
	same "mode" "$(stat "$dev" mode)" 0
	same "guard" "$(stat "$dev" guard)" 1
	ip link del sw0
	same "link of a card whose switch went" "$(field c2 3)" down
	card send c2 $ALL$M2"$REST" || bad "it waits for a switch"
	ip link add sw0 type ivmsw
	sleep 0.1
	[ -z "$(ip -6 address show dev "$dev")" ] || bad "the host has an address on a card: $(ip -6 address show dev "$dev")"
}

run_tests ring_to_ring watched backpressure devices_and_backlog offloads offloads_of_udp_and_with_tags what_the_host_may_do
