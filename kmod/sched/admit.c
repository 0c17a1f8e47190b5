// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can all floors be met? Shares that meet on a core have it in turns, and a
 * co-scheduled one takes all of its cores at once: so for each share, the floors
 * of all that it meets anywhere and its own must sum up to no more than what the
 * host's reserve leaves. That is enough: whenever a share that is behind its
 * floor waits, one of those has its turn for their floor's sake.
 */
#include "gang.h"
#include "../why.h"

#include <linux/cpumask.h>
#include <linux/slab.h>

/* What is scheduled as one: vCPUs @first … of a gang. */
struct admit_unit {
	const struct ivm_gang *gang;
	unsigned int first, nr;
	u32 floor;
};

static unsigned int admit_add(struct admit_unit *units, unsigned int at, const struct ivm_gang *gang,
			      const struct ivm_shares *shares)
{
	unsigned int i;

	if (shares->cosched != IVM_COSCHED_OFF) {
		units[at] = (struct admit_unit) { gang, 0, gang->nr, shares->floor };
		return at + 1;
	}
	for (i = 0; i < gang->nr; i++)
		units[at++] = (struct admit_unit) { gang, i, 1, shares->floor };
	return at;
}

/* All gangs with floors, and @other last, with @shares instead of its own. */
static struct admit_unit *admit_units(const struct ivm_gang *other, const struct ivm_shares *shares, unsigned int *nr)
{
	struct admit_unit *units;
	struct ivm_gang *gang;
	unsigned int room = other ? other->nr : 0, at = 0;

	lockdep_assert_held(&ivm_admit_lock);
	list_for_each_entry(gang, &ivm_gangs, link)
		room += gang->nr;
	units = kvcalloc(room ?: 1, sizeof(*units), GFP_KERNEL);
	if (!units)
		return NULL;
	list_for_each_entry(gang, &ivm_gangs, link)
		if (gang != other && gang->shares.floor)
			at = admit_add(units, at, gang, &gang->shares);
	if (other)
		at = admit_add(units, at, other, shares);
	*nr = at;
	return units;
}

static void admit_mark(const struct admit_unit *unit, struct cpumask *cores)
{
	unsigned int i;

	cpumask_clear(cores);
	for (i = 0; i < unit->nr; i++)
		if (unit->gang->member[unit->first + i].cpu >= 0)
			cpumask_set_cpu(unit->gang->member[unit->first + i].cpu, cores);
}

static bool admit_meets(const struct admit_unit *unit, const struct cpumask *cores)
{
	unsigned int i;
	int cpu;

	for (i = 0; i < unit->nr; i++) {
		cpu = unit->gang->member[unit->first + i].cpu;
		if (cpu >= 0 && cpumask_test_cpu(cpu, cores))
			return true;
	}
	return false;
}

/*
 * The most that each unit of @gang may have so that @unit can be met: U32_MAX if
 * it is none of theirs to meet. @room: for all floors, of IVM_CPU_WHOLE.
 */
static u32 admit_room(const struct admit_unit *units, unsigned int nr, const struct admit_unit *unit,
		      const struct ivm_gang *gang, u32 room)
{
	static struct cpumask cores;	/* under ivm_admit_lock: too big for the stack */
	unsigned int i, own = 0;
	u32 others = 0;

	admit_mark(unit, &cores);
	for (i = 0; i < nr; i++) {
		if (!admit_meets(&units[i], &cores))
			continue;
		if (units[i].gang == gang)
			own++;
		else
			others += units[i].floor;
	}
	if (!own)
		return U32_MAX;
	return others < room ? (room - others) / own : 0;
}

/* The greatest floor with which @gang can be admitted as @shares say otherwise, in *most. Return: 0 or -ENOMEM. */
static int admit_most(struct ivm_gang *gang, const struct ivm_shares *shares, u32 reserve, u32 *most)
{
	unsigned int i, nr;
	struct admit_unit *units = admit_units(gang, shares, &nr);

	if (!units)
		return -ENOMEM;
	*most = IVM_CPU_WHOLE;
	for (i = 0; i < nr; i++)
		*most = min(*most, admit_room(units, nr, &units[i], gang, IVM_CPU_WHOLE - reserve));
	kvfree(units);
	return 0;
}

/**
 * ivm_admit() - can @gang have @shares beside all others?
 * @gang:    its cores are known; it may be new
 * @shares:  what it shall have
 * @reserve: thousandths that the host keeps of each core
 * @why:     filled on refusal, with the largest floor that would fit
 *
 * Context: ivm_admit_lock held. May sleep. (CPU hotplug may move vCPUs meanwhile;
 * what it leaves is nobody's promise.)
 * Return: 0, -EBUSY or -ENOMEM.
 */
