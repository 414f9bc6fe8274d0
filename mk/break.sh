#!/bin/sh
# Builds the driver with one mistake in it: the patch chapters/breaks/NAME.patch on a copy of the file that it names,
# everything else as it is. The result is build/breaks/NAME.so, for `nthost run --driver`. Nothing is optimised, so that
# the stack of a bugcheck shows each function that the source calls.
#
#   mk/break.sh NAME...     or, without a name, all of them
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(ls chapters/breaks/*.patch | sed 's,.*/,,; s,\.patch$,,')
flags="-std=gnu11 -O0 -g -fno-omit-frame-pointer -fno-strict-aliasing -fPIC -fshort-wchar -Wno-multichar -Wall -Wextra -Werror"
include="-Isrc/driver -Isrc/host/wdk/nt -Isrc/host/wdk/storport"
work=build/breaks

# The whole driver once; an object is made anew when its source or any header is younger.
for source in src/driver/*/*.c src/driver/*/more/*.c; do
    object=$work/objects/${source%.c}.o
    if [ ! -f "$object" ] || [ -n "$(find "$source" src/driver src/host/wdk \( -name '*.h' -o -path "$source" \) -newer "$object" -print -quit)" ]; then
        mkdir -p "$(dirname "$object")"
        gcc $flags $include -c "$source" -o "$object"
    fi
done

for name; do
    patch=chapters/breaks/$name.patch
    [ -f "$patch" ] || { echo "break: there is no $patch; chapters/breaks holds the mistakes" >&2; exit 2; }
    source=$(sed -n 's,^+++ b/,,p' "$patch")
    mkdir -p "$work/$name"
    cp "$source" "$work/$name/broken.c"
    patch -s --batch --forward "$work/$name/broken.c" <"$patch" >"$work/$name/log" 2>&1 ||
        { cat "$work/$name/log" >&2; echo "break: $patch no longer applies; make it anew from today's source" >&2; exit 1; }
    gcc $flags $include -I"$(dirname "$source")" -c "$work/$name/broken.c" -o "$work/$name/broken.o"
    gcc -shared -nostartfiles -Wl,-Bsymbolic -Wl,--version-script=mk/driver.map -Wl,-z,now -o "$work/$name.so" \
        $(ls src/driver/*/*.c src/driver/*/more/*.c | grep -vxF "$source" | sed "s,^,$work/objects/,; s,c\$,o,") "$work/$name/broken.o"
done
