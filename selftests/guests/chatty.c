// SPDX-License-Identifier: GPL-2.0-only
/* Writes numbered lines as fast as it can, lines=N (for ever); then echoes what is typed until a "q". */
#include "guest.h"

u32 guest_main(void)
{
	u64 all = option_num("lines", 0);

	for (u64 i = 0; !all || i < all; i++)
		print("line %08lu of a guest that talks a lot\n", i);
	print("ready\n");
	for (;;) {
		u8 c;

		while (!(inb(UART_PORT + 5) & 1))
			pause();
		c = inb(UART_PORT);
		if (c == 'q')
			break;
		putch(c);
	}
	print("bye\n");
	return VERDICT_PASS;
}
