// SPDX-License-Identifier: GPL-2.0-only
#include "nl.h"

#include "ack.h"
#include "attrs.h"
#include "fail.h"
#include "text.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define IVM_NL_DUMP_TRIES	10
#define IVM_NL_EVENT_BUFFER	(1 << 20)
#define IVM_NL_REQUEST_SIZE	32768	/* eight cards with all that can be said of them, and room to spare */

struct ivm_nl {
	struct nl_sock		*sock;
	int			family;
	/* the call in progress */
	const struct nlmsghdr	*request;
	struct json_object	*answer;	/* object, or the array of a dump */
	bool			dump;
	bool			done;
	int			err;		/* 0 or negative errno, sentence recorded */
	/* ivm_nl_events() */
	int			(*event)(struct json_object *event, void *context);
	void			*context;
};

/* libnl has error codes of its own; what the user needs is the kernel's word. */
static int ivm_nl_fail(int nl_err, const char *what)
{
	return ivm_fail(EIO, "%s: %s", what, nl_geterror(nl_err));
}

/* What a sentence about @attr begins with: its name, or for a name the VM; for free(). */
static char *ivm_nl_subject(const struct nlattr *attr)
{
	if (!attr)
		return ivm_strdup("");
	if (nla_type(attr) == IVM_A_NAME)
		return ivm_format("VM '%.*s': ", nla_len(attr), (const char *)nla_data(attr));
	return ivm_format("%s: ", ivm_attr_name((unsigned int)nla_type(attr)));
}

/* Turn a refusal with its extended acknowledgement into our sentence. */
static int ivm_nl_refused(struct ivm_nl *nl, int err, struct nlattr **tb)
{
	const struct nlattr *attr = ivm_ack_attr(tb, nl->request, GENL_HDRLEN);
	const char *text = ivm_ack_text(tb), *hint = "";
	char *policy, *subject;

	if (tb[NLMSGERR_ATTR_MISS_TYPE] && nla_len(tb[NLMSGERR_ATTR_MISS_TYPE]) >= 4)
		return ivm_fail(err, "the module misses the attribute %s%s%s",
				ivm_attr_name(nla_get_u32(tb[NLMSGERR_ATTR_MISS_TYPE])),
				text ? ": " : "", text ?: "");
	if (err == EPERM && !text)
		hint = "; this needs CAP_SYS_ADMIN: run as root";
	subject = ivm_nl_subject(attr);
	policy = ivm_ack_policy(tb);
	err = ivm_fail(err, "%s%s%s%s", subject, text ?: strerror(err), policy, hint);
	free(policy);
	free(subject);
	return err;
}

static int ivm_nl_on_error(struct sockaddr_nl *from, struct nlmsgerr *msg, void *context)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	struct ivm_nl *nl = context;

	(void)from;
	ivm_ack_parse(msg, tb);
	nl->done = true;
	nl->err = ivm_nl_refused(nl, -msg->error, tb);
	return NL_STOP;
}

static int ivm_nl_on_ack(struct nl_msg *msg, void *context)
{
	struct ivm_nl *nl = context;

	(void)msg;
	nl->done = true;
	return NL_STOP;
}

/* The end of a dump carries an error number of its own. */
static int ivm_nl_on_finish(struct nl_msg *msg, void *context)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	struct ivm_nl *nl = context;
	int err;

	nl->done = true;
	ivm_ack_parse_done(nlmsg_hdr(msg), &err, tb);
	if (err < 0)
		nl->err = ivm_nl_refused(nl, -err, tb);
	return NL_STOP;
}

static int ivm_nl_on_message(struct nl_msg *msg, void *context)
{
	const struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));
	struct ivm_nl *nl = context;
	struct json_object *object;

	if (nlmsg_hdr(msg)->nlmsg_type != nl->family || !genlmsg_valid_hdr(nlmsg_hdr(msg), 0))
		return NL_SKIP;
	object = ivm_attrs_json(genlmsg_attrdata(header, 0), genlmsg_attrlen(header, 0));
	if (nl->event) {
		if (header->cmd == IVM_CMD_EVENT)
			nl->err = nl->event(object, nl->context);
		nl->done = nl->err != 0;
		json_object_put(object);
	} else if (nl->dump) {
		json_object_array_add(nl->answer, object);
	} else {
		json_object_put(nl->answer);
		nl->answer = object;
	}
	return NL_OK;
}

