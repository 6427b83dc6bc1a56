#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_sync_user
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Make a user for the sync tool on a StarRocks cluster, and drop it afterwards
description:
  - Creates the user that the sync tool logs in as, with a role as its default role, so that nobody's own account stands
    in the tool's files.
  - A user that exists already is left as it is, and never dropped. Only a user that O(journal) knows as made is.
notes:
  - "Privileges: C(GRANT ON SYSTEM), such as of the role C(user_admin), and the right to give O(role) away."
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.actiongroup_starrocks
  - dbops.migration._starrocks
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Predicts the statement, with the password masked. Sends none, and does not touch the journal.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  user:
    description:
      - Its name, from any host.
    type: str
    required: true
  user_password:
    description:
      - Its password. Needed for O(state=present).
    type: str
  role:
    description:
      - The role that it gets. C(db_admin) may do what the tool needs on both sides.
    type: str
    default: db_admin
  state:
    description:
      - V(present) makes it, if there is none of that name. V(absent) drops one that was made so, and needs O(journal).
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: dbops.migration.starrocks_sync_tool
"""

EXAMPLES = r"""
- name: A user for the sync tool on the source
  dbops.migration.starrocks_sync_user:
    frontends: [old-fe-0.example.com:9030, old-fe-1.example.com:9030]
    password: "{{ vault_old_password }}"
    user: cluster_sync
    user_password: "{{ vault_sync_password }}"
    journal: /var/lib/dbops/warehouse.jsonl
"""

RETURN = r"""
cluster_id:
  description: The ClusterId.
  returned: when the cluster was asked
  type: str
existed:
  description: Whether there is a user of that name which the journal does not know as made.
  returned: when the cluster was asked
  type: bool
changes:
  description: The changes that were made, or would be, with C(resource), C(action), C(before), C(after) and C(request).
  returned: always
  type: list
  elements: dict
code:
  description: Stable code of the error, such as C(starrocks.user_unsupported) (there are no roles before 3.0),
    C(starrocks.version_too_old) or C(starrocks.access_denied).
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
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_user import (
    PRESENT,
    STATES,
    SyncUserTask,
)


def main() -> None:
    spec = ArgumentSpec(
        {
            "user": {"type": "str", "required": True},
            "user_password": {"type": "str", "no_log": True},
            "role": {"type": "str", "default": "db_admin"},
            "state": {"type": "str", "choices": list(STATES), "default": PRESENT},
        }
    )
    module = (
        spec.merge(connection_argument_spec()).merge(journal_spec()).create_ansible_module(supports_check_mode=True)
    )
    redactor = redactor_from(module.params)
    task = SyncUserTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
