// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs ivm_net/cards: cards whose guest is whoever writes here.
 *
 *   new NAME SWITCH MAC VID QUEUES  plugs one in; VID 0 is a trunk of all VLANs
 *   del NAME
 *   up NAME FEATURES                its driver comes; bits as IVM_NIC_CAN_*
 *   down NAME
 *   room NAME N                     its ring takes N more frames, -1 any number
 *   send NAME HEX                   a frame; EAGAIN when it must wait
 *   gso NAME TYPE SIZE HEADERS CSUM_START CSUM_OFFSET HEX
 *   forget NAME                     what was delivered to it
 *
 * Several with ; between them happen without delay; the last one's result counts.
 * Reading shows a line for each card: name, device, link, frames delivered, how
 * often it was resumed, and the last frame with its tag, type and size of its
 * segments. Reading ivm_net/frames shows all frames delivered since it was made to
 * forget them: name and bytes, a line each.
 */
#include "seed.h"
#include "nic.h"
#include "why.h"

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/if_vlan.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <net/net_namespace.h>

#define FRAME_MAX	4000
#define LOG_MAX		(2U << 20)

struct card {
	struct list_head link;
	char name[16];
	struct net *net;
	struct ivm_nic *nic;
	atomic_t room, delivered, resumed;
	bool up;
	spinlock_t lock;	/* what follows */
	u8 last[FRAME_MAX + VLAN_HLEN];
	u32 last_len;
	u16 gso, gso_size;
	u8 *log;		/* of frames: two bytes of length, and the frame; what does not fit is not there */
	u32 log_len;
};

static struct dentry *dir;
static LIST_HEAD(cards);	/* by lock */
static DEFINE_MUTEX(lock);

/* The bytes of a frame behind its head, wherever they are. */
static void rest_of(const struct ivm_frame *frame, u8 *to, u32 from, u32 len)
{
	u32 at = 0;
	unsigned int i;

	if (frame->skb) {
		skb_copy_bits(frame->skb, from, to, len - from);
		return;
	}
	for (i = 0; i < frame->nr_pieces; i++) {
		u32 k;

		for (k = 0; k < frame->piece[i].len; k++, at++)
			if (at >= from && at < len)
				to[at - from] = ((u8 *)frame->piece[i].data)[k];
	}
}

/* With the card's lock: remember its last frame. */
static void log_last(struct card *card)
{
	if (card->log_len + 2 + card->last_len > LOG_MAX)
		return;
	memcpy(card->log + card->log_len + 2, card->last, card->last_len);
	card->log[card->log_len] = card->last_len >> 8;
	card->log[card->log_len + 1] = card->last_len;
	card->log_len += 2 + card->last_len;
}

static int deliver(void *ctx, const struct ivm_frame *frame, unsigned int queue)
{
	struct card *card = ctx;
	u32 len = min_t(u32, frame->len, FRAME_MAX), head = min(frame->head_len, len), tag = 0;

	if (atomic_dec_return(&card->room) < 0) {
		atomic_inc(&card->room);
		return -EAGAIN;
	}
	atomic_inc(&card->delivered);
	spin_lock(&card->lock);
	memcpy(card->last, frame->head, 2 * ETH_ALEN);
	if (frame->tag_proto) {
		card->last[12] = frame->tag_proto >> 8;
		card->last[13] = frame->tag_proto;
		card->last[14] = frame->tag >> 8;
		card->last[15] = frame->tag;
		tag = VLAN_HLEN;
	}
	memcpy(card->last + 12 + tag, frame->head + 12, head - 12);
	rest_of(frame, card->last + head + tag, head, len);
	card->last_len = len + tag;
	card->gso = frame->gso;
	card->gso_size = frame->gso_size;
	log_last(card);
	spin_unlock(&card->lock);
	return 0;
}

static void resume(void *ctx, unsigned int queue)
{
	atomic_inc(&((struct card *)ctx)->resumed);
}

static void link_changed(void *ctx, bool up)
{
	((struct card *)ctx)->up = up;
}

static const struct ivm_nic_ops card_ops = { .deliver = deliver, .resume = resume, .link = link_changed };

