#!/usr/bin/env python3
"""The speed of `nthost serve` beside that of tgtd, in one run: the same file, the same clients.

    bench_iscsi.py            prints the table
    bench_iscsi.py --page     and keeps it in chapters/real-initiators.md

Each row is measured some times, tgtd and ours in turn, so that whatever else the machine does hits both; the table shows
medians, and the median of the ratios. Only ratios mean anything on another machine. The last column is what a bare TCP
exchange of the same size and depth reaches here (tests/bench/pingpong.c): no target can be faster.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import conformance
from tgtd import NotThere, Tgtd

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
REPEAT = int(os.environ.get("BENCH_REPEAT", "5"))
IMAGE_BYTES = 256 << 20
Failure = conformance.Failure


def run(command, check=True, seconds=300):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except FileNotFoundError:
        raise Failure("there is no %s; make deps-serve installs it" % command[0])
    if check and done.returncode != 0:
        raise Failure("%s: %s" % (" ".join(command), (done.stderr or done.stdout).strip()))
    return done.stdout + done.stderr


def serve(image):
    process = subprocess.Popen([str(ROOT / BUILD / "nthost"), "serve", "--port", "0", image], stdout=subprocess.PIPE, text=True)
    url = None
    for line in process.stdout:
        found = re.search(r"iscsi://\S+", line)
        url = found.group(0) if found else url
        if line.strip() == "ready":
            return process, url
    raise Failure("nthost serve did not start")


def qemu(url, write, size, depth, count):
    flags = ["-w"] if write else []
    text = run(["qemu-img", "bench", *flags, "-f", "raw", "-c", str(count), "-d", str(depth), "-s", str(size), url])
    return count / float(re.search(r"completed in ([\d.]+) seconds", text).group(1))


def perf(url, random, size, depth, _count):
    command = ["iscsi-perf", "-m", str(depth), "-b", str(size // 512), "-t", "1"] + (["-r"] if random else []) + [url]
    for _ in range(5):
        try:
            text = run(command, check=False, seconds=20)
            break
        except subprocess.TimeoutExpired:
            text = "it missed its own alarm five times"  # which it does on a busy machine
    found = re.findall(r"iops average (\d+)", text)
    if not found:
        raise Failure("iscsi-perf: " + text.strip())
    return float(found[-1])


#        client, write or random, bytes, depth, operations, goal (ratio)
ROWS = [
    ("qemu-img, read", qemu, False, 4096, 1, 10000, 1.0),
    ("qemu-img, write", qemu, True, 4096, 1, 10000, 1.0),
    ("qemu-img, read", qemu, False, 4096, 32, 60000, 1.5),
    ("qemu-img, write", qemu, True, 4096, 32, 60000, 1.5),
    ("qemu-img, read", qemu, False, 65536, 32, 15000, 1.0),
    ("qemu-img, write", qemu, True, 65536, 32, 15000, 2.0),
    ("iscsi-perf, read", perf, False, 4096, 1, 0, 1.0),
    ("iscsi-perf, random read", perf, True, 4096, 32, 0, 1.5),
    ("iscsi-perf, random read", perf, True, 65536, 32, 0, 1.0),
]


def measure(tgtd, ours):
    lines = ["| client | bytes | depth | tgtd | ours | ratio | goal | bare TCP |", "| --- | --- | --- | --- | --- | --- | --- | --- |"]
    ceilings, missed = {}, []
    for label, client, how, size, depth, count, goal in ROWS:
        theirs, own, ratios = [], [], []
        for _ in range(REPEAT):
            theirs.append(client(tgtd, how, size, depth, count))
            own.append(client(ours, how, size, depth, count))
            ratios.append(own[-1] / theirs[-1])
        if (size, depth) not in ceilings:
            ceilings[size, depth] = float(run([str(ROOT / BUILD / "pingpong"), str(size), str(depth), "1"]))
        ratio = statistics.median(ratios)
        lines.append("| %s | %d | %d | %.0f | %.0f | %.2f | %.1f | %.0f |" % (
            label, size, depth, statistics.median(theirs), statistics.median(own), ratio, goal, ceilings[size, depth]))
        print(lines[-1])
        sys.stdout.flush()
        if ratio < goal:
            missed.append("%s, %d bytes, depth %d: %.2f of tgtd's, wanted %.1f" % (label, size, depth, ratio, goal))
    return lines, missed


def resident(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def memory(image):
    """64 sessions, each with reads of 64 KiB in flight -> the most memory that was resident, in MiB."""
    process, url = serve(image)
    clients = [subprocess.Popen(["iscsi-perf", "-i", "iqn.2010-05.example.vmini:bench-%d" % i, "-m", "8", "-b", "128", "-t", "60", url],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for i in range(64)]
    time.sleep(10)
    lost = sum(1 for client in clients if client.poll() is not None)
    most = resident(process.pid)
    for client in clients:
        client.kill()
        client.wait()
    process.terminate()
    process.wait()
    if lost:
        raise Failure("%d of 64 sessions ended by themselves" % lost)
    return most


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true")
    options = parser.parse_args()
    directory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="vmini-bench-", dir=directory) as work:
        image = os.path.join(work, "disk.img")
        with open(image, "wb") as file:
            file.write(os.urandom(1 << 20) * (IMAGE_BYTES >> 20))
        process, url = serve(image)
        tgtd = Tgtd(image)
        try:
            lines, missed = measure(tgtd.url, url)
        finally:
            tgtd.close()
            process.terminate()
            process.wait()
        most = memory(image)
    lines += ["", "64 sessions, 8 reads of 64 KiB in flight in each: at most %.0f MiB resident." % most]
    print(lines[-1])
    if most > 64:
        missed.append("%.0f MiB resident with 64 sessions, wanted 64" % most)
    if options.page:
        conformance.keep("bench", "\n".join(lines), "make bench-iscsi")
        print("bench: the table of chapters/real-initiators.md is new")
    for line in missed:
        print("bench: missed: " + line)
    return 1 if missed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, NotThere) as failure:
        print("bench: %s" % failure, file=sys.stderr)
        sys.exit(2)
