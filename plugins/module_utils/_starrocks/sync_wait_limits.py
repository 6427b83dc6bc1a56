# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Limits that people change while the wait goes on: set on the target through the same code as its other settings.

So each former value is in the journal before a change, each frontend and node is read back after it, what a killed run
left is settled by the next, and restore and rollback put back what is still ours.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.control import NOT_APPLICABLE, TAKEN, Answer
from ansible_collections.dbops.migration.plugins.module_utils._core.control_text import Wish
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import live_limits as ll
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import read_nodes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_keys import (
    frontend_key_since,
    node_key_since,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import ConfigOptions, Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import LIMIT, SET
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import Connection
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_wait_journal import WaitJournal

RETRY = 60.0
"""Seconds after which a limit that could not be set is tried again."""
_FINAL = ("option.invalid", "starrocks.access_denied", "starrocks.config_unknown", "starrocks.version_too_old")
"""Errors that are not over in a minute."""
_BEFORE_CUTOVER = "take the line away before the cutover, which it would slow"


class _Setter(t.Protocol):
    """What brings configs of frontends or nodes to their values."""

    result: t.Dict[str, t.Any]

    def body(self) -> t.Dict[str, t.Any]:
        """The result."""


class LiveLimits:
    """``journal``: the wait's, which is let go of while settings are written into it. ``known``: see ``as_record``."""

    def __init__(
        self,
        params: t.Mapping[str, t.Any],
        target: Connection,
        journal: WaitJournal,
        check_mode: bool,
        redactor: Redactor,
        clock: Clock,
        known: t.Any = None,
    ) -> None:
        self._params = params
        self._target = target
        self._journal = journal
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        known = known if isinstance(known, dict) else {"due": 0.0}
        self._due: t.Optional[float] = known.get("due")
        self.changes = ChangeList(Change(**one) for one in known.get("changes") or ())

    def as_record(self) -> t.Dict[str, t.Any]:
        """For the next step: when it is to be tried again, in Unix seconds (None: not), and what was changed so far."""
        return {"due": self._due, "changes": self.changes.as_result()}

    def answer(self, wish: Wish) -> Answer:
        """Bring the target to what is wished, and tell how it went."""
        self._due = None
        wished = dict(wish.limits or {})
        problem = ll.problem_with(wished)
        if problem:
            return Answer(NOT_APPLICABLE, problem)
        if wished and not self._params.get("journal"):
            return Answer(NOT_APPLICABLE, "there is no journal that would keep the former values; give one")
        done, failed = self._apply(wished)
        if failed:
            return Answer(NOT_APPLICABLE, "; ".join([*failed, *done]))
        if any(number is not None for number in wished.values()):
            done.append(_BEFORE_CUTOVER)
        return Answer(TAKEN, "; ".join(done) or "no limit is in force")

    def again(self, wish: Wish) -> t.Optional[Answer]:
        """The same for a wish that is no news: at the beginning of a run, and where it could not be set before.

        None when it is not due, or there is nothing to tell.
        """
        if self._due is None or self._clock.now().timestamp() < self._due:
            return None
        first, before = self._due == 0.0, len(self.changes)
        self._due = None
        if ll.problem_with(dict(wish.limits or {})):
            # It was refused in so many words, and what was in force before stays.
            return None
        if not wish.limits and not ll.in_force(self._entries()):
            return None
        answer = self.answer(wish)
        if answer.effect != TAKEN:
            # Once in a run.
            return answer if first else None
        return answer if not first or len(self.changes) > before else None

    def _entries(self) -> t.Sequence[t.Any]:
        view = read_journal(self._params)
        return view.entries if view is not None else ()

    def _apply(self, wished: ll.Wished) -> t.Tuple[t.List[str], t.List[str]]:
        """What is in force now, and what could not be done; in sentences."""
        done: t.List[str] = []
        failed: t.List[str] = []
        entries = self._entries()
        limited = ll.in_force(entries)
        for one in ll.LIMITS:
            number = wished.get(one.name)
            if number is None and one not in limited:
                continue
            try:
                done.append(self._set(one, number) if number is not None else self._lift(one, entries))
            except MigrationError as error:
                if error.code.startswith("journal."):
                    raise
                failed.append(_failure(one, error))
                if error.code not in _FINAL:
                    self._due = self._clock.now().timestamp() + RETRY
                    failed.append("it is tried again every minute")
        return done, failed

    def _set(self, one: ll.Limit, number: int) -> str:
        if one.part == ll.NODES:
            self._require_above_least(one, number)
        dead = self._task(one, str(number), "present", LIMIT)
        return f"at most {number} {one.words} ({one.key} on the target{dead}); what is being copied goes on"

    def _lift(self, one: ll.Limit, entries: t.Sequence[t.Any]) -> str:
        before = ll.set_before(entries, one.key)
        if before is None:
            dead = self._task(one, None, "restored", SET)
            return f"{one.key} is again what it was before{dead}"
        dead = self._task(one, before, "present", SET)
        return f"{one.key} is again {before}, as this migration's settings have it{dead}"

    def _task(self, one: ll.Limit, value: t.Optional[str], state: str, live: str) -> str:
        """Set it; whom it could not reach, in brackets' words."""
        wanted = Wanted(one.key, value, False, f"limits {one.name}")
        options = ConfigOptions((wanted,), state, "skip", "never", live=live)
        store = ConfigJournal(self._params, self._redactor, self._clock, restoring=False)
        task = self._setter(one.part, options, store)
        with self._journal.lent():
            try:
                found = task.body()
            finally:
                store.close()
                for change in task.result.get("changes") or ():
                    self.changes.add(Change(**change))
        dead = found.get("dead_frontends" if one.part == ll.FRONTENDS else "dead_nodes")
        return f", but for {', '.join(dead)}, which is down" if dead else ""

    def _setter(self, part: str, options: ConfigOptions, store: ConfigJournal) -> _Setter:
        # Imported here, since every step of a wait pays for what it imports, and few are limited.
        from ansible_collections.dbops.migration.plugins.module_utils._starrocks import (
            backend_config,
            frontend_config_task,
        )

        check, redactor, clock = self._check_mode, self._redactor, self._clock
        if part == ll.FRONTENDS:
            return frontend_config_task.FrontendConfigTask(options, self._target, store, check, redactor, clock)
        return backend_config.BackendConfigTask({}, check, redactor, clock, given=(options, self._target, store))

    def _require_above_least(self, one: ll.Limit, number: int) -> None:
        """MigrationError ``option.invalid`` for a speed at which the nodes would give their jobs up."""
        with Cluster(self._target, self._redactor, self._clock) as cluster:
            living = [node for node in cluster.nodes(refresh=True) if node.alive]
            table = read_nodes(cluster, living, [ll.LEAST_SPEED])
        rows = [rows[ll.LEAST_SPEED] for rows in table.values()]
        least = max((int(row.value) for row in rows if row is not None and row.value.isdigit()), default=0)
        if number <= 2 * least:
            raise MigrationError(
                "option.invalid",
                f"{one.name} must be more than {2 * least}, twice the target's {ll.LEAST_SPEED}, because jobs that are "
                "slower than that fail.",
            )


def _failure(one: ll.Limit, error: MigrationError) -> str:
    if error.code == "starrocks.config_unknown":
        since = frontend_key_since(one.key) if one.part == ll.FRONTENDS else node_key_since(one.key)
        return f"{one.name} is not set: the target has no {one.key}, which came with {since}"
    return f"{one.name} is not set: {error.message.rstrip('.')}"
