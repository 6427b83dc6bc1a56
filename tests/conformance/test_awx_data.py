# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files below awx/: made from the roles and modules as they are, within AWX's limits, no secret in a survey."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import typing as t

import pytest

from tooling import content, linked, paths
from tooling.awx import __main__ as made
from tooling.awx import loading, markup, sources, survey, templates, workflows, writing

ROLES = sources.roles()
CHOICES = sources.choices()
DATA = loading.load()
SURVEYS = [
    (one["name"], question)
    for one in DATA["controller_templates"] + DATA["controller_workflows"]
    for question in one["survey_spec"]["spec"]
]
PHASES = [(role, phase) for role in ROLES for phase in sources.specs(role)]


def _credentials_of(role: str) -> set[str]:
    return {name for names in sources.brought(role).values() for name in names}


# --- drift -----------------------------------------------------------------------------------------------------------


def test_every_role_has_its_place() -> None:
    assert set(ROLES) == {path.name for path in (paths.ROOT / "roles").iterdir()} - {"edge"}


@pytest.mark.parametrize("name", sorted(made.files()))
def test_a_file_is_what_make_awx_makes(name: str) -> None:
    path = made.FOLDER / name
    assert path.is_file(), "run `make awx`"
    assert path.read_text(encoding="utf-8") == made.files()[name], "run `make awx`"


def test_nothing_is_left_of_playbooks_that_are_gone() -> None:
    assert made.left_over() == []


@pytest.mark.parametrize("role", ROLES)
def test_no_option_of_a_role_is_forgotten(role: str) -> None:
    asked, brought, left = sources.asked(role), _credentials_of(role), sources.left_out(role)
    named = [*asked, *brought, *left]
    assert sorted(set(sources.options(role)) - set(named)) == [], "add them to tests/tooling/awx/choices.yml"
    assert sorted(set(named) - set(sources.options(role))) == [], "no option of the role any more"
    assert sorted({name for name in named if named.count(name) > 1}) == []
    assert all(one["why"].endswith(".") for one in CHOICES["roles"][role]["left_out"])


@pytest.mark.parametrize("role", ROLES)
def test_no_wish_is_about_an_option_that_is_not_asked(role: str) -> None:
    wishes = CHOICES["roles"][role]
    for key in ("textarea", "switches", "alone", "bounds"):
        assert set(wishes[key]) <= set(sources.asked(role)), key


# --- surveys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", sorted({name for name, _question in SURVEYS}))
def test_a_survey_is_within_the_limits_of_awx(where: str) -> None:
    questions = [question for name, question in SURVEYS if name == where]
    names = [question["variable"] for question in questions]
    assert len(set(names)) == len(names)
    for question in questions:
        kind, default = question["type"], question["default"]
        assert re.fullmatch(r"[A-Za-z_]\w*", question["variable"])
        assert question["question_name"]
        assert isinstance(question["required"], bool)
        if kind == "multiplechoice":
            choices = question["choices"].splitlines()
            assert "min" not in question and "max" not in question
            assert choices and all(choice.strip() == choice != "" for choice in choices)
            assert default == "" or default in choices
            continue
        assert "choices" not in question
        assert type(question["min"]) is int and type(question["max"]) is int
        if kind in ("integer", "float"):
            assert default == "" or (type(default) in (int, float) and question["min"] <= default <= question["max"])
        else:
            assert kind in ("text", "textarea")
            assert question["max"] == (survey.TEXT_MAX if kind == "text" else survey.TEXTAREA_MAX)
            assert isinstance(default, str) and len(default) <= question["max"]


