# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private: it may change in any release.
"""Where the sync tool's log is. Must stay in step with module_utils/_starrocks/tool_log_options.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  log_file:
    description:
      - The log of the sync tool, an absolute path, if it is not C(log/sync.INFO.log) or C(logs/sync.INFO.log) in the
        folder of the tool. Set it where the tool's own configuration writes the log elsewhere.
      - Without it, a log that is elsewhere is not found, and a tool that works well counts as not started or as stale.
    type: path
  log_utc_offset:
    description:
      - The zone of the times in the log, such as V(+08:00) or V(UTC). The default is the one of the host where the
        module runs.
      - The log itself tells no zone. With a wrong one its reports look too old, or of the future, and a tool that works
        well counts as stale.
    type: str
"""
