#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Switches and ports by ivmctl: what it makes is what rtnetlink shows, what it refuses leaves nothing behind.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

gone() { ip link del "$1"; }
make_switch() # NAME WORD...
{
	defer gone "$1"
	ivmctl switch create "$@" || give_up "cannot create switch $*"
}
pair() # NAME: NAME and NAME-far
{
	defer gone "$1"
	ip link add "$1" type veth peer name "$1-far" || give_up "cannot make a pair of devices"
	ip link set "$1-far" up
}
master_of() { ip -o link show dev "$1" 2>/dev/null | sed -nE 's/.* master ([^ ]+) .*/\1/p'; }
is_up() { ip -o link show dev "$1" | grep -q '<.*\bUP\b.*>'; }
# A member of a port's or switch's model, of the first level: model_get port|switch NAME KEY
model_get()
{
	ivmctl --json "$1" show "$2" | grep -oE "\"$3\" ?: ?(\"[^\"]*\"|\[[^]]*\]|[0-9-]+|true|false)" | head -n 1 | sed -E 's/^"[^"]*" ?: ?//'
}

test_a_switch_comes_and_goes()
{
	pair up0
	make_switch sw0 uplink=up0 ageing=60
	ip -d link show dev sw0 | grep -q ivmsw || bad "sw0 is no device of kind ivmsw"
	is_up sw0 || bad "sw0 is not up"
	same "master of up0" "$(master_of up0)" sw0
	is_up up0 || bad "the uplink is not up"
	same "ageing" "$(model_get switch sw0 ageing)" 60
	same "role of up0" "$(model_get port up0 role)" '"uplink"'
	same "trunk of up0" "$(model_get port up0 trunk)" '["1-4094"]'
	ivmctl switch list | grep -qE '^sw0 +up +1 +60 +0' || bad "the list says: $(ivmctl switch list)"
	ivmctl switch set sw0 ageing=100 --flush || bad "cannot set"
	same "ageing" "$(model_get switch sw0 ageing)" 100
	refused "there is a device 'sw0' already" ivmctl switch create sw0
	# what ip makes is the same
	ip link add sw1 type ivmsw || bad "ip cannot make a switch"
	defer gone sw1
	ivmctl switch show sw1 >out; grep -qE "^state +up" out || bad "sw1 is not shown as up: $(cat out)"
	ivmctl switch delete sw1 || bad "cannot delete what ip made"
	ivmctl switch delete sw0 || bad "cannot delete"
	same "master of up0" "$(master_of up0)" ""
	refused "there is no switch 'sw0'" ivmctl switch show sw0
}

# Each step that fails takes back those before it.
test_all_or_nothing()
{
	make_switch sw0
	pair p0
	refused 'MAC addresses' ivmctl port attach sw0 p0 access=10 guard=yes
	same "master of p0" "$(master_of p0)" ""
	is_up p0 && bad "p0 stays up"
	refused 'mirror' ivmctl port attach sw0 p0 access=10 mirror=p0-far
	same "master of p0" "$(master_of p0)" ""
	refused 'MAC addresses' ivmctl port attach sw0 h0 host=yes access=10 guard=yes
	[ ! -e /sys/class/net/h0 ] && [ ! -e /sys/class/net/h0-p ] || bad "the host's pair stays"
	# a switch whose uplink is refused is none
	refused "lo" ivmctl switch create sw9 uplink=lo
	[ ! -e /sys/class/net/sw9 ] || bad "sw9 stays"
	refused "belongs to 'sw0'" eval "ivmctl port attach sw0 p0 && ivmctl switch create sw9 uplink=p0"
	[ ! -e /sys/class/net/sw9 ] || bad "sw9 stays"
	same "master of p0" "$(master_of p0)" sw0
}

test_bad_combinations_are_refused()
{
	make_switch sw0
	make_switch sw1
	pair p0
	ivmctl port attach sw0 p0 access=10 || give_up "cannot attach"
	refused "'p0' is a port of 'sw0' already" ivmctl port attach sw0 p0
	refused "'p0' belongs to 'sw0' already" ivmctl port attach sw1 p0
	refused 'cannot be a port of itself' ivmctl port attach sw0 sw0
	refused 'cannot attach .sw1. to .sw0.: ' ivmctl port attach sw0 sw1
	refused 'native' ivmctl port set p0 trunk=10,20 native=30
	refused 'native' eval 'ivmctl port set p0 trunk=10,20 native=20 && ivmctl port set p0 trunk=10'
	same "trunk" "$(model_get port p0 trunk)" '["10","20"]'
	refused 'isolated' ivmctl port set p0 role=uplink isolated=yes
	refused 'mirror' ivmctl port set p0 mirror=p0
	refused 'no port of a switch' ivmctl port detach p0-far
}

