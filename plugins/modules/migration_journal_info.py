#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_journal_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Verify the journal of a migration, and whether its switch was legal
description:
  - Reads the journal of a migration, verifies it from the first entry to the last, and tells what it holds.
  - Works offline. No cluster is contacted, nothing is locked, and nothing is written.
  - A damaged journal is a result and no failure, so that a playbook can decide. Check RV(valid).
  - Says by the proofs in the journal whether each switch to the target was legal, see RV(switch). What the journal does
    not prove is V(unknown) and never V(yes).
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.info_module
  - dbops.migration._journal
options:
  journal:
    description:
      - The journal to verify, a path on the host where the module runs, or V(s3://bucket/prefix).
      - Nothing is made when there is none. The module fails with the code V(journal.missing) then.
      - When not given, the environment variable E(DBOPS_MIGRATION_JOURNAL) is used. One of both is needed.
  migration_id:
    description:
      - When given, a journal of another migration is not valid, with the problem V(journal.other_migration).
      - When not given, the environment variable E(DBOPS_MIGRATION_ID) is used.
seealso:
  - module: dbops.migration.migration_report
"""

EXAMPLES = r"""
- name: Verify a journal
  dbops.migration.migration_journal_info:
    journal: /var/lib/migration/drain-datanode-1.jsonl
  register: journal

- name: Stop when the journal is damaged
  ansible.builtin.assert:
    that: journal.valid
    fail_msg: "{{ journal.problems | map(attribute='msg') | join(' ') }}"

# A journal that was copied without its head, and tells of no switch, is stopped by this too: it may have been cut off.
- name: Stop when a switch was not proved to be legal
  ansible.builtin.assert:
    that: journal.switch.legal in ['yes', 'none']
    fail_msg: "{{ journal.switch.reasons | join('; ') }}"

- name: Show what was begun and has no outcome
  ansible.builtin.debug:
    msg: "{{ journal.pending | map(attribute='resource') | list }}"

- name: Verify a journal on S3
  dbops.migration.migration_journal_info:
    journal: s3://migrations/drain-datanode-1
    s3_endpoint_url: https://s3.example.com
"""

RETURN = r"""
journal:
  description: Where the journal is kept.
  returned: success
  type: str
  sample: /var/lib/migration/drain-datanode-1.jsonl
valid:
  description: Whether a run could go on with this journal. An incomplete last line does no harm, it is repaired then.
  returned: success
  type: bool
  sample: true
entries:
  description: Number of entries that hold. Of a damaged journal, those before the damage.
  returned: success
  type: int
  sample: 812
migration_id:
  description: The migration that the journal belongs to, empty when no entry holds.
  returned: success
  type: str
  sample: drain-datanode-1
engine:
  description: The engine that the journal belongs to, empty when no entry holds.
  returned: success
  type: str
  sample: greptimedb
collection_version:
  description: The version of the collection that began the journal, empty when no entry holds.
  returned: success
  type: str
  sample: 1.0.0
first_at:
  description: Time of the first entry, empty when no entry holds.
  returned: success
  type: str
  sample: "2026-11-21T03:14:00.123Z"
last_at:
  description: Time of the last entry, empty when no entry holds.
  returned: success
  type: str
  sample: "2026-11-21T03:44:12.007Z"
phases:
  description: Every run of a phase, in order.
  returned: success
  type: list
  elements: dict
  contains:
    run_id:
      description: Id of the run.
      type: str
    phase:
      description: Name of the phase.
      type: str
    started:
      description: When it began.
      type: str
    finished:
      description: When it ended, null when it did not.
      type: str
    status:
      description: One of V(ok), V(failed), V(interrupted) and V(unfinished).
      type: str
pending:
  description: Changes that were intended and have no outcome. The next run settles them.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the change.
      type: str
    resource:
      description: What was to be changed.
      type: str
    action:
      description: What was to be done.
      type: str
    at:
      description: When it was intended.
      type: str
    request:
      description: The statement or call that was to be sent.
      type: raw
repaired:
  description: Whether an incomplete last line was ever cut off.
  returned: success
  type: bool
  sample: false
torn:
  description: Whether the last line is incomplete now, torn by a crash or just being written.
  returned: success
  type: bool
  sample: false
head_missing:
  description: >-
    Whether the side file with the last entry's mark is missing, as after copying the journal alone. The journal is
    valid all the same, but nobody can tell then whether entries are missing at its end.
  returned: success
  type: bool
  sample: false
switch:
  description: >-
    Whether the switches to the target were legal, concluded from the proofs in this journal alone. Nothing is asked of
    a cluster.
  returned: success
  type: dict
  contains:
    legal:
      description: >-
        V(yes) when everything that each switch rests on is proved. V(no) when the journal says that something was not
        so, such as a position that was not reached, or a switch after the guard's deadline. V(unknown) when evidence is
        missing, when the journal is damaged, or while a switch is not committed. V(none) when nothing was switched.
        Where entries may be missing at the end (see RV(head_missing)), it is V(unknown) in the place of V(none), and
        V(yes) is about the switches that the journal tells of.
      type: str
      sample: "yes"
    reasons:
      description: >-
        What stands against V(yes), worst first, at most about twenty; and that entries may be missing at the end of the
        journal, also beside V(yes).
      type: list
      elements: str
      sample: []
    cutovers:
      description: >-
        Every switch. For Pegasus one for each table, for StarRocks one for each cutover, for GreptimeDB one for all
        regions that were moved.
      type: list
      elements: dict
      contains:
        subject:
          description: What was switched.
          type: str
          sample: temp
        at:
          description: When it was committed, empty when it was not.
          type: str
        legal:
          description: The worst answer of its checks.
          type: str
        checks:
          description: What it rests on. Of very many switches, only the first hundred have it, those not legal first.
          returned: of at most a hundred switches
          type: list
          elements: dict
          contains:
            name:
              description: >-
                The check. For Pegasus V(guard), V(fenced), V(held), V(positions), V(drained), V(order), V(in_time),
                V(switched) and V(target). For StarRocks V(guard), V(frozen), V(held), V(at_rest), V(tool_ended),
                V(drained), V(equal), V(order), V(in_time) and V(switched). For GreptimeDB V(moved), V(served) and
                V(emptied).
              type: str
            holds:
              description: One of V(yes), V(no) and V(unknown).
              type: str
            reason:
              description: What it is concluded from.
              type: str
problems:
  description: Everything that was noticed. The journal is valid when none of them is fatal.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: >-
        One of V(journal.not_a_journal), V(journal.chain_broken), V(journal.truncated), V(journal.other_migration),
        V(journal.empty), V(journal.torn), V(journal.acknowledged_entry_torn), V(journal.head_missing) and
        V(journal.clock_went_back).
      type: str
    msg:
      description: What is wrong, and what to do about it.
      type: str
    fatal:
      description: Whether it forbids to go on with the journal.
      type: bool
code:
  description: A stable code of what went wrong, such as V(journal.missing) or V(journal.not_accessible).
  returned: failure
  type: str
  sample: journal.missing
"""

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec, s3_options
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._journals.switches import judge_switches


def inspect(params: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """The result of the module. Raises MigrationError when there is nothing to inspect."""
    location = params["journal"]
    if not location:
        raise InvalidOption("journal", "it is missing", "Give the path or the s3:// location of a journal")
    view = Journal.read(location, s3=s3_options(params)).expecting(params["migration_id"] or "")
    first = view.entries[0] if view.entries else None
    return {
        "changed": False,
        "journal": location,
        "valid": view.valid,
        "entries": len(view.entries),
        "migration_id": view.migration_id,
        "engine": view.engine,
        "collection_version": str(first.data.get("collection_version", "")) if first else "",
        "first_at": first.at if first else "",
        "last_at": view.entries[-1].at if first else "",
        "phases": view.phases(),
        "pending": [
            {
                "id": entry.data.get("id"),
                "resource": entry.data.get("resource"),
                "action": entry.data.get("action"),
                "at": entry.at,
                "request": entry.data.get("request"),
            }
            for entry in view.pending()
        ],
        "repaired": view.repaired,
        "torn": view.torn,
        "head_missing": view.head_missing,
        "switch": judge_switches(view).as_result(),
        "problems": [problem.as_result() for problem in view.problems],
    }


def main() -> None:
    """Entry point of the module."""
    module = journal_spec().create_ansible_module(supports_check_mode=True)
    run(module, redactor_from(module.params), lambda: inspect(module.params))


if __name__ == "__main__":
    main()
