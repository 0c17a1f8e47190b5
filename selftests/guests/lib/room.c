// SPDX-License-Identifier: GPL-2.0-only
#include "room.h"

u64 mem_config(u32 offset)
{
	return get(&device, offset, 4) | (u64)get(&device, offset + 4, 4) << 32;
}

bool mem_bring_up(void)
{
	return find_virtio(DEVICE_MEM) && bring_up(F_VERSION_1 | F_INACCESSIBLE);
}

u32 mem_ask_at(u64 request, u64 answer)
{
	describe(0, 0, request, sizeof(struct mem_request), DESC_NEXT, 1);
	describe(0, 1, answer, 10, DESC_WRITE, 0);
	offer(0, 0);
	ring_bell(0);
	if (!wait_until(came_back(0) || status() & NEEDS_RESET, 10000) || !came_back(0))
		return MEM_SILENCE;
	used_seen[0]++;
	return 0;
}

u32 mem_ask(u16 type, u64 addr, u16 blocks, u16 *state)
{
	static struct mem_request request __aligned(16);
	static volatile struct mem_answer answer __aligned(16);

	request = (struct mem_request){ .type = type, .addr = addr, .blocks = blocks };
	answer.type = MEM_SILENCE;
	answer.state = 0xffff;
	if (mem_ask_at((u64)&request, (u64)&answer) == MEM_SILENCE)
		return MEM_SILENCE;
	if (state)
		*state = answer.state;
	return answer.type;
}

bool mem_map(u64 from, u64 len)
{
	for (u64 a = from & ~(BLOCK - 1); a < from + len; a += BLOCK)
		if (!map_2m(a, a, MAP_WRITE))
			return false;
	write_cr3(read_cr3());
	return true;
}
