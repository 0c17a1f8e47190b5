/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract of tiny guest programs: a multiboot-1 kernel in 64-bit mode, no
 * libc, memory mapped one to one below 4 GiB, one table of named cases.
 *
 * A program defines guest_main(); most of them call run_cases() and return its
 * result. The verdict is TAP on the UART, and the value written to the
 * debug-exit port (or, without one, a power-off after the TAP plan).
 */
#ifndef GUEST_H
#define GUEST_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed int s32;
typedef signed long s64;
typedef unsigned long size_t;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __noreturn	__attribute__((noreturn))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_CPUS 16

/* Values for the debug-exit port; QEMU's status is 2v+1. Zero is no verdict, so that a stray one is not a pass. */
#define VERDICT_PASS	0x10
#define VERDICT_FAIL	0x11
#define VERDICT_CRASH	0x12	/* an exception that no case expected */
#define DEBUG_EXIT_PORT	0xf4

#define UART_PORT	0x3f8

/* ---- instructions ---- */

static inline void outb(u16 port, u8 v) { asm volatile("outb %0, %1" :: "a"(v), "Nd"(port) : "memory"); }
static inline void outw(u16 port, u16 v) { asm volatile("outw %0, %1" :: "a"(v), "Nd"(port) : "memory"); }
static inline void outl(u16 port, u32 v) { asm volatile("outl %0, %1" :: "a"(v), "Nd"(port) : "memory"); }
static inline u8 inb(u16 port) { u8 v; asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory"); return v; }
static inline u16 inw(u16 port) { u16 v; asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory"); return v; }
static inline u32 inl(u16 port) { u32 v; asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory"); return v; }

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return lo | (u64)hi << 32;
}

static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return lo | (u64)hi << 32;
}

static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

struct cpuid { u32 eax, ebx, ecx, edx; };

static inline struct cpuid cpuid(u32 leaf, u32 sub)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "0"(leaf), "2"(sub) : "memory");
	return r;
}

#define DEFINE_CR(n)								\
static inline u64 read_cr##n(void) { u64 v; asm volatile("mov %%cr" #n ", %0" : "=r"(v) :: "memory"); return v; } \
static inline void write_cr##n(u64 v) { asm volatile("mov %0, %%cr" #n :: "r"(v) : "memory"); }
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
DEFINE_CR(8)

static inline void sti(void) { asm volatile("sti" ::: "memory"); }
static inline void cli(void) { asm volatile("cli" ::: "memory"); }
static inline void pause(void) { asm volatile("pause" ::: "memory"); }
/* Sleep until an interrupt: the shadow of STI closes the gap before HLT. Interrupts are off again afterwards. */
static inline void sti_hlt_cli(void) { asm volatile("sti; hlt; cli" ::: "memory"); }
static inline void invlpg(u64 va) { asm volatile("invlpg (%0)" :: "r"(va) : "memory"); }

/* ---- traps (trap.c) ---- */

/* As trap.S pushes it. */
struct frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

struct fault {
	u32 vector;
	u64 error, rip, cr2;
};

#define VEC_DE 0
#define VEC_DB 1
#define VEC_NMI 2
#define VEC_BP 3
#define VEC_UD 6
#define VEC_NM 7
#define VEC_DF 8
#define VEC_TS 10
#define VEC_NP 11
#define VEC_SS 12
#define VEC_GP 13
#define VEC_PF 14
#define VEC_MF 16
#define VEC_AC 17
#define VEC_XM 19
#define NO_FAULT 0xffffffffu

#define SEL_CODE64	0x08
#define SEL_DATA	0x10
#define SEL_USER_DATA	0x1b
#define SEL_USER_CODE	0x23
#define SEL_TSS		0x28
#define SEL_CODE16	0x38
#define SEL_CODE32	0x40

/*
 * Runs fn(arg); the first exception ends it (as longjmp would). Returns the
 * vector, or NO_FAULT. @fault may be NULL. Nests; each vCPU has its own.
 */
u32 guarded(void (*fn)(void *), void *arg, struct fault *fault);

