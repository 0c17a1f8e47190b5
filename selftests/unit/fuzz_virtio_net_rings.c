// SPDX-License-Identifier: GPL-2.0-only
/*
 * A network card on a PCI bus, and a guest that writes anything into its rings
 * and registers, frames and commands of any kind among it. What the switch is
 * given is checked by fake_nic.c; memory that is not the guest's, by the address
 * sanitizer; here, that after all that the card still works for a driver by the
 * book.
 */
/* sources: kmod/dev/virtio_net.c kmod/dev/virtio_net_hdr.c kmod/dev/virtio_net_flow.c
 * kmod/dev/virtio_net_tx.c kmod/dev/virtio_net_rx.c kmod/dev/virtio_net_filter.c
 * kmod/dev/virtio_net_ctrl.c kmod/dev/virtio_pci.c kmod/dev/virtqueue.c kmod/dev/pci.c
 * kmod/dev/pci_function.c kmod/dev/msix.c selftests/unit/fake_space.c selftests/unit/fake_ring.c
 * selftests/unit/fake_irq.c selftests/unit/fake_virtio.c selftests/unit/fake_nic.c */
/* max_len: 2048 */
#include "unit.h"

#include <string.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/virtio_pci.h>
#include <asm/unaligned.h>

#include "dev/virtio_net.h"
#include "fake_irq.h"
#include "fake_nic.h"
#include "fake_space.h"
#include "fake_virtio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAIRS		3
#define QUEUES		(2 * PAIRS + 1)
#define CTRL		(2 * PAIRS)
#define RING_STRIDE	0x1000
#define DATA		FAKE_VIRTIO_FREE
#define RINGS		(QUEUES * RING_STRIDE)

struct input {
	const u8 *at, *end;
};

static u8 byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static u32 word(struct input *in, unsigned int bytes)
{
	u32 value = 0;

	while (bytes--)
		value = value << 8 | byte(in);
	return value;
}

/* A doorbell comes without locks, start() with the transport's. */
static void defer(void *ctx)
{
	BUG_ON(!shim_irqs_off());
}

static u64 buffer(struct input *in)
{
	return DATA + word(in, 2) * 4;
}

/* A chain of up to six descriptors, by the rules or nearly so. */
static void offer(struct input *in, struct fake_virtio *d)
{
	unsigned int q = byte(in) % QUEUES, n = 1 + byte(in) % 6, i, writable = byte(in) % 7;
	struct fake_ring *ring = &d->ring[q];
	u8 first = byte(in), spoil = byte(in);
	u16 flags;
	u32 len;

	for (i = 0; i < n; i++) {
		flags = i + 1 < n ? FAKE_DESC_NEXT : 0;
		if (i >= writable)
			flags |= FAKE_DESC_WRITE;
		len = byte(in) & 1 ? 12 + byte(in) : 1 + word(in, 2) % 5000;
		if (spoil == i)
			flags ^= byte(in) & 7;
		if (spoil == i + 6)
			len = word(in, 4);
		fake_ring_desc(d->space, ring->desc, (first + i) % 16, spoil == i + 12 ? word(in, 4) : buffer(in), len,
			       flags, spoil == i + 18 ? byte(in) : (first + i + 1) % 16);
	}
	fake_ring_offer(ring, spoil == 30 ? byte(in) : first % 16);
	fake_virtio_ring_bell(d, q);
}

/* What most of the bytes of a frame, or of a command, are. */
static void write_data(struct input *in, struct fake_virtio *d)
{
	u64 at = buffer(in);
	unsigned int n = byte(in) % 40, how = byte(in);

	if (how & 1) {
		fake_space_set(d->space, at, 4, how & 2 ? word(in, 4) : 0);
		return;
	}
	for (; n; n--, at++)
		*fake_space_at(d->space, at) = byte(in);
}

static void write_ring(struct input *in, struct fake_virtio *d)
{
	u64 at = word(in, 2) % RINGS;

	*fake_space_at(d->space, at) = byte(in);
}

static void from_outside(struct input *in, struct ivm_virtio_net *card)
{
	static u8 data[5000];
	u32 len = byte(in) & 1 ? 14 + byte(in) : 14 + word(in, 2) % 4900;
	struct ivm_frame *frame;

	memcpy(data, card->mac, 6);
	data[0] ^= byte(in) & 0x81;
	data[11] = byte(in);
	frame = fake_frame(data, len, byte(in) * 4);
	frame->needs_csum = byte(in) & 1;
	frame->tag_proto = byte(in) & 1 ? 0x8100 : 0;
	fake_deliver(card, frame);
	fake_frame_free(frame);
}

static void step(struct input *in, struct fake_virtio *d, struct ivm_virtio_net *card)
{
	switch (byte(in) % 12) {
	case 0:
		fake_virtio_set(d, word(in, 2) % 0x100, 1U << byte(in) % 3, word(in, 4));
		break;
	case 1:
		if (byte(in) % 4 == 0)
			fake_virtio_start(d, IVM_VIRTIO_F_VERSION_1 | (byte(in) & 1 ? IVM_VIRTIO_F_EVENT_IDX : 0) |
					  (byte(in) & 1 ? VNET_F_MRG_RXBUF : 0) | (byte(in) & 1 ? VNET_F_CTRL_VQ : 0));
		break;
	case 2:
		write_ring(in, d);
		break;
	case 3:
		write_data(in, d);
		break;
	case 4:
		fake_virtio_ring_bell(d, byte(in));
		break;
	case 5:
	case 6:
		from_outside(in, card);
		break;
	case 7:
		card->nic->again = byte(in) % 3;
		card->nic->ops->resume(card, byte(in) % PAIRS);
		break;
	case 8:
		shim_work_run();
		break;
	case 9:
		if (byte(in) % 8 == 0)
			ivm_virtio_net_quiesce(card);
		break;
	default:
		offer(in, d);
	}
	if (byte(in) & 3)
		ivm_virtio_net_work(card);
}

