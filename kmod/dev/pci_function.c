// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI function: its configuration space (PCI 3.0, chapter 6), where its BARs
 * decode, its capabilities.
 *
 * The guest may place BARs anywhere. Those that lie in the platform's windows
 * decode; of several at one address the one in the lower slot answers.
 */
#include "pci.h"

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>
#include <linux/string.h>

#define COMMAND_BITS	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE)
#define FIRST_CAP	0x40
#define IO_BAR_MAX	256	/* PCI 3.0, 6.2.5.1 */
#define MEMORY_BAR_MIN	4096

/* Of virtio's window, from the start of the capability. */
#define WINDOW_BAR	4
#define WINDOW_OFFSET	8
#define WINDOW_LENGTH	12
#define WINDOW_DATA	16
#define WINDOW_SIZE	20

#define BAR_REG(i)	(PCI_BASE_ADDRESS_0 / 4 + (i))

/* Sets what the guest sees after a reset, and which bits of it are the guest's. */
static void function_define(struct ivm_pci_function *fn, u8 reg, u32 value, u32 writable)
{
	fn->config[reg / 4] = value;
	fn->initial[reg / 4] = value;
	fn->writable[reg / 4] = writable;
}

/* ---- BARs ---- */

static u64 bar_base(const struct ivm_pci_function *fn, unsigned int i)
{
	u32 value = fn->config[BAR_REG(i)];

	return value & (fn->bar[i].io ? PCI_BASE_ADDRESS_IO_MASK : PCI_BASE_ADDRESS_MEM_MASK);
}

/* Windows and BARs are aligned to their sizes: whose base is inside is inside as a whole. */
static bool bar_in_window(const struct ivm_pci_decoder *bar, u64 base)
{
	if (bar->io)
		return base - IVM_PLATFORM_PCI_IO_BASE < IVM_PLATFORM_PCI_IO_SIZE;
	return base - IVM_PLATFORM_PCI_MMIO_BASE < IVM_PLATFORM_PCI_MMIO_SIZE;
}

static u64 bar_decodes_at(const struct ivm_pci_function *fn, unsigned int i)
{
	const struct ivm_pci_decoder *bar = &fn->bar[i];

	if (!bar->size || !ivm_pci_command(fn, bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY) ||
	    !bar_in_window(bar, bar_base(fn, i)))
		return IVM_PCI_NOWHERE;
	return bar_base(fn, i);
}

static struct ivm_pci_decoder *io_owner(struct ivm_pci *pci, u64 port)
{
	unsigned int slot, i;

	for (slot = 0; slot < IVM_PCI_SLOTS; slot++) {
		struct ivm_pci_function *fn = pci->function[slot];

		for (i = 0; fn && i < IVM_PCI_BARS; i++)
			if (fn->bar[i].io && port - fn->bar[i].base < fn->bar[i].size)
				return &fn->bar[i];
	}
	return NULL;
}

/* Who answers at these ports has changed. Only their entries are touched: doorbells elsewhere go on. */
static void io_refresh(struct ivm_pci *pci, u64 base, u32 size)
{
	u64 port;

	if (base == IVM_PCI_NOWHERE)
		return;
	for (port = base; port < base + size; port += IVM_PCI_IO_GRANULE)
		WRITE_ONCE(pci->io[(port - IVM_PLATFORM_PCI_IO_BASE) / IVM_PCI_IO_GRANULE], io_owner(pci, port));
}

/* After any change of a BAR or of the command register. Lock held. */
static void bars_update(struct ivm_pci_function *fn)
{
	unsigned int i;

	for (i = 0; i < IVM_PCI_BARS; i++) {
		struct ivm_pci_decoder *bar = &fn->bar[i];
		u64 old = bar->base, new = bar_decodes_at(fn, i);

		if (old == new)
			continue;
		WRITE_ONCE(bar->base, new);
		if (bar->io) {
			io_refresh(fn->pci, old, bar->size);
			io_refresh(fn->pci, new, bar->size);
		}
	}
}

