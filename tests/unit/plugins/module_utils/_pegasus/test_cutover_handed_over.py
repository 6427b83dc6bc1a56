# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The call that ends a hand-over tells of the whole window, most of which was another process's."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import Recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_end, cutover_past, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_behind import Behind
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_end import End
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_record import CutoverRecord
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_track import Track
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, DENY_WRITE
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock

FENCE = "pegasus:onebox-a/app/temp/env/deny"
FENCED = TableView("temp", app=model.App("temp", 2, "AVAILABLE", 1, {DENY_KEY: DENY_WRITE}, 3))


def track() -> Track:
    """The table as a call finds it."""
    proof = types.SimpleNamespace(items=lambda _table: [])
    fence: t.Any = types.SimpleNamespace(resource=FENCE, prove=lambda *_any: proof)
    return Track(FENCED, fence)


def hand_over(journal: Journal, clock: t.Any) -> None:
    """What the first call does: fenced for a second, drained after four, handed over half a second later."""
    first = track()
    first.sent = clock.monotonic()
    first.first_denied, first.all_denied = first.sent + 0.5, first.sent + 1.0
    first.drained = first.sent + 4.0
    clock.advance(4.5)
    journal.append(cutover_past.HANDED_OVER_KIND, first.handed_over_entry(clock, 30.0))
    assert first.state == "handed_over"


@pytest.mark.parametrize("state", ["committed", "lifted"])
def test_the_second_call_tells_the_whole_window(
    state: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: t.Any = FakeClock()
    journal = Journal.open(
        str(tmp_path / "j.jsonl"), migration_id="m", engine="pegasus", clock=clock, redactor=Redactor([])
    )
    hand_over(journal, clock)
    # The operator switches for six seconds; the process that commits counts from elsewhere.
    clock.advance(6.0)
    clock.steady = 17.0
    second = track()
    request = types.SimpleNamespace(state=state, place=None, proxies=(), budget=60.0)
    eyes: t.Any = types.SimpleNamespace(request=request, blind=False, clock=clock)
    keeper: t.Any = types.SimpleNamespace(left=(), restore=lambda *_any: [])
    ends = cutover_past.read_past(journal.entries).ends
    past = cutover_past.Past({FENCE: Recorded(None, DENY_WRITE, 1)}, ends)
    clusters: t.Any = types.SimpleNamespace(config_sync=1.0, round_trip=0.1)

    def lift(tracks: t.Sequence[Track], *_any: t.Any) -> None:
        for one in tracks:
            one.lifted = clock.monotonic()

    monkeypatch.setattr(cutover_end, "lift_all", lift)
    monkeypatch.setattr(Behind, "close", lambda *_any: clock.advance(1.0))
    monkeypatch.setattr(Behind, "verify", lambda *_any: None)
    End(eyes, clusters, {"temp": second}, keeper, past, None).run(CutoverRecord(journal, clock))
    window = {name: told for name, told in second.window().items() if told is not None}
    wanted = {"first_denied": 0.5, "all_denied": 1.0, "drained": 4.0, "handed_over": 4.5, "refused": 10.0}
    assert window == {**wanted, **({"proved": 10.5, "committed": 11.5} if state == "committed" else {"lifted": 10.5})}
    if state == "committed":
        assert journal.entries[-1].kind == "cutover.committed"
        assert journal.entries[-1].data["window"] == second.window()


@pytest.mark.parametrize("window", [None, {}, {"drained": 4.0}])
def test_an_entry_without_times_tells_none(window: t.Any) -> None:
    clock: t.Any = FakeClock()
    one = track()
    one.resume({"table": "temp", "at": "2026-11-21T03:14:00.000Z", "window": window}, clock)
    assert set(one.window().values()) == {None}
