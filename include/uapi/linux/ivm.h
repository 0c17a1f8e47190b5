/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * IVM: the whole contract between ivm.ko and user space.
 *
 * Two doors lead to the module:
 *
 *  1. The generic netlink family "ivm", for everything that is a question or
 *     a change of state. Every refusal carries an errno, a sentence
 *     (NLMSGERR_ATTR_MSG) and, where one attribute is at fault, its offset.
 *     All commands but HOST_GET need CAP_SYS_ADMIN.
 *  2. The character device /dev/ivm, for what needs file descriptors: the
 *     boot manifest of a virtual machine, and its console. Opening it needs
 *     CAP_SYS_ADMIN.
 *
 * Units: memory in bytes, times in nanoseconds, addresses guest-physical.
 */
#ifndef _UAPI_LINUX_IVM_H
#define _UAPI_LINUX_IVM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* ---- limits ------------------------------------------------------------ */

#define IVM_NAME_MAX		31	/* bytes of a name, without the NUL: [A-Za-z0-9][A-Za-z0-9._-]* */
#define IVM_VCPUS_MAX		64
#define IVM_MEMORY_ALIGN	(2ULL << 20)
#define IVM_MEMORY_MIN		(2ULL << 20)
#define IVM_MEMORY_MAX		(1ULL << 40)
#define IVM_MEMORY_LOW_END	0xc0000000ULL	/* RAM beyond this size continues at 4 GiB */
#define IVM_MEMORY_HIGH_BASE	0x100000000ULL
#define IVM_SEGMENTS_MAX	64
#define IVM_TEXT_MAX		192	/* bytes of a message of the module, with the NUL */
#define IVM_CONSOLE_SIZE	65536	/* bytes of console output kept */
#define IVM_CPU_LIST_MAX	255	/* bytes of a list of cores like "0-3,6" */
#define IVM_NICS_MAX		8	/* network cards of a VM */
#define IVM_NIC_QUEUES_MAX	16	/* queue pairs of a card; never more than vCPUs */
#define IVM_MTU_MIN		68
#define IVM_MTU_MAX		65521	/* with the Ethernet header of a tagged frame below 64 KiB */
#define IVM_VID_MIN		1
#define IVM_VID_MAX		4094
#define IVM_PORT_RANGES_MAX	64	/* VLAN ranges of a trunk */
#define IVM_PORT_MACS_MAX	16	/* MAC addresses that a guarded port may send from */
#define IVM_PORT_IPS_MAX	32	/* IP prefixes, likewise */
#define IVM_PORT_LEARN_MAX	65536	/* addresses that a port may learn */
#define IVM_CPU_WHOLE		1000	/* shares of a core are in thousandths */
#define IVM_RESERVE_MIN		10	/* thousandths of each core: the least that the host keeps */
#define IVM_RESERVE_MAX		900
#define IVM_VIOLATIONS_MAX	32	/* that an audit tells; it counts all */

/* ---- platform that every guest sees ------------------------------------ */

#define IVM_PLATFORM_LAPIC_BASE		0xfee00000U
#define IVM_PLATFORM_IOAPIC_BASE	0xfec00000U
#define IVM_PLATFORM_IOAPIC_ID		0	/* APIC ids of IOAPICs are a space of their own */
#define IVM_PLATFORM_IOAPIC_PINS	24
#define IVM_PLATFORM_PM1_EVT_PORT	0x600	/* 4 bytes: status, enable */
#define IVM_PLATFORM_PM1_CNT_PORT	0x604	/* 2 bytes; SCI_EN always reads 1 */
#define IVM_PLATFORM_PM_TMR_PORT	0x608	/* 4 bytes, 32-bit counter, 3.579545 MHz */
#define IVM_PLATFORM_SCI_GSI		9	/* level, active high */
#define IVM_PLATFORM_SLP_TYP_S5		5	/* written to PM1_CNT with SLP_EN: soft-off */
#define IVM_PLATFORM_RESET_PORT		0xcf9	/* FADT reset register */
#define IVM_PLATFORM_RESET_VALUE	0x06
#define IVM_PLATFORM_UART_PORT		0x3f8	/* 16550A */
#define IVM_PLATFORM_UART_GSI		4
#define IVM_PLATFORM_RTC_GSI		8	/* MC146818 at its usual ports; century in register 0x32 */
#define IVM_PLATFORM_APIC_BUS_KHZ	1000000	/* input of the APIC timer's divider; CPUID 40000010h says it too */
#define IVM_PLATFORM_PCI_IO_BASE	0xc000	/* where BARs of PCI devices lie; a guest may move them inside */
#define IVM_PLATFORM_PCI_IO_SIZE	0x4000
#define IVM_PLATFORM_PCI_MMIO_BASE	0xe0000000U
#define IVM_PLATFORM_PCI_MMIO_SIZE	0x10000000U
#define IVM_PLATFORM_CPUID_KVM		0x40000000U	/* documented KVM clock interface */
#define IVM_PLATFORM_CPUID_IVM		0x40000100U	/* "IVMIVMIVMIVM" */

