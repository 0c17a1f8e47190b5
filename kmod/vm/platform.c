// SPDX-License-Identifier: GPL-2.0-only
/* The board: which device answers where, and which wire goes to which interrupt line. */
#include "priv.h"
#include "../dev/dev.h"

#include <linux/err.h>
#include <linux/slab.h>

/* Legend: all constant once created; the devices have their own locks */
struct ivm_platform {
	struct ivm_vm *vm;
	struct ivm_bus *bus;
	struct ivm_uart *uart;
	struct ivm_acpi *acpi;
	struct ivm_cmos *cmos;
	struct ivm_pci *pci;
	struct ivm_debug_exit *debug_exit;	/* NULL unless asked for */
};

static void platform_uart_irq(void *ctx, bool level)
{
	ivm_irq_line(((struct ivm_vm *)ctx)->irq, IVM_PLATFORM_UART_GSI, level);
}

static void platform_rtc_irq(void *ctx, bool level)
{
	ivm_irq_line(((struct ivm_vm *)ctx)->irq, IVM_PLATFORM_RTC_GSI, level);
}

static void platform_sci(void *ctx, bool level)
{
	ivm_irq_line(((struct ivm_vm *)ctx)->irq, IVM_PLATFORM_SCI_GSI, level);
}

static void platform_power_off(void *ctx)
{
	ivm_vm_wish_stop(ctx, IVM_STOP_SHUTDOWN, 0, "");
}

static void platform_reset_wish(void *ctx)
{
	ivm_vm_wish_reset(ctx);
}

static void platform_debug_exit(void *ctx, u32 value)
{
	ivm_vm_wish_stop(ctx, IVM_STOP_DEBUG_EXIT, value, "");
}

static const struct ivm_line_ops platform_uart_ops = { .level = platform_uart_irq };
static const struct ivm_line_ops platform_rtc_ops = { .level = platform_rtc_irq };
static const struct ivm_acpi_ops platform_acpi_ops = {
	.sci = platform_sci,
	.power_off = platform_power_off,
	.reset = platform_reset_wish,
};
static const struct ivm_pci_ops platform_pci_ops = { .reset = platform_reset_wish };
static const struct ivm_debug_exit_ops platform_debug_exit_ops = { .exit = platform_debug_exit };

static const struct ivm_bus_ops platform_ioapic_ops = { .read = ivm_ioapic_read, .write = ivm_ioapic_write };
static const struct ivm_bus_ops platform_pic_ops = { .read = ivm_pic_read, .write = ivm_pic_write };
static const struct ivm_bus_ops platform_pit_ops = { .read = ivm_pit_read, .write = ivm_pit_write };

static int platform_devices(struct ivm_platform *p)
{
	struct ivm_vm *vm = p->vm;

	p->bus = ivm_bus_create();
	if (IS_ERR(p->bus))
		return PTR_ERR(p->bus);
	p->uart = ivm_uart_create(vm->console, &platform_uart_ops, vm);
	if (IS_ERR(p->uart))
		return PTR_ERR(p->uart);
	p->acpi = ivm_acpi_create(&platform_acpi_ops, vm);
	if (IS_ERR(p->acpi))
		return PTR_ERR(p->acpi);
	p->cmos = ivm_cmos_create(&platform_rtc_ops, vm);
	if (IS_ERR(p->cmos))
		return PTR_ERR(p->cmos);
	p->pci = ivm_pci_create(&platform_pci_ops, vm);
	if (IS_ERR(p->pci))
		return PTR_ERR(p->pci);
	if (!vm->config.debug_exit)
		return 0;
	p->debug_exit = ivm_debug_exit_create(&platform_debug_exit_ops, vm);
	return IS_ERR(p->debug_exit) ? PTR_ERR(p->debug_exit) : 0;
}

