#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The command line of ivmctl as users meet it, on a machine without the module:
# exit statuses, one-line errors, JSON, what is logged, processes in competition.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
OUT=$(realpath "${OUT:-../../build/selftests/ivmctl}")
IVMCTL=$(realpath "${IVMCTL:-../../build/ivmctl}")

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export IVM_DIR=$dir/vms TEST_SYSLOG=$dir/syslog LC_ALL=C.UTF-8
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

ivmctl()
{
	LD_PRELOAD=$OUT/syslog.so timeout 60 "$IVMCTL" "$@"
}

# expect STATUS TEXT ARGUMENTS...: that exit status; for a failure exactly one line of error, with TEXT in it
expect()
{
	local want=$1 text=$2 status=0
	shift 2
	ivmctl "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	if [ "$status" != "$want" ]; then
		echo "ivmctl $*: status $status, expected $want: $(cat "$dir/err")"
		return 1
	fi
	[ "$want" = 0 ] || [ "$(wc -l <"$dir/err")" = 1 ] || { echo "ivmctl $*: not one line:"; cat "$dir/err"; return 1; }
	[ "$want" = 0 ] || [ ! -s "$dir/out" ] || { echo "ivmctl $*: output besides the error"; return 1; }
	[ -z "$text" ] || grep -qF -- "$text" "$dir/err" "$dir/out" && return 0
	echo "ivmctl $*: no '$text' in:"
	cat "$dir/err" "$dir/out"
	return 1
}

# A multiboot kernel of one page that is never run.
kernel=$dir/kernel
{
	printf '\x02\xb0\xad\x1b\x00\x00\x01\x00\xfe\x4f\x51\xe4'
	printf '\x00\x00\x20\x00\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00'
} >"$kernel"

wrong_usage()
{
	expect 2 'nothing to do' &&
		expect 2 "there is no noun 'frob'" frob &&
		expect 2 "what about vm?" vm &&
		expect 2 "'vm' has no verb 'frob'" vm frob &&
		expect 2 'the name of the VM is missing' vm start &&
		expect 2 "the word 'b' is one too many" vm start a b &&
		expect 2 "the word 'x' is one too many" vm list x &&
		expect 2 "'vm start' has no option '--force'" vm start a --force &&
		expect 2 "'vm stop' has no key 'force'" vm stop a force=1 &&
		expect 2 "--force takes no value" vm stop a --force=1 &&
		expect 2 "--timeout needs a value" vm stop a --timeout &&
		expect 2 "timeout is given twice" vm stop a --timeout 1 timeout=2 &&
		expect 2 "'vm create' has no key 'frob'" vm create a frob=1 &&
		expect 2 "'vm create' has no option '--frob'" vm create a --frob 1 &&
		expect 2 "'vm create' has no key ''" vm create a =1 &&
		expect 2 "vcpus is given twice" vm create a vcpus=1 --vcpus=2 &&
		expect 2 'nothing to set' vm set a && expect 2 'nothing to set' vm set a timeout=5 &&
		expect 2 'timeout is how long to wait for memory; give memory=SIZE' vm set a max=1G --timeout 5 &&
		expect 2 'max is given twice' vm set a max=1G --max 2G && expect 2 "'vm create' has no key 'timeout'" vm create a timeout=5 &&
		expect 2 'nothing to set' host set &&
		expect 2 'cores and cpu-list are the same' host set cores=0 cpu-list=0 reserve=10% &&
		expect 2 'reserve is given twice' host set reserve=1% --reserve 2% &&
		expect 2 "'host set' has no key 'cpu'" host set cpu=10% &&
		expect 2 "'vm start' has no key 'cpu'" vm start a cpu=10% &&
		expect 2 'cpu is given twice' vm set a cpu=1% cpu=2% &&
		expect 2 "the word 'x' is one too many" top x &&
		expect 2 "'top' has no option '--delay'" top --delay 1 &&
		expect 2 '--interval needs a value' top --interval &&
		expect 2 'count is given twice' top --count 1 count=2 &&
		expect 2 "there is no noun 'frob'" help frob &&
		expect 2 'the name of the switch is missing; usage: ivmctl switch create SWITCH' switch create &&
		expect 2 'the name of the port is missing; usage: ivmctl port show PORT' port show &&
		expect 2 'the name of the port is missing; usage: ivmctl port attach SWITCH PORT' port attach sw0 &&
		expect 2 "the word 'c' is one too many" port attach a b c &&
		expect 2 "'port set' has no key 'vcpus'" port set p vcpus=1 &&
		expect 2 "'vm create' has no key 'access'" vm create a access=1 &&
		expect 2 'access is given twice' port set p access=1 vlan=2 &&
		expect 2 'nothing to set' port set lo &&
		expect 2 'nothing to set' switch set lo &&
		expect 2 "nic0 is given twice" vm set a nic0=vlan:1 nic0=vlan:2
}

