// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio device on PCI (virtio 1.2), by a driver that keeps the rules: what it
 * looks like, its registers, queues and interrupts. Where the specification
 * leaves the device a choice, what IVM chose is checked on IVM only.
 */
#include "virtio.h"

/* ---- what it looks like ---- */

static void identity(void)
{
	u32 id = pci_read(PCI_ID, 4);

	note("%x, %u vectors, %u queues, features %lx", id, nr_vectors, get(&common, NUM_QUEUES, 2), offered());
	check(pci_read(PCI_CLASS, 1) >= 1);
	check_eq(pci_read(0x0e, 1) & 0x7f, 0);
	check(pci_read(6, 2) & 0x10);
	check(offered() & F_VERSION_1);
	check(cap_window);
	check(common.length >= 0x38);
	if (!have_ivm())
		return;
	check_eq(pci_read(PCI_PIN, 1), 0);
	check(common.io && notify.io && isr.io && !table.io);
	check(offered() & F_INDIRECT && offered() & F_EVENT_IDX);
	check_eq(notify_multiplier, 0);
}

static void bars_move(void)
{
	u32 bar = pci_read(PCI_BAR0, 4), command = pci_read(PCI_COMMAND, 2);
	u16 home = bar & ~3U, queues = get(&common, NUM_QUEUES, 2);

	if (!have_ivm())
		return;
	pci_write(PCI_COMMAND, 2, 0);
	check_eq(inw(home + NUM_QUEUES), 0xffff);
	pci_write(PCI_BAR0, 4, ~0U);
	check_eq(pci_read(PCI_BAR0, 4), 0xffffff01);
	pci_write(PCI_BAR0, 4, 0xff00);
	pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM);
	check_eq(inw(0xff00 + NUM_QUEUES), queues);
	check_eq(inw(home + NUM_QUEUES), 0xffff);
	/* Outside the window, over a device that was there before: it stays who it is. */
	pci_write(PCI_BAR0, 4, 0x300);
	check(inb(UART_PORT + 5) != 0xff);
	check_eq(inw(0xff00 + NUM_QUEUES), 0xffff);
	pci_write(PCI_BAR0, 4, 0x1ff00);
	check_eq(inw(0xff00 + NUM_QUEUES), 0xffff);
	pci_write(PCI_BAR0, 4, bar);
	check_eq(inw(home + NUM_QUEUES), queues);
	pci_write(PCI_COMMAND, 2, command);
	works_again();
}

static void window(void)
{
	u32 bar = 0;

	/* The BAR that the common configuration is in. */
	for (u8 cap = pci_read(PCI_CAPS, 1); cap; cap = pci_read(cap + 1, 1))
		if (pci_read(cap, 1) == CAP_VENDOR && pci_read(cap + 3, 1) == 1)
			bar = pci_read(cap + 4, 1);
	u32 offset = common.base - bar_place(bar, 0, 0).base;

	reset_device();
	pci_write(cap_window + 4, 1, bar);
	pci_write(cap_window + 8, 4, offset + NUM_QUEUES);
	pci_write(cap_window + 12, 4, 2);
	check_eq(pci_read(cap_window + 16, 2), get(&common, NUM_QUEUES, 2));
	pci_write(cap_window + 8, 4, offset + STATUS);
	pci_write(cap_window + 12, 4, 1);
	pci_write(cap_window + 16, 1, ACK);
	check_eq(status(), ACK);
	/* Places that are not there. */
	for (u32 i = 0; i < 256; i++) {
		pci_write(cap_window + 4, 1, i);
		pci_write(cap_window + 8, 4, i % 3 ? 0xfffffffc + i : 0x2000 * i);
		pci_write(cap_window + 12, 4, i % 7);
		pci_write(cap_window + 16, 4, 0);
		(void)pci_read(cap_window + 16, 4);
	}
	works_again();
}

/* ---- by the rules ---- */

static void features_refused(void)
{
	reset_device();
	set_status(ACK | DRIVER);
	want(F_VERSION_1 | ~offered());
	set_status(ACK | DRIVER | FEATURES_OK);
	check(!on_ivm() || !(status() & FEATURES_OK));
	if (!have_ivm())
		return;
	want(0);
	set_status(ACK | DRIVER | FEATURES_OK);
	check_eq(status(), ACK | DRIVER);
	want(F_VERSION_1);
	set_status(ACK | DRIVER | FEATURES_OK);
	check_eq(status(), ACK | DRIVER | FEATURES_OK);
	want(0);
	set(&common, GF_SELECT, 4, 1);
	check_eq(get(&common, GF, 4), 1);
	reset_device();
}

