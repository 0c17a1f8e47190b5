// SPDX-License-Identifier: GPL-2.0-only
#include "ports.h"

#include "fail.h"
#include "nic.h"
#include "print.h"
#include "rtnl.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IVM_HOST_PORT_SUFFIX "-p"

int ivm_net_open(struct ivm_net *net)
{
	int err;

	memset(net, 0, sizeof(*net));
	err = ivm_rtnl_open(&net->rtnl);
	return err ?: ivm_links_read(net->rtnl, &net->links);
}

void ivm_net_close(struct ivm_net *net)
{
	ivm_links_free(&net->links);
	ivm_rtnl_close(net->rtnl);
	net->rtnl = NULL;
}

int ivm_net_again(struct ivm_net *net)
{
	ivm_links_free(&net->links);
	return ivm_links_read(net->rtnl, &net->links);
}

/* What a device that is not what was wanted is instead. */
static const char *ivm_link_what(const struct ivm_link *link)
{
	return link->kind[0] ? link->kind : "hardware";
}

struct ivm_link *ivm_net_switch(const struct ivm_net *net, const char *name)
{
	struct ivm_link *link = ivm_link_find(&net->links, name);

	if (link && ivm_link_is_switch(link))
		return link;
	if (link)
		ivm_fail(EINVAL, "'%s' is no switch but a device of kind %s; ivmctl switch list shows all switches", name,
			 ivm_link_what(link));
	else
		ivm_fail(ENODEV, "there is no switch '%s'; ivmctl switch list shows all", name);
	return NULL;
}

char *ivm_host_port_name(const char *name)
{
	return ivm_format("%s" IVM_HOST_PORT_SUFFIX, name);
}

struct ivm_link *ivm_net_host_end(const struct ivm_net *net, const struct ivm_link *port)
{
	struct ivm_link *end = ivm_link_at(&net->links, port->peer);
	char *name;
	bool ours;

	if (!end || strcmp(port->kind, "veth"))
		return NULL;
	name = ivm_host_port_name(end->name);
	ours = !strcmp(name, port->name);
	free(name);
	return ours ? end : NULL;
}

struct ivm_link *ivm_net_port(const struct ivm_net *net, const char *name)
{
	struct ivm_link *link = ivm_link_find(&net->links, name), *port;

	if (link && ivm_link_is_port(link))
		return link;
	port = link ? ivm_link_at(&net->links, link->peer) : NULL;
	if (port && ivm_link_is_port(port) && ivm_net_host_end(net, port) == link)
		return port;
	if (!link)
		ivm_fail(ENODEV, "there is no port '%s'; ivmctl port list shows all", name);
	else
		ivm_fail(EINVAL, "'%s' is no port of a switch; attach it with: ivmctl port attach SWITCH %s", name, name);
	return NULL;
}

int ivm_port_resolve(const struct ivm_net *net, struct ivm_settings *settings)
{
	struct ivm_link *mirror;

	if (!ivm_settings_given(settings, IVM_PORT_A_MIRROR) || !settings->mirror[0])
		return 0;
	mirror = ivm_net_port(net, settings->mirror);
	if (!mirror)
		return ivm_fail(ENODEV, "mirror is '%.60s'; expected a port of the same switch, or none",
				settings->mirror);
	settings->mirror_index = (uint32_t)mirror->index;
	return 0;
}

static int ivm_port_check_free(const struct ivm_net *net, const struct ivm_link *sw, const struct ivm_link *device)
{
	const struct ivm_link *master = ivm_link_at(&net->links, device->master);

	if (device == sw)
		return ivm_fail(ELOOP, "'%s' cannot be a port of itself", sw->name);
	if (device->master == sw->index)
		return ivm_fail(EBUSY, "'%s' is a port of '%s' already; change it with: ivmctl port set %s", device->name,
				sw->name, device->name);
	if (device->master)
		return ivm_fail(EBUSY, "'%s' belongs to '%s' already; take it away there first", device->name,
				master ? master->name : "a device of another namespace");
	return 0;
}

int ivm_port_attach(struct ivm_net *net, const struct ivm_link *sw, const struct ivm_link *device,
		    struct ivm_settings *settings)
{
	bool up = device->flags & IFF_UP;
	char *why;
	int err = ivm_port_check_free(net, sw, device) ?: ivm_port_resolve(net, settings);

	if (err)
		return err;
	err = ivm_link_set_master(net->rtnl, device->index, sw->index);
	if (err)
		return ivm_fail(-err, "cannot attach '%s' to '%s': %s", device->name, sw->name, ivm_failure());
	/* The kernel hands settings to the master that the device had before a request, so they are a second one. */
	if (settings->given)
		err = ivm_link_set_port(net->rtnl, device->index, settings);
	if (!err && !up) {
		/* The host shall have no address here; a host without IPv6 gives none. */
		ivm_link_set_no_address(net->rtnl, device->index);
		err = ivm_link_set_up(net->rtnl, device->index, true);
	}
	if (!err)
		return 0;
	why = ivm_strdup(ivm_failure());
	ivm_link_set_master(net->rtnl, device->index, 0);
	if (!up)
		ivm_link_set_up(net->rtnl, device->index, false);
	err = ivm_fail(-err, "%s", why);
	free(why);
	return err;
}

