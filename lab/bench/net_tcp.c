// SPDX-License-Identifier: GPL-2.0-only
/*
 * net_tcp receive | net_tcp send ADDRESS: a stream from guest to guest. The
 * receiver prints "SIZE TICKS": the ticks that the quickest SIZE bytes took of
 * ROUNDS times as many.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <x86intrin.h>

#define PORT	5001
#define CHUNK	(16u << 20)
#define ROUNDS	5	/* the first one warms up */

static char buffer[256 << 10];

static int receive(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, round;
	uint64_t least = UINT64_MAX, since, now;

	if (listener < 0 || bind(listener, (void *)&any, sizeof(any)) || listen(listener, 1))
		return 1;
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return 1;
	since = __rdtsc();
	for (round = 0; round < ROUNDS; round++) {
		uint32_t left = CHUNK;

		while (left) {
			ssize_t n = read(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

			if (n <= 0)
				return 1;
			left -= n;
		}
		now = __rdtsc();
		if (round && now - since < least)
			least = now - since;
		since = now;
	}
	printf("%u %llu\n", CHUNK, (unsigned long long)least);
	return 0;
}

static int send_to(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	uint64_t left = (uint64_t)ROUNDS * CHUNK;
	int fd = -1, tries;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return 2;
	for (tries = 0; tries < 100; tries++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0)
			return 1;
		if (!connect(fd, (void *)&to, sizeof(to)))
			break;
		close(fd);
		fd = -1;
		usleep(100000);
	}
	while (fd >= 0 && left) {
		ssize_t n = write(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

		if (n <= 0)
			return 1;
		left -= n;
	}
	/* Whoever runs this powers off then: not before the receiver has it all, and has closed. */
	return fd < 0 || shutdown(fd, SHUT_WR) || read(fd, buffer, sizeof(buffer)) != 0;
}

int main(int argc, char **argv)
{
	int err = 2;

	if (argc == 2 && !strcmp(argv[1], "receive"))
		err = receive();
	else if (argc == 3 && !strcmp(argv[1], "send"))
		err = send_to(argv[2]);
	if (err)
		fprintf(stderr, "net_tcp: error %d, %s\n", err, strerror(errno));
	return err;
}
