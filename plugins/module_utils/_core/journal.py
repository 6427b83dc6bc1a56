# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The durable memory of a migration: what was found, intended, done, proved and put back."""

from __future__ import annotations

import os
import re
import threading
import types
import typing as t
import uuid

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_chain import Head, Stored, scan
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import (
    FORMAT,
    INTENT,
    OPENED,
    OUTCOME,
    REPAIRED,
    STATUSES,
    Entry,
    encode,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_file import FileStore
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_masking import masked
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_s3 import (
    S3Options,
    S3Store,
    make_client,
    split_location,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_view import ChangeTracker, JournalView
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._core.release import COLLECTION_VERSION

Record = t.Tuple[str, t.Mapping[str, t.Any]]
Outcome = t.Tuple[str, str, t.Mapping[str, t.Any]]


class Store(t.Protocol):
    """Where the bytes are kept."""

    location: str

    def load(self) -> Stored:
        """Everything that is kept now."""

    def append(self, first_seq: int, payload: bytes) -> None:
        """Keep the lines durably, all or none; ``first_seq`` is the first one's."""

    def write_head(self, head: Head) -> None:
        """Keep the last entry's mark."""

    def cut(self, size: int, torn: bytes, seq: int) -> str:
        """Remove a torn tail behind ``size`` bytes, keep it elsewhere and say where."""

    def close(self) -> None:
        """Let go of the store."""


class Observer(t.Protocol):
    """Somebody who is told of what was written, after it is durable. It must not raise."""

    def appended(self, entries: t.Sequence[Entry]) -> None:
        """These were written, and are in ``Journal.entries`` already."""

    def closing(self) -> None:
        """The journal is about to be closed; nothing more will come."""


class Journal:
    """A journal open for writing, by one writer at a time. Thread-safe."""

    def __init__(self, store: Store, clock: Clock, redactor: Redactor, *, migration_id: str, engine: str) -> None:
        """Verify what the store holds and repair a torn tail; ``open`` is the usual way."""
        self.location = store.location
        self.entries: t.List[Entry] = []
        self.repaired = False
        self._store = store
        self._clock = clock
        self._redactor = redactor
        self._guard = threading.RLock()
        self._changes = ChangeTracker()
        self._observers: t.List[Observer] = []
        found = scan(self.location, store.load())
        JournalView.of(self.location, found).expecting(migration_id, engine).require_valid()
        self._remember(found.entries)
        self.problems = tuple(problem for problem in found.problems if problem.code != "journal.torn")
        kept = store.cut(found.size, found.torn, len(self.entries)) if found.torn else ""
        if not self.entries:
            self.append(
                OPENED,
                {
                    "migration_id": migration_id or str(uuid.uuid4()),
                    "engine": engine,
                    "format": FORMAT,
                    "collection_version": COLLECTION_VERSION,
                },
            )
        if kept:
            self.repaired = True
            self.append(REPAIRED, {"lost_seq": len(found.entries), "torn_bytes": len(found.torn), "kept_as": kept})

    @classmethod
    def open(
        cls,
        location: str,
        *,
        migration_id: str,
        engine: str,
        clock: Clock,
        redactor: Redactor,
        create: bool = True,
        s3: t.Optional[S3Options] = None,
    ) -> Journal:
        """The journal at a path or ``s3://bucket/prefix``, made if it is not there and ``create`` is true.

        An empty ``migration_id`` takes whatever migration the journal belongs to, or a random one when it is new.
        Raises MigrationError ``journal.*`` or InvalidOption; every message names the location and the fix.
        """
        path = _path(location)
        store: Store
        if path is None:
            store = S3Store(location, make_client(s3 or S3Options()), clock)
            if not create and not store.load().raw:
                raise _missing(location)
        else:
            store = FileStore(path, create)
        try:
            return cls(store, clock, redactor, migration_id=migration_id, engine=engine)
        except BaseException:
            store.close()
            raise

    @classmethod
    def read(cls, location: str, *, s3: t.Optional[S3Options] = None) -> JournalView:
        """The journal as it is, without a lock. Damage is in the view's ``problems``; see ``require_valid``.

        Raises MigrationError ``journal.missing`` or ``journal.not_accessible``.
        """
        path = _path(location)
        if path is not None:
            return JournalView.of(path, scan(path, FileStore.read(path)))
        stored = S3Store(location, make_client(s3 or S3Options())).load()
        if not stored.raw and not stored.problems:
            raise _missing(location)
        return JournalView.of(location, scan(location, stored))

    @property
    def migration_id(self) -> str:
        """The migration this journal belongs to."""
        return str(self.entries[0].data["migration_id"])

    def append(self, kind: str, data: t.Mapping[str, t.Any]) -> Entry:
        """Write one entry durably. Secrets in ``data`` are masked."""
        return self.append_many([(kind, data)])[0]

    def append_many(self, records: t.Iterable[Record]) -> t.List[Entry]:
        """Write entries durably with one write and one fsync (or one S3 object), all or none.

        MigrationError ``journal.write_failed`` or ``journal.conflict``. ValueError for data that is not JSON-able.
        """
        with self._guard:
            entries: t.List[Entry] = []
            lines: t.List[bytes] = []
            seq = len(self.entries)
            prev = self.entries[-1].hash if self.entries else ""
            at = iso(self._clock.now())
            for kind, data in records:
                entry, line = encode(seq + len(entries), at, kind, masked(self._redactor, kind, data), prev)
                entries.append(entry)
                lines.append(line)
                prev = entry.hash
            if entries:
                self._store.append(seq, b"".join(lines))
                self._remember(entries)
                self._store.write_head(Head(entries[-1].seq, entries[-1].hash))
                for observer in self._observers:
                    observer.appended(entries)
            return entries

    def intents(
        self,
        changes: t.Iterable[Change],
        contexts: t.Optional[t.Sequence[t.Optional[t.Mapping[str, t.Any]]]] = None,
    ) -> t.List[str]:
        """Write what is about to be done, in one append; returns the change ids that ``outcomes`` takes.

        ``contexts``, one for each change, are kept with them under ``context`` (None: nothing).
        """
        with self._guard:
            listed = list(changes)
            given: t.Sequence[t.Optional[t.Mapping[str, t.Any]]] = contexts or [None] * len(listed)
            if len(given) != len(listed):
                raise ValueError("as many contexts as changes")
            first = len(self.entries)
            records: t.List[Record] = []
            for seq, (change, context) in enumerate(zip(listed, given), first):
                data: t.Dict[str, t.Any] = {"id": f"c{seq}", **change.as_result()}
                if context is not None:
                    data["context"] = context
                records.append((INTENT, data))
            return [str(data["id"]) for _kind, data in records] if self.append_many(records) else []

    def outcomes(self, results: t.Iterable[Outcome]) -> t.List[Entry]:
        """Write how changes ended, in one append: (id, status, more data such as code, server_text, evidence).

        A status is done, failed, unknown, skipped or abandoned. ValueError for another one or an id never intended.
        """
        records: t.List[Record] = []
        for change_id, status, data in results:
            if status not in STATUSES:
                raise ValueError(f"unknown status {status!r}")
            if change_id not in self._changes.known:
                raise ValueError(f"unknown change {change_id!r}")
            records.append((OUTCOME, {**data, "id": change_id, "status": status}))
        return self.append_many(records)

    def pending(self) -> t.List[Entry]:
        """The intents without an outcome, in order."""
        return list(self._changes.pending.values())

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` of everything that is written from now on, and of the end."""
        self._observers.append(observer)

    def view(self) -> JournalView:
        """What the journal tells up to now."""
        return JournalView(self.location, tuple(self.entries), self.problems)

    def close(self) -> None:
        """Let go of file and lock."""
        try:
            for observer in self._observers:
                observer.closing()
        finally:
            self._store.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: t.Optional[t.Type[BaseException]],
        error: t.Optional[BaseException],
        trace: t.Optional[types.TracebackType],
    ) -> None:
        self.close()

    def _remember(self, entries: t.Sequence[Entry]) -> None:
        self.entries.extend(entries)
        self._changes.take(entries)


def _path(location: str) -> t.Optional[str]:
    """The file path of a location, None for S3. InvalidOption for neither, before any library is loaded."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", location)
    if scheme is None and location.strip():
        return os.path.expanduser(location)
    if scheme is not None and scheme.group(1) == "s3":
        split_location(location)
        return None
    raise InvalidOption("journal", f"{location!r} is neither a path nor s3://", "Give a path or s3://bucket/prefix")


def _missing(location: str) -> MigrationError:
    return MigrationError(
        "journal.missing", f"{location}: there is no journal. Give the location that the first phase was given."
    )
