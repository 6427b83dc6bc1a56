#!/usr/bin/python
# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: starrocks_config_file
author: dbops.migration contributors (!UNKNOWN)
version_added: 1.0.0
short_description: Put settings into fe.conf for the time of a migration, and take them out again
description:
  - Puts a marked block of settings at the end of C(fe.conf) (or C(be.conf), C(cn.conf)) on the host where the module
    runs, so that a restart in the middle of a migration does not forget them, and takes it out again afterwards. The
    rest of the file stays as it is, to the byte.
  - The server reads the file when it starts, so nothing changes before a restart. For what is in effect now, see
    M(dbops.migration.starrocks_frontend_config), which can also write the file itself (from 3.5 on), without access to
    the hosts; but nothing takes such a line out again.
  - The block tells by itself whether somebody has edited it. One that was edited is not taken out.
  - Run it on every frontend, since any of them can become the leader.
extends_documentation_fragment:
  - dbops.migration._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the settings in the block only. The file may hold secrets.
  idempotent:
    support: full
options:
  path:
    description:
      - The configuration file.
    type: path
    required: true
  settings:
    description:
      - The settings, a list of mappings with C(key) and C(value), or JSON text of one. Needed for O(state=present). The
        block then holds exactly these.
      - The last line of a key counts, so they override what stands elsewhere in the file.
      - Settings that hold secrets are refused.
    type: raw
  state:
    description:
      - Whether the block is there.
    type: str
    choices: [present, absent]
    default: present
  block:
    description:
      - The name of the block. Different migrations use different names.
    type: str
    default: migration
  force:
    description:
      - With O(state=absent), take the block out although somebody has edited it.
    type: bool
    default: false
  in_container:
    description:
      - Write the file although this is a container, because the file is on a volume that outlives it.
    type: bool
    default: false
seealso:
  - module: dbops.migration.starrocks_frontend_config
"""

EXAMPLES = r"""
- name: Keep compaction off on the target, whatever restarts
  dbops.migration.starrocks_config_file:
    path: /opt/starrocks/fe/conf/fe.conf
    block: lake
    settings:
      - key: lake_compaction_max_tasks
        value: 0

- name: Take it out again
  dbops.migration.starrocks_config_file:
    path: /opt/starrocks/fe/conf/fe.conf
    block: lake
    state: absent
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
former:
  description: The settings that were in the block, null if there was none.
  returned: success
  type: dict
edited:
  description: Whether somebody had edited the block.
  returned: success
  type: bool
kept:
  description: Whether the block was left where it is because somebody has edited it.
  returned: success
  type: bool
overridden:
  description: What the rest of the file says of the same keys, and what no longer counts.
  returned: success
  type: dict
code:
  description: Stable code of the error, such as C(option.invalid), C(starrocks.in_container) or
    C(starrocks.block_broken).
  returned: failure
  type: str
"""

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.module import run
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file import run_config_file
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import settings_redactor


def main() -> None:
    module = ArgumentSpec(
        {
            "path": {"type": "path", "required": True},
            "settings": {"type": "raw"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "block": {"type": "str", "default": "migration"},
            "force": {"type": "bool", "default": False},
            "in_container": {"type": "bool", "default": False},
        }
    ).create_ansible_module(supports_check_mode=True)
    run(module, settings_redactor(module.params), lambda: run_config_file(module))


if __name__ == "__main__":
    main()
