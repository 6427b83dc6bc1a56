# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GreptimeDB versions and how they compare: 1.0.0-beta.2 < 1.0.0-rc.1 < 1.0.0."""

from __future__ import annotations

import functools
import re

_PATTERN = re.compile(r"^(\d+)\.(\d+)\.(\d+)(?:-(alpha|beta|rc)\.(\d+))?$")


@functools.total_ordering
class Version:
    """One version; compares with other versions and with their text."""

    def __init__(self, text: str) -> None:
        found = _PATTERN.match(text)
        if not found:
            raise ValueError("not a GreptimeDB version: %r" % text)
        major, minor, patch, stage, number = found.groups()
        self.text = text
        pre = (0, stage, int(number)) if stage else (1, "", 0)
        self._key = (int(major), int(minor), int(patch), pre)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (str, Version)) and self._key == _version(other)._key

    def __lt__(self, other: str | Version) -> bool:
        return self._key < _version(other)._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        return self.text


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> Version:
    return Version(text)


def _version(value: str | Version) -> Version:
    return _parse(value) if isinstance(value, str) else value
