# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Versions as StarRocks prints them, and features that came with several patch releases at once."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version

_VERSION = re.compile(r"(?<![\d.])(\d+)\.(\d+)\.(\d+)(?:-(rc\d+))?(?![\d.])", re.IGNORECASE)


def parse_version(text: str) -> t.Optional[Version]:
    """The version in ``3.3.14-1a2b3c``, ``StarRocks version 3.1.8-abc`` or ``3.5.0-rc01-abc``; the commit is dropped.

    None for builds without one: ``UNKNOWN``, names of branches, ``main-...``.
    """
    match = _VERSION.search(text)
    if match is None:
        return None
    return Version(int(match.group(1)), int(match.group(2)), int(match.group(3)), (match.group(4) or "").lower())


def since(version: Version, *firsts: str) -> bool:
    """Whether a version has what came first with these releases, one for each branch that it was taken into.

    ``since(v, "3.1.10", "3.2.5", "3.3.0")``: within a branch its own release counts, branches after the last one have
    it, all others have it not. Release candidates count as the release (facts were read at their tags).
    """
    number = (version.major, version.minor, version.patch)
    bounds = sorted(tuple(int(part) for part in first.split(".")) for first in firsts)
    for bound in bounds:
        if bound[:2] == number[:2]:
            return number >= bound
    return number[:2] > bounds[-1][:2]
