# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the switches of any journal were legal: finds the rules of its engine. Only what is asked for is loaded."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.legality import (
    UNKNOWN,
    CutoverJudgement,
    SwitchJudgement,
    judged,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.legality_trail import EntryLike

_CUT = frozenset(("journal.head_missing", "journal.acknowledged_entry_torn"))
"""Problems that let a run go on, and with which entries may be missing at the end of the journal."""

Rules = t.Callable[[t.Iterable[EntryLike]], t.List[CutoverJudgement]]


def rules_of(engine: str) -> t.Optional[Rules]:
    """What judges the switches of an engine; None for one that is not known here."""
    if engine == "greptimedb":
        from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.legality import judge as greptimedb

        return greptimedb
    if engine == "pegasus":
        from ansible_collections.dbops.migration.plugins.module_utils._pegasus.legality import judge as pegasus

        return pegasus
    if engine == "starrocks":
        from ansible_collections.dbops.migration.plugins.module_utils._starrocks.legality import judge as starrocks

        return starrocks
    return None


def judge_switches(view: JournalView) -> SwitchJudgement:
    """The judgement of a journal as it was found. Of a damaged one, nothing is more than unknown; of one that may have
    been cut off, that nothing was switched is not known."""
    rules = rules_of(view.engine)
    if rules is None:
        what = f"Nothing is known of the engine {view.engine!r}." if view.engine else "The journal holds no entry."
        return SwitchJudgement(UNKNOWN, (what,), ())
    damage = " ".join(problem.message for problem in view.problems if problem.fatal)
    cut = " ".join(problem.message for problem in view.problems if problem.code in _CUT)
    return judged(rules(view.entries), damage, cut)
