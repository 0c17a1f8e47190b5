#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The board as tiny guests see it; each program has a table of cases.
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

test_ports() { guest_run ports 1 16M "" 300; }
test_lapic_1_vcpu() { guest_run lapic 1 16M; }
# Whether an IPI comes at all; how soon is judged where instructions are counted (sched/ipis.sh).
test_lapic_2_vcpus() { need_vcpus 2; guest_run lapic 2 16M patience=30000; }
test_irqchip() { guest_run irqchip 1 16M; }
test_eoi() { need_vcpus 2; guest_run eoi 2 16M; }
test_mmio() { guest_run mmio 2 16M; }

run_tests ports lapic_1_vcpu lapic_2_vcpus irqchip eoi mmio
