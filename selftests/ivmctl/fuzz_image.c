// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any bytes as a kernel: a manifest without flaw, or a refusal. The first four
 * bytes choose a made-up kernel of some kind, or none, and what goes with it;
 * the rest is laid over that kernel, or is the file.
 */
#include "images.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lay_over(struct image *image, const uint8_t *data, size_t size)
{
	/* Triples: offset (2 bytes), value. */
	for (; size >= 3; data += 3, size -= 3)
		image->bytes[(data[0] | data[1] << 8) % IMAGE_MAX] = data[2];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const memories[] = { "2M", "64M", "3G", "8G" };
	static struct image image;
	struct ivm_manifest manifest;
	struct ivm_definition def;
	char path[64], extra[64];
	int fd, extra_fd, err;

	if (size < 4)
		return 0;
	ivm_definition_init(&def, "fuzz");
	memset(&image, 0, sizeof(image));
	switch (data[0] % 4) {
	case 0:
		bzimage_make(&image);
		break;
	case 1:
		multiboot_header(elf64_make(&image)->multiboot, data[1] & 16 ? 0x10003 : 3);
		break;
	case 2:
		flat_make(&image);
		break;
	default:
		image.size = size - 4 < IMAGE_MAX ? size - 4 : IMAGE_MAX;
		memcpy(image.bytes, data + 4, image.size);
		break;
	}
	if (data[0] % 4 != 3)
		lay_over(&image, data + 4, size - 4);
	if (data[1] & 32)
		image.size = image.size * data[3] / 256;
	fd = image_file(image.bytes, image.size, path);
	extra_fd = image_file("extra", 5, extra);
	err = ivm_definition_set(&def, "memory", memories[data[1] % 4]) ?:
	      ivm_definition_set(&def, "kernel", path);
	if (!err && data[1] & 4)
		err = ivm_definition_set(&def, "initrd", extra);
	if (!err && data[1] & 8)
		err = ivm_definition_set(&def, "modules", extra);
	if (!err && data[2])
		err = ivm_definition_set(&def, "cmdline", "console=ttyS0");
	if (err)
		abort();
	err = ivm_manifest_build(&manifest, &def);
	if (!err && manifest_flaw(&manifest)) {
		fprintf(stderr, "%s\n", manifest_flaw(&manifest));
		abort();
	}
	if (err && (err > 0 || strpbrk(ivm_failure(), "\n\x1b")))
		abort();
	ivm_manifest_free(&manifest);
	ivm_definition_free(&def);
	close(extra_fd);
	close(fd);
	return 0;
}
