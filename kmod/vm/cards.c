// SPDX-License-Identifier: GPL-2.0-only
/*
 * Network cards of a VM: what may be asked for, and the cards while the VM has
 * its devices. A card that cannot do something in the inner loop asks for it
 * with IVM_REQ_DEVICE; the thread then does it in the outer loop.
 */
#include "priv.h"
#include "../dev/dev.h"

#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/netdevice.h>
#include <linux/slab.h>

#define FIRST_SLOT	1	/* of the PCI bus; 0 is the host bridge */

static int cards_check_one(const struct ivm_vm_config *config, unsigned int index, struct ivm_why *why)
{
	const struct ivm_vm_nic *nic = &config->nics[index];
	unsigned int most = min_t(u32, config->vcpus, IVM_NIC_QUEUES_MAX), i;

	if (!is_valid_ether_addr(nic->mac))
		return ivm_why(why, IVM_A_NIC_MAC, -EINVAL,
			       "network card %u: %pM is no address of one station: the lowest bit of the first byte is 0, and not all are 0",
			       index + 1, nic->mac);
	for (i = 0; i < index; i++)
		if (ether_addr_equal(config->nics[i].mac, nic->mac))
			return ivm_why(why, IVM_A_NIC_MAC, -EEXIST, "network card %u: card %u has the address %pM already",
				       index + 1, i + 1, nic->mac);
	if (!dev_valid_name(nic->switch_name))
		return ivm_why(why, IVM_A_NIC_SWITCH, -EINVAL,
			       "network card %u: the name of a switch has 1 to %d bytes, without slash, colon and space",
			       index + 1, IFNAMSIZ - 1);
	if (!nic->queues || nic->queues > most)
		return ivm_why(why, IVM_A_NIC_QUEUES, -EINVAL,
			       "network card %u: %u pairs of queues: from 1 to the number of vCPUs, at most %u here",
			       index + 1, nic->queues, most);
	if (nic->mtu < IVM_MTU_MIN || nic->mtu > IVM_MTU_MAX)
		return ivm_why(why, IVM_A_NIC_MTU, -EINVAL, "network card %u: MTU %u: from %d to %d",
			       index + 1, nic->mtu, IVM_MTU_MIN, IVM_MTU_MAX);
	return 0;
}

/**
 * ivm_cards_check() - may a VM have these cards?
 * @config: its number of vCPUs checked; ports as net/ parsed them
 * @why:    says what is wrong with which card; also in @why->entry
 *
 * Whether the switch exists is asked at each start.
 */
int ivm_cards_check(const struct ivm_vm_config *config, struct ivm_why *why)
{
	unsigned int i;
	int err;

	if (config->nr_nics > IVM_NICS_MAX)
		return ivm_why(why, IVM_A_LIST_NIC, -E2BIG, "%u network cards: a VM has at most %d", config->nr_nics,
			       IVM_NICS_MAX);
	for (i = 0; i < config->nr_nics; i++) {
		err = cards_check_one(config, i, why);
		if (err) {
			if (why)
				why->entry = i;
			return err;
		}
	}
	return 0;
}

/*
 * A doorbell rang, in the inner loop of the thread that is current: nobody else
 * touches its pending cards, and the request needs no kick.
 */
static void cards_defer(void *ctx)
{
	const struct ivm_card *card = ctx;
	struct ivm_vcpu *vcpu = kthread_data(current);

	vcpu->cards_pending |= BIT(card->index);
	set_bit(IVM_REQ_DEVICE, &vcpu->requests);
}

static const struct ivm_virtio_net_ops cards_ops = { .defer = cards_defer };

void ivm_cards_work(struct ivm_vcpu *vcpu)
{
	unsigned long pending = vcpu->cards_pending;

	vcpu->cards_pending = 0;
	for (; pending; pending &= pending - 1)
		ivm_virtio_net_work(vcpu->vm->card[__ffs(pending)].net);
}

static struct ivm_virtio_net *cards_create_one(struct ivm_vm *vm, unsigned int index, struct ivm_pci *pci,
					       struct ivm_why *why)
{
	const struct ivm_vm_nic *nic = &vm->config.nics[index];
	struct ivm_nic_params params = {
		.net = vm->config.net,
		.queues = nic->queues,
		.mtu = nic->mtu,
		.port = &nic->port,
	};
	const struct ivm_virtio_net_params card = {
		.pci = pci,
		.irq = vm->irq,
		.space = vm->space,
		.slot = FIRST_SLOT + index,
		.nic = &params,
	};

	strscpy(params.switch_name, nic->switch_name, sizeof(params.switch_name));
	snprintf(params.ifname, sizeof(params.ifname), "ivm%un%u", vm->id, index);
	ether_addr_copy(params.mac, nic->mac);
	return ivm_virtio_net_create(&card, &cards_ops, &vm->card[index], why);
}