# Switches and ports need no module to be refused.
bad_ports()
{
	expect 1 "the name of the switch is 'a/b'" switch create a/b &&
		expect 1 "the name of the switch is '1234567890123456'" switch create 1234567890123456 &&
		expect 1 "the name of the switch is ''" switch create '' &&
		expect 1 "there is a device 'lo' already" switch create lo &&
		expect 1 "uplink is 'none0', and there is no such device" switch create s0 uplink=none0 &&
		expect 1 "ageing is '9'; expected a number of seconds, 10 to 1000000" switch create s0 ageing=9 &&
		expect 1 "ageing is 'x'" switch set s0 ageing=x &&
		expect 1 "there is no switch 's0'" switch show s0 &&
		expect 1 "'lo' is no switch but a device of kind hardware" switch delete lo &&
		expect 1 "'lo' is no switch" switch verify lo &&
		expect 1 "there is no switch 's0'" port list switch=s0 &&
		expect 1 "there is no switch 's0'" port attach s0 lo access=10 &&
		expect 1 "there is no port 'none0'" port show none0 &&
		expect 1 "'lo' is no port of a switch; attach it with: ivmctl port attach SWITCH lo" port set lo access=10 &&
		expect 1 'access is 4095; expected 1 to 4094' port set lo access=4095 &&
		expect 1 "trunk names '0'" port attach s0 lo trunk=0 &&
		expect 1 'contradicts' port set lo access=10 trunk=10 &&
		expect 1 'native is 30, which is none of the VLANs in trunk' port set lo trunk=10,20 native=30 &&
		expect 1 "rate-in is '100'; expected a rate with its unit" port set lo rate-in=100 &&
		expect 1 "host is 'maybe'" port attach s0 h0 host=maybe &&
		expect 0 'NAME' switch list && expect 0 'PORT' port list && expect 0 '[]' --json switch list
}

mac_of() { grep -oE '"mac":"[0-9a-f:]*"' "$dir/out" | sed -n "$(($1 + 1))s/.*\"mac\":\"\(.*\)\"/\1/p"; }

# A card gets an address once, and keeps it; no two VMs have the same.
cards()
{
	local first second
	expect 0 '' vm create n1 memory=64M kernel="$kernel" nic=switch:sw0,vlan:10 nic=switch:sw0,trunk:10+20-29,native:10,ip:10.0.0.5 &&
		expect 0 '"nic":[{"switch":"sw0","mac":"' --json vm show n1 || return 1
	first=$(mac_of 0) second=$(mac_of 1)
	[[ $first =~ ^[0-9a-f][26ae]: && $second =~ ^[0-9a-f][26ae]: && $first != "$second" ]] || { echo "MACs: $first $second"; return 1; }
	expect 0 '' vm set n1 nic0=vlan:20 && expect 0 "\"mac\":\"$first\",\"vlan\":20}" --json vm show n1 &&
		expect 0 '' vm set n1 nic=switch:sw1,vlan:1 && expect 0 "[{\"switch\":\"sw1\",\"mac\":\"$first\",\"vlan\":1}]" --json vm show n1 &&
		expect 0 'nic0  sw1     1' vm show n1 &&
		expect 1 "nic0: mac $first is that of a card of VM 'n1'" vm create n2 memory=64M kernel="$kernel" nic="switch:sw0,vlan:10,mac:$first" &&
		expect 1 "there is no VM 'n2'" vm show n2 &&
		expect 0 '' vm create n2 memory=64M kernel="$kernel" nic="switch:sw0,vlan:10,mac:$second" &&
		expect 1 "is that of a card of VM 'n2'" vm set n1 nic0="mac:$second" &&
		expect 0 '' vm set n1 nic0=mac: && expect 0 '"switch":"sw1"' --json vm show n1 || return 1
	[ "$(mac_of 0)" != "$first" ] || { echo "the address was not made anew"; return 1; }
	expect 1 'nic0: no VLAN is given' vm create n3 memory=64M kernel="$kernel" nic=switch:sw0 &&
		expect 1 'nic0: queues is 2' vm create n3 memory=64M kernel="$kernel" nic=switch:sw0,vlan:1,queues:2 &&
		expect 1 "nic1: vlan is 0" vm create n3 memory=64M kernel="$kernel" nic=switch:sw0,vlan:1 nic=switch:sw0,vlan:0 &&
		expect 0 '' vm set n1 nic= && expect 0 '' vm show n1 &&
		! grep -q nic "$dir/out" &&
		expect 0 '' vm delete n1 && expect 0 '' vm delete n2
}

