# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the tests with stock Linux guests on a switch share, on top of ../lib.sh.

SW=swtest
CMDLINE="console=ttyS0 quiet"
declare -A MARK

new_switch()
{
	defer ip link del $SW
	ip link add $SW type ivmsw || give_up "no switch can be made"
	ip link set $SW up
}

ifname() { echo "ivm$(vm_get "$1" id)n${2:-0}"; }	# VM [CARD]
cards() { ip -o link show | grep -cE '^[0-9]+: ivm[0-9]+n[0-9]+[:@]'; }

# The last byte of addresses is the number of the guest: guest NAME NUMBER WORDS-OF-THE-CARD...
guest()
{
	local name=$1 number=$2 nics=() words

	shift 2
	for words in "$@"; do
		nics+=("nic=switch:$SW,mac:$(printf '02:00:00:00:%02x:%02x' ${#nics[@]} "$number"),$words")
	done
	vm_create "$name" kernel=/guest/vmlinux initrd="${INITRD:-/guest/initrd}" vcpus="${VCPUS:-1}" memory=128M \
		cmdline="$CMDLINE" "${nics[@]}"
	vm_start "$name"
}

# What became of a guest that does not do what it should.
tell() # NAME
{
	say "$1 is $(vm_state "$1") $(vm_get "$1" stop-reason) $(vm_get "$1" stop-code) $(vm_get "$1" text)"
	console "$1" | tail -n 30 | sed "s/^/# $1: /"
}

# The root shell on the console has answered: types COMMAND, whose end finish waits for.
begin() # NAME COMMAND
{
	local mark

	DONE=$((${DONE:-0} + 1))
	mark="$1-$DONE"
	MARK[$1]=$mark
	# what is typed is on the console, too, and may be broken into lines
	printf '%s\n' "echo begin-$mark; $2; echo end-$mark \$?" | timeout 60 ivmctl vm console "$1" --no-wait >/dev/null
}
# Its output in $NAME.out; its status is ours.
finish() # NAME SECONDS
{
	local mark=${MARK[$1]}

	wait_for "$2" console_has "$1" "^end-$mark [0-9]+$" || return 124
	console "$1" | sed -n "/^begin-$mark\$/,/^end-$mark /p" >"$1.out"
	return "$(sed -nE "s/^end-$mark ([0-9]+)\$/\1/p" "$1.out")"
}
do_in() # NAME SECONDS COMMAND
{
	local status=0

	begin "$1" "$3"
	finish "$1" "$2" || status=$?
	[ $status != 124 ] || { bad "$1 does not answer to: $3"; tell "$1"; }
	return $status
}

prompt() { console "$1" | tail -n 1 | grep -q '^guest# '; }

# Up, with an address: NAME NUMBER
ready()
{
	wait_for 180 prompt "$1" || { tell "$1"; give_up "$1 does not get ready"; }
	do_in "$1" 30 "ip link set eth0 up && ip addr add 10.0.0.$2/24 dev eth0" || give_up "$1 has no network card"
}

pings() { do_in "$1" 60 "ping -c ${3:-3} -W 2 10.0.0.$2 ${4:-}"; }

must_ping() # NAME NUMBER [COUNT [OPTIONS]]
{
	pings "$@" || { bad "$1 cannot ping $2 ${4:-}"; tail -n 8 "$1.out" | sed "s/^/# $1: /"; return; }
	grep -q ' 0% packet loss' "$1.out" || bad "$1 pings $2 ${4:-} with loss: $(grep loss "$1.out")"
}
must_not_ping() # NAME NUMBER
{
	! pings "$@" || bad "$1 can ping $2"
	grep -q '100% packet loss' "$1.out" || bad "some of $1's pings to $2 come back: $(grep loss "$1.out")"
}
