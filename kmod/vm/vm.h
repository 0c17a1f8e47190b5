/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VM object, as ctl/ uses it. Everything here may sleep unless said
 * otherwise; no lock of vm/ is held by callers.
 *
 * A VM is found by name, lives on references, and is published last. Changes
 * of state are serialised by the VM's own mutex; two callers that race get
 * one success and one precise refusal.
 */
#ifndef IVM_VM_H
#define IVM_VM_H

#include "../net/net.h"
#include "../sched/sched.h"

#include <linux/types.h>
#include <linux/ivm.h>

struct file;
struct ivm_console;
struct ivm_mem_audit;
struct ivm_vm;
struct ivm_why;

/* A network card as the VM was created with it. */
struct ivm_vm_nic {
	u8 mac[ETH_ALEN];
	char switch_name[IFNAMSIZ];
	u16 queues, mtu;
	struct ivm_port_config port;	/* large: this is kmalloc'ed, never on a stack */
};

struct ivm_vm_config {
	char name[IVM_NAME_MAX + 1];
	u32 vcpus;
	u64 memory;		/* what it starts with */
	u64 memory_max;		/* up to which it may grow while it runs; 0: its memory is fixed */
	u32 debug_exit;		/* port, or 0 */
	bool pinned;		/* by affinity; else placement is ours */
	char affinity[IVM_CPU_LIST_MAX + 1];
	struct ivm_shares shares;
	unsigned int nr_nics;
	struct ivm_vm_nic *nics;	/* NULL without any */
	struct net *net;	/* where its switches are; needed with cards only */
};

/* One piece of the sealed manifest; the VM owns the file reference. */
struct ivm_manifest_segment {
	struct file *file;
	u64 offset, size, gpa;
};

struct ivm_manifest {
	unsigned int nr;
	struct ivm_manifest_segment segment[IVM_SEGMENTS_MAX];
	struct ivm_boot_regs regs;
};

#define IVM_STATS_MAX 80

struct ivm_vcpu_info {
	int cpu;
	u32 tid, state;		/* enum ivm_vcpu_state */
	struct ivm_gang_vcpu_info times;
};

struct ivm_vm_nic_info {
	u8 mac[ETH_ALEN];
	char switch_name[IFNAMSIZ];
	u16 queues, mtu;
	char ifname[IFNAMSIZ];	/* empty while it has no net_device */
	u32 ifindex;
};

/* Memory of a VM that may grow and shrink. */
struct ivm_vm_memory_info {
	u64 max;		/* 0: it may not, and the rest is 0 too */
	u64 boot;		/* 0: it does not run */
	u32 drivers;		/* enum ivm_memory_driver */
	u64 balloon;
	char text[IVM_TEXT_MAX];	/* why it has not what it is to have; empty: it has, or is about to */
	bool has_guest;		/* the rest is what the guest says; ~0ULL: it does not say */
	u64 guest_total, guest_free, guest_available, guest_age_ns;
};

/* A snapshot; times and counters may be some instructions old. */
struct ivm_vm_info {
	u32 id, state, vcpus, resets, debug_exit;
	char name[IVM_NAME_MAX + 1];
	char affinity[IVM_CPU_LIST_MAX + 1];
	u64 memory;		/* that it is to have */
	struct ivm_vm_memory_info room;
	u64 memory_ready, started_ns, run_ns, kernel_bytes;
	struct ivm_shares shares;
	struct ivm_gang_info gang;
	u32 stop_reason;	/* enum ivm_stop_reason */
	u64 stop_code;
	char text[IVM_TEXT_MAX];
	unsigned int nr_vcpus;		/* entries of vcpu[]: none unless the VM runs or is about to */
	struct ivm_vcpu_info vcpu[IVM_VCPUS_MAX];
	unsigned int nr_nics;
	struct ivm_vm_nic_info nic[IVM_NICS_MAX];
	unsigned int nr_stats;
	struct {
		const char *name;	/* constant storage */
		u64 value;
	} stat[IVM_STATS_MAX];
};

