# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A table's fence on the source: set, proved on every primary, taken off, proved again. No data is ever written.

The proof is an increment that every replica of a duplicating table refuses, before or after the check for a fence
(facts 4). It means something only while the table duplicates, so that is looked at before each series of probes.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.waits import Wait
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import envs, model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import DENY_ALL, DENY_KEY, DENY_WRITE
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.settings_restore_send import Call

POLL = 0.2
"""Seconds between two looks at every primary."""
_LOOK_AT_TABLE = 1.0
_LEAST_PATIENCE = 2.0
_ROUND_TRIPS = 3

Beat = t.Callable[[], None]
"""Called at every look; raises when the wait must not go on."""


@dataclasses.dataclass(frozen=True)
class Proof:
    """Every primary gave the same word. ``seen``: for each partition when it did first, seconds of the clock."""

    config: model.TableConfig
    word: str
    seen: t.Mapping[int, float]
    at: str

    def items(self, table: str) -> t.List[t.Dict[str, t.Any]]:
        """As the journal keeps it: the primary and ballot that gave the word, for each partition."""
        return [
            {
                "subject": f"{table}/{partition.index}",
                "primary": partition.primary,
                "ballot": partition.ballot,
                "writes": self.word,
                "at": self.at,
            }
            for partition in self.config.partitions
        ]


class Fence:
    """The fence of one table. ``cluster`` names the source cluster in changes.

    ``round_trip``: seconds that a question to every replica server takes. A probe waits for the answer of a primary
    three times as long, and two seconds at least; the connection's ``rpc_timeout`` at most.
    """

    def __init__(
        self,
        meta: MetaClient,
        replicas: ReplicaClient,
        clock: Clock,
        cluster: str,
        table: str,
        round_trip: float = 0.0,
    ) -> None:
        self.table = table
        self._patience = max(_LEAST_PATIENCE, _ROUND_TRIPS * round_trip)
        self.resource = envs.resource(cluster, table, DENY_KEY)
        self._meta = meta
        self._replicas = replicas
        self._clock = clock
        self._cluster = cluster

    def value(self) -> t.Optional[str]:
        """The deny env at the meta server, None for none. ``pegasus.app_not_found`` without the table."""
        return self._app().envs.get(DENY_KEY)

    def call(
        self, now: t.Optional[str], wanted: t.Optional[str], action: str, allowed: Beat = lambda: None
    ) -> t.Optional[Call]:
        """The request that makes the env ``wanted`` (None: absent); None when it is so. ``allowed`` is asked before
        each sending and raises to forbid it."""
        found = {} if now is None else {DENY_KEY: now}
        planned = envs.plan_calls(self._cluster, envs.Wanted(self.table, {DENY_KEY: wanted}, action), found)
        if not planned:
            return None
        env = planned[0]

        def send() -> None:
            allowed()
            self._meta.update_app_env(env.table, env.op, env.keys, env.values)

        return Call(env.changes, send, lambda: [self.value()])

    def put(self, wanted: t.Optional[str]) -> None:
        """Send it once, without a journal; for the guard."""
        keys, values = (DENY_KEY,), () if wanted is None else (wanted,)
        self._meta.update_app_env(self.table, "del" if wanted is None else "set", keys, values)

    def can_be_proved(self) -> bool:
        """Whether a probe means anything and writes nothing: the table duplicates, without atomic_idempotent."""
        return self._provable(self._app())

    def _provable(self, app: model.App) -> bool:
        if app.atomic_idempotent:
            return False
        return any(one.status != "DS_REMOVED" for one in self._meta.query_duplications(self.table))

    def look(self) -> t.Tuple[model.TableConfig, t.Dict[int, str]]:
        """Who serves each partition, and whether they take writes (words of :mod:`model`)."""
        config = self._meta.query_config(self.table)
        if config is None:
            raise _gone(self.table)
        words = self._replicas.probe_writes(config, timeout=self._patience)
        if model.WRITES_APPLIED in words.values():
            raise MigrationError(
                "pegasus.probe_applied",
                f"A replica of the table {self.table} does not know (any more) that it duplicates, so its fence cannot "
                "be proved. The probe was applied there: a counter with value 0 that has expired already.",
            )
        return config, words

    def look_at_reads(self) -> t.Tuple[model.TableConfig, t.Dict[int, str]]:
        """Who serves each partition, and whether they take reads. For any table; nothing is written."""
        config = self._meta.query_config(self.table)
        if config is None:
            raise _gone(self.table)
        return config, self._replicas.probe_reads(config, timeout=self._patience)

    def prove(self, word: str, deadline: Deadline, beat: Beat = lambda: None) -> Proof:
        """Wait until every primary gives ``word`` in one look.

        :raises MigrationError: ``pegasus.fence_unproved`` at the deadline, with the worst partitions;
            ``pegasus.fence_broken`` when somebody takes the fence off meanwhile; what ``beat`` or the servers raise
        """
        seen: t.Dict[int, float] = {}
        since = iso(self._clock.now())
        looked = self._clock.monotonic() - _LOOK_AT_TABLE
        words: t.Mapping[int, str] = {}
        while True:
            # Before the guard is asked, which gives up a moment later and knows no reason.
            if words and deadline.expired:
                raise _unproved(self.table, word, words, since)
            beat()
            if self._clock.monotonic() - looked >= _LOOK_AT_TABLE:
                looked = self._clock.monotonic()
                app = self._app()
                if word == model.WRITES_DENIED and app.envs.get(DENY_KEY) not in (DENY_WRITE, DENY_ALL):
                    raise fence_broken(self.table, f"somebody set its deny env to {app.envs.get(DENY_KEY)!r}")
                if not self._provable(app):
                    raise _unprovable(self.table)
            try:
                config, words = self.look()
            except MigrationError as error:
                if error.code not in PASSING:
                    raise
            else:
                now = self._clock.monotonic()
                for index, found in words.items():
                    if found == word:
                        seen.setdefault(index, now)
                    else:
                        seen.pop(index, None)
                if len(seen) == config.partition_count:
                    return Proof(config, word, seen, iso(self._clock.now()))
            if deadline.expired:
                raise _unproved(self.table, word, words, since)
            deadline.sleep(POLL)

    def _app(self) -> model.App:
        app = self._meta.app(self.table)
        if app is None:
            raise _gone(self.table)
        return app


