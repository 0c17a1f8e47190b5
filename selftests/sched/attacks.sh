#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P6: no VM denies service to another or to the host. A victim with a floor
# computes; two hostile VMs on its core do what guests/attack.c knows; a shell of
# the host works on the same core meanwhile.
#
# The victim must have its floor less 1 % of the core in each second, and an
# answer of the shell must come in time. That is judged where instructions are
# counted (lab/run -i): other emulated processors are threads that their machine
# runs when it can, and what it takes away counts for whoever was on that core.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

SECONDS_SEEN=${ATTACK_SECONDS:-1}
FLOOR=400			# of the victim; of a core, in thousandths as all here
RESERVE=100			# the host's
OTHERS=20%			# floor of each of the hostile ones
SLACK=10
DISTURBED=2000			# times in a second: the host has its ticks, and slices end
ANSWER_MS=500			# for a process of the host to begin and end on that core
MINE=350			# of a core, for the victim's guest itself: the rest is what exits took, its own and those that others cause

before=$(host_get reserve)
trap 'vm_gone victim >/dev/null 2>&1; ivmctl host set reserve="$before"' EXIT

# Sets core, the victim's, and beside, another one or nothing. One victim serves all tests.
victim_runs()
{
	local given

	need_counting
	mapfile -t given < <(ivmctl --json host show | grep -oE '"cpus":\[[0-9]+' | grep -oE '[0-9]+')
	core=${given[-1]} beside=
	[ ${#given[@]} -lt 2 ] || beside=${given[0]}
	khz=$(host_get tsc-khz)
	! vm_is victim running || return 0
	ivmctl host set reserve="$((RESERVE / 10))%"
	ivmctl vm create victim kernel="$GUESTS/compute.elf" vcpus=1 memory=16M cpu="$((FLOOR / 10))%" affinity="$core" \
		cmdline="khz=$khz"
	vm_start victim
	wait_for 20 console_has victim '^second 1' || give_up "the victim does not compute"
}

# From one answer of "vm list" to a later one, a line for each VM:
#	VM WALL USED GUEST BILL COUNTER=BY…	in µs; USED and GUEST on CORE only
# BILL is what the VM is charged for; of counters those that grew.
differences() # EARLIER LATER CORE
{
	sed 's/{"id":/\n&/g' "$1" "$2" | awk -v core="$3" '
		function add(key, by) {
			if (file == 1)
				before[name, key] += by
			else
				after[name, key] += by
			if (!seen[name, key]++)
				keys[name] = keys[name] " " key
		}
		function ms(key) { return int((after[name, key] - before[name, key]) / 1000) }
		!/"name":/ { file++; next }
		{
			match($0, /"name":"[^"]*"/)
			name = substr($0, RSTART + 8, RLENGTH - 9)
			sub(/"definition":.*/, "")
			while (match($0, /"[a-z.-]+":[0-9]+/)) {
				split(substr($0, RSTART + 1, RLENGTH - 1), part, "\":")
				$0 = substr($0, RSTART + RLENGTH)
				if (part[1] == "cpu")
					here = part[2] == core
				add(part[1], part[2])
				if (part[1] ~ /^(guest|hyp|gang)-ns$/) {
					add("bill", part[2])
					add("used", here * part[2])
					if (part[1] == "guest-ns")
						add("guest", here * part[2])
				}
			}
		}
		END {
			for (name in keys) {
				line = name " " ms("run-ns") " " ms("used") " " ms("guest") " " ms("bill")
				n = split(keys[name], list, " ")
				for (i = 1; i <= n; i++)
					if (list[i] ~ /\.|^(halts|dispatches)$/ && after[name, list[i]] > before[name, list[i]])
						line = line " " list[i] "=" after[name, list[i]] - before[name, list[i]]
				print line
			}
		}'
}

look() { ivmctl --json vm list >"look.$1"; }

# A shell on the core under attack, while the file "going" exists: its slowest answer in µs goes to the file "slowest".
shell_works()
{
	local begin took slowest=0

	while [ -e going ]; do
		begin=${EPOCHREALTIME/./}
		taskset -c "$core" /bin/true
		took=$((${EPOCHREALTIME/./} - begin))
		[ $took -le $slowest ] || slowest=$took
		sleep 0.05
	done
	echo $slowest >slowest
}

# One second: did the victim have its part of it?
good() # SECOND
{
	local name wall used guest rest v=0 vwall=0 vguest=0 all=0

	differences "look.$(($1 - 1))" "look.$1" "$core" >"second.$1"
	while read -r name wall used guest rest; do
		all=$((all + used))
		[ "$name" != victim ] || { v=$used vwall=$wall vguest=$guest; }
	done <"second.$1"
	[ "$vwall" -gt 0 ] && [ "$v" -gt 0 ] || return 1
	say "second $1 of $((vwall / 1000)) ms: victim $((v * 1000 / vwall)), all vCPUs $((all * 1000 / vwall)) of 1000; $((vguest * 1000 / vwall)) in the guest"
	[ $((vguest * 1000)) -ge $((MINE * vwall)) ] || return 1
	[ $((v * 1000)) -ge $(((FLOOR - SLACK) * vwall)) ]
}

# Looks for some seconds; sets looks, the number of the last look.
seconds()
{
	look 0
	for ((looks = 1; looks <= SECONDS_SEEN; looks++)); do
		sleep 1
		look $looks
		good $looks || bad "the victim had not its part in second $looks"
	done
	looks=$SECONDS_SEEN
}

# What vCPUs can prove to have run is on their VM's bill.
bill() # VM
{
	local ran billed

	ran=$(console "$1" | sed -n 's/^ran \([0-9]*\) us .*/\1/p')
	billed=$(differences empty look.end "$core" | sed -n "s/^$1 [0-9-]* [0-9-]* [0-9-]* \([0-9]*\).*/\1/p")
	say "$1 ran $ran µs and is billed $billed µs"
	[ "$billed" -ge $((ran * 99 / 100)) ] || bad "$1 is billed $billed µs, and ran $ran µs"
}

# What happened to the counters of VM one in all the seconds: at least so often in each of them.
counted() # COUNTER LEAST
{
	local n

	n=$(differences look.0 "look.$looks" "$core" | sed -n "s/^one .* $1=\([0-9]*\).*/\1/p")
	say "$1: ${n:-0}"
	[ "${n:-0}" -ge $(($2 * looks)) ] || bad "$1 grew by ${n:-0} in $looks s: that is no attack"
}

# There is a column for each CPU that is online.
timer_interrupts()
{
	awk -v cpu="CPU$core" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == cpu) column = i + 1 }
		/^ *LOC:/ { print $column }' /proc/interrupts
}

