#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory that grows and shrinks while a VM runs, by virtio-mem and by virtio-balloon:
# zero at first sight, a fault once it went, and scrubbed before anybody else has it.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

SEARCH=$(module_file ivm_search)

# resizable VM PROGRAM MEMORY MAX CMDLINE VCPUS
resizable()
{
	vm_create "$1" kernel="$GUESTS/$2.elf" vcpus="${6:-1}" memory="$3" max="$4" debug-exit=0xf4 cmdline="${5:-}"
	vm_start "$1"
}

# resize VM SIZE...: one after the other, to the end
resize()
{
	local vm=$1 size

	shift
	for size in "$@"; do
		within 70 ivmctl vm set "$vm" memory="$size" --timeout $((60 * SLOW)) >set.out 2>set.err ||
			{ bad "to $size: $(cat set.err)"; return 1; }
	done
}

# What the tables say that VMs have, in MiB, and that nothing is wrong.
audited()
{
	ivmctl --json host audit >audit || bad "the audit failed"
	grep -qE '"violations" ?: ?0\b' audit || bad "violations: $(tr -d '\n' <audit)"
	echo $(($(grep -oE '"bytes" ?: ?[0-9]+' audit | grep -oE '[0-9]+') >> 20))
}

last_line() { console "$1" | grep -E '^(has|gave) ' | tail -n 1; }

test_grows_and_shrinks() # P10, P9
{
	local cpus=2

	[ "$(vcpus_max)" -ge 2 ] || cpus=1
	resizable web grow 32M 256M seed=$RANDOM $cpus
	resize web 64M 192M || return
	wait_for 30 console_has web '^has 160 MiB' || give_up "$(console web | tail -n 3)"
	same "MiB in the tables" "$(audited)" 192
	resize web 48M || return
	wait_for 30 console_has web '^has 16 MiB' || give_up "$(console web | tail -n 3)"
	same "MiB in the tables" "$(audited)" 48
	resize web 256M 32M 96M || return
	same "MiB in the tables" "$(audited)" 96
	wait_for 30 console_has web '^has 64 MiB'
	say "$(last_line web)"
	same "what it saw" "$(last_line web | sed 's/.*dirty/dirty/')" "dirty 0, strays 0, unfaulted 0, refused 0"
}

test_is_given_back() # P10
{
	local seed=$((RANDOM * 32768 + RANDOM + 1)) before found

	[ -n "$SEARCH" ] || skip_it "ivm_search.ko was not built for this kernel"
	search() { dmesg -C; insmod "$SEARCH" "$1" 2>/dev/null; dmesg | sed -n "s/.*ivm_search: \([0-9]*\) $2.*/\1/p"; }
	say "$(grep -o 'init_on_alloc=[01]' /proc/cmdline || echo "the host zeroes what it allocates"), $(search fill=1 'pages filled') pages filled"
	resizable marked grow 32M 128M "seed=$seed"
	before=$(host_get frames)
	resize marked 96M || return
	wait_for 30 console_has marked '^has 64 MiB'
	found=$(search "seed=$seed" places)
	say "$found places"
	# 64 MiB of 64 bytes each
	[ "${found:-0}" -ge $((1 << 20)) ] || bad "found in ${found:-no} places while it has them"
	resize marked 32M || return
	same "places after they were given back" "$(search "seed=$seed" places)" 0
	same "frames that VMs own" "$(host_get frames)" "$before"
	same "what it saw" "$(last_line marked | sed 's/.*dirty \([0-9]*\),.*/\1/')" 0
}

test_balloon() # P10, P9
{
	resizable airy balloon 64M 64M
	resize airy 40M || return
	wait_for 30 console_has airy '^gave 24 MiB'
	same "MiB in the tables" "$(audited)" 40
	resize airy 64M 32M 50M || return
	wait_for 30 console_has airy '^gave 14 MiB'
	same "MiB in the tables" "$(audited)" 50
	say "$(last_line airy)"
	same "what it saw" "$(last_line airy | sed 's/.*dirty/dirty/')" "dirty 0, unfaulted 0, silent 0"
}

test_hostile_virtio_mem() # P9
{
	vm_create bad1 kernel="$GUESTS/grow_bad.elf" memory=32M max=160M debug-exit=0xf4
	(ivmctl vm start bad1 --console </dev/null | tr -d '\r' | sed -u -nE '/^(ok|not ok|Bail|# )/s/^/#   /p') &
	defer kill $!
	wait_for 20 vm_is bad1 running || give_up "it does not run"
	ivmctl vm set bad1 memory=96M timeout=0 >/dev/null
	wait_for 120 vm_ended bad1 || give_up "it does not end"
	wait $!
	same "reason and code" "$(vm_get bad1 stop-reason) $(vm_get bad1 stop-code)" "debug-exit 16"
	vm_gone bad1 >/dev/null 2>&1
	same "frames that VMs own" "$(host_get frames)" 0
}

test_hostile_balloon() # P9
{
	vm_create bad2 kernel="$GUESTS/balloon.elf" memory=32M max=64M debug-exit=0xf4 cmdline=bad
	(ivmctl vm start bad2 --console </dev/null | tr -d '\r' | sed -u -nE '/^(ok|not ok|Bail|# )/s/^/#   /p') &
	defer kill $!
	wait_for 120 vm_ended bad2 || give_up "it does not end"
	wait $!
	same "reason and code" "$(vm_get bad2 stop-reason) $(vm_get bad2 stop-code)" "debug-exit 16"
	vm_gone bad2 >/dev/null 2>&1
	same "frames that VMs own" "$(host_get frames)" 0
}

