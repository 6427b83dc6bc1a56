# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import time
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_entry import Entry
from ansible_collections.dbops.migration.plugins.module_utils._core.report.page import page
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report import journals
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.report.reading import Page, report_of

HOSTILE = (
    "</title></style><script>alert(1)</script>\"><img src=x onerror=alert(1)> ' onload='x &lt; \u202eabc\x00\x1b[31m"
)

KINDS = (
    "journal.opened",
    "journal.repaired",
    "run.started",
    "run.finished",
    "findings",
    "plan",
    "change.intent",
    "change.accepted",
    "change.outcome",
    "progress",
    "wait",
    "proof",
    "restore",
    "note",
    "something.later",
)


def test_a_good_migration_is_told_in_full() -> None:
    read = Page(page(report_of(journals.small(), {"acknowledged_writes_lost": "0", "acknowledged_writes": 184233})))
    assert "All 60 regions moved, each proved on its target." in read.text
    assert "60 of 60" in read.text
    assert "Acknowledged writes 184233" in read.text
    assert read.headings == [
        "Left to do",
        "Measured by the caller",
        "Timeline",
        "Moves",
        "Progress",
        "Writes refused",
        "Load per datanode",
        "Failures",
        "Findings",
        "Settings",
        "Plan",
        "Plan and outcome",
        "Waits",
        "Retries",
        "Proofs",
        "The way back",
        "Runs",
        "Notes",
        "Journal",
    ]
    assert len(read.rows["outcome-table"]) == 60
    assert len(read.rows["reverse-table"]) == 60
    assert read.rows["settings-table"] == [
        [
            "greptimedb.maintenance_mode",
            "enabled: false",
            "enabled: true",
            "enabled: false",
            "put back",
        ]
    ]
    accepted = read.rows["findings-table"][-1]
    assert accepted[0] == "greptimedb.storage.local_wal"
    assert "until 2026-12-01 00:00:00 UTC: CHG-4711: regions are flushed first" in accepted[5]
    assert [row[1] for row in read.rows["retries-table"]].count("2") == 1


def test_a_failed_migration_says_what_failed_and_in_whose_words() -> None:
    read = Page(page(report_of(journals.failed())))
    assert "8 regions failed to move; 32 of 40 regions are on target." in read.text
    (row,) = read.rows["failures-table"]
    assert row[:2] == ["greptimedb.peer_down", "8"]
    assert "deadline has elapsed, status: Unavailable" in row[5]
    assert [one[4] for one in read.rows["outcome-table"][:9]] == ["failed"] * 8 + ["moved"]
    assert "Run restore to put back 1 setting: greptimedb.maintenance_mode." in read.text


@pytest.mark.parametrize(
    "entries",
    [journals.interrupted(), journals.interrupted(resumed=True), journals.rolled_back(), journals.many(900), []],
    ids=["interrupted", "resumed", "rolled back", "many", "empty"],
)
def test_every_journal_gives_a_sound_page(entries: t.Sequence[Entry]) -> None:
    Page(page(report_of(entries)))


def test_the_same_journal_gives_the_same_bytes() -> None:
    assert page(report_of(journals.failed())) == page(report_of(journals.failed()))


def test_a_damaged_journal_is_the_first_thing_said() -> None:
    report = report_of(journals.small(), valid=False, problem="line 90 was changed")
    read = Page(page(report))
    assert read.text.index("The journal is damaged") < read.text.index("All 60 regions moved")
    assert "Find out what happened to the journal: line 90 was changed" in read.text


@pytest.fixture(scope="module")
def ten_thousand() -> t.List[Entry]:
    return journals.many(10_000)


def test_ten_thousand_moves_stay_within_two_megabytes(ten_thousand: t.List[Entry]) -> None:
    before = time.process_time()
    markup = page(report_of(ten_thousand))
    spent = time.process_time() - before
    assert len(markup.encode("utf-8")) <= 2_000_000
    assert spent < 20
    assert markup.count("<tr><th scope=row>") > 10_000
    assert "only in the journal" not in markup
    assert markup.count("<rect") < 500


