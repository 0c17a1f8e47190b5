// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl switch create|list|show|set|delete. */
#include "commands.h"

#include "fail.h"
#include "ports.h"
#include "print.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IVM_AGEING_MIN	10
#define IVM_AGEING_MAX	1000000

static int ivm_switch_ageing(const struct ivm_args *args, uint32_t *ageing, bool *given)
{
	const char *text = ivm_args_get(args, "ageing");
	uint64_t seconds;

	*given = text;
	if (!text)
		return 0;
	if (ivm_parse_number(text, &seconds) || seconds < IVM_AGEING_MIN || seconds > IVM_AGEING_MAX)
		return ivm_fail(EINVAL, "ageing is '%.40s'; expected a number of seconds, %d to %d", text, IVM_AGEING_MIN,
				IVM_AGEING_MAX);
	*ageing = (uint32_t)seconds;
	return 0;
}

/* Print the switch as it is now, for --json. */
static int ivm_switch_print(struct ivm_net *net, const char *name)
{
	struct json_object *model;
	struct ivm_link *sw;
	int err = ivm_net_again(net);

	if (err)
		return err;
	sw = ivm_net_switch(net, name);
	if (!sw)
		return -ENODEV;
	model = ivm_switch_model(net, sw);
	ivm_print_json(model);
	json_object_put(model);
	return 0;
}

/* A device that may become the uplink. */
static int ivm_switch_uplink(const struct ivm_net *net, const char *name, const struct ivm_link **uplink)
{
	const struct ivm_link *master;

	*uplink = name ? ivm_link_find(&net->links, name) : NULL;
	if (!name)
		return 0;
	if (!*uplink)
		return ivm_fail(ENODEV, "uplink is '%.60s', and there is no such device; ip link shows all", name);
	master = ivm_link_at(&net->links, (*uplink)->master);
	if ((*uplink)->master)
		return ivm_fail(EBUSY, "uplink is '%.60s', which belongs to '%s' already", name,
				master ? master->name : "another device");
	return 0;
}

/* All VLANs, tagged, and unknown unicast: what lies behind it knows where to go. */
static void ivm_switch_uplink_settings(struct ivm_settings *settings)
{
	memset(settings, 0, sizeof(*settings));
	ivm_settings_text(settings, ivm_setting_find("trunk"), "all", ",");
	ivm_settings_text(settings, ivm_setting_find("role"), "uplink", ",");
}

/* From the switch's creation to its uplink; on failure the switch is gone again. */
static int ivm_switch_complete(struct ivm_net *net, const char *name, const struct ivm_link *uplink)
{
	struct ivm_settings settings;
	struct ivm_link *sw;
	struct ivm_link device;
	char *why;
	int err;

	/* Reading the devices again moves them. */
	if (uplink)
		device = *uplink;
	err = ivm_net_again(net);
	if (err)
		return err;
	sw = ivm_net_switch(net, name);
	if (!sw)
		return -ENODEV;
	err = ivm_link_set_up(net->rtnl, sw->index, true);
	if (!err && uplink) {
		ivm_switch_uplink_settings(&settings);
		err = ivm_port_attach(net, sw, &device, &settings);
	}
	if (err) {
		why = ivm_strdup(ivm_failure());
		ivm_link_delete(net->rtnl, sw->index);
		err = ivm_fail(-err, "%s", why);
		free(why);
	}
	return err;
}

int ivm_switch_create(const struct ivm_args *args)
{
	const struct ivm_link *uplink;
	struct ivm_net net;
	uint32_t ageing;
	bool aged;
	int err;

	if (!ivm_is_device_name(args->name))
		return ivm_fail(EINVAL, "the name of the switch is '%.40s'; expected 1 to %d printable characters without / and :",
				args->name, IFNAMSIZ - 1);
	err = ivm_switch_ageing(args, &ageing, &aged);
	if (err)
		return err;
	err = ivm_net_open(&net);
	if (!err && ivm_link_find(&net.links, args->name))
		err = ivm_fail(EEXIST, "there is a device '%s' already; choose another name, or change it with: ivmctl switch set",
			       args->name);
	if (!err)
		err = ivm_switch_uplink(&net, ivm_args_get(args, "uplink"), &uplink);
	if (!err)
		err = ivm_link_create_switch(net.rtnl, args->name, aged ? &ageing : NULL);
	if (!err)
		err = ivm_switch_complete(&net, args->name, uplink);
	if (!err && args->json)
		err = ivm_switch_print(&net, args->name);
	ivm_net_close(&net);
	return err;
}

