#!/bin/sh
# make demo: a disk and a CD-ROM image, made here or the user's own, served by the driver; a copy of the disk through SRBs;
# then witnesses that know nothing of the driver: cmp, sha256sum, the file system's own checker.
#
# At the end one fault of the driver of the articles, as the host stops it, and what the finished driver answers.
#
#   BUILD   build directory (default: build)      DISK, ISO   images of the user's own, never written to
set -eu
LC_ALL=C
export LC_ALL
build=${BUILD:-build}
disk=${DISK:-}
iso=${ISO:-}
here=$build/demo
copy=$here/copy.img
PATH=$PATH:/usr/sbin:/sbin

fail() { # message, remedy
    printf 'demo: %s\n    what to do: %s\n' "$1" "$2" >&2
    exit 1
}
need() { # program, package
    command -v "$1" >/dev/null 2>&1 || fail "the program $1 is missing" "install the package $2, or run make deps-demo"
}
usable() { # variable, file
    [ -e "$2" ] || fail "$1=$2: there is no such file" "give the path of an image"
    [ -f "$2" ] || fail "$1=$2 is no regular file" "give an image file; a directory or device cannot be served"
    [ -s "$2" ] || fail "$1=$2 is empty" "give an image with something in it"
    [ -r "$2" ] || fail "$1=$2 cannot be read" "give yourself the right to read it"
}
spared() { # variable, file, a file that this run writes
    [ ! "$2" -ef "$3" ] || fail "$1=$2 would be overwritten by this demo" "copy it to another place first"
}
chapter=''
label=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    chapter=$(printf '\033[2m')
    label=$(printf '\033[1m')
    plain=$(printf '\033[0m')
fi
chapter_of='checked by'
tell() { # label, text
    printf ' %s%-14s%s%s%-12s%s %s\n' "$chapter" "$chapter_of" "$plain" "$label" "$1" "$plain" "$2"
}

# The same files at the same minute give the same images, byte for byte.
make_files() {
    rm -rf "$here/files"
    mkdir -p "$here/files/docs"
    echo 'This file went through a virtual Storport miniport.' >"$here/files/README.TXT"
    seq -f 'line %g' 1 20000 >"$here/files/NUMBERS.TXT"
    head -c 3000000 /dev/zero | tr '\0' 'v' >"$here/files/docs/BIG.TXT"
    find "$here/files" -exec touch -h -d '2025-01-01 00:00:00 UTC' {} +
}
make_disk() {
    need mkfs.fat dosfstools
    need mcopy mtools
    rm -f "$disk"
    truncate -s 16M "$disk"
    mkfs.fat -F 16 -n VMINI -i 564d494e --invariant "$disk" >/dev/null
    SOURCE_DATE_EPOCH=1735689600 TZ=UTC mcopy -s -m -i "$disk" "$here/files/README.TXT" "$here/files/NUMBERS.TXT" \
        "$here/files/docs" ::
}
make_iso() {
    need xorriso xorriso
    rm -f "$iso"
    SOURCE_DATE_EPOCH=1735689600 xorriso -as mkisofs -quiet -J -r -V VMINI_DEMO -o "$iso" "$here/files" >"$here/xorriso.log" 2>&1 ||
        { cat "$here/xorriso.log" >&2; fail "xorriso could not make the CD-ROM image" "see its messages above"; }
}
digest() { sha256sum <"$1" | cut -d' ' -f1; }

check_file_system() { # the copy, with the file system's own program, where there is one
    kind=$(blkid -p -o value -s TYPE "$copy" 2>/dev/null || true)
    case $kind in
    vfat) checker='fsck.fat -n' ;;
    ext2 | ext3 | ext4) checker='e2fsck -f -n' ;;
    ntfs) checker='ntfsfix -n' ;;
    *) checker='' ;;
    esac
    if [ -z "$checker" ] || ! command -v "${checker%% *}" >/dev/null 2>&1; then
        tell 'file system' "no checker here for ${kind:-this disk}: cmp and sha256sum speak for it"
        return
    fi
    status=0
    $checker "$copy" >"$here/fsck.log" 2>&1 || status=$?
    if [ $status -ne 0 ] && [ -n "$own_disk" ]; then
        tell "${checker%% *}" "status $status; the original is the same, byte for byte"
    elif [ $status -ne 0 ]; then
        cat "$here/fsck.log" >&2
        fail "$checker finds the copy damaged" "see its messages above"
    else
        tell "$checker" "$(tail -n 1 "$here/fsck.log")"
    fi
}

