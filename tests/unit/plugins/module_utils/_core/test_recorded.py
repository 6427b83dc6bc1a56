# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a journal says of resources, whatever happened to them and in whatever order runs were killed."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import (
    NOTHING,
    RESTORE,
    Recorded,
    decide,
    recorded,
    restore_record,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.restore import UNKNOWN

AT = "2026-11-21T03:14:00.000Z"


class Story:
    """A journal as a list of entries."""

    def __init__(self) -> None:
        self.entries: t.List[Entry] = []

    def add(self, kind: str, **data: t.Any) -> None:
        seq = len(self.entries)
        self.entries.append(Entry(seq=seq, at=AT, kind=kind, data=data, prev="", hash=str(seq)))

    def change(
        self, resource: str, before: t.Any, after: t.Any, status: str = "done", action: str = "set", **context: t.Any
    ) -> None:
        change_id = f"c{len(self.entries)}"
        more = {"context": context} if context else {}
        self.add(
            "change.intent",
            id=change_id,
            resource=resource,
            action=action,
            before=before,
            after=after,
            request={},
            **more,
        )
        if status:
            self.add("change.outcome", id=change_id, status=status)

    def past(self, resource: str) -> Recorded:
        return recorded(self.entries, resource).get(resource, NOTHING)


def test_the_original_is_what_the_first_change_found() -> None:
    story = Story()
    story.change("e:a", 1, 2, kind="int")
    story.change("e:a", 7, 3, kind="long")
    past = story.past("e:a")
    assert (past.original, past.ours, past.changes, past.pending, past.order) == (1, 3, 2, (), 0)
    assert past.contexts == ({"kind": "int"}, {"kind": "long"})
    assert past.last_done is not None


@pytest.mark.parametrize(
    ("status", "changes", "pending"),
    [("done", 1, 0), ("unknown", 1, 0), ("", 1, 1), ("failed", 0, 0), ("skipped", 0, 0), ("abandoned", 0, 0)],
)
def test_which_changes_may_be_ours(status: str, changes: int, pending: int) -> None:
    story = Story()
    story.change("e:a", 1, 2, status)
    past = story.past("e:a")
    assert (past.changes, len(past.pending)) == (changes, pending)


def test_what_was_put_back_is_over_once_the_matter_is_closed() -> None:
    story = Story()
    story.change("e:a", 1, 2)
    story.change("e:a", 2, 1, action=RESTORE)
    assert story.past("e:a").ours == 2
    story.add(RESTORE, resource="e:a", action="restore")
    assert story.past("e:a").changes == 0
    story.change("e:a", 5, 2)
    assert story.past("e:a").original == 5


def test_by_one_prefix_or_several() -> None:
    story = Story()
    for name in ("e:1/fe/a", "e:1/node/b", "e:2/fe/a"):
        story.change(name, 1, 2)
    assert list(recorded(story.entries, "e:1/")) == ["e:1/fe/a", "e:1/node/b"]
    assert list(recorded(story.entries, ("e:2/", "e:1/node/"))) == ["e:1/node/b", "e:2/fe/a"]


@pytest.mark.parametrize(
    ("past", "now", "action"),
    [
        (Recorded(1, 2, 1), 2, "restore"),
        (Recorded(1, 2, 1), 1, "already_original"),
        (Recorded(1, 2, 1), 3, "keep_theirs"),
        (Recorded(1, 2, 1), UNKNOWN, "unknown"),
        (Recorded(None, {"on": True}, 1), {"on": True}, "restore"),
        (NOTHING, None, "already_original"),
        (NOTHING, 3, "already_original"),
    ],
)
def test_three_way(past: Recorded, now: t.Any, action: str) -> None:
    decision = decide(past, now)
    assert decision.action == action
    assert restore_record("e:a", past, now, decision)["action"] == action


STATE = st.one_of(st.none(), st.integers(0, 3), st.sampled_from(["x", "y"]))
STEP = st.tuples(
    st.sampled_from(["e:a", "e:ab", "f:a"]),
    STATE,
    STATE,
    st.sampled_from(["done", "unknown", "failed", "skipped", "abandoned", ""]),
    st.sampled_from(["set", RESTORE, "close"]),
)


@given(st.lists(STEP, max_size=12))
def test_the_record_of_one_resource_is_of_its_own_entries(steps: t.List[t.Any]) -> None:
    """Folded alone or among others: the same. And what it says can be told from the steps since it was closed last."""
    whole, alone = Story(), Story()
    since: t.List[t.Any] = []
    open_ends = 0
    for resource, before, after, status, action in steps:
        for story in (whole, alone):
            if story is alone and resource != "e:a":
                continue
            if action == "close":
                story.add(RESTORE, resource=resource)
            else:
                story.change(resource, before, after, status, action)
        if resource == "e:a" and action == "close":
            since = []
        elif resource == "e:a":
            open_ends += not status
            if action != RESTORE and status in ("done", "unknown", ""):
                since.append((before, after))
    past = recorded(whole.entries, "e:").get("e:a", NOTHING)
    single = alone.past("e:a")
    assert (past.original, past.ours, past.changes) == (single.original, single.ours, single.changes)
    assert past.changes == len(since)
    assert (past.original, past.ours) == ((since[0][0], since[-1][1]) if since else (None, None))
    assert len(past.pending) == open_ends
    assert not any(name.startswith("f:") for name in recorded(whole.entries, "e:"))
