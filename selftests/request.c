// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define CODE_AT 0x1000

int request_open(void)
{
	const struct timeval limit = { .tv_sec = 30 };
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	int one = 1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

void request_start(struct request *r, int family, int cmd, int flags)
{
	static uint32_t seq;
	struct genlmsghdr *g = NLMSG_DATA(&r->head);

	memset(r, 0, sizeof(*r));
	r->head = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
		.nlmsg_type = family,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags,
		.nlmsg_seq = ++seq,
	};
	g->cmd = cmd;
	g->version = IVM_GENL_VERSION;
}

size_t put(struct request *r, int type, const void *data, size_t size)
{
	size_t at = NLMSG_ALIGN(r->head.nlmsg_len);
	struct nlattr *a = (void *)(r->bytes + at);

	if (at + NLA_HDRLEN + NLA_ALIGN(size) > sizeof(r->bytes))
		abort();
	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + size;
	if (size)
		memcpy((char *)a + NLA_HDRLEN, data, size);
	r->head.nlmsg_len = at + NLA_HDRLEN + NLA_ALIGN(size);
	r->mark = at;
	return at;
}

size_t put_u16(struct request *r, int type, uint16_t v) { return put(r, type, &v, sizeof(v)); }
size_t put_u32(struct request *r, int type, uint32_t v) { return put(r, type, &v, sizeof(v)); }
size_t put_u64(struct request *r, int type, uint64_t v) { return put(r, type, &v, sizeof(v)); }
size_t put_text(struct request *r, int type, const char *t) { return put(r, type, t, strlen(t) + 1); }

size_t nest(struct request *r, int type) { return put(r, type | NLA_F_NESTED, NULL, 0); }

void nest_end(struct request *r, size_t at)
{
	((struct nlattr *)(r->bytes + at))->nla_len = r->head.nlmsg_len - at;
}

#define EACH_ATTR(a, from, left)								\
	for (struct nlattr *a = (void *)(from); (left) >= NLA_HDRLEN && a->nla_len >= NLA_HDRLEN &&	\
	     a->nla_len <= (left); (left) -= NLA_ALIGN(a->nla_len), a = (void *)((char *)a + NLA_ALIGN(a->nla_len)))

static void read_ack(struct answer *a, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	int skip = sizeof(*e);

	a->error = -e->error;
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - sizeof(e->msg);
	int left = (int)h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(skip);

	EACH_ATTR(t, (char *)e + NLMSG_ALIGN(skip), left) {
		switch (t->nla_type & NLA_TYPE_MASK) {
		case NLMSGERR_ATTR_MSG:
			snprintf(a->text, sizeof(a->text), "%.*s", t->nla_len - NLA_HDRLEN, (char *)t + NLA_HDRLEN);
			break;
		case NLMSGERR_ATTR_OFFS:
			a->offset = *(uint32_t *)((char *)t + NLA_HDRLEN);
			break;
		case 5:		/* NLMSGERR_ATTR_MISS_TYPE, younger than some headers */
			a->missing = *(uint32_t *)((char *)t + NLA_HDRLEN);
			break;
		}
	}
}

int request_send(int fd, struct request *r, struct answer *a)
{
	size_t kept = 0;

	memset(a, 0, offsetof(struct answer, bytes));
	if (send(fd, r->bytes, r->head.nlmsg_len, 0) < 0)
		return -1;
	for (;;) {
		ssize_t n = recv(fd, a->bytes + kept, sizeof(a->bytes) - kept, 0);
		struct nlmsghdr *h = (void *)(a->bytes + kept);

		if (n < 0)
			return -1;
		for (; NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_seq != r->head.nlmsg_seq)
				continue;
			if (h->nlmsg_type == NLMSG_ERROR) {
				read_ack(a, h);
				return a->error;
			}
			int left = NLMSG_PAYLOAD(h, GENL_HDRLEN);

			EACH_ATTR(t, (char *)NLMSG_DATA(h) + GENL_HDRLEN, left)
				if ((t->nla_type & NLA_TYPE_MASK) <= IVM_A_MAX)
					a->attr[t->nla_type & NLA_TYPE_MASK] = t;
			kept = (char *)h - a->bytes + NLMSG_ALIGN(h->nlmsg_len);
		}
	}
}

struct nlattr *inside(struct nlattr *nest, int type, unsigned int nr)
{
	int left = nest ? nest->nla_len - NLA_HDRLEN : 0;

	EACH_ATTR(t, (char *)nest + NLA_HDRLEN, left)
		if ((t->nla_type & NLA_TYPE_MASK) == type && !nr--)
			return t;
	return NULL;
}

