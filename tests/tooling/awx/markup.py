# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's markup as plain text, for people who read it in a controller.

As ansible-doc reads it: `C(...)`, `M(...)` and their like end at the first bracket; in `O(...)`, `V(...)`, `E(...)` and
`RV(...)` a backslash takes the meaning away from what is behind it.
"""

from __future__ import annotations

import re
import typing as t

_MARKUP = re.compile(
    r"\b(?:"
    r"(?P<semantic>O|V|E|RV)\((?P<escaped>(?:[^\\)]|\\.)*)\)"
    r"|(?P<classic>[BCIMPULR])\((?P<text>[^)]*)\)"
    r"|HORIZONTALLINE\b)"
)
# An option or return value of another plugin: its full name, its kind, for a role its entry point, and what it is.
_ELSEWHERE = re.compile(r"(?P<plugin>[\w.]+)#\w+:(?:[\w/]+:)?(?P<rest>.+)", re.S)


def plain(text: str) -> str:
    """A description without markup, on one line."""
    return " ".join(_MARKUP.sub(_shown, text).split())


def left(text: str) -> list[str]:
    """What of a text still looks like markup, or like a name that only Ansible's documentation can resolve."""
    return re.findall(r"\b(?:RV|[A-Z])\(|#(?:module|role|lookup|filter)\b|\\[()\\]", text)


def _shown(found: t.Match[str]) -> str:
    if found["semantic"] is not None:
        inner = re.sub(r"\\(.)", r"\1", found["escaped"])
        elsewhere = _ELSEWHERE.fullmatch(inner) if found["semantic"] in ("O", "RV") else None
        return f"{elsewhere['rest']} of {elsewhere['plugin']}" if elsewhere else inner
    if found["classic"] in ("L", "R"):
        return found["text"].rpartition(",")[0] or found["text"]
    if found["classic"] == "P":
        return found["text"].partition("#")[0]
    return found["text"] or ""
