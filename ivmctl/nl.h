/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one narrow pipe to the module's netlink family. Refusals come back as
 * negative errno with the module's own sentence and the attribute at fault.
 */
#ifndef IVM_NL_H
#define IVM_NL_H

#include <json-c/json.h>
#include <linux/ivm.h>
#include <stdint.h>

struct ivm_nl;
struct nl_msg;

/**
 * ivm_nl_open() - connect to the module
 * Return: 0; -ENODEV when the module is not loaded; another negative errno. One
 * thread at a time may use the connection.
 */
int ivm_nl_open(struct ivm_nl **nl);
void ivm_nl_close(struct ivm_nl *nl);	/* accepts NULL */

/* A request without attributes; the caller adds them with nla_put_…() and hands it to ivm_nl_call(). */
struct nl_msg *ivm_nl_request(struct ivm_nl *nl, enum ivm_cmd cmd);

/**
 * ivm_nl_call() - send a request and wait for the module's verdict
 * @request:	consumed
 * @answer:	out: attributes as JSON, or NULL when there were none; may be NULL
 *
 * Return: 0, or the module's negative errno with a sentence.
 */
int ivm_nl_call(struct ivm_nl *nl, struct nl_msg *request, struct json_object **answer);

/*
 * All VMs, all cores: *@array gets one object each. A list that changed while it
 * was read is read again; -EAGAIN when it does not stop changing.
 */
int ivm_nl_dump_vms(struct ivm_nl *nl, struct json_object **array);
int ivm_nl_dump_cores(struct ivm_nl *nl, struct json_object **array);

/**
 * ivm_nl_events() - subscribe, then hand every event to @event until it returns non-zero
 * @ready:	called once when events can no longer be missed; may be NULL
 *
 * Events that the socket's buffer could not hold arrive as one object of
 * event-type "lost". Return: what @event returned, or negative errno.
 */
int ivm_nl_events(struct ivm_nl *nl, int (*event)(struct json_object *event, void *context),
		  void (*ready)(void *context), void *context);

/* ---- requests about one VM ---- */

int ivm_nl_vm_get(struct ivm_nl *nl, const char *name, struct json_object **vm);	/* -ENOENT: none */
struct nl_msg *ivm_nl_request_name(struct ivm_nl *nl, enum ivm_cmd cmd, const char *name); /* for more attributes */
int ivm_nl_vm_command(struct ivm_nl *nl, enum ivm_cmd cmd, const char *name);	/* START RESET PAUSE RESUME DELETE */

#endif
