#!/usr/bin/env python3
"""Variants of the driver: the finished tree with one fix reversed, or with all of them.

chapters/06-compliance/NN-slug/ holds a fix: README.md is its story, fix.patch its diff from before
to after, `checks` what must fail without it, `capture` the commands whose answers the story shows.
The fixes are a stack: reversed from the last to the first they give the driver of the articles.
Trees are made from src/ on demand, below build/variants, and never kept.

    variants list                     one line for each fix
    variants known [NN...]            are these fixes? --race: about races? --matrix: or all, or none?
    variants tree [NN]                the tree without fix NN, or without any; prints where it is
    variants diff NN                  the story, then the diff
    variants history                  build/history: a git repository, one commit for each fix
    variants matrix [NN...|all|none]  proves that exactly the declared checks fail
    variants page                     chapters/06-compliance/matrix.md: what is declared, as a page
    variants race [NN...]             proves the races by schedule, and tells their stories
    variants capture [NN...]          runs the stories' commands and compares; --write: takes them
    variants refresh [NN...]          the patches anew, when the code around them has changed
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import captures
import matrix
import races
from trees import (HISTORY, ROOT, Failure, all_fixes, copy_sources, find_fix, git, make_tree, reverse,
                   run, tree_of)


def command_list(_arguments):
    fixes = all_fixes()
    width = max(len(fix.title) for fix in fixes)
    for fix in fixes:
        files = ", ".join(name.removeprefix("src/driver/") for name in fix.files)
        print(f"{fix.number}  {fix.title:<{width}}  {files}")


def command_known(arguments):
    for word in arguments.fixes:
        if arguments.race:
            races.find_race(word)
        elif not (arguments.matrix and word in (matrix.NONE, matrix.ALL)):
            find_fix(word)


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
    matrix.PAGE.write_text(matrix.page_text())


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


def main():
    parser = argparse.ArgumentParser(prog="variants", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").set_defaults(run=command_list)
    commands.add_parser("history").set_defaults(run=command_history)
    for name, function, optional in (("tree", command_tree, "?"), ("diff", command_diff, None)):
        each = commands.add_parser(name)
        each.add_argument("fix", nargs=optional)
        each.set_defaults(run=function)
    page = commands.add_parser("page")
    page.add_argument("--check", action="store_true")
    page.set_defaults(run=matrix.command_page)
    many = {"known": command_known, "matrix": matrix.command_matrix, "race": races.command_race,
            "capture": captures.command_capture, "refresh": command_refresh}
    for name, function in many.items():
        each = commands.add_parser(name)
        each.add_argument("fixes", nargs="*")
        each.set_defaults(run=function)
        if name in ("matrix", "race"):
            each.add_argument("--jobs", type=int, default=min((os.cpu_count() or 1) + 1, 8) // 2)
        if name == "known":
            each.add_argument("--race", action="store_true")
            each.add_argument("--matrix", action="store_true")
        if name == "race":
            each.add_argument("--seeds", type=int, default=races.SEEDS)
        if name == "matrix":
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
