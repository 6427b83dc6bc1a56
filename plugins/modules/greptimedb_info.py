#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: greptimedb_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Look at a GreptimeDB cluster, its datanodes and its regions
description:
  - Tells versions, nodes and whether they are alive, regions with leader, followers, table and size, the WAL and object
    storage of every datanode, migrations that run, maintenance mode, and the state of the procedure manager.
  - Sends a fixed number of requests however many regions there are (one for each table before 0.7.0), and one for each
    datanode's configuration.
  - What cannot be read is V(null) or C(unknown), and RV(problems) says why. It is never guessed.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._attributes.actiongroup_greptimedb
  - dbops.migration._greptimedb
options:
  tables:
    description:
      - List the regions of these tables only, as C(table) (in O(database)) or C(schema.table). A list, JSON text of
        one, or comma-separated text. A logical table brings its physical table along, because its rows live there.
      - By default the regions of all tables are listed.
    type: raw
  logical_regions:
    description:
      - Whether to list the region ids of logical tables too. They cannot be migrated, and a metric cluster may have
        very many.
    type: bool
    default: false
  gather:
    description:
      - Which parts to look at. V(nodes), V(regions), V(configs) (WAL and storage of the datanodes), V(procedures), and
        V(metasrv) (maintenance mode and procedure manager). The versions are always found out.
      - Before 0.8.0, V(nodes) and V(configs) take up to 5 s, in which heartbeats are watched.
    type: list
    elements: str
    choices: [nodes, regions, configs, procedures, metasrv]
    default: [nodes, regions, configs, procedures, metasrv]
seealso:
  - module: dbops.migration.greptimedb_preflight
  - module: dbops.migration.greptimedb_region_plan
"""

EXAMPLES = r"""
- name: Look at everything
  dbops.migration.greptimedb_info:
    frontend_host: greptimedb-frontend.example.com
  register: cluster

- name: Show how many regions each datanode leads
  ansible.builtin.debug:
    var: cluster.load

- name: Look at two tables over HTTP, as a read-only user
  dbops.migration.greptimedb_info:
    frontend_host: greptimedb-frontend.example.com
    transport: http
    username: reader
    password: "{{ reader_password }}"
    tables: [public.cpu, public.memory]
    gather: [nodes, regions]
"""

RETURN = r"""
versions:
  description: The versions found.
  returned: success
  type: dict
  contains:
    frontend:
      description: Version of the frontend that was asked. Null when no frontend was given.
      type: str
      sample: 1.1.4
    metasrv:
      description: The oldest version of a metasrv. Null if it is not known.
      type: str
      sample: 1.1.4
    all:
      description: Every version seen, by kind of node.
      type: dict
dialect:
  description: >-
    How this cluster is spoken to and how it behaves, chosen from its versions: among others C(generation) (V(http),
    V(select) or V(admin)), C(default_timeout) in seconds, C(recommended_per_table) and C(max_running_procedures).
  returned: success
  type: dict
nodes:
  description: All nodes; only datanodes before 0.8.0.
  returned: with V(nodes) in O(gather)
  type: list
  elements: dict
  contains:
    id:
      description: Id of the datanode, -1 for other kinds.
      type: int
    kind:
      description: C(datanode), C(frontend), C(metasrv) or C(flownode).
      type: str
    addr:
      description: Address as the cluster knows it.
      type: str
    version:
      description: Its version, null if not told.
      type: str
    active_seconds:
      description: Seconds since its last heartbeat, null if not told.
      type: float
    alive:
      description: >-
        V(yes) for a heartbeat less than 5 s ago, V(suspect) for less than 10 s (it still has its lease), V(no), or
        V(unknown).
      type: str
    is_leader:
      description: Whether this metasrv is the leader, from 1.0.0 on; else null.
      type: bool
