#!/usr/bin/env python3
"""Variants of the driver: the finished tree with one fix reversed, or with all of them.

chapters/06-compliance/NN-slug/ holds a fix: README.md is its story, fix.patch its diff from before
to after, `checks` what must fail without it, `capture` the commands whose answers the story shows.
The fixes are a stack: reversed from the last to the first they give the driver of the articles.
Trees are made from src/ on demand, below build/variants, and never kept.

    variants.py list                    one line for each fix
    variants.py tree [NN]               the tree without fix NN, or without any; prints where it is
    variants.py diff NN                 the story, then the diff
    variants.py history                 build/history: a git repository, one commit for each fix
    variants.py matrix [NN...|all|none]  proves that exactly the declared checks fail
    variants.py capture [NN...]         runs the stories' commands and compares; --write: takes them
    variants.py refresh [NN...]         the patches anew, when the code around them has changed
"""

import argparse
import concurrent.futures
import difflib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXES = ROOT / "chapters" / "06-compliance"
# build, or build/clang, ...: of the project and of each variant
BUILD = os.environ.get("VARIANT_BUILD", "build")
VARIANTS = ROOT / "build" / "variants"
HISTORY = ROOT / "build" / "history"
ALL = "all"

# Which test runners link the objects of a chapter. The suites that load the driver (system) and the
# probe concern every chapter.
LINKED = {
    "01": ["01-adapter", "02-dispatch"],
    "02": ["01-adapter", "02-dispatch"],
    "03": ["01-adapter", "02-dispatch", "03-scsi"],
    "04": ["01-adapter", "02-dispatch", "04-workers"],
    "05": ["01-adapter", "02-dispatch", "05-install"],
    "06": ["01-adapter", "02-dispatch", "03-scsi", "06-compliance"],
    "im": [],  # imports.txt
}
# Random scripts: which seed meets a fault is chance, so a declared list cannot name them.
CHANCE = {"system/explore"}


class Failure(Exception):
    """Something that the user can read and act on."""


class Fix:
    """One folder of chapters/06-compliance."""

    def __init__(self, folder):
        self.folder = folder
        self.number = folder.name[:2]
        self.slug = folder.name
        self.patch = folder / "fix.patch"
        self.story = folder / "README.md"
        if not self.patch.is_file() or not self.story.is_file():
            raise Failure(f"{folder.relative_to(ROOT)} lacks fix.patch or README.md")

    @property
    def title(self):
        first = self.story.read_text().splitlines()[0]
        return re.sub(r"^#\s*(?:\d\d\s*·\s*)?", "", first)

    @property
    def files(self):
        lines = self.patch.read_text().splitlines()
        return [line[6:].strip() for line in lines if line.startswith("+++ b/")]

    def declared(self):
        """What must fail without the fix; or None, and why the matrix leaves it out."""
        return read_checks(self.folder / "checks")


def read_checks(path):
    """A file of checks: one a line; # begins a comment; "not yet: REASON": leave the fix out."""
    checks = set()
    if not path.is_file():
        raise Failure(f"{path.relative_to(ROOT)} is missing: it says what fails without the fix")
    for line in path.read_text().splitlines():
        line = line.split("#", 1)[0].strip()
        if line.startswith("not yet:"):
            return None, line
        if line:
            checks.add(line)
    return checks, ""


def all_fixes():
    folders = sorted(FIXES.glob("[0-9][0-9]-*"))
    return [Fix(folder) for folder in folders if folder.is_dir()]


def find_fix(number):
    fixes = all_fixes()
    for fix in fixes:
        if number.isdigit() and int(fix.number) == int(number):
            return fix
    names = "\n".join(f"    {fix.number}  {fix.title}" for fix in fixes)
    raise Failure(f"there is no fix {number!r}; FIX= takes one of these:\n{names}")


def run(command, cwd, check=True, **options):
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=cwd, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False, **options)
    if check and result.returncode != 0:
        raise Failure(f"{' '.join(words)} failed in {cwd}:\n{result.stdout}")
    return result


def git(where, *arguments, check=True, **options):
    """git with a name of its own, blind to repositories around it and to the user's settings."""
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=str(where.parent),
               GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    for role in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{role}_NAME": "vmini", f"GIT_{role}_EMAIL": "vmini@localhost",
                f"GIT_{role}_DATE": "2010-07-01T12:00:00Z"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        env.pop(name, None)
    return run(["git", *arguments], where, check=check, env=env, **options)


# --- trees ---

