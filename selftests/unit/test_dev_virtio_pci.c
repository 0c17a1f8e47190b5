// SPDX-License-Identifier: GPL-2.0-only
/* The PCI transport as a driver sees it, well-behaved and not; the device behind it only notes what it is told. */
/* sources: kmod/dev/virtio_pci.c kmod/dev/virtqueue.c kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c
 * selftests/unit/fake_space.c selftests/unit/fake_ring.c selftests/unit/fake_irq.c selftests/unit/fake_virtio.c */
#include "unit.h"

#include <errno.h>
#include <pthread.h>

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>

#include "fake_irq.h"
#include "fake_ring.h"
#include "fake_space.h"
#include "fake_virtio.h"

#define MASTER	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

static struct {
	unsigned int starts, stops, asked;
	unsigned int bells[4];
	u64 features;
	bool refuse;
	u8 config[24];
	bool breaking;		/* another thread may break the device at any moment */
	struct fake_virtio *self;
} note;

static bool dev_features(void *dev, u64 features)
{
	note.asked++;
	note.features = features;
	return !note.refuse;
}

static void dev_start(void *dev)
{
	BUG_ON(!ivm_virtio_live(note.self->virtio) && !note.breaking);
	note.starts++;
}

static void dev_stop(void *dev)
{
	BUG_ON(ivm_virtio_live(note.self->virtio));
	note.stops++;
}

static void dev_notify(void *dev, unsigned int queue)
{
	note.bells[queue]++;
}

static u32 dev_config_read(void *dev, unsigned int offset, unsigned int size)
{
	u32 value = 0;

	BUG_ON((size != 1 && size != 2 && size != 4) || offset + size > sizeof(note.config));
	memcpy(&value, note.config + offset, size);
	return value;
}

static void dev_config_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	BUG_ON((size != 1 && size != 2 && size != 4) || offset + size > sizeof(note.config));
	memcpy(note.config + offset, &value, size);
}

static const struct ivm_virtio_ops dev_ops = {
	.features = dev_features,
	.start = dev_start,
	.stop = dev_stop,
	.notify = dev_notify,
	.config_read = dev_config_read,
	.config_write = dev_config_write,
};

static const struct ivm_virtio_type type = {
	.id = 1, .class_code = 0x020000, .config_size = sizeof(note.config), .ops = &dev_ops,
};

#define QUEUES		4
#define QUEUE_SIZE	64
#define FEATURE		(1ULL << 5)
#define FEATURES	(FEATURE | IVM_VIRTIO_F_VERSION_1 | IVM_VIRTIO_F_EVENT_IDX | IVM_VIRTIO_F_INDIRECT_DESC)

FIXTURE(virtio) { struct fake_virtio d; struct ivm_virtio *v; };
FIXTURE_SETUP(virtio)
{
	memset(&note, 0, sizeof(note));
	note.self = &self->d;
	fake_virtio_create(&self->d, &type, FEATURE, QUEUES, QUEUE_SIZE, NULL);
	self->v = self->d.virtio;
}
FIXTURE_TEARDOWN(virtio)
{
	fake_virtio_destroy(&self->d);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_locks_held());
	EXPECT_FALSE(shim_irqs_off());
}

#define get(reg, size)		fake_virtio_get(&self->d, VIRTIO_PCI_COMMON_##reg, size)
#define set(reg, size, value)	fake_virtio_set(&self->d, VIRTIO_PCI_COMMON_##reg, size, value)
#define config(reg)		fake_virtio_config(&self->d, reg, 4)
#define set_config(reg, value)	fake_virtio_set_config(&self->d, reg, 4, value)
#define start()			fake_virtio_start(&self->d, FEATURES)
#define ring(q)			(&self->d.ring[q])

/* ---- what it looks like ---- */

TEST_F(virtio, identity)
{
	u32 class = config(PCI_CLASS_REVISION);

	EXPECT_EQ(0x10411af4, config(PCI_VENDOR_ID));
	EXPECT_EQ(0x02000001, class);
	EXPECT_EQ(0x11001af4, config(PCI_SUBSYSTEM_VENDOR_ID));
	EXPECT_EQ(0, config(PCI_INTERRUPT_LINE));
	EXPECT_TRUE(config(PCI_COMMAND) & PCI_STATUS_CAP_LIST << 16);
	EXPECT_EQ(IVM_PLATFORM_PCI_IO_BASE | 1, config(PCI_BASE_ADDRESS_0));
	EXPECT_EQ(IVM_PLATFORM_PCI_MMIO_BASE, config(PCI_BASE_ADDRESS_1));
}

