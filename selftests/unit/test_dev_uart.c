// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/dev/uart.c kmod/dev/console.c kmod/dev/bus.c */
#include "unit.h"

#include <string.h>

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/serial_reg.h>

#include "dev/dev.h"

#define BASE		0x3f8
#define NONE		UART_IIR_NO_INT
#define FIFO		0xc0
#define TIMEOUT		0x0c
#define MODEM_UP	(UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD)

struct line { bool level; unsigned int edges; };

static void line_level(void *ctx, bool level)
{
	struct line *line = ctx;

	if (level && !line->level)
		line->edges++;
	line->level = level;
}

static const struct ivm_line_ops line_ops = { .level = line_level };

FIXTURE(uart) { struct ivm_console *con; struct ivm_uart *uart; struct line line; };
FIXTURE_SETUP(uart)
{
	self->con = ivm_console_create();
	ASSERT_FALSE(IS_ERR(self->con));
	self->uart = ivm_uart_create(self->con, &line_ops, &self->line);
	ASSERT_FALSE(IS_ERR(self->uart));
}
FIXTURE_TEARDOWN(uart)
{
	ivm_uart_destroy(self->uart);
	ivm_console_type(self->con, "nobody there", 12);
	ivm_console_put(self->con);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_printed());
}

#define in(reg)		((u8)ivm_uart_bus_ops.read(self->uart, BASE + (reg), 1))
#define out(reg, v)	ivm_uart_bus_ops.write(self->uart, BASE + (reg), 1, v)
#define type(s)		ivm_console_type(self->con, s, strlen(s))

TEST_F(uart, reset_values_are_the_data_sheets)
{
	EXPECT_EQ(0, in(UART_IER));
	EXPECT_EQ(NONE, in(UART_IIR));
	EXPECT_EQ(0, in(UART_LCR));
	EXPECT_EQ(0, in(UART_MCR));
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
	EXPECT_EQ(MODEM_UP, in(UART_MSR));
	EXPECT_EQ(0, in(UART_RX));
	EXPECT_FALSE(self->line.level);
}

TEST_F(uart, registers_keep_what_they_can)
{
	out(UART_SCR, 0xa5);
	out(UART_IER, 0xff);
	out(UART_LCR, 0x1b);
	EXPECT_EQ(0xa5, in(UART_SCR));
	EXPECT_EQ(0x0f, in(UART_IER));
	EXPECT_EQ(0x1b, in(UART_LCR));
	out(UART_IER, 0);
	out(UART_MCR, 0xff);
	EXPECT_EQ(0x1f, in(UART_MCR));
	out(UART_LSR, 0);
	out(UART_MSR, 0);
	EXPECT_EQ(UART_LSR_THRE | UART_LSR_TEMT, in(UART_LSR));
}

TEST_F(uart, the_divisor_hides_data_and_interrupt_enable)
{
	out(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(UART_DLL, 0x34);
	out(UART_DLM, 0x12);
	EXPECT_EQ(0x34, in(UART_DLL));
	EXPECT_EQ(0x12, in(UART_DLM));
	EXPECT_EQ(0, ivm_console_end(self->con));
	out(UART_LCR, UART_LCR_WLEN8);
	EXPECT_EQ(0, in(UART_IER));
	EXPECT_EQ(0, in(UART_RX));
	out(UART_LCR, UART_LCR_DLAB);
	EXPECT_EQ(0x34, in(UART_DLL));
}

TEST_F(uart, polled_output_reaches_the_console)
{
	const char *text = "early\r\n";
	char buf[16];
	u64 pos = 0;
	size_t i;

	for (i = 0; i < strlen(text); i++) {
		ASSERT_TRUE(in(UART_LSR) & UART_LSR_THRE);
		out(UART_TX, text[i]);
	}
	EXPECT_EQ(strlen(text), ivm_console_copy(self->con, &pos, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, text, strlen(text)));
	EXPECT_EQ(0, self->line.edges);
}

TEST_F(uart, iir_shows_the_fifo)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	EXPECT_EQ(FIFO | NONE, in(UART_IIR));
	out(UART_FCR, 0);
	EXPECT_EQ(NONE, in(UART_IIR));
	out(UART_FCR, UART_FCR_TRIGGER_14);	/* means nothing without the enable bit */
	EXPECT_EQ(NONE, in(UART_IIR));
}

