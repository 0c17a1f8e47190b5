// SPDX-License-Identifier: GPL-2.0-only
/* Routes port and memory-mapped accesses to the device that claimed the address. */
#include "dev.h"

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/string.h>

#define BUS_HINTS	16

struct bus_claim {
	u64 base;
	u64 size;
	const struct ivm_bus_ops *ops;
	void *dev;
};

/*
 * (c) constant once the first vCPU runs
 * (r) racy: any CPU reads and writes it without a lock. A hint points to some
 *     claim, and whether it is the right one is seen before it is used.
 */
struct bus_space {
	struct bus_claim *claims;	/* (c) sorted by base, disjoint */
	unsigned int nr;		/* (c) claims in use */
	unsigned int room;		/* (c) claims allocated */
	u64 last;			/* (c) highest address of the space */
};

struct ivm_bus {
	const struct bus_claim *hint[2][BUS_HINTS];	/* (r) who was found last at an address with this hash */
	struct bus_space space[2];			/* by enum ivm_bus_space */
};

static const struct bus_claim bus_nobody;	/* a hint that fits no address */

/* Neighbouring devices get hints of their own, be they some ports or some pages apart. */
static unsigned int bus_hash(u64 addr)
{
	return (addr >> 5 ^ addr >> 12) % BUS_HINTS;
}

static const struct bus_claim *bus_hint(struct ivm_bus *bus, enum ivm_bus_space which, u64 addr)
{
	return READ_ONCE(bus->hint[which][bus_hash(addr)]);
}

static bool bus_inside(const struct bus_claim *claim, u64 addr, unsigned int size)
{
	u64 offset = addr - claim->base;

	return offset < claim->size && offset + (size - 1) < claim->size;
}

