# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""Runs a cutover's module, and shows what it writes into its journal where that can be read along.

The module stays one call: it dies with the playbook, and its guard takes that for the end of the cutover. What people
wished meanwhile is shown in any case, at the end where it could not be shown before.
"""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import s3_options
from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_lines import CutoverLines
from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_words import Words
from ansible_collections.dbops.migration.plugins.plugin_utils._journal_tail import Following, JournalTail, Tail
from ansible_collections.dbops.migration.plugins.plugin_utils._journal_tail_s3 import S3Tail

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
        lines = CutoverLines(self.words)

        def tell(entry: t.Mapping[str, t.Any]) -> None:
            line = lines.line(entry)
            if line:
                display.display(f"  {line}", color="bright blue")

        tail = self._tail()
        if tail is None:
            result = self._call(task_vars)
        else:
            with Following(tail, tell):
                result = self._call(task_vars)
        for event in result.get("events") or ():
            if event not in lines.acknowledged:
                display.display(f"  {event}")
        return result

    def _call(self, task_vars: t.Optional[t.Dict[str, t.Any]]) -> t.Dict[str, t.Any]:
        result: t.Dict[str, t.Any] = self._execute_module(
            module_name=self.followed_module, task_vars=task_vars, wrap_async=bool(self._task.async_val)
        )
        return result

    def _tail(self) -> t.Optional[Tail]:
        """The journal; None where the module writes none, or writes it where it cannot be read along."""
        journal = str(self._task.args.get("journal") or "")
        if self._task.check_mode or self._task.async_val:
            return None
        try:
            if journal.startswith("s3://"):
                return S3Tail(journal, s3_options(self._task.args))
        except MigrationError:
            # The module says what is wrong with it.
            return None
        path = os.path.expanduser(journal)
        return JournalTail(path) if os.path.isabs(path) and self._connection.transport == "local" else None
