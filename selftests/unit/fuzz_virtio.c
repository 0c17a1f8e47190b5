// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile driver: any accesses to configuration space, ports, MSI-X table and
 * rings, of two devices on one bus, in any order; between them the devices work
 * as well as they can. After each step what must always hold is checked, from
 * outside.
 */
/* sources: kmod/dev/virtio_pci.c kmod/dev/virtqueue.c kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c
 * selftests/unit/fake_space.c selftests/unit/fake_ring.c selftests/unit/fake_irq.c */
/* max_len: 2048 */
#include "unit.h"

#include <string.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/ivm.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "dev/virtio.h"
#include "mem/mem.h"
#include "fake_irq.h"
#include "fake_ring.h"
#include "fake_space.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEVICES		2
#define QUEUES		3
#define CONFIG_SIZE	10
#define PAGES		16
#define RAM		(PAGES * 4096ULL)
#define HOLE		11
#define DATA		0x8000ULL	/* rings are below; indirect tables and buffers from here */

struct card {
	struct guest *guest;
	struct ivm_virtio *virtio;
	unsigned int slot;
	bool running;
	unsigned int popped[QUEUES];	/* chains that the device has and did not give back */
	u16 head[QUEUES];
};

struct guest {
	struct ivm_space *space;
	struct ivm_pci *pci;
	struct card card[DEVICES];
};

static bool card_features(void *dev, u64 features)
{
	BUG_ON(!(features & IVM_VIRTIO_F_VERSION_1));
	return !(features & 2);
}

static void card_start(void *dev)
{
	struct card *c = dev;

	BUG_ON(c->running || !ivm_virtio_live(c->virtio) || !ivm_virtio_features(c->virtio));
	c->running = true;
}

static void card_stop(void *dev)
{
	struct card *c = dev;

	/* Not yet known when it is created. */
	BUG_ON(c->virtio && ivm_virtio_live(c->virtio));
	c->running = false;
	memset(c->popped, 0, sizeof(c->popped));
}

static void card_notify(void *dev, unsigned int queue)
{
	struct card *c = dev;

	BUG_ON(!c->running || queue >= QUEUES || !ivm_virtio_queue(c->virtio, queue)->enabled);
	BUG_ON(!shim_irqs_off() || shim_locks_held());
}

static u32 card_config_read(void *dev, unsigned int offset, unsigned int size)
{
	BUG_ON((size != 1 && size != 2 && size != 4) || offset + size > CONFIG_SIZE);
	return 0x11223344 & ~0U >> (32 - 8 * size);
}

static void card_config_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	BUG_ON((size != 1 && size != 2 && size != 4) || offset + size > CONFIG_SIZE);
	BUG_ON(size < 4 && value >> 8 * size);
}

static const struct ivm_virtio_ops card_ops = {
	.features = card_features,
	.start = card_start,
	.stop = card_stop,
	.notify = card_notify,
	.config_read = card_config_read,
	.config_write = card_config_write,
};

static const struct ivm_virtio_type card_type = {
	.id = 1, .class_code = 0x020000, .config_size = CONFIG_SIZE, .ops = &card_ops,
};

static void no_reset(void *ctx) { }
static const struct ivm_pci_ops pci_ops = { .reset = no_reset };

/* ---- the guest's accesses ---- */

static void reach(const struct ivm_bus_ops *ops, struct guest *g, u64 addr, unsigned int size, bool write, u64 value)
{
	unsigned long flags;
	u64 got;

	local_irq_save(flags);
	if (write) {
		ops->write(g->pci, addr, size, value);
	} else {
		got = ops->read(g->pci, addr, size);
		BUG_ON(size < 8 && got >> 8 * size);
	}
	local_irq_restore(flags);
}

static u32 config(struct guest *g, unsigned int slot, u8 reg)
{
	unsigned long flags;
	u32 value;

	local_irq_save(flags);
	ivm_pci_bus_ops.write(g->pci, 0xcf8, 4, 0x80000000U | slot << 11 | (reg & 0xfc));
	value = ivm_pci_bus_ops.read(g->pci, 0xcfc, 4);
	local_irq_restore(flags);
	return value;
}

