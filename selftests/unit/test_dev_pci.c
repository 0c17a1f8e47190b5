// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c kmod/dev/debugexit.c selftests/unit/fake_irq.c */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/ivm.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>

#include "dev/pci_function.h"
#include "fake_irq.h"

#define ADDRESS	0xcf8
#define RESET	0xcf9
#define DATA	0xcfc
#define ENABLE	0x80000000U

static void count_reset(void *ctx) { ++*(unsigned int *)ctx; }
static const struct ivm_pci_ops ops = { .reset = count_reset };

FIXTURE(pci) { struct ivm_pci *pci; unsigned int resets; };
FIXTURE_SETUP(pci)
{
	self->pci = ivm_pci_create(&ops, &self->resets);
	ASSERT_FALSE(IS_ERR(self->pci));
}
FIXTURE_TEARDOWN(pci)
{
	ivm_pci_destroy(self->pci);
	EXPECT_EQ(0, shim_alloc_live());
}

#define in(port, size)		ivm_pci_bus_ops.read(self->pci, port, size)
#define out(port, size, v)	ivm_pci_bus_ops.write(self->pci, port, size, v)

TEST_F(pci, mechanism_1_is_found)
{
	/* As Linux looks for it: a byte write above the address must not disturb it. */
	out(ADDRESS + 3, 1, 0x01);
	EXPECT_EQ(0, in(ADDRESS, 4));
	out(ADDRESS, 4, ENABLE);
	EXPECT_EQ(ENABLE, in(ADDRESS, 4));
	out(ADDRESS, 4, 0xffffffff);
	EXPECT_EQ(0x80fffffc, in(ADDRESS, 4));
}

TEST_F(pci, a_host_bridge_answers_by_any_size)
{
	out(ADDRESS, 4, ENABLE | 0x08);
	EXPECT_EQ(0x06000000, in(DATA, 4));
	EXPECT_EQ(0x0600, in(DATA + 2, 2));
	EXPECT_EQ(0x06, in(DATA + 3, 1));
	out(ADDRESS, 4, ENABLE);
	EXPECT_EQ(0x00081b36, in(DATA, 4));
	EXPECT_EQ(0x1b36, in(DATA, 2));
	EXPECT_EQ(0x0008, in(DATA + 2, 2));
	EXPECT_EQ(0x1b, in(DATA + 1, 1));
	EXPECT_EQ(0x081b, in(DATA + 1, 2));
	out(ADDRESS, 4, ENABLE | 0x0c);
	EXPECT_EQ(0, in(DATA + 2, 1) & 0x80);	/* one function */
	out(ADDRESS, 4, ENABLE | 0xfc);
	EXPECT_EQ(0, in(DATA, 4));
}

TEST_F(pci, the_bridge_cannot_be_changed)
{
	u32 reg, before;

	for (reg = 0; reg < 256; reg += 4) {
		out(ADDRESS, 4, ENABLE | reg);
		before = in(DATA, 4);
		out(DATA, 4, 0xffffffff);
		EXPECT_EQ(before, in(DATA, 4));
		out(DATA, 4, 0);
		EXPECT_EQ(before, in(DATA, 4));
	}
}

TEST_F(pci, everything_else_is_absent)
{
	u32 address, found = 0;

	for (address = 0; address < 1U << 24; address += 1U << 8) {
		out(ADDRESS, 4, ENABLE | address);
		found += in(DATA, 4) != 0xffffffff;
		out(DATA, 4, 0x12345678);
	}
	EXPECT_EQ(1, found);
	out(ADDRESS, 4, 0);		/* not enabled */
	EXPECT_EQ(0xffffffff, in(DATA, 4));
	EXPECT_EQ(0xffff, in(DATA, 2));
	EXPECT_EQ(0xff, in(DATA + 3, 1));
}

TEST_F(pci, parts_of_the_address_are_not_there)
{
	out(ADDRESS, 4, ENABLE | 8);
	EXPECT_EQ(0xff, in(ADDRESS, 1));
	EXPECT_EQ(0xffff, in(ADDRESS, 2));
	EXPECT_EQ(0xffff, in(RESET, 2));
	EXPECT_EQ(0xffffffff, in(ADDRESS + 2, 4));	/* half address, half data */
	out(ADDRESS, 2, 0);
	out(ADDRESS + 2, 2, 0);
	out(ADDRESS + 2, 4, 0);
	EXPECT_EQ(ENABLE | 8, in(ADDRESS, 4));
	EXPECT_EQ(0, self->resets);
}

