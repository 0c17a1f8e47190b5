// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest client of a switch's rtnetlink, for tests: it sends what it is
 * told, right or wrong, without looking at it.
 *
 *	swctl port DEV [KEY=VALUE|NUMBER:HEX]...	IFLA_INFO_SLAVE_DATA of DEV
 *	swctl switch DEV [ageing=N] [flush] [NUMBER:HEX]...	IFLA_INFO_DATA
 *	swctl show DEV				configuration and counters, a line each
 *
 * NUMBER:HEX is a raw attribute. Keys are those of the table below; lists have
 * commas. Status 1 and the kernel's sentence on stderr when it refuses.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/ivm.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum type { T_U8, T_U16, T_U32, T_U64, T_RANGES, T_MACS, T_IPS, T_DEV, T_FLAG };

struct key {
	const char *name;
	int attr;
	enum type type;
};

static const struct key port_keys[] = {
	{ "mode", IVM_PORT_A_MODE, T_U8 },
	{ "access", IVM_PORT_A_ACCESS, T_U16 },
	{ "trunk", IVM_PORT_A_TRUNK, T_RANGES },
	{ "native", IVM_PORT_A_NATIVE, T_U16 },
	{ "role", IVM_PORT_A_ROLE, T_U8 },
	{ "isolated", IVM_PORT_A_ISOLATED, T_U8 },
	{ "guard", IVM_PORT_A_GUARD, T_U8 },
	{ "macs", IVM_PORT_A_MACS, T_MACS },
	{ "ips", IVM_PORT_A_IPS, T_IPS },
	{ "serves", IVM_PORT_A_SERVES, T_U32 },
	{ "learn", IVM_PORT_A_LEARN, T_U32 },
	{ "mirror", IVM_PORT_A_MIRROR, T_DEV },
	{ "storm-broadcast", IVM_PORT_A_STORM_BROADCAST, T_U32 },
	{ "storm-multicast", IVM_PORT_A_STORM_MULTICAST, T_U32 },
	{ "storm-unknown", IVM_PORT_A_STORM_UNKNOWN, T_U32 },
	{ "rate-in", IVM_PORT_A_RATE_IN, T_U64 },
	{ "rate-out", IVM_PORT_A_RATE_OUT, T_U64 },
	{ }
};

static const struct key switch_keys[] = {
	{ "ageing", IVM_SW_A_AGEING, T_U32 },
	{ "flush", IVM_SW_A_FLUSH, T_FLAG },
	{ }
};

static const char *const stats[IVM_PORT_STATS] = {
	"rx", "rx_bytes", "tx", "tx_bytes", "copies", "mirrored",
	"drop_off", "drop_runt", "drop_tagged", "drop_no_vlan", "drop_vlan", "drop_source", "drop_reserved",
	"drop_guard_mac", "drop_guard_arp", "drop_guard_ip4", "drop_guard_ip6", "drop_guard_nd",
	"drop_guard_server", "drop_guard_fragment", "drop_storm", "drop_rate_in", "drop_moved", "drop_hairpin",
	"drop_nowhere", "drop_isolated", "drop_memory", "drop_tx_rate", "drop_tx_size", "drop_tx_down",
	"drop_tx_full", "drop_tx_filter", "drop_tx_error",
};

static union {
	struct nlmsghdr head;
	char bytes[32768];
} request;

static void *put(int type, const void *data, size_t size)
{
	struct nlattr *a = (void *)(request.bytes + NLMSG_ALIGN(request.head.nlmsg_len));

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((char *)a + NLA_HDRLEN, data, size);
	request.head.nlmsg_len = NLMSG_ALIGN(request.head.nlmsg_len) + NLA_ALIGN(a->nla_len);
	return a;
}

static void end_nest(struct nlattr *nest)
{
	nest->nla_len = request.bytes + request.head.nlmsg_len - (char *)nest;
}