static struct card *find(const char *name)
{
	struct card *card;

	list_for_each_entry(card, &cards, link)
		if (!strcmp(card->name, name))
			return card;
	return NULL;
}

static void card_free(struct card *card)
{
	ivm_nic_destroy(card->nic);
	put_net(card->net);
	vfree(card->log);
	kfree(card);
}

static int card_new(char *args)
{
	struct ivm_port_config *config = kzalloc(sizeof(*config), GFP_KERNEL);
	struct card *card = kzalloc(sizeof(*card), GFP_KERNEL);
	struct ivm_nic_params params = { .mtu = 1500, .ifname = "card%d", .port = config };
	struct ivm_why why = { };
	unsigned int vid, queues;
	int err = -EINVAL;

	if (!config || !card || sscanf(args, "%15s %15s %hhx:%hhx:%hhx:%hhx:%hhx:%hhx %u %u", card->name, params.switch_name,
				       &params.mac[0], &params.mac[1], &params.mac[2], &params.mac[3], &params.mac[4],
				       &params.mac[5], &vid, &queues) != 10 || find(card->name))
		goto out;
	ivm_port_config_default(config, params.mac);
	config->mode = vid ? IVM_PORT_ACCESS : IVM_PORT_TRUNK;
	config->access = vid;
	config->nr_ranges = 1;
	config->range[0] = (struct ivm_vlan_range){ 1, 4094 };
	err = -ENOMEM;
	card->log = vmalloc(LOG_MAX);
	if (!card->log)
		goto out;
	params.queues = queues;
	params.net = card->net = get_net(current->nsproxy->net_ns);
	card->up = true;
	spin_lock_init(&card->lock);
	card->nic = ivm_nic_create(&params, &card_ops, card, &why);
	err = PTR_ERR_OR_ZERO(card->nic);
	if (err) {
		pr_info("%s\n", why.text);
		put_net(card->net);
		goto out;
	}
	list_add_tail(&card->link, &cards);
	card = NULL;
out:
	if (card)
		vfree(card->log);
	kfree(card);
	kfree(config);
	return err;
}

static int card_send(struct card *card, struct ivm_frame *frame, const char *hex)
{
	static u8 bytes[FRAME_MAX];	/* by lock */
	u32 len = strlen(hex) / 2;
	struct ivm_piece piece[3] = { { bytes, 7 }, { bytes + 7, 6 }, { bytes + 13 } };
	int ret;

	if (len < ETH_HLEN || len > FRAME_MAX || hex2bin(bytes, hex, len))
		return -EINVAL;
	piece[2].len = len - 13;
	frame->head = bytes;
	frame->head_len = min_t(u32, len, IVM_FRAME_HEAD);
	frame->len = len;
	frame->piece = piece;
	frame->nr_pieces = ARRAY_SIZE(piece);
	local_bh_disable();
	ret = ivm_nic_send(card->nic, 0, frame);
	local_bh_enable();
	return ret == IVM_NIC_AGAIN ? -EAGAIN : ret;
}

static int obey(char *line)
{
	char verb[8], name[16];
	struct ivm_frame frame = { };
	struct ivm_nic_features features = { };
	struct card *card;
	int rest, number;

	if (sscanf(line, "%7s %n%15s%n", verb, &number, name, &rest) != 2)
		return -EINVAL;
	if (!strcmp(verb, "new"))
		return card_new(line + number);
	card = find(name);
	if (!card)
		return -ENOENT;
	line += rest;
	if (!strcmp(verb, "del")) {
		list_del(&card->link);
		card_free(card);
	} else if (!strcmp(verb, "up") && !kstrtoint(strim(line), 0, &number)) {
		features.csum = number & IVM_NIC_CAN_CSUM;
		features.tso4 = number & IVM_NIC_CAN_TSO4;
		features.tso6 = number & IVM_NIC_CAN_TSO6;
		features.ecn = number & IVM_NIC_CAN_ECN;
		features.uso = number & IVM_NIC_CAN_USO;
		ivm_nic_driver(card->nic, true, &features);
	} else if (!strcmp(verb, "down")) {
		ivm_nic_driver(card->nic, false, NULL);
	} else if (!strcmp(verb, "room") && !kstrtoint(strim(line), 0, &number)) {
		atomic_set(&card->room, number < 0 ? INT_MAX / 2 : atomic_read(&card->room) + number);
		ivm_nic_room(card->nic);
	} else if (!strcmp(verb, "forget")) {
		spin_lock_bh(&card->lock);
		card->log_len = 0;
		spin_unlock_bh(&card->lock);
	} else if (!strcmp(verb, "send")) {
		return card_send(card, &frame, strim(line));
	} else if (!strcmp(verb, "gso") && sscanf(line, "%hhu %hu %hu %hu %hu %n", &frame.gso, &frame.gso_size, &frame.hdr_len,
						  &frame.csum_start, &frame.csum_offset, &rest) == 5) {
		frame.needs_csum = true;
		return card_send(card, &frame, strim(line + rest));
	} else {
		return -EINVAL;
	}
	return 0;
}