TEST_F(pci, reset_on_the_rising_edge_only)
{
	out(RESET, 1, 0x02);
	EXPECT_EQ(0, self->resets);
	EXPECT_EQ(0x02, in(RESET, 1));
	out(RESET, 1, 0x06);
	EXPECT_EQ(1, self->resets);
	out(RESET, 1, 0x0e);
	EXPECT_EQ(1, self->resets);
	out(RESET, 1, 0xf1);
	EXPECT_EQ(0, in(RESET, 1));
	out(RESET, 1, 0x04);
	EXPECT_EQ(2, self->resets);
	ivm_pci_reset(self->pci);
	EXPECT_EQ(0, in(RESET, 1));
	out(RESET, 1, 0x06);
	EXPECT_EQ(3, self->resets);
	out(ADDRESS, 4, 0);
	out(ADDRESS, 4, 0x0600);	/* the dword is the address, whatever its second byte */
	out(RESET, 2, 0x0006);
	EXPECT_EQ(3, self->resets);
}

TEST_F(pci, reset_clears_the_address)
{
	out(ADDRESS, 4, ENABLE);
	ivm_pci_reset(self->pci);
	EXPECT_EQ(0, in(ADDRESS, 4));
}

/* ---- functions ---- */

/* A device of 64 ports that says who it is and where it was touched. */
struct dummy {
	u8 id;
	u64 offset, value;
	unsigned int size, writes, commands;
	bool interrupt;
	struct ivm_pci_function *fn;
};

static u64 dummy_read(void *dev, u64 offset, unsigned int size)
{
	BUG_ON(offset + size > 64);
	return ((u64)((struct dummy *)dev)->id << 8 | offset) & (~0ULL >> (64 - 8 * size));
}

static void dummy_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct dummy *d = dev;

	BUG_ON(offset + size > 64);
	d->offset = offset;
	d->size = size;
	d->value = value;
	d->writes++;
}

static void dummy_command(void *ctx)
{
	BUG_ON(shim_locks_held());
	((struct dummy *)ctx)->commands++;
}

static bool dummy_interrupt(void *ctx) { return ((struct dummy *)ctx)->interrupt; }

static const struct ivm_bus_ops dummy_ops = { .read = dummy_read, .write = dummy_write };
static const struct ivm_pci_function_ops dummy_function_ops = {
	.command = dummy_command, .interrupt = dummy_interrupt,
};
static const struct ivm_pci_identity dummy_identity = {
	.vendor = 0x1234, .device = 0x5678, .subsystem_vendor = 0x9abc, .subsystem = 0xdef0,
	.revision = 0x42, .class_code = 0x123456,
	.bar = { [0] = { .size = 64, .io = true, .ops = &dummy_ops }, [2] = { .size = IVM_MSIX_BAR } },
	.msix_bar = 2,
	.ops = &dummy_function_ops,
};

FIXTURE(functions) { struct ivm_pci *pci; unsigned int resets; struct dummy d[3]; };
FIXTURE_SETUP(functions)
{
	unsigned int i;

	self->pci = ivm_pci_create(&ops, &self->resets);
	ASSERT_FALSE(IS_ERR(self->pci));
	for (i = 0; i < 3; i++) {
		self->d[i].id = 0xd0 + i;
		self->d[i].fn = ivm_pci_add(self->pci, 5 + i, &dummy_identity, 4, FAKE_IRQ, &self->d[i]);
		ASSERT_FALSE(IS_ERR(self->d[i].fn));
	}
}
FIXTURE_TEARDOWN(functions)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		ivm_pci_remove(self->d[i].fn);
	ivm_pci_destroy(self->pci);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_locks_held());
}

#define IO		IVM_PLATFORM_PCI_IO_BASE
#define IO_END		(IVM_PLATFORM_PCI_IO_BASE + IVM_PLATFORM_PCI_IO_SIZE)
#define MMIO		IVM_PLATFORM_PCI_MMIO_BASE
#define MMIO_END	(IVM_PLATFORM_PCI_MMIO_BASE + IVM_PLATFORM_PCI_MMIO_SIZE)
#define BAR_IO		PCI_BASE_ADDRESS_0
#define BAR_MEM		PCI_BASE_ADDRESS_2
#define DECODE		(PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

