#!/usr/bin/env python3
"""The pictures of diagrams/ as pieces of HTML, so that they take the page's colours, and so that their
words can be found and read aloud.

    figures.py DIAGRAMS OUT     writes OUT/figure-CHAPTER-NAME.html for each DIAGRAMS/CHAPTER/NAME.svg
"""

import html
import pathlib
import re
import sys

LANES = ("Time goes down; the colour is the IRQL; dotted lines are where the processor goes from one thread to "
         "another. The bar at the left is the SRB. Drawn from a recorded run, seed 1.")


def element(svg, name):
    """Takes an element of the head out of a picture. (picture, text)"""
    match = re.search(rf"<{name}>(.*?)</{name}>\n?", svg, re.S)
    return (svg.replace(match.group(), "", 1), html.unescape(match.group(1))) if match else (svg, "")


def figure(svg):
    svg, title = element(svg, "title")
    svg, words = element(svg, "desc")
    svg, caption = element(svg, "metadata")
    svg = re.sub(r' id="[^"]*"', "", svg)
    label = html.escape(f"{title} {words}".strip())
    svg = svg.replace('role="img"', f'role="img" aria-label="{label}"', 1)
    caption = html.escape(caption or LANES)
    # A swim-lane has its title in the picture.
    head = "" if 'class="lanes"' in svg else f"<figcaption><b>{html.escape(title)}</b></figcaption>"
    return (f'<figure class="picture">{head}'
            f'<div class="scroll" tabindex="0">{svg}</div><figcaption>{caption}</figcaption></figure>\n')


def main():
    diagrams, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(diagrams.glob("*/*.svg")):
        name = f"figure-{path.parent.name}-{path.stem}.html"
        (out / name).write_text(figure(path.read_text()))


if __name__ == "__main__":
    main()
