// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 16550A serial port at the far end of a console (National PC16550D data
 * sheet). The line is infinitely fast: a byte is gone as soon as it is
 * written, and a character timeout comes at once. The peer is always there:
 * CTS, DSR and DCD are up. Our board does not gate the interrupt with OUT2 as
 * the first PCs did, since small kernels forget to set it.
 */
#include "dev.h"
#include "bytes.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/serial_reg.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#define UART_FIFO_SIZE		16
#define UART_IER_BITS		(UART_IER_RDI | UART_IER_THRI | UART_IER_RLSI | UART_IER_MSI)
#define UART_MCR_BITS		(UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT1 | UART_MCR_OUT2 | UART_MCR_LOOP)
#define UART_IIR_FIFO_BITS	0xc0	/* "this is a 16550A with its FIFOs on" */

/* (c) constant once created  (l) protected by lock */
struct ivm_uart {
	struct ivm_console *con;		/* (c) holds a reference */
	const struct ivm_line_ops *ops;		/* (c) */
	void *ctx;				/* (c) */

	raw_spinlock_t lock;
	u8 ier, fcr, lcr, mcr, scr;		/* (l) as written, without what reads as zero */
	u8 dll, dlm;				/* (l) divisor: kept, means nothing here */
	u8 msr;					/* (l) modem lines and what changed of them */
	bool overrun;				/* (l) LSR.OE, until LSR is read */
	bool thre;				/* (l) "transmitter empty" waits to be reported */
	bool level;				/* (l) of the interrupt line */
	u8 rx[UART_FIFO_SIZE];			/* (l) receive FIFO, or just its first byte */
	u8 rx_head, rx_count;			/* (l) */
};

static unsigned int uart_rx_depth(const struct ivm_uart *uart)
{
	return uart->fcr & UART_FCR_ENABLE_FIFO ? UART_FIFO_SIZE : 1;
}

static unsigned int uart_rx_trigger(const struct ivm_uart *uart)
{
	static const u8 trigger[] = { 1, 4, 8, 14 };

	return uart->fcr & UART_FCR_ENABLE_FIFO ? trigger[UART_FCR_R_TRIG_BITS(uart->fcr)] : 1;
}

/* The enabled cause of highest priority, as IIR shows it (data sheet, table IV). */
static u8 uart_cause(const struct ivm_uart *uart)
{
	if (!uart->ier)
		return UART_IIR_NO_INT;
	if (uart->ier & UART_IER_RLSI && uart->overrun)
		return UART_IIR_RLSI;
	if (uart->ier & UART_IER_RDI && uart->rx_count)
		return uart->rx_count >= uart_rx_trigger(uart) ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT;
	if (uart->ier & UART_IER_THRI && uart->thre)
		return UART_IIR_THRI;
	if (uart->ier & UART_IER_MSI && uart->msr & UART_MSR_ANY_DELTA)
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* To be called after each change of what uart_cause() looks at. */
static void uart_update_line(struct ivm_uart *uart)
{
	bool level = uart_cause(uart) != UART_IIR_NO_INT;

	if (level != uart->level) {
		uart->level = level;
		uart->ops->level(uart->ctx, level);
	}
}

static void uart_receive(struct ivm_uart *uart, u8 c)
{
	if (uart->rx_count < uart_rx_depth(uart)) {
		uart->rx[(uart->rx_head + uart->rx_count++) % UART_FIFO_SIZE] = c;
		return;
	}
	/* Without FIFO the new byte replaces the old one, with it the new one is lost. */
	uart->overrun = true;
	if (!(uart->fcr & UART_FCR_ENABLE_FIFO))
		uart->rx[uart->rx_head] = c;
}

/* Takes what was typed, as long as there is room: no typed byte is ever overrun. */
static void uart_fetch(struct ivm_uart *uart)
{
	u8 c;

	while (!(uart->mcr & UART_MCR_LOOP) && uart->rx_count < uart_rx_depth(uart) &&
	       ivm_console_typed(uart->con, &c))
		uart_receive(uart, c);
}

static __always_inline void uart_transmit(struct ivm_uart *uart, u8 c)
{
	if (uart->mcr & UART_MCR_LOOP)
		uart_receive(uart, c);
	else
		ivm_console_put_char(uart->con, c);
	/*
	 * The transmitter was full for a moment, and is empty again. The line
	 * shows that moment: a driver that answers each interrupt with a byte
	 * needs an edge per byte.
	 */
	if (uart->ier) {
		uart->thre = false;
		uart_update_line(uart);
		uart->thre = true;
		uart_update_line(uart);
	}
	uart->thre = true;
}

static u8 uart_read_rbr(struct ivm_uart *uart)
{
	u8 c;

	if (!uart->rx_count)
		return 0;
	c = uart->rx[uart->rx_head];
	uart->rx_head = (uart->rx_head + 1) % UART_FIFO_SIZE;
	uart->rx_count--;
	uart_fetch(uart);
	uart_update_line(uart);
	return c;
}

static u8 uart_read_iir(struct ivm_uart *uart)
{
	u8 cause = uart_cause(uart);

	if (cause == UART_IIR_THRI) {
		uart->thre = false;
		uart_update_line(uart);
	}
	return cause | (uart->fcr & UART_FCR_ENABLE_FIFO ? UART_IIR_FIFO_BITS : 0);
}

static u8 uart_read_lsr(struct ivm_uart *uart)
{
	u8 lsr = UART_LSR_THRE | UART_LSR_TEMT;

	if (uart->rx_count)
		lsr |= UART_LSR_DR;
	if (uart->overrun) {
		lsr |= UART_LSR_OE;
		uart->overrun = false;
		uart_update_line(uart);
	}
	return lsr;
}

static u8 uart_read_msr(struct ivm_uart *uart)
{
	u8 msr = uart->msr;

	uart->msr &= ~UART_MSR_ANY_DELTA;
	uart_update_line(uart);
	return msr;
}

static void uart_write_ier(struct ivm_uart *uart, u8 value)
{
	value &= UART_IER_BITS;
	if (value & ~uart->ier & UART_IER_THRI)
		uart->thre = true;	/* enabled while empty: reported at once */
	uart->ier = value;
	uart_update_line(uart);
}

static void uart_write_fcr(struct ivm_uart *uart, u8 value)
{
	bool toggled = (value ^ uart->fcr) & UART_FCR_ENABLE_FIFO;

	/* The other bits count only in a write that enables the FIFOs. */
	uart->fcr = value & UART_FCR_ENABLE_FIFO ?
		    value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK) : 0;
	if (toggled || (uart->fcr && value & UART_FCR_CLEAR_RCVR))
		uart->rx_count = 0;
	uart_fetch(uart);
	uart_update_line(uart);
}

