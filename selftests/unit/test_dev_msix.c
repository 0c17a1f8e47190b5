// SPDX-License-Identifier: GPL-2.0-only
/* MSI-X: every combination of masks and bus mastering, sent or pending, by the words of PCI 3.0, 6.8.2. */
/* sources: kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c selftests/unit/fake_irq.c */
#include "unit.h"

#include <pthread.h>

#include <linux/err.h>
#include <linux/ivm.h>
#include <linux/kernel.h>
#include <linux/pci_regs.h>

#include "dev/pci_function.h"
#include "fake_irq.h"

#define VECTORS	70	/* pending bits in three words */
#define TABLE	IVM_PLATFORM_PCI_MMIO_BASE
#define PBA	(IVM_PLATFORM_PCI_MMIO_BASE + 0x1000)
#define CONTROL	0x42
#define ON	PCI_MSIX_FLAGS_ENABLE
#define ALL	PCI_MSIX_FLAGS_MASKALL

static void no_reset(void *ctx) { }
static const struct ivm_pci_ops ops = { .reset = no_reset };
static const struct ivm_pci_identity identity = { .bar = { { .size = IVM_MSIX_BAR } } };

FIXTURE(msix) { struct ivm_pci *pci; struct ivm_pci_function *fn; };
FIXTURE_SETUP(msix)
{
	self->pci = ivm_pci_create(&ops, NULL);
	ASSERT_FALSE(IS_ERR(self->pci));
	self->fn = ivm_pci_add(self->pci, 1, &identity, VECTORS, FAKE_IRQ, NULL);
	ASSERT_FALSE(IS_ERR(self->fn));
}
FIXTURE_TEARDOWN(msix)
{
	ivm_pci_remove(self->fn);
	ivm_pci_destroy(self->pci);
	EXPECT_EQ(0, shim_alloc_live());
}

static void config(struct ivm_pci *pci, u8 reg, u16 value)
{
	ivm_pci_bus_ops.write(pci, 0xcf8, 4, 0x80000800U | (reg & 0xfc));
	ivm_pci_bus_ops.write(pci, 0xcfc + reg % 4, 2, value);
}

#define load(addr, size)	ivm_pci_mmio_window_ops.read(self->pci, addr, size)
#define store(addr, size, v)	ivm_pci_mmio_window_ops.write(self->pci, addr, size, v)
#define entry(v)		(TABLE + 16 * (v))
#define mask(v, on)		store(entry(v) + 12, 4, on)
#define control(flags)		config(self->pci, CONTROL, flags)
#define master(on)		config(self->pci, PCI_COMMAND, PCI_COMMAND_MEMORY | ((on) ? PCI_COMMAND_MASTER : 0))
#define program(v) ({						\
	store(entry(v), 8, 0xfee01000);				\
	store(entry(v) + 8, 4, 0x100 + (v));			\
	mask(v, 0);						\
})
#define sent(v)			fake_irq_take(0xfee01000, 0x100 + (v))
#define pending(v)		(load(PBA + (v) / 32 * 4, 4) >> (v) % 32 & 1)

TEST_F(msix, all_is_masked_at_first)
{
	unsigned int v;

	EXPECT_EQ(VECTORS, ivm_msix_vectors(self->fn));
	EXPECT_FALSE(ivm_msix_enabled(self->fn));
	for (v = 0; v < VECTORS; v++) {
		EXPECT_EQ(0, load(entry(v), 8));
		EXPECT_EQ(1ULL << 32, load(entry(v) + 8, 8));
	}
	for (; v < 256; v++) {
		EXPECT_EQ(0, load(entry(v) + 8, 8));	/* not there */
		store(entry(v) + 8, 8, ~0ULL);
		EXPECT_EQ(0, load(entry(v) + 8, 8));
	}
	EXPECT_EQ(0, load(PBA, 8));
}

