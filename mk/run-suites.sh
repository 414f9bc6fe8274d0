#!/bin/sh
# Runs the test runners given, one after the other, and sums up. Exit status 1 if one failed.
failed=
for runner in "$@"; do
    echo "== $runner"
    "$runner" || failed="$failed $runner"
done
if [ -n "$failed" ]; then
    echo "FAILED:$failed"
    exit 1
fi
echo "all suites passed"
