// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c kmod/dev/debugexit.c selftests/unit/fake_irq.c */
#include "unit.h"

#include <linux/err.h>
#include <linux/kernel.h>

#include "dev/dev.h"

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