# One CDB to a driver, on a machine that it may bring down: nthost is the child.
ask() { # driver, its INF, CDB and room
    printf 'cdb 0:0:0 %s\n' "$3" | "$build/nthost" run --driver "$1" --inf "$2" --disk "$here/small.img" --script - 2>&1 || true
}
one_fault() { # fix 04, with all the others taken out as well
    tree=build/variants/before
    inf=src/driver/05-install/vmini.inf
    cdb='28 00 00 00 00 00 00 00 09 00 in 4096'
    chapter_of=06-compliance
    if ! ${MAKE:-make} -s --no-print-directory "$tree/$build/vmini.so" >"$here/before-build.log" 2>&1; then
        tell before "cannot be made of what src/ is now: $here/before-build.log says why"
        return
    fi
    rm -f "$here/small.img"
    truncate -s 64K "$here/small.img"
    ask "$tree/$build/vmini.so" "$tree/$inf" "$cdb" >"$here/before.log"
    ask "$build/vmini.so" "$inf" "$cdb" >"$here/after.log"
    grep -q '^\*\*\* STOP' "$here/before.log" && grep -q '^  sense' "$here/after.log" ||
        fail "the fault of the driver of the articles did not show" "look at $here/before.log and $here/after.log"
    tell before 'the driver of the articles (make before) gets a READ of 9 blocks, with room for 8:'
    awk '/^\*\*\* STOP/ { sub(/0x0+/, "0x"); print }
        /^  (rule|details) / { sub(/^ +[a-z]+ +/, ""); gsub(/ from 0x[0-9a-f]+/, ""); print }
        /^  > / { stack = stack (stack == "" ? "stack: " : " < ") $2 }
        END { print stack }' "$here/before.log" | sed "s/^/$(printf '%28s' '')/"
    tell after "$(sed -n 's/^  READ(10)/the finished driver/p; s/^  sense/sense/p' "$here/after.log" | sed "2s/^/$(printf '%28s' '')/")"
}

[ -x "$build/nthost" ] || fail "$build/nthost is not built" "make build"
own_disk=$disk
own_iso=$iso
[ -z "$disk" ] || usable DISK "$disk"
[ -z "$iso" ] || usable ISO "$iso"
[ -z "$disk" ] || spared DISK "$disk" "$copy"
[ -z "$iso" ] || spared ISO "$iso" "$copy"
[ -z "$disk" ] || [ -n "$iso" ] || spared DISK "$disk" "$here/cd.iso"
[ -z "$iso" ] || [ -n "$disk" ] || spared ISO "$iso" "$here/disk.img"
mkdir -p "$here"
if [ -z "$disk" ] || [ -z "$iso" ]; then
    make_files
fi
[ -n "$disk" ] || { disk=$here/disk.img; make_disk; }
[ -n "$iso" ] || { iso=$here/cd.iso; make_iso; }

disk_before=$(digest "$disk")
iso_before=$(digest "$iso")
"$build/nthost" demo --disk "$disk" --cdrom "$iso" --output "$copy"

cmp "$disk" "$copy" || fail "the copy differs from the disk" "this is a fault of the driver: nthost run shows both"
tell cmp "$copy is $disk, byte for byte"
tell sha256sum "$(digest "$copy")"
check_file_system
[ "$(digest "$disk")" = "$disk_before" ] && [ "$(digest "$iso")" = "$iso_before" ] ||
    fail "an image that was opened read-only has changed" "restore it from a copy; this is a fault of the driver"
tell sha256sum 'disk and CD-ROM image are what they were before'
one_fault

cat <<END

Try next:
  $build/nthost run --disk $copy --cdrom $iso
      a prompt; try: units, inquiry 0:0:0, read 0:0:0 0 1, eject 0:1:0, trace, why, help
END
[ -n "$own_disk$own_iso" ] || echo '  make demo DISK=your.img ISO=your.iso
      images of your own, opened read-only'
echo '  make test
      what proves all this
  make probe; make diff FIX=04
      what an analyser finds in the driver of the articles, and the fix for the fault above'
