#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# P1: every ordered pair of port kinds, every kind of frame, to the byte.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

clean() { for d in $(ip -o link show | grep -oE 'p[a-z0-9]+@' | tr -d @); do ip link del "$d"; done; ip link del swm; }

test_matrix()
{
	defer clean
	timeout 300 python3 -u "$HERE/matrix.py" || bad "frames are not where they must be"
}

# The same matrix sees a port that is in another VLAN than it should be.
test_seeded_leak()
{
	defer clean
	! timeout 300 python3 -u "$HERE/matrix.py" leak || bad "a leak was not seen"
}

run_tests matrix seeded_leak
