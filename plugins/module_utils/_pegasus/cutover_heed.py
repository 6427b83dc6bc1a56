# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether people and the calendar let tables be fenced."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.cutover_control import CutoverControl
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_options import CutoverRequest
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.forecast import Forecast
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_journal import SettingsJournal


class Heed(t.NamedTuple):
    """What people and the calendar say, and the seconds that a group needs of a window."""

    control: CutoverControl
    seconds: float


def held_seconds(request: CutoverRequest, forecast: Forecast) -> float:
    """What a group needs of a window: the forecast (p95), and where the operator switches, all of the budget."""
    return request.budget if request.place is None else forecast.held_p95


def refusal(
    control: CutoverControl, seconds: t.Sequence[float], journal: SettingsJournal, check_mode: bool
) -> t.Optional[MigrationError]:
    """Why no table may be fenced now; None where there is none to fence. ``seconds``: what each group needs."""

    def append(kind: str, data: t.Mapping[str, t.Any]) -> None:
        opened = journal.open()
        if opened is not None:
            opened.append(kind, data)

    return control.refusal(sum(seconds), None if check_mode else append) if seconds else None
