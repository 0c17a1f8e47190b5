#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Whose is SVM? Refusals when it is absent or taken, by name and with a remedy; and it is given back.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# With -q svm=off, or on another vendor's processor. Nothing else works there: IVM fails closed.
test_no_extension()
{
	[ "$(host_get backend)" = none ] || skip_it "this host has $(host_get backend)"
	reason=$(host_get reason)
	say "reason: $reason"
	grep -qiE 'svm|vmx|virtuali[sz]ation' <<<"$reason" || bad "the reason names no extension: '$reason'"
	vm_create nosvm kernel="$GUESTS/spin.elf" memory=16M
	refused "svm|vmx|virtuali" ivmctl vm start nosvm
}

has_extension() { [ "$(host_get backend)" != none ]; }
vm_starts() { ivmctl vm start "$1" 2>start.err; }

test_held_by_kvm()
{
	has_extension || skip_it "no extension to hold"
	lsmod | grep -q '^kvm' && skip_it "kvm is loaded already"
	modprobe kvm_amd 2>modprobe.err || skip_it "kvm_amd does not load here: $(head -c 120 modprobe.err)"
	defer modprobe -r kvm_amd
	qemu-system-x86_64 -machine q35,accel=kvm -cpu host -m 32 -nodefaults -display none \
		-serial file:serial -kernel "$GUESTS/spin.elf" >qemu.err 2>&1 &
	local qemu=$!
	defer kill -9 $qemu
	wait_for 60 grep -qs spinning serial || give_up "KVM's own guest does not run: $(head -c 200 qemu.err serial)"
	guest_vm mine spin 1 16M ""
	# named: who holds it, and what to do
	refused "kvm_amd" ivmctl vm start mine
	grep -qiE 'rmmod|modprobe -r|unload|stop|remove' refused.err || bad "no remedy in: $(cat refused.err)"
	say "$(cat refused.err)"
	kill -0 $qemu || bad "KVM's guest did not survive the attempt"
	kill -9 $qemu
	wait $qemu 2>/dev/null
	modprobe -r kvm_amd || bad "kvm_amd does not unload"
	vm_start mine
	wait_for 30 console_has mine spinning || bad "it does not run after the release"
}

# And the other way round: while a VM of ours runs, KVM finds the extension taken; afterwards it works.
test_given_back_to_kvm()
{
	has_extension || skip_it "no extension to give back"
	modprobe kvm_amd 2>modprobe.err || skip_it "kvm_amd does not load here: $(head -c 120 modprobe.err)"
	modprobe -r kvm_amd
	guest_vm first spin 1 16M ""
	vm_start first
	wait_for 30 console_has first spinning || give_up "our guest does not run"
	ivmctl vm stop first --force >/dev/null
	modprobe kvm_amd || give_up "kvm_amd does not load after our VM is gone"
	defer modprobe -r kvm_amd
	within 60 qemu-system-x86_64 -machine q35,accel=kvm -cpu host -m 32 -nodefaults -display none -no-reboot \
		-device isa-debug-exit,iobase=0xf4 -serial file:serial -kernel "$GUESTS/first.elf" >qemu.err 2>&1
	same "status of KVM's guest" $? 33
}

run_tests no_extension held_by_kvm given_back_to_kvm