static void put_list(const struct key *key, char *value)
{
	unsigned char data[4096];
	size_t size = 0;
	char *item;

	for (item = strtok(value, ","); item; item = strtok(NULL, ",")) {
		if (key->type == T_RANGES) {
			struct ivm_vlan_range range = { .first = strtoul(item, &item, 0) };

			range.last = *item == '-' ? strtoul(item + 1, NULL, 0) : range.first;
			memcpy(data + size, &range, sizeof(range));
			size += sizeof(range);
		} else if (key->type == T_MACS) {
			unsigned int i, byte;

			for (i = 0; i < 6; i++) {
				if (sscanf(item + 3 * i, "%2x", &byte) != 1)
					errx(2, "%s is no address", item);
				data[size++] = byte;
			}
		} else {
			struct ivm_ip_prefix prefix = { .family = strchr(item, ':') ? AF_INET6 : AF_INET };
			char *slash = strchr(item, '/');

			prefix.len = slash ? strtoul(slash + 1, NULL, 0) : prefix.family == AF_INET ? 32 : 128;
			if (slash)
				*slash = 0;
			if (inet_pton(prefix.family, item, prefix.addr) != 1)
				errx(2, "%s is no address", item);
			memcpy(data + size, &prefix, sizeof(prefix));
			size += sizeof(prefix);
		}
	}
	put(key->attr, data, size);
}

static void put_value(const struct key *key, char *value)
{
	uint64_t number = strtoull(value, NULL, 0);

	switch (key->type) {
	case T_FLAG:
		put(key->attr, NULL, 0);
		break;
	case T_U8:
	case T_U16:
	case T_U32:
	case T_U64:
		put(key->attr, &number, 1 << key->type);	/* little-endian */
		break;
	case T_DEV:
		number = if_nametoindex(value) ?: number;
		put(key->attr, &number, 4);
		break;
	default:
		put_list(key, value);
	}
}

/* NUMBER:HEX, both possibly senseless */
static void put_raw(const char *word)
{
	unsigned char data[8192];
	char *hex;
	int type = strtoul(word, &hex, 0);
	unsigned int byte;
	size_t size = 0;

	if (*hex++ != ':')
		errx(2, "%s: no such key", word);
	for (; sscanf(hex, "%2x", &byte) == 1 && size < sizeof(data); hex += hex[1] ? 2 : 1)
		data[size++] = byte;
	put(type, data, size);
}

static void put_word(const struct key *keys, char *word)
{
	size_t len = strcspn(word, "=");

	for (; keys->name; keys++)
		if (strlen(keys->name) == len && !memcmp(keys->name, word, len)) {
			put_value(keys, word[len] ? word + len + 1 : word + len);
			return;
		}
	put_raw(word);
}

static int open_socket(void)
{
	int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)))
		err(2, "netlink");
	return fd;
}

static void start(int type, const char *dev)
{
	struct ifinfomsg *info = NLMSG_DATA(&request.head);

	request.head = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(sizeof(*info)), .nlmsg_type = type, .nlmsg_seq = 1,
		.nlmsg_flags = NLM_F_REQUEST | (type == RTM_NEWLINK ? NLM_F_ACK : 0),
	};
	info->ifi_index = if_nametoindex(dev);
	if (!info->ifi_index)
		errx(2, "no device %s", dev);
}

static struct nlattr *find(void *from, size_t len, int type)
{
	char *at = from, *end = at + len;

