# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frontends and nodes that are down stop a change of settings, or are left out of it and told."""

from __future__ import annotations

import dataclasses
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import backend_config as nodes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import frontend_config_task as frontends
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import NodeRow
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import ConfigOptions, Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import ConfigRow
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

KEY = "k"
FRONTEND = Frontend("fe0", "a", 9030, 8030, 9020, "LEADER", True, "1", "4.1.0", "")
NODE = Node("CN", "10", "n", 9050, 9060, 8040, True, False, "4.1.0", None, "")


class Cluster:
    """One frontend and one node that are as wanted, and one of each kind that may be down."""

    cluster_id, version = "7", "4.1.0"
    profile = types.SimpleNamespace(with_persistent=False, set_runs_on="leader", update_be_configs=True)

    def __init__(self, alive: bool) -> None:
        self._frontends = (FRONTEND, dataclasses.replace(FRONTEND, host="b", alive=alive))
        self._nodes = (NODE, dataclasses.replace(NODE, node_id="11", host="m", alive=alive))

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def frontends(self, refresh: bool = False) -> t.Sequence[Frontend]:
        return self._frontends

    def leader(self) -> Frontend:
        return FRONTEND

    def nodes(self, refresh: bool = False) -> t.Sequence[Node]:
        return self._nodes


def set_frontends(monkeypatch: pytest.MonkeyPatch, unreached: str, alive: bool) -> t.Dict[str, t.Any]:
    row = ConfigRow(KEY, (), "1", "int", True)
    monkeypatch.setattr(frontends, "Cluster", lambda *_given: Cluster(alive))
    monkeypatch.setattr(frontends, "read_all", lambda _cluster, some, keys: {one: {KEY: row} for one in some})
    options = ConfigOptions((Wanted(KEY, "1", False, "settings[0]"),), "present", unreached)
    store = ConfigJournal({}, Redactor([]), FakeClock(), restoring=False)
    connection: t.Any = None
    return frontends.FrontendConfigTask(options, connection, store, False, Redactor([]), FakeClock()).body()


def set_nodes(monkeypatch: pytest.MonkeyPatch, unreached: str, alive: bool) -> t.Dict[str, t.Any]:
    row = NodeRow(KEY, "1", "int", True)
    monkeypatch.setattr(nodes, "Cluster", lambda *_given, **_more: Cluster(alive))
    monkeypatch.setattr(nodes, "read_nodes", lambda _cluster, some, keys: {one: {KEY: row} for one in some})
    given = {name: option.get("default") for name, option in connection_argument_spec().argument_spec.items()}
    given.update(settings=[{"key": KEY, "value": 1}], state="present", dead_nodes=unreached, frontends="a")
    return nodes.BackendConfigTask(given, False, Redactor([]), FakeClock()).body()


@pytest.mark.parametrize(("change", "name"), [(set_frontends, "b:9030"), (set_nodes, "m:9050")])
def test_what_is_left_out_is_told(
    change: t.Callable[..., t.Dict[str, t.Any]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (warning,) = change(monkeypatch, "skip", False)["warnings"]
    assert warning.startswith(f"{name} is down by the cluster's own account, and was left out")
    assert "without these settings (k)" in warning
    for unreached in ("skip", "fail"):
        assert "warnings" not in change(monkeypatch, unreached, True)


@pytest.mark.parametrize(("change", "option"), [(set_frontends, "dead_frontends"), (set_nodes, "dead_nodes")])
def test_by_default_nothing_is_changed(
    change: t.Callable[..., t.Dict[str, t.Any]], option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MigrationError, match=f"nothing was changed.*{option}: skip"):
        change(monkeypatch, "fail", False)