typedef void irq_fn(struct frame *frame);
/* Handler of a vector from 32 on, on all vCPUs; NULL: count in irq_count[] and write EOI. A handler writes EOI itself. */
void set_irq(u8 vector, irq_fn *fn);
/* For measurements: the vector goes straight to this code, which ends with IRETQ. */
void set_gate(u8 vector, void (*entry)(void));
/* Handler tried first for an exception (NMI, #DB …); returns true when it dealt with it. NULL takes it away. */
void set_trap(bool (*fn)(struct frame *frame));
u64 irq_count(u8 vector);		/* on this vCPU */

/* Runs fn(arg) at CPL 3 on a stack of its own; fn ends with user_return(). Returns as guarded() does. */
u32 run_user(void (*fn)(void *), void *arg, struct fault *fault);

/* ---- vCPUs (smp.c) ---- */

struct cpu {
	struct cpu *self;		/* %gs:0 */
	u64 recover;			/* %gs:8, stack of the innermost guarded() */
	u64 user_recover;		/* %gs:16 */
	u32 index;
	u32 apic_id;
	bool x2apic;
	struct fault fault;
	u64 irq_count[256];
	volatile bool online;
	void (*volatile work)(void *);
	void *work_arg;
	volatile u64 work_done;
};

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	asm volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}

extern struct cpu cpus[MAX_CPUS];
extern u32 nr_cpus;			/* by MADT; 1 without one */

/* Starts every other vCPU by INIT and SIPI. Returns how many run (itself included) within a second. */
u32 smp_start(void);
/* Sends one vCPU through INIT and SIPI again. */
bool smp_restart(u32 index);
/* Runs fn(arg) on another vCPU; smp_wait() waits for its end, at most ms milliseconds. */
void smp_call(u32 index, void (*fn)(void *), void *arg);
bool smp_wait(u32 index, u32 ms);
void smp_call_all(void (*fn)(void *), void *arg);	/* on every vCPU that is online, one after the other */

/* ---- local APIC (apic.c) ---- */

#define APIC_ID		0x02
#define APIC_VERSION	0x03
#define APIC_TPR	0x08
#define APIC_PPR	0x0a
#define APIC_EOI	0x0b
#define APIC_LDR	0x0d
#define APIC_DFR	0x0e
#define APIC_SVR	0x0f
#define APIC_ISR	0x10
#define APIC_TMR	0x18
#define APIC_IRR	0x20
#define APIC_ESR	0x28
#define APIC_ICR	0x30
#define APIC_ICR_HIGH	0x31
#define APIC_LVT_TIMER	0x32
#define APIC_LVT_THERMAL 0x33
#define APIC_LVT_PMC	0x34
#define APIC_LVT_LINT0	0x35
#define APIC_LVT_LINT1	0x36
#define APIC_LVT_ERROR	0x37
#define APIC_TIMER_INIT	0x38
#define APIC_TIMER_CUR	0x39
#define APIC_TIMER_DIV	0x3e
#define APIC_SELF_IPI	0x3f	/* x2APIC only */

#define APIC_BASE	0xfee00000UL
#define MSR_APIC_BASE	0x1b
#define MSR_TSC_DEADLINE 0x6e0

#define ICR_INIT	0x4500
#define ICR_SIPI	0x4600
#define ICR_NMI		0x4400
#define ICR_LOGICAL	0x0800
#define ICR_SELF	0x40000
#define ICR_ALL		0x80000
#define ICR_OTHERS	0xc0000

u32 apic_read(u32 reg);			/* @reg: register number, that is offset / 16 */
void apic_write(u32 reg, u32 v);
void apic_icr(u32 apic_id, u32 low);	/* waits until it was sent */
void apic_eoi(void);
void apic_enable(void);			/* software enable, spurious vector 0xff, TPR 0, LVTs masked */
bool apic_x2apic(void);			/* switch this vCPU to x2APIC mode; false when CPUID has none */
void apic_xapic(void);			/* back to the page, through disabled */

/* ---- time (time.c) ---- */

