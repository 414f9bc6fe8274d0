#!/bin/sh
# Runs the test runners given, one for every two processors at a time (each has threads or child processes of its own, and
# where memory is virtual twice over, in a virtual machine, two at once on two processors may take longer than one after
# the other), prints what each has printed, whole and in the order given, and sums up: which took how long. JOBS=N: N at a time.
# Exit status 1 if one failed.
#
# The order of the start is another one: those that take longest begin first, so that none of them is left at the end.
processors=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
jobs=${JOBS:-$(((processors + 1) / 2))}
first='system tools host 02-dispatch 04-workers'
# ThreadSanitizer wants its shadow at fixed addresses; a kernel that randomises 32 bits of them puts a mapping there
# now and then. No randomisation, no such mapping.
still=
if [ "${SANITIZE:-}" = thread ] && command -v setarch >/dev/null && setarch -R true 2>/dev/null; then
    still="setarch -R"
fi
name_of() { # .../tests/NAME/run -> NAME
    set -- "${1%/run}"
    echo "${1##*/}"
}

out=$(mktemp -d "${TMPDIR:-/tmp}/vmini-suites.XXXXXX") || exit 2
dispatcher=
stop() {
    [ -z "$dispatcher" ] || kill "$dispatcher" 2>/dev/null
    for pid in "$out"/*.pid; do
        [ ! -e "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
    done
    rm -rf "$out"
}
trap stop EXIT
trap 'exit 130' INT TERM

run_one() { # runner
    name=$(name_of "$1")
    begin=$(date +%s)
    $still "$1" >"$out/$name.text" 2>&1 &
    echo $! >"$out/$name.pid"
    wait $!
    status=$?
    [ -d "$out" ] || exit 1 # Stopped meanwhile.
    rm "$out/$name.pid"
    echo $status >"$out/$name.status"
    echo "  $name $(($(date +%s) - begin)) s" >"$out/$name.time"
    [ ! -t 2 ] || echo "   ($name has ended)" >&2
    : >"$out/$name.done"
}

# The runners in the order of their start.
queue=
for wanted in $first; do
    for runner in "$@"; do
        [ "$(name_of "$runner")" != "$wanted" ] || queue="$queue $runner"
    done
done
for runner in "$@"; do
    case " $first " in
    *" $(name_of "$runner") "*) ;;
    *) queue="$queue $runner" ;;
    esac
done

# A pipe with a byte for each runner that may run: who begins takes one, who ends puts one back.
mkfifo "$out/tokens" && exec 3<>"$out/tokens" || exit 2
i=0
while [ "$i" -lt "$jobs" ]; do
    echo >&3
    i=$((i + 1))
done
{
    for runner in $queue; do
        read -r _ <&3
        {
            run_one "$runner"
            echo >&3
        } &
    done
    wait
} &
dispatcher=$!

failed=
times=
for runner in "$@"; do
    name=$(name_of "$runner")
    while [ ! -e "$out/$name.done" ]; do
        sleep 0.1
    done
    echo "== $runner"
    cat "$out/$name.text"
    [ "$(cat "$out/$name.status")" -eq 0 ] || failed="$failed $runner"
    times="$times$(cat "$out/$name.time")"
done
wait
dispatcher=
echo "time:$times"
if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all suites passed"
