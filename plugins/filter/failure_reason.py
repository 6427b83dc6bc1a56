# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: failure_reason
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Tell why a task failed, unless it must not be logged
description:
  - For the C(rescue) of a block that runs tasks of somebody else, where the reason goes on into a journal, a webhook or
    the message of another task. C(ansible_failed_result) holds what the task said also where that task has
    C(no_log=true), and Ansible hides it from nobody but the callbacks.
  - The reason of a task with C(no_log) is that it failed, and its name.
positional: no_log, name
options:
  _input:
    description: The result of the task, which is C(ansible_failed_result).
    type: dict
    required: true
  no_log:
    description:
      - The C(no_log) of the task, C(ansible_failed_task.no_log). Everything but a plain no counts as yes.
      - What depends on the item of a loop is undefined behind it, so give it as
        C(ansible_failed_task.no_log | default(true)).
    type: raw
    required: true
  name:
    description: How the task is called, for people.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Run the tasks of the operator
  block:
    - name: Run them
      ansible.builtin.include_tasks: /srv/automation/switch.yml
  rescue:
    - name: Tell why
      ansible.builtin.fail:
        msg: >-
          Your tasks failed: {{ ansible_failed_result | dbops.migration.failure_reason(
          ansible_failed_task.no_log | default(true), ansible_failed_task.name | default('')) }}
"""

RETURN = r"""
_value:
  description: The message of the task, empty if it has none; for a task with C(no_log) a sentence that names it.
  type: str
"""

import typing as t

_NO = ("", "false", "no", "off", "0", "n", "f")


def failure_reason(result: t.Any, no_log: t.Any, name: str = "") -> str:
    """The reason in words for people; nothing of the result where the task, or its result, must not be logged."""
    found = result if isinstance(result, t.Mapping) else {}
    if str(no_log).strip().lower() not in _NO or found.get("_ansible_no_log"):
        return f"A task with no_log failed: {name or 'it has no name'}"
    return str(found.get("msg") or "").strip()


class FilterModule:
    """The filters of this file, for Ansible."""

    def filters(self) -> t.Dict[str, t.Callable[..., t.Any]]:
        """By their names."""
        return {"failure_reason": failure_reason}
