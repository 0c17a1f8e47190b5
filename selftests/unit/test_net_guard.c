// SPDX-License-Identifier: GPL-2.0-only
/* P2 where it is decided: each way to speak in somebody else's name, and each honest one beside it. */
/* sources: kmod/net/guard.c */
#include "unit.h"

#include <string.h>

#include "net/guard.h"

static const u8 own[6] = { 2, 0, 0, 0xaa, 0xbb, 1 }, other[6] = { 2, 0, 0, 0xaa, 0xbb, 2 };
static const u8 ip_own[4] = { 10, 0, 0, 1 }, ip_other[4] = { 10, 0, 1, 1 }, ip_none[4];
static const u8 ip6_own[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, ip6_other[16] = { 0x20, 1, 0xd, 0xb9, [15] = 1 };
static const u8 ip6_none[16];
static const u8 ll_own[16] = { 0xfe, 0x80, [8] = 0, 0, 0, 0xff, 0xfe, 0xaa, 0xbb, 1 };
static const u8 ll_other[16] = { 0xfe, 0x80, [8] = 0, 0, 0, 0xff, 0xfe, 0xaa, 0xbb, 2 };

#define port _test_data_guard	/* what the harness calls its FIXTURE */

FIXTURE(guard) {
	struct ivm_port_config config;
	u8 frame[2048];
	u32 len;
};

FIXTURE_SETUP(guard)
{
	struct ivm_port_config *c = &self->config;

	memset(c, 0, sizeof(*c));
	c->guard = true;
	c->nr_macs = 1;
	memcpy(c->mac[0], own, 6);
	c->nr_ips = 2;
	c->ip[0] = (struct ivm_ip_prefix){ .family = AF_INET, .len = 24, .addr = { 10 } };
	c->ip[1] = (struct ivm_ip_prefix){ .family = AF_INET6, .len = 64, .addr = { 0x20, 1, 0xd, 0xb8 } };
	self->len = 0;
}

FIXTURE_TEARDOWN(guard)
{
}

static void add(struct port *self, const void *data, unsigned int n)
{
	if (data)
		memcpy(self->frame + self->len, data, n);
	else
		memset(self->frame + self->len, 0, n);
	self->len += n;
}

static void word(struct port *self, u16 w)
{
	u8 b[2] = { w >> 8, w };

	add(self, b, 2);
}

static void byte(struct port *self, u8 b)
{
	add(self, &b, 1);
}

static void eth(struct port *self, const u8 *src, u16 type)
{
	self->len = 0;
	add(self, "\xff\xff\xff\xff\xff\xff", 6);
	add(self, src, 6);
	word(self, type);
}

/* What the guard says when it sees all, and never another thing than a refusal when it sees less. */
static unsigned int check(struct port *self)
{
	unsigned int verdict, seen;
	u8 *exact;

	for (seen = 14; seen < self->len && seen < IVM_FRAME_HEAD; seen++) {
		exact = malloc(seen);	/* so that reading beyond shows */
		memcpy(exact, self->frame, seen);
		ivm_guard_check(&self->config, exact, seen, seen);
		free(exact);
	}
	seen = self->len < IVM_FRAME_HEAD ? self->len : IVM_FRAME_HEAD;
	exact = malloc(seen);
	memcpy(exact, self->frame, seen);
	verdict = ivm_guard_check(&self->config, exact, seen, self->len);
	free(exact);
	return verdict;
}

#define GOOD()		EXPECT_EQ(0, check(self))
#define BAD(what)	EXPECT_EQ(IVM_STAT_DROP_GUARD_##what, check(self))

TEST_F(guard, source)
{
	eth(self, own, 0x88b5);
	GOOD();
	eth(self, other, 0x88b5);
	BAD(MAC);
	self->config.nr_macs = 2;
	memcpy(self->config.mac[1], other, 6);
	GOOD();
}

static void arp(struct port *self, const u8 *mac, const u8 *ip)
{
	eth(self, own, 0x0806);
	add(self, "\0\1\x08\0\6\4\0\1", 8);
	add(self, mac, 6);
	add(self, ip, 4);
	add(self, NULL, 6);
	add(self, ip_other, 4);
}

TEST_F(guard, arp)
{
	arp(self, own, ip_own);
	GOOD();
	arp(self, own, ip_none);	/* a probe */
	GOOD();
	arp(self, other, ip_own);
	BAD(ARP);
	arp(self, own, ip_other);
	BAD(ARP);
	self->len -= 1;
	BAD(ARP);
	arp(self, own, ip_own);
	self->frame[15] = 6;		/* of another hardware */
	BAD(ARP);
	arp(self, own, ip_own);
	self->frame[18] = 8;
	BAD(ARP);
	arp(self, own, ip_other);
	self->frame[12] = 0x80;
	self->frame[13] = 0x35;
	BAD(ARP);
	self->config.nr_ips = 0;
	arp(self, own, ip_other);
	GOOD();
	arp(self, other, ip_other);
	BAD(ARP);
}

static void ip4(struct port *self, const u8 *src, u8 proto, u16 fragment, unsigned int payload)
{
	byte(self, 0x45);
	byte(self, 0);
	word(self, 20 + payload);
	word(self, 1);
	word(self, fragment);
	byte(self, 64);
	byte(self, proto);
	word(self, 0);
	add(self, src, 4);
	add(self, "\xff\xff\xff\xff", 4);
}

static void udp4(struct port *self, const u8 *src, u16 from, u16 to)
{
	eth(self, own, 0x0800);
	ip4(self, src, 17, 0, 8 + 240);
	word(self, from);
	word(self, to);
	word(self, 8 + 240);
	word(self, 0);
	add(self, "\1\1\6\0", 4);
	add(self, NULL, 24);
	add(self, own, 6);
	add(self, NULL, 240 - 34);
}

TEST_F(guard, ip4)
{
	eth(self, own, 0x0800);
	ip4(self, ip_own, 1, 0, 8);
	add(self, NULL, 8);
	GOOD();
	add(self, NULL, 20);		/* padding */
	GOOD();
	self->frame[26 + 2]++;		/* 10.0.1.1 */
	BAD(IP4);
	eth(self, own, 0x0800);
	ip4(self, ip_none, 1, 0, 0);
	BAD(IP4);
	self->config.nr_ips = 0;
	GOOD();
	/* lies about its length, its version, its header */
	eth(self, own, 0x0800);
	ip4(self, ip_own, 1, 0, 1);
	BAD(IP4);
	eth(self, own, 0x0800);
	ip4(self, ip_own, 1, 0, 0);
	self->frame[14] = 0x65;
	BAD(IP4);
	self->frame[14] = 0x44;
	BAD(IP4);
	self->frame[14] = 0x46;
	BAD(IP4);
	self->len--;
	self->frame[14] = 0x45;
	BAD(IP4);
}

/* Inside a length and SNAP, or behind tags of the guest's own, it is the same packet. */
TEST_F(guard, wrapped)
{
	eth(self, own, 60);
	add(self, "\xaa\xaa\x03\0\0\0\x08\0", 8);
	ip4(self, ip_other, 1, 0, 0);
	BAD(IP4);
	/* neither length nor type by the standard: Linux looks behind it; from 0600 on it is a type */
	eth(self, own, 0x05ff);
	add(self, "\xaa\xaa\x03\0\0\0\x08\0", 8);
	ip4(self, ip_other, 1, 0, 0);
	BAD(IP4);
	eth(self, own, 0x0600);
	add(self, "\xaa\xaa\x03\0\0\0\x08\0", 8);
	ip4(self, ip_other, 1, 0, 0);
	GOOD();
	eth(self, own, 0x8100);
	word(self, 7);
	word(self, 0x88a8);
	word(self, 7);
	word(self, 0x0800);
	ip4(self, ip_other, 1, 0, 0);
	BAD(IP4);
	eth(self, own, 0x8100);
	word(self, 7);
	word(self, 0x8100);
	word(self, 7);
	word(self, 0x8100);
	word(self, 7);
	word(self, 0x0800);
	ip4(self, ip_own, 1, 0, 0);
	BAD(FRAGMENT);
}

TEST_F(guard, dhcp)
{
	udp4(self, ip_none, 68, 67);
	GOOD();
	udp4(self, ip_own, 68, 67);
	GOOD();
	udp4(self, ip_none, 5000, 5001);
	BAD(IP4);
	udp4(self, ip_none, 68, 67);
	self->frame[14 + 20 + 8 + 28 + 5] = 2;	/* a lease for somebody else */
	BAD(MAC);
	udp4(self, ip_none, 68, 67);
	self->frame[14 + 20 + 8] = 2;		/* an answer, to a relay */
	BAD(MAC);
	udp4(self, ip_own, 67, 68);
	BAD(SERVER);
	udp4(self, ip_own, 1234, 68);
	BAD(SERVER);
	udp4(self, ip_own, 67, 67);
	BAD(SERVER);
	self->config.serves = IVM_PORT_SERVES_DHCP;
	GOOD();
	udp4(self, ip_own, 67, 68);
	GOOD();
	udp4(self, ip_other, 67, 68);
	BAD(IP4);
}

TEST_F(guard, fragments4)
{
	/* the middle of something whose beginning was looked at */
	eth(self, own, 0x0800);
	ip4(self, ip_own, 17, 0x2001, 16);
	add(self, NULL, 16);
	GOOD();
	/* a beginning that does not say which port */
	eth(self, own, 0x0800);
	ip4(self, ip_own, 17, 0x2000, 4);
	add(self, NULL, 4);
	BAD(FRAGMENT);
	/* a beginning that does */
	eth(self, own, 0x0800);
	ip4(self, ip_own, 17, 0x2000, 16);
	word(self, 67);
	add(self, NULL, 14);
	BAD(SERVER);
	eth(self, own, 0x0800);
	ip4(self, ip_own, 17, 0x2000, 16);
	add(self, NULL, 16);
	GOOD();
	eth(self, own, 0x0800);
	ip4(self, ip_none, 17, 0x2001, 16);
	add(self, NULL, 16);
	BAD(FRAGMENT);
}

static void ip6(struct port *self, const u8 *src, u8 next, unsigned int payload)
{
	eth(self, own, 0x86dd);
	add(self, "\x60\0\0\0", 4);
	word(self, payload);
	byte(self, next);
	byte(self, 255);
	add(self, src, 16);
	add(self, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
}

TEST_F(guard, ip6_source)
{
	ip6(self, ip6_own, 6, 0);
	GOOD();
	ip6(self, ll_own, 6, 0);
	GOOD();
	ip6(self, ip6_other, 6, 0);
	BAD(IP6);
	ip6(self, ll_other, 6, 0);
	BAD(IP6);
	ip6(self, ip6_none, 6, 0);
	BAD(IP6);
	self->config.nr_ips = 0;
	ip6(self, ll_other, 6, 0);
	GOOD();
	self->config.nr_ips = 1;	/* IPv4 only: the rest of IPv6 is not for it */
	ip6(self, ip6_own, 6, 0);
	BAD(IP6);
	ip6(self, ll_own, 6, 0);
	GOOD();
	ip6(self, ll_own, 6, 1);
	BAD(IP6);
	ip6(self, ll_own, 17, 0);	/* a jumbogram, or padding */
	add(self, NULL, 8);
	BAD(IP6);
}

static void nd(struct port *self, const u8 *src, u8 type, const u8 *target, u8 option, const u8 *mac)
{
	unsigned int fixed = type == 134 ? 16 : target ? 24 : 8;

	ip6(self, src, 58, fixed + (option ? 8 : 0));
	byte(self, type);
	add(self, NULL, fixed - 1 - (target ? 16 : 0));
	if (target)
		add(self, target, 16);
	if (option) {
		byte(self, option);
		byte(self, 1);
		add(self, mac, 6);
	}
}

TEST_F(guard, neighbour_discovery)
{
	nd(self, ip6_own, 135, ip6_other, 1, own);	/* who is my neighbour? */
	GOOD();
	nd(self, ip6_own, 135, ip6_other, 1, other);
	BAD(ND);
	nd(self, ip6_none, 135, ip6_own, 0, NULL);	/* is this address free? */
	GOOD();
	nd(self, ip6_none, 135, ll_own, 0, NULL);
	GOOD();
	nd(self, ip6_none, 135, ip6_other, 0, NULL);	/* the neighbour's would not be */
	BAD(ND);
	nd(self, ip6_none, 135, ip6_own, 1, own);
	BAD(ND);
	nd(self, ip6_own, 136, ip6_own, 2, own);
	GOOD();
	nd(self, ip6_own, 136, ip6_other, 2, own);
	BAD(ND);
	nd(self, ip6_own, 136, ip6_own, 2, other);
	BAD(ND);
	nd(self, ip6_none, 136, ip6_own, 2, own);
	BAD(ND);
	nd(self, ll_own, 133, NULL, 1, own);
	GOOD();
	nd(self, ip6_none, 133, NULL, 0, NULL);
	GOOD();
	nd(self, ll_own, 133, NULL, 1, other);
	BAD(ND);
	nd(self, ll_other, 136, ll_other, 2, own);
	BAD(IP6);
	/* an option without length, one that is cut, one beyond what is read */
	nd(self, ip6_own, 136, ip6_own, 2, own);
	self->frame[14 + 40 + 24 + 1] = 0;
	BAD(ND);
	self->frame[14 + 40 + 24 + 1] = 2;
	BAD(ND);
	ip6(self, ip6_own, 58, 24 + 160);
	byte(self, 136);
	add(self, NULL, 7);
	add(self, ip6_own, 16);
	byte(self, 14);
	byte(self, 19);
	add(self, NULL, 150);
	byte(self, 2);
	byte(self, 1);
	add(self, other, 6);
	BAD(FRAGMENT);
}

TEST_F(guard, routers)
{
	nd(self, ll_own, 134, NULL, 1, own);
	BAD(SERVER);
	self->config.serves = IVM_PORT_SERVES_RA;
	GOOD();
	nd(self, ll_own, 134, NULL, 1, other);
	BAD(ND);
	self->config.serves = IVM_PORT_SERVES_DHCP;
	ip6(self, ll_own, 58, 40);
	byte(self, 137);
	add(self, NULL, 39);
	BAD(SERVER);
}

TEST_F(guard, dhcp6)
{
	ip6(self, ll_own, 17, 8);
	word(self, 546);
	word(self, 547);
	word(self, 8);
	word(self, 0);
	GOOD();
	self->frame[14 + 40 + 1] = 547 & 0xff;
	BAD(SERVER);
	self->frame[14 + 40 + 1] = 1;
	self->frame[14 + 40 + 3] = 546 & 0xff;
	BAD(SERVER);
	self->config.serves = IVM_PORT_SERVES_DHCP;
	GOOD();
}

/* Extension headers do not hide what is behind them. */
TEST_F(guard, extensions)
{
	unsigned int i;

	ip6(self, ll_own, 0, 8 + 8 + 16);
	add(self, "\x3c\0\1\4\0\0\0\0", 8);
	add(self, "\x3a\0\1\4\0\0\0\0", 8);
	byte(self, 134);
	add(self, NULL, 15);
	BAD(SERVER);
	/* too many; too long; cut off */
	ip6(self, ll_own, 60, 9 * 8 + 16);
	for (i = 0; i < 9; i++)
		add(self, i < 8 ? "\x3c\0\1\4\0\0\0\0" : "\x3a\0\1\4\0\0\0\0", 8);
	byte(self, 134);
	add(self, NULL, 15);
	BAD(FRAGMENT);
	ip6(self, ll_own, 60, 256 + 16);
	add(self, "\x3a\x1f\1\4\0\0\0\0", 8);
	add(self, NULL, 248);
	byte(self, 134);
	add(self, NULL, 15);
	BAD(FRAGMENT);
	ip6(self, ll_own, 60, 4);
	add(self, "\x3a\0\1\4", 4);
	BAD(FRAGMENT);
}

TEST_F(guard, fragments6)
{
	/* discovery in a fragment, also when that is all of it but says there is more */
	ip6(self, ip6_own, 44, 8 + 24);
	add(self, "\x3a\0\0\1\0\0\0\1", 8);
	byte(self, 136);
	add(self, NULL, 7);
	add(self, ip6_own, 16);
	BAD(FRAGMENT);
	/* an atomic one is whole */
	self->frame[14 + 40 + 3] = 0;
	GOOD();
	/* the middle */
	self->frame[14 + 40 + 3] = 9;
	GOOD();
	/* a first one without its type */
	ip6(self, ip6_own, 44, 8);
	add(self, "\x3a\0\0\1\0\0\0\1", 8);
	BAD(FRAGMENT);
	/* an echo in fragments */
	ip6(self, ip6_own, 44, 8 + 16);
	add(self, "\x3a\0\0\1\0\0\0\1", 8);
	byte(self, 128);
	add(self, NULL, 15);
	GOOD();
	ip6(self, ip6_none, 44, 8 + 16);
	add(self, "\x3a\0\0\x09\0\0\0\1", 8);
	add(self, NULL, 16);
	BAD(FRAGMENT);
	/* DHCPv6 in two pieces is seen by its first */
	ip6(self, ll_own, 44, 8 + 8);
	add(self, "\x11\0\0\1\0\0\0\1", 8);
	word(self, 547);
	add(self, NULL, 6);
	BAD(SERVER);
}

TEST_F(guard, multicast_listeners)
{
	static const u8 report[] = { 131, 132, 143 };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		ip6(self, ip6_none, 0, 8 + 8);
		add(self, "\x3a\0\5\2\0\0\1\0", 8);
		byte(self, report[i]);
		add(self, NULL, 7);
		GOOD();
	}
	ip6(self, ip6_none, 58, 8);
	byte(self, 128);
	add(self, NULL, 7);
	BAD(IP6);
}

TEST_F(guard, prefix_bits)
{
	self->config.ip[0] = (struct ivm_ip_prefix){ .family = AF_INET, .len = 31, .addr = { 10, 0, 0, 2 } };
	eth(self, own, 0x0800);
	ip4(self, (const u8[]){ 10, 0, 0, 3 }, 1, 0, 0);
	GOOD();
	eth(self, own, 0x0800);
	ip4(self, (const u8[]){ 10, 0, 0, 4 }, 1, 0, 0);
	BAD(IP4);
	self->config.ip[0].len = 0;
	memset(self->config.ip[0].addr, 0, 16);
	GOOD();
}

TEST_HARNESS_MAIN
