// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio device on PCI (virtio 1.2), by a driver that keeps the rules, and by
 * one that breaks each of them: whatever it does, the device is as good as new
 * after a reset. A network card is there; its transmit queue does the work.
 *
 * Where the specification leaves the device a choice, what IVM chose is checked
 * on IVM only.
 */
#include "guest.h"

/* ---- PCI ---- */

#define PCI_ID		0x00
#define PCI_COMMAND	0x04
#define PCI_CLASS	0x08
#define PCI_BAR0	0x10
#define PCI_CAPS	0x34
#define PCI_PIN		0x3d
#define CMD_IO		1
#define CMD_MEM		2
#define CMD_MASTER	4
#define CAP_VENDOR	0x09
#define CAP_MSIX	0x11

#define VENDOR		0x1af4
#define DEVICE_NET	0x1041

/* Where registers are: in ports or in memory. */
struct place {
	u64 base;	/* 0: not there */
	u32 length;
	bool io;
};

static u32 devfn_address;	/* of the function, for CF8 */
static struct place common, notify, isr, device, table, pba;
static u32 notify_multiplier, nr_vectors;
static u8 cap_msix, cap_window;

static u32 pci_read(u8 reg, u32 size)
{
	outl(0xcf8, devfn_address | (reg & 0xfc));
	return size == 1 ? inb(0xcfc + reg % 4) : size == 2 ? inw(0xcfc + reg % 4) : inl(0xcfc);
}

static void pci_write(u8 reg, u32 size, u32 v)
{
	outl(0xcf8, devfn_address | (reg & 0xfc));
	if (size == 1)
		outb(0xcfc + reg % 4, v);
	else if (size == 2)
		outw(0xcfc + reg % 4, v);
	else
		outl(0xcfc, v);
}

static u32 get(const struct place *p, u32 offset, u32 size)
{
	u64 at = p->base + offset;

	if (p->io)
		return size == 1 ? inb(at) : size == 2 ? inw(at) : inl(at);
	return size == 1 ? *(volatile u8 *)at : size == 2 ? *(volatile u16 *)at : *(volatile u32 *)at;
}

static void set(const struct place *p, u32 offset, u32 size, u32 v)
{
	u64 at = p->base + offset;

	if (p->io && size == 1)
		outb(at, v);
	else if (p->io && size == 2)
		outw(at, v);
	else if (p->io)
		outl(at, v);
	else if (size == 1)
		*(volatile u8 *)at = v;
	else if (size == 2)
		*(volatile u16 *)at = v;
	else
		*(volatile u32 *)at = v;
}

static struct place bar_place(u32 bar, u32 offset, u32 length)
{
	u32 v = pci_read(PCI_BAR0 + 4 * bar, 4);
	struct place p = { .length = length, .io = v & 1 };
	u64 high = 0;

	if (!p.io && (v & 6) == 4)
		high = pci_read(PCI_BAR0 + 4 * bar + 4, 4);
	p.base = (v & (p.io ? ~3U : ~15U)) + (high << 32) + offset;
	return p;
}

static void find_structures(void)
{
	u8 cap = pci_read(PCI_CAPS, 1);

	for (u32 n = 0; cap && n < 48; n++, cap = pci_read(cap + 1, 1)) {
		struct place p = bar_place(pci_read(cap + 4, 1) % 6, pci_read(cap + 8, 4), pci_read(cap + 12, 4));

		if (pci_read(cap, 1) == CAP_MSIX) {
			u32 t = pci_read(cap + 4, 4), b = pci_read(cap + 8, 4);

			cap_msix = cap;
			nr_vectors = (pci_read(cap + 2, 2) & 0x7ff) + 1;
			table = bar_place(t & 7, t & ~7U, 16 * nr_vectors);
			pba = bar_place(b & 7, b & ~7U, 8);
		} else if (pci_read(cap, 1) == CAP_VENDOR) {
			switch (pci_read(cap + 3, 1)) {
			case 1:
				common = p;
				break;
			case 2:
				notify = p;
				notify_multiplier = pci_read(cap + 16, 4);
				break;
			case 3:
				isr = p;
				break;
			case 4:
				device = p;
				break;
			case 5:
				cap_window = cap;
				break;
			}
		}
	}
}

