#!/usr/bin/env python3
"""Swim-lanes. Of a CONNECT, from the program's call to the answer of the INQUIRY that finds the disk;
and of the one READ(10) that the chapters follow: the whole way, and for each chapter that it meets the
part that its functions play. From the runs "connect" and "first-read" (runs.py).

    lanes.py NTHOST STATIC.json RUNS DIRECTORY     writes DIRECTORY/CHAPTER/{connect,read}-lanes.svg
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
# The stations of a CONNECT; the functions between them are left out.
STATIONS = """VminiHwProcessServiceRequest VminiCommandConnectHandler VminiBusReserveAddress VminiWorkSubmit
    VminiPendedQueue VminiWorkRun VminiMediaOpen VminiDispatchItemDone VminiConnectOpened VminiConnectMakeDevice
    VminiBusArrive VminiHwStartIo VminiSrbExecuteScsi VminiScsiExecute VminiScsiReportLuns VminiScsiInquiry
    VminiServiceEnumerated VminiPendedComplete VminiSrbComplete""".split()


def render(nthost, trace, only, options, path):
    command = [nthost, "trace", "render", str(trace), *options, "--output", str(path)]
    path.parent.mkdir(parents=True, exist_ok=True)
    if only:
        names = trace.with_suffix(".only")
        names.write_text("".join(f"{name}\n" for name in only))
        command += ["--only", str(names)]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"diagrams: no swim-lane {path}")


def connect_window(trace):
    """The records from the program's call to where the driver hears that Storport has seen the disk."""
    events = [event for event in json.loads(trace.read_text())["traceEvents"] if event["ph"] not in "MC"]
    begin = next(i for i, event in enumerate(events) if event["name"] == "HwProcessServiceRequest")
    seen = next(i for i in range(begin, len(events)) if events[i]["name"] == "VminiServiceEnumerated")
    end = next(i for i in range(seen, len(events)) if events[i]["cat"] == "return")
    return ["--from", str(events[begin]["args"]["record"]), "--to", str(events[end]["args"]["record"])]


def main():
    nthost, static, runs, directory = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    functions = json.loads(static.read_text())["functions"]
    unknown = [name for name in STATIONS if name not in functions]
    if unknown:
        sys.exit(f"diagrams: lanes.py names {unknown[0]}, which the driver does not have")
    trace = runs / "connect.json"
    render(nthost, trace, STATIONS, [*connect_window(trace), "--title", "CONNECT, until Storport has seen the disk"],
           directory / "00-how-to-read/connect-lanes.svg")
    trace = runs / "first-read.json"
    for chapter, title in CHAPTERS.items():
        mine = [name for name, each in functions.items() if each["module"] == chapter]
        render(nthost, trace, mine, ["--srb", "READ(10)", "--title", title], directory / chapter / "read-lanes.svg")


if __name__ == "__main__":
    main()