int request_family(int fd)
{
	struct request r;
	static struct answer a;
	int err;

	request_start(&r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put_text(&r, CTRL_ATTR_FAMILY_NAME, IVM_GENL_NAME);
	err = request_send(fd, &r, &a);
	if (err)
		return err < 0 ? -EIO : -err;
	if (!a.attr[CTRL_ATTR_FAMILY_ID])
		return -ENOENT;
	return *(uint16_t *)((char *)a.attr[CTRL_ATTR_FAMILY_ID] + NLA_HDRLEN);
}

static int send_named(int fd, int cmd, const char *name, struct answer *a)
{
	struct request r;
	int family = request_family(fd);

	if (family < 0)
		return -family;
	request_start(&r, family, cmd, 0);
	put_text(&r, IVM_A_NAME, name);
	return request_send(fd, &r, a);
}

int vm_command(int fd, int cmd, const char *name)
{
	static struct answer a;
	int err = send_named(fd, cmd, name, &a);

	if (err && getenv("VERBOSE"))
		printf("# command %d on %s: %s (%s)\n", cmd, name, strerror(err), a.text);
	return err;
}

static void put_nics(struct request *r, const char *switch_name, unsigned int nics, unsigned char id)
{
	size_t list = nest(r, IVM_A_LIST_NIC), entry, port;
	const uint8_t mode = IVM_PORT_ACCESS;

	for (unsigned int i = 0; i < nics; i++) {
		const unsigned char mac[6] = { 2, 0, 0, 0, id, i };

		entry = nest(r, IVM_A_NIC_ENTRY);
		put(r, IVM_A_NIC_MAC, mac, sizeof(mac));
		put_text(r, IVM_A_NIC_SWITCH, switch_name);
		port = nest(r, IVM_A_NIC_PORT);
		put(r, IVM_PORT_A_MODE, &mode, sizeof(mode));
		put_u16(r, IVM_PORT_A_ACCESS, 1);
		nest_end(r, port);
		nest_end(r, entry);
	}
	nest_end(r, list);
}

/* A request with what each VM needs. Returns 0 or errno. */
static int create_start(struct request *r, int fd, const char *name, uint32_t vcpus, uint64_t memory)
{
	int family = request_family(fd);

	if (family < 0)
		return -family;
	request_start(r, family, IVM_CMD_VM_CREATE, 0);
	put_text(r, IVM_A_NAME, name);
	put_u32(r, IVM_A_VCPUS, vcpus);
	put_u64(r, IVM_A_MEMORY, memory);
	return 0;
}

static int create_send(struct request *r, int fd, const char *name)
{
	static struct answer a;
	int err = request_send(fd, r, &a);

	if (err)
		printf("# creating %s: %s (%s)\n", name, strerror(err), a.text);
	return err;
}

int vm_create_with_nics(int fd, const char *name, uint32_t vcpus, uint64_t memory, uint16_t debug_exit,
			const char *switch_name, unsigned int nics, unsigned char id)
{
	struct request r;
	int err = create_start(&r, fd, name, vcpus, memory);

	if (err)
		return err;
	if (debug_exit)
		put_u16(&r, IVM_A_DEBUG_EXIT, debug_exit);
	if (nics)
		put_nics(&r, switch_name, nics, id);
	return create_send(&r, fd, name);
}

int vm_create_with_room(int fd, const char *name, uint64_t memory, uint64_t max)
{
	struct request r;
	int err = create_start(&r, fd, name, 1, memory);

	if (err)
		return err;
	put_u64(&r, IVM_A_MEMORY_MAX, max);
	return create_send(&r, fd, name);
}

int vm_set_u64(int fd, const char *name, int type, uint64_t value)
{
	static struct answer a;
	struct request r;
	int family = request_family(fd);

	if (family < 0)
		return -family;
	request_start(&r, family, IVM_CMD_VM_SET, 0);
	put_text(&r, IVM_A_NAME, name);
	put_u64(&r, type, value);
	return request_send(fd, &r, &a);
}

int vm_create(int fd, const char *name, uint32_t vcpus, uint64_t memory, uint16_t debug_exit)
{
	return vm_create_with_nics(fd, name, vcpus, memory, debug_exit, NULL, 0, 0);
}

int vm_stop(int fd, const char *name)
{
	static struct answer a;
	struct request r;
	int family = request_family(fd);

	if (family < 0)
		return -family;
	request_start(&r, family, IVM_CMD_VM_STOP, 0);
	put_text(&r, IVM_A_NAME, name);
	put(&r, IVM_A_FORCE, NULL, 0);
	return request_send(fd, &r, &a);
}

int vm_state(int fd, const char *name)
{
	static struct answer a;

	if (send_named(fd, IVM_CMD_VM_GET, name, &a) || !a.attr[IVM_A_STATE])
		return 0;
	return *(uint32_t *)((char *)a.attr[IVM_A_STATE] + NLA_HDRLEN);
}

int vm_wait(int fd, const char *name, int state, int seconds)
{
	const char *slow = getenv("SLOW");	/* by run-in-lab */

	if (slow && atoi(slow) > 1)
		seconds *= atoi(slow);
	for (int i = 0; i < seconds * 20; i++) {
		if (vm_state(fd, name) == state)
			return 1;
		usleep(50000);
	}
	return 0;
}

int code_file(const void *code, size_t size)
{
	int fd = memfd_create("code", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && write(fd, code, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	return fd;
}

void boot_regs(struct ivm_load *load)
{
	const struct ivm_segreg code = { .selector = 0x08, .attr = 0xc9b, .limit = 0xffffffff };
	const struct ivm_segreg data = { .selector = 0x10, .attr = 0xc93, .limit = 0xffffffff };
	struct ivm_boot_regs *b = &load->regs;

	memset(b, 0, sizeof(*b));
	b->rip = CODE_AT;
	b->gpr[4] = 0x8000;
	b->rflags = 2;
	b->cr0 = 0x11;
	b->cs = code;
	b->ds = b->es = b->fs = b->gs = b->ss = data;
	b->tr = (struct ivm_segreg){ .selector = 0x18, .attr = 0x8b, .limit = 0x67 };
	b->ldtr = (struct ivm_segreg){ .attr = 0x82 };
}

int vm_load_code(const char *name, const void *code, size_t size)
{
	struct ivm_segment segment = { .size = size, .gpa = CODE_AT };
	struct ivm_load load = { .nr_segments = 1, .segments = (uintptr_t)&segment };
	int dev = open("/dev/ivm", O_RDWR | O_CLOEXEC), err = 0;

	if (dev < 0)
		return errno;
	segment.fd = code_file(code, size);
	snprintf(load.name, sizeof(load.name), "%s", name);
	boot_regs(&load);
	if (ioctl(dev, IVM_IOC_LOAD, &load)) {
		err = errno;
		printf("# loading %s: %s (%s)\n", name, strerror(err), load.text);
	}
	close(segment.fd);
	close(dev);
	return err;
}

static size_t show(char *to, size_t room, struct nlmsghdr *h)
{
	int left = NLMSG_PAYLOAD(h, GENL_HDRLEN);
	size_t n = 0;

	EACH_ATTR(t, (char *)NLMSG_DATA(h) + GENL_HDRLEN, left) {
		const void *v = (char *)t + NLA_HDRLEN;

		switch (t->nla_type & NLA_TYPE_MASK) {
		case IVM_A_NAME:
		case IVM_A_CPU_LIST:
			n += snprintf(to + n, room - n, "%s ", (char *)v);
			break;
		case IVM_A_ID:
		case IVM_A_STATE:
		case IVM_A_VCPUS:
		case IVM_A_RESETS:
		case IVM_A_CPU_FLOOR:
		case IVM_A_CPU_CAP:
		case IVM_A_COSCHED:
		case IVM_A_RESERVE:
			n += snprintf(to + n, room - n, "%u ", *(uint32_t *)v);
			break;
		case IVM_A_MEMORY:
		case IVM_A_MEMORY_MAX:
			n += snprintf(to + n, room - n, "%llu ", *(unsigned long long *)v);
			break;
		}
	}
	return n + snprintf(to + n, room - n, "\n");
}

char *world(int fd)
{
	static char bytes[1 << 18];
	char *text = calloc(1, 1 << 16);
	size_t n = 0, room = 1 << 16;
	struct request r;
	int family = request_family(fd);

	for (int pass = 0; pass < 2; pass++) {
		bool done = false;

		if (pass)
			request_start(&r, family, IVM_CMD_VM_GET, NLM_F_DUMP);
		else
			request_start(&r, family, IVM_CMD_HOST_GET, 0);
		if (send(fd, r.bytes, r.head.nlmsg_len, 0) < 0)
			return text;
		while (!done) {
			ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

			if (got < 0)
				return text;
			for (struct nlmsghdr *h = (void *)bytes; NLMSG_OK(h, (size_t)got); h = NLMSG_NEXT(h, got)) {
				if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
					done = true;
					break;
				}
				n += show(text + n, room - n, h);
			}
		}
	}
	return text;
}
