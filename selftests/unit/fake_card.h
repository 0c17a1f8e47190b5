/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a virtual network card has on both sides, for tests of dev/virtio_net*.c:
 * a driver with its queues (dev/virtio.h) and a switch (net/net.h).
 *
 * Each piece of a chain is an allocation of its own, so that the address
 * sanitizer sees whoever reads or writes a byte too many, or too late.
 */
#ifndef FAKE_CARD_H
#define FAKE_CARD_H

#include "dev/dev.h"
#include "dev/virtio.h"
#include "net/net.h"

/* ---- the driver ---- */

struct fake_chain {
	unsigned int nr_out, nr_in;
	struct ivm_piece piece[IVM_VQ_CHAIN_MAX];
	bool popped, pushed;
	u32 used;	/* bytes that the device says it wrote */
};

struct fake_queue {
	struct fake_chain *chain;
	unsigned int nr, max;		/* offered so far, room */
	unsigned int next, pushed, published;
	bool doorbell;			/* the device wants to be told of more */
	bool quiet;			/* the driver wants no interrupts */
	bool breaks;			/* the next pop finds the ring broken */
	unsigned int flicker;		/* so often there seems to be something and is not */
	unsigned int interrupts;
};

struct fake_queue *fake_queue(struct ivm_virtio_net *card, unsigned int queue);
/* As a driver does: negotiate, enable all queues, DRIVER_OK. Return: whether the device agreed. */
bool fake_driver_start(struct ivm_virtio_net *card, u64 features);
void fake_driver_enable(struct ivm_virtio_net *card, unsigned int queue, bool enable);	/* before DRIVER_OK; all are */
void fake_driver_stop(struct ivm_virtio_net *card);		/* status 0 */
/* A chain that is being made; fake_offer() shows it to the device, which may be on another thread. */
struct fake_chain *fake_chain(struct ivm_virtio_net *card, unsigned int queue);
void fake_out(struct fake_chain *chain, const void *data, u32 len);
void fake_in(struct fake_chain *chain, u32 len);
void fake_offer(struct ivm_virtio_net *card, unsigned int queue);
void fake_ring(struct ivm_virtio_net *card, unsigned int queue);	/* the doorbell, wanted or not */
/* What the device wrote, in one piece; at most @max bytes. */
u32 fake_written(const struct fake_chain *chain, void *to, u32 max);
/* Frees all pieces: whoever touches one later is caught. */
void fake_memory_gone(struct ivm_virtio_net *card);
u32 fake_config(struct ivm_virtio_net *card, unsigned int offset, unsigned int size);
u64 fake_offered(struct ivm_virtio_net *card);
bool fake_broken(struct ivm_virtio_net *card);
unsigned int fake_config_changes(struct ivm_virtio_net *card);
/* Did the card ask for its work to be done since the last call? */
bool fake_deferred(struct ivm_virtio_net *card);

/* ---- the switch ---- */

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

/* ---- both ---- */

extern const u8 fake_mac[6];
/* A card with a switch that takes everything. */
struct ivm_virtio_net *fake_card(unsigned int queues, unsigned int mtu);
void fake_card_destroy(struct ivm_virtio_net *card);	/* checks that nothing is left */
/* Nobody else finds these; to be set before fake_card(): the next one fails so. */
extern int fake_virtio_fails, fake_nic_fails;

#endif
