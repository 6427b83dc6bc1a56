# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A systemd unit for the sync tool, on hosts where systemd really runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK

_RUNS = "/run/systemd/system"
"""There only where systemd is the init that runs. Source: sd_booted(3)."""
_UNITS = "/etc/systemd/system"
_OURS = "# Made by dbops.migration for "
_NAME = re.compile(r"[A-Za-z0-9:_.@-]{1,200}")
_ESCAPED = re.compile(r'["\\$`]')
_ENVIRONMENT = re.compile(r"^(\s*Environment\s*=\s*).+$", re.MULTILINE)


class Systemd:
    """The system's manager. ``root`` stands before its paths, for tests."""

    def __init__(self, root: str = "", command: t.Sequence[str] = ("systemctl",)) -> None:
        self._root = root
        self._command = tuple(command)

    def usable(self) -> bool:
        """Whether it runs and this user may make units."""
        allowed = bool(self._root) or os.geteuid() == 0
        return allowed and os.path.isdir(self._root + _RUNS) and shutil.which(self._command[0]) is not None

    def path(self, unit: str) -> str:
        """Where the unit's file is."""
        return f"{self._root}{_UNITS}/{unit}.service"

    def read(self, unit: str) -> t.Optional[str]:
        """The unit's file; None when there is none."""
        try:
            with open(self.path(unit), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def check_ours(self, unit: str, directory: str) -> None:
        """MigrationError ``starrocks.tool_unit_taken`` if the unit is somebody else's."""
        text = self.read(unit)
        if text is not None and not text.startswith(f"{_OURS}{directory}\n"):
            raise MigrationError(
                "starrocks.tool_unit_taken",
                f"The unit {self.path(unit)} is not the one of {directory}; give another unit_name.",
            )

    def write(self, unit: str, text: str) -> None:
        """Write the unit's file and let the manager read it."""
        path = self.path(unit)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path + ".new", 0o644)
        os.replace(path + ".new", path)
        self.call("daemon-reload")

    def remove(self, unit: str) -> None:
        """Remove the unit's file."""
        os.unlink(self.path(unit))
        self.call("daemon-reload")

    def call(self, *arguments: str, timeout: float = 120.0) -> None:
        """One command of the manager; MigrationError ``starrocks.tool_systemd`` if it fails."""
        command = [*self._command, *arguments]
        try:
            # run_command knows no time limit.
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                timeout=timeout,
            )  # fmt: skip
            text, failed = done.stdout.decode("utf-8", "replace").strip(), done.returncode != 0
        except (OSError, subprocess.TimeoutExpired) as error:
            text, failed = str(error), True
        if failed:
            raise MigrationError("starrocks.tool_systemd", f"{' '.join(command)} failed: {text[-500:]}")


def read_unit_name(value: str, option: str) -> str:
    """A unit's name, without ``.service``."""
    name = value.strip()
    name = name[: -len(".service")] if name.endswith(".service") else name
    if not _NAME.fullmatch(name):
        raise InvalidOption(option, f"{value!r} is no name of a unit", "Use letters, digits, and :_.@-")
    return name


def unit_text(directory: str, environment_file: str, user: str, stop_timeout: float) -> str:
    """The unit's file. What is in the environment may be secret, and this file is everybody's to read.

    It is not known whether bin/start.sh stays or leaves a daemon behind (undocumented): with RemainAfterExit both keep
    running, and stopping ends all of the unit's processes. It is not restarted by itself, as its exit codes are not
    documented, and a one-time run ends on purpose.
    """
    lines = [
        f"{_OURS}{directory}",
        "[Unit]",
        f"Description=StarRocks cross-cluster sync tool in {_literal(directory)}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=simple",
        "RemainAfterExit=yes",
        "KillMode=control-group",
        f"TimeoutStopSec={max(1, round(stop_timeout))}",
        f"WorkingDirectory={_literal(directory)}",
        f"EnvironmentFile={_literal(environment_file)}",
        *([f"User={_literal(user)}"] if user else []),
        # The shell runs a script without an interpreter in its first line too, which the manager does not.
        "ExecStart=/bin/sh -c 'exec \"$$0\"' " + f'"{_quoted(directory)}/bin/start.sh"',
    ]
    return "\n".join(lines) + "\n"


def environment_text(variables: t.Mapping[str, str]) -> str:
    """The file that the unit reads its environment from.

    In double quotes a backslash stands before what it escapes, and nothing is expanded. Source: systemd.exec(5),
    EnvironmentFile=.
    """
    return "".join(f'{name}="{_ESCAPED.sub(_escape, value)}"\n' for name, value in variables.items())


def shown_unit(text: t.Optional[str]) -> t.Optional[str]:
    """A unit's file without the values of variables that somebody has put into it."""
    return None if text is None else _ENVIRONMENT.sub(rf"\1{MASK}", text)


def _escape(match: t.Match[str]) -> str:
    return "\\" + match.group()


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    return _literal(text).replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
