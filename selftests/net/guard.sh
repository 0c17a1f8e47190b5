#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P2 on real ports: who speaks in the name of a neighbour, of the uplink, or of a
# server is not heard by anybody, and each try is counted. All cases of what is
# checked are in unit/test_net_guard.c.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=net.sh
. "$(dirname "$0")/net.sh"

ME=020000000001 NEIGHBOUR=020000000002 UPLINK=020000000009 ALL=ffffffffffff
IP_ME=0a000001 IP_NEIGHBOUR=0a000002 IP_ROUTER=0a0000fe
LL_ME=fe800000000000000000000000000001 LL_ROUTER=fe8000000000000000000000000000fe ALL_NODES=ff020000000000000000000000000001

arp() { echo "$ALL${3:-$ME}080600010800060400$4$1${2}0000000000000a000002"; }	# MAC IP [SOURCE] OPERATION
request() { arp "$1" "$2" "${3:-}" 01; }
reply() { arp "$1" "$2" "${3:-}" 02; }
ip4() { echo "$ALL${ME}08004500$(printf %04x $((20 + ${#3} / 2)))0000000040${2}0000${1}0a000002$3"; }	# FROM PROTOCOL PAYLOAD
ip6() { echo "333300000001${ME}86dd60000000$(printf %04x $((${#3} / 2)))$2ff$1$ALL_NODES$3"; }	# FROM NEXT PAYLOAD
ECHO=08$(printf %054d 0)
# DHCP's offer, and its discovery with somebody's hardware address
OFFER=0043004400200000$(printf '02010600%040d' 0)
DISCOVER=0044004300200000

three_ports()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10 guard=1 macs=02:00:00:00:00:01 ips=10.0.0.1/32,fe80::1/128 serves=0
	port_new sw0 2 mode=1 access=10 macs=02:00:00:00:00:02
	port_new sw0 u mode=2 trunk=10 role=1 macs=02:00:00:00:00:09
	HEARD=0
	TRIES=0
}

heard() # HEX: the neighbour and the uplink get it
{
	"$FRAMES" send q1 1 "$1"
	HEARD=$((HEARD + 1))
	counted p2 tx $HEARD
	counted pu tx $HEARD
}

# Nobody gets it, and that is counted: unheard COUNTER HEX
unheard()
{
	local before

	before=$(stat p1 "drop_guard_$1")
	"$FRAMES" send q1 1 "$2"
	TRIES=$((TRIES + 1))
	counted p1 "drop_guard_$1" $((before + 1))
}

test_impersonating()
{
	three_ports
	heard "$(request $ME $IP_ME)"
	heard "$(reply $ME $IP_ME)"
	heard "$(ip4 $IP_ME 01 "$ECHO")"
	heard "$(ip6 $LL_ME 3a 8000000000000000)"
	# by its address: a neighbour, the uplink, somebody new
	for who in $NEIGHBOUR $UPLINK 020000000077; do
		unheard mac "$(request $who $IP_ME $who)"
		unheard arp "$(request $who $IP_ME)"
	done
	# by its IP address
	for who in $IP_NEIGHBOUR $IP_ROUTER 0a010001; do
		unheard arp "$(reply $ME $who)"
		unheard ip4 "$(ip4 $who 01 "$ECHO")"
	done
	unheard ip6 "$(ip6 $LL_ROUTER 3a 8000000000000000)"
	unheard ip6 "$(ip6 20010db8000000000000000000000001 11 1000100000080000)"
	# neighbour advertisement of somebody else's address, and of ours at somebody else's MAC
	heard "$(ip6 $LL_ME 3a "8800000020000000${LL_ME}0201$ME")"
	unheard nd "$(ip6 $LL_ME 3a "8800000020000000${LL_ROUTER}0201$ME")"
	unheard nd "$(ip6 $LL_ME 3a "8800000020000000${LL_ME}0201$NEIGHBOUR")"
	# they are still where they were
	same "the neighbour's address" "$(fdb sw0 02:00:00:00:00:02 | grep -c 'dev p2')" 1
	same "the uplink's address" "$(fdb sw0 02:00:00:00:00:09 | grep -c 'dev pu')" 1
	same "frames that the neighbour has got" "$(stat p2 tx)" $HEARD
	same "drops" "$("$SWCTL" show p1 | awk '/^drop_/ { n += $2 } END { print n }')" $TRIES
	balanced p1 p2 pu
}

test_servers()
{
	three_ports
	unheard server "$(ip4 $IP_ME 11 "$OFFER")"
	unheard server "$(ip6 $LL_ME 3a "860000004000070800000000000000000101$ME")"
	unheard server "$(ip6 $LL_ME 11 "0223022200080000")"
	unheard mac "$(ip4 00000000 11 "$DISCOVER$(printf '010106%050d' 0)$NEIGHBOUR")"
	"$SWCTL" port p1 serves=3
	heard "$(ip4 $IP_ME 11 "$OFFER")"
	heard "$(ip6 $LL_ME 3a "86000000400007080000000000000000")"
	heard "$(ip6 $LL_ME 11 "0223022200080000")"
	# but not in the name of somebody else
	unheard ip6 "$(ip6 $LL_ROUTER 3a "86000000400007080000000000000000")"
	unheard nd "$(ip6 $LL_ME 3a "860000004000070800000000000000000101$UPLINK")"
	same "frames that the neighbour has got" "$(stat p2 tx)" $HEARD
	balanced p1 p2 pu
}

run_tests impersonating servers
