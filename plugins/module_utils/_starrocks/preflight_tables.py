# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Native tables that need care, and tables that do not move. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import inventory_objects as kinds
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import inventory_tables as inventory
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_details import STATEMENTS_AT_MOST
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import View

SHOWN = 20
"""How many names a finding holds at most."""


def shown(names: t.Sequence[str]) -> t.Dict[str, t.Any]:
    """The number of things and the first of them."""
    return {"count": len(names), "first": list(names[:SHOWN])}


def table_findings(view: View) -> t.Iterator[Finding]:
    """Native tables that need care, and those that do not move."""
    external = [table.full for table in view.selected() if table.external]
    if external:
        yield _of_tables(
            "external",
            "warning",
            kinds.UNSUPPORTED,
            external,
            inventory.TABLES,
            "External tables are not moved, and views on them break. Create them on the target by hand.",
        )
    ranged = [table.full for table in view.selected_natives() if table.distribution == "RANGE"]
    if ranged:
        yield _of_tables(
            "range_distribution",
            "blocker",
            kinds.UNSUPPORTED,
            ranged,
            inventory.NATIVE,
            "Tables with range distribution need a procedure of their own (splitting and merging of tablets is "
            "switched "
            "off on both sides meanwhile). Exclude them, or set that up first, and then accept this.",
            "https://github.com/StarRocks/starrocks/pull/77360",
        )
    yield from _with_trait(
        view,
        inventory.COLOCATED,
        "Verify after the sync that their groups are stable on the target (SHOW PROC '/colocation_group').",
    )
    yield from _with_trait(
        view,
        inventory.DYNAMIC,
        "Partitions are created and dropped at their times on the source, also while writes are stopped. Do not cut "
        "over "
        "across such a time (midnight, as a rule).",
    )
    yield from _with_trait(
        view, inventory.BLOOM, "Bloom filters come with their tables. Verify them on the target (SHOW CREATE TABLE)."
    )
    if view.target.profile.shared_data:
        yield from _with_trait(
            view, inventory.LOCAL_INDEX, "The sync tool makes LOCAL persistent indexes CLOUD_NATIVE on the target."
        )
    yield from _details(view)


def _details(view: View) -> t.Iterator[Finding]:
    details = view.details
    if details.auto_increment:
        yield _of_tables(
            "auto_increment",
            "blocker",
            kinds.UNSUPPORTED,
            details.auto_increment,
            "SHOW CREATE TABLE",
            "The sync tool does not support AUTO_INCREMENT columns: numbers would be given twice after the cutover. "
            "Exclude these tables, and move them by other means.",
        )
    if details.unread:
        yield Finding(
            "starrocks.table.auto_increment_unknown",
            "warning",
            view.source.subject,
            {"tables_not_looked_at": details.unread, "limit": STATEMENTS_AT_MOST},
            "Only SHOW CREATE TABLE tells of AUTO_INCREMENT columns, and that was not read of these tables. Run again "
            "with deep: true.",
        )
    for name, found, remedy in (
        (
            "generated_columns",
            details.generated,
            "Generated columns arrive, but compare their values after the sync (issue 66349).",
        ),
        (
            "temporary_partitions",
            details.temporary_partitions,
            "Temporary partitions are not compared and may not arrive. Replace or drop them before the cutover.",
        ),
        (
            "altering",
            details.altering,
            "Let running ALTER jobs end before the sync is started: a changed schema lets the tool drop its copy.",
        ),
    ):
        if found:
            yield _of_tables(name, "warning", kinds.MIGRATED, found, "information_schema, SHOW ALTER TABLE", remedy)
    if details.unstable_groups:
        yield Finding(
            "starrocks.table.unstable_colocation",
            "warning",
            view.source.subject,
            shown(details.unstable_groups),
            "These colocation groups are being balanced on the source. Let that end first.",
        )


def _with_trait(view: View, trait: str, remedy: str) -> t.Iterator[Finding]:
    found = [table.full for table in view.selected_natives() if trait in table.traits]
    if found:
        yield _of_tables(trait, "info", kinds.MIGRATED, found, inventory.NATIVE, remedy)


def _of_tables(
    name: str,
    severity: str,
    verdict: str,
    found: t.Sequence[str],
    query: str,
    remedy: str,
    reference: str = "",
) -> Finding:
    evidence = {"verdict": verdict, "query": query, **shown(found)}
    return Finding(f"starrocks.table.{name}", severity, "source tables", evidence, remedy, reference)
