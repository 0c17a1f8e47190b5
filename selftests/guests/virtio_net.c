// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network card of virtio, by a driver that lies about its frames and gives
 * buffers that are none. Every frame comes back, sent or not; a buffer is never
 * written beyond its end; and a reset makes the card as good as new. Frames to
 * receive come from somebody outside, many a second.
 */
#include "virtio.h"

#define ALL_FEATURES	(~0UL & ~(1UL << 22))	/* one pair of queues is enough */
#define F_MRG_RXBUF	(1UL << 15)
#define HEADER		12

struct header { u8 flags, gso_type; u16 hdr_len, gso_size, csum_start, csum_offset, buffers; };

static u8 big[4 * 65536] __aligned(4096);
static u8 space[8192] __aligned(4096);

static u64 rng = 88172645463325252;
static u32 rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng >> 16;
}

/* What is in the ring has come back, without complaint. */
static bool all_back(u32 q)
{
	bool ok = wait_until(queue[q].used.idx == queue[q].avail.idx, 3000);

	used_seen[q] = queue[q].used.idx;
	return ok && !(status() & NEEDS_RESET);
}

/* A header and a frame of @len bytes that begins as ours, in one buffer. */
static struct header *letter(u32 slot)
{
	u8 *at = big + slot * 2048;

	memset(at, 0, 2048);
	memcpy(at, frame, HEADER + 14);
	return (struct header *)at;
}

static void post(u32 slot, u32 len)
{
	describe(TX, slot, (u64)big + slot * 2048, len, 0, 0);
	offer(TX, slot);
}

/* ---- lengths ---- */

static void short_frames(void)
{
	if (!needs(is_net, "no network card") || !check(bring_up(F_VERSION_1)))
		return;
	for (u32 len = 1; len < HEADER + 20; len++) {
		letter(len % SIZE);
		post(len % SIZE, len);
		ring_bell(TX);
		if (!check(all_back(TX)))
			note("of %u bytes", len);
	}
	works_again();
}

static void long_frames(void)
{
	static const u32 lens[] = { 1526, 1527, 1530, 1531, 9000, 65535, 65536, 65562, 65563, 200000, sizeof(big) };

	if (!needs(is_net, "no network card"))
		return;
	for (u32 f = 0; f < 2; f++) {
		if (!check(bring_up(f ? ALL_FEATURES : F_VERSION_1)))
			return;
		letter(0);
		for (u32 i = 0; i < ARRAY_SIZE(lens); i++) {
			describe(TX, 0, (u64)big, lens[i], 0, 0);
			offer(TX, 0);
			ring_bell(TX);
			if (!check(all_back(TX)))
				note("of %u bytes", lens[i]);
		}
	}
	works_again();
}

/* A frame in as many pieces as the ring has, and some of one byte; the header in pieces, too. */
static void in_pieces(void)
{
	if (!needs(is_net, "no network card") || !check(bring_up(F_VERSION_1)))
		return;
	letter(0);
	for (u32 size = 1; size < 100; size += 7) {
		for (u32 i = 0; i < SIZE; i++)
			describe(TX, i, (u64)big + size * i, size, i + 1 < SIZE ? DESC_NEXT : 0, i + 1);
		offer(TX, 0);
		ring_bell(TX);
		if (!check(all_back(TX)))
			note("in pieces of %u", size);
	}
	works_again();
}

/* ---- headers that lie ---- */

/* A packet of TCP or UDP over IPv4 or IPv6 behind the Ethernet header, of @len bytes in all. */
static void packet(struct header *h, u32 kind, u32 len)
{
	u8 *eth = (u8 *)(h + 1), *ip = eth + 14;

	if (kind & 1) {
		eth[12] = 0x86;
		eth[13] = 0xdd;
		ip[0] = 0x60;
		ip[4] = (len - 54) >> 8;
		ip[5] = len - 54;
		ip[6] = kind & 2 ? 17 : 6;
		ip[8] = 0xfe;
		ip[9] = 0x80;
		ip[52] = 0x50;
	} else {
		eth[12] = 0x08;
		eth[13] = 0;
		ip[0] = 0x45;
		ip[2] = (len - 14) >> 8;
		ip[3] = len - 14;
		ip[8] = 64;
		ip[9] = kind & 2 ? 17 : 6;
		ip[12] = 10;
		ip[16] = 10;
		ip[32] = 0x50;
	}
}

