// SPDX-License-Identifier: GPL-2.0-only
#include "fake_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/minmax.h>

#include "mem/mem.h"

#define PAGE 4096

struct ivm_space {
	unsigned int frames;
	unsigned int frame_size;
	u8 **frame;
};

static u8 *new_frame(const struct ivm_space *space)
{
	u8 *frame = aligned_alloc(64, space->frame_size);

	memset(frame, 0, space->frame_size);
	return frame;
}

struct ivm_space *fake_space_create_empty(unsigned int frames, unsigned int frame_size)
{
	struct ivm_space *space = malloc(sizeof(*space));

	space->frames = frames;
	space->frame_size = frame_size;
	space->frame = calloc(frames, sizeof(*space->frame));
	return space;
}

struct ivm_space *fake_space_create_frames(unsigned int frames, unsigned int frame_size)
{
	struct ivm_space *space = fake_space_create_empty(frames, frame_size);
	unsigned int i;

	for (i = 0; i < frames; i++)
		space->frame[i] = new_frame(space);
	return space;
}

struct ivm_space *fake_space_create(unsigned int pages)
{
	return fake_space_create_frames(pages, PAGE);
}

void fake_space_destroy(struct ivm_space *space)
{
	unsigned int i;

	for (i = 0; i < space->frames; i++)
		free(space->frame[i]);
	free(space->frame);
	free(space);
}

void fake_space_hole(struct ivm_space *space, u64 gpa)
{
	free(space->frame[gpa / space->frame_size]);
	space->frame[gpa / space->frame_size] = NULL;
}

void fake_space_fill(struct ivm_space *space, u64 gpa)
{
	space->frame[gpa / space->frame_size] = new_frame(space);
}

bool fake_space_has(const struct ivm_space *space, u64 gpa)
{
	return gpa / space->frame_size < space->frames;
}

void *ivm_space_ptr(const struct ivm_space *space, u64 gpa, u64 *run)
{
	u64 frame = gpa / space->frame_size, offset = gpa % space->frame_size;

	if (frame >= space->frames || !space->frame[frame])
		return NULL;
	if (run)
		*run = space->frame_size - offset;
	return space->frame[frame] + offset;
}

bool ivm_space_is_ram(const struct ivm_space *space, u64 gpa, u64 len)
{
	u64 run;

	for (; len; gpa += run, len -= run) {
		if (!ivm_space_ptr(space, gpa, &run))
			return false;
		run = min(run, len);
	}
	return true;
}

int ivm_space_read(const struct ivm_space *space, u64 gpa, void *buf, u64 len)
{
	u64 run;

	if (!ivm_space_is_ram(space, gpa, len))
		return -EFAULT;
	for (; len; gpa += run, buf += run, len -= run) {
		u8 *from = ivm_space_ptr(space, gpa, &run);
		u64 i;

		run = min(run, len);
		/* A second thread may be writing there. */
		for (i = 0; i < run; i++)
			((u8 *)buf)[i] = READ_ONCE(from[i]);
	}
	return 0;
}

u8 *fake_space_at(struct ivm_space *space, u64 gpa)
{
	u8 *p = ivm_space_ptr(space, gpa, NULL);

	if (!p)
		__builtin_trap();
	return p;
}

u64 fake_space_get(struct ivm_space *space, u64 gpa, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, fake_space_at(space, gpa), size);
	return value;
}

void fake_space_set(struct ivm_space *space, u64 gpa, unsigned int size, u64 value)
{
	memcpy(fake_space_at(space, gpa), &value, size);
}
