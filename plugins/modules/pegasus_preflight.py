#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_preflight
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Find everything that speaks against moving Pegasus tables to another cluster
description:
  - Looks at both clusters, their replica servers, the tables, and if given ZooKeeper and the MetaProxies, and reports
    all findings at once, each with what was seen and what to do about it. Changes nothing.
  - A finding is a blocker, a warning or an info. While a blocker is open the module fails, unless it is accepted by its
    id in O(accept), with a reason and an expiry.
  - What could not be looked at counts as a finding of its own (ids that end in C(unknown)), because unknown is not
    good. Where it matters to the data it is a blocker; accept it after you have looked yourself.
  - "To find out whether the clusters know each other, it asks each meta server to add a duplication of a table that
    does not exist, under a random name that no tool lets anybody give to a table. The server refuses in every case and
    changes nothing, but the reason of its refusal tells what it knows. Four such requests are sent in all, whatever the
    number of tables; they appear in the log of the meta servers. There is no other way to see these settings."
  - Each cluster is asked a fixed number of questions, and each replica server too; every table adds about five.
    Eight tables are looked at at once, and a server is asked about four at once. A replica server or MetaProxy that
    does not answer again and again is not asked about the other tables, and counts as silent for them too.
  - Servers of 2.6 count atomic writes since their start. Where they have counted any of a table, they are asked again
    after 10 seconds, and only numbers that have grown meanwhile count as atomic writes in use.
