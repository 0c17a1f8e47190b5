/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layer above of the devices whose memory comes and goes (dev/dev.h), and a
 * guest with rings in RAM. What it is asked for is checked: with no lock held,
 * nothing twice. Where there is RAM in the fake space, it comes and goes too.
 */
#ifndef FAKE_ROOM_H
#define FAKE_ROOM_H

#include <linux/ivm.h>
#include <linux/types.h>

#include "dev/dev.h"
#include "fake_virtio.h"

#define FAKE_ROOM_BLOCK		IVM_MEMORY_ALIGN
#define FAKE_ROOM_RAM		(8 * FAKE_ROOM_BLOCK)	/* rings and data in the first block */
#define FAKE_ROOM_DATA		0x80000ULL		/* rings lie below */
#define FAKE_ROOM_BLOCKS	4096U			/* that may be plugged at most, from 0 */
#define FAKE_ROOM_CALLS		256

struct fake_room_call {
	bool plug;
	u64 gpa;
	unsigned int blocks;
	int err;
};

struct fake_room {
	struct fake_virtio d;
	struct ivm_virtio_mem *mem;		/* one of the two */
	struct ivm_virtio_balloon *balloon;
	bool there[FAKE_ROOM_BLOCKS];
	unsigned int deferred;
	struct fake_room_call call[FAKE_ROOM_CALLS];	/* the last ones */
	unsigned int calls;
	int plug_fails, unplug_fails;		/* with this error */
	unsigned int after;			/* ... but so many calls succeed before */
	void (*during)(struct fake_room *room);	/* called in each call */
};

/* RAM, and a bus without a device; blocks of @present bytes from 0 are there. */
void fake_room_create(struct fake_room *room, u64 present);
void fake_room_destroy(struct fake_room *room);		/* without the device: destroy that first */
struct ivm_virtio_room_params fake_room_params(struct fake_room *room);
extern const struct ivm_room_ops fake_room_ops;		/* ctx = struct fake_room */
/* Memory is there or not, for the layer above's own reasons. */
void fake_room_set(struct fake_room *room, u64 gpa, bool there);
bool fake_room_there(const struct fake_room *room, u64 gpa);
/* Work until there is no more. Return: how many calls it took. */
unsigned int fake_room_work(struct fake_room *room);

#endif