TEST_F(msix, the_table_keeps_what_it_is_made_for)
{
	store(entry(3), 4, 0xffffffff);
	EXPECT_EQ(0xfffffffc, load(entry(3), 4));
	store(entry(3) + 4, 4, 0x12345678);
	store(entry(3) + 8, 4, 0x9abcdef0);
	store(entry(3) + 12, 4, 0xfffffffe);
	EXPECT_EQ(0x12345678fffffffcULL, load(entry(3), 8));
	EXPECT_EQ(0x9abcdef0, load(entry(3) + 8, 8));
	store(entry(3) + 8, 8, 0xffffffff00000001ULL);
	EXPECT_EQ(1, load(entry(3) + 8, 4));
	EXPECT_EQ(1, load(entry(3) + 12, 4));
	EXPECT_EQ(0, load(entry(2), 8));
	EXPECT_EQ(0, load(entry(4), 8));
	/* Pending bits are not for writing, and there is nothing behind them. */
	store(PBA, 8, ~0ULL);
	EXPECT_EQ(0, load(PBA, 8));
	store(PBA + 0x20, 8, ~0ULL);
	EXPECT_EQ(0, load(PBA + 0x20, 8));
	EXPECT_EQ(0, load(TABLE + IVM_MSIX_BAR - 8, 8));
}

TEST_F(msix, other_accesses_do_nothing)
{
	store(entry(0), 4, 0xfee00000);
	store(entry(0), 1, 0xff);
	store(entry(0), 2, 0xffff);
	store(entry(0) + 2, 4, 0xffffffff);
	store(entry(0) + 4, 8, ~0ULL);
	EXPECT_EQ(0xfee00000, load(entry(0), 8));
	EXPECT_EQ(0, load(entry(0), 1));
	EXPECT_EQ(0, load(entry(0), 2));
	EXPECT_EQ(0, load(entry(0) + 2, 4));
	EXPECT_EQ(0, load(entry(0) + 4, 8));
}

/* Enabled, function mask, vector mask, bus master: what becomes of a message, and when it is sent in the end. */
TEST_F(msix, every_combination)
{
	unsigned int c, v = 65;
	bool on, all, one, bus;

	for (c = 0; c < 16; c++) {
		on = c & 1;
		all = c & 2;
		one = c & 4;
		bus = c & 8;
		control(0);
		program(v);
		mask(v, one);
		master(bus);
		control((on ? ON : 0) | (all ? ALL : 0));
		ivm_msix_raise(self->fn, v);
		ivm_msix_raise(self->fn, v);
		EXPECT_EQ(on && !all && !one && bus ? 2 : 0, sent(v));
		EXPECT_EQ(on && (all || one || !bus), pending(v));
		EXPECT_EQ(on, ivm_msix_enabled(self->fn));
		/* Opened in this order: sent once, by the last of them that was shut. */
		mask(v, 0);
		EXPECT_EQ(on && one && !all && bus ? 1 : 0, sent(v));
		control((on ? ON : 0));
		EXPECT_EQ(on && all && bus ? 1 : 0, sent(v));
		master(1);
		EXPECT_EQ(on && !bus ? 1 : 0, sent(v));
		EXPECT_EQ(0, pending(v));
		control(ON);
		EXPECT_EQ(0, sent(v));
		EXPECT_EQ(0, fake_irq_take_all());
	}
}

TEST_F(msix, vectors_are_on_their_own)
{
	unsigned int v;

	master(1);
	control(ON | ALL);
	for (v = 0; v < VECTORS; v++)
		program(v);
	for (v = 0; v < VECTORS; v += 3)
		ivm_msix_raise(self->fn, v);
	EXPECT_EQ(0x9249249249249249ULL, load(PBA, 8));
	EXPECT_EQ(0x24, load(PBA + 8, 8));
	mask(3, 1);
	control(ON);
	for (v = 0; v < VECTORS; v++)
		EXPECT_EQ(v % 3 == 0 && v != 3, sent(v));
	EXPECT_EQ(8, load(PBA, 8));
	EXPECT_EQ(0, load(PBA + 8, 8));
	mask(3, 0);
	EXPECT_EQ(1, sent(3));
}

TEST_F(msix, what_was_pending_is_forgotten_when_it_is_disabled)
{
	master(1);
	program(0);
	mask(0, 1);
	control(ON);
	ivm_msix_raise(self->fn, 0);
	EXPECT_EQ(1, pending(0));
	control(0);
	EXPECT_EQ(0, pending(0));
	control(ON);
	mask(0, 0);
	EXPECT_EQ(0, fake_irq_take_all());
}