/* ---- states ------------------------------------------------------------ */

/* created -> loaded -> starting -> running <-> paused -> stopped */
enum ivm_vm_state {
	IVM_VM_CREATED = 1,	/* configuration only; no guest memory yet */
	IVM_VM_LOADED,		/* manifest sealed */
	IVM_VM_STARTING,	/* memory is being allocated, zeroed and filled */
	IVM_VM_RUNNING,
	IVM_VM_PAUSED,
	IVM_VM_STOPPED,		/* memory scrubbed and given back; the reason is kept */
};

enum ivm_stop_reason {
	IVM_STOP_NONE = 0,	/* not stopped */
	IVM_STOP_SHUTDOWN,	/* the guest powered itself off (ACPI S5) */
	IVM_STOP_TRIPLE_FAULT,	/* code: index of the vCPU */
	IVM_STOP_DEBUG_EXIT,	/* code: value written to the debug-exit port */
	IVM_STOP_OPERATOR,	/* forced by a stop command */
	IVM_STOP_HOST,		/* host reboots, suspends or unloads; see text */
	IVM_STOP_ERROR,		/* the VM cannot go on; see text */
};

/* ---- generic netlink --------------------------------------------------- */

#define IVM_GENL_NAME		"ivm"
#define IVM_GENL_VERSION	1
#define IVM_GENL_MCGRP_EVENTS	"events"

