# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""The follow loop: repeat one short module call on the target until it says that it has finished.

A followed module takes the options ``step_time`` (how long one call may last) and ``follow`` (what the last call
returned under the same name), and returns ``finished``, ``follow``, and for people ``line`` and ``events``. All that
must survive is on the server and in the journal; ``follow`` only spares the next step from finding it out again. So a
connection that drops between two steps, or in the middle of one, costs nothing: the next step finds its place. The
module itself lives on when its connection drops in the middle, and holds its journal until its step is over.
"""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration

display = Display()

# The first step is short, so that a person soon sees that something happens. Each takes as long as all before it did,
# because each costs a module start (0.6 s of one core); who watches a long run is served by a line every 40 s.
FIRST_STEP = 2.0
LONGEST_STEP = 40.0
# How often in a row a step may end without a proper result before the loop gives up: a module that was killed, and a
# host that cannot be reached (with growing pauses these are about three minutes).
TOLERATED_DEATHS = 3
TOLERATED_UNREACHABLE = 10
LONGEST_PAUSE = 30.0
# For how much longer than a step the journal may be held by one that was cut off, and how often it is looked at.
LOCKED_GRACE = 20.0
LOCKED_PAUSE = 2.0
HELD = "waiting: the step that was cut off still uses the journal"


class FollowActionBase(ActionBase):
    """Base of the action plugins that follow one module; ``followed_module`` is its full name."""

    followed_module = ""
    supports_raw_params = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[t.Dict[str, t.Any]] = None) -> t.Dict[str, t.Any]:
        super().run(tmp, task_vars)
        args = dict(self._task.args)
        wait = args.get("wait", True)
        follows = str(wait).lower() not in ("false", "no", "off", "0", "n", "f")
        if self._task.async_val or self._task.check_mode or not follows:
            # One plain module call: run to the end in the background, predict, or do a single step for until loops.
            return self._call(args, task_vars)
        return self._follow(args, task_vars)

    def _call(self, args: t.Dict[str, t.Any], task_vars: t.Optional[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
        result: t.Dict[str, t.Any] = self._execute_module(
            module_name=self.followed_module,
            module_args=args,
            task_vars=task_vars,
            wrap_async=bool(self._task.async_val),
        )
        return result

    def _follow(self, args: t.Dict[str, t.Any], task_vars: t.Optional[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
        started = time.monotonic()
        last_line = ""
        changed = False
        deaths = 0
        locked_until = 0.0
        given_step = args.get("step_time")
        while True:
            if not given_step:
                args["step_time"] = min(LONGEST_STEP, max(FIRST_STEP, time.monotonic() - started))
            try:
                result = self._call(args, task_vars)
            except AnsibleConnectionFailure as error:
                result = {"failed": True, "unreachable": True, "msg": str(error)}
            if _died(result):
                deaths += 1
                tolerated = TOLERATED_UNREACHABLE if result.get("unreachable") else TOLERATED_DEATHS
                # Before the first good step this is not a dropped connection but a wrong set-up: say so at once.
                if "follow" not in args or deaths > tolerated:
                    return result
                display.warning(f"a step of {self.followed_module} died and is repeated: {result.get('msg', '')}")
                locked_until = time.monotonic() + parse_duration(args["step_time"], "step_time") + LOCKED_GRACE
                time.sleep(min(LONGEST_PAUSE, 0.5 * 2**deaths))
                continue
            if result.get("code") == "journal.locked" and time.monotonic() < locked_until:
                if last_line != HELD:
                    display.display(f"  {HELD}")
                    last_line = HELD
                time.sleep(LOCKED_PAUSE)
                continue
            deaths, locked_until = 0, 0.0
            changed = changed or bool(result.get("changed"))
            for event in result.pop("events", None) or []:
                display.display(f"  {event}")
            line = result.get("line") or ""
            if line and line != last_line:
                display.display(f"  {line}", color="bright blue" if not result.get("failed") else None)
                last_line = line
            if result.get("failed") or result.get("finished", True):
                result["changed"] = changed
                result.pop("follow", None)
                return result
            args["follow"] = result.get("follow")


def _died(result: t.Mapping[str, t.Any]) -> bool:
    """A step that was killed or cut off has no code of ours; a step that failed for a reason has one."""
    if not result.get("failed") or result.get("code"):
        return False
    return bool(result.get("unreachable") or "module_stdout" in result or "module_stderr" in result)