/* The nth virtio device (option device=N, 0 the first) on bus 0. */
static bool find_device(void)
{
	u64 nth = option_num("device", 0);

	for (u32 slot = 0; slot < 32; slot++) {
		devfn_address = 0x80000000U | slot << 11;
		u32 id = pci_read(PCI_ID, 4);

		if ((id & 0xffff) == VENDOR && id >> 16 >= 0x1040 && id >> 16 < 0x1080 && !nth--) {
			pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM | CMD_MASTER);
			find_structures();
			return common.base && notify.base && isr.base && table.base;
		}
	}
	return false;
}

/* ---- registers of the transport ---- */

#define DF_SELECT	0
#define DF		4
#define GF_SELECT	8
#define GF		12
#define MSIX_CONFIG	16
#define NUM_QUEUES	18
#define STATUS		20
#define GENERATION	21
#define Q_SELECT	22
#define Q_SIZE		24
#define Q_MSIX		26
#define Q_ENABLE	28
#define Q_NOTIFY	30
#define Q_DESC		32
#define Q_AVAIL		40
#define Q_USED		48

#define ACK		1
#define DRIVER		2
#define DRIVER_OK	4
#define FEATURES_OK	8
#define NEEDS_RESET	64

#define F_CTRL_VQ	(1UL << 17)
#define F_INDIRECT	(1UL << 28)
#define F_EVENT_IDX	(1UL << 29)
#define F_VERSION_1	(1UL << 32)

#define status()	get(&common, STATUS, 1)
#define set_status(v)	set(&common, STATUS, 1, v)

static u64 offered(void)
{
	u64 f;

	set(&common, DF_SELECT, 4, 0);
	f = get(&common, DF, 4);
	set(&common, DF_SELECT, 4, 1);
	return f | (u64)get(&common, DF, 4) << 32;
}

static void want(u64 f)
{
	set(&common, GF_SELECT, 4, 0);
	set(&common, GF, 4, f);
	set(&common, GF_SELECT, 4, 1);
	set(&common, GF, 4, f >> 32);
}

static void set64(u32 reg, u64 v)
{
	set(&common, reg, 4, v);
	set(&common, reg + 4, 4, v >> 32);
}

static bool reset_device(void)
{
	set_status(0);
	return wait_until(status() == 0, 1000);
}

/* ---- rings ---- */

#define SIZE		16		/* of the rings here */
#define DESC_NEXT	1
#define DESC_WRITE	2
#define DESC_INDIRECT	4

struct desc { u64 addr; u32 len; u16 flags, next; };
struct avail { volatile u16 flags, idx, ring[SIZE], event; };
struct used { volatile u16 flags, idx; struct { volatile u32 id, len; } ring[SIZE]; volatile u16 event; };

struct queue {
	struct desc desc[SIZE];
	struct avail avail;
	struct used used __aligned(4);
} __aligned(16);

#define QUEUES	3	/* receive, send, control */
#define RX	0
#define TX	1
#define CTRL	2

static struct queue queue[QUEUES] __aligned(4096);
static u32 nr_queues;		/* of those that we use */
static u64 features;
static u16 used_seen[QUEUES], doorbell[QUEUES];
static u8 frame[2048] __aligned(64), answer[64];
static struct desc indirect[80] __aligned(16);
static volatile u8 junk[4096] __aligned(4096);
static bool is_net;

#define VEC_CONFIG	0x40
#define VEC_QUEUE(q)	(0x41 + (q))

static void mb(void) { asm volatile("mfence" ::: "memory"); }

static void program_vector(u32 v, u8 vector, u32 masked)
{
	set(&table, 16 * v, 4, 0xfee00000 | this_cpu()->apic_id << 12);
	set(&table, 16 * v + 4, 4, 0);
	set(&table, 16 * v + 8, 4, vector);
	set(&table, 16 * v + 12, 4, masked);
}

static void msix(u16 flags) { pci_write(cap_msix + 2, 2, flags); }
#define MSIX_ON		0x8000
#define MSIX_MASKALL	0x4000

static void queue_clear(u32 q)
{
	memset(&queue[q], 0, sizeof(queue[q]));
	used_seen[q] = 0;
}

static void queue_describe(u32 q, u64 desc, u64 avail, u64 used)
{
	set(&common, Q_SELECT, 2, q);
	set(&common, Q_SIZE, 2, SIZE);
	set(&common, Q_MSIX, 2, 1 + q);
	set64(Q_DESC, desc);
	set64(Q_AVAIL, avail);
	set64(Q_USED, used);
}