/*
 * Commands. "->" lists the attributes of a request (* = required), "<-" those
 * of an answer. A request with an attribute not listed here is refused.
 *
 * HOST_GET	->
 *		<- VERSION BACKEND REASON? CORES VCPUS_MAX MEMORY MEMORY_FREE
 *		   CPU_LIST SIBLINGS? VMS FRAMES TSC_KHZ, NESTED_PAGING? (flag)
 *		   RESERVE SLICE_NS SMT
 * HOST_SET	-> CPU_LIST RESERVE SMT	one of them at least: physical cores for vCPUs, or
 *		   "all"; what the host keeps of each of them; what their other threads do
 * HOST_AUDIT	->
 *		<- FRAMES LEAVES TABLES VIOLATIONS BYTES LIST_VIOLATION?
 *		   Of a violation: ID TEXT. The first IVM_VIOLATIONS_MAX of them are listed.
 * CORE_GET	(dump only, no attributes) each physical core that has a thread online
 *		<- CPU CPU_LIST PACKAGE CORE, GIVEN? (flag), NAME? VCPU? (who has it now)
 *		   WALL_NS GUEST_NS HYP_NS GANG_NS HELD_NS HOST_NS IDLE_NS FLOORS HELD_IRQ_NS
 *		   Times count from when IVM got the core; WALL is the sum of the others:
 *		   what passed, and HELD, the time of siblings. HELD_IRQ is part of HELD.
 * VM_CREATE	-> NAME* VCPUS* MEMORY* MEMORY_MAX DEBUG_EXIT AFFINITY LIST_NIC
 *		   CPU_FLOOR CPU_CAP COSCHED
 *		   With MEMORY_MAX, at least MEMORY, memory can grow and shrink while it runs.
 *		   LIST_NIC is a nest of NIC_ENTRY nests, each
 *		   NIC_MAC* NIC_SWITCH* NIC_QUEUES NIC_MTU NIC_PORT
 *		   The switch is looked up by name at each start, in the network
 *		   namespace of whoever created the VM.
 *		<- ID
 * VM_START	-> NAME*
 * VM_STOP	-> NAME* FORCE?		without FORCE the power button is pressed
 * VM_RESET	-> NAME*
 * VM_PAUSE	-> NAME*
 * VM_RESUME	-> NAME*
 * VM_SET	-> NAME* CPU_FLOOR CPU_CAP COSCHED MEMORY MEMORY_MAX
 *		   Shares in any state, memory while the VM runs or is paused, and only if
 *		   it was created with MEMORY_MAX; what is not given stays, and all or
 *		   nothing is changed. Refused as a start would be when the floors of all
 *		   VMs that run could not be met, or the host lacks the memory. The answer
 *		   comes at once: MEMORY_READY of VM_GET follows as the guest obeys.
 * VM_DELETE	-> NAME*		created, loaded or stopped VMs only
 * VM_GET	-> NAME*  (do: one VM; dump: all VMs, no attributes)
 *		<- ID NAME STATE VCPUS MEMORY MEMORY_READY STOP_REASON
 *		   MEMORY_MAX? and with it, while it runs, MEMORY_BOOT MEMORY_DRIVERS BALLOON
 *		   MEMORY_TEXT? GUEST_TOTAL? GUEST_FREE? GUEST_AVAILABLE? GUEST_AGE_NS?
 *		   STOP_CODE? TEXT? RESETS STARTED_NS RUN_NS DEBUG_EXIT? AFFINITY? KERNEL_BYTES
 *		   CPU_FLOOR CPU_CAP COSCHED GANG
 *		   LIST_VCPU* LIST_STAT* LIST_NIC?  (each VCPU, STAT and NIC nest repeated inside)
 *		   of a NIC: NIC_MAC NIC_SWITCH NIC_QUEUES NIC_MTU, NIC_IFNAME? NIC_IFINDEX?
 *		   (while the VM has its devices)
 * EVENT	multicast in group "events"
 *		<- EVENT_TYPE ID NAME TIME_NS STATE STOP_REASON? STOP_CODE? VCPU?
 *		   ADDRESS? TEXT?
 */
enum ivm_cmd {
	IVM_CMD_UNSPEC,
	IVM_CMD_HOST_GET,
	IVM_CMD_HOST_SET,
	IVM_CMD_HOST_AUDIT,
	IVM_CMD_VM_CREATE,
	IVM_CMD_VM_START,
	IVM_CMD_VM_STOP,
	IVM_CMD_VM_RESET,
	IVM_CMD_VM_PAUSE,
	IVM_CMD_VM_RESUME,
	IVM_CMD_VM_DELETE,
	IVM_CMD_VM_GET,
	IVM_CMD_EVENT,
	IVM_CMD_VM_SET,
	IVM_CMD_CORE_GET,
	__IVM_CMD_MAX,
};
#define IVM_CMD_MAX (__IVM_CMD_MAX - 1)

