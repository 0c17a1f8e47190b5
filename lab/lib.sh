# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts of this folder share: where things are, how they speak,
# and the cache of things that take minutes to make.

LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$LAB")
BUILD=${IVM_BUILD:-$ROOT/build}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/ivm
export LAB ROOT BUILD CACHE

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 125; }

# The kernel that everything is built for and run on: that of the installed
# stock headers. Prints e.g. "6.1.0-56-amd64".
lab_kversion()
{
	local dep

	# shellcheck disable=SC2016 # the format is dpkg's
	dep=$(dpkg-query -W -f '${Depends}' linux-headers-amd64 2>/dev/null) ||
		die "linux-headers-amd64 is not installed; run lab/deps"
	dep=${dep%%[ ,]*}
	printf '%s\n' "${dep#linux-headers-}"
}

# Debian's version of package $1, e.g. "6.1.192-2".
lab_pkgversion()
{
	# shellcheck disable=SC2016
	dpkg-query -W -f '${Version}' "$1" 2>/dev/null ||
		die "$1 is not installed; run lab/deps"
}

# A short name for the content of the files and words given: words that begin
# with "=" are taken as they are.
lab_key()
{
	local w

	for w in "$@"; do
		case $w in
		=*) printf '%s\n' "$w" ;;
		*) cat -- "$w" ;;
		esac
	done | sha256sum | cut -c1-16
}

# lab_cached NAME KEY MAKER ARG... : prints the folder $CACHE/NAME-KEY, which
# `MAKER DIR ARG...` fills if it is not there. The folder appears complete or
# not at all, and is made by one process while others wait for it. Folders of
# the same name with other keys go when nobody has used them for two weeks.
lab_cached()
{
	local name=$1 key=$2 maker=$3 dir tmp
	shift 3

	dir=$CACHE/$name-$key
	if [ ! -d "$dir" ]; then
		mkdir -p "$CACHE"
		(
			exec 7>"$CACHE/.lock-$name"
			flock -n 7 || { say "waiting for another run that makes $name"; flock 7; }
			[ ! -d "$dir" ] || exit 0
			tmp=$(mktemp -d "$CACHE/.making-$name.XXXXXX")
			trap 'rm -rf --one-file-system "$tmp"' EXIT
			chmod 755 "$tmp"
			say "making $name (once; kept in $CACHE)"
			# In a shell of its own: whatever an "||" waits for, our
			# callers say that, has its "set -e" switched off for good.
			# shellcheck disable=SC2016 # that shell's
			"$BASH" -euo pipefail -c '. "$LAB/lib.sh"; . "$LAB/image/images.sh"; eval "$1"; "${@:2}"' \
				"$0" "$(declare -f "$maker")" "$maker" "$tmp" "$@" >&2 7>&- || exit 1
			mv -T "$tmp" "$dir" || exit 1
			find "$CACHE" -maxdepth 1 -type d -name "$name-????????????????" \
				! -path "$dir" -mtime +14 -exec rm -rf {} +
		) || return 1
	fi
	touch "$dir"
	printf '%s\n' "$dir"
}