/* As a driver looks for its structures. */
TEST_F(virtio, capabilities)
{
	unsigned int seen = 0, cap, n = 0;

	for (cap = config(PCI_CAPABILITY_LIST) & 0xff; cap; cap = config(cap) >> 8 & 0xff, n++) {
		ASSERT_LT(n, 16);
		ASSERT_EQ(0, cap % 4);
		if ((config(cap) & 0xff) == PCI_CAP_ID_MSIX) {
			EXPECT_EQ(QUEUES, config(cap) >> 16 & PCI_MSIX_FLAGS_QSIZE);
			EXPECT_EQ(1, config(cap + PCI_MSIX_TABLE));
			EXPECT_EQ(0x1001, config(cap + PCI_MSIX_PBA));
			seen |= 1;
			continue;
		}
		EXPECT_EQ(PCI_CAP_ID_VNDR, config(cap) & 0xff);
		EXPECT_GE(config(cap) >> 16 & 0xff, 16);
		seen |= 1U << (config(cap) >> 24);
		switch (config(cap) >> 24) {
		case VIRTIO_PCI_CAP_COMMON_CFG:
			EXPECT_EQ(0, config(cap + 4));
			EXPECT_GE(config(cap + 12), 0x38);
			break;
		case VIRTIO_PCI_CAP_NOTIFY_CFG:
			EXPECT_EQ(20, config(cap) >> 16 & 0xff);
			EXPECT_EQ(0, config(cap + 16));
			EXPECT_GE(config(cap + 12), 2);
			break;
		case VIRTIO_PCI_CAP_ISR_CFG:
			EXPECT_GE(config(cap + 12), 1);
			break;
		case VIRTIO_PCI_CAP_DEVICE_CFG:
			EXPECT_EQ(sizeof(note.config), config(cap + 12));
			EXPECT_EQ(0, config(cap + 8) % 4);
			break;
		case VIRTIO_PCI_CAP_PCI_CFG:
			EXPECT_EQ(20, config(cap) >> 16 & 0xff);
			break;
		}
	}
	EXPECT_EQ(0x3f, seen);
}

/* ---- a driver by the book ---- */

TEST_F(virtio, a_driver_by_the_book)
{
	struct ivm_chain chain;
	struct ivm_vq *vq;
	u32 id, len;

	start();
	EXPECT_EQ(IVM_VIRTIO_ACKNOWLEDGE | IVM_VIRTIO_DRIVER | IVM_VIRTIO_FEATURES_OK | IVM_VIRTIO_DRIVER_OK,
		  get(STATUS, 1));
	EXPECT_EQ(1, note.starts);
	EXPECT_EQ(FEATURES, note.features);
	EXPECT_EQ(FEATURES, ivm_virtio_features(self->v));
	EXPECT_TRUE(ivm_virtio_live(self->v));
	fake_ring_desc(self->d.space, ring(2)->desc, 0, FAKE_VIRTIO_FREE, 10, FAKE_DESC_WRITE, 0);
	fake_ring_offer(ring(2), 0);
	fake_virtio_ring_bell(&self->d, 2);
	EXPECT_EQ(1, note.bells[2]);
	vq = ivm_virtio_queue(self->v, 2);
	spin_lock_bh(&vq->lock);
	ASSERT_EQ(1, ivm_vq_pop(vq, &chain));
	EXPECT_EQ(10, chain.in_len);
	ivm_vq_push(vq, chain.head, 7);
	EXPECT_TRUE(ivm_vq_publish(vq));
	ivm_vq_interrupt(vq);
	spin_unlock_bh(&vq->lock);
	EXPECT_EQ(1, fake_virtio_irqs(3));
	EXPECT_EQ(0, fake_irq_take_all());
	ASSERT_TRUE(fake_ring_take(ring(2), &id, &len));
	EXPECT_EQ(0, id);
	EXPECT_EQ(7, len);
	ivm_virtio_config_changed(self->v);
	EXPECT_EQ(1, fake_virtio_irqs(0));
	EXPECT_EQ(1, get(CFGGENERATION, 1));
	/* Messages are all that comes with MSI-X. */
	EXPECT_EQ(0, fake_virtio_isr(&self->d));
}

