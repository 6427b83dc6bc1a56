# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All statements that a frontend of the lab understands, and all that can be selected from."""

from __future__ import annotations

import typing as t

from lab.starrocks.schema_grants import Grants
from lab.starrocks.schema_jobs import Jobs
from lab.starrocks.schema_nodes import NodeConfigs
from lab.starrocks.schema_partitions import Partitions
from lab.starrocks.schema_tables import Tables
from lab.starrocks.statements_accounts import AccountStatements
from lab.starrocks.statements_config import ConfigStatements
from lab.starrocks.statements_ddl import DdlStatements
from lab.starrocks.statements_jobs import JobStatements
from lab.starrocks.statements_lists import ListStatements
from lab.starrocks.statements_load import LoadStatements
from lab.starrocks.statements_nodes import NodeStatements
from lab.starrocks.statements_proc import ProcStatements
from lab.starrocks.statements_select import SelectStatements
from lab.starrocks.statements_session import SessionStatements
from lab.starrocks.statements_volumes import VolumeStatements

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front
    from lab.starrocks.statements import StatementSet
    from lab.starrocks.statements_select import Relations


def statement_groups(front: Front) -> list[StatementSet]:
    """The groups, each with what the cluster's version has."""
    node_configs, partitions = NodeConfigs(front), Partitions(front)
    volumes = VolumeStatements(front)
    relations: list[Relations] = [Grants(front), Jobs(front), node_configs, partitions]
    select = SelectStatements(front, relations)
    select.add(Tables(front, select.columns))
    return [
        AccountStatements(front),
        ConfigStatements(front),
        DdlStatements(front, front.engine),
        JobStatements(front),
        ListStatements(front),
        LoadStatements(front, front.engine),
        NodeStatements(front),
        ProcStatements(front),
        SessionStatements(front, volumes),
        volumes,
        node_configs,
        partitions,
        select,
    ]
