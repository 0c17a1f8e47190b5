// SPDX-License-Identifier: GPL-2.0-only
#include "rtnl.h"

#include "ack.h"
#include "fail.h"
#include "settings.h"
#include "text.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct ivm_rtnl {
	struct nl_sock		*sock;
	/* the call in progress */
	const struct nlmsghdr	*request;
	void			(*each)(const struct nlmsghdr *message, void *context);
	void			*context;
	bool			done;
	int			err;	/* 0 or negative errno, sentence recorded */
};

static int ivm_rtnl_fail(int nl_err, const char *what)
{
	return ivm_fail(EIO, "%s: %s", what, nl_geterror(nl_err));
}

/*
 * What the attribute at fault is called by users, or "". A number means
 * something else in each nest, so look which nest of the request it lies in.
 */
static const char *ivm_rtnl_subject(const struct nlmsghdr *request, const struct nlattr *attr)
{
	struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *data;

	if (!attr || nlmsg_parse((struct nlmsghdr *)request, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) ||
	    !tb[IFLA_LINKINFO] || nla_parse_nested(info, IFLA_INFO_MAX, tb[IFLA_LINKINFO], NULL))
		return "";
	data = info[IFLA_INFO_SLAVE_DATA];
	if (data && attr > data && (const char *)attr < (const char *)nla_data(data) + nla_len(data))
		return ivm_port_attr_name((unsigned int)nla_type(attr));
	data = info[IFLA_INFO_DATA];
	if (data && attr > data && (const char *)attr < (const char *)nla_data(data) + nla_len(data) &&
	    nla_type(attr) == IVM_SW_A_AGEING)
		return "ageing";
	return "";
}

static int ivm_rtnl_refused(struct ivm_rtnl *rtnl, int err, struct nlattr **tb)
{
	const struct nlattr *attr = ivm_ack_attr(tb, rtnl->request, sizeof(struct ifinfomsg));
	const char *text = ivm_ack_text(tb), *subject = ivm_rtnl_subject(rtnl->request, attr);
	char *policy = ivm_ack_policy(tb);

	err = ivm_fail(err, "%s%s%s%s%s", subject, *subject ? ": " : "", text ?: strerror(err), policy,
		       err == EPERM && !text ? "; this needs CAP_NET_ADMIN: run as root" : "");
	free(policy);
	return err;
}

static int ivm_rtnl_on_error(struct sockaddr_nl *from, struct nlmsgerr *msg, void *context)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	struct ivm_rtnl *rtnl = context;

	(void)from;
	ivm_ack_parse(msg, tb);
	rtnl->done = true;
	rtnl->err = ivm_rtnl_refused(rtnl, -msg->error, tb);
	return NL_STOP;
}

static int ivm_rtnl_on_ack(struct nl_msg *msg, void *context)
{
	struct ivm_rtnl *rtnl = context;

	(void)msg;
	rtnl->done = true;
	return NL_STOP;
}

static int ivm_rtnl_on_finish(struct nl_msg *msg, void *context)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	struct ivm_rtnl *rtnl = context;
	int err;

	rtnl->done = true;
	ivm_ack_parse_done(nlmsg_hdr(msg), &err, tb);
	if (err < 0)
		rtnl->err = ivm_rtnl_refused(rtnl, -err, tb);
	return NL_STOP;
}

static int ivm_rtnl_on_message(struct nl_msg *msg, void *context)
{
	struct ivm_rtnl *rtnl = context;

	if (rtnl->each)
		rtnl->each(nlmsg_hdr(msg), rtnl->context);
	return NL_OK;
}

int ivm_rtnl_open(struct ivm_rtnl **result)
{
	struct ivm_rtnl *rtnl = ivm_zalloc(1, sizeof(*rtnl));
	int err = -NLE_NOMEM;

	rtnl->sock = nl_socket_alloc();
	if (rtnl->sock)
		err = nl_connect(rtnl->sock, NETLINK_ROUTE);
	if (err)
		err = ivm_rtnl_fail(err, "cannot open a netlink socket");
	else
		err = ivm_ack_enable(nl_socket_get_fd(rtnl->sock));
	if (err) {
		ivm_rtnl_close(rtnl);
		return err;
	}
	nl_socket_modify_cb(rtnl->sock, NL_CB_VALID, NL_CB_CUSTOM, ivm_rtnl_on_message, rtnl);
	nl_socket_modify_cb(rtnl->sock, NL_CB_ACK, NL_CB_CUSTOM, ivm_rtnl_on_ack, rtnl);
	nl_socket_modify_cb(rtnl->sock, NL_CB_FINISH, NL_CB_CUSTOM, ivm_rtnl_on_finish, rtnl);
	nl_socket_modify_err_cb(rtnl->sock, NL_CB_CUSTOM, ivm_rtnl_on_error, rtnl);
	*result = rtnl;
	return 0;
}

void ivm_rtnl_close(struct ivm_rtnl *rtnl)
{
	if (!rtnl)
		return;
	if (rtnl->sock)
		nl_socket_free(rtnl->sock);
	free(rtnl);
}

struct nl_msg *ivm_rtnl_request(int type, int flags, int index)
{
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = index };
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (!msg || nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		ivm_fail(ENOMEM, "out of memory");
		return NULL;
	}
	return msg;
}

int ivm_rtnl_call(struct ivm_rtnl *rtnl, struct nl_msg *request,
		  void (*each)(const struct nlmsghdr *message, void *context), void *context)
{
	bool torn = false;
	int err;

	if (!request)
		return -ENOMEM;
	rtnl->done = false;
	rtnl->err = 0;
	rtnl->each = each;
	rtnl->context = context;
	err = nl_send_auto(rtnl->sock, request);
	if (err < 0) {
		nlmsg_free(request);
		return ivm_rtnl_fail(err, "cannot send to rtnetlink");
	}
	rtnl->request = nlmsg_hdr(request);
	err = 0;
	while (!rtnl->done) {
		err = nl_recvmsgs_default(rtnl->sock);
		/* libnl goes on reading after it has said this, once it is called again. */
		if (err == -NLE_DUMP_INTR)
			torn = true;
		else if (err < 0 && err != -NLE_INTR)
			break;
		err = 0;
	}
	rtnl->request = NULL;
	nlmsg_free(request);
	if (rtnl->err)
		return rtnl->err;
	if (err)
		return ivm_rtnl_fail(err, "cannot receive from rtnetlink");
	return torn ? -EAGAIN : 0;
}
