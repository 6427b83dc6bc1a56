# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of wrong options and of clusters that do not answer, and where the sync tool finds one."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidInput,
    InvalidOption,
    MigrationError,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import migration_task
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_past import COMMITTED_KIND
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import ConfigRow
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import COMPACTION, GRACE
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_task import (
    MigrationTask,
    entrance,
    migration_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import SOURCE, TARGET
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.version import parse_version
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.starrocks_preflight_cases import (
    frontend,
)


def given(**more: t.Any) -> t.Dict[str, t.Any]:
    params = {name: option.get("default") for name, option in migration_argument_spec().argument_spec.items()}
    return {**params, "frontends": "fe-0.example.com", "target_frontends": "fe-1.example.com", **more}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    params = given(
        source_settings=["first", "second"],
        compaction_ramp=[16, 4],
        vacuum_time="5 parsecs",
        source_node_settings="third",
        approved_plan_hash="no",
    )
    with pytest.raises(InvalidInput) as caught:
        MigrationTask(params, Redactor([]), SystemClock()).body()
    assert [one.split(":")[0] for one in caught.value.problems] == [
        "source_settings[0]",
        "source_settings[1]",
        "compaction_ramp",
        "vacuum_time",
        "source_node_settings[0]",
        "approved_plan_hash",
    ]


def test_no_user_is_made_whose_password_is_the_encrypted_text() -> None:
    keys = {"target_cluster_password_secret_key": "the-secret", "target_cluster_password": "c2VjcmV0"}
    with pytest.raises(InvalidOption) as caught:
        MigrationTask(given(create_sync_users=True, **keys), Redactor([]), SystemClock()).body()
    assert caught.value.message.startswith("create_sync_users: with target_cluster_password_secret_key")
    assert "the-secret" not in caught.value.message


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_key_without_what_it_decrypts_is_refused_before_a_cluster_is_contacted(side: str) -> None:
    key, password = f"{side}_cluster_password_secret_key", f"{side}_cluster_password"
    for missing in (None, ""):
        with pytest.raises(InvalidOption) as caught:
            MigrationTask(given(**{key: "Canary-Key-17", password: missing}), Redactor([]), SystemClock()).body()
        assert caught.value.message.startswith(f"{key}: {password} is not given with it")
        assert "Canary" not in caught.value.message


class Silent:
    """A cluster that does not answer: the first question fails."""

    def __init__(self, connection: Connection, *_rest: t.Any) -> None:
        self.connection = connection

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *_exc: object) -> None:
        return None

    @property
    def profile(self) -> Profile:
        raise MigrationError("starrocks.unreachable", f"{self.connection.frontends[0].host} does not answer.")


class Talking(Silent):
    """A shared-data cluster with three frontends."""

    version = t.cast(Version, parse_version("4.1.0"))
    run_mode = "shared_data"
    profile = Profile.choose(version, "shared_data")

    @property
    def _side(self) -> str:
        return TARGET if self.connection.prefix else SOURCE

    @property
    def cluster_id(self) -> str:
        return "2" if self.connection.prefix else "1"

    def frontends(self) -> t.Sequence[Frontend]:
        return [frontend(number, self._side) for number in (1, 2, 3)]

    def nodes(self) -> t.Sequence[Node]:
        return []

    def leader(self) -> Frontend:
        return self.frontends()[0]


class Another(Talking):
    """The same, but not the cluster that the journal knows."""

    cluster_id = "9"


def look(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    source: t.Type[Silent] = Talking,
    target: t.Type[Silent] = Talking,
    committed: bool = True,
    threshold: int = 12,
    **more: t.Any,
) -> t.Dict[str, t.Any]:
    """A look at a migration that has set the grace period on the source and compaction on the target."""
    clock, redactor, path = SystemClock(), Redactor([]), str(tmp_path / "journal.jsonl")
    with Journal.open(path, migration_id="m", engine="starrocks", clock=clock, redactor=redactor) as journal:
        for cluster, key, before, after in (("1", GRACE, "30", "10000000"), ("2", COMPACTION, "-1", "0")):
            change = Change(f"starrocks:{cluster}/fe/10.0.0.1:9030/config/{key}", "set", before, after, {})
            journal.outcomes([(one, "done", {}) for one in journal.intents([change])])
        if committed:
            journal.append(COMMITTED_KIND, {})
    monkeypatch.setattr(migration_task, "Cluster", lambda of, *rest: (target if of.prefix else source)(of, *rest))
    monkeypatch.setattr(migration_task, "read_config", lambda *_asked: ConfigRow("k", (), str(threshold), "long", True))
    return MigrationTask(given(journal=path, **more), redactor, clock).body()


