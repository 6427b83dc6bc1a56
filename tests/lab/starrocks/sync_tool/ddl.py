# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements that make the target's databases, tables and partitions like the source's, as pure functions."""

from __future__ import annotations

import re
import typing as t

from .model import Catalog, Ddl, Meta, schema
from .settings import Settings

Warn = t.Callable[[str], None]
BUILTIN = "builtin_storage_volume"
_PROPERTY = '"%s" = "[^"]*"'


def statements(source: Catalog, target: Catalog, settings: Settings, warn: Warn) -> t.List[Ddl]:
    """All that is to be done now, in order."""
    new = [name for name in source.databases if name not in target.databases and settings.selects(name)]
    found = [Ddl(name, "CREATE DATABASE IF NOT EXISTS `%s`" % name) for name in new]
    for (database, table), meta in source.tables.items():
        mine = target.tables.get((database, table))
        if mine is None:
            found.append(Ddl("%s.%s" % (database, table), create_table(meta, target, settings)))
        elif schema(meta) != schema(mine):
            found += _schema_change(meta, target, settings, warn)
        else:
            found += _partitions(meta, mine, settings, warn)
            found += _indexes(meta, mine, settings)
            found += _properties(meta, mine, target, settings)
    found += _views(source, target, settings)
    return found + _target_only(source, target, settings)


def create_table(meta: Meta, target: Catalog, settings: Settings) -> str:
    """SHOW CREATE TABLE of the source with the properties that the target needs."""
    text = str(meta["create"]).replace(
        "CREATE TABLE `%s`" % meta["table"],
        "CREATE TABLE IF NOT EXISTS `%s`.`%s`" % (meta["database"], meta["table"]),
        1,
    )
    replicas = settings.number("target_cluster_replication_num", -1)
    if replicas > 0:
        text = _set(text, "replication_num", str(replicas))
    text = _remove(text, "storage_volume")
    if target.run_mode == "shared_data":
        volume = meta["storage_volume"]
        if settings.flag("target_cluster_use_builtin_storage_volume_only", False):
            volume = BUILTIN
        elif settings.text("target_cluster_storage_volume"):
            volume = settings.text("target_cluster_storage_volume")
        if volume:
            text = _set(text, "storage_volume", volume)
        text = text.replace('"persistent_index_type" = "LOCAL"', '"persistent_index_type" = "CLOUD_NATIVE"')
    else:
        text = _remove(text, "datacache.enable")
    if settings.text("target_cluster_enable_persistent_index"):
        text = _set(text, "enable_persistent_index", settings.text("target_cluster_enable_persistent_index"))
    if not settings.flag("enable_bitmap_index_sync", False):
        text = re.sub(r",\n  INDEX `[^`]*` \([^)]*\) USING BITMAP COMMENT '[^']*'", "", text)
    return text.rstrip().rstrip(";")


def _set(text: str, key: str, value: str) -> str:
    line = '"%s" = "%s"' % (key, value)
    pattern = _PROPERTY % re.escape(key)
    if re.search(pattern, text):
        return re.sub(pattern, lambda found: line, text)
    return text.replace("PROPERTIES (\n", "PROPERTIES (\n%s,\n" % line, 1)


def _remove(text: str, key: str) -> str:
    line = _PROPERTY % re.escape(key)
    return re.sub(r",\n%s|%s,\n" % (line, line), "", text)


def _schema_change(meta: Meta, target: Catalog, settings: Settings, warn: Warn) -> t.List[Ddl]:
    name = "%s.%s" % (meta["database"], meta["table"])
    if not settings.flag("ddl_job_allow_drop_schema_change_table", True):
        warn("Table %s has inconsistent schema, and drop is not allowed" % name)
        return []
    warn("Table %s has inconsistent schema, drop and create it" % name)
    return [
        Ddl(name, "DROP TABLE IF EXISTS `%s`.`%s` FORCE" % (meta["database"], meta["table"])),
        Ddl(name, create_table(meta, target, settings)),
    ]


