/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest sees as hardware, interrupts apart. May call irq/, mem/ and
 * net/; what it needs from the layer above comes in ops structs.
 *
 * Register functions are called with interrupts off from a vCPU's inner loop,
 * by several vCPUs at once: each device has its own raw spinlock. Builds in
 * user space too (selftests/unit), where fuzzers run it.
 */
#ifndef IVM_DEV_H
#define IVM_DEV_H

#include <linux/types.h>

struct wait_queue_head;

/* ---- bus.c: who answers at a port or a memory address ---- */

enum ivm_bus_space { IVM_BUS_IO, IVM_BUS_MMIO };

/* @size is 1, 2, 4 or 8 (8 for MMIO only); an access never crosses the end of the claimed range. */
struct ivm_bus_ops {
	u64 (*read)(void *dev, u64 addr, unsigned int size);
	void (*write)(void *dev, u64 addr, unsigned int size, u64 value);
};

struct ivm_bus;

/* An empty bus; ERR_PTR(-ENOMEM). May sleep. */
struct ivm_bus *ivm_bus_create(void);
void ivm_bus_destroy(struct ivm_bus *bus);	/* accepts NULL */
/**
 * ivm_bus_add() - claim a range; all claims are made before the first vCPU runs
 * Return: 0, -EINVAL range wraps or is empty or leaves the space, -EBUSY overlaps a claim, -ENOMEM.
 */
int ivm_bus_add(struct ivm_bus *bus, enum ivm_bus_space space, u64 base, u64 size,
		const struct ivm_bus_ops *ops, void *dev);
/**
 * ivm_bus_read() - route a read. Return: false when nobody claims the range (an
 * access that straddles a claim's edge counts as unclaimed); *value untouched then.
 * ivm_bus_write() - likewise. No lock: the table does not change once vCPUs run.
 */
bool ivm_bus_read(struct ivm_bus *bus, enum ivm_bus_space space, u64 addr, unsigned int size, u64 *value);
bool ivm_bus_write(struct ivm_bus *bus, enum ivm_bus_space space, u64 addr, unsigned int size, u64 value);
/* Is the byte at @addr claimed? Asks nobody, touches nothing. */
bool ivm_bus_claims(struct ivm_bus *bus, enum ivm_bus_space space, u64 addr);

/* ---- console.c: bounded ring of console output, any number of readers ---- */

struct ivm_console;

struct ivm_console *ivm_console_create(void);	/* ring of IVM_CONSOLE_SIZE; ERR_PTR. May sleep */
void ivm_console_get(struct ivm_console *con);	/* reference: the VM and each open descriptor hold one */
void ivm_console_put(struct ivm_console *con);
void ivm_console_put_char(struct ivm_console *con, u8 c);	/* interrupts off; wakes readers; never blocks, never loses order */
u64 ivm_console_oldest(struct ivm_console *con);	/* position of the oldest byte kept (positions count from 0) */
u64 ivm_console_end(struct ivm_console *con);		/* position after the newest byte */
/**
 * ivm_console_copy() - copy bytes from position *pos on; a position too old is
 * moved to the oldest byte kept. *pos advances. Return: bytes copied, 0 when there are none.
 * @buf is kernel memory. Any context.
 */
size_t ivm_console_copy(struct ivm_console *con, u64 *pos, void *buf, size_t len);
/* Woken when output arrives, input space frees, or the console is hung up. */
struct wait_queue_head *ivm_console_wait(struct ivm_console *con);
void ivm_console_hangup(struct ivm_console *con, bool hung);	/* VM stopped: readers see the end; false again at next start */
bool ivm_console_hung(struct ivm_console *con);
/* Keyboard side: queue of 4096 bytes towards the UART. Return: bytes taken (0 = full). Any context. */
size_t ivm_console_type(struct ivm_console *con, const void *buf, size_t len);
size_t ivm_console_type_room(struct ivm_console *con);
bool ivm_console_typed(struct ivm_console *con, u8 *c);	/* takes one byte; any context */
/* @typed is called (any context) after ivm_console_type() stored bytes: the UART fetches them. */
void ivm_console_on_typed(struct ivm_console *con, void (*typed)(void *ctx), void *ctx);

