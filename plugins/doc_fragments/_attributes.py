# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""What every module says about check mode, diff mode, idempotency, its action group and its controller side."""

from __future__ import annotations


class ModuleDocFragment:
    # Every module extends this one and states `support` for each attribute, here or through the fragments below.
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: With C(check_mode), reports the changes that a real run would make, and sends none of them.
  diff_mode:
    description: With C(--diff), shows every changed resource before and after.
  idempotent:
    description: When the cluster is already in the wanted state, nothing is sent and nothing is reported as changed.
"""

    # For modules which only read.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module only reads.
  diff_mode:
    support: N/A
    details:
      - This module only reads.
  idempotent:
    support: full
    details:
      - This module only reads.
"""

    # For modules which take the connection options of GreptimeDB.
    ACTIONGROUP_GREPTIMEDB = r"""
options: {}
attributes:
  action_group:
    description: Takes defaults of C(group/dbops.migration.greptimedb) from C(module_defaults).
    support: full
    membership:
      - dbops.migration.greptimedb
"""

    # For modules which take the connection options of Pegasus.
    ACTIONGROUP_PEGASUS = r"""
options: {}
attributes:
  action_group:
    description: Takes defaults of C(group/dbops.migration.pegasus) from C(module_defaults).
    support: full
    membership:
      - dbops.migration.pegasus
"""

    # For modules which take the connection options of StarRocks.
    ACTIONGROUP_STARROCKS = r"""
options: {}
attributes:
  action_group:
    description: Takes defaults of C(group/dbops.migration.starrocks) from C(module_defaults).
    support: full
    membership:
      - dbops.migration.starrocks
"""

    # For modules that are followed from the controller.
    FLOW = r"""
options: {}
attributes:
  action:
    description: Has an action plugin that runs on the controller and shows progress.
  async:
    description: Can be run with the C(async) keyword.
"""
