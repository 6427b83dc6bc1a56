# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an option of a role to a question of a survey.

What AWX takes (its API for survey specs): the types below, `min` and `max` as whole numbers, which are lengths for
text, `choices` as lines of text, and a default of the question's own type, or empty text where there is none.
"""

from __future__ import annotations

import typing as t

from tooling.awx import sources
from tooling.awx.markup import plain

# AWX takes any length. A list of 10,000 names, or a plan of as many moves, must fit.
TEXT_MAX = 16 * 1024
TEXTAREA_MAX = 4 * 1024 * 1024
NUMBER_MAX = 2**31 - 1
TYPES = {
    "int": "integer",
    "float": "float",
    "str": "text",
    "path": "text",
    "raw": "text",
    "list": "text",
    "dict": "textarea",
}
SWITCH = ["true", "false"]
HOSTS = "hosts"

# How a label writes what a name cannot.
_WRITTEN = {
    **{word: word.upper() for word in ("ca", "ddl", "fe", "http", "s3", "sql", "tls", "url")},
    "addrs": "addresses",
    "cert": "certificate",
    "sha256": "SHA-256",
}

Question = dict[str, t.Any]


def label(name: str) -> str:
    """A heading for people from the name of an option."""
    words = [_WRITTEN.get(word, word) for word in name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def question(role: str, name: str, option: sources.Option) -> Question:
    """The question for one option; ``name`` is without the role's prefix."""
    wishes = sources.choices()["roles"][role]
    made: Question = {
        "question_name": label(name),
        "question_description": plain(" ".join(option["description"])),
        "required": bool(option.get("required", False)),
        "variable": f"{role}_{name}",
    }
    default = option.get("default")
    kind = str(option.get("type", "str"))
    values = SWITCH if kind == "bool" or name in wishes["switches"] else option.get("choices")
    if values:
        text = "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
        return {**made, "type": "multiplechoice", "choices": "\n".join(map(str, values)), "default": text}
    kind = "textarea" if name in sources.textarea(role) else TYPES.get(kind, "text")
    if kind in ("integer", "float"):
        least, most = wishes["bounds"].get(name, (0, NUMBER_MAX))
        return {**made, "type": kind, "min": least, "max": most, "default": "" if default is None else default}
    return {
        **made,
        "type": kind,
        "min": 1 if made["required"] else 0,
        "max": TEXTAREA_MAX if kind == "textarea" else TEXT_MAX,
        "default": "" if default is None else str(default),
    }


def hosts_question(role: str) -> Question:
    """Where the modules run, which is the play's matter and no option of a role."""
    wishes = sources.choices()["roles"][role]
    return {
        "question_name": "Host",
        "question_description": plain(wishes["hosts"]),
        "required": True,
        "variable": f"{role}_{HOSTS}",
        "type": "text",
        "min": 1,
        "max": TEXT_MAX,
        # Nothing where localhost would not do: who only accepts the form must not run there what has to last.
        "default": wishes["default_host"],
    }


def phase_survey(role: str, phase: str) -> dict[str, t.Any]:
    """The survey of one job template."""
    spec = sources.specs(role)[phase]["options"]
    wishes = sources.choices()["roles"][role]
    asked = [name for name in sources.asked(role) if f"{role}_{name}" in spec]
    questions = [question(role, name, spec[f"{role}_{name}"]) for name in asked]
    return _survey(f"{wishes['title']}: {phase}", [hosts_question(role), *questions])


def workflow_survey(role: str, phases: t.Sequence[str]) -> dict[str, t.Any]:
    """The survey of a workflow: what any of its phases takes, each once. What one of them requires is required."""
    wishes = sources.choices()["roles"][role]
    found: dict[str, Question] = {}
    for phase in phases:
        spec = sources.specs(role)[phase]["options"]
        for name in sources.asked(role):
            if f"{role}_{name}" in spec and name not in wishes["alone"]:
                made = question(role, name, spec[f"{role}_{name}"])
                if name not in found or (made["required"] and not found[name]["required"]):
                    found[name] = made
    ordered = [found[name] for name in sources.asked(role) if name in found]
    return _survey(f"{wishes['title']}: migration", [hosts_question(role), *ordered])


def _survey(name: str, questions: list[Question]) -> dict[str, t.Any]:
    return {"name": name, "description": "", "spec": questions}