TEST_F(uart, thre_is_raised_when_enabled_and_cleared_by_iir)
{
	out(UART_IER, UART_IER_THRI);
	EXPECT_TRUE(self->line.level);
	EXPECT_EQ(UART_IIR_THRI, in(UART_IIR));
	EXPECT_FALSE(self->line.level);
	EXPECT_EQ(NONE, in(UART_IIR));
	/* Enabling it once more while it is enabled is no event, off and on is. */
	out(UART_IER, UART_IER_THRI);
	EXPECT_EQ(NONE, in(UART_IIR));
	out(UART_IER, 0);
	out(UART_IER, UART_IER_THRI);
	EXPECT_EQ(UART_IIR_THRI, in(UART_IIR));
	EXPECT_EQ(2, self->line.edges);
}

TEST_F(uart, each_byte_sent_is_an_edge_even_if_iir_is_never_read)
{
	unsigned int i;

	out(UART_IER, UART_IER_THRI);
	for (i = 0; i < 10; i++)
		out(UART_TX, '.');
	EXPECT_EQ(11, self->line.edges);
	EXPECT_TRUE(self->line.level);
	EXPECT_EQ(10, ivm_console_end(self->con));
	out(UART_IER, 0);
	EXPECT_FALSE(self->line.level);
}

TEST_F(uart, received_bytes_without_fifo_come_one_by_one)
{
	out(UART_IER, UART_IER_RDI);
	type("abc");
	EXPECT_TRUE(self->line.level);
	EXPECT_EQ(UART_IIR_RDI, in(UART_IIR));
	EXPECT_TRUE(in(UART_LSR) & UART_LSR_DR);
	EXPECT_EQ('a', in(UART_RX));
	EXPECT_EQ('b', in(UART_RX));
	EXPECT_TRUE(self->line.level);
	EXPECT_EQ('c', in(UART_RX));
	EXPECT_FALSE(self->line.level);
	EXPECT_FALSE(in(UART_LSR) & (UART_LSR_DR | UART_LSR_OE));
}

TEST_F(uart, trigger_levels_and_the_timeout)
{
	static const struct { u8 fcr; unsigned int level; } t[] = {
		{ UART_FCR_TRIGGER_1, 1 }, { UART_FCR_TRIGGER_4, 4 },
		{ UART_FCR_TRIGGER_8, 8 }, { UART_FCR_TRIGGER_14, 14 },
	};
	unsigned int i, n;

	out(UART_IER, UART_IER_RDI);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | t[i].fcr);
		EXPECT_FALSE(self->line.level);
		for (n = 1; n <= 16; n++) {
			type("x");
			EXPECT_TRUE(self->line.level);
			EXPECT_EQ(FIFO | (n < t[i].level ? TIMEOUT : UART_IIR_RDI), in(UART_IIR));
		}
	}
}

TEST_F(uart, typing_more_than_the_fifo_loses_nothing)
{
	char text[1000];
	unsigned int i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = i % 251;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	EXPECT_EQ(sizeof(text), ivm_console_type(self->con, text, sizeof(text)));
	for (i = 0; i < sizeof(text); i++) {
		ASSERT_EQ(UART_LSR_DR, in(UART_LSR) & (UART_LSR_DR | UART_LSR_OE));
		ASSERT_EQ((u8)text[i], in(UART_RX));
	}
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
}

TEST_F(uart, clearing_the_fifo_clears_just_the_fifo)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	type("0123456789abcdefQR");
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	EXPECT_EQ('Q', in(UART_RX));
	out(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_XMIT);
	EXPECT_EQ('R', in(UART_RX));
	type("st");
	out(UART_FCR, 0);	/* switching it off empties it as well */
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
}

TEST_F(uart, priorities)
{
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_RTS);
	(void)in(UART_MSR);
	out(UART_MCR, UART_MCR_LOOP);	/* CTS changes */
	out(UART_TX, 'a');
	out(UART_TX, 'b');		/* overrun */
	out(UART_IER, 0x0f);
	EXPECT_EQ(UART_IIR_RLSI, in(UART_IIR));
	EXPECT_EQ(UART_LSR_OE | UART_LSR_DR, in(UART_LSR) & (UART_LSR_OE | UART_LSR_DR));
	EXPECT_EQ(UART_IIR_RDI, in(UART_IIR));
	EXPECT_EQ('b', in(UART_RX));	/* without FIFO the newer byte wins */
	EXPECT_EQ(UART_IIR_THRI, in(UART_IIR));
	EXPECT_EQ(UART_IIR_MSI, in(UART_IIR));
	EXPECT_TRUE(self->line.level);
	EXPECT_EQ(UART_MSR_DCTS, in(UART_MSR));
	EXPECT_EQ(NONE, in(UART_IIR));
	EXPECT_FALSE(self->line.level);
}

