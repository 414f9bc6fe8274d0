"""What the stories show: the answers of a driver without the fix and with it, compared with the
blocks ```before and ```after of the story, or written into it. Of a race: the story of a schedule
(```story), and what the finished driver does (```proof).
"""

import difflib
import pathlib
import re
import subprocess
import tempfile

import races
from trees import (BUILD, ROOT, Failure, all_fixes, built_tree, find_fix, nthost, test_environment)


def capture(tree, script):
    """What a driver answers to the `capture` of a story: commands of `nthost run` (what they print
    after a line ---), or, with "#!case RUNNER/SUITE: CASE", how that case of the tests ends. (With
    "#!race" it is the story of a schedule: both_sides.)"""
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
    """The fenced blocks of a story that runs have written, by name."""
    return dict(re.findall(r"^```(before|after|story|proof)\n(.*?)^```$", text, re.M | re.S))


def same(side, got, block):
    """How many schedules there are, which one fails first, and how large a block is: that depends on
    the compiler, and on lines that have nothing to do with the story."""
    if side in ("story", "proof"):
        got, block = (re.sub(r"\d+", "#", text) for text in (got, block))
    return got == block


def both_sides(fix, script):
    """What the story's blocks have to say: block -> text."""
    if script.startswith("#!race"):
        told = races.sides(built_tree(fix.number, [races.POINTS]), fix.number, races.SEEDS)
        return dict(zip(("story", "proof"), told))
    runner = re.match(r"#!case ([\w-]+)/", script)
    targets = [f"{BUILD}/vmini.so"] + ([f"{BUILD}/tests/{runner[1]}/run"] if runner else [])
    return {"before": capture(built_tree(fix.number, targets), script),
            "after": capture(ROOT, script)}


def command_capture(arguments):
    bad = 0
    for fix in [find_fix(number) for number in arguments.fixes] or all_fixes():
        script = fix.folder / "capture"
        if not script.is_file():
            continue
        story = fix.story.read_text()
        for side, got in both_sides(fix, script.read_text()).items():
            block = blocks_of(story).get(side)
            if block is None:
                raise Failure(f"{fix.story.relative_to(ROOT)} has no ```{side} block")
            if arguments.write:
                story = story.replace(f"```{side}\n{block}```", f"```{side}\n{got}```")
            elif not same(side, got, block):
                bad += 1
                print(f"{fix.story.relative_to(ROOT)}: {side} is not what is answered now:")
                print("\n".join(difflib.unified_diff(block.splitlines(), got.splitlines(), "story",
                                                     "now", lineterm="")))
        if arguments.write:
            fix.story.write_text(story)
    if bad:
        raise Failure("the stories differ from what the drivers do; "
                      "make captures WRITE=1 takes the new answers")
    print("written" if arguments.write else "the answers in the stories are those of the drivers")
