#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_report
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Write the report of a migration as one HTML page
description:
  - Reads the journal of a migration and writes one HTML page that needs nothing else, to be attached to a change
    ticket.
  - "The page begins with the verdict, what is left to do and the key figures: what moved or was cut over, how long
    that took beside what was forecast or possible, how long writes were refused, and whether the switch was legal."
  - "Below follow the whole migration on one time axis (runs, waits, the span in which writes were refused, changed
    settings, wishes of the operator, hooks and notifications), the steps of each cutover, and what the switch rests
    on, check by check and partition by partition. Then progress, lag, load, failures with the server's own words,
    findings and who accepted them until when, settings as found, as set and as they are now, plan and outcome,
    waits, retries, proofs, the way back, and the verification of the journal."
  - A verdict is never good when the journal does not prove that the switch was legal. See
    M(dbops.migration.migration_journal_info) for the same answer as data.
  - The page is for screens (light and dark, wide and narrow), paper and keyboards. It loads nothing, and stays within
    2 MB with 10,000 tables; what has no room is counted and stands in the journal.
  - Nothing but what the journal and O(extra) hold goes in. Secrets are not in the journal, and are masked here again.
  - Works offline and at any time, also while a migration runs or after it was interrupted. No cluster is contacted.
  - The same journal gives the same bytes. Times are those of the journal.
  - A damaged journal gives a report too, of the entries before the damage, which says so at its top.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._journal
attributes:
  check_mode:
    support: full
    details:
      - Writes nothing and returns what a real run would return.
  diff_mode:
    support: partial
    details:
      - Shows size and checksum of both pages and the new summary, since the difference of two pages is not for people.
  idempotent:
    support: full
    details:
      - While the journal is the same, the page is the same and nothing is written.
