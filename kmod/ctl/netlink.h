/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the netlink family share. */
#ifndef IVM_CTL_NETLINK_H
#define IVM_CTL_NETLINK_H

#include <net/genetlink.h>
#include <linux/ivm.h>

struct ivm_event;
struct ivm_vm;
struct ivm_vm_config;
struct ivm_vm_info;
struct ivm_why;

/* The highest attribute that any request takes outside of nests: what tables of attributes are sized for. */
#define IVM_NL_MAXATTR IVM_A_MEMORY_MAX
#define IVM_NL_LIST_MAX 6	/* attributes in a list of a row, with the 0 behind the last one */

extern struct genl_family ivm_nl_family;
#define IVM_NL_EVENTS 0		/* index of the multicast group */

/**
 * struct ivm_nl_row - one command: what it needs, and who does it
 * @run:	does it, with everything below seen to. @vm is NULL unless @find.
 *		Refusals fill @why
 * @act:	the word for the log; NULL when it changes nothing and is not logged
 * @required:	the attributes that must be there
 * @some:	one of these must be there, if there are any
 * @find:	NAME must name a VM, which is found and referenced
 * @anyone:	CAP_SYS_ADMIN is not needed
 */
struct ivm_nl_row {
	int (*run)(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
	const char *act;
	u8 required[IVM_NL_LIST_MAX], some[IVM_NL_LIST_MAX];
	bool find, anyone;
};

/**
 * ivm_nl_reply() - begin an answer
 * @size: upper bound of the attributes, bytes
 * @head: out: to be given to genlmsg_end()
 *
 * Return: the message or NULL when there is no memory. May sleep.
 */
struct sk_buff *ivm_nl_reply(struct genl_info *info, size_t size, void **head);

/* A string ends where its attribute ends: nothing may hide behind a NUL. */
static inline bool ivm_nl_string_is_whole(const struct nlattr *nla)
{
	return strnlen(nla_data(nla), nla_len(nla)) + 1 == nla_len(nla);
}

/* netlink.c: may who asks for a dump have it, and does it say nothing else? 0 or a negative errno */
int ivm_nl_dump_check(struct netlink_callback *cb);

/* netlink_host.c */
int ivm_nl_host_get(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_host_set(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_host_audit(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_core_dump_start(struct netlink_callback *cb);
int ivm_nl_core_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* netlink_vm.c */
int ivm_nl_vm_create(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_start(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_stop(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_reset(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_pause(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_resume(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_delete(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_set(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_get(struct genl_info *info, struct ivm_vm *vm, struct ivm_why *why);
int ivm_nl_vm_dump_start(struct netlink_callback *cb);
int ivm_nl_vm_dump(struct sk_buff *skb, struct netlink_callback *cb);

/* netlink_nic.c: network cards, in VM_CREATE and in VM_GET's answer */
extern const struct nla_policy ivm_nl_nics_policy[IVM_A_NIC_ENTRY + 1];	/* of LIST_NIC */
int ivm_nl_nics(struct genl_info *info, struct ivm_vm_config *config, struct ivm_why *why);
void ivm_nl_nics_free(struct ivm_vm_config *config);	/* accepts none */
void ivm_nl_nics_blame(struct genl_info *info, const struct ivm_why *why);
size_t ivm_nl_nics_size(void);		/* upper bound of what ivm_nl_put_nics() puts */
int ivm_nl_put_nics(struct sk_buff *msg, const struct ivm_vm_info *vm);	/* 0 or -EMSGSIZE */

/* netlink_event.c: tells the members of the multicast group. May sleep. */
void ivm_nl_event(const struct ivm_event *event);

#endif