TEST_F(uart, loopback_keeps_bytes_inside_and_wires_the_modem_lines)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	EXPECT_EQ(UART_MSR_DCD | UART_MSR_CTS, in(UART_MSR) & 0xf0);	/* what 8250 drivers probe for */
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT1 | UART_MCR_DTR);
	EXPECT_EQ(UART_MSR_RI | UART_MSR_DSR | UART_MSR_DDCD | UART_MSR_DCTS | UART_MSR_DDSR, in(UART_MSR));
	out(UART_MCR, UART_MCR_LOOP | UART_MCR_DTR);
	EXPECT_EQ(UART_MSR_DSR | UART_MSR_TERI, in(UART_MSR));
	out(UART_TX, 0x55);
	EXPECT_EQ(0, ivm_console_end(self->con));
	type("later");
	EXPECT_EQ(0x55, in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);	/* the peer waits */
	out(UART_MCR, 0);
	EXPECT_EQ(MODEM_UP, in(UART_MSR) & 0xf0);
	EXPECT_EQ('l', in(UART_RX));
}

TEST_F(uart, overrun_with_fifo_loses_the_newest)
{
	unsigned int i;

	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_MCR, UART_MCR_LOOP);
	for (i = 0; i < 20; i++)
		out(UART_TX, 'a' + i);
	EXPECT_TRUE(in(UART_LSR) & UART_LSR_OE);
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_OE);	/* reading it clears it */
	for (i = 0; i < 16; i++)
		EXPECT_EQ('a' + i, in(UART_RX));
	EXPECT_FALSE(in(UART_LSR) & UART_LSR_DR);
}

/* What the 8250 driver does at startup to find out about a broken THRE interrupt. */
TEST_F(uart, a_drivers_thre_test_passes)
{
	u8 first, second;

	out(UART_IER, UART_IER_THRI);
	first = in(UART_IIR);
	out(UART_IER, 0);
	out(UART_IER, UART_IER_THRI);
	second = in(UART_IIR);
	out(UART_IER, 0);
	EXPECT_FALSE(first & UART_IIR_NO_INT);
	EXPECT_FALSE(second & UART_IIR_NO_INT);
}

TEST_F(uart, wide_accesses_reach_consecutive_registers)
{
	ivm_uart_bus_ops.write(self->uart, BASE + UART_LCR, 2, 0x1203);
	EXPECT_EQ(0x03, in(UART_LCR));
	EXPECT_EQ(0x12, in(UART_MCR));
	EXPECT_EQ(0x1203, ivm_uart_bus_ops.read(self->uart, BASE + UART_LCR, 2) & 0xffff);
	EXPECT_EQ(0, ivm_uart_bus_ops.read(self->uart, BASE, 4) >> 32);
}

TEST_F(uart, reset_drops_the_line_and_keeps_what_was_typed)
{
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	out(UART_IER, 0x0f);
	out(UART_MCR, UART_MCR_LOOP);
	out(UART_SCR, 0x77);
	type("k");
	EXPECT_TRUE(self->line.level);
	ivm_uart_reset(self->uart);
	EXPECT_FALSE(self->line.level);
	EXPECT_EQ(0, in(UART_IER));
	EXPECT_EQ(NONE, in(UART_IIR));
	EXPECT_EQ(0x77, in(UART_SCR));
	EXPECT_EQ('k', in(UART_RX));
	EXPECT_EQ(MODEM_UP, in(UART_MSR));
}

TEST(creation_survives_lack_of_memory)
{
	struct ivm_console *con = ivm_console_create();
	struct line line;

	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_uart_create(con, &line_ops, &line)));
	ivm_uart_destroy(NULL);
	ivm_console_put(con);
	EXPECT_EQ(0, shim_alloc_live());
}

TEST_HARNESS_MAIN