int ivm_nl_open(struct ivm_nl **result)
{
	struct ivm_nl *nl = ivm_zalloc(1, sizeof(*nl));
	int err;

	nl->sock = nl_socket_alloc();
	if (!nl->sock) {
		free(nl);
		return ivm_fail(ENOMEM, "out of memory");
	}
	err = genl_connect(nl->sock);
	if (err) {
		err = ivm_nl_fail(err, "cannot open a netlink socket");
		goto err_close;
	}
	/* libnl resolves the family with handlers of its own, so ours come after. */
	nl->family = genl_ctrl_resolve(nl->sock, IVM_GENL_NAME);
	if (nl->family < 0) {
		if (nl->family == -NLE_OBJ_NOTFOUND)
			err = ivm_fail(ENODEV, "the module ivm is not loaded; load it with: modprobe ivm");
		else
			err = ivm_nl_fail(nl->family, "cannot find the netlink family ivm");
		goto err_close;
	}
	err = ivm_ack_enable(nl_socket_get_fd(nl->sock));
	if (err)
		goto err_close;
	nl_socket_modify_cb(nl->sock, NL_CB_VALID, NL_CB_CUSTOM, ivm_nl_on_message, nl);
	nl_socket_modify_cb(nl->sock, NL_CB_ACK, NL_CB_CUSTOM, ivm_nl_on_ack, nl);
	nl_socket_modify_cb(nl->sock, NL_CB_FINISH, NL_CB_CUSTOM, ivm_nl_on_finish, nl);
	nl_socket_modify_err_cb(nl->sock, NL_CB_CUSTOM, ivm_nl_on_error, nl);
	*result = nl;
	return 0;
err_close:
	nl_socket_free(nl->sock);
	free(nl);
	return err;
}

void ivm_nl_close(struct ivm_nl *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sock);
	free(nl);
}

static struct nl_msg *ivm_nl_request_flags(struct ivm_nl *nl, enum ivm_cmd cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(IVM_NL_REQUEST_SIZE);

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, flags, (uint8_t)cmd,
				 IVM_GENL_VERSION)) {
		nlmsg_free(msg);
		ivm_fail(ENOMEM, "out of memory");
		return NULL;
	}
	return msg;
}

struct nl_msg *ivm_nl_request(struct ivm_nl *nl, enum ivm_cmd cmd)
{
	return ivm_nl_request_flags(nl, cmd, 0);
}

/* Send, and receive until the verdict is there. Return: 0, -NLE_DUMP_INTR, or negative errno with a sentence. */
static int ivm_nl_exchange(struct ivm_nl *nl, struct nl_msg *request)
{
	int err;

	if (!request)
		return -ENOMEM;		/* recorded where it was allocated */
	nl->done = false;
	nl->err = 0;
	err = nl_send_auto(nl->sock, request);
	if (err < 0) {
		nlmsg_free(request);
		return ivm_nl_fail(err, "cannot send to the module");
	}
	nl->request = nlmsg_hdr(request);
	err = 0;
	while (!nl->done) {
		err = nl_recvmsgs_default(nl->sock);
		if (err < 0 && err != -NLE_INTR)
			break;
		err = 0;
	}
	nl->request = NULL;
	nlmsg_free(request);
	if (nl->err)
		return nl->err;
	if (err && err != -NLE_DUMP_INTR)
		return ivm_nl_fail(err, "cannot receive from the module");
	return err;
}

int ivm_nl_call(struct ivm_nl *nl, struct nl_msg *request, struct json_object **answer)
{
	int err;

	nl->answer = NULL;
	nl->dump = false;
	err = ivm_nl_exchange(nl, request);
	if (!err && answer)
		*answer = nl->answer;
	else
		json_object_put(nl->answer);
	nl->answer = NULL;
	return err;
}