/* Index of the first claim that ends at or above @addr; nr if there is none. */
static unsigned int bus_search(const struct bus_space *space, u64 addr)
{
	unsigned int low = 0, high = space->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct bus_claim *claim = &space->claims[mid];

		if (claim->base + (claim->size - 1) < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct bus_claim *bus_find(struct ivm_bus *bus, enum ivm_bus_space which, u64 addr,
					unsigned int size)
{
	struct bus_space *space = &bus->space[which];
	unsigned int i = bus_search(space, addr);

	if (i == space->nr || !bus_inside(&space->claims[i], addr, size))
		return NULL;
	WRITE_ONCE(bus->hint[which][bus_hash(addr)], &space->claims[i]);
	return &space->claims[i];
}

static noinline bool bus_read_slow(struct ivm_bus *bus, enum ivm_bus_space which, u64 addr,
				   unsigned int size, u64 *value)
{
	const struct bus_claim *claim = bus_find(bus, which, addr, size);

	if (!claim)
		return false;
	*value = claim->ops->read(claim->dev, addr, size);
	return true;
}

static noinline bool bus_write_slow(struct ivm_bus *bus, enum ivm_bus_space which, u64 addr,
				    unsigned int size, u64 value)
{
	const struct bus_claim *claim = bus_find(bus, which, addr, size);

	if (!claim)
		return false;
	claim->ops->write(claim->dev, addr, size, value);
	return true;
}

/**
 * ivm_bus_read() - route a read to the device at @addr
 * @bus:	of this VM
 * @which:	I/O ports or memory
 * @addr:	port number or guest-physical address
 * @size:	bytes: 1, 2, 4, or 8 (memory only)
 * @value:	out, zero-extended; untouched when false is returned
 *
 * Context: any; no lock here, the device takes its own.
 * Return: whether a claim holds all @size bytes.
 */
bool ivm_bus_read(struct ivm_bus *bus, enum ivm_bus_space which, u64 addr, unsigned int size,
		  u64 *value)
{
	const struct bus_claim *claim = bus_hint(bus, which, addr);

	if (unlikely(!bus_inside(claim, addr, size)))
		return bus_read_slow(bus, which, addr, size, value);
	*value = claim->ops->read(claim->dev, addr, size);
	return true;
}

/**
 * ivm_bus_write() - route a write to the device at @addr
 * @bus:	of this VM
 * @which:	I/O ports or memory
 * @addr:	port number or guest-physical address
 * @size:	bytes: 1, 2, 4, or 8 (memory only)
 * @value:	bits above @size are ignored
 *
 * Context: any; no lock here, the device takes its own.
 * Return: whether a claim holds all @size bytes.
 */
bool ivm_bus_write(struct ivm_bus *bus, enum ivm_bus_space which, u64 addr, unsigned int size,
		   u64 value)
{
	const struct bus_claim *claim = bus_hint(bus, which, addr);

	if (unlikely(!bus_inside(claim, addr, size)))
		return bus_write_slow(bus, which, addr, size, value);
	claim->ops->write(claim->dev, addr, size, value);
	return true;
}

/**
 * ivm_bus_claims() - does a device answer for this byte?
 * @bus:	of this VM
 * @which:	I/O ports or memory
 * @addr:	port number or guest-physical address
 *
 * Context: any.
 */
bool ivm_bus_claims(struct ivm_bus *bus, enum ivm_bus_space which, u64 addr)
{
	return bus_find(bus, which, addr, 1);
}

static int bus_grow(struct bus_space *space)
{
	unsigned int room = space->room ? space->room * 2 : 8;
	struct bus_claim *claims;

	claims = kcalloc(room, sizeof(*claims), GFP_KERNEL);
	if (!claims)
		return -ENOMEM;
	if (space->nr)
		memcpy(claims, space->claims, space->nr * sizeof(*claims));
	kfree(space->claims);
	space->claims = claims;
	space->room = room;
	return 0;
}

static void bus_forget_hints(struct ivm_bus *bus, enum ivm_bus_space which)
{
	unsigned int i;

	for (i = 0; i < BUS_HINTS; i++)
		bus->hint[which][i] = &bus_nobody;
}

/**
 * ivm_bus_add() - claim a range of addresses for a device
 * @bus:	of this VM
 * @which:	I/O ports or memory
 * @base:	first address
 * @size:	bytes
 * @ops:	called for accesses that lie wholly inside
 * @dev:	handed to @ops
 *
 * Context: may sleep. One caller at a time, and none once a vCPU runs.
 * Return: 0; -EINVAL the range is empty, wraps or leaves the space; -EBUSY a
 * part of it is taken; -ENOMEM.
 */
int ivm_bus_add(struct ivm_bus *bus, enum ivm_bus_space which, u64 base, u64 size,
		const struct ivm_bus_ops *ops, void *dev)
{
	struct bus_space *space = &bus->space[which];
	unsigned int i;
	int err;

	if (!size || base > space->last || size - 1 > space->last - base)
		return -EINVAL;
	i = bus_search(space, base);
	if (i < space->nr && space->claims[i].base <= base + (size - 1))
		return -EBUSY;
	if (space->nr == space->room) {
		err = bus_grow(space);
		if (err)
			return err;
	}
	memmove(&space->claims[i + 1], &space->claims[i],
		(space->nr - i) * sizeof(*space->claims));
	space->claims[i] = (struct bus_claim){ .base = base, .size = size, .ops = ops, .dev = dev };
	space->nr++;
	bus_forget_hints(bus, which);	/* claims moved */
	return 0;
}

/**
 * ivm_bus_create() - a bus that nobody has claimed anything of
 *
 * Context: may sleep.
 * Return: the bus, or ERR_PTR(-ENOMEM).
 */
struct ivm_bus *ivm_bus_create(void)
{
	struct ivm_bus *bus = kzalloc(sizeof(*bus), GFP_KERNEL);

	if (!bus)
		return ERR_PTR(-ENOMEM);
	bus->space[IVM_BUS_IO].last = U16_MAX;
	bus->space[IVM_BUS_MMIO].last = (1ULL << 52) - 1;	/* widest physical address there is */
	bus_forget_hints(bus, IVM_BUS_IO);
	bus_forget_hints(bus, IVM_BUS_MMIO);
	return bus;
}

/**
 * ivm_bus_destroy() - free a bus; the devices on it are their owners' business
 * @bus: may be NULL
 *
 * Context: may sleep; no vCPU runs.
 */
void ivm_bus_destroy(struct ivm_bus *bus)
{
	if (!bus)
		return;
	kfree(bus->space[IVM_BUS_IO].claims);
	kfree(bus->space[IVM_BUS_MMIO].claims);
	kfree(bus);
}
