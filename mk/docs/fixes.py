#!/usr/bin/env python3
"""A page for each fix, and the list of them, from chapters/06-compliance/NN-slug: the story, its two
answers side by side with the bytes that differ, what a decoder that nobody here wrote makes of those
bytes, the diff, what fails without the fix, and what to type.

    fixes.py OUT PIECES     writes OUT/fixes.md, OUT/fix-NN.md and PIECES/fix-NN-answers.html
"""

import difflib
import html
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIXES = ROOT / "chapters/06-compliance"
HEX_LINE = re.compile(r"^  ([0-9a-f]{6})  ((?:[0-9a-f]{2} {1,2})+) *\|(.*)\|$")
# Who can read an answer: the beginning of the line above the bytes, the CDB's second byte -> command.
DECODERS = [
    ("INQUIRY", lambda cdb: len(cdb) > 1 and cdb[1] & 1, lambda cdb, file: ["sg_vpd", f"--inhex={file}"]),
    ("INQUIRY", lambda cdb: True, lambda cdb, file: ["sg_inq", f"--inhex={file}"]),
    ("MODE SENSE(6)", lambda cdb: True, lambda cdb, file: ["sdparm", "--six", f"--inhex={file}"]),
    ("MODE SENSE(10)", lambda cdb: True, lambda cdb, file: ["sdparm", f"--inhex={file}"]),
]


class Failure(Exception):
    """Something that the reader can act on."""


class Fix:
    def __init__(self, folder):
        self.folder = folder
        self.number, self.slug = folder.name[:2], folder.name
        lines = (folder / "README.md").read_text().splitlines()
        self.title = re.sub(r"^#\s*(?:\d\d\s*·\s*)?", "", lines[0])
        self.body = "\n".join(lines[1:]).strip()
        self.patch = (folder / "fix.patch").read_text()
        self.files = re.findall(r"^\+\+\+ b/(.*)$", self.patch, re.M)
        self.checks = [line.split("#")[0].strip() for line in (folder / "checks").read_text().splitlines()]
        self.checks = [line for line in self.checks if line]
        capture = folder / "capture"
        self.capture = capture.read_text().splitlines() if capture.is_file() else []

    def block(self, name):
        match = re.search(rf"```{name}\n(.*?)```", self.body, re.S)
        return match.group(1).rstrip("\n").split("\n") if match else None

    def cdbs(self):
        """The CDBs behind the answers, in order."""
        return [[int(byte, 16) for byte in re.findall(r"\b[0-9a-f]{2}\b", line.split(":", 2)[2].split(" in ")[0][1:])]
                for line in self.capture if re.match(r"!?cdb ", line)]


# --- the two answers ---

def mark_bytes(line, other):
    """A line of a dump; bytes that the other side has otherwise are marked."""
    mine, theirs = HEX_LINE.match(line), HEX_LINE.match(other or "")
    if not mine:
        return html.escape(line)
    bytes_there = theirs.group(2).split() if theirs and theirs.group(1) == mine.group(1) else []
    out = f"  {mine.group(1)}  "
    for i, byte in enumerate(mine.group(2).split()):
        same = i < len(bytes_there) and bytes_there[i] == byte
        out += byte if same else f"<mark>{byte}</mark>"
        out += "  " if i == 7 else " "
    return out.rstrip()


def pair_lines(before, after):
    """Lines of both sides, those that belong together in one row."""
    key = lambda line: HEX_LINE.match(line).group(1) if HEX_LINE.match(line) else re.sub(r"\d+|0x\w+", "#", line)
    matcher = difflib.SequenceMatcher(None, list(map(key, before)), list(map(key, after)), autojunk=False)
    for kind, i, i_end, j, j_end in matcher.get_opcodes():
        left, right = before[i:i_end], after[j:j_end]
        for k in range(max(len(left), len(right))):
            yield (left[k] if k < len(left) else None), (right[k] if k < len(right) else None)


def side(line, other):
    if line is None:
        return "<td></td>"
    text = mark_bytes(line, other)
    if line != other and "<mark>" not in text:
        text = f"<mark>{text}</mark>"
    return f"<td>{text}</td>"