def test_people_read_no_markup() -> None:
    """Of no question, whatever its type, and of nothing else that a controller shows."""
    texts = [
        text for _name, question in SURVEYS for text in (question["question_name"], question["question_description"])
    ]
    shown = DATA["controller_templates"] + DATA["controller_workflows"] + DATA["controller_credential_types"]
    texts += [one["description"] for one in shown]
    texts += [
        field.get("help_text", "") for one in DATA["controller_credential_types"] for field in one["inputs"]["fields"]
    ]
    for workflow in DATA["controller_workflows"]:
        approvals = [node.get("approval_node", {}) for node in workflow["simplified_workflow_nodes"]]
        texts += [text for one in approvals for text in (one.get("name", ""), one.get("description", ""))]
    assert len(texts) > 500
    assert [text for text in texts if markup.left(text)] == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("with C(COUNT(*)). It reads", "with COUNT(*). It reads"),
        ("C(SELECT TO_BASE64(AES_ENCRYPT('p', 'k'\\))) shows", "SELECT TO_BASE64(AES_ENCRYPT('p', 'k'\\)) shows"),
        (r"V(a\)b\\) or O(switch=by_hand)", r"a)b\ or switch=by_hand"),
        (
            "the module P(dbops.migration.migration_notification#module).",
            "the module dbops.migration.migration_notification.",
        ),
        ("RV(dbops.migration.greptimedb_region_plan#module:plan)", "plan of dbops.migration.greptimedb_region_plan"),
        ("O(dbops.migration.pegasus#role:cutover:pegasus_budget)", "pegasus_budget of dbops.migration.pegasus"),
        ("B(never) L(here,https://example.com) R(there,some.label) M(a.b.c)", "never here there a.b.c"),
    ],
)
def test_markup_is_read_as_ansible_reads_it(text: str, shown: str) -> None:
    assert markup.plain(text) == shown


@pytest.mark.parametrize(("role", "phase"), PHASES)
def test_a_survey_asks_what_its_phase_takes_in_the_chosen_order(role: str, phase: str) -> None:
    template = next(one for one in DATA["controller_templates"] if one["name"] == templates.name_of(role, phase))
    asked = [question["variable"] for question in template["survey_spec"]["spec"]]
    options = sources.specs(role)[phase]["options"]
    wanted = [f"{role}_{name}" for name in sources.asked(role) if f"{role}_{name}" in options]
    assert asked == [f"{role}_hosts", *wanted]
    for question in template["survey_spec"]["spec"][1:]:
        option = options[question["variable"]]
        assert question["required"] == bool(option.get("required"))
        if option.get("choices"):
            assert question["choices"].splitlines() == [str(one) for one in option["choices"]]
        if option.get("default") is not None:
            assert str(question["default"]).lower() == str(option["default"]).lower()


def test_no_secret_is_asked_in_a_survey() -> None:
    asked = {question["variable"] for _name, question in SURVEYS}
    assert not [name for name in asked if re.search(r"password|secret|token|credential|access_key", name)]
    for role in ROLES:
        for name, option in sources.options(role).items():
            assert not (option.get("no_log") and f"{role}_{name}" in asked)
    assert "password" not in {question["type"] for _name, question in SURVEYS}


LASTING = {"pegasus", "starrocks"}
"""What they start on the host must outlive the job."""


@pytest.mark.parametrize("role", ROLES)
def test_nobody_runs_in_the_container_what_must_outlive_it(role: str) -> None:
    asked = [question for _name, question in SURVEYS if question["variable"] == f"{role}_hosts"]
    assert len(asked) == len(sources.specs(role)) + 1
    for question in asked:
        assert question["required"]
        assert question["default"] == ("" if role in LASTING else "localhost")
        assert ("not localhost" in question["question_description"]) == (role in LASTING)


LARGE = {
    **dict.fromkeys(("greptimedb_tables", "greptimedb_exclude_tables"), 64),
    **dict.fromkeys(("greptimedb_moves", "greptimedb_edited_plan"), 400),
    **dict.fromkeys(("pegasus_tables", "pegasus_remote_tables", "starrocks_include_data_list"), 128),
    "starrocks_exclude_data_list": 128,
}
"""Characters of one item."""


def test_ten_thousand_names_fit() -> None:
    longest = {question["variable"]: question for _name, question in SURVEYS if question["variable"] in LARGE}
    assert set(longest) == set(LARGE)
    for name, question in longest.items():
        assert question["type"] == "textarea", name
        assert question["max"] >= 10_000 * LARGE[name], name


# --- credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_every_secret_comes_with_a_credential(role: str) -> None:
    secrets = {name for name, option in sources.options(role).items() if option.get("no_log")}
    no_secret = {name for name in secrets if sources.options(role)[name].get("choices")}
    assert sorted(secrets - no_secret - _credentials_of(role)) == []


