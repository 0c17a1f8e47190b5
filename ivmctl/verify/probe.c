// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include "../fail.h"
#include "../rtnl.h"
#include "../text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define IVM_CAPTURE_BUFFER	(16 << 20)
#define IVM_CAPTURE_SNAP	(IVM_FRAME_MAX - 64)

static int ivm_probe_fail(const char *what)
{
	return ivm_fail(errno, "cannot %s: %s%s", what, strerror(errno), errno == EPERM ? "; run as root" : "");
}

/* ---- the namespace ---- */

/* A file of /proc/sys in the namespace that we are in; one that is not there needs no value. */
static int ivm_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : ivm_probe_fail("keep IPv6 away from the probes");
	if (write(fd, value, strlen(value)) < 0)
		err = ivm_probe_fail("keep IPv6 away from the probes");
	close(fd);
	return err;
}

static int ivm_probes_enter(const struct ivm_probes *probes, bool enter)
{
	int err;

	if (!setns(enter ? probes->probe_ns : probes->home_ns, CLONE_NEWNET))
		return 0;
	err = ivm_probe_fail("change the network namespace");
	if (!enter)
		abort();	/* what follows would happen in the wrong place */
	return err;
}

/* Make the namespace, and a connection to rtnetlink and the sending socket in it; then be at home again. */
static int ivm_probes_namespace(struct ivm_probes *probes)
{
	const int on = 1;
	int err;

	probes->home_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (probes->home_ns < 0)
		return ivm_probe_fail("open /proc/self/ns/net");
	if (unshare(CLONE_NEWNET))
		return ivm_probe_fail("make a network namespace for the probes");
	err = ivm_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	if (!err)
		err = ivm_rtnl_open(&probes->rtnl);
	probes->probe_ns = err ? -1 : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (!err && probes->probe_ns < 0)
		err = ivm_probe_fail("open /proc/self/ns/net");
	probes->send = err ? -1 : socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (!err && (probes->send < 0 || setsockopt(probes->send, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on))))
		err = ivm_probe_fail("make a packet socket");
	ivm_probes_enter(probes, false);
	return err;
}

/* ---- sockets ---- */

static int ivm_probe_capture(struct ivm_probes *probes, size_t i)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = probes->peer[i],
	};
	const int on = 1, buffer = IVM_CAPTURE_BUFFER;
	int fd, err = ivm_probes_enter(probes, true);

	if (err)
		return err;
	/* Without a protocol nothing comes before it is bound to its device. */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		err = ivm_probe_fail("capture at a probe");
	probes->capture[i] = fd;
	ivm_probes_enter(probes, false);
	return err;
}

bool ivm_probes_receive(const struct ivm_probes *probes, size_t probe, struct ivm_bytes *frame)
{
	union {
		char		space[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct cmsghdr	align;
	} control;
	struct virtio_net_hdr offload = { 0 };
	struct iovec parts[] = {
		{ .iov_base = &offload, .iov_len = sizeof(offload) },
		{ .iov_base = frame->data, .iov_len = IVM_CAPTURE_SNAP },
	};
	struct msghdr msg = {
		.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(probes->capture[probe], &msg, MSG_DONTWAIT);

	if (got < (ssize_t)sizeof(offload))
		return false;
	frame->len = (size_t)got - sizeof(offload);
	frame->ignore = 0;
	frame->gso_type = offload.gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	frame->gso_size = frame->gso_type ? offload.gso_size : 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			ivm_frame_insert_tag(frame, aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : 0x8100,
					     aux.tp_vlan_tci);
	}
	return true;
}

int ivm_probes_send(const struct ivm_probes *probes, const struct ivm_cell *cell)
{
	const struct ivm_shape *shape = &ivm_shapes[cell->shape];
	const struct ivm_tag *tag = &shape->tag[0];
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = probes->peer[cell->sender] };
	static struct ivm_bytes frame;
	struct virtio_net_hdr offload = { 0 };
	struct iovec parts[2];
	struct msghdr msg = {
		.msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = parts, .msg_iovlen = 2,
	};

	ivm_frame_build(&probes->run, cell, &frame);
	if (shape->beside)
		address.sll_ifindex = probes->beside[cell->sender][ivm_beside_index(tag->proto)][tag->vlan];
	if (frame.gso_type) {
		offload.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		offload.gso_type = frame.gso_type;
		offload.gso_size = frame.gso_size;
		offload.hdr_len = frame.hdr_len;
		offload.csum_start = frame.csum_start;
		offload.csum_offset = frame.csum_offset;
	}
	parts[0] = (struct iovec){ .iov_base = &offload, .iov_len = sizeof(offload) };
	parts[1] = (struct iovec){ .iov_base = frame.data, .iov_len = frame.len };
	/* ENOBUFS: a device's queue was full; veth has none, so it is somebody's doing, and is told. */
	if (sendmsg(probes->send, &msg, 0) >= 0)
		return 0;
	return ivm_fail(errno, "cannot send a frame '%s' from probe %s: %s", shape->name,
			ivm_probe_kinds[cell->sender].name, strerror(errno));
}

