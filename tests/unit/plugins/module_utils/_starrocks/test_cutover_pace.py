# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the forecast is told of the time that a look takes."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_look as cl
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import (
    cutover_argument_spec,
    read_request,
)
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

DATABASES = 300
ROUND_TRIP = 0.01


class Server:
    """A cluster with many databases, of which every statement takes a while."""

    profile: t.Any = types.SimpleNamespace(replications_proc=True, shared_data=False)
    cluster_id = "1"

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.asked: t.List[str] = []

    def query(self, sql: str, doing: str) -> Rows:
        assert doing
        self.asked.append(sql)
        self._clock.advance(ROUND_TRIP)
        names = [(str(number), f"d{number}", "1") for number in range(DATABASES)]
        if sql in ("SHOW PROC '/transactions'", "SHOW PROC '/dbs'"):
            return Rows(("DbId", "DbName", "TableNum"), tuple(names))
        return Rows((), ())


class Freeze:
    """Half a second for every look at the switch and at the jobs."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def look(self) -> t.Any:
        self._clock.advance(0.5)
        switch = types.SimpleNamespace(values={}, told=dict, everywhere="false")
        look = types.SimpleNamespace(switch=switch, running=())
        look.after = lambda _cluster, _lifted: look
        return look


def test_all_that_a_look_asks_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of it, where there are many databases, is no comparison: four statements for each of them."""
    spec = cutover_argument_spec().argument_spec
    given = {name: option.get("default") for name, option in spec.items()}
    request = read_request({**given, "frontends": "a", "target_frontends": "b", "tool_is_stopped": True})
    clock = FakeClock()
    eyes = cl.Eyes(request, Redactor([]), clock)
    source, target = Server(clock), Server(clock)
    eyes.source, eyes.target = t.cast(t.Any, source), t.cast(t.Any, target)
    eyes.freeze = t.cast(t.Any, Freeze(clock))
    readers: t.Any = [
        types.SimpleNamespace(databases={f"d{number}": 1 for number in range(DATABASES)}, hidden=dict, tables=list)
        for _side in range(2)
    ]
    eyes.readers = tuple(readers)
    switch = types.SimpleNamespace(look=lambda: types.SimpleNamespace(require_known=lambda: None))
    monkeypatch.setattr(fs, "LoadSwitch", lambda _target: switch)
    monkeypatch.setattr(cl, "compare_clusters", lambda *_readers, **_more: clock.advance(3.0))
    view = eyes.view([], [])
    pace = eyes.pace(view)
    # The switch twice, the comparison, and of each database its transactions and three kinds of ALTER jobs.
    assert pace.look == pytest.approx(2 * 0.5 + 3.0 + ROUND_TRIP * (4 * DATABASES + 2))
    assert pace.drain == pytest.approx(ROUND_TRIP * (DATABASES + 2))
    assert pace.foreign == pytest.approx(ROUND_TRIP * (DATABASES + 1))