/* By the book: one frame out, one in, one command. */
static void check_works(struct fake_virtio *d, struct ivm_virtio_net *card)
{
	unsigned int before = card->nic->frames;
	static const u8 data[60];
	struct ivm_frame *frame;
	u32 id, len;

	card->nic->again = 0;
	fake_virtio_start(d, IVM_VIRTIO_F_VERSION_1 | IVM_VIRTIO_F_EVENT_IDX | VNET_F_CTRL_VQ | VNET_F_CTRL_RX | VNET_F_MQ |
			  VNET_F_MRG_RXBUF);
	ivm_virtio_net_work(card);
	BUG_ON(!card->nic->up);
	fake_irq_take_all();

	memset(fake_space_at(d->space, DATA), 0, 100);
	fake_ring_desc(d->space, d->ring[1].desc, 3, DATA, 72, 0, 0);
	fake_ring_offer(&d->ring[1], 3);
	fake_virtio_ring_bell(d, 1);
	ivm_virtio_net_work(card);
	BUG_ON(card->nic->frames != before + 1 || card->nic->last.frame.len != 60);
	BUG_ON(!fake_ring_take(&d->ring[1], &id, &len) || id != 3 || len);
	BUG_ON(fake_virtio_irqs(2) != 1);

	fake_ring_desc(d->space, d->ring[0].desc, 0, DATA, 40, FAKE_DESC_WRITE, 0);
	fake_ring_desc(d->space, d->ring[0].desc, 1, DATA + 100, 40, FAKE_DESC_WRITE, 0);
	frame = fake_frame(data, sizeof(data), 60);
	fake_ring_offer(&d->ring[0], 0);
	BUG_ON(fake_deliver(card, frame) != -EAGAIN);
	BUG_ON(fake_ring_wanted(&d->ring[0]) != 1);
	fake_ring_offer(&d->ring[0], 1);
	fake_virtio_ring_bell(d, 0);
	before = card->nic->rooms;
	ivm_virtio_net_work(card);
	BUG_ON(card->nic->rooms != before + 1);
	BUG_ON(fake_deliver(card, frame));
	fake_frame_free(frame);
	BUG_ON(!fake_ring_take(&d->ring[0], &id, &len) || id != 0 || len != 40);
	BUG_ON(!fake_ring_take(&d->ring[0], &id, &len) || id != 1 || len != 32);
	BUG_ON(fake_space_get(d->space, DATA + 10, 2) != 2);
	BUG_ON(fake_virtio_irqs(1) != 1);

	fake_space_set(d->space, DATA, 4, 0x010000);	/* receive mode, promiscuous, on */
	*fake_space_at(d->space, DATA + 8) = 0xee;
	fake_ring_desc(d->space, d->ring[CTRL].desc, 0, DATA, 3, FAKE_DESC_NEXT, 1);
	fake_ring_desc(d->space, d->ring[CTRL].desc, 1, DATA + 8, 1, FAKE_DESC_WRITE, 0);
	fake_ring_offer(&d->ring[CTRL], 0);
	fake_virtio_ring_bell(d, CTRL);
	ivm_virtio_net_work(card);
	BUG_ON(!fake_ring_take(&d->ring[CTRL], &id, &len) || id || len != 1 || *fake_space_at(d->space, DATA + 8));
}

static void no_reset(void *ctx) { }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ivm_virtio_net_ops ops = { .defer = defer };
	static const struct ivm_pci_ops pci_ops = { .reset = no_reset };
	struct ivm_nic_params nic = { .queues = PAIRS, .mtu = 1500, .mac = { 2, 0, 0, 0, 0, 1 } };
	struct fake_virtio d = {
		.space = fake_space_create(FAKE_VIRTIO_RAM / 4096),
		.pci = ivm_pci_create(&pci_ops, NULL),
		.nr_queues = QUEUES,
	};
	const struct ivm_virtio_net_params params = {
		.pci = d.pci, .irq = FAKE_IRQ, .space = d.space, .slot = FAKE_VIRTIO_SLOT, .nic = &nic,
	};
	struct input in = { data, data + size };
	struct ivm_virtio_net *card;

	card = ivm_virtio_net_create(&params, &ops, NULL, NULL);
	BUG_ON(IS_ERR(card));
	d.virtio = card->virtio;
	fake_virtio_start(&d, IVM_VIRTIO_F_VERSION_1 | (byte(&in) & 1 ? IVM_VIRTIO_F_EVENT_IDX : 0) |
			  IVM_VIRTIO_F_INDIRECT_DESC | VNET_F_CSUM | VNET_F_HOST_TSO4 | VNET_F_CTRL_VQ | VNET_F_CTRL_RX |
			  VNET_F_MQ | (byte(&in) & 1 ? VNET_F_MRG_RXBUF : 0));
	ivm_virtio_net_work(card);
	while (in.at < in.end) {
		step(&in, &d, card);
		BUG_ON(shim_locks_held() || shim_irqs_off() || shim_printed());
	}
	check_works(&d, card);
	ivm_virtio_net_destroy(card);
	ivm_pci_destroy(d.pci);
	fake_space_destroy(d.space);
	BUG_ON(shim_alloc_live());
	return 0;
}