/* Registers near where the BARs are at first, or anywhere in the windows. */
static void access_regs(struct guest *g, const u8 *d, u32 value)
{
	u64 port = IVM_PLATFORM_PCI_IO_BASE + (d[1] & 1) * 256 + d[2];
	unsigned int size = 1U << (d[1] >> 1) % 3;

	if ((d[1] & 0x60) == 0x60)
		port = IVM_PLATFORM_PCI_IO_BASE + (d[2] << 6 | d[3]) % (IVM_PLATFORM_PCI_IO_SIZE - 3);
	reach(&ivm_pci_io_window_ops, g, port, size, d[1] & 0x80, value);
}

static void access_table(struct guest *g, const u8 *d, u32 value)
{
	u64 addr = IVM_PLATFORM_PCI_MMIO_BASE + (d[1] & 1) * IVM_MSIX_BAR + d[2] + ((d[1] & 2) ? 0x1000 : 0);
	unsigned int size = 1U << (d[1] >> 2) % 4;

	/* Messages to where interrupts are taken, mostly. */
	if (d[2] % 16 == 0 && d[1] & 0x10)
		value = 0xfee00000 | (value & 0xff000);
	reach(&ivm_pci_mmio_window_ops, g, addr, size, d[1] & 0x80, value);
}

static void access_config(struct guest *g, const u8 *d, u32 value)
{
	unsigned int size = 1U << (d[1] >> 1) % 3;
	u64 port = 0xcfc + (d[2] & 3);

	if (port + size > 0xd00)
		port = 0xcfc;
	reach(&ivm_pci_bus_ops, g, 0xcf8, 4, true, 0x80000000U | (1 + (d[1] & 1)) << 11 | (d[2] & 0xfc));
	reach(&ivm_pci_bus_ops, g, port, size, d[1] & 0x80, value);
	if (d[1] == 0x7f)
		reach(&ivm_pci_bus_ops, g, 0xcf8 + d[2] % 4, 1, true, value);
}

static void write_memory(struct guest *g, const u8 *d, u32 value)
{
	u64 at = (d[1] << 8 | d[2]) % RAM;

	if (at / 4096 != HOLE)
		*fake_space_at(g->space, at) = value;
}

/* ---- a driver that knows what it does, up to a point ---- */

static u64 ring_at(const struct card *c, unsigned int q)
{
	return (c->slot * QUEUES + q) * 1024 - 1024;
}

/* Everything up to DRIVER_OK, with one register spoilt. */
static void bring_up(struct guest *g, struct card *c, u8 spoil, u32 value)
{
	static const u8 order[] = {
		VIRTIO_PCI_COMMON_STATUS, VIRTIO_PCI_COMMON_STATUS, VIRTIO_PCI_COMMON_GFSELECT, VIRTIO_PCI_COMMON_GF,
		VIRTIO_PCI_COMMON_GFSELECT, VIRTIO_PCI_COMMON_GF, VIRTIO_PCI_COMMON_STATUS, VIRTIO_PCI_COMMON_MSIX,
		VIRTIO_PCI_COMMON_Q_SELECT, VIRTIO_PCI_COMMON_Q_SIZE, VIRTIO_PCI_COMMON_Q_MSIX,
		VIRTIO_PCI_COMMON_Q_DESCLO, VIRTIO_PCI_COMMON_Q_AVAILLO, VIRTIO_PCI_COMMON_Q_USEDLO,
		VIRTIO_PCI_COMMON_Q_ENABLE,
	};
	static const u8 width[] = { 1, 1, 4, 4, 4, 4, 1, 2, 2, 2, 2, 4, 4, 4, 2 };
	u64 base = IVM_PLATFORM_PCI_IO_BASE + (c->slot - 1) * 256;
	u32 values[] = {
		0, 3, 0, (value & 1 ? IVM_VIRTIO_F_EVENT_IDX : 0) | IVM_VIRTIO_F_INDIRECT_DESC, 1, 1, 0xb, 0,
		0, 8, 1, 0, 0, 0, 1,
	};
	unsigned int i, q;

	reach(&ivm_pci_bus_ops, g, 0xcf8, 4, true, 0x80000000U | c->slot << 11 | PCI_COMMAND);
	reach(&ivm_pci_bus_ops, g, 0xcfc, 2, true, 7);
	for (q = 0; q < QUEUES; q++) {
		values[8] = q;
		values[10] = 1 + q;
		values[11] = ring_at(c, q);
		values[12] = values[11] + 16 * 8;
		values[13] = values[11] + 16 * 8 + 32;
		for (i = q ? 8 : 0; i < ARRAY_SIZE(order); i++)
			reach(&ivm_pci_io_window_ops, g, base + order[i], width[i], true,
			       i == spoil ? value : values[i]);
	}
	reach(&ivm_pci_io_window_ops, g, base + VIRTIO_PCI_COMMON_STATUS, 1, true, 0xf);
}