TEST_F(msix, a_message_goes_where_the_table_says_when_it_is_sent)
{
	master(1);
	program(0);
	mask(0, 1);
	control(ON);
	ivm_msix_raise(self->fn, 0);
	store(entry(0) + 8, 4, 0x4242);
	mask(0, 0);
	EXPECT_EQ(1, fake_irq_take(0xfee01000, 0x4242));
	/* Not an address of interrupts: gone. */
	store(entry(0), 4, 0x1000);
	ivm_msix_raise(self->fn, 0);
	store(entry(0), 4, 0xfee01000);
	store(entry(0) + 4, 4, 1);
	ivm_msix_raise(self->fn, 0);
	EXPECT_EQ(0, fake_irq_take_all());
	EXPECT_EQ(0, pending(0));
}

TEST_F(msix, vectors_that_are_not_there)
{
	master(1);
	control(ON);
	ivm_msix_raise(self->fn, VECTORS);
	ivm_msix_raise(self->fn, IVM_MSIX_NONE);
	ivm_msix_raise(self->fn, ~0U);
	EXPECT_EQ(0, fake_irq_take_all());
}

TEST(a_function_without)
{
	static const struct ivm_pci_identity none;
	struct ivm_pci *pci = ivm_pci_create(&ops, NULL);
	struct ivm_pci_function *fn = ivm_pci_add(pci, 1, &none, 0, FAKE_IRQ, NULL);

	ASSERT_FALSE(IS_ERR(fn));
	EXPECT_EQ(0, ivm_msix_vectors(fn));
	EXPECT_FALSE(ivm_msix_enabled(fn));
	ivm_msix_raise(fn, 0);
	config(pci, CONTROL, ON);
	EXPECT_FALSE(ivm_msix_enabled(fn));
	ivm_pci_reset(pci);
	ivm_pci_bus_ops.write(pci, 0xcf8, 4, 0x80000800U);
	EXPECT_EQ(0, ivm_pci_bus_ops.read(pci, 0xcfe, 2));
	ivm_pci_bus_ops.write(pci, 0xcf8, 4, 0x80000804U);
	EXPECT_EQ(0, ivm_pci_bus_ops.read(pci, 0xcfe, 2));	/* no capabilities */
	ivm_pci_remove(fn);
	ivm_pci_destroy(pci);
}

/* ---- threads: whatever is masked meanwhile, after the last raise one message more comes ---- */

#define RAISES	100000

static unsigned int raised;

static void *raiser(void *arg)
{
	unsigned int i;

	for (i = 0; i < RAISES; i++) {
		ivm_msix_raise(arg, 1);
		__atomic_fetch_add(&raised, 1, __ATOMIC_SEQ_CST);
		if (i % 16 == 0)
			sched_yield();
	}
	return NULL;
}

TEST_F(msix, no_message_is_lost_while_masks_change)
{
	unsigned int i, before, got = 0, rounds = 0;
	pthread_t thread;

	master(1);
	program(1);
	control(ON);
	ASSERT_EQ(0, pthread_create(&thread, NULL, raiser, self->fn));
	for (i = 0; __atomic_load_n(&raised, __ATOMIC_SEQ_CST) < RAISES; i++) {
		switch (i % 3) {
		case 0:
			mask(1, 1);
			break;
		case 1:
			control(ON | ALL);
			break;
		case 2:
			master(0);
			break;
		}
		fake_irq_take_all();
		before = __atomic_load_n(&raised, __ATOMIC_SEQ_CST);
		sched_yield();
		/* Shut is shut. */
		ASSERT_EQ(0, sent(1));
		if (__atomic_load_n(&raised, __ATOMIC_SEQ_CST) != before)
			rounds++;
		before = __atomic_load_n(&raised, __ATOMIC_SEQ_CST) != before;
		mask(1, 0);
		control(ON);
		master(1);
		got = sent(1);
		ASSERT_TRUE(!before || got);
	}
	pthread_join(thread, NULL);
	EXPECT_GT(rounds, 10);
	EXPECT_EQ(0, pending(1));
}

TEST_HARNESS_MAIN
