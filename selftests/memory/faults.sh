#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The host's memory runs out at every step: an error with a reason, and everything given back (P11).
# Allocations are failed by the kernel (failslab, fail_page_alloc), which the sanitised one can do.
# Where something is lost, its kmemleak says so when the run ends.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

FAULTS=/sys/kernel/debug
ALWAYS=1000000000	# times; less than 2^31

knob() { echo "$3" >"$FAULTS/$1/$2" || bad "$1/$2 cannot be set to $3"; } # KIND FILE VALUE

need_faults()
{
	[ -e /proc/self/fail-nth ] && [ -d "$FAULTS/failslab" ] && [ -d "$FAULTS/fail_page_alloc" ] ||
		skip_it "this host's kernel fails no allocations on request (lab/run -k debug)"
}

# Whatever may fail counts, also what would wait for memory: by default that does not.
faults_on()
{
	local kind

	defer faults_off	# after vm_create: before the VM goes
	for kind in failslab fail_page_alloc; do
		knob $kind probability 0
		knob $kind task-filter Y
		knob $kind interval 1
		knob $kind times $ALWAYS
		knob $kind verbose 0	# a stack for each takes longer than all the rest
		knob $kind ignore-gfp-wait N
	done
	knob fail_page_alloc min-order 0
	knob fail_page_alloc ignore-gfp-highmem N
	[ ! -d "$FAULTS/fail_usercopy" ] || knob fail_usercopy verbose 0
}

faults_off()
{
	local kind task

	for kind in failslab fail_page_alloc; do
		knob $kind probability 0
		knob $kind task-filter N
		knob $kind ignore-gfp-wait Y
		knob $kind times 1
	done
	knob fail_page_alloc min-order 1
	knob fail_page_alloc ignore-gfp-highmem Y
	for task in $(workers); do
		echo 0 >"/proc/$task/make-it-fail"
	done 2>/dev/null
}

# Threads of the kernel that do what the module queues: memory of VMs that grow, and parts of what VMs start with.
workers()
{
	local d name

	for d in /proc/[0-9]*; do
		read -r name <"$d/comm" || continue
		case $name in kworker/u* | ivm-vm) echo "${d#/proc/}" ;; esac
	done 2>/dev/null
}

# Of these, each allocation fails with so many percent. New ones appear: to be called again and again.
# kthreadd is left alone: a pool without workers gets none then, and the kernel calls it stuck.
chance() # SLAB PAGES [LEAST ORDER OF PAGES]
{
	local task

	knob fail_page_alloc min-order "${3:-0}"
	for task in $(workers); do
		echo 1 >"/proc/$task/make-it-fail"
	done 2>/dev/null
	knob failslab probability "$1"
	knob fail_page_alloc probability "$2"
}

# Each allocation of a request in turn: see fail_nth.c
each_fails()
{
	local seconds=150

	[ -z "${BRIEF:-}" ] || seconds=30
	"$SELFTESTS/memory/fail_nth" -t "$((seconds * SLOW))" "$@" 2>&1 | sed -u 's/^/#   /' || bad "fail_nth $* objects"
	same "frames that VMs own" "$(host_get frames)" 0
}

# As in leaks.sh. Once, so that caches are filled; then as often as need be.
remember()
{
	vm_create warm kernel="$GUESTS/spin.elf" memory=16M
	vm_start warm
	ivmctl vm stop warm --force >/dev/null
	ivmctl vm delete warm
	MEMORY=$(mem_available) SLAB=$(slab)
}
settled()
{
	[ $((MEMORY - $(mem_available))) -lt $((8192 + HELD)) ] && [ $(($(slab) - SLAB)) -lt $((2048 + HELD)) ]
}
all_is_back()
{
	HELD=$(held_back)
	wait_for 15 settled || bad "MemAvailable $MEMORY → $(mem_available) kB, Slab $SLAB → $(slab) kB"
	same "vCPU threads left" "$(ivm_threads | wc -l)" 0
	same "frames that VMs own" "$(host_get frames)" 0
}

