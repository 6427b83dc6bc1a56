# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidInput, InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import (
    Acceptance,
    Finding,
    judge,
    parse_acceptances,
)

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def finding(id: str = "greptimedb.region.local_wal", severity: str = "blocker", subject: str = "region 1") -> Finding:  # noqa: A002
    return Finding(id, severity, subject, {"wal": ["raft_engine"]}, "Use a remote WAL.", "docs/wal")


def acceptance(id: str = "greptimedb.region.local_wal", days: float = 1, subject: t.Optional[str] = None) -> Acceptance:  # noqa: A002
    return Acceptance(id, "planned loss", NOW + days * DAY, subject)


FINDINGS = st.builds(
    finding, st.sampled_from("abc"), st.sampled_from(["blocker", "warning", "info"]), st.sampled_from("xyz")
)
ACCEPTANCES = st.builds(
    acceptance, st.sampled_from("abcd"), st.sampled_from([-1, 0, 1, 2]), st.sampled_from([None, "x", "y", "z"])
)


def test_a_blocker_stops() -> None:
    verdict = judge([finding()], [], NOW)
    assert not verdict.passed
    assert verdict.as_result()["blocker_count"] == 1


def test_an_accepted_blocker_does_not() -> None:
    verdict = judge([finding()], [acceptance()], NOW)
    assert verdict.passed
    item = verdict.as_result()["findings"][0]
    assert (item["accepted"], item["accepted_reason"], item["accepted_until"]) == (
        True,
        "planned loss",
        "2026-11-22T12:00:00.000Z",
    )
    assert item["accepted_by"] is None


def test_who_answers_for_an_acceptance_is_told_where_it_is_said() -> None:
    raw = [{"id": finding().id, "reason": "planned", "expires": "2026-12-01", "accepted_by": "night shift"}]
    (accepted,) = parse_acceptances(raw, "accept", NOW)
    assert accepted.as_result()["accepted_by"] == "night shift"
    assert judge([finding()], [accepted], NOW).as_result()["findings"][0]["accepted_by"] == "night shift"
    assert "accepted_by" not in acceptance().as_result()


def test_an_expired_acceptance_does_not_help_and_is_told() -> None:
    verdict = judge([finding()], [acceptance(days=0)], NOW)
    assert not verdict.passed
    result = verdict.as_result()
    assert result["findings"][0]["accepted"] is False
    assert [item["id"] for item in result["expired_acceptances"]] == ["greptimedb.region.local_wal"]
    assert result["unused_acceptances"] == []


def test_a_subject_narrows() -> None:
    verdict = judge([finding(), finding(subject="region 2")], [acceptance(subject="region 2")], NOW)
    assert [item.subject for item in verdict.open_blockers] == ["region 1"]


def test_an_acceptance_for_nothing_is_told() -> None:
    verdict = judge([finding()], [acceptance("greptimedb.typo")], NOW)
    assert [item.id for item in verdict.unused] == ["greptimedb.typo"]


def test_the_latest_expiry_is_shown() -> None:
    verdict = judge([finding()], [acceptance(days=1), acceptance(days=3), acceptance(days=2)], NOW)
    assert verdict.accepted[0][1].expires == NOW + 3 * DAY


def test_nothing_found_passes() -> None:
    assert judge([], [], NOW).as_result() == {
        "findings": [],
        "blocker_count": 0,
        "warning_count": 0,
        "info_count": 0,
        "passed": True,
        "expired_acceptances": [],
        "unused_acceptances": [],
    }


def test_unknown_severity_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="fatal"):
        finding(severity="fatal")


@given(st.lists(FINDINGS), st.lists(ACCEPTANCES))
def test_verdict_is_what_the_rules_say(findings: t.List[Finding], acceptances: t.List[Acceptance]) -> None:
    verdict = judge(findings, acceptances, NOW)

    def accepted(item: Finding) -> bool:
        return any(a.id == item.id and a.subject in (None, item.subject) and a.expires > NOW for a in acceptances)

    assert verdict.passed is all(accepted(item) for item in findings if item.severity == "blocker")
    result = verdict.as_result()
    assert len(result["findings"]) == len(findings)
    assert all(item["accepted"] is accepted(found) for item, found in zip(result["findings"], verdict.findings))
    severities = [item["severity"] for item in result["findings"]]
    assert severities == sorted(severities, key=["blocker", "warning", "info"].index)
    # No acceptance is forgotten: each is used, expired or told to be unused.
    for one in acceptances:
        used = one.expires > NOW and any(one.covers(item) for item in findings)
        assert used + (one in verdict.expired) + (one in verdict.unused) == 1
    json.dumps(result)


def test_parse_all_forms() -> None:
    raw = [{"id": "a", "reason": "r", "expires": "2026-11-21"}]
    wanted = [Acceptance("a", "r", datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc))]
    assert parse_acceptances(raw, "accept", NOW) == wanted
    assert parse_acceptances(json.dumps(raw), "accept", NOW) == wanted
    assert parse_acceptances(raw[0], "accept", NOW) == wanted
    assert parse_acceptances([dict(raw[0], expires=datetime.date(2026, 11, 21))], "accept", NOW) == wanted
    assert parse_acceptances(None, "accept", NOW) == []
    assert parse_acceptances("", "accept", NOW) == []


def test_parse_keeps_time_and_subject() -> None:
    parsed = parse_acceptances(
        [{"id": "a", "reason": "r", "expires": "2026-11-21T14:00+02:00", "subject": "region 1"}], "accept", NOW
    )
    assert parsed == [Acceptance("a", "r", NOW, "region 1")]


def test_an_expired_one_parses() -> None:
    assert parse_acceptances([{"id": "a", "reason": "r", "expires": "2020-01-01"}], "accept", NOW)[0].expires < NOW


def test_everything_that_is_wrong_is_told_at_once() -> None:
    raw = [
        {"id": "a", "reason": " ", "expires": "2026-11-22"},
        {"reason": "r", "expires": "soon"},
        {"id": "a", "reason": "r", "expiry": "2026-11-22"},
        {"id": "a", "reason": "r", "expires": "9999-12-31"},
    ]
    with pytest.raises(InvalidInput) as caught:
        parse_acceptances(raw, "accept", NOW)
    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        "accept[0].reason",
        "accept[1].id",
        "accept[1].expires",
        "accept[2].expiry",
        "accept[2].expires",
        "accept[3].expires",
    ]
    assert "2026-11-28" in caught.value.message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "reason", "expires", "subject", "x"]), inner)
    ),
    max_leaves=6,
)


@given(ANYTHING)
def test_anything_else_is_one_clear_error(raw: t.Any) -> None:
    problem = ""
    try:
        parsed = parse_acceptances(raw, "accept", NOW)
    except (InvalidInput, InvalidOption) as error:
        problem = error.message
        parsed = []
    assert not problem or problem.startswith("accept")
    assert all(item.id and item.reason and item.expires.tzinfo for item in parsed)
