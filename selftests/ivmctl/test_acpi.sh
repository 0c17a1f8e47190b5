#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The ACPI tables, read back by iasl: they disassemble without a complaint,
# compile again to the same bytes, and say what the platform is.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
OUT=${OUT:-../../build/selftests/ivmctl}
UAPI=../../include/uapi/linux/ivm.h

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
n=0 failed=0

# check NAME COMMAND... (set -e does not reach into COMMAND)
check()
{
	local name=$1
	shift
	n=$((n + 1))
	if "$@" >"$dir/log" 2>&1; then
		echo "ok $n $name"
	else
		failed=$((failed + 1))
		sed 's/^/# /' "$dir/log"
		echo "not ok $n $name"
	fi
}

# A multiboot kernel of one page that is never run.
kernel()
{
	printf '\x02\xb0\xad\x1b\x00\x00\x01\x00\xfe\x4f\x51\xe4'
	printf '\x00\x00\x20\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00'
}

disassemble()
{
	local table
	for table in FACP APIC FACS DSDT XSDT; do
		iasl -d "$dir/$table.dat" && [ -s "$dir/$table.dsl" ] || return 1
		if grep -iE 'invalid|incorrect|error|unknown' "$dir/$table.dsl"; then
			return 1
		fi
	done
}

# The value of a field in a disassembled table: "… Name : VALUE", in hexadecimal.
field()
{
	local value
	value=$(sed -n "s/^.* $2 : \([0-9A-F]*\).*$/\1/p" "$dir/$1.dsl" | sed -n "${3:-1}p")
	[ -n "$value" ] || { echo "$1 has no field $2" >&2; return 1; }
	echo $((16#$value))
}

same()	# TABLE FIELD VALUE [WHICH]
{
	local found
	found=$(field "$1" "$2" "${4:-1}")
	[ "$found" = "$(($3))" ] || { echo "$1: $2 is $found, expected $3"; return 1; }
}

value()	# NAME of IVM_PLATFORM_NAME
{
	local text
	text=$(sed -n "s/^#define[[:space:]]*IVM_PLATFORM_$1[[:space:]]*\([0-9a-fx]*\).*$/\1/p" "$UAPI")
	[ -n "$text" ] || { echo "no IVM_PLATFORM_$1" >&2; return 1; }
	echo "$text"
}

fadt()
{
	same FACP 'SCI Interrupt' "$(value SCI_GSI)" &&
		same FACP 'SMI Command Port' 0 &&
		same FACP 'PM1A Event Block Address' "$(value PM1_EVT_PORT)" &&
		same FACP 'PM1A Control Block Address' "$(value PM1_CNT_PORT)" &&
		same FACP 'PM Timer Block Address' "$(value PM_TMR_PORT)" &&
		same FACP 'PM1 Event Block Length' 4 &&
		same FACP 'PM1 Control Block Length' 2 &&
		same FACP 'PM Timer Block Length' 4 &&
		same FACP 'Value to cause reset' "$(value RESET_VALUE)" &&
		same FACP 'Reset Register Supported (V2)' 1 &&
		same FACP 'Hardware Reduced (V5)' 0 &&
		same FACP 'RTC Century Index' 0x32 &&
		same FACP '8042 Present on ports 60\/64 (V2)' 0 &&
		same FACP 'VGA Not Present (V4)' 1 &&
		same FACP 'CMOS RTC Not Present (V5)' 0 &&
		same FACP 'Control Method Power Button (V1)' 0 &&
		same FACP '32-bit PM Timer (V1)' 1
}

madt()	# VCPUS
{
	same APIC 'Local Apic Address' "$(value LAPIC_BASE)" &&
		same APIC 'PC-AT Compatibility' 1 &&
		same APIC 'I\/O Apic ID' "$(value IOAPIC_ID)" &&
		same APIC 'Address' "$(value IOAPIC_BASE)" 2 &&
		same APIC 'Source' 0 && same APIC 'Interrupt' 2 2 &&
		same APIC 'Source' "$(value SCI_GSI)" 2 && same APIC 'Interrupt' "$(value SCI_GSI)" 3 &&
		same APIC 'Polarity' 1 2 && same APIC 'Trigger Mode' 3 2 &&
		same APIC 'Interrupt Input LINT' 1 &&
		same APIC 'Processor ID' 255 &&
		same APIC 'Local Apic ID' 0 &&
		same APIC 'Local Apic ID' $(($1 - 1)) "$1" &&
		[ "$(grep -c 'Local Apic ID' "$dir/APIC.dsl")" = "$1" ] &&
		[ "$(grep -c 'Processor Enabled : 1' "$dir/APIC.dsl")" = "$1" ]
}

# A window of the host bridge: "…, MINIMUM, // Range Minimum", and the same for its end.
window()	# WordIO|DWordMemory WIDTH PCI_IO|PCI_MMIO
{
	local base size first last
	base=$(value "$3_BASE") size=$(value "$3_SIZE")
	printf -v first "0x%0$2X" $((base))
	printf -v last "0x%0$2X" $((base + size - 1))
	tr -d ' \n\t' <"$dir/DSDT.dsl" | grep -qE "$1\([^)]*$first,//RangeMinimum$last,//RangeMaximum" ||
		{ echo "no $1 from $first to $last"; return 1; }
}

dsdt()
{
	local s5 port
	s5=$(printf '0x%02X' $(($(value SLP_TYP_S5))))
	port=$(printf '0x%04X' $(($(value UART_PORT))))
	tr -d ' \n\t' <"$dir/DSDT.dsl" | grep -q "Name(_S5,Package(0x04).*{$s5,$s5," &&
		grep -q "$port" "$dir/DSDT.dsl" && grep -q 'PNP0501' "$dir/DSDT.dsl" &&
		grep -q 'PNP0A03' "$dir/DSDT.dsl" && grep -q 'PNP0B00' "$dir/DSDT.dsl" &&
		tr -d ' \n\t' <"$dir/DSDT.dsl" | grep -q "PNP0B00.*IRQNoFlags(){$(($(value RTC_GSI)))}" &&
		window WordIO 4 PCI_IO && window DWordMemory 8 PCI_MMIO &&
		[ "$(grep -cE 'WordIO|DWordMemory' "$dir/DSDT.dsl")" = 3 ]	# and what the bridge passes on to old devices
}

recompile()
{
	mkdir -p "$dir/again" &&
		iasl -p "$dir/again/DSDT" "$dir/DSDT.dsl" &&
		cmp <(tail -c +37 "$dir/DSDT.dat") <(tail -c +37 "$dir/again/DSDT.aml")
}

kernel >"$dir/kernel"
echo "TAP version 13"
for vcpus in 1 64; do
	check "tables_for_${vcpus}_vcpus" "$OUT/acpi_dump" "$dir/kernel" "$vcpus" "$dir"
	check "disassemble_$vcpus" disassemble
	check "fadt_$vcpus" fadt
	check "madt_$vcpus" madt "$vcpus"
	check "dsdt_$vcpus" dsdt
	check "recompile_$vcpus" recompile
done
echo "1..$n"
echo "# Totals: pass:$((n - failed)) fail:$failed"
[ "$failed" = 0 ]
