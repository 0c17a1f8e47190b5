// SPDX-License-Identifier: GPL-2.0-only
/* ivmctl switch verify: P1 on a switch as it is, with probes of our own. */
#include "commands.h"

#include "fail.h"
#include "ports.h"
#include "print.h"
#include "text.h"
#include "verify/matrix.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IVM_SHOWN_MAX 20	/* failures printed for people; --json has more */

static volatile int ivm_verify_stop;

static void ivm_verify_signal(int signal)
{
	(void)signal;
	ivm_verify_stop = 1;
}

static void ivm_verify_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction action = { .sa_handler = ivm_verify_signal };

	for (size_t i = 0; i < IVM_COUNT(signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* ---- choosing VLANs ---- */

static bool ivm_port_has(const struct ivm_link *port, uint16_t vid)
{
	if (port->port.mode == IVM_PORT_ACCESS)
		return port->port.access == vid;
	return port->port.mode == IVM_PORT_TRUNK && ivm_vlans_have(port->port.range, port->port.nr_ranges, vid);
}

/* A port of @sw that has @vid, an uplink only if there is no other; or NULL. */
static const struct ivm_link *ivm_verify_user(const struct ivm_net *net, const struct ivm_link *sw, uint16_t vid)
{
	const struct ivm_link *user = NULL;

	for (size_t i = 0; i < net->links.count; i++) {
		const struct ivm_link *port = &net->links.link[i];

		if (port->master != sw->index || !ivm_port_has(port, vid))
			continue;
		if (port->port.role != IVM_PORT_UPLINK)
			return port;
		user = port;
	}
	return user;
}

/* Add VLANs to @vids that nobody has, or @uplinks: nobody but uplinks. Return: how many there are now. */
static size_t ivm_verify_pick(const struct ivm_net *net, const struct ivm_link *sw, bool uplinks, uint16_t vids[4],
			      size_t count)
{
	for (uint16_t vid = IVM_VID_MAX; vid >= IVM_VID_MIN && count < 4; vid--) {
		const struct ivm_link *user = ivm_verify_user(net, sw, vid);
		bool again = false;

		for (size_t i = 0; i < count; i++)
			again |= vids[i] == vid;
		if (!again && (!user || (uplinks && user->port.role == IVM_PORT_UPLINK)))
			vids[count++] = vid;
	}
	return count;
}

static int ivm_verify_given(const char *text, uint16_t vids[4])
{
	char *copy = ivm_strdup(text), *rest = copy, *word;
	size_t count = 0;
	bool bad = false;

	while ((word = strsep(&rest, ",")) && !bad) {
		bad = count == 4 || ivm_parse_vid(word, &vids[count]);
		for (size_t i = 0; i < count && !bad; i++)
			bad = vids[i] == vids[count];
		count++;
	}
	free(copy);
	if (bad || count != 4)
		return ivm_fail(EINVAL, "vlans is '%.60s'; expected four different VLANs, like 4001,4002,4003,4004", text);
	return 0;
}

/* The four VLANs to probe with. Whoever is in one of them would get our frames, so only uplinks may be. */
static int ivm_verify_vlans(const struct ivm_net *net, const struct ivm_link *sw, const char *given, uint16_t vids[4])
{
	const struct ivm_link *uplink = NULL;
	int err = given ? ivm_verify_given(given, vids) : 0;

	if (!given && ivm_verify_pick(net, sw, true, vids, ivm_verify_pick(net, sw, false, vids, 0)) < 4)
		err = ivm_fail(ENOSPC, "there are no four VLANs that only uplinks of '%s' have; the probes would disturb others",
			       sw->name);
	for (size_t i = 0; i < 4 && !err; i++) {
		const struct ivm_link *user = ivm_verify_user(net, sw, vids[i]);

		if (user && user->port.role != IVM_PORT_UPLINK)
			err = ivm_fail(EBUSY, "port '%s' is in VLAN %u; choose VLANs that no port but uplinks has", user->name,
				       vids[i]);
		uplink = user ?: uplink;
	}
	if (!err && uplink)
		fprintf(stderr, "ivmctl: note: probe frames of VLANs %u, %u, %u leave by uplink '%s' too; --vlans chooses others\n",
			vids[0], vids[1], vids[2], uplink->name);
	return err;
}

/* ---- the report ---- */

static void ivm_verify_print_failures(struct json_object *failures)
{
	static const struct ivm_field fields[] = {
		{ "FAULT", "fault", IVM_AS_TEXT }, { "FROM", "from", IVM_AS_TEXT }, { "TO", "to", IVM_AS_TEXT },
		{ "FRAME", "frame", IVM_AS_TEXT }, { "AT", "at", IVM_AS_TEXT }, { "EXPECTED", "expected", IVM_AS_TEXT },
		{ "FOUND", "found", IVM_AS_TEXT }, { "RULE", "rule", IVM_AS_TEXT },
	};
	struct json_object *first = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(failures) && i < IVM_SHOWN_MAX; i++)
		json_object_array_add(first, json_object_get(json_object_array_get_idx(failures, i)));
	if (json_object_array_length(first)) {
		putchar('\n');
		ivm_print_table(first, fields, IVM_COUNT(fields));
	}
	json_object_put(first);
}

static void ivm_verify_report(const struct ivm_args *args, const struct ivm_matrix *matrix, const uint16_t vids[4])
{
	static const struct ivm_field fields[] = {
		{ "switch", "switch", IVM_AS_TEXT }, { "vlans", "vlans", IVM_AS_LIST }, { "ports", "ports", IVM_AS_TEXT },
		{ "kinds-of-frames", "kinds", IVM_AS_TEXT }, { "cells", "cells", IVM_AS_TEXT },
		{ "frames-sent", "frames", IVM_AS_TEXT }, { "frames-received", "received", IVM_AS_TEXT },
		{ "leaks", "leaks", IVM_AS_TEXT }, { "losses", "losses", IVM_AS_TEXT }, { "altered", "altered", IVM_AS_TEXT },
		{ "twice", "twice", IVM_AS_TEXT },
	};
	static const char *const names[IVM_FAULTS] = { "leaks", "losses", "altered", "twice" };
	struct json_object *report = json_object_new_object(), *vlans = json_object_new_array();

	for (size_t i = 0; i < 4; i++)
		json_object_array_add(vlans, json_object_new_int(vids[i]));
	json_object_object_add(report, "switch", json_object_new_string(args->name));
	json_object_object_add(report, "vlans", vlans);
	json_object_object_add(report, "ports", json_object_new_uint64(ivm_nr_probes));
	json_object_object_add(report, "kinds", json_object_new_uint64(ivm_nr_shapes));
	json_object_object_add(report, "cells", json_object_new_uint64(matrix->cells));
	json_object_object_add(report, "frames", json_object_new_uint64(matrix->frames));
	json_object_object_add(report, "received", json_object_new_uint64(matrix->delivered));
	for (size_t i = 0; i < IVM_FAULTS; i++)
		json_object_object_add(report, names[i], json_object_new_uint64(matrix->faults[i]));
	json_object_object_add(report, "failures", json_object_get(matrix->failures));
	if (args->json) {
		ivm_print_json(report);
	} else {
		ivm_print_fields(report, fields, IVM_COUNT(fields));
		ivm_verify_print_failures(matrix->failures);
	}
	json_object_put(report);
}

static int ivm_verify_run(const struct ivm_args *args, struct ivm_net *net, const uint16_t vids[4])
{
	struct ivm_probes *probes = ivm_zalloc(1, sizeof(*probes));
	struct ivm_matrix matrix;
	uint64_t faults = 0;
	char *why;
	int err = ivm_probes_make(probes, net, args->name, vids);

	ivm_matrix_init(&matrix, &probes->run);
	if (!err)
		err = ivm_matrix_run(&matrix, probes, &ivm_verify_stop);
	why = ivm_strdup(ivm_failure());
	ivm_probes_remove(probes, net);
	if (err)
		err = ivm_fail(-err, "%s", why);
	free(why);
	if (!err) {
		ivm_verify_report(args, &matrix, vids);
		for (size_t i = 0; i < IVM_FAULTS; i++)
			faults += matrix.faults[i];
		if (faults)
			err = ivm_fail(EUCLEAN, "switch '%s' does not keep its promise: %llu leaks, %llu losses, %llu altered, %llu twice",
				       args->name, (unsigned long long)matrix.faults[IVM_FAULT_LEAK],
				       (unsigned long long)matrix.faults[IVM_FAULT_LOSS],
				       (unsigned long long)matrix.faults[IVM_FAULT_ALTERED],
				       (unsigned long long)matrix.faults[IVM_FAULT_TWICE]);
	}
	ivm_matrix_free(&matrix);
	free(probes);
	return err;
}

int ivm_switch_verify(const struct ivm_args *args)
{
	struct ivm_link *sw = NULL;
	struct ivm_net net;
	uint16_t vids[4];
	int err = ivm_net_open(&net);

	if (!err) {
		sw = ivm_net_switch(&net, args->name);
		err = sw ? 0 : -ENODEV;
	}
	if (!err && !(sw->flags & IFF_UP))
		err = ivm_fail(ENETDOWN, "switch '%s' is down; bring it up with: ip link set %s up", sw->name, sw->name);
	if (!err)
		err = ivm_verify_vlans(&net, sw, ivm_args_get(args, "vlans"), vids);
	if (!err) {
		ivm_verify_catch();
		err = ivm_verify_run(args, &net, vids);
	}
	ivm_net_close(&net);
	return err;
}