/* ---- uart.c: 16550A at 8 ports, its output and input in a console ---- */

struct ivm_uart;
struct ivm_line_ops {
	void (*level)(void *ctx, bool level);	/* interrupt line; any context, device lock held */
};
struct ivm_uart *ivm_uart_create(struct ivm_console *con, const struct ivm_line_ops *ops, void *ctx);
void ivm_uart_destroy(struct ivm_uart *uart);	/* accepts NULL */
void ivm_uart_reset(struct ivm_uart *uart);
extern const struct ivm_bus_ops ivm_uart_bus_ops;	/* dev = struct ivm_uart, 8 ports */

/* ---- acpi.c: PM1 event and control block, PM timer, i8042 reset line ---- */

struct ivm_acpi;
struct ivm_acpi_ops {
	void (*sci)(void *ctx, bool level);	/* any context, device lock held */
	void (*power_off)(void *ctx);		/* guest wrote SLP_TYP 5 with SLP_EN; vCPU thread, interrupts off */
	void (*reset)(void *ctx);		/* guest asked for a reset; likewise */
};
struct ivm_acpi *ivm_acpi_create(const struct ivm_acpi_ops *ops, void *ctx);
void ivm_acpi_destroy(struct ivm_acpi *acpi);	/* accepts NULL */
void ivm_acpi_reset(struct ivm_acpi *acpi);
void ivm_acpi_power_button(struct ivm_acpi *acpi);	/* press; any context */
extern const struct ivm_bus_ops ivm_acpi_pm_bus_ops;	/* dev = struct ivm_acpi, ports PM1_EVT … PM_TMR: 12 at 0x600 */
extern const struct ivm_bus_ops ivm_i8042_bus_ops;	/* ports 60 and 64: absent keyboard, command FE resets */

/* ---- cmos.c: MC146818 clock at 70/71: UTC, set by the guest for the life of the VM, 113 bytes of RAM, IRQ 8 ---- */

struct ivm_cmos;
struct ivm_cmos *ivm_cmos_create(const struct ivm_line_ops *ops, void *ctx);
void ivm_cmos_destroy(struct ivm_cmos *cmos);	/* accepts NULL; may sleep */
void ivm_cmos_reset(struct ivm_cmos *cmos);
extern const struct ivm_bus_ops ivm_cmos_bus_ops;

/*
 * ---- pci.c: configuration mechanism 1 at CF8/CFC over one bus: a host bridge, and functions that
 * others add; and the reset control register: the byte at CF9 (IVM_PLATFORM_RESET_PORT) ----
 */

struct ivm_pci;
struct ivm_pci_ops {
	void (*reset)(void *ctx);	/* CF9 got RST_CPU (bit 2) 0 -> 1; vCPU thread, interrupts off */
};
struct ivm_pci *ivm_pci_create(const struct ivm_pci_ops *ops, void *ctx);
void ivm_pci_destroy(struct ivm_pci *pci);
void ivm_pci_reset(struct ivm_pci *pci);	/* also BARs and commands of all functions: as ivm_pci_add() left them */
extern const struct ivm_bus_ops ivm_pci_bus_ops;	/* 8 ports from cf8 */
/* Windows in which BARs decode, claimed as a whole; dev = struct ivm_pci. Nobody there: ones, writes ignored. */
extern const struct ivm_bus_ops ivm_pci_io_window_ops;		/* IVM_PLATFORM_PCI_IO_BASE ... */
extern const struct ivm_bus_ops ivm_pci_mmio_window_ops;	/* IVM_PLATFORM_PCI_MMIO_BASE ... */

/* ---- virtio_net.c: a network card, virtio 1.2 over PCI ---- */

struct ivm_irqchip;
struct ivm_nic_params;
struct ivm_space;
struct ivm_virtio_net;
struct ivm_why;

struct ivm_virtio_net_ops {
	/* Called by a vCPU's thread in the inner loop: it is to call ivm_virtio_net_work() soon, where it may sleep. */
	void (*defer)(void *ctx);
};

struct ivm_virtio_net_params {
	struct ivm_pci *pci;
	struct ivm_irqchip *irq;
	struct ivm_space *space;
	unsigned int slot;			/* PCI device number, 1 ... 31 */
	const struct ivm_nic_params *nic;	/* copied */
};