# A guest that does not do what it is told: an honest answer at the deadline, and all stays as it is.
test_deaf_guest()
{
	local begin=$SECONDS

	resizable deaf grow 32M 128M deaf
	refused 'MiB of 64 MiB' ivmctl vm set deaf memory=96M timeout=2
	say "$(cat refused.err)"
	at_most "seconds" $((SECONDS - begin)) $((20 * SLOW))
	same "memory" "$(vm_get deaf memory)" $((32 << 20))
	refused 'MiB of 16 MiB' ivmctl vm set deaf memory=16M timeout=2
	say "$(cat refused.err)"
	same "memory" "$(vm_get deaf memory)" $((32 << 20))
	same state "$(vm_state deaf)" running
	same "MiB in the tables" "$(audited)" 32
	ivmctl vm pause deaf
	refused 'paused' ivmctl vm set deaf memory=96M timeout=1
	say "$(cat refused.err)"
}

test_bounds()
{
	resizable web grow 32M 64M
	refused 'max' ivmctl vm set web memory=66M
	refused 'multiple|2 ?M' ivmctl vm set web memory=33M
	refused 'memory|multiple|least' ivmctl vm set web memory=0
	refused 'more than|max' ivmctl vm set web max=16M
	refused 'host|most' ivmctl vm set web max=1024G
	resize web 64M || return
	ivmctl vm set web max=128M >/dev/null || bad "max cannot be raised"
	resize web 128M 64M || return
	ivmctl vm set web max=64M >/dev/null || bad "max cannot be lowered"
	refused 'max' ivmctl vm set web memory=66M
	vm_create fixed kernel="$GUESTS/spin.elf" memory=16M
	vm_start fixed
	refused 'max' ivmctl vm set fixed memory=32M
	refused 'max' ivmctl vm create other kernel="$GUESTS/spin.elf" memory=32M max=16M
}

# More than the host has: refused at once, and nothing half-allocated stays.
test_more_than_the_host_has()
{
	local most frames

	most=$(($(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo) / 2 * 2))
	resizable web grow 32M "${most}M"
	frames=$(host_get frames)
	refused 'host memory|free' ivmctl vm set web memory="${most}M"
	say "$(cat refused.err)"
	same "memory" "$(vm_get web memory)" $((32 << 20))
	same "frames that VMs own" "$(host_get frames)" "$frames"
	resize web 64M
}

# Starts with what it was started with, and takes the rest again.
test_reset()
{
	resizable again grow 32M 96M seed=7
	resize again 80M || return
	wait_for 30 console_has again '^has 48 MiB'
	ivmctl vm reset again >/dev/null || give_up "no reset"
	wait_for 60 has_times again 'has 48 MiB' 2 || bad "$(console again | tail -n 3)"
	same "MiB in the tables" "$(audited)" 80
	same "what it saw" "$(last_line again | sed 's/.*dirty/dirty/')" "dirty 0, strays 0, unfaulted 0, refused 0"
	resizable air balloon 64M 64M
	resize air 40M || return
	ivmctl vm reset air >/dev/null || give_up "no reset"
	wait_for 60 has_times air 'gave 24 MiB' 2 || bad "$(console air | tail -n 3)"
	same "MiB in the tables" "$(audited)" $((80 + 40))
}
has_times() { [ "$(console "$1" | grep -c "^$2")" -ge "$3" ]; }

# Several VMs come, go, grow and shrink at random: no violation, no frame lost (P8, P11).
test_churn()
{
	local n=${CHURN:-30} i vm what

	RANDOM=${CHURN_SEED:-1}
	for vm in a b c; do
		vm_create $vm kernel="$GUESTS/grow.elf" memory=16M max=96M cmdline=seed=$RANDOM
	done
	for ((i = 1; i <= n; i++)); do
		vm=$(printf 'a\nb\nc\n' | sed -n "$((RANDOM % 3 + 1))p")
		what=$((RANDOM % 6))
		if ! vm_is $vm running; then
			ivmctl vm set $vm memory=16M >/dev/null || bad "$i: the definition of $vm cannot be set"
			vm_start $vm
		elif [ $what = 0 ]; then
			ivmctl vm stop $vm --force >/dev/null || bad "$i: $vm does not stop"
		elif [ $what -le 2 ]; then
			ivmctl vm set $vm memory=$((RANDOM % 41 * 2 + 16))M timeout=0 >/dev/null || bad "$i: $vm cannot be set"
		else
			ivmctl vm set $vm memory=$((RANDOM % 41 * 2 + 16))M timeout=$((60 * SLOW)) >/dev/null 2>set.err || bad "$i: $(cat set.err)"
		fi
		[ $((i % 10)) != 0 ] || audited >/dev/null
		[ $((i % 1000)) != 0 ] || say "$i of $n"
	done
	for vm in a b c; do
		! vm_is $vm running || same "what $vm saw" "$(last_line $vm | sed 's/.*dirty \(.*\), refused.*/\1/')" "0, strays 0, unfaulted 0"
		vm_gone $vm >/dev/null 2>&1
	done
	same "frames that VMs own" "$(host_get frames)" 0
}

# In brief: what tables have to do with.
[ -z "${BRIEF:-}" ] || ONLY=${ONLY:-grows_and_shrinks is_given_back balloon reset}

run_tests grows_and_shrinks is_given_back balloon hostile_virtio_mem hostile_balloon deaf_guest bounds more_than_the_host_has \
	reset churn
