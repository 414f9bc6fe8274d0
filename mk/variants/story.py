"""The story of an interleaving: from the trace of a run that a driver lost (nthost race NN --seed N
--trace FILE) to sentences that say which thread did what, in which order, and what broke.

A driver with level 2 points leaves a record before each access to memory and each call, and there
another thread may go on. So a step happens when its thread leaves its next record; if others made
steps in between, it was stopped there, unless it waited.
"""

import dataclasses
import itertools
import pathlib
import re
import subprocess
import textwrap

LINE = re.compile(r"\s*\d+\s+[\d.]+ T(\d+)\s+cpu\d+ irql\d+ (\S+)\s+(.*)")
ACCESS = re.compile(r"(\S+) at (0x[0-9a-f]+) (reads|writes|interlocked|call)(?: (\d+))?"
                    r"(?: block (\d+)\+(\d+))?")
POOL = re.compile(r"(allocated|freed) block (\d+), (\d+) bytes")
SHOWN = 4    # lines of one thread at a time
RECENT = 40  # steps of a stopped thread that its story looks at
WIDTH = 100


@dataclasses.dataclass
class Step:
    """One thing that driver code did."""
    thread: int
    stack: tuple         # functions, the outermost first, each with the number of its call
    what: str            # reads, writes, interlocked, freed, allocated, or the routine called
    code: str = ""       # address in the driver's file
    block: int = 0
    start: int = 0       # in the block
    size: int = 0
    since: int = 0       # how many steps had happened when it was announced
    waited: bool = False
    place: str = ""      # file:line
    text: str = ""       # that statement
    inner: str = ""      # the statement of a list operation that it is in

    def meets(self, other):
        """Do two threads touch the same bytes, one of them changing them?"""
        if self.thread == other.thread or self.block == 0 or self.block != other.block:
            return False
        if "freed" in (self.what, other.what):
            return True
        overlap = self.start < other.start + other.size and other.start < self.start + self.size
        return overlap and (self.what != "reads" or other.what != "reads")


class Trace:
    """What happened, in order: `steps`; what had been announced at the end: `pending`."""

    def __init__(self, text):
        self.names, self.bottom, self.stacks, self.calls = {1: "main"}, {}, {}, {}
        self.entered = 0
        self.steps, self.pending, self.end = [], {}, 0
        for line in text.splitlines():
            if match := LINE.match(line):
                self.take(int(match[1]), match[2], match[3])

    def take(self, thread, kind, rest):
        """One record."""
        stack = self.stacks.setdefault(thread, [])
        words = rest.split()
        if kind == "thread" and "blocked" in words and thread in self.pending:
            self.pending[thread].waited = True
        elif not (kind == "routine" and thread in self.pending and
                  self.pending[thread].what == words[0]):
            self.happened(thread)
        if kind == "function" and words[1] == "entered":
            self.entered += 1
            stack.append((words[0], self.entered))
            self.bottom.setdefault(thread, words[0])
        elif kind == "function" and stack:
            stack.pop()
            self.calls[thread] = ""
        elif kind == "thread" and "created" in words:
            self.names[int(words[-1])] = " ".join(words[:-2])
        elif kind == "pool" and (match := POOL.match(rest)):
            self.steps.append(Step(thread, tuple(stack), match[1], self.calls.get(thread, ""),
                                   int(match[2]), 0, int(match[3]), len(self.steps)))
        elif kind == "access" and (match := ACCESS.match(rest)):
            what = match[1] if match[3] == "call" else match[3]
            self.pending[thread] = Step(thread, tuple(stack), what, match[2], int(match[5] or 0),
                                        int(match[6] or 0), int(match[4] or 0), len(self.steps))
            self.calls[thread] = match[2] if stack else ""
        elif kind == "bugcheck":
            self.end = thread

    def happened(self, thread):
        """The thread has gone on: what it announced is done."""
        if thread in self.pending:
            self.steps.append(self.pending.pop(thread))

    def of_end(self, start=0):
        """The steps of the thread that met the end."""
        return [step for step in self.steps[start:] if step.thread == self.end]

    def label(self, thread):
        """T4 VminiWorkThread for a thread of the driver's own, T1 main for one of the host's."""
        name = self.names.get(thread, "?")
        return f"T{thread} {self.bottom.get(thread, name) if name == 'driver' else name}"


# --- source lines ---

def locate(steps, tree, driver):
    """Finds the line of each step: the driver's own, and the list operation of the WDK in it."""
    codes = list({step.code for step in steps if step.code})
    # The record has the return address: one less is in the instruction that called.
    asked = "".join(f"{int(code, 16) - 1:#x}\n" for code in codes)
    said = subprocess.run(["addr2line", "-a", "-i", "-e", driver], input=asked, text=True,
                          capture_output=True, check=True).stdout
    frames = {}
    for block in re.split(r"^0x", said, flags=re.M)[1:]:
        address, *lines = block.split("\n")
        frames[f"{int(address, 16) + 1:#x}"] = [line.split(" ")[0] for line in lines if line]
    for step in steps:
        found = frames.get(step.code, [])
        own = [frame for frame in found if "src/driver/" in frame]
        if own:
            step.place, step.text = source(tree, own[0])
        if found and "wdm_list.h" in found[0]:
            step.inner = source(tree, found[0])[1]