static void status_in_order(void)
{
	if (!have_ivm())
		return;
	reset_device();
	set_status(DRIVER_OK);
	check_eq(status(), 0);
	set_status(FEATURES_OK | DRIVER);
	check_eq(status(), 0);
	set_status(ACK | NEEDS_RESET);
	check_eq(status(), ACK);
	set_status(DRIVER);
	check_eq(status(), ACK | DRIVER);
	reset_device();
}

static void queue_registers(void)
{
	check(begin(F_VERSION_1));
	set(&common, Q_SELECT, 2, 0xffff);
	if (on_ivm())
		check_eq(get(&common, Q_SIZE, 2), 0);
	set(&common, Q_DESC, 4, 0xffffffff);
	set(&common, Q_ENABLE, 2, on_ivm());
	set(&common, Q_SELECT, 2, 0);
	u32 max = get(&common, Q_SIZE, 2);

	check(max && !(max & (max - 1)));
	set(&common, Q_MSIX, 2, nr_vectors);
	check_eq(get(&common, Q_MSIX, 2), 0xffff);
	set(&common, Q_MSIX, 2, 0);
	check_eq(get(&common, Q_MSIX, 2), 0);
	if (!have_ivm())
		return;
	set(&common, Q_SIZE, 2, 0);
	set(&common, Q_SIZE, 2, 3);
	set(&common, Q_SIZE, 2, max * 2);
	check_eq(get(&common, Q_SIZE, 2), max);
	queue_clear(0);
	queue_describe(0, (u64)queue[0].desc, (u64)&queue[0].avail, (u64)&queue[0].used);
	set(&common, Q_ENABLE, 2, 1);
	check_eq(get(&common, Q_ENABLE, 2), 1);
	set64(Q_DESC, 0);
	set(&common, Q_SIZE, 2, SIZE / 2);
	set(&common, Q_ENABLE, 2, 0);
	check_eq(get(&common, Q_DESC, 4), (u32)(u64)queue[0].desc);
	check_eq(get(&common, Q_SIZE, 2), SIZE);
	check_eq(get(&common, Q_ENABLE, 2), 1);
	reset_device();
	check_eq(get(&common, Q_ENABLE, 2), 0);
	check_eq(get(&common, Q_SIZE, 2), max);
}

static void sends(void)
{
	if (!have_net())
		return;
	check(bring_up(F_VERSION_1));
	for (u32 i = 0; i < 500; i++)
		if (!check(send_frame()))
			break;
}

static void sends_indirect(void)
{
	if (!have_net())
		return;
	check(bring_up(F_VERSION_1 | F_INDIRECT));
	if (!(features & F_INDIRECT)) {
		skip("not offered");
		return;
	}
	for (u32 i = 0; i < 100; i++) {
		indirect[0] = (struct desc){ (u64)frame, 12, DESC_NEXT, 1 };
		indirect[1] = (struct desc){ (u64)frame + 12, 60, 0, 0 };
		describe(TX, i % SIZE, (u64)indirect, 32, DESC_INDIRECT, 0);
		offer(TX, i % SIZE);
		ring_bell(TX);
		if (!check(wait_until(came_back(TX), 2000)))
			break;
		check_eq(queue[TX].used.ring[i % SIZE].id, i % SIZE);
		used_seen[TX]++;
	}
}

/* ---- interrupts ---- */

static bool tx_pending(void) { return get(&pba, 0, 4) >> (1 + TX) & 1; }

static void interrupts(void)
{
	u64 before;

	if (!have_net())
		return;
	check(bring_up(F_VERSION_1));
	before = irq_count(VEC_QUEUE(TX));
	check(send_frame());
	check(with_irqs(irq_count(VEC_QUEUE(TX)) > before, 2000));
	/* No, thanks. */
	queue[TX].avail.flags = 1;
	mb();
	before = irq_count(VEC_QUEUE(TX));
	check(send_frame());
	with_irqs(false, 50);
	check_eq(irq_count(VEC_QUEUE(TX)), before);
	check_eq(irq_count(VEC_QUEUE(RX)), 0);
}

