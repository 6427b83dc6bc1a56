#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_soak
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Wait until what was moved has served for long enough
description:
  - Waits, and tells in steps how long is left, and before what. A step is a fifth of what is left, from 5
    seconds to 5 minutes.
  - It keeps nothing, so it can be broken off at any time. Give it what is left by the journal of the migration, as in
    the example, and a run that begins again waits for no more than that.
  - It waits on the controller and holds no connection.
extends_documentation_fragment:
  - dbops.migration._attributes
attributes:
  check_mode:
    support: full
    details:
      - Tells how long it would wait, and does not.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It changes nothing. When no time is left it returns at once.
options:
  subject:
    description:
      - What soaks, for the lines that are shown.
    type: str
    required: true
  before:
    description:
      - What is done when the time is over, as a clause, for the line that is shown first.
    type: str
    required: true
  time_left:
    description:
      - How long is left, in seconds or with a unit. With V(0) nothing is waited for, and nothing is shown.
    type: str
    required: true
seealso:
  - module: dbops.migration.pegasus_table_info
"""

EXAMPLES = r"""
- name: See how long the tables have been cut over
  dbops.migration.pegasus_table_info:
    meta_servers: [meta-0.example.com:34601, meta-1.example.com:34601]
    target_meta_servers: [new-meta-0.example.com:34601, new-meta-1.example.com:34601]
    tables: [orders]
    journal: /var/lib/dbops/orders.jsonl
    soak_time: 2d
  register: standing

- name: Wait for what is left of two days
  dbops.migration.migration_soak:
    subject: orders
    before: the old table is dropped
    time_left: "{{ standing.soak_left }}"
"""

RETURN = r"""
until:
  description: When the time is over.
  returned: success
  type: str
  sample: "2026-11-21T03:14:00.123Z"
waited:
  description: For how many seconds it has waited. 0 in check mode.
  returned: success
  type: float
code:
  description: Stable code of the error, C(option.invalid).
  returned: failure
  type: str
"""
