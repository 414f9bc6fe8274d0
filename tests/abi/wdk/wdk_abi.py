#!/usr/bin/env python3
"""Proves that src/host/wdk/nt (our WDK for the native build) agrees with mingw-w64's DDK.

Four checks, each over everything that our headers declare, so that a new name is checked without
being listed here:

  imports  wdk_smoke.c compiles with gcc, clang and mingw, without a warning, and all three objects
           import the same routines (libc's memory functions apart);
  calls    every routine that we declare has mingw's prototype: its headers and ours, one after the
           other, compile without a conflict;
  layout   sizeof and offsetof of every structure and field;
  values   every constant macro and every enumerator.

mingw's DDK lacks some newer names. They are listed in mingw_lacks.txt: a name that is missing and
not listed, or listed and not missing, fails the check too. Figures that mingw has wrong are in
MINGW_WRONG below, each with the reason.

Usage: wdk_abi.py [BUILD_DIRECTORY]   (exit 0: all agree; 1: they do not; 2: a compiler is missing)
"""

import pathlib
import re
import shutil
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
NT = ROOT / "src/host/wdk/nt"
HERE = pathlib.Path(__file__).resolve().parent
LACKS = HERE / "mingw_lacks.txt"

WARN = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
STORPORT = ["-I", str(ROOT / "src/host/wdk/storport")]
NATIVE = ["-fshort-wchar", "-fPIC", "-I", str(NT)] + STORPORT
MINGW = "x86_64-w64-mingw32-"
DDK = ["-I", str(ROOT / "src/host/wdk/mingw")] + STORPORT + [
    "-isystem", f"/usr/{MINGW[:-1]}/include/ddk"]

HEADERS = "\n".join(f"#include <{h}>" for h in ("ntifs.h", "ntstrsafe.h", "wdmguid.h", "ioevent.h"))

# Compiler vocabulary of one build only: these say nothing about the ABI.
NOT_ABI = re.compile(r"^(_|__.*|NTAPI|DBG|INITGUID|NTDDI_VERSION|.*_H)$")

# Windows 8 changed these two structures, and Windows aligns its device object to 16 bytes; mingw has
# the older forms. A driver touches none of these fields, only the structures' sizes.
MINGW_WRONG = {
    "offset KWAIT_BLOCK.BlockState", "offset KWAIT_BLOCK.Object", "offset KWAIT_BLOCK.SpareLong",
    "offset KWAIT_BLOCK.Thread", "offset KWAIT_BLOCK.WaitKey", "offset KWAIT_BLOCK.WaitType",
    "size of KDPC.DpcListEntry", "sizeof DEVICE_OBJECT",
    "size of IRP.Tail.Overlay",  # without IrpExtension, which the union's other members cover
}