/* ---- devices ---- */

static struct ivm_settings ivm_probe_settings(const struct ivm_run_values *run, size_t i)
{
	const struct ivm_probe_kind *kind = &ivm_probe_kinds[i];
	struct ivm_settings settings = {
		.given = 1U << IVM_PORT_A_MODE | 1U << IVM_PORT_A_LEARN | 1U << IVM_PORT_A_MACS | 1U << IVM_PORT_A_ROLE |
			 1U << IVM_PORT_A_ISOLATED,
		.role = kind->uplink ? IVM_PORT_UPLINK : IVM_PORT_STATION,
		.isolated = kind->isolated,
		.nr_macs = 1,
	};

	memcpy(settings.mac[0], run->mac[i], IVM_MAC_LEN);
	if (kind->mode == IVM_PROBE_ACCESS) {
		settings.given |= 1U << IVM_PORT_A_ACCESS;
		settings.mode = IVM_PORT_ACCESS;
		settings.access = run->vid[kind->untagged];
	} else if (kind->mode == IVM_PROBE_TRUNK) {
		settings.given |= 1U << IVM_PORT_A_TRUNK | 1U << IVM_PORT_A_NATIVE;
		settings.mode = IVM_PORT_TRUNK;
		settings.native = run->vid[kind->untagged];
		for (size_t letter = IVM_VLAN_A; letter <= IVM_VLAN_D; letter++)
			if (kind->trunk & IVM_IN(letter))
				settings.range[settings.nr_ranges++] =
					(struct ivm_vlan_range){ run->vid[letter], run->vid[letter] };
		settings.nr_ranges = ivm_vlans_normalise(settings.range, settings.nr_ranges);
	}
	return settings;
}

/* Vlan devices at the far end, for the tags that some frame wants beside it. */
static int ivm_probe_make_beside(struct ivm_probes *probes, struct ivm_net *net, size_t i)
{
	char name[IFNAMSIZ];
	int err = 0;

	for (size_t s = 0; s < ivm_nr_shapes && !err; s++) {
		const struct ivm_tag *tag = &ivm_shapes[s].tag[0];
		int *index = &probes->beside[i][ivm_beside_index(tag->proto)][tag->vlan];
		const struct ivm_link *link;

		if (!ivm_shapes[s].beside || *index)
			continue;
		snprintf(name, sizeof(name), "t%zu.%zu.%u", i, ivm_beside_index(tag->proto), tag->vlan);
		err = ivm_link_create_vlan(probes->rtnl, name, probes->peer[i], tag->proto, probes->run.vid[tag->vlan]);
		if (!err)
			err = ivm_net_again(net);
		link = err ? NULL : ivm_link_find(&net->links, name);
		if (!err && !link)
			err = ivm_fail(ENODEV, "the device %s of a probe is gone already", name);
		if (!err) {
			*index = link->index;
			err = ivm_link_set_up(probes->rtnl, link->index, true);
		}
	}
	return err;
}

/* The far end of a pair: up, watched, with its vlan devices. */
static int ivm_probe_make_peer(struct ivm_probes *probes, size_t i)
{
	struct ivm_net far = { .rtnl = probes->rtnl };
	const struct ivm_link *link;
	char name[IFNAMSIZ];
	int err = ivm_links_read(probes->rtnl, &far.links);

	snprintf(name, sizeof(name), "p%zu", i);
	link = err ? NULL : ivm_link_find(&far.links, name);
	if (!err && !link)
		err = ivm_fail(ENODEV, "the device %s of a probe is gone already", name);
	if (!err) {
		probes->peer[i] = link->index;
		err = ivm_link_set_up(probes->rtnl, probes->peer[i], true);
	}
	if (!err)
		err = ivm_probe_capture(probes, i);
	if (!err)
		err = ivm_probe_make_beside(probes, &far, i);
	ivm_links_free(&far.links);
	return err;
}

