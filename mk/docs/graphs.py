#!/usr/bin/env python3
"""At each function of the driver's pages: who calls it and whom it calls, as a small picture, from the
static graph and the recorded runs (mk/diagrams). Doxygen's own lists are not used: they miss what goes
through tables, and count registrations as calls.

    graphs.py STATIC.json RUNS.json TAGS HTML     puts the pictures into HTML/*_8[ch].html
"""

import concurrent.futures
import html
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "diagrams"))
import draw  # noqa: E402  The colours and the components are the same.

MAXIMUM = 7  # On each side; the others are counted.


class Graph:
    """One function and its neighbours."""

    def __init__(self, name, static, runs, links):
        self.name, self.static, self.runs, self.links = name, static, runs, links
        self.functions = static["functions"]

    def ran(self, caller, callee):
        return any(callee in run["calls"].get(caller, []) for run in self.runs.values())

    def callers(self):
        direct = [each for each, callees in self.static["calls"].items() if self.name in callees]
        through = [each for each, rows in self.static["dispatch"].items() if any(self.name == row[0] for row in rows)]
        return [(each, False) for each in direct] + [(each, True) for each in through if each not in direct]

    def callees(self):
        direct = [(each, False) for each in self.static["calls"].get(self.name, [])]
        return direct + [(each, True) for each, _ in self.static["dispatch"].get(self.name, [])]

    def outside(self):
        """Who calls from outside of the driver, as the runs saw it."""
        found = {}
        for run in self.runs.values():
            for caller, callees in run["calls"].items():
                if self.name in callees and caller not in self.functions:
                    kind, _, word = caller.partition(" ")
                    found["a thread of its own" if kind == "thread" else word] = True
        return list(found)

    def levels(self):
        return sorted({level for run in self.runs.values() for level in run["levels"].get(self.name, [])})

    def node(self, name):
        link = self.links.get(name)
        url = f', URL="{html.escape(link)}"' if link else ""
        return f'  "{name}" [class="fn"{url}];'

    def more(self, lines, count, side):
        if count > 0:
            lines.append(f'  "more {side}" [label="and {count} more", class="idle"];')
            ends = (f'"more {side}"', f'"{self.name}"')
            lines.append(f'  {ends[0]} -> {ends[1]} [class="idle"];' if side == "in" else f'  {ends[1]} -> {ends[0]} [class="idle"];')

    def edges(self, lines, neighbours, side):
        ordered = sorted(neighbours, key=lambda each: not self.ran(*((each[0], self.name) if side == "in" else (self.name, each[0]))))
        for other, dashed in ordered[:MAXIMUM]:
            ends = (other, self.name) if side == "in" else (self.name, other)
            ran = self.ran(*ends)
            style = ("dashed" if dashed else "solid") + (",bold" if ran else "")
            lines.append(self.node(other))
            lines.append(f'  "{ends[0]}" -> "{ends[1]}" [style="{style}", class="{"ran" if ran else "idle"}"];')
        self.more(lines, len(neighbours) - MAXIMUM, side)

    def dot(self):
        callers, callees, outside = self.callers(), self.callees(), self.outside()
        host = [each for each, _ in self.static["host"].get(self.name, []) if each not in draw.LOCKS]
        if not (callers or callees or outside or host):
            return None
        levels = self.levels()
        shade = f" i{min(max(levels), 2)}" if levels else ""
        words = f'<BR/><FONT POINT-SIZE="10">seen at IRQL {", ".join(map(str, levels))}</FONT>' if levels else ""
        lines = ["digraph g {", '  graph [rankdir=LR, nodesep=0.08, ranksep=0.4, margin=0.05, fontname="Arial"];',
                 '  node [shape=box, style=rounded, fontname="Arial", fontsize=12, height=0.28, margin="0.08,0.05"];',
                 "  edge [arrowsize=0.6];", f'  "{self.name}" [class="ran{shade}", label=<<B>{self.name}</B>{words}>];']
        self.edges(lines, [each for each in callers if each[0] != self.name], "in")
        self.edges(lines, [each for each in callees if each[0] != self.name], "out")
        for word in outside:
            component = "Windows" if word.startswith("a thread") else draw.component_of(word)
            component = "Storport" if word.startswith("Hw") else component
            lines.append(f'  "from {word}" [label=<<I>{component}</I><BR/>{word}>, class="box", style=""];')
            lines.append(f'  "from {word}" -> "{self.name}" [style="dashed,bold", class="ran"];')
        for component in dict.fromkeys(draw.component_of(each) for each in host):
            box = draw.Box(component)
            for each in host:
                if draw.component_of(each) == component:
                    box.add(each, False)
            lines.append(f'  "to {component}" [label={box.label()}, class="box", style=""];')
            lines.append(f'  "{self.name}" -> "to {component}" [class="idle"];')
        return "\n".join(lines + ["}"])

    def figure(self):
        dot = self.dot()
        if dot is None:
            return ""
        svg = subprocess.run(["dot", "-Tsvg"], input=dot, text=True, capture_output=True, check=True).stdout
        svg = svg[svg.index("<svg"):]
        size = re.search(r'width="(\d+)pt" height="(\d+)pt"', svg)
        callers = ", ".join(each for each, _ in self.callers()) or ", ".join(self.outside()) or "nobody here"
        callees = ", ".join(each for each, _ in self.callees()) or "nothing of the driver"
        words = html.escape(f"{self.name} is called by {callers}; it calls {callees}.")
        svg = svg.replace(size.group(), f'class="callgraph" role="img" aria-label="{words}" width="{size.group(1)}" '
                          f'height="{size.group(2)}"', 1)
        svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
        svg = re.sub(r' (?:fill|stroke|font-family|id|target|xlink:title)="[^"]*"', "", svg)
        svg = re.sub(r'<polygon points="[^"]*"/>\n', "", svg, count=1)
        svg = re.sub(r"<title>.*?</title>\n?", "", svg, flags=re.S)
        svg = svg.replace("xlink:href", "href")
        return f'<figure class="picture neighbours"><div class="scroll" tabindex="0">{svg}</div></figure>\n'


