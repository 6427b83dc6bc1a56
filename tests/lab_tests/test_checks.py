# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a submission is checked for, in which order, and how the refusal reads on each version (facts 1.5, 2)."""

from __future__ import annotations

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, migrate, refused, wait_end

ADMIN_VERSIONS = ["0.9.5", "0.12", "0.15", "0.17", "1.0", "1.1"]


def _admin(region: int, source: int, target: int) -> str:
    return "ADMIN migrate_region(%d, %d, %d, 60)" % (region, source, target)


@pytest.mark.parametrize(
    ("version", "errno", "message"),
    [
        ("0.8.2", 1815, "Execution error: Invalid arguments: The `from_peer_id` can't equal `to_peer_id` "),
        ("0.9.2", 1210, "(InvalidArguments): Execution error: Invalid arguments: The `from_peer_id` can't"),
        ("0.9.3", 1210, "(InvalidArguments): Invalid arguments: The `from_peer_id` can't equal `to_peer_id` "),
        ("0.16.0", 1210, "(InvalidArguments): Invalid arguments: The `from_peer_id` can't equal `to_peer_id` "),
        (
            "0.17.0",
            1815,
            "(Unexpected): Failed to execute admin function: Failed to execute admin function migrate_region, error: "
            "Execution error: Function execution error: Invalid arguments: The `from_peer_id` can't equal "
            "`to_peer_id` : Execution error: Function execution error: Invalid arguments: The `from_peer_id` can't "
            "equal `to_peer_id` ",
        ),
        ("1.0.0", 1815, "(Unexpected): Failed to execute admin function: Failed to execute admin function migrate"),
        (
            "1.0.1",
            1815,
            "(Unexpected): Failed to execute admin function migrate_region: Execution error: Invalid arguments: The "
            "`from_peer_id` can't equal `to_peer_id` ",
        ),
        (
            "1.1.4",
            1815,
            "(Unexpected): Failed to execute admin function migrate_region: Execution error: Invalid arguments: The "
            "`from_peer_id` can't equal `to_peer_id` , code: InvalidArguments, tonic code: InvalidArgument",
        ),
    ],
)
def test_wrapping(shared_lab: LabFactory, version: str, errno: int, message: str) -> None:
    word = "ADMIN" if (errno == 1210 and "Execution" not in message) or "admin" in message else "SELECT"
    found = refused(shared_lab(version), "%s migrate_region(%d, 1, 1, 60)" % (word, FIRST))
    assert found[0] == errno
    assert found[1].startswith(message)


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("0.9.3", "(Internal): Internal error: 1003"),
        ("0.16.0", "(Internal): Internal error: 1003"),
        ("0.17.0", "The target peer is unavailable temporally: 9"),
        ("1.1", "The target peer is unavailable temporally: 9"),
    ],
)
def test_a_dead_or_unknown_peer_is_hidden_up_to_0_16(shared_lab: LabFactory, version: str, text: str) -> None:
    lab = shared_lab(version)
    for source, target in ((0, 9), (9, 0)):
        errno, message = refused(lab, _admin(FIRST, source, target))
        assert errno == 1815
        assert text in message