u64 tsc_khz(void);			/* by the ACPI PM timer, measured once; or option khz */
u64 pm_timer(void);			/* 3.579545 MHz, 24 or 32 bits */
void delay_us(u64 us);
/* Polls cond for at most ms milliseconds of guest time. */
#define wait_until(cond, ms) ({						\
	u64 end_ = rdtsc() + (u64)(ms) * tsc_khz();			\
	bool ok_;							\
	while (!(ok_ = (cond)) && rdtsc() < end_)			\
		pause();						\
	ok_; })

/* ---- memory (mem.c) ---- */

struct range { u64 base, size; };

extern u32 nr_ram;
extern struct range ram[16];		/* available memory by the multiboot map */
u64 ram_total(void);
u64 ram_top(void);			/* end of the highest range */
#define MAP_WRITE	2UL
#define MAP_USER	4UL
#define MAP_NX		(1UL << 63)
/* Maps 4 KiB (2 MiB) at va to pa with flags; false when no table pages are left. Nothing is flushed. */
bool map_4k(u64 va, u64 pa, u64 flags);
bool map_2m(u64 va, u64 pa, u64 flags);
u64 *map_entry(u64 va, u32 level, bool make);	/* level 1 … 4; NULL when not mapped so far */
void *alloc_page(void);			/* zeroed, from a small pool inside the image; NULL when used up */
extern char image_start[], image_end[];
/* What the loader and the firmware tables occupy: boot information, strings, ACPI. */
extern u32 nr_used;
extern struct range used[32];

void *memset(void *d, int c, size_t n);
void *memcpy(void *d, const void *s, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
bool streq(const char *a, const char *b);

/* ---- ACPI (acpi.c) ---- */

struct acpi_header { char sig[4]; u32 length; u8 rev, sum; char oem[6], table[8]; u32 oem_rev, creator, creator_rev; } __packed;
const struct acpi_header *acpi_table(const char *sig, u32 nth);	/* NULL when there is none, or its sum is wrong */
extern u32 acpi_ioapic, acpi_ioapic_gsi;	/* address (0: none) and first GSI of the IOAPIC */
void acpi_power_off(void);			/* returns when nothing happened */

/* ---- printing, command line, cases (print.c, case.c) ---- */

void putch(char c);
void print(const char *fmt, ...) __printf(1, 2);	/* %s %c %d %u %x with l; widths by zeros */

extern const char *cmdline;
/* Value of word "name=value"; NULL when absent. A word without "=" gives "". The text lasts until the next call. */
const char *option(const char *name);
u64 option_num(const char *name, u64 otherwise);

struct guest_case {
	const char *name;
	void (*run)(void);
};

/*
 * Runs each case (those that match the option case=NAME), prints TAP, returns
 * the verdict. @promise may be NULL. A case fails by check() and friends.
 */
u32 run_cases(const char *promise, const struct guest_case *cases, u32 nr);
#define RUN_CASES(promise, cases) run_cases(promise, cases, ARRAY_SIZE(cases))

bool check_eq_at(const char *file, int line, const char *what, u64 got, u64 want);
#define check(cond)		check_eq_at(__FILE__, __LINE__, #cond, !!(cond), 1)
#define check_eq(got, want)	check_eq_at(__FILE__, __LINE__, #got, (u64)(got), (u64)(want))
/* One exception of this vector, and for #GP of error code 0. */
#define check_fault(fn, arg, vec) ({						\
	struct fault f_ = { .vector = NO_FAULT };				\
	guarded(fn, (void *)(u64)(arg), &f_);					\
	check_eq_at(__FILE__, __LINE__, "vector of " #fn "(" #arg ")", f_.vector, vec) &&	\
	((vec) != VEC_GP || check_eq_at(__FILE__, __LINE__, "error code", f_.error, 0)); })
void skip(const char *why);		/* this case; call and return */
void note(const char *fmt, ...) __printf(1, 2);	/* a TAP comment */
bool on_ivm(void);			/* CPUID 0x40000100 has our signature */
void progress(u64 done, u64 all);	/* a TAP comment at each tenth */

void guest_exit(u32 verdict) __noreturn;
u32 guest_main(void);

#endif
