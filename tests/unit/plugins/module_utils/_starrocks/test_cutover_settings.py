# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that a frontend or node has lost between the last time they were set and the freeze."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Finding, judge
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_gate as cg
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_settings as cs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import COMPACTION, LEGACY
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_standing import STALE
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.settings_world import (
    THREADS,
    Story,
    World,
    settings,
)

NOW = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)


def findings(forgotten: t.Sequence[cs.Forgotten], set_first: bool = False) -> t.List[Finding]:
    return list(cs.forgotten_findings(forgotten, set_first))


def test_nobody_is_asked_without_an_open_change() -> None:
    world, story = World(), Story()
    assert story.find(world) == ()
    story.on_frontends(COMPACTION, "-1", "0")
    for number in range(3):
        story.add("restore", resource=f"starrocks:77/fe/h{number}:{9030 + number}/config/{COMPACTION}")
    # The freeze's switch and the vacuum's threshold are looked after elsewhere.
    story.on_frontends("disable_load_job", "false", "true")
    story.on_frontends(STALE, "12", "50")
    story.change("fe/h0:9030", LEGACY, "false", "true", status="failed")
    assert story.find(world) == () and world.read == []


def test_what_is_there_still_is_no_news_and_is_asked_for_once() -> None:
    world = World()
    world.configs["fe2"][LEGACY] = "TRUE"
    assert settings().find(world) == ()
    asked = [f"{name} {key}" for name in world.values for key in (COMPACTION, LEGACY)]
    assert sorted(world.read) == sorted([*asked, "list of nodes", "nodes"])
    assert world.changes == []


def test_only_those_that_were_changed_are_asked() -> None:
    world, story = World(), Story()
    story.change("fe/h1:9031", COMPACTION, "-1", "0")
    story.find(world)
    assert world.read == [f"fe1 {COMPACTION}"]


def test_what_a_restart_has_forgotten_is_told_by_setting() -> None:
    world = World()
    world.configs["fe1"] = {COMPACTION: "-1", LEGACY: "false"}
    world.configs["fe2"][COMPACTION] = "-1"
    world.node_values["2"] = "4"
    told = findings(settings().find(world))
    assert [(one.id, one.severity, one.subject) for one in told] == [
        ("starrocks.setting_forgotten", "blocker", f"target {key}") for key in (LEGACY, COMPACTION, THREADS)
    ]
    assert told[1].evidence == {
        "count": 2,
        "settings": [
            {"address": "h1:9031", "key": COMPACTION, "wanted": "0", "now": "-1"},
            {"address": "h2:9032", "key": COMPACTION, "wanted": "0", "now": "-1"},
        ],
    }
    assert told[2].evidence["settings"] == [{"address": "n2:9050", "key": THREADS, "wanted": "7", "now": "4"}]
    assert "Run the cutover again" in told[1].remedy and "has forgotten it" in told[1].remedy
    # With --check of a play that sets them first, they hold nothing back.
    assert {one.severity for one in findings(settings().find(world), set_first=True)} == {"warning"}


def test_many_places_are_told_in_bounds() -> None:
    (told,) = findings([cs.Forgotten("target", f"n{at}:9050", THREADS, "7", "4", False) for at in range(50)])
    assert (told.evidence["count"], len(told.evidence["settings"])) == (50, 20)
    assert "n0:9050, n1:9050, n2:9050 and 47 more:" in told.remedy


def test_what_somebody_else_has_set_is_told_as_theirs_and_may_be_wanted() -> None:
    world = World()
    world.configs["fe0"][COMPACTION] = "16"
    (told,) = findings(settings().find(world))
    assert "somebody else has set another value" in told.remedy and "accept this finding" in told.remedy
    later = NOW + datetime.timedelta(days=1)
    by_name = Acceptance(told.id, "tried out", later, told.subject)
    assert [cg.may_accept(one) for one in (by_name, dataclasses.replace(by_name, subject=None))] == [True, False]
    assert judge([told], [by_name], NOW).passed


def test_who_is_dead_or_gone_is_not_asked() -> None:
    world = World()
    world.dead, world.silent = {"fe1"}, {"fe1"}
    world.dead_nodes = {"2"}
    world.node_values["2"] = "4"
    story = settings()
    story.change("fe/gone:9030", COMPACTION, "-1", "0")
    assert story.find(world) == ()
    assert not [one for one in world.read if one.startswith("fe1")]


def test_who_is_alive_and_silent_passes_no_gate() -> None:
    world = World()
    world.silent = {"fe1"}
    with pytest.raises(MigrationError) as caught:
        settings().find(world)
    assert caught.value.code == "starrocks.frontend_unreachable"


def test_what_is_not_told_or_was_never_seen_in_place_is_not_there() -> None:
    world = World()
    del world.configs["fe0"][LEGACY]
    (told,) = findings(settings().find(world))
    assert told.evidence["settings"][0]["now"] is None and "not told" in told.remedy
    world = World()
    world.configs["fe0"][COMPACTION] = "-1"
    story = Story()
    story.change("fe/h0:9030", COMPACTION, "-1", "0", status="")
    assert [one.now for one in story.find(world)] == ["-1"]


def test_nodes_that_cannot_be_read_are_not_asked() -> None:
    world = World("2.5.20")
    assert settings().find(world) == ()
    assert "nodes" not in world.read and "list of nodes" not in world.read
