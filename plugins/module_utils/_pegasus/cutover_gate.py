# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What must be true before a fence is set; everything that is not, at once. None of it can be accepted away."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import switch
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_copy import metas_of, of_another
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.cutover_view import Clusters, TableView
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.duplication_past import FAIL_SKIP
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_KEY, MASTER_CLUSTER

_SHOWN = 5


def gate(clusters: Clusters, table: TableView, max_lag: int, with_proxies: bool) -> t.List[Finding]:
    """Every blocker of one table."""
    if table.app is None or table.config is None:
        return [
            _blocker(
                "table",
                "missing",
                table.name,
                {},
                "The source has no table of this name: correct tables, or meta_servers.",
            )
        ]
    found = list(_source(clusters, table))
    found += _lag(clusters, table, max_lag)
    found += _target(clusters, table)
    if with_proxies:
        found += _proxies(clusters, table)
    return found


def require(findings: t.Sequence[Finding]) -> None:
    """MigrationError ``pegasus.cutover_blocked`` if there is any; its message names all of them and their tables."""
    if not findings:
        return
    subjects: t.Dict[t.Tuple[str, str], t.List[str]] = {}
    for one in findings:
        subjects.setdefault((one.id, one.remedy), []).append(one.subject)
    shown = " ".join(f"{name} ({', '.join(of)}): {remedy}" for (name, remedy), of in subjects.items())
    count = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}"
    raise MigrationError(
        "pegasus.cutover_blocked",
        f"Not ready for the cutover, so nothing was fenced ({count}): {shown} Findings of the cutover cannot be "
        "accepted.",
        details={"findings": [one.as_result() for one in findings]},
    )


def _source(clusters: Clusters, table: TableView) -> t.Iterator[Finding]:
    app, config = table.app, table.config
    if app is None or config is None:
        return
    if not app.available:
        yield _blocker("table", "not_available", table.name, {"status": app.status}, "Wait until it is AVAILABLE.")
    if table.deny is not None:
        yield _blocker(
            "table",
            "deny_set",
            table.name,
            {DENY_KEY: table.deny},
            "It denies requests already, and this migration did not set it. Find out who did, and delete the env.",
        )
    if app.atomic_idempotent:
        yield _blocker(
            "table",
            "atomic_idempotent",
            table.name,
            {},
            "Its fence could not be proved without writing to it. Switch atomic_idempotent off for the migration.",
        )
    if app.bulk_loading:
        yield _blocker(
            "table",
            "bulk_loading",
            table.name,
            {},
            "A bulk load is running, and what it loads is not shipped: no proof of the drain would hold. Wait until it "
            "is over, and load the same into the target; or cancel it.",
        )
    master = app.envs.get(MASTER_CLUSTER)
    if master and master != clusters.remote:
        yield _blocker(
            "table",
            "is_follower",
            table.name,
            {MASTER_CLUSTER: master},
            f"It is the copy of a table on {master}, whose writes are not shipped on to the target. Move that one; or, "
            "if its duplication is over, delete the duplication.* envs.",
        )
    headless = config.without_primary
    if headless:
        yield _blocker(
            "partition", "no_primary", table.name, {"partitions": list(headless)}, "Wait until every one has a primary."
        )
    if table.duplication is None:
        yield _blocker(
            "duplication",
            "missing",
            table.name,
            {"remote": clusters.remote, "found": [one.remote for one in table.duplications]},
            f"Run the migrate phase first: there is no duplication to {clusters.remote}.",
        )
        return
    if len(table.duplications) > 1:
        yield _blocker(
            "duplication",
            "several",
            table.name,
            {"remotes": [one.remote for one in table.duplications]},
            "Remove the duplications to other clusters, or cut over when they have ended.",
        )
    if table.duplication.status != "DS_LOG":
        yield _blocker(
            "duplication",
            "not_in_log",
            table.name,
            {"status": table.duplication.status},
            "Wait for DS_LOG (the checkpoint is still being copied), or resume it if it is paused.",
        )
    if table.duplication.fail_mode != "FAIL_SLOW":
        yield _blocker(
            "duplication",
            "fail_mode",
            table.name,
            {"fail_mode": table.duplication.fail_mode},
            "Another mode than FAIL_SLOW loses mutations. If it was ever FAIL_SKIP, start the migration anew.",
        )
    elif table.skipped:
        yield _blocker(
            "duplication",
            "fail_mode",
            table.name,
            {"fail_mode": table.duplication.fail_mode, "was": FAIL_SKIP},
            "By the journal it was in FAIL_SKIP, and what was skipped then never comes to the target: roll back, and "
            "start the migration anew.",
        )


