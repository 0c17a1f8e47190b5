#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What people do on a network, by stock guests: bulk TCP and UDP both ways between
# guests, with the host, and with a machine behind an uplink; DHCP, IPv6 by router
# advertisements, a guest with VLAN devices of its own; many guests at once.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=stock.sh
. "$(dirname "$0")/stock.sh"

# An initrd that has iperf3 as well.
with_iperf()
{
	local file

	for file in /usr/bin/iperf3 $(ldd /usr/bin/iperf3 | grep -oE '/[^ ]+'); do
		mkdir -p "extra$(dirname "$file")"
		cp "$(realpath "$file")" "extra$file"
	done
	# the kernel wants the next archive at a multiple of four bytes
	{ cat /guest/initrd; head -c $((-$(stat -c %s /guest/initrd) & 3)) /dev/zero
	  (cd extra && find . | cpio -o -H newc --quiet); } >initrd
	INITRD=$PWD/initrd
}

# A machine on the other end of a trunk: namespace "world", a device and an address in each VLAN.
new_world() # VLAN...
{
	local v vlans=$*

	defer ip netns del world
	ip netns add world || give_up "no namespace can be made"
	ip link add up0 type veth peer name eth0 netns world || give_up "no veth pair can be made"
	ivmctl port attach $SW up0 "trunk=${vlans// /,}" role=uplink || give_up "up0 is no port"
	ip -n world link set lo up
	ip -n world link set eth0 up
	for v in "$@"; do
		ip -n world link add link eth0 name "eth0.$v" type vlan id "$v" || give_up "no VLAN device can be made"
		ip -n world link set "eth0.$v" up
		ip -n world addr add "10.0.0.100/24" dev "eth0.$v"
		ip -n world addr add "fd00:$v::1/64" dev "eth0.$v" nodad
	done
}
in_world() { ip netns exec world "$@"; }

# An iperf3 server, in a guest or here: serve GUEST | serve_by COMMAND...
serve() { do_in "$1" 30 "iperf3 -s -D" || give_up "iperf3 does not start in $1"; }
serve_by() { "$@" iperf3 -s >/dev/null 2>&1 & defer kill $!; }

# The last number of megabits a second that the receiver reports.
received() { sed -nE 's#.* ([0-9.]+) Mbits/sec .*receiver.*#\1#p' "$1.out" | tail -n 1; }

# GUEST is the client of NUMBER: TCP to and from it, UDP to and from it. How fast is for make bench.
bulk() # GUEST NUMBER WHO
{
	local how got lost

	for how in "-n 8M" "-n 8M -R" "-u -b 1M -l 1400 -t 2" "-u -b 1M -l 1400 -t 2 -R"; do
		if ! do_in "$1" 120 "iperf3 -c 10.0.0.$2 -f m $how"; then
			bad "iperf3 $how of $1 with $3 fails"
			tail -n 12 "$1.out" | sed 's/^/# /'
			continue
		fi
		got=$(received "$1")
		say "$1 with $3: iperf3 $how: $got Mbit/s"
		[[ $how == -u* ]] || continue
		lost=$(sed -nE 's#.* [0-9]+/[0-9]+ \(([0-9]+)[.0-9e-]*%\).*receiver.*#\1#p' "$1.out")
		at_most "percent of datagrams lost, $1 with $3, $how" "${lost:-100}" 5
	done
}

no_drops_between() # GUEST...: nothing on the way was unfit
{
	local name counters

	for name in "$@"; do
		counters=$(ethtool -S "$(ifname "$name")" | grep -E 'drop_(tx_error|tx_size|runt|vlan|tagged)' | grep -v ': 0$')
		[ -z "$counters" ] || bad "the card of $name: $counters"
		say "$(ethtool -S "$(ifname "$name")" | grep -E 'drop_tx_full' | sed "s/^ */$name: /")"
	done
}

test_bulk_between_guests()
{
	new_switch
	with_iperf
	guest a 1 vlan:10
	guest b 2 vlan:10
	ready a 1
	ready b 2
	serve b
	bulk a 2 "another guest"
	no_drops_between a b
}

test_bulk_with_the_host()
{
	new_switch
	with_iperf
	guest a 1 vlan:10
	ivmctl port attach $SW hp0 --host yes access=10 || give_up "no port for the host"
	defer ip link del hp0
	ip addr add 10.0.0.200/24 dev hp0
	ready a 1
	serve_by env
	bulk a 200 "the host"
	must_ping a 200 3 "-s 65000"
	no_drops_between a
}

test_bulk_over_an_uplink()
{
	new_switch
	new_world 10
	with_iperf
	guest a 1 vlan:10
	ready a 1
	serve_by ip netns exec world
	bulk a 100 "a machine behind the uplink"
	must_ping a 100 3 "-s 65000"
	no_drops_between a
}

