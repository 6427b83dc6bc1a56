# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether changed app envs have reached the replica servers, and by which evidence that is known.

The meta server answers as soon as it has written them down. Every replica server pulls them at its own config sync,
30 s apart unless set otherwise, and none tells what it has in effect. Two things can be known (facts 4): a write fence
is proved by a probe that is never applied while the table duplicates; anything else is in effect once every alive
server has been through one whole interval.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.durations import format_duration
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import model
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.profile import (
    CONFIG_SYNC_FLAG,
    DENY_ALL,
    DENY_KEY,
    DENY_WRITE,
    Profile,
)
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.replica_client import ReplicaClient

PROBE = "probe"
BOUND = "config_sync_interval"
MARGIN = 1.0
"""Seconds for a sync that was already on its way, with the old envs, when they were changed."""
PROBE_PAUSE = 0.5


@dataclasses.dataclass(frozen=True)
class Subject:
    """One table of which it is asked. ``since``: when its envs were last changed, Unix seconds. ``in_one_call``: the
    deny env was set or deleted together with everything else that is asked of it.
    """

    app: model.App
    keys: t.Tuple[str, ...]
    since: float
    in_one_call: bool


@dataclasses.dataclass(frozen=True)
class Evidence:
    """How it is known. ``kind``: probe or config_sync_interval. ``facts``: for the result and the journal."""

    table: str
    kind: str
    seconds: float
    facts: t.Mapping[str, t.Any]

    def as_result(self) -> t.Dict[str, t.Any]:
        """JSON-able."""
        return {"table": self.table, "evidence": self.kind, "seconds": round(self.seconds, 3), **self.facts}


def expected_word(app: model.App, keys: t.Sequence[str], in_one_call: bool) -> str:
    """What the probe must answer on every primary of this table, "" where the probe proves nothing.

    It proves nothing of other envs, unless they came with the deny env in one change; nothing of a ``timeout`` fence,
    which looks like a slow server; and nothing where writes are not refused for duplicating anyway.
    """
    if DENY_KEY not in keys or not app.duplicating or app.atomic_idempotent:
        return ""
    if not in_one_call and any(key != DENY_KEY for key in keys):
        return ""
    value = app.envs.get(DENY_KEY)
    if value is None:
        return model.WRITES_OPEN
    return model.WRITES_DENIED if value in (DENY_WRITE, DENY_ALL) else ""


def longest_interval(answers: model.Answers[model.ConfigValue]) -> t.Dict[str, float]:
    """Config sync interval by server, in seconds.

    :raises MigrationError: ``pegasus.propagation_unknown``, when one server does not tell its own
    """
    silent = {node: error.message for node, error in answers.failed.items()}
    found: t.Dict[str, float] = {}
    for node, flag in answers.good.items():
        try:
            found[node] = int(flag.value) / 1000.0
        except ValueError:
            silent[node] = f"{CONFIG_SYNC_FLAG} is {flag.value!r}"
    if silent:
        node = sorted(silent)[0]
        raise MigrationError(
            "pegasus.propagation_unknown",
            f"{len(silent)} alive replica servers do not tell their config sync interval, so nobody knows when the "
            f"envs reach them; {node}: {silent[node]}",
            details={"servers": silent},
        )
    return found


class Propagation:
    """Waits until envs are in effect. Times in seconds."""

    def __init__(self, client: MetaClient, profile: Profile, replicas: ReplicaClient, clock: Clock) -> None:
        self._client = client
        self._profile = profile
        self._replicas = replicas
        self._clock = clock

    def prove(self, subjects: t.Sequence[Subject], seconds: float) -> t.List[Evidence]:
        """Evidence for every subject, in order.

        :raises MigrationError: ``deadline.expired``, or ``pegasus.propagation_unknown``
        """
        deadline = Deadline(self._clock, seconds, "propagation_timeout: waiting for the replica servers")
        found: t.Dict[str, Evidence] = {}
        for subject in subjects:
            proved = self._by_probe(subject, deadline)
            if proved is not None:
                found[subject.app.name] = proved
        rest = [subject for subject in subjects if subject.app.name not in found]
        found.update((one.table, one) for one in self._by_bound(rest, deadline))
        return [found[subject.app.name] for subject in subjects]

    def _by_probe(self, subject: Subject, deadline: Deadline) -> t.Optional[Evidence]:
        """None where the probe cannot tell."""
        table = subject.app.name
        word = expected_word(subject.app, subject.keys, subject.in_one_call)
        if not word:
            return None
        probes = 0
        while True:
            config = self._client.query_config(table)
            if config is None:
                return None
            if not self._knows_that_it_duplicates(config):
                # A server that is slow, or a primary that has just moved. When the interval is over, the probe is not
                # needed any more.
                if (
                    deadline.expired
                    or self._clock.now().timestamp() > subject.since + self._profile.config_sync_seconds
                ):
                    return None
                deadline.sleep(PROBE_PAUSE)
                continue
            words = self._replicas.probe_writes(config, timeout=max(0.1, deadline.remaining()))
            probes += 1
            if model.WRITES_APPLIED in words.values():
                return None
            late = [index for index, said in words.items() if said != word]
            if not late and len(words) == config.partition_count:
                return Evidence(
                    table,
                    PROBE,
                    max(0.0, self._clock.now().timestamp() - subject.since),
                    {"partitions": config.partition_count, "answer": word, "probes": probes},
                )
            deadline.check([f"{table} partition {index} is {words[index]}" for index in late])
            deadline.sleep(PROBE_PAUSE)

    def _knows_that_it_duplicates(self, config: model.TableConfig) -> bool:
        """Whether every primary reports a duplication. One that has none would carry the probe out."""
        answers = self._replicas.progress(config.primaries, config.app_id)
        reported = {one.index for records in answers.good.values() for one in records}
        return reported >= set(range(config.partition_count))

    def _by_bound(self, subjects: t.Sequence[Subject], deadline: Deadline) -> t.List[Evidence]:
        if not subjects:
            return []
        nodes = self._client.list_nodes()
        alive = [node.address for node in nodes if node.alive]
        dead = [node.address for node in nodes if not node.alive]
        asked = self._profile.config_sync_interval_mutable
        if asked:
            intervals = longest_interval(self._replicas.get_config(alive, CONFIG_SYNC_FLAG))
        else:
            intervals = dict.fromkeys(alive, self._profile.config_sync_seconds)
        bound = max(intervals.values(), default=0.0) + MARGIN
        latest = max(subject.since for subject in subjects)
        pause = latest + bound - self._clock.now().timestamp()
        # A clock that was set back must not make it longer than the bound itself.
        pause = min(max(0.0, pause), bound)
        if pause > deadline.remaining():
            raise MigrationError(
                "deadline.expired",
                f"propagation_timeout: the replica servers sync their envs every {format_duration(bound - MARGIN)}, so "
                f"{format_duration(pause)} are needed, and {format_duration(deadline.remaining())} are left.",
                details={"needed_seconds": pause},
            )
        self._clock.sleep(pause)
        facts = {
            "servers": len(alive),
            "longest_interval_seconds": bound - MARGIN,
            "interval_source": "asked" if asked else "default of this version, which cannot be asked for it",
            "servers_not_alive": dead,
        }
        return [
            Evidence(subject.app.name, BOUND, max(0.0, self._clock.now().timestamp() - subject.since), facts)
            for subject in subjects
        ]
