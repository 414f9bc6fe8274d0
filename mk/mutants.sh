#!/bin/sh
# Mutation testing: each patch of tests/mutants/ puts one bug of a known class into the driver; the suite that it names
# must fail. A patch that does not apply, does not compile, or survives is an error.
#
#   mk/mutants.sh [NAME...]     all, or those given (file names without .patch)
#
# A patch begins with "# class: N" and "# suite: FOLDER" or "# suite: FOLDER/SUITE". Only that folder's runner and the
# driver are built again, in a copy of the tree under build/mutants, and only that suite is run.
set -u
cd "$(dirname "$0")/.." || exit 1
home=build/mutants
tree=$home/tree
rm -rf "$home"
mkdir -p "$tree/build"
cp -a Makefile mk src tests "$tree"
# Objects come along, so that a mutant costs one compilation; they are as new as their sources.
for part in src tests vmini.so nthost; do
    [ ! -e "build/$part" ] || cp -a "build/$part" "$tree/build/"
done

field() { sed -n "s/^# $1: //p" "$2"; }
build() { make -C "$tree" -j2 --no-print-directory DEPS=skip "build/tests/$1/run" build/vmini.so >>"$home/log" 2>&1; }
# A run that hangs is a failure too, and is ended. VMINI_CHILD_SECONDS: more patience, on a machine that is busy.
run_suite() {
    (cd "$tree" && VMINI_THOROUGH=1 VMINI_SEEDS=40 VMINI_FIXTURES=build/tests/fixtures VMINI_DRIVER=build/vmini.so \
        VMINI_NTHOST=build/nthost timeout $((4 * ${VMINI_CHILD_SECONDS:-30})) "build/tests/$1/run" ${2:+--only "$2"}) >>"$home/log" 2>&1
}
# Takes the mutant out again; the sources get a new time, so that make sees them change back.
restore() { cp "$1" "$tree/$1" && touch "$tree/$1"; }

killed=0
failed=0
verdict() {
    printf '%-16s class %-3s %-34s by %s\n' "$1" "$class" "$name" "$suite"
    if [ "$1" = killed ]; then killed=$((killed + 1)); else failed=$((failed + 1)); fi
}

# A suite that fails without a mutant would kill every one.
for suite in $(sed -n 's/^# suite: //p' tests/mutants/*.patch | sort -u); do
    folder=${suite%%/*} only=${suite#"$folder"} only=${only#/}
    if ! build "$folder" || ! run_suite "$folder" "$only"; then
        echo "mutants: $suite fails without a mutant; see $home/log" >&2
        exit 1
    fi
done

for patch in tests/mutants/*.patch; do
    name=$(basename "$patch" .patch)
    if [ $# -gt 0 ]; then
        case " $* " in *" $name "*) ;; *) continue ;; esac
    fi
    class=$(field class "$patch")
    suite=$(field suite "$patch")
    folder=${suite%%/*} only=${suite#"$folder"} only=${only#/}
    file=$(sed -n 's,^+++ b/,,p' "$patch")
    echo "== $name" >>"$home/log"
    if ! patch -s -p1 -d "$tree" <"$patch" >>"$home/log" 2>&1; then
        verdict "DOES NOT APPLY"
    elif ! build "$folder"; then
        verdict "DOES NOT COMPILE"
    elif run_suite "$folder" "$only"; then
        verdict SURVIVED
    else
        verdict killed
    fi
    restore "$file"
done
if [ $((killed + failed)) -eq 0 ]; then
    echo "mutants: no patch of that name in tests/mutants" >&2
    exit 2
fi
echo "mutants: $killed killed, $failed not"
[ "$failed" -eq 0 ]