static void event_index(void)
{
	u64 before;

	if (!have_net())
		return;
	check(bring_up(F_VERSION_1 | F_EVENT_IDX));
	if (!(features & F_EVENT_IDX)) {
		skip("not offered");
		return;
	}
	queue[TX].avail.event = 3;	/* tell me of the fourth */
	mb();
	before = irq_count(VEC_QUEUE(TX));
	for (u32 i = 0; i < 3; i++)
		check(send_frame());
	with_irqs(false, 50);
	check_eq(irq_count(VEC_QUEUE(TX)), before);
	check(send_frame());
	check(with_irqs(irq_count(VEC_QUEUE(TX)) == before + 1, 2000));
	check(send_frame());
	with_irqs(false, 50);
	check_eq(irq_count(VEC_QUEUE(TX)), before + 1);
}

static void masked_is_pending(void)
{
	u64 before;

	if (!have_net())
		return;
	check(bring_up(F_VERSION_1));
	before = irq_count(VEC_QUEUE(TX));
	set(&table, 16 * (1 + TX) + 12, 4, 1);
	check(send_frame());
	with_irqs(false, 50);
	check_eq(irq_count(VEC_QUEUE(TX)), before);
	check(tx_pending());
	set(&table, 16 * (1 + TX) + 12, 4, 0);
	check(with_irqs(irq_count(VEC_QUEUE(TX)) == before + 1, 2000));
	check(!tx_pending());
	/* All at once. */
	msix(MSIX_ON | MSIX_MASKALL);
	check(send_frame());
	with_irqs(false, 50);
	check_eq(irq_count(VEC_QUEUE(TX)), before + 1);
	check(tx_pending());
	msix(MSIX_ON);
	check(with_irqs(irq_count(VEC_QUEUE(TX)) == before + 2, 2000));
	check(!tx_pending());
}

/* Messages to addresses and vectors that no driver would choose hurt nobody. */
static void strange_messages(void)
{
	static const u64 address[] = {
		0, 0x1000, 0xfee00000, 0xfeeff000, 0xfee0000c, 0xfec00000, 0xe0000000, 0xfffffffc, 0x1fee00000
	};
	static const u32 data[] = { 0, 15, 0xffffffff, 0x8000, 0xc000, 0x200, 0x300, 0x600 };

	if (!have_net())
		return;
	for (u32 a = 0; a < ARRAY_SIZE(address); a++) {
		for (u32 d = 0; d < ARRAY_SIZE(data); d++) {
			/* Those that would reach us, with a vector or a mode that ends us, are our own deed. */
			if (address[a] >> 20 == 0xfee)
				continue;
			check(bring_up(F_VERSION_1));
			set(&table, 16 * (1 + TX), 4, address[a]);
			set(&table, 16 * (1 + TX) + 4, 4, address[a] >> 32);
			set(&table, 16 * (1 + TX) + 8, 4, data[d]);
			if (!check(send_frame()))
				return;
		}
	}
	works_again();
}

static void no_bus_master(void)
{
	if (!have_net())
		return;
	if (!have_ivm())
		return;
	check(bring_up(F_VERSION_1));
	pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM);
	describe(TX, 0, (u64)frame, 72, 0, 0);
	offer(TX, 0);
	ring_bell(TX);
	check(!wait_until(came_back(TX), 50));
	check(status() & NEEDS_RESET);
	works_again();
	/* Never given: it does not start. */
	check(begin(F_VERSION_1));
	pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM);
	for (u32 q = 0; q < 2; q++) {
		queue_clear(q);
		queue_describe(q, (u64)queue[q].desc, (u64)&queue[q].avail, (u64)&queue[q].used);
		set(&common, Q_ENABLE, 2, 1);
	}
	set_status(ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	describe(TX, 0, (u64)frame, 72, 0, 0);
	offer(TX, 0);
	ring_bell(TX);
	check(!wait_until(came_back(TX), 50));
	/* Late, but not too late. */
	pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM | CMD_MASTER);
	ring_bell(TX);
	check(wait_until(came_back(TX), 2000));
}

static const struct guest_case cases[] = {
	{ "identity", identity },
	{ "bars_move", bars_move },
	{ "window", window },
	{ "features_refused", features_refused },
	{ "status_in_order", status_in_order },
	{ "queue_registers", queue_registers },
	{ "sends", sends },
	{ "sends_indirect", sends_indirect },
	{ "interrupts", interrupts },
	{ "event_index", event_index },
	{ "masked_is_pending", masked_is_pending },
	{ "strange_messages", strange_messages },
	{ "no_bus_master", no_bus_master },
};

u32 guest_main(void)
{
	return device_cases(cases, ARRAY_SIZE(cases));
}
