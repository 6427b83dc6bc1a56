# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules load only when there is something to do, for processes whose forks are to find all of it loaded."""

from __future__ import annotations

import importlib
import sys
import types

CALL, TASK = "_call", "_task"
PRODUCT = "ansible_collections.dbops.migration.plugins.module_utils."


def load_whole(name: str) -> types.ModuleType:
    """A module with everything: a `<noun>_call` that was loaded loads its `<noun>_task` only where it needs it."""
    module = importlib.import_module(name)
    for loaded in list(sys.modules):
        if loaded.startswith(PRODUCT) and loaded.endswith(CALL):
            importlib.import_module(loaded[: -len(CALL)] + TASK)
    return module
