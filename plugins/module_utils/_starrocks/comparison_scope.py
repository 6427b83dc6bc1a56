# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which databases and tables are compared: the same two lists that the sync tool takes (``include_data_list``, ...)."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import SYSTEM_DATABASES


@dataclasses.dataclass(frozen=True)
class Scope:
    """Entries are ``db`` or ``db.table``; an empty ``include`` takes everything, ``exclude`` is applied after it."""

    include: t.FrozenSet[str] = frozenset()
    exclude: t.FrozenSet[str] = frozenset()

    def takes(self, database: str, table: str) -> bool:
        """Whether this table is compared."""
        if database in SYSTEM_DATABASES:
            return False
        full = f"{database}.{table}"
        if self.include and database not in self.include and full not in self.include:
            return False
        return database not in self.exclude and full not in self.exclude

    def touches(self, database: str) -> bool:
        """Whether any table of this database may be compared."""
        if database in SYSTEM_DATABASES or database in self.exclude:
            return False
        return not self.include or any(one.partition(".")[0] == database for one in self.include)

    def limits(self, database: str) -> bool:
        """Whether some tables of a database that it touches may be left out."""
        return any(one.startswith(f"{database}.") for one in self.include | self.exclude)

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results and the journal."""
        return {"include": sorted(self.include), "exclude": sorted(self.exclude)}


def read_scope(params: t.Mapping[str, t.Any]) -> Scope:
    """The scope of a module's parameters. InvalidOption for an entry that names neither a database nor a table."""
    return Scope(_entries(params, "include_data_list"), _entries(params, "exclude_data_list"))


def _entries(params: t.Mapping[str, t.Any], option: str) -> t.FrozenSet[str]:
    found = [str(one).strip() for one in as_list(params.get(option), option)]
    for one in found:
        database, dot, table = one.partition(".")
        if not database or (dot and not table) or "." in table:
            raise InvalidOption(option, f"{one!r} is not a database or a table", "Give entries like db1 or db2.table2")
    return frozenset(found)
