/* SPDX-License-Identifier: GPL-2.0-only */
/* The frames of the matrix as bytes: as they are sent, as they must arrive, and which one it was that did. */
#ifndef IVM_VERIFY_FRAME_H
#define IVM_VERIFY_FRAME_H

#include "expect.h"

#define IVM_MAGIC_LEN	8
#define IVM_FRAME_MAX	16384

/* What letters and names stand for in one run. */
struct ivm_run_values {
	uint16_t	vid[IVM_LETTERS];
	uint8_t		mac[IVM_PROBES_MAX][IVM_MAC_LEN];
	uint8_t		unknown[IVM_MAC_LEN];
	uint8_t		magic[IVM_MAGIC_LEN];
};

/* One cell of the matrix; a frame of its own. */
struct ivm_cell {
	size_t	sender, to, shape;
};

/* Cells by number, and numbers by cell: what a frame carries in its payload. */
size_t ivm_nr_cells(void);
struct ivm_cell ivm_cell_at(uint32_t number);
uint32_t ivm_cell_number(const struct ivm_cell *cell);

/* A frame with its offload header (struct virtio_net_hdr in plain values). */
struct ivm_bytes {
	uint8_t		data[IVM_FRAME_MAX];
	size_t		len;
	size_t		ignore;		/* offset of a checksum that need not be made yet, 0: none */
	uint8_t		gso_type;	/* VIRTIO_NET_HDR_GSO_* */
	uint16_t	gso_size, hdr_len, csum_start, csum_offset;
};

/* As the sender hands it to its device; a tag beside the frame is not in it. */
void ivm_frame_build(const struct ivm_run_values *run, const struct ivm_cell *cell, struct ivm_bytes *frame);

/* As it must be on the wire behind a port. */
void ivm_frame_expect(const struct ivm_run_values *run, const struct ivm_cell *cell, const struct ivm_expect *expect,
		      struct ivm_bytes *frame);

/* Put a tag that lay beside a frame into it. Return: false when there is no room, or the frame is no frame. */
bool ivm_frame_insert_tag(struct ivm_bytes *frame, uint16_t proto, uint16_t tci);

/* Which cell does a frame on the wire belong to? Return: false: it is none of ours. */
bool ivm_frame_identify(const struct ivm_run_values *run, const struct ivm_bytes *frame, uint32_t *number);

/* Are they the same, a checksum not yet made aside? */
bool ivm_frame_same(const struct ivm_bytes *want, const struct ivm_bytes *got);

/* "64 bytes, tag 8100 VID 10 prio 3"; for free(). */
char *ivm_frame_text(const struct ivm_bytes *frame);

#endif
