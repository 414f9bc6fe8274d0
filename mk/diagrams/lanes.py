#!/usr/bin/env python3
"""Swim-lanes of the one READ(10) that the chapters follow, from the run "first-read" (runs.py): the
whole way, and for each chapter that it meets the part that its functions play.

    lanes.py NTHOST STATIC.json FIRST-READ.json DIRECTORY     writes DIRECTORY/CHAPTER/read-lanes.svg
"""

import json
import pathlib
import subprocess
import sys

CHAPTERS = {
    "00-how-to-read": "One READ(10): every function of the driver, every routine that it calls",
    "02-dispatch": "The READ(10), as chapter 2 sees it",
    "03-scsi": "The READ(10), as chapter 3 sees it",
    "04-workers": "The READ(10), as chapter 4 sees it",
    "06-compliance": "The READ(10), as chapter 6 sees it",
}


def main():
    nthost, static, trace, directory = sys.argv[1:]
    functions = json.loads(pathlib.Path(static).read_text())["functions"]
    for chapter, title in CHAPTERS.items():
        mine = [name for name, each in functions.items() if each["module"] == chapter]
        path = pathlib.Path(directory) / chapter
        path.mkdir(parents=True, exist_ok=True)
        command = [nthost, "trace", "render", trace, "--srb", "READ(10)", "--title", title,
                   "--output", str(path / "read-lanes.svg")]
        if mine:
            only = pathlib.Path(trace).with_suffix(".only")
            only.write_text("".join(f"{name}\n" for name in mine))
            command += ["--only", str(only)]
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"diagrams: no swim-lane for {chapter}")


if __name__ == "__main__":
    main()