options:
  journal:
    description:
      - The journal to report on, a path on the host where the module runs, or V(s3://bucket/prefix).
      - Nothing is made when there is none. The module fails with the code V(journal.missing) then.
      - When not given, the environment variable E(DBOPS_MIGRATION_JOURNAL) is used. One of both is needed.
  migration_id:
    description:
      - When given, a journal of another migration is refused with the code V(journal.other_migration).
      - When not given, the environment variable E(DBOPS_MIGRATION_ID) is used.
  dest:
    description:
      - Where the page is written, on the host where the module runs. The folder must exist.
      - In a folder, the page is named after the migration, such as V(drain-datanode-1.html).
    type: path
    required: true
  title:
    description:
      - The heading of the page. By default, the migration's id.
    type: str
  extra:
    description:
      - Figures that were measured outside, such as what a client with a ledger of its writes has seen, as keys and
        values. They are shown apart from what the journal holds. A JSON text is accepted too.
      - C(acknowledged_writes_lost) is shown among the key figures; anything but 0 is a bad verdict.
    type: raw
seealso:
  - module: dbops.migration.migration_journal_info
"""

EXAMPLES = r"""
- name: Write the report of a migration
  dbops.migration.migration_report:
    journal: /var/lib/migration/drain-datanode-1.jsonl
    dest: /var/www/reports/
  register: report

- name: Show its summary
  ansible.builtin.debug:
    msg: "{{ report.summary.lines }}"

- name: Report on a journal on S3, with what the clients have seen
  dbops.migration.migration_report:
    journal: s3://migrations/drain-datanode-1
    dest: /tmp/drain-datanode-1.html
    title: CHG-4711, drain of datanode 1
    extra:
      acknowledged_writes_lost: 0
      acknowledged_writes: 184233
"""

RETURN = r"""
path:
  description: Where the page is.
  returned: success
  type: str
  sample: /var/www/reports/drain-datanode-1.html
size:
  description: Its size in bytes.
  returned: success
  type: int
  sample: 74163
migration_id:
  description: The migration that the journal belongs to, empty when it holds no entry.
  returned: success
  type: str
  sample: drain-datanode-1
summary:
  description: What the page says first.
  returned: success
  type: dict
  contains:
    verdict:
      description: How the migration stands, in one or two sentences.
      type: str
      sample: All 60 regions moved, each proved on its target.
    state:
      description: >-
        V(good) when all is done, V(care) when something is left to do, V(bad) when something went wrong, V(plain) when
        nothing was moved yet.
      type: str
      sample: good
    left_to_do:
      description: What a person has to do, most pressing first.
      type: list
      elements: str
    lines:
      description: Verdict, key figures and what is left to do as lines of text.
      type: list
      elements: str
code:
  description: A stable code of what went wrong, such as V(journal.missing) or V(report.not_writable).
  returned: failure
  type: str
  sample: journal.missing
"""

import hashlib
import os
import re
import tempfile
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec, s3_options
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.report.fold import fold
from ansible_collections.dbops.migration.plugins.module_utils._core.report.page import page
from ansible_collections.dbops.migration.plugins.module_utils._core.report.records import Report, Verification
from ansible_collections.dbops.migration.plugins.module_utils._core.report.tiles import summary_lines
from ansible_collections.dbops.migration.plugins.module_utils._core.report.verdict import verdict
from ansible_collections.dbops.migration.plugins.module_utils._journals.switches import judge_switches
from ansible_collections.dbops.migration.plugins.module_utils._journals.words import WORDS

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# With these problems there is nothing to report on.
_FATAL = frozenset(("journal.not_a_journal", "journal.other_migration"))


def read_report(params: t.Mapping[str, t.Any], redactor: Redactor) -> Report:
    """The report of the journal that the options name. Raises MigrationError."""
    if not params["journal"]:
        raise InvalidOption("journal", "it is missing", "Give the path or the s3:// location of a journal")
    extra = redactor.mask(as_mapping(params["extra"], "extra"))
    view = Journal.read(params["journal"], s3=s3_options(params)).expecting(params["migration_id"] or "")
    for problem in view.problems:
        if problem.code in _FATAL:
            raise problem.error()
    fatal = [problem.message for problem in view.problems if problem.fatal and problem.code != "journal.empty"]
    verification = Verification(
        valid=not fatal,
        entries=len(view.entries),
        last_hash=view.entries[-1].hash if view.entries else "",
        problem=" ".join(fatal),
        remarks=tuple(problem.message for problem in view.problems if not problem.fatal),
    )
    entries = [entry._replace(data=redactor.mask(entry.data)) for entry in view.entries]
    return fold(entries, verification, WORDS.get(view.engine), extra, judge_switches(view))


def path_for(dest: str, report: Report) -> str:
    """The page's path. InvalidOption when its folder is not there."""
    if os.path.isdir(dest) or dest.endswith(os.sep):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", report.migration_id).strip(".-")[:120]
        dest = os.path.join(dest, (name or "migration") + ".html")
    folder = os.path.dirname(os.path.abspath(dest))
    if not os.path.isdir(folder):
        raise InvalidOption("dest", f"the folder {folder} does not exist", "Make it, or give a path in one that exists")
    return dest


def write(module: AnsibleModule, redactor: Redactor) -> t.Dict[str, t.Any]:
    """The body of the module. Raises MigrationError."""
    report = read_report(module.params, redactor)
    path = path_for(module.params["dest"], report)
    content = page(report, redactor.mask(module.params["title"] or "")).encode("utf-8")
    judged = verdict(report)
    lines = summary_lines(report)
    try:
        before = _read(path)
        changed = before != content
        if changed and not module.check_mode:
            _replace(module, path, content)
    except OSError as error:
        raise MigrationError(
            "report.not_writable", f"{path}: the report cannot be written ({error}). Give a dest that can be."
        ) from error
    return {
        "changed": changed,
        "path": path,
        "size": len(content),
        "migration_id": report.migration_id,
        "summary": {
            "verdict": lines[0],
            "state": judged.tone,
            "left_to_do": list(judged.todo),
            "lines": lines,
        },
        "diff": {
            "before_header": path,
            "after_header": path,
            "before": _told(before) if changed else "",
            "after": _told(content) + "".join(f"{line}\n" for line in lines) if changed else "",
        },
    }


def _read(path: str) -> t.Optional[bytes]:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _replace(module: AnsibleModule, path: str, content: bytes) -> None:
    """Put the whole page in place at once: a reader never sees half of one."""
    handle, temporary = tempfile.mkstemp(dir=module.tmpdir)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    move: t.Any = module.atomic_move  # it has no annotations
    move(temporary, path)


def _told(content: t.Optional[bytes]) -> str:
    if content is None:
        return ""
    return f"{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}\n"


def main() -> None:
    """Entry point of the module."""
    own = ArgumentSpec(
        {
            "dest": {"type": "path", "required": True},
            "title": {"type": "str"},
            "extra": {"type": "raw"},
        }
    )
    module = journal_spec().merge(own).create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    run(module, redactor, lambda: write(module, redactor))


if __name__ == "__main__":
    main()
