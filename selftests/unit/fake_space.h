/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest RAM for tests: pages that can be there or not, each an allocation of
 * its own, so that the address sanitizer sees whoever runs over the end of one.
 * Offers what emul/ and dev/ use of mem/mem.h.
 */
#ifndef FAKE_SPACE_H
#define FAKE_SPACE_H

#include <linux/types.h>

struct ivm_space;

struct ivm_space *fake_space_create(unsigned int pages);	/* RAM from 0, zeroed */
/* Likewise, of frames that are larger than a page: a power of two. */
struct ivm_space *fake_space_create_frames(unsigned int frames, unsigned int frame_size);
struct ivm_space *fake_space_create_empty(unsigned int frames, unsigned int frame_size);	/* none of them there */
void fake_space_destroy(struct ivm_space *space);
void fake_space_hole(struct ivm_space *space, u64 gpa);		/* takes one frame out */
void fake_space_fill(struct ivm_space *space, u64 gpa);		/* puts it back, zeroed */
bool fake_space_has(const struct ivm_space *space, u64 gpa);	/* could it be there? */
/* At @gpa, within one frame; ends the test if it is not RAM. */
u8 *fake_space_at(struct ivm_space *space, u64 gpa);
u64 fake_space_get(struct ivm_space *space, u64 gpa, unsigned int size);
void fake_space_set(struct ivm_space *space, u64 gpa, unsigned int size, u64 value);

#endif