/* Does [base, base + bar->size) hold the home of another BAR of the same kind? Those not yet placed are at 0. */
static bool bar_home_taken(const struct ivm_pci *pci, const struct ivm_pci_decoder *bar, u64 base)
{
	unsigned int slot, i;

	for (slot = 0; slot < IVM_PCI_SLOTS; slot++) {
		const struct ivm_pci_function *fn = pci->function[slot];

		for (i = 0; fn && i < IVM_PCI_BARS; i++) {
			const struct ivm_pci_decoder *other = &fn->bar[i];
			u64 home = fn->initial[BAR_REG(i)] & ~(u64)(IVM_PCI_IO_GRANULE - 1);

			if (other->size && other->io == bar->io &&
			    home < base + bar->size && base < home + other->size)
				return true;
		}
	}
	return false;
}

/* The lowest free place in the window. */
static int bar_place(struct ivm_pci_function *fn, unsigned int i)
{
	u64 base = fn->bar[i].io ? IVM_PLATFORM_PCI_IO_BASE : IVM_PLATFORM_PCI_MMIO_BASE;
	const struct ivm_pci_decoder *bar = &fn->bar[i];

	while (bar_home_taken(fn->pci, bar, base)) {
		base += bar->size;
		if (!bar_in_window(bar, base))
			return -ENOSPC;
	}
	function_define(fn, PCI_BASE_ADDRESS_0 + 4 * i, base | (bar->io ? PCI_BASE_ADDRESS_SPACE_IO : 0),
			~(bar->size - 1));
	return 0;
}

/* ---- virtio's window ---- */

/* Where an access to the window's data goes now; NULL: nowhere. Lock held. */
static struct ivm_pci_decoder *window_target(struct ivm_pci_function *fn, u32 *offset, u32 *length)
{
	u8 bar = fn->config[(fn->window_cap + WINDOW_BAR) / 4];
	u32 size;

	*offset = fn->config[(fn->window_cap + WINDOW_OFFSET) / 4];
	*length = fn->config[(fn->window_cap + WINDOW_LENGTH) / 4];
	if (bar >= IVM_PCI_BARS || (*length != 1 && *length != 2 && *length != 4) || *offset % *length)
		return NULL;
	size = fn->bar[bar].size;
	return *offset < size && *length <= size - *offset ? &fn->bar[bar] : NULL;
}

static bool in_window(const struct ivm_pci_function *fn, u8 reg)
{
	return fn->window_cap && reg / 4 == (fn->window_cap + WINDOW_DATA) / 4;
}

/* The device is asked without the lock of the bus: it has locks of its own. */
static void window_fetch(struct ivm_pci_function *fn)
{
	u32 *data = &fn->config[(fn->window_cap + WINDOW_DATA) / 4];
	struct ivm_pci_decoder *bar;
	u32 offset, length, value;
	unsigned long flags;

	raw_spin_lock_irqsave(&fn->pci->lock, flags);
	bar = window_target(fn, &offset, &length);
	raw_spin_unlock_irqrestore(&fn->pci->lock, flags);
	if (!bar)
		return;
	value = bar->ops->read(bar->ctx, offset, length);
	raw_spin_lock_irqsave(&fn->pci->lock, flags);
	if (length == 4)
		*data = value;
	else
		*data = (*data & ~0U << 8 * length) | (value & ~(~0U << 8 * length));
	raw_spin_unlock_irqrestore(&fn->pci->lock, flags);
}

static void window_store(struct ivm_pci_function *fn)
{
	struct ivm_pci_decoder *bar;
	u32 offset, length, value;
	unsigned long flags;

	raw_spin_lock_irqsave(&fn->pci->lock, flags);
	bar = window_target(fn, &offset, &length);
	value = fn->config[(fn->window_cap + WINDOW_DATA) / 4];
	raw_spin_unlock_irqrestore(&fn->pci->lock, flags);
	if (bar)
		bar->ops->write(bar->ctx, offset, length, length == 4 ? value : value & ~(~0U << 8 * length));
}

/* ---- registers ---- */

static u32 function_status(const struct ivm_pci_function *fn)
{
	const struct ivm_pci_function_ops *ops = fn->identity ? fn->identity->ops : NULL;

	if (ops && ops->interrupt && !ivm_msix_enabled(fn) && ops->interrupt(fn->ctx))
		return (u32)PCI_STATUS_INTERRUPT << 16;
	return 0;
}

u32 ivm_pci_function_read(struct ivm_pci_function *fn, u8 reg, unsigned int size)
{
	unsigned long flags;
	u32 value;

	if (in_window(fn, reg))
		window_fetch(fn);
	raw_spin_lock_irqsave(&fn->pci->lock, flags);
	value = fn->config[reg / 4];
	if (reg / 4 == PCI_COMMAND / 4)
		value |= function_status(fn);
	raw_spin_unlock_irqrestore(&fn->pci->lock, flags);
	return value >> reg % 4 * 8;
}

