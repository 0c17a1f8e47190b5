# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The images of the lab, each made once and kept in the cache: the host's root,
# a kernel with its modules, and what /guest holds. Sourced after lib.sh.
#
# Everything comes from Debian packages of the releases that this machine's apt
# knows. Images are squashfs without compression: under emulation, processor
# time is dear and disk space is not.

# What a shell on the host, a test or a benchmark may want. QEMU is there as
# the user space of KVM, which the benchmarks run as the peer.
host_packages=(
	bash busybox coreutils diffutils findutils gawk grep sed util-linux
	mount hostname procps psmisc kmod less file xz-utils gzip tar cpio strace
	iproute2 ethtool tcpdump iperf3 iputils-ping iputils-arping dnsmasq-base
	bridge-utils nftables netcat-openbsd libcap2-bin
	libnl-3-200 libnl-genl-3-200 libnl-route-3-200 libjson-c5
	python3-minimal expect ncurses-base
	qemu-system-x86
)

# Modules of the stock kernel that the host's initrd needs to reach its root.
host_boot_modules=(virtio_pci virtio_blk virtio_console squashfs overlay)

# Modules of a guest's kernel: its devices, and the power button.
guest_modules=(virtio_pci virtio_net virtio_blk virtio_console virtio_balloon
	       virtio_mem virtio_rng button evdev 8021q)

# Folders of a Debian kernel's modules that no emulated host has a use for.
unused_modules=(
	'kernel/drivers/gpu' 'kernel/drivers/media' 'kernel/sound'
	'kernel/drivers/staging' 'kernel/drivers/net/wireless'
	'kernel/drivers/net/ethernet' 'kernel/drivers/usb' 'kernel/drivers/scsi'
	'kernel/drivers/infiniband' 'kernel/drivers/iio' 'kernel/drivers/hwmon'
	'kernel/drivers/mtd' 'kernel/drivers/isdn' 'kernel/drivers/ata'
	'kernel/drivers/bluetooth' 'kernel/drivers/input/joystick'
	'kernel/net/bluetooth' 'kernel/net/wireless' 'kernel/net/mac80211'
	'kernel/drivers/firmware' 'kernel/drivers/mmc' 'kernel/drivers/md'
	'kernel/drivers/message' 'kernel/drivers/mfd' 'kernel/drivers/leds'
)

# One-line apt sources for the Debian releases that this machine has, nothing
# of other vendors.
debian_sources()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' |
	sort -u | while read -r site release component; do
		printf 'deb %s %s %s\n' "$site" "$release" "$component"
	done
}

# fetch_deb DIR PACKAGE[=VERSION]... : downloads and unpacks into DIR.
fetch_deb()
{
	local dir=$1 debs

	shift
	debs=$(mktemp -d "$CACHE/.debs.XXXXXX")
	(
		cd "$debs"
		apt-get -q -o APT::Sandbox::User="$(id -un)" download "$@" >/dev/null || {
			say "apt-get cannot download $*: are the package lists and" \
			    "linux-headers-amd64 up to date? (apt-get update)"
			exit 1
		}
		for deb in *.deb; do
			dpkg-deb -x "$deb" "$dir"
		done
	) || { rm -rf "$debs"; return 1; }
	rm -rf "$debs"
}

squash() # FROM TO
{
	rm -f "$2"
	mksquashfs "$1" "$2" -noI -noD -noF -noX -no-exports -all-root \
		-quiet -no-progress >/dev/null
}

# A newc archive of folder $1 on stdout, owned by root.
cpio_of()
{
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort |
		cpio --quiet -o -H newc -R 0:0 --reproducible)
}

# The ELF inside bzImage $1 on stdout: the payload that the boot protocol's
# header points at (Documentation/x86/boot.rst). A word with its unpacked length
# follows it, which in a gzip file is that file's own last word.
vmlinux_of()
{
	local image=$1 sects off len magic unpack extra=4

	sects=$(od -An -tu1 -j 0x1f1 -N 1 "$image")
	off=$(od -An -tu4 -j 0x248 -N 4 "$image")
	len=$(od -An -tu4 -j 0x24c -N 4 "$image")
	off=$((off + (${sects// /} + 1) * 512))
	magic=$(od -An -tx1 -j "$off" -N 4 "$image" | tr -d ' ')
	case $magic in
	fd377a58) unpack="xz -dc --single-stream" ;;
	1f8b*) unpack="gzip -dc" extra=0 ;;
	28b52ffd) unpack="zstd -dcq" ;;
	*) say "$image: unknown payload $magic"; return 1 ;;
	esac
	dd if="$image" iflag=skip_bytes,count_bytes skip="$off" count=$((len - extra)) bs=1M status=none | $unpack
}

