#!/bin/sh
# Format, cppcheck, clang-tidy. Stops at the first kind that finds something.
set -eu
sources=$(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h')

echo "lint: clang-format"
clang-format --dry-run -Werror $sources

echo "lint: cppcheck"
cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
    --suppressions-list=mk/cppcheck.suppress -DNTAPI= -Isrc/driver -Isrc/host -Isrc/host/wdk/nt -Isrc/host/wdk/storport \
    -Isrc src/driver src/host src/tools

echo "lint: clang-tidy (the driver)"
for file in $(git ls-files 'src/driver/*.c'); do
    clang-tidy --quiet --warnings-as-errors='*' \
        --checks='-*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,clang-analyzer-*' \
        "$file" -- -std=gnu11 -fshort-wchar -Wno-multichar -Isrc/driver -Isrc/host/wdk/nt -Isrc/host/wdk/storport \
        2>/dev/null
done
echo "lint: nothing found"
