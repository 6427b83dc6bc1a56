# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Server versions and the ranges that features and bugs belong to."""

from __future__ import annotations

import dataclasses
import functools
import operator
import re
import typing as t

_VERSION = re.compile(r"[vV]?(\d+)\.(\d+)(?:\.(\d+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_TERM = re.compile(r"(<=|>=|==|<|>)\s*(.+)")
_COMPARE: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}


@functools.total_ordering
@dataclasses.dataclass(frozen=True, eq=False)
class Version:
    """A semantic version. A pre-release (``1.0.0-rc.2``) sorts before its release; build data is dropped."""

    major: int
    minor: int
    patch: int = 0
    pre: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """From ``1.2.3``, ``v1.2``, ``1.0.0-beta.2+abc``; ValueError for anything else."""
        match = _VERSION.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"not a version: {text!r}")
        major, minor, patch, pre = match.groups()
        return cls(int(major), int(minor), int(patch or 0), pre or "")

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + ("-" + self.pre if self.pre else "")

    def _key(self) -> tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]:
        # Semantic Versioning 2.0.0, section 11: numeric parts by value and before words, words by ASCII.
        parts = tuple(
            (0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre.split(".") if self.pre
        )
        return (self.major, self.minor, self.patch, 0 if self.pre else 1, parts)

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Version) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._key() < other._key() if isinstance(other, Version) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())


class VersionRange:
    """One or more alternatives, each a comma-joined list of conditions that must all hold: ``">=0.14.0,<0.15.0"``.

    No alternative, or an empty one, takes every version. ValueError for a condition that cannot be read.
    """

    def __init__(self, *alternatives: str) -> None:
        self._text = " or ".join(alternatives)
        self._alternatives = [self._terms(text) for text in alternatives]

    @staticmethod
    def _terms(text: str) -> list[tuple[str, Version]]:
        terms: list[tuple[str, Version]] = []
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            match = _TERM.fullmatch(part)
            if match is None:
                raise ValueError(f"not a version condition: {part!r}")
            terms.append((match.group(1), Version.parse(match.group(2))))
        return terms

    def __contains__(self, version: Version) -> bool:
        if not self._alternatives:
            return True
        return any(all(_COMPARE[sign](version, bound) for sign, bound in terms) for terms in self._alternatives)

    def contains(self, version: Version) -> bool:
        """Whether the version lies in the range."""
        return version in self

    def __str__(self) -> str:
        return self._text or "every version"