# Of what came to the core while attack() looked: in each second DISTURBED at most.
undisturbed() # WHAT HOW-OFTEN
{
	say "$1: $2 in $((wall / 1000)) ms"
	[ "$2" -le $((wall / 1000 * DISTURBED / 1000)) ] || bad "$1: $2 in $((wall / 1000)) ms"
}

dispatches() { differences look.0 "look.$looks" "$core" | sed -n 's/^victim .* dispatches=\([0-9]*\).*/\1/p'; }

# attack HOW VCPUS COSCHED: two VMs do it, the last vCPU of each on the victim's core.
# Sets wall, for how many µs it looked, and timers, the core's timer interrupts in them.
attack()
{
	local vm on begin

	victim_runs
	on=$core
	if [ "$2" -gt 1 ]; then
		[ -n "$beside" ] || skip_it "this host has one core"
		on=$beside,$core
	fi
	for vm in one two; do
		vm_create $vm kernel="$GUESTS/attack.elf" vcpus="$2" memory=16M cpu=$OTHERS affinity="$on" cosched="$3" \
			cmdline="khz=$khz how=$1"
		vm_start $vm
	done
	wait_for 20 console_has two attacking || give_up "they do not attack"
	touch going
	echo '[]' >empty
	defer rm -f going
	shell_works &
	begin=${EPOCHREALTIME/./} timers=$(timer_interrupts)
	seconds
	timers=$(($(timer_interrupts) - timers)) wall=$((${EPOCHREALTIME/./} - begin))
	rm going
	wait_for 30 [ -s slowest ] || give_up "the shell does not answer any more"
	say "slowest answer of the shell: $(($(cat slowest) / 1000)) ms"
	at_most "the slowest answer of a shell (ms)" $(($(cat slowest) / 1000)) $ANSWER_MS
	grep -hv victim "second.$looks" | sed 's/^/#   /'
}