TEST_F(virtio, reset_makes_it_as_new)
{
	unsigned int q;

	start();
	ivm_virtio_broken(self->v);
	set(Q_SELECT, 2, 3);
	set(DFSELECT, 4, 1);
	set(GFSELECT, 4, 1);
	set(STATUS, 1, 0);
	EXPECT_EQ(0, get(STATUS, 1));
	EXPECT_EQ(2, note.stops);
	EXPECT_EQ(0, get(Q_SELECT, 2));
	EXPECT_EQ(0, get(DFSELECT, 4));
	EXPECT_EQ(0, get(GFSELECT, 4));
	EXPECT_EQ(0, get(GF, 4));
	EXPECT_EQ(0xffff, get(MSIX, 2));
	EXPECT_EQ(0, ivm_virtio_features(self->v));
	EXPECT_FALSE(ivm_virtio_live(self->v));
	for (q = 0; q < QUEUES; q++) {
		set(Q_SELECT, 2, q);
		EXPECT_EQ(QUEUE_SIZE, get(Q_SIZE, 2));
		EXPECT_EQ(0, get(Q_ENABLE, 2));
		EXPECT_EQ(0xffff, get(Q_MSIX, 2));
		EXPECT_EQ(0, get(Q_DESCLO, 4));
		EXPECT_EQ(0, get(Q_USEDLO, 4));
		fake_virtio_ring_bell(&self->d, q);
		EXPECT_EQ(0, note.bells[q]);
	}
	start();
	EXPECT_EQ(2, note.starts);
	EXPECT_TRUE(ivm_virtio_live(self->v));
	fake_virtio_ring_bell(&self->d, 1);
	EXPECT_EQ(1, note.bells[1]);
	ivm_virtio_reset(self->v);
	EXPECT_EQ(4, note.stops);	/* start() resets first */
	EXPECT_EQ(0, get(STATUS, 1));
}

/* ---- features and status ---- */

TEST_F(virtio, features_are_shown_in_halves)
{
	EXPECT_EQ((u32)FEATURES, get(DF, 4));
	set(DFSELECT, 4, 1);
	EXPECT_EQ(FEATURES >> 32, get(DF, 4));
	set(DFSELECT, 4, 2);
	EXPECT_EQ(0, get(DF, 4));
	set(DFSELECT, 4, 0x80000000);
	EXPECT_EQ(0, get(DF, 4));
	set(DFSELECT, 4, 0);
	set(DF, 4, 0);
	EXPECT_EQ((u32)FEATURES, get(DF, 4));
	set(GFSELECT, 4, 7);
	set(GF, 4, ~0U);
	EXPECT_EQ(0, get(GF, 4));
	set(GFSELECT, 4, 1);
	EXPECT_EQ(0, get(GF, 4));
}

static u8 offer_features(struct fake_virtio *d, u64 features)
{
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, 0);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, 3);
	fake_virtio_features(d, features);
	fake_virtio_set(d, VIRTIO_PCI_COMMON_STATUS, 1, 0xb);
	return fake_virtio_get(d, VIRTIO_PCI_COMMON_STATUS, 1);
}

TEST_F(virtio, features_that_are_refused)
{
	EXPECT_EQ(3, offer_features(&self->d, FEATURES & ~IVM_VIRTIO_F_VERSION_1));
	EXPECT_EQ(3, offer_features(&self->d, FEATURES | 1ULL << 6));
	EXPECT_EQ(3, offer_features(&self->d, FEATURES | 1ULL << 63));
	EXPECT_EQ(0, note.asked);
	note.refuse = true;
	EXPECT_EQ(3, offer_features(&self->d, FEATURES));
	EXPECT_EQ(1, note.asked);
	EXPECT_EQ(0, ivm_virtio_features(self->v));
	note.refuse = false;
	set(STATUS, 1, 0xb);
	EXPECT_EQ(0xb, get(STATUS, 1));
	EXPECT_EQ(0xb, offer_features(&self->d, IVM_VIRTIO_F_VERSION_1));
	EXPECT_EQ(IVM_VIRTIO_F_VERSION_1, ivm_virtio_features(self->v));
}

TEST_F(virtio, features_do_not_change_after_features_ok)
{
	EXPECT_EQ(0xb, offer_features(&self->d, IVM_VIRTIO_F_VERSION_1));
	fake_virtio_features(&self->d, FEATURES);
	set(GFSELECT, 4, 0);
	EXPECT_EQ(0, get(GF, 4));
	set(STATUS, 1, 0xb);
	EXPECT_EQ(IVM_VIRTIO_F_VERSION_1, ivm_virtio_features(self->v));
	EXPECT_EQ(1, note.asked);
}

TEST_F(virtio, status_bits_come_in_order_and_stay)
{
	unsigned int before, value, status;

	for (before = 0; before < 256; before++) {
		for (value = 1; value < 256; value++) {
			set(STATUS, 1, 0);
			fake_virtio_features(&self->d, FEATURES);
			if (before)
				set(STATUS, 1, before);
			status = get(STATUS, 1);
			set(STATUS, 1, value);
			EXPECT_EQ(status, get(STATUS, 1) & status);
			status = get(STATUS, 1);
			EXPECT_EQ(0, status & 0x70);	/* needs-reset is ours to set */
			if (status & IVM_VIRTIO_DRIVER)
				EXPECT_TRUE(status & IVM_VIRTIO_ACKNOWLEDGE);
			if (status & IVM_VIRTIO_FEATURES_OK)
				EXPECT_TRUE(status & IVM_VIRTIO_DRIVER);
			if (status & IVM_VIRTIO_DRIVER_OK)
				EXPECT_TRUE(status & IVM_VIRTIO_FEATURES_OK);
			EXPECT_EQ(!!(status & IVM_VIRTIO_FEATURES_OK), !!ivm_virtio_features(self->v));
		}
	}
}

