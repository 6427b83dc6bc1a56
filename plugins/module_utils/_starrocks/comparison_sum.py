# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The comparison of two clusters, added up: one database after another, so that memory holds one at a time.

The same partitions give the same result to the last byte, in whatever order the servers send them.
"""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import Rules
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import (
    ABSENT,
    Catalog,
    Partition,
    Physical,
    Table,
)

MOST_DIFFERENCES = 1000
Sink = t.Callable[[str, t.Mapping[str, t.Any]], None]
"""Called with ``db.table`` and, by partition, [versions, epochs] of every partition that is equal."""


class Difference(t.NamedTuple):
    """One partition that is not equal. ``source`` and ``target``: as :func:`shown`, None where there is none.

    ``partition``: "" for a whole table that has none on the source and is not on the target.
    """

    database: str
    table: str
    partition: str
    verdict: str
    reason: str
    source: t.Optional[t.Mapping[str, t.Any]]
    target: t.Optional[t.Mapping[str, t.Any]]

    @property
    def subject(self) -> str:
        """For people."""
        return f"{self.database}.{self.table}" + (f"/{self.partition}" if self.partition else "")

    def as_result(self) -> t.Dict[str, t.Any]:
        """For results and the journal."""
        return dict(self._asdict())


class Renewed(t.NamedTuple):
    """A partition whose copy is of a former life of the source's (see ``comparison.RENEWED``).

    ``life``: the newest epoch of the source's, 0 where none is told.
    """

    table: str
    partition: str
    reason: str
    life: int


class Comparison:
    """Filled by ``add``, in the order of the databases' names.

    ``kept``: tables (``db.table``) whose partitions that only the target has were accepted; such partitions are no
    difference, and are not counted. ``target_only``: tables that only the target has; the tool leaves them alone unless
    told otherwise, so they are no difference either. ``digest``: of everything that was compared; ``source_digest``: of
    the source's partitions and their compared versions alone, which stays the same as long as nothing is written there.
    """

    def __init__(
        self,
        rules: Rules,
        sink: t.Optional[Sink] = None,
        most: int = MOST_DIFFERENCES,
        kept: t.Collection[str] = (),
    ) -> None:
        self.rules = rules
        self.counts = dict.fromkeys(cmp.VERDICTS, 0)
        self.databases: t.Dict[str, t.Dict[str, int]] = {}
        self.unequal_tables: t.Dict[str, t.Dict[str, int]] = {}
        self.differences: t.List[Difference] = []
        self.target_only: t.List[str] = []
        self.tables = 0
        self.not_copied: t.Dict[str, int] = {}
        """By table, its partitions that were never copied."""
        self.renewed: t.List[Renewed] = []
        """Partitions whose copies the tool drops before it copies them again."""
        self.extra: t.Dict[str, t.List[t.Tuple[str, str]]] = {}
        """By table, the partitions that only the target has, with the reason; also those that are kept."""
        self.kept = 0
        """How many of them are kept."""
        self._keeps = frozenset(kept)
        self._sink = sink
        self._most = most
        self._all = hashlib.sha256()
        self._source = hashlib.sha256()
        self._last = ""

    def add(self, source: Catalog, target: Catalog) -> None:
        """Compare what both sides have of some databases, which must sort behind those that were added before."""
        for database in sorted(set(source) | set(target)):
            if database <= self._last:
                raise ValueError(f"{database} comes after {self._last}")
            self._last = database
            ours, theirs = source.get(database, {}), target.get(database, {})
            for table in sorted(set(ours) | set(theirs)):
                if table not in ours:
                    self.target_only.append(f"{database}.{table}")
                    continue
                self._table(database, table, ours[table], theirs.get(table))

    def _table(self, database: str, table: str, ours: Table, there: t.Optional[Table]) -> None:
        counts = dict.fromkeys(cmp.VERDICTS, 0)
        equal: t.Dict[str, t.Any] = {}
        self.tables += 1
        theirs = there or {}
        if not ours:
            self._without_partitions(database, table, there is None, counts)
        for name in sorted(set(ours) | set(theirs)):
            source, target = ours.get(name), theirs.get(name)
            outcome = cmp.judge(source, target, self.rules)
            line = repr((database, table, name, outcome, source and source.physical, target and target.physical))
            self._all.update(line.encode("utf-8"))
            if outcome.verdict == cmp.EXTRA:
                self.extra.setdefault(f"{database}.{table}", []).append((name, outcome.reason))
                if f"{database}.{table}" in self._keeps:
                    self.kept += 1
                    continue
            counts[outcome.verdict] += 1
            versions = self._versions(source)
            if outcome.reason == cmp.NOT_COPIED:
                self.not_copied[f"{database}.{table}"] = self.not_copied.get(f"{database}.{table}", 0) + 1
            if source is not None and outcome.reason in cmp.RENEWED:
                life = max(0, *(one.epoch for one in source.physical))
                self.renewed.append(Renewed(f"{database}.{table}", name, outcome.reason, life))
            if source is not None:
                self._source.update(repr((database, table, name, versions)).encode("utf-8"))
            if outcome.verdict == cmp.EQUAL:
                equal[name] = versions
            elif len(self.differences) < self._most:
                self.differences.append(
                    Difference(database, table, name, outcome.verdict, outcome.reason, shown(source), shown(target))
                )
        if self._sink is not None and equal:
            self._sink(f"{database}.{table}", equal)
        if set(_filled(counts)) - {cmp.EQUAL}:
            self.unequal_tables[f"{database}.{table}"] = _filled(counts)
        here = self.databases.setdefault(database, {"tables": 0, **dict.fromkeys(cmp.VERDICTS, 0)})
        here["tables"] += 1
        for verdict, number in counts.items():
            here[verdict] += number
            self.counts[verdict] += number

    def _without_partitions(self, database: str, table: str, missing: bool, counts: t.Dict[str, int]) -> None:
        """Of a table without a partition on the source: it has to be there, and a missing one counts as one."""
        self._all.update(repr((database, table, missing)).encode("utf-8"))
        self._source.update(repr((database, table)).encode("utf-8"))
        if missing:
            counts[cmp.MISSING] += 1
            if len(self.differences) < self._most:
                self.differences.append(Difference(database, table, "", cmp.MISSING, cmp.NO_TABLE, None, None))

    def _versions(self, source: t.Optional[Partition]) -> t.List[int]:
        if source is None:
            return []
        rules = self.rules
        return sorted(cmp.compared_version(one, rules.source, rules.fallback) for one in source.physical)

    @property
    def partitions(self) -> int:
        """How many partitions were compared."""
        return sum(self.counts.values())

    @property
    def equal(self) -> bool:
        """Whether there is something, and all of it is equal."""
        return 0 < self.partitions == self.counts[cmp.EQUAL]

    @property
    def never_copied(self) -> t.Dict[str, int]:
        """By table, how many partitions still have their first copy before them: not there, or never filled there."""
        found = dict(self.not_copied)
        for table, counts in self.unequal_tables.items():
            missing = counts.get(cmp.MISSING, 0)
            if missing:
                found[table] = found.get(table, 0) + missing
        return dict(sorted(found.items()))

    @property
    def digest(self) -> str:
        """Of both sides and every verdict."""
        return self._all.hexdigest()

    @property
    def source_digest(self) -> str:
        """Of the source's partitions and versions."""
        return self._source.hexdigest()

    def worst(self, most: int = 5) -> t.List[str]:
        """Some partitions that are not equal, in words."""
        return [
            f"{one.subject} {one.verdict}{f' ({one.reason})' if one.reason else ''}"
            + (f": {_brief(one.source)} on the source, {_brief(one.target)} on the target" if one.source else "")
            for one in self.differences[:most]
        ]

    def as_result(self) -> t.Dict[str, t.Any]:
        """Stable: same partitions, same result, whatever order they came in and whenever it was."""
        return {
            "equal": self.equal,
            "tables": self.tables,
            "partitions": self.partitions,
            "counts": dict(self.counts),
            "databases": {name: dict(counts) for name, counts in self.databases.items()},
            "unequal_tables": {name: dict(counts) for name, counts in self.unequal_tables.items()},
            "differences": [one.as_result() for one in self.differences],
            "differences_left_out": self.partitions - self.counts[cmp.EQUAL] - len(self.differences),
            "not_copied": dict(self.not_copied),
            "target_only_tables": list(self.target_only),
            "rules": self.rules.as_result(),
            "digest": self.digest,
            "source_digest": self.source_digest,
        }


def shown(partition: t.Optional[Partition]) -> t.Optional[t.Dict[str, t.Any]]:
    """A partition as results show it; what the server does not tell is None."""
    if partition is None:
        return None
    return {"physical": [_shown(one) for one in partition.physical], "rows": partition.rows}


def _shown(one: Physical) -> t.Dict[str, t.Any]:
    return {
        "data_version": None if one.data == ABSENT else one.data,
        "visible_version": None if one.visible == ABSENT else one.visible,
        "version_epoch": None if one.epoch == ABSENT else one.epoch,
        "version_txn_type": one.txn_type or None,
    }


def _brief(partition: t.Optional[t.Mapping[str, t.Any]]) -> str:
    if partition is None:
        return "nothing"
    told = [one["data_version"] or one["visible_version"] for one in partition["physical"]]
    return "version " + ", ".join(str(one) for one in told)


def _filled(counts: t.Mapping[str, int]) -> t.Dict[str, int]:
    return {verdict: number for verdict, number in counts.items() if number}
