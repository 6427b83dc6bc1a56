#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_journal_info
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Verify the journal of a migration
description:
  - Reads the journal of a migration, verifies it from the first entry to the last, and tells what it holds.
  - Works offline. No cluster is contacted, nothing is locked, and nothing is written.
  - A damaged journal is a result and no failure, so that a playbook can decide. Check RV(valid).
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
  description: Whether the side file with the last entry's mark is missing, as after copying the journal alone.
  returned: success
  type: bool
  sample: false
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
        "problems": [problem.as_result() for problem in view.problems],
    }


def main() -> None:
    """Entry point of the module."""
    module = journal_spec().create_ansible_module(supports_check_mode=True)
    run(module, redactor_from(module.params), lambda: inspect(module.params))


if __name__ == "__main__":
    main()