def read_links(tags):
    """Function -> page#anchor, and page -> [(anchor, function)]."""
    links = {}
    for member in ElementTree.parse(tags).iter("member"):
        if member.get("kind") == "function":
            links.setdefault(member.findtext("name"), member.findtext("anchorfile") + "#" + member.findtext("anchor"))
    return links


def main():
    static, runs = (json.loads(pathlib.Path(word).read_text()) for word in sys.argv[1:3])
    links, folder = read_links(sys.argv[3]), pathlib.Path(sys.argv[4])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        names = list(static["functions"])
        figures = dict(zip(names, pool.map(lambda name: Graph(name, static, runs, links).figure(), names)))
    placed = 0
    for page in sorted(folder.glob("*_8[ch].html")):
        text = page.read_text()
        parts = re.split(r'(?=<h2 class="memtitle">)', text)
        for i, part in enumerate(parts):
            match = re.match(r'<h2 class="memtitle">.*?(\w+)\(\)</h2>', part, re.S)
            figure = figures.get(match.group(1), "") if match else ""
            at = part.find('<p class="definition">')
            if figure and at >= 0:
                parts[i] = part[:at] + figure + part[at:]
                placed += 1
        text = "".join(parts)
        if "neighbours" in text:
            text = text.replace("</head>", f"<style>{draw.STYLE}</style>\n</head>", 1)
        page.write_text(text)
    if placed < len(names) / 2:
        sys.exit(f"docs: {placed} of {len(names)} functions got their picture; has Doxygen's HTML changed?")
    print(f"docs: {placed} pictures of functions and their neighbours")


if __name__ == "__main__":
    main()