/* Up to FEATURES_OK. */
static bool begin(u64 f)
{
	if (!reset_device())
		return false;
	pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM | CMD_MASTER);
	program_vector(0, VEC_CONFIG, 0);
	for (u32 q = 0; q < QUEUES && q + 1 < nr_vectors; q++)
		program_vector(1 + q, VEC_QUEUE(q), 0);
	msix(MSIX_ON);
	set_status(ACK);
	set_status(ACK | DRIVER);
	features = offered() & f;
	want(features);
	set_status(ACK | DRIVER | FEATURES_OK);
	set(&common, MSIX_CONFIG, 2, 0);
	return status() == (ACK | DRIVER | FEATURES_OK);
}

static bool bring_up(u64 f)
{
	if (!begin(f))
		return false;
	nr_queues = is_net && features & F_CTRL_VQ ? 3 : get(&common, NUM_QUEUES, 2) > 1 ? 2 : 1;
	for (u32 q = 0; q < nr_queues; q++) {
		queue_clear(q);
		queue_describe(q, (u64)queue[q].desc, (u64)&queue[q].avail, (u64)&queue[q].used);
		doorbell[q] = get(&common, Q_NOTIFY, 2);
		set(&common, Q_ENABLE, 2, 1);
	}
	set_status(ACK | DRIVER | FEATURES_OK | DRIVER_OK);
	return status() == (ACK | DRIVER | FEATURES_OK | DRIVER_OK);
}

static void ring_bell(u32 q) { set(&notify, doorbell[q] * notify_multiplier, 2, q); }

static void describe(u32 q, u32 i, u64 addr, u32 len, u16 flags, u16 next)
{
	queue[q].desc[i] = (struct desc){ addr, len, flags, next };
}

static void offer(u32 q, u16 head)
{
	struct avail *a = &queue[q].avail;

	a->ring[a->idx % SIZE] = head;
	mb();
	a->idx++;
	mb();
}

#define came_back(q)	(queue[q].used.idx != used_seen[q])

/* Our own address as source would be best; who guards it drops the frame, and that is an end of it, too. */
static void make_frame(void)
{
	memset(frame, 0, sizeof(frame));
	for (u32 i = 0; i < 6; i++)
		frame[12 + 6 + i] = device.base ? get(&device, i, 1) : 2;
	frame[12] = 2;
	frame[12 + 12] = 0x88;
	frame[12 + 13] = 0xb5;
}

/* One frame by two descriptors: the queue works. */
static bool send_frame(void)
{
	struct used *u = &queue[TX].used;
	bool ok;

	describe(TX, 0, (u64)frame, 12, DESC_NEXT, 1);
	describe(TX, 1, (u64)frame + 12, 60, 0, 0);
	offer(TX, 0);
	ring_bell(TX);
	if (!wait_until(came_back(TX), 2000))
		return false;
	ok = u->ring[used_seen[TX] % SIZE].id == 0 && (u16)(used_seen[TX] + 1) == u->idx;
	used_seen[TX]++;
	return ok;
}

/* What every hostile case ends with. */
static void works_again(void)
{
	check(bring_up(F_VERSION_1 | F_INDIRECT));
	check(send_frame());
}

static bool needs(bool have, const char *what)
{
	if (!have)
		skip(what);
	return have;
}
#define have_net()	needs(is_net, "no network card")
#define have_ivm()	needs(on_ivm(), "a choice of IVM's")

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

static void handler(struct frame *f) { apic_eoi(); }
#define with_irqs(cond, ms) ({ sti(); bool r_ = wait_until(cond, ms); cli(); r_; })

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

/* ---- against the rules ---- */

static void bad_ring_addresses(void)
{
	u64 ranges = ram_top();
	const u64 bad[] = {
		1, 0xfffffffffffffff0, 0xfffffffffffff000, 1UL << 63, 1UL << 52, (ranges - 16) | 4, ranges, ranges - 8,
		0xc0000000, APIC_BASE, 0xfec00000, 0xe0000000,
	};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		for (u32 which = 0; which < 3; which++) {
			u64 at[3] = { (u64)queue[RX].desc, (u64)&queue[RX].avail, (u64)&queue[RX].used };

			if (!check(begin(F_VERSION_1)))
				return;
			queue_clear(RX);
			at[which] = bad[i];
			queue_describe(RX, at[0], at[1], at[2]);
			set(&common, Q_ENABLE, 2, 1);
			if (on_ivm() && (bad[i] != ranges - 8 || which != 1)) {
				check_eq(get(&common, Q_ENABLE, 2), 0);
				check(status() & NEEDS_RESET);
			}
			set_status(ACK | DRIVER | FEATURES_OK | DRIVER_OK);
			set(&notify, 0, 2, RX);
		}
	}
	if (is_net)
		works_again();
}

