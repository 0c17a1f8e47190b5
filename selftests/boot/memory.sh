#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A stock Linux guest: its memory grows and shrinks, and what is not its own does not harm it.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

CMDLINE="console=ttyS0 quiet memhp_default_state=online_movable"

ready() { console_has "$1" '^guest ready '; }
prompt() { console "$1" | tail -n 1 | grep -q '^guest# '; }
linux() # NAME MEMORY MAX
{
	vm_create "$1" kernel=/guest/vmlinuz initrd=/guest/initrd vcpus=1 memory="$2" max="$3" cmdline="$CMDLINE"
	vm_start "$1"
	wait_for 120 ready "$1" || { console "$1" | tail -n 15 | sed 's/^/# /'; give_up "it does not get ready"; }
	wait_for 20 prompt "$1" || bad "no prompt: $(console "$1" | tail -n 1)"
}
type_line() { printf '%s\n' "$2" | within 60 ivmctl vm console "$1" --no-wait >/dev/null; }
# ask VM WORD COMMAND: what it says
ask()
{
	type_line "$1" "echo $2 \$($3)"
	wait_for 60 console_has "$1" "^$2 " || give_up "no answer: $(console "$1" | tail -n 2)"
	console "$1" | sed -n "s/^$2 //p" | tail -n 1
}
total() { echo $(($(ask web "total$1" "sed -n 's/^MemTotal: *//p' /proc/meminfo" | sed 's/ kB//') / 1024)); }
set_to() # SIZE
{
	within 200 ivmctl vm set web memory="$1" --timeout $((180 * SLOW)) >set.out 2>set.err || bad "to $1: $(cat set.err)"
}

test_grows_and_shrinks()
{
	local begin grown shrunk

	linux web 256M 768M
	begin=$(total 1)
	set_to 640M
	grown=$(total 2)
	say "the guest has $begin MiB, then $grown MiB"
	[ $((grown - begin)) -ge 380 ] && [ $((grown - begin)) -le 384 ] || bad "it has not 384 MiB more"
	type_line web 'mount -o remount,size=500M /tmp && dd if=/dev/zero of=/tmp/full bs=1M count=300 && rm /tmp/full && echo it is used'
	wait_for 60 console_has web '^it is used' || bad "it cannot use it: $(console web | tail -n 3)"
	set_to 256M
	shrunk=$(total 3)
	same "MiB of the guest" "$shrunk" "$begin"
	# what it was started with, by its balloon: all but what is given in part of a block
	ivmctl vm set web memory=192M --timeout $((60 * SLOW)) >set.out 2>set.err || say "$(cat set.err)"
	say "memory $(($(vm_get web memory) >> 20)) MiB of 192 MiB; balloon $(($(vm_get web balloon) >> 20)) MiB, the guest says $(($(vm_get web guest-available) >> 20)) MiB are available"
	at_most "MiB after the balloon" $(($(vm_get web memory) >> 20)) 230
	set_to 320M
	[ "$(total 4)" -ge $((begin + 60)) ] || bad "what was taken does not come back"
	console web | grep -E 'BUG|WARNING|Oops|soft lockup|stall|Out of memory' | sed 's/^/# /' | grep . && bad "the guest's kernel complains"
	ivmctl --json host audit | grep -qE '"violations" ?: ?0\b' || bad "there are violations"
}

# P9: a user's access to memory that is not there is a signal for that process.
test_dev_mem()
{
	linux web 256M 512M
	type_line web 'for a in 0x3fff0000000 0xd0000000 0x140000000 0xfed00000; do devmem $a 32; echo status $?; done; echo alive $((40 + 2))'
	wait_for 60 console_has web '^alive 42$' || bad "the guest is gone: $(console web | tail -n 3)"
	console web | grep -E '^(status|0x|devmem|Segm|Bus)' | sed 's/^/# /'
	same "accesses that worked" "$(console web | grep -c '^status 0')" 0
	same "accesses that did not" "$(console web | grep -c '^status [1-9]')" 4
	same state "$(vm_state web)" running
}

run_tests grows_and_shrinks dev_mem
