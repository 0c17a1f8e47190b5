// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio-mem or the balloon on a PCI bus, and a guest that writes anything into
 * its rings and registers; memory comes, goes and runs out meanwhile. What the
 * layer above is asked for is checked by fake_room.c; memory that is not the
 * guest's, or not any more, by the address sanitizer; here, that a driver by the
 * book then finds what is so, and that the device and a naive twin agree on
 * all that this driver asks for.
 */
/* sources: kmod/dev/virtio_mem.c kmod/dev/virtio_balloon.c kmod/dev/virtio_pci.c kmod/dev/virtqueue.c
 * kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c selftests/unit/fake_space.c
 * selftests/unit/fake_ring.c selftests/unit/fake_irq.c selftests/unit/fake_virtio.c selftests/unit/fake_room.c */
/* max_len: 1024 */
/* part: 4 */
#include "unit.h"

#include <string.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/time64.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_mem.h>
#include <linux/virtio_pci.h>

#include "fake_irq.h"
#include "fake_room.h"
#include "fake_space.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCK		FAKE_ROOM_BLOCK
#define PER_BLOCK	512U
#define FIXED		2		/* blocks at 0 that virtio-mem does not have; the first has rings and data */
#define BLOCKS		70		/* of it */
#define LOW_BLOCKS	4U		/* of the balloon */
#define HIGH_BLOCKS	3U
#define PAGES		((LOW_BLOCKS + HIGH_BLOCKS) * PER_BLOCK)
#define DATA		FAKE_ROOM_DATA
#define REQUEST		(DATA + 0x8000)
#define RESPONSE	(DATA + 0x9000)
#define CONFIG		0x80
#define FEATURES	(IVM_VIRTIO_F_VERSION_1 | IVM_VIRTIO_F_EVENT_IDX | IVM_VIRTIO_F_INDIRECT_DESC | 3)
#define MEM_FEATURES	(FEATURES & ~1ULL)

struct input {
	const u8 *at, *end;
};

struct guest {
	struct fake_room room;
	bool is_mem;
	bool unplug_failed;		/* at some time: memory may be there that nobody asked for */
	bool plugged[BLOCKS];		/* the naive twin: of virtio-mem */
	u64 wanted;
	bool given[PAGES];		/* ... of the balloon */
	u64 bad, denied;
};

static u8 byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static u32 word(struct input *in, unsigned int bytes)
{
	u32 value = 0;

	while (bytes--)
		value = value << 8 | byte(in);
	return value;
}

/* ---- a guest that does as it likes ---- */

static bool writable(struct guest *g, u64 gpa)
{
	return gpa < FAKE_ROOM_RAM && g->room.there[gpa / BLOCK];
}

/* Mostly in the first block, now and then in one that comes and goes. */
static u64 somewhere(struct input *in)
{
	u8 how = byte(in);

	if (how < 200)
		return DATA + word(in, 2);
	return (how % 8) * BLOCK + (how & 8 ? word(in, 2) : BLOCK - 1 - byte(in));
}

static void write_request(struct guest *g, struct input *in, u64 at)
{
	unsigned int i;

	if (!writable(g, at) || !writable(g, at + 24))
		return;
	for (i = 0; i < 24; i++)
		*fake_space_at(g->room.d.space, at + i) = 0;
	*fake_space_at(g->room.d.space, at) = byte(in) % 5;
	*fake_space_at(g->room.d.space, at + 8 + 2) = (FIXED + byte(in) % (BLOCKS + 2)) * 0x20;
	*fake_space_at(g->room.d.space, at + 8 + 3) = byte(in) % 8;
	*fake_space_at(g->room.d.space, at + 16) = byte(in) % (BLOCKS + 2);
}

static void write_pages(struct guest *g, struct input *in, u64 at)
{
	unsigned int i, from = word(in, 2) % (PAGES + 10), nr = word(in, 2) % 1100;
	u32 pfn;

	for (i = 0; i < 4 * nr && writable(g, at + i); i++) {
		pfn = from + i / 4;
		if (pfn >= LOW_BLOCKS * PER_BLOCK && pfn < PAGES)
			pfn += (IVM_MEMORY_HIGH_BASE >> 12) - LOW_BLOCKS * PER_BLOCK;
		*fake_space_at(g->room.d.space, at + i) = pfn >> i % 4 * 8;
	}
}

