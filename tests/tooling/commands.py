# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of a shell block, and whether what they name is there: playbooks, options, make targets, labs."""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import shlex
import typing as t

from lab import cli
from tooling import content, options, paths

_HEREDOC = re.compile(r"<<-?\s*'?\"?(\w+)'?\"?")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")
_TARGETS = re.compile(r"^([a-z][a-z0-9-]*):", re.MULTILINE)
_NAME = "dbops.migration."
# Playbooks of other collections, which nobody can look into here.
_FOREIGN_PLAYBOOKS = ("infra.aap_configuration.configure_aap",)
# Collections that anybody can install from Galaxy. ansible.controller, for one, is on Automation Hub only.
_ON_GALAXY = ("awx.awx", "dbops.migration", "infra.aap_configuration")
ENGINES = ("greptimedb", "pegasus", "starrocks")


def split(text: str) -> list[str]:
    """The commands of a block, each with the lines that it goes on over, without comments."""
    found: list[str] = []
    lines = iter(text.split("\n"))
    for first in lines:
        line = first
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        while line.rstrip().endswith("\\"):
            line = line.rstrip()[:-1] + next(lines, "").strip()
        heredoc = _HEREDOC.search(line)
        if heredoc:
            for more in lines:
                line += "\n" + more
                if more.strip() == heredoc.group(1):
                    break
        found.append(line.strip())
    return found


def words(command: str) -> list[str]:
    """The words of a command, without what follows a pipe, and without assignments before it."""
    parts = shlex.split(command.split("\n")[0], comments=True)
    found = parts[: parts.index("|")] if "|" in parts else parts
    while len(found) > 1 and _ASSIGNMENT.match(found[0]):
        found = found[1:]
    return found


def problem(command: str) -> str:
    """What is wrong with a command, by looking at what it names; "" when nothing is to be seen."""
    found = words(command)
    program = found[0].rsplit("/", 1)[-1]
    if found[0].endswith("python"):
        return _of_lab(found[3:]) if found[1:3] == ["-m", "lab"] else ""
    check = _CHECKS.get(program)
    return check(found[1:]) if check else ""


def variables() -> set[str]:
    """All variables that a playbook of the collection reads."""
    found = {f"{engine}_hosts" for engine in ENGINES}
    for role in content.roles():
        for spec in options.specs(role).values():
            found.update(spec.get("options") or {})
    return found


def _of_playbook(arguments: t.Sequence[str]) -> str:
    parser = _Quiet()
    parser.add_argument("playbook")
    parser.add_argument("-e", "--extra-vars", action="append", default=[])
    parser.add_argument("-i", "--inventory", action="append", default=[])
    for flag in ("--check", "--diff", "--ask-vault-pass", "-v", "-vv", "-vvv", "--syntax-check", "--list-tasks"):
        parser.add_argument(flag, action="store_true")
    for flag in ("--limit", "--vault-password-file", "-l"):
        parser.add_argument(flag)
    parsed, said = parser.said(arguments)
    if parsed is None:
        return said
    name = str(parsed.playbook)
    if name in _FOREIGN_PLAYBOOKS:
        return ""
    if name.startswith(_NAME):
        if not (paths.ROOT / "playbooks" / f"{name[len(_NAME) :]}.yml").is_file():
            return f"there is no playbook {name}"
    elif not (paths.ROOT / name).is_file():
        return f"there is no file {name}"
    given = [one for one in parsed.extra_vars if not one.startswith("@")]
    unknown = [one for one in given if one.split("=", 1)[0] not in variables() or "=" not in one]
    return f"no playbook reads {', '.join(unknown)}" if unknown else ""


def _of_ansible(arguments: t.Sequence[str]) -> str:
    parser = _Quiet()
    parser.add_argument("host")
    parser.add_argument("-m", dest="module", required=True)
    parser.add_argument("-a", dest="arguments", default="")
    parser.add_argument("-i", dest="inventory")
    parser.add_argument("--check", action="store_true")
    parsed, said = parser.said(arguments)
    if parsed is None:
        return said
    module = str(parsed.module)[len(_NAME) :]
    if not str(parsed.module).startswith(_NAME):
        return ""
    if module not in content.modules():
        return f"there is no module {module}"
    known = options.documented(module)
    unknown = [one for one in shlex.split(parsed.arguments) if one.split("=", 1)[0] not in known]
    return f"{module} has no option {', '.join(unknown)}" if unknown else ""


def _of_galaxy(arguments: t.Sequence[str]) -> str:
    if list(arguments[:2]) != ["collection", "install"]:
        return ""
    names = [one.split(":")[0] for one in arguments[2:] if not one.startswith("-")]
    unknown = [name for name in names if name not in _ON_GALAXY and not name.endswith((".yml", ".gz"))]
    return f"Galaxy has no {', '.join(unknown)}" if unknown else ""


def _of_make(arguments: t.Sequence[str]) -> str:
    targets = set(_TARGETS.findall((paths.ROOT / "Makefile").read_text(encoding="utf-8")))
    unknown = [one for one in arguments if not _ASSIGNMENT.match(one) and one not in targets]
    return f"there is no make target {', '.join(unknown)}" if unknown else ""


def _of_doc(arguments: t.Sequence[str]) -> str:
    names = [one[len(_NAME) :] for one in arguments if one.startswith(_NAME)]
    known = {*content.modules(), *content.roles()}
    unknown = [name for name in names if name not in known]
    return f"there is no {', '.join(unknown)}" if unknown else ""


def _of_lab(arguments: t.Sequence[str]) -> str:
    """Whether the lab understands it."""
    error = io.StringIO()
    try:
        with contextlib.redirect_stderr(error):
            args = cli.parse(arguments)
    except SystemExit:
        return error.getvalue().strip().split("\n")[-1]
    return cli.problem(args) if args.action == "start" else ""


class _Quiet(argparse.ArgumentParser):
    """A parser that tells what is wrong instead of ending the program."""

    def __init__(self) -> None:
        super().__init__(add_help=False, exit_on_error=False)

    def error(self, message: str) -> t.NoReturn:
        raise argparse.ArgumentError(None, message)

    def said(self, arguments: t.Sequence[str]) -> tuple[argparse.Namespace | None, str]:
        try:
            return self.parse_args(list(arguments)), ""
        except argparse.ArgumentError as error:
            return None, str(error)


_CHECKS: t.Mapping[str, t.Callable[[t.Sequence[str]], str]] = {
    "ansible": _of_ansible,
    "ansible-doc": _of_doc,
    "ansible-galaxy": _of_galaxy,
    "ansible-playbook": _of_playbook,
    "make": _of_make,
}