#define get(i, reg, size) ({							\
	out(ADDRESS, 4, ENABLE | (5 + (i)) << 11 | ((reg) & 0xfc));		\
	in(DATA + (reg) % 4, size);						\
})
#define set(i, reg, size, v) ({							\
	out(ADDRESS, 4, ENABLE | (5 + (i)) << 11 | ((reg) & 0xfc));		\
	out(DATA + (reg) % 4, size, v);						\
})
#define port(p)		ivm_pci_io_window_ops.read(self->pci, p, 2)
#define out_port(p, v)	ivm_pci_io_window_ops.write(self->pci, p, 2, v)
#define mem(a)		ivm_pci_mmio_window_ops.read(self->pci, a, 4)
#define WHO(i)		(0xd000 + 0x100 * (i))

TEST_F(functions, a_header_of_type_0)
{
	u32 id = get(1, PCI_VENDOR_ID, 4), class = get(1, PCI_CLASS_REVISION, 4);

	EXPECT_EQ(0x56781234, id);
	EXPECT_EQ(0x12345642, class);
	EXPECT_EQ(0x42, get(1, PCI_REVISION_ID, 1));
	EXPECT_EQ(0x12, get(1, PCI_CLASS_DEVICE + 1, 1));
	EXPECT_EQ(PCI_HEADER_TYPE_NORMAL, get(1, PCI_HEADER_TYPE, 1));
	EXPECT_EQ(0x9abc, get(1, PCI_SUBSYSTEM_VENDOR_ID, 2));
	EXPECT_EQ(0xdef0, get(1, PCI_SUBSYSTEM_ID, 2));
	EXPECT_EQ(0, get(1, PCI_INTERRUPT_PIN, 1));
	EXPECT_EQ(0, get(1, PCI_ROM_ADDRESS, 4));
	EXPECT_EQ(DECODE, get(1, PCI_COMMAND, 2));
	EXPECT_EQ(PCI_STATUS_CAP_LIST, get(1, PCI_STATUS, 2));
	EXPECT_EQ(0x40, get(1, PCI_CAPABILITY_LIST, 1));
	EXPECT_EQ(PCI_CAP_ID_MSIX, get(1, 0x40, 1));
	/* Other functions of the device, other buses. */
	out(ADDRESS, 4, ENABLE | 6 << 11 | 1 << 8);
	EXPECT_EQ(0xffffffff, in(DATA, 4));
	out(ADDRESS, 4, ENABLE | 1 << 16 | 6 << 11);
	EXPECT_EQ(0xffffffff, in(DATA, 4));
}

TEST_F(functions, only_what_is_the_guests_can_be_written)
{
	static const struct { u8 reg; u32 bits; } writable[] = {
		{ PCI_COMMAND, DECODE | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE },
		{ BAR_IO, ~63U }, { BAR_MEM, ~(IVM_MSIX_BAR - 1U) },
		{ 0x40, (u32)(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) << 16 },
	};
	unsigned int reg, i;
	u32 before, bits;

	for (reg = 0; reg < 256; reg += 4) {
		bits = 0;
		for (i = 0; i < ARRAY_SIZE(writable); i++)
			if (writable[i].reg == reg)
				bits = writable[i].bits;
		before = get(0, reg, 4);
		set(0, reg, 4, 0xffffffff);
		EXPECT_EQ(before | bits, get(0, reg, 4)) TH_LOG("register %x", reg);
		set(0, reg, 4, 0);
		EXPECT_EQ(before & ~bits, get(0, reg, 4)) TH_LOG("register %x", reg);
		/* Byte by byte: the others stay. */
		for (i = 0; i < 4; i++) {
			set(0, reg, 4, 0);
			set(0, reg + i, 1, 0xff);
			EXPECT_EQ((before & ~bits) | (bits & 0xffU << 8 * i), get(0, reg, 4));
		}
		set(0, reg, 4, before);
	}
	EXPECT_EQ(0x56781234, get(0, PCI_VENDOR_ID, 4));
}

