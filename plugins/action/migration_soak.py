# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wait on the controller, and tell how long is left. No connection is held meanwhile, so none can be lost."""

from __future__ import annotations

import datetime
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, SystemClock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.plugin_utils._soak import Soak, soak

display = Display()

# A year; what is longer is a mistake in the unit.
LONGEST = 365 * 86400.0


class ActionModule(ActionBase):
    supports_raw_params = False
    _requires_connection = False
    _supports_async = False
    _supports_check_mode = True

    clock: Clock = SystemClock()

    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[t.Dict[str, t.Any]] = None) -> t.Dict[str, t.Any]:
        super().run(tmp, task_vars)
        validate: t.Any = self.validate_argument_spec  # it has no annotations
        _result, given = validate(
            argument_spec={
                "subject": {"type": "str", "required": True},
                "before": {"type": "str", "required": True},
                "time_left": {"type": "str", "required": True},
            }
        )
        try:
            left = parse_duration(given["time_left"], "time_left", minimum=0, maximum=LONGEST)
        except MigrationError as error:
            return {"changed": False, "failed": True, **error.as_result()}
        until = self.clock.now() + datetime.timedelta(seconds=left)
        what = Soak(given["subject"], given["before"], until)
        waited = 0.0
        if not self._task.check_mode:
            waited = soak(what, self.clock, _tell)
        elif left:
            _tell(what.preview(left))
        return {"changed": False, "until": iso(until), "waited": round(waited, 1)}


def _tell(line: str) -> None:
    display.display(f"  {line}", color="bright blue")
