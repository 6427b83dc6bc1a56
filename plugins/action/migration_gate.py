# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow the module of the same name, step by step."""

from __future__ import annotations

from ansible_collections.dbops.migration.plugins.plugin_utils._follow import FollowActionBase


class ActionModule(FollowActionBase):
    followed_module = "dbops.migration.migration_gate"
