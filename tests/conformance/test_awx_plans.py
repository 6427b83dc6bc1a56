# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates that are launched one by one tell the same plan: each asks for all that its hash is made of."""

from __future__ import annotations

import functools
import re
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import plan_approval as pegasus
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import plan_approval as starrocks
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.migration_settings import Settings
from tooling import content, paths
from tooling.awx import sources, survey

PHASES = ("preflight", "migrate", "cutover")
"""Those that tell the hash of the plan, or hold it against what was approved."""

MADE_OF: dict[str, dict[str, tuple[str, ...]]] = {
    "pegasus": {
        **dict.fromkeys(("format", "engine", "source"), ()),
        "target": ("remote_cluster",),
        "tables": ("tables", "remote_tables"),
        "zookeeper": ("zookeeper_hosts", "zookeeper_root"),
        **{
            name: (name,)
            for name in (
                *("switch", "switch_tasks", "metaproxies", "target_meta_addrs", "budget", "max_lag", "last_mutation"),
                *("config_sync_interval", "group_size"),
            )
        },
    },
    "starrocks": {
        **dict.fromkeys(("format", "engine", "source", "target", "path", "target_variables"), ()),
        "scope": ("include_data_list", "exclude_data_list"),
        "source_settings": ("source_settings",),
        "target_settings": ("target_settings",),
        "compaction_off": ("compaction_off",),
        "tool_archive_sha256": ("archive_sha256",),
        **{
            name: (name,)
            for name in (
                *("source_node_settings", "target_node_settings", "sync_properties", "switch_tasks"),
                *("budget", "quiet_time", "switch_reserve"),
            )
        },
    },
}
"""For each part of a plan the options of the role's module that it follows from."""


def _defaults(spec: t.Any) -> dict[str, t.Any]:
    return {name: option.get("default") for name, option in spec.argument_spec.items()}


def plans() -> dict[str, dict[str, t.Any]]:
    """A plan of each engine whose plan is made of options."""
    problems = OptionProblems()
    wishes = pegasus.read_wishes(_defaults(pegasus.wishes_argument_spec()), 1, problems)
    approvable = starrocks.read_approvable(_defaults(starrocks.approvable_argument_spec()), problems)
    problems.raise_all()
    settings = Settings(source=(), target=(), target_variables={}, compaction_off=False, compaction_reason="")
    return {
        "pegasus": pegasus.plan_of([], "a", "b", wishes),
        "starrocks": starrocks.plan_of("1", "2", "shared_data -> shared_data", settings, approvable),
    }


@functools.cache
def _vars(role: str) -> dict[str, t.Any]:
    return dict(content.load_yaml("roles", role, "vars", "main.yml"))


def _role_options(role: str, value: t.Any) -> set[str]:
    """The options of the role that a value of its variables reads, also by other variables, without the prefix."""
    found: set[str] = set()
    for name in re.findall(rf"\b(?:__)?{role}_\w+", str(value)):
        found |= _role_options(role, _vars(role)[name]) if name.startswith("__") else {name.removeprefix(f"{role}_")}
    return found


def needed(role: str) -> set[str]:
    """The options of the role that its plan is made of."""
    if role == "greptimedb":
        return _role_options(role, _vars(role)["__greptimedb_planning"])
    text = (paths.ROOT / "roles" / role / "tasks" / "internal" / "standing.yml").read_text(encoding="utf-8")
    handed: dict[str, t.Any] = {}
    for name in re.findall(rf"__{role}_\w+", text):
        handed.update(_vars(role).get(name, {}))
    return {one for options in MADE_OF[role].values() for name in options for one in _role_options(role, handed[name])}


def phases(role: str) -> tuple[str, ...]:
    """GreptimeDB's cutover proves what the journal names, and asks for nothing of it."""
    return ("preflight", "plan", "migrate") if role == "greptimedb" else PHASES


def test_every_part_of_a_plan_is_known_here() -> None:
    assert {role: set(plan) for role, plan in plans().items()} == {role: set(parts) for role, parts in MADE_OF.items()}


def test_options_are_found_behind_variables_of_the_role() -> None:
    assert {"tool_archive_sha256", "ddl_job_batch_size", "compaction_off", "budget"} < needed("starrocks")
    assert {"tables", "zookeeper_root", "group_size", "budget"} < needed("pegasus")
    assert {"datanodes", "edited_plan", "limits"} < needed("greptimedb")


@pytest.mark.parametrize("role", sources.roles())
def test_every_phase_that_tells_the_plan_takes_all_of_it(role: str) -> None:
    for phase in phases(role):
        taken = {name.removeprefix(f"{role}_") for name in sources.specs(role)[phase]["options"]}
        assert sorted(needed(role) - taken) == [], f"add them to the argument spec of {phase}"


@pytest.mark.parametrize("role", sources.roles())
def test_templates_ask_for_the_plan_alike(role: str) -> None:
    """Also with the same default, as what is not answered is part of the plan, too."""
    brought = {name for names in sources.brought(role).values() for name in names}
    told = needed(role) & set(sources.asked(role))
    assert sorted(needed(role) - told - brought - set(sources.left_out(role))) == []
    asked = []
    for phase in phases(role):
        questions = survey.phase_survey(role, phase)["spec"]
        found = {one["variable"].removeprefix(f"{role}_"): one for one in questions}
        asked.append({name: found.get(name) for name in told})
        assert None not in asked[-1].values(), phase
    assert all(one == asked[0] for one in asked)
