#!/usr/bin/env python3
"""Call graphs: the static graph (static.py) and a run (runs.py) in one picture for each section of
diagrams/pictures.ini. Solid: called by name; dashed: through a table or a pointer; bold: it happened
in the run; colour: the IRQL at which the function was entered. What belongs to other modules or to
Windows stands in one box each, by module and by component.

    draw.py STATIC.json RUNS.json DIRECTORY     writes DIRECTORY/CHAPTER/NAME.dot and .svg
"""

import configparser
import html
import json
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MAXIMUM_NODES = 25
MAXIMUM_WIDTH = 1000  # Pixels; letters are 12 high.
BOX_LINES = 5
# The prefix of a routine of Windows is the component that exports it.
COMPONENTS = [("StorPort", "Storport"), ("Io", "I/O manager"), ("Ke", "Kernel"), ("Ex", "Executive"),
              ("Ps", "Process manager"), ("Mm", "Memory manager"), ("Ob", "Object manager"),
              ("Se", "Security"), ("Zw", "System services")]
STYLE = """
.callgraph{--box:#fff;--ink:#1b2430;--dim:#5c6773;--line:#7b8794;--i0:#dff0e3;--i1:#d9e6f7;--i2:#fbe0c3;--other:#eef0f3}
@media(prefers-color-scheme:dark){html:not(.light-mode) .callgraph,.callgraph:root{--box:#1c2128;--ink:#e4e8ee;--dim:#9aa5b1;--line:#8793a0;--i0:#1f4a33;--i1:#1f3d66;--i2:#6b4416;--other:#2b323b}}
html.dark-mode .callgraph{--box:#1c2128;--ink:#e4e8ee;--dim:#9aa5b1;--line:#8793a0;--i0:#1f4a33;--i1:#1f3d66;--i2:#6b4416;--other:#2b323b}
.callgraph text{fill:var(--ink);font-family:Arial,Helvetica,'Liberation Sans',sans-serif}
.callgraph .idle text{fill:var(--dim)}
.callgraph .node polygon,.callgraph .node path{fill:var(--box);stroke:var(--line)}
.callgraph .i0 path{fill:var(--i0)}.callgraph .i1 path{fill:var(--i1)}.callgraph .i2 path{fill:var(--i2)}
.callgraph .box polygon,.callgraph .box path{fill:var(--other)}
.callgraph .edge path{stroke:var(--line);fill:none}.callgraph .edge polygon{stroke:var(--line);fill:var(--line)}
.callgraph .ran.edge path{stroke:var(--ink)}.callgraph .ran.edge polygon{stroke:var(--ink);fill:var(--ink)}
"""


# What the trace calls otherwise than the source.
SOURCE_NAMES = {"IofCallDriver": "IoCallDriver", "ObfDereferenceObject": "ObDereferenceObject"}
# Every function with a lock would point at them; the swim-lanes show locks.
LOCKS = {"KeAcquireSpinLock", "KeReleaseSpinLock"}


class Failure(Exception):
    """Something that the reader can act on."""


def component_of(routine):
    for prefix, name in COMPONENTS:
        if routine.startswith(prefix) or (prefix in ("Io", "Ob") and routine.startswith(prefix + "f")):
            return name
    return "Kernel"


class Box:
    """A node for many: another module, a component of Windows, or the other rows of a table."""

    def __init__(self, title):
        self.title, self.lines = title, {}

    def add(self, line, ran):
        self.lines[line] = self.lines.get(line, False) or ran

    def label(self):
        ordered = sorted(self.lines, key=lambda line: not self.lines[line])
        shown = ordered if len(ordered) <= BOX_LINES else ordered[:BOX_LINES - 1]
        rows = [f"<TR><TD ALIGN=\"LEFT\"><I>{html.escape(self.title)}</I></TD></TR>"]
        for line in shown:
            text = html.escape(line)
            rows.append(f'<TR><TD ALIGN="LEFT">{"<B>" + text + "</B>" if self.lines[line] else text}</TD></TR>')
        if len(shown) < len(ordered):
            rows.append(f'<TR><TD ALIGN="LEFT">and {len(ordered) - len(shown)} more</TD></TR>')
        return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>>'


