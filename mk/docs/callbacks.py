#!/usr/bin/env python3
"""The table of callbacks: every function of the driver whose comment says \\thread{...}, with what its
comment says of IRQL and locks.

    callbacks.py OUT     writes OUT/callbacks.md
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMMENT = re.compile(r"/\*\*((?:(?!\*/).)*?\\thread\{(?:(?!\*/).)*?)\*/\s*([^;{}]*?)(\w+)\s*[;(]", re.S)


def tag(text, name):
    found = re.findall(rf"\\{name}\{{([^}}]*)\}}", text)
    return ", ".join(found) if found else "none"


def brief(text):
    """The first sentence, without the tags."""
    text = re.sub(r"\\(?:copydoc \w+|\w+\{[^}]*\})", "", text)
    text = " ".join(line.strip().lstrip("*").strip() for line in text.split("\n")).strip()
    return re.split(r"(?<=[.;])\s", text, maxsplit=1)[0].rstrip(":;")


def main():
    rows = []
    for path in sorted((ROOT / "src/driver").glob("**/*.[ch]")):
        for match in COMMENT.finditer(path.read_text()):
            text, _, name = match.groups()
            rows.append((path.parent.name, name, brief(text), tag(text, "irql"), tag(text, "locks"), tag(text, "thread")))
    if len(rows) < 10:
        sys.exit("docs: the comments name hardly any callback: has \\thread{} gone?")
    lines = [f"| \\ref {name} | {what} | {irql} | {locks} | {thread} |" for _, name, what, irql, locks, thread in sorted(rows)]
    (pathlib.Path(sys.argv[1]) / "callbacks.md").write_text(
        "# Who calls us, at which IRQL, in which thread {#callbacks}\n\n"
        "Everything that Windows calls in this driver, by chapter. The table is made from the comments of the functions.\n"
        "*IRQL* is the range that a function must be right at, *locks* what the caller holds, *thread* whose it is. Our own\n"
        "threads are in it too: their routine is called once and returns when the adapter goes.\n\n"
        "| callback | what it is for | IRQL | locks | thread |\n| --- | --- | --- | --- | --- |\n"
        + "\n".join(lines) + "\n\nThree things to remember of it: nothing may wait in the rows with DISPATCH_LEVEL; nobody holds a lock of *ours* when\n"
        "he calls us; and a file is touched only in the rows whose thread is our own.\n")


if __name__ == "__main__":
    main()