def test_names_of_any_length_stay_within_two_megabytes_too(ten_thousand: t.List[Entry]) -> None:
    long_names = [
        entry._replace(data=json.loads(json.dumps(entry.data).replace("public.", "p" * 200 + ".")))
        for entry in ten_thousand
        if entry.kind in ("plan", "run.started", "run.finished")
    ]
    markup = page(report_of(long_names))
    assert len(markup.encode("utf-8")) <= 2_000_000
    assert "more rows are only in the journal" in markup


def poisoned(value: t.Any, key: str = "") -> t.Any:
    """A copy of journal data in which every text that does not steer the reading is hostile."""
    if isinstance(value, dict):
        return {name: poisoned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item, key) for item in value]
    steers = key in ("id", "status", "purpose", "since", "severity", "phase", "run_id", "strategy", "accepted_until")
    return value + HOSTILE if isinstance(value, str) and not steers else value


@pytest.mark.parametrize(
    "make", [journals.small, journals.failed, lambda: journals.many(700)], ids=["small", "failed", "many"]
)
def test_hostile_text_stays_text(make: t.Callable[[], t.List[Entry]]) -> None:
    entries = [entry._replace(data=poisoned(entry.data)) for entry in make()]
    markup = page(report_of(entries, {HOSTILE: HOSTILE, "acknowledged_writes_lost": HOSTILE}), HOSTILE)
    read = Page(markup)
    assert read.tags.count("script") == 1
    assert "<img" not in markup
    assert HOSTILE[:60] in read.text
    assert not set("\u202e\x00\x1b") & set(markup)
    assert "\\u202eabc" in read.text


DATA_KEYS = re.findall(
    r"\w+",
    "id status resource context purpose from_peer to_peer table plan moves region_id limits before after regions"
    " lower_bound findings severity accepted waits reason since worst count items subject original ours now action"
    " done total eta_seconds run_id phase text measured refused_seconds_at_most evidence strategy",
)
json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12) | st.just(HOSTILE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(DATA_KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)
known_ids = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["c1", "c2"]),
        "resource": st.sampled_from(["e.region/1", "e.region/2", "e.mode"]),
        "status": st.sampled_from(["done", "failed", "unknown", "skipped"]),
        "context": st.just({"purpose": "move", "from_peer": 1, "to_peer": 2}),
        "run_id": st.sampled_from(["a", "b"]),
        "plan": st.just({"moves": [{"region_id": 1, "from_peer": 1, "to_peer": 2}], "limits": {"global": 0}}),
        "measured": st.fixed_dictionaries({"refused_seconds_at_most": st.floats(-1e300, 1e300)}),
        "done": st.integers(),
        "total": st.integers(),
        "eta_seconds": st.floats(allow_nan=False),
    },
)
moments = st.sampled_from(
    ["2026-11-21T03:14:00.000Z", "2026-11-21T03:14:09.000Z", "9999-12-31T23:59:59.999Z", "1970-01-01", "?"]
)
entries_of_any_kind = st.lists(
    st.builds(
        lambda at, kind, one, two: Entry(0, at, kind, {**one, **two}, "", ""),
        moments,
        st.sampled_from(KINDS),
        json_data.filter(lambda value: isinstance(value, dict)) | st.just({}),
        known_ids,
    ),
    max_size=14,
)


@settings(max_examples=120, deadline=None)
@given(entries=entries_of_any_kind, extra=st.dictionaries(st.text(max_size=8), json_data, max_size=2))
def test_whatever_a_journal_holds_a_sound_page_comes_out(entries: t.List[Entry], extra: t.Dict[str, t.Any]) -> None:
    markup = page(report_of(entries, extra))
    assert Page(markup).tags.count("script") == 1
    assert not re.search(r'<(rect|path|text|svg) [^>]*"[^">]*(nan|inf)', markup)
