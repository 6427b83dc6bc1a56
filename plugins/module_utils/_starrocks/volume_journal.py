# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The journal of one call that touches storage volumes."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.call_journal import CallJournal
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor

ENGINE = "starrocks"


class VolumeJournal(CallJournal):
    """Read when it is made, so that a wrong journal is told of before any server is contacted."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock, *, restoring: str = "") -> None:
        """``restoring``: the option value that needs a journal, "" when none does.

        :raises MigrationError: ``journal.*``, or ``option.invalid`` when it is needed and not given
        """
        needed = f"{restoring} needs the journal that knows what is ours" if restoring else ""
        super().__init__(params, redactor, clock, engine=ENGINE, needed=needed)
