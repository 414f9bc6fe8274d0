#!/usr/bin/env python3
"""libiscsi's conformance suite, iscsi-test-cu, against `nthost serve`, counted honestly.

    conformance.py run [--driver FILE]   the table for one driver; exit status 1: a FAIL or a SKIP whose reason
                                         tests/conformance does not know
    conformance.py fixes                 what the suite, and what our probe, notices of each of the ten fixes
    conformance.py page                  both, kept in chapters/real-initiators.md

How a verdict is counted. PASS: CUnit says "passed", and no skip text stands inside the test, not even for a part of
it; SKIP: there is one; FAIL: CUnit says "FAILED", and "disputed" if it does so as tests/conformance/disputed says, where a
test contradicts the standard. Each suite runs by itself, with -d (may destroy data), -v, and -V,
without which some skips are silent. What is expected comes from the tool's own list (-l), so a suite that cannot start
(exit status 255), that takes too long, or whose target dies, has failed in all its tests.
"""

import argparse
import collections
import fnmatch
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

from tgtd import NotThere, Tgtd

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("BUILD", "build"))
KNOWN = ROOT / "tests" / "conformance"
PAGE = ROOT / "chapters" / "real-initiators.md"
PROBE_FIXES = ["%02d" % number for number in range(1, 11)]
SECONDS = int(os.environ.get("CONFORMANCE_SECONDS", "120"))
IMAGE_BYTES = 64 << 20

PASS, FAIL, SKIP, DISPUTED = "PASS", "FAIL", "SKIP", "disputed"
VERDICTS = (PASS, FAIL, SKIP, DISPUTED)


class Failure(Exception):
    """Something that the user can read and act on."""


