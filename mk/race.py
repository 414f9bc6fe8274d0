#!/usr/bin/env python3
"""The races of chapter 6: is what a fix repaired met by some schedule, and by none afterwards?

    race.py [NN...]     for each race: the driver without fix NN under PCT and under every schedule
                        with few delays, the story of the lowest seed that fails, and the finished
                        driver under as many schedules
    race.py --seeds N   how many seeds at most (2000); the finished driver gets a tenth of them

The drivers are built with level 2 scheduling points (build/points/vmini.so of each tree).
"""

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import textwrap

import story
import variants
from variants import BUILD, ROOT, Failure

POINTS = f"{BUILD}/points/vmini.so"


def nthost(tree, *arguments):
    """nthost race on a tree's driver; 0: it won, 1: it lost."""
    command = [ROOT / BUILD / "nthost", "race", "--driver", tree / POINTS, *arguments]
    result = subprocess.run([str(word) for word in command], cwd=ROOT, text=True,
                            capture_output=True, check=False)
    if result.returncode not in (0, 1):
        raise Failure(f"nthost race could not run:\n{result.stderr[-1000:]}")
    return result


def races():
    """Fix -> what happens at once, in words."""
    listed = nthost(ROOT, "--list").stdout.splitlines()
    return {line.split()[0]: line.split(None, 2)[2].rsplit(";", 1)[0] for line in listed}


def play(tree, number, *arguments):
    return json.loads(nthost(tree, number, "--json", *arguments).stdout)[0]


def tell(tree, number, seed):
    """The story of one seed, run again."""
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace")
        nthost(tree, number, "--seed", seed, "--trace", trace)
        with open(trace, encoding="utf-8") as text:
            return story.tell(text.read(), tree, tree / POINTS)


def way(result, unit, number):
    if result["fails"]:
        return f"{unit} {number} fails"
    return f"none of {result['runs']} {unit}s fails"


def verdict(played):
    bound = f"{played['bound']} delay{'' if played['bound'] == 1 else 's'}"
    schedules = played["schedules"]
    return (f"PCT: {way(played['seeds'], 'seed', played.get('seed'))}; "
            f"every schedule with {bound}: {way(schedules, 'schedule', schedules['runs'])}")


def prove(number, seeds):
    """Both sides of one race. Returns its text, and whether it is as it should be."""
    fix = variants.find_fix(number)
    tree = variants.built_tree(fix.number, [POINTS])
    before = play(tree, fix.number, "--seeds", seeds)
    after = play(ROOT, fix.number, "--seeds", max(seeds // 10, 1))
    lost = before["seeds"]["fails"] and before["schedules"]["fails"]
    won = not after["seeds"]["fails"] and not after["schedules"]["fails"]
    text = f"fix {fix.number}  {fix.title}\n    {races()[fix.number]}\n"
    text += f"    without it   {verdict(before)}\n    with it      {verdict(after)}\n"
    if before["seeds"]["fails"]:
        text += f"\nSeed {before['seed']}, without the fix:\n\n"
        text += tell(tree, fix.number, before["seed"])
        text += "\n" + ending(before["seeds"]) + "\n"
    if not lost:
        text += "\nNOT FOUND without the fix: the race is not proven\n"
    if not won:
        text += "\nLOST by the finished driver\n"
    return text, lost and won


def ending(result):
    """How it ended, from "bugcheck 0xD5 in VminiBusFind (vmini.so): rule, details"."""
    text = result["ending"].replace(" (vmini.so)", "")
    return "\n".join(textwrap.wrap("The end: " + text, story.WIDTH, break_on_hyphens=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixes", nargs="*")
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    arguments = parser.parse_args()
    known = races()
    try:
        numbers = [variants.find_fix(word).number for word in arguments.fixes] or list(known)
        for number in numbers:
            if number not in known:
                names = "\n".join(f"    {fix}  {what}" for fix, what in known.items())
                raise Failure(f"fix {number} is about no race; these are:\n{names}")
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            proven = []
            for text, good in pool.map(prove, numbers, [arguments.seeds] * len(numbers)):
                print(("\n" if proven else "") + text, end="", flush=True)
                proven.append(good)
    except Failure as failure:
        print(f"race: {failure}", file=sys.stderr)
        return 1
    return 0 if all(proven) else 1


if __name__ == "__main__":
    sys.exit(main())
