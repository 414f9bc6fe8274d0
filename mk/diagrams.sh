#!/bin/sh
# The call graphs and swim-lanes that the chapters show, made anew from the source and from recorded runs.
#   mk/diagrams.sh           writes diagrams/CHAPTER/, and diagrams/runs.json: what ran in each recorded run
#   mk/diagrams.sh --static  only the static call graph: build/diagrams/static.json
#   mk/diagrams.sh --check   exits with status 1 if they are stale. Of a call graph the .dot is compared (another
#                            Graphviz lays it out otherwise), of a swim-lane the picture.
set -eu
cd "$(dirname "$0")/.."
work=build/diagrams
out=diagrams
[ "${1:-}" != --check ] || out=$work/fresh
rm -rf "$work/xml" "$work/runs" "$work/fresh"
mkdir -p "$work/runs"
# Where functions begin and end: Doxygen, through the same filter as the book.
export VMINI_DOCS=$work VMINI_DOCS_EXTRA= DOXYGEN_AWESOME=
mk/docs-filter.pl --prototypes src/driver/*/*.c src/driver/*/more/*.c >"$work/prototypes"
{ grep -v '^HTML_\|^LAYOUT_FILE\|^ .*VMINI_NPM\|^ .*DOXYGEN_AWESOME\|^ .*docs/vmini.css' docs/Doxyfile
  printf '%s\n' 'INPUT = src/driver' GENERATE_HTML=NO GENERATE_TAGFILE= GENERATE_XML=YES XML_PROGRAMLISTING=NO HAVE_DOT=NO WARN_AS_ERROR=NO
} >"$work/Doxyfile"
doxygen "$work/Doxyfile" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

mk/diagrams/static.py "$work/xml" >"$work/static.json"
[ "${1:-}" != --static ] || exit 0

make -s --no-print-directory DEPS=skip build/nthost build/calls/vmini.so >/dev/null
mkdir -p "$out"
mk/diagrams/runs.py build/nthost build/calls/vmini.so "$work/runs" >"$out/runs.json"
mk/diagrams/draw.py "$work/static.json" "$out/runs.json" "$out"
mk/diagrams/lanes.py build/nthost "$work/static.json" "$work/runs" "$out"

if [ "${1:-}" = --check ]; then
    stale=
    for new in "$work"/fresh/runs.json "$work"/fresh/*/*.dot "$work"/fresh/*/*-lanes.svg; do
        old=diagrams/${new#"$work/fresh/"}
        cmp -s "$new" "$old" || { diff -u "$old" "$new" >&2 || true; stale="$stale $old"; }
    done
    for old in diagrams/*/*.dot; do
        [ -f "$work/fresh/${old#diagrams/}" ] || stale="$stale $old"
    done
    [ -z "$stale" ] || { echo "diagrams: stale:$stale; run make diagrams" >&2; exit 1; }
    echo "diagrams: what is drawn is what runs"
fi