/* Modem lines as the chip sees them: those of our peer, or in loopback its own outputs. */
static u8 uart_modem_lines(const struct ivm_uart *uart)
{
	u8 lines = 0;

	if (!(uart->mcr & UART_MCR_LOOP))
		return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
	if (uart->mcr & UART_MCR_RTS)
		lines |= UART_MSR_CTS;
	if (uart->mcr & UART_MCR_DTR)
		lines |= UART_MSR_DSR;
	if (uart->mcr & UART_MCR_OUT1)
		lines |= UART_MSR_RI;
	if (uart->mcr & UART_MCR_OUT2)
		lines |= UART_MSR_DCD;
	return lines;
}

static void uart_write_mcr(struct ivm_uart *uart, u8 value)
{
	u8 lines, changed;

	uart->mcr = value & UART_MCR_BITS;
	lines = uart_modem_lines(uart);
	changed = lines ^ uart->msr;
	uart->msr = lines | (uart->msr & UART_MSR_ANY_DELTA);
	if (changed & UART_MSR_CTS)
		uart->msr |= UART_MSR_DCTS;
	if (changed & UART_MSR_DSR)
		uart->msr |= UART_MSR_DDSR;
	if (changed & ~lines & UART_MSR_RI)
		uart->msr |= UART_MSR_TERI;	/* trailing edge only */
	if (changed & UART_MSR_DCD)
		uart->msr |= UART_MSR_DDCD;
	uart_fetch(uart);	/* loopback may have ended */
	uart_update_line(uart);
}

