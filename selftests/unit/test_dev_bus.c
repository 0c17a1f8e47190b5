// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/dev/bus.c */
#include "unit.h"

#include <stdlib.h>

#include <linux/err.h>
#include <linux/kernel.h>

#include "dev/dev.h"

#define NOBODY	0xdeadbeef

struct device {
	u64 addr, value;
	unsigned int size, reads, writes;
};

static u64 device_read(void *dev, u64 addr, unsigned int size)
{
	struct device *d = dev;

	d->addr = addr;
	d->size = size;
	d->reads++;
	return d->value;
}

static void device_write(void *dev, u64 addr, unsigned int size, u64 value)
{
	struct device *d = dev;

	d->addr = addr;
	d->size = size;
	d->value = value;
	d->writes++;
}

static const struct ivm_bus_ops device_ops = { .read = device_read, .write = device_write };

FIXTURE(bus) { struct ivm_bus *bus; struct device dev; };
FIXTURE_SETUP(bus)
{
	self->bus = ivm_bus_create();
	ASSERT_FALSE(IS_ERR(self->bus));
}
FIXTURE_TEARDOWN(bus)
{
	ivm_bus_destroy(self->bus);
	EXPECT_EQ(0, shim_alloc_live());
}

TEST_F(bus, nobody_answers_on_an_empty_bus)
{
	u64 value = NOBODY;

	EXPECT_FALSE(ivm_bus_read(self->bus, IVM_BUS_IO, 0, 1, &value));
	EXPECT_FALSE(ivm_bus_read(self->bus, IVM_BUS_MMIO, 0, 8, &value));
	EXPECT_FALSE(ivm_bus_write(self->bus, IVM_BUS_MMIO, ~0ULL, 8, 0));
	EXPECT_EQ(NOBODY, value);
}

TEST_F(bus, address_size_and_value_arrive)
{
	u64 value;

	ASSERT_EQ(0, ivm_bus_add(self->bus, IVM_BUS_IO, 0x3f8, 8, &device_ops, &self->dev));
	EXPECT_TRUE(ivm_bus_write(self->bus, IVM_BUS_IO, 0x3fa, 2, 0x1234));
	EXPECT_EQ(0x3fa, self->dev.addr);
	EXPECT_EQ(2, self->dev.size);
	EXPECT_EQ(0x1234, self->dev.value);
	EXPECT_TRUE(ivm_bus_read(self->bus, IVM_BUS_IO, 0x3ff, 1, &value));
	EXPECT_EQ(0x1234, value);
	EXPECT_EQ(0x3ff, self->dev.addr);
	EXPECT_EQ(1, self->dev.reads);
	EXPECT_EQ(1, self->dev.writes);
}

TEST_F(bus, an_access_over_the_edge_is_nobodys)
{
	u64 value;

	ASSERT_EQ(0, ivm_bus_add(self->bus, IVM_BUS_IO, 0x60, 1, &device_ops, &self->dev));
	ASSERT_EQ(0, ivm_bus_add(self->bus, IVM_BUS_IO, 0x61, 1, &device_ops, &self->dev));
	EXPECT_TRUE(ivm_bus_read(self->bus, IVM_BUS_IO, 0x60, 1, &value));
	EXPECT_FALSE(ivm_bus_read(self->bus, IVM_BUS_IO, 0x60, 2, &value));
	EXPECT_FALSE(ivm_bus_write(self->bus, IVM_BUS_IO, 0x5f, 2, 0));
	EXPECT_FALSE(ivm_bus_write(self->bus, IVM_BUS_IO, 0x61, 4, 0));
	EXPECT_EQ(0, self->dev.writes);
}

TEST_F(bus, the_two_spaces_are_apart)
{
	u64 value;

	ASSERT_EQ(0, ivm_bus_add(self->bus, IVM_BUS_IO, 0x70, 2, &device_ops, &self->dev));
	EXPECT_FALSE(ivm_bus_read(self->bus, IVM_BUS_MMIO, 0x70, 1, &value));
	EXPECT_EQ(0, ivm_bus_add(self->bus, IVM_BUS_MMIO, 0x70, 2, &device_ops, &self->dev));
}

