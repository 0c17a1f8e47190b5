/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints ivm:*. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ivm

#if !defined(IVM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define IVM_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(ivm_exit,
	TP_PROTO(u32 vm, u32 vcpu, u32 reason, u64 code, u64 info, u64 rip),
	TP_ARGS(vm, vcpu, reason, code, info, rip),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, reason)
		__field(u64, code)
		__field(u64, info)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->reason = reason;
		__entry->code = code;
		__entry->info = info;
		__entry->rip = rip;
	),
	TP_printk("vm %u vcpu %u reason %u code 0x%llx info 0x%llx rip 0x%llx",
		  __entry->vm, __entry->vcpu, __entry->reason, __entry->code, __entry->info,
		  __entry->rip)
);

TRACE_EVENT(ivm_inject,
	TP_PROTO(u32 vm, u32 vcpu, u32 vector),
	TP_ARGS(vm, vcpu, vector),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, vector)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->vector = vector;
	),
	TP_printk("vm %u vcpu %u vector %u", __entry->vm, __entry->vcpu, __entry->vector)
);

/* P4: a vCPU begins to run; core is the first thread of the CPU's core, shared: another vCPU of its VM is there. */
TRACE_EVENT(ivm_dispatch,
	TP_PROTO(u32 vm, u32 vcpu, u32 cpu, u32 core, bool shared),
	TP_ARGS(vm, vcpu, cpu, core, shared),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, cpu)
		__field(u32, core)
		__field(bool, shared)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->cpu = cpu;
		__entry->core = core;
		__entry->shared = shared;
	),
	TP_printk("vm %u vcpu %u cpu %u core %u%s", __entry->vm, __entry->vcpu, __entry->cpu, __entry->core,
		  __entry->shared ? " shared" : "")
);

/* P9: an access outside RAM and devices. */
TRACE_EVENT(ivm_outside,
	TP_PROTO(u32 vm, u32 vcpu, u64 gpa, const char *kind),
	TP_ARGS(vm, vcpu, gpa, kind),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, gpa)
		__string(kind, kind)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->gpa = gpa;
		__assign_str(kind, kind);
	),
	TP_printk("vm %u vcpu %u gpa 0x%llx %s", __entry->vm, __entry->vcpu, __entry->gpa, __get_str(kind))
);

/* A frame was dropped at a port; reason is an enum ivm_port_stat. vid 0: not known. */
TRACE_EVENT(ivm_net_drop,
	TP_PROTO(u32 ifindex, u16 vid, u32 reason),
	TP_ARGS(ifindex, vid, reason),
	TP_STRUCT__entry(
		__field(u32, ifindex)
		__field(u16, vid)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->ifindex = ifindex;
		__entry->vid = vid;
		__entry->reason = reason;
	),
	TP_printk("ifindex %u vid %u reason %u", __entry->ifindex, __entry->vid, __entry->reason)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
