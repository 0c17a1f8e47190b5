# SPDX-License-Identifier: GPL-2.0-only
# make            the module and ivmctl, for the installed kernel headers
# make demo       virtual machines on an emulated host, then a prompt there
# make check      everything automatic; last line: N passed, N failed, N skipped
# make bench      figures, ours and the peer's; BENCH="exit.*" for some of them
# make install    module by DKMS, ivmctl, man page
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

KVERSION ?= $(shell lab/kversion 2>/dev/null || uname -r)
KDIR ?= /lib/modules/$(KVERSION)/build
FLAVOUR ?= stock
O := build
DIR := $(O)/$(FLAVOUR)
VERSION := $(shell cat VERSION)

.PHONY: all deps module ivmctl selftests demo check bench install uninstall clean

all: module ivmctl

deps:
	@lab/deps

# The kernel's build writes beside its sources: give it a farm of links, one per kernel.
module:
	@mkdir -p $(DIR)
	@find $(DIR) -xtype l -delete
	@find Kbuild VERSION kmod include -name '*.[chS]' -o -name Kbuild -o -name VERSION | while read -r f; do \
		[ -L $(DIR)/$$f ] || { mkdir -p $$(dirname $(DIR)/$$f); ln -s $(CURDIR)/$$f $(DIR)/$$f; }; done
	+@$(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR)/$(DIR) W=1 modules
	@[ $(FLAVOUR) != stock ] || ln -sf stock/ivm.ko $(O)/ivm.ko

ivmctl:
	+@$(MAKE) --no-print-directory -C ivmctl O=$(CURDIR)/$(O)

selftests:
	+@$(MAKE) --no-print-directory -C selftests

clean:
	rm -rf $(O)

check: deps
	@FPU_ROUNDS=$(FPU_ROUNDS) selftests/check $(LEGS)

demo: deps
	@lab/demo

bench: deps
	@lab/bench/run $(BENCH)

# DKMS keeps the module built for every kernel to come.
install: ivmctl
	rm -rf /usr/src/ivm-$(VERSION)
	mkdir -p /usr/src/ivm-$(VERSION)
	cp -a Kbuild Makefile VERSION dkms.conf COPYING kmod include /usr/src/ivm-$(VERSION)/
	dkms add -m ivm -v $(VERSION) || true
	dkms build -m ivm -v $(VERSION)
	dkms install -m ivm -v $(VERSION)
	+@$(MAKE) --no-print-directory -C ivmctl O=$(CURDIR)/$(O) install

uninstall:
	-dkms remove -m ivm -v $(VERSION) --all
	rm -rf /usr/src/ivm-$(VERSION)
	+@$(MAKE) --no-print-directory -C ivmctl O=$(CURDIR)/$(O) uninstall