int ivm_admit(struct ivm_gang *gang, const struct ivm_shares *shares, u32 reserve, struct ivm_why *why)
{
	u32 most;

	/* Who asks for no more than it has is not refused for what hotplug left. */
	if (!shares->floor || (!list_empty(&gang->link) && shares->floor <= gang->shares.floor &&
			       shares->cosched == gang->shares.cosched))
		return 0;
	if (admit_most(gang, shares, reserve, &most))
		return ivm_why(why, 0, -ENOMEM, "not enough kernel memory");
	if (shares->floor <= most)
		return 0;
	return ivm_why(why, IVM_A_CPU_FLOOR, -EBUSY,
		       "a floor of %u.%u %% of a core for each of %u vCPUs cannot be promised beside those of the VMs that run and the host's reserve: at most %u.%u %% can",
		       shares->floor / 10, shares->floor % 10, gang->nr, most / 10, most % 10);
}

/**
 * ivm_gang_lacks() - can the floor of @gang no longer be met where its vCPUs are now?
 * @gang: a vCPU of it was moved
 * @most: the greatest that could, thousandths
 *
 * Context: may sleep; takes ivm_admit_lock.
 * Return: whether that is less than what it was promised. (Nobody is told so
 * when there is no memory to find out.)
 */
bool ivm_gang_lacks(struct ivm_gang *gang, u32 *most)
{
	bool lacks;

	mutex_lock(&ivm_admit_lock);
	lacks = gang->shares.floor && !admit_most(gang, &gang->shares, ivm_reserve(), most) && *most < gang->shares.floor;
	mutex_unlock(&ivm_admit_lock);
	return lacks;
}

/**
 * ivm_admit_reserve() - would the floors of all gangs leave @reserve to the host?
 * @reserve: thousandths of each core
 * @why:     filled on refusal
 *
 * Context: as ivm_admit().
 * Return: 0, -EBUSY or -ENOMEM.
 */
int ivm_admit_reserve(u32 reserve, struct ivm_why *why)
{
	static struct cpumask cores;	/* under ivm_admit_lock */
	struct admit_unit *units;
	unsigned int i, k, nr;
	u32 sum, most = 0;

	units = admit_units(NULL, NULL, &nr);
	if (!units)
		return ivm_why(why, 0, -ENOMEM, "not enough kernel memory");
	for (i = 0; i < nr; i++) {
		admit_mark(&units[i], &cores);
		for (sum = 0, k = 0; k < nr; k++)
			sum += admit_meets(&units[k], &cores) ? units[k].floor : 0;
		most = max(most, sum);
	}
	kvfree(units);
	if (most + reserve <= IVM_CPU_WHOLE)
		return 0;
	return ivm_why(why, IVM_A_RESERVE, -EBUSY,
		       "floors of VMs that run leave %u.%u %% of a core to the host: lower them first (ivmctl vm set NAME cpu=)",
		       most < IVM_CPU_WHOLE ? (IVM_CPU_WHOLE - most) / 10 : 0,
		       most < IVM_CPU_WHOLE ? (IVM_CPU_WHOLE - most) % 10 : 0);
}

/**
 * ivm_admit_floors() - what is promised on a core
 * @cpu: that leads it
 *
 * Context: ivm_admit_lock held.
 * Return: thousandths.
 */
u32 ivm_admit_floors(unsigned int cpu)
{
	struct ivm_gang *gang;
	unsigned int i;
	u32 sum = 0;

	list_for_each_entry(gang, &ivm_gangs, link)
		for (i = 0; i < gang->nr; i++)
			sum += gang->member[i].cpu == (int)cpu ? gang->shares.floor : 0;
	return sum;
}

/**
 * ivm_shares_check() - is this something that a VM can be entitled to?
 * @shares: from outside
 * @why:    filled on refusal
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int ivm_shares_check(const struct ivm_shares *shares, struct ivm_why *why)
{
	if (shares->floor > IVM_CPU_WHOLE)
		return ivm_why(why, IVM_A_CPU_FLOOR, -EINVAL, "a floor is 0 to %d thousandths of a core, not %u",
			       IVM_CPU_WHOLE, shares->floor);
	if (!shares->cap || shares->cap > IVM_CPU_WHOLE)
		return ivm_why(why, IVM_A_CPU_CAP, -EINVAL, "a cap is 1 to %d thousandths of a core, not %u", IVM_CPU_WHOLE,
			       shares->cap);
	if (shares->floor > shares->cap)
		return ivm_why(why, IVM_A_CPU_CAP, -EINVAL, "the cap, %u thousandths of a core, is below the floor, %u",
			       shares->cap, shares->floor);
	if (shares->cosched < IVM_COSCHED_STRICT || shares->cosched > IVM_COSCHED_OFF)
		return ivm_why(why, IVM_A_COSCHED, -EINVAL, "there is no way %u of co-scheduling", shares->cosched);
	return 0;
}
