// SPDX-License-Identifier: GPL-2.0-only
/* sources: kmod/dev/console.c */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/ivm.h>
#include <linux/kernel.h>
#include <linux/wait.h>

#include "dev/dev.h"

#define TYPED_SIZE	4096

static void print_char(struct ivm_console *con, u8 c)
{
	unsigned long flags;

	local_irq_save(flags);
	ivm_console_put_char(con, c);
	local_irq_restore(flags);
}

static void print(struct ivm_console *con, const char *text)
{
	while (*text)
		print_char(con, *text++);
}

FIXTURE(console) { struct ivm_console *con; struct wait_queue_head *wait; char buf[2 * IVM_CONSOLE_SIZE]; };
FIXTURE_SETUP(console)
{
	self->con = ivm_console_create();
	ASSERT_FALSE(IS_ERR(self->con));
	self->wait = ivm_console_wait(self->con);
}
FIXTURE_TEARDOWN(console)
{
	ivm_console_put(self->con);
	EXPECT_EQ(0, shim_alloc_live());
	EXPECT_EQ(0, shim_irq_work_run());	/* nothing is left that would touch it */
}

TEST_F(console, each_reader_has_its_own_position)
{
	u64 a = 0, b = 0;

	print(self->con, "hello");
	EXPECT_EQ(5, ivm_console_copy(self->con, &a, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, "hello", 5));
	EXPECT_EQ(0, ivm_console_copy(self->con, &a, self->buf, sizeof(self->buf)));
	EXPECT_EQ(2, ivm_console_copy(self->con, &b, self->buf, 2));
	EXPECT_EQ(2, b);
	print(self->con, "!");
	EXPECT_EQ(4, ivm_console_copy(self->con, &b, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, memcmp(self->buf, "llo!", 4));
	EXPECT_EQ(1, ivm_console_copy(self->con, &a, self->buf, sizeof(self->buf)));
	EXPECT_EQ(6, a);
	EXPECT_EQ(6, b);
	EXPECT_EQ(0, ivm_console_copy(self->con, &b, self->buf, 0));
}

TEST_F(console, the_last_64_KiB_are_kept)
{
	u64 total = 3 * IVM_CONSOLE_SIZE + 777, i, pos = 5;
	size_t n, got = 0;

	for (i = 0; i < total; i++)
		print_char(self->con, i * 2654435761U >> 24);
	EXPECT_EQ(total, ivm_console_end(self->con));
	EXPECT_EQ(total - IVM_CONSOLE_SIZE, ivm_console_oldest(self->con));
	while ((n = ivm_console_copy(self->con, &pos, self->buf + got, sizeof(self->buf) - got))) {
		EXPECT_GE(4096, n);	/* the lock is never held for long */
		got += n;
	}
	EXPECT_EQ(IVM_CONSOLE_SIZE, got);
	EXPECT_EQ(total, pos);
	for (i = 0; i < got; i++)
		ASSERT_EQ((u8)((total - got + i) * 2654435761U >> 24), (u8)self->buf[i]);
}

TEST_F(console, positions_of_nowhere_are_brought_back)
{
	u64 pos = ~0ULL;

	print(self->con, "ab");
	EXPECT_EQ(0, ivm_console_copy(self->con, &pos, self->buf, 10));
	EXPECT_EQ(2, pos);
}

TEST_F(console, the_writer_wakes_only_who_waits_and_once)
{
	print(self->con, "nobody waits");
	EXPECT_EQ(0, shim_irq_work_run());
	self->wait->waiters = 1;
	print(self->con, "a long line that somebody waits for");
	EXPECT_EQ(0, self->wait->woken);	/* not from the vCPU's inner loop */
	EXPECT_EQ(1, shim_irq_work_run());
	EXPECT_EQ(1, self->wait->woken);
}

TEST_F(console, typed_bytes_come_in_order_and_stop_when_full)
{
	char text[TYPED_SIZE + 10];
	unsigned int i;
	u8 c;

	for (i = 0; i < sizeof(text); i++)
		text[i] = i * 7;
	EXPECT_FALSE(ivm_console_typed(self->con, &c));
	EXPECT_EQ(TYPED_SIZE, ivm_console_type_room(self->con));
	EXPECT_EQ(100, ivm_console_type(self->con, text, 100));
	EXPECT_EQ(TYPED_SIZE - 100, ivm_console_type_room(self->con));
	EXPECT_EQ(TYPED_SIZE - 100, ivm_console_type(self->con, text + 100, sizeof(text) - 100));
	EXPECT_EQ(0, ivm_console_type(self->con, text, 1));
	for (i = 0; i < 50; i++) {
		ASSERT_TRUE(ivm_console_typed(self->con, &c));
		ASSERT_EQ((u8)text[i], c);
	}
	EXPECT_EQ(10, ivm_console_type(self->con, text + TYPED_SIZE, 10));	/* wraps */
	for (; i < sizeof(text); i++) {
		ASSERT_TRUE(ivm_console_typed(self->con, &c));
		ASSERT_EQ((u8)text[i], c);
	}
	EXPECT_FALSE(ivm_console_typed(self->con, &c));
}

TEST_F(console, room_for_typing_is_announced_when_there_was_none)
{
	u8 c;

	self->wait->waiters = 1;
	ivm_console_type(self->con, self->buf, 10);
	ivm_console_typed(self->con, &c);
	EXPECT_EQ(0, shim_irq_work_run());
	EXPECT_EQ(TYPED_SIZE - 9, ivm_console_type(self->con, self->buf, sizeof(self->buf)));
	ivm_console_typed(self->con, &c);
	EXPECT_EQ(1, shim_irq_work_run());
	ivm_console_typed(self->con, &c);
	EXPECT_EQ(0, shim_irq_work_run());
}

static struct ivm_console *typed_con;
static unsigned int typed_calls;
static u8 typed_last;

static void on_typed(void *ctx)
{
	*(unsigned int *)ctx += 1;
	ivm_console_typed(typed_con, &typed_last);	/* legal from here */
}

TEST_F(console, who_asked_is_told_about_typing)
{
	typed_con = self->con;
	ivm_console_on_typed(self->con, on_typed, &typed_calls);
	EXPECT_EQ(2, ivm_console_type(self->con, "xy", 2));
	EXPECT_EQ(1, typed_calls);
	EXPECT_EQ('x', typed_last);
	EXPECT_EQ(0, ivm_console_type(self->con, "", 0));
	EXPECT_EQ(1, typed_calls);
	ivm_console_on_typed(self->con, NULL, NULL);
	EXPECT_EQ(1, ivm_console_type(self->con, "z", 1));
	EXPECT_EQ(1, typed_calls);
}

TEST_F(console, hangup_ends_readers_and_drops_keys)
{
	u64 pos = 0;
	u8 c;

	EXPECT_FALSE(ivm_console_hung(self->con));
	print(self->con, "bye");
	ivm_console_type(self->con, "lost", 4);
	self->wait->waiters = 1;
	ivm_console_hangup(self->con, true);
	EXPECT_TRUE(ivm_console_hung(self->con));
	EXPECT_EQ(1, shim_irq_work_run());
	EXPECT_FALSE(ivm_console_typed(self->con, &c));
	EXPECT_EQ(0, ivm_console_type_room(self->con));
	EXPECT_EQ(0, ivm_console_type(self->con, "x", 1));
	EXPECT_EQ(3, ivm_console_copy(self->con, &pos, self->buf, 10));	/* what was kept can be read */

	ivm_console_hangup(self->con, false);
	EXPECT_FALSE(ivm_console_hung(self->con));
	EXPECT_EQ(1, ivm_console_type(self->con, "x", 1));
	print(self->con, "again");
	EXPECT_EQ(5, ivm_console_copy(self->con, &pos, self->buf, 10));
	EXPECT_EQ(8, pos);
}

TEST_F(console, the_last_reference_frees_it_even_with_a_wake_up_under_way)
{
	ivm_console_get(self->con);
	ivm_console_put(self->con);
	EXPECT_EQ(1, shim_alloc_live());
	self->wait->waiters = 1;
	print(self->con, "x");	/* the teardown frees it now */
}

TEST(creation_survives_lack_of_memory)
{
	shim_alloc_fail(1);
	EXPECT_EQ(-ENOMEM, PTR_ERR(ivm_console_create()));
}

TEST_HARNESS_MAIN