def test_credential_types_inject_what_modules_read() -> None:
    read: set[str] = set()
    for module in content.modules():
        for option in sources.module_options(module).values():
            read.update(option["fallback"][1] if option.get("fallback") else [])
    for kind in DATA["controller_credential_types"]:
        fields = {field["id"]: field for field in kind["inputs"]["fields"]}
        used = set()
        for name, text in kind["injectors"]["env"].items():
            assert isinstance(text, writing.Unsafe)
            assert not name.startswith("ANSIBLE_")
            assert name in read, name
            used.update(re.findall(r"{{ (?:tower\.filename\.)?(\w+) }}", text))
        assert used == set(fields)
        assert set(kind["injectors"]) <= {"env", "file"}
        for key in kind["injectors"].get("file", {}):
            assert fields[key.removeprefix("template.")]["multiline"]


def test_secret_inputs_are_encrypted() -> None:
    for kind in DATA["controller_credential_types"]:
        for field in kind["inputs"]["fields"]:
            secret = re.search(r"password|secret|token|client_key|volume_credentials|webhook.*url", field["id"])
            assert bool(field.get("secret")) == bool(secret) or kind["name"].endswith("webhook"), field["id"]


@pytest.mark.parametrize("role", ROLES)
def test_what_a_credential_brings_reaches_modules_on_other_hosts(role: str) -> None:
    """There the environment of the job is not, so the role reads it on the controller."""
    text = (paths.ROOT / "roles" / role / "vars" / "main.yml").read_text(encoding="utf-8")
    for key, names in sources.brought(role).items():
        for name in names:
            behind = sources.fallback(role, CHOICES["credentials"][key].get("renamed", {}).get(name, name))
            assert behind is not None
            looked_up = f"lookup('ansible.builtin.env', '{behind.variables[0]}')"
            given = re.findall(r"^  \w+: (?:>-\n(?:    .*\n)+|\".*\"\n)", text, re.M)
            handed_on = [value for value in given if f"{{{{ {role}_{name} |" in value]
            assert handed_on, name
            assert [value for value in handed_on if looked_up not in value] == [], name


def test_inputs_stay_text_whatever_they_look_like() -> None:
    """Up to ansible-core 2.18 a template whose text is JSON or a boolean becomes one without the filter."""
    inputs = [value for one in DATA["controller_credentials"] for value in one["inputs"].values()]
    assert len(inputs) > 40
    assert [value for value in inputs if not value.endswith(" | string }}")] == []


def test_modules_take_an_empty_variable_for_none() -> None:
    """A credential sets all that its type injects, what was left empty too."""
    sources_ = (paths.ROOT / "plugins").rglob("*.py")
    ansibles = [str(path) for path in sources_ if "parameters import env_fallback" in path.read_text(encoding="utf-8")]
    assert ansibles == [], "import env_fallback from _core.environment"


def test_every_template_names_credentials_and_playbooks_that_are_there() -> None:
    credentials = {one["name"]: one for one in DATA["controller_credentials"]}
    types = {one["name"] for one in DATA["controller_credential_types"]}
    assert {one["credential_type"] for one in credentials.values()} <= types
    for template in DATA["controller_templates"]:
        assert set(template["credentials"]) <= set(credentials)
        kinds = [credentials[name]["credential_type"] for name in template["credentials"]]
        assert len(set(kinds)) == len(kinds)
        (play,) = writing.load((made.FOLDER / template["playbook"]).read_text(encoding="utf-8"))
        name = play["import_playbook"].removeprefix("dbops.migration.")
        assert (paths.ROOT / "playbooks" / f"{name}.yml").is_file()


def test_one_setting_logs_in_to_the_hosts_that_outlive_a_job() -> None:
    """Every template declares its credentials, so one that is added by hand is gone with the next load."""
    own = {one["name"]: one["credentials"] for one in DATA["controller_templates"]}
    lasting = loading.load(machine_credential="ops' key")["controller_templates"]
    assert len(lasting) == len(PHASES)
    for template in lasting:
        assert template["credentials"] == [*own[template["name"]], "ops' key"]


def test_private_images_and_repositories_are_reached_by_settings_alone() -> None:
    (image,), (project,) = DATA["controller_execution_environments"], DATA["controller_projects"]
    assert "credential" not in image and "credential" not in project
    private = loading.load(image_credential="registry", project_credential="git")
    assert private["controller_execution_environments"] == [{**image, "credential": "registry"}]
    assert private["controller_projects"] == [{**project, "credential": "git"}]


