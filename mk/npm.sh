#!/bin/sh
# The packages of docs/npm/package-lock.json, in build/npm: what `make docs` needs, or, with --all, its browser test too.
set -eu
cd "$(dirname "$0")/.."
work=build/npm
omit=--omit=dev
[ "${1:-}" != --all ] || omit=
stamp=$work/installed$omit
[ -f "$stamp" ] && cmp -s docs/npm/package-lock.json "$work/package-lock.json" && exit 0
[ -z "$omit" ] || { [ -f "$work/installed" ] && cmp -s docs/npm/package-lock.json "$work/package-lock.json" && exit 0; }
rm -rf "$work"
mkdir -p "$work"
cp docs/npm/package.json docs/npm/package-lock.json "$work"
(cd "$work" && npm ci --no-audit --no-fund --ignore-scripts $omit >log 2>&1) ||
    { cat "$work/log" >&2; echo "npm: cannot install the packages of docs/npm; is the npm registry reachable?" >&2; exit 1; }
touch "$stamp"
