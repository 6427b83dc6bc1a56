# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With check mode, a tool that a real run starts first runs by then; a real run goes by what is there."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_task
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import (
    CutoverRequest,
    cutover_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_tool import SyncTool
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_options import LogPlace
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


def test_its_end_is_predicted_where_it_is_started_first(tmp_path: pathlib.Path) -> None:
    tool = SyncTool(str(tmp_path), LogPlace(), FakeClock())
    assert tool.state() == "stopped"
    assert tool.predict(False) == []
    assert tool.predict(True) == [tool.change()]


@pytest.mark.parametrize("check_mode", [True, False])
def test_only_check_mode_goes_by_a_start_that_comes_first(
    check_mode: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: t.List[CutoverRequest] = []

    def look(request: CutoverRequest, *_rest: t.Any) -> t.Any:
        seen.append(request)
        raise InterruptedError

    monkeypatch.setattr(cutover_task, "Eyes", look)
    given = {name: option.get("default") for name, option in cutover_argument_spec().argument_spec.items()}
    given.update(frontends="10.0.0.1", target_frontends="10.0.1.1", tool_directory=str(tmp_path))
    given.update(journal=str(tmp_path / "j.jsonl"), tool_is_restarted=True)
    journal = t.cast(t.Any, types.SimpleNamespace(entries=()))
    with pytest.raises(InterruptedError):
        cutover_task.CutoverTask(given, check_mode, Redactor([]), FakeClock(), journal).body()
    assert [one.tool_is_restarted for one in seen] == [check_mode]
