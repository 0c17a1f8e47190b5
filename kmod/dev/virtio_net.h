/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network card, virtio 1.2 section 5.1. Private to virtio_net*.c, of which
 * each is one subject:
 *
 *   virtio_net.c		the card: features, configuration, life
 *   virtio_net_hdr.c		the header before each frame; pure functions
 *   virtio_net_flow.c		which pair of queues a frame belongs to; pure too
 *   virtio_net_tx.c		from the guest to the switch
 *   virtio_net_rx.c		from the switch to the guest
 *   virtio_net_filter.c	what the guest wants to receive
 *   virtio_net_ctrl.c		commands of the control queue
 *   virtio_net_skb.c		all that needs to know what an skb is
 *
 * Who may touch what is in virtio_net.c.
 */
#ifndef IVM_DEV_VIRTIO_NET_H
#define IVM_DEV_VIRTIO_NET_H

#include "dev.h"
#include "virtio.h"
#include "../net/net.h"

#include <linux/mutex.h>
#include <linux/seqlock.h>
#include <linux/workqueue.h>

/* ---- words of the standard ---- */

/* Feature bits, 5.1.3 */
#define VNET_F_CSUM			BIT_ULL(0)
#define VNET_F_GUEST_CSUM		BIT_ULL(1)
#define VNET_F_CTRL_GUEST_OFFLOADS	BIT_ULL(2)
#define VNET_F_MTU			BIT_ULL(3)
#define VNET_F_MAC			BIT_ULL(5)
#define VNET_F_GUEST_TSO4		BIT_ULL(7)
#define VNET_F_GUEST_TSO6		BIT_ULL(8)
#define VNET_F_GUEST_ECN		BIT_ULL(9)
#define VNET_F_HOST_TSO4		BIT_ULL(11)
#define VNET_F_HOST_TSO6		BIT_ULL(12)
#define VNET_F_HOST_ECN			BIT_ULL(13)
#define VNET_F_MRG_RXBUF		BIT_ULL(15)
#define VNET_F_STATUS			BIT_ULL(16)
#define VNET_F_CTRL_VQ			BIT_ULL(17)
#define VNET_F_CTRL_RX			BIT_ULL(18)
#define VNET_F_CTRL_VLAN		BIT_ULL(19)
#define VNET_F_CTRL_RX_EXTRA		BIT_ULL(20)
#define VNET_F_GUEST_ANNOUNCE		BIT_ULL(21)
#define VNET_F_MQ			BIT_ULL(22)
#define VNET_F_CTRL_MAC_ADDR		BIT_ULL(23)
#define VNET_F_GUEST_USO4		BIT_ULL(54)
#define VNET_F_GUEST_USO6		BIT_ULL(55)
#define VNET_F_HOST_USO			BIT_ULL(56)
#define VNET_F_SPEED_DUPLEX		BIT_ULL(63)

/* What the guest may be given; what CTRL_GUEST_OFFLOADS switches, 5.1.6.5.6 */
#define VNET_F_GUEST_OFFLOADS	(VNET_F_GUEST_CSUM | VNET_F_GUEST_TSO4 | VNET_F_GUEST_TSO6 | VNET_F_GUEST_ECN | \
				 VNET_F_GUEST_USO4 | VNET_F_GUEST_USO6)

/* Configuration, 5.1.4 */
#define VNET_S_LINK_UP		1
#define VNET_S_ANNOUNCE		2
#define VNET_CONFIG_SIZE	20	/* to duplex, rounded up */

/* Header, 5.1.6 */
#define VNET_HDR_NEEDS_CSUM	1
#define VNET_HDR_DATA_VALID	2
#define VNET_HDR_GSO_ECN	0x80

struct ivm_vnet_hdr {
	u8 flags;
	u8 gso_type;		/* enum ivm_gso, VNET_HDR_GSO_ECN */
	__le16 hdr_len;
	__le16 gso_size;
	__le16 csum_start;
	__le16 csum_offset;
	__le16 num_buffers;
};

/* ---- numbers of ours ---- */

