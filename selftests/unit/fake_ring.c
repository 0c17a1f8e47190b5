// SPDX-License-Identifier: GPL-2.0-only
#include "fake_ring.h"

#include <string.h>

#include <linux/bug.h>
#include <linux/kernel.h>

#include "fake_space.h"

u64 fake_ring_get(struct ivm_space *space, u64 gpa, unsigned int size)
{
	void *p = fake_space_at(space, gpa);

	switch (size) {
	case 2:
		return __atomic_load_n((u16 *)p, __ATOMIC_ACQUIRE);
	case 4:
		return __atomic_load_n((u32 *)p, __ATOMIC_ACQUIRE);
	default:
		return __atomic_load_n((u64 *)p, __ATOMIC_ACQUIRE);
	}
}

void fake_ring_set(struct ivm_space *space, u64 gpa, unsigned int size, u64 value)
{
	void *p = fake_space_at(space, gpa);

	switch (size) {
	case 2:
		__atomic_store_n((u16 *)p, value, __ATOMIC_RELEASE);
		break;
	case 4:
		__atomic_store_n((u32 *)p, value, __ATOMIC_RELEASE);
		break;
	default:
		__atomic_store_n((u64 *)p, value, __ATOMIC_RELEASE);
	}
}

u64 fake_ring_init(struct fake_ring *ring, struct ivm_space *space, unsigned int size, u64 gpa)
{
	u64 end, at;

	ring->space = space;
	ring->size = size;
	ring->desc = ALIGN(gpa, 16);
	ring->avail = ring->desc + 16 * size;
	ring->used = ALIGN(ring->avail + 6 + 2 * size, 4);
	ring->avail_idx = 0;
	ring->used_idx = 0;
	end = ring->used + 6 + 8 * size;
	for (at = ring->desc; at < end; at += 2)
		fake_ring_set(space, at, 2, 0);
	return end;
}

void fake_ring_desc(struct ivm_space *space, u64 table, unsigned int i, u64 addr, u32 len, u16 flags, u16 next)
{
	u64 at = table + 16 * (u64)i;
	unsigned int b;
	u8 bytes[16];

	memcpy(bytes, &addr, 8);
	memcpy(bytes + 8, &len, 4);
	memcpy(bytes + 12, &flags, 2);
	memcpy(bytes + 14, &next, 2);
	if (at % 8 == 0) {
		memcpy(&addr, bytes + 8, 8);	/* length, flags, next */
		fake_ring_set(space, at + 8, 8, addr);
		memcpy(&addr, bytes, 8);
		fake_ring_set(space, at, 8, addr);
		return;
	}
	for (b = 0; b < 16; b++)
		*fake_space_at(space, at + b) = bytes[b];
}

void fake_ring_offer(struct fake_ring *ring, u16 head)
{
	fake_ring_set(ring->space, ring->avail + 4 + 2 * (ring->avail_idx % ring->size), 2, head);
	ring->avail_idx++;
	fake_ring_set(ring->space, ring->avail + 2, 2, ring->avail_idx);
}

bool fake_ring_take(struct fake_ring *ring, u32 *id, u32 *len)
{
	u64 entry = ring->used + 4 + 8 * (ring->used_idx % ring->size);

	if ((u16)fake_ring_get(ring->space, ring->used + 2, 2) == ring->used_idx)
		return false;
	*id = fake_ring_get(ring->space, entry, 4);
	*len = fake_ring_get(ring->space, entry + 4, 4);
	ring->used_idx++;
	return true;
}

void fake_ring_want(struct fake_ring *ring, u16 used_event)
{
	fake_ring_set(ring->space, ring->avail + 4 + 2 * ring->size, 2, used_event);
	smp_mb();
}

u16 fake_ring_wanted(struct fake_ring *ring)
{
	smp_mb();
	return fake_ring_get(ring->space, ring->used + 4 + 8 * ring->size, 2);
}

void fake_ring_avail_flags(struct fake_ring *ring, u16 flags)
{
	fake_ring_set(ring->space, ring->avail, 2, flags);
}

u16 fake_ring_used_flags(struct fake_ring *ring)
{
	return fake_ring_get(ring->space, ring->used, 2);
}
