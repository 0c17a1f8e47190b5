// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl port list|show|set|attach|detach. */
#include "commands.h"

#include "attrs.h"
#include "fail.h"
#include "ports.h"
#include "print.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IVM_HOST_NAME_MAX	13	/* the other end is called NAME-p */
#define IVM_HOST_MTU		1500

/* The settings that the command line names. */
static int ivm_port_settings(const struct ivm_args *args, struct ivm_settings *settings)
{
	int err = 0;

	memset(settings, 0, sizeof(*settings));
	for (size_t i = 0; i < args->count && !err; i++) {
		const struct ivm_setting *row = ivm_setting_find(args->items[i].key);

		if (row)
			err = ivm_settings_text(settings, row, args->items[i].value, ",");
	}
	return err ?: ivm_settings_check(settings);
}

static int ivm_port_print(struct ivm_net *net, int index)
{
	struct json_object *model;
	struct ivm_link *port;
	int err = ivm_net_again(net);

	if (err)
		return err;
	port = ivm_link_at(&net->links, index);
	if (!port)
		return ivm_fail(ENODEV, "the port is gone already");
	model = ivm_port_model(net, port);
	ivm_print_json(model);
	json_object_put(model);
	return 0;
}

int ivm_port_set(const struct ivm_args *args)
{
	struct ivm_settings settings;
	struct ivm_link *port = NULL;
	struct ivm_net net;
	int err = ivm_port_settings(args, &settings);

	if (err)
		return err;
	if (!settings.given)
		return ivm_usage("nothing to set; usage: ivmctl port set PORT KEY=VALUE...");
	err = ivm_net_open(&net);
	if (!err) {
		port = ivm_net_port(&net, args->name);
		err = port ? ivm_port_resolve(&net, &settings) : -ENODEV;
	}
	if (!err)
		err = ivm_link_set_port(net.rtnl, port->index, &settings);
	if (!err && args->json)
		err = ivm_port_print(&net, port->index);
	ivm_net_close(&net);
	return err;
}

/* A pair of devices for the host: the end at the switch in *port, the host's end brought up. */
static int ivm_port_make_host(struct ivm_net *net, const char *name, const struct ivm_link **port)
{
	char *end;
	int err;

	if (!ivm_is_device_name(name) || strlen(name) > IVM_HOST_NAME_MAX)
		return ivm_fail(EINVAL, "the name of the host's port is '%.40s'; expected 1 to %d printable characters without / and :",
				name, IVM_HOST_NAME_MAX);
	if (ivm_link_find(&net->links, name))
		return ivm_fail(EEXIST, "there is a device '%s' already; host=yes makes a new one", name);
	end = ivm_host_port_name(name);
	err = ivm_link_create_veth(net->rtnl, end, name, -1, IVM_HOST_MTU, NULL);
	if (!err)
		err = ivm_net_again(net);
	*port = err ? NULL : ivm_link_find(&net->links, end);
	if (!err && !*port)
		err = ivm_fail(ENODEV, "the device '%s' is gone already", end);
	free(end);
	return err;
}

static int ivm_port_attach_host(struct ivm_net *net, const struct ivm_args *args, struct ivm_settings *settings)
{
	const struct ivm_link *port = NULL, *host;
	struct ivm_link *sw;
	char *why;
	int err = ivm_port_make_host(net, args->second, &port);

	if (err)
		return err;
	sw = ivm_net_switch(net, args->name);
	err = sw ? ivm_port_attach(net, sw, port, settings) : -ENODEV;
	host = ivm_net_host_end(net, port);
	if (!err && host)
		err = ivm_link_set_up(net->rtnl, host->index, true);
	if (err) {
		why = ivm_strdup(ivm_failure());
		ivm_link_delete(net->rtnl, port->index);
		err = ivm_fail(-err, "%s", why);
		free(why);
	}
	if (!err && args->json)
		err = ivm_port_print(net, port->index);
	return err;
}

static int ivm_port_attach_device(struct ivm_net *net, const struct ivm_args *args, struct ivm_settings *settings)
{
	const struct ivm_link *sw = ivm_net_switch(net, args->name);
	const struct ivm_link *device = ivm_link_find(&net->links, args->second);
	int err;

	if (!device)
		return ivm_fail(ENODEV, "there is no device '%s'; ip link shows all (host=yes makes one for the host)",
				args->second);
	err = ivm_port_attach(net, sw, device, settings);
	if (!err && args->json)
		err = ivm_port_print(net, device->index);
	return err;
}

