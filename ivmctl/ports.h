/* SPDX-License-Identifier: GPL-2.0-only */
/* Switches and their ports: what the nouns switch, port and vm share. */
#ifndef IVM_PORTS_H
#define IVM_PORTS_H

#include "link.h"

#include <json-c/json.h>

struct ivm_rtnl;

/* A connection, and all devices as they were when it was opened. */
struct ivm_net {
	struct ivm_rtnl		*rtnl;
	struct ivm_links	links;
};

int ivm_net_open(struct ivm_net *net);	/* close it in any case */
void ivm_net_close(struct ivm_net *net);
int ivm_net_again(struct ivm_net *net);	/* read the devices again */

/* The switch called @name, or NULL with a sentence. */
struct ivm_link *ivm_net_switch(const struct ivm_net *net, const char *name);

/* The port called @name; of a host's port its name on either side will do. NULL with a sentence. */
struct ivm_link *ivm_net_port(const struct ivm_net *net, const char *name);

/* A port that ivmctl made for the host: the host's end of the pair, else NULL. */
struct ivm_link *ivm_net_host_end(const struct ivm_net *net, const struct ivm_link *port);

/* The name of a pair's end at the switch, for the host's end @name; for free(). */
char *ivm_host_port_name(const char *name);

/**
 * ivm_port_attach() - make @device a port of @sw, set it, bring it up
 * All or nothing. Return: 0 or negative errno with a sentence.
 */
int ivm_port_attach(struct ivm_net *net, const struct ivm_link *sw, const struct ivm_link *device,
		    struct ivm_settings *settings);

/* Find what settings name: the mirror. Return: 0 or negative errno with a sentence. */
int ivm_port_resolve(const struct ivm_net *net, struct ivm_settings *settings);

/* The model of a port, and of a switch with its ports; the caller owns it. */
struct json_object *ivm_port_model(const struct ivm_net *net, const struct ivm_link *port);
struct json_object *ivm_switch_model(const struct ivm_net *net, const struct ivm_link *sw);

/* A table of port models. */
void ivm_ports_print(struct json_object *array, bool with_switch);

#endif
