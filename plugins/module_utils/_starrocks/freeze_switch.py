# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The switch that stops every load: FE config ``disable_load_job``, read and set on every frontend (facts 1.3, 1.4, 7).

The leader's value counts, and any frontend may come to lead, so the switch is set and proved on all that are alive. It
is in memory only: a frontend that was restarted has forgotten it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import read_config
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_send import set_over_http
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_string

KEY = "disable_load_job"
ON = "true"
OFF = "false"
PARTIAL = "starrocks.config_partial"


@dataclasses.dataclass(frozen=True)
class SwitchLook:
    """The switch on every living frontend, and why it is not known on others that should be alive."""

    values: t.Mapping[Frontend, str]
    failed: t.Mapping[Frontend, MigrationError]
    dead: t.Tuple[Frontend, ...]

    @property
    def everywhere(self) -> str:
        """ON or OFF where all living frontends agree and answered, otherwise ""."""
        found = set(self.values.values())
        return found.pop() if len(found) == 1 and not self.failed else ""

    @property
    def leader(self) -> t.Optional[Frontend]:
        """The frontend that leads, whether it answers here or not; None while none does."""
        return next((one for one in (*self.values, *self.failed) if one.role == "LEADER"), None)

    @property
    def speaker(self) -> t.Optional[Frontend]:
        """Who is to be talked to: the leader, or where that does not answer, another one that does."""
        leader = self.leader
        return leader if leader in self.values else next(iter(self.values), None)

    def require_known(self) -> None:
        """The error of the first living frontend that did not answer, if there is one."""
        for error in self.failed.values():
            raise error

    def differing(self, wanted: str) -> t.List[Frontend]:
        """The living frontends that have another value, in order."""
        return [frontend for frontend, value in self.values.items() if value != wanted]

    def told(self) -> t.Dict[str, t.Optional[str]]:
        """By address, for results; None where it is not known."""
        return {
            **{frontend.address: value for frontend, value in self.values.items()},
            **{frontend.address: None for frontend in self.failed},
        }


@dataclasses.dataclass(frozen=True)
class SwitchRequest:
    """One request: a statement, or a path with http. ``covers``: the frontends it changes, of those that must be."""

    frontend: Frontend
    value: str
    covers: t.Tuple[Frontend, ...]
    http: bool

    @property
    def text(self) -> str:
        """The statement, or the path."""
        if self.http:
            return f"/api/_set_config?{KEY}={self.value}"
        return f"ADMIN SET FRONTEND CONFIG ({quote_string(KEY)} = {quote_string(self.value)})"

    def as_result(self) -> t.Dict[str, str]:
        """For results and the journal."""
        return {
            "frontend": self.frontend.address,
            **({"http": f"GET {self.text}"} if self.http else {"sql": self.text}),
        }


def resource(cluster_id: str, frontend: str) -> str:
    """The switch of one frontend (its address) in the journal.

    Not among the configs: restoring those behind a cutover must not let loads into the source again.
    """
    return f"starrocks:{cluster_id}/freeze/{frontend}"


def tell_all(
    profile: Profile,
    look: SwitchLook,
    change: t.Sequence[Frontend],
    value: str,
    besides: t.Sequence[Frontend] = (),
) -> t.List[SwitchRequest]:
    """One statement that reaches everybody, so that the frontends of ``change`` get ``value``.

    Whoever carries it out tells all others but those on its own host, which are told each by itself. That is the
    frontend that it is sent to, up to 3.4; from 3.5 on it is the leader, to whom others forward it (facts 1.4). So a
    leader that does not answer here is told through another frontend. ``besides``: what else it changes, if it is told.
    """
    if not change or look.speaker is None:
        return []
    executor = look.leader if profile.set_runs_on == "leader" else look.speaker
    if executor is None:
        return tell_each(profile, [one for one in change if one in look.values], value)
    alone = [one for one in (*change, *besides) if one != executor and one.host == executor.host]
    told = [one for one in change if one not in alone]
    covers = (*told, *(one for one in besides if one not in alone))
    requests = [SwitchRequest(look.speaker, value, covers, False)] if told else []
    return requests + tell_each(profile, [one for one in change if one in alone and one in look.values], value)


def tell_each(
    profile: Profile, change: t.Sequence[Frontend], value: str, others_stay: bool = False
) -> t.List[SwitchRequest]:
    """Each frontend of ``change`` told by itself, the way its version allows.

    Up to 3.4 it carries a statement out itself (and tells the others too); from 3.5 on it would forward it, so that
    only HTTP is left, which needs the role root. HTTP alone changes nobody else, for when ``others_stay``.
    """
    over_http = others_stay or profile.set_runs_on == "leader"
    return [SwitchRequest(one, value, (one,), over_http) for one in change]


class LoadSwitch:
    """Reading and setting the switch. Journal and repetition are the caller's."""

    def __init__(self, server: Cluster) -> None:
        self._server = server

    def look(self) -> SwitchLook:
        """The switch everywhere, now."""
        frontends = self._server.frontends(refresh=True)
        alive = [one for one in frontends if one.alive]
        good, failed = self._server.on_each(alive, self._value)
        values = {one: good[one] for one in alive if one in good}
        return SwitchLook(values, failed, tuple(one for one in frontends if not one.alive))

    def _value(self, frontend: Frontend) -> str:
        row = read_config(self._server, frontend, KEY)
        if row is None:
            raise MigrationError(
                "starrocks.unexpected_answer",
                f"{frontend.address} does not tell its {KEY}; check that the user has OPERATE ON SYSTEM there.",
                details={"frontend": frontend.address},
            )
        return ON if row.value.strip().lower() == ON else OFF

    def profile(self) -> Profile:
        """How this version sets the switch. The run mode plays no part, so that nobody has to be asked for it."""
        return Profile.choose(self._server.version, "shared_nothing")

    def read(self, frontends: t.Sequence[Frontend]) -> t.List[t.Optional[str]]:
        """The switch of these, in order; None for one that does not answer."""
        good, _failed = self._server.on_each(frontends, self._value)
        return [good.get(one) for one in frontends]

    def send(self, request: SwitchRequest) -> t.FrozenSet[str]:
        """Send it once; the hosts of the frontends that could not be told, by the server's word.

        That there are some is no error here: reading back shows it.
        """
        doing = f"set {KEY} to {request.value}"
        try:
            if request.http:
                set_over_http(self._server, request.frontend, KEY, request.text, doing)
            else:
                self._server.execute_on(request.frontend, request.text, doing)
        except MigrationError as error:
            if error.code != PARTIAL:
                raise
            # A text that names no host leaves open who was told.
            return frozenset(error.details.get("failed_frontends") or (one.host for one in request.covers))
        return frozenset()
