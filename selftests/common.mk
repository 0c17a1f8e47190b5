# SPDX-License-Identifier: GPL-2.0-only
# What every area shares: flags, and the rules of kselftest's lib.mk from Debian's kernel source.
CFLAGS	+= -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	   -I$(ROOT)/include/uapi -I$(ROOT)/selftests -isystem $(KSELFTEST)
KHDR_INCLUDES := -isystem /usr/include
include $(KSELFTEST)/lib.mk