notes:
  - "Ids about the pair of clusters, blockers unless said otherwise: C(pegasus.cluster.same) (both options lead to one
    cluster; nothing else is reported then), C(pegasus.cluster.same_name), C(pegasus.cluster.name_unknown),
    C(pegasus.cluster.other_name) (duplication knows the cluster by another name), C(pegasus.cluster.ids_missing)
    (C([duplication-group]); on the target, this crashes the source), C(pegasus.cluster.address_missing)
    (C([pegasus.clusters]) of the source), C(pegasus.cluster.duplication_disabled), C(pegasus.cluster.ids_unknown),
    C(pegasus.cluster.host_names) (names instead of IP addresses with a target before 2.6);
    C(pegasus.cluster.names_must_resolve), a warning; C(pegasus.cluster.no_way_back) (the target lacks the source's
    addresses, so a way back is not prepared) and C(pegasus.cluster.not_visible_from_here), infos."
  - "Ids about versions: C(pegasus.version.older_target) and C(pegasus.version.mixed), warnings;
    C(pegasus.version.pair), an info."
  - "Ids about meta and replica servers: C(pegasus.meta.level_too_low) (below C(steady)), a blocker;
    C(pegasus.meta.lively), C(pegasus.meta.single_address), C(pegasus.meta.strange_address) and
    C(pegasus.node.dead), warnings."
  - "Ids about settings and disks: C(pegasus.config.write_size_smaller_on_target), a blocker;
    C(pegasus.config.write_size_unknown), a warning (2.4 does not tell it); C(pegasus.config.sync_interval), an info, or
    a warning above 30 s; C(pegasus.config.send_rate_unlimited) (copying may be felt by the source's clients) and
    C(pegasus.config.copy_rate_unknown) (servers do not tell their rates), infos;
    C(pegasus.disk.short), a blocker when the target cannot hold the tables, a warning when less
    than a fifth would be left; C(pegasus.disk.unknown), a warning."
  - "Ids about a table, blockers: C(pegasus.table.unknown), C(pegasus.table.not_available),
    C(pegasus.table.no_primary), C(pegasus.table.single_copy), C(pegasus.table.health_unknown),
    C(pegasus.table.splitting), C(pegasus.table.split_unknown), C(pegasus.table.bulk_loading),
    C(pegasus.table.bulk_load_unknown), C(pegasus.table.data_version), C(pegasus.table.data_version_unknown),
    C(pegasus.table.is_follower), C(pegasus.table.requests_denied), C(pegasus.table.atomic_writes),
    C(pegasus.table.rename_unsupported), C(pegasus.table.replica_count_unsupported). Warnings:
    C(pegasus.table.decrees_unknown) (before 2.6; see C(pegasus.bug.empty_replica_checkpoint)),
    C(pegasus.table.copies_missing), C(pegasus.table.leftover_envs), C(pegasus.table.throttled),
    C(pegasus.table.atomic_writes_unknown), C(pegasus.table.atomic_writes_earlier) (2.6 counts them since the start of a
    server; the numbers are not 0, but did not grow while they were watched). An info:
    C(pegasus.table.atomic_writes_not_seen)."
  - "Ids about duplications that exist: C(pegasus.duplication.to_other_cluster),
    C(pegasus.duplication.to_other_table), C(pegasus.duplication.fail_mode), C(pegasus.duplication.unknown),
    C(pegasus.duplication.not_ours) (only with O(journal), which does not know it), blockers;
    C(pegasus.duplication.paused), a warning; C(pegasus.duplication.exists), an info when O(journal) knows it as ours,
    else a warning."
  - "Ids about the target's side of a table, blockers: C(pegasus.target.name_taken), C(pegasus.target.name_changing),
    C(pegasus.target.copy_left_over), C(pegasus.target.requests_denied) (the copy that is duplicated to has a deny env),
    C(pegasus.target.partition_count), C(pegasus.target.too_few_servers). Warnings: C(pegasus.target.app_id_taken)
    (another table of the target has the app id that the table has on the source, so that a repeated write of a Java
    client can land in it) and C(pegasus.target.app_ids_meet) (the copy of another table may get that id)."
  - "Ids about the clients' way, blockers: C(pegasus.zookeeper.unreachable), C(pegasus.zookeeper.root_missing),
    C(pegasus.znode.missing), C(pegasus.znode.malformed), C(pegasus.znode.few_addresses), C(pegasus.znode.unknown),
    C(pegasus.znode.points_elsewhere), C(pegasus.znode.points_at_target), C(pegasus.znode.read_only),
    C(pegasus.metaproxy.no_answer), C(pegasus.metaproxy.other_answer), C(pegasus.metaproxy.renamed_table),
    C(pegasus.metaproxy.too_few_addresses) (fewer than two of the target). Warnings: C(pegasus.znode.other_addresses),
    C(pegasus.znode.acl_unknown), C(pegasus.metaproxy.not_listed),
    C(pegasus.metaproxy.cannot_read_target) (the MetaProxy of 2021 cannot read meta servers of 2.6; not told when the
    source is of 2.6 and all MetaProxies read it), C(pegasus.clients.cannot_read_target) (nor can Go clients of 2022 and
    before; told when they are not behind MetaProxy and the source is older). Infos: C(pegasus.metaproxy.none),
    C(pegasus.metaproxy.clients_that_cannot_follow)."
  - "Ids of known bugs of the server, by version: C(pegasus.bug.last_mutation_held_back),
    C(pegasus.bug.prepare_for_ever), C(pegasus.bug.restart_while_preparing), C(pegasus.bug.batch_too_large),
    C(pegasus.bug.log_removed_while_read), C(pegasus.bug.start_lost_on_exit), C(pegasus.bug.bulk_load_crash),
    C(pegasus.bug.log_reopened_after_removal), C(pegasus.bug.empty_replica_checkpoint) (a partition with no more than
    one write), C(pegasus.bug.nfs_rate_per_disk), C(pegasus.bug.core_on_remove),
    C(pegasus.bug.renamed_stuck) (a table with another name on the target, builds of 2.6 from before its fix), warnings;
    C(pegasus.bug.single_replica_stuck) (a table with one copy, before 2.6), a blocker; C(pegasus.bug.silent_re_add),
    C(pegasus.bug.core_after_days), infos."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._pegasus
  - dbops.migration._pegasus.target
  - dbops.migration._journal
  - dbops.migration._accept
  - dbops.migration._pegasus.remote
attributes:
  check_mode:
    support: full
    details:
      - Does the same, but does not write the findings into the journal.
  diff_mode:
    support: N/A
    details:
      - Changes nothing in the clusters.
  idempotent:
    support: full
    details:
      - Changes nothing in the clusters. A run that finds something new adds its findings to O(journal), if that is
        given.
requirements:
  - kazoo, on the host where the module runs, if O(zookeeper_hosts) is given
options:
  tables:
    description:
      - The tables to be moved. A list, JSON text of one, or comma-separated text.
    type: raw
    required: true
  cluster_name:
    description:
      - The source, by the name that duplication knows it by. Only needed where C(dup_cluster_name) of its configuration
        (2.6) says another one than the cluster tells.
    type: str
  remote_tables:
    description:
      - Other names on the target, a mapping of a table's name to its name there, or JSON text of one. Needs 2.6.
    type: raw
  remote_replica_count:
    description:
      - How many replicas each partition gets on the target. By default as many as on the source. Needs 2.6.
    type: int
  zookeeper_hosts:
    description:
      - The ZooKeeper in which MetaProxy looks, as C(host:port,host:port), with C(/chroot) at its end if there is one. A
        list is accepted too. Without it, the clients are taken to be switched in another way.
      - If not given, the environment variable E(PEGASUS_ZOOKEEPER_HOSTS) is used.
    type: raw
  zookeeper_root:
    description:
      - The znode below which MetaProxy has one znode for each table, as C(zookeeper.root) of its configuration. Needed
        with O(zookeeper_hosts).
      - If not given, the environment variable E(PEGASUS_ZOOKEEPER_ROOT) is used.
    type: str
  zookeeper_timeout:
    description:
      - How long to wait for ZooKeeper, in seconds or with a unit.
    type: str
    default: 10s
  metaproxies:
    description:
      - Every instance of MetaProxy, as C(host:port). Each is asked for every table. A list, JSON text of one, or
        comma-separated text.
    type: raw
  target_meta_addrs:
    description:
      - The addresses of the target that MetaProxies are to use, at least two. The default is O(target_meta_servers).
    type: raw
  fail_on_blocker:
    description:
      - Whether to fail (with the code C(preflight.blocked)) while a blocker is open. With V(false) look at RV(passed).
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Check two tables whose clients come through MetaProxy
  dbops.migration.pegasus_preflight:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: [temp, stat]
    zookeeper_hosts: zk-0.example.com:2181,zk-1.example.com:2181
    zookeeper_root: /pegasus-metaproxy
    metaproxies: [proxy-0.example.com:34601, proxy-1.example.com:34601]

- name: Check a table that gets another name, knowing that nobody needs its counters meanwhile
  dbops.migration.pegasus_preflight:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: temp
    remote_tables:
      temp: temp_v2
    accept:
      - id: pegasus.table.atomic_writes
        subject: table temp
        reason: The nightly job that uses incr is off until the migration is over.
        expires: 2026-12-01

- name: Go on only if nothing is in the way now
  dbops.migration.pegasus_preflight:
    meta_servers: meta-0.example.com:34601,meta-1.example.com:34601
    target_meta_servers: new-meta-0.example.com:34601,new-meta-1.example.com:34601
    tables: temp
    fail_on_blocker: false
  register: preflight
"""

RETURN = r"""
passed:
  description: Whether no blocker is open.
  returned: when the clusters could be looked at
  type: bool
findings:
  description: All findings, blockers first.
  returned: when the clusters could be looked at
  type: list
  elements: dict
  contains:
    id:
      description: Stable id.
      type: str
      sample: pegasus.table.splitting
    severity:
      description: C(blocker), C(warning) or C(info).
      type: str
    subject:
      description: What it is about, such as C(table temp), C(target cluster west) or C(znode /pegasus-metaproxy/temp).
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
  returned: when the clusters could be looked at
  type: int
warning_count:
  description: How many warnings there are.
  returned: when the clusters could be looked at
  type: int
info_count:
  description: How many infos there are.
  returned: when the clusters could be looked at
  type: int
expired_acceptances:
  description: Acceptances that have expired.
  returned: when the clusters could be looked at
  type: list
  elements: dict
unused_acceptances:
  description: Acceptances that met no finding.
  returned: when the clusters could be looked at
  type: list
  elements: dict
clusters:
  description: The two clusters, under C(source) and C(target).
  returned: when the clusters could be looked at
  type: dict
  contains:
    source:
      description: The cluster that the tables are on; C(target), the one that they move to, has the same keys.
      type: dict
      contains:
        name:
          description: The name by which duplication knows it.
          type: str
        version:
          description: The version of its primary meta server.
          type: str
        primary_meta:
          description: The address of its primary meta server.
          type: str
        meta_servers:
          description: The addresses of its meta servers, by its own account.
          type: list
          elements: str
        meta_level:
          description: Its meta level, such as C(steady) or C(lively).
          type: str
        replica_servers:
          description: Number of replica servers.
          type: int
        alive:
          description: Number of those that are alive.
          type: int
looked_at:
  description: How much was looked at.
  returned: when the clusters could be looked at
  type: dict
  contains:
    tables:
      description: Number of tables.
      type: int
    partitions:
      description: Number of their partitions.
      type: int
    metaproxies:
      description: Number of MetaProxies asked.
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

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import accept_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_request import preflight_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_task import PreflightTask


def main() -> None:
    spec = preflight_argument_spec().merge(accept_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = PreflightTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