def copy_sources(tree, parts=("src", "tests", "mk", "Makefile")):
    """The project's sources, with their times: what is not reversed is not compiled again."""
    skip = shutil.ignore_patterns("__pycache__")
    tree.mkdir(parents=True)
    for part in parts:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tree / part, symlinks=True, ignore=skip)
        elif source.is_file():
            shutil.copy2(source, tree / part)


def copy_objects(tree):
    for part in ("src", "tests", "points", "nthost", "vmini.so"):
        source = ROOT / BUILD / part
        if source.is_dir():
            shutil.copytree(source, tree / BUILD / part, symlinks=True)
        elif source.is_file():
            (tree / BUILD).mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, tree / BUILD / part)


def reverse(tree, fix):
    """Takes one fix out of a tree; by git's three-way merge if the code around it has changed."""
    plain = git(tree, "apply", "-R", fix.patch, check=False)
    if plain.returncode == 0:
        return
    with tempfile.TemporaryDirectory() as scratch:
        merged = merge_reverse(pathlib.Path(scratch), tree, fix)
    if merged is None:
        raise Failure(f"fix {fix.number} ({fix.title}) cannot be taken out of this src/: its code "
                      f"has changed.\n{plain.stdout}Undo the changes to {', '.join(fix.files)}, "
                      f"or write {fix.patch.relative_to(ROOT)} anew")
    for name, text in merged.items():
        (tree / name).write_bytes(text)


def merge_reverse(scratch, tree, fix):
    """Reverses a fix with `git apply -R --3way`: the patch names the file that it was made for, and
    the project's own repository still has it. Returns the files, or None if that fails too."""
    objects = run(["git", "rev-parse", "--git-path", "objects"], ROOT, check=False)
    if objects.returncode != 0:
        return None
    git(scratch, "init", "-q")
    path = (ROOT / objects.stdout.strip()).resolve()
    (scratch / ".git/objects/info/alternates").write_text(f"{path}\n")
    for name in fix.files:
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree / name, scratch / name)
    git(scratch, "add", "-A")
    if git(scratch, "apply", "-R", "--3way", fix.patch, check=False).returncode != 0:
        return None
    return {name: (scratch / name).read_bytes() for name in fix.files}


def make_tree(tree, fixes, objects=True):
    """A fresh tree with these fixes reversed, the last first."""
    if tree.exists():
        shutil.rmtree(tree)
    copy_sources(tree)
    if objects:
        copy_objects(tree)
    for fix in sorted(fixes, key=lambda each: each.number, reverse=True):
        reverse(tree, fix)
    return tree


def tree_of(number):
    """Where the tree of FIX= is made, and the fixes that are reversed in it."""
    if number is None:
        return VARIANTS / "before", all_fixes()
    fix = find_fix(number)
    return VARIANTS / f"before-{fix.number}", [fix]


def make(tree, *targets):
    # No jobserver: the trees are built side by side, and each needs a few seconds.
    ours = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    variables = os.environ.get("VARIANT_MAKE", "").split()
    return run(["make", "-C", tree, "--no-print-directory", "DEPS=skip", *variables, *targets],
               ROOT, check=False, env=env)


# --- commands ---

def command_list(_arguments):
    for fix in all_fixes():
        files = ", ".join(name.removeprefix("src/driver/") for name in fix.files)
        print(f"{fix.number}  {fix.title:<58}  {files}")


def command_tree(arguments):
    tree, fixes = tree_of(arguments.fix)
    print(make_tree(tree, fixes).relative_to(ROOT))


def command_diff(arguments):
    fix = find_fix(arguments.fix)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    marks = {"+": "\033[32m", "-": "\033[31m", "@": "\033[36m", "#": "\033[1m"}
    for path in (fix.story, fix.patch):
        for line in path.read_text().splitlines():
            marked = colour and (path == fix.patch or line.startswith("#"))
            begin = marks.get(line[:1]) if marked else None
            print(f"{begin}{line}\033[0m" if begin else line)
        print()


def command_history(_arguments):
    fixes = all_fixes()
    if HISTORY.exists():
        shutil.rmtree(HISTORY)
    copy_sources(HISTORY, parts=("src", "tests", "mk", "Makefile", ".gitignore"))
    for fix in reversed(fixes):
        reverse(HISTORY, fix)
    git(HISTORY, "init", "-q", "-b", "main")
    git(HISTORY, "add", "-A")
    git(HISTORY, "commit", "-q", "-m",
        "Before: the driver with the faults of the articles'\n\nEach later commit is one fix.")
    for fix in fixes:
        git(HISTORY, "apply", "--index", fix.patch)
        story = "\n".join(fix.story.read_text().splitlines()[1:]).strip()
        git(HISTORY, "commit", "-q", "--cleanup=verbatim", "-F", "-",
            input=f"Fix {fix.number}: {fix.title}\n\n{story}\n")
    left = run(["diff", "-r", "-q", ROOT / "src", HISTORY / "src"], ROOT, check=False).stdout
    if left:
        raise Failure(f"after the last commit the history is not the finished tree:\n{left}")
    where = HISTORY.relative_to(ROOT)
    print(f"{where}: the before tree and {len(fixes)} fixes; try git -C {where} log --oneline")


