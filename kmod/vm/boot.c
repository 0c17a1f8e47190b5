// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sealed manifest: which pieces of which files go where in guest memory,
 * and the registers at the first instruction. The module keeps the files and
 * reads them itself, so no process ever maps guest memory, and a reset is a
 * replay.
 */
#include "priv.h"
#include "../mem/mem.h"

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sizes.h>
#include <linux/slab.h>

/* What a file was when it was sealed; another state is another file. */
struct ivm_seal {
	loff_t size;
	struct timespec64 mtime, ctime;
	u64 version;
};

static void boot_seal_one(struct ivm_seal *seal, const struct file *file)
{
	const struct inode *inode = file_inode(file);

	seal->size = i_size_read(inode);
	seal->mtime = inode->i_mtime;
	seal->ctime = inode->i_ctime;
	seal->version = atomic64_read(&inode->i_version);
}

/* i_version counts only where somebody looks: a hint more, when it moves. */
static bool boot_seal_holds(const struct ivm_seal *seal, const struct file *file)
{
	struct ivm_seal now;

	boot_seal_one(&now, file);
	return now.size == seal->size && timespec64_equal(&now.mtime, &seal->mtime) &&
	       timespec64_equal(&now.ctime, &seal->ctime) && now.version == seal->version;
}

/**
 * ivm_boot_seal() - record the state of the manifest's files
 * @manifest: with its files
 *
 * Return: kmalloc'ed seals, one per segment, or ERR_PTR. May sleep.
 */
struct ivm_seal *ivm_boot_seal(const struct ivm_manifest *manifest)
{
	struct ivm_seal *seals = kcalloc(manifest->nr, sizeof(*seals), GFP_KERNEL);
	unsigned int i;

	if (!seals)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < manifest->nr; i++)
		boot_seal_one(&seals[i], manifest->segment[i].file);
	return seals;
}

void ivm_manifest_free(struct ivm_manifest *manifest)
{
	unsigned int i;

	if (!manifest)
		return;
	for (i = 0; i < manifest->nr; i++)
		fput(manifest->segment[i].file);
	kfree(manifest);
}

/* Is [gpa, gpa + size) inside the RAM that a VM of this size will have? */
static bool boot_in_ram(u64 memory, u64 gpa, u64 size)
{
	u64 low = min_t(u64, memory, IVM_MEMORY_LOW_END);
	u64 high = memory - low;

	if (gpa < low)
		return size <= low - gpa;
	return gpa >= IVM_MEMORY_HIGH_BASE && gpa - IVM_MEMORY_HIGH_BASE < high &&
	       size <= high - (gpa - IVM_MEMORY_HIGH_BASE);
}

/**
 * ivm_boot_check() - does this manifest fit this VM?
 * @vm:       for the size of its memory
 * @manifest: as parsed
 * @why:      says which segment does not
 *
 * Segments lie in RAM and do not overlap. Registers are checked when they are
 * put into a vCPU, at start. Files and ranges within them: by ctl/.
 */
int ivm_boot_check(const struct ivm_vm *vm, const struct ivm_manifest *manifest, struct ivm_why *why)
{
	const struct ivm_manifest_segment *a, *b;
	unsigned int i, j;

	for (i = 0; i < manifest->nr; i++) {
		a = &manifest->segment[i];
		if (!boot_in_ram(vm->config.memory, a->gpa, a->size))
			return ivm_why(why, 0, -EINVAL,
				       "segment %u (%llu bytes at %#llx) does not lie in the %llu bytes of guest RAM",
				       i, a->size, a->gpa, vm->config.memory);
		for (j = 0; j < i; j++) {
			b = &manifest->segment[j];
			if (a->gpa < b->gpa + b->size && b->gpa < a->gpa + a->size)
				return ivm_why(why, 0, -EINVAL, "segments %u and %u overlap in guest memory", j, i);
		}
	}
	return 0;
}

static int boot_read(struct ivm_vm *vm, unsigned int nr, struct ivm_why *why)
{
	const struct ivm_manifest_segment *segment = &vm->manifest->segment[nr];
	u64 run, left = segment->size, gpa = segment->gpa;
	loff_t pos = segment->offset;
	ssize_t got;
	void *to;

	while (left) {
		to = ivm_space_ptr(vm->space, gpa, &run);
		if (!to)
			return ivm_why(why, 0, -EFAULT, "segment %u leaves guest RAM at %#llx", nr, gpa);
		got = kernel_read(segment->file, to, min3(run, left, (u64)SZ_2M), &pos);
		if (got < 0)
			return ivm_why(why, 0, got, "segment %u (%pD) cannot be read: error %zd",
				       nr, segment->file, got);
		if (!got)
			return ivm_why(why, 0, -ESTALE, "segment %u (%pD) ended early: the file was truncated",
				       nr, segment->file);
		gpa += got;
		left -= got;
		cond_resched();
	}
	return 0;
}

static void boot_sregs(const struct ivm_boot_regs *regs, struct ivm_sregs *sregs)
{
	*sregs = (struct ivm_sregs) {
		.cr0 = regs->cr0, .cr3 = regs->cr3, .cr4 = regs->cr4, .efer = regs->efer,
		.seg = {
			[IVM_ES] = regs->es, [IVM_CS] = regs->cs, [IVM_SS] = regs->ss,
			[IVM_DS] = regs->ds, [IVM_FS] = regs->fs, [IVM_GS] = regs->gs,
		},
		.tr = regs->tr, .ldtr = regs->ldtr, .gdtr = regs->gdtr, .idtr = regs->idtr,
		.cpl = (regs->ss.attr >> 5) & 3,
	};
}

static int boot_registers(struct ivm_vcpu *vcpu, const struct ivm_boot_regs *regs, struct ivm_why *why)
{
	struct ivm_sregs sregs;
	int err;

	if (regs->rflags & ~(u64)(X86_EFLAGS_FIXED | X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
				  X86_EFLAGS_SF | X86_EFLAGS_DF | X86_EFLAGS_OF))
		return ivm_why(why, 0, -EINVAL, "boot registers: RFLAGS %#llx has more than arithmetic flags",
			       regs->rflags);
	boot_sregs(regs, &sregs);
	err = ivm_backend->set_sregs(&vcpu->cpu, &sregs, why);
	if (err)
		return err;
	memcpy(vcpu->cpu.regs.gpr, regs->gpr, sizeof(regs->gpr));
	vcpu->cpu.regs.rip = regs->rip;
	vcpu->cpu.regs.rflags = regs->rflags | X86_EFLAGS_FIXED;
	return 0;
}

/**
 * ivm_boot_replay() - fill zeroed guest memory and vCPU 0 from the manifest
 * @vm:  with manifest and vCPUs
 * @why: says which segment or register it failed at
 *
 * Return: 0; -ESTALE when a file is not what was sealed; read errors.
 * Context: may sleep, long; vm->life held, no vCPU runs.
 */
int ivm_boot_replay(struct ivm_vm *vm, struct ivm_why *why)
{
	unsigned int i;
	int err;

	for (i = 0; i < vm->manifest->nr; i++) {
		struct file *file = vm->manifest->segment[i].file;

		if (!boot_seal_holds(&vm->seals[i], file))
			return ivm_why(why, 0, -ESTALE,
				       "segment %u (%pD) changed after the manifest was sealed: stop the VM and start it again",
				       i, file);
		err = boot_read(vm, i, why);
		if (err)
			return err;
	}
	return boot_registers(vm->vcpu[0], &vm->manifest->regs, why);
}