static const u16 odd[] = { 0, 1, 6, 7, 8, 13, 14, 16, 34, 48, 54, 100, 536, 1460, 1994, 0x7fff, 0xfffe, 0xffff };
#define one_of(a) ((a)[rnd() % ARRAY_SIZE(a)])

static void lying_headers(void)
{
	static const u8 types[] = { 0, 1, 2, 3, 4, 5, 0x80, 0x81, 0x84, 0x85, 0xff };
	u32 rounds = option_num("headers", 600);

	if (!needs(is_net, "no network card") || !check(bring_up(ALL_FEATURES)))
		return;
	for (u32 i = 0; i < rounds; i++) {
		for (u32 slot = 0; slot < SIZE; slot++) {
			u32 len = 60 + rnd() % 1900, kind = rnd() % 4;
			struct header *h = letter(slot);
			u16 start = kind & 1 ? 54 : 34;

			packet(h, kind, len);
			h->flags = rnd() % 8 ? 1 : rnd();
			h->gso_type = one_of(types);
			h->hdr_len = rnd() % 4 ? start + 20 : one_of(odd);
			h->gso_size = rnd() % 4 ? one_of(odd) : rnd();
			h->csum_start = rnd() % 4 ? start : rnd() % 2 ? one_of(odd) : rnd();
			h->csum_offset = rnd() % 4 ? kind & 2 ? 6 : 16 : rnd() % 2 ? one_of(odd) : rnd();
			h->buffers = rnd();
			/* the packet lies, too */
			if (!(rnd() % 3))
				((u8 *)(h + 1))[12 + rnd() % 60] = rnd();
			post(slot, HEADER + len);
		}
		ring_bell(TX);
		if (!check(all_back(TX))) {
			note("round %u", i);
			break;
		}
	}
	works_again();
}

/* Each lie alone: the same good packet, and one field that is not so. */
static void one_lie_at_a_time(void)
{
	if (!needs(is_net, "no network card") || !check(bring_up(ALL_FEATURES)))
		return;
	for (u32 field = 0; field < 6; field++) {
		for (u32 i = 0; i < ARRAY_SIZE(odd); i++) {
			for (u32 kind = 0; kind < 4; kind++) {
				struct header *h = letter(kind);

				packet(h, kind, 1500);
				*h = (struct header){ 1, kind & 2 ? 5 : kind & 1 ? 4 : 1, (kind & 1 ? 54 : 34) + (kind & 2 ? 8 : 20),
						      500, kind & 1 ? 54 : 34, kind & 2 ? 6 : 16, 0 };
				if (field == 0)
					h->flags = odd[i];
				else if (field == 1)
					h->gso_type = odd[i];
				else
					(&h->hdr_len)[field - 2] = odd[i];
				post(kind, HEADER + 1500);
			}
			ring_bell(TX);
			if (!check(all_back(TX)))
				note("field %u, %u", field, odd[i]);
		}
	}
	works_again();
}

/* ---- receiving ---- */

/* Buffers of @size bytes with as many between them that nobody may write; @flags for each. */
static void post_buffers(u32 size, u16 flags)
{
	memset(space, 0xa5, sizeof(space));
	for (u32 i = 0; i < SIZE; i++) {
		describe(RX, i, (u64)space + 2 * size * i, size, flags, 0);
		offer(RX, i);
	}
	ring_bell(RX);
}

static bool gaps_are_whole(u32 size)
{
	for (u32 i = 0; i < SIZE; i++)
		for (u32 k = 0; k < size; k++)
			if (space[2 * size * i + size + k] != 0xa5)
				return false;
	return true;
}