#define IVM_VNET_QUEUE_SIZE	512
/* Greatest frame: 65550 bytes are what 5.1.6.3.1 makes a driver provide that takes segments. */
#define IVM_VNET_FRAME_MAX	65550U
/* Least payload of a segment: no TCP goes below 48 bytes less 40 of options. Keeps one frame from becoming 65535. */
#define IVM_VNET_GSO_SIZE_MIN	8
#define IVM_VNET_MACS_MAX	64	/* of each kind in the receive filter; more than these: all */
/* Work at a time, then others get their turn. */
#define IVM_VNET_BUDGET_FRAMES	64
#define IVM_VNET_BUDGET_BYTES	(256 * 1024)
#define IVM_VNET_BUDGET_COMMANDS	16

/* Why a frame of the guest's was dropped: what ivm_vnet_hdr_check() says, and what is counted. */
enum ivm_vnet_bad {
	IVM_VNET_FINE,
	IVM_VNET_BAD_CHAIN,	/* no room for a header, or a part that we are to write */
	IVM_VNET_BAD_LENGTH,	/* shorter than an Ethernet header, longer than the MTU allows */
	IVM_VNET_BAD_CSUM,	/* checksum not negotiated, or outside of the frame */
	IVM_VNET_BAD_GSO,	/* segments not negotiated, or not what the headers say */
	IVM_VNET_BADS,
};

/*
 * What the guest wants to receive. Readers are on their way through deliver()
 * on any CPU, hence the seqlock; VLANs and flags are single words.
 */
struct ivm_vnet_filter {
	seqlock_t lock;				/* over nr and mac */
	unsigned long flags;			/* by bit, enum ivm_vnet_rx_flag */
	unsigned int nr[2];			/* unicast, multicast */
	u8 mac[2][IVM_VNET_MACS_MAX][ETH_ALEN];
	DECLARE_BITMAP(vlan, 4096);
};

/* Numbers of VIRTIO_NET_CTRL_RX's commands, then ours: the table was too long to keep. */
enum ivm_vnet_rx_flag {
	IVM_VNET_RX_PROMISC,
	IVM_VNET_RX_ALLMULTI,
	IVM_VNET_RX_ALLUNI,
	IVM_VNET_RX_NOMULTI,
	IVM_VNET_RX_NOUNI,
	IVM_VNET_RX_NOBCAST,
	IVM_VNET_RX_FLAGS,
	IVM_VNET_RX_MANY_UNI = IVM_VNET_RX_FLAGS,
	IVM_VNET_RX_MANY_MULTI,
	IVM_VNET_RX_VLANS,	/* tagged frames are filtered */
};

/* (l) vq->lock  (b) whoever has set IVM_VNET_TX_BUSY  (c) constant */
struct ivm_vnet_tx {
	struct ivm_vq *vq;		/* (c) */
	struct ivm_virtio_net *card;	/* (c) */
	unsigned int index;		/* (c) of the pair */
	unsigned long busy;		/* bit 0: somebody is at work here */
	bool open;			/* (l) between start() and stop() */
	struct work_struct work;	/* goes on where nobody's vCPU does */
	u64 bad[IVM_VNET_BADS];		/* (b) written, read by anybody */
	struct ivm_chain chain;		/* (b) */
	u8 head[IVM_FRAME_HEAD];	/* (b) */
};

/* (l) vq->lock  (c) constant */
struct ivm_vnet_rx {
	struct ivm_vq *vq;		/* (c) */
	struct ivm_virtio_net *card;	/* (c) */
	unsigned int index;		/* (c) of the pair */
	bool open;			/* (l) between start() and stop() */
	bool starved;			/* (l) a sender waits for room */
	struct ivm_room room;		/* (l) for the frame that is being written */
};

/*
 * (c) constant once created  (a) atomic, or single words read and written by anybody
 * (s) written by start(), which nothing else runs beside that is open  (k) ctrl->lock  (m) driver_lock
 */
struct ivm_virtio_net {
	const struct ivm_virtio_net_ops *ops;	/* (c) */
	void *ctx;				/* (c) */
	struct ivm_virtio *virtio;		/* (c) */
	struct ivm_nic *nic;			/* (c) */
	unsigned int nr_pairs;			/* (c) */
	unsigned int mtu;			/* (c) */
	u8 mac[ETH_ALEN];			/* (c) */

