#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Look at a Pegasus cluster, its tables and their duplications
description:
  - Tells version, meta servers and meta level, replica servers and whether they are alive, tables with their app envs
    and unhealthy partitions, who serves each partition, duplications and how far each partition's is, and the interval
    at which the replica servers pull their settings.
  - The progress of a duplication is asked of the replica servers themselves. The meta server's own numbers are stale
    while nothing is written.
  - What cannot be read is V(null), and RV(problems) says why. It is never guessed, and never taken for zero.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._pegasus
options:
  tables:
    description:
      - Tell of these tables only. A list, JSON text of one, or comma-separated text.
      - By default all tables but the dropped ones are told of.
    type: raw
  gather:
    description:
      - Which parts to look at. V(nodes) (replica servers with their versions), V(tables), V(partitions) (who serves
        each one), V(duplications) (with progress), and V(settings) (config sync interval of each alive replica server).
      - What the cluster is, is always told.
    type: list
    elements: str
    choices: [nodes, tables, partitions, duplications, settings]
    default: [nodes, tables, duplications, settings]
seealso:
  - module: dbops.migration.pegasus_duplication
  - module: dbops.migration.pegasus_app_env
  - module: dbops.migration.pegasus_meta_level
"""

EXAMPLES = r"""
- name: Look at everything
  dbops.migration.pegasus_info:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
  register: cluster

- name: Show how far the duplications of one table are
  dbops.migration.pegasus_info:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    tables: [orders]
    gather: [duplications]
  register: orders

- name: Fail unless every partition of every table is healthy
  ansible.builtin.assert:
    that:
      - cluster.tables | map(attribute='unhealthy_partitions') | flatten | length == 0
"""

RETURN = r"""
cluster:
  description: What the cluster is.
  returned: success
  type: dict
  contains:
    cluster_name:
      description: The name by which it calls itself, and by which other clusters know it as a remote.
      type: str
      sample: onebox-a
    primary_meta:
      description: The meta server that leads.
      type: str
    meta_servers:
      description: All meta servers, by the cluster's own account.
      type: list
      elements: str
    zookeeper_hosts:
      description: The ZooKeeper of its meta servers.
      type: str
    zookeeper_root:
      description: Their node there.
      type: str
    meta_level:
      description: The meta level.
      type: str
version:
  description: The version of the primary meta server.
  returned: success
  type: str
  sample: 2.5.0
behaviour:
  description: >-
    How this version behaves in what matters to a migration, among others C(generation), C(remote_app_name),
    C(config_sync_interval_mutable) and C(holds_back_last_mutation).
  returned: success
  type: dict
meta_level:
  description: C(lively), C(steady), C(freezed), C(blind) or C(stopped).
  returned: success
  type: str
  sample: lively
nodes:
  description: The replica servers, also those that are not alive.
  returned: with V(nodes) in O(gather)
  type: list
  elements: dict
  contains:
    address:
      description: Its address.
      type: str
      sample: 10.0.0.5:34801
    host_port:
      description: Its name, in clusters that use names.
      type: str
    alive:
      description: Whether the meta server takes it for alive.
      type: bool
    version:
      description: Its version. Null when it is not alive or did not tell.
      type: str
tables:
  description: The tables, by name, or in the order of O(tables).
  returned: with V(tables), V(partitions) or V(duplications) in O(gather)
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    app_id:
      description: Its id.
      type: int
    status:
      description: C(AVAILABLE), C(CREATING), C(DROPPING) or C(RECALLING).
      type: str
    partition_count:
      description: How many partitions it has.
      type: int
    max_replica_count:
      description: How many replicas each partition should have.
      type: int
    envs:
      description: Its app envs.
      type: dict
    duplicating:
      description: Whether it has a duplication. Null where the server does not tell.
      type: bool
    bulk_loading:
      description: Whether a bulk load runs. Null where the server does not tell.
      type: bool
    atomic_idempotent:
      description: Whether its atomic writes are made idempotent. Null before 2.6.
      type: bool
    unhealthy_partitions:
      description: Partitions without a primary or with too few replicas. Null if it could not be read.
      type: list
      elements: int
    partitions_without_primary:
      description: Partitions that nobody serves. Null if it could not be read.
      type: list
      elements: int
    partitions:
      description: Every partition, with V(partitions) in O(gather).
      type: list
      elements: dict
      contains:
        index:
          description: Its index.
          type: int
        ballot:
          description: Grows with every change of its members.
          type: int
        primary:
          description: Address of its primary, empty if it has none.
          type: str
        secondaries:
          description: Addresses of its secondaries.
          type: list
          elements: str
        last_committed_decree:
          description: What the meta server last heard, which may be old.
          type: int
    duplications:
      description: Its duplications, with V(duplications) in O(gather). Null if they could not be read.
      type: list
      elements: dict
      contains:
        dupid:
          description: Its id.
          type: int
        status:
          description: C(DS_INIT), C(DS_PREPARE), C(DS_APP), C(DS_LOG) or C(DS_PAUSE).
          type: str
        remote:
          description: Name of the remote cluster.
          type: str
        remote_app_name:
          description: Name of the table there. Null before 2.6, where it is the same.
          type: str
        create_ts_ms:
          description: When it was added, milliseconds since 1970.
          type: int
        fail_mode:
          description: C(FAIL_SLOW), C(FAIL_SKIP) or C(FAIL_FAST).
          type: str
        confirmed_decrees:
          description: By partition, the decree that the meta server has on record as shipped. Empty before 2.6.
          type: dict
        progress:
          description: What the primaries say. Null if it could not be read.
          type: dict
          contains:
            partitions:
              description: How many there are.
              type: int
            running:
              description: In how many of them mutations are being shipped.
              type: int
            unknown:
              description: Partitions of which nobody tells, each with C(partition) and C(why).
              type: list
              elements: dict
            backlog:
              description: Mutations not shipped yet, in all partitions. Null unless known of every one.
              type: int
            largest_backlog:
              description: The largest backlog of one partition.
              type: int
            largest_backlog_partition:
              description: The partition that has it.
              type: int
settings:
  description: >-
    By address of each alive replica server, its C(config_sync_interval_ms) as text. Null before 2.5, where it cannot be
    asked for (30 s unless configured otherwise), or if it could not be read.
  returned: with V(settings) in O(gather)
  type: dict
problems:
  description: By the name of the part, why it could not be read.
  returned: success
  type: dict
code:
  description: >-
    Stable code of the error, such as C(pegasus.unreachable), C(pegasus.not_pegasus), C(pegasus.no_primary_meta),
    C(pegasus.version_too_old), C(pegasus.auth_unsupported) or C(pegasus.app_not_found).
  returned: failure
  type: str
server_text:
  description: What the server said, word for word.
  returned: when a server said something
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.info import PARTS, gather_info
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "tables": {"type": "raw"},
            "gather": {
                "type": "list",
                "elements": "str",
                "choices": list(PARTS),
                "default": [part for part in PARTS if part != "partitions"],
            },
        }
    )
    spec.merge(connection_argument_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    run(module, redactor_from(module.params), lambda: gather_info(module.params, SystemClock()))


if __name__ == "__main__":
    main()
