#!/usr/bin/env python3
"""The static call graph of the driver, from Doxygen's XML, without its lies.

Doxygen draws an edge for a mention of a function. A mention that is no call ("Data.HwStartIo =
VminiHwStartIo") is a registration, so it is taken out of the calls. What is called through a pointer
has no edge: these are added, from the tables and assignments that hold the pointers. A call through
a pointer for which nothing is found is an error, so no new table is forgotten. And some calls
Doxygen does not see at all; so where functions begin and end comes from its XML, and who calls whom
from the code between. draw.py holds the result against what really ran.

    static.py XML_DIRECTORY     writes JSON: functions, calls, table, host
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DRIVER = ROOT / "src/driver"
# What the driver calls of Windows. Interlocked* and Rtl* are left out: inlines, and no news.
HOST_CALL = re.compile(r"\b((?:StorPort|Iof?|Kf?e?|Ex|Ps|Mm|Obf?|Se|Zw)[A-Z][a-z]\w*)\s*\(")
# In the source a macro or an inline, in the list of imports another name.
REAL_NAMES = {
    "KeAcquireSpinLock": "KeAcquireSpinLockRaiseToDpc",
    "IoCallDriver": "IofCallDriver",
    "ObDereferenceObject": "ObfDereferenceObject",
}
# Fields that nobody in the driver fills today: a queue's owner may.
OPEN_FIELDS = {"Routine"}
IMPORTS = set((DRIVER / "imports.txt").read_text().split())


class Failure(Exception):
    """Something that the reader can act on."""


def strip(text):
    """The code without comments, strings and characters; of the same length."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', blank, text, flags=re.S)


class Source:
    """The driver's files, by the paths that Doxygen gives them."""

    def __init__(self):
        self.code = {}
        for path in sorted(DRIVER.glob("**/*.[ch]")):
            self.code[str(path.relative_to(DRIVER))] = strip(path.read_text()).split("\n")

    def lines(self, name, first, last):
        return "\n".join(self.code[name][first - 1:last])


def read_members(directory, source):
    """Functions with bodies, and all mentions in them; the members of structures, in order."""
    functions, structures = {}, {}
    for path in sorted(directory.glob("*.xml")):
        root = ElementTree.parse(path).getroot()
        for compound in root.iter("compounddef"):
            if compound.get("kind") == "struct":
                name = compound.findtext("compoundname")
                structures[name] = [member.findtext("name") for member in compound.iter("memberdef")
                                    if member.get("kind") == "variable"]
        for member in root.iter("memberdef"):
            place = member.find("location")
            if member.get("kind") != "function" or not place.get("bodyfile"):
                continue
            name = member.findtext("name")
            file, first, last = place.get("bodyfile"), int(place.get("bodystart")), int(place.get("bodyend"))
            if name in functions:
                continue
            body = source.lines(file, first, last)
            functions[name] = {
                "file": file, "line": first, "module": file.split("/")[0],
                "static": member.get("static") == "yes",
                "brief": " ".join("".join(member.find("briefdescription").itertext()).split()),
                "body": body[body.find("{"):],
            }
    return functions, structures


def find_calls(functions):
    """Who calls whom by name, in the order of the source; a mention without "(" is none."""
    calls, registrations = {}, {}
    for name, function in functions.items():
        calls[name], registrations[name] = [], []
        for word, call in re.findall(r"\b(\w+)\b(\s*\()?", function["body"]):
            if word in functions and word != name:
                found = calls if call else registrations
                found[name] += [word] if word not in found[name] else []
    return calls, registrations


def closing(text, at):
    """Where the bracket is closed that was opened just before."""
    depth = 1
    while depth > 0:
        depth += (text[at] == "{") - (text[at] == "}")
        at += 1
    return at - 1


def split_rows(text):
    """The rows of an initializer: what stands between commas outside of all brackets."""
    rows, depth, row = [], 0, ""
    for character in text:
        depth += character in "{[(" 
        depth -= character in "}])"
        if character == "," and depth == 0:
            rows.append(row.strip())
            row = ""
        else:
            row += character
    return rows + [row.strip()] if row.strip() else rows


