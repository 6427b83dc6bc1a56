#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_gate
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Wait until nobody holds what comes next, such as a cutover, and its window is open
description:
  - Waits while the O(control) text says C(pause) or C(postpone), while O(cutover_window) is closed, and with O(hold)
    until somebody says C(proceed). When none of that holds, it returns at once.
  - An C(abort) fails it with the code C(control.aborted).
  - A control text that cannot be read holds it too, because it may have been meant to.
  - With O(is_cutover=false) it is for work that goes on for hours or days, such as a copy. Then C(pause) and a text
    that cannot be read hold it, and an C(abort) fails it; what is said of the cutover is left for the cutover.
  - Tells what it waits for. It contacts no cluster and changes nothing; a journal that is there gets an entry for what
    is waited for, when that has ended or is given up, and for each wish that is acknowledged.
  - It does not look at forecasts. The modules that cut over look at control and window again, with the forecast, right
    before they refuse the first write.
extends_documentation_fragment:
  - dbops.migration._attributes
  - dbops.migration._attributes.flow
  - dbops.migration._control
  - dbops.migration._control.window
  - dbops.migration._journal
  - dbops.migration._follow
attributes:
  check_mode:
    support: full
    details:
      - Tells what it would wait for, does not wait, and writes nothing into the journal. An C(abort) fails it, as it
        would fail a real run.
  diff_mode:
    support: N/A
    details:
      - It changes nothing.
  idempotent:
    support: full
    details:
      - It changes nothing.
  action:
    support: full
  async:
    support: full
options:
  before:
    description:
      - What is held, as the subject of a sentence, for the lines that are shown.
    type: str
    default: the cutover
  goes_on:
    description:
      - What goes on although somebody said C(abort), for the message, such as C(the sync tool goes on).
        Empty if nothing does.
    type: str
    default: ''
  hold:
    description:
      - Whether to wait until the control text says C(proceed), as an approval does. It may say so before the gate is
        reached. Only for a cutover.
      - One that was written before an earlier cutover of the same O(journal) began was for that one, however it ended.
        It is waited for until the text is written anew, by hand or with M(dbops.migration.migration_control). Without
        a journal this is not known, and any C(proceed) counts.
    type: bool
    default: false
  is_cutover:
    description:
      - Whether a cutover comes next. With V(false) C(postpone) does not hold it, and O(hold) and O(cutover_window) are
        refused.
    type: bool
    default: true
  needed:
    description:
      - How long what comes may take. A window that closes earlier than that counts as closed.
      - When no window that is open or still opens is as long as that, the module fails with C(cutover.no_window) at
        once.
    type: str
    default: '0'
  timeout:
    description:
      - How long to wait at most. When it is over the module fails with C(deadline.expired), and says for what it was
        waiting.
      - When O(cutover_window) is closed and opens only after that, the module fails with C(cutover.no_window) at once,
        and says how long would do. Not with O(wait=false).
      - The same goes for a C(postpone) beyond that, or beyond the last window. The acknowledgement says so; the code is
        C(control.postponed) or C(cutover.no_window).
    type: str
    default: 24h
  poll_interval:
    description:
      - The pause between two looks. A control text on S3 is read every five seconds at most.
    type: str
    default: 1s
  wait:
    description:
      - Whether to wait. With V(false) the module looks once and returns RV(finished), for use with C(until).
    type: bool
    default: true
seealso:
  - module: dbops.migration.migration_control
"""

EXAMPLES = r"""
- name: Wait for the window, and for somebody who says proceed
  dbops.migration.migration_gate:
    journal: /var/lib/dbops/orders.jsonl
    cutover_window:
      - Sat 01:00-05:00 Europe/Berlin
    hold: true
    needed: 10m
    timeout: 7d

- name: Begin nothing while somebody says pause or abort
  dbops.migration.migration_gate:
    before: the copy
    is_cutover: false
    journal: /var/lib/dbops/orders.jsonl
"""

RETURN = r"""
finished:
  description: Whether nothing holds. V(false) only with O(wait=false). In check mode always V(true).
  returned: success
  type: bool
summary:
  description: What holds, or that nothing does.
  returned: always
  type: str
waits:
  description: What is waited for.
  returned: always
  type: list
  elements: dict
  contains:
    reason:
      description: >-
        Stable code, V(control.paused), V(control.postponed), V(control.held), V(control.unreadable) or
        V(window.closed).
      type: str
    waiting_for:
      description: What it waits for, in a sentence.
      type: str
    ends_when:
      description: What ends it.
      type: str
    since:
      description: Since when, ISO 8601.
      type: str
control:
  description: Where the wishes are kept, empty where none are asked for.
  returned: when it was looked at
  type: str
in_force:
  description: What is wished, as RV(dbops.migration.migration_control#module:in_force).
  returned: when it was looked at
  type: dict
follow:
  description: State for the next step. Only with O(wait=false).
  returned: when not finished
  type: dict
code:
  description: Stable code of the error, such as C(control.aborted), C(deadline.expired) or C(option.invalid).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.control_options import control_spec, window_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.gate_task import GateTask
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import journal_spec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import redactor_from, run


def main() -> None:
    spec = ArgumentSpec(
        {
            "before": {"type": "str", "default": "the cutover"},
            "goes_on": {"type": "str", "default": ""},
            "hold": {"type": "bool", "default": False},
            "is_cutover": {"type": "bool", "default": True},
            "needed": {"type": "str", "default": "0"},
            "timeout": {"type": "str", "default": "24h"},
            "poll_interval": {"type": "str", "default": "1s"},
            "wait": {"type": "bool", "default": True},
            "step_time": {"type": "str"},
            "follow": {"type": "raw"},
        }
    )
    spec.merge(control_spec()).merge(window_spec()).merge(journal_spec())
    module = spec.create_ansible_module(supports_check_mode=True)
    redactor = redactor_from(module.params)
    task = GateTask(module.params, module.check_mode, redactor, SystemClock())
    run(module, redactor, task.body, lambda: task.result)


if __name__ == "__main__":
    main()
