// SPDX-License-Identifier: GPL-2.0-only
#include "frame.h"

#include "../text.h"

#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#define IVM_ETH		14
#define IVM_TYPE	0x88b5	/* IEEE: local experiments */
#define IVM_SMALL	50	/* payload bytes */
#define IVM_RUNT	(IVM_MAGIC_LEN + 4)
#define IVM_CUT		16	/* bytes of a frame that ends inside its tag */
#define IVM_GSO_BYTES	4000
#define IVM_GSO_SEGMENT	1000
#define IVM_SEARCH	128	/* the mark lies within so many bytes */

size_t ivm_nr_cells(void)
{
	return ivm_nr_probes * (ivm_nr_probes - 1) * ivm_nr_shapes;
}

struct ivm_cell ivm_cell_at(uint32_t number)
{
	struct ivm_cell cell;

	cell.to = number % (ivm_nr_probes - 1);
	number /= (uint32_t)(ivm_nr_probes - 1);
	cell.shape = number % ivm_nr_shapes;
	cell.sender = number / ivm_nr_shapes;
	/* Nobody is a pair with himself. */
	if (cell.to >= cell.sender)
		cell.to++;
	return cell;
}

uint32_t ivm_cell_number(const struct ivm_cell *cell)
{
	size_t to = cell->to > cell->sender ? cell->to - 1 : cell->to;

	return (uint32_t)((cell->sender * ivm_nr_shapes + cell->shape) * (ivm_nr_probes - 1) + to);
}

/* ---- bytes ---- */

static void ivm_put(struct ivm_bytes *frame, const void *data, size_t len)
{
	memcpy(frame->data + frame->len, data, len);
	frame->len += len;
}

static void ivm_put8(struct ivm_bytes *frame, uint8_t value)
{
	frame->data[frame->len++] = value;
}

static void ivm_put16(struct ivm_bytes *frame, uint16_t value)
{
	ivm_put8(frame, (uint8_t)(value >> 8));
	ivm_put8(frame, (uint8_t)value);
}

static void ivm_put32(struct ivm_bytes *frame, uint32_t value)
{
	ivm_put16(frame, (uint16_t)(value >> 16));
	ivm_put16(frame, (uint16_t)value);
}

static uint16_t ivm_get16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

/* The mark, then bytes that differ from cell to cell. */
static void ivm_put_payload(struct ivm_bytes *frame, const struct ivm_run_values *run, uint32_t number, size_t len)
{
	size_t end = frame->len + len;

	ivm_put(frame, run->magic, IVM_MAGIC_LEN);
	ivm_put32(frame, number);
	for (size_t i = 0; frame->len < end; i++)
		ivm_put8(frame, (uint8_t)(number * 31 + i * 7));
}

static uint32_t ivm_sum(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		sum += ivm_get16(data + i);
	return sum;
}

static uint16_t ivm_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* ---- parts of a frame ---- */