/* The card in reset state, its net_device plugged into the switch. ERR_PTR with @why filled. Takes rtnl, may sleep. */
struct ivm_virtio_net *ivm_virtio_net_create(const struct ivm_virtio_net_params *params,
					     const struct ivm_virtio_net_ops *ops, void *ctx, struct ivm_why *why);
/* Guest memory is not touched any more when it returns. Accepts NULL. Takes rtnl, may sleep. */
void ivm_virtio_net_destroy(struct ivm_virtio_net *card);
/*
 * Stop everything that touches guest memory, and forget the driver: before guest memory is scrubbed for a
 * reset. No vCPU runs. May sleep.
 */
void ivm_virtio_net_quiesce(struct ivm_virtio_net *card);
/*
 * Guest memory goes: goes() breaks queues whose rings lie there, gone() has pointers into it forgotten;
 * between the two the space stops telling where it is. When gone() returned, nobody uses it. No vCPU
 * runs. Likewise for the devices below.
 */
void ivm_virtio_net_memory_goes(struct ivm_virtio_net *card, u64 gpa, u64 len);
void ivm_virtio_net_memory_gone(struct ivm_virtio_net *card);
/* Send what the guest's doorbells announced. Task context, may sleep; by any vCPU's thread, several at once. Bounded work. */
void ivm_virtio_net_work(struct ivm_virtio_net *card);
/* What a driver did wrong, since the card was made. Any context. */
struct ivm_virtio_net_counts {
	u64 bad_chain;		/* frames dropped: no header, or a part that the card is to write */
	u64 bad_length;		/* ... shorter than an Ethernet header or longer than the MTU allows */
	u64 bad_csum;		/* ... checksum not negotiated, or outside of the frame */
	u64 bad_gso;		/* ... segments not negotiated, or not as the frame's headers say */
	u64 broken;		/* rings broken: the device needed a reset */
};

void ivm_virtio_net_counts(const struct ivm_virtio_net *card, struct ivm_virtio_net_counts *counts);
/* Name and index of the net_device. May sleep. */
void ivm_virtio_net_name(struct ivm_virtio_net *card, char *name, u32 *ifindex);

/* ---- virtio_mem.c, virtio_balloon.c: memory that comes and goes (virtio 1.2, 5.15 and 5.5) ---- */

/*
 * What both ask of the layer above. Task context, may sleep; from within the
 * device's work(), one call at a time. Addresses and lengths are multiples of
 * IVM_MEMORY_ALIGN, and lie in the range that the device was made for.
 */
struct ivm_room_ops {
	/* Any context: somebody is to call the device's work() soon, where it may sleep. */
	void (*defer)(void *ctx);
	/* Zeroed memory, all or nothing. 0; -ENOSPC: more than the VM is to have; -ENOMEM: the host has none. */
	int (*plug)(void *ctx, u64 gpa, u64 len);
	/* When it returns the memory is the host's again. 0; an error: it is as it was. May be all of a region: bounded by you. */
	int (*unplug)(void *ctx, u64 gpa, u64 len);
};

struct ivm_virtio_room_params {
	struct ivm_pci *pci;
	struct ivm_irqchip *irq;
	struct ivm_space *space;	/* for the queues */
	unsigned int slot;		/* PCI device number, 1 ... 31 */
};

/*
 * Memory of a region of its own, in blocks of IVM_MEMORY_ALIGN. All of it is
 * unplugged at first. The driver asks for blocks until it has what it is to have,
 * and gives others back.
 */
struct ivm_virtio_mem;

/* In reset state. ERR_PTR. May sleep. Before the first vCPU runs. @base, @size: of the region, multiples of IVM_MEMORY_ALIGN. */
struct ivm_virtio_mem *ivm_virtio_mem_create(const struct ivm_virtio_room_params *params, u64 base, u64 size,
					     const struct ivm_room_ops *ops, void *ctx);