# Of many who want the same address at once one gets it.
competition_for_an_address()
{
	local i wins=0 winner=
	local -a pids=()
	for i in $(seq 12); do
		ivmctl vm create "m$i" memory=64M kernel="$kernel" nic=switch:sw0,vlan:10,mac:02:00:00:00:00:77 2>/dev/null &
		pids[i]=$!
	done
	for i in $(seq 12); do
		if wait "${pids[i]}"; then
			wins=$((wins + 1))
			winner=m$i
		fi
	done
	[ "$wins" = 1 ] || { echo "$wins won"; return 1; }
	expect 0 '' vm delete "$winner"
}

bad_values()
{
	expect 1 "timeout is '-1'" vm stop a --timeout -1 &&
		expect 1 "timeout is '1d'" vm stop a --timeout 1d &&
		expect 1 "bad character at position 2" vm create 'a b' &&
		expect 1 "bad character at position 1" vm create ../x &&
		expect 1 "a VM's name has at most 31" vm create a2345678901234567890123456789012 &&
		expect 1 "is empty" vm create '' &&
		expect 1 'bad character' vm delete '*' &&
		expect 1 'bad character' events --vm 'a/b' &&
		expect 1 'memory is missing' vm create a kernel="$kernel" &&
		expect 1 'kernel is missing' vm create a memory=64M &&
		expect 1 "memory is '64X'" vm create a memory=64X kernel="$kernel" &&
		expect 1 'expected a multiple of 2M' vm create a memory=65M kernel="$kernel" &&
		expect 1 'max is 65M; expected a multiple of 2M' vm create a memory=64M max=65M kernel="$kernel" &&
		expect 1 'max is 2T; expected 2M to 1T' vm create a memory=64M max=2T kernel="$kernel" &&
		expect 1 "max is 'all'; expected a size like" vm create a memory=64M max=all kernel="$kernel" &&
		expect 1 'max is 64M, and memory is 128M; give max=128M or more, or a smaller memory' vm create a memory=128M max=64M kernel="$kernel" &&
		expect 1 "timeout is '-1'; expected a number of seconds" vm set a memory=64M timeout=-1 &&
		expect 1 'expected 1 to 64' vm create a memory=64M vcpus=0 kernel="$kernel" &&
		expect 1 'No such file' vm create a memory=64M kernel="$dir/none" &&
		expect 1 'is a directory' vm create a memory=64M kernel=/ &&
		expect 1 'is not a kernel' vm create a memory=64M kernel=/etc/passwd &&
		expect 1 'is empty' vm create a memory=64M kernel="$kernel" initrd=/proc/version &&
		expect 1 'is not a regular file' vm create a memory=64M kernel="$kernel" modules="$kernel,/dev/null" &&
		expect 1 "cpu is '25'; expected a percent sign behind the number" vm create a memory=64M kernel="$kernel" cpu=25 &&
		expect 1 'its floor, 50%, is above its cap, 25%' vm create a memory=64M kernel="$kernel" cpu=50%:25% &&
		expect 1 "cpu's cap is 0%; expected 0.1% to 100%" vm create a memory=64M kernel="$kernel" cpu=0%:0% &&
		expect 1 'expected one digit behind the point' vm create a memory=64M kernel="$kernel" cpu=1.25% &&
		expect 1 "cosched is 'on'; expected strict, relaxed or off" vm create a memory=64M kernel="$kernel" cosched=on &&
		expect 1 'reserve is 0.9%; expected 1% to 90%' host set reserve=0.9% &&
		expect 1 "reserve is '10'; expected a percent sign" host set cores=all reserve=10 &&
		expect 1 "interval is '0'; expected seconds, 0.1 to 3600" top --interval 0 &&
		expect 1 "count is '0'; expected a number from 1" --json top --count 0 &&
		expect 1 "there is no VM 'a'" vm show a &&
		expect 1 "there is no VM 'a'" vm set a cpu=1% &&
		expect 1 "there is no VM 'a'" vm set a vcpus=1 &&
		expect 1 "there is no VM 'a'" vm start a &&
		expect 1 "there is no VM 'a'" vm delete a &&
		[ -z "$(find "$IVM_DIR" -type f)" ]
}

