# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the shell tests share. A test file sources this, defines functions and
# ends with: run_tests NAME... ; each runs in a subshell of its own, prints one
# line of TAP, and undoes what it did, however it ends.
#
#	bad MESSAGE		this test fails, but goes on
#	give_up MESSAGE		it fails and ends
#	skip_it REASON		it ends as skipped
#	defer COMMAND...	undo, run at the end, last first
#	wait_for SECONDS COMMAND...	polls until the command succeeds
#	within SECONDS COMMAND...	ends it with 124 when it takes longer
#
# Seconds are those of a usual host: run-in-lab sets SLOW, by which limits grow,
# where the host's kernel takes longer for everything.

set -uo pipefail
export LC_ALL=C
SELFTESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # for the tests
GUESTS=$SELFTESTS/guests
SKIP_STATUS=4
SLOW=${SLOW:-1}
POLL=0.1
[ "$SLOW" = 1 ] || POLL=0.5	# to look costs too

say() { printf '# %s\n' "$*"; }
bad() { say "FAIL: $*"; echo 1 >>"$TEST_DIR/bad"; }
give_up() { bad "$*"; exit 1; }
skip_it() { printf '%s' "$*" >"$TEST_DIR/skipped"; exit 0; }

defer() { TEST_UNDO+=("$(printf '%q ' "$@")"); }
undo_all()
{
	local i

	for ((i = ${#TEST_UNDO[@]} - 1; i >= 0; i--)); do
		eval "${TEST_UNDO[i]}" >/dev/null 2>&1
	done
	TEST_UNDO=()
}

wait_for()
{
	local end=$((SECONDS + $1 * SLOW))

	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep "$POLL"
	done
}
within() { local limit=$(($1 * SLOW)); shift; timeout "$limit" "$@"; }

# One test function; its output is its comment.
run_one_test()
{
	local n=$1 name=$2 start=$SECONDS

	TEST_DIR=$(mktemp -d /tmp/test.XXXXXX)
	(
		TEST_UNDO=()
		trap undo_all EXIT
		cd "$TEST_DIR" || exit 1
		"test_$name"
		exit 0
	) </dev/null || [ -s "$TEST_DIR/bad" ] || echo "ended" >"$TEST_DIR/bad"
	if [ -s "$TEST_DIR/bad" ]; then
		echo "not ok $n $name # after $((SECONDS - start)) s"
		FAILED=1
	elif [ -e "$TEST_DIR/skipped" ]; then
		echo "ok $n $name # SKIP $(cat "$TEST_DIR/skipped")"
	else
		echo "ok $n $name"
	fi
	rm -rf "$TEST_DIR"
}

# run_tests NAME...: those named by the arguments of the script, else all.
run_tests()
{
	local n=0 name only=" ${ONLY:-} "

	FAILED=0
	trap 'exit 130' INT TERM
	for name in "$@"; do
		n=$((n + 1))
		[ "$only" = "  " ] || [[ $only == *" $name "* ]] || continue
		run_one_test $n "$name"
	done
	echo "1..$n"
	exit "$FAILED"
}

# --- checks ------------------------------------------------------------------

same() # WHAT GOT WANT
{
	[ "$2" = "$3" ] || bad "$1 is '$2', not '$3'"
}

at_most() # WHAT GOT LIMIT
{
	[ "$2" -le "$3" ] || bad "$1 is $2, more than $3"
}

# refused PATTERN COMMAND...: status 1 (2: usage; iproute2 says 255), one line on stderr that matches.
refused()
{
	local pattern=$1 status=0

	shift
	"$@" >refused.out 2>refused.err || status=$?
	if [ $status -ne 1 ] && [ $status -ne 2 ] && [ $status -ne 255 ]; then
		bad "'$*' ended with $status, not with a refusal: $(head -c 300 refused.err)"
	elif ! grep -qiE -- "$pattern" refused.err; then
		bad "'$*' says '$(head -c 300 refused.err)', nothing like /$pattern/"
	elif [ "$(wc -l <refused.err)" -gt 3 ]; then
		bad "'$*' says more than a line: $(head -c 500 refused.err)"
	fi
}

# --- virtual machines ----------------------------------------------------------

# A member of the module's answer about a VM, of the first level: vm_get NAME KEY
vm_get()
{
	ivmctl --json vm show "$1" 2>/dev/null |
		grep -oE "\"$2\" ?: ?(\"[^\"]*\"|[0-9-]+|true|false)" | head -n 1 |
		sed -E 's/^"[^"]*" ?: ?//; s/^"(.*)"$/\1/'
}
host_get() # KEY
{
	ivmctl --json host show 2>/dev/null |
		grep -oE "\"$1\" ?: ?(\"[^\"]*\"|[0-9-]+|true|false)" | head -n 1 |
		sed -E 's/^"[^"]*" ?: ?//; s/^"(.*)"$/\1/'
}
vm_state() { vm_get "$1" state; }
vm_is() { [ "$(vm_state "$1")" = "$2" ]; }

vm_gone() # NAME: end it, whatever it does, and forget it
{
	ivmctl vm resume "$1"
	ivmctl vm stop "$1" --force
	ivmctl vm delete "$1"
}

# vm_create NAME KEY=VALUE...: defined, and gone at the end of the test
vm_create()
{
	defer vm_gone "$1"
	ivmctl vm create "$@" || give_up "cannot create VM $1"
}

vm_start() { ivmctl vm start "$1" || give_up "cannot start VM $1"; }

vm_ended() { vm_is "$1" stopped; }

console() # NAME: all that is kept
{
	ivmctl vm console "$1" --history | tr -d '\r'
}
console_has() { console "$1" | grep -qE -- "$2"; }

# A guest program of ours: guest_vm NAME PROGRAM VCPUS MEMORY CMDLINE
guest_vm()
{
	vm_create "$1" kernel="$GUESTS/$2.elf" vcpus="$3" memory="$4" debug-exit=0xf4 cmdline="${5:-}"
}

# Runs a guest program to its end and reports its cases as comments; bad when its verdict is:
# guest_run PROGRAM [VCPUS [MEMORY [CMDLINE [SECONDS]]]]
guest_run()
{
	local program=$1 vcpus=${2:-1} memory=${3:-64M} cmdline=${4:-} seconds=${5:-120} reason code vm

	vm=${program}-$vcpus
	guest_vm "$vm" "$program" "$vcpus" "$memory" "$cmdline"
	# its cases and its progress, as they come
	(ivmctl vm start "$vm" --console </dev/null | tr -d '\r' |
		sed -u -nE '/^# verdict/d;/^(ok|not ok|Bail|# )/{s/^# /    /;s/^/#   /;p}') &
	defer kill $!
	if ! wait_for "$seconds" vm_ended "$vm"; then
		bad "$program has not ended after $((seconds * SLOW)) s; its console ends:"
		console "$vm" | tail -n 5 | sed 's/^/# /'
		return 1
	fi
	wait $!		# the rest of its output
	reason=$(vm_get "$vm" stop-reason) code=$(vm_get "$vm" stop-code)
	console "$vm" >"$vm.all"
	if [ "$reason" != debug-exit ] || [ "$code" != 16 ]; then
		bad "$program ended by $reason, code $code $(vm_get "$vm" text)"
	fi
	if grep -q '^1\.\.' "$vm.all"; then
		local plan seen

		plan=$(sed -n 's/^1\.\.//p' "$vm.all" | head -n 1)
		seen=$(grep -cE '^(ok|not ok) ' "$vm.all")
		same "number of cases that $program reports" "$seen" "$plan"
	fi
	vm_gone "$vm" >/dev/null 2>&1
}

# The file of a test module that was built for this kernel, or nothing.
module_file() # NAME
{
	local file

	for file in "$SELFTESTS"/modules/*/"$1.ko"; do
		[ "$(modinfo -F vermagic "$file" 2>/dev/null | cut -d' ' -f1)" != "$(uname -r)" ] || echo "$file"
	done | head -n 1
}

vcpus_max() { host_get vcpus-max; }
need_vcpus()
{
	local max

	max=$(vcpus_max)
	[ "${max:-0}" -ge "$1" ] || skip_it "this host has ${max:-no} cores for vCPUs, the test wants $1"
}
# Where a nanosecond is an instruction, what takes how long is the same each time. (The host measures its TSC itself, nearly so.)
need_counting() { grep -qw tsc_early_khz=1000000 /proc/cmdline || skip_it "this host does not count instructions (lab/run -i)"; }
need_ivm() { [ -d /sys/module/ivm ] || skip_it "ivm is not loaded"; }

ivm_threads() # the vCPU threads of all VMs (P3), or of VM $1
{
	local d

	for d in /proc/[0-9]*; do
		[ ! -e "$d/exe" ] || [ -z "$(tr -d '\0' <"$d/cmdline" 2>/dev/null)" ] || continue
		sed -n "s#^Name:\t##p" "$d/status" 2>/dev/null
	done | grep -E "^ivm-${1:-.*}/[0-9]+\$"
}

# Beats that the guest program heartbeat has printed so far.
beats() { console "$1" | grep -c '^beat'; }
beats_on() { [ "$(beats "$1")" -gt "$2" ]; }

# bring CPU 1|0: online or offline. Fails for the sibling of a vCPU.
bring() { (echo "$2" >"/sys/devices/system/cpu/cpu$1/online") 2>/dev/null; }

vcpu_cpu() # VM: the CPU of its vCPU 0
{
	local tid

	tid=$(ivmctl --json vm show "$1" | grep -oE '"tid" ?: ?[0-9]+' | head -n 1 | grep -oE '[0-9]+')
	sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$tid/status"
}

# Freed memory that a sanitiser keeps to itself (kB), so that it notices who uses it still; and what it writes down.
held_back()
{
	if [ -e /sys/kernel/debug/kmemleak ]; then
		awk '/^MemTotal/ { print int($2 / 16) }' /proc/meminfo
	else
		echo 0
	fi
}
# kB that nobody uses. The kernel counts pages in its lists per CPU as used, and has
# now 2 MB there, now 40: they are added.
mem_available()
{
	awk '/^MemAvailable/ { sum += $2 } $1 == "count:" { sum += $2 * 4 } END { print sum }' /proc/meminfo /proc/zoneinfo
}
slab() { awk '/^Slab:/ { print $2 }' /proc/meminfo; }