static int ivm_probe_make(struct ivm_probes *probes, struct ivm_net *net, const char *sw, size_t i)
{
	struct ivm_settings settings = ivm_probe_settings(&probes->run, i);
	const struct ivm_link *port, *found;
	char peer[IFNAMSIZ];
	int err;

	snprintf(probes->name[i], sizeof(probes->name[i]), "ivmv%u.%zu", (unsigned int)getpid(), i);
	snprintf(peer, sizeof(peer), "p%zu", i);
	err = ivm_link_create_veth(net->rtnl, probes->name[i], peer, probes->probe_ns, ivm_probe_kinds[i].mtu,
				   probes->run.mac[i]);
	if (!err)
		err = ivm_net_again(net);
	if (err)
		return err;
	port = ivm_link_find(&net->links, probes->name[i]);
	if (!port)
		return ivm_fail(ENODEV, "the device %s of a probe is gone already", probes->name[i]);
	probes->port[i] = port->index;
	err = ivm_probe_make_peer(probes, i);
	if (err)
		return err;
	found = ivm_net_switch(net, sw);
	return found ? ivm_port_attach(net, found, port, &settings) : -ENODEV;
}

static int ivm_probes_choose(struct ivm_run_values *run, const uint16_t vids[4])
{
	uint8_t random[IVM_MAGIC_LEN + 4];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return ivm_probe_fail("make up addresses");
	memcpy(run->magic, random, IVM_MAGIC_LEN);
	for (size_t i = 0; i < IVM_PROBES_MAX; i++) {
		uint8_t mac[IVM_MAC_LEN] = { 0x02, 0x69, random[8], random[9], random[10], (uint8_t)i };

		memcpy(run->mac[i], mac, IVM_MAC_LEN);
	}
	memcpy(run->unknown, run->mac[0], IVM_MAC_LEN);
	run->unknown[5] = 0xff;
	run->vid[IVM_VLAN_0] = 0;
	memcpy(&run->vid[IVM_VLAN_A], vids, 4 * sizeof(*vids));
	run->vid[IVM_VLAN_4095] = 4095;
	return 0;
}

/* Ports that are up at both ends have a carrier at once, but the kernel tells it in its own time. */
static int ivm_probes_wait(struct ivm_net *net, const struct ivm_probes *probes)
{
	for (int tries = 0; tries < 100; tries++) {
		size_t ready = 0;
		int err = ivm_net_again(net);

		if (err)
			return err;
		for (size_t i = 0; i < ivm_nr_probes; i++) {
			const struct ivm_link *port = ivm_link_at(&net->links, probes->port[i]);

			ready += port && port->carrier && (port->flags & IFF_RUNNING);
		}
		if (ready == ivm_nr_probes)
			return 0;
		usleep(50000);
	}
	return ivm_fail(ETIMEDOUT, "the probe ports got no carrier within 5 s");
}

int ivm_probes_make(struct ivm_probes *probes, struct ivm_net *net, const char *sw, const uint16_t vids[4])
{
	int err;

	memset(probes, 0, sizeof(*probes));
	probes->send = probes->home_ns = probes->probe_ns = -1;
	for (size_t i = 0; i < IVM_PROBES_MAX; i++)
		probes->capture[i] = -1;
	err = ivm_probes_choose(&probes->run, vids);
	if (!err)
		err = ivm_probes_namespace(probes);
	for (size_t i = 0; i < ivm_nr_probes && !err; i++)
		err = ivm_probe_make(probes, net, sw, i);
	return err ?: ivm_probes_wait(net, probes);
}

void ivm_probes_remove(struct ivm_probes *probes, struct ivm_net *net)
{
	/* The switch first, so that what is still under way finds no way in; each pair goes as a whole. */
	for (size_t i = 0; i < IVM_PROBES_MAX; i++)
		if (probes->port[i])
			ivm_link_delete(net->rtnl, probes->port[i]);
	for (size_t i = 0; i < IVM_PROBES_MAX; i++)
		if (probes->capture[i] >= 0)
			close(probes->capture[i]);
	if (probes->send >= 0)
		close(probes->send);
	ivm_rtnl_close(probes->rtnl);
	if (probes->probe_ns >= 0)
		close(probes->probe_ns);
	if (probes->home_ns >= 0)
		close(probes->home_ns);
}
