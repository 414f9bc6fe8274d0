#!/bin/sh
# Mutation testing: each patch of tests/mutants/ puts one bug of a known class into the driver; the suite that it names
# must fail. A patch that does not apply, does not compile, or survives is an error.
#
#   mk/mutants.sh [NAME...]     all, or those given (file names without .patch)
set -eu
cd "$(dirname "$0")/.."
tree=build/mutants/tree
mkdir -p build/mutants
rm -rf "$tree"
mkdir -p "$tree"
cp -a Makefile mk src tests "$tree"
# Objects come along, so that a mutant costs one compilation; they are as new as their sources.
if [ -d build/src ]; then
    mkdir -p "$tree/build"
    cp -a build/src build/tests "$tree/build"
    cp -a build/vmini.so build/nthost "$tree/build" 2>/dev/null || true
fi
tree_make() { make -C "$tree" --no-print-directory DEPS=skip "$@" >build/mutants/log 2>&1; }

field() { sed -n "s/^# $1: //p" "$2"; }
failed=0
killed=0
for patch in tests/mutants/*.patch; do
    name=$(basename "$patch" .patch)
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    suite=$(field suite "$patch")
    if ! patch -s -p1 -d "$tree" <"$patch" >build/mutants/log 2>&1; then
        verdict="does not apply"
        failed=$((failed + 1))
        cp -a src tests "$tree"
    else
        if ! tree_make "build/tests/$suite/run" build/vmini.so; then
            verdict="does not compile"
            failed=$((failed + 1))
        elif tree_make run-tests CH="$suite"; then
            verdict="SURVIVED"
            failed=$((failed + 1))
        else
            verdict=killed
            killed=$((killed + 1))
        fi
        patch -s -R -p1 -d "$tree" <"$patch"
    fi
    printf '%-14s %-40s class %-3s by %s\n' "$verdict" "$name" "$(field class "$patch")" "$suite"
done
echo "mutants: $killed killed, $failed not"
[ "$failed" -eq 0 ]
