# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a look at the target's transactions reaches back to the last one, in one wait, the next and the gate."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import foreign_reach as reach
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import Gap, LastLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    Listing,
    TransactionReader,
    find_foreign,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_journal import WaitJournal
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

DAY = 86400.0
FIRST, NEXT, MUCH_LATER = "2026-11-21T00:00:00.000Z", "2026-11-21T12:00:00.000Z", "2026-11-25T00:00:00.000Z"
SHOWN = "2026-11-21 11:00:00"


class Keeps:
    """A target that keeps so many finished transactions of a database, for three days; ``running`` are under way."""

    def __init__(self, most: int = 1000, running: int = 0) -> None:
        self.asked: t.List[str] = []
        self._most = most
        self._running = running

    def kept(self) -> float:
        self.asked.append("kept")
        return 3 * DAY

    def most_kept(self) -> int:
        self.asked.append("most")
        return self._most

    def under_way(self, database: str) -> int:
        self.asked.append(database)
        return self._running


def listing(*ids: int, cut: bool = False) -> Listing:
    return Listing(frozenset(ids), SHOWN if ids else "", cut)


def test_what_was_newest_then_is_still_shown() -> None:
    last = reach.look_now({"d": listing(3, 5, 4), "idle": listing()}, FIRST)
    assert last == LastLook(FIRST, {"d": 5})
    assert LastLook.of(last.as_record()) == last
    assert reach.gaps({"d": listing(5, 6, 9, cut=True)}, last, MUCH_LATER, Keeps()) == ()


@pytest.mark.parametrize("newest", [{"d": 5}, {"other": 5}])
def test_where_what_was_newest_is_gone_time_and_length_tell(newest: t.Dict[str, int]) -> None:
    """Forgotten for its own age, or not there then: as long as nothing since can be, nothing is missed."""
    last = LastLook(FIRST, newest)
    assert reach.gaps({"d": listing(6, 9)}, last, NEXT, Keeps()) == ()
    assert reach.gaps({"d": listing(6, 9, cut=True)}, last, NEXT, Keeps()) == (Gap("d", FIRST, SHOWN),)
    assert reach.gaps({"d": listing(6, 9)}, last, MUCH_LATER, Keeps()) == (Gap("d", FIRST, SHOWN),)
    assert reach.gaps({"d": listing()}, last, MUCH_LATER, Keeps()) == (Gap("d", FIRST, ""),)


def test_a_database_that_rests_for_days_has_no_gap() -> None:
    """Its last one was almost three days old at the last look, and is older five seconds later."""
    last = LastLook(FIRST, {"d": 5, "e": 6})
    server = Keeps()
    assert reach.gaps({"d": listing(), "e": listing()}, last, "2026-11-21T00:00:05.000Z", server) == ()
    assert server.asked == ["kept"]


@pytest.mark.parametrize(
    ("listed", "running", "missed"),
    [
        pytest.param(1000, 0, True, id="as many as are kept"),
        pytest.param(600, 400, True, id="what runs counts too"),
        pytest.param(600, 380, True, id="some may have ended between the two lists"),
        pytest.param(600, 200, False, id="fewer than that"),
    ],
)
def test_what_was_newest_may_have_gone_with_others_beyond_the_number(listed: int, running: int, missed: bool) -> None:
    shown, gap = listing(*range(10, 10 + listed)), (Gap("d", FIRST, SHOWN),)
    for newest in ({"d": 5}, {}):
        found = reach.gaps({"d": shown}, LastLook(FIRST, newest), NEXT, Keeps(1000, running))
        assert found == (gap if missed else ())


def entries(path: pathlib.Path) -> t.Sequence[Entry]:
    view = read_journal({"journal": str(path)})
    return view.entries if view is not None else ()


