# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What came of a task file of the operator that was run at the edge of a phase."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError

PASSED, VETOED, FAILED = "passed", "vetoed", "failed"


@dataclasses.dataclass(frozen=True)
class HookOutcome:
    """``edge`` and ``file`` say which hook; ``veto`` is its reason against going on, ``error`` how it failed."""

    edge: str
    file: str
    veto: str = ""
    error: str = ""

    @property
    def status(self) -> str:
        """passed, vetoed or failed. A hook that failed has not agreed, whatever it said before."""
        if self.error:
            return FAILED
        return VETOED if self.veto else PASSED

    def as_result(self) -> t.Dict[str, t.Any]:
        """The data of a journal's ``hook`` entry."""
        return {"edge": self.edge, "file": self.file, "status": self.status, "reason": self.error or self.veto}

    def require_passed(self) -> None:
        """MigrationError ``hook.vetoed`` or ``hook.failed`` unless the hook agreed."""
        if self.status == PASSED:
            return
        said = "failed, which counts as a veto" if self.error else "said no"
        raise MigrationError(
            f"hook.{self.status}",
            f"The hook {self.edge} ({self.file}) {said}: {self.error or self.veto}",
            details={"edge": self.edge, "file": self.file},
        )
