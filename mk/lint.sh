#!/bin/sh
# Format, cppcheck, clang-tidy, manual pages. Stops at the first kind that finds something.
set -eu
sources=$(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h')

echo "lint: clang-format"
clang-format --dry-run -Werror $sources

echo "lint: cppcheck"
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)}
mkdir -p build/cppcheck # With several jobs, it keeps there what it knows across files.
cppcheck -j "$jobs" --cppcheck-build-dir=build/cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
    --suppressions-list=mk/cppcheck.suppress -DNTAPI= -D__x86_64__ -Isrc/driver -Isrc/host -Isrc/host/wdk/nt -Isrc/host/wdk/storport \
    -Isrc src/driver src/host src/tools

# Switched off: parameters of one type side by side (the WDK's callbacks have them), names with underscores (the WDK's
# type names), and memset_s and its like, which neither the WDK nor glibc has.
echo "lint: clang-tidy (the driver)"
checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier'
checks="$checks,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling"
git ls-files 'src/driver/*.c' | xargs -P "$jobs" -I FILE clang-tidy --quiet --warnings-as-errors='*' \
    --checks="$checks" FILE -- -std=gnu11 -fshort-wchar -Wno-multichar \
    -Isrc/driver -Isrc/host/wdk/nt -Isrc/host/wdk/storport 2>/dev/null
echo "lint: the manual page"
for page in $(git ls-files 'src/*.1'); do
    mandoc -T lint -W style "$page"
    warnings=$(groff -mandoc -ww -z "$page" 2>&1)
    [ -z "$warnings" ] || { echo "$warnings" >&2; exit 1; }
done
echo "lint: nothing found"
