#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_backend_config
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Set and restore configs on every backend and compute node of a StarRocks cluster
description:
  - Brings configs of the backends (BEs) and compute nodes (CNs) to the wanted values, and proves it by reading them
    back from each node. An example is C(replication_max_speed_limit_kbps), which is the throttle of a migration.
  - From 3.1 on, configs are set with C(UPDATE information_schema.be_configs), for which the user needs C(UPDATE) on
    that table. In 3.0, each node is told over HTTP (C(/api/update_config)), so C(http_port) of every node must be
    reachable. Older versions cannot be read back, and are refused.
  - Nodes keep the values in memory. One that restarts reads C(be.conf) or C(cn.conf) again. That is found as drift at
    the next run, which sets the value again.
  - With O(journal), the value that each node had is written down before the first change, and O(state=restored) puts
    it back. What is restored is what was found, and not a default.
notes:
  - A config that people limit with the control text while the copy goes on
    (M(dbops.migration.starrocks_sync_wait), C(limits)) is left alone by O(state=present), with a warning, until the
    limit is taken back. O(journal) knows it.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact requests. Sends none of them, and does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  settings:
    description:
      - The configs, a list of mappings or JSON text of one, in the order in which they are set. Needed for
        O(state=present).
      - For O(state=restored), a list of keys is enough, and by default everything is restored that the journal has.
        Restoring goes in the reverse order of the first changes.
      - C(key) is the name of the config, C(value) is the value. With C(optional=true), the config is left out where the
        version does not know it.
      - Configs that hold secrets are refused.
    type: raw
  state:
    description:
      - V(present) sets the values.
      - V(restored) puts back what the first change in O(journal) had found, node by node, but only where the
        value is still as this collection had set it. Where somebody else changed it since, theirs stays.
    type: str
    choices: [present, restored]
    default: present
  dead_nodes:
    description:
      - What to do when a node is down by the cluster's own account. It comes back with what its file says.
      - V(fail) changes nothing. (With O(state=restored), the others are restored before it fails.)
      - V(skip) sets the others, and warns. Run the module again when the node is back.
    type: str
    choices: [fail, skip]
    default: fail
seealso:
  - module: dbops.migration.starrocks_frontend_config
  - module: dbops.migration.starrocks_config_file
  - module: dbops.migration.starrocks_info
"""

EXAMPLES = r"""
- name: Slow a migration down, on the target
  dbops.migration.starrocks_backend_config:
    frontends: [fe-0.example.com, fe-1.example.com, fe-2.example.com]
    password: "{{ starrocks_password }}"
    settings:
      - key: replication_max_speed_limit_kbps
        value: 20000
        optional: true
    journal: /var/lib/dbops/lake.jsonl
    migration_id: lake

- name: Put everything back
  dbops.migration.starrocks_backend_config:
    frontends: [fe-0.example.com, fe-1.example.com, fe-2.example.com]
    password: "{{ starrocks_password }}"
    state: restored
    journal: /var/lib/dbops/lake.jsonl
    migration_id: lake
"""

RETURN = r"""
cluster_id:
  description: The ClusterId.
  returned: when the cluster was asked
  type: str
version:
  description: The lowest version among the living frontends.
  returned: when the cluster was asked
  type: str
  sample: 3.3.14
settings:
  description: The configs that were looked at, in the order in which they are set.
  returned: when the cluster was asked
  type: list
  elements: dict
  contains:
    key:
      description: Its name.
      type: str
    type:
      description: Its type as the server names it, null where the version does not tell.
      type: str
      sample: int
    nodes:
      description: The living nodes.
      type: list
      elements: dict
      contains:
        node:
          description: C(host:heartbeat_port) as the cluster has it.
          type: str
        node_id:
          description: Its id.
          type: str
        former:
          description: The value when the module came.
          type: str
        wanted:
          description: The value that it should have.
          type: str
        value:
          description: The value now (in check mode, as it would be).
          type: str
skipped:
  description: Configs with C(optional=true) that the version does not know.
  returned: with O(state=present)
  type: list
  elements: str
drift:
  description: Where a value that an earlier run had set was not there any more.
  returned: with O(state=present)
  type: list
  elements: dict
  contains:
    node:
      description: The node.
      type: str
    key:
      description: The config.
      type: str
    expected:
      description: What the journal says that we set.
      type: str
    found:
      description: What was found when the module came.
      type: str
in_place:
  description:
    - Configs that were as wanted already, although no run with this O(journal) has set them. They were left as they
      are, and C(state=restored) leaves them too. If another migration has set them, its restore takes them away, also
      while this one copies. End that one first.
    - A value that is known as the default is left out, as nobody need have set it.
  returned: with O(journal) and O(state=present)
  type: list
  elements: dict
  contains:
    key:
      description: The config.
      type: str
    value:
      description: What it is.
      type: str
    nodes:
      description: Where.
      type: list
      elements: str
    severity:
      description: >-
        C(warning), which is among the warnings of the task too, or C(info) where the default is not known, so that the
        value may be just that.
      type: str
    text:
      description: The same as a sentence. It is in the journal too, once.
      type: str
dead_nodes:
  description: Nodes that are down by the cluster's own account.
  returned: when the cluster was asked
  type: list
  elements: str
verified:
  description: Whether every living node was read after the last change, and had every wanted value.
  returned: when the cluster was asked
  type: bool
changes:
  description: The changes that were made, or would be, one for each node and config.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The config, such as C(starrocks:1234/node/10001/config/replication_threads).
      type: str
    action:
      description: C(set) or C(restore).
      type: str
    before:
      description: The value before.
      type: str
    after:
      description: The value after.
      type: str
    request:
      description: The request that makes this change. Several changes can share one.
      type: dict
calls:
  description: The requests that were sent, or would be, in order.
  returned: always
  type: list
  elements: dict
  contains:
    sql:
      description: The statement.
      type: str
      sample: UPDATE information_schema.be_configs SET VALUE = "32" WHERE NAME = "replication_threads"
    node:
      description: The node that is asked over HTTP.
      type: str
    http:
      description: The HTTP request.
      type: str
restore:
  description: What was decided about each node and config.
  returned: with O(state=restored)
  type: list
  elements: dict
  contains:
    resource:
      description: The config of one node.
      type: str
    original:
      description: The value that our first change had found.
      type: str
    ours:
      description: The value that our last change had set.
      type: str
    now:
      description: The value found now, null if the node could not be asked.
      type: str
    action:
      description: C(restore), C(already_original), C(keep_theirs), C(unknown) or C(gone).
      type: str
    reason:
      description: Why, in a sentence.
      type: str
code:
  description: >-
    Stable code of the error, such as C(starrocks.config_unknown), C(starrocks.config_immutable),
    C(starrocks.setting_contested), C(starrocks.setting_not_kept), C(starrocks.node_unreachable) or
    C(starrocks.access_denied).
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
from ansible_collections.dbops.migration.plugins.module_utils._core.module import run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config import BackendConfigTask
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import (
    STATES,
    UNREACHED,
    settings_redactor,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {
            "settings": {"type": "raw"},
            "state": {"type": "str", "choices": list(STATES), "default": "present"},
            "dead_nodes": {"type": "str", "choices": list(UNREACHED), "default": "fail"},
        }
    )
    spec.merge(connection_argument_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = settings_redactor(module.params)
    task = BackendConfigTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