def command_refresh(arguments):
    """Reverses each fix, by merge if need be, and writes the diff of what results."""
    for fix in [find_fix(number) for number in arguments.fixes] or all_fixes():
        with tempfile.TemporaryDirectory() as scratch:
            before = make_tree(pathlib.Path(scratch) / "before", [fix], objects=False)
            fix.patch.write_text(make_patch(pathlib.Path(scratch), before, fix))
        print(f"{fix.number}  {len(fix.patch.read_text().splitlines())} lines")


def make_patch(scratch, before, fix):
    repository = scratch / "diff"
    repository.mkdir()
    git(repository, "init", "-q")
    for side in (before, ROOT):
        for name in fix.files:
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(side / name, repository / name)
        if side == before:
            git(repository, "add", "-A")
    return git(repository, "diff", "--full-index").stdout


# --- the stories' answers ---

def capture(tree, script):
    """What a driver answers to the `capture` of a story: commands of `nthost run` (what they print
    after a line ---), or, with "#!case RUNNER/SUITE: CASE", how that case of the tests ends."""
    head = script.splitlines()[0]
    if head.startswith("#!case "):
        return capture_case(tree, head.removeprefix("#!case ").strip())
    options = head.removeprefix("#!").split() if head.startswith("#!") else []
    lines = "".join(line + "\n" for line in script.splitlines() if not line.startswith("#"))
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "disk.img").write_bytes(bytes(64 * 1024))
        result = subprocess.run([*nthost(tree, "run"), *options, "--script", "-"], input=lines,
                                cwd=folder, text=True, capture_output=True, check=False)
    return result.stdout.split("---\n", 1)[-1] + bugcheck_words(result.stderr)


def nthost(tree, command):
    """A command line of the project's nthost, on a tree's driver and INF."""
    return [ROOT / BUILD / "nthost", command, "--driver", tree / BUILD / "vmini.so",
            "--inf", tree / "src/driver/05-install/vmini.inf"]


def capture_case(tree, case):
    runner, _, rest = case.partition("/")
    suite, _, name = rest.partition(": ")
    result = subprocess.run([f"{BUILD}/tests/{runner}/run", "--only", suite, "--each"], cwd=tree,
                            env=test_environment(), text=True, capture_output=True, check=False,
                            errors="replace")
    for line in result.stdout.splitlines():
        verdict, _, title = line.split("\t")
        if title == name:
            said = [part for part in result.stderr.split("Elapsed time")
                    if f"Test {name} had failures:" in part]
            return f"{verdict}: {name}\n" + (failure_words(said[0]) if said else "")
    raise Failure(f"there is no case {case!r}")


def failure_words(text):
    """Why a case failed: its bugcheck, or else the expressions that did not hold."""
    failed = re.findall(r"^(?:tests/\S+:\d+: |    \d+\. tests/\S+:\d+  - )(.*)", text, re.M)
    return bugcheck_words(text) or "".join(f"    {line}\n" for line in dict.fromkeys(failed[:1]))


def bugcheck_words(text):
    """The first bugcheck in a text: code, rule, details; no addresses, which differ each time."""
    block = text.partition("*** STOP")[2].partition("\n  stack")[0]
    if not block:
        return ""
    kept = [line for line in ("*** STOP" + block).splitlines()
            if line.startswith(("***", "  rule", "  details", "           "))]
    return re.sub(r"0x[0-9A-Fa-f]{7,}", "...", "\n".join(kept).replace("0x000000", "0x")) + "\n"


def blocks_of(text):
    """The fenced blocks ```before and ```after of a story."""
    return dict(re.findall(r"^```(before|after)\n(.*?)^```$", text, re.M | re.S))


