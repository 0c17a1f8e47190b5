/* SPDX-License-Identifier: GPL-2.0-only */
/* Marks for count.c: an eight-byte no-op whose displacement nobody else writes; its last byte says what begins or ends. */
#ifndef BENCH_MARK_H
#define BENCH_MARK_H

/* nopl 0x??4d5649(%rax,%rax): all bytes of it but the last. */
static const unsigned char mark_bytes[] = { 0x0f, 0x1f, 0x84, 0x00, 0x49, 0x56, 0x4d };

/* A boot, ours and the peer's; three flows of traffic of each; spans of time, which bracket.c marks; boots on shadow tables. */
enum { MARK_OURS, MARK_PEERS, MARK_TRAFFIC_OURS, MARK_TRAFFIC_PEERS = MARK_TRAFFIC_OURS + 3,
	MARK_SPAN = MARK_TRAFFIC_PEERS + 3, MARK_SPANS = 6,
	MARK_SHADOW_OURS = MARK_SPAN + MARK_SPANS, MARK_SHADOW_PEERS, MARK_IDS };

#define MARK(code)	({ asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0x49, 0x56, 0x4d, %c0" : : "i" (code) : "memory"); })
#define MARK_BEGIN(id)	MARK((id) * 2)
#define MARK_END(id)	MARK((id) * 2 + 1)

#endif
