#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pegasus_metaproxy_table
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Point tables in the ZooKeeper of Pegasus's MetaProxy at a cluster
description:
  - Clients which come through MetaProxy are sent to the cluster that the znode of their table names. This module
    changes that znode, and can ask every MetaProxy until it sends clients there.
  - A znode is written only if it is still the one that was read (compare-and-set), as JSON from an encoder; keys that
    are not known stay. The very bytes found are kept in O(journal), and O(state=restored) puts them back.
  - It does not look whether the cluster has the data. For a migration use M(dbops.migration.pegasus_cutover), which
    proves that first.
notes:
  - C++ and Python clients do not support MetaProxy.
  - A running MetaProxy dies of a znode that is no JSON, and refuses to serve a table with fewer than two addresses.
    Both are therefore never written.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_pegasus
  - dbops.migration._pegasus
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact writes. Makes none, and does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - kazoo, on the host where the module runs
options:
  tables:
    description:
      - The tables. A list, JSON text of one, or comma-separated text.
    type: raw
    required: true
  state:
    description:
      - V(present) points the tables at the cluster of O(meta_servers), whose name is asked from itself.
      - V(restored) puts back the bytes that the first change in O(journal) had found, for each table only if its znode
        is still as this collection had made it. No cluster is asked.
    type: str
    choices: [present, restored]
    default: present
  meta_addrs:
    description:
      - The addresses that MetaProxies are to use, each as C(host:port), at least two. The default is O(meta_servers).
    type: raw
  expected_cluster:
    description:
      - Name of the cluster at which a table may point now. A table that points at another one (and not at the wanted
        one already) is an error, and nothing is changed.
    type: str
  create:
    description:
      - Whether a table without a znode gets one. It can be written by everybody, as MetaProxy expects it.
    type: bool
    default: false
  metaproxies:
    description:
      - Every instance of MetaProxy, as C(host:port). With it, each is asked until it answers as the cluster
        itself does.
    type: raw
  timeout:
    description:
      - How long to wait for O(metaproxies), in seconds or with a unit.
    type: str
    default: 30s
  zookeeper_hosts:
    description:
      - The ZooKeeper of the MetaProxies, as C(host:port,host:port), with C(/chroot) at its end if there is one. A list
        is accepted too. Needed.
      - If not given, the environment variable E(PEGASUS_ZOOKEEPER_HOSTS) is used.
    type: raw
  zookeeper_root:
    description:
      - The znode below which there is one znode for each table, as C(zookeeper.root) of MetaProxy's configuration.
        Needed.
      - If not given, the environment variable E(PEGASUS_ZOOKEEPER_ROOT) is used.
    type: str
  zookeeper_timeout:
    description:
      - How long to wait for ZooKeeper, in seconds or with a unit.
    type: str
    default: 10s
seealso:
  - module: dbops.migration.pegasus_cutover
"""

EXAMPLES = r"""
- name: Point a table at the new cluster, and wait until every MetaProxy has noticed
  dbops.migration.pegasus_metaproxy_table:
    meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    zookeeper_hosts: zk-0.example.com:2181,zk-1.example.com:2181,zk-2.example.com:2181
    zookeeper_root: /pegasus-metaproxy
    metaproxies: [proxy-0.example.com:34601, proxy-1.example.com:34601]
    tables: [temp]
    expected_cluster: onebox-a
    journal: /var/lib/migration/move-1.jsonl

- name: Put the znode back, byte for byte
  dbops.migration.pegasus_metaproxy_table:
    zookeeper_hosts: zk-0.example.com:2181,zk-1.example.com:2181,zk-2.example.com:2181
    zookeeper_root: /pegasus-metaproxy
    tables: [temp]
    state: restored
    journal: /var/lib/migration/move-1.jsonl
"""

RETURN = r"""
tables:
  description: Each table, in the order of O(tables).
  returned: when ZooKeeper could be read
  type: list
  elements: dict
  contains:
    name:
      description: The table.
      type: str
    path:
      description: Its znode, with the chroot.
      type: str
    former:
      description: The document that was found. Null when there was none.
      type: dict
    document:
      description: The document as it is now (in check mode, would be).
      type: dict
changes:
  description: The changes that were made, or would be.
  returned: when ZooKeeper could be read
  type: list
  elements: dict
  contains:
    resource:
      description: C(zookeeper:) and the path of the znode.
      type: str
    action:
      description: C(switch) or C(restore).
      type: str
    before:
      description: The text found. Null for no znode.
      type: raw
    after:
      description: The text written. Null for a znode that is removed.
      type: raw
    request:
      description: The operation with its path, the version it names, and the bytes.
      type: dict
restore:
  description: What was decided about each table that O(journal) knows.
  returned: with O(state=restored)
  type: list
  elements: dict
  contains:
    resource:
      description: The resource.
      type: str
    original:
      description: The text that our first change had found.
      type: raw
    ours:
      description: The text that our last change had written.
      type: raw
    now:
      description: The text found now.
      type: raw
    action:
      description: C(restore), C(already_original) or C(keep_theirs).
      type: str
    reason:
      description: Why, in a sentence.
      type: str
metaproxies:
  description: Whether each MetaProxy sends clients of each table to the cluster.
  returned: with O(metaproxies), not in check mode
  type: list
  elements: dict
  contains:
    address:
      description: The MetaProxy.
      type: str
    table:
      description: The table.
      type: str
    follows:
      description: Whether it answers as the cluster itself does.
      type: bool
code:
  description: >-
    Stable code of the error, such as C(pegasus.znode_missing), C(pegasus.znode_malformed), C(pegasus.znode_changed),
    C(pegasus.znode_points_elsewhere), C(pegasus.zookeeper_unreachable), C(pegasus.zookeeper_chroot) or
    C(pegasus.metaproxy_not_switched).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.metaproxy_options import metaproxy_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.metaproxy_task import MetaproxyTableTask


def main() -> None:
    spec = metaproxy_argument_spec().merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = MetaproxyTableTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, task.partial)


if __name__ == "__main__":
    main()