# dnsmasq serves one VLAN of the world; the other one hears nothing of it.
test_dhcp_and_router_advertisements()
{
	new_switch
	new_world 10 20
	in_world dnsmasq -k --conf-file=/dev/null --user=root --port=0 --interface=eth0.10 --bind-interfaces \
		--dhcp-range=10.0.0.50,10.0.0.60,1h --dhcp-leasefile="$PWD/leases" --enable-ra \
		--dhcp-range=fd00:10::,ra-only,64,1h --ra-param=eth0.10,10 --pid-file="$PWD/pid" >dnsmasq.log 2>&1 &
	defer kill $!
	guest a 1 vlan:10
	guest b 2 vlan:20
	wait_for 180 prompt a || { tell a; give_up "it does not get ready"; }
	wait_for 180 prompt b || { tell b; give_up "it does not get ready"; }
	for name in a b; do
		do_in $name 30 "echo 'test \$1 = bound && ip addr add \$ip/24 dev eth0' | sed '1i #!/bin/sh' >/tmp/leased; chmod 755 /tmp/leased; ip link set eth0 up"
	done
	do_in a 60 "udhcpc -i eth0 -n -q -t 8 -T 2 -s /tmp/leased" || { bad "no lease"; sed 's/^/# /' a.out dnsmasq.log; }
	do_in a 30 "ip -4 -o addr show dev eth0"
	grep -qE 'inet 10\.0\.0\.(5[0-9]|60)/' a.out || bad "its address is $(cat a.out)"
	grep -q '02:00:00:00:00:01' leases || bad "the server knows of no lease: $(cat leases)"
	must_ping a 100
	# EUI-64 of 02:00:00:00:00:01
	addressed() { do_in a 30 "ip -6 -o addr show dev eth0" && grep -q 'fd00:10::ff:fe00:1/64' a.out; }
	wait_for 60 addressed || { bad "no IPv6 address by router advertisement"; sed 's/^/# /' a.out; }
	do_in a 30 "ping -6 -c 3 -W 2 fd00:10::1" || { bad "it cannot ping the router"; sed 's/^/# /' a.out; }
	do_in b 60 "udhcpc -i eth0 -n -q -t 3 -T 1 -s /tmp/leased" && bad "VLAN 20 has a server, too"
	do_in b 30 "ip -6 -o addr show dev eth0 scope global"
	! grep -q fd00 b.out || bad "VLAN 20 hears VLAN 10's router: $(grep fd00 b.out)"
}

# A guest on a trunk has a device per VLAN, and is two machines to its neighbours.
test_trunk_guest()
{
	new_switch
	guest t 9 trunk:10+20
	guest a 1 vlan:10
	guest c 3 vlan:20
	guest e 5 vlan:30
	ready a 1
	ready c 3
	ready e 5
	wait_for 180 prompt t || { tell t; give_up "it does not get ready"; }
	do_in t 60 "modprobe 8021q; ip link set eth0 up; for v in 10 20 30; do ip link add link eth0 name eth0.\$v type vlan id \$v; ip link set eth0.\$v up; done; ip addr add 10.0.0.9/24 dev eth0.10" ||
		{ sed 's/^/# /' t.out; give_up "it makes no VLAN devices"; }
	must_ping t 1
	must_ping a 9
	must_ping t 1 3 "-s 8000"
	must_not_ping t 3
	do_in t 30 "ip addr del 10.0.0.9/24 dev eth0.10; ip addr add 10.0.0.9/24 dev eth0.20"
	must_ping t 3
	must_not_ping t 1
	# not its VLAN, whatever it puts on the frame
	do_in t 30 "ip addr del 10.0.0.9/24 dev eth0.20; ip addr add 10.0.0.9/24 dev eth0.30"
	must_not_ping t 5
	[ "$("$SELFTESTS/net/swctl" show "$(ifname t)" | sed -n 's/^drop_vlan //p')" != 0 ] ||
		bad "nobody counts its frames of VLAN 30"
}

# 24 guests in 12 VLANs, at once: each reaches its neighbour and none of the others.
test_twenty_four_guests()
{
	local i neighbour names=() want

	[ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -ge 3600 ] || skip_it "it takes 3.6 GiB of memory"
	new_switch
	for ((i = 1; i <= 24; i++)); do
		names+=("g$i")
		guest "g$i" "$i" "vlan:$((100 + (i - 1) / 2))"
	done
	for ((i = 1; i <= 24; i++)); do ready "g$i" "$i"; done
	# one ping each: who is not there costs a second
	for ((i = 1; i <= 24; i++)); do
		begin "g$i" "for n in \$(seq 24); do ping -c 1 -W 1 10.0.0.\$n >/dev/null && echo reaches \$n; done"
	done
	for ((i = 1; i <= 24; i++)); do
		finish "g$i" 180 || [ $? != 124 ] || { bad "g$i does not end"; tell "g$i"; continue; }
		neighbour=$((i % 2 ? i + 1 : i - 1))
		want=$(printf 'reaches %s\n' "$i" "$neighbour" | sort)
		same "what guest $i reaches" "$(grep '^reaches' "g$i.out" | sort)" "$want"
	done
}

run_tests bulk_between_guests bulk_with_the_host bulk_over_an_uplink dhcp_and_router_advertisements trunk_guest \
	${LONG:+twenty_four_guests}
