# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What changes a cluster: submissions, flushes, maintenance mode. Reading comes with it.

Each method sends exactly the text that its ``*_request`` gives, and sends it once: check mode predicts with the same
functions.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.retries import retry
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import Rows, SqlTransport
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb import statements
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.admin_http import AdminHttp
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.dialect import HTTP
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.errors import PASSING
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import ALIVE
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.reader import ClusterReader

_READ_BACK_ATTEMPTS = 4


class GreptimeClient(ClusterReader):
    """Reads and changes a cluster."""

    def __init__(
        self,
        connection: Connection,
        redactor: Redactor,
        clock: Clock,
        *,
        transport: SqlTransport | None = None,
        admin: AdminHttp | None = None,
    ) -> None:
        super().__init__(connection, redactor, clock, transport=transport, admin=admin)
        self._leader: Address | None = None

    def submit_request(self, region_id: int, from_peer: int, to_peer: int, timeout_seconds: int) -> str:
        """The statement or HTTP request of ``submit``."""
        return statements.submit_request(self.dialect, region_id, from_peer, to_peer, timeout_seconds)

    def submit(self, region_id: int, from_peer: int, to_peer: int, timeout_seconds: int) -> str | None:
        """Ask for one migration. Returns the procedure id, or None when the region is on the target already.

        An id is handed out before the procedure exists, and even if it never will; only placement proves anything.
        """
        request = self.submit_request(region_id, from_peer, to_peer, timeout_seconds)
        doing = f"submit the migration of region {region_id} from datanode {from_peer} to {to_peer}"
        try:
            if self.dialect.submit_form == HTTP:
                return self._submit_http(request, doing)
            value = self._send(request, doing, submitting=True).single()
            return None if value is None else str(value)
        except MigrationError as error:
            if error.code == "greptimedb.already_done":
                return None
            if error.code == "greptimedb.masked":
                raise self._unmask(error, from_peer, to_peer) from error
            raise

    def _submit_http(self, request: str, doing: str) -> str | None:
        """Ask the metasrv that took the last submission, and if that does not lead (any more), all others in turn."""
        path = request.split(" ", 1)[1]
        refusal: MigrationError | None = None
        for address in self._leader_first():
            try:
                answer = self._once(doing, "metasrv_addrs", functools.partial(self._admin.submit, path, address))
            except MigrationError as error:
                self._leader = None
                if error.code not in ("greptimedb.not_leader", "greptimedb.unreachable"):
                    raise
                if refusal is None or error.code == "greptimedb.not_leader":
                    refusal = error
                continue
            self._leader = address
            return answer
        raise self._nobody_leads(refusal, doing)

    def _leader_first(self) -> t.Iterator[Address]:
        known = self._leader
        if known is not None:
            yield known
        addresses = self._ask("find the leader of the metasrv", self._admin.submission_addresses)
        yield from (address for address in addresses if address != known)

    @staticmethod
    def _nobody_leads(refusal: MigrationError | None, doing: str) -> MigrationError:
        if refusal is not None and refusal.code != "greptimedb.not_leader":
            return refusal
        return MigrationError(
            "greptimedb.not_leader",
            f"Could not {doing}: none of the metasrv that can be reached from here leads; list all of them in "
            "metasrv_addrs, with addresses that can be reached from here.",
            server_text=None if refusal is None else refusal.server_text,
            details={"doing": doing},
        )

    def _unmask(self, error: MigrationError, from_peer: int, to_peer: int) -> MigrationError:
        """A dead or unknown peer hides behind ``Internal error: 1003``; the list of nodes tells the two apart."""
        unclear = _unclear(error)
        try:
            nodes = self.nodes()
        except MigrationError:
            # Who cannot be asked now says nothing of the submission, which was sent.
            return unclear
        alive = {node.id for node in nodes if node.kind == "datanode" and node.alive == ALIVE}
        missing = [peer for peer in (from_peer, to_peer) if peer not in alive]
        if not missing:
            return unclear
        names = " and ".join(f"datanode {peer}" for peer in missing)
        return MigrationError(
            "greptimedb.peer_down",
            f"Could not {error.details['doing']}: {names} has no live lease; check that it exists and runs.",
            server_text=error.server_text,
            details={**error.details, "peer": missing[0]},
        )

    def flush_request(self, region_id: int) -> str:
        """The statement of ``flush_region``."""
        return statements.flush_request(self.dialect, region_id)

    def flush_region(self, region_id: int) -> None:
        """Write a region's memtable to storage, so that the next switch has less to do. Harmless to repeat."""
        self._send(self.flush_request(region_id), f"flush region {region_id}")

    def maintenance_request(self, enabled: bool) -> str:
        """The HTTP request of ``set_maintenance``, such as ``POST /admin/maintenance/enable``."""
        if self.dialect.maintenance_form is None:
            raise MigrationError(
                "greptimedb.no_maintenance_mode",
                f"GreptimeDB {self.versions.metasrv or self.versions.frontend} has no maintenance mode (it exists from "
                "0.7.2 on); leave it out.",
            )
        return statements.maintenance_request(self.dialect, enabled)

    def set_maintenance(self, enabled: bool) -> None:
        """Set maintenance mode and read it back; what was read decides, not what was answered.

        MigrationError ``greptimedb.ambiguous`` when the request was sent and nobody tells what it led to, and
        ``greptimedb.maintenance_not_set`` when it was taken but is not seen; every other one is a refusal.
        """
        self.maintenance_request(enabled)
        doing = ("enable" if enabled else "disable") + " the maintenance mode"
        failure: MigrationError | None = None
        try:
            self._once(doing, "metasrv_http_addrs", lambda: self._admin.set_maintenance(self.dialect, enabled))
        except MigrationError as error:
            if error.code not in ("greptimedb.ambiguous", "greptimedb.masked"):
                raise
            failure = _unclear(error)
        now = self._maintenance_behind(doing, failure)
        if now is not enabled:
            raise failure or MigrationError(
                "greptimedb.maintenance_not_set",
                f"The metasrv took the request to {doing}, but it reads {now} afterwards; look at the metasrv's log.",
            )

    def _maintenance_behind(self, doing: str, failure: MigrationError | None) -> bool:
        """What is read once the request was sent: not to learn it is no refusal, whatever the reason."""
        error: MigrationError | None = None
        now: bool | None = None
        try:
            now = retry(
                self.maintenance,
                is_transient=lambda one: isinstance(one, MigrationError) and one.code in PASSING,
                clock=self._clock,
                attempts=_READ_BACK_ATTEMPTS,
                base=0.5,
            )
        except MigrationError as caught:
            error = caught
        if now is not None:
            return now
        told = failure or error
        raise MigrationError(
            "greptimedb.ambiguous",
            f"Could not {doing} for certain: the request was sent, but what it led to could not be read; look before "
            "you repeat it.",
            server_text=None if told is None else told.server_text,
            details={
                **({"doing": doing} if failure is None else failure.details),
                "read_back": "the metasrv's answer does not tell whether it is on" if error is None else error.message,
            },
        ) from (error or failure)

    def execute(self, sql: str) -> Rows:
        """Run a statement that may change data, as given, once. For one that only reads there is ``query``."""
        try:
            return self._send(sql, "run the given statement", submitting=True)
        except MigrationError as error:
            if error.code == "greptimedb.masked":
                # Of a statement that is not known here, nothing can be looked up that would tell the cause.
                raise _unclear(error) from error
            raise


def _unclear(error: MigrationError) -> MigrationError:
    """An answer from which nobody knows whether the request was carried out."""
    return MigrationError("greptimedb.ambiguous", error.message, server_text=error.server_text, details=error.details)