class Picture:
    """One section: which functions, boxes and edges it has."""

    def __init__(self, name, section, static, run):
        self.name, self.section, self.static, self.run = name, section, static, run
        self.module = name.split("/")[0]
        self.functions = static["functions"]
        self.without = [word.strip() for word in section.get("without", "").split(",") if word.strip()]
        self.hidden = set(section.get("hide", "").split())
        self.boxes, self.edges = {}, {}
        self.dropped_ran = self.dropped_idle = 0
        self.nodes = self.choose_ran()
        while True:
            self.connect()
            over = len(self.nodes) + len(self.boxes) - MAXIMUM_NODES
            if over <= 0:
                break
            self.drop_helper()
        self.add_idle()

    def mine(self, function):
        return self.functions.get(function, {}).get("module") == self.module

    def choose_ran(self):
        only = self.section.get("only", "").split()
        ran = [name for name in self.run["order"] if self.mine(name)]
        unknown = [name for name in [*only, *self.hidden] if name not in self.functions]
        if unknown:
            raise Failure(f"pictures.ini, [{self.name}]: there is no function {unknown[0]}")
        chosen = [name for name in ran if name not in self.hidden and (not only or name in only)]
        if not chosen:
            raise Failure(f"[{self.name}]: the run {self.section['run']!r} meets no function of it")
        self.dropped_ran = len(ran) - len(chosen)
        return chosen

    def calls(self, name):
        """(callee, dashed) by name and through pointers."""
        direct = [(each, False) for each in self.static["calls"].get(name, [])]
        return direct + [(each, True) for each, _ in self.static["dispatch"].get(name, [])]

    def did_call(self, caller, callee):
        return callee in self.run["calls"].get(caller, [])

    def edge(self, start, end, dashed, ran):
        old = self.edges.get((start, end), (True, False))
        self.edges[start, end] = (old[0] and dashed, old[1] or ran)

    def box(self, key, title, line, ran):
        self.boxes.setdefault(key, Box(title)).add(line, ran)
        return key

    def connect(self):
        self.boxes, self.edges = {}, {}
        for name in self.nodes:
            for callee, dashed in self.calls(name):
                self.connect_call(name, callee, dashed)
            self.connect_host(name)
        self.connect_callers()

    def connect_call(self, name, callee, dashed):
        ran = self.did_call(name, callee)
        if callee in self.nodes:
            self.edge(name, callee, dashed, ran)
        elif ran and not self.mine(callee):
            module = self.functions[callee]["module"]
            self.edge(name, self.box(module, module, callee, True), dashed, True)
        elif dashed:
            table = dict(map(tuple, self.static["dispatch"][name]))[callee]
            title = f"others in {table}" if table in self.static["tables"] else f"others for {table}"
            self.edge(name, self.box("table " + table, title, callee, ran), True, ran)

    def connect_host(self, name):
        executed = self.run["routines"].get(name, [])
        for routine, real in self.static["host"].get(name, []):
            ran = real in executed or (real == "StorPort" and any(each.startswith("StorPort") for each in executed))
            component = component_of(routine)
            if ran and routine not in LOCKS and component not in self.without:
                self.edge(name, self.box(component, component, routine, True), False, True)

    def connect_callers(self):
        for caller, callees in self.run["calls"].items():
            for callee in callees:
                if callee not in self.nodes or caller in self.nodes:
                    continue
                kind, _, word = caller.partition(" ")
                if caller in self.functions and not self.mine(caller):
                    module = self.functions[caller]["module"]
                    dashed = callee not in self.static["calls"].get(caller, [])
                    box = self.box("from " + module, module, caller, True)
                    self.edge(box, callee, dashed, True)
                elif kind == "callback":
                    owner = "I/O manager" if word.startswith("Driver") else "Storport"
                    self.edge(self.box(owner, owner, word, True), callee, True, True)
                elif kind == "routine":
                    component, word = component_of(word), SOURCE_NAMES.get(word, word)
                    if word.startswith(("Ke", "?")):  # The lock that a routine of IoCsq* wants first.
                        component, word = "I/O manager", "IoCsq*"
                    self.edge(self.box(component, component, word, True), callee, True, True)
                elif caller == "thread":
                    title = "Process manager"
                    self.edge(self.box(title, title, "a system thread", True), callee, True, True)

    def drop_helper(self):
        """Takes out one function that ran: of those that call nothing shown here and nothing of
        Windows, the one with the fewest callers, the last first."""
        def weight(name):
            out = [edge for edge in self.edges if edge[0] == name]
            into = [edge for edge in self.edges if edge[1] == name]
            public = not self.functions[name]["static"]
            return (len(out) > 0, public, len(out), len(into), -self.nodes.index(name))
        victim = min(self.nodes, key=weight)
        if any(edge[0] == victim for edge in self.edges) and weight(victim)[2] > 2:
            raise Failure(f"[{self.name}] has {len(self.nodes)} functions and {len(self.boxes)} boxes, "
                          f"more than {MAXIMUM_NODES}: name in pictures.ini what to hide")
        self.nodes.remove(victim)
        self.dropped_ran += 1

    def add_idle(self):
        """What could be called next to what ran, as long as there is room."""
        idle = [callee for name in self.nodes for callee, dashed in self.calls(name)
                if not dashed and self.mine(callee) and callee not in self.run["order"]
                and callee not in self.hidden]
        idle = list(dict.fromkeys(idle))
        room = max(0, MAXIMUM_NODES - len(self.nodes) - len(self.boxes))
        room = min(room, int(self.section.get("idle", "4")))
        self.dropped_idle = max(0, len(idle) - room)
        self.nodes += idle[:room]
        ran = [name for name in self.nodes if name in self.run["order"]]
        for name in ran:
            for callee, dashed in self.calls(name):
                if callee in self.nodes and not dashed:
                    self.edge(name, callee, dashed, self.did_call(name, callee))

    def node_line(self, name):
        levels = self.run["levels"].get(name)
        if levels is None or name not in self.run["order"]:
            return f'  "{name}" [class="idle"];'
        words = "IRQL " + ", ".join(map(str, levels))
        number = 1 + [each for each in self.run["order"] if each in self.nodes].index(name)
        return (f'  "{name}" [class="ran i{min(max(levels), 2)}", '
                f'label=<{number}&#160;&#160;<B>{name}</B><BR/><FONT POINT-SIZE="10">{words}</FONT>>];')

    def dot(self):
        lines = ["// Made by `make diagrams` from the source, its tables and a recorded run.",
                 f"digraph {json.dumps(self.name)} {{",
                 f'  graph [rankdir={self.section.get("rankdir", "LR")}, nodesep=0.12, ranksep=0.35, '
                 'margin=0.05, fontname="Arial"];',
                 '  node [shape=box, style=rounded, fontname="Arial", fontsize=12, height=0.3, margin="0.08,0.06"];',
                 "  edge [arrowsize=0.6];"]
        lines += [self.node_line(name) for name in self.nodes]
        lines += [f'  "{key}" [class="box", shape=box, style="", label={box.label()}];' for key, box in self.boxes.items()]
        for (start, end), (dashed, ran) in self.edges.items():
            style = ("dashed" if dashed else "solid") + (",bold" if ran else "")
            width = ", penwidth=2" if ran else ""
            lines.append(f'  "{start}" -> "{end}" [style="{style}"{width}, class="{"ran" if ran else "idle"}"];')
        return "\n".join(lines + ["}", ""])

    def caption(self):
        left = []
        if self.dropped_ran:
            left.append(f"{self.dropped_ran} that ran as well")
        if self.dropped_idle:
            left.append(f"{self.dropped_idle} that could be called next to these")
        rest = f" Left out of this module: {' and '.join(left)}." if left else ""
        undrawn = " or ".join(["spin locks", *(f"calls of the {name}" for name in self.without)])
        return (f"Bold and numbered: what ran in “{self.section['run']}”, in the order of its first call. Solid: "
                f"called by name. Dashed: through a table or a pointer. Colour: the IRQL at entry. {undrawn[0].upper() + undrawn[1:]} are not drawn.{rest}")

    def words(self):
        """The picture for those who do not see it."""
        parts = []
        for name in [each for each in self.run["order"] if each in self.nodes]:
            callers = [key for key, value in self.run["calls"].items() if name in value]
            levels = ", ".join(map(str, self.run["levels"][name]))
            called = f", called by {callers[0]}" if callers else ", which was running already"
            parts.append(f"{name} at IRQL {levels}{called}")
        return "In the order of the run: " + "; ".join(parts) + "."


