#!/usr/bin/env python3
"""The workshop. A lab is a folder exercises/CHAPTER/labN-slug: README.md is the task, start.patch turns
the finished driver into the starter, hints.md holds the hints, `checks` says which suites judge it
("run: RUNNER/SUITE" or "run: RUNNER/SUITE: CASE") and, one a line, what exactly fails in the starter.

    labs.py list            the labs, and how far you are
    labs.py start LAB       makes the lab's tree, labs/N.M-slug; --again begins anew
    labs.py check LAB       builds it and judges it; --json for machines
    labs.py hint LAB        the next hint
    labs.py solution LAB    what the finished driver does; only after the check has passed, or with --sure
    labs.py prove [LAB...]  for CI: the starter builds, boots and fails exactly its tests, the reference
                            passes them; --record writes what fails into `checks`
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# How trees are made and suites are run stands beside the proofs of the fixes.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "variants"))
import matrix  # noqa: E402
import trees  # noqa: E402
from trees import BUILD, ROOT, Failure  # noqa: E402

EXERCISES = ROOT / "exercises"
LABS = ROOT / "labs"
QUICK_SEEDS = "60"  # A race's check tries fewer schedules than make test does: a second or two.
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Lab:
    """One folder of exercises/."""

    def __init__(self, folder):
        self.folder = folder
        self.chapter = folder.parent.name
        number, self.slug = re.match(r"lab(\d+)-(.*)$", folder.name).groups()
        self.name = f"{int(self.chapter[:2])}.{number}"
        self.tree = LABS / f"{self.name}-{self.slug}"
        for part in ("README.md", "start.patch", "hints.md", "checks"):
            if not (folder / part).is_file():
                raise Failure(f"{folder.relative_to(ROOT)} lacks {part}")
        lines = [line.strip() for line in (folder / "checks").read_text().splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        self.runs = [line[5:].strip() for line in lines if line.startswith("run: ")]
        self.declared = {line for line in lines if not line.startswith("run: ")}
        if not self.runs:
            raise Failure(f"{folder.relative_to(ROOT)}/checks names no suite: run: RUNNER/SUITE")

    @property
    def title(self):
        return re.sub(r"^#\s*Lab [\d.]+:\s*", "", (self.folder / "README.md").read_text().splitlines()[0])

    @property
    def patch(self):
        return self.folder / "start.patch"

    @property
    def files(self):
        return re.findall(r"^\+\+\+ b/(.*)$", self.patch.read_text(), re.M)

    @property
    def hints(self):
        parts = re.split(r"(?m)^## \d+\n", (self.folder / "hints.md").read_text())[1:]
        return [part.strip() for part in parts if part.strip()]

    def state(self):
        path = self.tree / "progress.json"
        return json.loads(path.read_text()) if path.is_file() else {"hints": 0, "passed": False, "checks": 0}

    def keep(self, state):
        (self.tree / "progress.json").write_text(json.dumps(state))


def all_labs():
    return [Lab(path) for path in sorted(EXERCISES.glob("*/lab*")) if path.is_dir()]


def find_lab(name):
    for lab in all_labs():
        if lab.name == name:
            return lab
    names = "\n".join(f"    {lab.name}  {lab.title}" for lab in all_labs())
    raise Failure(f"there is no lab {name!r}; LAB= takes one of these:\n{names}" if name else
                  f"say which lab: LAB= takes one of these:\n{names}")


def started(lab):
    if not lab.tree.is_dir():
        raise Failure(f"lab {lab.name} has not been begun; make lab LAB={lab.name} makes its tree")
    return lab


# --- the tree ---

def make_starter(tree, lab):
    """The finished driver with start.patch, by git's three-way merge if the code has moved on. All
    but the driver are links, so that the tests cannot be changed by mistake."""
    (tree / "src").mkdir(parents=True)
    shutil.copytree(ROOT / "src/driver", tree / "src/driver")
    for part in ("src/host", "src/tools", "tests", "mk", "Makefile"):
        (tree / part).symlink_to(os.path.relpath(ROOT / part, (tree / part).parent))
    applied = trees.git(tree, "apply", lab.patch, check=False)
    if applied.returncode != 0:
        raise Failure(f"{lab.patch.relative_to(ROOT)} does not apply to this src/:\n{applied.stdout}"
                      f"If you have changed {', '.join(lab.files)}, undo that; otherwise the patch must be made anew")
    for part in ("src", "tests"):  # What is not changed is not compiled again.
        if (ROOT / BUILD / part).is_dir():
            shutil.copytree(ROOT / BUILD / part, tree / BUILD / part, symlinks=True)


def targets(lab):
    runners = sorted({run.split("/")[0] for run in lab.runs})
    return [f"{BUILD}/tests/{name}/run" for name in runners] + [f"{BUILD}/vmini.so"]


def build(tree, lab):
    result = trees.make(tree, *targets(lab))
    return result.returncode == 0, result.stdout


def environment(tree):
    return dict(os.environ, VMINI_FIXTURES=f"{ROOT / BUILD}/tests/fixtures", VMINI_DRIVER=f"{BUILD}/vmini.so",
                VMINI_NTHOST=f"{ROOT / BUILD}/nthost", VMINI_SEEDS=QUICK_SEEDS)


def judge(tree, run):
    """[(case, verdict, what it said)] of one suite or one case."""
    place, _, case = run.partition(": ")
    runner, suite = place.split("/")
    command = [f"{BUILD}/tests/{runner}/run", "--only", suite]
    command += (["--case", case] if case else []) + ["--each"]
    result = subprocess.run(command, cwd=tree, env=environment(tree), text=True, capture_output=True, check=False,
                            errors="replace")
    cases = []
    for line in result.stdout.splitlines():
        verdict, _, name = line.split("\t")
        said = [part for part in result.stderr.split("Elapsed time") if f"Test {name} had failures:" in part]
        stop = re.search(r"\*\*\* STOP.*?(?=\n\n *CUnit|\n    [A-Za-z]|\Z)", result.stderr, re.S)
        words = stop.group() if stop and verdict != "passed" else failures(said[0]) if said else ""
        cases.append((name, verdict, words))
    return cases


def failures(text):
    """The expressions that did not hold, each once: where, and what."""
    found = re.findall(r"^\s+\d+\. (\S+)\s+- (.*)$", text, re.M)
    return "\n".join(f"{place}  {expression}" for place, expression in dict.fromkeys(found))


# --- commands ---

def command_list(_arguments):
    for lab in all_labs():
        state = lab.state() if lab.tree.is_dir() else None
        mark = " " if state is None else paint(32, "✓") if state["passed"] else "…"
        print(f" {mark} {lab.name}  {lab.title:<52} exercises/{lab.chapter}/{lab.folder.name}")
    print("\n make lab LAB=6.1 begins one; make check LAB=6.1 judges; make hint LAB=6.1 helps\n"
          " …  begun    ✓  passed")


def command_start(arguments):
    lab = find_lab(arguments.lab)
    if lab.tree.exists() and not arguments.again:
        raise Failure(f"{lab.tree.relative_to(ROOT)} is there already, with what you have done in it.\n"
                      f"Go on with make check LAB={lab.name}; make lab LAB={lab.name} AGAIN=1 begins anew, and keeps "
                      "your driver as labs/old-...")
    if lab.tree.exists():
        old = LABS / f"old-{lab.tree.name}-{time.strftime('%Y%m%d-%H%M%S')}"
        lab.tree.rename(old)
        print(f"What you had is in {old.relative_to(ROOT)}.")
    print("Building what the tests need ...", flush=True)
    made = trees.make(ROOT, *targets(lab), f"{BUILD}/nthost")
    if made.returncode != 0:
        raise Failure(f"the finished driver or its tests do not build:\n{made.stdout[-2000:]}")
    make_starter(lab.tree, lab)
    build(lab.tree, lab)
    lab.keep(lab.state())
    where = lab.tree.relative_to(ROOT)
    print((lab.folder / "README.md").read_text())
    print(paint(1, f"The driver is in {where}/src/driver. Begin with: make check LAB={lab.name}"))


def command_check(arguments):
    lab = started(find_lab(arguments.lab))
    begin = time.monotonic()
    ok, said = build(lab.tree, lab)
    if not ok:
        words = [line for line in said.splitlines() if "error" in line or "warning" in line or "|" in line]
        print("\n".join(words or said.splitlines()[-15:]))
        raise Failure(f"lab {lab.name} does not compile; what the compiler says is above. Line numbers are those of "
                      f"{lab.tree.relative_to(ROOT)}")
    cases = [case for run in lab.runs for case in judge(lab.tree, run)]
    passed = sum(verdict == "passed" for _, verdict, _ in cases)
    state = lab.state()
    state["checks"] += 1
    state["passed"] = state["passed"] or passed == len(cases)
    lab.keep(state)
    if arguments.json:
        print(json.dumps({"lab": lab.name, "passed": passed, "of": len(cases), "cases": [
            {"name": name, "verdict": verdict, "said": words} for name, verdict, words in cases]}))
    else:
        report(lab, cases, passed, time.monotonic() - begin)
    return 0 if passed == len(cases) else 1


def report(lab, cases, passed, seconds):
    print(paint(1, f"== lab {lab.name}: {lab.title}"))
    for name, verdict, words in cases:
        good = verdict == "passed"
        print(f"   {name:<60} {paint(32, 'OK') if good else paint(31, verdict.upper())}")
        if words:
            print("\n".join("      " + line for line in words.splitlines()[:12]))
    score = f"   score {passed} of {len(cases)}   ({seconds:.1f} s)"
    if passed == len(cases):
        print(paint(32, score))
        print(f"   Done. make solution LAB={lab.name} shows how the finished driver does it.")
    else:
        print(score)
        print(f"   The first failure is the one to look at. Stuck? make hint LAB={lab.name}")


def command_hint(arguments):
    lab = started(find_lab(arguments.lab))
    state, hints = lab.state(), lab.hints
    if state["hints"] >= len(hints):
        print(f"Those were all {len(hints)} hints of lab {lab.name}; here is the last one again.\n\n{hints[-1]}\n\n"
              f"make solution LAB={lab.name} SURE=1 shows the solution.")
        return 0
    state["hints"] += 1
    lab.keep(state)
    print(f"Hint {state['hints']} of {len(hints)}\n\n{hints[state['hints'] - 1]}")
    return 0


def command_solution(arguments):
    lab = started(find_lab(arguments.lab))
    if not lab.state()["passed"] and not arguments.sure:
        raise Failure(f"lab {lab.name} has not passed its check yet. {len(lab.hints)} hints come first: make hint "
                      f"LAB={lab.name}. If you are sure: make solution LAB={lab.name} SURE=1")
    with tempfile.TemporaryDirectory() as scratch:
        repository = pathlib.Path(scratch)
        trees.git(repository, "init", "-q")
        for name in lab.files:
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, repository / name)
        trees.git(repository, "apply", lab.patch)
        trees.git(repository, "add", "-A")
        for name in lab.files:
            shutil.copyfile(ROOT / name, repository / name)
        print(trees.git(repository, "diff").stdout)
    return 0


# --- the proof ---

def boots(tree):
    """The starter starts, shows a disk and goes, with nothing left behind."""
    with tempfile.TemporaryDirectory() as folder:
        with open(pathlib.Path(folder) / "disk.img", "wb") as image:
            image.truncate(1 << 20)
        return subprocess.run([*trees.nthost(tree, "run"), "--disk", "disk.img", "--script", "-"], cwd=folder,
                              input="units\nread 0:0:0 0 1 block\nremove\nunload\n", text=True,
                              capture_output=True, check=False)


def prove(lab, record):
    wrong = []
    if len(lab.hints) < 2:
        wrong.append("hints.md has fewer than two hints")
    second = next((line for line in (lab.folder / "README.md").read_text().splitlines()[1:] if line.strip()), "")
    if second != "## What you see":
        wrong.append('README.md does not open with "## What you see": the symptom comes first')
    tree = trees.VARIANTS / f"lab-{lab.name}"
    if tree.exists():
        shutil.rmtree(tree)
    make_starter(tree, lab)
    runners = [name for name in matrix.runners_of([lab]) if name != "system"]
    made = trees.make(tree, f"{BUILD}/vmini.so", *(f"{BUILD}/tests/{name}/run" for name in runners), *targets(lab))
    if made.returncode != 0:
        return [f"the starter does not build without warnings:\n{made.stdout[-2000:]}"]
    booted = boots(tree)
    if booted.returncode != 0:
        wrong.append(f"the starter does not boot:\n{booted.stdout}{booted.stderr}")
    failed = failing(lab, tree, runners, trees.VARIANTS / f"lab-{lab.name}.log")
    if record:
        write_checks(lab, failed)
        lab.declared = failed
    wrong += [f"must fail in the starter, but passes: {name}" for name in sorted(lab.declared - failed)]
    wrong += [f"fails in the starter, not declared: {name}" for name in sorted(failed - lab.declared)]
    judged = {f"{run.partition(': ')[0]}: {name}" for run in lab.runs for name, verdict, _ in judge(tree, run)
              if verdict != "passed"}
    if not judged & lab.declared:
        wrong.append("what make check runs does not fail in the starter")
    # The reference: the finished driver, judged by the same suites.
    for run in lab.runs:
        wrong += [f"the finished driver fails: {name}" for name, verdict, _ in judge(ROOT, run) if verdict != "passed"]
    if not wrong:
        shutil.rmtree(tree)
    return wrong


def failing(lab, tree, runners, log):
    """What fails of the suites that link the lab's chapter, of those that judge it, and of the probe."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    cases = {}
    # The trees of labs have no fixtures of their own.
    (tree / BUILD / "tests/fixtures").is_dir() or os.symlink(ROOT / BUILD / "tests/fixtures", tree / BUILD / "tests/fixtures")
    (tree / BUILD / "nthost").exists() or os.symlink(ROOT / BUILD / "nthost", tree / BUILD / "nthost")
    for runner in runners:
        cases.update(matrix.run_suites(tree, runner, log))
    for run in lab.runs:
        place = run.partition(": ")[0]
        cases.update({f"{place}: {name}": verdict for name, verdict, _ in judge(tree, run)})
    cases.update(matrix.run_probe(tree, log))
    return {name for name, verdict in cases.items() if verdict != "passed"}


