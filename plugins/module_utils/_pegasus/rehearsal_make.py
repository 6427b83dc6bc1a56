# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Making the shadow table: created on the source, waited for until it is whole, and given a few records."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change, ChangeList
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.deadlines import Deadline
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_past as rp
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import rehearsal_records as rr
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import requests
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.channel import Channel
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_client import MetaClient
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import TableConfig
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.rehearsal_options import RehearsalOptions
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.table_rules import resource

_LOOK = 0.5
_AT_ONCE = 50
_PUT_SECONDS = 10.0


class Maker:
    """Makes one shadow table. ``changes`` holds what was asked for, or would be."""

    def __init__(self, source: MetaClient, options: RehearsalOptions, table: str, clock: Clock) -> None:
        self.changes = ChangeList()
        self._source = source
        self._options = options
        self._table = table
        self._clock = clock
        self._cluster = source.cluster_info().cluster_name

    def change(self) -> Change:
        """The creation, as it is sent."""
        options = self._options
        request = requests.create_app(
            self._table, partition_count=options.partition_count, replica_count=options.replica_count
        )
        after = {"name": self._table}
        return Change(resource(self._cluster, self._table), rp.CREATE, None, after, request.describe())

    def require_free(self, side: str, meta: MetaClient) -> None:
        """``pegasus.rehearsal_name_taken`` when a table has that name already: it is not ours."""
        if meta.app(self._table) is not None:
            raise MigrationError(
                "pegasus.rehearsal_name_taken",
                f"table: the {side} has a table {self._table} already, which this journal did not make, so it is left "
                "alone. Leave the option out, or give another name.",
            )

    def make(self, journal: Journal) -> int:
        """Create it; its id. A lost answer is settled by looking."""
        change = self.change()
        ids = journal.intents([change])
        options = self._options
        try:
            app_id = self._source.create_app(
                self._table, partition_count=options.partition_count, replica_count=options.replica_count
            )
        except MigrationError as error:
            unsure = error.code == "pegasus.ambiguous"
            found = self._source.app(self._table) if unsure else None
            if found is None:
                status = "unknown" if unsure else "failed"
                journal.outcomes([(ids[0], status, {"code": error.code, "server_text": error.server_text or ""})])
                raise
            app_id = found.app_id
        self.changes.add(change)
        journal.outcomes([(ids[0], "done", {"evidence": {"app_id": app_id}})])
        return app_id

    def fill(self, journal: Journal) -> int:
        """Wait until it is whole and write the records; how many were stored."""
        config = self._whole()
        stored = self._write(config)
        journal.append(
            "proof",
            {
                "kind": "rehearsal.table",
                "passed": True,
                "items": [{"subject": self._table, "app_id": config.app_id, "partitions": config.partition_count,
                           "records": stored, "at": iso(self._clock.now())}],
            },
        )  # fmt: skip
        return stored

    def _whole(self) -> TableConfig:
        deadline = Deadline(self._clock, self._options.timeout, f"timeout: every partition of {self._table}")
        while True:
            config = self._source.query_config(self._table)
            if config is not None and config.healthy(self._options.replica_count):
                return config
            deadline.check()
            deadline.sleep(_LOOK)

    def _write(self, config: TableConfig) -> int:
        keys = rr.hash_keys(config.partition_count)
        numbers: t.Dict[int, t.List[int]] = {}
        for number in range(self._options.records):
            numbers.setdefault(number % config.partition_count, []).append(number)
        deadline = Deadline(self._clock, self._options.timeout, f"timeout: the records of {self._table}")
        stored = 0
        for node, indices in sorted(config.primaries.items()):
            wanted = [(index, number) for index in indices for number in numbers.get(index, ())]
            while wanted:
                now, wanted = wanted[:_AT_ONCE], wanted[_AT_ONCE:]
                left = self._put(node, config.app_id, now, keys)
                stored += len(now) - len(left)
                if left:
                    # A primary that has just been made may not know it yet. The same record again does no harm.
                    deadline.check()
                    deadline.sleep(_LOOK)
                    wanted = left + wanted
        return stored

    def _put(
        self, node: str, app_id: int, wanted: t.Sequence[t.Tuple[int, int]], keys: t.Sequence[bytes]
    ) -> t.List[t.Tuple[int, int]]:
        channel = Channel(node, self._source.settings)
        try:
            calls = [rr.put(app_id, index, keys[index], number) for index, number in wanted]
            replies, _broken = channel.call_many(calls, Deadline(self._clock, _PUT_SECONDS, "the records"))
        finally:
            channel.close()
        return [
            one
            for position, one in enumerate(wanted)
            if position not in replies or rr.outcome(replies[position]) != rr.STORED
        ]