life_of_a_definition()
{
	expect 0 '' vm create web memory=64M kernel="$kernel" cmdline='a=b "c"' --vcpus 2 &&
		expect 1 "there is a VM 'web' already" vm create web memory=2M kernel="$kernel" &&
		expect 0 '"memory":67108864' --json vm show web &&
		expect 0 'cmdline          a=b "c"' vm show web &&
		expect 0 'web   defined  2      64M' vm list &&
		expect 0 '' vm set web memory=128M cmdline= &&
		expect 0 '{"name":"web","state":"defined","vcpus":2,"memory":134217728,"definition":{"vcpus":2,"memory":134217728,"kernel"' vm show web --json &&
		expect 1 'expected a multiple' vm set web memory=3M vcpus=4 &&
		expect 0 '"vcpus":2' vm show web --json &&
		expect 0 '' vm delete web &&
		expect 1 "there is no VM 'web'" vm delete web &&
		[ -z "$(find "$IVM_DIR" -type f)" ]
}

# Of a VM that does not run memory and max are of the definition alone.
memory_of_a_definition()
{
	expect 0 '"definition":{"vcpus":1,"memory":67108864,"max":2147483648,"kernel"' --json vm create g memory=64M max=2G kernel="$kernel" &&
		expect 0 '{"name":"g","state":"defined","vcpus":1,"memory":67108864,"max":2147483648,"definition":{' --json vm show g &&
		expect 0 'max              2G' vm show g &&
		expect 1 'max is 2G, and memory is 3G; give max=3G or more' vm set g memory=3G &&
		expect 1 'max is 32M, and memory is 64M' vm set g max=32M &&
		expect 0 '"memory":1073741824,"max":2147483648,' --json vm set g memory=1G timeout=0 &&
		expect 0 '"memory":3221225472,"max":3221225472,' --json vm set g memory=3G --max 3G &&
		expect 0 "\"memory\":3221225472,\"kernel\":\"$kernel\"}" --json vm set g max= &&
		expect 0 '' vm show g && ! grep -q '^max' "$dir/out" && ! grep -q HOST "$dir/out" && expect 0 '' vm delete g
}

# cpu is one value: a cap that is not said is none. What was not said at all is not in the file.
shares_of_a_definition()
{
	expect 0 '' vm create s memory=64M kernel="$kernel" && expect 0 "\"kernel\":\"$kernel\"}" --json vm show s &&
		expect 0 '' vm set s cpu=25%:50% --cosched relaxed &&
		expect 0 '"cpu":"25%:50%","cosched":"relaxed"}' --json vm show s &&
		expect 0 'cpu              25%:50%' vm show s && expect 0 'cosched          relaxed' vm show s &&
		expect 0 '' vm set s cpu=12.5% && expect 0 '"cpu":"12.5%","cosched":"relaxed"}' --json vm show s &&
		expect 1 'is above its cap' vm set s cpu=20%:10% cosched=off &&
		expect 0 '"cpu":"12.5%","cosched":"relaxed"}' --json vm show s &&
		expect 0 '"cpu":"0%"}' --json vm set s cpu=0%:100% cosched= &&
		expect 0 '' vm set s cpu= && expect 0 "\"kernel\":\"$kernel\"}" --json vm show s && expect 0 '' vm delete s
}

# A file that someone edited badly shows in the list, and can be deleted.
broken_definition()
{
	expect 0 '' vm create good memory=64M kernel="$kernel" &&
		echo '{"memory":' >"$IVM_DIR/bad.json" &&
		expect 0 'bad.json is not valid JSON' vm list &&
		grep -q '^good ' "$dir/out" &&
		expect 0 'definition-error' --json vm show bad &&
		expect 1 'is not valid JSON' vm set bad vcpus=2 &&
		expect 1 'there is a VM' vm create bad memory=64M kernel="$kernel" &&
		expect 0 '' vm delete bad &&
		expect 0 '' vm delete good
}