def test_after_the_commit_a_silent_source_does_not_keep_anybody_from_the_target(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = look(tmp_path, monkeypatch, source=Silent, compaction_ramp=[4])
    assert found["source_problem"]["code"] == "starrocks.unreachable"
    assert (found["source"], found["source_left"]) == (None, [GRACE])
    assert found["target"]["frontend_configs_to_restore"] == [COMPACTION]
    assert [one["tasks"] for one in found["compaction_ramp"]] == [4]
    assert (found["plan_hash"], found["vacuum"]["needed"], found["finished"]) == ("", False, False)


def test_it_is_finished_when_everything_is_put_back_and_the_tool_is_away(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for committed in (False, True):
        folder = tmp_path / str(committed)
        folder.mkdir()
        assert not look(folder, monkeypatch, committed=committed)["finished"]
        with Journal.open(
            str(folder / "journal.jsonl"),
            migration_id="m",
            engine="starrocks",
            clock=SystemClock(),
            redactor=Redactor([]),
        ) as journal:
            for cluster, key in (("1", GRACE), ("2", COMPACTION)):
                name = f"starrocks:{cluster}/fe/10.0.0.1:9030/config/{key}"
                journal.append("restore", {"resource": name, "action": "restore"})
            removal = Change("tool:host/opt/sync", "remove", "", "", {})
            journal.outcomes([(one, "done", {}) for one in journal.intents([removal])])
        params = given(journal=str(folder / "journal.jsonl"))
        found = MigrationTask(params, Redactor([]), SystemClock()).body()
        assert (found["finished"], found["target"]["frontend_configs_to_restore"]) == (committed, [])


@pytest.mark.parametrize(
    ("wrong", "forgotten"), [({"source": Another}, {"1": [GRACE]}), ({"target": Another}, {"2": [COMPACTION]})]
)
def test_an_address_that_leads_to_another_cluster_is_told(
    wrong: t.Mapping[str, t.Any],
    forgotten: t.Mapping[str, t.Any],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a restore would say that nothing is left there."""
    found = look(tmp_path, monkeypatch, **wrong)
    assert found["journal_problem"]["code"] == "starrocks.journal_of_other_cluster"
    assert found["journal_problem"]["details"]["left"] == forgotten
    assert not found["finished"]


def test_before_the_commit_nothing_goes_without_the_source(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MigrationError, match=r"fe-0[.]example[.]com does not answer"):
        look(tmp_path, monkeypatch, source=Silent, committed=False)


def test_two_silent_clusters_are_an_error(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MigrationError, match=r"fe-0[.]example[.]com does not answer"):
        look(tmp_path, monkeypatch, source=Silent, target=Silent)


def test_what_the_ramp_of_the_target_lasts_is_part_of_what_the_source_owes(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the commit the target is put back first, and old versions are held on the source for as long."""
    ramp: t.Dict[str, t.Any] = {"compaction_ramp": [4, 16], "compaction_ramp_time": "3h", "threshold": 6}
    assert look(tmp_path, monkeypatch)["vacuum"]["needed"] is False
    assert look(tmp_path, monkeypatch, **ramp)["vacuum"] == {
        "needed": True, "wanted_threshold": 8, "seconds_left": 1800.0,
    }  # fmt: skip


def test_before_the_commit_the_source_does_not_wait_for_the_ramp(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp: t.Dict[str, t.Any] = {"compaction_ramp": [4, 16], "compaction_ramp_time": "3h", "threshold": 6}
    assert look(tmp_path, monkeypatch, committed=False, **ramp)["vacuum"]["needed"] is False


def test_the_tool_is_given_a_frontend_that_lives() -> None:
    told = [frontend(1, SOURCE), frontend(2, SOURCE), frontend(3, SOURCE)]
    addresses = tuple(Address(one.host, one.query_port) for one in told)
    connection = given_connection(addresses)
    assert entrance(connection, told) == addresses[0]
    dead = [dataclasses.replace(told[0], alive=False), *told[1:]]
    assert entrance(connection, dead) == addresses[1]
    assert entrance(given_connection((addresses[0],)), dead) == addresses[0]
    by_name = given_connection((Address("fe.example.com", 9030),))
    assert entrance(by_name, dead) == Address("fe.example.com", 9030)


def given_connection(addresses: t.Tuple[Address, ...]) -> Connection:
    params = given(frontends=",".join(str(one) for one in addresses))
    return Connection.from_params(params)
