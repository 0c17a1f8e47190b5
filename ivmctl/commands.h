/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands in the table of main.c, one file per noun (two for vm). Return as struct ivm_command says. */
#ifndef IVM_COMMANDS_H
#define IVM_COMMANDS_H

#include "args.h"

#include <json-c/json.h>

/* vm.c: definitions */
int ivm_vm_create(const struct ivm_args *args);
int ivm_vm_list(const struct ivm_args *args);
int ivm_vm_show(const struct ivm_args *args);
int ivm_vm_set(const struct ivm_args *args);
int ivm_vm_delete(const struct ivm_args *args);

/* run.c: what runs */
int ivm_vm_start(const struct ivm_args *args);
int ivm_vm_stop(const struct ivm_args *args);
int ivm_vm_reset(const struct ivm_args *args);
int ivm_vm_pause(const struct ivm_args *args);
int ivm_vm_resume(const struct ivm_args *args);

/* console.c */
int ivm_vm_console(const struct ivm_args *args);

/* Be the terminal of a VM from its first byte on, until it stops or the user detaches. */
int ivm_console_attach(const char *name);

/* host.c */
int ivm_host_show(const struct ivm_args *args);
int ivm_host_set(const struct ivm_args *args);
int ivm_host_audit(const struct ivm_args *args);

/* switch.c and verify.c */
int ivm_switch_create(const struct ivm_args *args);
int ivm_switch_list(const struct ivm_args *args);
int ivm_switch_show(const struct ivm_args *args);
int ivm_switch_set(const struct ivm_args *args);
int ivm_switch_verify(const struct ivm_args *args);
int ivm_switch_delete(const struct ivm_args *args);

/* port.c */
int ivm_port_list(const struct ivm_args *args);
int ivm_port_show(const struct ivm_args *args);
int ivm_port_set(const struct ivm_args *args);
int ivm_port_attach_command(const struct ivm_args *args);
int ivm_port_detach(const struct ivm_args *args);

/* events.c */
int ivm_events(const struct ivm_args *args);

/* top.c */
int ivm_top(const struct ivm_args *args);

/* How a stopped VM ended, for people: "the guest powered off" …; for free(). */
char *ivm_stop_text(struct json_object *vm);

#endif
