# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.known_bugs import KnownBug, applicable
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version, VersionRange

BUGS = [
    KnownBug(
        "x.bug.1", "followers", VersionRange(">=0.14.0,<0.15.0"), "blocker", "Loses a follower", "Upgrade.", "x#1"
    ),
    KnownBug("x.bug.2", "", VersionRange("<1.0.0"), "warning", "Is slow", "Be patient.", "x#2"),
]


def test_version_and_feature_must_both_match() -> None:
    def ids(version: str, *features: str) -> list[str]:
        return [finding.id for finding in applicable(BUGS, Version.parse(version), features)]

    assert ids("0.14.2", "followers") == ["x.bug.1", "x.bug.2"]
    assert ids("0.14.2", "other") == ["x.bug.2"]
    assert ids("0.15.0", "followers") == ["x.bug.2"]
    assert ids("1.0.0", "followers") == []


def test_the_finding_tells_what_a_person_needs() -> None:
    found = applicable(BUGS, Version.parse("0.14.2"), {"followers"})[0]
    assert found.severity == "blocker"
    assert found.subject == "version 0.14.2"
    assert "Loses a follower" in found.evidence
    assert ">=0.14.0,<0.15.0" in found.evidence
    assert (found.remedy, found.reference) == ("Upgrade.", "x#1")
