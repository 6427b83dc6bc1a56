# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror that another migration has made is told, since its restore would drop it while this one copies."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_plan as plans
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Volume, Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_journal import VolumeJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_names import resource
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_others import tell_in_place

WANTED = Wanted("src_v", "S3", ("s3://b",), {known.REGION: "r"}, {known.SECRET_KEY: "the-secret-key"})
THERE = Volume("src_v", "S3", ("s3://b",), {known.REGION: "r"})


class Case:
    """What is told in one journal."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.params: t.Dict[str, t.Any] = {"journal": str(path), "migration_id": "m"}

    def tell(
        self, wanted: Wanted, there: t.Optional[Volume], write: bool = True, update: str = plans.ON_CREATE
    ) -> t.List[str]:
        found = {wanted.name: there}
        plan = plans.plan_present("7", [wanted], found, update)
        store = VolumeJournal(self.params, Redactor([]), SystemClock())
        try:
            return tell_in_place("7", [wanted.name], plan, found, store, write)
        finally:
            store.close()

    def made(self, resource: str) -> None:
        clock, redactor = SystemClock(), Redactor([])
        journal = Journal.open(str(self.path), migration_id="m", engine="starrocks", clock=clock, redactor=redactor)
        (plan,) = plans.plan_present("7", [WANTED], {}).steps
        journal.intents([dataclasses.replace(plan.change, resource=resource)])
        journal.close()


@pytest.fixture(name="case")
def fixture_case(tmp_path: pathlib.Path) -> Case:
    return Case(tmp_path / "journal.jsonl")


def test_one_that_is_not_ours_is_warned_of_and_written_down_once(case: Case) -> None:
    (warning,) = case.tell(WANTED, THERE, write=False)
    assert not case.path.exists()
    assert "src_v is there already" in warning and "end that one first" in warning
    assert case.tell(WANTED, THERE) == case.tell(WANTED, THERE) == [warning]
    assert [one.data["text"] for one in Journal.read(str(case.path)).entries if one.kind == "note"] == [warning]


def test_new_credentials_do_not_make_it_ours(case: Case) -> None:
    """Nobody sees them, so the restore of who made it would still drop it."""
    assert len(case.tell(WANTED, THERE, update=plans.ALWAYS)) == 1


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        (WANTED, None),
        (WANTED, dataclasses.replace(THERE, params={known.REGION: "another"})),
        (dataclasses.replace(WANTED, comment="another"), THERE),
        (dataclasses.replace(WANTED, name="of_its_own"), dataclasses.replace(THERE, name="of_its_own")),
    ],
    ids=["it is made", "it is altered", "its comment is altered", "it is to stay after the migration"],
)
def test_what_is_told_of_is_left_as_it_is_and_goes_with_a_migration(
    case: Case, wanted: Wanted, there: t.Optional[Volume]
) -> None:
    assert case.tell(wanted, there) == []
    assert not case.path.exists()


@pytest.mark.parametrize(("cluster", "count"), [("7", 0), ("8", 1)])
def test_what_is_ours_is_known_from_the_journal(case: Case, cluster: str, count: int) -> None:
    case.made(resource(cluster, "src_v"))
    assert len(case.tell(WANTED, THERE)) == count


def test_without_a_journal_nobody_knows_what_is_ours(case: Case) -> None:
    case.params = {}
    assert case.tell(WANTED, THERE) == []
