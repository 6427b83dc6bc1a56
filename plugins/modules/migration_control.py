#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_control
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Pause, limit, postpone or abort a running migration
description:
  - Writes what a running migration shall do into its control file or key, and tells what is in force and whether a run
    has acknowledged it. Without anything to wish it only tells.
  - It may be used while the migration runs, and from another host that reaches the same S3 store. The journal is only
    read.
  - Region moves, cutovers and what waits before them look for it once a second in a file, and every five seconds on S3.
    Where duplications are followed, and while StarRocks's tool copies, it is looked for whenever the clusters are
    looked at. That is every two seconds for Pegasus and every five for StarRocks, and up to two minutes apart where
    there are 100,000 partitions to compare. The output tells of it a second or two later. A cutover tells of it at its
    end where its journal cannot be read along on the controller.
  - Wishes that are not named stay as they are, so do comments that a person has written. What is wished holds until it
    is withdrawn, for later runs too.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._control
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the text before and after.
  idempotent:
    support: full
    details:
      - A V(postpone) with a length of time counts from when it was first written. Wished again, it stays as it is.
options:
  state:
    description:
      - V(present) writes the wishes that are given. V(absent) withdraws everything and removes the file or key.
    type: str
    choices: [present, absent]
    default: present
  wish:
    description:
      - V(paused) lets a run begin nothing new; what runs goes on. V(aborted) ends it, once what runs has ended, with
        the code C(control.aborted). During a cutover, it lifts the fence or freeze.
      - Nobody looks while your own tasks switch the clients of a cutover that was handed over. The call that ends it
        tells that an abort came too late. A task of yours that fails lets the roles lift the fence or freeze.
      - V(running) withdraws both.
    type: str
    choices: [running, paused, aborted]
  reason:
    description:
      - Why it is aborted, a few words for the journal and the message of the failure. Only with O(wish=aborted).
    type: str
  limits:
    description:
      - How much may run at the same time, a mapping or JSON text of one. What is beyond it already is not stopped.
      - For GreptimeDB, as the option of that name of M(dbops.migration.greptimedb_region_plan); they replace those of
        the plan, key by key. For Pegasus, C(tables), see M(dbops.migration.pegasus_duplication). For StarRocks,
        C(tables) and C(thread_kbps), see M(dbops.migration.starrocks_sync_wait). A limit that an engine does not have
        is refused in its acknowledgement.
      - An empty mapping withdraws them, and what was there before holds again.
    type: raw
  postpone:
    description:
      - Lets no cutover begin for a length of time such as V(2h), or until a time such as V(2026-11-22T01:00:00Z)
        (without a zone it is UTC). V(0) withdraws it.
    type: str
  proceed:
    description:
      - V(true) lets a cutover begin that was postponed, or that is held until somebody says so. V(false) withdraws
        that.
      - It opens one hold. When a cutover of the O(journal) has begun since it was written, V(true) writes it anew.
      - Exclusive with O(postpone).
    type: bool
seealso:
  - module: dbops.migration.migration_gate
"""

EXAMPLES = r"""
- name: Begin no more moves for now
  dbops.migration.migration_control:
    journal: /var/lib/dbops/drain-1.jsonl
    wish: paused

- name: Go on, with less at the same time
  dbops.migration.migration_control:
    journal: /var/lib/dbops/drain-1.jsonl
    wish: running
    limits: {global: 2, per_source: 1}

- name: Let the cutover wait for the backup
  dbops.migration.migration_control:
    journal: s3://dbops-journals/orders
    postpone: "2026-11-22T01:00:00Z"

- name: See what is in force
  dbops.migration.migration_control:
    journal: s3://dbops-journals/orders
  register: control

- name: The same from a shell
  ansible.builtin.shell: echo pause > /var/lib/dbops/drain-1.jsonl.control
"""

RETURN = r"""
control:
  description: Where the wishes are kept.
  returned: success
  type: str
  sample: /var/lib/dbops/drain-1.jsonl.control
text:
  description: The text that is there, in check mode the one that would be.
  returned: success
  type: str
in_force:
  description: What is wished, after what was written. Nothing, where the text cannot be read.
  returned: success
  type: dict
  contains:
    paused:
      description: Whether nothing new begins.
      type: bool
    aborted:
      description: Whether runs end.
      type: bool
    reason:
      description: Why.
      type: str
    limits:
      description: Limits by name, null where none are wished.
      type: dict
    postponed_until:
      description: When a cutover may begin, ISO 8601; null where it was not postponed. It may be over.
      type: str
    proceed:
      description: Whether a cutover that is held may begin.
      type: bool
wishes:
  description: The lines that are in force, and what the journal says of them.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(run), V(limits) or V(cutover).
      type: str
    wish:
      description: The line, in one way of writing it.
      type: str
    acknowledged:
      description: Whether a run has taken note of it. Always V(false) where no O(journal) is given.
      type: bool
    at:
      description: When.
      type: str
    effect:
      description: V(taken) or V(not_applicable).
      type: str
    detail:
      description: What became of it, in words.
      type: str
unreadable:
  description: Why the text cannot be read, empty where it can.
  returned: success
  type: str
code:
  description: Stable code of the error, such as C(option.invalid) or C(control.not_accessible).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.control_task import STATES, WISHES, ControlTask
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run


def main() -> None:
    spec = ArgumentSpec(
        {
            "state": {"type": "str", "choices": list(STATES), "default": STATES[0]},
            "wish": {"type": "str", "choices": list(WISHES)},
            "reason": {"type": "str"},
            "limits": {"type": "raw"},
            "postpone": {"type": "str"},
            "proceed": {"type": "bool"},
        },
        mutually_exclusive=[("postpone", "proceed")],
    )
    spec.merge(control_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    task = ControlTask(module.params, module.check_mode, SystemClock())
    run(module, redactor_from(module.params), task.body)


if __name__ == "__main__":
    main()