static __always_inline u8 uart_read8(void *dev, u64 port)
{
	struct ivm_uart *uart = dev;
	bool dlab = uart->lcr & UART_LCR_DLAB;

	switch (port % 8) {
	case UART_RX:
		return dlab ? uart->dll : uart_read_rbr(uart);
	case UART_IER:
		return dlab ? uart->dlm : uart->ier;
	case UART_IIR:
		return uart_read_iir(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return uart_read_lsr(uart);
	case UART_MSR:
		return uart_read_msr(uart);
	default:
		return uart->scr;
	}
}

static __always_inline void uart_write8(void *dev, u64 port, u8 value)
{
	struct ivm_uart *uart = dev;
	bool dlab = uart->lcr & UART_LCR_DLAB;

	if (likely(port % 8 == UART_TX)) {	/* what a guest that prints does all the time */
		if (dlab)
			uart->dll = value;
		else
			uart_transmit(uart, value);
		return;
	}
	switch (port % 8) {
	case UART_IER:
		if (dlab)
			uart->dlm = value;
		else
			uart_write_ier(uart, value);
		break;
	case UART_FCR:
		uart_write_fcr(uart, value);
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		uart_write_mcr(uart, value);
		break;
	case UART_LSR:	/* for factory tests only */
	case UART_MSR:
		break;
	default:
		uart->scr = value;
	}
}

/* Wide accesses are rare; apart from the others they do not slow them down. */
static noinline u64 uart_read_wide(struct ivm_uart *uart, u64 port, unsigned int size)
{
	unsigned long flags;
	u64 value;

	raw_spin_lock_irqsave(&uart->lock, flags);
	value = ivm_bytes_read(uart_read8, uart, port, size);
	raw_spin_unlock_irqrestore(&uart->lock, flags);
	return value;
}

static noinline void uart_write_wide(struct ivm_uart *uart, u64 port, unsigned int size, u64 value)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&uart->lock, flags);
	ivm_bytes_write(uart_write8, uart, port, size, value);
	raw_spin_unlock_irqrestore(&uart->lock, flags);
}

static u64 uart_read(void *dev, u64 port, unsigned int size)
{
	struct ivm_uart *uart = dev;
	unsigned long flags;
	u8 value;

	if (size != 1)
		return uart_read_wide(uart, port, size);
	raw_spin_lock_irqsave(&uart->lock, flags);
	value = uart_read8(uart, port);
	raw_spin_unlock_irqrestore(&uart->lock, flags);
	return value;
}

static void uart_write(void *dev, u64 port, unsigned int size, u64 value)
{
	struct ivm_uart *uart = dev;
	unsigned long flags;

	if (size != 1) {
		uart_write_wide(uart, port, size, value);
		return;
	}
	raw_spin_lock_irqsave(&uart->lock, flags);
	uart_write8(uart, port, value);
	raw_spin_unlock_irqrestore(&uart->lock, flags);
}

const struct ivm_bus_ops ivm_uart_bus_ops = {
	.read = uart_read,
	.write = uart_write,
};

/* ivm_console_type() stored bytes; any context. */
static void uart_typed(void *ctx)
{
	struct ivm_uart *uart = ctx;
	unsigned long flags;

	raw_spin_lock_irqsave(&uart->lock, flags);
	uart_fetch(uart);
	uart_update_line(uart);
	raw_spin_unlock_irqrestore(&uart->lock, flags);
}

/**
 * ivm_uart_reset() - the chip's master reset: interrupts off, FIFOs off and empty
 * @uart: the port
 *
 * Scratch and divisor registers keep their values, as on the chip.
 *
 * Context: any but NMI.
 */
void ivm_uart_reset(struct ivm_uart *uart)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&uart->lock, flags);
	uart->ier = 0;
	uart->fcr = 0;
	uart->lcr = 0;
	uart->mcr = 0;
	uart->msr = uart_modem_lines(uart);
	uart->overrun = false;
	uart->thre = false;
	uart->rx_count = 0;
	uart_fetch(uart);
	uart_update_line(uart);
	raw_spin_unlock_irqrestore(&uart->lock, flags);
}

/**
 * ivm_uart_create() - a serial port in reset state
 * @con: where output goes and input comes from
 * @ops: the interrupt line
 * @ctx: handed to @ops
 *
 * Claim 8 ports from a multiple of 8 for it.
 *
 * Context: may sleep.
 * Return: the port, or ERR_PTR(-ENOMEM).
 */
struct ivm_uart *ivm_uart_create(struct ivm_console *con, const struct ivm_line_ops *ops, void *ctx)
{
	struct ivm_uart *uart = kzalloc(sizeof(*uart), GFP_KERNEL);

	if (!uart)
		return ERR_PTR(-ENOMEM);
	ivm_console_get(con);
	uart->con = con;
	uart->ops = ops;
	uart->ctx = ctx;
	raw_spin_lock_init(&uart->lock);
	ivm_uart_reset(uart);
	ivm_console_on_typed(con, uart_typed, uart);
	return uart;
}

/**
 * ivm_uart_destroy() - free a serial port; its console stays with those who hold it
 * @uart: may be NULL
 *
 * Context: may sleep; no vCPU runs.
 */
void ivm_uart_destroy(struct ivm_uart *uart)
{
	if (!uart)
		return;
	ivm_console_on_typed(uart->con, NULL, NULL);
	ivm_console_put(uart->con);
	kfree(uart);
}