# At the power button they end, say what they ran, and halt for good.
bills()
{
	local vm

	for vm in one two; do
		ivmctl vm stop $vm >/dev/null 2>&1 &
	done
	for vm in one two; do
		wait_for 30 console_has $vm '^ran ' || give_up "$vm does not end"
	done
	look end
	bill one
	bill two
}

test_sleeps_before_each_tick() # P6
{
	attack dodge 1 strict
	counted halts 1
	bills
}
test_wake_up_storm() # P6
{
	attack wake 1 strict
	counted halts 10
	bills
}
test_alternates() # P6
{
	attack alternate 1 strict
	counted halts 10
	bills
}
test_deadlines_in_the_past() # P6
{
	attack deadline 1 strict
	counted exits.wrmsr 100
	counted injected.interrupts 10
	bills
}
test_shortest_period() # P6
{
	attack periodic 1 strict
	counted halts 10
	bills
}
test_shortest_period_unheard() # P6
{
	attack deaf 1 strict
	undisturbed "timer interrupts on the victim's core" "$timers"
}
# Interrupts for a VM that is paused: it has no use for a turn, and its neighbours would wait for its end.
test_interrupts_for_a_paused_one() # P6
{
	victim_runs
	vm_create one kernel="$GUESTS/attack.elf" vcpus=1 memory=16M cpu=40% affinity="$core" cmdline="khz=$khz how=listen"
	vm_start one
	wait_for 20 console_has one attacking || give_up "it does not listen"
	ivmctl vm pause one
	echo x | within 10 ivmctl vm console one >/dev/null
	seconds
	same "what it heard while it was paused" "$(console one | grep -c heard)" 0
	ivmctl vm resume one
	wait_for 20 console_has one heard || bad "it hears nothing after it was paused"
}
test_port_storm() # P6
{
	attack port 1 strict
	counted port.unclaimed 100
	bills
}
test_mmio_storm() # P6
{
	attack mmio 1 strict
	counted exits.memory 100
	bills
}
test_ipi_storm() # P6
{
	attack ipi 2 strict
	counted injected.interrupts 10
	bills
}
test_ipi_storm_from_beside() # P6
{
	attack ipi 2 off
	counted injected.interrupts 10
	bills
}
test_nmi_storm_from_beside() # P6
{
	attack nmi 2 off
	counted injected.nmis 2
	bills
}
test_init_storm_from_beside() # P6
{
	attack init 2 strict
	undisturbed "interruptions of the victim's thread" "$(dispatches)"
	counted exits.wrmsr 100
	bills
}
test_sipi_storm_from_beside() # P6
{
	attack sipi 2 strict
	counted exits.wrmsr 100
	bills
}
test_lopsided() # P6
{
	attack lopsided 2 strict
	counted halts 10
	bills
}

# In brief: without the storms that take longest.
brief="sleeps_before_each_tick wake_up_storm alternates shortest_period shortest_period_unheard interrupts_for_a_paused_one mmio_storm"
brief="$brief ipi_storm_from_beside nmi_storm_from_beside init_storm_from_beside sipi_storm_from_beside lopsided"
[ -z "${BRIEF:-}" ] || ONLY=${ONLY:-$brief}

run_tests sleeps_before_each_tick wake_up_storm alternates deadlines_in_the_past shortest_period shortest_period_unheard \
	interrupts_for_a_paused_one port_storm mmio_storm ipi_storm ipi_storm_from_beside nmi_storm_from_beside init_storm_from_beside \
	sipi_storm_from_beside lopsided
