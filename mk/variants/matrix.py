"""The matrix: without each fix the tree builds without warnings, and exactly the checks that are
declared for it fail.
"""

import concurrent.futures
import itertools
import json
import pathlib
import shutil
import subprocess
import tempfile

import races
from trees import (ALL, BUILD, FIXES, ROOT, VARIANTS, Failure, all_fixes, built_tree, find_fix, git,
                   nthost, read_checks, run, test_environment)

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
# The chapters whose code several threads run at once: their fixes are played as races, too.
SHARED = {"01", "02", "04"}
# Random scripts, and threads that really run in parallel: whether they meet a race is chance, so no
# list can name them. By suite, or by case.
CHANCE = {"system/explore", "system/disk: 8 x 128 x 1 and 1 x 1 x 255 addresses, all connected"}
# The finished tree.
NONE = "none"
RECORDED = "recorded"


def chapters_of(fixes):
    return sorted({name.removeprefix("src/driver/")[:2] for fix in fixes for name in fix.files})


def runners_of(fixes):
    names = dict.fromkeys(runner for chapter in chapters_of(fixes) for runner in LINKED[chapter])
    return [name for name in names if any((ROOT / "tests" / name).glob("test_*.c"))] + ["system"]


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
    return {name: verdict for name, verdict in cases.items() if name not in CHANCE}


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


def run_races(tree, declared):
    """Each race: lost by one of a few seeds, or by a schedule within its bound. The search of the
    bound is for those that are declared, and for all on the finished tree and while recording (None)."""
    cases = {}
    for race, _ in races.races().values():
        name = f"race: {race}"
        search = declared is None or name in declared
        result = races.play(tree, race, "--seeds", 50, *(() if search else ("--bound", 0)))
        fails = result["seeds"]["fails"] or result["schedules"]["fails"]
        cases[name] = "lost" if fails else "passed"
    return cases


def run_checks(tree, fixes, declared, log):
    """All checks that concern these fixes: name -> how it ended."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    cases = {}
    for runner in runners_of(fixes):
        cases.update(run_suites(tree, runner, log))
    cases.update(run_probe(tree, log))
    if SHARED & set(chapters_of(fixes)):
        cases.update(run_races(tree, declared))
    return cases


def checks_file(number):
    return FIXES / "checks" if number == ALL else find_fix(number).folder / "checks"


def prove(number, record):
    """Builds one variant and compares what fails with what is declared.
    Returns a row of the table, and the differences."""
    fixes = [find_fix(number)] if number.isdigit() else all_fixes()
    declared = set() if number == NONE else read_checks(checks_file(number))
    tree = ROOT
    if number != NONE:
        runners = [f"{BUILD}/tests/{name}/run" for name in runners_of(fixes)]
        points = [races.POINTS] if SHARED & set(chapters_of(fixes)) else []
        tree = built_tree(number, [f"{BUILD}/vmini.so", *points, *runners])
    cases = run_checks(tree, fixes, None if record or number == NONE else declared,
                       VARIANTS / f"{number}.log")
    failed = {name: verdict for name, verdict in cases.items() if verdict != "passed"}
    if record and number != NONE:
        path = checks_file(number)
        comments = [line for line in path.read_text().splitlines() if line.startswith("#")]
        path.write_text("".join(line + "\n" for line in comments + sorted(failed)))
    wrong = [f"    must fail, but passes:  {name}" for name in sorted(declared - failed.keys())]
    wrong += [f"    fails, not declared:    {name}    ({failed[name]})"
              for name in sorted(failed.keys() - declared)]
    if number != NONE and not wrong:
        shutil.rmtree(tree)
    verdict = RECORDED if record and number != NONE else "NOT AS DECLARED" if wrong else "as declared"
    return [number, len(cases), len(declared), len(failed), verdict], wrong


def shared_pairs():
    """Every two fixes that change the same file."""
    return [(first, second) for first, second in itertools.combinations(all_fixes(), 2)
            if set(first.files) & set(second.files)]


def prove_pairs():
    """They come out in both orders to the same bytes."""
    wrong = []
    for first, second in shared_pairs():
        shared = set(first.files) & set(second.files)
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
    return len(shared_pairs()), wrong


def prove_form():
    """A patch is short, each fix has its list, and the page shows these lists."""
    wrong = []
    for fix in all_fixes():
        length = len(fix.patch.read_text().splitlines())
        if length >= 60:
            wrong.append(f"    fix {fix.number} has {length} lines: 59 at most")
        read_checks(fix.folder / "checks")
    if not PAGE.is_file() or PAGE.read_text() != page_text():
        wrong.append(f"    {PAGE.relative_to(ROOT)} is stale; make matrix-page writes it anew")
    return wrong


def command_matrix(arguments):
    numbers = [find_fix(word).number if word.isdigit() else word for word in arguments.fixes]
    if not numbers:
        numbers = [NONE, *[fix.number for fix in all_fixes()], ALL]
    titles = {fix.number: fix.title for fix in all_fixes()}
    titles |= {NONE: "the finished tree", ALL: "the before tree"}
    bad = [] if arguments.record else prove_form()
    print("\n".join(bad or ["form      every patch has fewer than 60 lines, and a list of checks; the page shows them"]))
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
            bad += differences if row[4] != RECORDED else []
    if arguments.record:
        PAGE.write_text(page_text())
        print(f"written: the lists, and {PAGE.relative_to(ROOT)}; look at them with git diff")
    if bad:
        raise Failure("the matrix does not hold; build/variants has logs and trees of what differs")


def prove_or_say(number, record=False):
    try:
        return prove(number, record)
    except Failure as failure:
        lines = str(failure).splitlines()
        return [number, "-", "-", "-", "FAILED"], [f"    {line}" for line in lines]


# --- the page ---

PAGE = FIXES / "matrix.md"
HEAD = """# What fails without each fix {#matrix}

