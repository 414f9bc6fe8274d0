#!/usr/bin/env python3
"""A page for each lab, and the list of them, from exercises/CHAPTER/labN-slug/README.md. The hints stay where they
are: in the terminal, one at a time.

    labs.py OUT     writes OUT/labs.md and OUT/lab-N.M.md
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    out = pathlib.Path(sys.argv[1])
    rows = []
    for path in sorted(ROOT.glob("exercises/*/lab*/README.md")):
        chapter = path.parent.parent.name
        number = re.match(r"lab(\d+)", path.parent.name).group(1)
        name, anchor = f"{int(chapter[:2])}.{number}", f"lab{int(chapter[:2])}_{number}"
        text = path.read_text()
        title = re.match(r"#\s*(.*)", text).group(1)
        fix = re.search(r"(?m)^Fix: (\d\d)$", text)
        body = re.sub(r"(?m)^Fix: \d\d$", "", "\n".join(text.splitlines()[1:])).strip()
        body = re.sub(r"(?m)^## (.*)$", lambda match: f"## {match.group(1)} {{#{anchor}_{len(match.group(1))}}}", body)
        if fix:
            body += (f"\n\n<details><summary>Afterwards</summary>\n\nThe story behind this lab is \\ref fix{fix.group(1)}. "
                     "It tells the solution.\n\n</details>\n")
        (out / f"lab-{name}.md").write_text(f"# {title} {{#{anchor}}}\n\n{body}\n")
        subject = re.sub(r"^Lab [\d.]+:\s*", "", title)
        rows.append(f"| {name} | \\subpage {anchor} \"{subject}\" | \\ref ch{chapter[:2]} |")
    if not rows:
        sys.exit("docs: exercises/ holds no lab")
    (out / "labs.md").write_text(f"""# The labs {{#labs}}

A lab is the finished driver with something missing or wrong. You see a symptom, and repair its cause. Each takes about twenty
minutes, needs one chapter of the book, and changes a few lines.

| | lab | chapter |
| --- | --- | --- |
{chr(10).join(rows)}

```sh
make labs                  the list, and how far you are
make lab LAB=6.1           makes the lab's tree: labs/6.1-...; only the driver in it is yours to change
make check LAB=6.1         builds and judges it, in a second or two
make hint LAB=6.1          the next hint
make solution LAB=6.1      what the finished driver does, once your check has passed
```

Nothing that you do in a lab touches the finished driver. `make lab LAB=6.1 AGAIN=1` begins anew and keeps what you had.
""")


if __name__ == "__main__":
    main()
