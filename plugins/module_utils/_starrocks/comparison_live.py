# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Comparing two clusters now: the target is read before the source, page by page, and nothing of a page is kept."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_read import PartitionReader
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_rules import Rules, choose_rules
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import (
    MOST_DIFFERENCES,
    Comparison,
    Sink,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.partitions import Catalog


def compare_clusters(
    source: PartitionReader,
    target: PartitionReader,
    sink: t.Optional[Sink] = None,
    most_differences: int = MOST_DIFFERENCES,
    kept: t.Collection[str] = (),
) -> Comparison:
    """One comparison. ``kept``: see ``Comparison``.

    Each page is read from the target first. What is written on the source in between can then only make the target
    look older than it is: never newer, and never equal when it is not.
    """
    rules = _begin(source, target)
    comparison = Comparison(rules, sink, most_differences, kept)
    for page in _pages(source, target):
        copied = target.read(page)
        comparison.add(source.read(page), copied)
    return comparison


def source_snapshot(source: PartitionReader, target: PartitionReader) -> Comparison:
    """The source alone, for its ``source_digest``: whether anything is written there."""
    comparison = Comparison(_begin(source, target), most=0)
    nothing: Catalog = {}
    for page in _pages(source, source):
        comparison.add(source.read(page), nothing)
    return comparison


def _begin(source: PartitionReader, target: PartitionReader) -> Rules:
    for reader in (target, source):
        # Databases and views come and go during a migration.
        reader.forget()
        reader.probe()
    return choose_rules(source.side(), target.side())


def _pages(source: PartitionReader, target: PartitionReader) -> t.List[t.Tuple[str, ...]]:
    """The databases of both sides in the portions of the one that needs smaller ones."""
    names = tuple(sorted(set(source.databases) | set(target.databases)))
    if any(len(page) == 1 for reader in (source, target) for page in reader.pages()):
        return [(name,) for name in names]
    return [names] if names else []