regions:
  description: The regions, by id.
  returned: with V(regions) in O(gather)
  type: list
  elements: dict
  contains:
    region_id:
      description: Id of the region.
      type: int
      sample: 4398046511104
    table:
      description: Its table, with schema.
      type: str
      sample: public.cpu
    table_id:
      description: Id of the table.
      type: int
    number:
      description: Number of the region within its table.
      type: int
    catalog:
      description: Catalog of the table.
      type: str
    schema:
      description: Schema of the table.
      type: str
    partition:
      description: Name of the partition, null before 0.7.0.
      type: str
    leader_peer:
      description: Id of the datanode that leads it, null without a leader.
      type: int
    leader_status:
      description: >-
        C(ALIVE), C(DOWNGRADED) or C(DOWNGRADING) (writes are refused), or C(STAGING). Says nothing of whether the
        datanode is alive.
      type: str
    down_seconds:
      description: Seconds since writes are refused, else null.
      type: float
    followers:
      description: Ids of datanodes with a follower; listed from 0.14.0 on.
      type: list
      elements: int
    size_bytes:
      description: Bytes in storage, from 0.9.4 on; else null. A few seconds old.
      type: int
    memtable_bytes:
      description: Bytes that a flush has to write, from 0.9.4 on; else null.
      type: int
    rows:
      description: Number of rows, from 0.10.0 on; else null.
      type: int
    engine:
      description: C(mito) or C(metric).
      type: str
    logical:
      description: Whether it belongs to a logical table, so that its id cannot be migrated.
      type: bool
    physical_table:
      description: For a logical table, the table whose regions hold its rows.
      type: str
load:
  description: >-
    By datanode id, C(regions) (how many it leads), C(followers), C(bytes) (of the regions that it leads, null if not
    known) and C(memtable_bytes).
  returned: with V(regions) in O(gather)
  type: dict
  sample: {"0": {"regions": 15, "followers": 0, "bytes": 1048576, "memtable_bytes": 0}}
configs:
  description: WAL and storage of every datanode, as its C(/config) tells.
  returned: with V(configs) in O(gather)
  type: list
  elements: dict
  contains:
    datanode_id:
      description: Id of the datanode.
      type: int
    wal_provider:
      description: C(kafka), C(raft_engine) (local) or C(noop).
      type: str
    wal_brokers:
      description: Kafka brokers.
      type: list
      elements: str
    storage_type:
      description: C(S3), C(Oss), C(Azblob), C(Gcs) or C(File).
      type: str
    bucket:
      description: Bucket or container.
      type: str
    root:
      description: Path in the bucket.
      type: str
    endpoint:
      description: Endpoint of the object store.
      type: str
    data_home:
      description: Directory for local data.
      type: str
    node_id:
      description: The id that the configuration itself names.
      type: int
    problem:
      description: Why the configuration is not known, else null.
      type: str
procedures:
  description: Region migrations that run, null where the server does not tell (before 0.9.4).
  returned: with V(procedures) in O(gather)
  type: list
  elements: dict
  contains:
    procedure_id:
      description: Id of the procedure.
      type: str
    type:
      description: Its type.
      type: str
    status:
      description: C(Running) (also while it waits for a lock), C(Retrying), and others.
      type: str
    region_ids:
      description: The regions that it holds.
      type: list
      elements: int
    table_ids:
      description: The tables that it holds or shares.
      type: list
      elements: int
    start:
      description: When it began, null while it waits.
      type: str
    end:
      description: When it ended.
      type: str
    error:
      description: Its error, if any.
      type: str
active_procedures:
  description: How many procedures of every type are active, null where the server does not tell.
  returned: with V(procedures) in O(gather)
  type: int
maintenance_mode:
  description: Whether maintenance mode is on, null if it does not exist (before 0.7.2) or could not be read.
  returned: with V(metasrv) in O(gather)
  type: bool
procedure_manager:
  description: C(running), C(paused), C(unknown), or C(unsupported) before 0.15.5.
  returned: with V(metasrv) in O(gather)
  type: str
problems:
  description: By the name of the part, why it could not be read.
  returned: success
  type: dict
code:
  description: Stable code of the error, such as C(greptimedb.unreachable), C(greptimedb.auth_failed),
    C(greptimedb.version_too_old), C(greptimedb.standalone) or C(greptimedb.not_greptimedb).
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
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.info import PARTS, gather_info
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "tables": {"type": "raw"},
            "logical_regions": {"type": "bool", "default": False},
            "gather": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
        }
    )
    spec.merge(connection_argument_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    run(module, redactor, lambda: gather_info(module.params, redactor, SystemClock()))


if __name__ == "__main__":
    main()
