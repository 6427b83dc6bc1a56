#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_hook
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Remember what a hook said, and stop if it said no
description:
  - Writes into the journal of a migration that a hook was run and what came of it, so that the report can tell who
    stopped a phase and why.
  - Fails with the code V(hook.vetoed) if there is a O(veto), and with V(hook.failed) if there is an O(error). Otherwise
    it succeeds, and the phase goes on.
  - The roles of this collection call it after each of your task files. Without a journal it only decides.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Writes nothing and decides the same.
  diff_mode:
    support: N/A
    details:
      - It changes nothing but the journal.
  idempotent:
    support: full
    details:
      - It changes nothing but the journal, which remembers each time that a hook was run.
options:
  edge:
    description:
      - Where in the migration the hook was run, such as V(before_cutover).
    type: str
    required: true
  engine:
    description:
      - The engine of the migration, for a journal that is not there yet.
    type: str
    required: true
    choices: [greptimedb, pegasus, starrocks]
  file:
    description:
      - The file with the tasks that were run.
    type: str
    required: true
  veto:
    description:
      - Why the phase may not begin, or the migration may not go on, in words for people. Nothing by default, which is
        no veto.
    type: str
    default: ""
  error:
    description:
      - How the hook failed. A hook that fails has not agreed, so it stops the phase like a veto.
    type: str
    default: ""
seealso:
  - module: dbops.migration.migration_hooks
"""

EXAMPLES = r"""
- name: Remember that the change calendar agreed
  dbops.migration.migration_hook:
    edge: before_cutover
    engine: pegasus
    file: /srv/automation/ask_the_change_calendar.yml
    veto: "{{ edge_veto | default('') }}"
    journal: /var/lib/dbops/orders.jsonl
    migration_id: move-orders
"""

RETURN = r"""
status:
  description: V(passed), V(vetoed) or V(failed).
  returned: always
  type: str
  sample: passed
code:
  description: Stable code of the error, such as V(hook.vetoed), V(hook.failed) or V(journal.other_migration).
  returned: failure
  type: str
  sample: hook.vetoed
"""

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.hooks import HookOutcome
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec, open_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run


def main() -> None:
    spec = ArgumentSpec(
        {
            "edge": {"type": "str", "required": True},
            "engine": {"type": "str", "required": True, "choices": ["greptimedb", "pegasus", "starrocks"]},
            "file": {"type": "str", "required": True},
            "veto": {"type": "str", "default": ""},
            "error": {"type": "str", "default": ""},
        }
    )
    spec.merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    given = module.params
    outcome = HookOutcome(given["edge"], given["file"], given["veto"].strip(), given["error"].strip())

    def body() -> t.Dict[str, t.Any]:
        if not module.check_mode:
            journal = open_journal(given, engine=given["engine"], clock=SystemClock(), redactor=redactor)
            if journal is not None:
                with journal:
                    journal.append("hook", outcome.as_result())
        outcome.require_passed()
        return {"status": outcome.status}

    run(module, redactor, body, lambda: {"status": outcome.status})


if __name__ == "__main__":
    main()
