# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All statements that a frontend of the lab understands."""

from __future__ import annotations

import typing as t

from lab.starrocks.statements_config import ConfigStatements
from lab.starrocks.statements_nodes import NodeStatements
from lab.starrocks.statements_select import SelectStatements
from lab.starrocks.statements_session import SessionStatements

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements import StatementSet


def statement_groups(front: Front) -> list[StatementSet]:
    """The groups, each with what the cluster's version has."""
    return [
        ConfigStatements(front),
        NodeStatements(front),
        SelectStatements(front, []),
        SessionStatements(front),
    ]
