/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_PRINTK_H
#define SHIM_LINUX_PRINTK_H

#include <linux/compiler.h>

int printk(const char *fmt, ...) __printf(1, 2);

#define pr_err(...)	printk(__VA_ARGS__)
#define pr_warn(...)	printk(__VA_ARGS__)
#define pr_notice(...)	printk(__VA_ARGS__)
#define pr_info(...)	printk(__VA_ARGS__)
#define pr_debug(...)	do { if (0) printk(__VA_ARGS__); } while (0)
#define pr_err_ratelimited(...)		printk(__VA_ARGS__)
#define pr_warn_ratelimited(...)	printk(__VA_ARGS__)
#define pr_info_ratelimited(...)	printk(__VA_ARGS__)

#endif