def _lag(clusters: Clusters, table: TableView, max_lag: int) -> t.Iterator[Finding]:
    if table.duplication is None:
        return
    if table.lag_unknown:
        worst = [f"{table.name}/{index}: {why}" for index, why in sorted(table.lag_unknown.items())]
        yield _blocker(
            "lag",
            "unknown",
            table.name,
            {"partitions": len(worst), "worst": worst[:_SHOWN]},
            "Progress that is not known does not pass. Make sure every replica server is up and reachable.",
        )
    if table.lag_repeated:
        yield _blocker(
            "lag",
            "repeated",
            table.name,
            {"partitions": len(table.lag_repeated), "worst": sorted(table.lag_repeated)[:_SHOWN]},
            "The primaries tell the same progress again and again although more is written, so it says nothing. Find "
            "out what answers for them (a proxy, a cache), or restart these replica servers.",
        )
    highest = max((sum(sample.values()) for sample in table.lag), default=0)
    resting = clusters.profile.resting_not_confirmed * (table.config.partition_count if table.config else 0)
    if highest > max_lag + resting:
        yield _blocker(
            "lag",
            "too_large",
            table.name,
            {"not_shipped": highest, "max_lag": max_lag},
            "Wait until the duplication has caught up, or raise max_lag (the forecast counts the lag in).",
        )


def _target(clusters: Clusters, table: TableView) -> t.Iterator[Finding]:
    app, config = table.target_app, table.target_config
    where = f"{table.target_name} on {clusters.target.cluster_name}"
    if app is None or config is None:
        yield _blocker("target", "missing", where, {}, "The duplication has not made the table there (yet).")
        return
    if not app.available:
        yield _blocker("target", "not_available", where, {"status": app.status}, "Wait until it is AVAILABLE.")
    strange = of_another(clusters, table, app)
    if strange:
        yield _blocker(
            "target",
            "not_our_copy",
            where,
            {**strange, "source": clusters.source.cluster_name, "source_metas": sorted(metas_of(clusters))},
            "By its envs another duplication has made this table, and nothing says that it holds what the source has. "
            "Correct remote_tables and the clusters. If it is another's copy, start the migration anew with a free "
            "name; if that other duplication is over and this one surely fills the table, delete the duplication.* "
            "envs on the target.",
        )
    if table.config is not None and config.partition_count != table.config.partition_count:
        yield _blocker(
            "target",
            "partition_count",
            where,
            {"source": table.config.partition_count, "target": config.partition_count},
            "This is not the table that the duplication made. Start the migration anew.",
        )
    if app.envs.get(DENY_KEY):
        yield _blocker(
            "target",
            "deny_set",
            where,
            {DENY_KEY: app.envs[DENY_KEY]},
            "Clients could not write there; delete it.",
        )
    # A primary takes no writes with fewer members than mutation_2pc_min_replica_count, which is 2.
    least = min(2, app.max_replica_count)
    weak = config.unhealthy(least)
    if weak:
        yield _blocker(
            "target",
            "not_writable",
            where,
            {"partitions": list(weak[:_SHOWN]), "count": len(weak), "members_needed": least},
            "Wait until its partitions have a primary and enough secondaries.",
        )


def _proxies(clusters: Clusters, table: TableView) -> t.Iterator[Finding]:
    subject = table.switch.path if table.switch is not None else table.name
    if table.side == switch.MISSING:
        yield _blocker(
            "znode",
            "missing",
            subject,
            {},
            "MetaProxies do not know this table. Correct zookeeper_root, or set switch=hand_over.",
        )
    elif table.side == switch.OTHER:
        yield _blocker(
            "znode",
            "points_elsewhere",
            subject,
            {"data": switch.text(table.switch.before) if table.switch else ""},
            "It points at neither cluster. Correct zookeeper_root or the clusters.",
        )
    elif table.side == switch.TARGET:
        yield _blocker(
            "znode",
            "points_at_target",
            subject,
            {"data": switch.text(table.switch.before) if table.switch else ""},
            "The clients are on the target already, and this migration did not send them there. Find out who did.",
        )
    if table.znode_writable is False:
        yield _blocker(
            "znode",
            "read_only",
            subject,
            {},
            "Its access control list does not let this host write it. Let everybody write it for the migration (setAcl "
            "with world:anyone:cdrwa), or set switch=hand_over.",
        )
    if table.target_name != table.name:
        yield _blocker(
            "table",
            "renamed",
            table.name,
            {"target_name": table.target_name},
            "MetaProxy asks the target for the same name. Set switch=hand_over and give clients the new name.",
        )
    if table.proxies is not None and not table.proxies.all_say(switch.SOURCE):
        yield _blocker(
            "metaproxy",
            "not_on_source",
            table.name,
            {"proxies": table.proxies.not_saying(switch.SOURCE)},
            "Each must answer with the source now, or its answer later proves nothing. Correct metaproxies, or restart "
            "the ones named.",
        )


def _blocker(area: str, trap: str, subject: str, evidence: t.Mapping[str, t.Any], remedy: str) -> Finding:
    return Finding(f"pegasus.{area}.{trap}", "blocker", subject, dict(evidence), remedy)