def test_migrations_do_not_wait_for_each_other_but_for_cutovers() -> None:
    """AWX compares templates only, and a workflow runs for as long as one of its approvals waits.

    A second cutover of the same migration, launched by mistake, must not meet the first one.
    """
    both = DATA["controller_templates"] + DATA["controller_workflows"]
    waiting = sorted(one["name"] for one in both if one["allow_simultaneous"] is not True)
    assert waiting == sorted(templates.name_of(role, "cutover") for role in ROLES if "cutover" in sources.specs(role))


# --- workflows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_a_workflow_has_an_approval_before_every_phase_that_changes_something(role: str) -> None:
    workflow = next(one for one in DATA["controller_workflows"] if one["name"] == workflows.name(role))
    nodes = {node["identifier"]: node for node in workflow["simplified_workflow_nodes"]}
    kinds = ("success_nodes", "failure_nodes", "always_nodes")
    names = {one["name"] for one in DATA["controller_templates"]}
    assert list(nodes) == [
        *("preflight", "approve_migrate", "migrate", "approve_cutover", "cutover", "approve_restore", "restore"),
        *("approve_rollback", "rollback"),
    ]
    for identifier, node in nodes.items():
        before = [name for name, one in nodes.items() if any(identifier in one[kind] for kind in kinds)]
        assert all(one in nodes for kind in kinds for one in node[kind])
        if "approval_node" in node:
            assert set(node["approval_node"]) == {"name", "description", "timeout"}
            continue
        assert node["unified_job_template"] in names
        if identifier == "preflight":
            assert before == []
            continue
        assert before == [f"approve_{identifier}"]
        assert identifier in nodes[before[0]]["success_nodes"]
    for phase in ("migrate", "cutover"):
        assert nodes[phase]["failure_nodes"] == ["approve_rollback"]
    assert nodes["approve_cutover"]["failure_nodes"] == ["approve_rollback"]


@pytest.mark.parametrize("role", ROLES)
def test_the_hash_that_binds_an_approval_is_handed_on_and_asked_for(role: str) -> None:
    workflow = next(one for one in DATA["controller_workflows"] if one["name"] == workflows.name(role))
    assert f"{role}_approved_plan_hash" not in {one["variable"] for one in workflow["survey_spec"]["spec"]}
    for phase, before in (("migrate", "preflight"), ("cutover", "migrate")):
        template = next(one for one in DATA["controller_templates"] if one["name"] == templates.name_of(role, phase))
        assert f"{role}_approved_plan_hash" in {one["variable"] for one in template["survey_spec"]["spec"]}
        approval = next(
            node["approval_node"]["description"]
            for node in workflow["simplified_workflow_nodes"]
            if node["identifier"] == f"approve_{phase}"
        )
        assert f"{role}_{before}_plan_hash" in approval


def test_artifacts_have_names_of_their_own_phase() -> None:
    """Artifacts of all nodes before become variables of a job, so none may be named as another one, or as an option."""
    found: dict[str, str] = {}
    for role in ROLES:
        for path in sorted((paths.ROOT / "roles" / role / "tasks").rglob("*.yml")):
            text = path.read_text(encoding="utf-8")
            for block in re.findall(r"set_stats:\n(?:.*\n)*?\s+data:\n((?:\s{10,}.*\n?)+)", text):
                for name in re.findall(r"^ {10}(\w+):", block, re.M):
                    assert name not in found, f"{name} stands in {found.get(name)} and {path.name}"
                    assert name.startswith(f"{role}_{path.stem}_")
                    assert name.removeprefix(f"{role}_") not in sources.options(role)
                    found[name] = path.name
    assert len(found) > 40


# --- what Ansible makes of the files ---------------------------------------------------------------------------------


HANDED = ("controller_projects", "controller_execution_environments", "controller_templates")
CREDENTIALS = ("credential", "credentials")


