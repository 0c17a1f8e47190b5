/* SPDX-License-Identifier: GPL-2.0-only */
/* A driver of virtio-mem (virtio 1.2, 5.15), step by step; see virtio.h. */
#ifndef ROOM_H
#define ROOM_H

#include "virtio.h"

#define BLOCK		(2UL << 20)
#define F_INACCESSIBLE	(1UL << 1)

/* Configuration */
#define MEM_BLOCK_SIZE	0
#define MEM_ADDR	16
#define MEM_REGION	24
#define MEM_USABLE	32
#define MEM_PLUGGED	40
#define MEM_REQUESTED	48

#define MEM_PLUG	0
#define MEM_UNPLUG	1
#define MEM_UNPLUG_ALL	2
#define MEM_STATE	3

#define MEM_ACK		0
#define MEM_NACK	1
#define MEM_BUSY	2
#define MEM_ERROR	3
#define MEM_SILENCE	0xffff		/* no answer within ten seconds */

struct mem_request {
	u16 type, pad[3];
	u64 addr;
	u16 blocks, pad2[3];
};

struct mem_answer {
	u16 type, pad[3];
	u16 state;
};

u64 mem_config(u32 offset);
bool mem_bring_up(void);		/* finds it, and has it ready with its one queue */
/* Asks, and waits. Return: the answer's type; @state may be NULL. */
u32 mem_ask(u16 type, u64 addr, u16 blocks, u16 *state);
/* The same with buffers of the caller's, by physical address. */
u32 mem_ask_at(u64 request, u64 answer);
/* Sees to it that a range can be addressed one to one, there or not. */
bool mem_map(u64 from, u64 len);

#endif
