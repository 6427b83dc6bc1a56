#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_config_file_journal
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Keep in the journal which configuration files have a block of a migration
description:
  - M(dbops.migration.starrocks_config_file) writes a block on the host of a frontend, where the journal of the
    migration is not. This module runs where the journal is. Before, it notes what is about to be written and tells
    which files to work on. After, it notes what came of each of them.
  - So a way back finds every block again, also when the group of hosts is not given any more or is another one.
  - The role of this collection calls it around M(dbops.migration.starrocks_config_file). It asks no cluster.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Tells the same, and does not touch the journal.
  diff_mode:
    support: N/A
    details:
      - It changes nothing but the journal.
  idempotent:
    support: full
    details:
      - It changes nothing but the journal, and writes there only what it does not hold yet.
options:
  cluster_id:
    description:
      - The ClusterId of the cluster whose frontends read the files, as M(dbops.migration.starrocks_migration_info)
        tells it.
    type: str
    required: true
  files:
    description:
      - The files to work on, a mapping from the name of a host in the inventory to the path there, or JSON text of one.
      - With O(state=absent), files in which the journal knows a block are worked on besides.
    type: raw
  settings:
    description:
      - What the block holds, as O(dbops.migration.starrocks_config_file#module:settings). Needed for O(state=present).
    type: raw
  state:
    description:
      - Whether the block is to be there.
    type: str
    choices: [present, absent]
    default: present
  block:
    description:
      - The name of the block in O(files). What the journal knows keeps the name that it had.
    type: str
    default: migration
  results:
    description:
      - What a loop of M(dbops.migration.starrocks_config_file) over RV(files) has registered, its C(results). With it,
        this is the call after. Without it, it is the call before.
      - A file that was not reached counts as one that may have the block.
    type: raw
  gone_hosts:
    description:
      - Hosts that are gone for good with their files, by their names in the inventory. A list, or comma-separated text.
      - They are no longer worked on, and with O(state=absent) the journal counts them as brought back. A host that is
        only down would then keep its block, and its settings would come back with its next start.
    type: raw
seealso:
  - module: dbops.migration.starrocks_config_file
  - module: dbops.migration.starrocks_migration_info
"""

EXAMPLES = r"""
- name: Note where blocks are to be taken out
  dbops.migration.starrocks_config_file_journal:
    cluster_id: "{{ migration.target.cluster_id }}"
    state: absent
    journal: /var/lib/dbops/warehouse.jsonl
  register: files

- name: Take them out
  dbops.migration.starrocks_config_file:
    path: "{{ item.path }}"
    block: "{{ item.block }}"
    state: absent
  delegate_to: "{{ item.host }}"
  loop: "{{ files.files }}"
  register: blocks
  ignore_errors: true
  ignore_unreachable: true

- name: Note what came of it
  dbops.migration.starrocks_config_file_journal:
    cluster_id: "{{ migration.target.cluster_id }}"
    state: absent
    results: "{{ blocks.results }}"
    journal: /var/lib/dbops/warehouse.jsonl
"""

RETURN = r"""
files:
  description: The files to work on, or with O(results) those that were worked on, by C(host), C(path) and C(block).
  returned: success
  type: list
  elements: dict
  sample: [{host: new-fe-0.example.com, path: /opt/starrocks/fe/conf/fe.conf, block: warehouse}]
left:
  description: With O(results), files that could not be worked on, with the reason. For people.
  returned: success
  type: list
  elements: str
code:
  description: Stable code of the error, such as C(option.invalid), C(journal.other_migration) or
    C(starrocks.block_not_written) (with O(state=present), when a file could not be written).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file_record import (
    RecordTask,
    record_argument_spec,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import settings_redactor


def main() -> None:
    module = record_argument_spec().merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    redactor = settings_redactor(module.params)
    run(module, redactor, lambda: RecordTask(module.params, module.check_mode, redactor, SystemClock()).body())


if __name__ == "__main__":
    main()
