# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether a look for foreign writes reaches back to the one before it, so that nothing between them stays unseen.

The server shows the newest finished transactions only (``max_show_proc_transactions_entry``), and forgets the oldest
first, after ``label_keep_max_second`` and beyond ``label_keep_max_num`` of a database, which those that run count into
(facts 4.5; transaction/DatabaseTransactionMgr.java, removeExpiredTxns). So while the newest one of the last look is
still shown, everything since is shown too; no clock is compared. When it is gone, it may have gone for its own age, as
it does wherever nobody writes for days: then nothing since is missed, as long as that cannot be old enough or too many.
What a replication has overtaken since leaves no other trace.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Finding
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.foreign_writes import Listing

SEEN = "target.transactions_seen"
"""The entry of the journal that says how far the transactions of the target were seen."""
_SHOWN = 20
_BETWEEN = 0.05
"""This part of them may end between the list of those that have ended and the list of those that run."""


class Retention(t.Protocol):
    """How long a server remembers transactions (``TransactionReader``)."""

    def kept(self) -> float:
        """For how many seconds at most."""

    def most_kept(self) -> int:
        """How many of a database at most, those that run included."""

    def under_way(self, database: str) -> int:
        """How many of them run."""


@dataclasses.dataclass(frozen=True)
class LastLook:
    """``newest``: the id of the newest finished transaction by database, of those that had any."""

    at: str
    newest: t.Mapping[str, int]

    @classmethod
    def of(cls, record: t.Optional[t.Mapping[str, t.Any]], at: str = "") -> t.Optional[LastLook]:
        """Of what ``as_record`` gave; None of nothing."""
        if not record:
            return None
        return cls(at or str(record["at"]), {str(name): int(one) for name, one in record["newest"].items()})

    def as_record(self) -> t.Dict[str, t.Any]:
        """For the journal, and for the next step of a wait."""
        return {"at": self.at, "newest": dict(self.newest)}


@dataclasses.dataclass(frozen=True)
class Gap:
    """A time in a database of which nobody knows who wrote. ``since``: "" when nobody had looked before.

    ``shown_from``: when the oldest transaction finished that was still shown, in the server's words; "" if none was.
    """

    database: str
    since: str
    shown_from: str

    def as_record(self) -> t.Dict[str, t.Any]:
        """For the journal."""
        return dataclasses.asdict(self)


def look_now(listings: t.Mapping[str, Listing], at: str) -> LastLook:
    """What the next look has to reach back to."""
    return LastLook(at, {name: max(one.ids) for name, one in sorted(listings.items()) if one.ids})


def gaps(listings: t.Mapping[str, Listing], last: LastLook, at: str, server: Retention) -> t.Tuple[Gap, ...]:
    """Where this look, made ``at``, does not reach back to the last one.

    :param server: only asked where the lists do not tell
    """
    age = parse_iso(at).timestamp() - parse_iso(last.at).timestamp()
    kept = functools.lru_cache(maxsize=None)(server.kept)
    most = functools.lru_cache(maxsize=None)(server.most_kept)
    found = []
    for name, listing in sorted(listings.items()):
        # Where none had finished then, there is none that must still be shown.
        if last.newest.get(name) in listing.ids:
            continue
        running = functools.partial(server.under_way, name)
        if listing.cut or age >= kept() or _trimmed(len(listing.ids), most, running):
            found.append(Gap(name, last.at, listing.shown_from))
    return tuple(found)


def _trimmed(listed: int, most: t.Callable[[], int], running: t.Callable[[], int]) -> bool:
    """Whether some of a database may have gone because they were too many, while none since is old enough to go.

    As many as are kept have stayed then. Each of them has ended since or runs, so all of them are still there.
    """
    if not listed:
        return False
    fewest = most() * (1 - _BETWEEN)
    return listed >= fewest or listed + running() >= fewest


def last_look(entries: t.Sequence[Entry]) -> t.Optional[LastLook]:
    """The newest look that the journal knows of."""
    for entry in reversed(entries):
        if entry.kind == SEEN:
            return LastLook.of(entry.data)
    return None


def all_gaps(
    entries: t.Sequence[Entry], listings: t.Mapping[str, Listing], at: str, server: Retention
) -> t.Tuple[Gap, ...]:
    """Those between the looks that the journal knows of, and between the last of them and this one."""
    known = [Gap(**gap) for entry in entries if entry.kind == SEEN for gap in entry.data.get("gaps") or ()]
    last = last_look(entries)
    if last is None:
        return tuple(Gap(name, "", one.shown_from) for name, one in sorted(listings.items()))
    return tuple(dict.fromkeys([*known, *gaps(listings, last, at, server)]))


def gap_findings(found: t.Sequence[Gap]) -> t.Iterator[Finding]:
    """What a person has to know of them; one finding."""
    if not found:
        return
    databases = sorted({one.database for one in found})
    yield Finding(
        "starrocks.comparison.transactions_unseen",
        "warning",
        ", ".join(databases[:3]) + (f" and {len(databases) - 3} more" if len(databases) > 3 else ""),
        {
            "databases": len(databases),
            "gaps": [
                {"database": one.database, "last_look": one.since or None, "shown_from": one.shown_from or None}
                for one in found[:_SHOWN]
            ],
        },
        "Between the last look at the target's finished transactions and the oldest one that it still showed at the "
        "next look, somebody else may have written to these databases, and where a replication came after that, no "
        "version tells it any more. (last_look is null where nobody had looked.) See the target's audit log, or count "
        "rows exactly (starrocks_sample, starrocks_checksum); drop what was written to on the target, and let it be "
        "copied again. Look more often from now on: run the migrate phase, or starrocks_sync_wait, on a schedule.",
    )