#define TABLE	((u64)indirect)
static void a_loop(void) { describe(TX, 0, (u64)frame, 12, DESC_NEXT, 1); describe(TX, 1, (u64)frame, 12, DESC_NEXT, 0); }
static void a_short_loop(void) { describe(TX, 0, (u64)frame, 12, DESC_NEXT, 0); }
static void next_too_far(void) { describe(TX, 0, (u64)frame, 12, DESC_NEXT, 0xffff); }
static void nothing(void) { describe(TX, 0, (u64)frame, 0, 0, 0); }
static void no_ram(void) { describe(TX, 0, 1UL << 51, 72, 0, 0); }
static void half_ram(void) { describe(TX, 0, ram_top() - 8, 72, 0, 0); }
static void wrapping(void) { describe(TX, 0, 0xfffffffffffffff8, 72, 0, 0); }
static void device_memory(void) { describe(TX, 0, APIC_BASE, 72, 0, 0); }
static void endless(void) { describe(TX, 0, 0x1000, 0xffffffff, 0, 0); }
static void wrong_order(void) { describe(TX, 0, (u64)answer, 8, DESC_WRITE | DESC_NEXT, 1); describe(TX, 1, (u64)frame, 72, 0, 0); }
static void table_empty(void) { describe(TX, 0, TABLE, 0, DESC_INDIRECT, 0); }
static void table_odd(void) { describe(TX, 0, TABLE, 24, DESC_INDIRECT, 0); }
static void table_nowhere(void) { describe(TX, 0, 1UL << 51, 32, DESC_INDIRECT, 0); }
static void table_endless(void) { describe(TX, 0, TABLE, 0xfffffff0, DESC_INDIRECT, 0); }
static void table_loops(void) { indirect[0] = (struct desc){ (u64)frame, 12, DESC_NEXT, 0 };
				describe(TX, 0, TABLE, 16, DESC_INDIRECT, 0); }
static void table_in_table(void) { indirect[0] = (struct desc){ TABLE, 16, DESC_INDIRECT, 0 };
				   describe(TX, 0, TABLE, 16, DESC_INDIRECT, 0); }
static void table_and_next(void) { indirect[0] = (struct desc){ (u64)frame, 72, 0, 0 };
				   describe(TX, 0, TABLE, 16, DESC_INDIRECT | DESC_NEXT, 1); }

static void hostile_descriptors(void)
{
	static const struct { const char *name; void (*make)(void); } kinds[] = {
		{ "loop", a_loop }, { "loop of one", a_short_loop }, { "next too far", next_too_far },
		{ "empty", nothing }, { "not RAM", no_ram }, { "partly RAM", half_ram }, { "wraps", wrapping },
		{ "device memory", device_memory }, { "4 GiB", endless }, { "writable first", wrong_order },
		{ "empty table", table_empty }, { "odd table", table_odd }, { "table not RAM", table_nowhere },
		{ "endless table", table_endless }, { "table loops", table_loops }, { "table in table", table_in_table },
		{ "table and next", table_and_next },
	};

	if (!have_net())
		return;
	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		u64 before = irq_count(VEC_CONFIG);

		if (!check(bring_up(F_VERSION_1 | F_INDIRECT)))
			return;
		kinds[i].make();
		offer(TX, 0);
		ring_bell(TX);
		if (on_ivm()) {
			if (!check(wait_until(status() & NEEDS_RESET, 2000)))
				note("%s", kinds[i].name);
			check(with_irqs(irq_count(VEC_CONFIG) > before, 2000));
			/* Silence. */
			u16 idx = queue[TX].used.idx;

			describe(TX, 0, (u64)frame, 72, 0, 0);
			offer(TX, 0);
			ring_bell(TX);
			delay_us(20000);
			check_eq(queue[TX].used.idx, idx);
		} else {
			delay_us(20000);
		}
		works_again();
	}
}

static void indices_that_jump(void)
{
	static const u16 idx[] = { SIZE + 1, 0x8000, 0xffff, 1000 };

	if (!have_net())
		return;
	for (u32 i = 0; i < ARRAY_SIZE(idx); i++) {
		if (!check(bring_up(F_VERSION_1)))
			return;
		describe(TX, 0, (u64)frame, 72, 0, 0);
		queue[TX].avail.idx = idx[i];
		mb();
		ring_bell(TX);
		if (on_ivm())
			check(wait_until(status() & NEEDS_RESET, 2000));
		works_again();
	}
	/* A head that is not in the table. */
	check(bring_up(F_VERSION_1));
	offer(TX, SIZE);
	ring_bell(TX);
	if (on_ivm())
		check(wait_until(status() & NEEDS_RESET, 2000));
	works_again();
}