struct ivm_event {
	u32 type;		/* enum ivm_event_type */
	u32 id;
	char name[IVM_NAME_MAX + 1];
	u64 time_ns;
	u32 state, stop_reason;
	u64 stop_code;
	bool has_vcpu;
	u32 vcpu;
	u64 address;		/* of an access outside */
	int cpu;		/* where a vCPU moved */
	char text[IVM_TEXT_MAX];
};

struct ivm_host_info {
	const char *backend;	/* "svm", "vmx", "none" */
	char reason[IVM_TEXT_MAX];	/* why no VM can start now; empty when one can */
	u32 cores, vcpus_max, vms, tsc_khz;
	u64 memory, memory_free, frames;
	char cpu_list[IVM_CPU_LIST_MAX + 1];
	char siblings[IVM_CPU_LIST_MAX + 1];	/* offline while VMs run */
	bool nested_paging;
	u32 reserve;		/* thousandths of each core */
	u32 smt;		/* enum ivm_smt */
	u64 slice_ns;
};

/* What of a VM shall change: NULL stays. */
struct ivm_vm_change {
	const u32 *floor, *cap, *cosched;
	const u64 *memory, *memory_max;
};

/*
 * ctl/ hands in who hears of events; called from a task, may sleep; NULL takes it away (and waits for calls under
 * way). An event that is NULL found no memory.
 */
void ivm_vm_set_listener(void (*listener)(const struct ivm_event *event));

int ivm_vm_init(void);
void ivm_vm_exit(void);		/* no VM with resources is left: each holds the module */

/*
 * All refusals fill @why with a sentence; @config comes from outside and is
 * checked here, but for the port of a card, which net/ has parsed. It is
 * copied; its network namespace is held until the VM is stopped or deleted.
 */
int ivm_vm_create(const struct ivm_vm_config *config, u32 *id, struct ivm_why *why);

/* Return: referenced VM or NULL. */
struct ivm_vm *ivm_vm_find(const char *name);
/* The VM with the lowest id above @after, referenced, or NULL: for dumps. */
struct ivm_vm *ivm_vm_after(u32 after);
void ivm_vm_put(struct ivm_vm *vm);

/**
 * ivm_vm_load() - seal a manifest
 * @manifest: kmalloc'ed; taken over with its file references on success only.
 *	ctl/ made sure of: sizes > 0, no wraps, regular files opened for reading,
 *	range within the file. Overlaps, RAM range and registers are checked here.
 */
int ivm_vm_load(struct ivm_vm *vm, struct ivm_manifest *manifest, struct ivm_why *why);
void ivm_manifest_free(struct ivm_manifest *manifest);	/* puts the files; accepts NULL */

int ivm_vm_start(struct ivm_vm *vm, struct ivm_why *why);	/* long; a fatal signal undoes it */
int ivm_vm_power_button(struct ivm_vm *vm, struct ivm_why *why);
int ivm_vm_stop(struct ivm_vm *vm, struct ivm_why *why);	/* forced; when it returns memory is scrubbed and freed */
int ivm_vm_reset(struct ivm_vm *vm, struct ivm_why *why);	/* returns when the guest runs again */
int ivm_vm_pause(struct ivm_vm *vm, struct ivm_why *why);
int ivm_vm_resume(struct ivm_vm *vm, struct ivm_why *why);
int ivm_vm_delete(struct ivm_vm *vm, struct ivm_why *why);
int ivm_vm_set(struct ivm_vm *vm, const struct ivm_vm_change *change, struct ivm_why *why);

/* @info is large: kmalloc it. */
void ivm_vm_info(struct ivm_vm *vm, struct ivm_vm_info *info);
void ivm_host_info(struct ivm_host_info *info);
/* Each may be NULL: stays. All or none are changed. */
int ivm_host_set(const char *list, const u32 *reserve, const u32 *smt, struct ivm_why *why);
bool ivm_host_core(unsigned int cpu, struct ivm_core_info *info);	/* see ivm_core_info() */
void ivm_host_audit(struct ivm_mem_audit *audit);

/* The console, referenced: ivm_console_put() when done (dev/dev.h). Never NULL. */
struct ivm_console *ivm_vm_console(struct ivm_vm *vm);

#endif
