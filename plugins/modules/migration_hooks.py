#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_hooks
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Tell which of your task files belong to a phase of a migration
description:
  - Hooks are files with tasks of yours that the roles of this collection run at the edges of their phases. This module
    is what the roles ask for them. It checks all that are given, also those of other phases, so that a mistake comes
    to light at the first edge and not in the middle of a migration.
  - It looks on the controller, where the files are, and reads nothing but whether they are there.
extends_documentation_fragment:
  - dbops.migration._attributes
attributes:
  check_mode:
    support: full
    details:
      - It changes nothing.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It changes nothing.
options:
  phase:
    description:
      - The phase that is about to begin.
    type: str
    required: true
    choices: [preflight, plan, migrate, cutover, restore, rollback]
  phases:
    description:
      - The phases that there are for whoever gave O(hooks). The edges of others are refused, because nothing would ever
        run there. By default those that any engine has.
    type: list
    elements: str
    choices: [preflight, plan, migrate, cutover, restore, rollback]
    default: [preflight, plan, migrate, cutover, restore, rollback]
  hooks:
    description:
      - A mapping from edges to files, or JSON text of one. Edges are C(before_) and C(after_) with the name of a phase,
        such as C(before_cutover), and C(failed), which is run whenever a phase has failed.
      - Each file is an absolute path on the controller. An empty path counts as none.
    type: raw
    required: true
  option:
    description:
      - How O(hooks) is called by whoever gave them, for messages about mistakes.
    type: str
    default: hooks
seealso:
  - module: dbops.migration.migration_hook
"""

EXAMPLES = r"""
- name: See which files belong to the cutover
  dbops.migration.migration_hooks:
    phase: cutover
    hooks:
      before_cutover: /srv/automation/ask_the_change_calendar.yml
      failed: /srv/automation/page_the_team.yml
  register: hooks
"""

RETURN = r"""
before_file:
  description: The file that is run before the phase, empty if there is none.
  returned: success
  type: str
  sample: /srv/automation/ask_the_change_calendar.yml
after_file:
  description: The file that is run when the phase has ended well, empty if there is none.
  returned: success
  type: str
failed_file:
  description: The file that is run when the phase has failed, empty if there is none.
  returned: success
  type: str
code:
  description: Stable code of the error, V(option.invalid) or V(input.invalid).
  returned: failure
  type: str
"""
