// SPDX-License-Identifier: GPL-2.0-only
/*
 * traffic ours|peers DEVICE SECONDS: marks for count.c where the middle of each
 * of the three flows of net-vm begins and ends, as the counters of the device
 * say by which the receiving guest gets them: small frames, large frames, and a
 * TCP stream. Prints "traffic NAME ID COUNT" for each: frames, or KiB of the
 * stream. Status 1 when they did not come within so many seconds.
 */
#include "mark.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* As ivm_frames.ko and net_tcp.c send them. */
#define FRAMES		40960ULL	/* of each size */
#define STREAM		(80ULL << 20)

/* Beginning and end of the middle, the flow being 16. */
#define FIRST(n)	((n) * 3 / 16)
#define LAST(n)		((n) * 14 / 16)

static int packets, bytes;
static time_t limit;

static int counter(const char *device, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", device, name);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static unsigned long long value(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		exit(1);	/* the device is gone */
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

/* Looks so seldom that it is some 0.1 % of what is measured. */
static unsigned long long await(int fd, unsigned long long least)
{
	static const struct timespec nap = { .tv_nsec = 5000000 };
	unsigned long long now;

	while ((now = value(fd)) < least) {
		if (time(NULL) > limit)
			exit(1);
		nanosleep(&nap, NULL);
	}
	return now;
}

/* What a mark says is part of the instruction. */
static void begin(int id)
{
	if (id == MARK_TRAFFIC_OURS)
		MARK_BEGIN(MARK_TRAFFIC_OURS);
	else if (id == MARK_TRAFFIC_OURS + 1)
		MARK_BEGIN(MARK_TRAFFIC_OURS + 1);
	else if (id == MARK_TRAFFIC_OURS + 2)
		MARK_BEGIN(MARK_TRAFFIC_OURS + 2);
	else if (id == MARK_TRAFFIC_PEERS)
		MARK_BEGIN(MARK_TRAFFIC_PEERS);
	else if (id == MARK_TRAFFIC_PEERS + 1)
		MARK_BEGIN(MARK_TRAFFIC_PEERS + 1);
	else
		MARK_BEGIN(MARK_TRAFFIC_PEERS + 2);
}

static void end(int id)
{
	if (id == MARK_TRAFFIC_OURS)
		MARK_END(MARK_TRAFFIC_OURS);
	else if (id == MARK_TRAFFIC_OURS + 1)
		MARK_END(MARK_TRAFFIC_OURS + 1);
	else if (id == MARK_TRAFFIC_OURS + 2)
		MARK_END(MARK_TRAFFIC_OURS + 2);
	else if (id == MARK_TRAFFIC_PEERS)
		MARK_END(MARK_TRAFFIC_PEERS);
	else if (id == MARK_TRAFFIC_PEERS + 1)
		MARK_END(MARK_TRAFFIC_PEERS + 1);
	else
		MARK_END(MARK_TRAFFIC_PEERS + 2);
}

static void flow(const char *name, int id, int fd, unsigned long long base, unsigned long long length, unsigned int unit)
{
	unsigned long long from, to;

	from = await(fd, base + FIRST(length));
	begin(id);
	to = await(fd, base + LAST(length));
	end(id);
	printf("traffic %s %d %llu\n", name, id, (to - from) / unit);
}

int main(int argc, char **argv)
{
	int id;

	if (argc != 4)
		return 2;
	id = strcmp(argv[1], "ours") ? MARK_TRAFFIC_PEERS : MARK_TRAFFIC_OURS;
	packets = counter(argv[2], "tx_packets");
	bytes = counter(argv[2], "tx_bytes");
	limit = time(NULL) + atoi(argv[3]);
	flow("64", id, packets, 0, FRAMES, 1);
	flow("1500", id + 1, packets, FRAMES, FRAMES, 1);
	await(packets, 2 * FRAMES);
	flow("tcp", id + 2, bytes, value(bytes), STREAM, 1024);
	return 0;
}
