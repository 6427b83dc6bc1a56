# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The follow loop: it repeats steps until the end, prints what changed, and survives steps that die."""

from __future__ import annotations

import time
import types
import typing as t

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.dbops.migration.plugins.plugin_utils import _follow


class Followed(_follow.FollowActionBase):
    """Answers module calls from a script; an exception in the script is raised."""

    followed_module = "dbops.migration.something"

    def __init__(
        self, args: t.Dict[str, t.Any], script: t.Sequence[t.Any], check: bool = False, later: int = 0
    ) -> None:
        self._task: t.Any = types.SimpleNamespace(args=args, async_val=later, check_mode=check)
        self._script = list(script)
        self.calls: t.List[t.Dict[str, t.Any]] = []

    def _call(self, args: t.Dict[str, t.Any], task_vars: t.Optional[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
        self.calls.append(dict(args))
        answer = self._script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


@pytest.fixture(name="shown")
def fixture_shown(monkeypatch: pytest.MonkeyPatch) -> t.List[str]:
    lines: t.List[str] = []
    monkeypatch.setattr(_follow.display, "display", lambda text, **_kwargs: lines.append(text.strip()))
    monkeypatch.setattr(_follow.display, "warning", lambda text, **_kwargs: lines.append("warning: " + text))
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(ActionBase, "run", lambda *_args, **_kwargs: {})
    return lines


def step(number: int, **more: t.Any) -> t.Dict[str, t.Any]:
    return {"finished": False, "line": f"{number}/3 moved", "follow": {"run_id": "r", "step": number}, **more}


END = {"finished": True, "changed": False, "line": "3/3 moved", "summary": "all moved"}
UNREACHABLE = AnsibleConnectionFailure("ssh: connection reset")


def test_steps_follow_each_other_with_what_the_last_one_returned(shown: t.List[str]) -> None:
    action = Followed({"plan_file": "p"}, [step(1, changed=True), step(2, events=["region 7 moved"]), END])
    result = action.run(task_vars={})
    assert result["summary"] == "all moved"
    assert result["changed"] is True, "what an early step changed must not be forgotten by the last one"
    assert [call.get("follow", {}).get("step") for call in action.calls] == [None, 1, 2]
    assert shown == ["1/3 moved", "region 7 moved", "2/3 moved", "3/3 moved"]
    assert "follow" not in result and "events" not in result


def test_a_line_is_printed_only_when_it_changes(shown: t.List[str]) -> None:
    Followed({}, [step(1), step(1), step(1), END]).run(task_vars={})
    assert shown == ["1/3 moved", "3/3 moved"]


@pytest.mark.parametrize("death", [UNREACHABLE, {"failed": True, "msg": "MODULE FAILURE", "module_stdout": ""}])
def test_a_step_that_dies_is_repeated_from_where_the_last_good_one_ended(shown: t.List[str], death: t.Any) -> None:
    action = Followed({}, [step(1), death, END])
    assert action.run(task_vars={})["finished"] is True
    assert action.calls[2]["follow"]["step"] == 1
    assert any(line.startswith("warning:") for line in shown)


def test_a_host_that_cannot_be_reached_at_all_fails_at_once(shown: t.List[str]) -> None:
    action = Followed({}, [UNREACHABLE])
    assert action.run(task_vars={})["failed"] is True
    assert len(action.calls) == 1


def test_a_step_that_keeps_dying_ends_the_task(shown: t.List[str]) -> None:
    death = {"failed": True, "msg": "MODULE FAILURE", "module_stderr": "killed"}
    action = Followed({}, [step(1)] + [death] * 10)
    assert action.run(task_vars={})["failed"] is True
    assert len(action.calls) == 1 + _follow.TOLERATED_DEATHS + 1


def test_a_failure_with_a_code_is_final(shown: t.List[str]) -> None:
    failure = {"failed": True, "code": "greptimedb.moves_failed", "msg": "x", "changed": True}
    result = Followed({}, [step(1), failure]).run(task_vars={})
    assert result["code"] == "greptimedb.moves_failed" and result["changed"] is True


LOCKED = {"failed": True, "code": "journal.locked", "msg": "process 7 on runner is using the journal"}


class Time:
    """Sleeping is free, and makes the time pass."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_step_that_was_cut_off_may_hold_the_journal_until_it_is_over(
    shown: t.List[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    began = Time(monkeypatch)
    action = Followed({}, [step(1), UNREACHABLE] + [LOCKED] * 10 + [END])
    assert action.run(task_vars={})["finished"] is True
    assert {call["follow"]["step"] for call in action.calls[1:]} == {1}
    assert began.now - 1000.0 > 10
    assert shown.count(_follow.HELD) == 1


@pytest.mark.parametrize(("given", "least"), [(None, 22.0), ("5m", 320.0)])
def test_a_journal_that_stays_locked_ends_the_task_soon_after_the_longest_step(
    shown: t.List[str], monkeypatch: pytest.MonkeyPatch, given: t.Optional[str], least: float
) -> None:
    began = Time(monkeypatch)
    args = {"step_time": given} if given else {}
    result = Followed(args, [step(1), UNREACHABLE] + [LOCKED] * 1000).run(task_vars={})
    assert result["code"] == "journal.locked"
    assert least <= began.now - 1000.0 < least + 5


def test_a_journal_that_somebody_else_holds_ends_the_task_at_once(shown: t.List[str]) -> None:
    for script in ([LOCKED], [step(1), LOCKED], [step(1), UNREACHABLE, step(2), LOCKED]):
        action = Followed({}, script)
        assert action.run(task_vars={})["code"] == "journal.locked"


@pytest.mark.parametrize(
    ("args", "options"), [({"wait": False}, {}), ({"wait": "no"}, {}), ({}, {"check": True}), ({}, {"later": 60})]
)
def test_no_loop_for_single_steps_check_mode_and_async(
    shown: t.List[str], args: t.Dict[str, t.Any], options: t.Dict[str, t.Any]
) -> None:
    action = Followed(args, [step(1)], **options)
    assert action.run(task_vars={})["finished"] is False
    assert len(action.calls) == 1 and "step_time" not in action.calls[0]
