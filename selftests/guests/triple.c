// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends in a triple fault, on vCPU=N, how=idt|stack|cr3|table: no descriptor
 * table, no stack, page tables outside memory, tables that map nothing.
 */
#include "guest.h"

static char how[16] = "idt";
static u64 empty[512] __aligned(4096);

static void die(void *arg)
{
	struct { u16 limit; u64 base; } __packed none = { 0, 0 };

	if (streq(how, "cr3"))
		write_cr3(ram_top() + 0x100000);
	else if (streq(how, "table"))
		write_cr3((u64)empty);
	else if (streq(how, "stack"))
		asm volatile("lidt %0; mov $0x800000000000, %%rsp; push %%rax" :: "m"(none));
	asm volatile("lidt %0; ud2" :: "m"(none));
}

u32 guest_main(void)
{
	const char *o = option("how");
	u64 cpu = option_num("vcpu", 0);

	if (o && strlen(o) < sizeof(how))
		memcpy(how, o, strlen(o) + 1);
	smp_start();
	print("triple fault by %s on vCPU %lu\n", how, cpu);
	if (cpu && cpu < nr_cpus) {
		smp_call(cpu, die, NULL);
		smp_wait(cpu, 10000);
	} else {
		die(NULL);
	}
	return VERDICT_FAIL;
}
