"""The fixes of chapter 6 as files, and trees of the driver in which some of them are reversed.

A fix is a folder of chapters/06-compliance: README.md is its story, fix.patch its diff from before
to after. Trees are made from src/ on demand, below build/variants, and never kept by hand.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXES = ROOT / "chapters" / "06-compliance"
# build, or build/clang, ...: of the project and of each variant
BUILD = os.environ.get("VARIANT_BUILD", "build")
VARIANTS = ROOT / "build" / "variants"
HISTORY = ROOT / "build" / "history"
ALL = "all"


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
    def is_race(self):
        """Is it about a race? Then its story is that of a schedule: see captures.py."""
        capture = self.folder / "capture"
        return capture.is_file() and capture.read_text().startswith("#!race")

    @property
    def files(self):
        lines = self.patch.read_text().splitlines()
        return [line[6:].strip() for line in lines if line.startswith("+++ b/")]


def read_checks(path):
    """A file of checks: one a line; # begins a comment."""
    if not path.is_file():
        raise Failure(f"{path.relative_to(ROOT)} is missing: it says what fails without the fix")
    lines = [line.split("#", 1)[0].strip() for line in path.read_text().splitlines()]
    return {line for line in lines if line}


def all_fixes():
    folders = sorted(FIXES.glob("[0-9][0-9]-*"))
    return [Fix(folder) for folder in folders if folder.is_dir()]


def find_fix(number):
    fixes = all_fixes()
    for fix in fixes:
        if number.isdigit() and int(fix.number) == int(number):
            return fix
    names = "\n".join(f"    {fix.number}  {fix.title}" for fix in fixes)
    what = f"there is no fix {number!r};" if number else "which fix?"
    raise Failure(f"{what} FIX= takes one of these:\n{names}")


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


def nthost(tree, command):
    """A command line of the project's nthost, on a tree's driver and INF."""
    return [ROOT / BUILD / "nthost", command, "--driver", tree / BUILD / "vmini.so",
            "--inf", tree / "src/driver/05-install/vmini.inf"]


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