enum ivm_attr {
	IVM_A_UNSPEC,
	IVM_A_PAD,
	IVM_A_NAME,		/* NUL string, at most IVM_NAME_MAX */
	IVM_A_ID,		/* u32, never reused while the module is loaded */
	IVM_A_VCPUS,		/* u32, 1 … min(IVM_VCPUS_MAX, cores) */
	IVM_A_MEMORY,		/* u64, bytes: what the VM is to have */
	IVM_A_MEMORY_READY,	/* u64, bytes that it has: allocated, zeroed and mapped */
	IVM_A_MEMORY_FREE,	/* u64, bytes that a VM could get now */
	IVM_A_DEBUG_EXIT,	/* u16, I/O port of the isa-debug-exit convention */
	IVM_A_FORCE,		/* flag */
	IVM_A_STATE,		/* u32, enum ivm_vm_state */
	IVM_A_STOP_REASON,	/* u32, enum ivm_stop_reason */
	IVM_A_STOP_CODE,	/* u64, by reason */
	IVM_A_TEXT,		/* NUL string for people */
	IVM_A_RESETS,		/* u32, guest and operator resets since start */
	IVM_A_STARTED_NS,	/* u64, CLOCK_REALTIME of the start, 0 before it */
	IVM_A_RUN_NS,		/* u64, time in state running since start */
	IVM_A_KERNEL_BYTES,	/* u64, kernel memory of this VM beyond guest RAM */
	IVM_A_LIST_VCPU,	/* nest of IVM_A_VCPU_ENTRY nests */
	IVM_A_VCPU_ENTRY,	/* nest: VCPU CPU TID VCPU_STATE GUEST_NS HYP_NS GANG_NS READY_NS */
	IVM_A_VCPU,		/* u32, index */
	IVM_A_CPU,		/* s32 as u32, host CPU it is bound to */
	IVM_A_TID,		/* u32, thread id on the host */
	IVM_A_VCPU_STATE,	/* u32, enum ivm_vcpu_state */
	IVM_A_GUEST_NS,		/* u64, time in guest mode */
	IVM_A_LIST_STAT,	/* nest of IVM_A_STAT_ENTRY nests */
	IVM_A_STAT_ENTRY,	/* nest: NAME VALUE, e.g. "exits.cpuid" */
	IVM_A_VALUE,		/* u64 */
	IVM_A_VERSION,		/* NUL string */
	IVM_A_BACKEND,		/* NUL string: "svm", "vmx" or "none" */
	IVM_A_REASON,		/* NUL string: why no VM can start here now */
	IVM_A_CORES,		/* u32, physical cores online and given to IVM */
	IVM_A_VCPUS_MAX,	/* u32, widest VM that can start */
	IVM_A_CPU_LIST,		/* NUL string, list of physical cores, or "all" */
	IVM_A_VMS,		/* u32, VMs that exist */
	IVM_A_FRAMES,		/* u64, host frames owned by VMs */
	IVM_A_LEAVES,		/* u64, leaves walked */
	IVM_A_TABLES,		/* u64, table pages walked */
	IVM_A_VIOLATIONS,	/* u64 */
	IVM_A_BYTES,		/* u64, guest memory audited */
	IVM_A_TSC_KHZ,		/* u32 */
	IVM_A_NESTED_PAGING,	/* flag */
	IVM_A_EVENT_TYPE,	/* u32, enum ivm_event_type */
	IVM_A_TIME_NS,		/* u64, CLOCK_REALTIME */
	IVM_A_ADDRESS,		/* u64, guest-physical */
	IVM_A_LIST_NIC,		/* nest of IVM_A_NIC_ENTRY nests */
	IVM_A_NIC_ENTRY,	/* nest of IVM_A_NIC_* */
	IVM_A_NIC_MAC,		/* 6 bytes, unicast */
	IVM_A_NIC_SWITCH,	/* NUL string, name of a device of kind ivmsw */
	IVM_A_NIC_QUEUES,	/* u16, queue pairs, 1 ... min(vCPUs, IVM_NIC_QUEUES_MAX); 1 unless given */
	IVM_A_NIC_MTU,		/* u16, IVM_MTU_MIN ... IVM_MTU_MAX; 1500 unless given */
	IVM_A_NIC_PORT,		/* nest of IVM_PORT_A_*: how the port begins */
	IVM_A_NIC_IFNAME,	/* NUL string, the net_device of the card */
	IVM_A_NIC_IFINDEX,	/* u32 */
	IVM_A_SIBLINGS,		/* NUL string, CPU list: offline while VMs run, as they share cores with vCPUs */
	IVM_A_AFFINITY,		/* NUL string, list of CPUs in the order of the vCPUs that their cores are for */
	IVM_A_CPU_FLOOR,	/* u32, of IVM_CPU_WHOLE: of its core each vCPU gets so much whenever it wants; 0: no promise */
	IVM_A_CPU_CAP,		/* u32, of IVM_CPU_WHOLE: and never more than this; IVM_CPU_WHOLE: no cap */
	IVM_A_COSCHED,		/* u32, enum ivm_cosched; strict unless given */
	IVM_A_RESERVE,		/* u32, of IVM_CPU_WHOLE, IVM_RESERVE_MIN ... IVM_RESERVE_MAX: of each core for the host */
	IVM_A_SMT,		/* u32, enum ivm_smt; exclusive unless set */
	/* in answers only */
	IVM_A_SLICE_NS,		/* u64, a gang runs for at least so long when others wait */
	IVM_A_GANG,		/* nest: GANG_RUN_NS GANG_CORUN_NS GANG_STARTS GANG_LATE SKEW_P50_NS SKEW_P99_NS SKEW_MAX_NS */
	IVM_A_GANG_RUN_NS,	/* u64, time in which at least one vCPU had its core */
	IVM_A_GANG_CORUN_NS,	/* u64, of that, time in which all had that wanted one */
	IVM_A_GANG_STARTS,	/* u64, how often vCPUs began together */
	IVM_A_GANG_LATE,	/* u64, of these, how often one did not come in time and the others went ahead */
	IVM_A_SKEW_P50_NS,	/* u64, from the first vCPU's entry into the guest to the last one's: median */
	IVM_A_SKEW_P99_NS,	/* u64 */
	IVM_A_SKEW_MAX_NS,	/* u64 */
	IVM_A_HYP_NS,		/* u64, work of the hypervisor for the vCPU */
	IVM_A_GANG_NS,		/* u64, on its core, waiting for its gang to begin */
	IVM_A_READY_NS,		/* u64, able to run, without a core */
	IVM_A_HELD_NS,		/* u64, siblings held in idle for it */
	IVM_A_HOST_NS,		/* u64, the host's own work */
	IVM_A_IDLE_NS,		/* u64 */
	IVM_A_WALL_NS,		/* u64 */
	IVM_A_PACKAGE,		/* u32 */
	IVM_A_CORE,		/* u32, its number in the package */
	IVM_A_GIVEN,		/* flag: IVM may use it */
	IVM_A_FLOORS,		/* u32, of IVM_CPU_WHOLE: floors promised on this core */
	IVM_A_HELD_IRQ_NS,	/* u64, of HELD_NS: interrupts that the siblings took then */
	IVM_A_MEMORY_MAX,	/* u64, bytes: MEMORY may be set up to this while it runs */
	IVM_A_MEMORY_BOOT,	/* u64, bytes that it was started with */
	IVM_A_MEMORY_DRIVERS,	/* u32, bits of enum ivm_memory_driver: what the guest runs now */
	IVM_A_MEMORY_TEXT,	/* NUL string for people: why MEMORY_READY is not MEMORY */
	IVM_A_BALLOON,		/* u64, bytes that the guest's balloon holds, given back to the host or not */
	IVM_A_GUEST_TOTAL,	/* u64, bytes of memory by the guest's own account */
	IVM_A_GUEST_FREE,	/* u64, likewise: used for nothing */
	IVM_A_GUEST_AVAILABLE,	/* u64, likewise: that programs could get */
	IVM_A_GUEST_AGE_NS,	/* u64, since the guest said so */
	IVM_A_LIST_VIOLATION,	/* nest of IVM_A_VIOLATION_ENTRY nests */
	IVM_A_VIOLATION_ENTRY,	/* nest: ID (of the VM) TEXT (address and frame) */
	__IVM_A_MAX,
};
#define IVM_A_MAX (__IVM_A_MAX - 1)

