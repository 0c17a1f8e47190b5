#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P5: the vCPUs of a VM run together. P6: cores are shared by entitlement, with caps, and the host keeps its reserve.
#
# How time is shared is judged where the host's processors go on side by side for
# certain: where instructions are counted (lab/run -i). Elsewhere they are threads
# of a machine that may be busy.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# Sums of "KEY": NUMBER in what ivmctl --json vm show says of a VM.
vm_sum() # FILE KEY...
{
	local file=$1 key

	shift
	for key in "$@"; do
		grep -oE "\"$key\" ?: ?[0-9]+" "$file"
	done | grep -oE '[0-9]+$' | awk '{ s += $1 } END { printf "%d\n", s }'
}

# Milliseconds that all vCPUs of a VM had on their cores.
used_ms() # NAME
{
	ivmctl --json vm show "$1" >"show.$1"
	echo $(($(vm_sum "show.$1" guest-ns hyp-ns gang-ns) / 1000000))
}

spinner() # NAME VCPUS [KEY=VALUE...]
{
	local name=$1 n=$2

	shift 2
	guest_vm "$name" spin "$n" 16M how=pause
	[ $# = 0 ] || ivmctl vm set "$name" "$@"
	vm_start "$name"
	wait_for 60 console_has "$name" "spinning by pause on $n vCPUs" || give_up "$name did not bring up $n vCPUs"
}

# What each VM uses in some seconds: sets "had[NAME]", in ms.
declare -A had
window() # SECONDS NAME...
{
	local seconds=$1 name
	local -A before

	shift
	for name in "$@"; do before[$name]=$(used_ms "$name"); done
	sleep "$seconds"
	for name in "$@"; do had[$name]=$(($(used_ms "$name") - before[$name])); done
}

# Of what A and B have in two seconds, A has PERCENT, give or take 1.5.
shared() # A B PERCENT
{
	local part

	window 2 "$1" "$2"
	part=$((had[$1] * 1000 / (had[$1] + had[$2] + 1)))
	say "$1 had ${had[$1]} ms, $2 ${had[$2]} ms: $part of 1000"
	[ $part -ge $(($3 * 10 - 15)) ] && [ $part -le $(($3 * 10 + 15)) ] ||
		bad "$1 has $part thousandths of what it and $2 have, not $3 %"
}

use_cores() # LIST
{
	defer ivmctl host set cores=all
	ivmctl host set cores="$1" || give_up "the cores cannot be set"
}

host_reserve() # PERCENT
{
	defer ivmctl host set reserve="$reserve%"
	ivmctl host set reserve="$1" || give_up "the reserve cannot be set"
}

test_two_vms_take_turns() # P5 P6
{
	local run corun

	need_counting
	need_vcpus 2
	use_cores "$(two_cores)"
	host_reserve 10%	# what the host does comes between vCPUs in its own part only
	spinner left 2
	spinner right 2
	ivmctl --json vm show left >a
	shared left right 50
	ivmctl --json vm show left >b
	run=$(($(vm_sum b gang-run-ns) - $(vm_sum a gang-run-ns)))
	corun=$(($(vm_sum b gang-corun-ns) - $(vm_sum a gang-corun-ns)))
	say "of $((run / 1000000)) ms with any vCPU on its core, all were for $((corun / 1000000))"
	[ $((corun * 100 / (run + 1))) -ge 97 ] || bad "the vCPUs of a VM run together in $((corun * 100 / (run + 1))) % of their time"
	[ "$(vm_sum b gang-starts)" -gt 80 ] || bad "they began together $(vm_sum b gang-starts) times"
	say "apart when they began, ns: $(vm_sum b skew-p50-ns) half of the times, $(vm_sum b skew-p99-ns) at most in 99 of 100"
	[ "$(vm_sum b skew-p50-ns)" -gt 0 ] || bad "there is no median of the skew"
	at_most "ns between the first and the last to begin, in 99 of 100 starts" "$(vm_sum b skew-p99-ns)" $SKEW_NS
	same "times that a vCPU was on the core of another of its VM" "$(vm_get left dispatches.shared)" 0
}

two_cores() { cat /sys/devices/system/cpu/cpu*/topology/thread_siblings_list | sed 's/[,-].*//' | sort -un | head -n 2 | paste -sd,; }

test_floors_and_caps() # P6
{
	local begin passed

	need_counting
	use_cores 0
	host_reserve 20%
	spinner small 1 cpu=10%
	spinner large 1 cpu=30%
	shared small large 25
	ivmctl vm set large cpu=30%:40% || bad "the cap of a VM that runs cannot be set"
	ivmctl vm set small cpu=40% || bad "the floor of a VM that runs cannot be set"
	ivmctl vm stop small --force >/dev/null
	# alone, it still keeps to its cap: of the time that passes
	begin=${EPOCHREALTIME/./}
	window 2 large
	passed=$(((${EPOCHREALTIME/./} - begin) / 1000))
	say "alone: ${had[large]} ms of $passed"
	at_most "thousandths of a core that a VM with a cap of 40 % has" $((had[large] * 1000 / passed)) 405
	[ $((had[large] * 1000 / passed)) -ge 380 ] || bad "with a cap of 40 % and nobody else, it has ${had[large]} ms of $passed"
}

test_promises_that_cannot_be_kept() # P6
{
	use_cores 0
	host_reserve 10%
	for try in "cpu=101%:%" "cpu=60%:50%:cap|floor" "cpu=junk:%" "cosched=maybe:strict"; do
		refused "${try##*:}" ivmctl vm create wrong kernel="$GUESTS/spin.elf" "${try%:*}"
	done
	spinner one 1 cpu=50%
	guest_vm two spin 1 16M
	ivmctl vm set two cpu=60%
	refused 'at most 40.0 %' ivmctl vm start two	# 100 - 10 for the host - 50
	ivmctl vm set two cpu=5%
	vm_start two
	refused 'at most 40.0 %' ivmctl vm set two cpu=90%
	ivmctl --json vm show two | grep -qE '"cpu" ?: ?"5%' || bad "the floor is not what it was: $(ivmctl vm show two | grep -i cpu)"
	refused 'floors|reserve' ivmctl host set reserve=60%
	refused '10|range|%' ivmctl host set reserve=0%
	ivmctl vm set one cpu=0% cosched=off || bad "the way of co-scheduling cannot be changed"
	ivmctl vm set two cpu=80% || bad "what was given up cannot be had"
	ivmctl vm set one cosched=strict
}

cpu_ms() { awk -v tick="$(getconf CLK_TCK)" '{ printf "%d\n", ($14 + $15) * 1000 / tick }' "/proc/$1/stat"; }

# The kernel would stop vCPUs at its own time.
test_real_time_throttling() # P5
{
	local limit=/proc/sys/kernel/sched_rt_runtime_us

	guest_vm idle spin 1 16M how=hlt
	defer sh -c "echo $(cat $limit) >$limit"
	echo $(((100 - reserve) * 10000 - 100000)) >$limit
	refused "throttle.*reserve of $((reserve + 11))" ivmctl vm start idle
	refused 'throttle' ivmctl host set reserve=$((reserve + 5))%
	echo $(((100 - reserve) * 10000 + 100000)) >$limit
	vm_start idle
}

# What the host has to do gets its part of a core that a guest never leaves.
test_the_hosts_reserve() # P6
{
	local before after part

	need_counting
	use_cores 0
	spinner hog 1
	taskset -c 0 sh -c 'while :; do :; done' &
	defer kill $!
	sleep 1
	before=$(cpu_ms $!)
	window 2 hog
	after=$(cpu_ms $!)
	part=$(((after - before) * 100 / (after - before + had[hog] + 1)))
	say "the host's task had $part %, the guest ${had[hog]} ms"
	[ "$part" -ge $((reserve - 3)) ] || bad "with a reserve of $reserve % a task of the host gets $part %"
	at_most "percent of a core that it gets" "$part" $((reserve + 3))
}

# Who halts keeps its turn only until somebody else wants the core: that one waits no longer than the other takes.
test_who_halts_holds_nobody_up() # P6
{
	local name ready

	need_counting
	use_cores 0
	for name in three four; do
		guest_vm $name heartbeat 1 16M "period=$([ $name = three ] && echo 3 || echo 4)"
		vm_start $name
		wait_for 60 console_has $name '^beat 3 ' || give_up "$name does not beat"
	done
	for name in three four; do ivmctl --json vm show $name >before.$name; done
	sleep 2
	for name in three four; do
		ivmctl --json vm show $name >after.$name
		ready=$((($(vm_sum after.$name ready-ns) - $(vm_sum before.$name ready-ns)) / 1000000))
		at_most "ms of 2000 in which $name waited for the core" $ready 100
	done
}

# The times of a core add up to the time that passed.
test_accounts_close() # P6
{
	local begin sum wall

	use_cores 0
	spinner busy 1
	begin=${EPOCHREALTIME/./}
	ivmctl --json host show >a
	sleep 2
	ivmctl --json host show >b
	for f in a b; do
		core_times $f >times.$f
	done
	sum=$(paste times.a times.b | awk '{ s += $2 - $1 } END { printf "%d\n", s / 1000 }')
	wall=$((($(core_wall b) - $(core_wall a)) / 1000))
	say "core 0: $sum us of $wall"
	[ $((sum > wall ? sum - wall : wall - sum)) -le $((wall / 200)) ] || bad "the times of a core add up to $sum us of $wall"
	# and that is what passed
	[ "$wall" -ge 1990000 ] || bad "2 s are $wall us"
	at_most "microseconds of the two looks and 2 s between them" "$wall" $((${EPOCHREALTIME/./} - begin))
	[ "$(paste times.a times.b | awk 'NR == 1 { print ($2 > $1) }')" = 1 ] || bad "no time in guest mode"
}

# Of the first core that host show lists.
core_times() { for key in guest-ns hyp-ns gang-ns held-ns host-ns idle-ns; do grep -oE "\"$key\" ?: ?[0-9]+" "$1" | head -n 1 | grep -oE '[0-9]+$'; done; }
core_wall() { grep -oE '"wall-ns" ?: ?[0-9]+' "$1" | head -n 1 | grep -oE '[0-9]+$'; }

SKEW_NS=100000	# the processors of this emulator take turns of some microseconds
reserve=$(host_get reserve | sed 's/[.%].*//')
run_tests two_vms_take_turns floors_and_caps promises_that_cannot_be_kept real_time_throttling the_hosts_reserve who_halts_holds_nobody_up accounts_close