/* ---- bus mastering ---- */

TEST_F(virtio, it_does_not_start_without_bus_mastering)
{
	set_config(PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	self->d.no_master = true;
	start();
	EXPECT_EQ(0xf, get(STATUS, 1));
	EXPECT_EQ(0, note.starts);
	EXPECT_FALSE(ivm_virtio_live(self->v));
	fake_virtio_ring_bell(&self->d, 0);
	EXPECT_EQ(0, note.bells[0]);
	set_config(PCI_COMMAND, MASTER);
	EXPECT_EQ(1, note.starts);
	set_config(PCI_COMMAND, MASTER | PCI_COMMAND_INTX_DISABLE);
	EXPECT_EQ(1, note.starts);
	fake_virtio_ring_bell(&self->d, 0);
	EXPECT_EQ(1, note.bells[0]);
}

TEST_F(virtio, it_stops_when_bus_mastering_is_taken_away)
{
	struct ivm_vq *vq = ivm_virtio_queue(self->v, 0);
	struct ivm_chain chain;

	start();
	set_config(PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	EXPECT_EQ(2, note.stops);
	EXPECT_FALSE(ivm_virtio_live(self->v));
	EXPECT_EQ(0xf | IVM_VIRTIO_NEEDS_RESET, get(STATUS, 1));
	fake_ring_desc(self->d.space, ring(0)->desc, 0, FAKE_VIRTIO_FREE, 10, 0, 0);
	fake_ring_offer(ring(0), 0);
	spin_lock_bh(&vq->lock);
	EXPECT_EQ(0, ivm_vq_pop(vq, &chain));
	spin_unlock_bh(&vq->lock);
	EXPECT_EQ(0, fake_irq_take_all());
	set_config(PCI_COMMAND, MASTER);
	EXPECT_EQ(1, note.starts);
	EXPECT_EQ(1, fake_virtio_irqs(0));	/* "I need a reset" had to wait */
	start();
	EXPECT_EQ(2, note.starts);
	EXPECT_TRUE(ivm_virtio_live(self->v));
}

/* ---- memory that goes ---- */

TEST_F(virtio, memory_that_goes)
{
	struct ivm_virtio *v = self->v;
	unsigned int q;

	EXPECT_FALSE(ivm_virtio_memory_goes(v, 0, FAKE_VIRTIO_RAM));
	start();
	EXPECT_FALSE(ivm_virtio_memory_goes(v, FAKE_VIRTIO_FREE, FAKE_VIRTIO_RAM - FAKE_VIRTIO_FREE));
	EXPECT_TRUE(ivm_virtio_live(v));
	EXPECT_TRUE(ivm_virtio_memory_goes(v, ring(2)->used, 1));
	EXPECT_FALSE(ivm_virtio_live(v));
	EXPECT_EQ(0xf | IVM_VIRTIO_NEEDS_RESET, get(STATUS, 1));
	EXPECT_EQ(1, fake_virtio_irqs(0));
	for (q = 0; q < QUEUES; q++)
		EXPECT_TRUE(ivm_virtio_queue(v, q)->broken);
	EXPECT_FALSE(ivm_virtio_memory_goes(v, ring(1)->used, 1));
	start();
	EXPECT_TRUE(ivm_virtio_live(v));
	for (q = 0; q < QUEUES; q++)
		ivm_virtio_queue(v, q)->near_len = 1;
	ivm_virtio_memory_gone(v);
	for (q = 0; q < QUEUES; q++)
		EXPECT_EQ(0, ivm_virtio_queue(v, q)->near_len);
	EXPECT_TRUE(ivm_virtio_live(v));
}

/* A driver that is not ready yet has rings, too. */
TEST_F(virtio, memory_that_goes_before_the_driver_is_ready)
{
	offer_features(&self->d, FEATURES);
	fake_ring_init(ring(1), self->d.space, 16, 0x1000);
	fake_virtio_queue(&self->d, 1, ring(1), 2);
	set(Q_ENABLE, 2, 1);
	EXPECT_TRUE(ivm_virtio_memory_goes(self->v, 0x1000, 0x1000));
	set(STATUS, 1, 0xf);
	EXPECT_EQ(0, note.starts);
	EXPECT_FALSE(ivm_virtio_live(self->v));
}

/* ---- queues ---- */

TEST_F(virtio, a_queue_that_is_not_there_has_no_registers)
{
	unsigned int q;

	for (q = QUEUES; q < 65536; q += 1 + 997 * (q > 100)) {
		set(Q_SELECT, 2, q);
		EXPECT_EQ(q, get(Q_SELECT, 2));
		set(Q_SIZE, 2, 16);
		set(Q_MSIX, 2, 1);
		set(Q_DESCLO, 4, 0x1000);
		set(Q_ENABLE, 2, 1);
		EXPECT_EQ(0, get(Q_SIZE, 2));
		EXPECT_EQ(0, get(Q_MSIX, 2));
		EXPECT_EQ(0, get(Q_DESCLO, 4));
		EXPECT_EQ(0, get(Q_ENABLE, 2));
	}
}

TEST_F(virtio, sizes_are_powers_of_two_up_to_the_greatest)
{
	unsigned int size;

	for (size = 0; size < 65536; size++) {
		set(Q_SIZE, 2, 16);
		set(Q_SIZE, 2, size);
		ASSERT_EQ(size && size <= QUEUE_SIZE && !(size & (size - 1)) ? size : 16, get(Q_SIZE, 2));
	}
}

TEST_F(virtio, vectors_that_are_not_there_are_none)
{
	set(Q_MSIX, 2, QUEUES);
	EXPECT_EQ(QUEUES, get(Q_MSIX, 2));
	set(Q_MSIX, 2, QUEUES + 1);
	EXPECT_EQ(0xffff, get(Q_MSIX, 2));
	set(MSIX, 2, 2);
	EXPECT_EQ(2, get(MSIX, 2));
	set(MSIX, 2, 0x8000);
	EXPECT_EQ(0xffff, get(MSIX, 2));
}

TEST_F(virtio, a_queue_is_enabled_between_features_ok_and_driver_ok)
{
	struct fake_ring r;

	set_config(PCI_COMMAND, MASTER);
	fake_ring_init(&r, self->d.space, 16, FAKE_VIRTIO_FREE);
	set(STATUS, 1, 3);
	fake_virtio_queue(&self->d, 0, &r, 1);
	set(Q_ENABLE, 2, 1);
	EXPECT_EQ(0, get(Q_ENABLE, 2));
	EXPECT_EQ(3, get(STATUS, 1));
	fake_virtio_features(&self->d, FEATURES);
	set(STATUS, 1, 0xb);
	set(Q_ENABLE, 2, 2);
	EXPECT_EQ(0, get(Q_ENABLE, 2));
	set(Q_ENABLE, 2, 1);
	EXPECT_EQ(1, get(Q_ENABLE, 2));
	set(Q_ENABLE, 2, 0);
	EXPECT_EQ(1, get(Q_ENABLE, 2));
	/* In use: nothing of it changes but the vector. */
	set(Q_SIZE, 2, 32);
	set(Q_DESCLO, 4, 0);
	set(Q_DESCHI, 4, 1);
	set(Q_AVAILLO, 4, 0);
	set(Q_USEDHI, 4, 1);
	EXPECT_EQ(16, get(Q_SIZE, 2));
	EXPECT_EQ(r.desc, get(Q_DESCLO, 4));
	EXPECT_EQ(0, get(Q_DESCHI, 4));
	EXPECT_EQ(r.avail, get(Q_AVAILLO, 4));
	EXPECT_EQ(0, get(Q_USEDHI, 4));
	set(Q_MSIX, 2, 3);
	EXPECT_EQ(3, get(Q_MSIX, 2));
	set(STATUS, 1, 0xf);
	EXPECT_EQ(1, note.starts);
	/* Too late. */
	fake_virtio_queue(&self->d, 1, &r, 2);
	set(Q_ENABLE, 2, 1);
	EXPECT_EQ(0, get(Q_ENABLE, 2));
	fake_virtio_ring_bell(&self->d, 1);
	EXPECT_EQ(0, note.bells[1]);
	EXPECT_EQ(0xf, get(STATUS, 1));
}

TEST_F(virtio, halves_of_an_address)
{
	set(Q_DESCHI, 4, 0x12345678);
	set(Q_DESCLO, 4, 0x9abcdef0);
	EXPECT_EQ(0x12345678, get(Q_DESCHI, 4));
	EXPECT_EQ(0x9abcdef0, get(Q_DESCLO, 4));
	set(Q_USEDLO, 4, 1);
	set(Q_USEDHI, 4, 2);
	EXPECT_EQ(1, get(Q_USEDLO, 4));
	EXPECT_EQ(2, get(Q_USEDHI, 4));
	EXPECT_EQ(0, get(Q_AVAILLO, 4));
}

TEST_F(virtio, a_bad_ring_address_needs_a_reset)
{
	static const u64 bad[] = { 8, 0x7fffffffff0, ~0ULL - 15, FAKE_VIRTIO_RAM - 16, FAKE_VIRTIO_RAM };
	struct fake_ring good, r;
	unsigned int i, which;

	set_config(PCI_COMMAND, MASTER);
	fake_ring_init(&good, self->d.space, 16, FAKE_VIRTIO_FREE);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (which = 0; which < 3; which++) {
			r = good;
			*(which == 0 ? &r.desc : which == 1 ? &r.avail : &r.used) = bad[i] + (which ? i == 0 : 0);
			EXPECT_EQ(0xb, offer_features(&self->d, FEATURES));
			set(MSIX, 2, 0);
			fake_virtio_queue(&self->d, 0, &r, 1);
			set(Q_ENABLE, 2, 1);
			EXPECT_EQ(0, get(Q_ENABLE, 2));
			EXPECT_EQ(0xb | IVM_VIRTIO_NEEDS_RESET, get(STATUS, 1));
			set(STATUS, 1, 0xf);
			EXPECT_EQ(0xf | IVM_VIRTIO_NEEDS_RESET, get(STATUS, 1));
			EXPECT_FALSE(ivm_virtio_live(self->v));
			EXPECT_EQ(0, note.starts);
		}
	}
}

TEST_F(virtio, a_broken_queue_silences_the_device)
{
	struct ivm_vq *vq = ivm_virtio_queue(self->v, 0), *other = ivm_virtio_queue(self->v, 1);
	struct ivm_chain chain;

	start();
	fake_ring_desc(self->d.space, ring(1)->desc, 0, FAKE_VIRTIO_FREE, 10, 0, 0);
	fake_ring_offer(ring(1), 0);
	fake_ring_offer(ring(0), 0x1234);
	spin_lock_bh(&vq->lock);
	EXPECT_EQ(-EIO, ivm_vq_pop(vq, &chain));
	spin_unlock_bh(&vq->lock);
	EXPECT_EQ(0xf | IVM_VIRTIO_NEEDS_RESET, get(STATUS, 1));
	EXPECT_EQ(1, fake_virtio_irqs(0));
	EXPECT_FALSE(ivm_virtio_live(self->v));
	spin_lock_bh(&other->lock);
	EXPECT_EQ(-EIO, ivm_vq_pop(other, &chain));
	spin_unlock_bh(&other->lock);
	fake_virtio_ring_bell(&self->d, 1);
	EXPECT_EQ(0, note.bells[1]);
	EXPECT_EQ(0, fake_irq_take_all());
	/* It works again after a reset. */
	start();
	fake_ring_desc(self->d.space, ring(1)->desc, 0, FAKE_VIRTIO_FREE, 10, 0, 0);
	fake_ring_offer(ring(1), 0);
	spin_lock_bh(&other->lock);
	EXPECT_EQ(1, ivm_vq_pop(other, &chain));
	spin_unlock_bh(&other->lock);
}

/* ---- accesses that no driver should make ---- */

TEST_F(virtio, registers_answer_to_their_own_width_only)
{
	u64 base = IVM_PLATFORM_PCI_IO_BASE;

	set(DFSELECT, 4, 1);
	EXPECT_EQ(0, fake_virtio_in(&self->d, base + VIRTIO_PCI_COMMON_DFSELECT, 1));
	EXPECT_EQ(0, fake_virtio_in(&self->d, base + VIRTIO_PCI_COMMON_DFSELECT, 2));
	EXPECT_EQ(0, fake_virtio_in(&self->d, base + VIRTIO_PCI_COMMON_STATUS, 4));
	EXPECT_EQ(0, fake_virtio_in(&self->d, base + VIRTIO_PCI_COMMON_MSIX + 1, 2));
	fake_virtio_out(&self->d, base + VIRTIO_PCI_COMMON_STATUS, 2, 0x0101);
	fake_virtio_out(&self->d, base + VIRTIO_PCI_COMMON_STATUS, 4, 1);
	EXPECT_EQ(0, get(STATUS, 1));
	fake_virtio_out(&self->d, base + VIRTIO_PCI_COMMON_Q_SIZE, 1, 16);
	EXPECT_EQ(QUEUE_SIZE, get(Q_SIZE, 2));
	/* Over the end of the BAR. */
	EXPECT_EQ(0xffffffff, fake_virtio_in(&self->d, base + 254, 4));
	EXPECT_EQ(0xffff, fake_virtio_in(&self->d, base + 255, 2));
	EXPECT_EQ(0, fake_virtio_in(&self->d, base + 255, 1));
	EXPECT_EQ(0xff, fake_virtio_in(&self->d, base + 256, 1));
	start();
	fake_virtio_out(&self->d, base + 0x40, 1, 1);
	fake_virtio_out(&self->d, base + 0x40, 4, 1);
	fake_virtio_out(&self->d, base + 0x41, 2, 1);
	fake_virtio_out(&self->d, base + 0x40, 2, QUEUES);
	fake_virtio_out(&self->d, base + 0x40, 2, 0xffff);
	EXPECT_EQ(0, note.bells[1] + note.bells[0] + note.bells[2] + note.bells[3]);
	fake_virtio_out(&self->d, base + 0x40, 2, 1);
	EXPECT_EQ(1, note.bells[1]);
}

TEST_F(virtio, device_configuration_by_any_size_within)
{
	u64 base = IVM_PLATFORM_PCI_IO_BASE + 0x80;
	unsigned int i;

	for (i = 0; i < sizeof(note.config); i++)
		note.config[i] = i + 1;
	EXPECT_EQ(0x04030201, fake_virtio_in(&self->d, base, 4));
	EXPECT_EQ(0x0403, fake_virtio_in(&self->d, base + 2, 2));
	EXPECT_EQ(0x0302, fake_virtio_in(&self->d, base + 1, 2));
	EXPECT_EQ(24, fake_virtio_in(&self->d, base + 23, 1));
	EXPECT_EQ(0, fake_virtio_in(&self->d, base + 23, 2));
	EXPECT_EQ(0, fake_virtio_in(&self->d, base + 24, 4));
	fake_virtio_out(&self->d, base + 5, 1, 0x99);
	EXPECT_EQ(0x99, note.config[5]);
	fake_virtio_out(&self->d, base + 22, 4, 0);
	EXPECT_EQ(24, note.config[23]);
}

TEST_F(virtio, interrupt_status_for_those_who_poll)
{
	struct ivm_vq *vq = ivm_virtio_queue(self->v, 0);

	self->d.no_msix = true;
	start();
	EXPECT_EQ(0, config(PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16);
	ivm_vq_interrupt(vq);
	EXPECT_NE(0, config(PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16);
	ivm_virtio_config_changed(self->v);
	EXPECT_EQ(3, fake_virtio_isr(&self->d));
	EXPECT_EQ(0, fake_virtio_isr(&self->d));
	EXPECT_EQ(0, config(PCI_COMMAND) & PCI_STATUS_INTERRUPT << 16);
	EXPECT_EQ(0, fake_irq_take_all());
}

TEST_F(virtio, nothing_is_said_before_driver_ok)
{
	EXPECT_EQ(0xb, offer_features(&self->d, FEATURES));
	ivm_virtio_config_changed(self->v);
	EXPECT_EQ(1, get(CFGGENERATION, 1));
	EXPECT_EQ(0, fake_virtio_isr(&self->d));
}

/* ---- the window in configuration space ---- */

static unsigned int window(struct fake_virtio *d, u8 bar, u32 offset, u32 length)
{
	unsigned int cap;

	for (cap = fake_virtio_config(d, PCI_CAPABILITY_LIST, 1); cap; cap = fake_virtio_config(d, cap + 1, 1))
		if (fake_virtio_config(d, cap, 1) == PCI_CAP_ID_VNDR &&
		    fake_virtio_config(d, cap + 3, 1) == VIRTIO_PCI_CAP_PCI_CFG)
			break;
	fake_virtio_set_config(d, cap + 4, 1, bar);
	fake_virtio_set_config(d, cap + 8, 4, offset);
	fake_virtio_set_config(d, cap + 12, 4, length);
	return cap + 16;
}

TEST_F(virtio, the_window_reaches_all_registers)
{
	unsigned int data;

	set_config(PCI_COMMAND, 0);	/* with decoding off, too */
	data = window(&self->d, 0, VIRTIO_PCI_COMMON_DFSELECT, 4);
	fake_virtio_set_config(&self->d, data, 4, 1);
	window(&self->d, 0, VIRTIO_PCI_COMMON_DF, 4);
	EXPECT_EQ(FEATURES >> 32, fake_virtio_config(&self->d, data, 4));
	window(&self->d, 0, VIRTIO_PCI_COMMON_STATUS, 1);
	fake_virtio_set_config(&self->d, data, 1, 3);
	EXPECT_EQ(3, fake_virtio_config(&self->d, data, 1));
	window(&self->d, 0, VIRTIO_PCI_COMMON_NUMQ, 2);
	EXPECT_EQ(QUEUES, fake_virtio_config(&self->d, data, 2));
	window(&self->d, 1, 12, 4);
	EXPECT_EQ(1, fake_virtio_config(&self->d, data, 4));
	fake_virtio_set_config(&self->d, data, 4, 0);
	EXPECT_EQ(0, fake_virtio_config(&self->d, data, 4));
}

TEST_F(virtio, a_window_that_leads_nowhere)
{
	static const struct { u8 bar; u32 offset, length; } bad[] = {
		{ 0, 0, 0 }, { 0, 0, 3 }, { 0, 0, 8 }, { 0, 0, ~0U }, { 0, 1, 4 }, { 0, 1, 2 }, { 0, 256, 1 },
		{ 0, 256, 4 }, { 0, ~0U, 1 }, { 0, ~0U - 3, 4 }, { 2, 0, 4 }, { 5, 0, 4 }, { 6, 0, 4 }, { 255, 0, 4 },
		{ 1, 0x2000, 4 },
	};
	unsigned int i, data;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		data = window(&self->d, bad[i].bar, bad[i].offset, bad[i].length);
		fake_virtio_set_config(&self->d, data, 4, 0x5aa55aa5);
		EXPECT_EQ(0x5aa55aa5, fake_virtio_config(&self->d, data, 4));
		fake_virtio_set_config(&self->d, data + 1, 2, 0x1234);
		EXPECT_EQ(0x5a1234a5, fake_virtio_config(&self->d, data, 4));
	}
	EXPECT_EQ(0, get(STATUS, 1));
}

/* ---- creation ---- */

TEST(creation_is_checked)
{
	static const struct ivm_virtio_type big = { .id = 1, .config_size = 129, .ops = &dev_ops };
	static const struct ivm_pci_ops pci_ops;
	struct ivm_pci *pci = ivm_pci_create(&pci_ops, NULL);
	unsigned int live = shim_alloc_live(), i;
	struct ivm_virtio *v, *other;

#define create(slot, type, queues, size) ivm_virtio_create(pci, slot, FAKE_IRQ, NULL, type, 0, queues, size, NULL)
	EXPECT_EQ(-EINVAL, PTR_ERR(create(0, &type, 1, 16)));
	EXPECT_EQ(-EINVAL, PTR_ERR(create(32, &type, 1, 16)));
	EXPECT_EQ(-EINVAL, PTR_ERR(create(1, &type, 0, 16)));
	EXPECT_EQ(-EINVAL, PTR_ERR(create(1, &type, 65536, 16)));
	EXPECT_EQ(-EINVAL, PTR_ERR(create(1, &type, 1, 0)));
	EXPECT_EQ(-EINVAL, PTR_ERR(create(1, &type, 1, 24)));
	EXPECT_EQ(-EINVAL, PTR_ERR(create(1, &type, 1, 2048)));
	EXPECT_EQ(-EINVAL, PTR_ERR(create(1, &big, 1, 16)));
	for (i = 1; i <= 4; i++) {
		shim_alloc_fail(i);
		EXPECT_EQ(-ENOMEM, PTR_ERR(create(1, &type, 1, 16)));
		EXPECT_EQ(live, shim_alloc_live());
	}
	shim_alloc_fail(0);
	v = create(1, &type, 1, 16);
	ASSERT_FALSE(IS_ERR(v));
	EXPECT_EQ(-EBUSY, PTR_ERR(create(1, &type, 1, 16)));
	other = create(31, &type, 300, 1024);	/* more queues than vectors: drivers share them */
	ASSERT_FALSE(IS_ERR(other));
	ivm_virtio_destroy(v);
	ivm_virtio_destroy(other);
	ivm_virtio_destroy(NULL);
	EXPECT_EQ(live, shim_alloc_live());
	ivm_pci_destroy(pci);
}

/* ---- threads: a driver that resets and restarts while another CPU rings and the device works ---- */

#define RESETS	3000

static bool over;

static void *ringer(void *arg)
{
	struct fake_virtio *d = arg;
	unsigned int i = 0;

	while (!READ_ONCE(over)) {
		fake_virtio_ring_bell(d, i++ % QUEUES);
		fake_virtio_get(d, VIRTIO_PCI_COMMON_STATUS, 1);
	}
	return NULL;
}

static void *worker(void *arg)
{
	struct fake_virtio *d = arg;
	struct ivm_chain chain;
	struct ivm_vq *vq;
	unsigned int i = 0;

	while (!READ_ONCE(over)) {
		vq = ivm_virtio_queue(d->virtio, i++ % QUEUES);
		spin_lock_bh(&vq->lock);
		if (ivm_vq_pop(vq, &chain) == 1) {
			ivm_vq_push(vq, chain.head, 0);
			if (ivm_vq_publish(vq))
				ivm_vq_interrupt(vq);
		}
		if (i % 100 == 0 && vq->enabled && ivm_virtio_live(d->virtio))
			ivm_virtio_broken(d->virtio);
		spin_unlock_bh(&vq->lock);
	}
	return NULL;
}

TEST_F(virtio, reset_under_load)
{
	pthread_t threads[2];
	unsigned int i, q;

	note.breaking = true;
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, ringer, &self->d));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, worker, &self->d));
	for (i = 0; i < RESETS; i++) {
		start();
		for (q = 0; q < QUEUES; q++) {
			fake_ring_desc(self->d.space, ring(q)->desc, i % 8, FAKE_VIRTIO_FREE, 10, 0, 0);
			fake_ring_offer(ring(q), i % 8);
		}
		if (i % 2)
			set_config(PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
		set(STATUS, 1, 0);
		ASSERT_EQ(0, get(STATUS, 1));
		for (q = 0; q < QUEUES; q++)
			ASSERT_FALSE(READ_ONCE(ivm_virtio_queue(self->v, q)->broken));
	}
	WRITE_ONCE(over, true);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	EXPECT_EQ(RESETS, note.starts);
}

TEST_HARNESS_MAIN