# put_busybox DIR: Debian's static busybox with a link for each applet.
put_busybox()
{
	local dir=$1 tmp applet

	tmp=$(mktemp -d "$CACHE/.bb.XXXXXX")
	fetch_deb "$tmp" busybox-static
	mkdir -p "$dir/bin"
	cp "$tmp/bin/busybox" "$dir/bin/busybox"
	rm -rf "$tmp"
	for applet in $("$dir/bin/busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"
	done
	ln -s bin "$dir/sbin"
}

# put_modules FROM KVER TO NAME... : copies modules with all they depend on
# from the tree FROM to TO and indexes them. Names that the kernel has built in
# are fine.
put_modules()
{
	local from=$1 kver=$2 to=$3 name path

	shift 3
	mkdir -p "$to/lib/modules/$kver"
	for name in modules.order modules.builtin modules.builtin.modinfo; do
		[ ! -e "$from/lib/modules/$kver/$name" ] ||
			cp "$from/lib/modules/$kver/$name" "$to/lib/modules/$kver/"
	done
	for name in "$@"; do
		modprobe -d "$from" -S "$kver" --show-depends "$name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r path; do
		install -D -m 644 "$path" "$to/${path#"$from"/}"
	done
	depmod -b "$to" "$kver" 2>/dev/null
}

# --- the host's root -------------------------------------------------------

make_root()
{
	local dir=$1 include

	include=$(IFS=,; printf '%s' "${host_packages[*]}")
	debian_sources | mmdebstrap --quiet --variant=essential --include="$include" \
		--aptopt='Apt::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/qemu/*edk2*' \
		--customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/*' \
		--customize-hook='passwd -R "$1" -d root >/dev/null' \
		"$(. /etc/os-release; printf '%s' "$VERSION_CODENAME")" "$dir/root.tar"
	mksquashfs - "$dir/root.sqfs" -tar -noI -noD -noF -noX -no-exports \
		-quiet -no-progress <"$dir/root.tar" >/dev/null
	rm "$dir/root.tar"
}

image_root()
{
	lab_cached root "$(lab_key "=$(declare -f make_root) ${host_packages[*]}" \
		"=$(. /etc/os-release; echo "$VERSION_ID")")" make_root
}

# --- a kernel: vmlinux, modules.sqfs, initrd.cpio ---------------------------

# finish_kernel DIR TREE KVER: TREE holds boot/vmlinuz-KVER and lib/modules/KVER.
finish_kernel()
{
	local dir=$1 tree=$2 kver=$3 ird=$1/ird m

	cp "$tree/boot/vmlinuz-$kver" "$dir/vmlinuz"
	vmlinux_of "$dir/vmlinuz" >"$dir/vmlinux"
	for m in "${unused_modules[@]}"; do
		rm -rf "$tree/lib/modules/$kver/$m"
	done
	depmod -b "$tree" "$kver"

	put_busybox "$ird"
	put_modules "$tree" "$kver" "$ird" "${host_boot_modules[@]}"
	mkdir -p "$ird"/{dev,proc,sys,l,new}
	install -m 755 "$LAB/image/host-initrd" "$ird/init"
	cpio_of "$ird" >"$dir/initrd.cpio"

	# The root has /lib as a link, and the layers are merged by name.
	mkdir -p "$dir/mod/usr/lib"
	mv "$tree/lib/modules" "$dir/mod/usr/lib/modules"
	rm -f "$dir/mod/usr/lib/modules/$kver"/{build,source}
	squash "$dir/mod" "$dir/modules.sqfs"
	rm -rf "$dir/mod" "$ird"
}

make_stock_kernel()
{
	local dir=$1 kver=$2 version=$3

	fetch_deb "$dir/tree" "linux-image-$kver${version:+=$version}"
	finish_kernel "$dir" "$dir/tree" "$kver"
	rm -rf "$dir/tree"
}

kernel_recipe()
{
	printf '=%s\n' "$(declare -f finish_kernel put_modules put_busybox squash)" \
		"${host_boot_modules[*]} ${unused_modules[*]}"
}

# image_kernel KVER: the packaged kernel, that of the installed headers in the
# very version of these.
image_kernel()
{
	local kver=$1 version

	version=$(dpkg-query -W -f '${Version}' "linux-headers-$kver" 2>/dev/null) || version=
	lab_cached "kernel-$kver" "$(lab_key "=$version" "=$(kernel_recipe)" \
		"$LAB/image/host-initrd")" make_stock_kernel "$kver" "$version"
}

# --- /guest ----------------------------------------------------------------

make_guest()
{
	local dir=$1 base=$2 version=$3 flavour kver tree=$1/tree ird=$1/ird out=$1/out/guest

	put_busybox "$ird"
	mkdir -p "$out" "$ird"/{dev,proc,sys,tmp,root,etc/acpi/PWRF}
	for flavour in '' -cloud -rt; do
		kver=${base/-amd64/$flavour-amd64}
		fetch_deb "$tree" "linux-image-$kver=$version"
		cp "$tree/boot/vmlinuz-$kver" "$out/vmlinuz$flavour"
		depmod -b "$tree" "$kver"
		put_modules "$tree" "$kver" "$ird" "${guest_modules[@]}"
	done
	install -m 755 "$LAB/image/guest-init" "$ird/init"
	cpio_of "$ird" >"$out/initrd"
	vmlinux_of "$out/vmlinuz" >"$out/vmlinux"
	squash "$dir/out" "$dir/guest.sqfs"
	rm -rf "$tree" "$ird" "$dir/out"
}

image_guest()
{
	local kver version

	kver=$(lab_kversion)
	version=$(lab_pkgversion "linux-headers-$kver")
	lab_cached guest "$(lab_key "=$kver $version" "$LAB/image/guest-init" \
		"=$(declare -f make_guest put_modules put_busybox) ${guest_modules[*]}")" \
		make_guest "$kver" "$version"
}

# --- what mends the emulator -------------------------------------------------

make_mends()
{
	gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$1/mends.so" "$LAB"/emulator/*.c
	gcc -O2 -Wall -Wextra -Werror -o "$1/tsc_khz" "$LAB/tsc_khz.c"
}
image_mends() { lab_cached mends "$(lab_key "$LAB"/emulator/*.[ch] "$LAB/tsc_khz.c")" make_mends; }