static ssize_t cards_write(struct file *file, const char __user *from, size_t size, loff_t *pos)
{
	char *line, *rest, *one;
	int err = -EINVAL;

	if (size > 2 * FRAME_MAX + 100)
		return -E2BIG;
	line = memdup_user_nul(from, size);
	if (IS_ERR(line))
		return PTR_ERR(line);
	mutex_lock(&lock);
	for (rest = line; (one = strsep(&rest, ";"));)
		err = obey(strim(one));
	mutex_unlock(&lock);
	kfree(line);
	return err ?: size;
}

static int cards_show(struct seq_file *seq, void *unused)
{
	struct card *card;
	char ifname[IFNAMSIZ];
	u32 ifindex, i;

	mutex_lock(&lock);
	list_for_each_entry(card, &cards, link) {
		ivm_nic_name(card->nic, ifname, &ifindex);
		spin_lock_bh(&card->lock);
		seq_printf(seq, "%s %s %s %d %d %u/%u ", card->name, ifindex ? ifname : "-", card->up ? "up" : "down",
			   atomic_read(&card->delivered), atomic_read(&card->resumed), card->gso, card->gso_size);
		for (i = 0; i < card->last_len; i++)
			seq_printf(seq, "%02x", card->last[i]);
		spin_unlock_bh(&card->lock);
		seq_puts(seq, "\n");
	}
	mutex_unlock(&lock);
	return 0;
}

static void show_log(struct seq_file *seq, const struct card *card, u32 end)
{
	u32 at, len, i;

	for (at = 0; at < end; at += len) {
		len = card->log[at] << 8 | card->log[at + 1];
		at += 2;
		seq_printf(seq, "%s ", card->name);
		for (i = 0; i < len; i++)
			seq_printf(seq, "%02x", card->log[at + i]);
		seq_puts(seq, "\n");
	}
}

static int frames_show(struct seq_file *seq, void *unused)
{
	struct card *card;
	u32 end;

	mutex_lock(&lock);
	list_for_each_entry(card, &cards, link) {
		/* what is there stays, as long as nobody makes it forget, which takes the mutex */
		spin_lock_bh(&card->lock);
		end = card->log_len;
		spin_unlock_bh(&card->lock);
		show_log(seq, card, end);
	}
	mutex_unlock(&lock);
	return 0;
}

static int frames_open(struct inode *inode, struct file *file)
{
	return single_open(file, frames_show, NULL);
}

static const struct file_operations frames_fops = {
	.owner = THIS_MODULE,
	.open = frames_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int cards_open(struct inode *inode, struct file *file)
{
	return single_open(file, cards_show, NULL);
}

static const struct file_operations cards_fops = {
	.owner = THIS_MODULE,
	.open = cards_open,
	.read = seq_read,
	.write = cards_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void ivm_net_seed_init(void)
{
	dir = debugfs_create_dir("ivm_net", NULL);
	debugfs_create_file("cards", 0600, dir, NULL, &cards_fops);
	debugfs_create_file("frames", 0400, dir, NULL, &frames_fops);
}

void ivm_net_seed_exit(void)
{
	struct card *card, *next;

	debugfs_remove(dir);
	list_for_each_entry_safe(card, next, &cards, link)
		card_free(card);
}
