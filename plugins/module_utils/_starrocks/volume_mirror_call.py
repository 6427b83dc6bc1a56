# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the mirror module, as far as its journal can answer it: where no volume of ours is left to drop.

Everything that talks to clusters is only loaded when there is something to do, since loading it is most of what it
costs to run a finished migration again.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import recorded
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_journal import VolumeJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_options import (
    ABSENT,
    read_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_plan import is_volume

if t.TYPE_CHECKING:
    from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_task import MirrorTask


class MirrorCall:
    """``body`` returns the module's result, ``partial`` what was done so far when it failed."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self._task: t.Optional[MirrorTask] = None

    def partial(self) -> t.Dict[str, t.Any]:
        """What is known and was done so far."""
        return self._task.result if self._task is not None else {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result."""
        options = read_options(self._params)
        restoring = "state=absent" if options.state == ABSENT else ""
        store = VolumeJournal(self._params, self._redactor, self._clock, restoring=restoring)
        try:
            if options.state == ABSENT and not _left(store):
                # Nobody is asked: a cluster out of reach must not fail a run that left it alone.
                warned = {"warnings": list(options.warnings)} if options.warnings else {}
                nothing: t.Dict[str, t.Any] = {"restore": [], "changes": [], "volumes": [], **warned}
                return {"changed": False, "diff": {"before": {}, "after": {}}, **nothing}
            # Here and not above: it is half of all lines, and a finished migration needs none of them.
            from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_mirror_task import (
                MirrorTask,
            )

            self._task = MirrorTask(options, store, self._check_mode, self._redactor, self._clock)
            return self._task.body()
        finally:
            store.close()


def _left(store: VolumeJournal) -> bool:
    """Whether the journal has a volume that we touched and did not put back, or a change without an outcome."""
    past = recorded(store.entries, "starrocks:")
    return any(is_volume(name) and (one.changes or one.pending) for name, one in past.items())