/* ---- models ---- */

static void ivm_model_text(struct json_object *model, const char *name, const char *text)
{
	json_object_object_add(model, name, json_object_new_string(text));
}

static void ivm_model_number(struct json_object *model, const char *name, uint64_t number)
{
	json_object_object_add(model, name, json_object_new_uint64(number));
}

/* What ports and switches have as devices. */
static struct json_object *ivm_link_model(const struct ivm_link *link)
{
	struct json_object *model = json_object_new_object(), *names = json_object_new_array();
	char mac[IVM_MAC_TEXT];

	ivm_model_text(model, "name", link->name);
	for (size_t i = 0; i < link->nr_altnames; i++)
		json_object_array_add(names, json_object_new_string(link->altname[i]));
	json_object_object_add(model, "names", names);
	ivm_model_number(model, "ifindex", (uint64_t)link->index);
	json_object_object_add(model, "up", json_object_new_boolean(link->flags & IFF_UP));
	json_object_object_add(model, "carrier", json_object_new_boolean(link->carrier));
	ivm_model_text(model, "mac", ivm_mac_text(link->mac, mac));
	ivm_model_number(model, "mtu", link->mtu);
	return model;
}

/* A word on whether frames can pass. */
static const char *ivm_link_state(const struct ivm_link *link)
{
	if (!(link->flags & IFF_UP))
		return "down";
	return link->carrier ? "up" : "no-carrier";
}

struct json_object *ivm_port_model(const struct ivm_net *net, const struct ivm_link *port)
{
	const struct ivm_link *sw = ivm_link_at(&net->links, port->master), *host = ivm_net_host_end(net, port);
	struct json_object *model = ivm_link_model(port), *stats = json_object_new_object();
	uint64_t drops = 0;
	char *vlan;

	ivm_model_text(model, "switch", sw ? sw->name : "");
	ivm_model_text(model, "kind", port->kind[0] ? port->kind : "hardware");
	ivm_model_text(model, "state", ivm_link_state(port));
	if (host)
		ivm_model_text(model, "host", host->name);
	vlan = ivm_port_vlan_text(&port->port);
	ivm_model_text(model, "vlans", vlan);
	free(vlan);
	ivm_settings_add_json(&port->port, false, model);
	for (unsigned int i = 0; i < IVM_PORT_STATS; i++) {
		ivm_model_number(stats, ivm_port_stat_name(i), port->stats[i]);
		if (i >= IVM_STAT_DROP_FIRST)
			drops += port->stats[i];
	}
	ivm_model_number(model, "rx", port->stats[IVM_STAT_RX]);
	ivm_model_number(model, "tx", port->stats[IVM_STAT_TX]);
	ivm_model_number(model, "drops", drops);
	json_object_object_add(model, "stats", stats);
	return model;
}

struct json_object *ivm_switch_model(const struct ivm_net *net, const struct ivm_link *sw)
{
	struct json_object *model = ivm_link_model(sw), *ports = json_object_new_array();

	ivm_model_text(model, "state", ivm_link_state(sw));
	ivm_model_number(model, "ageing", sw->ageing);
	ivm_model_number(model, "learnt", sw->learnt);
	for (size_t i = 0; i < net->links.count; i++)
		if (net->links.link[i].master == sw->index)
			json_object_array_add(ports, ivm_port_model(net, &net->links.link[i]));
	ivm_model_number(model, "nr-ports", json_object_array_length(ports));
	json_object_object_add(model, "ports", ports);
	return model;
}

void ivm_ports_print(struct json_object *array, bool with_switch)
{
	static const struct ivm_field fields[] = {
		{ "PORT", "name", IVM_AS_TEXT }, { "SWITCH", "switch", IVM_AS_TEXT },
		{ "VLAN", "vlans", IVM_AS_TEXT }, { "ROLE", "role", IVM_AS_TEXT }, { "STATE", "state", IVM_AS_TEXT },
		{ "KIND", "kind", IVM_AS_TEXT }, { "RX", "rx", IVM_AS_TEXT }, { "TX", "tx", IVM_AS_TEXT },
		{ "DROPS", "drops", IVM_AS_TEXT }, { "NAMES", "names", IVM_AS_LIST },
	};
	struct ivm_field shown[IVM_COUNT(fields)];
	size_t count = 0;

	for (size_t i = 0; i < IVM_COUNT(fields); i++)
		if (with_switch || strcmp(fields[i].name, "switch"))
			shown[count++] = fields[i];
	ivm_print_table(array, shown, count);
}