# Parameters that we type otherwise than mingw; the machine sees no difference.
CALLS_DIFFER = {
    "MmMapLockedPagesSpecifyCache": "Priority is a ULONG since flags may be or-ed to it",
    "RtlGUIDFromString": "the string is const",
}


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def need(tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        print(f"wdk_abi: not installed: {', '.join(missing)} (make deps-windows installs them)",
              file=sys.stderr)
        sys.exit(2)


# ---- imports


def imports(build):
    """The import lists of the smoke test's objects, or None if one does not compile."""
    lists = {}
    for debug in (0, 1):
        for name, command, nm in (("gcc", ["gcc"] + NATIVE, "nm"),
                                  ("clang", ["clang"] + NATIVE, "nm"),
                                  ("mingw", [MINGW + "gcc"] + DDK, MINGW + "nm")):
            target = build / f"wdk_smoke.{name}{debug}.o"
            result = run(command + WARN + [f"-DDBG={debug}", "-c", str(HERE / "wdk_smoke.c"), "-o",
                                           str(target)])
            if result.returncode != 0:
                print(f"FAIL imports: {name} rejects wdk_smoke.c\n{result.stderr}")
                return None
            names = {line.split()[-1].removeprefix("__imp_")
                     for line in run([nm, "-u", str(target)]).stdout.splitlines()}
            lists[f"{name}, DBG={debug}"] = names - {
                "_GLOBAL_OFFSET_TABLE_", "memcpy", "memcmp", "memset", "memmove"}
    return lists


def check_imports(build):
    lists = imports(build)
    if lists is None:
        return False
    good = True
    for debug in (0, 1):
        first = lists[f"gcc, DBG={debug}"]
        for other in ("clang", "mingw"):
            for name in sorted(first ^ lists[f"{other}, DBG={debug}"]):
                print(f"FAIL imports: only one of gcc and {other} imports {name}, DBG={debug}")
                good = False
    if good:
        print(f"ok   imports: {len(lists['gcc, DBG=0'])} routines, the same in all builds")
    return good


# ---- what our headers declare


def preprocessed():
    """Our headers after preprocessing: only lines that come from src/host/wdk/nt."""
    text = run(["gcc", "-E", "-dD", "-fshort-wchar", "-I", str(NT), "-x", "c", "-"], input=HEADERS,
               check=True).stdout
    ours, lines, macros = False, [], []
    for line in text.splitlines():
        marker = re.match(r'# \d+ "([^"]*)"', line)
        if marker:
            ours = marker.group(1).startswith(str(NT))
        elif ours:
            macro = re.match(r"#define (\w+) (\S.*)$", line)
            if macro:
                macros.append(macro.group(1))
            elif not line.startswith("#"):
                lines.append(line)
    return "\n".join(lines), [m for m in dict.fromkeys(macros) if not NOT_ABI.match(m)]


def strip_attributes(text):
    out, at = [], 0
    for found in re.finditer(r"__attribute__\s*\(", text):
        if found.start() < at:
            continue
        out.append(text[at:found.start()])
        depth, at = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
    return "".join(out) + text[at:]


def matching(text, at):
    """The index just after the brace that closes the one at `at`."""
    depth = 0
    while True:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            return at


def fields(body, prefix=""):
    """Paths of the fields of a structure's body; bit-fields are left out: they have no offset."""
    paths, at = [], 0
    while True:
        found = re.compile(r"\s*(?:(?:struct|union)\s*\w*\s*(\{)|([^;{}]+);)").match(body, at)
        if not found:
            return paths
        if found.group(1):
            end = matching(body, found.start(1))
            semicolon = body.index(";", end)
            name = re.sub(r"\[.*\]", "", body[end:semicolon]).strip()
            inner = body[found.end(1):end - 1]
            if name:
                paths.append(prefix + name)
                paths += fields(inner, prefix + name + ".")
            else:
                paths += fields(inner, prefix)
            at = semicolon + 1
        else:
            if ":" not in found.group(2):
                names = re.findall(r"\w+", re.sub(r"\[.*\]", "", found.group(2)))
                paths.append(prefix + names[-1])
            at = found.end()


def declarations():
    """Expressions to compare: [(what it is called, the C expression)]."""
    text, macros = preprocessed()
    text = strip_attributes(text)
    rows = []
    for found in re.finditer(r"(?:typedef\s+)?(?:struct|union)\s+(\w+)\s*(\{)", text):
        if text[:found.start()].count("{") != text[:found.start()].count("}"):
            continue
        end = matching(text, found.start(2))
        named = re.match(r"\s*(\w+)", text[end:])
        kind = named.group(1) if named else f"struct {found.group(1)}"
        rows.append((f"sizeof {kind}", f"sizeof({kind})"))
        for path in fields(text[found.end(2):end - 1]):
            rows.append((f"offset {kind}.{path}", f"__builtin_offsetof({kind}, {path})"))
            rows.append((f"size of {kind}.{path}", f"sizeof((({kind} *)0)->{path})"))
    for found in re.finditer(r"\benum\b\s*\w*\s*\{([^}]*)\}", text):
        for item in found.group(1).split(","):
            if item.strip():
                name = re.match(r"\s*(\w+)", item).group(1)
                rows.append((f"enum {name}", name))
    rows += [(f"macro {name}", name) for name in macros]
    return rows


# ---- prototypes


def prototypes():
    """{routine: declaration} of every routine that our headers declare and do not define."""
    text = strip_attributes(preprocessed()[0])
    found, depth, start = {}, 0, 0
    for at, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)
        if depth == 0 and char in ";}":
            piece = " ".join(text[start:at + 1].split())
            start = at + 1
            name = re.match(r"(?!typedef|static|_Static_assert)[\w *]*?(\w+) ?\(.*\);$", piece)
            if name and "{" not in piece:
                found[name.group(1)] = piece
    return found


