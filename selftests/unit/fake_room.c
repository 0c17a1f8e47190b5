// SPDX-License-Identifier: GPL-2.0-only
#include "fake_room.h"

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>

#include "fake_irq.h"
#include "fake_space.h"
#include "shim.h"

static void no_reset(void *ctx) { }
static const struct ivm_pci_ops pci_ops = { .reset = no_reset };

void fake_room_create(struct fake_room *room, u64 present)
{
	u64 gpa;

	*room = (struct fake_room){
		.d.space = fake_space_create_empty(FAKE_ROOM_RAM / FAKE_ROOM_BLOCK, FAKE_ROOM_BLOCK),
		.d.pci = ivm_pci_create(&pci_ops, NULL),
	};
	BUG_ON(IS_ERR(room->d.pci));
	for (gpa = 0; gpa < present; gpa += FAKE_ROOM_BLOCK)
		fake_room_set(room, gpa, true);
}

void fake_room_destroy(struct fake_room *room)
{
	ivm_pci_destroy(room->d.pci);
	fake_space_destroy(room->d.space);
}

struct ivm_virtio_room_params fake_room_params(struct fake_room *room)
{
	return (struct ivm_virtio_room_params){
		.pci = room->d.pci, .irq = FAKE_IRQ, .space = room->d.space, .slot = FAKE_VIRTIO_SLOT,
	};
}

bool fake_room_there(const struct fake_room *room, u64 gpa)
{
	BUG_ON(gpa / FAKE_ROOM_BLOCK >= FAKE_ROOM_BLOCKS);
	return room->there[gpa / FAKE_ROOM_BLOCK];
}

void fake_room_set(struct fake_room *room, u64 gpa, bool there)
{
	BUG_ON(fake_room_there(room, gpa) == there);
	room->there[gpa / FAKE_ROOM_BLOCK] = there;
	if (!fake_space_has(room->d.space, gpa))
		return;
	if (there)
		fake_space_fill(room->d.space, gpa);
	else
		fake_space_hole(room->d.space, gpa);
}

static void defer(void *ctx)
{
	struct fake_room *room = ctx;

	room->deferred++;
}

static int note_call(struct fake_room *room, bool plug, u64 gpa, u64 len, int fails)
{
	struct fake_room_call *call = &room->call[room->calls++ % FAKE_ROOM_CALLS];
	u64 at;

	BUG_ON(shim_locks_held() || shim_irqs_off());
	BUG_ON(!len || gpa % FAKE_ROOM_BLOCK || len % FAKE_ROOM_BLOCK);
	for (at = gpa; at < gpa + len; at += FAKE_ROOM_BLOCK)
		BUG_ON(fake_room_there(room, at) == plug);
	if (room->during)
		room->during(room);
	if (fails && room->after) {
		room->after--;
		fails = 0;
	}
	*call = (struct fake_room_call){ .plug = plug, .gpa = gpa, .blocks = len / FAKE_ROOM_BLOCK, .err = fails };
	return fails;
}

static int plug(void *ctx, u64 gpa, u64 len)
{
	struct fake_room *room = ctx;
	int err = note_call(room, true, gpa, len, room->plug_fails);

	if (err)
		return err;
	for (; len; gpa += FAKE_ROOM_BLOCK, len -= FAKE_ROOM_BLOCK)
		fake_room_set(room, gpa, true);
	return 0;
}

static int unplug(void *ctx, u64 gpa, u64 len)
{
	struct fake_room *room = ctx;
	int err = note_call(room, false, gpa, len, room->unplug_fails);
	u64 at;

	if (err)
		return err;
	if (room->mem)
		ivm_virtio_mem_memory_goes(room->mem, gpa, len);
	else
		ivm_virtio_balloon_memory_goes(room->balloon, gpa, len);
	for (at = gpa; at < gpa + len; at += FAKE_ROOM_BLOCK)
		fake_room_set(room, at, false);
	if (room->mem)
		ivm_virtio_mem_memory_gone(room->mem);
	else
		ivm_virtio_balloon_memory_gone(room->balloon);
	return 0;
}

const struct ivm_room_ops fake_room_ops = { .defer = defer, .plug = plug, .unplug = unplug };

unsigned int fake_room_work(struct fake_room *room)
{
	unsigned int calls = 0;
	bool more;

	do {
		more = room->mem ? ivm_virtio_mem_work(room->mem) : ivm_virtio_balloon_work(room->balloon);
		BUG_ON(++calls > 100000 || shim_locks_held() || shim_irqs_off());
	} while (more);
	return calls;
}