static void offer(struct guest *g, struct input *in)
{
	unsigned int q = byte(in) % g->room.d.nr_queues, n = 1 + byte(in) % 5, i, out = byte(in) % 6;
	struct fake_ring *ring = &g->room.d.ring[q];
	u8 first = byte(in), spoil = byte(in);
	u16 flags;
	u64 at;
	u32 len;

	if (!ring->space)
		return;
	for (i = 0; i < n; i++) {
		flags = i + 1 < n ? FAKE_DESC_NEXT : 0;
		if (i >= out)
			flags |= FAKE_DESC_WRITE;
		at = somewhere(in);
		if (byte(in) & 1) {
			g->is_mem ? write_request(g, in, at) : write_pages(g, in, at);
			len = g->is_mem ? 24 : 4 * (word(in, 2) % 1100);
		} else {
			len = byte(in) & 1 ? 24 : word(in, 2);
		}
		if (spoil == i)
			flags ^= byte(in) & 7;
		if (spoil == i + 5)
			len = word(in, 4);
		fake_ring_desc(g->room.d.space, ring->desc, (first + i) % 16, at, len, flags, (first + i + 1) % 16);
	}
	fake_ring_offer(ring, spoil == 10 ? byte(in) : first % 16);
	fake_virtio_ring_bell(&g->room.d, q);
}

static void start(struct guest *g)
{
	fake_virtio_start(&g->room.d, g->is_mem ? MEM_FEATURES : FEATURES);
}

