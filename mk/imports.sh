#!/bin/sh
# Compares what a driver image imports with the committed list of what it may import.
set -eu
image=$1
list=$2
extra=$(nm -D --undefined-only "$image" | awk '{print $NF}' | sed 's/@.*//' |
    grep -vE '^(__(asan|ubsan|tsan|sanitizer|gmon|cxa|stack_chk|sancov).*|_ITM_.*|__start___sancov.*)$' | sort -u |
    grep -vxFf "$list" || true)
if [ -n "$extra" ]; then
    echo "$image imports what $list does not list:" >&2
    echo "$extra" | sed 's/^/    /' >&2
    echo "If Windows 10 1709's ntoskrnl.exe or storport.sys exports it, add it to the list; if not, do without." >&2
    rm -f "$image"
    exit 1
fi