void ivm_pci_function_write(struct ivm_pci_function *fn, u8 reg, unsigned int size, u32 value)
{
	unsigned int shift = reg % 4 * 8;
	u32 mask = fn->writable[reg / 4] & (u32)GENMASK_ULL(size * 8 - 1, 0) << shift;
	unsigned long flags;

	if (!mask)
		return;
	raw_spin_lock_irqsave(&fn->pci->lock, flags);
	WRITE_ONCE(fn->config[reg / 4], (fn->config[reg / 4] & ~mask) | (value << shift & mask));
	if (reg < FIRST_CAP)
		bars_update(fn);
	ivm_msix_update(fn);
	raw_spin_unlock_irqrestore(&fn->pci->lock, flags);
	if (in_window(fn, reg))
		window_store(fn);
	if (reg / 4 == PCI_COMMAND / 4 && fn->identity->ops && fn->identity->ops->command)
		fn->identity->ops->command(fn->ctx);
}

void ivm_pci_function_reset(struct ivm_pci_function *fn)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&fn->pci->lock, flags);
	for (i = 0; i < IVM_PCI_CONFIG_DWORDS; i++)
		WRITE_ONCE(fn->config[i], fn->initial[i]);
	bars_update(fn);
	ivm_msix_update(fn);
	ivm_msix_reset(fn);
	raw_spin_unlock_irqrestore(&fn->pci->lock, flags);
	if (fn->identity && fn->identity->ops && fn->identity->ops->command)
		fn->identity->ops->command(fn->ctx);
}

bool ivm_pci_bus_master(const struct ivm_pci_function *fn)
{
	return ivm_pci_command(fn, PCI_COMMAND_MASTER);
}

/* ---- capabilities ---- */

int ivm_pci_add_cap(struct ivm_pci_function *fn, u8 id, const void *body, unsigned int len)
{
	const u8 *byte = body;
	unsigned int cap = fn->free_cap, i;

	/* The last dword stays free, so that free_cap does not wrap. */
	if (len > 252 - 2 || cap + 2 + len > 252)
		return -ENOSPC;
	function_define(fn, cap, id, 0);
	for (i = 0; i < len; i++)
		function_define(fn, cap + 2 + i, fn->config[(cap + 2 + i) / 4] |
				(u32)byte[i] << (cap + 2 + i) % 4 * 8, 0);
	if (fn->last_cap)
		function_define(fn, fn->last_cap, fn->config[fn->last_cap / 4] | cap << 8,
				fn->writable[fn->last_cap / 4]);
	else
		function_define(fn, PCI_CAPABILITY_LIST, cap, 0);
	function_define(fn, PCI_STATUS, fn->config[PCI_STATUS / 4] | (u32)PCI_STATUS_CAP_LIST << 16,
			fn->writable[PCI_STATUS / 4]);
	fn->last_cap = cap;
	fn->free_cap = ALIGN(cap + 2 + len, 4);
	return cap;
}

int ivm_pci_capability(struct ivm_pci_function *fn, const void *body, unsigned int len)
{
	u8 with_len[253];

	if (len > sizeof(with_len) - 1)
		return -ENOSPC;
	with_len[0] = len + 3;
	memcpy(with_len + 1, body, len);
	return ivm_pci_add_cap(fn, PCI_CAP_ID_VNDR, with_len, len + 1);
}

int ivm_pci_window(struct ivm_pci_function *fn, const void *body, unsigned int len)
{
	int cap;

	if (len != WINDOW_SIZE - 3)
		return -EINVAL;
	cap = ivm_pci_capability(fn, body, len);
	if (cap < 0)
		return cap;
	fn->writable[(cap + WINDOW_BAR) / 4] = 0xff;
	fn->writable[(cap + WINDOW_OFFSET) / 4] = ~0U;
	fn->writable[(cap + WINDOW_LENGTH) / 4] = ~0U;
	fn->writable[(cap + WINDOW_DATA) / 4] = ~0U;
	fn->window_cap = cap;
	return cap;
}

/* ---- coming and going ---- */

