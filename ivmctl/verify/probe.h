/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Probe ports: pairs of devices, one end a port of the switch, the other in a
 * network namespace that nobody else is in. The namespace has no name: when the
 * process ends, however it ends, the kernel takes it away, and all pairs with it.
 */
#ifndef IVM_VERIFY_PROBE_H
#define IVM_VERIFY_PROBE_H

#include "frame.h"

#include "../ports.h"

#include <net/if.h>

struct ivm_probes {
	struct ivm_run_values	run;
	char			name[IVM_PROBES_MAX][IFNAMSIZ];	/* of the ports */
	int			port[IVM_PROBES_MAX];	/* index at the switch, 0: not made */
	int			peer[IVM_PROBES_MAX];	/* index in the namespace */
	int			beside[IVM_PROBES_MAX][2][IVM_LETTERS];	/* vlan devices for tags beside a frame */
	int			capture[IVM_PROBES_MAX];	/* packet socket, -1: none */
	int			send;				/* packet socket, -1: none */
	int			home_ns, probe_ns;
	struct ivm_rtnl		*rtnl;				/* in the namespace of the probes */
};

/* How a tag of type @proto is looked up in struct ivm_probes.beside. */
static inline size_t ivm_beside_index(uint16_t proto)
{
	return proto == 0x88a8;
}

/**
 * ivm_probes_make() - make, attach and set all of ivm_probe_kinds
 * @net:   of the switch; its devices are read again
 * @sw:	   name of the switch
 * @vids:  what A, B, C and D stand for
 *
 * Return: 0 or negative errno with a sentence; ivm_probes_remove() in any case.
 */
int ivm_probes_make(struct ivm_probes *probes, struct ivm_net *net, const char *sw, const uint16_t vids[4]);
void ivm_probes_remove(struct ivm_probes *probes, struct ivm_net *net);

/* Send a cell's frame. Return: 0 or negative errno with a sentence. */
int ivm_probes_send(const struct ivm_probes *probes, const struct ivm_cell *cell);

/* Take one frame that arrived at @probe, as it was on the wire. Return: false when there is none now. */
bool ivm_probes_receive(const struct ivm_probes *probes, size_t probe, struct ivm_bytes *frame);

#endif