enum ivm_vcpu_state {
	IVM_VCPU_OFF = 1,	/* waits for INIT/SIPI, or its VM does not run */
	IVM_VCPU_RUNNING,
	IVM_VCPU_HALTED,
	IVM_VCPU_PAUSED,
	IVM_VCPU_READY,		/* waits for its turn on its core */
};

enum ivm_memory_driver {
	IVM_MEMORY_VIRTIO_MEM = 1,	/* can take and give memory beyond MEMORY_BOOT */
	IVM_MEMORY_BALLOON = 2,		/* can give memory of MEMORY_BOOT */
};

/* How the vCPUs of a VM share their time. */
enum ivm_cosched {
	IVM_COSCHED_STRICT = 1,	/* all that want to run do so together, or none */
	IVM_COSCHED_RELAXED,	/* together where it can be; some go ahead where it cannot */
	IVM_COSCHED_OFF,	/* each for itself */
};

/* What the other threads of a core do while a vCPU is in guest mode there. */
enum ivm_smt {
	IVM_SMT_EXCLUSIVE = 1,	/* they are offline while any VM runs */
	IVM_SMT_GUARD,		/* they are online, and held in idle */
};

enum ivm_event_type {
	IVM_EVENT_STATE = 1,	/* state of a VM changed */
	IVM_EVENT_RESET,	/* the VM was reset and runs on */
	IVM_EVENT_OUTSIDE,	/* access outside RAM and devices; TEXT says read, write or fetch; rate-limited */
	IVM_EVENT_DELETED,
	IVM_EVENT_LOST,		/* events were dropped, STOP_CODE says how many */
	IVM_EVENT_MOVED,	/* VCPU belongs on host CPU now; -1: no core is left, it waits */
};

