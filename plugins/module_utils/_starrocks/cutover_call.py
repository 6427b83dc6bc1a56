# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the cutover module, as far as its journal can answer it: a committed cutover is not looked at again.

Everything that works on clusters is only loaded when there is something to do, since loading it is most of what it
costs to run a finished migration again.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import acceptances
from ansible_collections.dbops.migration.plugins.module_utils._core.changes import ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.guard_file import GuardPlace
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import cutover_past as cp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_options import CUT_OVER, read_request
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_result import cutover_result
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_track import COMMITTED, Track
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze_record import FreezeJournal

if t.TYPE_CHECKING:
    from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_task import CutoverTask


class CutoverCall:
    """``body`` returns the module's result, ``partial`` what was done so far when it failed."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._task: t.Optional[CutoverTask] = None

    def partial(self) -> t.Dict[str, t.Any]:
        """What is known and was done so far."""
        return self._task.partial() if self._task is not None else cutover_result(Track(), ChangeList(), None, {})

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result; MigrationError where the cutover did not come to its end."""
        request = read_request(self._params)
        acceptances(self._params, self._clock.now())
        journal = FreezeJournal(self._params, self._redactor, self._clock)
        try:
            if request.state == CUT_OVER:
                cp.leave_no_guard(GuardPlace.of(str(self._params["journal"])), self._check_mode)
                if cp.last_end(journal.entries) == cp.COMMITTED_KIND:
                    return cutover_result(Track(state=COMMITTED), ChangeList(), None, {})
            # Here and not above: it is 9,000 lines, and a finished migration needs none of them.
            from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_task import CutoverTask

            self._task = CutoverTask(self._params, self._check_mode, self._redactor, self._clock, journal)
            return self._task.body()
        finally:
            journal.close()
