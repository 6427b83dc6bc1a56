# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the module of the same name, and show its steps."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_action import CutoverActionBase
from ansible_collections.dbops.migration.plugins.plugin_utils._cutover_words import PEGASUS


class ActionModule(CutoverActionBase):
    followed_module = "dbops.migration.pegasus_rehearsal"
    words = PEGASUS
