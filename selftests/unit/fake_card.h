/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtual network card of dev/virtio_net*.c with a fake on both sides: a
 * driver with its queues (dev/virtio.h), and a switch (fake_nic.h).
 *
 * Each piece of a chain is an allocation of its own, so that the address
 * sanitizer sees whoever reads or writes a byte too many, or too late.
 */
#ifndef FAKE_CARD_H
#define FAKE_CARD_H

#include "dev/dev.h"
#include "dev/virtio.h"
#include "fake_nic.h"

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
	unsigned int asked;		/* of more than this many, when it asked last */
	unsigned int late;		/* of nr, the last ones: each appears just before the device next asks */
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

extern const u8 fake_mac[6];
/* A card with a switch that takes everything. */
struct ivm_virtio_net *fake_card(unsigned int queues, unsigned int mtu);
void fake_card_destroy(struct ivm_virtio_net *card);	/* checks that nothing is left */
extern int fake_virtio_fails;	/* how the transport of the next card fails */

#endif
