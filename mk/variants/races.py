"""The races of chapter 6: is what a fix repaired met by some schedule, and by none afterwards?

The drivers are built with level 2 scheduling points (build/points/vmini.so of each tree), and
`nthost race` plays the scenarios.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import tempfile
import textwrap

import story
from trees import BUILD, ROOT, Failure, all_fixes, built_tree, find_fix

POINTS = f"{BUILD}/points/vmini.so"
SEEDS = 2000  # Of PCT: one of them has to fail without the fix.


def nthost(tree, *arguments):
    """nthost race on a tree's driver; 0: it won, 1: it lost."""
    command = [ROOT / BUILD / "nthost", "race", "--driver", tree / POINTS, *arguments]
    result = subprocess.run([str(word) for word in command], cwd=ROOT, text=True,
                            capture_output=True, check=False)
    if result.returncode not in (0, 1):
        raise Failure(f"nthost race could not run:\n{result.stderr[-1000:]}")
    return result


def races():
    """Fix -> name of its race, and what happens at once in words."""
    listed = [line.split(None, 2) for line in nthost(ROOT, "--list").stdout.splitlines()]
    return {fix: (name, words.rsplit(";", 1)[0]) for fix, name, words in listed}


def play(tree, race, *arguments):
    """Plays one race; its result as nthost tells it."""
    return json.loads(nthost(tree, race, "--json", *arguments).stdout)[0]


def tell(tree, race, *which):
    """The story of one run, made again: of a seed, or of the first schedule that fails."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        nthost(tree, race, "--trace", trace, *which)
        with open(trace, encoding="utf-8") as text:
            return story.tell(text.read(), tree, tree / POINTS)


def delays(played):
    return f"{played['bound']} delay{'' if played['bound'] == 1 else 's'}"


def way(result, unit, number):
    if result["fails"]:
        return f"{unit} {number} fails"
    return f"none of {result['runs']} {unit}s fails"


def verdict(played):
    schedules = played["schedules"]
    return (f"PCT: {way(played['seeds'], 'seed', played.get('seed'))}; every schedule with "
            f"{delays(played)}: {way(schedules, 'schedule', schedules['runs'])}")


def ending(result):
    """How it ended, from "bugcheck 0xD5 in VminiBusFind (vmini.so): rule, details"."""
    text = result["ending"].replace(" (vmini.so)", "").rstrip(".") + "."
    return "\n".join(textwrap.wrap("The end: " + text, story.WIDTH, break_on_hyphens=False)) + "\n"


def both(tree, number, seeds):
    """Plays a race without its fix and with it. Returns both, their table, and what is wrong."""
    before = play(tree, number, "--seeds", seeds)
    after = play(ROOT, number, "--seeds", max(seeds // 10, 1))
    table = f"without it   {verdict(before)}\nwith it      {verdict(after)}\n"
    wrong = []
    if not (before["seeds"]["fails"] and before["schedules"]["fails"]):
        wrong.append("NOT FOUND without the fix: the race is not proven")
    if after["seeds"]["fails"] or after["schedules"]["fails"]:
        wrong.append("LOST by the finished driver")
    return before, table, wrong


def sides(tree, number, seeds):
    """What the page of a fix shows: the story of the first schedule that fails, and the table."""
    before, table, wrong = both(tree, number, seeds)
    if wrong:
        raise Failure(f"fix {number}: {'; '.join(wrong)}\n{table}")
    told = tell(tree, number, "--seeds", 0) + "\n" + ending(before["schedules"])
    # A line's number changes with every line above it, and says nothing that the line does not.
    told = re.sub(r"^    (\w+\.[ch]):\d+ +", lambda line: f"    {line[1]:<17} ", told, flags=re.M)
    return told, table


def prove(number, seeds):
    """Both sides of one race. Returns its text, and whether it is as it should be."""
    fix = find_fix(number)
    tree = built_tree(fix.number, [POINTS])
    before, table, wrong = both(tree, fix.number, seeds)
    text = (f"fix {fix.number}  {fix.title}\n    {races()[fix.number][1]}\n" +
            textwrap.indent(table, "    "))
    if before["seeds"]["fails"]:
        text += f"\nSeed {before['seed']} again, without the fix:\n\n"
        text += tell(tree, fix.number, "--seed", before["seed"])
        text += "\n" + ending(before["seeds"])
    return text + "".join(f"\n{line}\n" for line in wrong), not wrong


def find_race(word):
    """The number of a fix that is about a race."""
    fix = find_fix(word)
    if not fix.is_race:
        names = "\n".join(f"    {each.number}  {each.title}" for each in all_fixes() if each.is_race)
        raise Failure(f"fix {fix.number} is about no race; these are:\n{names}")
    return fix.number


def command_race(arguments):
    told = [fix.number for fix in all_fixes() if fix.is_race]
    if told != list(races()):
        raise Failure(f"nthost race plays the fixes {', '.join(races())}, but stories of a race are told "
                      f"of {', '.join(told)} (#!race in `capture`)")
    numbers = [find_race(word) for word in arguments.fixes] or told
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        proven = []
        for text, good in pool.map(prove, numbers, [arguments.seeds] * len(numbers)):
            print(("\n" if proven else "") + text, end="", flush=True)
            proven.append(good)
    if not all(proven):
        raise Failure("a race is not proven: see above")
