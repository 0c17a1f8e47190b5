#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A stock Debian kernel and an initrd: to the prompt, a workload whose result is
# known, reboot and power-off from inside, power button from outside.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

CMDLINE="console=ttyS0 quiet"

linux_vm() # NAME VCPUS MEMORY [COMMAND FOR THE GUEST]
{
	local run=''

	[ -z "${4:-}" ] || run=" ivm.run=$(base64 -w 0 <<<"$4")"
	vm_create "$1" kernel=/guest/vmlinuz initrd=/guest/initrd vcpus="$2" memory="$3" cmdline="$CMDLINE$run"
}
ready() { console_has "$1" '^guest ready '; }
ready_times() { [ "$(console "$1" | grep -c '^guest ready ')" -ge "$2" ]; }
prompt() { console "$1" | tail -n 1 | grep -q '^guest# '; }

# to_prompt VCPUS MEMORY-IN-MIB
to_prompt()
{
	local line cpus kb

	linux_vm "deb$1" "$1" "$2M"
	vm_start "deb$1"
	wait_for 120 ready "deb$1" || { console "deb$1" | tail -n 15 | sed 's/^/# /'; give_up "it does not get ready"; }
	wait_for 20 prompt "deb$1" || bad "no prompt: $(console "deb$1" | tail -n 1)"
	line=$(console "deb$1" | grep '^guest ready ')
	say "$line, $(ivmctl --json vm show "deb$1" | grep -oE '"exits[^,}]*' | tr -d '"' | tr '\n' ' ')"
	[[ $line =~ cpus=([0-9]+)\ memory=([0-9]+)kB ]] || give_up "what is this: $line"
	cpus=${BASH_REMATCH[1]} kb=${BASH_REMATCH[2]}
	same "CPUs that the guest sees" "$cpus" "$1"
	# what the kernel keeps for itself is not in MemTotal
	[ "$kb" -le $(($2 * 1024)) ] && [ "$kb" -ge $(($2 * 1024 * 80 / 100)) ] || bad "the guest sees $kb kB of $2 MiB"
	# complaints of the guest's kernel
	console "deb$1" | grep -E 'BUG|WARNING|Oops|unchecked MSR|soft lockup|stall|Clocksource.*skewed' | sed 's/^/# /' |
		grep . && bad "the guest's kernel complains"
	return 0
}

test_prompt_with_2_vcpus() { need_vcpus 2; to_prompt 2 512; }

# Types a line at the prompt. The prompt's echo comes back through the console.
type_line() { printf '%s\n' "$2" | within 60 ivmctl vm console "$1" --no-wait >/dev/null; }

# A machine's whole life: prompt, reboot from inside, panic, and its power button at the end.
test_prompt_reboot_panic_and_power_button()
{
	CMDLINE="$CMDLINE panic=1" to_prompt 1 256
	type_line deb1 'reboot -f'
	wait_for 120 ready_times deb1 2 || { console deb1 | tail -n 10 | sed 's/^/# /'; give_up "it does not come back"; }
	same "resets after a reboot" "$(vm_get deb1 resets)" 1
	wait_for 20 prompt deb1
	type_line deb1 'echo alive $((40 + 2))'
	wait_for 20 console_has deb1 '^alive 42$' || bad "no life after the reboot"
	type_line deb1 'echo c >/proc/sysrq-trigger'
	wait_for 120 ready_times deb1 3 || { console deb1 | tail -n 10 | sed 's/^/# /'; give_up "it does not come back from its panic"; }
	same "resets after a panic" "$(vm_get deb1 resets)" 2
	wait_for 20 prompt deb1
	within 90 ivmctl vm stop deb1 --timeout $((60 * SLOW)) >stop.out || bad "stop failed"
	say "$(cat stop.out)"
	same reason "$(vm_get deb1 stop-reason)" shutdown
	console_has deb1 'guest power button' || bad "the guest says nothing of a button"
}

# On every vCPU at once: make a tree, tar, compress, unpack, compare, and sum.
# Host and guest run the same script; the sums are the same. It ends by powering
# itself off.
# shellcheck disable=SC2016
WORK='
work() {
	mkdir -p /tmp/job$1/tree && cd /tmp/job$1 || exit 1
	i=0
	while [ $i -lt 100 ]; do
		seq $((i * 1000 + $1)) $((i * 1000 + 2500)) >tree/f$i
		i=$((i + 1))
	done
	tar cf - tree | gzip -9 >t.gz || exit 1
	mkdir back && tar xzf t.gz -C back || exit 1
	for f in tree/f*; do cmp -s $f back/$f || echo "differs: $f"; done
	cat tree/f* | sha256sum | sed "s/^/sum $1 /"
	cat back/tree/f* | sha256sum | sed "s/^/back $1 /"
}
n=0
while [ $n -lt NR ]; do work $n >/tmp/out$n 2>&1 & n=$((n + 1)); done
wait
cat /tmp/out*
'

workload() # VCPUS MEMORY
{
	local script=${WORK//NR/$1}

	(cd /tmp && rm -rf job? out?; bash -c "$script" | sort) >want
	rm -rf /tmp/job? /tmp/out?
	same "lines of the host's result" "$(wc -l <want)" $(($1 * 2))
	linux_vm "work$1" "$1" "$2" "$script"
	vm_start "work$1"
	wait_for 400 vm_ended "work$1" || { console "work$1" | tail -n 10 | sed 's/^/# /'; give_up "it does not end"; }
	console "work$1" | sed -n '/^guest run begin/,/^guest run end/p' | grep -E '^(sum|back|differs)' | sort >got
	diff want got | head -n 5 | sed 's/^/# /'
	cmp -s want got || bad "host and guest got different results"
	same reason "$(vm_get "work$1" stop-reason)" shutdown
	console_has "work$1" '^guest run end 0$' || bad "its command failed"
}

test_workload_on_1_vcpu() { workload 1 256M; }
test_workload_on_2_vcpus() { need_vcpus 2; workload 2 512M; }

tests=(prompt_reboot_panic_and_power_button prompt_with_2_vcpus workload_on_1_vcpu workload_on_2_vcpus)
[ -z "${BRIEF:-}" ] || tests=(workload_on_2_vcpus)	# what needs the others most
run_tests "${tests[@]}"