	while (at + NLA_HDRLEN <= end) {
		struct nlattr *a = (void *)at;

		if (a->nla_len < NLA_HDRLEN || at + a->nla_len > end)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static void *payload(struct nlattr *a)
{
	return (char *)a + NLA_HDRLEN;
}

static size_t length(struct nlattr *a)
{
	return a ? a->nla_len - NLA_HDRLEN : 0;
}

/* The answer of the kernel: 0, or its errno with its sentence on stderr. */
static int acknowledgement(struct nlmsghdr *head)
{
	struct nlmsgerr *e = NLMSG_DATA(head);
	size_t at = NLMSG_ALIGN(sizeof(*e));
	struct nlattr *text, *offset;

	if (!e->error)
		return 0;
	text = head->nlmsg_flags & NLM_F_ACK_TLVS ? find((char *)e + at, head->nlmsg_len - NLMSG_HDRLEN - at,
							 NLMSGERR_ATTR_MSG) : NULL;
	offset = head->nlmsg_flags & NLM_F_ACK_TLVS ? find((char *)e + at, head->nlmsg_len - NLMSG_HDRLEN - at,
							   NLMSGERR_ATTR_OFFS) : NULL;
	fprintf(stderr, "%s: %s%s\n", strerrorname_np(-e->error), text ? (char *)payload(text) : "no sentence",
		offset ? " [attribute]" : "");
	return 1;
}

static int change(char **words, int n, const char *kind, const struct key *keys, int data)
{
	static char answer[65536];
	struct nlattr *info, *nest;
	int i, fd = open_socket();

	start(RTM_NEWLINK, words[0]);
	info = put(IFLA_LINKINFO, NULL, 0);
	put(data == IFLA_INFO_DATA ? IFLA_INFO_KIND : IFLA_INFO_SLAVE_KIND, kind, strlen(kind) + 1);
	nest = put(data, NULL, 0);
	for (i = 1; i < n; i++)
		put_word(keys, words[i]);
	end_nest(nest);
	end_nest(info);
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		err(2, "netlink");
	return acknowledgement((void *)answer);
}

static void print_lists(struct nlattr *data)
{
	struct nlattr *a = find(payload(data), length(data), IVM_PORT_A_TRUNK);
	struct ivm_vlan_range *range;
	size_t i;

	printf("trunk");
	for (range = payload(a); (char *)range < (char *)payload(a) + length(a); range++)
		printf("%c%u-%u", range == payload(a) ? ' ' : ',', range->first, range->last);
	a = find(payload(data), length(data), IVM_PORT_A_MACS);
	printf("\nmacs");
	for (i = 0; i < length(a); i++)
		printf("%s%02x", !i ? " " : i % 6 ? ":" : ",", ((unsigned char *)payload(a))[i]);
	a = find(payload(data), length(data), IVM_PORT_A_IPS);
	printf("\nips");
	for (i = 0; i < length(a); i += sizeof(struct ivm_ip_prefix)) {
		struct ivm_ip_prefix *prefix = (void *)((char *)payload(a) + i);
		char text[64];

		printf("%c%s/%u", i ? ',' : ' ', inet_ntop(prefix->family, prefix->addr, text, sizeof(text)), prefix->len);
	}
	printf("\n");
}

static int show(const char *dev)
{
	static char answer[65536];
	struct nlmsghdr *head = (void *)answer;
	size_t skip = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	struct nlattr *info, *data, *a;
	const struct key *key;
	int fd = open_socket();
	uint64_t value;
	unsigned int i;

	start(RTM_GETLINK, dev);
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0 || recv(fd, answer, sizeof(answer), 0) < 0)
		err(2, "netlink");
	if (head->nlmsg_type != RTM_NEWLINK)
		return acknowledgement(head);
	info = find(answer + NLMSG_ALIGN(skip), head->nlmsg_len - NLMSG_ALIGN(skip), IFLA_LINKINFO);
	data = info ? find(payload(info), length(info), IFLA_INFO_SLAVE_DATA) : NULL;
	key = port_keys;
	if (!data) {
		data = info ? find(payload(info), length(info), IFLA_INFO_DATA) : NULL;
		key = switch_keys;
		a = data ? find(payload(data), length(data), IVM_SW_A_LEARNT) : NULL;
		if (!a)
			errx(1, "%s is neither switch nor port", dev);
		printf("learnt %u\n", *(uint32_t *)payload(a));
	}
	for (; key->name; key++) {
		a = find(payload(data), length(data), key->attr);
		if (!a || (key->type > T_U64 && key->type != T_DEV))
			continue;
		value = 0;
		memcpy(&value, payload(a), length(a) < 8 ? length(a) : 8);
		printf("%s %llu\n", key->name, (unsigned long long)value);
	}
	a = find(payload(data), length(data), IVM_PORT_A_STATS);
	if (!a)
		return 0;
	print_lists(data);
	for (i = 0; i < IVM_PORT_STATS; i++)
		printf("%s %llu\n", stats[i], ((unsigned long long *)payload(a))[i]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "port"))
		return change(argv + 2, argc - 2, IVM_LINK_KIND_SWITCH, port_keys, IFLA_INFO_SLAVE_DATA);
	if (argc >= 3 && !strcmp(argv[1], "switch"))
		return change(argv + 2, argc - 2, IVM_LINK_KIND_SWITCH, switch_keys, IFLA_INFO_DATA);
	if (argc == 3 && !strcmp(argv[1], "show"))
		return show(argv[2]);
	fprintf(stderr, "usage: swctl port|switch DEV [KEY=VALUE|NUMBER:HEX]... | swctl show DEV\n");
	return 2;
}