int ivm_port_attach_command(const struct ivm_args *args)
{
	const char *host = ivm_args_get(args, "host");
	struct ivm_settings settings;
	struct ivm_net net;
	int err = ivm_port_settings(args, &settings);

	if (!err && host && strcmp(host, "yes") && strcmp(host, "no"))
		err = ivm_fail(EINVAL, "host is '%.40s'; expected yes or no", host);
	if (err)
		return err;
	err = ivm_net_open(&net);
	if (!err && !ivm_net_switch(&net, args->name))
		err = -ENODEV;
	if (!err && host && !strcmp(host, "yes"))
		err = ivm_port_attach_host(&net, args, &settings);
	else if (!err)
		err = ivm_port_attach_device(&net, args, &settings);
	ivm_net_close(&net);
	return err;
}

int ivm_port_detach(const struct ivm_args *args)
{
	struct ivm_link *port;
	struct ivm_net net;
	int err = ivm_net_open(&net);

	if (!err) {
		port = ivm_net_port(&net, args->name);
		if (!port)
			err = -ENODEV;
		else if (ivm_net_host_end(&net, port))
			err = ivm_link_delete(net.rtnl, port->index);
		else
			err = ivm_link_set_master(net.rtnl, port->index, 0);
	}
	ivm_net_close(&net);
	return err;
}

int ivm_port_list(const struct ivm_args *args)
{
	const char *only = ivm_args_get(args, "switch");
	const struct ivm_link *sw = NULL;
	struct json_object *list;
	struct ivm_net net;
	int err = ivm_net_open(&net);

	if (!err && only) {
		sw = ivm_net_switch(&net, only);
		err = sw ? 0 : -ENODEV;
	}
	if (err) {
		ivm_net_close(&net);
		return err;
	}
	list = json_object_new_array();
	for (size_t i = 0; i < net.links.count; i++) {
		const struct ivm_link *port = &net.links.link[i];

		if (ivm_link_is_port(port) && (!sw || port->master == sw->index))
			json_object_array_add(list, ivm_port_model(&net, port));
	}
	ivm_net_close(&net);
	if (args->json)
		ivm_print_json(list);
	else
		ivm_ports_print(list, true);
	json_object_put(list);
	return 0;
}

/* One line per setting, in the words that "port set" takes, then counters that are not zero. */
static void ivm_port_print_text(const struct ivm_link *port, struct json_object *model)
{
	static const struct ivm_field fields[] = {
		{ "name", "name", IVM_AS_TEXT }, { "names", "names", IVM_AS_LIST }, { "switch", "switch", IVM_AS_TEXT },
		{ "state", "state", IVM_AS_TEXT }, { "kind", "kind", IVM_AS_TEXT }, { "host", "host", IVM_AS_TEXT },
		{ "ifindex", "ifindex", IVM_AS_TEXT }, { "mac", "mac", IVM_AS_TEXT }, { "mtu", "mtu", IVM_AS_TEXT },
	};
	bool blank = false;

	ivm_print_fields(model, fields, IVM_COUNT(fields));
	ivm_for_each_setting(row) {
		char *value;

		if (!ivm_settings_given(&port->port, row->attr))
			continue;
		value = ivm_setting_value(&port->port, row, ',');
		printf("%-16s %s\n", row->name, value);
		free(value);
	}
	for (unsigned int i = 0; i < IVM_PORT_STATS; i++) {
		if (!port->stats[i])
			continue;
		if (!blank)
			putchar('\n');
		blank = true;
		printf("%-32s %llu\n", ivm_port_stat_name(i), (unsigned long long)port->stats[i]);
	}
}

int ivm_port_show(const struct ivm_args *args)
{
	struct json_object *model;
	struct ivm_link *port;
	struct ivm_net net;
	int err = ivm_net_open(&net);

	if (!err) {
		port = ivm_net_port(&net, args->name);
		err = port ? 0 : -ENODEV;
	}
	if (!err) {
		model = ivm_port_model(&net, port);
		if (args->json)
			ivm_print_json(model);
		else
			ivm_port_print_text(port, model);
		json_object_put(model);
	}
	ivm_net_close(&net);
	return err;
}