TEST_F(functions, bars_are_placed_side_by_side)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ((IO + 64 * i) | 1, get(i, BAR_IO, 4));
		EXPECT_EQ(MMIO + IVM_MSIX_BAR * i, get(i, BAR_MEM, 4));
		EXPECT_EQ(WHO(i) + 2, port(IO + 64 * i + 2));
		EXPECT_EQ(1, mem(MMIO + IVM_MSIX_BAR * i + 12));
	}
	EXPECT_EQ(0xffff, port(IO + 192));
	EXPECT_EQ(0xffffffff, mem(MMIO + 3 * IVM_MSIX_BAR));
	/* A place that became free is used again. */
	ivm_pci_remove(self->d[1].fn);
	EXPECT_EQ(0xffff, port(IO + 64));
	EXPECT_EQ(0xffffffff, mem(MMIO + IVM_MSIX_BAR));
	EXPECT_EQ(0xffffffff, get(1, PCI_VENDOR_ID, 4));
	self->d[1].fn = ivm_pci_add(self->pci, 6, &dummy_identity, 4, FAKE_IRQ, &self->d[1]);
	EXPECT_EQ((IO + 64) | 1, get(1, BAR_IO, 4));
	EXPECT_EQ(WHO(1), port(IO + 64));
}

TEST_F(functions, an_access_stays_within_its_bar)
{
	EXPECT_EQ(WHO(0) + 62, port(IO + 62));
	EXPECT_EQ(0xffff, port(IO + 63));
	EXPECT_EQ(0xffffffff, ivm_pci_io_window_ops.read(self->pci, IO + 61, 4));
	EXPECT_EQ(63, ivm_pci_io_window_ops.read(self->pci, IO + 63, 1));
	out_port(IO + 63, 1);
	EXPECT_EQ(0, self->d[0].writes + self->d[1].writes);
	out_port(IO + 64 + 6, 0x1234);
	EXPECT_EQ(1, self->d[1].writes);
	EXPECT_EQ(6, self->d[1].offset);
	EXPECT_EQ(2, self->d[1].size);
	EXPECT_EQ(0x1234, self->d[1].value);
	/* The edges of the windows. */
	EXPECT_EQ(0xffff, port(IO_END - 2));
	EXPECT_EQ(0xffffffff, mem(MMIO_END - 4));
	EXPECT_EQ(~0ULL, ivm_pci_mmio_window_ops.read(self->pci, MMIO_END - 8, 8));
	ivm_pci_mmio_window_ops.write(self->pci, MMIO_END - 8, 8, 0);
	out_port(IO_END - 2, 0);
}

TEST_F(functions, sizing_by_all_ones)
{
	set(0, BAR_IO, 4, 0xffffffff);
	EXPECT_EQ(0xffffffc1, get(0, BAR_IO, 4));
	set(0, BAR_MEM, 4, 0xffffffff);
	EXPECT_EQ(0xffffe000, get(0, BAR_MEM, 4));
	EXPECT_EQ(0xffff, port(IO));
	EXPECT_EQ(0xffffffff, mem(MMIO + 12));
	set(0, BAR_IO, 4, IO);
	set(0, BAR_MEM, 4, MMIO);
	EXPECT_EQ(WHO(0), port(IO));
	EXPECT_EQ(1, mem(MMIO + 12));
	set(0, PCI_BASE_ADDRESS_1, 4, 0xffffffff);
	EXPECT_EQ(0, get(0, PCI_BASE_ADDRESS_1, 4));
}

