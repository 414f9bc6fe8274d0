#!/bin/sh
# Makes the HTML of book and code: build/docs/html/index.html. A warning of Doxygen is an error.
#   mk/docs.sh            the documentation
#   mk/docs.sh --canary   proves that a broken reference fails: the same, with one page more that has one
set -eu
cd "$(dirname "$0")/.."
VMINI_DOCS=build/docs
VMINI_DOCS_EXTRA=
if [ "${1:-}" = --canary ]; then
    VMINI_DOCS=build/docs-canary
    mkdir -p "$VMINI_DOCS"
    VMINI_DOCS_EXTRA=$VMINI_DOCS/canary.md
    printf '# Canary {#canary}\n\n\\ref VminiNoSuchFunction, \\snippet 01-adapter/entry.c no-such-snippet\n' >"$VMINI_DOCS_EXTRA"
fi
DOXYGEN_AWESOME=${DOXYGEN_AWESOME:-/usr/share/doxygen-awesome-css}
VMINI_NPM=build/npm
export VMINI_DOCS VMINI_DOCS_EXTRA VMINI_NPM DOXYGEN_AWESOME
[ -f "$DOXYGEN_AWESOME/doxygen-awesome.css" ] ||
    { echo "docs: $DOXYGEN_AWESOME holds no doxygen-awesome.css; install doxygen-awesome-css (make deps-docs)" >&2; exit 2; }
mk/npm.sh
rm -rf "$VMINI_DOCS/html"
mkdir -p "$VMINI_DOCS"
mk/docs-filter.pl --prototypes src/driver/*/*.c src/driver/*/more/*.c >"$VMINI_DOCS/prototypes"

# Pages and pieces of pages that are made from the tree.
rm -rf "$VMINI_DOCS/pieces" "$VMINI_DOCS/pages"
mkdir -p "$VMINI_DOCS/pieces" "$VMINI_DOCS/pages"
mk/docs/figures.py diagrams "$VMINI_DOCS/pieces"
mk/docs/fixes.py "$VMINI_DOCS/pages" "$VMINI_DOCS/pieces"
node mk/docs/diffs.mjs "$VMINI_NPM" "$VMINI_DOCS/pieces" chapters/06-compliance/*/fix.patch
mk/docs/callbacks.py "$VMINI_DOCS/pages"
mk/docs/labs.py "$VMINI_DOCS/pages"
for story in chapters/06-compliance/[0-9]*/README.md; do
    number=$(echo "$story" | sed 's,.*/\([0-9][0-9]\)-.*,\1,')
    title=$(sed -n '1s/^# *\([0-9]*\) · //p' "$story" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/"/\&quot;/g')
    printf '      <tab type="user" visible="yes" title="%s %s" url="\\ref fix%s"/>\n' "$number" "$title" "$number"
done >"$VMINI_DOCS/layout-fixes"
for task in exercises/*/lab*/README.md; do
    sed -n '1s/^# Lab \([0-9]*\)\.\([0-9]*\): \(.*\)/\1 \2 \3/p' "$task" | while read -r chapter number title; do
        printf '      <tab type="user" visible="yes" title="%s.%s %s" url="\\ref lab%s_%s"/>\n' "$chapter" "$number" "$title" \
            "$chapter" "$number"
    done
done >"$VMINI_DOCS/layout-labs"
sed -e "/<!-- labs -->/r $VMINI_DOCS/layout-labs" -e "/<!-- fixes -->/r $VMINI_DOCS/layout-fixes" docs/layout.xml >"$VMINI_DOCS/layout.xml"

# Doxygen's own page header, with the theme's scripts.
doxygen -w html "$VMINI_DOCS/header.html" "$VMINI_DOCS/footer.html" "$VMINI_DOCS/style.css" docs/Doxyfile >/dev/null
sed -i 's|</head>|<script type="text/javascript" src="$relpath^doxygen-awesome-darkmode-toggle.js"></script>\
<script type="text/javascript" src="$relpath^doxygen-awesome-fragment-copy-button.js"></script>\
<script type="text/javascript" src="$relpath^doxygen-awesome-paragraph-link.js"></script>\
<script type="text/javascript">DoxygenAwesomeDarkModeToggle.init(); DoxygenAwesomeFragmentCopyButton.init(); DoxygenAwesomeParagraphLink.init();</script>\
</head>|' "$VMINI_DOCS/header.html"

status=0
doxygen docs/Doxyfile >"$VMINI_DOCS/log" 2>&1 || status=$?
if [ "${1:-}" = --canary ]; then
    for expected in VminiNoSuchFunction no-such-snippet; do
        grep -q "$expected" "$VMINI_DOCS/log" && [ $status -ne 0 ] ||
            { echo "docs: the canary's broken reference to $expected was not noticed" >&2; exit 1; }
    done
    echo "docs: a broken reference and a missing snippet fail, as they should"
    exit 0
fi
[ $status -eq 0 ] || { cat "$VMINI_DOCS/log" >&2; echo "docs: Doxygen warns, and a warning is an error" >&2; exit 1; }
mk/diagrams.sh --static
mk/docs/graphs.py build/diagrams/static.json diagrams/runs.json "$VMINI_DOCS/tags" "$VMINI_DOCS/html"
mk/docs-articles.pl "$VMINI_DOCS/html/article.html"
mk/docs-search.pl "$VMINI_DOCS/html"
# "More..." where there is nothing more leads nowhere.
for page in $(grep -l 'href="#details"' "$VMINI_DOCS"/html/*.html | xargs grep -L 'id="details"'); do
    sed -i 's|<a href="#details">More...</a>||' "$page"
done
# A quoted passage begins at the left edge, however deep it stands in its function.
perl -0pi -e 's{(<div class="fragment">)(.*?)(</div><!-- fragment -->)}{
    my ($open, $lines, $close) = ($1, $2, $3);
    my $least = 99;
    while ($lines =~ m{<div class="line">(?:<span class="comment">)?( *)(?! |</div>)}g) { $least = length $1 if length $1 < $least; }
    $lines =~ s{(<div class="line">(?:<span class="comment">)?) {$least}}{$1}g;
    $open . $lines . $close }gse' "$VMINI_DOCS"/html/ch0?.html
echo "docs: $VMINI_DOCS/html/index.html, $(du -sm "$VMINI_DOCS/html" | cut -f1) MiB"
