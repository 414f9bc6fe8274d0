#!/bin/sh
# Keeps the README's sample of `make demo` what the demo prints.
#   mk/readme.sh           writes it anew
#   mk/readme.sh --check   exits with status 1 if it is stale
set -eu
cd "$(dirname "$0")/.."
make -s --no-print-directory build DEPS=skip >build/readme-build
make -s --no-print-directory demo DEPS=skip >build/readme-all
sed '/^Try next/,$d' build/readme-all >build/readme-demo
awk -v sample=build/readme-demo '
    /^\$ make demo$/ { print; while ((getline line < sample) > 0) print line; skip = 1; next }
    skip && /^```$/ { skip = 0 }
    !skip { print }' README.md >build/README.new
if [ "${1:-}" = --check ]; then
    diff -u README.md build/README.new >&2 || { echo "README.md: the demo's output is stale; run mk/readme.sh" >&2; exit 1; }
else
    cp build/README.new README.md
fi