/* ---- switches: rtnetlink ------------------------------------------------ */

/*
 * A switch is a net_device of kind "ivmsw"; its ports are the net_devices
 * enslaved to it. Of kind "ivmnic" are the network cards of VMs, which come
 * and go with their VM. IFLA_INFO_DATA of a switch holds IVM_SW_A_*,
 * IFLA_INFO_SLAVE_DATA of a port IVM_PORT_A_*; both are set by RTM_NEWLINK,
 * and shown by RTM_GETLINK. What a request does not name stays as it is.
 *
 * A device that is enslaved is IVM_PORT_OFF until it is told otherwise: no
 * frame passes. The card of a VM begins as its definition says.
 */
#define IVM_LINK_KIND_SWITCH	"ivmsw"
#define IVM_LINK_KIND_NIC	"ivmnic"

enum ivm_switch_attr {
	IVM_SW_A_UNSPEC,
	IVM_SW_A_PAD,
	IVM_SW_A_AGEING,	/* u32, seconds that a learnt address lives unseen; 10 ... 1000000, 300 unless set */
	IVM_SW_A_FLUSH,		/* flag, request only: forget learnt addresses */
	IVM_SW_A_LEARNT,	/* u32, answer only: addresses learnt now */
	__IVM_SW_A_MAX,
};
#define IVM_SW_A_MAX (__IVM_SW_A_MAX - 1)

enum ivm_port_mode {
	IVM_PORT_OFF,		/* no frame passes */
	IVM_PORT_ACCESS,	/* frames outside are untagged, inside they belong to one VLAN */
	IVM_PORT_TRUNK,		/* frames outside are tagged; untagged ones belong to the native VLAN, if there is one */
};

enum ivm_port_role {
	IVM_PORT_STATION,	/* gets frames for addresses that are known to be there, and what goes to many */
	IVM_PORT_UPLINK,	/* leads to other switches: gets unknown unicast, is never isolated */
};

/* VLANs first ... last, both 1 ... 4094 */
struct ivm_vlan_range {
	__u16	first;
	__u16	last;
};

/* An address prefix; bits beyond len are 0. An IPv4 address is in the first four bytes. */
struct ivm_ip_prefix {
	__u8	family;		/* AF_INET, AF_INET6 */
	__u8	len;		/* 0 ... 32, 0 ... 128 */
	__u8	reserved[2];	/* 0 */
	__u8	addr[16];	/* network byte order */
};

#define IVM_PORT_SERVES_DHCP	(1U << 0)	/* may answer DHCP and DHCPv6 */
#define IVM_PORT_SERVES_RA	(1U << 1)	/* may advertise itself as a router (IPv6) */
#define IVM_PORT_SERVES_ALL	(IVM_PORT_SERVES_DHCP | IVM_PORT_SERVES_RA)

/*
 * Defaults in parentheses: of a device that is enslaved / of a VM's card.
 * Rates and storm limits: 0 is none.
 */
