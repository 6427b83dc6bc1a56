# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the sync tool's module, checked as a whole before anything is touched."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import hosts_file as hf
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_properties as tp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_archive import (
    read_checksum,
    read_location,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_config import (
    SHARED_DATA,
    SHARED_NOTHING,
    Wanted,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_options import (
    LogPlace,
    log_argument_spec,
    read_log_place,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_systemd import read_unit_name

PRESENT, STARTED, STOPPED, ABSENT = "present", "started", "stopped", "absent"
AUTO, SYSTEMD, SESSION = "auto", "systemd", "session"

_TYPES = {tp.BOOL: "bool", tp.INT: "int", tp.TEXT: "str", tp.SECRET: "str", tp.NAMES: "raw"}
_DIRECTORY = re.compile(r"/[^\s$%\"'\\\\:]+")
_SHORTEST_HIDDEN = 8
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclasses.dataclass(frozen=True)
class ToolRequest:
    """What was asked for. ``archive`` and ``sha256`` "" when not given. Times in seconds."""

    directory: str
    state: str
    archive: str
    sha256: str
    wanted: Wanted
    supervisor: str
    unit: str
    user: str
    variables: t.Mapping[str, str]
    adopt: bool
    start_wait: float
    stop_timeout: float
    download_timeout: float
    log: LogPlace


def tool_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal."""
    spec = ArgumentSpec(
        {
            "directory": {"type": "path", "required": True},
            "state": {"type": "str", "default": PRESENT, "choices": [PRESENT, STARTED, STOPPED, ABSENT]},
            "archive": {"type": "str"},
            "archive_sha256": {"type": "str"},
            "extra_properties": {"type": "raw"},
            "force_properties": {"type": "bool", "default": False},
            "optional_properties": {"type": "raw"},
            "address_map": {"type": "raw"},
            "target_address_map": {"type": "raw"},
            "source_hosts": {"type": "raw"},
            "target_hosts": {"type": "raw"},
            "source_run_mode": {
                "type": "str",
                "default": SHARED_NOTHING,
                "choices": [SHARED_NOTHING, SHARED_DATA],
            },
            "target_run_mode": {"type": "str", "choices": [SHARED_NOTHING, SHARED_DATA]},
            "supervisor": {"type": "str", "default": AUTO, "choices": [AUTO, SYSTEMD, SESSION]},
            "unit_name": {"type": "str", "default": "starrocks-cluster-sync"},
            "user": {"type": "str"},
            "environment": {"type": "raw"},
            "adopt": {"type": "bool", "default": False},
            "start_wait": {"type": "str", "default": "3s"},
            "stop_timeout": {"type": "str", "default": "30s"},
            "download_timeout": {"type": "str", "default": "60s"},
        },
        required_together=[("archive", "archive_sha256")],
    )
    for name, kind in tp.KINDS.items():
        # Said for every one, as Ansible guesses by the name otherwise.
        option: t.Dict[str, t.Any] = {"type": _TYPES[kind], "no_log": kind == tp.SECRET}
        if name in tp.LOGINS:
            option["fallback"] = (env_fallback, [tp.LOGINS[name]])
        spec.update(**{name: option})
    return spec.merge(log_argument_spec())


def read_tool_request(params: t.Mapping[str, t.Any]) -> ToolRequest:
    """The request of a module's parameters; everything that is wrong with them is told at once."""
    problems = OptionProblems()
    request = _Reader(params, problems).request()
    problems.raise_all()
    return request


def extra_secrets(params: t.Mapping[str, t.Any]) -> t.List[str]:
    """The secrets that no option of their own holds, for Ansible to hide.

    Of variables, values that are long enough to hold one, as ``JAVA_TOOL_OPTIONS`` may: a short one would hide half of
    the result with itself.
    """
    found: t.List[str] = []
    for option, shortest in (("extra_properties", None), ("environment", _SHORTEST_HIDDEN)):
        try:
            given = as_mapping(params.get(option), option)
        except InvalidOption:
            continue
        for name, value in given.items():
            text = "" if value is None else str(value)
            if text and (tp.is_secret(name.lower()) or (shortest is not None and len(text) >= shortest)):
                found.append(text)
    return found


class _Reader:
    def __init__(self, params: t.Mapping[str, t.Any], problems: OptionProblems) -> None:
        self._params = params
        self._problems = problems

    def request(self) -> ToolRequest:
        params = self._params
        archive, sha256 = "", ""
        if params.get("archive"):
            archive = self._problems.attempt(lambda: read_location(str(params["archive"]), "archive"), "")
            sha256 = self._problems.attempt(lambda: read_checksum(params.get("archive_sha256"), "archive_sha256"), "")
        supervisor, user = str(params["supervisor"]), str(params.get("user") or "").strip()
        if user and supervisor == SESSION:
            problem = "it is for a systemd unit only"
            self._problems.add("user", problem, "Become that user for the task instead")
        return ToolRequest(
            directory=self._directory(),
            state=str(params["state"]),
            archive=archive,
            sha256=sha256,
            wanted=self._wanted(),
            supervisor=supervisor,
            unit=self._problems.attempt(lambda: read_unit_name(str(params["unit_name"]), "unit_name"), ""),
            user=user,
            variables=self._variables(),
            adopt=bool(params["adopt"]),
            start_wait=self._seconds("start_wait", 0.0),
            stop_timeout=self._seconds("stop_timeout", None),
            download_timeout=self._seconds("download_timeout", None),
            log=read_log_place(params, self._problems),
        )

    def _directory(self) -> str:
        given = str(self._params["directory"])
        directory = os.path.normpath(given)
        if not _DIRECTORY.fullmatch(directory) or directory.count("/") < 2:
            fix = "Give an absolute path below another folder, without spaces or quotes, such as /opt/starrocks-sync"
            self._problems.add("directory", f"{given!r} cannot be the folder of the tool", fix)
            return directory
        # Processes tell where they are without links.
        return os.path.realpath(directory)

    def _wanted(self) -> Wanted:
        params = self._params
        properties: t.Dict[str, str] = {}
        nothing: t.Dict[str, t.Any] = {}
        for name in tp.KINDS:
            if params.get(name) is not None:
                self._property(properties, name, params[name])
        for name, value in self._problems.attempt(
            lambda: as_mapping(params.get("extra_properties"), "extra_properties"), nothing
        ).items():
            if name in properties:
                problem = f"{name} is an option of its own, and given there too"
                self._problems.add("extra_properties", problem, "Give it once")
            else:
                self._property(properties, name, "" if value is None else value)
        wrong: t.List[InvalidOption] = []
        source, target = (hf.read_side(params, side, wrong) for side in (hf.SOURCE, hf.TARGET))
        self._problems.found += wrong
        return Wanted(
            properties=properties,
            force=bool(params["force_properties"]),
            source=source,
            target=target,
            source_run_mode=str(params["source_run_mode"]),
            target_run_mode=str(params.get("target_run_mode") or ""),
            optional=frozenset(str(one).strip() for one in self._names("optional_properties")),
        )

    def _names(self, option: str) -> t.List[t.Any]:
        nothing: t.List[t.Any] = []
        return self._problems.attempt(lambda: as_list(self._params.get(option), option), nothing)

    def _property(self, properties: t.Dict[str, str], name: str, value: t.Any) -> None:
        if name not in tp.KINDS and not isinstance(value, (str, int, float)):
            problem = f"{name} is {type(value).__name__}"
            self._problems.add("extra_properties", problem, "Give text, a number or a boolean")
            return
        properties[name] = self._problems.attempt(lambda: tp.as_property(name, value), "")

    def _variables(self) -> t.Dict[str, str]:
        nothing: t.Dict[str, t.Any] = {}
        found = {}
        for name, value in self._problems.attempt(
            lambda: as_mapping(self._params.get("environment"), "environment"), nothing
        ).items():
            text = "" if value is None else str(value)
            if not _VARIABLE.fullmatch(name) or "\n" in text or "\0" in text:
                self._problems.add("environment", f"{name!r} is no variable", "Give NAME: value")
            found[name] = text
        return found

    def _seconds(self, name: str, minimum: t.Optional[float]) -> float:
        return self._problems.attempt(
            lambda: parse_duration(self._params[name], name, minimum=minimum, maximum=3600), 1.0
        )
