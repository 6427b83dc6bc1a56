# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README files and guides show is there: playbooks, options, modules, make targets, guides. Nothing is run here.

tests/system/test_documented_commands.py runs the commands.
"""

from __future__ import annotations

import configparser
import json
import re
import types
import typing as t

import pytest
import yaml
from ansible import constants
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dbops.migration.plugins.module_utils._pegasus import cutover_lift
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import freeze_by_hand
from tooling import commands, content, documents, options, paths, stages
from tooling.documents import SHELL, YAML, Block

GUIDES = paths.ROOT / "docs/docsite/rst"
# Modules of other collections: what an operator's own tasks may look like.
FOREIGN_MODULES = ("community.general.consul_kv",)
# YAML that is no task and no variable of a role, by the first key, and what it is.
OTHER_FILES = {
    "collections": "requirements.yml, which tests/conformance/test_galaxy.py installs from",
    "bugfixes": "a changelog fragment",
}


def _shown(block: Block) -> str:
    return block.place


BLOCKS = [block for name in documents.documents() for block in documents.blocks(name)]
OF_SHELL = [block for block in BLOCKS if block.language in SHELL]
OF_YAML = [block for block in BLOCKS if block.language in YAML]


def test_every_block_says_its_language() -> None:
    assert [f"{one.place}: {one.language or 'none'}" for one in BLOCKS if one.language not in documents.LANGUAGES] == []


@pytest.mark.parametrize("block", OF_SHELL, ids=_shown)
def test_commands_name_what_is_there(block: Block) -> None:
    found = {command: commands.problem(command) for command in commands.split(block.text)}
    assert {command: problem for command, problem in found.items() if problem} == {}


@pytest.mark.parametrize("command", ["ansible-playbook dbops.migration.greptimedb_preflihgt", "make tset"])
def test_a_slip_is_seen(command: str) -> None:
    assert commands.problem(command)


@pytest.mark.parametrize(
    "command",
    [
        "ansible-playbook dbops.migration.greptimedb -e greptimedb_fronted_host=x",
        "ansible localhost -m dbops.migration.migration_report -a jurnal=x",
        "ansible-doc dbops.migration.greptimedb_inof",
        "ansible-galaxy collection install awx.awx ansible.controller",
        "PYTHONPATH=tests python -m lab greptimedb start --profle 1.1",
        "python -m lab starrocks start --detach",
    ],
)
def test_a_slip_in_an_option_is_seen(command: str) -> None:
    assert commands.problem(command)


@pytest.mark.parametrize("block", OF_YAML, ids=_shown)
def test_yaml_is_what_it_looks_like(block: Block) -> None:
    loaded = yaml.safe_load(block.text)
    if isinstance(loaded, list):
        assert [problem for task in _tasks(loaded) for problem in _task_problems(task)] == []
    else:
        assert isinstance(loaded, dict)
        if next(iter(loaded)) not in OTHER_FILES:
            assert _variable_problems(loaded) == []


def _tasks(loaded: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    for one in loaded:
        inner = [task for key in ("tasks", "block", "rescue", "always", "pre_tasks") for task in one.get(key) or []]
        if inner:
            yield from _tasks(inner)
        if "hosts" not in one and "block" not in one:
            yield one


def _task_problems(task: t.Mapping[str, t.Any]) -> list[str]:
    (name, given) = next((key, value) for key, value in task.items() if "." in key)
    if not name.startswith("dbops.migration."):
        return [] if name.startswith("ansible.builtin.") or name in FOREIGN_MODULES else [f"{name} is not known here"]
    module = name[len("dbops.migration.") :]
    if module not in content.modules():
        return [f"there is no module {module}"]
    return _problems(given, options.documented(module), required=True)


def _variable_problems(given: t.Mapping[str, t.Any]) -> list[str]:
    known: dict[str, t.Any] = {f"{engine}_hosts": {"type": "str"} for engine in commands.ENGINES}
    for role in content.roles():
        for spec in options.specs(role).values():
            known.update(spec.get("options") or {})
    return _problems(given, known, required=False)


def _problems(given: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any], *, required: bool) -> list[str]:
    """Options that are not there, or not of the type or among the choices. What a template makes is not looked at."""
    fixed = {name: value for name, value in given.items() if "{{" not in str(value)}
    unknown = [f"there is no option {name}" for name in given if name not in known]
    spec = {
        name: {key: one[key] for key in ("type", "choices", "elements") if key in one}
        for name, one in known.items()
        if name in fixed
    }
    missing = [name for name, one in known.items() if required and one.get("required") and name not in given]
    checked = ArgumentSpecValidator(spec).validate({name: fixed[name] for name in spec})
    return [*unknown, *(f"{name} is missing" for name in missing), *checked.error_messages]


@pytest.mark.cost(5)
def test_tasks_pass_ansibles_syntax_check(tmp_path: t.Any) -> None:
    plays = []
    for block in OF_YAML:
        loaded = yaml.safe_load(block.text)
        if isinstance(loaded, list):
            tasks = [task for task in _tasks(loaded) if not set(task) & set(FOREIGN_MODULES)]
            plays.append({"name": block.place, "hosts": "localhost", "gather_facts": False, "tasks": tasks})
    playbook = tmp_path / "documented.yml"
    playbook.write_text(yaml.safe_dump(plays, sort_keys=False))
    stages.prepare("documented").run("ansible-playbook", "--syntax-check", str(playbook))


def test_settings_of_ansible_are_settings_of_ansible() -> None:
    known = {
        (where["section"], where["key"])
        for definition in constants.config.get_configuration_definitions().values()
        for where in definition.get("ini", [])
    }
    for block in BLOCKS:
        if block.language == "ini":
            parser = configparser.ConfigParser()
            parser.read_string(block.text)
            shown = {(section, key) for section in parser.sections() for key in parser[section]}
            assert shown <= known, block.place


def test_json_is_json() -> None:
    for block in BLOCKS:
        if block.language == "json":
            for line in block.text.splitlines():
                json.loads(line)


def test_outputs_show_tasks_that_there_are() -> None:
    names = {
        name
        for path in sorted((paths.ROOT / "roles").rglob("tasks/**/*.yml"))
        for name in re.findall(r"^\s*- name: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    shown = {
        (block.place, name)
        for block in BLOCKS
        for name in re.findall(r"^TASK \[dbops\.migration\.\w+ : (.*?)\] \*+$", block.text, re.MULTILINE)
        # The operator's own task, of the file on the same page.
        if name != "Send the clients to the target"
    }
    assert {place: name for place, name in shown if name not in names} == {}


def test_the_lines_that_lift_by_hand_are_those_that_the_tool_prints() -> None:
    shown = [
        command for one in documents.blocks("docs/docsite/rst/guide_operating.rst") for command in one.text.split("\n")
    ]
    metas = ["old-meta-0.example.com:34601", "old-meta-1.example.com:34601"]
    assert cutover_lift.lift_command("orders", metas) in shown
    leader = types.SimpleNamespace(alive=True, role="LEADER", host="old-fe-0.example.com")
    cluster: t.Any = types.SimpleNamespace(
        connection=types.SimpleNamespace(username="root"),
        frontends=lambda: [leader],
        reach=lambda frontend: types.SimpleNamespace(host=frontend.host, port=9030),
    )
    assert freeze_by_hand.lift_command(cluster, []) in shown


def test_every_guide_is_in_the_site() -> None:
    listed = [name for part in content.load_yaml("docs/docsite/extra-docs.yml")["sections"] for name in part["toctree"]]
    assert sorted(listed) == sorted(path.stem for path in GUIDES.glob("*.rst"))


def test_every_guide_can_be_referred_to_and_is_referred_to() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in GUIDES.glob("guide_*.rst")}
    readme = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    for name, text in texts.items():
        label = f"ansible_collections.dbops.migration.docsite.{name}"
        assert f".. _{label}:" in text
        others = [one for one, other in texts.items() if one != name and f"<{label}>" in other]
        assert others or f"{name}.rst" in readme, f"nothing leads to {name}"
        assert f"docs/docsite/rst/{name}.rst" in readme, f"README does not name {name}"
