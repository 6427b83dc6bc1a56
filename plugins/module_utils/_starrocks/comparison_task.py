# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the comparison module: both clusters read and compared, nothing changed."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool, as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison_findings as cf
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_live import compare_clusters
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope, read_scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import MOST_DIFFERENCES
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_tables import TableReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import (
    ForeignWrites,
    TransactionReader,
    find_foreign,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import (
    TARGET,
    connection_argument_spec,
    source_and_target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_choice import (
    Key,
    Sampler,
    detection_result,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sample_counts import (
    count_sample,
    told_from_loads,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.two_clusters import require_two_clusters

_LARGEST_SAMPLE = 10000


def comparison_argument_spec() -> ArgumentSpec:
    """All options of the module."""
    spec = ArgumentSpec(
        {
            "include_data_list": {"type": "raw"},
            "exclude_data_list": {"type": "raw"},
            "max_differences": {"type": "int", "default": MOST_DIFFERENCES},
            "transactions": {"type": "bool", "default": True},
            "sample": {"type": "int", "default": 0},
            "sample_seed": {"type": "str", "default": ""},
            "checksum": {"type": "bool", "default": False},
        }
    )
    return spec.merge(connection_argument_spec()).merge(connection_argument_spec(TARGET))


class ComparisonTask:
    """``body`` returns the module's result."""

    def __init__(self, params: t.Mapping[str, t.Any], redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._redactor = redactor
        self._clock = clock

    def body(self) -> t.Dict[str, t.Any]:
        """Compare. MigrationError when a cluster cannot be read; differences are results and no errors."""
        params = self._params
        source_connection, target_connection = source_and_target(params)
        scope = read_scope(params)
        most = as_int(params["max_differences"], "max_differences", 0)
        size = as_int(params["sample"], "sample", 0, _LARGEST_SAMPLE)
        with Cluster(source_connection, self._redactor, self._clock) as source, Cluster(
            target_connection, self._redactor, self._clock
        ) as target:
            require_two_clusters(source, target)
            ours, theirs = TableReader(source, scope), TableReader(target, scope)
            sampler = Sampler(size, str(params["sample_seed"] or source.cluster_id))

            def offer(table: str, partitions: t.Mapping[str, t.Any]) -> None:
                for key, versions in _keyed(table, partitions):
                    sampler.offer(key, versions)

            def look(tables: t.Collection[str]) -> t.Dict[Key, t.Any]:
                found: t.Dict[Key, t.Any] = {}
                few = Scope(frozenset(tables))
                readers = TableReader(source, few), TableReader(target, few)
                compare_clusters(*readers, lambda table, partitions: found.update(_keyed(table, partitions)), 0)
                return found

            comparison = compare_clusters(ours, theirs, offer if size else None, most)
            findings = [*cf.comparison_findings(comparison), *cf.extra_findings(comparison)]
            findings += cf.renewed_findings(comparison.renewed)
            findings += cf.hidden_findings("source", ours.hidden())
            findings += cf.hidden_findings("target", theirs.hidden())
            foreign = ForeignWrites((), ())
            if as_bool(params["transactions"], "transactions"):
                foreign = find_foreign(TransactionReader(target), theirs.databases, ours)
                findings += cf.foreign_findings(foreign)
            counted = count_sample(source, target, sampler.chosen(), as_bool(params["checksum"], "checksum"))
            counted = told_from_loads(counted, sampler.versions(), look)
            findings += cf.sample_findings(counted)
            steady = [one for one in counted if not one.changed]
            return {
                **comparison.as_result(),
                "foreign_transactions": foreign.as_result(),
                "sample": {
                    **detection_result(sampler.offered, size if size else 0),
                    "counted": [one.as_result() for one in counted],
                    "equal": all(one.equal for one in steady) if steady else None,
                },
                "findings": [one.as_result() for one in findings],
                "passed": not any(_blocks(one) for one in findings),
                "requests": {"source": source.requests, "target": target.requests},
            }


def _keyed(table: str, partitions: t.Mapping[str, t.Any]) -> t.Iterator[t.Tuple[Key, t.Any]]:
    database, _dot, name = table.partition(".")
    for partition, versions in partitions.items():
        yield (database, name, partition), versions


def _blocks(finding: Finding) -> bool:
    return finding.severity == "blocker"