/* Which of the VM's cards it is about: net/ and dev/ do not know. */
static void cards_blame(struct ivm_why *why, unsigned int index)
{
	char text[IVM_TEXT_MAX];

	if (!why)
		return;
	strscpy(text, why->text, sizeof(text));
	ivm_why(why, why->attr, 0, "network card %u: %s", index + 1, text);
	why->entry = index;
}

/**
 * ivm_cards_create() - the VM's cards, in reset state, plugged into their switches
 * @vm:  with memory and interrupt chip; no vCPU runs
 * @pci: its bus
 * @why: says what is missing, for instance a switch
 *
 * Context: vm->life held. Takes rtnl; may sleep.
 */
int ivm_cards_create(struct ivm_vm *vm, struct ivm_pci *pci, struct ivm_why *why)
{
	struct ivm_virtio_net *net;
	unsigned int i;

	for (i = 0; i < vm->config.nr_nics; i++) {
		vm->card[i].index = i;
		net = cards_create_one(vm, i, pci, why);
		if (IS_ERR(net)) {
			cards_blame(why, i);
			ivm_cards_destroy(vm);
			return PTR_ERR(net);
		}
		mutex_lock(&vm->cards_lock);
		vm->card[i].net = net;
		mutex_unlock(&vm->cards_lock);
	}
	return 0;
}

/* What happened is still of interest when the VM is over. Context: vm->cards_lock held. */
static void cards_count(struct ivm_virtio_net *net, struct ivm_virtio_net_counts *sum)
{
	struct ivm_virtio_net_counts counts;

	ivm_virtio_net_counts(net, &counts);
	sum->bad_chain += counts.bad_chain;
	sum->bad_length += counts.bad_length;
	sum->bad_csum += counts.bad_csum;
	sum->bad_gso += counts.bad_gso;
	sum->broken += counts.broken;
}

/* Context: vm->life held; vCPU threads are parked or absent. Takes rtnl; may sleep. */
void ivm_cards_destroy(struct ivm_vm *vm)
{
	struct ivm_virtio_net *net;
	unsigned int i;

	for (i = IVM_NICS_MAX; i-- > 0; ) {
		mutex_lock(&vm->cards_lock);
		net = vm->card[i].net;
		vm->card[i].net = NULL;
		if (net)
			cards_count(net, &vm->past_cards);
		mutex_unlock(&vm->cards_lock);
		ivm_virtio_net_destroy(net);
	}
}

/* Before guest memory is zeroed for a reset. Context: vm->life held, no vCPU runs. May sleep. */
void ivm_cards_quiesce(struct ivm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < IVM_NICS_MAX; i++)
		if (vm->card[i].net)
			ivm_virtio_net_quiesce(vm->card[i].net);
}

void ivm_cards_memory_goes(struct ivm_vm *vm, u64 gpa, u64 len)
{
	unsigned int i;

	for (i = 0; i < IVM_NICS_MAX; i++)
		if (vm->card[i].net)
			ivm_virtio_net_memory_goes(vm->card[i].net, gpa, len);
}

void ivm_cards_memory_gone(struct ivm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < IVM_NICS_MAX; i++)
		if (vm->card[i].net)
			ivm_virtio_net_memory_gone(vm->card[i].net);
}

static void cards_stats(const struct ivm_virtio_net_counts *sum, struct ivm_vm_info *info)
{
	const struct {
		const char *name;
		u64 value;
	} stats[] = {
		{ "nic.bad-chain", sum->bad_chain },
		{ "nic.bad-length", sum->bad_length },
		{ "nic.bad-csum", sum->bad_csum },
		{ "nic.bad-gso", sum->bad_gso },
		{ "nic.broken", sum->broken },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stats) && info->nr_stats < IVM_STATS_MAX; i++) {
		info->stat[info->nr_stats].name = stats[i].name;
		info->stat[info->nr_stats++].value = stats[i].value;
	}
}

/* Context: no lock of vm/ held but vm->life, if that: rtnl may be taken. */
void ivm_cards_info(struct ivm_vm *vm, struct ivm_vm_info *info)
{
	struct ivm_virtio_net_counts sum;
	unsigned int i;

	info->nr_nics = vm->config.nr_nics;
	if (!info->nr_nics)
		return;
	mutex_lock(&vm->cards_lock);
	sum = vm->past_cards;
	for (i = 0; i < info->nr_nics; i++) {
		const struct ivm_vm_nic *nic = &vm->config.nics[i];
		struct ivm_vm_nic_info *to = &info->nic[i];

		ether_addr_copy(to->mac, nic->mac);
		strscpy(to->switch_name, nic->switch_name, sizeof(to->switch_name));
		to->queues = nic->queues;
		to->mtu = nic->mtu;
		if (!vm->card[i].net)
			continue;
		ivm_virtio_net_name(vm->card[i].net, to->ifname, &to->ifindex);
		cards_count(vm->card[i].net, &sum);
	}
	mutex_unlock(&vm->cards_lock);
	cards_stats(&sum, info);
}
