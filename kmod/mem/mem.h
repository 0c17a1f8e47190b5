/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory: frames and their owners, the guest-physical space of a VM, its
 * second-stage tables. Calls nobody but the kernel.
 *
 * The invariant (P8, P11): a frame has one owner and one guest-physical
 * address, written into its inverse record when it is allocated; the one
 * function that installs leaves refuses a frame whose record does not name
 * exactly this space and this address. So the map is injective.
 */
#ifndef IVM_MEM_H
#define IVM_MEM_H

#include <linux/atomic.h>
#include <linux/ivm.h>
#include <linux/types.h>

struct ivm_space;
struct ivm_why;

/**
 * struct ivm_s2_format - what differs between NPT and EPT
 * @levels:	4 or 5
 * @table:	bits of an entry that points to a table
 * @leaf_4k:	bits of a read-write-execute leaf of 4 KiB
 * @leaf_2m:	bits of a read-write-execute leaf of 2 MiB
 * @present:	bits of which one at least is set in an entry that is present
 * @large:	bit that tells a 2 MiB leaf from a table at level 2
 *
 * Addresses stand in bits 12-51 in both formats (AMD APM 15.25, Intel SDM 29.3).
 */
struct ivm_s2_format {
	unsigned int levels;
	u64 table, leaf_4k, leaf_2m, present, large;
};

/* One RAM range of the guest-physical space. */
struct ivm_ram_range {
	u64 base, size;
};

/**
 * struct ivm_mem_audit - result of a walk over every table and list
 * @frames:	frames of 4 KiB owned by VMs, by the allocator's lists
 * @leaves:	leaves found in tables
 * @tables:	table pages
 * @bytes:	guest memory reached through leaves
 * @violations:	things that must not be
 * @violation:	the first of them: space by its id, address and frame
 */
struct ivm_mem_audit {
	u64 frames, leaves, tables, bytes, violations;
	struct ivm_mem_violation {
		u32 id;
		char text[124];
	} violation[IVM_VIOLATIONS_MAX];
};

int ivm_mem_init(void);
void ivm_mem_exit(void);

/**
 * ivm_space_create() - an empty guest-physical space
 * @id:		the VM's id, never reused; written into inverse records
 * @format:	of the second-stage tables; constant storage
 *
 * Return: the space or ERR_PTR. May sleep.
 */
struct ivm_space *ivm_space_create(u32 id, const struct ivm_s2_format *format);

/**
 * ivm_space_populate() - allocate, zero and map all RAM of a space
 * @space:	an empty space
 * @bytes:	multiple of IVM_MEMORY_ALIGN. RAM lies at 0 … min(bytes,
 *		IVM_MEMORY_LOW_END) and continues at IVM_MEMORY_HIGH_BASE
 * @room:	bytes of addresses from ivm_space_room_base() on where more RAM may
 *		come later, multiple of IVM_MEMORY_ALIGN; 0: none comes or goes
 * @ready:	counts bytes that are allocated, zeroed and mapped, for progress
 * @why:	says how much was asked and how much is free
 *
 * All or nothing: on error everything is given back. 2 MiB frames where there
 * are any, else 4 KiB, by several threads. Each frame is zeroed exactly once.
 *
 * Return: 0, -ENOMEM, -EINTR on a fatal signal. May sleep, long.
 */
int ivm_space_populate(struct ivm_space *space, u64 bytes, u64 room, atomic64_t *ready, struct ivm_why *why);

/* Where the room of a space of so many bytes begins. Any context. */
u64 ivm_space_room_base(u64 bytes);

/**
 * ivm_space_scrub() - zero all RAM again, for a reset. No vCPU may run. May sleep, long.
 */
void ivm_space_scrub(struct ivm_space *space);

/**
 * ivm_space_depopulate() - unmap and scrub all RAM and give it back
 *
 * No vCPU may run or have stale translations (the caller flushed). Accepts an
 * empty or half-populated space. May sleep, long.
 */
void ivm_space_depopulate(struct ivm_space *space);

/* depopulates if need be, then frees; accepts NULL. May sleep. */
void ivm_space_destroy(struct ivm_space *space);

/* ---- room.c: a space that was populated with room changes; one caller at a time ---- */