def command_capture(arguments):
    bad = 0
    for fix in [find_fix(number) for number in arguments.fixes] or all_fixes():
        script = fix.folder / "capture"
        if not script.is_file():
            continue
        text = script.read_text()
        runner = re.match(r"#!case ([\w-]+)/", text)
        targets = [f"{BUILD}/vmini.so"] + ([f"{BUILD}/tests/{runner[1]}/run"] if runner else [])
        tree = built_tree(fix.number, targets)
        story = fix.story.read_text()
        for side, root in (("before", tree), ("after", ROOT)):
            got = capture(root, text)
            block = blocks_of(story).get(side)
            if block is None:
                raise Failure(f"{fix.story.relative_to(ROOT)} has no ```{side} block")
            if arguments.write:
                story = story.replace(f"```{side}\n{block}```", f"```{side}\n{got}```")
            elif got != block:
                bad += 1
                print(f"{fix.story.relative_to(ROOT)}: {side} is not what is answered now:")
                print("\n".join(difflib.unified_diff(block.splitlines(), got.splitlines(), "story",
                                                     "now", lineterm="")))
        if arguments.write:
            fix.story.write_text(story)
    if bad:
        raise Failure("the stories differ from what the drivers do; "
                      "mk/variants.py capture --write takes the new answers")
    print("written" if arguments.write else "the answers in the stories are those of the drivers")


# --- the matrix ---

def runners_of(fixes):
    chapters = sorted({name.removeprefix("src/driver/")[:2] for fix in fixes for name in fix.files})
    names = dict.fromkeys(runner for chapter in chapters for runner in LINKED[chapter])
    return [name for name in names if any((ROOT / "tests" / name).glob("test_*.c"))] + ["system"]


def built_tree(number, targets):
    """Makes and builds a variant; a warning is a failure."""
    tree, fixes = tree_of(None if number == ALL else number)
    make_tree(tree, fixes)
    result = make(tree, *targets)
    if result.returncode != 0:
        raise Failure(f"fix {number} reversed: the tree does not build without warnings:\n"
                      f"{result.stdout[-3000:]}")
    return tree


def test_environment():
    """Several trees are tested at once, so a case that takes long is not one that hangs."""
    return dict(os.environ, VMINI_FIXTURES=f"{BUILD}/tests/fixtures",
                VMINI_DRIVER=f"{BUILD}/vmini.so", VMINI_NTHOST=f"{BUILD}/nthost",
                VMINI_CHILD_SECONDS="300")


def run_suites(tree, runner, log):
    """The cases of one runner: name -> how it ended."""
    binary = f"{BUILD}/tests/{runner}/run"
    cases = {}
    for suite in run([binary, "--list"], tree).stdout.split():
        if f"{runner}/{suite}" in CHANCE:
            continue
        with open(log, "a", encoding="utf-8") as errors:
            result = subprocess.run([binary, "--only", suite, "--each"], cwd=tree, text=True,
                                    env=test_environment(), stdout=subprocess.PIPE, stderr=errors,
                                    check=False)
        for line in result.stdout.splitlines():
            verdict, name, case = line.split("\t")
            cases[f"{runner}/{name}: {case}"] = verdict
    return cases


def run_probe(tree, log):
    """The checks of `nthost probe` on the tree's driver and INF: name -> "passed" or "found"."""
    result = subprocess.run([*nthost(tree, "probe"), "--format", "json"], cwd=ROOT, text=True,
                            capture_output=True, check=False)
    with open(log, "a", encoding="utf-8") as errors:
        errors.write(result.stderr)
    if result.returncode not in (0, 1):
        raise Failure(f"the probe could not run:\n{result.stderr[-1000:]}")
    listed = run([ROOT / BUILD / "nthost", "probe", "--list"], ROOT).stdout.splitlines()
    names = [line.split()[0] for line in listed if line.strip()]
    found = {finding["id"] for finding in json.loads(result.stdout)["findings"]}
    return {f"probe: {name}": "found" if name in found else "passed" for name in names}


def prove(number, record):
    """Builds one variant and compares what fails with what is declared.
    Returns a row of the table, and the differences."""
    fixes = all_fixes() if number == ALL else [find_fix(number)] if number != "none" else []
    if number == "none":
        declared, reason = set(), ""
    else:
        declared, reason = read_checks(FIXES / "checks") if number == ALL else fixes[0].declared()
    if declared is None:
        return [number, "-", "-", "-", reason], []
    tree, runners = ROOT, runners_of(fixes or all_fixes())
    if fixes:
        targets = [f"{BUILD}/vmini.so"] + [f"{BUILD}/tests/{name}/run" for name in runners]
        tree = built_tree(number, targets)
    log = VARIANTS / f"{number}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    cases = {}
    for runner in runners:
        cases.update(run_suites(tree, runner, log))
    cases.update(run_probe(tree, log))
    failed = {name: verdict for name, verdict in cases.items() if verdict != "passed"}
    if record and fixes:
        path = FIXES / "checks" if number == ALL else fixes[0].folder / "checks"
        comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
        path.write_text("".join(line + "\n" for line in comments + sorted(failed)))
    wrong = [f"    must fail, but passes:  {name}" for name in sorted(declared - failed.keys())]
    wrong += [f"    fails, not declared:    {name}    ({failed[name]})"
              for name in sorted(failed.keys() - declared)]
    if fixes and not wrong:
        shutil.rmtree(tree)
    verdict = "NOT AS DECLARED" if wrong else "as declared"
    return [number, len(cases), len(declared), len(failed), verdict], wrong