	bool shut;				/* (a) nothing of the guest's may be used: no driver, or it broke a ring */
	bool up;				/* (a) a driver is there */
	bool dying;				/* (a) no more work may be queued */
	unsigned int pairs;			/* (a) in use, 1 ... nr_pairs */
	unsigned long features;			/* (a) negotiated, for as long as a driver is there */
	unsigned long offloads;			/* (a) of VNET_F_GUEST_OFFLOADS, those that are on */
	unsigned long pending;			/* (a) by queue, and IVM_VNET_PENDING_DRIVER: somebody is to look */
	atomic_t status;			/* (a) of the configuration */
	atomic_t broken;			/* (a) how often a driver broke a ring */

	struct mutex driver_lock;		/* what the switch was told last */
	bool told;				/* (m) */
	struct work_struct work;		/* all but sending */

	struct ivm_vnet_filter filter;
	struct ivm_vq *ctrl;			/* (s) NULL: none negotiated */
	unsigned int ctrl_index;		/* (s) */
	bool ctrl_open;				/* (k) between start() and stop() */
	bool ctrl_tell;				/* (k) a command changed what the switch is to know */
	struct ivm_chain ctrl_chain;		/* (k) */
	u8 ctrl_mac[2][IVM_VNET_MACS_MAX][ETH_ALEN];	/* (k) of a table that is not known to be whole yet */

	struct ivm_vnet_rx *rx;			/* (c) nr_pairs of each */
	struct ivm_vnet_tx *tx;			/* (c) */
};

/* In ->pending beside the queues. */
#define IVM_VNET_PENDING_DRIVER	63

/* Queues alternate: receiveq1, transmitq1, ... (5.1.2). */
static inline unsigned int ivm_vnet_rx_queue(unsigned int pair)
{
	return 2 * pair;
}

static inline unsigned int ivm_vnet_tx_queue(unsigned int pair)
{
	return 2 * pair + 1;
}

/* virtio_net.c */
void ivm_vnet_kick(struct ivm_virtio_net *card, struct work_struct *work);
void ivm_vnet_ring_broken(struct ivm_virtio_net *card);
void ivm_vnet_driver_changed(struct ivm_virtio_net *card);

/* virtio_net_hdr.c */
enum ivm_vnet_bad ivm_vnet_hdr_check(const struct ivm_vnet_hdr *hdr, u64 features, unsigned int mtu,
				     struct ivm_frame *frame);
int ivm_vnet_hdr_make(struct ivm_vnet_hdr *hdr, u64 offloads, const struct ivm_frame *frame);

/* virtio_net_flow.c */
u32 ivm_vnet_flow_hash(const u8 *head, unsigned int len);

/* virtio_net_tx.c */
void ivm_vnet_tx_init(struct ivm_vnet_tx *tx, struct ivm_virtio_net *card, unsigned int pair);
void ivm_vnet_tx_work(struct ivm_vnet_tx *tx);
void ivm_vnet_tx_resume(void *ctx, unsigned int queue);

/* virtio_net_rx.c */
void ivm_vnet_rx_init(struct ivm_vnet_rx *rx, struct ivm_virtio_net *card, unsigned int pair);
int ivm_vnet_rx_deliver(void *ctx, const struct ivm_frame *frame, unsigned int queue);
void ivm_vnet_rx_work(struct ivm_vnet_rx *rx);

/* virtio_net_filter.c */
void ivm_vnet_filter_init(struct ivm_vnet_filter *filter);
void ivm_vnet_filter_reset(struct ivm_vnet_filter *filter, bool vlans);
bool ivm_vnet_filter_wants(const struct ivm_virtio_net *card, const struct ivm_frame *frame);
void ivm_vnet_filter_flag(struct ivm_vnet_filter *filter, enum ivm_vnet_rx_flag flag, bool on);
void ivm_vnet_filter_vlan(struct ivm_vnet_filter *filter, u16 vid, bool on);

/* virtio_net_ctrl.c */
void ivm_vnet_ctrl_work(struct ivm_virtio_net *card);

/* virtio_net_skb.c */
int ivm_vnet_skb_copy(const struct sk_buff *skb, u32 offset, void *to, u32 len);

#endif
