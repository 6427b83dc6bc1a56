# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tell which of the operator's task files belong to a phase. The files are on the controller, so it looks there."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.plugin_utils._hooks import PHASES, hooks_of


class ActionModule(ActionBase):
    supports_raw_params = False
    _requires_connection = False
    _supports_async = False
    _supports_check_mode = True

    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[t.Dict[str, t.Any]] = None) -> t.Dict[str, t.Any]:
        super().run(tmp, task_vars)
        validate: t.Any = self.validate_argument_spec  # it has no annotations
        _result, given = validate(
            argument_spec={
                "phase": {"type": "str", "required": True, "choices": list(PHASES)},
                "phases": {"type": "list", "elements": "str", "choices": list(PHASES), "default": list(PHASES)},
                "hooks": {"type": "raw", "required": True},
                "option": {"type": "str", "default": "hooks"},
            }
        )
        try:
            found = hooks_of(given["hooks"], given["option"], given["phase"], given["phases"])
        except MigrationError as error:
            return {"changed": False, "failed": True, **error.as_result()}
        return {"changed": False, **{f"{edge}_file": path for edge, path in found._asdict().items()}}