def two_columns(before, after, left, right):
    rows = "".join(f"<tr>{side(a, b)}{side(b, a)}</tr>" for a, b in pair_lines(before, after))
    return (f'<div class="scroll"><table class="sides"><tr><th>{left}</th><th>{right}</th></tr>{rows}</table></div>\n')


# --- the outside decoder ---

def answers(lines):
    """(head line, bytes) of each command in a block."""
    found = []
    for line in lines:
        match = HEX_LINE.match(line)
        if match and found and int(match.group(1), 16) == len(found[-1][1]):
            found[-1][1].extend(int(byte, 16) for byte in match.group(2).split())
        elif not match and re.match(r"  [A-Z]", line):
            found.append((line.strip(), []))
    return found


def decode(head, data, cdb):
    for name, fits, command in DECODERS:
        if not head.startswith(name + ":") or not fits(cdb) or not data:
            continue
        with tempfile.NamedTemporaryFile("w", suffix=".hex") as file:
            file.write(" ".join(f"{byte:02x}" for byte in data) + "\n")
            file.flush()
            words = command(cdb, file.name)
            result = subprocess.run(words, text=True, capture_output=True, check=False)
        shown = re.sub(r"--inhex=\S+", "--inhex=answer", " ".join(words))
        said = (result.stdout + result.stderr).rstrip().replace(file.name, "answer")
        return [f"$ {shown}", *said.split("\n")]
    return []


def decoders(fix, before, after):
    """What the decoders say of each answer of both sides; "" if they say nothing."""
    sides = []
    for lines in (before, after):
        said = []
        for i, (head, data) in enumerate(answers(lines)):
            cdbs = fix.cdbs()
            said += decode(head, data, cdbs[i] if i < len(cdbs) else [])
        sides.append(said)
    return two_columns(*sides, "of the driver before", "of the driver after") if sides[0] else ""


# --- the page ---

def sections(body):
    """The story without its answers: [(name or None, text)] by its **Name.** paragraphs."""
    text = re.sub(r"(?:Before:\n+)?```before\n.*?```\n?", "@ANSWERS@\n", body, flags=re.S)
    text = re.sub(r"(?:After:\n+)?```after\n.*?```\n?", "", text, flags=re.S)
    parts = re.split(r"(?m)^(?=\*\*[A-Z][^*]*\.\*\*)", text)
    return [((re.match(r"\*\*([^*]+)\.\*\*", part) or [None, None])[1], part.strip()) for part in parts if part.strip()]


def commands(fix):
    lines = [f"make diff FIX={fix.number}        this page's story and diff, in the terminal",
             f"make before FIX={fix.number}      the driver without this fix"]
    if fix.capture and fix.capture[0].startswith("#!race"):
        lines.append(f"make race FIX={fix.number}        every schedule, without the fix and with it; the story of one that fails")
    elif fix.capture and not fix.capture[0].startswith("#!case"):
        lines += ["", "truncate -s 64K disk.img     then, with each driver, type what follows ---"]
        for driver in ("build/vmini.so", f"build/variants/before-{fix.number}/build/vmini.so"):
            lines.append(f"build/nthost run --driver {driver}")
        lines += [f"> {line}" for line in fix.capture if not line.startswith(("#", "echo"))]
    elif fix.capture:
        runner, suite = re.match(r"#!case (\S+?)/(\S+?):", fix.capture[0]).groups()
        lines.append(f"build/tests/{runner}/run --only {suite}      after make test")
    return "```sh\n" + "\n".join(lines) + "\n```\n"


def checks(fix):
    rows = ["| where | check |", "| --- | --- |"]
    for check in fix.checks:
        where, _, name = check.partition(": ")
        commands = {"probe": f"`nthost probe --only {name}`", "race": f"`nthost race {name}`"}
        place = commands.get(where, f"`tests/{where}`")
        rows.append(f"| {place} | {name} |")
    return "\n".join(rows) + "\n"


def find_labs():
    """Fix number -> lab, from the line "Fix: NN" of a lab's README."""
    labs = {}
    for path in sorted(ROOT.glob("exercises/*/lab*/README.md")):
        text = path.read_text()
        match = re.search(r"^Fix: (\d\d)", text, re.M)
        if match:
            chapter = int(path.parent.parent.name[:2])
            number = re.match(r"lab(\d+)", path.parent.name).group(1)
            labs[match.group(1)] = f"{chapter}.{number}"
    return labs


