# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small controller that reads the data files below awx/config: it launches job templates and walks workflows.

Rules as AWX has them: answers are held against the survey; the variables of a job are, each stronger than the one
before, the defaults of its template's survey, artifacts of the nodes before (those nearer are stronger), and the
variables of the workflow; an approval that is denied has failed; a node runs when all its parents are through and one
of them leads to it by what became of it.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from system.awx_jobs import Injected, Job, inject
from tooling.awx import loading

SUCCEEDED, FAILED, NOT_RUN = "successful", "failed", "not run"
Data = t.Mapping[str, t.Any]


def answer(survey: Data, given: t.Mapping[str, str]) -> dict[str, str]:
    """What a survey makes of the answers: held against its rules, with its defaults; AWX refuses everything else."""
    made: dict[str, str] = {}
    for question in survey["spec"]:
        name, default = question["variable"], question["default"]
        if name in given:
            made[name] = given[name]
            _check(question, given[name])
        elif default != "" or (question["type"] in ("text", "textarea") and not question["required"]):
            made[name] = str(default)
        else:
            assert not question["required"], f"{name} is required"
    return made


def _check(question: Data, value: str) -> None:
    kind, name = question["type"], question["variable"]
    if kind == "multiplechoice":
        assert value in question["choices"].splitlines(), f"{name}: {value!r} is no choice"
    elif kind in ("integer", "float"):
        assert question["min"] <= float(value) <= question["max"], f"{name}: {value} is out of range"
    else:
        assert question["min"] <= len(value) <= question["max"], f"{name}: too short or too long"


@dataclasses.dataclass
class Node:
    """A node of a workflow that was walked. ``inherited``: the artifacts of those before it."""

    identifier: str
    status: str = ""
    job: Job | None = None
    inherited: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def handed_on(self) -> dict[str, t.Any]:
        """What the nodes after it inherit."""
        return {**self.inherited, **(self.job.artifacts if self.job else {})}


class Controller:
    """``inputs``: those of the credentials, by the name of their type. Jobs lie in ``folder``, numbered."""

    def __init__(self, folder: pathlib.Path, inputs: t.Mapping[str, t.Mapping[str, str]]) -> None:
        self._folder = folder
        self._data = loading.load()
        self._inputs = inputs
        self.jobs: list[Job] = []

    def template(self, name: str) -> Data:
        """A job template by its name."""
        return _by_name(self._data["controller_templates"], name)

    def workflow(self, name: str) -> Data:
        """A workflow by its name."""
        return _by_name(self._data["controller_workflows"], name)

    def job(self, template: str, variables: t.Mapping[str, str]) -> Job:
        """A job of a template that is launched by itself, not yet started.

        A person answers what its survey asks, and types as extra variables what no survey asks. What only other
        templates ask for does not get into it.
        """
        found = self.template(template)
        elsewhere = {name for one in self._data["controller_templates"] for name in _asked(one)} - _asked(found)
        given = {name: value for name, value in variables.items() if name not in elsewhere}
        assert found["ask_variables_on_launch"] or set(given) <= _asked(found)
        return self._job(template, given)

    def relaunch(self, job: Job) -> Job:
        """A job with the variables of another one, whoever gave it them, not yet started."""
        return self._job(job.template, job.variables)

    def _job(self, template: str, variables: t.Mapping[str, str]) -> Job:
        found = self.template(template)
        answers = {name: value for name, value in variables.items() if name in _asked(found)}
        folder = self._folder / f"job-{len(self.jobs) + 1}"
        job = Job(folder, found, {**variables, **answer(found["survey_spec"], answers)})
        for credential in found["credentials"]:
            job.bring(self._injected(credential, folder))
        self.jobs.append(job)
        return job

    def walk(
        self,
        workflow: str,
        answers: t.Mapping[str, str],
        approve: t.Callable[[Data, Node], bool],
        run: t.Callable[[Job, Node], Job] = lambda job, _node: job.run(),
    ) -> dict[str, Node]:
        """Launch a workflow and return its nodes by identifier. ``approve`` is asked with the node's data, and the node
        with what it has inherited; ``run`` runs each job.
        """
        found = self.workflow(workflow)
        own = answer(found["survey_spec"], {name: value for name, value in answers.items() if name in _asked(found)})
        variables = {**answers, **own}
        rows = {row["identifier"]: row for row in found["simplified_workflow_nodes"]}
        nodes = {identifier: Node(identifier) for identifier in rows}
        while not all(node.status for node in nodes.values()):
            identifier = next(name for name, node in nodes.items() if not node.status and _ready(name, rows, nodes))
            node, row = nodes[identifier], rows[identifier]
            parents = _parents(identifier, rows)
            if parents and not _wanted(identifier, rows, nodes):
                node.status = NOT_RUN
                continue
            for parent in parents:
                node.inherited.update(nodes[parent].handed_on)
            if "approval_node" in row:
                node.status = SUCCEEDED if approve(row["approval_node"], node) else FAILED
                continue
            # What they inherit is theirs, and so are the workflow's variables, whether or not their survey knows of it.
            texts = {name: str(value) for name, value in node.inherited.items()}
            node.job = run(self._job(row["unified_job_template"], {**texts, **variables}), node)
            node.status = SUCCEEDED if node.job.status == "successful" else FAILED
        return nodes

    def _injected(self, credential: str, folder: pathlib.Path) -> Injected:
        found = _by_name(self._data["controller_credentials"], credential)
        kind = _by_name(self._data["controller_credential_types"], found["credential_type"])
        return inject(kind, self._inputs.get(kind["name"], {}), folder)


def _asked(template: Data) -> set[str]:
    return {str(question["variable"]) for question in template["survey_spec"]["spec"]}


def _by_name(rows: t.Iterable[Data], name: str) -> Data:
    return next(row for row in rows if row["name"] == name)


def _parents(identifier: str, rows: t.Mapping[str, Data]) -> list[str]:
    kinds = ("success_nodes", "failure_nodes", "always_nodes")
    return [name for name, row in rows.items() if any(identifier in row[kind] for kind in kinds)]


def _ready(identifier: str, rows: t.Mapping[str, Data], nodes: t.Mapping[str, Node]) -> bool:
    return all(nodes[parent].status for parent in _parents(identifier, rows))


def _wanted(identifier: str, rows: t.Mapping[str, Data], nodes: t.Mapping[str, Node]) -> bool:
    """Whether any parent (or, if they must converge, every one) leads here by what became of it."""
    led = []
    for parent in _parents(identifier, rows):
        row, status = rows[parent], nodes[parent].status
        kind = {SUCCEEDED: "success_nodes", FAILED: "failure_nodes"}.get(status)
        ran = kind is not None
        led.append(ran and (identifier in row["always_nodes"] or identifier in row[str(kind)]))
    return all(led) if rows[identifier]["all_parents_must_converge"] else any(led)
