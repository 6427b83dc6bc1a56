# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outputs of a run in the guides: those of `make demo`, written anew from its log, and compared with one.

`make demo > demo.log; python -m tooling.shown demo.log` takes each task that a guide shows out of the log.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import sys
import typing as t

from tooling import paths
from tooling.documents import Block, blocks

# Guides, and the headings below which they show a demo.
GUIDES: t.Mapping[str, t.Sequence[str]] = {
    "docs/docsite/rst/guide_pegasus.rst": ("Copy", "Switch"),
    "docs/docsite/rst/guide_starrocks.rst": ("Copy", "Switch", "Afterwards"),
}
# What the demo keeps below its own folder, and where the guides have it.
PLACES = {
    "pegasus/journal.jsonl": "/var/lib/dbops/move-orders.jsonl",
    "starrocks/journal.jsonl": "/var/lib/dbops/warehouse.jsonl",
    "starrocks/switch.yml": "/srv/migration/switch-warehouse.yml",
}
# How often progress is told, and with what, depends on the machine.
PROGRESS = ("Duplicate the tables until they keep up", "Wait until the target keeps up")
_TASK = re.compile(r"^TASK \[(?:\S+ : )?(.*)\] \*+$")
_PATH = re.compile(r"/[\w.+-]+(?:/[\w.+-]+)+")
_NUMBER = re.compile(r"\d+(?:[.:,]\d+)*")
_WAIT = re.compile(r"^\s*\[ *[\d.]+ s\] waiting ")


@dataclasses.dataclass(frozen=True)
class Section:
    """One task of a run. ``lines``: what was printed of it, with its heading."""

    title: str
    lines: tuple[str, ...]

    @property
    def stable(self) -> list[str]:
        """The lines that every run has, without figures, addresses and paths."""
        kept = [one for one in self.lines[1:] if not _WAIT.match(one)]
        return [" ".join(_NUMBER.sub("#", _PATH.sub("<path>", one)).split()) for one in kept]


def sections(text: str) -> list[Section]:
    """The tasks of a run, in its order."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        if _TASK.match(line):
            found.append([line])
            inside = True
        elif not line.strip():
            inside = False
        elif inside:
            found[-1].append(line.rstrip())
    return [Section(_TASK.sub(r"\1", one[0]), tuple(one)) for one in found]


def differences(document: str, log: str) -> list[str]:
    """A sentence for each task that the guide shows and that is not, or not so, in the log of a run."""
    run = sections(log)
    found = []
    for block in _shown(document):
        for section in sections(block.text):
            same = [one for one in run if one.title == section.title]
            if not same:
                found.append(f"{block.place}: the run has no task {section.title!r}")
            elif section.title not in PROGRESS and section.stable not in [one.stable for one in same]:
                told = "\n".join(same[0].lines)
                found.append(f"{block.place}: {section.title!r} is not as the run has it:\n{told}")
    return found


def rewritten(document: str, log: str) -> str:
    """The guide with its outputs taken from the log; ValueError when the log lacks one."""
    lines = (paths.ROOT / document).read_text(encoding="utf-8").split("\n")
    run = iter(sections(log))
    told: list[tuple[Block, list[str]]] = []
    for block in _shown(document):
        text = []
        for wanted in sections(block.text):
            section = next((one for one in run if one.lines[0] == wanted.lines[0]), None)
            if section is None:
                raise ValueError(f"{block.place}: the log has no task {wanted.title!r} behind those before it")
            text += [*(_placed(one) for one in section.lines), ""]
        told.append((block, text[:-1]))
    for block, text in reversed(told):
        first = lines[block.line - 1]
        indent = first[: len(first) - len(first.lstrip())]
        end = block.line - 1 + block.text.count("\n")
        lines[block.line - 1 : end] = [f"{indent}{one}" if one else "" for one in text]
    return "\n".join(lines)


def _shown(document: str) -> list[Block]:
    found = [one for one in blocks(document) if one.language == "text" and one.heading in GUIDES[document]]
    return [one for one in found if sections(one.text)]


def _placed(line: str) -> str:
    for name, place in PLACES.items():
        line = re.sub(rf"/[^\s'\"]*/{re.escape(name)}", place, line)
    return line


def main(arguments: t.Sequence[str]) -> int:
    """Write the guides anew."""
    if len(arguments) != 1:
        print("usage: python -m tooling.shown LOG", file=sys.stderr)
        return 2
    log = pathlib.Path(arguments[0]).read_text(encoding="utf-8")
    for document in GUIDES:
        (paths.ROOT / document).write_text(rewritten(document, log), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