static void small_buffers(void)
{
	if (!needs(is_net, "no network card"))
		return;
	for (u32 merge = 0; merge < 2; merge++) {
		for (u32 size = 1; size <= 200; size += size < 16 ? 1 : 23) {
			if (!check(bring_up(F_VERSION_1 | (merge ? F_MRG_RXBUF : 0))))
				return;
			post_buffers(size, DESC_WRITE);
			/* A frame of 60 bytes and its header: in one buffer, or in several if they may be merged. */
			bool fits = merge ? size * SIZE >= 60 + HEADER : size >= 60 + HEADER;

			if (fits)
				check(wait_until(queue[RX].used.idx, 5000));
			else
				delay_us(300000);
			if (!check(gaps_are_whole(size)) || !check(fits || !queue[RX].used.idx) ||
			    !check(!(status() & NEEDS_RESET)))
				note("buffers of %u bytes, %smerged", size, merge ? "" : "not ");
			for (u32 i = 0; i < queue[RX].used.idx && i < SIZE; i++)
				check(queue[RX].used.ring[i].len <= size && queue[RX].used.ring[i].id < SIZE);
		}
	}
	works_again();
}

/* In the receive queue: the next frame that comes finds it out. */
static void bad_buffers(void)
{
	static const char *const what[] = { "readable", "loop", "nowhere", "huge", "next too far", "head too far" };

	if (!needs(is_net, "no network card"))
		return;
	for (u32 kind = 0; kind < ARRAY_SIZE(what); kind++) {
		if (!check(bring_up(F_VERSION_1)))
			return;
		switch (kind) {
		case 0:
			describe(RX, 0, (u64)space, 2000, 0, 0);
			break;
		case 1:
			describe(RX, 0, (u64)space, 1, DESC_WRITE | DESC_NEXT, 0);
			break;
		case 2:
			describe(RX, 0, 1UL << 51, 2000, DESC_WRITE, 0);
			break;
		case 3:
			describe(RX, 0, (u64)space, 0xffffffff, DESC_WRITE, 0);
			break;
		case 4:
			describe(RX, 0, (u64)space, 10, DESC_WRITE | DESC_NEXT, SIZE);
			break;
		}
		offer(RX, kind == 5 ? 0xffff : 0);
		ring_bell(RX);
		if (!check(wait_until(status() & NEEDS_RESET, 5000)))
			note("%s", what[kind]);
		works_again();
	}
}

static volatile bool over;

static void take_and_give(void *arg)
{
	while (!over) {
		u32 r = rnd();

		queue[RX].desc[r % SIZE] = (struct desc){ (u64)space + r % 4096, r >> 4 & 2047,
							  DESC_WRITE | (r >> 15 & DESC_NEXT), r >> 20 & 15 };
		queue[RX].avail.ring[r >> 8 & 15] = r >> 16 & 15;
		if (!(r >> 24 & 7))
			queue[RX].avail.idx += r >> 12 & 3;
		ring_bell(RX);
	}
}

/* While frames come in, buffers change under the device's hands, and the device is reset. */
static void buffers_that_change(void)
{
	if (!needs(is_net, "no network card"))
		return;
	if (smp_start() < 2) {
		skip("one vCPU");
		return;
	}
	over = false;
	smp_call(1, take_and_give, NULL);
	for (u32 i = 0; i < 40; i++) {
		if (!check(bring_up(F_VERSION_1 | (i & 1 ? F_MRG_RXBUF : 0)) || status() & NEEDS_RESET))
			break;
		post_buffers(200, DESC_WRITE);
		delay_us(50000);
	}
	over = true;
	check(smp_wait(1, 5000));
	works_again();
}

static const struct guest_case cases[] = {
	{ "short_frames", short_frames },
	{ "long_frames", long_frames },
	{ "in_pieces", in_pieces },
	{ "lying_headers", lying_headers },
	{ "one_lie_at_a_time", one_lie_at_a_time },
	{ "small_buffers", small_buffers },
	{ "bad_buffers", bad_buffers },
	{ "buffers_that_change", buffers_that_change },
};

u32 guest_main(void)
{
	return device_cases(cases, ARRAY_SIZE(cases));
}
