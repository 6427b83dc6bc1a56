#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: greptimedb_preflight
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Find everything that speaks against moving GreptimeDB regions
description:
  - Looks at the cluster, and at the moves of a plan if one is given, and reports all findings at once, each with what
    was seen and what to do about it. Changes nothing.
  - A finding is a blocker, a warning or an info. While a blocker is open the module fails, unless it is accepted by its
    id in O(accept), with a reason and an expiry.
  - What could not be looked at counts as a blocker of its own (ids that end in C(unknown)), because unknown is not
    good. Accept it after you have looked yourself.
  - To see whether the user may run C(ADMIN) statements, it asks for the state of a procedure that cannot exist.
  - Before 0.9.4 the server does not tell which migrations run. Before 0.9.0 it would not notice a second migration of a
    region either, so there C(greptimedb.procedures.unknown) is a blocker, which has to be accepted. Before 0.7.0
    datanodes do not tell their configuration, so C(greptimedb.config.unknown) has to be accepted too.
notes:
  - "Ids about datanodes: C(greptimedb.datanode.unknown) (no such id), C(greptimedb.datanode.dead) (a blocker when it is
    source or target of a move, else a warning), C(greptimedb.datanode.suspect) (no heartbeat for 5 s; a warning),
    C(greptimedb.datanode.liveness_unknown), C(greptimedb.datanode.too_few) (fewer than two alive; only without moves)."
  - "Ids about moves and regions: C(greptimedb.move.same_datanode), C(greptimedb.region.unknown),
    C(greptimedb.region.logical) (names the physical region to move instead), C(greptimedb.region.leader_elsewhere),
    C(greptimedb.region.no_leader), C(greptimedb.region.follower_on_target),
    C(greptimedb.region.migration_running) (not one that O(journal) knows as ours), all blockers;
    C(greptimedb.region.degraded) (writes are refused and nobody is migrating it), C(greptimedb.region.staging) and
    C(greptimedb.region.large_memtable) (256 MiB and more; an info from 0.15 on), warnings;
    C(greptimedb.region.already_there), an info."
  - "Ids about tables: C(greptimedb.table.unknown), a blocker, and C(greptimedb.table.logical), an info."
  - "Ids about the WAL: C(greptimedb.wal.local) and C(greptimedb.wal.noop) (blockers before 0.9.4, where rows that are
    not flushed get lost; else warnings), C(greptimedb.wal.mixed), C(greptimedb.wal.unknown), blockers, and
    C(greptimedb.wal.brokers_differ) (a warning if they have a broker in common, else a blocker)."
  - "Ids about storage and configuration, all blockers: C(greptimedb.storage.local), C(greptimedb.storage.differs),
    C(greptimedb.storage.unknown), C(greptimedb.config.unknown), C(greptimedb.config.wrong_datanode)."
  - "Ids about the cluster: C(greptimedb.versions.mixed), a warning; C(greptimedb.versions.metasrv_unknown),
    C(greptimedb.admin.not_permitted), C(greptimedb.admin.unknown), C(greptimedb.metasrv.leader_unknown) and
    C(greptimedb.metasrv.leader_unreachable) (where regions are moved over HTTP; a warning if O(metasrv_addrs) does not
    have the name of the leader, because a port forward may lead to it), C(greptimedb.manager.paused),
    C(greptimedb.manager.unknown), blockers; C(greptimedb.maintenance.enabled), an info;
    C(greptimedb.maintenance.unknown), a warning; C(greptimedb.procedures.unknown) (a blocker before 0.9.0, a warning
    from then on, and a blocker when it could have been read); C(greptimedb.procedures.near_limit) (a warning from half
    of the server's limit of 128 on, a blocker when fewer than 8 are left)."
  - "Ids of known bugs of the server, warnings or infos, by version: C(greptimedb.bug.discontinuous_log) (0.9.4 and
    0.9.5 with local WAL), C(greptimedb.bug.metric_stale_manifest), C(greptimedb.bug.duplicate_rows) (0.7, 0.8),
    C(greptimedb.bug.duplicate_guard) (before 0.9.0), C(greptimedb.bug.predicate_loses_rows) (0.7 to 1.0.0-rc),
    C(greptimedb.bug.route_race) and C(greptimedb.bug.no_rollback) (before 0.11.1),
    C(greptimedb.bug.id_without_procedure), C(greptimedb.bug.leader_state) (before 1.0.0),
    C(greptimedb.bug.routes_to_removed_node)."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_greptimedb
  - dbops.migration._greptimedb
  - dbops.migration._journal
  - dbops.migration._accept
