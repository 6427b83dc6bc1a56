#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_global_variable
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Set and restore global variables of a StarRocks cluster
description:
  - Brings global variables to the wanted values, and proves it by reading them back. Sessions that exist keep what they
    have.
  - With O(journal), the value that was there is written down before the change, and O(state=restored) puts it back.
notes:
  - "Privilege: C(OPERATE ON SYSTEM)."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the exact statements. Sends none of them, and does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  variables:
    description:
      - The variables, a mapping of names to values, or JSON text of one. Needed for O(state=present).
      - For O(state=restored), a list of names is enough, and by default everything is restored that the journal has.
    type: raw
  state:
    description:
      - V(present) sets the values.
      - V(restored) puts back what the first change in O(journal) had found, but only where the value is still as this
        collection had set it. Where somebody else changed it since, theirs stays.
    type: str
    choices: [present, restored]
    default: present
seealso:
  - module: dbops.migration.starrocks_frontend_config
"""

EXAMPLES = r"""
- name: Keep queries on migrated data from crashing the BEs of an old target
  dbops.migration.starrocks_global_variable:
    frontends: [fe-0.example.com, fe-1.example.com, fe-2.example.com]
    password: "{{ starrocks_password }}"
    variables:
      enable_filter_unused_columns_in_scan_stage: false
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
variables:
  description: The values now (in check mode, as they are).
  returned: with O(state=present)
  type: dict
in_place:
  description:
    - Variables that were as wanted already, although no run with this O(journal) has set them. They were left as they
      are, and C(state=restored) leaves them too. If another migration has set them, its restore takes them away, also
      while this one copies. End that one first.
    - A value that is known as the default is left out, as nobody need have set it.
  returned: with O(journal) and O(state=present)
  type: list
  elements: dict
  contains:
    key:
      description: The variable.
      type: str
    value:
      description: What it is.
      type: str
    severity:
      description: >-
        C(warning), which is among the warnings of the task too, or C(info) where the default is not known, so that the
        value may be just that.
      type: str
    text:
      description: The same as a sentence. It is in the journal too, once.
      type: str
changes:
  description: The changes that were made, or would be.
  returned: always
  type: list
  elements: dict
  contains:
    resource:
      description: The variable, such as C(starrocks:1234/variable/enable_filter_unused_columns_in_scan_stage).
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
      description: The statement, as C(sql).
      type: dict
restore:
  description: What was decided about each variable, as in M(dbops.migration.starrocks_frontend_config).
  returned: with O(state=restored)
  type: list
  elements: dict
code:
  description: Stable code of the error, such as C(starrocks.variable_unknown) or C(starrocks.variable_not_kept).
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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.global_variable import (
    PRESENT,
    STATES,
    GlobalVariableTask,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec


def main() -> None:
    spec = ArgumentSpec(
        {"variables": {"type": "raw"}, "state": {"type": "str", "choices": list(STATES), "default": PRESENT}}
    )
    module = (
        spec.merge(connection_argument_spec()).merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    )
    redactor = redactor_from(module.params)
    task = GlobalVariableTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
