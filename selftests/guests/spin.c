// SPDX-License-Identifier: GPL-2.0-only
/* A guest that never gives anything back: interrupts off, for ever. how=jmp|pause|cpuid|port|hlt (jmp), vcpus all. */
#include "guest.h"

static char how[16] = "jmp";

static void spin(void *arg)
{
	cli();
	for (;;) {
		if (streq(how, "pause"))
			pause();
		else if (streq(how, "cpuid"))
			cpuid(0, 0);
		else if (streq(how, "port"))
			inb(0x2f8);
		else if (streq(how, "hlt"))
			asm volatile("hlt");
		else
			asm volatile("1: jmp 1b");
	}
}

u32 guest_main(void)
{
	const char *o = option("how");

	if (o && strlen(o) < sizeof(how))
		memcpy(how, o, strlen(o) + 1);
	smp_start();
	for (u32 i = 1; i < nr_cpus; i++)
		smp_call(i, spin, NULL);
	print("spinning by %s on %u vCPUs\n", how, nr_cpus);
	spin(NULL);
	return VERDICT_FAIL;
}