void ivm_virtio_mem_destroy(struct ivm_virtio_mem *mem);	/* no vCPU runs, nobody is in work(); accepts NULL */
/* Forget the driver, and that any block is plugged: the layer above took them all. No vCPU runs, nobody is in work(). May sleep. */
void ivm_virtio_mem_reset(struct ivm_virtio_mem *mem);
/* Answer what the driver asked. Task context, may sleep, one caller at a time. Bounded: return true when it is to be called again. */
bool ivm_virtio_mem_work(struct ivm_virtio_mem *mem);
/*
 * What the driver is told: bytes of the region that it may use at most, and that
 * it is to have plugged; multiples of IVM_MEMORY_ALIGN. What it may use never
 * shrinks, and is at least what it is to have. Task context, one caller at a time.
 */
void ivm_virtio_mem_set(struct ivm_virtio_mem *mem, u64 usable, u64 wanted);

struct ivm_virtio_mem_info {
	bool driver;		/* one is at work */
	u64 plugged;		/* bytes */
	/* of requests, since the device was made */
	u64 acked, nacked, busy, bad;	/* bad: malformed, or about what is not so: answered ERROR */
	u64 broken;		/* rings broken: the device needed a reset */
};

void ivm_virtio_mem_info(struct ivm_virtio_mem *mem, struct ivm_virtio_mem_info *info);	/* task context */
/* See ivm_virtio_net_memory_goes(); called from within ops->unplug, too. */
void ivm_virtio_mem_memory_goes(struct ivm_virtio_mem *mem, u64 gpa, u64 len);
void ivm_virtio_mem_memory_gone(struct ivm_virtio_mem *mem);

/*
 * The memory that a VM begins with, page by page. Pages that the driver gives
 * are the host's when it has given all of a block of IVM_MEMORY_ALIGN; one that
 * it takes back brings its block back. The driver is told to tell before it uses
 * such a page again; one that does not finds no memory there.
 */
struct ivm_virtio_balloon;

/* @low, @high: bytes of memory from 0 and from IVM_MEMORY_HIGH_BASE on, multiples of IVM_MEMORY_ALIGN. Otherwise as above. */
struct ivm_virtio_balloon *ivm_virtio_balloon_create(const struct ivm_virtio_room_params *params, u64 low, u64 high,
						     const struct ivm_room_ops *ops, void *ctx);
void ivm_virtio_balloon_destroy(struct ivm_virtio_balloon *balloon);
/*
 * Forget the driver, and that any page was given: the layer above brought all blocks back. Otherwise as above.
 * (When a driver resets the device by itself, work() brings them back.)
 */
void ivm_virtio_balloon_reset(struct ivm_virtio_balloon *balloon);
bool ivm_virtio_balloon_work(struct ivm_virtio_balloon *balloon);
/* Bytes that the driver is to give. Task context, one caller at a time. */
void ivm_virtio_balloon_set(struct ivm_virtio_balloon *balloon, u64 wanted);

struct ivm_virtio_balloon_info {
	bool driver;
	u64 given;		/* bytes of pages that it gave and did not take back */
	u64 released;		/* bytes, of these, that are the host's: whole blocks */
	u64 bad;		/* pages that it does not have, gave or took twice; ignored */
	u64 denied;		/* pages that it took back, without getting them: their block could not be plugged */
	u64 broken;
	/* What the guest says of itself; asked for again whenever somebody looks here, not more often than each second. */
	bool has_stats;
	u64 total, free, available;	/* bytes; ~0ULL: it did not say */
	u64 stats_ns;		/* when, CLOCK_BOOTTIME */
};

void ivm_virtio_balloon_info(struct ivm_virtio_balloon *balloon, struct ivm_virtio_balloon_info *info);
void ivm_virtio_balloon_memory_goes(struct ivm_virtio_balloon *balloon, u64 gpa, u64 len);
void ivm_virtio_balloon_memory_gone(struct ivm_virtio_balloon *balloon);

/* ---- debugexit.c: a write of value v ends the VM with code v (isa-debug-exit convention) ---- */

struct ivm_debug_exit;
struct ivm_debug_exit_ops {
	void (*exit)(void *ctx, u32 value);	/* vCPU thread, interrupts off */
};
struct ivm_debug_exit *ivm_debug_exit_create(const struct ivm_debug_exit_ops *ops, void *ctx);
void ivm_debug_exit_destroy(struct ivm_debug_exit *dev);
extern const struct ivm_bus_ops ivm_debug_exit_bus_ops;	/* 4 ports */

#endif