PASSING = frozenset(
    ("pegasus.unreachable", "pegasus.timeout", "pegasus.no_primary_meta", "pegasus.service_not_active",
     "pegasus.under_recovery", "pegasus.busy")
)  # fmt: skip
"""Errors of a question that may have an answer a moment later."""


def fence_wait(word: str, words: t.Mapping[int, str], table: str, since: str) -> Wait:
    """What a proof waits for, in words."""
    open_ones = [f"{table}/{index}: {found}" for index, found in sorted(words.items()) if found != word]
    closing = word == model.WRITES_DENIED
    return Wait(
        reason="pegasus.wait.fence" if closing else "pegasus.wait.lift",
        waiting_for=f"every primary of {table} to {'refuse' if closing else 'take'} writes",
        ends_when="each replica server has pulled the app envs (config_sync_interval_ms)",
        since=since,
        worst=open_ones,
        count=len(open_ones),
    )


def fence_broken(table: str, why: str) -> MigrationError:
    """Somebody else changed what a fenced table counts on."""
    return MigrationError(
        "pegasus.fence_broken",
        f"The cutover of {table} was given up: {why}. Agree on who changes the table, then run again.",
        details={"table": table, "reason": why},
    )


def _gone(table: str) -> MigrationError:
    return MigrationError("pegasus.app_not_found", f"The table {table} does not exist on the source (any more).")


def _unprovable(table: str) -> MigrationError:
    return MigrationError(
        "pegasus.fence_unprovable",
        f"The table {table} does not duplicate (any more), or has atomic_idempotent; only a duplicating table without "
        "it can be asked whether it takes writes without writing to it.",
        details={"table": table},
    )


def _unproved(table: str, word: str, words: t.Mapping[int, str], since: str) -> MigrationError:
    wait = fence_wait(word, words, table, since)
    return MigrationError(
        "pegasus.fence_unproved",
        f"Not proved in time: {wait.waiting_for}. {wait.count} partitions did not: {', '.join(wait.worst)}.",
        details={"wait": wait.as_result()},
    )
