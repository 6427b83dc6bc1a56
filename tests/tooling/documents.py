# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code blocks of README files and guides, each with its language and the heading that it stands under."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from tooling import paths, tree

SHELL = ("shell", "bash", "sh")
YAML = ("yaml", "yaml+jinja")
LANGUAGES = (*SHELL, *YAML, "ini", "json", "python", "text")
"""``text`` is what a program has printed, and is not checked."""

_FENCE = re.compile(r"^( *)```(\S*)\s*$")
_DIRECTIVE = re.compile(r"^( *)\.\. code-block::\s*(\S*)\s*$")
_UNDERLINE = re.compile(r"^([=\-~^\"'.*+])\1{2,}$")
_FILE = re.compile(r"^# (\S+\.(?:yml|yaml|json|cfg|ini))$")


@dataclasses.dataclass(frozen=True)
class Block:
    """One code block. ``line``: of its first line, from 1 on. ``language`` "": none was given."""

    document: str
    heading: str
    language: str
    text: str
    line: int

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"{self.document}:{self.line}"

    @property
    def file(self) -> str:
        """The file that it is the content of, by its first line (``# drain-3.yml``); "" when it names none."""
        match = _FILE.match(self.text.split("\n")[0])
        return match.group(1) if match and self.language in YAML else ""


@functools.cache
def documents() -> tuple[str, ...]:
    """README files and guides, by their paths: those that are there, so that a new one is taken in by itself."""
    found = []
    for path in tree.files():
        name = str(path)
        guide = name.startswith("docs/docsite/rst/guide_") and name.endswith(".rst")
        if guide or path.name == "README.md" or name == "CONTRIBUTING.md":
            found.append(name)
    return tuple(sorted(found))


@functools.cache
def blocks(document: str) -> tuple[Block, ...]:
    """All blocks of a document, in its order."""
    lines = (paths.ROOT / document).read_text(encoding="utf-8").split("\n")
    read = _of_guide if document.endswith(".rst") else _of_readme
    return tuple(Block(document, *found) for found in read(lines))


def all_blocks(*languages: str) -> list[Block]:
    """The blocks of all documents in one of these languages."""
    return [block for name in documents() for block in blocks(name) if block.language in languages]


_Found = t.Tuple[str, str, str, int]


def _of_readme(lines: t.Sequence[str]) -> t.Iterator[_Found]:
    heading, index = "", 0
    while index < len(lines):
        line = lines[index]
        fence = _FENCE.match(line)
        indented = line.startswith("    ") and line.strip() and (index == 0 or not lines[index - 1].strip())
        if fence:
            end = next(at for at in range(index + 1, len(lines)) if lines[at].strip() == "```")
            yield heading, fence.group(2), _dedented(lines[index + 1 : end]), index + 2
            index = end
        elif indented and not _in_list(lines, index):
            end = index
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield heading, "", _dedented(lines[index:end]), index + 1
            index = end - 1
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
        index += 1


def _in_list(lines: t.Sequence[str], index: int) -> bool:
    """Whether an indented paragraph belongs to a point of a list."""
    before = next((line for line in reversed(lines[:index]) if line.strip() and not line.startswith("    ")), "")
    return re.match(r"\s*([*-]|\d+\.) ", before) is not None


def _of_guide(lines: t.Sequence[str]) -> t.Iterator[_Found]:
    heading, index = "", 0
    while index < len(lines):
        line = lines[index]
        directive = _DIRECTIVE.match(line)
        literal = line.rstrip().endswith("::") and not line.lstrip().startswith("..")
        if directive or literal:
            depth = len(line) - len(line.lstrip())
            start = index + 1
            while start < len(lines) and (not lines[start].strip() or lines[start].strip().startswith(":")):
                start += 1
            end = start
            while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > depth):
                end += 1
            yield heading, directive.group(2) if directive else "", _dedented(lines[start:end]), start + 1
            index = end - 1
        elif index and _UNDERLINE.match(line) and lines[index - 1].strip():
            heading = lines[index - 1].strip()
        index += 1


def _dedented(lines: t.Sequence[str]) -> str:
    """The lines without their common indent and without empty ones at the end."""
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[depth:] for line in lines).rstrip() + "\n"
