// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any sequence of accesses to all devices on a bus, with typing, readers,
 * resets and time in between. After each step what must always hold is
 * checked, from outside: a line has the level that the registers explain.
 */
/* sources: kmod/dev/bus.c kmod/dev/console.c kmod/dev/uart.c kmod/dev/acpi.c
 * kmod/dev/cmos.c kmod/dev/pci.c kmod/dev/pci_function.c kmod/dev/msix.c kmod/dev/debugexit.c selftests/unit/fake_irq.c */
/* max_len: 2048 */
#include "unit.h"

#include <string.h>

#include <linux/bug.h>
#include <linux/err.h>
#include <linux/ivm.h>
#include <linux/kernel.h>
#include <linux/serial_reg.h>
#include <linux/wait.h>

#include "dev/dev.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EXIT_PORT	0xf4

struct board {
	struct ivm_bus *bus;
	struct ivm_console *con;
	struct ivm_uart *uart;
	struct ivm_acpi *acpi;
	struct ivm_cmos *cmos;
	struct ivm_pci *pci;
	struct ivm_debug_exit *exit;
	bool uart_level, sci_level, rtc_level;
	u64 printed, read_pos;
	unsigned int typed, taken;
};

static void uart_level(void *ctx, bool level)
{
	struct board *b = ctx;

	BUG_ON(b->uart_level == level);	/* told of changes only */
	b->uart_level = level;
}

static void sci_level(void *ctx, bool level)
{
	struct board *b = ctx;

	BUG_ON(b->sci_level == level);
	b->sci_level = level;
}

static void rtc_level(void *ctx, bool level)
{
	struct board *b = ctx;

	BUG_ON(b->rtc_level == level);
	b->rtc_level = level;
}

static void ask(void *ctx) { BUG_ON(shim_locks_held()); }
static void ask_exit(void *ctx, u32 value) { BUG_ON(shim_locks_held()); }

static const struct ivm_line_ops line_ops = { .level = uart_level };
static const struct ivm_line_ops rtc_ops = { .level = rtc_level };
static const struct ivm_acpi_ops acpi_ops = { .sci = sci_level, .power_off = ask, .reset = ask };
static const struct ivm_pci_ops pci_ops = { .reset = ask };
static const struct ivm_debug_exit_ops exit_ops = { .exit = ask_exit };

static void add(struct board *b, u64 base, u64 size, const struct ivm_bus_ops *ops, void *dev)
{
	BUG_ON(ivm_bus_add(b->bus, IVM_BUS_IO, base, size, ops, dev));
}

static void board_create(struct board *b)
{
	*b = (struct board){ .bus = ivm_bus_create(), .con = ivm_console_create() };
	b->uart = ivm_uart_create(b->con, &line_ops, b);
	b->acpi = ivm_acpi_create(&acpi_ops, b);
	b->cmos = ivm_cmos_create(&rtc_ops, b);
	b->pci = ivm_pci_create(&pci_ops, b);
	b->exit = ivm_debug_exit_create(&exit_ops, b);
	add(b, IVM_PLATFORM_UART_PORT, 8, &ivm_uart_bus_ops, b->uart);
	add(b, IVM_PLATFORM_PM1_EVT_PORT, 12, &ivm_acpi_pm_bus_ops, b->acpi);
	add(b, 0x60, 1, &ivm_i8042_bus_ops, b->acpi);
	add(b, 0x64, 1, &ivm_i8042_bus_ops, b->acpi);
	add(b, 0x70, 2, &ivm_cmos_bus_ops, b->cmos);
	add(b, 0xcf8, 8, &ivm_pci_bus_ops, b->pci);
	add(b, EXIT_PORT, 4, &ivm_debug_exit_bus_ops, b->exit);
	ivm_console_wait(b->con)->waiters = 1;
}

static void board_destroy(struct board *b)
{
	ivm_uart_destroy(b->uart);
	ivm_console_put(b->con);
	ivm_acpi_destroy(b->acpi);
	ivm_cmos_destroy(b->cmos);
	ivm_pci_destroy(b->pci);
	ivm_debug_exit_destroy(b->exit);
	ivm_bus_destroy(b->bus);
}

static u64 in(struct board *b, u64 port, unsigned int size)
{
	u64 value = 0;

	BUG_ON(!ivm_bus_read(b->bus, IVM_BUS_IO, port, size, &value));
	BUG_ON(size < 8 && value >> 8 * size);
	return value;
}