# All that can be set is told again in the same words.
test_settings_come_back()
{
	local word key

	make_switch sw0
	pair p0
	pair p1
	ivmctl port attach sw0 p1 access=7 || give_up "cannot attach"
	ivmctl port attach sw0 p0 || give_up "cannot attach"
	same "mode of a device just attached" "$(model_get port p0 mode)" '"off"'
	words=(trunk=10,20-29 native=10 role=station isolated=yes macs=02:00:00:00:00:01,02:00:00:00:00:02
	       guard=yes ips=10.0.0.5,2001:db8::/64 serves=dhcp learn=17 mirror=p1 storm-broadcast=1000
	       storm-multicast=2000 storm-unknown=3000 rate-in=100Mbit rate-out=8kbit)
	ivmctl port set p0 "${words[@]}" || bad "cannot set all"
	ivmctl port show p0 >shown
	for word in mode=trunk "${words[@]}"; do
		grep -qE "^${word%%=*} +${word#*=}$" shown || bad "$word is shown as: $(grep "^${word%%=*} " shown)"
	done
	same "rate-in in JSON" "$(model_get port p0 rate-in)" 12500000
	ivmctl port set p0 access=30 || bad "cannot set access"
	ivmctl port show p0 | grep -qE '^access +30$' || bad "access is not 30"
	for key in guard=no isolated=no macs=none ips=none mirror=none storm-broadcast=none rate-in=none serves=none learn=none; do
		ivmctl port set p0 "$key" || bad "cannot set $key"
		ivmctl port show p0 | grep -qE "^${key%%=*} +${key#*=}$" || bad "$key is not shown"
	done
	ivmctl port set p0 mode=off && same mode "$(model_get port p0 mode)" '"off"'
}

test_ports_go_by_any_name()
{
	make_switch sw0
	pair p0
	ip link property add dev p0 altname a-name-longer-than-any-device-net0
	ivmctl port attach sw0 a-name-longer-than-any-device-net0 access=10 || bad "cannot attach by alternative name"
	ivmctl port set a-name-longer-than-any-device-net0 access=11 || bad "cannot set by alternative name"
	same access "$(model_get port p0 access)" 11
	ivmctl port list switch=sw0 | grep -q '^p0 .*a-name-longer-than-any-device-net0' || bad "the list lacks the name"
	ivmctl port detach a-name-longer-than-any-device-net0 || bad "cannot detach by alternative name"
	same "master of p0" "$(master_of p0)" ""
}

# The host has an address on a switch only where it is given a port.
test_the_hosts_port()
{
	make_switch sw0
	ivmctl port attach sw0 host0 host=yes access=10 || give_up "cannot attach"
	ivmctl port attach sw0 host1 host=yes access=10 || give_up "cannot attach"
	is_up host0 && is_up host0-p || bad "the pair is not up"
	ip -6 -o addr show dev host0-p | grep -q . && bad "the switch's end has an address"
	ip netns add far && defer ip netns del far
	ip link set host1 netns far && ip -n far link set host1 up
	ip addr add 192.0.2.1/24 dev host0 && ip -n far addr add 192.0.2.2/24 dev host1
	ping -c 3 -i 0.2 -W 2 192.0.2.2 >ping || bad "no ping between two ports of the host: $(tail -n 3 ping)"
	ivmctl port set host0 access=11 || bad "cannot set by the host's name"
	ping -c 2 -i 0.2 -W 1 192.0.2.2 >/dev/null && bad "VLANs 10 and 11 meet"
	ivmctl port show host0-p | grep -qE '^rx +[1-9]' || bad "no counters: $(ivmctl port show host0-p)"
	refused "host=yes makes a new one" ivmctl port attach sw0 host0 host=yes
	ivmctl port detach host0 || bad "cannot detach"
	[ ! -e /sys/class/net/host0 ] && [ ! -e /sys/class/net/host0-p ] || bad "the pair stays"
}

