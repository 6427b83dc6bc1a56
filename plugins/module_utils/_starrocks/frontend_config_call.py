# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the frontend config module, as far as its journal can answer it: where nothing is left to put back.

Everything that talks to a cluster is only loaded when there is something to do, since loading it is most of what it
costs to run a finished migration again.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import read_options
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import recorded
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection

if t.TYPE_CHECKING:
    from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_task import (
        FrontendConfigTask,
    )


class FrontendConfigCall:
    """``body`` returns the module's result, ``partial`` what was done so far when it failed."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._task: t.Optional[FrontendConfigTask] = None

    def partial(self) -> t.Dict[str, t.Any]:
        """What is known and was done so far."""
        return self._task.result if self._task is not None else {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        options = read_options(self._params, "dead_frontends")
        connection = Connection.from_params(self._params)
        store = ConfigJournal(self._params, self._redactor, self._clock, restoring=options.restoring)
        try:
            past = recorded(store.entries, "starrocks:")
            if options.restoring and not any(name.partition("/")[2].startswith("fe/") for name in past):
                # Nobody is asked: a cluster out of reach must not fail a run that left it alone.
                nothing: t.Dict[str, t.Any] = {"settings": [], "restore": [], "changes": [], "calls": []}
                return {"changed": False, "diff": {"before": {}, "after": {}}, **nothing}
            # Here and not above: it is half of all lines, and a finished migration needs none of them.
            from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_task import (
                FrontendConfigTask,
            )

            self._task = FrontendConfigTask(options, connection, store, self._check_mode, self._redactor, self._clock)
            return self._task.body()
        finally:
            store.close()