TEST_F(functions, bars_move_and_decode_inside_the_windows_only)
{
	static const u32 outside[] = { 0, 0x1000, IO - 64, IO_END, 0xffc0, 0x1c000, 0xffffffc0 };
	unsigned int i;

	set(0, BAR_IO, 4, IO_END - 64);
	EXPECT_EQ(0xffff, port(IO));
	EXPECT_EQ(WHO(0) + 62, port(IO_END - 2));
	set(0, BAR_MEM, 4, MMIO_END - IVM_MSIX_BAR);
	EXPECT_EQ(0xffffffff, mem(MMIO + 12));
	EXPECT_EQ(1, mem(MMIO_END - IVM_MSIX_BAR + 12));
	for (i = 0; i < ARRAY_SIZE(outside); i++) {
		u64 at;

		set(0, BAR_IO, 4, outside[i]);
		set(0, BAR_MEM, 4, outside[i] * 16);
		if (outside[i] == 0xffc0)	/* the last place inside */
			continue;
		for (at = IO; at < IO_END; at += 16)
			EXPECT_NE(WHO(0) & 0xff00, port(at) & 0xff00);
		for (at = MMIO + 12; at < MMIO_END; at += IVM_MSIX_BAR)
			if (at / IVM_MSIX_BAR != MMIO / IVM_MSIX_BAR + 1 && at / IVM_MSIX_BAR != MMIO / IVM_MSIX_BAR + 2)
				ASSERT_EQ(0xffffffff, mem(at));
	}
	set(0, BAR_MEM, 4, MMIO - IVM_MSIX_BAR);
	EXPECT_EQ(0xffffffff, mem(MMIO + 12));
	/* A byte at a time, as some do. */
	set(0, BAR_IO, 4, 0);
	set(0, BAR_IO + 1, 1, 0xd0);
	EXPECT_EQ(WHO(0), port(0xd000));
	set(0, BAR_IO, 1, 0x40);
	EXPECT_EQ(WHO(0), port(0xd040));
}