<!-- Made by `make matrix-page` from the lists `checks` beside the fixes; `make matrix` proves them. -->

Each fix of chapter 6 is taken out of the finished driver, alone. The tree has to build without a warning, and exactly
the checks below have to fail: no other, and none less. "Cases" are those of the CUnit suites that link the code, and of
those that load the driver; "probe" are checks of `nthost probe`, which looks at the answers' bytes; "races" are
scenarios of `nthost race`, lost under some schedule with one delay, or with one of 50 seeds. The last row is the driver
without any of them. With none taken out everything passes. Every two fixes that change the same file come out in both
orders, to the same bytes: {pairs} pairs.

    make matrix            # all of it
    make matrix FIX=05     # one row

"""


def kinds_of(checks):
    """How many of each kind: cases, checks of the probe, races."""
    kinds = [name.partition(":")[0] for name in checks]
    probe, lost = kinds.count("probe"), kinds.count("race")
    return len(kinds) - probe - lost, probe, lost


def page_text():
    """The whole page: it follows from the committed lists alone."""
    rows, lists = [], []
    for fix in all_fixes():
        checks = sorted(read_checks(fix.folder / "checks"))
        lines = len(fix.patch.read_text().splitlines())
        cells = [f"[{fix.number}](#without{fix.number})", fix.title, lines, *kinds_of(checks)]
        rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
        lists.append(f"## {fix.number} {fix.title} {{#without{fix.number}}}\n\n"
                     f"`{'`, `'.join(fix.files)}`\n\n" + "".join(f"- {name}\n" for name in checks))
    cells = ["all", "the before tree", "", *kinds_of(read_checks(FIXES / "checks"))]
    rows.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return (HEAD.replace("{pairs}", str(len(shared_pairs()))) +
            "| fix | what it repairs | lines of the patch | cases | probe | races |\n"
            "| --- | --- | --: | --: | --: | --: |\n" + "\n".join(rows) + "\n\n" + "\n".join(lists))


def command_page(arguments):
    text = page_text()
    if not arguments.check:
        PAGE.write_text(text)
        print(PAGE.relative_to(ROOT))
    elif not PAGE.is_file() or PAGE.read_text() != text:
        raise Failure(f"{PAGE.relative_to(ROOT)} is stale; run make matrix-page")
