#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Look at a StarRocks cluster
description:
  - Tells version, run mode and cluster id, frontends and whether each one answers under its own address, backends and
    compute nodes, storage volumes, databases with their number of tables, and configs as each frontend has them.
  - Tables for which the user has no privilege are hidden by the server without a word. The module counts the tables
    that there are too, and says so.
  - A cluster whose version is too old for this collection is told of all the same, as far as it can be read.
    RV(supported) is V(false) then, and RV(findings) has C(starrocks.version_too_old).
  - What cannot be read is V(null), and RV(problems) says why. It is never guessed, and never taken for zero.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
options:
  gather:
    description:
      - Which parts to look at. What the cluster and its frontends are, is always told.
    type: list
    elements: str
    choices: [nodes, storage_volumes, databases]
    default: [nodes, storage_volumes, databases]
  configs:
    description:
      - Configs to read on every living frontend. A list, JSON text of one, or comma-separated text.
      - Configs that hold secrets are refused.
    type: raw
seealso:
  - module: dbops.migration.starrocks_frontend_config
  - module: dbops.migration.starrocks_preflight
"""

EXAMPLES = r"""
- name: Look at everything
  dbops.migration.starrocks_info:
    frontends: [fe-0.example.com, fe-1.example.com, fe-2.example.com]
    password: "{{ starrocks_password }}"
  register: cluster

- name: Fail unless all frontends can be reached
  ansible.builtin.assert:
    that:
      - cluster.frontends | rejectattr('reachable') | list | length == 0

- name: Show what compaction and vacuum are set to on every frontend
  dbops.migration.starrocks_info:
    frontends: [fe-0.example.com]
    password: "{{ starrocks_password }}"
    gather: []
    configs: [lake_compaction_max_tasks, lake_autovacuum_grace_period_minutes]
"""

RETURN = r"""
cluster_id:
  description: The ClusterId.
  returned: success
  type: str
version:
  description: The lowest version among the living frontends.
  returned: success
  type: str
  sample: 3.3.14
supported:
  description: Whether this collection can work with that version.
  returned: success
  type: bool
versions:
  description: What the living frontends call their versions; more than one during an upgrade.
  returned: success
  type: list
  elements: str
  sample: [3.3.14-1a2b3c4]
run_mode:
  description: C(shared_nothing) or C(shared_data), null if it could not be read.
  returned: success
  type: str
leader:
  description: The frontend that leads, C(host:query_port) as the cluster has it; null while there is none.
  returned: success
  type: str
frontends:
  description: The frontends, those that are down too.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: C(host:query_port) as the cluster has it.
      type: str
    reached_at:
      description: Where its query port is reached from here, by O(address_map).
      type: str
    reachable:
      description: Whether it answered there.
      type: bool
    name:
      description: Its name.
      type: str
    host:
      description: Its host as the cluster has it.
      type: str
    query_port:
      description: Its query port.
      type: int
    http_port:
      description: The leader's HTTP port, which the server prints for all.
      type: int
    rpc_port:
      description: Its RPC port.
      type: int
    role:
      description: C(LEADER), C(FOLLOWER) or C(OBSERVER).
      type: str
    alive:
      description: Whether the cluster takes it for alive.
      type: bool
    cluster_id:
      description: The ClusterId.
      type: str
    version:
      description: What it calls its version.
      type: str
    error:
      description: Why it is not alive.
      type: str
nodes:
  description: Backends and compute nodes.
  returned: with V(nodes) in O(gather)
  type: list
  elements: dict
  contains:
    address:
      description: C(host:heartbeat_port) as the cluster has it.
      type: str
    kind:
      description: C(BE) or C(CN).
      type: str
    node_id:
      description: Its id.
      type: str
    host:
      description: Its host as the cluster has it.
      type: str
    heartbeat_port:
      description: Its heartbeat port.
      type: int
    be_port:
      description: Its thrift port.
      type: int
    http_port:
      description: Its HTTP port.
      type: int
    alive:
      description: Whether the cluster takes it for alive.
      type: bool
    decommissioned:
      description: Whether it is being decommissioned.
      type: bool
    version:
      description: What it calls its version.
      type: str
    disk_used_percent:
      description: How full its fullest disk is, null where the server does not tell.
      type: float
    warehouse:
      description: Its warehouse, empty without one.
      type: str
storage_volumes:
  description: Names of the storage volumes on which the user has a privilege.
  returned: with V(storage_volumes) in O(gather)
  type: list
  elements: str
databases:
  description: The databases, without those of the system.
  returned: with V(databases) in O(gather)
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    tables_seen:
      description: How many tables and views the user sees.
      type: int
    tables:
      description: How many there are, null if it could not be read.
      type: int
configs:
  description: By config and frontend, the value; null where the frontend does not know it, or could not be asked.
  returned: with O(configs)
  type: dict
  sample: {"lake_compaction_max_tasks": {"10.0.0.5:9030": "-1"}}
findings:
  description: What stands against work with the cluster, and what the user may not see.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: C(starrocks.version_too_old), C(starrocks.user.privilege_missing) or C(starrocks.user.tables_hidden).
      type: str
    severity:
      description: C(blocker) or C(warning).
      type: str
    subject:
      description: The version, the part, or the databases.
      type: str
    evidence:
      description: The versions, what the server said, or by database how many tables are seen and how many there are.
      type: dict
    remedy:
      description: What to do about it.
      type: str
    reference:
      description: Empty.
      type: str
problems:
  description: By the name of the part, why it could not be read.
  returned: success
  type: dict
code:
  description: Stable code of the error, such as C(starrocks.unreachable), C(starrocks.login_failed),
    C(starrocks.access_denied), C(starrocks.version_unknown) or C(starrocks.not_starrocks).
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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.info import PARTS, gather_info
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "gather": {"type": "list", "elements": "str", "choices": list(PARTS), "default": list(PARTS)},
            "configs": {"type": "raw"},
        }
    )
    spec.merge(connection_argument_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    run(module, redactor, lambda: gather_info(module.params, redactor, SystemClock()))


if __name__ == "__main__":
    main()
