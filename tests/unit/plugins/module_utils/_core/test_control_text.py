# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core import control_text as ct

WRITTEN = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.timezone.utc)


def wish(text: str) -> ct.Wish:
    return ct.parse_wish(text, WRITTEN)


def at(hours: float) -> datetime.datetime:
    return WRITTEN + datetime.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ct.NO_WISH),
        ("\n  \n# lunch\n", ct.NO_WISH),
        ("pause\n", ct.Wish(run="pause")),
        ("  PAUSE  # until lunch is over\r\n", ct.Wish(run="pause")),
        ("pause\nresume\n", ct.Wish(run="resume")),
        ("abort", ct.Wish(run="abort")),
        ("abort see ticket #12,  rolled \x07 back", ct.Wish(run="abort", reason="see ticket #12, rolled back")),
        ("abort\nresume", ct.Wish(run="resume")),
        ("limits global=4 per_source:3=1 per_table=none",
         ct.Wish(limits={"global": 4, "per_source:3": 1, "per_table": None})),
        ("limits global=4\nlimits per_source=1", ct.Wish(limits={"per_source": 1})),
        ("postpone 2h", ct.Wish(until=at(2))),
        ("postpone 1h 30m # until the backup is done", ct.Wish(until=at(1.5))),
        ("postpone until 2026-11-22T01:00:00Z", ct.Wish(until=at(13))),
        ("postpone Until 2026-11-22 02:00+01:00", ct.Wish(until=at(13))),
        ("postpone 2h\nproceed", ct.Wish(proceed=True)),
        ("proceed\npostpone 2h", ct.Wish(until=at(2))),
        ("pause\nlimits global=1\nproceed\n", ct.Wish(run="pause", limits={"global": 1}, proceed=True)),
    ],
)  # fmt: skip
def test_what_a_person_writes(text: str, expected: ct.Wish) -> None:
    assert wish(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("psotpone 2h", "line 1: 'psotpone 2h' is none of the wishes"),
        ("pause\n\nstop", "line 3: 'stop'"),
        ("pause now", "nothing may follow pause"),
        ("proceed!", "none of the wishes"),
        ("limits", "limits without any"),
        ("limits global", "'global' is no limit"),
        ("limits global=0", "global must be 1 to 1000000; to let nothing begin, write pause"),
        ("limits global=99999999999999999999", "global must be"),
        ("limits global=1 global=2", "global is there twice"),
        ("limits Global=1", "'Global=1' is no limit"),
        ("postpone", "'' is no length of time"),
        ("postpone a while", "'a while' is no length of time"),
        ("postpone 0", "'0' is no length of time"),
        ("postpone 400d", "up to a year"),
        ("postpone until", "'' is no time"),
        ("postpone until tomorrow", "'tomorrow' is no time"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_of_it_holds(text: str, told: str) -> None:
    with pytest.raises(ct.Unreadable) as caught:
        wish("limits global=2\n" + text if text.startswith("ps") else text)
    assert (told if not text.startswith("ps") else told.replace("line 1", "line 2")) in caught.value.message
    assert "A line is one of: pause" in caught.value.message
    assert caught.value.code == "control.unreadable"


def test_all_bad_lines_are_told_up_to_a_few() -> None:
    with pytest.raises(ct.Unreadable, match=r"line 1: .*line 2: .*line 3: .*; and 2 more"):
        wish("a\nb\nc\nd\ne")


def test_a_reason_is_one_short_line() -> None:
    assert len(wish("abort " + "x" * 5000).reason) == ct.LONGEST_REASON


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"pause\xc3"])
def test_what_is_no_text_is_told(raw: bytes) -> None:
    with pytest.raises(ct.Unreadable, match="no UTF-8 text"):
        ct.decode(raw)


def test_a_large_file_is_none_of_ours() -> None:
    assert ct.decode(b"\xef\xbb\xbfpause") == "pause"
    with pytest.raises(ct.Unreadable, match="no control file"):
        ct.decode(b"#" * (ct.MOST_BYTES + 1))


LIMIT_KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}(:[0-9]{1,3})?", fullmatch=True)
WISHES = st.builds(
    lambda run, reason, limits, until, proceed: ct.Wish(
        run, " ".join(reason.split()) if run == "abort" else "", limits, until, proceed and until is None
    ),
    st.sampled_from(["", "pause", "resume", "abort"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
    st.none() | st.dictionaries(LIMIT_KEYS, st.none() | st.integers(1, ct.MOST_PER_LIMIT), min_size=1, max_size=5),
    st.none()
    | st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2200, 1, 1)).map(
        lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000, tzinfo=datetime.timezone.utc)
    ),
    st.booleans(),
)


@given(WISHES)
def test_every_wish_survives_being_written_down(one: ct.Wish) -> None:
    assert wish(ct.edit("", one.lines())) == one
    assert wish("\n".join(one.lines().values())) == one


@given(WISHES, WISHES, st.lists(st.sampled_from(["# a word", "", "  # another"]), max_size=3))
def test_an_edit_changes_its_kinds_and_keeps_the_rest(before: ct.Wish, after: ct.Wish, words: t.List[str]) -> None:
    text = "".join(f"{line}\n" for line in [*words, *before.lines().values()])
    edited = ct.edit(text, {ct.LIMITS: after.line(ct.LIMITS)})
    found = wish(edited)
    assert found.limits == after.limits
    assert (found.run, found.reason, found.until, found.proceed) == (
        before.run, before.reason, before.until, before.proceed,
    )  # fmt: skip
    assert [line for line in edited.splitlines() if not ct.kind_of(line)] == words


@given(st.text(max_size=200) | st.lists(st.sampled_from(
    ["pause", "resume", "abort", "limits", "a=1", "postpone", "until", "2h", "proceed", "#", "\n", " ", "x"]
)).map("".join))  # fmt: skip
def test_any_text_is_a_wish_or_told(text: str) -> None:
    try:
        found = wish(text)
    except ct.Unreadable:
        return
    assert found == wish("\n".join(found.lines().values()))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_text_or_told(raw: bytes) -> None:
    try:
        ct.decode(raw)
    except ct.Unreadable:
        return