test_start()
{
	need_faults
	remember
	faults_on
	each_fails start
	faults_off
	all_is_back
}

test_start_on_a_switch()
{
	need_faults
	remember
	ip link add sw-faults type ivmsw || give_up "no switch"
	defer ip link del sw-faults
	faults_on
	each_fails -s sw-faults start
	faults_off
	! ip -o link show | grep -E '^[0-9]+: ivm[0-9]+n[0-9]' || bad "a network card is left"
	all_is_back
}

# What kthreadd allocates to make the thread of a vCPU.
test_threads()
{
	local vcpus=2

	need_faults
	[ "$(vcpus_max)" -ge 2 ] || vcpus=1
	remember
	faults_on
	each_fails -k -c $vcpus start
	faults_off
	all_is_back
}

# Of what VMs start with, others populate a part (ivm_parallel()): there it fails, and the request hears of it.
test_helpers()
{
	local n=${BRIEF:+10} i refused=0 percent=30

	need_faults
	[ "$(nproc)" -ge 2 ] || skip_it "a host of one CPU has no helpers"
	remember
	vm_create crew kernel="$GUESTS/spin.elf" memory=128M
	faults_on
	for ((i = 1; i <= ${n:-40}; i++)); do
		# half of the time large frames only, so that many small ones come instead
		chance 0 $percent $((i % 2 * 9))
		if ivmctl vm start crew >start.out 2>start.err; then
			ivmctl vm stop crew --force >/dev/null || give_up "it does not stop"
		else
			refused=$((refused + 1))
			grep -qi memory start.err || bad "$i: refused for another reason: $(cat start.err)"
			! vm_is crew running || bad "$i: it runs in spite of: $(cat start.err)"
		fi
		same "frames that VMs own" "$(host_get frames)" 0
	done
	faults_off
	say "$refused of $((i - 1)) starts refused: $(cat start.err)"
	[ $refused -gt 0 ] || bad "no helper ever failed: it was not asked"
	vm_start crew
	ivmctl vm stop crew --force >/dev/null
	all_is_back
}

test_requests()
{
	need_faults
	remember
	faults_on
	each_fails create set get audit host reset stop delete
	faults_off
	all_is_back
}

resize() # SIZE, while allocations fail: the guest is told BUSY, and asks again
{
	within 130 ivmctl vm set web memory="$1" --timeout $((120 * SLOW)) >set.out 2>set.err || bad "to $1: $(cat set.err)"
	ivmctl --json host audit >audit || bad "the audit failed"
	grep -qE '"violations" ?: ?0\b' audit || bad "violations: $(tr -d '\n' <audit)"
	same "frames that VMs own" "$(host_get frames)" $((${1%M} << 8))
}
last_line() { console web | grep '^has ' | tail -n 1; }

test_growth()
{
	local cpus=2 refused

	need_faults
	[ "$(vcpus_max)" -ge 2 ] || cpus=1
	remember
	vm_create web kernel="$GUESTS/grow.elf" vcpus=$cpus memory=16M max=96M debug-exit=0xf4 cmdline="seed=$RANDOM"
	vm_start web
	faults_on
	chance 2 2
	resize 48M
	resize 16M
	chance 20 20
	resize 96M
	chance 20 20
	resize 32M
	# no large frames at all: small ones, of which none fails
	chance 0 100 9
	resize 96M
	# of those that were large before and are small now, half come back, half of them large
	chance 10 10
	resize 48M
	chance 0 50 9
	resize 80M
	wait_for 30 console_has web '^has 64 MiB' || bad "$(console web | tail -n 3)"
	say "$(last_line)"
	same "what it saw" "$(last_line | sed 's/.*dirty \(.*\), refused.*/\1/')" "0, strays 0, unfaulted 0"
	refused=$(last_line | sed 's/.*refused //')
	[ "${refused:-0}" -gt 0 ] || bad "the guest was refused nothing: no allocation failed"
	chance 20 20
	resize 16M
	ivmctl vm stop web --force >/dev/null || bad "it does not stop"
	faults_off
	all_is_back
}

run_tests start start_on_a_switch threads helpers requests growth