def check_prototypes(build):
    source = build / "wdk_calls.c"
    calls = prototypes()
    head = HEADERS.splitlines()
    # A parenthesised name is not expanded where mingw has a macro of the same name.
    lines = [re.sub(rf"\b{name}\b", f"({name})", text, count=1) for name, text in calls.items()
             if name not in CALLS_DIFFER]
    source.write_text("\n".join(head + lines) + "\n")
    result = run([MINGW + "gcc"] + DDK + ["-std=gnu11", "-w", "-c", str(source), "-o",
                                          str(build / "wdk_calls.o")])
    for message in re.findall(rf"{source.name}:\d+:\d+: error: (.*)", result.stderr):
        print(f"FAIL calls: {message}")
    if result.returncode == 0:
        print(f"ok   calls: {len(lines)} prototypes do not conflict with mingw's")
    return result.returncode == 0


# ---- what a compiler makes of them


def evaluate(build, name, command, objcopy, rows):
    """{row: value} as this compiler computes it; rows it does not know are left out."""
    source, target = build / f"wdk_rows.{name}.c", build / f"wdk_rows.{name}.o"
    rows = list(rows)
    while True:
        head = HEADERS.splitlines() + [
            "struct row { long long value; };",
            '__attribute__((section(".abirows"), used)) struct row rows[] = {']
        source.write_text("\n".join(head + [f"{{(long long)({e})}}," for _, e in rows] + ["};\n"]))
        result = run(command + ["-std=gnu11", "-w", "-c", str(source), "-o", str(target)])
        if result.returncode == 0:
            break
        bad = {int(n) for n in re.findall(rf"{re.escape(source.name)}:(\d+):\d+: (?:error|note)",
                                         result.stderr)}
        bad = {n - len(head) - 1 for n in bad}
        kept = [row for i, row in enumerate(rows) if i not in bad]
        if len(kept) == len(rows):
            sys.exit(f"wdk_abi: {name} cannot compile the table:\n{result.stderr[:2000]}")
        rows = kept
    image = build / f"wdk_rows.{name}.bin"
    subprocess.run([objcopy, "-O", "binary", "-j", ".abirows", str(target), str(image)], check=True)
    values = struct.unpack_from(f"<{len(rows)}q", image.read_bytes())
    return dict(zip((row for row, _ in rows), values))


def check_values(build):
    rows = declarations()
    ours = evaluate(build, "gcc", ["gcc"] + NATIVE, "objcopy", rows)
    rows = [row for row in rows if row[0] in ours]
    clang = evaluate(build, "clang", ["clang"] + NATIVE, "objcopy", rows)
    theirs = evaluate(build, "mingw", [MINGW + "gcc"] + DDK, MINGW + "objcopy", rows)
    good = True
    for row in sorted(ours):
        if clang.get(row) != ours[row]:
            print(f"FAIL {row}: gcc {ours[row]:#x}, clang {clang.get(row)}")
            good = False
        if row in theirs and (theirs[row] != ours[row]) != (row in MINGW_WRONG):
            print(f"FAIL {row}: ours {ours[row]:#x}, mingw's {theirs[row]:#x}"
                  + (" (remove it from MINGW_WRONG)" if row in MINGW_WRONG else ""))
            good = False
    missing = {row for row in ours if row not in theirs}
    listed = {line for line in LACKS.read_text().splitlines() if line and line[0] != "#"}
    for row in sorted(missing - listed):
        print(f"FAIL {row}: not in mingw's DDK, and not listed in {LACKS.name}")
        good = False
    for row in sorted(listed - missing):
        print(f"FAIL {row}: listed in {LACKS.name}, but mingw's DDK (or our header) has changed")
        good = False
    if good:
        print(f"ok   layout and values: {len(theirs)} compared, {len(missing)} known to mingw not")
    return good


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/abi")
    build.mkdir(parents=True, exist_ok=True)
    need(["gcc", "clang", MINGW + "gcc", MINGW + "objcopy", MINGW + "nm", "objcopy", "nm"])
    results = [check_imports(build), check_prototypes(build), check_values(build)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
