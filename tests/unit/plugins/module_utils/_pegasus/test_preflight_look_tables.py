# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which duplications preflight takes for those of this migration."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import INTENT, OUTCOME, Entry
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_look_tables import TableLook
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._pegasus import preflight_cases as cases

AT = "2026-11-21T03:14:00.000Z"
ADDED: t.Dict[str, t.Any] = {
    "id": "1",
    # By what the source calls itself, which pegasus_duplication asks it for.
    "resource": "pegasus:east/table/temp/duplication/west",
    "action": "add",
    "before": None,
    "after": {},
}


@pytest.mark.parametrize("name", ["east", "east-as-duplications-know-it"])
def test_our_own_is_known_whatever_name_duplications_know_the_source_by(name: str) -> None:
    entries = [
        Entry(0, AT, INTENT, ADDED, "", ""),
        Entry(1, AT, OUTCOME, {"id": "1", "status": "done", "evidence": {"dupid": 17}}, "", ""),
    ]
    mine, theirs = (model.Duplication(dupid, "DS_LOG", "west", 1) for dupid in (17, 18))
    meta: t.Any = types.SimpleNamespace(
        query_config=lambda _name: None,
        query_duplications=lambda _name: (mine, theirs),
        split_status=lambda _name: None,
        bulk_load_status=lambda _name: types.SimpleNamespace(running=False, status=""),
    )
    replicas: t.Any = types.SimpleNamespace(replica_infos=lambda _nodes: model.Answers({}))
    source = cases.cluster(v.SOURCE, name=name, info={"cluster_name": "east"})
    look = TableLook(source, replicas, model.Answers({}), entries, True)
    assert look.at(meta, v.TableRequest("temp", "temp")).own_dupids == {17}
