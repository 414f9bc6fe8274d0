#!/bin/sh
# Builds vmini.sys and vminictl.exe from a copy of the source in another folder, at another time, and compares the bytes
# with those in build/windows.
set -eu
cd "$(dirname "$0")/../.."
files='build/windows/vmini.sys build/windows/vminictl.exe'
make -j2 --no-print-directory DEPS=skip $files >/dev/null
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
copy="$scratch/a longer name"
mkdir "$copy"
cp -R Makefile mk src "$copy"
(cd "$copy" && make -j2 --no-print-directory DEPS=skip $files >/dev/null)
for file in $files; do
    cmp "$file" "$copy/$file" || {
        echo "$file differs when it is built in another folder" >&2
        exit 1
    }
done
echo "vmini.sys, vminictl.exe: the same bytes from two folders"