static bool bar_valid(const struct ivm_pci_bar *bar)
{
	if (!bar->size)
		return true;
	if (!is_power_of_2(bar->size))
		return false;
	if (bar->io)
		return bar->size >= IVM_PCI_IO_GRANULE && bar->size <= IO_BAR_MAX && bar->ops;
	return bar->size >= MEMORY_BAR_MIN && bar->size <= IVM_PLATFORM_PCI_MMIO_SIZE;
}

static bool identity_valid(const struct ivm_pci_identity *identity, unsigned int nr_vectors)
{
	const struct ivm_pci_bar *msix = &identity->bar[identity->msix_bar % IVM_PCI_BARS];
	unsigned int i;

	for (i = 0; i < IVM_PCI_BARS; i++) {
		const struct ivm_pci_bar *bar = &identity->bar[i];

		if (!bar_valid(bar) || (bar->size && !bar->ops && (!nr_vectors || bar != msix)))
			return false;
	}
	if (!nr_vectors)
		return true;
	return nr_vectors <= IVM_MSIX_MAX && identity->msix_bar < IVM_PCI_BARS && !msix->io && !msix->ops &&
	       msix->size >= IVM_MSIX_BAR;
}

static void function_header(struct ivm_pci_function *fn)
{
	const struct ivm_pci_identity *id = fn->identity;

	function_define(fn, PCI_VENDOR_ID, id->vendor | (u32)id->device << 16, 0);
	function_define(fn, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, COMMAND_BITS);
	function_define(fn, PCI_CLASS_REVISION, id->revision | id->class_code << 8, 0);
	function_define(fn, PCI_SUBSYSTEM_VENDOR_ID, id->subsystem_vendor | (u32)id->subsystem << 16, 0);
	fn->free_cap = FIRST_CAP;
}

static int function_bars(struct ivm_pci_function *fn)
{
	unsigned int i;
	int err;

	for (i = 0; i < IVM_PCI_BARS; i++) {
		const struct ivm_pci_bar *bar = &fn->identity->bar[i];

		fn->bar[i] = (struct ivm_pci_decoder){
			.base = IVM_PCI_NOWHERE,
			.size = bar->size,
			.io = bar->io,
			.ops = bar->ops ? bar->ops : &ivm_msix_bus_ops,
			.ctx = bar->ops ? fn->ctx : fn,
		};
	}
	for (i = 0; i < IVM_PCI_BARS; i++) {
		if (!fn->bar[i].size)
			continue;
		err = bar_place(fn, i);
		if (err)
			return err;
	}
	return 0;
}

static int function_init(struct ivm_pci_function *fn)
{
	int err;

	function_header(fn);
	err = function_bars(fn);
	if (err || !fn->nr_vectors)
		return err;
	return ivm_msix_create(fn);
}

struct ivm_pci_function *ivm_pci_add(struct ivm_pci *pci, unsigned int slot, const struct ivm_pci_identity *identity,
				     unsigned int nr_vectors, struct ivm_irqchip *irq, void *ctx)
{
	struct ivm_pci_function *fn;
	unsigned long flags;
	int err;

	if (!slot || slot >= IVM_PCI_SLOTS || !identity_valid(identity, nr_vectors))
		return ERR_PTR(-EINVAL);
	if (pci->function[slot])
		return ERR_PTR(-EBUSY);
	fn = kzalloc(sizeof(*fn), GFP_KERNEL);
	if (!fn)
		return ERR_PTR(-ENOMEM);
	fn->pci = pci;
	fn->slot = slot;
	fn->identity = identity;
	fn->irq = irq;
	fn->ctx = ctx;
	fn->nr_vectors = nr_vectors;
	pci->function[slot] = fn;	/* so that its BARs see each other when they are placed */
	err = function_init(fn);
	if (err) {
		pci->function[slot] = NULL;
		ivm_msix_destroy(fn);
		kfree(fn);
		return ERR_PTR(err);
	}
	raw_spin_lock_irqsave(&pci->lock, flags);
	bars_update(fn);
	raw_spin_unlock_irqrestore(&pci->lock, flags);
	return fn;
}

void ivm_pci_remove(struct ivm_pci_function *fn)
{
	unsigned long flags;

	if (!fn)
		return;
	raw_spin_lock_irqsave(&fn->pci->lock, flags);
	fn->config[PCI_COMMAND / 4] = 0;
	bars_update(fn);
	fn->pci->function[fn->slot] = NULL;
	raw_spin_unlock_irqrestore(&fn->pci->lock, flags);
	ivm_msix_destroy(fn);
	kfree(fn);
}