json_is_json()
{
	ivmctl vm create j memory=64M kernel="$kernel" cmdline='"\ '$'\xc3\xa4' &&
		ivmctl --json vm list 2>/dev/null | python3 -c 'import json, sys; v = json.load(sys.stdin); assert v[0]["definition"]["cmdline"] == "\"\\ \u00e4", v' &&
		ivmctl --json vm show j | python3 -c 'import json, sys; assert json.load(sys.stdin)["memory"] == 64 << 20' &&
		ivmctl --json version | python3 -c 'import json, sys; json.load(sys.stdin)' &&
		ivmctl vm delete j
}

without_module()
{
	ivmctl vm create m memory=64M kernel="$kernel" || return 1
	for verb in start stop reset pause resume; do
		expect 1 'modprobe ivm' vm "$verb" m || return 1
	done
	expect 1 'load the module with: modprobe ivm' vm console m &&
		expect 1 'modprobe ivm' host show && expect 1 'modprobe ivm' host audit &&
		expect 1 'modprobe ivm' host set cpu-list=0 && expect 1 'modprobe ivm' events &&
		expect 1 'modprobe ivm' host set reserve=12.5% && expect 1 'modprobe ivm' top && expect 1 'modprobe ivm' top --json &&
		expect 0 'module not loaded' version &&
		expect 0 'note: the module ivm is not loaded' vm list &&
		expect 0 '' vm delete m
}

# One line per command that changes something, refused ones included; none for those that only look.
logged()
{
	: >"$TEST_SYSLOG"
	expect 0 '' vm create l memory=64M kernel="$kernel" cmdline='two words' || return 1
	grep -qE "^ivmctl <80> <5> user=$(id -un) uid=$(id -u) login=[^ ]+ tty=[^ ]+ command=\"ivmctl vm create l memory=64M .*'cmdline=two words'\" outcome=done$" "$TEST_SYSLOG" || { cat "$TEST_SYSLOG"; return 1; }
	: >"$TEST_SYSLOG"
	expect 1 '' vm create l2 memory=64M kernel=/nonexistent$'\n'forged || return 1
	grep -qE '<4> .*outcome=refused: .*kernel has a control character' "$TEST_SYSLOG" || { cat "$TEST_SYSLOG"; return 1; }
	[ "$(wc -l <"$TEST_SYSLOG")" = 1 ] || { cat "$TEST_SYSLOG"; return 1; }
	: >"$TEST_SYSLOG"
	expect 1 '' vm create 'bad name' memory=64M || return 1
	expect 2 '' vm set l frob=1 || return 1
	expect 0 '' vm delete l || return 1
	[ "$(wc -l <"$TEST_SYSLOG")" = 3 ] || { cat "$TEST_SYSLOG"; return 1; }
	: >"$TEST_SYSLOG"
	expect 0 '' vm list && expect 0 '' help && expect 0 '' version && expect 1 '' vm show l && [ ! -s "$TEST_SYSLOG" ]
}

# Of twenty who create the same VM at once one wins, and the file is that one's.
competition()
{
	local i wins=0 winner=
	local -a pids=()
	for i in $(seq 20); do
		ivmctl vm create c memory=$((i * 2))M kernel="$kernel" 2>/dev/null &
		pids[i]=$!
	done
	for i in $(seq 20); do
		if wait "${pids[i]}"; then
			wins=$((wins + 1))
			winner=$i
		fi
	done
	[ "$wins" = 1 ] || { echo "$wins won"; return 1; }
	expect 0 "\"memory\":$((winner * 2 * 1048576))," vm show c --json || return 1
	# Changes of different keys by many at once are all kept.
	ivmctl vm set c memory=64M vcpus=1 || return 1
	ivmctl vm set c vcpus=7 &
	ivmctl vm set c memory=32M &
	ivmctl vm set c cmdline=x &
	ivmctl vm set c debug-exit=0xf4 &
	wait
	expect 0 "{\"vcpus\":7,\"memory\":33554432,\"kernel\":\"$kernel\",\"cmdline\":\"x\",\"debug-exit\":244}" vm show c --json &&
		expect 0 '' vm delete c
}

without_rights()
{
	[ "$(id -u)" = 0 ] || return 0
	expect 0 '' vm create r memory=64M kernel="$kernel" || return 1
	chmod 755 "$dir"
	cp "$IVMCTL" "$dir/ivmctl"
	if setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/ivmctl" vm show r 2>"$dir/err"; then
		return 1
	fi
	grep -q 'Permission denied; run as root' "$dir/err" || { cat "$dir/err"; return 1; }
	if setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/ivmctl" vm delete r 2>"$dir/err"; then
		return 1
	fi
	expect 0 '' vm show r && expect 0 '' vm delete r
}

