#!/usr/bin/env python3
"""Variants of the driver: the finished tree with one fix reversed, or with all of them.

chapters/06-compliance/NN-slug/ holds a fix: README.md is its story, fix.patch its diff from before to after, `checks` what must
fail without it, `capture` the commands whose answers the story shows. The fixes are a stack: reversed from the last to the first
they give the driver of the articles. Trees are made from src/ on demand, below build/variants, and never kept.

    variants.py list                    one line for each fix
    variants.py tree [NN]               the tree with fix NN, or with all fixes, reversed; prints where it is
    variants.py diff NN                 the story, then the diff
    variants.py history                 build/history: a git repository with the before tree, then a commit for each fix
    variants.py matrix [NN...|all|none]  proves that exactly the declared checks fail
    variants.py capture [NN...]         runs the stories' commands again and compares; --write puts the answers into them
    variants.py refresh [NN...]         writes the patches anew after the code around them has changed
"""

import argparse
import concurrent.futures
import difflib
import itertools
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
BUILD = os.environ.get("VARIANT_BUILD", "build")  # build, or build/clang, ...: of the project and of each variant
VARIANTS = ROOT / "build" / "variants"
HISTORY = ROOT / "build" / "history"
ALL = "all"

# Which test runners link the objects of a chapter. What runs on a driver that was loaded (system) concerns every chapter.
LINKED = {
    "01": ["01-adapter", "02-dispatch"], "02": ["01-adapter", "02-dispatch"],
    "03": ["01-adapter", "02-dispatch", "03-scsi"], "04": ["01-adapter", "02-dispatch", "04-workers"],
    "05": ["01-adapter", "02-dispatch", "05-install"], "06": ["01-adapter", "02-dispatch", "03-scsi", "06-compliance"],
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
        return [line[6:].strip() for line in self.patch.read_text().splitlines() if line.startswith("+++ b/")]

    def declared(self):
        """The checks that must fail without the fix, or None and the reason why the matrix leaves it out."""
        return read_checks(self.folder / "checks")


def read_checks(path):
    """A file of checks: one a line; # begins a comment; "not yet: REASON" leaves the fix out of the matrix."""
    checks = set()
    if not path.is_file():
        raise Failure(f"{path.relative_to(ROOT)} is missing: it says which checks fail without the fix")
    for line in path.read_text().splitlines():
        line = line.split("#", 1)[0].strip()
        if line.startswith("not yet:"):
            return None, line
        if line:
            checks.add(line)
    return checks, ""


def all_fixes():
    return [Fix(folder) for folder in sorted(FIXES.iterdir()) if re.match(r"\d\d-", folder.name) and folder.is_dir()]


def find_fix(number):
    fixes = all_fixes()
    for fix in fixes:
        if number.isdigit() and int(fix.number) == int(number):
            return fix
    names = "\n".join(f"    {fix.number}  {fix.title}" for fix in fixes)
    raise Failure(f"there is no fix {number!r}; FIX= takes one of these:\n{names}")


def run(command, cwd, check=True, **options):
    result = subprocess.run([str(word) for word in command], cwd=cwd, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False, **options)
    if check and result.returncode != 0:
        raise Failure(f"{' '.join(str(word) for word in command)} failed in {cwd}:\n{result.stdout}")
    return result


def git(where, *arguments, check=True, **options):
    """git with an identity of its own, and blind to any repository around `where` and to the user's settings."""
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=str(where.parent), GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1",
               GIT_AUTHOR_NAME="vmini", GIT_AUTHOR_EMAIL="vmini@localhost", GIT_COMMITTER_NAME="vmini",
               GIT_COMMITTER_EMAIL="vmini@localhost", GIT_AUTHOR_DATE="2010-07-01T12:00:00Z",
               GIT_COMMITTER_DATE="2010-07-01T12:00:00Z")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        env.pop(name, None)
    return run(["git", *arguments], where, check=check, env=env, **options)


# --- trees ---

def copy_sources(tree, parts=("src", "tests", "mk", "Makefile")):
    """The project's sources, with their times: what has not been reversed need not be compiled again."""
    skip = shutil.ignore_patterns("__pycache__")
    tree.mkdir(parents=True)
    for part in parts:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tree / part, symlinks=True, ignore=skip)
        elif source.is_file():
            shutil.copy2(source, tree / part)


def copy_objects(tree):
    for part in ("src", "tests", "nthost", "vmini.so"):
        source = ROOT / BUILD / part
        if source.is_dir():
            shutil.copytree(source, tree / BUILD / part, symlinks=True)
        elif source.is_file():
            (tree / BUILD).mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, tree / BUILD / part)


