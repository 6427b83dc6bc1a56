# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a role are those of its modules: same defaults, same choices, and every one is handed on."""

from __future__ import annotations

import re

import jinja2
import pytest
import yaml

from tooling import paths
from tooling.options import documented, specs

WEBHOOKS: dict[str, tuple[str, str] | None] = {
    f"webhook_{name}": ("migration_notification", name) for name in ("url", "secret", "format", "timeout", "ca_cert")
}
# For each role, where its options are looked up, in this order; and those that are no option of a module (None), or
# have another name there.
ROLES: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, str] | None]]] = {
    "greptimedb": (
        (
            "greptimedb_region_migration",
            "greptimedb_region_plan",
            "greptimedb_region_proof",
            "greptimedb_preflight",
            "greptimedb_rehearsal",
        ),
        {
            "allow_incomplete": None,
            "cutover_timeout": ("greptimedb_region_proof", "timeout"),
            "gate_timeout": ("migration_gate", "timeout"),
            "hold": ("migration_gate", "hold"),
            "edited_plan": ("greptimedb_region_plan", "plan"),
            "edited_plan_file": ("greptimedb_region_plan", "plan_file"),
            "hooks": None,
            "notify": None,
            **WEBHOOKS,
            "maintenance_mode": None,
            "plan_file": ("greptimedb_region_plan", "dest"),
            "rehearsal_table": ("greptimedb_rehearsal", "table"),
            "rehearsal_target": ("greptimedb_rehearsal", "target"),
            "report": ("migration_report", "dest"),
        },
    ),
    "pegasus": (
        (
            "pegasus_duplication",
            "pegasus_cutover",
            "pegasus_preflight",
            "pegasus_table",
            "pegasus_table_info",
            "pegasus_rehearsal",
        ),
        {
            "gate_timeout": ("migration_gate", "timeout"),
            "hold": ("migration_gate", "hold"),
            # Its default depends on who switches the clients.
            "group_size": None,
            "hooks": None,
            "notify": None,
            **WEBHOOKS,
            "rehearsal_partition_count": ("pegasus_rehearsal", "partition_count"),
            "rehearsal_records": ("pegasus_rehearsal", "records"),
            "rehearsal_replica_count": ("pegasus_rehearsal", "replica_count"),
            "rehearsal_table": ("pegasus_rehearsal", "table"),
            "report": ("migration_report", "dest"),
            # The name is found out where it is not given.
            "remote_cluster": ("pegasus_table_info", "remote_cluster"),
            "source_suffix": ("pegasus_table", "suffix"),
            "source_tables": None,
            "steady": None,
            "switch_tasks": None,
        },
    ),
    "starrocks": (
        (
            "starrocks_migration_info",
            "starrocks_preflight",
            "starrocks_sync_tool",
            "starrocks_storage_volume_mirror",
            "starrocks_sync_wait",
            "starrocks_cutover",
            "starrocks_comparison_info",
            "starrocks_frontend_config",
        ),
        {
            "gate_timeout": ("migration_gate", "timeout"),
            "hold": ("migration_gate", "hold"),
            "create_sync_users": None,
            "cutover_meta_interval": None,
            "cutover_poll_interval": ("starrocks_cutover", "poll_interval"),
            "cutover_report_interval": None,
            "dead_nodes": ("starrocks_backend_config", "dead_nodes"),
            "fe_conf": None,
            "frontend_group": None,
            "gone_hosts": ("starrocks_config_file_journal", "gone_hosts"),
            "hooks": None,
            "notify": None,
            **WEBHOOKS,
            "in_container": ("starrocks_config_file", "in_container"),
            "report": ("migration_report", "dest"),
            "source_node_settings": ("starrocks_backend_config", "settings"),
            "source_gone": None,
            "source_writes": None,
            "switch_tasks": None,
            "target_frontend_group": None,
            "target_node_settings": ("starrocks_backend_config", "settings"),
            "tool_archive": ("starrocks_sync_tool", "archive"),
            "tool_archive_sha256": ("starrocks_sync_tool", "archive_sha256"),
            "tool_directory": ("starrocks_sync_tool", "directory"),
            "tool_environment": ("starrocks_sync_tool", "environment"),
            "tool_user": ("starrocks_sync_tool", "user"),
            "volume_credentials": ("starrocks_storage_volume_mirror", "credentials"),
            "volume_properties": ("starrocks_storage_volume_mirror", "properties"),
        },
    ),
}
# What the other roles do between their phases; it takes what they hand on.
EDGE = "edge"
# A rehearsal touches nothing of what the migration is about, so nobody is asked or told.
NO_PHASES = {"main", "rehearse"}
# The way back has an entry point of its own.
NOT_OFFERED = {("greptimedb", "strategy"): ["reverse"]}


def used(role: str, name: str) -> bool:
    """Whether a variable is used in the role's tasks, or in what its tasks are given."""
    folder = paths.ROOT / "roles" / role
    texts = [path.read_text() for path in sorted((folder / "tasks").rglob("*.yml"))]
    texts.append((folder / "vars" / "main.yml").read_text())
    return any(re.search(rf"\b{name}\b", text) for text in texts)


OPTIONS = sorted(
    {
        (role, name, yaml.safe_dump(option, sort_keys=True))
        for role in ROLES
        for spec in specs(role).values()
        for name, option in spec["options"].items()
    }
)