/* Doorbells of queues that are not there, of sizes that are none, in every state. */
static void doorbells_in_every_state(void)
{
	static const u8 state[] = { 0, ACK, ACK | DRIVER, ACK | DRIVER | FEATURES_OK, 0xf };

	for (u32 s = 0; s < ARRAY_SIZE(state); s++) {
		reset_device();
		if (s >= 3)
			check(s == 3 ? begin(F_VERSION_1) : bring_up(F_VERSION_1));
		else if (state[s])
			set_status(state[s]);
		for (u32 q = 0; q < 65536; q += q < 300 ? 1 : 4111)
			set(&notify, 0, 2, q);
		set(&notify, 0, 4, 0xffffffff);
		set(&notify, 0, 1, 1);
		check_eq(status(), state[s]);
	}
	if (is_net)
		works_again();
}

static u64 rng = 88172645463325252;
static u32 rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng >> 16;
}

static void random_accesses(const struct place *p, u32 n)
{
	while (n--) {
		u32 size = 1U << rnd() % 3, offset = p->length >= size ? rnd() % (p->length - size + 1) : 0;

		if (p->length < size)
			continue;
		if (!p->io)		/* memory-mapped registers have no odd accesses here */
			offset &= ~(size - 1);
		if (rnd() & 1)
			set(p, offset, size, rnd() & 1 ? rnd() : rnd() % 16);
		else
			(void)get(p, offset, size);
	}
}

/* In every state that the driver can bring it into. The device may access what is in the rings, and nothing else. */
static void registers_at_random(void)
{
	u32 rounds = option_num("rounds", 20);

	for (u32 i = 0; i < rounds; i++) {
		switch (i % 3) {
		case 0:
			reset_device();
			break;
		case 1:
			begin(~0UL);
			break;
		default:
			bring_up(F_VERSION_1 | F_INDIRECT | F_EVENT_IDX);
		}
		/* Rings come to lie in RAM by chance seldom enough; below 1 MiB they would hit the tables of the firmware. */
		random_accesses(&common, 300);
		set64(Q_DESC, ~0UL);
		set64(Q_USED, ~0UL);
		random_accesses(&isr, 5);
		if (device.base)
			random_accesses(&device, 50);
		random_accesses(&notify, 20);
		if (is_net)
			works_again();
	}
}

static void table_at_random(void)
{
	if (!have_net())
		return;
	check(bring_up(F_VERSION_1));
	for (u32 i = 0; i < 300; i++) {
		u32 offset = (rnd() % nr_vectors) * 16 + rnd() % 4 * 4;

		/* A message that gets through shall be one that we take. */
		switch (offset % 16) {
		case 0:
			set(&table, offset, 4, 0xfee00000 | (rnd() & 1) << 19);
			break;
		case 8:
			set(&table, offset, 4, 0x40 + rnd() % 64);
			break;
		case 12:
			set(&table, offset, 4, rnd());
			break;
		default:
			set(&table, offset, 4, rnd() % 4 ? 0 : rnd());
		}
		msix(rnd());
		if (i % 10 == 0) {
			describe(TX, 0, (u64)frame, 72, 0, 0);
			offer(TX, 0);
			ring_bell(TX);
			with_irqs(false, 1);
		}
	}
	works_again();
}

static void configuration_at_random(void)
{
	u32 bars[6];

	for (u32 i = 0; i < 6; i++)
		bars[i] = pci_read(PCI_BAR0 + 4 * i, 4);
	for (u32 i = 0; i < 500; i++) {
		u32 size = 1U << rnd() % 3, reg = rnd() & 0xff & ~(size - 1);

		/* The window writes into the device; tables of messages are for another case. */
		if (reg >= cap_window && reg < cap_window + 20U)
			continue;
		pci_write(reg, size, rnd());
		pci_write(PCI_COMMAND, 2, 0);
	}
	for (u32 i = 0; i < 6; i++)
		pci_write(PCI_BAR0 + 4 * i, 4, bars[i]);
	pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM | CMD_MASTER);
	check(get(&common, NUM_QUEUES, 2) != 0xffff);
	if (is_net)
		works_again();
}