/**
 * ivm_space_allow() - how much RAM the space may have
 * @space:	populated with room
 * @bytes:	multiple of IVM_MEMORY_ALIGN. Host memory for what is not there yet is
 *		set aside, so that it is found when it is asked for
 * @why:	says how much the host lacks
 *
 * It may be less than what is there: nothing comes any more.
 * Return: 0; -ENOMEM: nothing is changed. Never fails for what is there already.
 * May sleep.
 */
int ivm_space_allow(struct ivm_space *space, u64 bytes, struct ivm_why *why);

/**
 * ivm_space_plug() - zeroed RAM comes, while the guest runs
 * @space:	populated with room
 * @gpa:	multiple of IVM_MEMORY_ALIGN, in the room or where RAM was from the beginning
 * @len:	likewise; none of it is there
 *
 * All or nothing: before it returns 0 no byte of it can be reached.
 * Return: 0; -EINVAL there is some of it already, or cannot be; -ENOSPC more
 * than is allowed, and not what it had from the beginning; -ENOMEM. May sleep.
 */
int ivm_space_plug(struct ivm_space *space, u64 gpa, u64 len);

/**
 * ivm_space_unplug() - RAM goes out of all tables
 * @space:	populated with room
 * @gpa:	as for plug
 * @len:	all of it is there
 *
 * From here on ivm_space_ptr() does not find it, and no table leads to it. What
 * had found it before, the caller sees to: no vCPU runs, and none will with stale
 * translations; who else has a pointer is waited for. Then ivm_space_scrub_taken().
 * Return: 0; -EINVAL: nothing is changed. May sleep.
 */
int ivm_space_unplug(struct ivm_space *space, u64 gpa, u64 len);

/* What unplug() took is scrubbed, and then the host's. May sleep, long. */
void ivm_space_scrub_taken(struct ivm_space *space);

/**
 * ivm_space_restore() - RAM is where it was when the space was populated, and nowhere else
 *
 * No vCPU runs or has stale translations, nobody else has a pointer. What is
 * there keeps what it holds. Return: 0; -ENOMEM the host lacks memory for blocks
 * that had gone. May sleep, long.
 */
int ivm_space_restore(struct ivm_space *space);

/* Bytes of RAM that are there. Any context. */
u64 ivm_space_present(const struct ivm_space *space);

/* Host-physical address of the top table. Constant from creation. Any context. */
u64 ivm_space_root(const struct ivm_space *space);

/* Kernel memory beyond guest RAM: tables, indexes. Any context. */
u64 ivm_space_kernel_bytes(const struct ivm_space *space);

/* Number of RAM ranges; @range (2 entries) is filled. Any context. */
unsigned int ivm_space_ranges(const struct ivm_space *space, struct ivm_ram_range *range);

/**
 * ivm_space_ptr() - where the kernel sees one byte of guest RAM, and how much follows contiguously
 * @space:	a populated space
 * @gpa:	guest-physical address, any value
 * @run:	out, may be NULL: bytes valid from there on (to the end of the frame)
 *
 * Return: kernel address, or NULL when @gpa is not RAM. Any context; valid
 * until depopulation, which happens only when no vCPU thread is left, or until
 * the block goes: see ivm_space_unplug().
 * The guest may write there at any moment: read each value once.
 */
void *ivm_space_ptr(const struct ivm_space *space, u64 gpa, u64 *run);

/**
 * ivm_space_read() - copy from guest RAM
 * ivm_space_write() - copy to guest RAM
 * Return: 0, or -EFAULT when any byte of the range is not RAM (then nothing
 * was copied, unless it went while that was done). Any context.
 */
int ivm_space_read(const struct ivm_space *space, u64 gpa, void *buf, u64 len);
int ivm_space_write(const struct ivm_space *space, u64 gpa, const void *buf, u64 len);

/* true when [gpa, gpa+len) is wholly RAM; len may be anything, no overflow. Any context. */
bool ivm_space_is_ram(const struct ivm_space *space, u64 gpa, u64 len);

/* Bytes that a new VM could get now without pushing the host into reclaim trouble. */
u64 ivm_mem_free(void);

/* Frames of 4 KiB owned by VMs now. Any context. */
u64 ivm_mem_frames(void);

/**
 * ivm_mem_audit() - walk every live table and the allocator's lists, prove the map injective
 * @audit: filled; large: kmalloc it. May sleep.
 */
void ivm_mem_audit(struct ivm_mem_audit *audit);

#endif