/* @what: of which list a sentence speaks. */
static int ivm_nl_dump(struct ivm_nl *nl, enum ivm_cmd cmd, const char *what, struct json_object **array)
{
	int err = 0;

	nl->dump = true;
	for (int i = 0; i < IVM_NL_DUMP_TRIES; i++) {
		nl->answer = json_object_new_array();
		err = ivm_nl_exchange(nl, ivm_nl_request_flags(nl, cmd, NLM_F_DUMP));
		if (!err) {
			*array = nl->answer;
			nl->answer = NULL;
			return 0;
		}
		json_object_put(nl->answer);
		nl->answer = NULL;
		if (err != -NLE_DUMP_INTR)
			return err;
		/* What is left of the interrupted answer must not reach the next one. */
		while (!nl->done && nl_recvmsgs_default(nl->sock) >= 0)
			;
	}
	return ivm_fail(EAGAIN, "the list of %s changed %d times while it was read; try again", what, IVM_NL_DUMP_TRIES);
}

int ivm_nl_dump_vms(struct ivm_nl *nl, struct json_object **array)
{
	return ivm_nl_dump(nl, IVM_CMD_VM_GET, "VMs", array);
}

int ivm_nl_dump_cores(struct ivm_nl *nl, struct json_object **array)
{
	return ivm_nl_dump(nl, IVM_CMD_CORE_GET, "cores", array);
}

int ivm_nl_events(struct ivm_nl *nl, int (*event)(struct json_object *event, void *context),
		  void (*ready)(void *context), void *context)
{
	int group, err;

	group = genl_ctrl_resolve_grp(nl->sock, IVM_GENL_NAME, IVM_GENL_MCGRP_EVENTS);
	if (group < 0)
		return ivm_nl_fail(group, "cannot find the event group of the module");
	err = nl_socket_add_membership(nl->sock, group);
	if (err == -NLE_PERM)
		return ivm_fail(EPERM, "cannot subscribe to events: this needs CAP_SYS_ADMIN: run as root");
	if (err)
		return ivm_nl_fail(err, "cannot subscribe to events");
	nl_socket_set_buffer_size(nl->sock, IVM_NL_EVENT_BUFFER, 0);
	nl_socket_disable_seq_check(nl->sock);
	nl->event = event;
	nl->context = context;
	nl->done = false;
	nl->err = 0;
	if (ready)
		ready(context);
	while (!nl->done) {
		err = nl_recvmsgs_default(nl->sock);
		if (err == -NLE_NOMEM) {	/* ENOBUFS: the socket overflowed */
			struct json_object *lost = json_object_new_object();

			json_object_object_add(lost, "event-type", json_object_new_string("lost"));
			nl->err = event(lost, context);
			nl->done = nl->err != 0;
			json_object_put(lost);
		} else if (err < 0 && err != -NLE_INTR) {
			nl->err = ivm_nl_fail(err, "cannot receive events");
			break;
		}
	}
	nl->event = NULL;
	return nl->err;
}

struct nl_msg *ivm_nl_request_name(struct ivm_nl *nl, enum ivm_cmd cmd, const char *name)
{
	struct nl_msg *msg = ivm_nl_request(nl, cmd);

	if (msg && nla_put_string(msg, IVM_A_NAME, name)) {
		nlmsg_free(msg);
		ivm_fail(ENOMEM, "out of memory");
		return NULL;
	}
	return msg;
}

int ivm_nl_vm_get(struct ivm_nl *nl, const char *name, struct json_object **vm)
{
	int err = ivm_nl_call(nl, ivm_nl_request_name(nl, IVM_CMD_VM_GET, name), vm);

	if (!err && !*vm)
		return ivm_fail(EPROTO, "the module gave no answer about VM '%s'", name);
	return err;
}

int ivm_nl_vm_command(struct ivm_nl *nl, enum ivm_cmd cmd, const char *name)
{
	return ivm_nl_call(nl, ivm_nl_request_name(nl, cmd, name), NULL);
}
