# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Reading storage volumes, and sending one step: written down before, read back after."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_sql
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Volume, decode_volume
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_plan import Step, is_as

ATTEMPTS = 3
PAUSE = 0.5
NO_REPLY = "starrocks.no_reply"
EXISTS = "starrocks.volume_exists"
MISSING = "starrocks.volume_missing"
IN_USE = "starrocks.volume_in_use"


class VolumeServer(t.Protocol):
    """What is needed of a cluster (``client.Cluster``)."""

    def query(self, sql: str, doing: str) -> Rows:
        """A read on the leader."""

    def execute(self, sql: str, doing: str) -> t.Any:
        """A statement that changes something, sent once."""


class VolumeReader:
    """The volumes of one cluster, read when asked for. DESC shows one volume only, so nothing is read twice."""

    def __init__(self, server: VolumeServer) -> None:
        self._server = server
        self._names: t.Optional[t.Tuple[str, ...]] = None
        self._found: t.Dict[str, t.Optional[Volume]] = {}

    def names(self) -> t.Tuple[str, ...]:
        """All volumes on which the user has any privilege."""
        if self._names is None:
            rows = self._server.query(volume_sql.LIST, "list the storage volumes")
            self._names = tuple(str(row[0]) for row in rows.rows)
        return self._names

    def get(self, name: str, *, again: bool = False) -> t.Optional[Volume]:
        """The volume, None if there is none."""
        if again:
            self._names = None
            self._found.pop(name, None)
        if name not in self._found:
            self._found[name] = self._read(name) if name in self.names() else None
        return self._found[name]

    def several(self, names: t.Iterable[str]) -> t.Dict[str, t.Optional[Volume]]:
        """Volumes by name."""
        return {name: self.get(name) for name in names}

    def default(self, *, again: bool = False) -> str:
        """The name of the default volume, "" when there is none that the user may see."""
        if again:
            self._names = None
            self._found.clear()
        for name in self.names():
            volume = self.get(name)
            if volume is not None and volume.is_default:
                return name
        return ""

    def _read(self, name: str) -> t.Optional[Volume]:
        try:
            rows = self._server.query(volume_sql.describe(name), f"describe storage volume {name}")
        except MigrationError as error:
            if error.code == MISSING:
                return None
            raise
        record = next(rows.records(), None)
        return None if record is None else decode_volume(record)


def send_step(
    step: Step, server: VolumeServer, reader: VolumeReader, journal: t.Optional[Journal], clock: Clock
) -> None:
    """Send it until it is seen in place, at most three times, and again only when a reply was lost.

    :raises MigrationError: the server's own code; ``starrocks.volume_not_kept`` when it is never seen in place
    """
    ids = journal.intents([step.change]) if journal is not None else []

    def conclude(status: str, data: t.Mapping[str, t.Any]) -> None:
        if journal is not None:
            journal.outcomes((change_id, status, data) for change_id in ids)

    lost = 0
    for attempt in range(1, ATTEMPTS + 1):
        refused = _try(step, server)
        if refused is not None and refused.code == NO_REPLY:
            lost += 1
        elif refused is not None and not (lost and refused.code in (EXISTS, MISSING)):
            conclude("unknown" if lost else "failed", _told(refused))
            raise _explained(refused, step)
        try:
            now = _look(step, reader)
        except MigrationError as error:
            conclude("unknown", _told(error))
            raise
        # New credentials show nowhere, so only a reply tells that they have arrived.
        if _in_place(step, now) and not (refused is not None and "credentials" in (step.change.after or {})):
            shown = now.as_state() if isinstance(now, Volume) else now
            conclude("done", {"evidence": {"read_back": shown, "sent": attempt, "replies_lost": lost}})
            return
        if refused is None:
            break  # The leader has taken it, so sending it again would tell nothing.
        clock.sleep(PAUSE * attempt)
    if refused is not None and refused.code == NO_REPLY:
        conclude("unknown", _told(refused))
        raise refused  # It may still be carried out; nobody else has changed the volume.
    conclude("unknown", {"code": "starrocks.volume_not_kept"})
    raise MigrationError(
        "starrocks.volume_not_kept",
        f"{step.change.resource}: {step.change.action} was sent, but is not seen in place. Somebody else may be "
        "changing the volume at the same time; look at it, and run again.",
        details={"expected": step.change.after},
    )


def _try(step: Step, server: VolumeServer) -> t.Optional[MigrationError]:
    try:
        server.execute(step.sql, f"{step.change.action.replace('_', ' ')} storage volume {step.name}")
    except MigrationError as error:
        return error
    return None


def _look(step: Step, reader: VolumeReader) -> t.Any:
    if "default" in (step.change.after or {}) and "type" not in (step.change.after or {}):
        return {"default": reader.default(again=True) or None}
    return reader.get(step.name, again=True)


def _in_place(step: Step, now: t.Any) -> bool:
    if isinstance(now, dict):
        return bool(now == step.change.after)
    return is_as(step.change.after, now)


def _told(error: MigrationError) -> t.Dict[str, t.Any]:
    return {"code": error.code, "server_text": error.server_text or ""}


def _explained(error: MigrationError, step: Step) -> MigrationError:
    """The same with what it means here."""
    message = error.message
    if error.code == IN_USE:
        message = (
            f"{step.name} is still used, so it was not dropped: {error.server_text or error.message} What was dropped "
            "counts too while it is in the recycle bin (catalog_trash_expire_second, a day as shipped). Drop what uses "
            "it, wait for the recycle bin, and run again."
        )
    elif error.code == EXISTS:
        message = (
            f"{step.name} exists, but is not shown to this user. Grant it a privilege on the storage volume (USAGE is "
            "enough to see it), and run again."
        )
    return MigrationError(error.code, message, server_text=error.server_text, details=error.details)
