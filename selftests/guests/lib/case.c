// SPDX-License-Identifier: GPL-2.0-only
/* Named cases, their TAP, and the verdict. */
#include "guest.h"

static u32 failures;		/* of this case */
static const char *skipped;

bool check_eq_at(const char *file, int line, const char *what, u64 got, u64 want)
{
	if (got == want)
		return true;
	if (failures++ < 8)	/* enough to tell; a wrong table has thousands */
		note("%s:%d: %s is 0x%lx, not 0x%lx", file, line, what, got, want);
	return false;
}

void skip(const char *why) { skipped = why; }

bool on_ivm(void)
{
	struct cpuid r = cpuid(0x40000100, 0);

	return r.ebx == 0x494d5649 && r.ecx == 0x56494d56 && r.edx == 0x4d56494d;
}

void progress(u64 done, u64 all)
{
	static u64 tenth;
	u64 now = all ? done * 10 / all : 0;

	if (now != tenth && now)
		note("%lu%% done", now * 10);
	tenth = now;
}

/* A promise may stand before the name: "P9 reads". */
static const char *short_name(const char *name)
{
	const char *s = name;

	for (; *name; name++)
		if (*name == ' ')
			s = name + 1;
	return s;
}

u32 run_cases(const char *promise, const struct guest_case *cases, u32 nr)
{
	char only[64] = "";
	const char *wanted = option("case");
	u32 bad = 0, ran = 0;

	if (wanted)
		memcpy(only, wanted, strlen(wanted) + 1);
	print("TAP version 13\n1..%u\n", nr);
	for (u32 i = 0; i < nr; i++) {
		failures = 0;
		skipped = NULL;
		if (*only && !streq(only, short_name(cases[i].name))) {
			skipped = "not asked for";
		} else {
			cases[i].run();
			ran++;
		}
		print("%sok %u %s%s%s", failures ? "not " : "", i + 1,
		      promise ? promise : "", promise ? " " : "", cases[i].name);
		if (skipped)
			print(" # SKIP %s", skipped);
		putch('\n');
		bad += failures != 0;
	}
	if (!ran) {
		print("Bail out! no case of this name\n");
		return VERDICT_FAIL;
	}
	return bad ? VERDICT_FAIL : VERDICT_PASS;
}

void guest_exit(u32 verdict)
{
	cli();
	print("# verdict 0x%x\n", verdict);
	while (option("stay"))		/* for someone who wants to look at counters of a VM that runs */
		asm volatile("cli; hlt");
	outb(DEBUG_EXIT_PORT, verdict);
	acpi_power_off();
	for (;;)
		asm volatile("cli; hlt");
}