def make_svg(picture, dot):
    result = subprocess.run(["dot", "-Tsvg"], input=dot, text=True, capture_output=True, check=False)
    if result.returncode != 0:
        raise Failure(f"[{picture.name}]: dot says: {result.stderr}")
    svg = result.stdout[result.stdout.index("<svg"):]
    size = re.search(r'width="(\d+)pt" height="(\d+)pt"', svg)
    # A point of Graphviz is a pixel here: letters of 12 points are 12 pixels high.
    width, height = int(size.group(1)), int(size.group(2))
    if width > MAXIMUM_WIDTH:
        raise Failure(f"[{picture.name}] is {width} pixels wide, more than {MAXIMUM_WIDTH}: change rankdir, "
                      "or name what to hide, in pictures.ini")
    svg = svg.replace(size.group(), f'class="callgraph" role="img" width="{width}" height="{height}"', 1)
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
    svg = re.sub(r' (?:fill|stroke|font-family)="[^"]*"', "", svg)
    svg = re.sub(r'<polygon points="[^"]*"/>\n', "", svg, count=1)  # The white page.
    svg = re.sub(r"<title>.*?</title>\n?", "", svg, flags=re.S)
    head = (f"<title>{html.escape(picture.section['question'])}</title>\n"
            f"<desc>{html.escape(picture.words())}</desc>\n"
            f"<metadata>{html.escape(picture.caption())}</metadata>\n<style>{STYLE}</style>\n")
    return re.sub(r"(<svg[^>]*>\n?)", lambda match: match.group() + head, svg, count=1)


