# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of a region migration, checked before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_int
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import parse_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption

# What a single step (wait=false) lasts beside the settle time. It is not followed by one that knows what it saw, so it
# has to be long enough to conclude something from seeing nothing.
SINGLE_STEP = 2.0

FLUSH_CHOICES = ("auto", "always", "never")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Times in seconds. ``step_time`` None means: run to the end in one call."""

    server_timeout: int
    timeout: float
    move_timeout: float
    settle_time: float
    poll_interval: float
    step_time: t.Optional[float]
    max_failures: int
    attempts: int
    flush_before: str
    follow_only: bool = False


def read_settings(params: t.Mapping[str, t.Any]) -> Settings:
    """Return the settings, or raise ``InvalidOption`` for the first option that cannot be right."""
    server_timeout = parse_duration(params["server_timeout"], "server_timeout", minimum=1, maximum=86400)
    if server_timeout != int(server_timeout):
        raise InvalidOption(
            "server_timeout",
            f"{params['server_timeout']!r} is not a whole number of seconds",
            "The server counts this timeout in whole seconds; give for example 300 or 5m.",
        )
    move_timeout = parse_duration(params["move_timeout"], "move_timeout", minimum=1)
    if move_timeout <= server_timeout:
        raise InvalidOption(
            "move_timeout",
            f"{params['move_timeout']!r} is not longer than server_timeout ({params['server_timeout']!r})",
            "Give it at least the server's own time plus its retries, for example 15m.",
        )
    settle_time = parse_duration(params["settle_time"], "settle_time", minimum=0.1)
    flush_before = str(params["flush_before"])
    if flush_before not in FLUSH_CHOICES:
        raise InvalidOption(
            "flush_before", f"{flush_before!r} is not known", "Choose one of " + ", ".join(FLUSH_CHOICES) + "."
        )
    return Settings(
        server_timeout=int(server_timeout),
        timeout=parse_duration(params["timeout"], "timeout", minimum=1),
        move_timeout=move_timeout,
        settle_time=settle_time,
        poll_interval=parse_duration(params["poll_interval"], "poll_interval", minimum=0.05, maximum=60),
        step_time=_step_time(params, settle_time),
        max_failures=as_int(params["max_failures"], "max_failures", minimum=0),
        attempts=as_int(params["attempts"], "attempts", minimum=1, maximum=20),
        flush_before=flush_before,
        follow_only=bool(params["follow_only"]),
    )


def _step_time(params: t.Mapping[str, t.Any], settle_time: float) -> t.Optional[float]:
    if params.get("step_time") not in (None, ""):
        return parse_duration(params["step_time"], "step_time", minimum=0.1)
    return None if params["wait"] else settle_time + SINGLE_STEP
