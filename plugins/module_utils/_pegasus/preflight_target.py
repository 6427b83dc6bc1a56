# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What speaks against a table's copy: duplications there are, the name and the room on the target. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import App, Duplication
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_servers import copies
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import ClusterView, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, MASTER_CLUSTER

DEFAULT_FAIL_MODE = "FAIL_SLOW"
_MASTER_APP = "duplication.master_app_name"
_COPY_MADE = ("DS_APP", "DS_LOG", "DS_PAUSE")
_FAIL_MODES = {
    "FAIL_SKIP": "With FAIL_SKIP, writes that cannot be shipped are left out without a word: the copy is not complete.",
    "FAIL_FAST": "With FAIL_FAST, a replica server that cannot ship a write ends itself.",
}


def target_findings(table: TableView, source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    """Duplications of the table, whether versions allow what is asked for, and the target's side."""
    if table.app is None or not table.app.available:
        return
    yield from _duplications(table, target)
    yield from _support(table, source, target)
    yield from _name(table, source, target)
    yield from _copies(table, target)


def _fits(table: TableView, duplication: Duplication) -> bool:
    """Whether it leads to the table that is asked for."""
    return duplication.remote_app_name in (None, "", table.request.remote_app_name)


def _facts(duplication: Duplication) -> dict[str, t.Any]:
    shown = duplication.as_result()
    del shown["partition_states"]
    return {key: value for key, value in shown.items() if value is not None}


def _duplications(table: TableView, target: ClusterView) -> t.Iterator[Finding]:
    if table.duplications is None:
        yield Finding(
            "pegasus.duplication.unknown",
            "blocker",
            table.subject,
            table.problems.get("duplications", "The meta server does not tell the duplications of the table."),
            "Run preflight again; if it stays so, ask by hand (query_dup), and accept this finding if there is none.",
        )
        return
    for one in table.duplications:
        if one.status == "DS_REMOVED":
            continue
        if one.remote != target.name:
            yield Finding(
                "pegasus.duplication.to_other_cluster",
                "blocker",
                table.subject,
                _facts(one),
                f"The table is duplicated to {one.remote} too. After the switch, writes go to the target and no longer "
                f"reach {one.remote}, and the cutover refuses a table with several duplications. Remove that one; if "
                f"{one.remote} is to get the writes later on, set up a duplication from the target after the cutover.",
            )
            continue
        if not _fits(table, one):
            yield Finding(
                "pegasus.duplication.to_other_table",
                "blocker",
                table.subject,
                _facts(one),
                f"A duplication to this cluster leads to the table {one.remote_app_name}. There can be only one to a "
                f"cluster: give that name in remote_tables, or remove the duplication first.",
            )
            continue
        yield _existing(table, one)
        if table.journaled and one.dupid not in table.own_dupids:
            yield Finding(
                "pegasus.duplication.not_ours",
                "blocker",
                table.subject,
                _facts(one),
                "The journal does not know this duplication, so somebody else made it, and nobody can tell whether it "
                "copied the existing data. Remove it and its copy on the target, and let the migrate phase make its "
                "own; or, if it was added with a checkpoint and for this migration, accept this finding: then the "
                "migrate phase takes it over, and restore and rollback remove it.",
            )
        if one.fail_mode != DEFAULT_FAIL_MODE:
            yield Finding(
                "pegasus.duplication.fail_mode",
                "blocker",
                table.subject,
                _facts(one),
                _FAIL_MODES.get(one.fail_mode, f"What {one.fail_mode} does is not known.")
                + " Find out who set it and why. A copy that was made with it must be made anew: remove the "
                "duplication, drop the table on the target, and begin again; if nothing was skipped, set the mode to "
                f"{DEFAULT_FAIL_MODE}.",
            )


def _existing(table: TableView, one: Duplication) -> Finding:
    if one.status == "DS_PAUSE":
        return Finding(
            "pegasus.duplication.paused",
            "warning",
            table.subject,
            _facts(one),
            "It is paused, and the log on the source's disks grows. Find out who paused it and why before the migrate "
            "phase starts it again.",
        )
    return Finding(
        "pegasus.duplication.exists",
        "info" if one.dupid in table.own_dupids else "warning",
        table.subject,
        _facts(one),
        "Nothing to do: it is ours, by the journal, and the migration goes on with it."
        if one.dupid in table.own_dupids
        else "A duplication to the target exists that the journal does not know. Ask who made it, and what for.",
    )


def _support(table: TableView, source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    versions = {"source": str(source.version), "target": str(target.version)}
    if table.request.renamed and not (source.profile.remote_app_name and target.profile.remote_app_name):
        yield Finding(
            "pegasus.table.rename_unsupported",
            "blocker",
            table.subject,
            {"remote_app_name": table.request.remote_app_name, **versions},
            "Another name on the target needs 2.6 on both sides. Leave remote_tables out"
            + (", and rename the table after the migration (rename_app)." if target.profile.has_rename_app else "."),
        )
    if table.request.remote_replica_count and not source.profile.remote_replica_count:
        yield Finding(
            "pegasus.table.replica_count_unsupported",
            "blocker",
            table.subject,
            {"remote_replica_count": table.request.remote_replica_count, **versions},
            "Another replica count on the target needs 2.6 on the source. Leave remote_replica_count out, and change "
            "it on the target after the migration (set_replica_count).",
        )


def _name(table: TableView, source: ClusterView, target: ClusterView) -> t.Iterator[Finding]:
    name = table.request.remote_app_name
    there = target.app(name)
    if there is None or there.status == "DROPPED":
        return
    subject = f"table {name} on the target"
    facts = {"app_id": there.app_id, "status": there.status, "partition_count": there.partition_count}
    ours = [one for one in table.to(target.name) if _fits(table, one) and one.status != "DS_REMOVED"]
    duplication = ours[0] if ours else None
    if not there.available and not (duplication and there.status == "CREATING"):
        yield Finding(
            "pegasus.target.name_changing",
            "blocker",
            subject,
            facts,
            "A table of this name is being created, dropped or recalled on the target. Wait until that is over, and "
            "run preflight again.",
        )
    elif _is_copy(table, there, source) or (duplication and _is_shipped_to(there, duplication)):
        yield from _copy(table, there, duplication, subject, facts)
    else:
        yield Finding(
            "pegasus.target.name_taken",
            "blocker",
            subject,
            facts,
            "The target has a table of this name, and the duplication would stay in DS_PREPARE for ever. Drop or "
            "rename it there if it is not needed"
            + (", or give it another name in remote_tables." if target.profile.remote_app_name else "."),
            "https://github.com/apache/incubator-pegasus/issues/2146",
        )


def _is_copy(table: TableView, there: App, source: ClusterView) -> bool:
    """Whether a duplication from this source and this table has made it."""
    master_app = there.envs.get(_MASTER_APP, table.request.name)
    return there.envs.get(MASTER_CLUSTER) == source.name and master_app == table.request.name


def _is_shipped_to(there: App, duplication: Duplication) -> bool:
    """Whether it is the copy although its envs do not say so, because they were deleted, as they may be from DS_LOG on.

    A duplication gets beyond DS_PREPARE only when its copy has been made.
    """
    return duplication.status in _COPY_MADE and MASTER_CLUSTER not in there.envs


def _copy(
    table: TableView, there: App, duplication: Duplication | None, subject: str, facts: dict[str, t.Any]
) -> t.Iterator[Finding]:
    if duplication is None:
        yield Finding(
            "pegasus.target.copy_left_over",
            "blocker",
            subject,
            {**facts, MASTER_CLUSTER: there.envs[MASTER_CLUSTER]},
            "It is the copy that a former duplication of this table has left, and no duplication is left on the "
            "source: what was written since is missing in it. Make sure that no client uses it, drop it on the target, "
            "and begin again. If the clients have been switched to it, the table has moved already.",
        )
        return
    if there.envs.get(DENY_KEY):
        denied = there.envs[DENY_KEY]
        yield Finding(
            "pegasus.target.requests_denied",
            "blocker",
            subject,
            {**facts, DENY_KEY: denied, "duplication": duplication.status},
            (
                "Clients could not read there after the switch. "
                if denied.endswith("*read")
                else "The copy refuses what is shipped to it, so the duplication never catches up, and clients could "
                "not write there after the switch. "
            )
            + "A deny env that was set on the source before the copy was made comes along; else find out who set it. "
            "Delete the env on the target.",
        )
    count = table.app.partition_count if table.app is not None else there.partition_count
    if there.partition_count != count:
        yield Finding(
            "pegasus.target.partition_count",
            "blocker",
            subject,
            {**facts, "source_partition_count": count},
            "The copy has another number of partitions than the table. Remove the duplication, drop the copy, and "
            "begin again.",
        )


def _copies(table: TableView, target: ClusterView) -> t.Iterator[Finding]:
    wanted = copies(table)
    if wanted > len(target.alive):
        yield Finding(
            "pegasus.target.too_few_servers",
            "blocker",
            table.subject,
            {
                "replica_count": wanted,
                "alive": list(target.alive),
                "dead": [node.address for node in target.nodes if not node.alive],
            },
            "The target has fewer live replica servers than copies are asked for, and refuses to create the table. "
            "Start or add replica servers"
            + (", or give a lower remote_replica_count." if target.profile.remote_replica_count else "."),
        )
