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
    "00-how-to-read": "One READ(10), SRB #{srb}: every function of the driver, every routine of Windows that it calls",
    "02-dispatch": "SRB #{srb}, as chapter 2 sees it",
    "03-scsi": "SRB #{srb}, as chapter 3 sees it",
    "04-workers": "SRB #{srb}, as chapter 4 sees it",
    "06-compliance": "SRB #{srb}, as chapter 6 sees it",
}


def main():
    nthost, static, trace, directory = sys.argv[1:]
    functions = json.loads(pathlib.Path(static).read_text())["functions"]
    events = json.loads(pathlib.Path(trace).read_text())["traceEvents"]
    srb = [event["id"] for event in events if event["ph"] == "b" and event["name"] == "READ(10)"][-1]
    for chapter, title in CHAPTERS.items():
        mine = [name for name, each in functions.items() if each["module"] == chapter]
        path = pathlib.Path(directory) / chapter
        path.mkdir(parents=True, exist_ok=True)
        command = [nthost, "trace", "render", trace, "--srb", str(srb), "--title", title.format(srb=srb),
                   "--output", str(path / "read-lanes.svg")]
        if mine:
            only = pathlib.Path(trace).with_suffix(".only")
            only.write_text("".join(f"{name}\n" for name in mine))
            command += ["--only", str(only)]
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"diagrams: no swim-lane for {chapter}")


if __name__ == "__main__":
    main()
