// SPDX-License-Identifier: GPL-2.0-only
/* The debug-exit port that small test kernels end with: what is written becomes the VM's stop code. */
#include "dev.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/slab.h>

/* (c) constant once created */
struct ivm_debug_exit {
	const struct ivm_debug_exit_ops *ops;	/* (c) */
	void *ctx;				/* (c) */
};

static u64 debug_exit_read(void *dev, u64 port, unsigned int size)
{
	return 0;	/* by the convention; tells a probe that the port is not a floating bus */
}

static void debug_exit_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_debug_exit *exit = dev;

	if (size < 4)
		value &= (1U << 8 * size) - 1;
	exit->ops->exit(exit->ctx, value);
}

const struct ivm_bus_ops ivm_debug_exit_bus_ops = {
	.read = debug_exit_read,
	.write = debug_exit_write,
};

/**
 * ivm_debug_exit_create() - a debug-exit device for 4 ports anywhere
 * @ops: told about each write
 * @ctx: handed to @ops
 *
 * Context: may sleep.
 * Return: the device, or ERR_PTR(-ENOMEM).
 */
struct ivm_debug_exit *ivm_debug_exit_create(const struct ivm_debug_exit_ops *ops, void *ctx)
{
	struct ivm_debug_exit *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->ops = ops;
	dev->ctx = ctx;
	return dev;
}

/**
 * ivm_debug_exit_destroy() - free the device
 * @dev: may be NULL
 *
 * Context: any that may free memory; no vCPU runs.
 */
void ivm_debug_exit_destroy(struct ivm_debug_exit *dev)
{
	kfree(dev);
}