def test_every_role_is_held_against_its_modules() -> None:
    assert {path.parent.parent.name for path in (paths.ROOT / "roles").glob("*/meta/main.yml")} - {EDGE} == set(ROLES)


@pytest.mark.parametrize("role", ROLES)
def test_every_entry_point_has_a_playbook_and_a_spec(role: str) -> None:
    entries = {path.stem for path in (paths.ROOT / "roles" / role / "tasks").glob("*.yml")}
    assert entries == set(specs(role))
    playbooks = {path.stem for path in (paths.ROOT / "playbooks").glob(f"{role}*.yml")}
    assert playbooks == {role, *(f"{role}_{entry}" for entry in entries - {"main"})}


@pytest.mark.parametrize(("role", "name", "text"), OPTIONS, ids=[name for _role, name, _text in OPTIONS])
def test_an_option_means_what_it_means_in_the_module(role: str, name: str, text: str) -> None:
    option = yaml.safe_load(text)
    assert name.startswith(f"{role}_")
    short = name[len(role) + 1 :]
    assert used(role, name)
    looked_up, other_names = ROLES[role]
    target = other_names.get(short, ())
    if target is None:
        return
    if not target:
        target = next((module, short) for module in looked_up if short in documented(module))
    module, its_name = target
    theirs = documented(module)[its_name]
    assert str(option.get("default")) == str(theirs.get("default"))
    choices = theirs.get("choices")
    if (role, short) in NOT_OFFERED:
        choices = [choice for choice in choices if choice not in NOT_OFFERED[role, short]]
    assert option.get("choices") == choices


@pytest.mark.parametrize(
    ("told", "cutover", "migrate"),
    [({}, "skip", "omitted"), ("", "skip", "omitted"), ("fail", "fail", "fail"), ("skip", "skip", "skip")],
)
def test_what_is_down_does_not_keep_a_cutover_back_unless_it_is_told_to(
    told: object, cutover: str, migrate: str
) -> None:
    folder = paths.ROOT / "roles" / "starrocks"
    given = {name: told for name in ("starrocks_dead_frontends", "starrocks_dead_nodes") if told != {}}
    variables = yaml.safe_load((folder / "vars" / "main.yml").read_text())
    for step, wanted in (("attempt", cutover), ("prepare", migrate)):
        tasks = yaml.safe_load((folder / "tasks" / "internal" / f"{step}.yml").read_text())
        (called,) = (one for one in tasks if one.get("ansible.builtin.import_tasks") == "settings.yml")
        known = {"omit": "omitted", **called.get("vars", {}), **given}
        for name, option in (("config", "frontends"), ("config_on_target", "frontends"), ("node_config", "nodes")):
            text = variables[f"__starrocks_{name}"][f"dead_{option}"]
            assert jinja2.Environment(autoescape=True).from_string(text).render(known) == wanted


@pytest.mark.parametrize("role", ROLES)
def test_every_phase_has_its_edges(role: str) -> None:
    """What the edge is told is written down in each phase, so one may be forgotten."""
    handed_on = {
        "edge_engine": role,
        "edge_hooks": f"{{{{ {role}_hooks | default({{}}, true) }}}}",
        "edge_journal": f"{{{{ __{role}_journal }}}}",
        "edge_journal_location": f"{{{{ {role}_journal | default('', true) }}}}",
        "edge_migration_id": f"{{{{ {role}_migration_id | default('', true) }}}}",
        "edge_notify": f"{{{{ {role}_notify | default(false, true) }}}}",
        "edge_webhooks": f"{{{{ __{role}_webhooks }}}}",
    }
    phases = sorted(set(specs(role)) - NO_PHASES)
    known = yaml.safe_load((paths.ROOT / "roles" / EDGE / "vars" / "main.yml").read_text())["__edge_phases"]
    assert sorted(known[role]) == phases
    for phase in phases:
        (tasks,) = yaml.safe_load((paths.ROOT / "roles" / role / "tasks" / f"{phase}.yml").read_text())
        called = [task for task in (*tasks["block"], *tasks["rescue"]) if "ansible.builtin.include_role" in task]
        assert [task["ansible.builtin.include_role"]["tasks_from"] for task in called] == ["before", "after", "failed"]
        for task in called:
            told = {name: value for name, value in task["vars"].items() if name != "edge_error"}
            assert told == {**handed_on, "edge_phase": phase}


@pytest.mark.parametrize("role", ROLES)
def test_secrets_are_marked(role: str) -> None:
    for spec in specs(role).values():
        for name, option in spec["options"].items():
            secret = re.search(r"password|secret|token|credentials|webhook_url", name) is not None
            assert bool(option.get("no_log")) == secret, name


@pytest.mark.parametrize("role", ROLES)
def test_a_no_is_an_answer(role: str) -> None:
    """YAML takes a bare no for false, and AWX hands texts on so that this happens to theirs too. It is not left out."""
    sources = [
        paths.ROOT / "roles" / role / "vars" / "main.yml",
        *(paths.ROOT / "roles" / role / "tasks").rglob("*.yml"),
    ]
    texts = [path.read_text() for path in sources]
    for spec in specs(role).values():
        for name, option in spec["options"].items():
            false_counts = "no" in option.get("choices", ()) or (option["type"] == "bool" and option.get("default"))
            left_out = re.compile(rf"\b{name}\s*\|\s*default\([^()]*,\s*true\)")
            assert not (false_counts and any(left_out.search(text) for text in texts)), name