def test_a_dead_peer_is_refused_once_its_lease_is_over(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.node(2, alive=False)
    lab.wait_for(lambda s: not s["nodes"]["2"]["leased"])
    assert "unavailable temporally: 2" in refused(lab, _admin(FIRST, 0, 2))[1]
    assert "unavailable temporally: 2" in refused(lab, _admin(FIRST + 2, 2, 0))[1]
    lab.node(2, alive=True)
    assert wait_end(lab, migrate(lab, FIRST, 0, 2)) == {"status": "Done"}


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
def test_regions_that_are_not_there(shared_lab: LabFactory, version: str) -> None:
    lab = shared_lab(version)
    assert "Failed to find table route for 4444" in refused(lab, _admin(4444 << 32, 0, 1))[1]
    expected = "Failed to find table route for %d(1024, 77)" % (FIRST + 77)
    assert expected in refused(lab, _admin(FIRST + 77, 0, 1))[1]


@pytest.mark.parametrize(
    ("version", "begin", "end"),
    [
        ("0.12", "task cluster: 0, region: ", ")"),
        ("0.13.0", "task region: ", ")"),
        ("0.14.4", "task region: ", ")"),
        ("0.15", "task region: ", "), trigger_reason: Manual"),
        ("1.1", "task region: ", "), trigger_reason: Manual"),
    ],
)
def test_logical_table(shared_lab: LabFactory, version: str, begin: str, end: str) -> None:
    lab = shared_lab(version)
    logical = next(int(k) for k, v in lab.state()["tables"].items() if v["physical"]) << 32
    message = refused(lab, _admin(logical, 0, 1))[1]
    peers = [lab.describe["datanodes"][n]["addr"] for n in "01"]
    text = "Trying to execute region migration on the logical table, %s%d(%d, 0), from_peer: peer-0(%s), " % (
        begin,
        logical,
        logical >> 32,
        peers[0],
    )
    assert text + "to_peer: peer-1(%s%s" % (peers[1], end) in message


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("0.13.2", "Invalid arguments: Invalid region migration `from_peer` argument"),
        ("0.14.0", "Region's leader peer changed: Region's leader peer(0) is not the `from_peer`(1), region: %d"),
        ("1.1", "Region's leader peer changed: Region's leader peer(0) is not the `from_peer`(1), region: %d"),
    ],
)
def test_leader_elsewhere(shared_lab: LabFactory, version: str, text: str) -> None:
    message = refused(shared_lab(version), _admin(FIRST, 1, 2))[1]
    assert (text % FIRST if "%" in text else text) in message


@pytest.mark.parametrize(("version", "is_error"), [("0.14.4", False), ("0.15.0", True), ("1.1", True)])
def test_already_on_target_is_seen_before_the_wrong_source(
    shared_lab: LabFactory, version: str, is_error: bool
) -> None:
    lab = shared_lab(version)
    if is_error:
        text = "The region migration procedure is completed for region: %d(1024, 0), target_peer: 0" % FIRST
        assert text in refused(lab, _admin(FIRST, 3, 0))[1]
    else:
        assert ask(lab, _admin(FIRST, 3, 0)) == [(None,)]


@pytest.mark.parametrize("version", ["0.14.0", "1.1"])
def test_follower_on_the_target(shared_lab: LabFactory, version: str) -> None:
    lab = shared_lab(version, followers=1)
    text = "Invalid arguments: The `to_peer`(1) is already has a region follower, region: %d(1024, 0)" % FIRST
    assert text in refused(lab, _admin(FIRST, 0, 1))[1]


@pytest.mark.parametrize(("version", "guarded"), [("0.8.2", False), ("0.9.0", True), ("1.1", True)])
def test_duplicate(new_lab: LabFactory, version: str, guarded: bool) -> None:
    lab = new_lab(version, factor=1)
    first = migrate(lab, FIRST, 0, 1)
    statement = "%s migrate_region(%d, 0, 2, 60)" % ("SELECT" if version < "0.9.3" else "ADMIN", FIRST)
    if guarded:
        text = "Another migration procedure is running for region: %d(1024, 0)" % FIRST
        assert text in refused(lab, statement)[1]
    else:
        second = ask(lab, statement)[0][0]
        assert second != first
        assert wait_end(lab, second) == {"status": "Done"}  # Done, and yet not moved to where it asked
        assert lab.leader(FIRST) == 1


def test_order_of_the_checks(new_lab: LabFactory) -> None:
    lab = new_lab("1.1", factor=1)
    assert "unavailable temporally: 9" in refused(lab, _admin(4444 << 32, 9, 9))[1]
    assert "can't equal" in refused(lab, _admin(4444 << 32, 1, 1))[1]
    migrate(lab, FIRST, 0, 1)
    assert "Another migration" in refused(lab, _admin(FIRST, 1, 1))[1]


def test_table_info_lost(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    lab.foreign(lose_table_info=1024)
    assert "Table info not found: 1024" in refused(lab, _admin(FIRST, 0, 1))[1]


def test_metasrv_of_another_version_decides_the_texts(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1", metasrv_version="0.12.2")
    assert "Invalid region migration `from_peer` argument" in refused(lab, _admin(FIRST, 1, 2))[1]
    assert "Internal error: 1003" in refused(lab, _admin(FIRST, 0, 9))[1]
    versions = ask(lab, "SELECT peer_type, version FROM information_schema.cluster_info")
    assert {v for kind, v in versions if kind == "METASRV"} == {"0.12.2"}
    assert {v for kind, v in versions if kind != "METASRV"} == {"1.1.4"}