attributes:
  check_mode:
    support: full
    details:
      - Does the same, but does not write the findings into the journal.
  diff_mode:
    support: N/A
    details:
      - Changes nothing in the cluster.
  idempotent:
    support: full
    details:
      - Changes nothing in the cluster. Each run adds its findings to O(journal), if that is given.
options:
  plan:
    description:
      - The plan whose moves are checked, as RV(dbops.migration.greptimedb_region_plan#module:plan) returns it. A JSON
        text is accepted too.
      - At most one of O(plan), O(plan_file) and O(moves) may be given. Without any, the whole cluster is checked.
    type: raw
  plan_file:
    description:
      - A file with the plan, as YAML or JSON, on the host where the module runs.
    type: path
  moves:
    description:
      - Moves without a plan, each with C(region_id), C(from_peer) and C(to_peer). A JSON text is accepted too.
    type: raw
  tables:
    description:
      - Look at the regions of these tables only, as C(table) (in O(database)) or C(schema.table). A list, JSON text of
        one, or comma-separated text. Not together with moves.
    type: raw
  fail_on_blocker:
    description:
      - Whether to fail (with the code C(preflight.blocked)) while a blocker is open. With V(false) look at RV(passed).
    type: bool
    default: true
seealso:
  - module: dbops.migration.greptimedb_info
  - module: dbops.migration.greptimedb_region_plan
  - module: dbops.migration.greptimedb_region_migration
"""

EXAMPLES = r"""
- name: Check the whole cluster
  dbops.migration.greptimedb_preflight:
    frontend_host: greptimedb-frontend.example.com

- name: Check a plan, knowing that the WAL is local
  dbops.migration.greptimedb_preflight:
    frontend_host: greptimedb-frontend.example.com
    plan_file: /var/lib/migration/plan.yml
    accept:
      - id: greptimedb.config.unknown
        reason: The datanodes' HTTP ports are closed by policy; bucket and WAL compared by hand.
        expires: 2026-12-01

- name: Go on only if a move is possible now
  dbops.migration.greptimedb_preflight:
    frontend_host: greptimedb-frontend.example.com
    moves:
      - {region_id: 4398046511104, from_peer: 1, to_peer: 2}
    fail_on_blocker: false
  register: preflight
"""

RETURN = r"""
passed:
  description: Whether no blocker is open.
  returned: when the cluster could be looked at
  type: bool
findings:
  description: All findings, blockers first.
  returned: when the cluster could be looked at
  type: list
  elements: dict
  contains:
    id:
      description: Stable id.
      type: str
      sample: greptimedb.region.leader_elsewhere
    severity:
      description: C(blocker), C(warning) or C(info).
      type: str
    subject:
      description: What it is about, such as C(region 4398046511104), C(datanode 3), C(table public.cpu) or C(cluster).
      type: str
    evidence:
      description: What was seen.
      type: raw
    remedy:
      description: What to do about it.
      type: str
    reference:
      description: Where more is written about it; may be empty.
      type: str
    accepted:
      description: Whether it is accepted by O(accept).
      type: bool
    accepted_reason:
      description: The reason given, else null.
      type: str
    accepted_until:
      description: The expiry, else null.
      type: str
    accepted_by:
      description: Who answers for that, as the acceptance says; null when it does not.
      type: str
blocker_count:
  description: How many blockers are open.
  returned: when the cluster could be looked at
  type: int
warning_count:
  description: How many warnings there are.
  returned: when the cluster could be looked at
  type: int
info_count:
  description: How many infos there are.
  returned: when the cluster could be looked at
  type: int
expired_acceptances:
  description: Acceptances that have expired.
  returned: when the cluster could be looked at
  type: list
  elements: dict
unused_acceptances:
  description: Acceptances that met no finding.
  returned: when the cluster could be looked at
  type: list
  elements: dict
versions:
  description: The versions found, as RV(dbops.migration.greptimedb_info#module:versions).
  returned: when the cluster could be looked at
  type: dict
looked_at:
  description: How much was looked at.
  returned: when the cluster could be looked at
  type: dict
  contains:
    datanodes:
      description: Number of datanodes.
      type: int
    regions:
      description: Number of regions.
      type: int
    moves:
      description: Number of moves.
      type: int
    requests:
      description: Number of requests sent.
      type: int
    at:
      description: When.
      type: str
code:
  description: C(preflight.blocked), or the code of the error that kept it from looking.
  returned: failure
  type: str
server_text:
  description: What the server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.preflight_task import PreflightTask


def main() -> None:
    spec = ArgumentSpec(
        {
            "plan": {"type": "raw"},
            "plan_file": {"type": "path"},
            "moves": {"type": "raw"},
            "tables": {"type": "raw"},
            "accept": {"type": "raw"},
            "fail_on_blocker": {"type": "bool", "default": True},
        }
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = PreflightTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
