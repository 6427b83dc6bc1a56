# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Job templates: one for each engine and phase, with a survey."""

from __future__ import annotations

import typing as t

from tooling.awx import sources
from tooling.awx.markup import plain
from tooling.awx.survey import phase_survey

COMMON: dict[str, t.Any] = {
    "organization": "{{ dbops_migration_organization }}",
    "project": "{{ dbops_migration_project }}",
    "inventory": "{{ dbops_migration_inventory }}",
    "execution_environment": "{{ dbops_migration_execution_environment }}",
    "job_type": "run",
    # Job type check predicts, and changes nothing.
    "ask_job_type_on_launch": True,
    "ask_credential_on_launch": True,
    "ask_inventory_on_launch": True,
    # For options that no survey asks for.
    "ask_variables_on_launch": True,
    "ask_verbosity_on_launch": True,
    "diff_mode": True,
    "ask_diff_mode_on_launch": True,
    # A migration may take days, and has deadlines of its own.
    "timeout": 0,
}


def name_of(role: str, phase: str) -> str:
    """The name of a job template."""
    return f"dbops.migration {sources.choices()['roles'][role]['title']} {phase}"


def playbook_of(role: str, phase: str) -> str:
    """The playbook of a job template, in the project."""
    return f"playbooks/{role}_{phase}.yml"


def templates() -> list[dict[str, t.Any]]:
    """``controller_templates``."""
    return [_template(role, phase) for role in sources.roles() for phase in sources.specs(role)]


def _template(role: str, phase: str) -> dict[str, t.Any]:
    said = sources.choices()
    spec = sources.specs(role)[phase]
    credentials = [said["credentials"][key]["name"] for key in sources.brought(role)]
    machine = "([dbops_migration_machine_credential] | select | list)"
    return {
        "name": name_of(role, phase),
        "description": plain(f"{spec['short_description']}."),
        **COMMON,
        # AWX knows templates, not migrations: one at a time would make all wait for the longest copy. But of two
        # cutovers of one migration, the second could lift the fence of the first, so these wait for each other.
        "allow_simultaneous": phase != "cutover",
        "playbook": playbook_of(role, phase),
        # Whoever loads the files puts this list back to what they say, so what logs in to hosts has its place in it.
        "credentials": f"{{{{ {credentials!r} + {machine} }}}}",
        "survey_enabled": True,
        "survey_spec": phase_survey(role, phase),
    }


def playbook(role: str, phase: str) -> list[dict[str, t.Any]]:
    """A playbook of the project, which only names one of the collection."""
    short = sources.specs(role)[phase]["short_description"]
    return [{"name": short, "import_playbook": f"dbops.migration.{role}_{phase}"}]
