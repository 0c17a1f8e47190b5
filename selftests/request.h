/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raw requests to the netlink family "ivm", right or deliberately wrong, and
 * what came back. No library between us and the kernel, so that every byte of
 * a request can be bad.
 */
#ifndef IVM_TEST_REQUEST_H
#define IVM_TEST_REQUEST_H

#include <linux/genetlink.h>
#include <linux/ivm.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request {
	union {
		struct nlmsghdr head;
		char bytes[8192];
	};
	size_t mark;		/* offset of the attribute put last */
};

struct answer {
	int error;		/* 0 or a positive errno */
	char text[512];		/* NLMSGERR_ATTR_MSG, or empty */
	uint32_t offset;	/* NLMSGERR_ATTR_OFFS, 0: none */
	uint32_t missing;	/* NLMSGERR_ATTR_MISS_TYPE, 0: none */
	struct nlattr *attr[IVM_A_MAX + 1];	/* of a reply, by type; into bytes */
	char bytes[65536];
};

/* A socket of its own with extended acknowledgements, receive timeout 30 s. -1 and errno on failure. */
int request_open(void);
int request_family(int fd);	/* its number, or -errno */

void request_start(struct request *r, int family, int cmd, int flags);
/* Each returns the offset of the attribute in the message. Any length goes, also wrong ones. */
size_t put(struct request *r, int type, const void *data, size_t size);
size_t put_u16(struct request *r, int type, uint16_t v);
size_t put_u32(struct request *r, int type, uint32_t v);
size_t put_u64(struct request *r, int type, uint64_t v);
size_t put_text(struct request *r, int type, const char *text);	/* with its NUL */
size_t nest(struct request *r, int type);	/* begins one; what is put next is inside */
void nest_end(struct request *r, size_t at);

/* Sends and reads the acknowledgement, and a reply before it. Returns a->error, or -1 when nothing came. */
int request_send(int fd, struct request *r, struct answer *a);

/* Short cuts: the errno of the kernel's answer. */
int vm_command(int fd, int cmd, const char *name);
int vm_create(int fd, const char *name, uint32_t vcpus, uint64_t memory, uint16_t debug_exit);
/* with @nics network cards on a switch, access ports of VLAN 1, addresses 02:00:00:00:<id>:<number> */
int vm_create_with_nics(int fd, const char *name, uint32_t vcpus, uint64_t memory, uint16_t debug_exit,
			const char *switch_name, unsigned int nics, unsigned char id);
int vm_create_with_room(int fd, const char *name, uint64_t memory, uint64_t max);	/* one vCPU; may grow up to @max */
int vm_set_u64(int fd, const char *name, int type, uint64_t value);	/* VM_SET with this one attribute */
int vm_stop(int fd, const char *name);				/* forced */
int vm_state(int fd, const char *name);				/* enum ivm_vm_state, 0: no such VM */
int vm_wait(int fd, const char *name, int state, int seconds);	/* true when it got there */

/* The @nr'th attribute of a type (from 0) in a nest, or NULL; also in NULL. */
struct nlattr *inside(struct nlattr *nest, int type, unsigned int nr);

/* A memfd with these bytes, sealed against nothing. */
int code_file(const void *code, size_t size);
/* Loads @size bytes of 32-bit code at 0x1000 and starts there, flat segments, no paging. Returns 0 or errno. */
int vm_load_code(const char *name, const void *code, size_t size);
void boot_regs(struct ivm_load *load);		/* as vm_load_code() uses them */

/*
 * What must be the same before and after a refusal: all VMs with their states
 * and sizes, and the host's list of cores. Text for comparison, for free().
 */
char *world(int fd);

#endif
