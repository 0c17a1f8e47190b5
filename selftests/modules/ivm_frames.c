// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's side of the measurement from VM to VM: frames as lean as a driver
 * can have them, and never more under way than WINDOW, so that none is lost for
 * want of room and every instruction belongs to a frame that arrives.
 *
 * Without size= it receives: counts, gives credit back every CREDIT frames, and
 * leaves in the parameter "best" the ticks that the quickest CHUNK frames took,
 * for each size that came to its end: "SIZE FRAMES TICKS;". With size= it sends ROUNDS
 * chunks of frames of this size; the load ends with -ENODEV when all are
 * acknowledged.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/etherdevice.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <asm/tsc.h>

#define FRAME_TYPE	0x88b5	/* for local experiments */
#define WINDOW		192	/* less than a ring of 256 holds */
#define CREDIT		64
#define BURST		32
#define CHUNK		8192
#define ROUNDS		5	/* the first one warms up */

static char *device = "eth0";
module_param(device, charp, 0444);
static unsigned int size;
module_param(size, uint, 0444);
static char best[64];
module_param_string(best, best, sizeof(best), 0444);

/* All frames: credit flows back as a frame of the same kind, with the number of frames received. */
struct head {
	struct ethhdr eth;
	u8 credit;
	u8 first;	/* begins a run: the receiver starts counting, and answers at once */
	__be16 size;
	__be32 seen;
} __packed;

static struct net_device *dev;
static DECLARE_WAIT_QUEUE_HEAD(credited);

/* of the sender */
static u32 acknowledged;
static bool answered;
static u8 peer[ETH_ALEN];

/* of the receiver: its only reader is one NAPI instance */
static u32 seen;
static u64 since, least;

static struct sk_buff *frame(const u8 *to, u8 credit, u8 first, u16 len, u32 count)
{
	struct sk_buff *skb = netdev_alloc_skb(dev, len + NET_IP_ALIGN + 64);
	struct head *head;

	if (!skb)
		return NULL;
	skb_reserve(skb, 64);
	head = skb_put_zero(skb, len);
	ether_addr_copy(head->eth.h_dest, to);
	ether_addr_copy(head->eth.h_source, dev->dev_addr);
	head->eth.h_proto = htons(FRAME_TYPE);
	head->credit = credit;
	head->first = first;
	head->size = htons(len);
	head->seen = htonl(count);
	skb_reset_mac_header(skb);
	skb->protocol = htons(FRAME_TYPE);
	return skb;
}

static void give_credit(const u8 *to)
{
	struct sk_buff *skb = frame(to, 1, 0, ETH_ZLEN, seen);

	if (skb)
		dev_queue_xmit(skb);
}

static void count_frame(const struct head *head)
{
	u64 now;

	if (head->first) {
		seen = 0;
		least = U64_MAX;
		give_credit(head->eth.h_source);
		return;
	}
	seen++;
	if (seen % CREDIT == 0)
		give_credit(head->eth.h_source);
	if (seen % CHUNK)
		return;
	now = rdtsc_ordered();
	if (seen > CHUNK)
		least = min(least, now - since);
	since = now;
	if (seen == ROUNDS * CHUNK) {
		size_t used = strlen(best);

		scnprintf(best + used, sizeof(best) - used, "%u %u %llu;", ntohs(head->size), CHUNK, least);
	}
}

static rx_handler_result_t receive(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	const struct head *head;

	if (skb->protocol != htons(FRAME_TYPE) || !pskb_may_pull(skb, sizeof(*head) - ETH_HLEN))
		return RX_HANDLER_PASS;
	head = (const struct head *)skb_mac_header(skb);
	if (head->credit && size) {
		ether_addr_copy(peer, head->eth.h_source);
		WRITE_ONCE(acknowledged, ntohl(head->seen));
		WRITE_ONCE(answered, true);
		wake_up(&credited);
	} else if (!head->credit && !size) {
		count_frame(head);
	}
	consume_skb(skb);
	return RX_HANDLER_CONSUMED;
}

/* Gives @n references of one frame to the driver. Returns how many it took. */
static unsigned int send_burst(struct sk_buff *skb, unsigned int n)
{
	struct netdev_queue *queue = netdev_get_tx_queue(dev, 0);
	unsigned int sent = 0;

	refcount_add(n, &skb->users);
	local_bh_disable();
	HARD_TX_LOCK(dev, queue, smp_processor_id());
	while (sent < n && !netif_xmit_frozen_or_drv_stopped(queue) &&
	       netdev_start_xmit(skb, dev, queue, sent + 1 < n) == NETDEV_TX_OK)
		sent++;
	HARD_TX_UNLOCK(dev, queue);
	local_bh_enable();
	if (sent < n)
		WARN_ON(refcount_sub_and_test(n - sent, &skb->users));
	return sent;
}

static int begin_run(void)
{
	static const u8 all[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	unsigned int i;

	for (i = 0; i < 600; i++) {
		struct sk_buff *skb = frame(all, 0, 1, ETH_ZLEN, 0);

		if (skb)
			dev_queue_xmit(skb);
		if (wait_event_timeout(credited, READ_ONCE(answered), HZ))
			return 0;
	}
	return -ETIMEDOUT;
}

static int send_all(void)
{
	u32 sent = 0, end = ROUNDS * CHUNK, under_way;
	struct sk_buff *skb;
	int err = begin_run();

	if (err)
		return err;
	skb = frame(peer, 0, 0, size, 0);
	if (!skb)
		return -ENOMEM;
	while (READ_ONCE(acknowledged) < end) {
		under_way = sent - READ_ONCE(acknowledged);
		if (sent < end && under_way < WINDOW) {
			sent += send_burst(skb, min3(end - sent, WINDOW - under_way, (u32)BURST));
			continue;
		}
		if (!wait_event_timeout(credited, sent - READ_ONCE(acknowledged) < WINDOW || acknowledged >= end, 10 * HZ)) {
			pr_err("%u frames sent, %u arrived\n", sent, acknowledged);
			err = -EIO;
			break;
		}
	}
	/* The driver frees what it sent when it sends again: frames of another kind. */
	kfree_skb(skb);
	return err;
}

static int __init frames_init(void)
{
	int err;

	if (size && (size < ETH_ZLEN || size > ETH_FRAME_LEN))
		return -EINVAL;
	dev = dev_get_by_name(&init_net, device);
	if (!dev)
		return -ENXIO;
	rtnl_lock();
	err = netdev_rx_handler_register(dev, receive, NULL);
	rtnl_unlock();
	if (!err && size) {
		err = send_all();
		rtnl_lock();
		netdev_rx_handler_unregister(dev);
		rtnl_unlock();
		err = err ?: -ENODEV;
	}
	if (err)
		dev_put(dev);
	return err;
}

static void __exit frames_exit(void)
{
	rtnl_lock();
	netdev_rx_handler_unregister(dev);
	rtnl_unlock();
	dev_put(dev);
}

module_init(frames_init);
module_exit(frames_exit);
MODULE_DESCRIPTION("Test of IVM: frames from guest to guest, for measuring");
MODULE_LICENSE("GPL");
