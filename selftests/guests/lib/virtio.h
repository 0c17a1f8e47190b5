/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver of virtio 1.2 on PCI, for programs that keep its rules and for those
 * that break them: every step can be taken alone, with any number.
 */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "guest.h"

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
#define DEVICE_BALLOON	0x1045
#define DEVICE_MEM	0x1058

/* Where registers are: in ports or in memory. */
struct place {
	u64 base;	/* 0: not there */
	u32 length;
	bool io;
};

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

#define VEC_CONFIG	0x40
#define VEC_QUEUE(q)	(0x41 + (q))

#define MSIX_ON		0x8000
#define MSIX_MASKALL	0x4000

#define came_back(q)	(queue[q].used.idx != used_seen[q])

#define have_net()	needs(is_net, "no network card")
#define have_ivm()	needs(on_ivm(), "a choice of IVM's")

#define with_irqs(cond, ms) ({ sti(); bool r_ = wait_until(cond, ms); cli(); r_; })

extern struct place common, notify, isr, device, table, pba;
extern u32 notify_multiplier, nr_vectors;
extern u8 cap_msix, cap_window;

extern struct queue queue[QUEUES];
extern u32 nr_queues;			/* of those that we use */
extern u64 features;			/* negotiated */
extern u16 used_seen[QUEUES], doorbell[QUEUES];
extern u8 frame[2048], answer[64];	/* a header and a frame of ours to send */
extern struct desc indirect[80];
extern bool is_net;			/* find_device() found a network card */

/* Configuration space of the device that find_device() found. */
u32 pci_read(u8 reg, u32 size);
void pci_write(u8 reg, u32 size, u32 v);

/* Registers: 1, 2 or 4 bytes. */
u32 get(const struct place *p, u32 offset, u32 size);
void set(const struct place *p, u32 offset, u32 size, u32 v);
struct place bar_place(u32 bar, u32 offset, u32 length);

/* The nth virtio device (option device=N, 0 the first) on bus 0; interrupts of its vectors are taken and counted. */
bool find_device(void);
bool find_virtio(u16 id);		/* the first one with this PCI device id */

/* Feature bits. */
u64 offered(void);
void want(u64 f);
void set64(u32 reg, u64 v);
bool reset_device(void);
void mb(void);

/* Vectors are in the table; flags are MSIX_*. */
void program_vector(u32 v, u8 vector, u32 masked);
void msix(u16 flags);

/* Rings: forget what is in one; tell the device where one is. */
void queue_clear(u32 q);
void queue_describe(u32 q, u64 desc, u64 avail, u64 used);

/* From reset to FEATURES_OK with those features that are offered, too; and to DRIVER_OK with all queues. */
bool begin(u64 f);
bool bring_up(u64 f);

/* Make work for the device. */
void ring_bell(u32 q);
void describe(u32 q, u32 i, u64 addr, u32 len, u16 flags, u16 next);
void offer(u32 q, u16 head);

/* One frame by two descriptors: the queue works. */
bool send_frame(void);

/* What every hostile case ends with. */
void works_again(void);

/* Skips the case if not. */
bool needs(bool have, const char *what);

/* The whole of a program: finds the device and runs the cases. Return: the verdict. */
u32 device_cases(const struct guest_case *cases, u32 nr);

#endif
