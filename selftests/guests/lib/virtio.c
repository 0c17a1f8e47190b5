// SPDX-License-Identifier: GPL-2.0-only
#include "virtio.h"

/* ---- PCI ---- */

static u32 devfn_address;	/* of the function, for CF8 */
struct place common, notify, isr, device, table, pba;
u32 notify_multiplier, nr_vectors;
u8 cap_msix, cap_window;

struct queue queue[QUEUES] __aligned(4096);
u32 nr_queues;
u64 features;
u16 used_seen[QUEUES], doorbell[QUEUES];
u8 frame[2048] __aligned(64), answer[64];
struct desc indirect[80] __aligned(16);
bool is_net;

u32 pci_read(u8 reg, u32 size)
{
	outl(0xcf8, devfn_address | (reg & 0xfc));
	return size == 1 ? inb(0xcfc + reg % 4) : size == 2 ? inw(0xcfc + reg % 4) : inl(0xcfc);
}

void pci_write(u8 reg, u32 size, u32 v)
{
	outl(0xcf8, devfn_address | (reg & 0xfc));
	if (size == 1)
		outb(0xcfc + reg % 4, v);
	else if (size == 2)
		outw(0xcfc + reg % 4, v);
	else
		outl(0xcfc, v);
}

u32 get(const struct place *p, u32 offset, u32 size)
{
	u64 at = p->base + offset;

	if (p->io)
		return size == 1 ? inb(at) : size == 2 ? inw(at) : inl(at);
	return size == 1 ? *(volatile u8 *)at : size == 2 ? *(volatile u16 *)at : *(volatile u32 *)at;
}

void set(const struct place *p, u32 offset, u32 size, u32 v)
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

struct place bar_place(u32 bar, u32 offset, u32 length)
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

static void handler(struct frame *f) { apic_eoi(); }

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

static bool take_device(u16 id)
{
	pci_write(PCI_COMMAND, 2, CMD_IO | CMD_MEM | CMD_MASTER);
	common = notify = isr = device = table = pba = (struct place){ };
	find_structures();
	is_net = id == DEVICE_NET;
	make_frame();
	apic_enable();
	for (u32 v = VEC_CONFIG; v < VEC_CONFIG + 64; v++)
		set_irq(v, handler);
	return common.base && notify.base && isr.base && table.base;
}

/* The nth of bus 0 that has this id, 0 the first. */
static bool find(u16 want, u64 nth)
{
	for (u32 slot = 0; slot < 32; slot++) {
		devfn_address = 0x80000000U | slot << 11;
		u32 id = pci_read(PCI_ID, 4);

		if ((id & 0xffff) == VENDOR && id >> 16 >= 0x1040 && id >> 16 < 0x1080 &&
		    (!want || id >> 16 == want) && !nth--)
			return take_device(id >> 16);
	}
	return false;
}

bool find_device(void) { return find(0, option_num("device", 0)); }
bool find_virtio(u16 id) { return find(id, 0); }

/* ---- registers of the transport ---- */

u64 offered(void)
{
	u64 f;

	set(&common, DF_SELECT, 4, 0);
	f = get(&common, DF, 4);
	set(&common, DF_SELECT, 4, 1);
	return f | (u64)get(&common, DF, 4) << 32;
}

void want(u64 f)
{
	set(&common, GF_SELECT, 4, 0);
	set(&common, GF, 4, f);
	set(&common, GF_SELECT, 4, 1);
	set(&common, GF, 4, f >> 32);
}

void set64(u32 reg, u64 v)
{
	set(&common, reg, 4, v);
	set(&common, reg + 4, 4, v >> 32);
}

bool reset_device(void)
{
	set_status(0);
	return wait_until(status() == 0, 1000);
}

/* ---- rings ---- */


void mb(void) { asm volatile("mfence" ::: "memory"); }

void program_vector(u32 v, u8 vector, u32 masked)
{
	set(&table, 16 * v, 4, 0xfee00000 | this_cpu()->apic_id << 12);
	set(&table, 16 * v + 4, 4, 0);
	set(&table, 16 * v + 8, 4, vector);
	set(&table, 16 * v + 12, 4, masked);
}

void msix(u16 flags) { pci_write(cap_msix + 2, 2, flags); }

void queue_clear(u32 q)
{
	memset(&queue[q], 0, sizeof(queue[q]));
	used_seen[q] = 0;
}

void queue_describe(u32 q, u64 desc, u64 avail, u64 used)
{
	set(&common, Q_SELECT, 2, q);
	set(&common, Q_SIZE, 2, SIZE);
	set(&common, Q_MSIX, 2, 1 + q);
	set64(Q_DESC, desc);
	set64(Q_AVAIL, avail);
	set64(Q_USED, used);
}

/* Up to FEATURES_OK. */
bool begin(u64 f)
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

bool bring_up(u64 f)
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

void ring_bell(u32 q) { set(&notify, doorbell[q] * notify_multiplier, 2, q); }

void describe(u32 q, u32 i, u64 addr, u32 len, u16 flags, u16 next)
{
	queue[q].desc[i] = (struct desc){ addr, len, flags, next };
}

void offer(u32 q, u16 head)
{
	struct avail *a = &queue[q].avail;

	a->ring[a->idx % SIZE] = head;
	mb();
	a->idx++;
	mb();
}

/* One frame by two descriptors: the queue works. */
bool send_frame(void)
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
void works_again(void)
{
	check(bring_up(F_VERSION_1 | F_INDIRECT));
	check(send_frame());
}

bool needs(bool have, const char *what)
{
	if (!have)
		skip(what);
	return have;
}

u32 device_cases(const struct guest_case *cases, u32 nr)
{
	if (!find_device()) {
		print("Bail out! no virtio device on the bus\n");
		return VERDICT_FAIL;
	}
	return run_cases("P8", cases, nr);
}
