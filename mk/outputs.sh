#!/bin/sh
# Keeps the output that the chapters show what the commands really print. In a chapter, a block
#
#     ```console
#     $ a command
#     > a line for its standard input
#     what it printed
#     ```
#
# is run anew from the root of the tree, and what it printed replaces what stood there. Left out of it are what differs
# from one machine to the next, or from one compiler to the next: addresses, the path of the tree, and the frames of a
# stack that are not the driver's. A command that ends in " &" is a host with a control socket: the commands after it find
# it running, until `kill %1`. Chapter 5 shows the package for Windows, and so wants mingw-w64 (make deps-windows).
#
#   mk/outputs.sh [FILE...]           writes the files anew (default: chapters/*.md)
#   mk/outputs.sh --check [FILE...]   exits with status 1 if one is stale
set -eu
LC_ALL=C
export LC_ALL
unset MAKEFLAGS MFLAGS MAKELEVEL # A chapter's `make` is typed by a person, also where `make docs-check` runs this.
cd "$(dirname "$0")/.."
check=
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
[ $# -gt 0 ] || set -- chapters/*.md
work=build/outputs
rm -rf "$work"
mkdir -p "$work"
make -s --no-print-directory DEPS=skip build windows >/dev/null
mk/break.sh
windows_path=$(printf %s "$PWD" | sed 's,/,\\\\,g') # As a pattern.
host=
trap '[ -z "$host" ] || kill $host 2>/dev/null' EXIT

begin() { # a host in the background, once it can be asked
    sh -c "exec ${1% &}" >"$work/host" 2>&1 &
    host=$!
    until grep -q '^control socket' "$work/host"; do
        kill -0 $host || { cat "$work/host" >&2; exit 1; }
        sleep 0.1
    done
    cat "$work/host"
}
end() {
    kill $host
    wait $host || status=$?
    host=
    sed 1d "$work/host" # What it said at last.
}

# A command, its standard input in $work/in -> $work/out
run() {
    status=0
    case $1 in
    *' &') begin "$1" >"$work/raw" ;;
    'kill %1') end >"$work/raw" ;;
    *) sh -c "$1" <"$work/in" >"$work/raw" 2>&1 || status=$? ;;
    esac
    sed -E -e "s,$PWD/,,g" -e "s,$windows_path,\\\\...,g" -e 's/0x0000[57][0-9A-Fa-f]{11}/0x................/g' -e '/^    [A-Za-z_?][A-Za-z_0-9.?]*$/d' \
        "$work/raw" | awk 'NF { for (; blank > 0 && some; blank--) print ""; blank = 0; some = 1; print; next } { blank++ }' \
        >"$work/out"
    [ $status -eq 0 ] || echo "[exit status $status]" >>"$work/out"
}
flush() { # runs the command that has been read, if there is one
    [ -n "$command" ] || return 0
    run "$command"
    cat "$work/out" >>"$work/new"
    command=
}
stale=
for file; do
    rm -f build/disk.img
    truncate -s 16M build/disk.img
    : >"$work/new"
    inside=
    command=
    while IFS= read -r line || [ -n "$line" ]; do
        case $inside$line in
        '```console')
            inside=.
            printf '%s\n' "$line" >>"$work/new"
            ;;
        '.```')
            flush
            inside=
            printf '%s\n' "$line" >>"$work/new"
            ;;
        '.$ '*)
            flush
            command=${line#'$ '}
            : >"$work/in"
            printf '%s\n' "$line" >>"$work/new"
            ;;
        '.> '*)
            printf '%s\n' "${line#> }" >>"$work/in"
            printf '%s\n' "$line" >>"$work/new"
            ;;
        .*) ;; # what it printed last time
        *) printf '%s\n' "$line" >>"$work/new" ;;
        esac
    done <"$file"
    if cmp -s "$file" "$work/new"; then
        continue
    fi
    if [ -n "$check" ]; then
        diff -u "$file" "$work/new" >&2 || true
        stale="$stale $file"
    else
        cp "$work/new" "$file"
        echo "outputs: $file"
    fi
done
[ -z "$stale" ] || { echo "outputs: stale:$stale; run mk/outputs.sh" >&2; exit 1; }
