// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the kernel reaches guest RAM: through its own direct map, by the index
 * of blocks. Needs no lock: nobody asks before a space is populated or after,
 * and meanwhile the entry of a block changes only from 0 to something, and back
 * as ivm_space_unplug() says: who found a block there may use it until then.
 */
#include "space.h"

#include <linux/errno.h>
#include <linux/io.h>
#include <linux/string.h>

#include <asm/unaligned.h>

/* Software page walks and instruction fetches come through here at every exit that needs them. */
void *ivm_space_ptr(const struct ivm_space *space, u64 gpa, u64 *run)
{
	u64 in_block = gpa & (IVM_BLOCK_SIZE - 1), block = ivm_space_block(space, gpa);
	unsigned long walk;

	if (unlikely(block == IVM_NO_BLOCK))
		return NULL;
	walk = READ_ONCE(space->walk[block]);
	if (unlikely(!walk))
		return NULL;
	if (unlikely(walk & IVM_WALK_SMALL)) {
		const u64 *table = (const u64 *)(walk - IVM_WALK_SMALL);
		u64 entry = READ_ONCE(table[in_block >> PAGE_SHIFT]);

		if (run)
			*run = PAGE_SIZE - offset_in_page(gpa);
		return phys_to_virt(ivm_s2_address(entry)) + offset_in_page(gpa);
	}
	if (run)
		*run = IVM_BLOCK_SIZE - in_block;
	return (void *)(walk + in_block);
}

/* Within one of the ranges? An empty one may stand at the end of RAM. The room may begin right there. */
static bool inside(const struct ivm_space *space, u64 gpa, u64 len)
{
	u64 in_room = gpa - space->room_base, in_high = gpa - IVM_MEMORY_HIGH_BASE;	/* wrap to huge below a base */

	if (gpa <= space->low)
		return len <= space->low - gpa;
	if (in_room < space->room)
		return len <= space->room - in_room;
	return in_high <= space->high && len <= space->high - in_high;
}

bool ivm_space_is_ram(const struct ivm_space *space, u64 gpa, u64 len)
{
	u64 block, last;

	if (!inside(space, gpa, len))
		return false;
	if (likely(!space->room) || !len)
		return true;
	last = ivm_space_block(space, gpa + len - 1);
	for (block = ivm_space_block(space, gpa); block <= last; block++)
		if (!ivm_block_present(space, block))
			return false;
	return true;
}

/*
 * The guest may be at the same bytes at this moment. What fits a register and
 * is aligned moves in one access, as it would on hardware: a page-table entry
 * is never seen half old, half new.
 */
static void copy_out(void *to, const void *from, u64 len)
{
	if (len == 8 && IS_ALIGNED((unsigned long)from, 8))
		put_unaligned(READ_ONCE(*(const u64 *)from), (u64 *)to);
	else if (len == 4 && IS_ALIGNED((unsigned long)from, 4))
		put_unaligned(READ_ONCE(*(const u32 *)from), (u32 *)to);
	else if (len == 2 && IS_ALIGNED((unsigned long)from, 2))
		put_unaligned(READ_ONCE(*(const u16 *)from), (u16 *)to);
	else
		memcpy(to, from, len);
}

static void copy_in(void *to, const void *from, u64 len)
{
	if (len == 8 && IS_ALIGNED((unsigned long)to, 8))
		WRITE_ONCE(*(u64 *)to, get_unaligned((const u64 *)from));
	else if (len == 4 && IS_ALIGNED((unsigned long)to, 4))
		WRITE_ONCE(*(u32 *)to, get_unaligned((const u32 *)from));
	else if (len == 2 && IS_ALIGNED((unsigned long)to, 2))
		WRITE_ONCE(*(u16 *)to, get_unaligned((const u16 *)from));
	else
		memcpy(to, from, len);
}

int ivm_space_read(const struct ivm_space *space, u64 gpa, void *buf, u64 len)
{
	u64 run;
	void *ptr;

	if (!ivm_space_is_ram(space, gpa, len))
		return -EFAULT;
	for (; len; gpa += run, buf += run, len -= run) {
		ptr = ivm_space_ptr(space, gpa, &run);
		if (!ptr)
			return -EFAULT;		/* it went just now */
		run = min(run, len);
		copy_out(buf, ptr, run);
	}
	return 0;
}

int ivm_space_write(const struct ivm_space *space, u64 gpa, const void *buf, u64 len)
{
	u64 run;
	void *ptr;

	if (!ivm_space_is_ram(space, gpa, len))
		return -EFAULT;
	for (; len; gpa += run, buf += run, len -= run) {
		ptr = ivm_space_ptr(space, gpa, &run);
		if (!ptr)
			return -EFAULT;
		run = min(run, len);
		copy_in(ptr, buf, run);
	}
	return 0;
}
