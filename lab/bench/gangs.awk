# SPDX-License-Identifier: GPL-2.0-only
#
# gawk -f gangs.awk THREADS TRACE: how the vCPUs of VMs ran together. THREADS has
# a line "TID VM" for each vCPU, all of which always want to run; TRACE is tracefs'
# text of sched_switch, and of what the hypervisor says when it enters the guest.
#
# A vCPU runs from its first entry after its thread was switched to until the
# thread is switched away from: to wait on a processor for the others is not to run.
# A period of a VM begins when one of its vCPUs begins to run and none did; how far
# apart they begin is the time until each of them has begun. A period that ends
# before is not over: the time goes on.
#
# Prints "corun LOSS": of the time in which any vCPU of a VM ran, the part in which
# not all did, in percent; "skew P50 P99 MAX PERIODS" in us.

function account(vm, now) {
	if (running[vm]) {
		run += now - since[vm]
		if (running[vm] == vcpus[vm])
			corun += now - since[vm]
	}
	since[vm] = now
}

function begins(tid, now, vm) {
	vm = of[tid]
	account(vm, now)
	if (!running[vm] && begun[vm] == vcpus[vm]) {
		begun[vm] = 0
		period[vm]++
	}
	if (!begun[vm])
		first[vm] = now
	if (has_begun[tid] != period[vm]) {
		has_begun[tid] = period[vm]
		if (++begun[vm] == vcpus[vm] && period[vm] > 1)
			skew[++periods] = now - first[vm]
	}
	running[vm]++
	runs[tid] = 1
}

function ends(tid, now) {
	account(of[tid], now)
	running[of[tid]]--
	runs[tid] = 0
}

NR == FNR {
	of[$1] = $2
	vcpus[$2]++
	period[$2] = 1
	next
}

!match($0, /-([0-9]+) +\[[0-9]+\].* ([0-9]+\.[0-9]+): ([a-z_]+): /, at) { next }

at[3] == "sched_switch" {
	match($0, /prev_pid=([0-9]+).* next_pid=([0-9]+)/, pid)
	if ((pid[1] in runs) && runs[pid[1]])
		ends(pid[1], at[2])
	on[pid[1]] = 0
	on[pid[2]] = 1
	next
}

(at[1] in of) && on[at[1]] && !((at[1] in runs) && runs[at[1]]) { begins(at[1], at[2]) }

END {
	for (tid in of)
		if (!(tid in runs)) {
			print "gangs: vCPU thread " tid " of " of[tid] " never ran" >"/dev/stderr"
			exit 1
		}
	printf "corun %.4f\n", run ? 100 * (1 - corun / run) : 100
	n = asort(skew)
	if (n)
		printf "skew %.0f %.0f %.0f %d\n", 1e6 * skew[int((n + 1) / 2)], 1e6 * skew[int((n * 99 + 99) / 100)], 1e6 * skew[n], n
}
