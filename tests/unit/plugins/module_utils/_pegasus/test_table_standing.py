# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model, table_past
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import table_standing as ts
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable, StandingOptions
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

AT = "2026-11-21T03:14:00.000Z"


def duplication(status: str) -> model.Duplication:
    return model.Duplication(7, status, "onebox-b", 1)


def entries(*records: t.Tuple[str, t.Dict[str, t.Any]]) -> t.List[Entry]:
    return [Entry(seq, AT, kind, data, "", "") for seq, (kind, data) in enumerate(records)]


def intent(resource: str, action: str, before: t.Any, after: t.Any) -> t.Tuple[str, t.Dict[str, t.Any]]:
    data = {"id": resource + action, "resource": resource, "action": action, "before": before, "after": after}
    return "change.intent", data


ADDED = intent("pegasus:onebox-a/table/temp/duplication/onebox-b", "add", None, {"status": "DS_INIT"})
SWITCHED = intent("zookeeper:/chroot/proxy/temp", "switch", "old", "new")
COMMITTED = ("cutover.committed", {"table": "temp"})
LIFTED = ("cutover.lifted", {"table": "temp"})


@pytest.mark.parametrize(
    ("committed", "fenced", "there", "stage"),
    [
        (False, False, None, "not_started"),
        (False, False, duplication("DS_PREPARE"), "copying"),
        (False, False, duplication("DS_APP"), "copying"),
        (False, False, duplication("DS_PAUSE"), "copying"),
        (False, False, duplication("DS_LOG"), "following"),
        (False, True, duplication("DS_LOG"), "fenced"),
        (True, True, duplication("DS_LOG"), "cut_over"),
        (True, False, None, "cut_over"),
    ],
)
def test_stages(committed: bool, fenced: bool, there: t.Optional[model.Duplication], stage: str) -> None:
    assert ts.stage_of(committed, fenced, there) == stage


FENCE = "pegasus:onebox-a/table/temp/env/replica.deny_client_request"
FENCED = intent(FENCE, "fence", None, "reconfig*write")
CLOSED = intent(FENCE, "close", "reconfig*write", "reconfig*all")
OPENED = intent(FENCE, "lift", "reconfig*write", None)
PUT_BACK = ("restore", {"resource": FENCE})


@pytest.mark.parametrize(
    ("records", "deny", "stage"),
    [
        ([FENCED], "reconfig*write", "fenced"),
        ([FENCED], None, "following"),
        ([FENCED, CLOSED], "reconfig*all", "fenced"),
        # Killed between the intent and the sending.
        ([FENCED, CLOSED], "reconfig*write", "fenced"),
        ([FENCED, OPENED], "reconfig*write", "fenced"),
        ([FENCED, PUT_BACK], "reconfig*write", "following"),
        ([FENCED], "timeout*write", "following"),
        ([], "reconfig*write", "following"),
    ],
)
def test_a_fence_of_ours(records: t.List[t.Any], deny: t.Optional[str], stage: str) -> None:
    app = model.App("temp", 1, "AVAILABLE", 8, {} if deny is None else {DENY_KEY: deny}, 3)
    source: t.Any = types.SimpleNamespace(query_duplications=lambda _name: (duplication("DS_LOG"),))
    options: t.Any = StandingOptions((MovedTable("temp", "temp"),), "onebox-b", 0.0, t.cast(t.Any, None))
    (found,) = ts._standings(source, [app], "onebox-a", options, "onebox-b", entries(*records))
    assert found.stage == stage


def test_what_a_journal_tells() -> None:
    told = table_past.told(entries(ADDED, SWITCHED, COMMITTED), ["temp", "other"])
    assert told.committed == {"temp"}
    assert told.switched == {"temp"}
    assert told.duplicated == {"temp": {"onebox-b"}}
    assert table_past.told(entries(ADDED, SWITCHED, COMMITTED), ["other"]).duplicated == {}


def test_a_cutover_that_was_lifted_afterwards_was_none() -> None:
    assert table_past.told(entries(ADDED, COMMITTED, LIFTED), ["temp"]).committed == frozenset()
    assert table_past.committed_at(entries(COMMITTED, LIFTED), "temp") is None


def test_a_znode_that_was_put_back_is_not_switched() -> None:
    back = intent("zookeeper:/chroot/proxy/temp", "switch_back", "new", "old")
    assert table_past.told(entries(SWITCHED, back), ["temp"]).switched == frozenset()


def test_the_remote_is_known_without_the_target() -> None:
    assert table_past.remote_of(entries(ADDED)) == "onebox-b"
    assert table_past.remote_of([]) == ""


def test_what_is_gone_and_what_preflight_has_to_look_at() -> None:
    app = model.App("a", 1, "AVAILABLE", 8, {}, 3)
    there = model.Duplication(17, "DS_LOG", "b", 0)

    def standing(name: str, stage: str, there_on_source: bool, ours: bool = True) -> ts.Standing:
        duplication = there if stage == ts.FOLLOWING else None
        found = app if there_on_source else None
        return ts.Standing(MovedTable(name, name), stage, found, duplication, None, ours)

    standings = [
        standing("new", ts.NOT_STARTED, True),
        standing("mine", ts.FOLLOWING, True),
        standing("theirs", ts.FOLLOWING, True, False),
        standing("dropped", ts.NOT_STARTED, False),
        standing("slip", ts.NOT_STARTED, False),
        standing("elsewhere", ts.NOT_STARTED, False),
        standing("moved", ts.CUT_OVER, False, False),
    ]
    options: t.Any = StandingOptions((), "b", 0.0, t.cast(t.Any, None))
    known = {"dropped": {("b", 17)}, "elsewhere": {("b", 18)}}
    shown = ts._as_result(options, standings, known, {"elsewhere": "x"}, FakeClock())
    assert shown["to_check"] == ["new", "theirs", "dropped", "slip", "elsewhere"]
    assert shown["gone"] == ["dropped", "slip"]
    assert shown["unknown"] == ["slip"]
    assert shown["renamed"] == {"elsewhere": "x"}


def test_how_long_to_soak() -> None:
    at = parse_iso(AT).timestamp()
    assert table_past.committed_at(entries(COMMITTED), "temp") == at

    def standing(cut_over_at: t.Optional[float]) -> ts.Standing:
        return ts.Standing(MovedTable("temp", "temp"), ts.CUT_OVER, None, None, cut_over_at)

    assert ts.soak_left([standing(at - 50), standing(at)], 60, at + 20) == 40
    assert ts.soak_left([standing(at)], 60, at + 100) == 0
    assert ts.soak_left([standing(None)], 60, at) == 0