int ivm_switch_set(const struct ivm_args *args)
{
	struct ivm_link *sw = NULL;
	struct ivm_net net;
	uint32_t ageing;
	bool aged;
	int err = ivm_switch_ageing(args, &ageing, &aged);

	if (err)
		return err;
	if (!args->count)
		return ivm_usage("nothing to set; usage: ivmctl switch set SWITCH [--ageing SECONDS] [--flush]");
	err = ivm_net_open(&net);
	if (!err) {
		sw = ivm_net_switch(&net, args->name);
		err = sw ? 0 : -ENODEV;
	}
	if (!err && aged)
		err = ivm_link_set_ageing(net.rtnl, sw->index, ageing);
	if (!err && ivm_args_get(args, "flush"))
		err = ivm_link_flush(net.rtnl, sw->index);
	if (!err && args->json)
		err = ivm_switch_print(&net, args->name);
	ivm_net_close(&net);
	return err;
}

/* Pairs that were made for the host go with the switch. */
static int ivm_switch_delete_pairs(const struct ivm_net *net, int index)
{
	int err = 0;

	for (size_t i = 0; i < net->links.count && !err; i++) {
		const struct ivm_link *port = &net->links.link[i];

		if (port->master == index && ivm_net_host_end(net, port))
			err = ivm_link_delete(net->rtnl, port->index);
	}
	return err;
}

int ivm_switch_delete(const struct ivm_args *args)
{
	struct ivm_link *sw;
	struct ivm_net net;
	int err = ivm_net_open(&net);

	if (!err) {
		sw = ivm_net_switch(&net, args->name);
		err = sw ? 0 : -ENODEV;
	}
	for (size_t i = 0; !err && i < net.links.count; i++) {
		const struct ivm_link *port = &net.links.link[i];

		if (port->master == sw->index && !strcmp(port->kind, IVM_LINK_KIND_NIC))
			err = ivm_fail(EBUSY, "the card '%s' of a VM is plugged into '%s'; stop the VM first",
				       port->nr_altnames ? port->altname[0] : port->name, sw->name);
	}
	if (!err)
		err = ivm_link_delete(net.rtnl, sw->index);
	if (!err)
		err = ivm_switch_delete_pairs(&net, sw->index);
	ivm_net_close(&net);
	return err;
}

int ivm_switch_list(const struct ivm_args *args)
{
	static const struct ivm_field fields[] = {
		{ "NAME", "name", IVM_AS_TEXT }, { "STATE", "state", IVM_AS_TEXT },
		{ "PORTS", "nr-ports", IVM_AS_TEXT }, { "AGEING", "ageing", IVM_AS_TEXT },
		{ "LEARNT", "learnt", IVM_AS_TEXT },
	};
	struct json_object *list;
	struct ivm_net net;
	int err = ivm_net_open(&net);

	if (err) {
		ivm_net_close(&net);
		return err;
	}
	list = json_object_new_array();
	for (size_t i = 0; i < net.links.count; i++)
		if (ivm_link_is_switch(&net.links.link[i]))
			json_object_array_add(list, ivm_switch_model(&net, &net.links.link[i]));
	ivm_net_close(&net);
	if (args->json)
		ivm_print_json(list);
	else
		ivm_print_table(list, fields, IVM_COUNT(fields));
	json_object_put(list);
	return 0;
}

int ivm_switch_show(const struct ivm_args *args)
{
	static const struct ivm_field fields[] = {
		{ "name", "name", IVM_AS_TEXT }, { "state", "state", IVM_AS_TEXT }, { "ifindex", "ifindex", IVM_AS_TEXT },
		{ "mac", "mac", IVM_AS_TEXT }, { "mtu", "mtu", IVM_AS_TEXT }, { "ageing", "ageing", IVM_AS_TEXT },
		{ "learnt", "learnt", IVM_AS_TEXT },
	};
	struct json_object *model = NULL, *ports;
	struct ivm_link *sw;
	struct ivm_net net;
	int err = ivm_net_open(&net);

	if (!err) {
		sw = ivm_net_switch(&net, args->name);
		err = sw ? 0 : -ENODEV;
	}
	if (!err)
		model = ivm_switch_model(&net, sw);
	ivm_net_close(&net);
	if (err)
		return err;
	if (args->json) {
		ivm_print_json(model);
	} else {
		ivm_print_fields(model, fields, IVM_COUNT(fields));
		if (json_object_object_get_ex(model, "ports", &ports) && json_object_array_length(ports)) {
			putchar('\n');
			ivm_ports_print(ports, false);
		}
	}
	json_object_put(model);
	return 0;
}
