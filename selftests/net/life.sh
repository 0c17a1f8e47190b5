#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Switches and ports that come and go while frames fly.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=net.sh
. "$(dirname "$0")/net.sh"

test_ports_vanish()
{
	local i

	sw_new sw0
	for i in 1 2 3; do port_new sw0 $i mode=1 access=10; done
	noise 1 2 3
	for i in $(rounds 20); do
		port_new sw0 v mode=1 access=10 role=1
		ip link del pv
		ip link set p3 nomaster
		ip link set p3 master sw0
		"$SWCTL" port p3 mode=2 trunk=10 native=10 mirror=p2
		"$SWCTL" port p3 mirror=0
	done
	[ "$(stat p1 rx)" -gt 0 ] || bad "no traffic at all"
}

test_switches_vanish()
{
	local i

	for i in 1 2; do
		ip link add p$i type veth peer name q$i
		defer ip link del p$i
		ip link set p$i up
		ip link set q$i up
	done
	noise 1 2
	for i in $(rounds 20); do
		ip link add sw0 type ivmsw || bad "no switch"
		ip link set p1 master sw0
		ip link set p2 master sw0
		"$SWCTL" port p1 mode=1 access=10
		"$SWCTL" port p2 mode=1 access=10 mirror=p1
		"$FRAMES" macs q2 100
		ip link del sw0
	done
	ip link show p1 | grep -q master && bad "still a port"
	same "promiscuity" "$(ip -d link show p1 | grep -oE 'promiscuity [0-9]+')" "promiscuity 0"
}

test_to_another_namespace()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10 macs=02:00:00:00:00:01
	port_new sw0 2 mode=1 access=10
	ip netns add away
	defer ip netns del away
	ip link set p1 netns away || bad "it cannot be moved"
	defer ip -n away link del p1
	ip -n away -d link show p1 | grep -q 'ivmsw\|master' && bad "it is still a port"
	same "its addresses" "$(fdb sw0 02:00:00:00:00:01 | wc -l)" 0
	refused "." ip link set sw0 netns away
	# a switch of its own there, that goes with its namespace
	ip -n away link add sw0 type ivmsw || bad "no switch there"
	ip -n away link set p1 master sw0
	ip netns del away
	ip link show sw0 >/dev/null || bad "the wrong switch went"
}

test_mirror_goes()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10
	port_new sw0 2 mode=1 access=10
	port_new sw0 m mode=1 access=10
	"$SWCTL" port p1 mirror=pm || bad "no mirror"
	"$FRAMES" send q1 4 ffffffffffff02000000000188b500000000
	counted pm mirrored 4
	counted p2 tx 4
	same "the mirror gets copies only" "$(stat pm tx)" 0
	"$FRAMES" send qm 2 ffffffffffff02000000000288b500000000
	counted pm drop_off 2
	ip link set pm nomaster
	same "mirror" "$(stat p1 mirror)" 0
	"$SWCTL" port p1 learn=3 || bad "nothing can be changed afterwards"
	balanced p1 p2
}

test_down_is_off()
{
	sw_new sw0
	port_new sw0 1 mode=1 access=10
	port_new sw0 2 mode=1 access=10
	ip link set sw0 down
	"$FRAMES" send q1 3 ffffffffffff02000000000188b500000000
	counted p1 drop_off 3
	ip link set sw0 up
	ip link set p2 down
	"$FRAMES" send q1 2 ffffffffffff02000000000188b500000000
	counted p2 drop_tx_down 2
	balanced p1 p2
}

DROPS=/sys/kernel/tracing/events/ivm/ivm_net_drop
drops_of() { "$SWCTL" show "$1" | awk '/^drop_/ { n += $2 } END { print n + 0 }'; }
# How often the tracepoint told of a drop at this port.
told_of()
{
	awk -v i="$(cat "/sys/class/net/$1/ifindex")" '$1 == "{" && $3 == i { n = $NF } END { print n + 0 }' $DROPS/hist
}

# Random frames on ports of all kinds; then each is in its place, and each drop was traced.
test_fuzz_and_balance()
{
	local i traced=

	mountpoint -q /sys/kernel/tracing || mount -t tracefs none /sys/kernel/tracing
	if [ -e $DROPS/hist ]; then
		echo 'hist:keys=ifindex' >$DROPS/trigger || bad "no histogram of drops"
		defer sh -c "echo '!hist:keys=ifindex' >$DROPS/trigger"
		traced=1
	fi
	sw_new sw0
	port_new sw0 1 mode=1 access=10 macs=02:00:00:00:00:01 guard=1 ips=10.0.0.0/24
	port_new sw0 2 mode=1 access=10 macs=02:00:00:00:00:02 storm-broadcast=1000 rate-out=100000
	port_new sw0 3 mode=2 trunk=10,20,30 native=20 guard=1 macs=02:00:00:00:00:03
	port_new sw0 4 mode=2 trunk=10,30 isolated=1
	port_new sw0 5 mode=2 trunk=1-4094 role=1 rate-in=200000
	port_new sw0 6 mode=1 access=10 isolated=1 learn=10
	port_new sw0 7
	for i in {1..7}; do
		ip link set q$i mtu 9000
		[ $((i % 2)) = 0 ] || ip link set p$i mtu 9000
		"$FRAMES" fuzz q$i 4000 $((i * 1000 + ${FUZZ_SEED:-1})) 02:00:00:00:00:0{1,2,3} &
	done
	wait
	sleep 1
	balanced p{1..7}
	for i in {1..7}; do
		[ -z "$traced" ] || same "drops of p$i that were traced" "$(told_of p$i)" "$(drops_of p$i)"
	done
	[ -n "$traced" ] || say "this kernel has no histograms of events"
	# the switch's own sums are those of its ports
	same "rx of the switch" "$(ethtool -S sw0 | sed -n 's/ *rx: //p')" \
		"$(for i in {1..7}; do stat p$i rx; done | awk '{ s += $1 } END { print s }')"
	[ "$(stat p1 rx)" -gt 1000 ] || bad "of 4000 frames p1 has seen $(stat p1 rx)"
}

