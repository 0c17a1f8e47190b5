// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtio device, by a driver that breaks each of the rules: whatever it does,
 * the device is as good as new after a reset. A network card is there; its
 * transmit queue does the work.
 */
#include "virtio.h"

static volatile u8 junk[4096] __aligned(4096);

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
		/* The other one may have broken a ring before we have looked at the status. */
		if (!check(bring_up(F_VERSION_1 | F_INDIRECT | (i & 1 ? F_EVENT_IDX : 0)) || status() & NEEDS_RESET))
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
	return device_cases(cases, ARRAY_SIZE(cases));
}
