// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks that come and go while a space is populated.
 *
 * What comes is complete before it can be seen: frames zeroed, tables made, and
 * only then leaves. What goes leaves the tables first; its frames are kept aside,
 * with their records, until nobody can have them in a TLB or a pointer any more,
 * and are scrubbed before they are the host's again.
 *
 * All of it runs with the space's lock held, so an audit sees either state.
 */
#include "space.h"

#include "../why.h"

#include <linux/lockdep.h>
#include <linux/mm.h>

/* Host memory is set aside for what is allowed and not there. @why may be NULL. */
static int room_promise(struct ivm_space *space, u64 allowed, struct ivm_why *why)
{
	u64 want = allowed > space->present ? allowed - space->present : 0;
	int err;

	if (want > space->promised) {
		err = ivm_frames_promise(want - space->promised, why);
		if (err)
			return err;
	} else {
		ivm_frames_unpromise(space->promised - want);
	}
	space->promised = want;
	return 0;
}

int ivm_space_allow(struct ivm_space *space, u64 bytes, struct ivm_why *why)
{
	int err;

	mutex_lock(&space->lock);
	err = room_promise(space, bytes, why);
	if (!err)
		space->allowed = bytes;
	mutex_unlock(&space->lock);
	return err;
}

/* Blocks [*first, *end) of a range; they are neighbours in the index as they are in the guest, or it is refused. */
static bool room_range(const struct ivm_space *space, u64 gpa, u64 len, u64 *first, u64 *end)
{
	u64 last;

	if (!len || !IS_ALIGNED(gpa | len, IVM_BLOCK_SIZE) || gpa + len < gpa)
		return false;
	*first = ivm_space_block(space, gpa);
	last = ivm_space_block(space, gpa + len - IVM_BLOCK_SIZE);
	if (*first == IVM_NO_BLOCK || last == IVM_NO_BLOCK || last - *first != (len >> IVM_BLOCK_SHIFT) - 1)
		return false;
	*end = last + 1;
	return true;
}

static bool room_all(const struct ivm_space *space, u64 first, u64 end, bool present)
{
	for (; first < end; first++)
		if (ivm_block_present(space, first) != present)
			return false;
	return true;
}

/* Of a block that nobody could see: its frames hold zeros. */
static void block_drop(struct ivm_space *space, u64 index)
{
	struct page *page, *next;

	ivm_s2_free_table(&space->s2, ivm_s2_take_block(&space->s2, ivm_block_gfn(space, index)));
	list_for_each_entry_safe(page, next, &space->frames[index], lru) {
		ivm_frame_free(page);
		cond_resched();
	}
}

static int room_fill(struct ivm_space *space, u64 first, u64 end)
{
	u64 i;
	int err;

	for (i = first; i < end; i++) {
		err = ivm_block_fill(space, i);
		if (err)
			goto undo;
		cond_resched();
	}
	return 0;
undo:
	for (; i >= first && i != IVM_NO_BLOCK; i--)
		block_drop(space, i);
	return err;
}

/* Blocks that are not there, whether they are allowed or not. With lock. */
static int room_plug(struct ivm_space *space, u64 first, u64 end)
{
	u64 i, len = (end - first) << IVM_BLOCK_SHIFT;
	int err;

	if (len > space->promised) {
		err = ivm_frames_promise(len - space->promised, NULL);
		if (err)
			return err;
		space->promised = len;
	}
	err = room_fill(space, first, end);
	if (err)
		return err;
	space->promised -= len;
	ivm_frames_unpromise(len);
	for (i = first; i < end; i++)
		WARN_ON_ONCE(ivm_block_show(space, i));	/* frames just made for this place */
	WRITE_ONCE(space->present, space->present + len);
	return 0;
}

int ivm_space_plug(struct ivm_space *space, u64 gpa, u64 len)
{
	u64 first, end;
	int err = 0;

	mutex_lock(&space->lock);
	if (!room_range(space, gpa, len, &first, &end) || !room_all(space, first, end, false))
		err = -EINVAL;
	else if (first >= space->boot_blocks && space->present + len > space->allowed)
		err = -ENOSPC;
	else
		err = room_plug(space, first, end);
	mutex_unlock(&space->lock);
	return err;
}

static void room_take(struct ivm_space *space, u64 first, u64 end)
{
	u64 i, *table;

	for (i = first; i < end; i++) {
		WRITE_ONCE(space->walk[i], 0);
		table = ivm_s2_take_block(&space->s2, ivm_block_gfn(space, i));
		if (table)
			list_add(&virt_to_page(table)->lru, &space->taken_tables);
		list_splice_init(&space->frames[i], &space->taken);
	}
	WRITE_ONCE(space->present, space->present - ((end - first) << IVM_BLOCK_SHIFT));
}

int ivm_space_unplug(struct ivm_space *space, u64 gpa, u64 len)
{
	u64 first, end;
	int err = 0;

	mutex_lock(&space->lock);
	if (room_range(space, gpa, len, &first, &end) && room_all(space, first, end, true))
		room_take(space, first, end);
	else
		err = -EINVAL;
	mutex_unlock(&space->lock);
	return err;
}

static void room_scrub_taken(struct ivm_space *space)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &space->taken, lru) {
		ivm_frame_scrub(page);
		ivm_frame_free(page);
	}
	list_for_each_entry_safe(page, next, &space->taken_tables, lru) {
		list_del(&page->lru);
		ivm_s2_free_table(&space->s2, page_address(page));
	}
}

void ivm_space_scrub_taken(struct ivm_space *space)
{
	mutex_lock(&space->lock);
	room_scrub_taken(space);
	mutex_unlock(&space->lock);
}

int ivm_space_restore(struct ivm_space *space)
{
	u64 i;
	int err = 0;

	mutex_lock(&space->lock);
	for (i = space->boot_blocks; i < space->blocks; i++)
		if (ivm_block_present(space, i))
			room_take(space, i, i + 1);
	room_scrub_taken(space);
	for (i = 0; i < space->boot_blocks && !err; i++)
		if (!ivm_block_present(space, i))
			err = room_plug(space, i, i + 1);
	mutex_unlock(&space->lock);
	return err;
}

u64 ivm_space_present(const struct ivm_space *space)
{
	return READ_ONCE(space->present);
}
