# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How the tables of the source are called on the target."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

LETTERS = re.compile(r"[A-Za-z0-9_.:]+", re.ASCII)
"""What the shell and the admin tools let through as a table's name; the meta server itself takes anything."""
ALLOWED = "Use letters, digits and the characters _ . : only"

_OPTION = "remote_tables"


def read_remote_names(value: t.Any, tables: t.Sequence[str], problems: t.List[InvalidOption]) -> t.Dict[str, str]:
    """The name on the target of each of ``tables``, from ``remote_tables``; what is wrong is added to ``problems``."""
    try:
        remote = {key: str(item) for key, item in as_mapping(value, _OPTION).items()}
    except InvalidOption as problem:
        problems.append(problem)
        remote = {}
    strangers = sorted(set(remote) - set(tables))
    if strangers:
        problems.append(
            InvalidOption(_OPTION, f"{', '.join(strangers)} is not in tables", "Name tables of the source on the left")
        )
    problems.extend(
        InvalidOption(_OPTION, f"{name!r} is not a table name", ALLOWED)
        for name in sorted(set(remote.values()))
        if not LETTERS.fullmatch(name)
    )
    found = {table: remote.get(table, table) for table in tables}
    names = list(found.values())
    problems.extend(
        InvalidOption(_OPTION, f"two tables would go into {name}", "Give each its own name on the target")
        for name in sorted({name for name in names if names.count(name) > 1})
    )
    return found
