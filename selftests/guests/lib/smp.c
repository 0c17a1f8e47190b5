// SPDX-License-Identifier: GPL-2.0-only
/* Entry of each vCPU into C, starting the others, and handing them work. */
#include "guest.h"

#define AP_BASE 0x8000UL
#define AP_STACK 8192

extern char ap_begin[], ap_end[];
extern u32 ap_cpu, ap_stack, boot_magic, boot_info;
void cpu_entry(struct cpu *cpu);
void trap_init_cpu(struct cpu *cpu);
void boot_info_parse(u32 magic, u32 info);
void acpi_init(void);

static u8 stacks[MAX_CPUS][AP_STACK] __aligned(16);
u32 nr_cpus = 1;

static void ap_loop(struct cpu *cpu)
{
	cpu->online = true;
	for (;;) {
		if (cpu->work) {
			cpu->work(cpu->work_arg);
			cpu->work = NULL;
			cpu->work_done++;
		}
		pause();
	}
}

void cpu_entry(struct cpu *cpu)
{
	trap_init_cpu(cpu);
	if (cpu != &cpus[0]) {
		apic_enable();
		ap_loop(cpu);
	}
	boot_info_parse(boot_magic, boot_info);
	acpi_init();
	cpu->online = true;
	if (cpuid(1, 0).edx & 1 << 9)
		apic_enable();
	guest_exit(guest_main());
}

bool smp_restart(u32 index)
{
	struct cpu *cpu = &cpus[index];
	u8 *low = (u8 *)AP_BASE;

	memcpy(low, ap_begin, ap_end - ap_begin);
	*(u32 *)(low + ((char *)&ap_cpu - ap_begin)) = (u64)cpu;
	*(u32 *)(low + ((char *)&ap_stack - ap_begin)) = (u64)stacks[index] + AP_STACK;
	cpu->online = false;
	cpu->recover = cpu->user_recover = 0;
	cpu->work = NULL;
	cpu->x2apic = this_cpu()->x2apic;	/* INIT keeps the mode; a fresh vCPU has the page */
	cpu->index = index;

	apic_icr(cpu->apic_id, ICR_INIT);
	delay_us(1000);
	apic_icr(cpu->apic_id, ICR_SIPI | AP_BASE >> 12);
	if (wait_until(cpu->online, 100))
		return true;
	apic_icr(cpu->apic_id, ICR_SIPI | AP_BASE >> 12);
	return wait_until(cpu->online, 2000);
}

u32 smp_start(void)
{
	u32 online = 1;

	for (u32 i = 1; i < nr_cpus; i++)
		if (cpus[i].online || smp_restart(i))
			online++;
	return online;
}

void smp_call(u32 index, void (*fn)(void *), void *arg)
{
	cpus[index].work_arg = arg;
	asm volatile("" ::: "memory");
	cpus[index].work = fn;
}

bool smp_wait(u32 index, u32 ms)
{
	return wait_until(!cpus[index].work, ms);
}

void smp_call_all(void (*fn)(void *), void *arg)
{
	for (u32 i = 0; i < nr_cpus; i++) {
		if (!cpus[i].online)
			continue;
		if (i == this_cpu()->index) {
			fn(arg);
			continue;
		}
		smp_call(i, fn, arg);
		check(smp_wait(i, 10000));
	}
}
