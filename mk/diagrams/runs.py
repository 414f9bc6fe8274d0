#!/usr/bin/env python3
"""What really runs: named runs under the seeded scheduler, recorded by a driver that announces its
functions (build/calls/vmini.so).

A run is a script for `nthost run`; what counts of it lies between two lines "trace 1", whose answer
is the number of a record. From the trace come, for each thread, who called whom, at which IRQL, and
which routine of Windows.

    runs.py NTHOST DRIVER DIRECTORY     leaves DIRECTORY/NAME.json (the trace) and writes to standard
                                        output, as JSON: run -> calls, routines, levels, order
"""

import json
import os
import pathlib
import re
import subprocess
import sys

# What is between the marks is what the run is named for.
RUNS = {
    "start": ["--no-start", "", ["start"]],
    "connect": ["", "", ["connect disk.img", "settle"]],
    "first-read": ["--disk disk.img", "", ["cdb 0:0:0 28 00 00 00 00 08 00 00 01 00 in 512"]],
    "failed-read": ["--disk disk.img", "", ["cdb 0:0:0 28 00 00 00 80 00 00 00 01 00 in 512"]],
    "disconnect": ["--disk disk.img", "", ["disconnect 0:0:0", "settle"]],
    "reset": ["--disk disk.img", "fault read 1 hang", ["cdb 0:0:0 28 00 00 00 00 08 00 00 01 00 in 512"]],
    "unload": ["--disk disk.img", "", ["remove", "unload"]],
}


def run(nthost, driver, directory, name):
    options, before, commands = RUNS[name]
    script = [line for line in (before, "trace 1", *commands, "trace 1") if line]
    inf = pathlib.Path("src/driver/05-install/vmini.inf").resolve()
    with open(directory / "disk.img", "wb") as image:
        image.truncate(16 << 20)
    result = subprocess.run(
        [nthost, "run", "--driver", driver, "--inf", inf, *options.split(), "--trace", f"{name}.json"],
        input="\n".join(script) + "\n", cwd=directory, text=True, capture_output=True, check=False)
    marks = [int(mark) for mark in re.findall(r"^ *(\d+) +\d+\.\d{7} T\d", result.stdout, re.M)]
    if result.returncode != 0 or not 1 <= len(marks) <= 2:
        sys.exit(f"diagrams: the run {name!r} failed:\n{result.stdout}{result.stderr}")
    first = marks[0] if len(marks) == 2 else 0  # Before "start" there may be no record at all.
    with open(directory / f"{name}.json", encoding="utf-8") as file:
        return json.load(file)["traceEvents"], first, marks[-1]


class Recorder:
    """Walks through a trace and keeps, for each thread, what it is inside of."""

    def __init__(self):
        self.stacks, self.last_routine = {}, {}
        self.calls, self.routines, self.levels, self.order = {}, {}, {}, []

    def enter(self, event, counted):
        thread, name = event["tid"], event["name"]
        stack = self.stacks.setdefault(thread, [])
        if counted and event["cat"] == "function":
            caller = self.caller(stack, event)
            if " " not in caller and caller != "thread" and caller not in self.order:
                self.order.append(caller)  # It was entered before the run began.
                self.levels.setdefault(caller, set()).add(event["args"]["irql"])
            self.calls.setdefault(caller, []).append(name)
            self.levels.setdefault(name, set()).add(event["args"]["irql"])
            self.order.append(name)
        stack.append((event["cat"], name))

    def caller(self, stack, event):
        """A function of the driver, or, from outside, the routine or callback that led here."""
        if event["args"]["caller"] == "driver":
            return stack[-1][1]
        if stack and stack[-1][0] == "callback":
            return "callback " + stack[-1][1]
        if stack:
            return "routine " + self.last_routine.get(event["tid"], "?")
        return "thread"

    def leave(self, event):
        stack = self.stacks.get(event["tid"], [])
        if stack:
            stack.pop()

    def routine(self, event, counted):
        if event["args"]["caller"] != "driver":
            return
        self.last_routine[event["tid"]] = event["name"]
        stack = self.stacks.get(event["tid"], [])
        if counted and stack:
            self.routines.setdefault(stack[-1][1], []).append(event["name"])


def record(events, first, last):
    recorder = Recorder()
    for event in events:
        if event["ph"] in "MC":
            continue
        counted = first < event["args"]["record"] <= last
        if event["ph"] == "B":
            recorder.enter(event, counted)
        elif event["ph"] == "E":
            recorder.leave(event)
        elif event["cat"] == "routine":
            recorder.routine(event, counted)
    unique = lambda names: list(dict.fromkeys(names))
    return {
        "calls": {name: unique(each) for name, each in recorder.calls.items()},
        "routines": {name: unique(each) for name, each in recorder.routines.items()},
        "levels": {name: sorted(each) for name, each in recorder.levels.items()},
        "order": unique(recorder.order),
    }


def main():
    nthost, driver = (os.path.abspath(word) for word in sys.argv[1:3])
    directory = pathlib.Path(sys.argv[3])
    runs = {name: record(*run(nthost, driver, directory, name)) for name in RUNS}
    print("{")
    for name, recorded in runs.items():
        parts = ",\n".join(f' "{part}": {json.dumps(words)}' for part, words in recorded.items())
        print(f'"{name}": {{\n{parts}\n}}' + ("," if name != list(runs)[-1] else ""))
    print("}")


if __name__ == "__main__":
    main()
