# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which requests bring a config to the wanted values on every frontend: simulated before anything is sent.

``ADMIN SET`` is carried out by the frontend that is asked (up to 3.4) or by the leader (from 3.5), which then pushes
the value to every frontend on *another host*: one on the same host is never told (NodeMgr.setConfig, ConfigBase).
``GET /api/_set_config`` changes the one frontend that is asked, in memory only (facts 1.4).
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t
from urllib.parse import urlencode

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_string

SQL = "sql"
HTTP = "http"


@dataclasses.dataclass(frozen=True)
class Target:
    """One frontend: what a config is there, and what it should be. ``now`` is the server's text, ``wanted`` ours."""

    frontend: Frontend
    resource: str
    now: str
    wanted: str
    kind: str

    @property
    def right(self) -> bool:
        """Whether nothing has to be done."""
        return canonical(self.now, self.kind) == canonical(self.wanted, self.kind)


@dataclasses.dataclass(frozen=True)
class ConfigCall:
    """One request to one frontend, and the changes it makes (all carry its ``request``).

    ``or_memory``: should the server refuse to write fe.conf, then the same is sent without that.
    """

    via: str
    frontend: Frontend
    key: str
    value: str
    persistent: bool
    reached: t.Tuple[Frontend, ...]
    changes: t.Tuple[Change, ...] = ()
    or_memory: bool = False

    @property
    def statement(self) -> str:
        """The SQL."""
        return set_statement(self.key, self.value, self.persistent)

    @property
    def path(self) -> str:
        """The HTTP path with its query."""
        return set_path(self.key, self.value)

    @property
    def request(self) -> t.Dict[str, t.Any]:
        """What results, diffs and the journal show."""
        if self.via == HTTP:
            return {"frontend": self.frontend.address, "http": f"GET {self.path}"}
        request = {"frontend": self.frontend.address, "sql": self.statement}
        if self.persistent and self.or_memory:
            request["otherwise"] = set_statement(self.key, self.value, False)
        return request


def set_statement(key: str, value: str, persistent: bool) -> str:
    """``ADMIN SET FRONTEND CONFIG ("key" = "value")``; WITH PERSISTENT from 3.5 on."""
    suffix = " WITH PERSISTENT" if persistent else ""
    return f"ADMIN SET FRONTEND CONFIG ({quote_string(key)} = {quote_string(value)}){suffix}"


def set_path(key: str, value: str) -> str:
    """The path that sets one config on the frontend that is asked, and nowhere else."""
    return "/api/_set_config?" + urlencode({key: value})


class _Simulation:
    """What every frontend would hold after the requests so far."""

    def __init__(self, key: str, targets: t.Sequence[Target], action: str, or_memory: bool) -> None:
        self._key = key
        self._targets = targets
        self._action = action
        self._or_memory = or_memory
        self._now = {target.frontend: canonical(target.now, target.kind) for target in targets}
        self.calls: t.List[ConfigCall] = []

    def wrong(self, value: t.Optional[str] = None) -> t.List[Frontend]:
        """Those that do not hold what they should; with ``value``, only those that should hold this one."""
        return [
            target.frontend
            for target in self._targets
            if self._now[target.frontend] != canonical(target.wanted, target.kind) and value in (None, target.wanted)
        ]

    def send(self, via: str, executor: Frontend, value: str, persistent: bool, again: bool = False) -> None:
        """Add a request; ``again``: although nothing is wrong, so its changes change nothing in memory."""
        reached = self.reached(executor) if via == SQL else (executor,)
        left = self.wrong(value)
        call = ConfigCall(via, executor, self._key, value, persistent, reached, or_memory=self._or_memory)
        changes = tuple(
            Change(target.resource, self._action, target.now, target.wanted, call.request)
            for target in self._targets
            if target.frontend in reached and (target.frontend in left or (again and target.wanted == value))
        )
        for target in self._targets:
            if target.frontend in reached:
                self._now[target.frontend] = canonical(value, target.kind)
        self.calls.append(dataclasses.replace(call, changes=changes))

    def reached(self, executor: Frontend) -> t.Tuple[Frontend, ...]:
        """Whom a statement changes that this frontend carries out."""
        return tuple(
            target.frontend
            for target in self._targets
            if target.frontend == executor or target.frontend.host != executor.host
        )


def plan_calls(
    key: str,
    targets: t.Sequence[Target],
    leader: Frontend,
    runs_on: str,
    *,
    persistent: bool = False,
    action: str = "set",
    again: bool = False,
    or_memory: bool = False,
) -> t.List[ConfigCall]:
    """The requests, in order, that make every target right, with as few of them as can be.

    A statement reaches (nearly) everybody, so it is sent only where all should have one value, or where fe.conf must be
    written. Frontends that should differ from the others are changed one by one.

    :param targets: all living frontends, those that are right already too
    :param runs_on: ``connected`` or ``leader``, as the profile has it
    :param again: send it although all is right, so that fe.conf is written (with ``persistent``)
    :param or_memory: with ``persistent``, whether a refusal to write fe.conf is followed by the statement without it
    """
    simulation = _Simulation(key, targets, action, or_memory)
    counts = collections.Counter(target.wanted for target in targets)
    common = counts.most_common(1)[0][0]
    while persistent or len(counts) == 1:
        first_again = again and not simulation.calls and not simulation.wrong()
        left = [leader] if first_again else simulation.wrong(common)
        executor = leader if runs_on == "leader" or not left else _executor(left, targets, leader, simulation)
        if not set(simulation.reached(executor)) & set(left):
            break
        simulation.send(SQL, executor, common, persistent, first_again)
    for frontend in simulation.wrong():
        wanted = next(target.wanted for target in targets if target.frontend == frontend)
        simulation.send(HTTP, frontend, wanted, False)
    return simulation.calls


def _executor(
    left: t.Sequence[Frontend], targets: t.Sequence[Target], leader: Frontend, simulation: _Simulation
) -> Frontend:
    """Who reaches most of those that are left; the leader if nobody reaches more."""
    listed = sorted((target.frontend for target in targets), key=lambda frontend: frontend != leader)
    return max(listed, key=lambda one: len(set(simulation.reached(one)) & set(left)))
