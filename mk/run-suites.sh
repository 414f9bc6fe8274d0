#!/bin/sh
# Runs the test runners given, one after the other, and sums up: which took how long. Exit status 1 if one failed.
failed=
times=
# ThreadSanitizer wants its shadow at fixed addresses; a kernel that randomises 32 bits of them puts a mapping there
# now and then. No randomisation, no such mapping.
still=
if [ "${SANITIZE:-}" = thread ] && command -v setarch >/dev/null && setarch -R true 2>/dev/null; then
    still="setarch -R"
fi
for runner in "$@"; do
    echo "== $runner"
    begin=$(date +%s)
    $still "$runner" || failed="$failed $runner"
    name=${runner%/run}
    times="$times  ${name##*/} $(($(date +%s) - begin)) s"
done
echo "time:$times"
if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all suites passed"