static void offer(struct guest *g, struct card *c, const u8 *d)
{
	struct fake_ring ring = { .space = g->space, .size = 8 };
	unsigned int q = d[1] % QUEUES;

	ring.desc = ring_at(c, q);
	ring.avail = ring.desc + 16 * 8;
	ring.used = ring.avail + 32;
	ring.avail_idx = fake_ring_get(g->space, ring.avail + 2, 2);
	fake_ring_desc(g->space, ring.desc, d[2] % 8, DATA + d[3] * 64, d[4] * 8 + (d[5] & 7), d[5] >> 4, d[5] % 9);
	if (d[1] & 0x80 && d[3] < 190)	/* below the hole */
		fake_ring_desc(g->space, DATA + d[3] * 64, d[2] % 4, DATA + d[4] * 40, 1 + d[5] * 64, d[3] & 3, d[4] % 5);
	fake_ring_offer(&ring, d[2] % 9);
	reach(&ivm_pci_io_window_ops, g, IVM_PLATFORM_PCI_IO_BASE + (c->slot - 1) * 256 + 0x40, 2, true, q);
}

/* ---- the device's work ---- */

static void touch(const struct ivm_chain *chain)
{
	unsigned int i;
	u64 out = 0, in = 0;

	BUG_ON(chain->nr_out + chain->nr_in > IVM_VQ_CHAIN_MAX || !(chain->nr_out + chain->nr_in));
	for (i = 0; i < chain->nr_out + chain->nr_in; i++) {
		const struct ivm_piece *piece = &chain->piece[i];
		volatile u8 *data = piece->data;

		BUG_ON(!piece->len || piece->len > 4096);
		*(i < chain->nr_out ? &out : &in) += piece->len;
		if (i < chain->nr_out) {
			(void)data[0];
			(void)data[piece->len - 1];
		} else {
			data[0] ^= 1;
			data[piece->len - 1] ^= 2;
		}
	}
	BUG_ON(out != chain->out_len || in != chain->in_len);
}

static void work(struct card *c, const u8 *d)
{
	struct ivm_vq *vq = ivm_virtio_queue(c->virtio, d[1] % QUEUES);
	unsigned int q = d[1] % QUEUES;
	struct ivm_chain chain;
	int found;

	spin_lock_bh(&vq->lock);
	switch (d[1] / 16 % 8) {
	case 0: case 1: case 2:
		found = ivm_vq_pop(vq, &chain);
		BUG_ON(found == 1 && (!vq->enabled || vq->broken || chain.head >= vq->size));
		BUG_ON(found == -EIO && ivm_virtio_live(c->virtio));
		if (found != 1)
			break;
		touch(&chain);
		if (d[2] & 1) {
			ivm_vq_unpop(vq);
			break;
		}
		c->popped[q]++;
		c->head[q] = chain.head;
		break;
	case 3: case 4:
		if (!c->popped[q])
			break;
		c->popped[q]--;
		ivm_vq_push(vq, c->head[q], d[2]);
		break;
	case 5:
		if (ivm_vq_publish(vq))
			ivm_vq_interrupt(vq);
		break;
	case 6:
		if (!ivm_vq_notify_enable(vq))
			BUG_ON(vq->enabled && !vq->broken && ivm_vq_pending(vq));
		break;
	case 7:
		ivm_vq_notify_disable(vq);
		break;
	}
	spin_unlock_bh(&vq->lock);
}