test_watched_from_outside()
{
	sw_new sw0
	host_new sw0 a 10.0.0.1/24 mode=1 access=10
	host_new sw0 b 10.0.0.2/24 mode=1 access=10
	host_new sw0 c 10.0.0.3/24 mode=1 access=20
	tcpdump -n -e -i sw0 -c 4 icmp >on-switch 2>/dev/null &
	defer kill $!
	tcpdump -n -e -i pa -c 4 icmp >on-port 2>/dev/null &
	defer kill $!
	sleep 2
	ip netns exec a ping -c 3 -W 2 -q 10.0.0.2 >/dev/null || bad "same VLAN"
	ip netns exec a ping -c 1 -s 65000 -W 3 -q 10.0.0.2 >/dev/null || bad "65000 bytes"
	ip netns exec a ping -c 1 -W 1 -q 10.0.0.3 >/dev/null && bad "another VLAN"
	wait_for 5 test -s on-switch
	grep -q 'vlan 10' on-switch || bad "on the switch: $(head -n 2 on-switch)"
	wait_for 5 test -s on-port
	grep -q 'vlan' on-port && bad "on the port: $(head -n 2 on-port)"
	grep -q 'echo' on-port || bad "nothing on the port"
	tc qdisc add dev pa ingress || bad "no tc"
	tc filter add dev pa ingress matchall action drop 2>/dev/null && {
		ip netns exec a ping -c 1 -W 1 -q 10.0.0.2 >/dev/null && bad "tc did not drop"
	}
	# the switch itself is no station
	ip address add 10.0.0.9/24 dev sw0
	ping -c 1 -W 1 -q 10.0.0.1 >/dev/null && bad "the host is on the switch without a port"
	balanced pa pb pc
}

# Segments that are cut by the last device, if at all; tags that are put beside a frame, or into it.
test_tcp_and_vlan_devices()
{
	sw_new sw0
	host_new sw0 a 10.0.0.1/24 mode=1 access=10
	host_new sw0 b 10.0.0.2/24 mode=2 trunk=10,20
	ip -n b link add link eth0 name v10 type vlan id 10
	ip -n b address del 10.0.0.2/24 dev eth0
	ip -n b address add 10.0.0.2/24 dev v10
	ip -n b link set v10 up
	ip netns exec b iperf3 -s -1 -D
	wait_for 5 eval "ip netns exec b ss -ltn | grep -q 5201" || bad "no server"
	ip netns exec a timeout 20 iperf3 -c 10.0.0.2 -n 3M >iperf 2>&1 || bad "$(tail -n 3 iperf)"
	# far fewer frames than segments: they came whole
	[ "$(stat pa rx)" -lt 1500 ] || bad "$(stat pa rx) frames for 3 MB"
	# without offloads at the other end: in segments, with a tag in the frame
	ip netns exec b ethtool -K eth0 gro off rxvlan off >/dev/null 2>&1
	ethtool -K pb tso off gso off txvlan off tx off >/dev/null 2>&1
	ip netns exec b iperf3 -s -1 -D
	wait_for 5 eval "ip netns exec b ss -ltn | grep -q 5201" || bad "no server"
	ip netns exec a timeout 20 iperf3 -c 10.0.0.2 -n 1M >iperf 2>&1 || bad "$(tail -n 3 iperf)"
	balanced pa pb
}

# Last: the module goes with a switch, ports, and traffic.
test_unload()
{
	local i

	[ "$(lsmod | awk '$1 == "ivm" { print $3 }')" = 0 ] || skip_it "the module is in use"
	sw_new sw0
	for i in 1 2; do port_new sw0 $i mode=1 access=10; done
	noise 1 2
	sleep 0.5
	rmmod ivm || bad "it stays"
	ip link show sw0 2>/dev/null && bad "a switch without a module"
	ip link show p1 | grep -q master && bad "a port without a switch"
	modprobe ivm || bad "it does not come again"
}

run_tests ports_vanish switches_vanish to_another_namespace mirror_goes down_is_off fuzz_and_balance watched_from_outside tcp_and_vlan_devices unload