enum ivm_port_attr {
	IVM_PORT_A_UNSPEC,
	IVM_PORT_A_PAD,
	IVM_PORT_A_MODE,	/* u8, enum ivm_port_mode (off / off) */
	IVM_PORT_A_ACCESS,	/* u16, VLAN of mode access */
	IVM_PORT_A_TRUNK,	/* struct ivm_vlan_range[], ascending, disjoint; VLANs of mode trunk */
	IVM_PORT_A_NATIVE,	/* u16, one of TRUNK, 0: none; its frames are untagged outside */
	IVM_PORT_A_ROLE,	/* u8, enum ivm_port_role (station / station); a card is no uplink */
	IVM_PORT_A_ISOLATED,	/* u8, 0 or 1: exchanges frames with uplinks only (0 / 0) */
	IVM_PORT_A_GUARD,	/* u8, 0 or 1: MACS, IPS and SERVES are enforced (0 / 1) */
	IVM_PORT_A_MACS,	/* u8[6][], unicast addresses it may send from and gets frames for (none / its own) */
	IVM_PORT_A_IPS,		/* struct ivm_ip_prefix[], it may send from; none given: any */
	IVM_PORT_A_SERVES,	/* u32, IVM_PORT_SERVES_* (all / 0); with guard */
	IVM_PORT_A_LEARN,	/* u32, addresses it may learn, 0: none (4096 / 0) */
	IVM_PORT_A_MIRROR,	/* u32, ifindex of the port of this switch that gets a copy of each frame that enters or
				 * leaves here, tagged; 0: none. That port gets copies only and may not send */
	IVM_PORT_A_STORM_BROADCAST,	/* u32, frames a second that may enter here */
	IVM_PORT_A_STORM_MULTICAST,	/* u32 */
	IVM_PORT_A_STORM_UNKNOWN,	/* u32, unknown unicast */
	IVM_PORT_A_RATE_IN,	/* u64, bytes a second from the port into the switch: what exceeds it waits (cards), is dropped */
	IVM_PORT_A_RATE_OUT,	/* u64, from the switch to the port */
	IVM_PORT_A_STATS,	/* answer only: u64[IVM_PORT_STATS], by enum ivm_port_stat */
	__IVM_PORT_A_MAX,
};
#define IVM_PORT_A_MAX (__IVM_PORT_A_MAX - 1)

/*
 * Counters of a port. Each frame that enters is counted once in RX, and then
 * for each port that it was to leave by either in TX there or in one of the
 * drops; a frame that goes to n > 1 places counts n - 1 in COPIES where it
 * entered. So over all ports of a switch: RX + COPIES = TX + all DROP_*.
 * Copies for mirrors are outside of this (MIRRORED, at the mirror's port).
 */
enum ivm_port_stat {
	IVM_STAT_RX,			/* frames from the port into the switch */
	IVM_STAT_RX_BYTES,
	IVM_STAT_TX,			/* frames from the switch to the port */
	IVM_STAT_TX_BYTES,
	IVM_STAT_COPIES,
	IVM_STAT_MIRRORED,
	/* counted where the frame entered */
	IVM_STAT_DROP_FIRST,
	IVM_STAT_DROP_OFF = IVM_STAT_DROP_FIRST,	/* the port is off, or a mirror's port */
	IVM_STAT_DROP_RUNT,		/* shorter than its headers say */
	IVM_STAT_DROP_TAGGED,		/* a tag of the sender's own on an access port */
	IVM_STAT_DROP_NO_VLAN,		/* untagged, and the trunk has no native VLAN */
	IVM_STAT_DROP_VLAN,		/* of a VLAN that the port is not in, or VID 4095 */
	IVM_STAT_DROP_SOURCE,		/* group or zero source address */
	IVM_STAT_DROP_RESERVED,		/* to 01:80:C2:00:00:00-0F, which switches do not forward */
	IVM_STAT_DROP_GUARD_MAC,
	IVM_STAT_DROP_GUARD_ARP,
	IVM_STAT_DROP_GUARD_IP4,
	IVM_STAT_DROP_GUARD_IP6,
	IVM_STAT_DROP_GUARD_ND,
	IVM_STAT_DROP_GUARD_SERVER,	/* DHCP answers, router advertisements */
	IVM_STAT_DROP_GUARD_FRAGMENT,	/* headers that the guard must see lie in no first fragment, or beyond what it reads */
	IVM_STAT_DROP_STORM,
	IVM_STAT_DROP_RATE_IN,
	IVM_STAT_DROP_MOVED,		/* source address is static at another port */
	IVM_STAT_DROP_HAIRPIN,		/* its destination is where it came from */
	IVM_STAT_DROP_NOWHERE,		/* nobody else is in the VLAN, or unknown unicast without an uplink */
	IVM_STAT_DROP_ISOLATED,		/* all that it was for are isolated from the sender */
	IVM_STAT_DROP_MEMORY,
	/* counted where the frame was to leave */
	IVM_STAT_DROP_TX_RATE,
	IVM_STAT_DROP_TX_SIZE,		/* longer than the device's MTU allows */
	IVM_STAT_DROP_TX_DOWN,		/* device or driver is down */
	IVM_STAT_DROP_TX_FULL,		/* the guest does not read */
	IVM_STAT_DROP_TX_FILTER,	/* the guest's receive filter does not want it */
	IVM_STAT_DROP_TX_ERROR,		/* the device refused it */
	IVM_PORT_STATS,
};