/* ---- what always holds ---- */

static void check_card(struct guest *g, struct card *c)
{
	bool master = config(g, c->slot, PCI_COMMAND) & PCI_COMMAND_MASTER;
	unsigned int q;

	BUG_ON(ivm_virtio_live(c->virtio) && (!c->running || !master));
	BUG_ON(c->running && !master);
	BUG_ON(config(g, c->slot, 0) != 0x10411af4);
	for (q = 0; q < QUEUES; q++) {
		struct ivm_vq *vq = ivm_virtio_queue(c->virtio, q);

		BUG_ON(vq->vector != IVM_MSIX_NONE && vq->vector > QUEUES);
		if (!vq->enabled)
			continue;
		BUG_ON(!ivm_virtio_features(c->virtio));
		BUG_ON(!vq->size || vq->size > 16 || vq->size & (vq->size - 1));
		BUG_ON(!ivm_space_is_ram(g->space, vq->desc.gpa, vq->size * 16));
		BUG_ON(!ivm_space_is_ram(g->space, vq->avail.gpa, vq->size * 2 + 6));
		BUG_ON(!ivm_space_is_ram(g->space, vq->used.gpa, vq->size * 8 + 6));
	}
}

static void check(struct guest *g)
{
	unsigned int i, open = 0;

	for (i = 0; i < DEVICES; i++) {
		check_card(g, &g->card[i]);
		open += (config(g, 1 + i, 0x40) >> 16 & (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)) ==
			PCI_MSIX_FLAGS_ENABLE && config(g, 1 + i, PCI_COMMAND) & PCI_COMMAND_MASTER;
	}
	/* Nobody who is not allowed to sends messages. What was sent before the gate was shut was taken by the last check. */
	if (fake_irq_take_all())
		BUG_ON(!open);
	BUG_ON(shim_locks_held() || shim_irqs_off());
}

static void step(struct guest *g, const u8 *d)
{
	u32 value = d[3] | d[4] << 8 | d[5] << 16 | (u32)d[6] << 24;
	struct card *c = &g->card[d[0] & 1];

	switch (d[0] / 16) {
	case 0: case 1: case 2:
		access_regs(g, d, value);
		break;
	case 3:
		access_table(g, d, value);
		break;
	case 4: case 5:
		access_config(g, d, value);
		break;
	case 6:
		write_memory(g, d, value);
		break;
	case 7:
		bring_up(g, c, d[1], value);
		break;
	case 8: case 9: case 10:
		offer(g, c, d);
		break;
	case 11:
		if (d[1] < 8)
			ivm_pci_reset(g->pci);
		else if (d[1] < 16)
			ivm_virtio_reset(c->virtio);
		else if (d[1] < 64)
			ivm_virtio_config_changed(c->virtio);
		break;
	default:
		work(c, d);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest g = { .space = fake_space_create(PAGES), .pci = ivm_pci_create(&pci_ops, NULL) };
	unsigned int i;

	fake_space_hole(g.space, HOLE * 4096);
	for (i = 0; i < DEVICES; i++) {
		g.card[i].slot = 1 + i;
		g.card[i].virtio = ivm_virtio_create(g.pci, 1 + i, FAKE_IRQ, g.space, &card_type, 3, QUEUES, 16, &g.card[i]);
		BUG_ON(IS_ERR(g.card[i].virtio));
	}
	for (; size >= 7; data += 7, size -= 7) {
		step(&g, data);
		check(&g);
	}
	BUG_ON(shim_printed());
	for (i = 0; i < DEVICES; i++)
		ivm_virtio_destroy(g.card[i].virtio);
	ivm_pci_destroy(g.pci);
	fake_space_destroy(g.space);
	BUG_ON(shim_alloc_live());
	return 0;
}