def _partitions(meta: Meta, mine: Meta, settings: Settings, warn: Warn) -> t.List[Ddl]:
    if not meta["partition_column"]:
        return []
    name = "%s.%s" % (meta["database"], meta["table"])
    alter = "ALTER TABLE `%s`.`%s` " % (meta["database"], meta["table"])
    theirs = {p["name"]: p for p in meta["partitions"]}
    ours = {p["name"]: p for p in mine["partitions"]}
    dropped: t.List[str] = []
    for other in ours:
        if other not in theirs:
            if settings.flag("ddl_job_allow_drop_partition_target_only", True):
                dropped.append(other)
            else:
                warn("Partition %s.%s exists only in the target cluster" % (name, other))
    for other in [n for n in theirs if n in ours]:
        a, b = theirs[other], ours[other]
        moved = (a["lower"], a["upper"], a["buckets"]) != (b["lower"], b["upper"], b["buckets"])
        # A partition that was made anew on the source: older data than the copy, under a newer epoch of the source.
        renewed = a["data_version"] < b["data_version"] and a["version_epoch"] > b["version_epoch"]
        allowed = settings.flag("ddl_job_allow_drop_inconsistent_partition", True)
        allowed_time = settings.flag("ddl_job_allow_drop_inconsistent_time_partition", True)
        if (moved and allowed) or (renewed and allowed_time):
            dropped.append(other)
        elif moved or renewed:
            warn("Partition %s.%s is inconsistent" % (name, other))
    found = [Ddl(name, alter + "DROP PARTITION IF EXISTS `%s` FORCE" % other) for other in dropped]
    for other, p in theirs.items():
        if other not in ours or other in dropped:
            text = 'ADD PARTITION IF NOT EXISTS `%s` VALUES [("%s"), ("%s"))' % (other, p["lower"], p["upper"])
            found.append(Ddl(name, alter + text))
    return found


def _indexes(meta: Meta, mine: Meta, settings: Settings) -> t.List[Ddl]:
    if not settings.flag("enable_bitmap_index_sync", False):
        return []
    name = "%s.%s" % (meta["database"], meta["table"])
    alter = "ALTER TABLE `%s`.`%s` " % (meta["database"], meta["table"])
    found = []
    for index, (kind, *columns) in meta["indexes"].items():
        if kind == "BITMAP" and index not in mine["indexes"]:
            text = "ADD INDEX `%s` (%s) USING BITMAP" % (index, ", ".join("`%s`" % c for c in columns))
            found.append(Ddl(name, alter + text))
    if settings.flag("ddl_job_allow_drop_bitmap_index_target_only", True):
        found += [Ddl(name, alter + "DROP INDEX `%s`" % i) for i in mine["indexes"] if i not in meta["indexes"]]
    return found


def _properties(meta: Meta, mine: Meta, target: Catalog, settings: Settings) -> t.List[Ddl]:
    if not settings.flag("enable_table_property_sync", False):
        return []
    name = "%s.%s" % (meta["database"], meta["table"])
    alter = "ALTER TABLE `%s`.`%s` SET " % (meta["database"], meta["table"])
    kept = {"persistent_index_type", "enable_persistent_index"}
    if target.run_mode != "shared_data":
        kept.add("datacache.enable")
    wanted = {k: v for k, v in meta["properties"].items() if k not in kept and mine["properties"].get(k) != v}
    return [Ddl(name, alter + '("%s" = "%s")' % item) for item in wanted.items()]


def _views(source: Catalog, target: Catalog, settings: Settings) -> t.List[Ddl]:
    found = []
    kinds = (("view", "views", "VIEW", " AS "), ("materialized_view", "materialized_views", "MATERIALIZED VIEW", None))
    for key, field, word, joint in kinds:
        if not settings.flag("enable_%s_sync" % key, False):
            continue
        for database, data in source.databases.items():
            if not settings.selects(database):
                continue
            mine = target.databases.get(database, {}).get(field, {})
            for name, definition in data[field].items():
                full = "`%s`.`%s`" % (database, name)
                if name in mine and mine[name] != definition:
                    if settings.flag("ddl_job_allow_drop_inconsistent_%s" % key, True):
                        found.append(Ddl(full, "DROP %s IF EXISTS %s" % (word, full)))
                    else:
                        continue
                elif name in mine:
                    continue
                joined = joint or " REFRESH ASYNC AS "
                found.append(Ddl(full, "CREATE %s IF NOT EXISTS %s%s%s" % (word, full, joined, definition)))
            if settings.flag("ddl_job_allow_drop_%s_target_only" % key, False):
                for name in mine:
                    if name not in data[field]:
                        full = "`%s`.`%s`" % (database, name)
                        found.append(Ddl(full, "DROP %s IF EXISTS %s" % (word, full)))
    return found


def _target_only(source: Catalog, target: Catalog, settings: Settings) -> t.List[Ddl]:
    if not settings.flag("ddl_job_allow_drop_target_only", False):
        return []
    found = []
    for database, data in target.databases.items():
        if database not in source.databases:
            if settings.selects(database):
                found.append(Ddl(database, "DROP DATABASE IF EXISTS `%s` FORCE" % database))
            continue
        for table in data["tables"]:
            if table not in source.databases[database]["tables"] and settings.selects(database, table):
                sql = "DROP TABLE IF EXISTS `%s`.`%s` FORCE" % (database, table)
                found.append(Ddl("%s.%s" % (database, table), sql))
    return found
