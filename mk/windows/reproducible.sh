#!/bin/sh
# Builds vmini.sys from copies of the source in two other folders, at two other times, and compares the bytes with
# build/windows/vmini.sys.
set -eu
cd "$(dirname "$0")/../.."
make --no-print-directory DEPS=skip build/windows/vmini.sys >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for copy in a "a longer name/b"; do
    mkdir -p "$scratch/$copy"
    cp -R Makefile mk src "$scratch/$copy"
    (cd "$scratch/$copy" && make --no-print-directory DEPS=skip build/windows/vmini.sys >/dev/null)
    cmp build/windows/vmini.sys "$scratch/$copy/build/windows/vmini.sys" || {
        echo "vmini.sys differs when it is built in another folder" >&2
        exit 1
    }
done
echo "vmini.sys: the same bytes from three folders"