@pytest.mark.cost(4)
@pytest.mark.parametrize("given", [{}, {"machine": "ops' key", "project": "git", "image": "registry"}])
def test_ansible_loads_the_files_as_the_controller_collection_does(
    tmp_path: pathlib.Path, given: t.Mapping[str, str]
) -> None:
    names = [name for name in DATA if name.startswith("controller_") and name not in HANDED]
    names += [f"{name}_handed" for name in HANDED]
    (tmp_path / "given.yml").write_text(
        json.dumps({f"dbops_migration_{name}_credential": value for name, value in given.items()})
    )
    # As that collection hands them to the modules: one by one, and what is empty not at all.
    handed = {f"handed_{name}": f"{{{{ item.{name} | default(omit, true) }}}}" for name in ("name", *CREDENTIALS)}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {"ansible.builtin.include_vars": {"dir": str(made.FOLDER / "config"), "extensions": ["yml"]}},
            {"ansible.builtin.include_vars": {"file": str(tmp_path / "given.yml")}},
            *(
                {"ansible.builtin.set_fact": handed, "loop": f"{{{{ {name} }}}}", "register": f"{name}_handed"}
                for name in HANDED
            ),
            {
                "ansible.builtin.copy": {
                    "content": "{{ {" + ", ".join(f"'{name}': {name}" for name in names) + "} | to_json }}",
                    "dest": str(tmp_path / "loaded.json"),
                    "mode": "0600",
                }
            },
        ],
    }
    (tmp_path / "load.yml").write_text(json.dumps([play]))
    environment = {**linked.ansible_environment(), "GREPTIMEDB_PASSWORD": "{{ not a template }}"}
    environment["STARROCKS_VOLUME_CREDENTIALS"] = volumes = '{"src_a": {"aws.s3.access_key": "AK"}}'
    done = subprocess.run(
        ["ansible-playbook", str(tmp_path / "load.yml")],
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    loaded = json.loads((tmp_path / "loaded.json").read_text())
    assert loaded["controller_inventories"][0]["organization"] == "Default"
    rows = {name: [one["ansible_facts"] for one in loaded[f"{name}_handed"]["results"]] for name in HANDED}
    for name, key in (("controller_projects", "project"), ("controller_execution_environments", "image")):
        assert rows[name][0].get("handed_credential", "") == given.get(key, "")
    machine = [given["machine"]] if given else []
    assert [row["handed_credentials"] for row in rows["controller_templates"]] == [
        [*one["credentials"], *machine] for one in DATA["controller_templates"]
    ]
    kinds = {one["name"]: one for one in loaded["controller_credential_types"]}
    # Still for AWX to fill in.
    assert kinds["dbops.migration GreptimeDB"]["injectors"]["env"]["GREPTIMEDB_PASSWORD"] == "{{ password }}"
    inputs = {one["name"]: one["inputs"] for one in loaded["controller_credentials"]}
    assert inputs["dbops.migration GreptimeDB"]["password"] == "{{ not a template }}"
    assert inputs["dbops.migration StarRocks"]["volume_credentials"] == volumes
    assert inputs["dbops.migration GreptimeDB"]["tls"] == "disable"
    assert inputs["dbops.migration GreptimeDB"]["ca_cert"] == ""


@pytest.mark.cost(10)
@pytest.mark.thorough
def test_every_playbook_of_the_project_passes_a_syntax_check(tmp_path: pathlib.Path) -> None:
    """In a private data directory, with the collection where AWX installs what the project requires."""
    project = tmp_path / "project"
    for name in [*made.files(), "collections/requirements.yml"]:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text((made.FOLDER / name).read_text(encoding="utf-8"))
    namespace = tmp_path / "requirements_collections" / "ansible_collections" / paths.NAMESPACE
    namespace.mkdir(parents=True)
    (namespace / paths.NAME).symlink_to(paths.ROOT, target_is_directory=True)
    environment = {
        **linked.ansible_environment(),
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "requirements_collections"),
        "ANSIBLE_HOME": str(tmp_path / "home"),
    }
    playbooks = sorted(str(path.relative_to(project)) for path in (project / "playbooks").glob("*.yml"))
    assert len(playbooks) == len(PHASES)
    done = subprocess.run(
        ["ansible-playbook", "--syntax-check", "-i", "localhost,", *playbooks],
        check=False,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[-1] for line in done.stdout.splitlines() if line.startswith("playbook:")] == playbooks


def test_the_project_requires_this_version_of_the_collection() -> None:
    (required,) = content.load_yaml("awx/collections/requirements.yml")["collections"]
    assert required == {"name": paths.COLLECTION, "version": f">={content.load_yaml('galaxy.yml')['version']}"}