def page(fix, order, labs, pieces):
    out = [f"# Fix {fix.number}: {fix.title} {{#fix{fix.number}}}\n"]
    before, after = fix.block("before"), fix.block("after")
    answers_piece, decoder_piece = "", ""
    if before and after:
        (pieces / f"fix-{fix.number}-answers.html").write_text(two_columns(before, after, "Before", "After"))
        answers_piece = f"\n\\htmlinclude fix-{fix.number}-answers.html\n"
        words = decoders(fix, before, after)
        if words:
            (pieces / f"fix-{fix.number}-decoder.html").write_text(words)
            decoder_piece = ("\n**What others read.** The same bytes, given to decoders that nobody here wrote:\n\n"
                             f"\\htmlinclude fix-{fix.number}-decoder.html\n")
    rest = []
    for name, text in sections(fix.body):
        text = text.replace("@ANSWERS@", answers_piece)
        if name == "In the article":
            rest.append(text)
            continue
        out.append(text + "\n")
        if name == "Symptom":
            out.append(decoder_piece)
    out.append(f"## The diff {{#fix{fix.number}_diff}}\n\n\\htmlinclude fix-{fix.number}-diff.html\n")
    out.append(f"## What fails without it {{#fix{fix.number}_checks}}\n\n{checks(fix)}")
    out.append(f"## Try it {{#fix{fix.number}_try}}\n\n{commands(fix)}")
    out.append(f"## Where it comes from {{#fix{fix.number}_article}}\n\n" + "\n\n".join(rest) + "\n")
    if fix.number in labs:
        out.append(f"\n**Lab {labs[fix.number]}** lets you find this fix yourself: `make lab LAB={labs[fix.number]}`; "
                   "\\ref labs \"all labs\".\n")
    at = order.index(fix.number)
    links = [f'\\ref fix{order[at - 1]} "← fix {order[at - 1]}"'] if at > 0 else []
    links.append('\\ref fixes "all fixes"')
    links += [f'\\ref fix{order[at + 1]} "fix {order[at + 1]} →"'] if at + 1 < len(order) else []
    return "\n".join(out + ["\n" + " · ".join(links) + "\n"])


def index(fixes):
    rows = ["| | fix | file | fails without it |", "| --- | --- | --- | --- |"]
    for fix in fixes:
        files = ", ".join(f"`{name.removeprefix('src/driver/')}`" for name in fix.files if name.endswith((".c", ".h", ".inf")))
        rows.append(f"| {fix.number} | \\subpage fix{fix.number} \"{fix.title}\" | {files} | {len(fix.checks)} |")
    before = min(int(fix.number) for fix in fixes if "*Beyond the article" in fix.body) - 1
    return f"""# The fixes {{#fixes}}

"Virtual Storport Tweaks" is the list of what a bus analyser found wrong in the driver of the articles. Each finding is a
fix here: a patch of a few lines that turns the driver *before* into the finished one, with its story. Those up to {before:02}
are the article's; the others are faults of the same driver that the article does not name: of most an analyser sees nothing.

{chr(10).join(rows)}

The last column counts the test cases, the checks of the probe and the races that fail when just this fix is taken out;
`make matrix` proves that exactly those do, and \\ref matrix "a page" lists them.

```sh
make diff FIX=05       one fix: its story and its patch
make before            the driver without any of them: build/variants/before
make probe             what a protocol analyser finds, before and after, side by side
make race              the fixes that are about races: each proven by schedule, with the story of one that fails
make history           a git repository with a commit for each fix, for git show and git bisect
```
"""


def main():
    out, pieces = map(pathlib.Path, sys.argv[1:])
    fixes = [Fix(folder) for folder in sorted(FIXES.glob("[0-9][0-9]-*")) if folder.is_dir()]
    labs, order = find_labs(), [fix.number for fix in fixes]
    for fix in fixes:
        (out / f"fix-{fix.number}.md").write_text(page(fix, order, labs, pieces))
    (out / "fixes.md").write_text(index(fixes))


if __name__ == "__main__":
    main()
