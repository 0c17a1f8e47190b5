#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Debian's other kernels, and the other way in: ELF with a PVH note.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

boots() # NAME KERNEL
{
	[ -e "$2" ] || skip_it "$2 is not there"
	vm_create "$1" kernel="$2" initrd=/guest/initrd memory=256M \
		cmdline="console=ttyS0 quiet ivm.run=$(base64 -w 0 <<<'uname -v')"
	vm_start "$1"
	wait_for 150 vm_ended "$1" || { console "$1" | tail -n 10 | sed 's/^/# /'; give_up "it does not end"; }
	say "$(console "$1" | grep '^guest ready ')"
	same reason "$(vm_get "$1" stop-reason)" shutdown
	console_has "$1" '^guest run end 0' || bad "its command failed"
}

test_cloud() { boots cloud /guest/vmlinuz-cloud; }
test_rt() { boots rt /guest/vmlinuz-rt; }
test_pvh() { boots pvh /guest/vmlinux; }

run_tests cloud rt pvh