static int platform_wire(struct ivm_platform *p)
{
	struct ivm_irqchip *irq = p->vm->irq;
	const struct {
		enum ivm_bus_space space;
		u64 base, size;
		const struct ivm_bus_ops *ops;
		void *dev;
	} map[] = {
		{ IVM_BUS_MMIO, IVM_PLATFORM_IOAPIC_BASE, 0x1000, &platform_ioapic_ops, irq },
		{ IVM_BUS_IO, 0x20, 2, &platform_pic_ops, irq },
		{ IVM_BUS_IO, 0xa0, 2, &platform_pic_ops, irq },
		{ IVM_BUS_IO, 0x4d0, 2, &platform_pic_ops, irq },
		{ IVM_BUS_IO, 0x40, 4, &platform_pit_ops, irq },
		{ IVM_BUS_IO, 0x61, 1, &platform_pit_ops, irq },
		{ IVM_BUS_IO, 0x60, 1, &ivm_i8042_bus_ops, p->acpi },
		{ IVM_BUS_IO, 0x64, 1, &ivm_i8042_bus_ops, p->acpi },
		{ IVM_BUS_IO, 0x70, 2, &ivm_cmos_bus_ops, p->cmos },
		{ IVM_BUS_IO, IVM_PLATFORM_UART_PORT, 8, &ivm_uart_bus_ops, p->uart },
		{ IVM_BUS_IO, IVM_PLATFORM_PM1_EVT_PORT, 12, &ivm_acpi_pm_bus_ops, p->acpi },
		{ IVM_BUS_IO, 0xcf8, 8, &ivm_pci_bus_ops, p->pci },
		{ IVM_BUS_IO, IVM_PLATFORM_PCI_IO_BASE, IVM_PLATFORM_PCI_IO_SIZE, &ivm_pci_io_window_ops, p->pci },
		{ IVM_BUS_MMIO, IVM_PLATFORM_PCI_MMIO_BASE, IVM_PLATFORM_PCI_MMIO_SIZE, &ivm_pci_mmio_window_ops,
		  p->pci },
		/* Last: a debug-exit port on top of a device is refused, the device stays. */
		{ IVM_BUS_IO, p->vm->config.debug_exit, 4, &ivm_debug_exit_bus_ops, p->debug_exit },
	};
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(map); i++) {
		if (!map[i].dev)
			continue;
		err = ivm_bus_add(p->bus, map[i].space, map[i].base, map[i].size, map[i].ops, map[i].dev);
		if (err)
			return err;
	}
	return 0;
}

/**
 * ivm_platform_create() - devices in reset state, wired to vm->irq and vm->console
 * @vm: with its interrupt chip
 *
 * @why: says what stood in the way
 *
 * Return: the platform; ERR_PTR(-EBUSY) when the debug-exit port lies on a
 * device; what a network card was refused with. Context: vm->life held, no vCPU
 * runs. Takes rtnl; may sleep.
 */
struct ivm_platform *ivm_platform_create(struct ivm_vm *vm, struct ivm_why *why)
{
	struct ivm_platform *p = kzalloc(sizeof(*p), GFP_KERNEL);
	int err;

	if (!p) {
		ivm_why(why, 0, -ENOMEM, "not enough kernel memory");
		return ERR_PTR(-ENOMEM);
	}
	p->vm = vm;
	err = platform_devices(p);
	if (!err)
		err = platform_wire(p);
	if (err)
		ivm_why(why, 0, err, err == -EBUSY ?
			"the debug-exit port %#x lies on another device" : "not enough kernel memory",
			vm->config.debug_exit);
	else
		err = ivm_cards_create(vm, p->pci, why) ?: ivm_memory_create(vm, p->pci, why);
	if (err) {
		ivm_platform_destroy(p);
		return ERR_PTR(err);
	}
	return p;
}

void ivm_platform_destroy(struct ivm_platform *p)
{
	if (!p)
		return;
	ivm_memory_destroy(p->vm);	/* before the bus that they are on */
	ivm_cards_destroy(p->vm);
	if (!IS_ERR(p->debug_exit))
		ivm_debug_exit_destroy(p->debug_exit);
	if (!IS_ERR(p->pci))
		ivm_pci_destroy(p->pci);
	if (!IS_ERR(p->cmos))
		ivm_cmos_destroy(p->cmos);
	if (!IS_ERR(p->acpi))
		ivm_acpi_destroy(p->acpi);
	if (!IS_ERR(p->uart))
		ivm_uart_destroy(p->uart);
	if (!IS_ERR(p->bus))
		ivm_bus_destroy(p->bus);
	kfree(p);
}

void ivm_platform_reset(struct ivm_platform *p)
{
	ivm_uart_reset(p->uart);
	ivm_acpi_reset(p->acpi);
	ivm_cmos_reset(p->cmos);
	ivm_pci_reset(p->pci);
}

struct ivm_bus *ivm_platform_bus(struct ivm_platform *p)
{
	return p->bus;
}

void ivm_platform_power_button(struct ivm_platform *p)
{
	ivm_acpi_power_button(p->acpi);
}