closed_output()
{
	if ivmctl help >/dev/full 2>"$dir/err"; then
		return 1
	fi
	grep -q 'cannot write to the standard output' "$dir/err"
}

help_tells_of_memory()
{
	expect 0 'vm set NAME [--timeout SECONDS] KEY=VALUE...' help vm &&
		expect 0 'max=SIZE                      memory can be set up to this while it runs; without it memory is fixed (optional)' help vm &&
		expect 0 '--timeout SECONDS                   how long to wait for memory of a VM that runs (default 30; 0: do not wait)' help vm &&
		expect 0 'memory and max if it runs and was started' help vm
}

# Help, completion and man page name every verb of the table.
help_is_complete()
{
	local noun verb rest word
	ivmctl help --complete >"$dir/table" || return 1
	[ "$(wc -l <"$dir/table")" -ge 29 ] || return 1
	ivmctl help >"$dir/help" || return 1
	sed 's/\\//g' ../../ivmctl/ivmctl.8 >"$dir/man"
	while read -r noun verb rest; do
		[ "$verb" != - ] || verb=
		grep -q "^  $noun${verb:+ $verb}\b" "$dir/help" || { echo "help: $noun $verb"; return 1; }
		ivmctl help "$noun" >"$dir/help.noun" || return 1
		grep -q "^  $noun${verb:+ $verb}\b" "$dir/help.noun" || { echo "help $noun: $verb"; return 1; }
		grep -q "^\.BI* \"*$noun${verb:+ $verb}\b" "$dir/man" || { echo "man: $noun $verb"; return 1; }
		for word in $rest; do
			case $word in
			NAME | SWITCH | PORT | DEVICE) continue ;;
			esac
			word=${word#--}
			grep -qw -- "${word%=}" "$dir/man" || { echo "man: $word"; return 1; }
		done
	done <"$dir/table"
}

completes()	# EXPECTED WORD...: the last word is being typed
{
	local want=$1
	shift
	(
		PATH=$dir/bin:$PATH
		mkdir -p "$dir/bin"
		ln -sf "$IVMCTL" "$dir/bin/ivmctl"
		unset -f ivmctl
		# shellcheck disable=SC2317 # the completion calls it
		compopt() { :; }
		# shellcheck source=../../ivmctl/ivmctl.bash
		. ../../ivmctl/ivmctl.bash
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		COMPREPLY=()
		_ivmctl
		[ "${COMPREPLY[*]}" = "$want" ] || { echo "$*: '${COMPREPLY[*]}', expected '$want'"; exit 1; }
	)
}

completion()
{
	ivmctl vm create compl memory=64M kernel="$kernel" &&
		completes 'version' ivmctl ver &&
		completes 'show start stop set' ivmctl vm s &&
		completes 'compl' ivmctl vm start c &&
		completes '--force' ivmctl vm stop compl --f &&
		completes 'memory=' ivmctl vm set compl mem &&
		completes 'max=' ivmctl vm set compl max && completes '--timeout' ivmctl vm set compl --t &&
		completes 'version vm' ivmctl --json v &&
		completes '--vm' ivmctl events --v &&
		completes 'lo' ivmctl port attach sw0 lo &&
		completes 'isolated=' ivmctl port set p0 iso &&
		completes 'access=' ivmctl port attach sw0 lo acc &&
		completes '--uplink' ivmctl switch create sw0 --u &&
		completes 'cpu=' ivmctl vm set compl cpu && completes 'cosched=' ivmctl vm set compl cos &&
		completes 'relaxed' ivmctl vm set compl cosched = re && completes 'strict relaxed off' ivmctl vm set compl cosched = &&
		completes '--reserve' ivmctl host set --r && completes '--interval' ivmctl top --i && completes 'top' ivmctl to &&
		ivmctl vm delete compl
}

echo "TAP version 13"
for test in wrong_usage bad_values bad_ports cards life_of_a_definition memory_of_a_definition shares_of_a_definition broken_definition json_is_json logged \
	    competition competition_for_an_address \
	    without_rights closed_output help_is_complete help_tells_of_memory completion; do
	check "$test" "$test"
done
if [ -e /dev/ivm ]; then
	n=$((n + 1))
	echo "ok $n without_module # SKIP the module is loaded"
else
	check without_module without_module
fi
echo "1..$n"
echo "# Totals: pass:$((n - failed)) fail:$failed"
[ "$failed" = 0 ]
