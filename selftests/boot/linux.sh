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

test_prompt_with_1_vcpu() { to_prompt 1 256; }
test_prompt_with_2_vcpus() { need_vcpus 2; to_prompt 2 512; }

# Types a line at the prompt. The prompt's echo comes back through the console.
type_line() { printf '%s\n' "$2" | within 60 ivmctl vm console "$1" --no-wait >/dev/null; }

test_power_button()
{
	linux_vm button 1 256M
	vm_start button
	wait_for 120 ready button || give_up "it does not get ready"
	wait_for 20 prompt button
	within 90 ivmctl vm stop button --timeout $((60 * SLOW)) >stop.out || bad "stop failed"
	say "$(cat stop.out)"
	same reason "$(vm_get button stop-reason)" shutdown
	console_has button 'guest power button' || bad "the guest says nothing of a button"
}

test_power_off_from_inside()
{
	linux_vm off 1 256M "echo result \$((6 * 7))"
	vm_start off
	wait_for 150 vm_ended off || { console off | tail -n 10 | sed 's/^/# /'; give_up "it does not end"; }
	same reason "$(vm_get off stop-reason)" shutdown
	console_has off '^result 42$' || bad "its command did not run"
	console_has off '^guest run end 0$' || bad "its command failed"
}

test_reboot_from_inside()
{
	linux_vm again 1 256M
	vm_start again
	wait_for 120 ready again || give_up "it does not get ready"
	wait_for 20 prompt again
	type_line again 'reboot -f'
	wait_for 120 ready_times again 2 || { console again | tail -n 10 | sed 's/^/# /'; give_up "it does not come back"; }
	same resets "$(vm_get again resets)" 1
	wait_for 20 prompt again
	type_line again 'echo alive $((40 + 2))'
	wait_for 20 console_has again '^alive 42$' || bad "no life after the reboot"
	type_line again 'poweroff -f'
	wait_for 60 vm_ended again || bad "it does not power off"
	same reason "$(vm_get again stop-reason)" shutdown
}

test_panic_with_reboot()
{
	CMDLINE="$CMDLINE panic=1" linux_vm panics 1 256M
	vm_start panics
	wait_for 120 ready panics || give_up "it does not get ready"
	wait_for 20 prompt panics
	type_line panics 'echo c >/proc/sysrq-trigger'
	wait_for 120 ready_times panics 2 || { console panics | tail -n 10 | sed 's/^/# /'; give_up "it does not come back"; }
	same resets "$(vm_get panics resets)" 1
}

# On every vCPU at once: make a tree, tar, compress, unpack, compare, and sum.
# Host and guest run the same script; the sums are the same.
# shellcheck disable=SC2016
WORK='
work() {
	mkdir -p /tmp/job$1/tree && cd /tmp/job$1 || exit 1
	i=0
	while [ $i -lt 200 ]; do
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
}

test_workload_on_1_vcpu() { workload 1 256M; }
test_workload_on_2_vcpus() { need_vcpus 2; workload 2 512M; }

run_tests prompt_with_1_vcpu prompt_with_2_vcpus power_off_from_inside reboot_from_inside power_button \
	panic_with_reboot workload_on_1_vcpu workload_on_2_vcpus