class Target:
    """`nthost serve` with one image, on a free port."""

    def __init__(self, arguments, driver=None):
        self.directory = tempfile.TemporaryDirectory(prefix="vmini-conformance-")
        image = os.path.join(self.directory.name, "disk.img")
        with open(image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        command = [str(ROOT / BUILD / "nthost"), "serve", "--port", "0"]
        if driver:
            command += ["--driver", str(driver)]
        self.log = open(os.path.join(self.directory.name, "log"), "w+")
        self.process = subprocess.Popen(
            command + arguments + [image], stdout=subprocess.PIPE, stderr=self.log, text=True, errors="replace"
        )
        self.urls = []
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
            self.urls += re.findall(r"iscsi://\S+", line)
        self.process.wait()
        raise Failure("nthost serve did not start: " + self.said())

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def alive(self):
        return self.process.poll() is None

    def close(self):
        """Ends it; returns whether it ended well."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:  # It waits for a command that never ends.
            self.process.kill()
            self.process.communicate()
        self.directory.cleanup()
        return self.process.returncode == 0


def expected_tests():
    """FAMILY.SUITE -> its tests, as the tool lists them."""
    try:
        text = subprocess.run(["iscsi-test-cu", "-l"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise Failure("there is no iscsi-test-cu; make deps-serve installs it (package libiscsi-bin)")
    suites = collections.OrderedDict()
    for line in text.split():
        parts = line.split(".", 2)
        if len(parts) == 3 and parts[0] in ("SCSI", "iSCSI"):
            suites.setdefault(".".join(parts[:2]), []).append(parts[2])
    if not suites:
        raise Failure("iscsi-test-cu -l lists no tests")
    return suites


def verdicts(text):
    """Test -> verdict, out of what CUnit printed."""
    found = {}
    for part in re.split(r"^  Test: ", text, flags=re.M)[1:]:
        name = part.split(" ...", 1)[0]
        # Alone on a line, or behind the name; the suite's clean-up may go on in the same line.
        ending = re.search(r"(?:^|\.\.\.)(passed|FAILED)(?=$|    )", part, flags=re.M)
        if not ending:
            continue
        if ending.group(1) == "FAILED":
            found[name] = FAIL
        else:
            body = part[: ending.start(1)]
            found[name] = SKIP if re.search(r"\[SKIPPED\]|skipping", body, re.I) else PASS
    return found


def run_suite(target, suite, tests, urls):
    """One suite -> [(test, verdict)], and what it printed."""
    command = ["iscsi-test-cu", "-d", "-v", "-V", "-t", suite] + urls
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS)
        text, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        text, status = (late.stdout or b"").decode(errors="replace"), 255
    found = verdicts(text)
    if status == 255 or not target.alive():
        found = {}
    return [(test, found.get(test, FAIL)) for test in tests], text


def run_all(arguments, driver=None, only=None, paths=1, quiet=False):
    """Every suite on one kind of disk -> {suite: [(test, verdict)]}, and whether the target ended well."""
    target = Target(arguments, driver)
    results = collections.OrderedDict()
    logs = ROOT / BUILD / "conformance"
    logs.mkdir(parents=True, exist_ok=True)
    for suite, tests in expected_tests().items():
        if only and suite not in only:
            continue
        results[suite], text = run_suite(target, suite, tests, target.urls[:1] * paths)
        (logs / (suite + ".log")).write_text(text)
        if not target.alive():
            target = Target(arguments, driver)
        if not quiet:
            print("  %-32s %s" % (suite, " ".join("%s %d" % (v, n) for v, n in counts(results[suite]) if n)))
            sys.stdout.flush()
    return results, target.close()


def counts(tests):
    return [(verdict, sum(1 for _, v in tests if v == verdict)) for verdict in VERDICTS]


def totals(results):
    return {v: sum(dict(counts(tests))[v] for tests in results.values()) for v in VERDICTS}


def known(name):
    """The rows of tests/conformance/NAME: (pattern, reason)."""
    rows = []
    for line in (KNOWN / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            rows.append(line.split(None, 1))
    return rows


def is_known(name, rows):
    return any(fnmatch.fnmatchcase(name, pattern) for pattern, _ in rows)


def dispute(results):
    """A test that fails as we say it must is no FAIL of ours; it is counted by itself."""
    rows = known("disputed")
    return collections.OrderedDict(
        (suite, [(test, DISPUTED if verdict == FAIL and is_known(suite + "." + test, rows) else verdict)
                 for test, verdict in tests]) for suite, tests in results.items())


def judge(results):
    """Complaints about one run on the thin, removable disk."""
    complaints = []
    lists = {SKIP: known("skips"), DISPUTED: known("disputed")}
    for suite, tests in results.items():
        for test, verdict in tests:
            name = suite + "." + test
            expected = next((kind for kind, rows in lists.items() if is_known(name, rows)), PASS)
            if verdict != expected:
                complaints.append("%s: %s, expected %s (tests/conformance, %s/conformance/%s.log)"
                                  % (name, verdict, expected, BUILD, suite))
    return complaints


DISK = ["--thin", "--removable"]


def run_disk(driver=None, quiet=False):
    """The disk, and the two suites that want something else."""
    results, well = run_all(DISK, driver, quiet=quiet)
    readonly, well_too = run_all(["--thin", "--read-only"], driver, only=["SCSI.ReadOnly"], quiet=quiet)
    multipath, well_three = run_all(DISK, driver, only=["SCSI.MultipathIO"], paths=2, quiet=quiet)
    apart = collections.OrderedDict(
        [("SCSI.ReadOnly, on a thin, read-only disk", readonly["SCSI.ReadOnly"]),
         ("SCSI.MultipathIO, over two sessions", multipath["SCSI.MultipathIO"])]
    )
    return dispute(results), apart, well and well_too and well_three


def run_tgtd():
    """The peer on the same kind of disk; it is started anew when a test has killed it."""
    results = collections.OrderedDict()
    with tempfile.NamedTemporaryFile(prefix="vmini-conformance-") as image:
        image.truncate(IMAGE_BYTES)
        peer = Tgtd(image.name, "thin_provisioning=1,removable=1")
        for suite, tests in expected_tests().items():
            results[suite], _ = run_suite(peer, suite, tests, [peer.url])
            if not peer.alive():
                peer = Tgtd(image.name, "thin_provisioning=1,removable=1")
        peer.close()
    return results


def row(label, tests, peer):
    """Ours, and the peer's PASS / FAIL / SKIP."""
    theirs = " / ".join(str(n) for v, n in counts(peer) if v != DISPUTED) if peer else ""
    return "| %s | %d | %s | %s |" % (label, len(tests), " | ".join(str(n) for _, n in counts(tests)), theirs)


def table(results, apart, peer):
    """The page's first table."""
    lines = ["| suite | tests | PASS | FAIL | SKIP | disputed | tgtd: PASS / FAIL / SKIP |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [row(suite, tests, peer[suite]) for suite, tests in results.items()]
    every = [test for tests in results.values() for test in tests]
    lines.append(row("**all, on a thin, removable disk**", every, [test for tests in peer.values() for test in tests]))
    lines += [row(suite, tests, None) for suite, tests in apart.items()]
    for kind, name in (("Skipped", "skips"), ("Disputed: the test asks for what the standard forbids", "disputed")):
        lines += ["", "%s, by name and reason:" % kind, "", "| tests | reason |", "| --- | --- |"]
        lines += ["| %s | %s |" % (pattern, reason) for pattern, reason in known(name)]
    return "\n".join(lines)


def tree_of(fix):
    """Builds the tree without a fix (None: without any) -> its driver."""
    done = subprocess.run(["make", "-s", "--no-print-directory", "before", "DEPS=skip"] + (["FIX=" + fix] if fix else []),
                          cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure("make before FIX=%s: %s" % (fix, done.stderr.strip()))
    return re.search(r"^(\S+vmini\.so): the driver", done.stdout, re.M).group(1)


def noticed_by_suite(driver, baseline):
    """Tests that pass on the finished driver, and fail on this one."""
    results, apart, _ = run_disk(driver, quiet=True)
    before = {**{s: dict(t) for s, t in results.items()}, **{s: dict(t) for s, t in apart.items()}}
    worse = []
    for suite, tests in baseline.items():
        for test, verdict in tests:
            if verdict == PASS and before[suite][test] == FAIL:
                worse.append(suite.split(",")[0].split(".", 1)[1] + "." + test)
    return worse


def findings_of_probe(driver):
    """Checks of our probe that find something."""
    done = subprocess.run([str(ROOT / BUILD / "nthost"), "probe", "--driver", str(driver), "--format", "json"],
                          cwd=ROOT, capture_output=True, text=True)
    return {finding["id"] for finding in json.loads(done.stdout)["findings"]}


def shortened(names):
    """What of many names is worth a table's cell."""
    if not names:
        return "nothing"
    shown = ", ".join(names[:3])
    return shown + (" and %d more" % (len(names) - 3) if len(names) > 3 else "")


def fixes_table(results, apart):
    """The page's second table."""
    baseline = collections.OrderedDict(list(results.items()) + list(apart.items()))
    known_findings = findings_of_probe(ROOT / BUILD / "vmini.so")
    titles = dict(re.findall(r"^(\d\d)\s+(\S.*?)(?:  .*)?$", subprocess.run(
        ["make", "-s", "--no-print-directory", "fixes", "DEPS=skip"], cwd=ROOT, capture_output=True, text=True).stdout, re.M))
    lines = ["| without fix | iscsi-test-cu: tests that fail | our probe: checks that find something |", "| --- | --- | --- |"]
    for fix in PROBE_FIXES + [None]:
        driver = tree_of(fix)
        suite = noticed_by_suite(driver, baseline)
        probe = sorted(findings_of_probe(driver) - known_findings)
        label = "%s: %s" % (fix, titles.get(fix, "")) if fix else "any of them: the driver of the articles"
        lines.append("| %s | %s | %s |" % (label, shortened(suite), shortened(probe)))
        print("  without %s: suite %d, probe %d" % (fix or "any", len(suite), len(probe)))
        sys.stdout.flush()
    return "\n".join(lines)


def keep(name, text, maker="make conformance"):
    """Puts a table between its marks in the page."""
    page = PAGE.read_text()
    begin, end = "<!-- %s: %s -->" % (name, maker), "<!-- end of %s -->" % name
    if begin not in page or end not in page:
        raise Failure("%s has no marks for the table %s" % (PAGE, name))
    head, rest = page.split(begin, 1)
    PAGE.write_text(head + begin + "\n\n" + text + "\n\n" + end + rest.split(end, 1)[1])


def summary(results, well):
    total = totals(results)
    complaints = judge(results)
    if not well:
        complaints.append("nthost serve did not end well")
    print("%d tests: %s" % (sum(total.values()), ", ".join("%d %s" % (total[v], v) for v in VERDICTS)))
    for complaint in complaints:
        print("conformance: " + complaint)
    return 1 if complaints else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "fixes", "page"])
    parser.add_argument("--driver")
    options = parser.parse_args()
    results, apart, well = run_disk(options.driver)
    status = summary(results, well)
    if options.what == "fixes":
        print(fixes_table(results, apart))
    elif options.what == "page":
        keep("conformance", table(results, apart, run_tgtd()))
        keep("fixes", fixes_table(results, apart))
        print("conformance: the tables of %s are new" % PAGE.relative_to(ROOT))
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Failure, NotThere) as failure:
        print("conformance: %s" % failure, file=sys.stderr)
        sys.exit(2)
