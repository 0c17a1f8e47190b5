// SPDX-License-Identifier: GPL-2.0-only
#include "cpu.h"

#include "fail.h"
#include "text.h"

#include <errno.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IVM_PERCENT	(IVM_CPU_WHOLE / 100)	/* thousandths */
#define IVM_DIGITS	"0123456789"

const char *const ivm_cosched_names[] = {
	[IVM_COSCHED_STRICT] = "strict", [IVM_COSCHED_RELAXED] = "relaxed", [IVM_COSCHED_OFF] = "off",
};

/*
 * Digits, perhaps a point and one digit more, a percent sign. Of a number of any
 * length that is more than the whole, *share is more too. Return: NULL, or what is wrong.
 */
static const char *ivm_share_scan(const char *text, uint32_t *share)
{
	size_t digits = strspn(text, IVM_DIGITS), tenths;
	uint32_t number = 0;

	if (!digits)
		return "expected a percentage like 25% or 12.5%";
	for (size_t i = 0; i < digits && number < IVM_CPU_WHOLE; i++)
		number = 10 * number + (uint32_t)(text[i] - '0');
	number *= IVM_PERCENT;
	text += digits;
	if (*text == '.') {
		tenths = strspn(text + 1, IVM_DIGITS);
		if (!tenths)
			return "expected a digit behind the point, like 12.5%";
		if (tenths > 1)
			return "expected one digit behind the point, like 12.5%";
		number += (uint32_t)(text[1] - '0');
		text += 2;
	}
	if (!*text)
		return "expected a percent sign behind the number";
	if (strcmp(text, "%"))
		return "expected a percentage like 25% or 12.5%";
	*share = number;
	return NULL;
}

/* @what: of which part of the value a sentence speaks. */
static int ivm_share_part(const char *key, const char *what, const char *text, uint32_t min, uint32_t max,
			  uint32_t *share)
{
	char low[IVM_SHARE_TEXT], high[IVM_SHARE_TEXT];
	const char *why;
	uint32_t number;

	why = ivm_share_scan(text, &number);
	if (why)
		return ivm_fail(EINVAL, "%s%s is '%.60s'; %s", key, what, text, why);
	if (number < min || number > max)
		return ivm_fail(EINVAL, "%s%s is %.60s; expected %s to %s", key, what, text, ivm_share_text(min, low),
				ivm_share_text(max, high));
	*share = number;
	return 0;
}

int ivm_share_parse(const char *key, const char *text, uint32_t min, uint32_t max, uint32_t *share)
{
	return ivm_share_part(key, "", text, min, max, share);
}

char *ivm_share_text(uint32_t share, char text[IVM_SHARE_TEXT])
{
	if (share % IVM_PERCENT)
		snprintf(text, IVM_SHARE_TEXT, "%u.%u%%", share / IVM_PERCENT, share % IVM_PERCENT);
	else
		snprintf(text, IVM_SHARE_TEXT, "%u%%", share / IVM_PERCENT);
	return text;
}

int ivm_cpu_parse(const char *key, const char *text, struct ivm_cpu *cpu)
{
	struct ivm_cpu new = IVM_CPU_DEFAULT;
	const char *colon = strchr(text, ':');
	char *floor, left[IVM_SHARE_TEXT], right[IVM_SHARE_TEXT];
	int err;

	if (colon == text)
		return ivm_fail(EINVAL, "%s is '%.60s'; expected FLOOR:CAP, like 0%%:50%% for a cap alone", key, text);
	floor = ivm_format("%.*s", (int)strcspn(text, ":"), text);
	err = ivm_share_part(key, colon ? "'s floor" : "", floor, 0, IVM_CPU_WHOLE, &new.floor);
	if (!err && colon)
		err = ivm_share_part(key, "'s cap", colon + 1, 1, IVM_CPU_WHOLE, &new.cap);
	free(floor);
	if (err)
		return err;
	if (new.floor > new.cap)
		return ivm_fail(EINVAL, "%s is %.60s, and its floor, %s, is above its cap, %s; expected FLOOR:CAP", key, text,
				ivm_share_text(new.floor, left), ivm_share_text(new.cap, right));
	*cpu = new;
	return 0;
}

char *ivm_cpu_text(const struct ivm_cpu *cpu, char text[IVM_CPU_TEXT])
{
	char floor[IVM_SHARE_TEXT], cap[IVM_SHARE_TEXT];

	if (cpu->cap == IVM_CPU_WHOLE)
		snprintf(text, IVM_CPU_TEXT, "%s", ivm_share_text(cpu->floor, floor));
	else
		snprintf(text, IVM_CPU_TEXT, "%s:%s", ivm_share_text(cpu->floor, floor), ivm_share_text(cpu->cap, cap));
	return text;
}

int ivm_cosched_parse(const char *key, const char *text, uint32_t *cosched)
{
	for (uint32_t i = IVM_COSCHED_STRICT; i < IVM_COUNT(ivm_cosched_names); i++) {
		if (!strcmp(text, ivm_cosched_names[i])) {
			*cosched = i;
			return 0;
		}
	}
	return ivm_fail(EINVAL, "%s is '%.60s'; expected strict, relaxed or off", key, text);
}

int ivm_cpu_put(struct nl_msg *msg, const struct ivm_cpu *cpu, uint32_t cosched)
{
	if ((cpu && (nla_put_u32(msg, IVM_A_CPU_FLOOR, cpu->floor) || nla_put_u32(msg, IVM_A_CPU_CAP, cpu->cap))) ||
	    (cosched && nla_put_u32(msg, IVM_A_COSCHED, cosched)))
		return ivm_fail(ENOMEM, "out of memory");
	return 0;
}
