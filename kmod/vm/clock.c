// SPDX-License-Identifier: GPL-2.0-only
/*
 * The documented KVM paravirtual clock (Documentation/virt/kvm/x86/msr.rst of
 * the kernel): the guest's clock is a linear function of its TSC. All vCPUs
 * share one TSC offset, and a pause moves that offset, so the function never
 * changes: each page is written once, when the guest registers it.
 */
#include "priv.h"
#include "../mem/mem.h"

#include <linux/clocksource.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>
#include <asm/msr.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>
#include <uapi/asm/kvm_para.h>

u64 ivm_clock_guest_tsc(struct ivm_vm *vm)
{
	return rdtsc() + vm->tsc_offset;
}

/* ns = ((tsc << shift) * mul) >> 32 with mul as large as fits (shift may be negative). */
static void clock_scale(u32 khz, u32 *mul, s8 *shift)
{
	u64 per_tick = div_u64((u64)NSEC_PER_MSEC << 32, khz);	/* 32.32 ns of one tick */

	*shift = 0;
	while (per_tick >> 32) {
		per_tick >>= 1;
		(*shift)++;
	}
	while (!(per_tick & BIT(31))) {
		/* Finer than a right shift of the quotient: divide again at each step. */
		(*shift)--;
		per_tick = div_u64((u64)NSEC_PER_MSEC << (32 - *shift), khz);
	}
	*mul = per_tick;
}

/* Even version: complete. The vCPU itself reads it, so nobody sees a half. */
static int clock_publish(struct ivm_vcpu *vcpu, u64 gpa)
{
	struct pvclock_vcpu_time_info info = {
		.version = 2,
		.flags = PVCLOCK_TSC_STABLE_BIT,
	};

	clock_scale(tsc_khz, &info.tsc_to_system_mul, &info.tsc_shift);
	return ivm_space_write(vcpu->vm->space, gpa, &info, sizeof(info));
}

/* Wall-clock time at guest TSC 0. */
static int clock_publish_wall(struct ivm_vcpu *vcpu, u64 gpa)
{
	u64 uptime = mul_u64_u32_div(ivm_clock_guest_tsc(vcpu->vm), NSEC_PER_MSEC, tsc_khz);
	u64 boot = ktime_get_real_fast_ns() - uptime;
	struct pvclock_wall_clock wall = { .version = 2 };
	u32 nsec;

	wall.sec = div_u64_rem(boot, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	return ivm_space_write(vcpu->vm->space, gpa, &wall, sizeof(wall));
}

/* Bit 0 of the time MSR enables; the rest is the address, 4-aligned. An address outside RAM: #GP. */
int ivm_clock_write(struct ivm_vcpu *vcpu, u32 msr, u64 value)
{
	int err;

	if (msr == MSR_KVM_WALL_CLOCK || msr == MSR_KVM_WALL_CLOCK_NEW)
		return value & 3 ? -EINVAL : clock_publish_wall(vcpu, value) ? -EINVAL : 0;
	if (!(value & 1)) {
		vcpu->clock_gpa = value;
		return 0;
	}
	err = value & 2 ? -EINVAL : clock_publish(vcpu, value & ~1ULL);
	if (err)
		return -EINVAL;
	vcpu->clock_gpa = value;
	return 0;
}

int ivm_clock_read(struct ivm_vcpu *vcpu, u32 msr, u64 *value)
{
	*value = msr == MSR_KVM_SYSTEM_TIME || msr == MSR_KVM_SYSTEM_TIME_NEW ? vcpu->clock_gpa : 0;
	return 0;
}
