# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The YAML of plan files as they are written: one JSON value a line.

Each step of a migration reads its plan again, and a YAML library takes seconds for ten thousand moves. What was written
here, or was edited in the same form, is read line by line in a hundredth of that; everything else is left to YAML.
"""

from __future__ import annotations

import json
import re
import typing as t

_TOP = re.compile(r"([A-Za-z_]+):(?: (.*))?$")
_ENTRY = re.compile(r'  ([A-Za-z_]+|"[^"\\]*"): (.*)$')
_ITEM = "  - "


class _OtherForm(ValueError):
    """A line that only a YAML library may judge."""


def read_lines(text: str) -> t.Optional[t.Dict[str, t.Any]]:
    """The data of a plan file that has the form in which plans are written; None for any other text."""
    try:
        return _read(text.split("\n"))
    except ValueError:
        return None


def _read(lines: t.Iterable[str]) -> t.Dict[str, t.Any]:
    data: t.Dict[str, t.Any] = {}
    block = ""
    for line in lines:
        if line.startswith(_ITEM):
            held = data.setdefault(block, [])
            if not block or not isinstance(held, list):
                raise _OtherForm(line)
            held.append(_value(line[len(_ITEM) :]))
        elif line.startswith(" "):
            entry = _ENTRY.match(line)
            held = data.setdefault(block, {})
            if not block or entry is None or not isinstance(held, dict):
                raise _OtherForm(line)
            _put(held, entry.group(1).strip('"'), _value(entry.group(2)))
        elif line and not line.startswith("#"):
            block = _top(data, block, line)
    if block and block not in data:
        raise _OtherForm(block)
    return data


def _top(data: t.Dict[str, t.Any], block: str, line: str) -> str:
    """Take a line of the outermost level; returns the name of the block that it opens, or an empty string."""
    found = _TOP.match(line)
    if found is None or (block and block not in data):
        raise _OtherForm(line)
    name, value = found.group(1), found.group(2)
    if value is None:
        if name in data:
            raise _OtherForm(line)
        return name
    _put(data, name, _value(value))
    return ""


def _put(held: t.Dict[str, t.Any], name: str, value: t.Any) -> None:
    if name in held:
        raise _OtherForm(name)
    held[name] = value


def _value(text: str) -> t.Any:
    return json.loads(text, object_pairs_hook=_once, parse_constant=_constant)


def _once(pairs: t.List[t.Tuple[str, t.Any]]) -> t.Dict[str, t.Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _OtherForm("a key stands twice")
    return found


def _constant(text: str) -> t.NoReturn:
    raise _OtherForm(text)
