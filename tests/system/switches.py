# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a journal proves of its switches, for tests that have just made them against a lab."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._journals.switches import judge_switches


def legality(journal: str) -> tuple[str, list[str]]:
    """(``yes``, ``no``, ``unknown`` or ``none``, what stands against ``yes``) of the journal at this path."""
    found = judge_switches(Journal.read(journal))
    return found.legal, list(found.reasons)
