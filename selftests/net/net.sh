# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests of the switch share, on top of ../lib.sh. Port pX is one end of
# a veth pair, qX the other.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SWCTL=$HERE/swctl
FRAMES=$HERE/frames

sw_new() # NAME
{
	ip link add "$1" type ivmsw || give_up "no switch $1"
	defer ip link del "$1"
}

# port_new SWITCH X [KEY=VALUE]...
port_new()
{
	local sw=$1 x=$2

	shift 2
	ip link add "p$x" type veth peer name "q$x" || give_up "no veth pair $x"
	defer ip link del "p$x"
	echo 1 >"/proc/sys/net/ipv6/conf/p$x/disable_ipv6"
	echo 1 >"/proc/sys/net/ipv6/conf/q$x/disable_ipv6"
	ip link set "p$x" up master "$sw" || give_up "p$x is no port"
	ip link set "q$x" up
	[ $# = 0 ] || "$SWCTL" port "p$x" "$@" || give_up "p$x is not as it should be"
}

# A port whose other end is eth0 of a namespace X with this address.
host_new() # SWITCH X ADDRESS/LEN [KEY=VALUE]...
{
	local sw=$1 x=$2 address=$3

	shift 3
	port_new "$sw" "$x" "$@"
	ip netns add "$x" || give_up "no namespace $x"
	defer ip netns del "$x"
	ip link set "q$x" netns "$x"
	ip -n "$x" link set "q$x" name eth0 up
	ip -n "$x" link set lo up
	case $address in
	*:*) ip -n "$x" address add "$address" dev eth0 nodad ;;
	*) ip -n "$x" address add "$address" dev eth0 ;;
	esac
}

# Rounds of what takes long where everything does: 1 ... N, fewer on a slow kernel.
rounds() { seq 1 $((($1 + SLOW - 1) / SLOW)); }

noise() # X...: each sends without end
{
	local x

	for x; do
		(while "$FRAMES" fuzz "q$x" 5000 "$RANDOM" 02:00:00:00:00:01 02:00:00:00:00:02; do :; done) >/dev/null 2>&1 &
		defer kill $!
	done
}

stat() { "$SWCTL" show "$1" | sed -n "s/^$2 //p"; }
stat_is() { [ "$(stat "$1" "$2")" = "$3" ]; }

# One counter of a port: how often, after what was sent went through.
counted() # DEV COUNTER WANT
{
	wait_for 10 stat_is "$1" "$2" "$3" || bad "$1: $2 is $(stat "$1" "$2"), not $3"
}

# RX + COPIES = TX + all drops, over all ports of a switch: lines "NAME COUNT" of
# "$@". A frame may be counted between two reads of counters: then once more.
sums_agree()
{
	sums=$("$@" | awk '$1 == "rx" || $1 == "copies" { came += $2 } $1 == "tx" || /^drop_/ { went += $2 } END { print came, went }')
	[ "${sums% *}" = "${sums#* }" ]
}
balanced_lines()
{
	local sums

	wait_for 5 sums_agree "$@" || { bad "${sums% *} frames came in, ${sums#* } went somewhere"; return 1; }
	say "${sums% *} frames, each in its place"
}

port_counters() { for p; do "$SWCTL" show "$p"; done; }
balanced() { balanced_lines port_counters "$@"; } # PORT...

# The same by the switch's own sums, which keep what ports that left have counted.
switch_counters() { ethtool -S "$1" | tr -d ' ' | tr : ' '; }
balanced_all() # SWITCH
{
	balanced_lines switch_counters "$1"
	[ "$(switch_counters "$1" | sed -n 's/^rx //p')" != 0 ] || bad "no frames at all"
}

fdb() { bridge fdb show | grep "master $1" | grep "${2:-}"; }
learnt() { stat "$1" learnt; }
