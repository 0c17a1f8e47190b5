#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Files that are no kernels, definitions that cannot be: each refused in a line that says what and where.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# refused_vm PATTERN KEY=VALUE...: at creation or at start; nothing runs and nothing is left
refused_vm()
{
	local pattern=$1

	shift
	if ivmctl vm create bad "$@" >refused.out 2>refused.err; then
		refused "$pattern" ivmctl vm start bad
		case $(vm_state bad) in
		defined | '') ;;
		*) bad "$*: its state is $(vm_state bad)" ;;
		esac
		ivmctl vm delete bad
	else
		grep -qiE -- "$pattern" refused.err || bad "$*: says '$(head -c 200 refused.err)', nothing like /$pattern/"
		[ "$(wc -l <refused.err)" -le 2 ] || bad "$*: says more than a line"
	fi
	say "$* → $(head -n 1 refused.err | head -c 150)"
	! ivmctl vm list | grep -q '^bad ' || bad "$*: something is left"
}

OK="memory=64M"

test_kernel_files()
{
	: >empty
	head -c 100 /guest/vmlinuz >header-only
	head -c 300000 /guest/vmlinuz >truncated
	head -c 100000 /dev/urandom >noise
	seq 10000 >text
	mkfifo fifo
	mkdir dir
	printf '\x7fELF' >elf-magic
	head -c 2000 "$GUESTS/spin.elf" >elf-truncated
	cp "$GUESTS/spin.elf" elf-wild
	printf '\xff\xff\xff\xff' | dd of=elf-wild bs=1 seek=28 conv=notrunc status=none	# e_phoff
	cp "$GUESTS/spin.elf" elf-many
	printf '\xff\xff' | dd of=elf-many bs=1 seek=44 conv=notrunc status=none		# e_phnum
	refused_vm 'no such file|not exist|cannot open|missing' kernel="$PWD/missing" $OK
	refused_vm 'empty|too short|0 bytes' kernel="$PWD/empty" $OK
	refused_vm 'directory|regular' kernel="$PWD/dir" $OK
	refused_vm '.' kernel="$PWD/header-only" $OK
	refused_vm '.' kernel="$PWD/truncated" $OK
	refused_vm 'kernel|format|neither|unknown|not' kernel="$PWD/noise" $OK
	refused_vm 'kernel|format|neither|unknown|not' kernel="$PWD/text" $OK
	refused_vm 'regular' kernel="$PWD/fifo" $OK
	refused_vm 'regular' kernel=/dev/zero $OK
	refused_vm '.' kernel="$PWD/elf-magic" $OK
	refused_vm '.' kernel="$PWD/elf-truncated" $OK
	refused_vm '.' kernel="$PWD/elf-wild" $OK
	refused_vm '.' kernel="$PWD/elf-many" $OK
	refused_vm 'key|kernel' $OK
}

# Each bit of a bzImage's header flipped in turn harms nobody: it starts or it is refused.
test_headers_with_flipped_bits()
{
	local i starts=0 refusals=0

	for i in $(seq 0 23 700); do
		cp /guest/vmlinuz flipped
		printf '\xff' | dd of=flipped bs=1 seek=$((0x1f0 + i)) conv=notrunc status=none
		ivmctl vm create flip kernel="$PWD/flipped" memory=128M >/dev/null 2>err || { refusals=$((refusals + 1)); continue; }
		if within 60 ivmctl vm start flip >/dev/null 2>err; then
			starts=$((starts + 1))
			ivmctl vm stop flip --force >/dev/null || bad "byte $i: it does not stop"
		else
			status=$?
			[ $status -lt 124 ] || bad "byte $i: ivmctl ended with $status"
			refusals=$((refusals + 1))
		fi
		ivmctl vm delete flip
	done
	say "$starts started, $refusals refused"
}

test_initrd()
{
	truncate -s 300M big
	: >empty
	refused_vm 'memory|large|fit' kernel=/guest/vmlinuz initrd="$PWD/big" memory=128M
	refused_vm 'no such file|not exist|cannot open|missing' kernel=/guest/vmlinuz initrd="$PWD/missing" $OK
	refused_vm 'directory|regular' kernel=/guest/vmlinuz initrd=/tmp $OK
	refused_vm 'memory|fit|large' kernel=/guest/vmlinuz memory=4M
}

test_numbers()
{
	for v in 0 65 -1 x 1.5 99999999999999999999 ''; do
		refused_vm 'vcpus' kernel="$GUESTS/spin.elf" $OK vcpus="$v"
	done
	for m in 0 1 1M 3M 2049K -2M 2X '' 99999999999999999999G 2T; do
		refused_vm 'memory' kernel="$GUESTS/spin.elf" memory="$m"
	done
	for p in 0x10000 -1 x 65536; do
		refused_vm 'debug-exit' kernel="$GUESTS/spin.elf" $OK debug-exit="$p"
	done
	refused_vm 'debug-exit|port|device' kernel="$GUESTS/spin.elf" $OK debug-exit=0x3f8
	refused_vm 'colour' kernel="$GUESTS/spin.elf" $OK colour=blue
	refused_vm 'command line|cmdline|long' kernel=/guest/vmlinuz memory=128M cmdline="$(head -c 5000 /dev/zero | tr '\0' a)"
}

test_names()
{
	local n

	for n in '' . .. -x .x 'a b' a/b ../x $'a\nb' 'a*' 'ä' "$(head -c 32 /dev/zero | tr '\0' a)" "$(head -c 5000 /dev/zero | tr '\0' a)"; do
		refused 'name|usage' ivmctl vm create "$n" kernel="$GUESTS/spin.elf" $OK
	done
	n=$(head -c 31 /dev/zero | tr '\0' a)
	vm_create "$n" kernel="$GUESTS/spin.elf" $OK
	refused 'already' ivmctl vm create "$n" kernel="$GUESTS/spin.elf" $OK
	vm_start "$n"
	refused 'already|running' ivmctl vm start "$n"
	refused 'running|stop' ivmctl vm delete "$n"
	for verb in start stop pause resume reset delete show console; do
		refused 'no VM|not exist|no such' ivmctl vm $verb nobody-here
	done
}

# A file that changes under a VM that runs from it: a reset is refused, and says why.
test_kernel_changed_after_sealing()
{
	cp "$GUESTS/reset.elf" mine.elf
	vm_create changed kernel="$PWD/mine.elf" memory=16M cmdline=via=none
	vm_start changed
	wait_for 30 console_has changed started || give_up "it does not start"
	sleep 0.1
	printf x >>mine.elf
	refused 'chang' ivmctl vm reset changed
	same state "$(vm_state changed)" stopped
	same reason "$(vm_get changed stop-reason)" error
}

run_tests kernel_files headers_with_flipped_bits initrd numbers names kernel_changed_after_sealing
