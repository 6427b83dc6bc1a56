# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""Runs a cutover's module, and shows what it writes into its journal where that can be read along.

The module stays one call: it dies with the playbook, and its guard takes that for the end of the cutover.
"""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_lines import CutoverLines
from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_words import Words
from ansible_collections.dbops.migration.plugins.plugin_utils._journal_tail import Following

display = Display()


class CutoverActionBase(ActionBase):
    """``followed_module`` is the module, ``words`` are those of its engine."""

    followed_module: str
    words: Words
    supports_raw_params = False
    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: t.Optional[str] = None, task_vars: t.Optional[t.Dict[str, t.Any]] = None) -> t.Dict[str, t.Any]:
        super().run(tmp, task_vars)
        path = self._journal()
        if not path:
            return self._call(task_vars)
        lines = CutoverLines(self.words)

        def tell(entry: t.Mapping[str, t.Any]) -> None:
            line = lines.line(entry)
            if line:
                display.display(f"  {line}", color="bright blue")

        with Following(path, tell):
            return self._call(task_vars)

    def _call(self, task_vars: t.Optional[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
        result: t.Dict[str, t.Any] = self._execute_module(
            module_name=self.followed_module, task_vars=task_vars, wrap_async=bool(self._task.async_val)
        )
        return result

    def _journal(self) -> str:
        """The journal's path, "" where the module writes none, or writes it where it cannot be read along."""
        if self._task.check_mode or self._task.async_val or self._connection.transport != "local":
            return ""
        path = os.path.expanduser(str(self._task.args.get("journal") or ""))
        return path if os.path.isabs(path) else ""
