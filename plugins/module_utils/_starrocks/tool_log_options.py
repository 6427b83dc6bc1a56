# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Where the sync tool's log is and which zone its times are in, for every module that goes by it."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.option_problems import OptionProblems

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


@dataclasses.dataclass(frozen=True)
class LogPlace:
    """``given``: a path, or "" for the usual places. ``utc_offset`` in seconds; None: the local time of this host."""

    given: str = ""
    utc_offset: t.Optional[float] = None

    def path(self, directory: str) -> str:
        """The log of the tool in this folder; "" when none was given and none is there."""
        if self.given:
            return self.given
        # Here and not above: modules that look at no log read options too, and what reads one is a lot to load.
        from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_file import find_log

        return find_log(directory)

    def path_if_there(self, directory: str) -> str:
        """The same, and "" also when there is no log where it should be: a tool may end before it writes one."""
        path = self.path(directory)
        return path if os.path.isfile(path) else ""


def log_argument_spec() -> ArgumentSpec:
    """The options of the doc fragment ``_starrocks_log``."""
    return ArgumentSpec({"log_file": {"type": "path"}, "log_utc_offset": {"type": "str"}})


def read_log_place(params: t.Mapping[str, t.Any], problems: OptionProblems) -> LogPlace:
    """The place of a module's parameters. What is wrong is added to ``problems``."""
    given = str(params.get("log_file") or "")
    if given and not os.path.isabs(given):
        problems.add("log_file", f"{given!r} is no absolute path", "Give one")
    return LogPlace(given, problems.attempt(lambda: _offset(params.get("log_utc_offset"))))


def _offset(value: t.Any) -> t.Optional[float]:
    if value in (None, ""):
        return None
    text = str(value).strip()
    match = _OFFSET.fullmatch("+00:00" if text in ("Z", "z", "UTC") else text)
    if match is None or int(match.group(2)) > 14 or int(match.group(3)) > 59:
        raise InvalidOption("log_utc_offset", f"{value!r} is no offset", "Give one such as +08:00, or UTC")
    sign = -1 if match.group(1) == "-" else 1
    return sign * (int(match.group(2)) * 3600.0 + int(match.group(3)) * 60.0)