TEST_F(functions, of_two_at_one_place_the_lower_slot_answers)
{
	set(2, BAR_IO, 4, IO + 64);
	set(2, BAR_MEM, 4, MMIO + IVM_MSIX_BAR);
	EXPECT_EQ(WHO(1), port(IO + 64));
	ivm_pci_mmio_window_ops.write(self->pci, MMIO + IVM_MSIX_BAR, 4, 0x11111110);
	set(1, BAR_IO, 4, IO + 1024);
	set(1, BAR_MEM, 4, MMIO + 16 * IVM_MSIX_BAR);
	EXPECT_EQ(WHO(2), port(IO + 64));
	EXPECT_EQ(WHO(1), port(IO + 1024));
	EXPECT_EQ(0, mem(MMIO + IVM_MSIX_BAR));
	EXPECT_EQ(0x11111110, mem(MMIO + 16 * IVM_MSIX_BAR));
	set(0, BAR_IO, 4, IO + 64);
	EXPECT_EQ(WHO(0), port(IO + 64));
	set(0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(WHO(2), port(IO + 64));
}

TEST_F(functions, the_command_register_switches_decoding)
{
	set(0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EXPECT_EQ(0xffff, port(IO));
	EXPECT_EQ(1, mem(MMIO + 12));
	set(0, PCI_COMMAND, 2, PCI_COMMAND_IO);
	EXPECT_EQ(WHO(0), port(IO));
	EXPECT_EQ(0xffffffff, mem(MMIO + 12));
	EXPECT_FALSE(ivm_pci_bus_master(self->d[0].fn));
	set(0, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	EXPECT_TRUE(ivm_pci_bus_master(self->d[0].fn));
	EXPECT_FALSE(ivm_pci_bus_master(self->d[1].fn));
	EXPECT_EQ(3, self->d[0].commands);
	EXPECT_EQ(0, self->d[1].commands);
	EXPECT_EQ(WHO(1), port(IO + 64));
}

TEST_F(functions, the_status_register_shows_an_interrupt_while_msix_is_off)
{
	EXPECT_EQ(0, get(0, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	self->d[0].interrupt = true;
	EXPECT_NE(0, get(0, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	EXPECT_EQ(0, get(1, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
	set(0, 0x42, 2, PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(0, get(0, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT);
}

TEST_F(functions, reset_brings_back_what_was_there)
{
	u32 before[64];
	unsigned int i;

	for (i = 0; i < 64; i++)
		before[i] = get(0, 4 * i, 4);
	set(0, BAR_IO, 4, IO + 4096);
	set(0, BAR_MEM, 4, 0);
	set(0, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	set(0, 0x42, 2, PCI_MSIX_FLAGS_ENABLE);
	ivm_pci_mmio_window_ops.write(self->pci, MMIO + IVM_MSIX_BAR, 4, 0xfee00000);
	ivm_pci_mmio_window_ops.write(self->pci, MMIO + IVM_MSIX_BAR + 12, 4, 0);
	self->d[0].commands = 0;
	ivm_pci_reset(self->pci);
	EXPECT_EQ(1, self->d[0].commands);
	for (i = 0; i < 64; i++)
		EXPECT_EQ(before[i], get(0, 4 * i, 4));
	EXPECT_EQ(WHO(0), port(IO));
	EXPECT_EQ(0xffff, port(IO + 4096));
	EXPECT_EQ(0, mem(MMIO + IVM_MSIX_BAR));
	EXPECT_EQ(1, mem(MMIO + IVM_MSIX_BAR + 12));
	EXPECT_EQ(0x00081b36, get(-5, PCI_VENDOR_ID, 4));
}

TEST_F(functions, capabilities_are_chained_until_the_space_is_full)
{
	u8 body[252], cap, last = 0x40;
	unsigned int i, found = 0;
	int offset;

	memset(body, 0x77, sizeof(body));
	EXPECT_EQ(-ENOSPC, ivm_pci_capability(self->d[0].fn, body, 252));
	EXPECT_EQ(-ENOSPC, ivm_pci_capability(self->d[0].fn, body, 180));
	EXPECT_EQ(-EINVAL, ivm_pci_window(self->d[0].fn, body, 16));
	for (i = 0; ; i++) {
		body[0] = i;
		offset = ivm_pci_capability(self->d[0].fn, body, 10);
		if (offset < 0)
			break;
		EXPECT_EQ(offset, get(0, last + 1, 1));
		EXPECT_EQ(0, get(0, offset + 1, 1));
		EXPECT_EQ(0x77, get(0, offset + 12, 1));
		EXPECT_EQ(0, offset % 4);
		last = offset;
	}
	EXPECT_EQ(-ENOSPC, offset);
	EXPECT_EQ(11, i);
	for (cap = get(0, PCI_CAPABILITY_LIST, 1); cap; cap = get(0, cap + 1, 1)) {
		if (get(0, cap, 1) == PCI_CAP_ID_VNDR) {
			EXPECT_EQ(13, get(0, cap + 2, 1));
			EXPECT_EQ(found++, get(0, cap + 3, 1));
		}
	}
	EXPECT_EQ(11, found);
	EXPECT_EQ(3, get(0, 0x42, 2));	/* MSI-X is what it was */
}

TEST(what_cannot_be_added)
{
	struct ivm_pci *pci = ivm_pci_create(&ops, NULL);
	struct ivm_pci_identity bad;
	struct ivm_pci_function *fn[31];
	unsigned int i, live = shim_alloc_live();

#define add(slot, id, vectors) PTR_ERR(ivm_pci_add(pci, slot, id, vectors, FAKE_IRQ, NULL))
#define INVALID(vectors, ...) ({ bad = dummy_identity; __VA_ARGS__; EXPECT_EQ(-EINVAL, add(1, &bad, vectors)); })
	EXPECT_EQ(-EINVAL, add(0, &dummy_identity, 1));
	EXPECT_EQ(-EINVAL, add(32, &dummy_identity, 1));
	EXPECT_EQ(-EINVAL, add(1, &dummy_identity, IVM_MSIX_MAX + 1));
	INVALID(0, (void)0);		/* a BAR for MSI-X, but no vectors */
	INVALID(1, bad.msix_bar = 6);
	INVALID(1, bad.msix_bar = 0);
	INVALID(1, bad.msix_bar = 1);
	INVALID(1, bad.bar[2].size = IVM_MSIX_BAR / 2);
	INVALID(1, bad.bar[2].io = true);
	INVALID(1, bad.bar[0].size = 16);
	INVALID(1, bad.bar[0].size = 512);
	INVALID(1, bad.bar[0].size = 96);
	INVALID(1, bad.bar[0].ops = NULL);
	INVALID(1, bad.bar[1].size = 2048, bad.bar[1].ops = &dummy_ops);
	INVALID(1, bad.bar[1].size = 1U << 31, bad.bar[1].ops = &dummy_ops);
	INVALID(1, bad.bar[1].size = 4096);
	for (i = 1; i <= 2; i++) {
		shim_alloc_fail(i);
		EXPECT_EQ(-ENOMEM, add(1, &dummy_identity, 4));
		EXPECT_EQ(live, shim_alloc_live());
	}
	/* The memory window is full: nothing stays behind. */
	bad = dummy_identity;
	bad.bar[2].size = IVM_PLATFORM_PCI_MMIO_SIZE / 4;
	for (i = 0; i < 4; i++) {
		fn[i] = ivm_pci_add(pci, 1 + i, &bad, 1, FAKE_IRQ, NULL);
		ASSERT_FALSE(IS_ERR(fn[i]));
	}
	live = shim_alloc_live();
	EXPECT_EQ(-EBUSY, add(1, &dummy_identity, 1));
	EXPECT_EQ(-ENOSPC, add(5, &dummy_identity, 1));
	EXPECT_EQ(live, shim_alloc_live());
	while (i--)
		ivm_pci_remove(fn[i]);
	for (i = 0; i < 31; i++) {
		fn[i] = ivm_pci_add(pci, 1 + i, &dummy_identity, IVM_MSIX_MAX, FAKE_IRQ, NULL);
		ASSERT_FALSE(IS_ERR(fn[i]));
	}
	while (i--)
		ivm_pci_remove(fn[i]);
	ivm_pci_remove(NULL);
	ivm_pci_destroy(pci);
	EXPECT_EQ(0, shim_alloc_live());
}

/* ---- threads: one function's BAR is moved all the time, beside another's, whose doorbells all arrive ---- */

static bool over;
static struct ivm_pci *shared;

static void *mover(void *arg)
{
	unsigned int i = 0;

	while (!READ_ONCE(over)) {
		ivm_pci_bus_ops.write(shared, ADDRESS, 4, ENABLE | 5 << 11 | BAR_IO);
		ivm_pci_bus_ops.write(shared, DATA, 4, IO + 64 * (4 + i++ % 290));
	}
	return NULL;
}

TEST_F(functions, doorbells_do_not_wait_for_those_who_move_bars)
{
	pthread_t thread;
	unsigned int i;

	shared = self->pci;
	set(1, BAR_IO, 4, IO + 64 * 100);
	ASSERT_EQ(0, pthread_create(&thread, NULL, mover, NULL));
	for (i = 0; i < 300000; i++) {
		out_port(IO + 64 * 2 + i % 60, i);	/* the third function's */
		out_port(IO + 64 * 300 + 2, i);		/* nobody's */
	}
	for (i = 0; i < 300000; i++)
		out_port(IO + 64 * 2, i);
	WRITE_ONCE(over, true);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, self->d[1].writes);
	EXPECT_EQ(0, self->d[0].writes);
	EXPECT_EQ(600000, self->d[2].writes);
}

/* ---- debug exit ---- */

static u32 exit_value;
static unsigned int exits;
static void note_exit(void *ctx, u32 value) { exit_value = value; exits++; }
static const struct ivm_debug_exit_ops exit_ops = { .exit = note_exit };

TEST(debug_exit_reports_what_was_written)
{
	struct ivm_debug_exit *dev = ivm_debug_exit_create(&exit_ops, NULL);

	ASSERT_FALSE(IS_ERR(dev));
	EXPECT_EQ(0, ivm_debug_exit_bus_ops.read(dev, 0xf4, 4));
	EXPECT_EQ(0, exits);
	ivm_debug_exit_bus_ops.write(dev, 0xf4, 1, 0xffffff21);
	EXPECT_EQ(0x21, exit_value);
	ivm_debug_exit_bus_ops.write(dev, 0xf4, 2, 0xffff4321);
	EXPECT_EQ(0x4321, exit_value);
	ivm_debug_exit_bus_ops.write(dev, 0xf4, 4, 0x87654321);
	EXPECT_EQ(0x87654321, exit_value);
	ivm_debug_exit_bus_ops.write(dev, 0xf4, 4, 0);
	EXPECT_EQ(0, exit_value);
	EXPECT_EQ(4, exits);
	ivm_debug_exit_destroy(dev);
	EXPECT_EQ(0, shim_alloc_live());
}

TEST(creation_survives_lack_of_memory)
{
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_pci_create(&ops, NULL)));
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_debug_exit_create(&exit_ops, NULL)));
	ivm_pci_destroy(NULL);
	ivm_debug_exit_destroy(NULL);
}

TEST_HARNESS_MAIN