/* ---- /dev/ivm ----------------------------------------------------------- */

/**
 * struct ivm_segment - one piece of the boot manifest
 * @fd:		regular file or memfd to read from, opened for reading
 * @reserved:	0
 * @offset:	first byte in the file
 * @size:	bytes, at least 1; must lie within the file
 * @gpa:	where in guest RAM it goes; segments do not overlap
 *
 * The module keeps the file, and refuses to start or reset the VM if its size
 * or time of change differ from what they were when it was sealed.
 */
struct ivm_segment {
	__s32	fd;
	__u32	reserved;
	__u64	offset;
	__u64	size;
	__u64	gpa;
};

/* A segment register; attr as in a VMCB (AMD APM 15.5): type 0-3, S 4, DPL 5-6, P 7, AVL 8, L 9, DB 10, G 11 */
struct ivm_segreg {
	__u16	selector;
	__u16	attr;
	__u32	limit;		/* in bytes, scaled by G already */
	__u64	base;
};

/* Registers of vCPU 0 at its first instruction; the others wait for SIPI. */
struct ivm_boot_regs {
	__u64	gpr[16];	/* rax rcx rdx rbx rsp rbp rsi rdi r8 … r15 */
	__u64	rip;
	__u64	rflags;
	__u64	cr0;
	__u64	cr3;
	__u64	cr4;
	__u64	efer;
	struct ivm_segreg cs, ds, es, fs, gs, ss, tr, ldtr;
	struct ivm_segreg gdtr, idtr;	/* base and limit only */
};

/**
 * struct ivm_load - IVM_IOC_LOAD: seal the boot manifest of a VM in state created or loaded
 * @name:	the VM, NUL-terminated
 * @nr_segments: 1 … IVM_SEGMENTS_MAX
 * @reserved:	0
 * @segments:	user pointer to that many struct ivm_segment
 * @regs:	see struct ivm_boot_regs
 * @text:	out: on error a sentence that says what and where
 */
struct ivm_load {
	char	name[IVM_NAME_MAX + 1];
	__u32	nr_segments;
	__u32	reserved;
	__u64	segments;
	struct ivm_boot_regs regs;
	char	text[IVM_TEXT_MAX];
};

#define IVM_CONSOLE_INPUT	(1U << 0)	/* writing to the descriptor types into the guest */
#define IVM_CONSOLE_HISTORY	(1U << 1)	/* reading starts with what is still kept */
#define IVM_CONSOLE_NONBLOCK	(1U << 2)
#define IVM_CONSOLE_FLAGS	(IVM_CONSOLE_INPUT | IVM_CONSOLE_HISTORY | IVM_CONSOLE_NONBLOCK)

/**
 * struct ivm_console_open - IVM_IOC_CONSOLE: a descriptor of the VM's serial console
 * @name:	the VM, NUL-terminated
 * @flags:	IVM_CONSOLE_*
 * @reserved:	0
 * @text:	out: on error a sentence
 *
 * The ioctl returns a file descriptor with O_CLOEXEC. read() returns output; a
 * reader that falls more than IVM_CONSOLE_SIZE behind continues with the
 * oldest byte kept. read() returns 0 once the VM is stopped and everything
 * kept was read. write() stores into the receive queue of the UART; it blocks,
 * or fails with EAGAIN, while the guest does not read.
 */
struct ivm_console_open {
	char	name[IVM_NAME_MAX + 1];
	__u32	flags;
	__u32	reserved;
	char	text[IVM_TEXT_MAX];
};

#define IVM_IOC_LOAD		_IOWR(0xB7, 0x40, struct ivm_load)
#define IVM_IOC_CONSOLE		_IOWR(0xB7, 0x41, struct ivm_console_open)

#endif /* _UAPI_LINUX_IVM_H */