def test_what_a_wait_has_seen_is_there_for_the_next_one_and_for_the_gate(tmp_path: pathlib.Path) -> None:
    path, clock = tmp_path / "j.jsonl", FakeClock()
    journal = WaitJournal({"journal": str(path)}, Redactor([]), clock, "r1")
    journal.begin()
    for number in range(4):
        journal.looked(LastLook(iso(clock.now()), {"d": number}), ())
        clock.sleep(200.0)
    told = [one.data["newest"] for one in entries(path) if one.kind == reach.SEEN]
    assert told == [{"d": 0}, {"d": 3}]
    journal.looked(LastLook(iso(clock.now()), {"d": 7}), (), over=True)
    clock.sleep(5.0)
    journal.looked(LastLook(iso(clock.now()), {"d": 7}), (), over=True)
    journal.close()
    assert sum(one.kind == reach.SEEN for one in entries(path)) == 3
    last = reach.last_look(entries(path))
    assert last is not None and last.newest == {"d": 7}
    now = iso(clock.now())
    assert reach.all_gaps(entries(path), {"d": listing(7, 8)}, now, Keeps()) == ()
    assert reach.all_gaps(entries(path), {"d": listing(8, cut=True)}, now, Keeps()) == (Gap("d", last.at, SHOWN),)


def test_a_gap_that_a_later_look_has_found_is_told_at_the_gate_too(tmp_path: pathlib.Path) -> None:
    """The wait before the freeze looks first, and its own look is the last one then."""
    path, clock = tmp_path / "j.jsonl", FakeClock()
    journal = WaitJournal({"journal": str(path)}, Redactor([]), clock, "r1")
    journal.looked(LastLook(iso(clock.now()), {"d": 9}), (Gap("d", FIRST, SHOWN),))
    journal.close()
    found = reach.all_gaps(entries(path), {"d": listing(9, 10)}, iso(clock.now()), Keeps())
    assert found == (Gap("d", FIRST, SHOWN),)
    (told,) = reach.gap_findings(found)
    assert (told.id, told.severity, told.subject) == ("starrocks.comparison.transactions_unseen", "warning", "d")
    assert told.evidence["gaps"] == [{"database": "d", "last_look": FIRST, "shown_from": SHOWN}]


def test_a_target_that_nobody_has_looked_at() -> None:
    found = reach.all_gaps((), {"d": listing(3)}, NEXT, Keeps())
    assert found == (Gap("d", "", SHOWN),)
    (told,) = reach.gap_findings(found)
    assert told.evidence["gaps"][0]["last_look"] is None
    assert list(reach.gap_findings(())) == []


class Server:
    """A target with one database, that shows at most two transactions."""

    def query(self, sql: str, doing: str) -> Rows:
        columns = ("TransactionId", "Label", "TransactionStatus", "LoadJobSourceType", "FinishTime")
        if sql == "SHOW PROC '/transactions'":
            return Rows(("DbId", "DbName"), ((11, "d"), (12, "idle")))
        if sql == "SHOW PROC '/transactions/11/finished'":
            return Rows(columns, tuple((one, f"l{one}", "VISIBLE", "REPLICATION", f"at {one}") for one in (8, 7)))
        if sql == "SHOW PROC '/transactions/11/running'":
            return Rows(columns, ((9, "l9", "PREPARE", "INSERT", ""), (10, "l10", "PREPARE", "LAKE_COMPACTION", "")))
        limits = {
            "max_show_proc_transactions_entry": "2",
            "label_keep_max_second": "60",
            "label_keep_max_num": "70",
        }
        for key, value in limits.items():
            if sql == f"ADMIN SHOW FRONTEND CONFIG LIKE {like_literal(key)}":
                return Rows(("Key", "Value"), ((key, value),))
        return Rows(columns, ())


class Here:
    databases = ("d",)

    def tables(self, database: str) -> t.Collection[str]:
        return ()


def test_what_was_shown_of_each_database() -> None:
    reader = TransactionReader(Server())
    found = find_foreign(reader, ["d", "idle", "gone"], Here())
    assert found.listings == {
        "d": Listing(frozenset((7, 8)), "at 7", True),
        "idle": Listing(frozenset(), "", False),
    }
    assert (reader.kept(), reader.most_kept()) == (60.0, 70)
    assert (reader.under_way("d"), reader.under_way("gone")) == (2, 0)
