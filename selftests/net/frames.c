// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames in numbers, by a raw socket:
 *
 *	frames send DEV COUNT HEX	the same one
 *	frames macs DEV COUNT [FIRST]	broadcasts, each from another address
 *	frames fuzz DEV COUNT SEED [MAC]...	half sense, half noise; to and from these addresses and others
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd;
static uint64_t state;

static uint32_t next(void)	/* xorshift64* */
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL >> 32;
}

static void open_socket(const char *dev)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(dev) };

	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || !to.sll_ifindex || bind(fd, (void *)&to, sizeof(to)))
		err(2, "%s", dev);
}

/*
 * A queue on the way may be full for a moment; a veth says the same of a frame
 * that is too long for its other end, which stays so. Devices may go while this
 * runs: that is no failure, but the end.
 */
static void out(const void *frame, size_t len, unsigned int tries)
{
	while (send(fd, frame, len, 0) < 0) {
		if (errno == EMSGSIZE || !tries--)
			return;
		if (errno != ENOBUFS)
			exit(errno == ENXIO || errno == ENODEV || errno == ENETDOWN ? 0 : 1);
		usleep(100);
	}
}

static size_t unhex(const char *hex, uint8_t *to, size_t max)
{
	unsigned int byte;
	size_t n;

	for (n = 0; n < max && sscanf(hex, "%2x", &byte) == 1; n++) {
		to[n] = byte;
		hex += 2 + (hex[2] == ':');
	}
	return n;
}

static void fuzz_frame(uint8_t macs[][6], unsigned int nr_macs)
{
	static const uint16_t types[] = { 0x0800, 0x0806, 0x86dd, 0x8100, 0x88a8, 0x9100, 0x88b5, 60 };
	static const uint8_t starts[] = { 0x45, 0x60, 0x00, 0x4f };
	static const uint16_t lengths[] = { 14, 15, 18, 42, 60, 74, 200, 1514, 1518, 9000 };
	uint8_t frame[9018];
	size_t len = next() & 1 ? lengths[next() % 10] : 14 + next() % 300, at = 12, i;

	for (i = 0; i < len; i++)
		frame[i] = next() & 1 ? next() : 0;
	for (i = 0; i < 2; i++) {
		uint32_t kind = next() % 8;

		if (kind < 5)
			memcpy(frame + i * 6, macs[next() % nr_macs], 6);
		else if (kind == 5)
			memset(frame + i * 6, i ? 2 : 0xff, 6);
		else if (kind == 6)
			memcpy(frame + i * 6, "\1\x80\xc2\0\0", 5);
	}
	while (at + 2 <= len && next() % 4) {
		uint16_t type = htons(types[next() % 8]);

		memcpy(frame + at, &type, 2);
		at += 2;
		if (type != htons(0x8100) && type != htons(0x88a8) && type != htons(0x9100))
			break;
		if (at + 2 <= len)
			frame[at + 1] = 10 * (next() % 4), frame[at] &= 0xf0;
		at += 2;
	}
	if (at < len && next() % 4)
		frame[at] = starts[next() % 4];
	out(frame, len, 10);
}

int main(int argc, char **argv)
{
	uint8_t frame[9100] = { }, macs[64][6] = { };
	unsigned long i, count, first;
	unsigned int n = 0;
	size_t len;

	if (argc < 4)
		errx(2, "usage: frames send|macs|fuzz DEV COUNT ...");
	open_socket(argv[2]);
	count = strtoul(argv[3], NULL, 0);
	if (!strcmp(argv[1], "send") && argc == 5) {
		len = unhex(argv[4], frame, sizeof(frame));
		for (i = 0; i < count; i++)
			out(frame, len, 100000);
	} else if (!strcmp(argv[1], "macs")) {
		memset(frame, 0xff, 6);
		frame[6] = 6;
		frame[12] = 0x88;
		frame[13] = 0xb5;
		first = argc > 4 ? strtoul(argv[4], NULL, 0) : 0;
		for (i = first; i < first + count; i++) {
			uint32_t number = htonl(i);

			memcpy(frame + 8, &number, 4);
			out(frame, 60, 100000);
		}
	} else if (!strcmp(argv[1], "fuzz") && argc >= 5) {
		state = strtoull(argv[4], NULL, 0) * 0x9e3779b97f4a7c15ULL | 1;
		for (i = 5; i < argc && n < 64; i++)
			unhex(argv[i], macs[n++], 6);
		for (i = 0; i < 3; i++, n++)
			memcpy(macs[n], (uint8_t[]){ 2, 0x77, 0, 0, 0, i }, 6);
		for (i = 0; i < count; i++)
			fuzz_frame(macs, n);
	} else {
		errx(2, "usage: frames send|macs|fuzz DEV COUNT ...");
	}
	return 0;
}
