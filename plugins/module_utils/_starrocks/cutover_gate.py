# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What must be true before writes are stopped; everything that is not, at once."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Finding, Verdict
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import comparison as cmp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_switch as fs
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import quiescence as qu
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_verdict as tv
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_findings import (
    EXTRA_PARTITIONS,
    FOREIGN_TRANSACTION,
    comparison_findings,
    extra_findings,
    foreign_findings,
    hidden_findings,
    renewed_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_sum import Comparison
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.cutover_settings import (
    FORGOTTEN,
    Forgotten,
    forgotten_findings,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_reach import Gap, gap_findings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import ForeignWrites
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.freeze import FreezeLook
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.publishing import StuckPublish, stuck_findings

_SHOWN = 20


@dataclasses.dataclass(frozen=True)
class GateView:
    """What the gate goes by. ``tool``: None when the operator has stopped it. ``hidden_*``: see ``PartitionReader``.

    ``source``: as it will be when what an earlier run of ours left is lifted, which is done before anything else.
    """

    source: FreezeLook
    target_switch: fs.SwitchLook
    comparison: Comparison
    hidden_source: t.Mapping[str, t.Tuple[int, int]]
    hidden_target: t.Mapping[str, t.Tuple[int, int]]
    foreign: ForeignWrites
    stuck: t.Tuple[StuckPublish, ...]
    replicating: t.Tuple[str, ...]
    """What goes on inside the target, in words."""
    transactions: qu.Condition
    jobs: qu.Condition
    tool: t.Optional[tv.Verdict]
    tool_restarted: bool
    """Whether a real run starts it anew first, so that it says nothing where it does not run now."""
    extra_stay: bool
    """Whether nothing takes away partitions that only the target has."""
    unseen: t.Tuple[Gap, ...] = ()
    """When nobody saw who wrote to the target."""
    renewed_stay: str = ""
    """Why nothing takes away copies of partitions that the source has made anew; "" where the tool does."""
    tool_runs: bool = True
    tool_beyond_reach: t.Tuple[int, ...] = ()
    """Numbers of its processes that may not be ended by this user."""
    forgotten: t.Tuple[Forgotten, ...] = ()
    """Settings of this migration that are not there any more."""
    settings_are_set: bool = False
    """Whether a real run comes after something that sets them."""


def may_accept(acceptance: Acceptance) -> bool:
    """Whether a person may know better.

    What was written to a table may be wanted there, or be known not to matter; and the server forgets after a while
    which table it was. Partitions that only the target has may be wanted there, in the tables that are named (see
    ``kept_tables``). So may another value of a setting that is named.
    """
    if acceptance.id in (EXTRA_PARTITIONS, FORGOTTEN):
        return bool(acceptance.subject)
    return acceptance.id == FOREIGN_TRANSACTION


def gate(view: GateView, max_behind: int) -> t.List[Finding]:
    """Every finding, blockers and warnings."""
    found = list(comparison_findings(view.comparison))
    found += extra_findings(view.comparison, view.extra_stay)
    found += renewed_findings(view.comparison.renewed, view.renewed_stay, freezing=True)
    found += hidden_findings("source", view.hidden_source)
    found += hidden_findings("target", view.hidden_target)
    found += foreign_findings(view.foreign)
    found += gap_findings(view.unseen)
    found += stuck_findings(view.stuck)
    found += _switches(view)
    found += forgotten_findings(view.forgotten, view.settings_are_set)
    found += _out_of_reach(view)
    found += _progress(view, max_behind)
    if not view.jobs.met:
        alter = [one for one in view.jobs.evidence if one.startswith("ALTER")]
        if alter:
            found.append(
                _blocker("source.alter_running", "source", alter, "Wait for these ALTER jobs to end; they still write.")
            )
    return found


def require(verdict: Verdict) -> None:
    """MigrationError ``starrocks.cutover_blocked`` if a blocker is open; its message names all of them."""
    if verdict.passed:
        return
    blockers = verdict.open_blockers
    shown = " ".join(f"{one.id} ({one.subject}): {one.remedy}" for one in blockers)
    count = f"{len(blockers)} finding{'s' if len(blockers) > 1 else ''}"
    raise MigrationError(
        "starrocks.cutover_blocked",
        f"Not ready for the cutover, so nothing was stopped ({count}): {shown}",
        details={"findings": [one.as_result() for one in blockers]},
    )


def _switches(view: GateView) -> t.Iterator[Finding]:
    on = [one.address for one in view.source.switch.differing(fs.OFF)]
    if on:
        yield _blocker(
            "source.loads_disabled",
            ", ".join(on),
            {fs.KEY: fs.ON},
            f"{fs.KEY} is on there already, and this migration did not set it. Find out who did, and set it to false.",
        )
    off = [one.address for one in view.target_switch.differing(fs.OFF)]
    if off:
        yield _blocker(
            "target.loads_disabled",
            ", ".join(off),
            {fs.KEY: fs.ON},
            f"{fs.KEY} stops replications too, so nothing would arrive. Set it to false on the target.",
        )
    dead = [one.address for one in view.source.switch.dead]
    if dead:
        yield Finding(
            "starrocks.source.frontend_dead",
            "warning",
            ", ".join(dead),
            {"frontends": dead},
            "A frontend that comes back takes loads until it is told otherwise, should it come to lead. Start it "
            "before the cutover, or keep it down until the end.",
        )
    gone = [one.address for one in view.target_switch.dead]
    if gone:
        yield Finding(
            "starrocks.target.frontend_dead",
            "warning",
            ", ".join(gone),
            {"frontends": gone},
            "A frontend that comes back has forgotten the settings of the migration, or was never given them, and acts "
            "on that, should it come to lead: compactions may begin. Start it before the cutover, or keep it down "
            "until the end.",
        )


def _out_of_reach(view: GateView) -> t.Iterator[Finding]:
    """Once writes are stopped it would be too late to find out."""
    if view.tool_beyond_reach:
        pids = ", ".join(str(one) for one in view.tool_beyond_reach)
        yield _blocker(
            "tool.other_user",
            "tool",
            {"pids": list(view.tool_beyond_reach)},
            f"The sync tool (process {pids}) belongs to another user, and the cutover may not end it, as it must. "
            "Become that user or root for this task (become, become_user).",
        )


def _progress(view: GateView, max_behind: int) -> t.Iterator[Finding]:
    behind = cmp.lagging(view.comparison.counts)
    if behind > max_behind:
        yield _blocker(
            "comparison.too_far_behind",
            "target",
            {"partitions": behind, "max_behind": max_behind, "worst": view.comparison.worst()},
            "Wait until the sync tool has caught up, or raise max_behind (the budget must hold the rest of the copy).",
        )
    if cmp.never_copied(view.comparison.counts, sum(view.comparison.not_copied.values())):
        tables = view.comparison.never_copied
        yield _blocker(
            "comparison.not_copied",
            ", ".join(list(tables)[:3]),
            {"tables": len(tables), "partitions": dict(list(tables.items())[:_SHOWN])},
            "These tables hold partitions that are missing on the target or were never copied, or hold none and are "
            "missing as a whole, and a first copy can take long. Wait for it. If it does not come, see the log of the "
            "sync tool, or leave out what it cannot copy with exclude_data_list.",
        )
    if view.tool is None:
        if behind:
            yield Finding(
                "starrocks.comparison.behind_without_tool",
                "warning",
                "target",
                {"partitions": behind, "replications": len(view.replicating)},
                "No sync tool runs any more, so only replications that were sent already can still make it equal.",
            )
        return
    if view.tool_restarted and not view.tool_runs:
        return
    reasons = [one.as_result() for one in view.tool.reasons]
    if view.tool.verdict in (tv.COMPLETED, tv.ENDED):
        yield _run_over(view, behind, reasons)
        return
    if view.tool.verdict == tv.CONVERGED or (view.tool.verdict == tv.IDLE and not behind):
        return
    if view.tool.verdict == tv.RUNNING and behind <= max_behind:
        # While loads go on, its 100 % is a matter of luck; what counts is the comparison.
        yield Finding(
            "starrocks.tool.not_converged",
            "warning",
            "tool",
            {"verdict": view.tool.verdict, "reasons": reasons},
            "The tool is at work on the last loads. The freeze waits for it, within the budget.",
        )
        return
    yield _blocker(
        "tool.not_ready",
        "tool",
        {"verdict": view.tool.verdict, "reasons": reasons},
        "The sync tool must run, with fresh and good progress. See starrocks_sync_progress_info.",
    )


def _run_over(view: GateView, behind: int, reasons: t.Sequence[t.Mapping[str, str]]) -> Finding:
    """A one-time run that is over copies nothing more: neither what is behind, nor what is being loaded now."""
    loads = [one for condition in (view.transactions, view.jobs) if not condition.met for one in condition.evidence]
    return Finding(
        "starrocks.tool.run_over",
        "blocker" if behind or loads else "warning",
        "tool",
        {"partitions": behind, "loads": loads, "replications": len(view.replicating), "reasons": reasons},
        "The one run of the sync tool is over, so nobody copies what it has missed, nor what is loaded from now on. "
        "Set one_time_run_mode to false and start it again, so that it follows the source until the cutover ends it."
        + ("" if behind or loads else " Without that, nobody may load anything any more before the freeze."),
    )


def _blocker(name: str, subject: str, evidence: t.Any, remedy: str) -> Finding:
    return Finding(f"starrocks.{name}", "blocker", subject, evidence, remedy)