def source(tree, frame):
    """bus.c:57, and the statement that begins there."""
    path, _, number = frame.rpartition(":")
    lines = (pathlib.Path(tree) / path[path.index("src/"):]).read_text().splitlines()
    text = lines[int(number) - 1].strip()
    for more in lines[int(number):int(number) + 3]:
        if text.count("(") <= text.count(")"):
            break
        text += " " + more.strip()
    text = re.sub(r"\s*(/\*.*|\{)$", "", text)
    return f"{pathlib.Path(path).name}:{number}", text


# --- what belongs into the story ---

def last_stop(trace, meeting):
    """The latest stop of the thread that met the end, and when it went on. Meeting: in what it was
    doing at the end, and others changed meanwhile what it goes on to use."""
    final = trace.of_end()[-1:]
    for index in range(len(trace.steps) - 1, -1, -1):
        step = trace.steps[index]
        if step.thread != trace.end or step.waited or step.since == index:
            continue
        if not meeting:
            return step, index
        if final[0].stack[:len(step.stack)] != step.stack:
            continue
        others = trace.steps[step.since:index]
        if any(mine.meets(theirs) for mine in trace.of_end(index) for theirs in others):
            return step, index
    return None, len(trace.steps)


def never_resumed(trace):
    """Who else was stopped, and did not come to go on: the latest."""
    stopped = [step for step in trace.pending.values()
               if not step.waited and step.thread != trace.end and step.since < len(trace.steps)]
    return max(stopped, key=lambda step: step.since, default=None)


def runs_of(steps):
    """Cut where another thread goes on."""
    runs = []
    for step in steps:
        if not runs or runs[-1][-1].thread != step.thread:
            runs.append([])
        runs[-1].append(step)
    return runs


def shown(steps):
    """Their lines of source, each once, the last few: (place, statement, list operation)."""
    return list(dict.fromkeys((step.place, step.text, step.inner)
                              for step in steps if step.place))[-SHOWN:]


class Story:
    """The sentences."""

    def __init__(self, trace, tree, driver):
        self.trace, self.lines = trace, []
        stop, resumed = last_stop(trace, meeting=True)
        halted = stop or never_resumed(trace)
        meeting = stop is not None
        if halted is None:
            stop, resumed = last_stop(trace, meeting=False)
            halted = stop
        if halted is None:
            locate(trace.of_end()[-RECENT:], tree, driver)
            self.tell(trace.of_end()[-RECENT:])
            return
        mine = [step for step in trace.steps[:halted.since]
                if step.thread == halted.thread and step.stack == halted.stack][-RECENT:]
        between = trace.steps[halted.since:resumed]
        after = trace.of_end(resumed)
        locate(mine + [halted] + between + after, tree, driver)
        self.tell_stop(halted, mine)
        if stop:
            for run in runs_of(between):
                if meeting:
                    self.tell_meeting(run, mine + [halted] + after)
                else:  # Who came to an end with Storport meanwhile.
                    self.tell([step for step in run if step.what.startswith("StorPort")])
            self.tell(after, "goes on")
        else:
            self.tell_to_the_end(halted, runs_of(between))

    def tell_meeting(self, run, touched):
        """What others did to what the stopped thread has touched, and will touch."""
        steps = [step for step in run if any(step.meets(other) for other in touched)]
        self.tell(steps)
        if "freed" in [step.what for step in steps]:
            self.lines.append(f"The block of {steps[-1].size} bytes is free now.")

    def tell_to_the_end(self, halted, runs):
        """The one that was stopped never goes on: who waited for something, and who met the end."""
        for run in runs[:-1]:
            self.tell([step for step in run if step.waited and step.since < halted.since])
        self.tell(runs[-1])

    def say(self, text):
        self.lines += textwrap.wrap(text, WIDTH, subsequent_indent="    ",
                                    break_on_hyphens=False)

    def show(self, steps):
        """Their lines of source, each once, the last few."""
        last = ""
        for place, text, inner in shown(steps):
            if place != last:
                self.lines += textwrap.wrap(text, WIDTH, initial_indent=f"    {place:<17} ",
                                            subsequent_indent=" " * 26, break_on_hyphens=False)
            if inner:
                self.lines.append(f"{'':<24}{inner}")
            last = place

    @staticmethod
    def where(step):
        """The way of calls to a step; the middle of a long one is left out."""
        stack = [function for function, _ in step.stack]
        if len(stack) > 4:
            stack = [stack[0], "...", *stack[-2:]]
        return f", in {' > '.join(stack)}" if stack else ""

    def tell_stop(self, halted, mine):
        before = [step for step in mine
                  if (step.place, step.inner) != (halted.place, halted.inner)]
        self.say(f"{self.trace.label(halted.thread)}{self.where(halted)},"
                 f"{' has done' if before else ' is about to do'}")
        if before:
            self.show(before)
            self.lines.append("and is about to do")
        self.show([halted])
        self.lines.append("when others go on.")

    def tell(self, steps, how=""):
        """What one thread did: the last few lines, below the functions that they are in."""
        lines = shown(steps)
        steps = [step for step in steps if (step.place, step.text, step.inner) in lines]
        if not steps:
            return
        who = f"{self.trace.label(steps[0].thread)}{' ' + how if how else ''}"
        before = self.lines
        self.lines = [""]
        for _, group in itertools.groupby(steps, lambda step: self.where(step)):
            group = list(group)
            self.say(f"{who}{self.where(group[-1])}:")
            self.show(group)
            who = "    then"
        if before[-len(self.lines):] != self.lines:  # Somebody who looks again and again is told once.
            before += self.lines
        self.lines = before

def tell(text, tree, driver):
    """The story of a trace as text."""
    return "\n".join(Story(Trace(text), tree, driver).lines) + "\n"
