# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clusters with one ClusterId are refused: what is changed on the one would be put back on the other."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import preflight_task
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import SOURCE, TARGET
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.two_clusters import require_two_clusters
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.starrocks_preflight_cases import (
    cluster,
    frontend,
    view,
)


class Cluster(t.NamedTuple):
    cluster_id: str
    hosts: str

    def frontends(self) -> t.List[t.Any]:
        return [frontend(1, SOURCE, host=host) for host in self.hosts]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Cluster("1", "bc"), "lead to the same cluster (1, b:"),
        (Cluster("1", "cd"), "two clusters with one ClusterId (1): one is a copy of the other's metadata, or both"),
    ],
)
def test_one_id_is_refused(target: t.Any, words: str) -> None:
    source: t.Any = Cluster("1", "ab")
    with pytest.raises(MigrationError) as caught:
        require_two_clusters(source, target)
    assert caught.value.code == "starrocks.same_cluster"
    assert words in caught.value.message and caught.value.message.endswith("Nothing was changed.")


def test_two_ids_are_two_clusters_whatever_their_frontends_are_called() -> None:
    source: t.Any = Cluster("1", "ab")
    target: t.Any = Cluster("2", "ab")
    require_two_clusters(source, target)


@pytest.mark.parametrize("hosts", ["a", "b"], ids=["one cluster", "two with one id"])
def test_no_acceptance_opens_the_way(monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    source, target = cluster(SOURCE), cluster(TARGET, cluster_id="1")
    target = dataclasses.replace(target, frontends=source.frontends if hosts == "a" else target.frontends)
    monkeypatch.setattr(preflight_task.PreflightTask, "_look", lambda _task, _request: view(source, target))
    monkeypatch.setattr(preflight_task, "read_request", lambda _params: None)
    monkeypatch.setattr(preflight_task, "_seen", lambda _view: {"looked_at": {}})
    name = f"starrocks.cluster.same{'' if hosts == 'a' else '_id'}"
    accept = [{"id": name, "reason": "known", "expires": "2100-01-01"}]
    task = preflight_task.PreflightTask({"accept": accept}, True, Redactor([]), SystemClock())
    with pytest.raises(MigrationError, match=f"1 blocker is open. {name}") as caught:
        task.body()
    assert caught.value.code == "preflight.blocked"
    assert [one["id"] for one in task.result["unused_acceptances"]] == [name]
