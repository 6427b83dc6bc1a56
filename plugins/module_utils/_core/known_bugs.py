# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Known server bugs as data: version range x feature in use."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version, VersionRange


@dataclasses.dataclass(frozen=True)
class KnownBug:
    """A bug of a server. ``feature`` is what must be in use for it to bite (empty: always); ``reference`` its issue."""

    id: str
    feature: str
    versions: VersionRange
    severity: str
    title: str
    remedy: str
    reference: str


def applicable(bugs: t.Iterable[KnownBug], version: Version, features: t.Container[str]) -> t.List[Finding]:
    """A finding for each bug of this version whose feature is in use, in the order of ``bugs``."""
    return [
        Finding(
            id=bug.id,
            severity=bug.severity,
            subject=f"version {version}",
            evidence=f"{bug.title} (affected: {bug.versions})",
            remedy=bug.remedy,
            reference=bug.reference,
        )
        for bug in bugs
        if version in bug.versions and (not bug.feature or bug.feature in features)
    ]
