# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every identifier that a person can meet (finding, error, wait) is explained in a guide, and nothing else is."""

from __future__ import annotations

import pytest

from tooling import identifiers, paths

GUIDES = {name: paths.ROOT / f"docs/docsite/rst/guide_{name}.rst" for name in ("findings", "errors", "waits")}
# What has the form of an identifier and is none that a person has to look up.
NO_IDENTIFIERS = {
    "cutover.committed": "a kind of entry in the journal",
    "cutover.forecast": "a kind of entry in the journal",
    "cutover.guard": "a kind of entry in the journal",
    "cutover.handed_over": "a kind of entry in the journal",
    "cutover.lifted": "a kind of entry in the journal",
    "cutover.started": "a kind of entry in the journal",
    "greptimedb.datanode_empty": "a kind of proof in the journal",
    "greptimedb.maintenance_mode": "the name of a resource",
    "greptimedb.regions_served": "a kind of proof in the journal",
    "journal.opened": "a kind of entry in the journal",
    "journal.repaired": "a kind of entry in the journal",
    "pegasus.duplication_arrived": "a kind of proof in the journal",
    "pegasus.duplication_caught_up": "a kind of proof in the journal",
    "pegasus.envs_in_effect": "a kind of proof in the journal",
}


def _names(guide: str) -> list[str]:
    return [name for name, _words in identifiers.explained(GUIDES[guide])]


def test_no_identifier_is_put_together_where_nobody_can_say_what_it_becomes() -> None:
    """When it fails: say in ``tooling.identifiers.DYNAMIC`` what the new expression can become."""
    assert identifiers.composed() == set(identifiers.DYNAMIC)


def test_every_identifier_is_explained() -> None:
    explained = {name for guide in GUIDES for name in _names(guide)}
    assert sorted(identifiers.everything() - explained - set(NO_IDENTIFIERS)) == []
    assert sorted((explained | set(NO_IDENTIFIERS)) - identifiers.everything()) == []


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_explains_each_once(guide: str) -> None:
    names = _names(guide)
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_findings_stand_where_findings_are_looked_up_with_their_severities() -> None:
    explained = dict(identifiers.explained(GUIDES["findings"]))
    known = identifiers.findings()
    assert sorted(set(known) - set(explained)) == []
    # "": the code decides while it runs.
    wrong = {name: (explained[name], known[name]) for name in known if "" not in known[name]}
    assert {name: both for name, both in wrong.items() if both[0] != both[1]} == {}


def test_every_finding_of_the_guide_has_a_severity() -> None:
    severities = {"blocker", "warning", "info"}
    for name, words in identifiers.explained(GUIDES["findings"]):
        # What the sync tool's progress says is no finding.
        assert words <= severities and bool(words) != name.startswith("starrocks.sync."), name
