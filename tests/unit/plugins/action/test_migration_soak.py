# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action plugin of the soak: options as a playbook gives them, check mode, result."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.dbops.migration.plugins.action import migration_soak
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


class Run(migration_soak.ActionModule):
    """One task, on a clock that goes only by its own sleeping."""

    def __init__(self, time_left: t.Any, check: bool = False, **more: t.Any) -> None:
        args = {"subject": "orders", "before": "the duplication is removed", "time_left": time_left, **more}
        self._task: t.Any = types.SimpleNamespace(args=args, check_mode=check)
        # Cores up to 2.18 name the action in the message about an unknown option.
        self._load_name = "migration_soak"
        self.time = FakeClock()
        self.clock = self.time


@pytest.fixture(name="shown")
def fixture_shown(monkeypatch: pytest.MonkeyPatch) -> t.List[str]:
    lines: t.List[str] = []
    monkeypatch.setattr(migration_soak.display, "display", lambda text, **_kwargs: lines.append(text.strip()))
    monkeypatch.setattr(ActionBase, "run", lambda *_args, **_kwargs: {})
    return lines


@pytest.mark.parametrize("time_left", [42.0, "42.0", "42s", 42])
def test_it_waits_and_tells(shown: t.List[str], time_left: t.Any) -> None:
    task = Run(time_left)
    result = task.run(task_vars={})
    assert sum(task.time.slept) == 42
    assert result == {
        "changed": False,
        "until": "2026-11-21T03:14:42.000Z",
        "waited": 42.0,
    }
    assert shown[0].startswith("orders: soaking for 42s more")
    assert "orders: 34s of the soak left, until 2026-11-21T03:14:42Z" in shown


def test_a_check_waits_for_nothing(shown: t.List[str]) -> None:
    task = Run("2h", check=True)
    assert task.run(task_vars={})["waited"] == 0
    assert task.time.slept == []
    assert shown == ["orders: a real run would wait for 2h, before the duplication is removed"]


@pytest.mark.parametrize("time_left", ["soon", "-1", "400d", ""])
def test_a_time_that_is_none(shown: t.List[str], time_left: str) -> None:
    task = Run(time_left)
    result = task.run(task_vars={})
    assert result["failed"] is True and result["code"] == "option.invalid"
    assert result["msg"].startswith("time_left: ")
    assert task.time.slept == []


def test_an_option_that_does_not_exist(shown: t.List[str]) -> None:
    with pytest.raises(AnsibleError, match="seconds"):
        Run("1s", seconds=3).run(task_vars={})