TEST_F(bus, bad_ranges_are_refused)
{
	struct ivm_bus *bus = self->bus;

	EXPECT_EQ(-EINVAL, ivm_bus_add(bus, IVM_BUS_IO, 0x60, 0, &device_ops, &self->dev));
	EXPECT_EQ(-EINVAL, ivm_bus_add(bus, IVM_BUS_IO, 0xffff, 2, &device_ops, &self->dev));
	EXPECT_EQ(-EINVAL, ivm_bus_add(bus, IVM_BUS_IO, 0x10000, 1, &device_ops, &self->dev));
	EXPECT_EQ(-EINVAL, ivm_bus_add(bus, IVM_BUS_IO, 1, ~0ULL, &device_ops, &self->dev));
	EXPECT_EQ(-EINVAL, ivm_bus_add(bus, IVM_BUS_MMIO, ~0ULL, 2, &device_ops, &self->dev));
	EXPECT_EQ(-EINVAL, ivm_bus_add(bus, IVM_BUS_MMIO, 1, ~0ULL, &device_ops, &self->dev));
	EXPECT_EQ(-EINVAL, ivm_bus_add(bus, IVM_BUS_MMIO, 1ULL << 52, 1, &device_ops, &self->dev));
	EXPECT_EQ(0, ivm_bus_add(bus, IVM_BUS_IO, 0xfffc, 4, &device_ops, &self->dev));
	EXPECT_EQ(0, ivm_bus_add(bus, IVM_BUS_MMIO, (1ULL << 52) - 8, 8, &device_ops, &self->dev));
}

TEST_F(bus, overlaps_are_refused)
{
	struct ivm_bus *bus = self->bus;

	ASSERT_EQ(0, ivm_bus_add(bus, IVM_BUS_IO, 0x100, 0x10, &device_ops, &self->dev));
	EXPECT_EQ(-EBUSY, ivm_bus_add(bus, IVM_BUS_IO, 0x100, 0x10, &device_ops, &self->dev));
	EXPECT_EQ(-EBUSY, ivm_bus_add(bus, IVM_BUS_IO, 0x10f, 1, &device_ops, &self->dev));
	EXPECT_EQ(-EBUSY, ivm_bus_add(bus, IVM_BUS_IO, 0xff, 2, &device_ops, &self->dev));
	EXPECT_EQ(-EBUSY, ivm_bus_add(bus, IVM_BUS_IO, 0, 0x10000, &device_ops, &self->dev));
	EXPECT_EQ(0, ivm_bus_add(bus, IVM_BUS_IO, 0x110, 1, &device_ops, &self->dev));
	EXPECT_EQ(0, ivm_bus_add(bus, IVM_BUS_IO, 0xff, 1, &device_ops, &self->dev));
}

TEST(creation_survives_lack_of_memory)
{
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_bus_create()));
	EXPECT_EQ(0, shim_alloc_live());
}

TEST_F(bus, a_claim_that_lacks_memory_changes_nothing)
{
	unsigned int i;
	u64 value;

	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, ivm_bus_add(self->bus, IVM_BUS_IO, i * 16, 1, &device_ops, &self->dev));
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, ivm_bus_add(self->bus, IVM_BUS_IO, 8, 1, &device_ops, &self->dev));
	EXPECT_FALSE(ivm_bus_read(self->bus, IVM_BUS_IO, 8, 1, &value));
	EXPECT_TRUE(ivm_bus_read(self->bus, IVM_BUS_IO, 0x70, 1, &value));
	EXPECT_EQ(0, ivm_bus_add(self->bus, IVM_BUS_IO, 8, 1, &device_ops, &self->dev));
	EXPECT_TRUE(ivm_bus_read(self->bus, IVM_BUS_IO, 8, 1, &value));
}

/* The naive twin: a list in order of arrival, walked to the end. */
struct twin { u64 base, size; struct device dev; };

static struct device *twin_find(struct twin *t, unsigned int nr, u64 addr, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (addr >= t[i].base && addr + size <= t[i].base + t[i].size)
			return &t[i].dev;
	return NULL;
}

TEST_F(bus, agrees_with_a_naive_twin)
{
	static struct twin twin[64];
	unsigned int nr = 0, i, j, size, hits = 0;
	struct device *dev;
	bool overlap;
	u64 value, addr;

	srandom(1);
	for (i = 0; i < 200000; i++) {
		if (nr < ARRAY_SIZE(twin) && i % 1000 == 0) {
			struct twin *t = &twin[nr];

			*t = (struct twin){ .base = random() % 2048, .size = random() % 32 + 1 };
			for (j = 0, overlap = false; j < nr; j++)
				overlap |= t->base < twin[j].base + twin[j].size &&
					   twin[j].base < t->base + t->size;
			ASSERT_EQ(overlap ? -EBUSY : 0,
				  ivm_bus_add(self->bus, IVM_BUS_IO, t->base, t->size, &device_ops, &t->dev));
			nr += !overlap;
		}
		addr = random() % 2100;
		size = 1U << random() % 3;
		dev = twin_find(twin, nr, addr, size);
		if (dev) {
			dev->value = i;
			hits++;
		}
		value = NOBODY;
		ASSERT_EQ(!!dev, ivm_bus_read(self->bus, IVM_BUS_IO, addr, size, &value));
		ASSERT_EQ(dev ? i : NOBODY, value);
	}
	EXPECT_LT(10, nr);
	EXPECT_LT(10000, hits);
}

TEST_HARNESS_MAIN