def attempt(function, **arguments):
    """(exit status, what it said) of a command, as main() would end it."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            status = function(argparse.Namespace(**arguments)) or 0
        except Failure as failure:
            status, words = 2, str(failure)
            print(words)
    return status, said.getvalue()


def prove_workshop(name):
    """The commands as a learner meets them, right and wrong, in a place of their own."""
    global LABS
    LABS = trees.VARIANTS / "workshop"
    shutil.rmtree(LABS, ignore_errors=True)
    lab, wrong = find_lab(name), []

    def expect(what, function, status, words, **arguments):
        got, said = attempt(function, lab=name, **arguments)
        if got != status or words not in said:
            wrong.append(f"{what}: exit status {got}, not {status}, or it does not say {words!r}:\n{said}")

    expect("check before it was begun", command_check, 2, "has not been begun", json=False)
    expect("start", command_start, 0, "Begin with: make check", again=False)
    expect("start again", command_start, 2, "is there already", again=False)
    expect("check of the starter", command_check, 1, "Stuck? make hint", json=False)
    expect("check for machines", command_check, 1, '"passed": ', json=True)
    expect("solution too early", command_solution, 2, "has not passed its check yet", sure=False)
    for number in range(len(lab.hints)):
        expect("hint", command_hint, 0, f"Hint {number + 1} of {len(lab.hints)}")
    expect("hint beyond the last", command_hint, 0, "Those were all")
    source = lab.tree / lab.files[0]
    source.write_text(source.read_text() + "\nthis is no C\n")
    expect("a driver that does not compile", command_check, 2, "does not compile", json=False)
    for file in lab.files:
        shutil.copyfile(ROOT / file, lab.tree / file)
    expect("check of the finished driver", command_check, 0, "Done.", json=False)
    expect("solution", command_solution, 0, "+++ b/src/driver", sure=False)
    status, said = attempt(command_check, lab="9.9", json=False)
    if status != 2 or name not in said:
        wrong.append(f"an unknown lab: {said}")
    shutil.rmtree(LABS)
    LABS = ROOT / "labs"
    return wrong


def write_checks(lab, failed):
    path = lab.folder / "checks"
    kept = [line for line in path.read_text().splitlines() if line.startswith(("#", "run: "))]
    path.write_text("\n".join(kept + sorted(failed)) + "\n")


def command_prove(arguments):
    wrong = prove_workshop(all_labs()[-1].name)
    bad = bool(wrong)
    print("\n".join(["the commands FAILED", *(f"    {line}" for line in wrong)]) if wrong else
          "the commands do what the README says, also with bad input", flush=True)
    for lab in [find_lab(name) for name in arguments.labs] or all_labs():
        wrong = prove(lab, arguments.record)
        bad = bad or bool(wrong)
        print(f"lab {lab.name}  {lab.title:<52} {'FAILED' if wrong else f'{len(lab.declared)} checks fail in the starter, as declared'}",
              flush=True)
        for line in wrong:
            print(f"    {line}")
    if bad:
        raise Failure("a lab does not hold; build/variants has its tree and its log")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").set_defaults(run=command_list)
    for name, function in (("start", command_start), ("check", command_check), ("hint", command_hint),
                           ("solution", command_solution)):
        each = commands.add_parser(name)
        each.add_argument("lab", nargs="?", default="")
        each.set_defaults(run=function)
        for option, owner in (("--again", "start"), ("--json", "check"), ("--sure", "solution")):
            if name == owner:
                each.add_argument(option, action="store_true")
    each = commands.add_parser("prove")
    each.add_argument("labs", nargs="*")
    each.add_argument("--record", action="store_true")
    each.set_defaults(run=command_prove)
    arguments = parser.parse_args()
    try:
        return arguments.run(arguments) or 0
    except Failure as failure:
        print(f"labs: {failure}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