/* The UART's line, explained by registers that are read without side effects where IER allows. */
static void check_uart(struct board *b)
{
	bool level = b->uart_level, dlab = in(b, IVM_PLATFORM_UART_PORT + UART_LCR, 1) & UART_LCR_DLAB;
	u8 ier, iir;

	if (dlab)
		return;
	ier = in(b, IVM_PLATFORM_UART_PORT + UART_IER, 1);
	BUG_ON(ier & 0xf0);
	BUG_ON(!ier && level);
	iir = in(b, IVM_PLATFORM_UART_PORT + UART_IIR, 1) & 0x3f;
	BUG_ON(level != !(iir & UART_IIR_NO_INT));
	switch (iir) {
	case UART_IIR_NO_INT:
		break;
	case UART_IIR_RLSI:
		BUG_ON(!(ier & UART_IER_RLSI));
		BUG_ON(!(in(b, IVM_PLATFORM_UART_PORT + UART_LSR, 1) & UART_LSR_OE));
		break;
	case UART_IIR_RDI:
	case UART_IIR_RX_TIMEOUT:
		BUG_ON(!(ier & UART_IER_RDI));
		BUG_ON(!(in(b, IVM_PLATFORM_UART_PORT + UART_LSR, 1) & UART_LSR_DR));
		break;
	case UART_IIR_THRI:
		BUG_ON(!(ier & UART_IER_THRI));
		/* Told now, so the same cause is gone. */
		iir = in(b, IVM_PLATFORM_UART_PORT + UART_IIR, 1) & 0x3f;
		BUG_ON(iir == UART_IIR_THRI);
		BUG_ON(b->uart_level != !(iir & UART_IIR_NO_INT));
		break;
	case UART_IIR_MSI:
		BUG_ON(!(ier & UART_IER_MSI));
		BUG_ON(!(in(b, IVM_PLATFORM_UART_PORT + UART_MSR, 1) & UART_MSR_ANY_DELTA));
		break;
	default:
		BUG();
	}
}

/* The clock's line is what register C says when it is read, and low after that. */
static void check_rtc(struct board *b)
{
	bool level = b->rtc_level;
	u8 flags, enabled;

	ivm_bus_write(b->bus, IVM_BUS_IO, 0x70, 1, 0x0b);
	enabled = in(b, 0x71, 1) & 0x70;
	BUG_ON(level && !enabled);
	ivm_bus_write(b->bus, IVM_BUS_IO, 0x70, 1, 0x0c);
	flags = in(b, 0x71, 1);
	BUG_ON(level && !(flags & 0x80));
	BUG_ON(!(flags & 0x80) != !(flags & enabled));
	BUG_ON(b->rtc_level);
	BUG_ON(shim_timers_armed() > 1);
}

static void check_console(struct board *b)
{
	u64 end = ivm_console_end(b->con), oldest = ivm_console_oldest(b->con);

	BUG_ON(end < b->printed);
	b->printed = end;
	BUG_ON(oldest > end || end - oldest > IVM_CONSOLE_SIZE);
	BUG_ON(ivm_console_type_room(b->con) > 4096);
}

static void check(struct board *b)
{
	u16 status = in(b, IVM_PLATFORM_PM1_EVT_PORT, 2), enable = in(b, IVM_PLATFORM_PM1_EVT_PORT + 2, 2);

	BUG_ON(b->sci_level != !!(status & enable));
	check_console(b);
	BUG_ON(shim_locks_held() || shim_irqs_off());
}

static const u16 ports[] = {
	0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff,
	0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x606, 0x607, 0x608, 0x60b,
	0x60, 0x64, 0x70, 0x71, 0xcf8, 0xcf9, 0xcfa, 0xcfb, 0xcfc, 0xcfd, 0xcfe, 0xcff, 0xf4, 0x5ff,
};

static void access_port(struct board *b, u8 where, u8 how, u32 value)
{
	u64 port = ports[where % ARRAY_SIZE(ports)], got = 0;
	unsigned int size = 1U << how % 3;

	if (how & 0x80)
		ivm_bus_write(b->bus, IVM_BUS_IO, port, size, value | (u64)how << 32);
	else if (ivm_bus_read(b->bus, IVM_BUS_IO, port, size, &got))
		BUG_ON(got >> 8 * size);
}

static void reader(struct board *b, unsigned int len)
{
	u64 before = b->read_pos;
	char buf[256];
	size_t n = ivm_console_copy(b->con, &b->read_pos, buf, len);

	BUG_ON(n > len || b->read_pos < before + n || b->read_pos > ivm_console_end(b->con));
}

static void step(struct board *b, const u8 *d)
{
	u32 value = d[2] | d[3] << 8 | d[4] << 16 | (u32)d[5] << 24;

	switch (d[0] / 8) {
	case 0:
		ivm_console_type(b->con, d + 1, d[1] % 6);
		break;
	case 1:
		reader(b, d[1]);
		break;
	case 2:
		shim_clock_advance((u64)value << d[1] % 4);
		break;
	case 3:
		shim_irq_work_run();
		break;
	case 4:
		ivm_acpi_power_button(b->acpi);
		break;
	case 5:
		if (d[1] % 4 == 0)
			ivm_uart_reset(b->uart);
		else if (d[1] % 4 == 1)
			check_rtc(b);
		else
			check_uart(b);
		break;
	case 6:
		ivm_acpi_reset(b->acpi);
		ivm_cmos_reset(b->cmos);
		ivm_pci_reset(b->pci);
		break;
	case 7:
		ivm_console_hangup(b->con, d[1] & 1);
		break;
	default:
		access_port(b, d[0], d[1], value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct board b;

	board_create(&b);
	for (; size >= 6; data += 6, size -= 6) {
		step(&b, data);
		check(&b);
	}
	check_uart(&b);
	check_rtc(&b);
	BUG_ON(shim_printed());
	board_destroy(&b);
	BUG_ON(shim_alloc_live());
	return 0;
}