def row_functions(row, members, functions):
    """(member, function) of one row of a table; member is None where rows are functions."""
    row = re.sub(r"^\[[^\]]*\]\s*=\s*", "", row)
    if not row.startswith("{"):
        return [(None, row.lstrip("&"))] if row.lstrip("&") in functions else []
    cells = split_rows(row.strip()[1:-1])
    return [(members[i] if i < len(members) else None, cell) for i, cell in enumerate(cells)
            if cell in functions]


def find_tables(source, functions, structures):
    """Constant tables with functions in them: name -> [(member, function)]."""
    tables, files = {}, {}
    pattern = re.compile(r"(?m)^(?:static )?(?:const )?(\w+)[^\n;=(]*?(?:\(\*const )?\b(\w+)(\[\w*\])?\)?"
                         r"(?:\([^)]*\))?\s*=\s*\{")
    for file, lines in source.code.items():
        text = "\n".join(lines)
        for match in pattern.finditer(text):
            inner = text[match.end():closing(text, match.end())]
            members = structures.get(match.group(1), structures.get("_" + match.group(1), []))
            rows = split_rows(inner) if match.group(3) else ["{" + inner + "}"]
            entries = [entry for row in rows for entry in row_functions(row, members, functions)]
            if entries:
                tables[match.group(2)] = entries
                files[match.group(2)] = file
    return tables, files


def find_assignments(functions):
    """Functions that are put into a field: field -> functions."""
    fields = {}
    for function in functions.values():
        for field, target in re.findall(r"(?:->|\.)(\w+)\s*=\s*&?(\w+)\s*;", function["body"]):
            if target in functions:
                fields.setdefault(field, []).append(target)
    return fields


def find_dispatch(functions, tables, files, fields):
    """Calls through pointers: caller -> [(callee, table or field)]."""
    dispatch = {}
    columns = {}
    for table, entries in tables.items():
        for member, target in entries:
            columns.setdefault(member, []).append((target, table))
    for name, function in functions.items():
        body, found = function["body"], []
        for table in re.findall(r"\b(\w+)\s*\[[^\]]*\]\s*\(", body):
            if table not in tables:
                raise Failure(f"{function['file']}: {name} calls through {table}, which is no table")
            found += [(target, table) for _, target in tables[table]]
        for field in re.findall(r"(?:->|\.)(\w+)\s*\(", body):
            rows = columns.get(field, [])
            # Two tables may call their column the same; then it is the one beside the caller.
            rows = [row for row in rows if files[row[1]] == function["file"]] or rows
            targets = rows + [(target, field) for target in fields.get(field, [])]
            if not targets and field not in OPEN_FIELDS:
                raise Failure(f"{function['file']}: {name} calls through {field}, and nothing fills it")
            found += targets
        if found:
            dispatch[name] = list(dict.fromkeys(found))
    return dispatch


def real_name(name):
    """How an import is called in the trace; StorPort's inlines are two functions."""
    if name in IMPORTS:
        return name
    if name in REAL_NAMES:
        return REAL_NAMES[name]
    return "StorPort" if name.startswith("StorPort") else None


def main():
    directory = pathlib.Path(sys.argv[1])
    source = Source()
    functions, structures = read_members(directory, source)
    calls, registrations = find_calls(functions)
    tables, files = find_tables(source, functions, structures)
    dispatch = find_dispatch(functions, tables, files, find_assignments(functions))
    host = {}
    for name, function in functions.items():
        named = [(each, real_name(each)) for each in dict.fromkeys(HOST_CALL.findall(function["body"]))]
        host[name] = [[each, real] for each, real in named if real]
    registered = sum(len(each) for each in registrations.values())
    print(f"static: {len(functions)} functions, {sum(map(len, calls.values()))} calls, {registered} "
          f"registrations taken out, {sum(map(len, dispatch.values()))} edges through tables",
          file=sys.stderr)
    for function in functions.values():
        del function["body"]
    json.dump({"functions": functions, "calls": calls, "registrations": registrations,
               "tables": {name: [target for _, target in rows] for name, rows in tables.items()},
               "dispatch": dispatch, "host": host}, sys.stdout, indent=1)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        print(f"diagrams: {failure}", file=sys.stderr)
        sys.exit(1)
