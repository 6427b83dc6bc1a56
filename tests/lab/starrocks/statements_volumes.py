# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage volumes: CREATE, ALTER, DROP, DESC, SHOW, SET ... AS DEFAULT (facts 3)."""

from __future__ import annotations

import json
import typing as t

from lab.mysql_packets import ResultSet
from lab.starrocks import columns, volume_rules
from lab.starrocks.accounts import SYSTEM, VOLUME
from lab.starrocks.errors import SqlError, analyzing_error
from lab.starrocks.sql_expr import like
from lab.starrocks.state import StorageVolume
from lab.starrocks.statements import Call, Statement, flag, table

if t.TYPE_CHECKING:
    from lab.starrocks.front import Front

_IMMUTABLE = (volume_rules.PREFIX_ENABLED, volume_rules.PREFIX_COUNT)
ENABLED = "enabled"


class VolumeStatements:
    """They work in both run modes. Nothing looks whether a bucket is there or a key fits."""

    def __init__(self, front: Front) -> None:
        self._front = front

    @property
    def _volumes(self) -> dict[str, StorageVolume]:
        return self._front.cluster.storage_volumes

    def statements(self) -> t.Iterable[Statement]:
        """From 3.1 on."""
        if not self._front.profile.storage_volumes:
            return
        for verb, run in (("CREATE", self._create), ("ALTER", self._alter), ("DROP", self._drop)):
            yield Statement((verb, "STORAGE", "VOLUME"), run, mutating=True, forwarded=True)
        yield Statement(("DESC", "STORAGE", "VOLUME"), self._describe)
        yield Statement(("DESCRIBE", "STORAGE", "VOLUME"), self._describe)
        yield Statement(("SHOW", "STORAGE", "VOLUMES"), self._show)

    def _find(self, name: str) -> StorageVolume:
        if name not in self._volumes:
            raise SqlError("Storage volume '%s' does not exist" % name)
        return self._volumes[name]

    async def _create(self, call: Call) -> ResultSet:
        cursor, profile = call.cursor, self._front.profile
        if_not_exists = cursor.words("IF", "NOT", "EXISTS")
        name = cursor.name_or_text()
        cursor.expect_words("TYPE")
        cursor.expect_symbol("=")
        kind = cursor.name()
        cursor.expect_words("LOCATIONS")
        cursor.expect_symbol("=")
        cursor.expect_symbol("(")
        locations = [cursor.string()]
        while cursor.symbol(","):
            locations.append(cursor.string())
        cursor.expect_symbol(")")
        comment = cursor.string() if cursor.words("COMMENT") else ""
        properties = cursor.pairs() if cursor.words("PROPERTIES") else {}
        cursor.end()
        volume_rules.check_name(name)
        if name == volume_rules.BUILTIN:
            text = "%s is a reserved storage volume name, please choose a different name for the storage volume"
            raise SqlError(text % name)
        kind = volume_rules.check_type(profile, kind)
        volume_rules.check_locations(kind, locations)
        enabled = volume_rules.parse_boolean(properties.pop(ENABLED, "true"))
        params = volume_rules.kept_params(profile, kind, properties)
        volume_rules.check_prefix(name, locations, properties)
        call.rights.demand("CREATE STORAGE VOLUME", SYSTEM)
        if name in self._volumes:
            if if_not_exists:
                return ResultSet()
            raise SqlError("Storage volume '%s' already exists" % name)
        number = self._front.cluster.new_id()
        self._volumes[name] = StorageVolume(number, name, kind, locations, params, enabled, comment)
        return ResultSet()

    async def _alter(self, call: Call) -> ResultSet:
        cursor = call.cursor
        name = cursor.name_or_text()
        properties: dict[str, str] = {}
        comment: str | None = None
        while True:
            if cursor.words("SET"):
                properties.update(cursor.pairs())
            elif cursor.words("COMMENT"):
                cursor.expect_symbol("=")
                comment = cursor.string()
            else:
                raise cursor.error()
            if not cursor.symbol(","):
                break
        cursor.end()
        for key in _IMMUTABLE:
            if key in properties:
                raise SqlError("Storage volume property '%s' is immutable!" % key)
        call.rights.demand("ALTER", VOLUME, name)
        volume = self._find(name)
        enabled = volume.enabled
        if ENABLED in properties:
            enabled = volume_rules.parse_boolean(properties.pop(ENABLED))
            if not enabled and name == self._front.cluster.default_volume:
                raise SqlError("Default volume can not be disabled")
        if properties:
            volume.params = volume_rules.kept_params(self._front.profile, volume.type, {**volume.params, **properties})
        volume.enabled = enabled
        if comment is not None:
            volume.comment = comment
        return ResultSet()

    async def _drop(self, call: Call) -> ResultSet:
        cursor = call.cursor
        if_exists = cursor.words("IF", "EXISTS")
        name = cursor.name_or_text()
        cursor.end()
        if if_exists and name not in self._volumes:
            return ResultSet()
        call.rights.demand("DROP", VOLUME, name)
        self._find(name)
        if name == self._front.cluster.default_volume:
            raise SqlError("default storage volume can not be removed")
        databases, tables = self._references(name)
        if databases or tables:
            text = "Storage volume '%s' is referenced by dbs or tables, dbs: [%s], tables: [%s]"
            raise SqlError(text % (name, ", ".join(map(str, databases)), ", ".join(map(str, tables))))
        del self._volumes[name]
        return ResultSet()

    def _references(self, name: str) -> tuple[list[int], list[int]]:
        """Ids of databases and tables in a volume, those in the recycle bin included."""
        cluster = self._front.cluster
        databases = [database.id for database in cluster.databases.values() if database.storage_volume == name]
        tables = [found.id for _database, found in cluster.tables() if found.storage_volume == name]
        tables += [recycled.table.id for recycled in cluster.recycled_tables if recycled.table.storage_volume == name]
        return databases, tables

    async def _describe(self, call: Call) -> ResultSet:
        name = call.cursor.name_or_text()
        call.cursor.end()
        if name not in self._volumes:
            raise analyzing_error("Unknown storage volume: %s" % name)
        call.rights.demand("", VOLUME, name)
        volume = self._volumes[name]
        params = json.dumps(volume_rules.masked(self._front.profile, volume.params), separators=(",", ":"))
        default = flag(name == self._front.cluster.default_volume)
        locations = ", ".join(volume.locations)
        row = (name, volume.type, default, locations, params, flag(volume.enabled), volume.comment)
        return table(columns.VOLUME, [row])

    async def _show(self, call: Call) -> ResultSet:
        cursor = call.cursor
        matches: t.Callable[[str], bool] = lambda text: True
        if cursor.words("LIKE"):
            matches = like(cursor.string())
        cursor.end()
        names = [name for name in self._volumes if matches(name) and call.rights.may("", VOLUME, name)]
        return table(("Storage Volume",), [(name,) for name in names])

    def set_default(self, call: Call, name: str) -> None:
        """SET name AS DEFAULT STORAGE VOLUME."""
        call.rights.demand("ALTER", VOLUME, name)
        if not self._find(name).enabled:
            raise SqlError("Storage volume '%s' is disabled" % name)
        self._front.cluster.default_volume = name
