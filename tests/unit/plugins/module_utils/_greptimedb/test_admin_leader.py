# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who leads the metasrv, and where a submission over HTTP is tried."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.address import Address
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ConnectionLost
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.admin_http import AdminHttp
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.http_wire import Reply
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.model import Leadership
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._greptimedb.fake_cluster import connection

A, B, POD = Address("a", 3002), Address("b", 3002), Address("10.0.0.7", 3002)
ELECTION = Reply(500, {}, "There is no leader, an election is going on")
NO_ELECTION = Reply(200, {}, "election info is None")


def names(leader: Address) -> Reply:
    return Reply(200, {}, str(leader))


def admin(answers: t.Mapping[Address, Reply], monkeypatch: pytest.MonkeyPatch, given: str = "a,b") -> AdminHttp:
    """``answers``: what each metasrv that can be reached says of the leader."""

    class Endpoint:
        def __init__(self, address: Address, **_times: float) -> None:
            self._address = address

        def request(self, _method: str, _path: str, mutating: bool = False) -> Reply:
            if self._address not in answers:
                raise ConnectionLost("no route", sent=False, address=str(self._address), kind="unreachable")
            return answers[self._address]

    monkeypatch.setattr(f"{AdminHttp.__module__}.HttpEndpoint", Endpoint)
    return AdminHttp(connection(metasrv_addrs=given))


def test_a_leader_among_ours_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = admin({A: names(B), B: names(B)}, monkeypatch)
    assert found.submission_addresses() == [B, A]
    assert found.leadership() == Leadership(B, True, True)


def test_a_leader_among_ours_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert admin({A: names(B)}, monkeypatch).leadership() == Leadership(B, True, False)


@pytest.mark.parametrize("given", ["a", "a,b"])
def test_a_leader_under_a_name_of_its_own_is_asked_after_ours(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """One metasrv that was given and does not lead is not taken for the leader."""
    found = admin({A: names(POD), B: names(POD)}, monkeypatch, given)
    assert found.submission_addresses() == ([A, POD] if given == "a" else [A, B, POD])
    assert found.leadership() == Leadership(POD, False, False)
    reached = admin({A: names(POD), B: names(POD), POD: names(POD)}, monkeypatch, given)
    assert reached.leadership() == Leadership(POD, False, True)


def test_somebody_else_at_the_leaders_own_address_is_not_the_leader(monkeypatch: pytest.MonkeyPatch) -> None:
    found = admin({A: names(POD), POD: names(B)}, monkeypatch, "a")
    assert found.leadership() == Leadership(POD, False, False)


def test_during_an_election_all_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    found = admin({A: ELECTION, B: ELECTION}, monkeypatch)
    assert found.submission_addresses() == [A, B]
    assert found.leadership() == Leadership(None, False, False)


def test_without_an_election_the_only_one_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    found = admin({A: NO_ELECTION}, monkeypatch, "a")
    assert found.submission_addresses() == [A]
    assert found.leadership() == Leadership(A, True, True)
