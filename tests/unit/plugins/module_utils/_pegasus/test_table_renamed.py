# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table that only has another name now is not gone, and its duplication is found by what the journal knows of it."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import table_renamed as tr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_options import MovedTable

AT = "2026-11-21T03:14:00.000Z"
TEMP = MovedTable("temp", "temp_new")
ORDERS = MovedTable("orders", "orders")
KNOWN = {"temp": {("onebox-b", 17)}, "orders": {("onebox-b", 17)}}


def app(name: str, **more: t.Any) -> model.App:
    return model.App(name, 2, more.pop("status", "AVAILABLE"), 8, {}, 3, **more)


def duplication(**more: t.Any) -> model.Duplication:
    return model.Duplication(**{"dupid": 17, "status": "DS_LOG", "remote": "onebox-b", "create_ts_ms": 1, **more})


def looked(
    apps: t.Sequence[model.App], there: t.Any, *tables: MovedTable, version: str = "2.5.0"
) -> t.Tuple[t.Any, t.List[str]]:
    """What was found, and whose duplications were asked for. ``there``: those of every table, or what is raised."""
    asked: t.List[str] = []

    def ask(name: str) -> t.List[model.Duplication]:
        asked.append(name)
        if isinstance(there, MigrationError):
            raise there
        return [there]

    profile = Profile.choose(Version.parse(version))
    source: t.Any = types.SimpleNamespace(profile=profile, query_duplications=ask)
    return tr.renamed(source, apps, tables or (TEMP,), KNOWN), asked


def test_it_is_found_under_its_new_name() -> None:
    apps = [app("plain", duplicating=False), app("temp_old", duplicating=True)]
    assert looked(apps, duplication()) == ({"temp": "temp_old"}, ["temp_old"])
    # Versions that do not tell whether a table is duplicated are asked about all.
    assert looked([app("a")], duplication(remote_app_name="temp_new")) == ({"temp": "a"}, ["a"])


def test_what_is_not_its_own_duplication_is_not_taken_for_it() -> None:
    for other in ({"dupid": 18}, {"remote": "north"}, {"status": "DS_REMOVED"}, {"remote_app_name": "other"}):
        assert looked([app("temp_old", duplicating=True)], duplication(**other))[0] == {}
    # Both duplications were made in the same second, and this one is that of another table of the journal, whether this
    # call is about that or not.
    for tables in ((TEMP, ORDERS), (TEMP,)):
        assert looked([app("orders", duplicating=True)], duplication(), *tables) == ({}, [])


def test_nothing_is_asked_where_nothing_can_be_found() -> None:
    assert looked([app("temp"), app("other", duplicating=True)], duplication()) == ({}, [])
    assert looked([app("other", duplicating=True)], duplication(), MovedTable("slip", "slip")) == ({}, [])
    assert looked([app("temp_old", duplicating=True)], duplication(), version="2.4.0") == ({}, [])
    dropped = [app("temp", status="DROPPED"), app("temp_old", duplicating=True)]
    assert looked(dropped, duplication())[0] == {"temp": "temp_old"}


def test_a_table_of_somebody_that_cannot_be_asked_about_stops_nothing() -> None:
    apps = [app("theirs", duplicating=True)]
    assert looked(apps, MigrationError("pegasus.app_not_found", "It was dropped meanwhile."))[0] == {}
    with pytest.raises(MigrationError, match="No answer"):
        looked(apps, MigrationError("pegasus.timeout", "No answer."))


def test_what_the_journal_knows_until_it_has_removed_it() -> None:
    place = "pegasus:onebox-a/table/temp/duplication/onebox-b"
    added: t.Dict[str, t.Any] = {"id": "1", "resource": place, "action": "add", "before": None, "after": {}}
    gone = {"id": "2", "resource": place, "action": "remove", "before": {"dupid": 17}, "after": None}
    records: t.List[t.Tuple[str, t.Dict[str, t.Any]]] = [
        (INTENT, added),
        (OUTCOME, {"id": "1", "status": "done", "evidence": {"dupid": 17}}),
        (INTENT, gone),
        (OUTCOME, {"id": "2", "status": "done", "evidence": {}}),
    ]
    entries = [Entry(seq, AT, kind, data, "", "") for seq, (kind, data) in enumerate(records)]
    assert tr.known_duplications(entries[:2], "onebox-a") == {"temp": {("onebox-b", 17)}}
    assert tr.known_duplications(entries[:2], "onebox-c") == {}
    # It is known still, though none of its duplications can live on.
    assert tr.known_duplications(entries, "onebox-a") == {"temp": set()}
    assert tr.known_duplications([], "onebox-a") == {}
