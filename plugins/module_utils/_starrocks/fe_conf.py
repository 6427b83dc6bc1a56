# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A marked block of settings in the text of fe.conf, be.conf or cn.conf: put in, found again, taken out to the byte.

The server takes the last line of a key (java.util.Properties for FEs, common/configbase.cpp for BEs and CNs), so the
block stands at the end. Its first line holds a digest of the rest, so that it tells by itself whether somebody has
edited it, and nothing has to be remembered elsewhere.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

_BEGIN = "# BEGIN dbops.migration "
_END = "# END dbops.migration "
_UNENDED = " (the line before had no end)"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_LINE = re.compile(r"\s*([^#!\s=:][^\s=:]*)\s*[=:\s]\s*(.*?)\s*")


@dataclasses.dataclass(frozen=True)
class Block:
    """A block as found. ``before`` and ``after``: the text around it; ``ours``: nobody has edited it."""

    settings: t.Mapping[str, str]
    before: str
    after: str
    ours: bool


def valid_name(name: str) -> bool:
    """Whether a block can be called so."""
    return _NAME.fullmatch(name) is not None


def find_block(text: str, name: str) -> t.Optional[Block]:
    """The block of this name, or None.

    :raises MigrationError: ``starrocks.block_broken`` when it begins and does not end, or is there twice
    """
    lines = text.splitlines(keepends=True)
    begins = [at for at, line in enumerate(lines) if _is(line, _BEGIN + name)]
    ends = [at for at, line in enumerate(lines) if _is(line, _END + name)]
    if not begins and not ends:
        return None
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise MigrationError(
            "starrocks.block_broken",
            f"The file has the lines that begin and end the block {name} in disorder (begins: "
            f"{_numbers(begins)}, ends: {_numbers(ends)}). Put it right by hand.",
            details={"begins": [at + 1 for at in begins], "ends": [at + 1 for at in ends]},
        )
    first, body = lines[begins[0]].strip(), lines[begins[0] + 1 : ends[0]]
    before = "".join(lines[: begins[0]])
    if first.endswith(_UNENDED):
        before = _without_end(before)
    digest = first[len(_BEGIN + name) :].replace(_UNENDED, "").strip()
    return Block(
        settings=settings_of("".join(body)),
        before=before,
        after="".join(lines[ends[0] + 1 :]),
        ours=digest == _digest(name, [line.rstrip("\r\n") for line in body]),
    )


def put_block(text: str, name: str, settings: t.Mapping[str, str]) -> str:
    """The text with exactly these settings in the block. The same text when it says that already.

    :raises MigrationError: ``starrocks.block_broken``, or ``starrocks.conf_unended`` when the last line asks to be
        continued, so that it would swallow whatever follows
    """
    found = find_block(text, name)
    if found is not None:
        later = settings_of(found.after)
        if found.ours and dict(found.settings) == dict(settings) and not set(later) & set(settings):
            return text
        text = found.before + found.after
    end = "\r\n" if "\r\n" in text else "\n"
    body = [f"{key} = {value}" for key, value in settings.items()]
    unended = bool(text) and not text.endswith(("\n", "\r"))
    if _continued(text):
        raise MigrationError(
            "starrocks.conf_unended",
            "The last line of the file ends in a backslash, so that it would swallow the next. Put it right by hand.",
        )
    begin = f"{_BEGIN}{name} {_digest(name, body)}{_UNENDED if unended else ''}"
    return text + (end if unended else "") + end.join([begin, *body, _END + name, ""])


def remove_block(text: str, name: str) -> str:
    """The text without the block, as it was before it was put in. Errors as ``find_block``."""
    found = find_block(text, name)
    return text if found is None else found.before + found.after


def settings_of(text: str) -> t.Dict[str, str]:
    """What the lines of a file say, the last line of a key."""
    found: t.Dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            found[match.group(1)] = match.group(2)
    return found


def _is(line: str, mark: str) -> bool:
    text = line.strip()
    return text == mark or text.startswith(mark + " ")


def _digest(name: str, body: t.Sequence[str]) -> str:
    return hashlib.sha256("\n".join([name, *body]).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _without_end(text: str) -> str:
    return text[:-2] if text.endswith("\r\n") else text[:-1]


def _continued(text: str) -> bool:
    last = text.rstrip("\r\n").splitlines()[-1:] or [""]
    if last[0].lstrip().startswith(("#", "!")):
        return False
    return (len(last[0]) - len(last[0].rstrip("\\"))) % 2 == 1


def _numbers(lines: t.Sequence[int]) -> str:
    return ", ".join(f"line {at + 1}" for at in lines) or "none"
