# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workflows: one for each engine, with an approval before every phase that changes something.

    preflight -> approval -> migrate -> approval -> cutover -> approval -> restore

The approval before the cutover is bound to the plan: AWX cannot show artifacts in an approval, and its description is
the same for every run. So the phase before leaves the hash of the plan, and the phase after compares it with the plan
that it would carry out. Whatever fails on the way leads to the rollback, behind an approval of its own.
"""

from __future__ import annotations

import typing as t

from tooling.awx import sources
from tooling.awx.survey import workflow_survey
from tooling.awx.templates import name_of

PHASES = ("preflight", "migrate", "cutover", "restore", "rollback")

# Where the last approval may still lead to the rollback: elsewhere there is none any more after the cutover.
_UNDONE_AFTER_CUTOVER = {"greptimedb"}

_SOAKED = "Approve when the new place has served for as long as you want. "
_SOAKED_UNDONE = (
    "All that is left to do then is to put the maintenance mode back. Denying leads to the rollback, behind an approval"
    " of its own: it brings the regions back to where they were."
)
_SOAKED_FORWARD = (
    "Then what the migration has changed is put back and what it has made is removed. Denying ends the workflow and"
    " touches nothing: clients go on writing to the target, and what the restore would put back stays as it is, until"
    " its template is launched with the same answers. Neither leads back to the source."
)


def name(role: str) -> str:
    """The name of the workflow."""
    return f"dbops.migration {sources.choices()['roles'][role]['title']} migration"


def workflows() -> list[dict[str, t.Any]]:
    """``controller_workflows``."""
    return [_workflow(role) for role in sources.roles()]


def _workflow(role: str) -> dict[str, t.Any]:
    title = sources.choices()["roles"][role]["title"]
    return {
        "name": name(role),
        "description": f"Moves live data of {title}, with an approval before every phase that changes something.",
        "organization": "{{ dbops_migration_organization }}",
        # Otherwise a migration that waits for an approval would keep all others of its engine waiting.
        "allow_simultaneous": True,
        "ask_variables_on_launch": True,
        "survey_enabled": True,
        "survey_spec": workflow_survey(role, PHASES),
        "simplified_workflow_nodes": _nodes(role),
    }


def _nodes(role: str) -> list[dict[str, t.Any]]:
    failed = ["approve_rollback"]
    undone = role in _UNDONE_AFTER_CUTOVER
    last = {"failure": failed} if undone else {}
    return [
        _job(role, "preflight", success=["approve_migrate"]),
        _approval(
            "approve_migrate",
            "Begin the migration?",
            "Look at the job of the preflight: its findings, and the plan with its hash"
            f" ({role}_preflight_plan_hash). The next phase carries out this plan or nothing.",
            success=["migrate"],
        ),
        _job(role, "migrate", success=["approve_cutover"], failure=failed),
        _approval(
            "approve_cutover",
            "Cut over?",
            f"Look at the job of the migration, and at the hash of its plan ({role}_migrate_plan_hash). The cutover"
            " carries out this plan or nothing. Denying leads to the rollback.",
            success=["cutover"],
            failure=failed,
        ),
        _job(role, "cutover", success=["approve_restore"], failure=failed),
        _approval(
            "approve_restore",
            "Has it soaked?",
            _SOAKED + (_SOAKED_UNDONE if undone else _SOAKED_FORWARD),
            success=["restore"],
            **last,
        ),
        _job(role, "restore"),
        _approval(
            "approve_rollback",
            "Roll back?",
            "Something failed or was denied. Deny this to leave everything as it is: starting the workflow again with"
            " the same answers goes on where it stopped. Approve it to give the migration up.",
            success=["rollback"],
        ),
        _job(role, "rollback"),
    ]


def _job(role: str, phase: str, **edges: list[str]) -> dict[str, t.Any]:
    return {"identifier": phase, "unified_job_template": name_of(role, phase), **_edges(edges)}


def _approval(identifier: str, title: str, description: str, **edges: list[str]) -> dict[str, t.Any]:
    # It may wait for as long as a person needs.
    node = {"name": title, "description": description, "timeout": 0}
    return {"identifier": identifier, "approval_node": node, **_edges(edges)}


def _edges(edges: t.Mapping[str, list[str]]) -> dict[str, t.Any]:
    return {
        "all_parents_must_converge": False,
        **{f"{kind}_nodes": edges.get(kind, []) for kind in ("success", "failure", "always")},
    }
