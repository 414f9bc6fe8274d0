#!/bin/sh
# Builds vmini.sys and vminictl.exe from copies of the source in two other folders, at two other times, and compares the
# bytes with those in build/windows.
set -eu
cd "$(dirname "$0")/../.."
files='build/windows/vmini.sys build/windows/vminictl.exe'
make --no-print-directory DEPS=skip $files >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for copy in a "a longer name/b"; do
    mkdir -p "$scratch/$copy"
    cp -R Makefile mk src "$scratch/$copy"
    (cd "$scratch/$copy" && make --no-print-directory DEPS=skip $files >/dev/null)
    for file in $files; do
        cmp "$file" "$scratch/$copy/$file" || {
            echo "$file differs when it is built in another folder" >&2
            exit 1
        }
    done
done
echo "vmini.sys, vminictl.exe: the same bytes from three folders"