def prove_pairs():
    """Every two fixes that share a file come out in both orders to the same bytes."""
    pairs, wrong = 0, []
    for first, second in itertools.combinations(all_fixes(), 2):
        shared = set(first.files) & set(second.files)
        if not shared:
            continue
        pairs += 1
        with tempfile.TemporaryDirectory() as scratch:
            sides = []
            for order in ((first, second), (second, first)):
                tree = pathlib.Path(scratch) / order[0].number
                for name in set(first.files) | set(second.files):
                    (tree / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / name, tree / name)
                for fix in order:
                    if git(tree, "apply", "-R", fix.patch, check=False).returncode != 0:
                        wrong.append(f"    {order[0].number} then {order[1].number}: "
                                     f"{fix.number} does not reverse")
                sides.append({name: (tree / name).read_bytes() for name in shared})
            if sides[0] != sides[1]:
                wrong.append(f"    {first.number} and {second.number} give different bytes in "
                             f"{', '.join(sorted(shared))}")
    return pairs, wrong


def prove_form():
    """A patch is short, and exactly what lies between the before tree and the finished one."""
    wrong = []
    for fix in all_fixes():
        length = len(fix.patch.read_text().splitlines())
        if length >= 60:
            wrong.append(f"    fix {fix.number} has {length} lines: 59 at most")
        missing = [name for name in ("checks",) if not (fix.folder / name).is_file()]
        wrong += [f"    {fix.slug} lacks {name}" for name in missing]
    return wrong


def command_matrix(arguments):
    numbers = [find_fix(word).number if word.isdigit() else word for word in arguments.fixes]
    if not numbers:
        numbers = ["none", *[fix.number for fix in all_fixes()], ALL]
    titles = {fix.number: fix.title for fix in all_fixes()}
    titles |= {"none": "the finished tree", ALL: "the before tree"}
    bad = prove_form()
    print("\n".join(bad or ["form      every patch has fewer than 60 lines, and a list of checks"]))
    pairs, wrong = prove_pairs()
    bad += wrong
    print("\n".join(wrong or [f"pairs     {pairs} pairs share a file; both orders: one result"]))
    print(f"\n{'fix':<5} {'reversed':<52} {'cases':>6} {'declared':>9} {'failed':>7}")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        rows = pool.map(prove_or_say, numbers, [arguments.record] * len(numbers))
        for number, (row, differences) in zip(numbers, rows):
            print(f"{number:<5} {titles.get(number, '?')[:52]:<52} {row[1]:>6} {row[2]:>9} "
                  f"{row[3]:>7}  {row[4]}", flush=True)
            print("".join(line + "\n" for line in differences), end="", flush=True)
            bad += differences
    if bad:
        raise Failure("the matrix does not hold; build/variants has logs and trees of what differs")


def prove_or_say(number, record=False):
    try:
        return prove(number, record)
    except Failure as failure:
        lines = str(failure).splitlines()
        return [number, "-", "-", "-", "FAILED"], [f"    {line}" for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").set_defaults(run=command_list)
    commands.add_parser("history").set_defaults(run=command_history)
    for name, function, optional in (("tree", command_tree, "?"), ("diff", command_diff, None)):
        each = commands.add_parser(name)
        each.add_argument("fix", nargs=optional)
        each.set_defaults(run=function)
    many = {"matrix": command_matrix, "capture": command_capture, "refresh": command_refresh}
    for name, function in many.items():
        each = commands.add_parser(name)
        each.add_argument("fixes", nargs="*")
        each.set_defaults(run=function)
        if name == "matrix":
            each.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
            each.add_argument("--record", action="store_true",
                              help="writes what fails into the lists: look at them with git diff")
        if name == "capture":
            each.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except Failure as failure:
        print(f"variants: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `make diff FIX=05 | head` is no error.
    sys.exit(main())
