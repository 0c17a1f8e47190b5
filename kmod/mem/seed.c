// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs ivm_mem/seed: writing a word harms the first populated space, so
 * that a test can see the audit find it.
 *
 *   record  the inverse record of its first frame names another generation
 *   alias   its second block is mapped to what the first one maps
 *   unmap   its second block is not mapped
 *   undo    repairs the above
 *   steal   asks for a second leaf on the first frame: the write fails with
 *           EPERM, because the leaf function refused
 *   foreign asks for a leaf on the first frame of another space: likewise
 *   stale   asks for a leaf on a frame whose record is of another generation: likewise
 *
 * Reading tells how many leaves were refused since load. Only one harm at a
 * time. The VM should be paused: it would see its memory change.
 */
#include "seed.h"

#include "leaf.h"
#include "space.h"

#include <linux/debugfs.h>
#include <linux/uaccess.h>

static struct dentry *dir;

/* What undo repairs; guarded by ivm_spaces_lock. Valid while a space of this generation is populated. */
static struct {
	u64 generation;
	enum { HARM_NONE, HARM_RECORD, HARM_ENTRY } kind;
	u64 entry;
} harm;

static struct page *first_frame(struct ivm_space *space)
{
	return list_first_entry(&space->frames[0], struct page, lru);
}

static u64 *second_entry(struct ivm_space *space)
{
	return ivm_s2_block_slot(&space->s2, ivm_block_gfn(space, 1));
}

static int undo(struct ivm_space *space)
{
	if (harm.kind == HARM_NONE || harm.generation != space->owner.generation)
		return -ENOENT;
	if (harm.kind == HARM_RECORD)
		first_frame(space)->index = harm.generation;
	else
		WRITE_ONCE(*second_entry(space), harm.entry);
	harm.kind = HARM_NONE;
	return 0;
}

void ivm_seed_undo(struct ivm_space *space)
{
	mutex_lock(&ivm_spaces_lock);
	undo(space);
	mutex_unlock(&ivm_spaces_lock);
}

/* With ivm_spaces_lock: no space is populated or emptied while it is looked at but by itself. */
static int map_foreign(struct ivm_space *space)
{
	struct ivm_space *other;

	list_for_each_entry(other, &ivm_spaces, link)
		if (other != space && READ_ONCE(other->state) == IVM_SPACE_POPULATED)
			return ivm_s2_map(&space->s2, &space->owner, first_frame(other),
					  ivm_block_gfn(space, space->blocks));
	return -ENOENT;
}

/* By owners: the same VM in another life. */
static int map_stale(struct ivm_space *space)
{
	struct ivm_owner later = { .id = space->owner.id, .generation = space->owner.generation + 1 };

	return ivm_s2_map(&space->s2, &later, first_frame(space), ivm_block_gfn(space, 0));
}

static int seed(struct ivm_space *space, const char *word)
{
	if (!strcmp(word, "undo"))
		return undo(space);
	if (!strcmp(word, "foreign"))
		return map_foreign(space);
	if (!strcmp(word, "stale"))
		return map_stale(space);
	if (!strcmp(word, "steal"))
		return ivm_s2_map(&space->s2, &space->owner, first_frame(space),
				  ivm_block_gfn(space, space->blocks));
	if (harm.kind != HARM_NONE && harm.generation == space->owner.generation)
		return -EBUSY;
	if (strcmp(word, "record") && strcmp(word, "alias") && strcmp(word, "unmap"))
		return -EINVAL;
	harm.generation = space->owner.generation;
	if (!strcmp(word, "record")) {
		harm.kind = HARM_RECORD;
		first_frame(space)->index++;
		return 0;
	}
	harm.kind = HARM_ENTRY;
	harm.entry = READ_ONCE(*second_entry(space));
	WRITE_ONCE(*second_entry(space), strcmp(word, "alias") ? 0 :
		   READ_ONCE(*ivm_s2_block_slot(&space->s2, ivm_block_gfn(space, 0))));
	return 0;
}

static ssize_t seed_write(struct file *file, const char __user *user, size_t len, loff_t *pos)
{
	struct ivm_space *space;
	int err = -ENODEV;
	char buf[16];

	if (len >= sizeof(buf))
		return -EINVAL;
	if (copy_from_user(buf, user, len))
		return -EFAULT;
	buf[len] = 0;
	mutex_lock(&ivm_spaces_lock);
	list_for_each_entry(space, &ivm_spaces, link) {
		mutex_lock(&space->lock);
		if (err == -ENODEV && space->state == IVM_SPACE_POPULATED && space->blocks > 1)
			err = seed(space, strim(buf));
		mutex_unlock(&space->lock);
	}
	mutex_unlock(&ivm_spaces_lock);
	return err ? err : len;
}

static ssize_t seed_read(struct file *file, char __user *user, size_t len, loff_t *pos)
{
	char buf[24];
	int n = scnprintf(buf, sizeof(buf), "%llu\n", ivm_leaf_refused());

	return simple_read_from_buffer(user, len, pos, buf, n);
}

static const struct file_operations seed_fops = {
	.owner = THIS_MODULE,
	.read = seed_read,
	.write = seed_write,
};

void ivm_seed_init(void)
{
	dir = debugfs_create_dir("ivm_mem", NULL);
	debugfs_create_file("seed", 0600, dir, NULL, &seed_fops);
}

void ivm_seed_exit(void)
{
	debugfs_remove(dir);
}