static void ivm_put_addresses(struct ivm_bytes *frame, const struct ivm_run_values *run, const struct ivm_cell *cell)
{
	static const uint8_t broadcast[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	static const uint8_t multicast[] = { 0x01, 0x00, 0x5e, 0x01, 0x02, 0x03 };
	static const uint8_t multicast6[] = { 0x33, 0x33, 0x00, 0x00, 0x12, 0x34 };
	static const uint8_t zero[IVM_MAC_LEN];
	const struct ivm_shape *shape = &ivm_shapes[cell->shape];
	const uint8_t reserved[] = { 0x01, 0x80, 0xc2, 0x00, 0x00, shape->last };
	const uint8_t *const to[] = {
		[IVM_TO_ADDRESSEE] = run->mac[cell->to], [IVM_TO_SELF] = run->mac[cell->sender],
		[IVM_TO_UNKNOWN] = run->unknown, [IVM_TO_BROADCAST] = broadcast, [IVM_TO_MULTICAST] = multicast,
		[IVM_TO_MULTICAST6] = multicast6, [IVM_TO_RESERVED] = reserved,
	};
	const uint8_t *const from[] = {
		[IVM_FROM_SELF] = run->mac[cell->sender], [IVM_FROM_ADDRESSEE] = run->mac[cell->to],
		[IVM_FROM_GROUP] = multicast, [IVM_FROM_ZERO] = zero,
	};

	ivm_put(frame, to[shape->to], IVM_MAC_LEN);
	ivm_put(frame, from[shape->from], IVM_MAC_LEN);
}

static void ivm_put_tag(struct ivm_bytes *frame, const struct ivm_run_values *run, const struct ivm_tag *tag)
{
	ivm_put16(frame, tag->proto);
	ivm_put16(frame, tag->prio | run->vid[tag->vlan]);
}

/* A TCP segment of @len bytes with its checksum begun: the rest is the device's to make. */
static void ivm_put_tcp(struct ivm_bytes *frame, const struct ivm_run_values *run, uint32_t number, size_t len,
			uint32_t pseudo)
{
	frame->csum_start = (uint16_t)frame->len;
	frame->csum_offset = 16;
	frame->ignore = frame->len + 16;
	ivm_put16(frame, 4711);		/* ports */
	ivm_put16(frame, 4712);
	ivm_put32(frame, number);	/* sequence, acknowledgement */
	ivm_put32(frame, 1);
	ivm_put16(frame, 0x5010);	/* 20 bytes of header, ACK */
	ivm_put16(frame, 0xffff);
	ivm_put16(frame, ivm_fold(pseudo + 6 + 20 + (uint32_t)len));
	ivm_put16(frame, 0);
	frame->hdr_len = (uint16_t)frame->len;
	frame->gso_size = IVM_GSO_SEGMENT;
	ivm_put_payload(frame, run, number, len);
}

static void ivm_put_tcp4(struct ivm_bytes *frame, const struct ivm_run_values *run, uint32_t number)
{
	uint8_t *ip = frame->data + frame->len + 2;
	uint16_t sum;

	ivm_put16(frame, 0x0800);
	ivm_put16(frame, 0x4500);
	ivm_put16(frame, 20 + 20 + IVM_GSO_BYTES);
	ivm_put32(frame, 0x00004000);	/* not to be fragmented */
	ivm_put16(frame, 0x4006);	/* TTL, TCP */
	ivm_put16(frame, 0);
	ivm_put32(frame, 0xc0000201);	/* RFC 5737: for documentation */
	ivm_put32(frame, 0xc0000202);
	sum = (uint16_t)~ivm_fold(ivm_sum(0, ip, 20));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	frame->gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
	ivm_put_tcp(frame, run, number, IVM_GSO_BYTES, ivm_sum(0, ip + 12, 8));
}

static void ivm_put_tcp6(struct ivm_bytes *frame, const struct ivm_run_values *run, uint32_t number)
{
	static const uint8_t addresses[32] = {
		0x20, 0x01, 0x0d, 0xb8, [15] = 1, [16] = 0x20, 0x01, 0x0d, 0xb8, [31] = 2,
	};

	ivm_put16(frame, 0x86dd);
	ivm_put32(frame, 0x60000000);
	ivm_put16(frame, 20 + IVM_GSO_BYTES);
	ivm_put16(frame, 0x0640);	/* TCP, hop limit */
	ivm_put(frame, addresses, sizeof(addresses));
	frame->gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
	ivm_put_tcp(frame, run, number, IVM_GSO_BYTES, ivm_sum(0, addresses, sizeof(addresses)));
}

/* What follows addresses and tags. @behind: bytes of the frame that count as payload already. */
static void ivm_put_rest(struct ivm_bytes *frame, const struct ivm_run_values *run, const struct ivm_cell *cell,
			 size_t behind)
{
	static const size_t payload[] = {
		[IVM_SIZE_SMALL] = IVM_SMALL, [IVM_SIZE_RUNT] = IVM_RUNT, [IVM_SIZE_MAX] = 1500, [IVM_SIZE_JUMBO] = 9000,
	};
	const struct ivm_shape *shape = &ivm_shapes[cell->shape];
	uint32_t number = ivm_cell_number(cell);

	if (shape->size == IVM_SIZE_GSO4) {
		ivm_put_tcp4(frame, run, number);
	} else if (shape->size == IVM_SIZE_GSO6) {
		ivm_put_tcp6(frame, run, number);
	} else if (shape->llc) {
		ivm_put16(frame, 3 + IVM_SMALL);	/* a length, where others have a type */
		ivm_put16(frame, 0x4242);		/* spanning tree's LLC */
		ivm_put8(frame, 0x03);
		ivm_put_payload(frame, run, number, IVM_SMALL);
	} else {
		ivm_put16(frame, IVM_TYPE);
		ivm_put_payload(frame, run, number, payload[shape->size] - behind);
	}
}

/* How many bytes of a cell's payload are inner tags, so that its size holds behind the outer one. */
static size_t ivm_inner(const struct ivm_shape *shape)
{
	return (shape->size == IVM_SIZE_MAX || shape->size == IVM_SIZE_JUMBO) && shape->tag[1].proto ? 4 : 0;
}

void ivm_frame_build(const struct ivm_run_values *run, const struct ivm_cell *cell, struct ivm_bytes *frame)
{
	const struct ivm_shape *shape = &ivm_shapes[cell->shape];

	*frame = (struct ivm_bytes){ 0 };
	ivm_put_addresses(frame, run, cell);
	for (size_t i = shape->beside ? 1 : 0; i < IVM_TAGS; i++)
		if (shape->tag[i].proto)
			ivm_put_tag(frame, run, &shape->tag[i]);
	if (shape->size == IVM_SIZE_CUT)
		frame->len = IVM_CUT;
	else
		ivm_put_rest(frame, run, cell, ivm_inner(shape));
}

void ivm_frame_expect(const struct ivm_run_values *run, const struct ivm_cell *cell, const struct ivm_expect *expect,
		      struct ivm_bytes *frame)
{
	const struct ivm_shape *shape = &ivm_shapes[cell->shape];
	const struct ivm_tag tag = { .proto = 0x8100, .vlan = expect->vlan, .prio = expect->prio };

	*frame = (struct ivm_bytes){ 0 };
	ivm_put_addresses(frame, run, cell);
	if (expect->tagged)
		ivm_put_tag(frame, run, &tag);
	for (size_t i = expect->skip; i < IVM_TAGS; i++)
		if (shape->tag[i].proto)
			ivm_put_tag(frame, run, &shape->tag[i]);
	ivm_put_rest(frame, run, cell, ivm_inner(shape));
}

bool ivm_frame_insert_tag(struct ivm_bytes *frame, uint16_t proto, uint16_t tci)
{
	uint8_t *at = frame->data + 2 * IVM_MAC_LEN;
	const uint8_t tag[] = { (uint8_t)(proto >> 8), (uint8_t)proto, (uint8_t)(tci >> 8), (uint8_t)tci };

	if (frame->len < 2 * IVM_MAC_LEN || frame->len + sizeof(tag) > sizeof(frame->data))
		return false;
	memmove(at + sizeof(tag), at, frame->len - 2 * IVM_MAC_LEN);
	memcpy(at, tag, sizeof(tag));
	frame->len += sizeof(tag);
	return true;
}

/* A frame without a mark can only be one that was cut; its addresses say which. */
static bool ivm_identify_cut(const struct ivm_run_values *run, const struct ivm_bytes *frame, uint32_t *number)
{
	struct ivm_cell cell;

	if (frame->len < 2 * IVM_MAC_LEN || frame->len >= IVM_ETH + 4 + IVM_RUNT)
		return false;
	for (cell.shape = 0; cell.shape < ivm_nr_shapes; cell.shape++) {
		if (ivm_shapes[cell.shape].size != IVM_SIZE_CUT)
			continue;
		for (cell.sender = 0; cell.sender < ivm_nr_probes; cell.sender++)
			for (cell.to = 0; cell.to < ivm_nr_probes; cell.to++) {
				if (cell.to == cell.sender ||
				    memcmp(frame->data, run->mac[cell.to], IVM_MAC_LEN) ||
				    memcmp(frame->data + IVM_MAC_LEN, run->mac[cell.sender], IVM_MAC_LEN))
					continue;
				*number = ivm_cell_number(&cell);
				return true;
			}
	}
	return false;
}

bool ivm_frame_identify(const struct ivm_run_values *run, const struct ivm_bytes *frame, uint32_t *number)
{
	size_t end = frame->len < IVM_SEARCH ? frame->len : IVM_SEARCH;
	const uint8_t *mark;

	mark = memmem(frame->data, end, run->magic, IVM_MAGIC_LEN);
	if (!mark)
		return ivm_identify_cut(run, frame, number);
	mark += IVM_MAGIC_LEN;
	if (mark + 4 > frame->data + frame->len)
		return false;
	*number = (uint32_t)ivm_get16(mark) << 16 | ivm_get16(mark + 2);
	return *number < ivm_nr_cells();
}

bool ivm_frame_same(const struct ivm_bytes *want, const struct ivm_bytes *got)
{
	if (want->len != got->len || want->gso_type != got->gso_type || want->gso_size != got->gso_size)
		return false;
	for (size_t i = 0; i < want->len; i++)
		if (want->data[i] != got->data[i] && !(want->ignore && i - want->ignore < 2))
			return false;
	return true;
}

char *ivm_frame_text(const struct ivm_bytes *frame)
{
	char *text = ivm_format("%zu bytes%s", frame->len, frame->gso_type ? " in segments" : ""), *longer;
	size_t at = 2 * IVM_MAC_LEN;

	while (at + 4 <= frame->len && ivm_type_is_tag(ivm_get16(frame->data + at))) {
		uint16_t tci = ivm_get16(frame->data + at + 2);

		longer = ivm_format("%s, tag %04x VID %u prio %u%s", text, ivm_get16(frame->data + at), tci & 0xfff, tci >> 13,
				    tci & IVM_DROP_BIT ? " drop" : "");
		free(text);
		text = longer;
		at += 4;
	}
	return text;
}