# --- verify --------------------------------------------------------------------

count() { sed -nE "s/^$1 +([0-9]+)$/\1/p" out; }
no_probes() { ! ip -o link | grep -q 'ivmv[0-9]*\.'; }

# P1 by matrix, on a switch that is in use
test_verify()
{
	pair up0
	make_switch sw0 uplink=up0
	ivmctl port attach sw0 host0 host=yes access=4094 || give_up "cannot attach"
	ivmctl switch verify sw0 >out 2>err || bad "it ended with $?: $(cat err)"
	sed 's/^/# /' out
	grep -q 'note: probe frames of VLANs 4093, 4092, 4091 leave by uplink .up0.' err || bad "no note about the uplink: $(cat err)"
	[ "$(count cells)" -gt 20000 ] || bad "only $(count cells) cells"
	[ "$(count frames-received)" -gt 10000 ] || bad "only $(count frames-received) frames received"
	same leaks "$(count leaks)" 0
	same losses "$(count losses)" 0
	no_probes || bad "probes stay: $(ip -o link)"
	refused "port 'host0-p' is in VLAN 4094" ivmctl switch verify sw0 vlans=1,2,3,4094
	refused 'expected four different VLANs' ivmctl switch verify sw0 vlans=1,2,3
	refused 'expected four different VLANs' ivmctl switch verify sw0 vlans=1,2,3,3
	ip link set sw0 down
	refused "switch 'sw0' is down" ivmctl switch verify sw0
}

probe_port() # NUMBER
{
	ip -o link | sed -nE "s/.*(ivmv[0-9]+\.$1)@.*/\1/p"
}
has_probe() { [ -n "$(probe_port "$1")" ]; }

# What is wrong with a switch is found: here the port of access-B is moved to VLAN A while it is verified.
test_verify_finds_a_seeded_leak()
{
	make_switch sw0
	ivmctl --json switch verify sw0 >out 2>err &
	defer kill $!
	wait_for 30 has_probe 12 || give_up "no probes appear"
	sleep 0.2
	ivmctl port set "$(probe_port 2)" access=4094 || give_up "cannot seed the leak"
	if wait $!; then
		bad "it did not fail"
	fi
	grep -qE "does not keep its promise: [1-9][0-9]* leaks" err || bad "it says: $(cat err)"
	grep -qE '"fault":"leak","from":"[a-zA-Z0-9-]+","to":"[a-zA-Z0-9-]+","frame":"[a-zA-Z0-9.-]+","at":"access-B"' out || bad "no leak at access-B: $(head -c 500 out)"
	no_probes || bad "probes stay"
}

# A loss, and a frame that comes out with another tag.
test_verify_finds_loss_and_alteration()
{
	make_switch sw0
	ivmctl switch verify sw0 >out 2>err &
	defer kill $!
	wait_for 30 has_probe 12 || give_up "no probes appear"
	sleep 0.2
	ivmctl port set "$(probe_port 5)" native=none || give_up "cannot seed"
	ivmctl port set "$(probe_port 11)" mode=off || give_up "cannot seed"
	if wait $!; then
		bad "it did not fail"
	fi
	[ "$(count losses)" -gt 0 ] || bad "no loss: $(cat out err)"
	[ "$(count altered)" -gt 0 ] || bad "nothing altered: $(cat out err)"
}

test_verify_leaves_nothing_however_it_ends()
{
	local signal

	make_switch sw0
	for signal in INT TERM HUP KILL; do
		ivmctl switch verify sw0 >out 2>err &
		wait_for 30 has_probe 12 || give_up "no probes appear"
		kill -s "$signal" $!
		if wait $!; then
			bad "it ended well in spite of SIG$signal"
		fi
		wait_for 20 no_probes || bad "probes stay after SIG$signal"
		[ "$signal" = KILL ] || grep -q interrupted err || bad "after SIG$signal it says: $(cat err)"
	done
	same "ports" "$(model_get switch sw0 nr-ports)" 0
}

run_tests a_switch_comes_and_goes all_or_nothing bad_combinations_are_refused settings_come_back \
	ports_go_by_any_name the_hosts_port verify verify_finds_a_seeded_leak \
	verify_finds_loss_and_alteration verify_leaves_nothing_however_it_ends