def check_runs(static, runs):
    """Each call that happened must be one that the static graph knows."""
    for run, recorded in runs.items():
        for caller, callees in recorded["calls"].items():
            if caller not in static["functions"]:
                continue
            known = static["calls"][caller] + [each for each, _ in static["dispatch"].get(caller, [])]
            for callee in callees:
                if callee not in known:
                    raise Failure(f"in the run {run!r} {caller} called {callee}; static.py sees no way")


def main():
    static, runs = (json.loads(pathlib.Path(word).read_text()) for word in sys.argv[1:3])
    directory = pathlib.Path(sys.argv[3])
    pictures = configparser.ConfigParser(interpolation=None)
    pictures.read(ROOT / "diagrams/pictures.ini")
    check_runs(static, runs)
    bad = []
    for name in pictures.sections():
        try:
            if pictures[name]["run"] not in runs:
                raise Failure(f"[{name}]: there is no run {pictures[name]['run']!r}")
            picture = Picture(name, pictures[name], static, runs[pictures[name]["run"]])
            dot = picture.dot()
            path = directory / f"{name}.dot"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dot)
            path.with_suffix(".svg").write_text(make_svg(picture, dot))
        except Failure as failure:
            bad.append(str(failure))
    if bad:
        raise Failure("\n".join(bad))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(textwrap.indent(str(failure), "diagrams: "), file=sys.stderr)
        sys.exit(1)
