#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P1: every ordered pair of port kinds, every kind of frame, to the byte.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Cards of VMs are among the ports where the module is built with IVM_DEBUG.
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug 2>/dev/null

clean() { for d in $(ip -o link show | grep -oE 'p[a-z0-9]+@' | tr -d @); do ip link del "$d"; done; forget_cards; ip link del swm; }
forget_cards() { cut -d' ' -f1 $CARDS | while read -r c; do echo "del $c" >$CARDS; done; } 2>/dev/null
CARDS=/sys/kernel/debug/ivm_net/cards

test_matrix()
{
	defer clean
	within 900 python3 -u "$HERE/matrix.py" || bad "frames are not where they must be"
}

# The same matrix sees a port that is in another VLAN than it should be.
test_seeded_leak()
{
	defer clean
	! within 900 python3 -u "$HERE/matrix.py" leak >leak || bad "a leak was not seen"
	tail -n 1 leak
}

run_tests matrix seeded_leak
