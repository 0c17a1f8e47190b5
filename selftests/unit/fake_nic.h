/* SPDX-License-Identifier: GPL-2.0-only */
/* A switch (net/net.h) for tests of dev/virtio_net*.c: it checks what it is given, keeps it, and hands it on. */
#ifndef FAKE_NIC_H
#define FAKE_NIC_H

#include "net/net.h"

struct ivm_virtio_net;

#define FAKE_FRAME_MAX	(70 * 1024)

struct fake_sent {
	struct ivm_frame frame;		/* pointers are not valid any more */
	unsigned int queue;
	u8 data[FAKE_FRAME_MAX];
};

struct ivm_nic {
	const struct ivm_nic_ops *ops;
	void *ctx;
	struct ivm_nic_params params;
	bool up, gone;
	struct ivm_nic_features features;
	unsigned int told, rooms;
	unsigned int again;		/* so many frames are not taken */
	bool resume_at_once;		/* ... but the sender is told to try again before it knows */
	unsigned int frames;
	struct fake_sent last;		/* the one that was sent last */
	struct ivm_nic *peer;		/* frames go there, too */
	int peer_says;			/* what its deliver() returned */
	void (*sending)(struct ivm_nic *nic);	/* called in ivm_nic_send(), before anything else */
};

struct ivm_nic *fake_nic(struct ivm_virtio_net *card);
/* As the switch does it: bottom halves off. */
int fake_deliver(struct ivm_virtio_net *card, const struct ivm_frame *frame);
/* A frame of @len bytes of @data, its bytes cut into pieces of @cut. Pieces are allocations of their own. */
struct ivm_frame *fake_frame(const void *data, u32 len, u32 cut);
void fake_frame_free(struct ivm_frame *frame);

extern int fake_nic_fails;	/* how ivm_nic_create() fails next */

#endif