/* A driver whose rings lie in a block that may go. */
static void start_elsewhere(struct guest *g, struct input *in)
{
	const unsigned int status = VIRTIO_PCI_COMMON_STATUS;
	u64 at = (1 + byte(in) % 7) * BLOCK + word(in, 2) * 16;
	unsigned int q;

	fake_virtio_set(&g->room.d, status, 1, 0);
	fake_virtio_set(&g->room.d, status, 1, 3);
	fake_virtio_features(&g->room.d, g->is_mem ? MEM_FEATURES : FEATURES);
	fake_virtio_set(&g->room.d, status, 1, 0xb);
	for (q = 0; q < g->room.d.nr_queues; q++, at += 0x1000) {
		if (!writable(g, at) || !writable(g, at + 0x1000))
			continue;
		fake_ring_init(&g->room.d.ring[q], g->room.d.space, 16, at);
		fake_virtio_queue(&g->room.d, q, &g->room.d.ring[q], 1 + q);
		fake_virtio_set(&g->room.d, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	}
	fake_virtio_set(&g->room.d, status, 1, 0xf);
}

/* The layer above resets the machine: all is as at first. */
static void machine_reset(struct guest *g)
{
	unsigned int i;

	if (g->is_mem) {
		for (i = 0; i < BLOCKS; i++)
			if (fake_room_there(&g->room, (FIXED + i) * BLOCK))
				fake_room_set(&g->room, (FIXED + i) * BLOCK, false);
		ivm_virtio_mem_reset(g->room.mem);
		BUG_ON(ivm_virtio_mem_work(g->room.mem));
		g->unplug_failed = false;
		return;
	}
	for (i = 0; i < LOW_BLOCKS; i++)
		if (!fake_room_there(&g->room, i * BLOCK))
			fake_room_set(&g->room, i * BLOCK, true);
	for (i = 0; i < HIGH_BLOCKS; i++)
		if (!fake_room_there(&g->room, IVM_MEMORY_HIGH_BASE + i * BLOCK))
			fake_room_set(&g->room, IVM_MEMORY_HIGH_BASE + i * BLOCK, true);
	ivm_virtio_balloon_reset(g->room.balloon);
	BUG_ON(ivm_virtio_balloon_work(g->room.balloon));
}

/* A driver does that while the layer above is at work, too. */
static void reset_driver(struct fake_room *room)
{
	fake_virtio_set(&room->d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	room->during = NULL;
}

static void failures(struct guest *g, struct input *in)
{
	static const int errors[] = { 0, 0, -ENOMEM, -ENOSPC };

	g->room.plug_fails = errors[byte(in) % 4];
	g->room.unplug_fails = errors[byte(in) % 3];
	g->room.after = byte(in) % 4;
	g->unplug_failed |= g->room.unplug_fails;
	if (byte(in) % 8 == 0)
		g->room.during = reset_driver;
}

static void look(struct guest *g)
{
	struct ivm_virtio_balloon_info balloon;
	struct ivm_virtio_mem_info mem;

	shim_clock_advance(NSEC_PER_SEC);
	if (g->is_mem) {
		ivm_virtio_mem_info(g->room.mem, &mem);
		BUG_ON(mem.plugged > BLOCKS * BLOCK);
		return;
	}
	ivm_virtio_balloon_info(g->room.balloon, &balloon);
	BUG_ON(balloon.released > balloon.given || balloon.given > PAGES * 4096ULL);
}

static void work(struct guest *g)
{
	if (g->is_mem)
		ivm_virtio_mem_work(g->room.mem);
	else
		ivm_virtio_balloon_work(g->room.balloon);
}

/* ---- a driver by the book, and the twin ---- */

static void offer_by_the_book(struct guest *g, unsigned int q, u32 len, bool answered)
{
	struct fake_ring *ring = &g->room.d.ring[q];
	u32 id, written;

	fake_ring_desc(g->room.d.space, ring->desc, 0, REQUEST, len, answered ? FAKE_DESC_NEXT : 0, 1);
	fake_ring_desc(g->room.d.space, ring->desc, 1, RESPONSE, 10, FAKE_DESC_WRITE, 0);
	fake_ring_offer(ring, 0);
	fake_virtio_ring_bell(&g->room.d, q);
	fake_room_work(&g->room);
	BUG_ON(!fake_ring_take(ring, &id, &written) || id || written != (answered ? 10 : 0));
}

static u16 ask(struct guest *g, u16 type, unsigned int block, u16 nr)
{
	struct ivm_space *space = g->room.d.space;

	fake_space_set(space, REQUEST, 8, type);
	fake_space_set(space, REQUEST + 8, 8, (FIXED + block) * BLOCK);
	fake_space_set(space, REQUEST + 16, 8, nr);
	offer_by_the_book(g, 0, 24, true);
	return fake_space_get(space, RESPONSE, 2);
}

static bool all(const struct guest *g, unsigned int block, unsigned int nr, bool plugged)
{
	for (; nr; nr--)
		if (g->plugged[block++] != plugged)
			return false;
	return true;
}

static unsigned int plugged(const struct guest *g)
{
	unsigned int i, n = 0;

	for (i = 0; i < BLOCKS; i++)
		n += g->plugged[i];
	return n;
}

static void check_mem(struct guest *g)
{
	struct ivm_virtio_mem_info info;
	unsigned int i;

	ivm_virtio_mem_info(g->room.mem, &info);
	BUG_ON(!info.driver || info.plugged != plugged(g) * BLOCK);
	BUG_ON(fake_virtio_get(&g->room.d, CONFIG + 40, 4) != (u32)info.plugged);
	for (i = 0; i < BLOCKS; i++)
		BUG_ON(g->plugged[i] ? !fake_room_there(&g->room, (FIXED + i) * BLOCK) :
		       !g->unplug_failed && fake_room_there(&g->room, (FIXED + i) * BLOCK));
}

static void learn_mem(struct guest *g)
{
	unsigned int i;

	for (i = 0; i < BLOCKS; i++) {
		BUG_ON(ask(g, VIRTIO_MEM_REQ_STATE, i, 1) != VIRTIO_MEM_RESP_ACK);
		g->plugged[i] = !fake_space_get(g->room.d.space, RESPONSE + 8, 2);
	}
	check_mem(g);
}

/* What a request is answered when the layer above has all and takes all. */
static u16 expect_mem(struct guest *g, u16 type, unsigned int block, unsigned int nr)
{
	if (type == VIRTIO_MEM_REQ_UNPLUG_ALL)
		return VIRTIO_MEM_RESP_ACK;
	if (!nr || block + nr > BLOCKS)
		return VIRTIO_MEM_RESP_ERROR;
	if (type == VIRTIO_MEM_REQ_STATE)
		return VIRTIO_MEM_RESP_ACK;
	if (!all(g, block, nr, type == VIRTIO_MEM_REQ_UNPLUG))
		return VIRTIO_MEM_RESP_ERROR;
	if (type == VIRTIO_MEM_REQ_PLUG && (plugged(g) + nr) * BLOCK > g->wanted)
		return VIRTIO_MEM_RESP_NACK;
	return VIRTIO_MEM_RESP_ACK;
}

static void ask_mem(struct guest *g, struct input *in)
{
	unsigned int block = byte(in) % (BLOCKS + 1), nr = byte(in) % (BLOCKS + 2);
	u16 type = byte(in) % 4, want = expect_mem(g, type, block, nr), got;
	bool fails = g->room.plug_fails || g->room.unplug_fails;

	got = ask(g, type, block, nr);
	if (got != want) {
		BUG_ON(want != VIRTIO_MEM_RESP_ACK || !fails || type == VIRTIO_MEM_REQ_STATE);
		BUG_ON(type == VIRTIO_MEM_REQ_PLUG ?
		       got != (g->room.plug_fails == -ENOSPC ? VIRTIO_MEM_RESP_NACK : VIRTIO_MEM_RESP_BUSY) :
		       got != VIRTIO_MEM_RESP_BUSY);
	}
	if (type == VIRTIO_MEM_REQ_UNPLUG_ALL && got != VIRTIO_MEM_RESP_ACK) {
		learn_mem(g);		/* some went */
		return;
	}
	if (got == VIRTIO_MEM_RESP_ACK && type == VIRTIO_MEM_REQ_UNPLUG_ALL)
		memset(g->plugged, 0, sizeof(g->plugged));
	if (got == VIRTIO_MEM_RESP_ACK && type < VIRTIO_MEM_REQ_UNPLUG_ALL)
		memset(g->plugged + block, type == VIRTIO_MEM_REQ_PLUG, nr);
	check_mem(g);
}

static u64 block_gpa(unsigned int block)
{
	return block < LOW_BLOCKS ? block * BLOCK : IVM_MEMORY_HIGH_BASE + (block - LOW_BLOCKS) * BLOCK;
}

static void check_balloon(struct guest *g)
{
	struct ivm_virtio_balloon_info info;
	unsigned int i, given = 0, released = 0, block_given = 0;

	for (i = 0; i < PAGES; i++) {
		block_given += g->given[i];
		if ((i + 1) % PER_BLOCK)
			continue;
		given += block_given;
		if (!fake_room_there(&g->room, block_gpa(i / PER_BLOCK))) {
			BUG_ON(block_given != PER_BLOCK);
			released++;
		} else {
			BUG_ON(block_given == PER_BLOCK && !g->unplug_failed);
		}
		block_given = 0;
	}
	ivm_virtio_balloon_info(g->room.balloon, &info);
	BUG_ON(info.given != given * 4096ULL || info.released != released * BLOCK);
	BUG_ON(info.bad != g->bad || info.denied != g->denied);
}

/* The first block stays: rings and data are there. */
static void tell_balloon(struct guest *g, struct input *in)
{
	unsigned int from = word(in, 2) % PAGES, nr = word(in, 2) % 1500, i, page;
	bool give = byte(in) & 1, was;
	u32 pfn;

	for (i = 0; i < nr; i++) {
		page = from + i;
		pfn = page % PER_BLOCK + block_gpa(page / PER_BLOCK) / 4096;
		fake_space_set(g->room.d.space, REQUEST + 0x1000 + 4 * i, 4, pfn);
		if (page < PER_BLOCK)
			fake_space_set(g->room.d.space, REQUEST + 0x1000 + 4 * i, 4, ~0U);
	}
	/* The twin sees blocks as they were: none goes or comes in the course of one array but by its own pages. */
	for (i = 0; i < nr; i++) {
		page = from + i;
		if (page < PER_BLOCK || page >= PAGES || g->given[page] == give) {
			g->bad++;
			continue;
		}
		was = fake_room_there(&g->room, block_gpa(page / PER_BLOCK));
		if (!give && !was && g->room.plug_fails)
			g->denied++;
		else
			g->given[page] = give;
	}
	if (!nr)
		return;
	fake_ring_desc(g->room.d.space, g->room.d.ring[!give].desc, 0, REQUEST + 0x1000, 4 * nr, 0, 0);
	fake_ring_offer(&g->room.d.ring[!give], 0);
	fake_virtio_ring_bell(&g->room.d, !give);
	fake_room_work(&g->room);
	BUG_ON(!fake_ring_take(&g->room.d.ring[!give], &pfn, &i) || pfn || i);
	check_balloon(g);
}

static void begin_balloon(struct guest *g)
{
	struct ivm_virtio_balloon_info info;

	memset(g->given, 0, sizeof(g->given));
	g->unplug_failed = false;
	ivm_virtio_balloon_info(g->room.balloon, &info);
	BUG_ON(!info.driver);
	g->bad = info.bad;
	g->denied = info.denied;
	check_balloon(g);
}

static void by_the_book(struct guest *g, struct input *in)
{
	unsigned int turns = byte(in) % 8, i;

	g->room.during = NULL;
	g->room.plug_fails = 0;
	g->room.unplug_fails = 0;
	/* Of a block that the hostile driver gave, or unplugged, rings cannot be made. */
	fake_virtio_set(&g->room.d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	fake_room_work(&g->room);
	start(g);
	fake_room_work(&g->room);
	g->is_mem ? learn_mem(g) : begin_balloon(g);
	for (i = 0; i < turns; i++) {
		failures(g, in);
		g->room.during = NULL;
		g->room.after = g->is_mem ? g->room.after : 0;
		g->is_mem ? ask_mem(g, in) : tell_balloon(g, in);
	}
	g->room.plug_fails = 0;
	g->room.unplug_fails = 0;
}

/* ---- all of it ---- */

static void step(struct guest *g, struct input *in)
{
	switch (byte(in) % 16) {
	case 0:
		fake_virtio_set(&g->room.d, word(in, 2) % 0x100, 1U << byte(in) % 3, word(in, 4));
		break;
	case 1:
		if (byte(in) & 1 && g->room.there[0])
			start(g);
		else
			start_elsewhere(g, in);
		break;
	case 2:
		if (g->room.there[0])
			*fake_space_at(g->room.d.space, word(in, 2) % 0x4000) = byte(in);
		break;
	case 3:
		failures(g, in);
		break;
	case 4:
		look(g);
		break;
	case 5:
		if (byte(in) % 8 == 0)
			machine_reset(g);
		break;
	case 6:
		g->wanted = byte(in) % (BLOCKS + 1) * BLOCK;
		if (g->is_mem)
			ivm_virtio_mem_set(g->room.mem, BLOCKS * BLOCK, g->wanted);
		else
			ivm_virtio_balloon_set(g->room.balloon, g->wanted);
		break;
	case 7:
		if (byte(in) % 2 == 0)
			by_the_book(g, in);
		break;
	default:
		if (writable(g, g->room.d.ring[0].desc) && writable(g, g->room.d.ring[g->room.d.nr_queues - 1].desc + 0x1000))
			offer(g, in);
	}
	if (byte(in) & 3)
		work(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	static struct guest guest;
	struct guest *g = &guest;
	struct ivm_virtio_room_params params;
	unsigned int i;

	*g = (struct guest){ .is_mem = byte(&in) & 1, .wanted = BLOCKS * BLOCK };
	fake_room_create(&g->room, g->is_mem ? FIXED * BLOCK : LOW_BLOCKS * BLOCK);
	params = fake_room_params(&g->room);
	if (g->is_mem) {
		g->room.mem = ivm_virtio_mem_create(&params, FIXED * BLOCK, BLOCKS * BLOCK, &fake_room_ops, &g->room);
		BUG_ON(IS_ERR(g->room.mem));
		ivm_virtio_mem_set(g->room.mem, BLOCKS * BLOCK, g->wanted);
	} else {
		for (i = 0; i < HIGH_BLOCKS; i++)
			fake_room_set(&g->room, IVM_MEMORY_HIGH_BASE + i * BLOCK, true);
		g->room.balloon = ivm_virtio_balloon_create(&params, LOW_BLOCKS * BLOCK, HIGH_BLOCKS * BLOCK,
							    &fake_room_ops, &g->room);
		BUG_ON(IS_ERR(g->room.balloon));
	}
	g->room.d.nr_queues = g->is_mem ? 1 : 3;
	start(g);
	while (in.at < in.end) {
		step(g, &in);
		BUG_ON(shim_locks_held() || shim_irqs_off() || shim_printed());
	}
	by_the_book(g, &in);
	ivm_virtio_mem_destroy(g->room.mem);
	ivm_virtio_balloon_destroy(g->room.balloon);
	fake_room_destroy(&g->room);
	BUG_ON(shim_alloc_live());
	return 0;
}
