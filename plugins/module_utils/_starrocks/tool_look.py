# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is there of the sync tool now: its folder, its files, its processes."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_properties as tp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import readable
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import CONFIGURATION, Home, read_text
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_file import read_log
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_log_options import LogPlace
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_process import (
    Process,
    Processes,
    Start,
    by_hand,
    of_start,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import SYNC_PROPERTIES
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_verdict import (
    COMPLETED,
    ENDED,
    FAILED,
    LAST_ERROR,
    LAST_LINES,
    Reason,
    Rules,
    Standing,
    judge,
)

_LOOKS = 3
"""A list of processes is no snapshot: a parent that is listed can make a child, and be gone when it is looked at. The
child is in the next list."""

ENDED_EARLY = "failed"


@dataclasses.dataclass(frozen=True)
class Look:
    """One look. ``files``: the configuration by its path in the folder. ``start``: what is recorded, alive or not.

    ``ours``: the processes of that start; ``strange``: those that run this tool by somebody else's hand.
    """

    exists: bool
    installed: str
    files: t.Mapping[str, t.Optional[str]]
    start: t.Optional[Start]
    ours: t.Tuple[Process, ...]
    strange: t.Tuple[Process, ...]

    @property
    def running(self) -> bool:
        """Whether the tool runs, by whoever."""
        return bool(self.ours or self.strange)

    @property
    def pids(self) -> t.List[int]:
        """Numbers of all its processes."""
        return [one.pid for one in (*self.ours, *self.strange)]

    @property
    def standing(self) -> Standing:
        """For the verdict about the log."""
        since = parse_iso(self.start.at).timestamp() if self.start is not None else None
        return Standing(running=self.running, recorded=self.start is not None, since=since)


def look_at(home: Home, processes: Processes) -> Look:
    """See what is there."""
    start = home.start()
    ours: t.List[Process] = []
    strange: t.List[Process] = []
    for _look in range(1 if start is None else _LOOKS):
        listed = processes.all()
        ours = of_start(listed, start, processes.boot(), home.directory)
        strange = by_hand(listed, ours, home.directory)
        if ours or strange:
            break
    return Look(
        exists=home.exists(),
        installed=home.installed(),
        files={name: read_text(home.path(name)) for name in CONFIGURATION},
        start=start,
        ours=tuple(ours),
        strange=tuple(strange),
    )


def rules_of(
    properties: t.Mapping[str, str], stall_after: float = 1800.0, utc_offset: t.Optional[float] = None
) -> Rules:
    """The rules for a verdict, with the intervals that the tool was given."""
    return Rules(
        report_interval=_seconds(properties.get(tp.REPORT_INTERVAL), 300.0),
        meta_interval=_seconds(properties.get("meta_job_interval_seconds"), 180.0),
        stall_after=stall_after,
        one_time=is_one_time(properties),
        utc_offset=utc_offset,
    )


def is_one_time(properties: t.Mapping[str, str]) -> bool:
    """Whether the tool is to end by itself when all was copied once."""
    return properties.get(tp.ONE_TIME, "").strip().lower() == "true"


def properties_of(files: t.Mapping[str, t.Optional[str]]) -> t.Dict[str, str]:
    """The properties in effect."""
    return readable(files.get(SYNC_PROPERTIES) or "")


def ended_run(home: Home, look: Look, place: LogPlace, now: float) -> t.Tuple[str, t.Tuple[Reason, ...]]:
    """How a one-time run ended that is not running any more: by its last reports, never by its exit code.

    Exit codes are not documented. ``place``: where its log is. ``now`` in Unix seconds.

    :returns: COMPLETED, ENDED (only a comparison tells whether all is equal) or ENDED_EARLY, and why
    """
    log = read_log(place.path_if_there(home.directory))
    standing = dataclasses.replace(look.standing, running=False)
    rules = rules_of(properties_of(look.files), utc_offset=place.utc_offset)
    verdict = judge(log.memory, standing, rules, now)
    if verdict.verdict in (COMPLETED, ENDED):
        return verdict.verdict, verdict.reasons
    return ENDED_EARLY, verdict.reasons if verdict.verdict == FAILED else ()


def ran(outcome: str, reasons: t.Sequence[Reason], code: t.Optional[int]) -> bool:
    """Whether a one-time run that is over already has been one, and no start that went wrong.

    Exit codes are not documented, so another than 0 does not decide: its log must tell of it then, and of no error.

    :param outcome: of ``ended_run``, with its ``reasons``
    :param code: of the tool's script, None where it is not known
    """
    told = {reason.code for reason in reasons}
    spoke = LAST_LINES in told and LAST_ERROR not in told
    return outcome == COMPLETED or (outcome == ENDED and (code == 0 or spoke))


def _seconds(text: t.Optional[str], default: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return default
    return value if value > 0 else default