def reverse(tree, fix):
    """Takes one fix out of a tree; by git's three-way merge where the code around it is not what it was."""
    plain = git(tree, "apply", "-R", fix.patch, check=False)
    if plain.returncode == 0:
        return
    with tempfile.TemporaryDirectory() as scratch:
        merged = merge_reverse(pathlib.Path(scratch), tree, fix)
    if merged is None:
        raise Failure(f"fix {fix.number} ({fix.title}) cannot be taken out of this src/: its code has changed.\n{plain.stdout}"
                      f"Undo the changes to {', '.join(fix.files)}, or write {fix.patch.relative_to(ROOT)} anew")
    for name, text in merged.items():
        (tree / name).write_bytes(text)


def merge_reverse(scratch, tree, fix):
    """Reverses a fix with `git apply -R --3way`: the patch names the file that it was made for, and the project's own
    repository still has it. Returns the files, or None if that does not help either."""
    objects = run(["git", "rev-parse", "--git-path", "objects"], ROOT, check=False)
    if objects.returncode != 0:
        return None
    git(scratch, "init", "-q")
    (scratch / ".git/objects/info/alternates").write_text(str((ROOT / objects.stdout.strip()).resolve()) + "\n")
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
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return run(["make", "-C", tree, "--no-print-directory", "DEPS=skip", *make_variables(), *targets], ROOT, check=False, env=env)


def make_variables():
    return [word for word in os.environ.get("VARIANT_MAKE", "").split() if word]


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
            begin = marks.get(line[:1]) if colour and (path == fix.patch or line.startswith("#")) else None
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
    git(HISTORY, "commit", "-q", "-m", "Before: the driver with the faults of the articles'\n\nEach later commit is one fix.")
    for fix in fixes:
        git(HISTORY, "apply", "--index", fix.patch)
        story = "\n".join(fix.story.read_text().splitlines()[1:]).strip()
        git(HISTORY, "commit", "-q", "--cleanup=verbatim", "-F", "-", input=f"Fix {fix.number}: {fix.title}\n\n{story}\n")
    left = run(["diff", "-r", "-q", ROOT / "src", HISTORY / "src"], ROOT, check=False).stdout
    if left:
        raise Failure(f"after the last commit the history is not the finished tree:\n{left}")
    print(f"{HISTORY.relative_to(ROOT)}: the before tree and {len(fixes)} fixes; try git -C {HISTORY.relative_to(ROOT)} log --oneline")


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
    """What a driver answers to the `capture` of a story: commands of `nthost run` (what they print after a line ---), or,
    with "#!case RUNNER/SUITE: CASE", how that case of the tests ends."""
    head = script.splitlines()[0]
    if head.startswith("#!case "):
        return capture_case(tree, head.removeprefix("#!case ").strip())
    options = head.removeprefix("#!").split() if head.startswith("#!") else []
    lines = "".join(line + "\n" for line in script.splitlines() if not line.startswith("#"))
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "disk.img").write_bytes(bytes(64 * 1024))
        result = subprocess.run([ROOT / BUILD / "nthost", "run", "--driver", tree / BUILD / "vmini.so", "--inf",
                                 tree / "src/driver/05-install/vmini.inf", *options, "--script", "-"], input=lines, cwd=folder,
                                text=True, capture_output=True, check=False, timeout=300)
    return result.stdout.split("---\n", 1)[-1] + bugcheck_words(result.stderr)


def capture_case(tree, case):
    runner, _, rest = case.partition("/")
    suite, _, name = rest.partition(": ")
    result = subprocess.run([f"{BUILD}/tests/{runner}/run", "--only", suite, "--each"], cwd=tree, env=test_environment(), text=True,
                            capture_output=True, check=False, errors="replace")
    for line in result.stdout.splitlines():
        verdict, _, title = line.split("\t")
        if title == name:
            said = [part for part in result.stderr.split("Elapsed time") if f"Test {name} had failures:" in part]
            return f"{verdict}: {name}\n" + (failure_words(said[0]) if said else "")
    raise Failure(f"there is no case {case!r}")


def failure_words(text):
    """Why a case failed: its bugcheck, or else the expressions that did not hold."""
    failed = re.findall(r"^(?:tests/\S+:\d+: |    \d+\. tests/\S+:\d+  - )(.*)", text, re.M)
    return bugcheck_words(text) or "".join(f"    {line}\n" for line in dict.fromkeys(failed[:1]))