/* Commands that are none: each is answered, or the device asks for a reset. */
static void control_queue_garbage(void)
{
	if (!have_net())
		return;
	check(bring_up(F_VERSION_1 | F_CTRL_VQ));
	if (nr_queues < 3) {
		skip("no control queue");
		return;
	}
	for (u32 i = 0; i < 400; i++) {
		u32 out = 1 + rnd() % 40, in = 1 + rnd() % 4;

		for (u32 b = 0; b < sizeof(junk); b++)
			junk[b] = b < 2 ? rnd() % 7 : rnd();
		answer[0] = 0xaa;
		describe(CTRL, 0, (u64)junk, out, DESC_NEXT, 1);
		describe(CTRL, 1, (u64)answer, in, DESC_WRITE, 0);
		if (i % 10 == 7)
			describe(CTRL, 0, (u64)junk, out, 0, 0);		/* no room for an answer */
		if (i % 10 == 8)
			describe(CTRL, 0, (u64)answer, in, DESC_WRITE, 0);	/* no command */
		offer(CTRL, 0);
		ring_bell(CTRL);
		if (!check(wait_until(came_back(CTRL) || status() & NEEDS_RESET, 2000)))
			break;
		if (status() & NEEDS_RESET) {
			check(bring_up(F_VERSION_1 | F_CTRL_VQ));
			continue;
		}
		if (i % 10 < 7)
			check(answer[0] == 0 || answer[0] == 1);
		used_seen[CTRL]++;
	}
	works_again();
}

/* ---- from several vCPUs at once ---- */

static volatile bool over;

static void ring_all(void *arg)
{
	for (u32 i = 0; !over; i++) {
		ring_bell(i % 3);
		(void)get(&common, STATUS, 1);
	}
}

static void scribble(void *arg)
{
	u64 x = 1;

	while (!over) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		switch (x & 3) {
		case 0:
			queue[TX].desc[x >> 8 & 15].flags = x >> 16 & 7;
			queue[TX].desc[x >> 8 & 15].next = x >> 20 & 15;
			break;
		case 1:		/* readable buffers stay in our own memory */
			queue[TX].desc[x >> 8 & 15].addr = (u64)frame + (x >> 16 & 511);
			queue[TX].desc[x >> 8 & 15].len = x >> 32 & 2047;
			break;
		case 2:
			queue[TX].avail.ring[x >> 8 & 15] = x >> 16 & 15;
			break;
		default:
			queue[TX].avail.idx += x >> 16 & 7;
		}
		if (!(x >> 40 & 15))
			ring_bell(TX);
	}
}

static void with_another_vcpu(void (*fn)(void *), u32 rounds)
{
	if (!have_net())
		return;
	if (smp_start() < 2) {
		skip("one vCPU");
		return;
	}
	over = false;
	smp_call(1, fn, NULL);
	for (u32 i = 0; i < rounds; i++) {
		if (!check(bring_up(F_VERSION_1 | F_INDIRECT | (i & 1 ? F_EVENT_IDX : 0))))
			break;
		for (u32 n = 0; n < 20; n++) {
			describe(TX, n % SIZE, (u64)frame, 72, 0, 0);
			offer(TX, n % SIZE);
			ring_bell(TX);
		}
	}
	over = true;
	check(smp_wait(1, 5000));
	works_again();
}

static void reset_under_load(void) { with_another_vcpu(ring_all, option_num("resets", 100)); }
static void rings_that_change(void) { with_another_vcpu(scribble, option_num("resets", 100)); }

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
	{ "bad_ring_addresses", bad_ring_addresses },
	{ "hostile_descriptors", hostile_descriptors },
	{ "indices_that_jump", indices_that_jump },
	{ "doorbells_in_every_state", doorbells_in_every_state },
	{ "registers_at_random", registers_at_random },
	{ "table_at_random", table_at_random },
	{ "configuration_at_random", configuration_at_random },
	{ "control_queue_garbage", control_queue_garbage },
	{ "reset_under_load", reset_under_load },
	{ "rings_that_change", rings_that_change },
};

u32 guest_main(void)
{
	if (!find_device()) {
		print("Bail out! no virtio device on the bus\n");
		return VERDICT_FAIL;
	}
	is_net = pci_read(PCI_ID, 4) >> 16 == DEVICE_NET;
	apic_enable();
	for (u32 v = VEC_CONFIG; v < VEC_CONFIG + 64; v++)
		set_irq(v, handler);
	make_frame();
	return RUN_CASES("P8", cases);
}