def bugcheck_words(text):
    """Of the first bugcheck in a text: the code, the rule and the details. Addresses differ from run to run."""
    block = text.partition("*** STOP")[2].partition("\n  stack")[0]
    if not block:
        return ""
    kept = [line for line in ("*** STOP" + block).splitlines() if re.match(r"\*\*\*|  rule|  details|           ", line)]
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
                print(f"{fix.story.relative_to(ROOT)}: the {side} block is not what is answered now:")
                print("\n".join(difflib.unified_diff(block.splitlines(), got.splitlines(), "story", "now", lineterm="")))
        if arguments.write:
            fix.story.write_text(story)
    if bad:
        raise Failure("the stories differ from what the drivers do; mk/variants.py capture --write takes the new answers")
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
        raise Failure(f"fix {number} reversed: the tree does not build without warnings:\n{result.stdout[-3000:]}")
    return tree


def test_environment():
    return dict(os.environ, VMINI_FIXTURES=f"{BUILD}/tests/fixtures", VMINI_DRIVER=f"{BUILD}/vmini.so", VMINI_NTHOST=f"{BUILD}/nthost")


def run_suites(tree, runner, log):
    """The cases of one runner: name -> how it ended."""
    binary = f"{BUILD}/tests/{runner}/run"
    cases = {}
    for suite in run([binary, "--list"], tree).stdout.split():
        if f"{runner}/{suite}" in CHANCE:
            continue
        with open(log, "a", encoding="utf-8") as errors:
            result = subprocess.run([binary, "--only", suite, "--each"], cwd=tree, env=test_environment(), text=True,
                                    stdout=subprocess.PIPE, stderr=errors, check=False)
        for line in result.stdout.splitlines():
            verdict, name, case = line.split("\t")
            cases[f"{runner}/{name}: {case}"] = verdict
    return cases


def prove(number, record):
    """Builds one variant and compares what fails with what is declared. Returns a row of the table and the differences."""
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
    failed = {name: verdict for name, verdict in cases.items() if verdict != "passed"}
    if record and (declared - failed.keys() or failed.keys() - declared):
        path = FIXES / "checks" if number == ALL else fixes[0].folder / "checks"
        comments = [line for line in path.read_text().splitlines() if line.startswith("#")] if path.is_file() else []
        path.write_text("".join(line + "\n" for line in comments + sorted(failed)))
    wrong = [f"    must fail, but passes:  {name}" for name in sorted(declared - failed.keys())]
    wrong += [f"    fails, not declared:    {name}    ({verdict})" for name, verdict in sorted(failed.items()) if name not in declared]
    if fixes and not wrong:
        shutil.rmtree(tree)
    return [number, len(cases), len(declared), len(failed), "as declared" if not wrong else "NOT AS DECLARED"], wrong


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
                        wrong.append(f"    {order[0].number} then {order[1].number}: {fix.number} does not reverse")
                sides.append({name: (tree / name).read_bytes() for name in shared})
            if sides[0] != sides[1]:
                wrong.append(f"    {first.number} and {second.number} give different bytes in {', '.join(sorted(shared))}")
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
    titles = {fix.number: fix.title for fix in all_fixes()} | {"none": "the finished tree", ALL: "the before tree"}
    bad = prove_form()
    print("\n".join(["form:", *bad]) if bad else "form      every patch has fewer than 60 lines, and its list of checks")
    pairs, wrong = prove_pairs()
    bad += wrong
    print("\n".join(["pairs:", *wrong]) if wrong else f"pairs     {pairs} pairs share a file; each gives the same bytes in both orders")
    print(f"\n{'fix':<5} {'reversed':<52} {'cases':>6} {'declared':>9} {'failed':>7}")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for number, result in zip(numbers, pool.map(prove_or_say, numbers, [arguments.record] * len(numbers))):
            row, differences = result
            print(f"{number:<5} {titles.get(number, '?')[:52]:<52} {row[1]:>6} {row[2]:>9} {row[3]:>7}  {row[4]}", flush=True)
            print("".join(line + "\n" for line in differences), end="", flush=True)
            bad += differences
    if bad:
        raise Failure("the matrix does not hold; the logs and trees of what differs are in build/variants")


def prove_or_say(number, record=False):
    try:
        return prove(number, record)
    except Failure as failure:
        return [number, "-", "-", "-", "FAILED"], [f"    {line}" for line in str(failure).splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").set_defaults(run=command_list)
    commands.add_parser("history").set_defaults(run=command_history)
    for name, function, optional in (("tree", command_tree, "?"), ("diff", command_diff, None)):
        each = commands.add_parser(name)
        each.add_argument("fix", nargs=optional)
        each.set_defaults(run=function)
    for name, function in (("matrix", command_matrix), ("capture", command_capture), ("refresh", command_refresh)):
        each = commands.add_parser(name)
        each.add_argument("fixes", nargs="*")
        each.set_defaults(run=function)
        if name == "matrix":
            each.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
            each.add_argument("--record", action="store_true", help="writes what fails into the lists: look at them with git diff")
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
