# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which form of submission works on which version, and what the wrong one answers (facts 0, 1)."""

from __future__ import annotations

import json
import re

import pytest

from lab_tests.conftest import LabFactory
from lab_tests.support import FIRST, ask, columns, http_sql, meta, migrate, refused, wait_end

PID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WORKS = "works"
CALL = "migrate_region(%d, 1, 1, 60)" % FIRST
"""A submission that is refused as same-peer wherever the form works: it changes nothing."""


@pytest.mark.parametrize(
    ("version", "select", "admin", "over_http"),
    [
        ("0.6", "Invalid function 'migrate_region'", "Expected an SQL statement", 500),
        ("0.7", WORKS, "Expected an SQL statement", 500),
        ("0.8.2", WORKS, "Expected an SQL statement", 404),
        ("0.9.2", WORKS, "(Unsupported): SQL statement is not supported", 404),
        ("0.9.3", "(PlanQuery): Failed to plan SQL: Error during planning: Invalid function", WORKS, 404),
        ("0.16.0", "(PlanQuery): Failed to plan SQL: Error during planning: Invalid function", WORKS, 404),
        ("0.17", WORKS, WORKS, 404),
        ("1.1", WORKS, WORKS, 404),
    ],
)
def test_forms(shared_lab: LabFactory, version: str, select: str, admin: str, over_http: int) -> None:
    lab = shared_lab(version)
    for word, expected in (("SELECT", select), ("ADMIN", admin)):
        errno, message = refused(lab, "%s %s" % (word, CALL))
        if expected == WORKS:
            assert "can't equal `to_peer_id`" in message
        else:
            assert expected in message
            assert errno == (1235 if "Unsupported" in expected else 1815)
    path = "/admin/region-migration?region_id=%d&from_peer_id=1&to_peer_id=1" % FIRST
    assert meta(lab, path)[0] == over_http
    assert meta(lab, path, port="http")[0] == 404


def test_too_old(shared_lab: LabFactory) -> None:
    lab = shared_lab("0.4")
    assert meta(lab, "/admin/region-migration?region_id=1&from_peer_id=1&to_peer_id=2") == (404, "")
    assert refused(lab, "SELECT " + CALL)[0] == 1815
    assert ask(lab, "SELECT version()") == [("5.7.20-greptimedb-0.4.4",)]


def test_http_submission(new_lab: LabFactory) -> None:
    lab = new_lab("0.6")
    leader = "/admin/region-migration?region_id=%d&from_peer_id=0&to_peer_id=%d"
    status, body = meta(lab, leader % (FIRST, 2) + "&replay_timeout=5m", method="POST")
    assert status == 200
    assert PID.fullmatch(json.loads(body)["procedure_id"])
    lab.wait_for(lambda s: s["regions"][str(FIRST)]["leader"] == 2)
    assert meta(lab, leader % (FIRST, 2)) == (200, '{"procedure_id": null}')


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("from_peer_id=0&to_peer_id=1", 'Missing required parameter, param: "region_id"'),
        ("region_id=abc&from_peer_id=0&to_peer_id=1", "Failed to parse number: invalid region_id: abc"),
        ("region_id=1&from_peer_id=0&to_peer_id=1&replay_timeout=5", "Failed to parse duration 5"),
        ("region_id=%d&from_peer_id=0&to_peer_id=9" % FIRST, "The target peer is unavailable temporally: 9"),
    ],
)
def test_http_errors_are_plain_text(shared_lab: LabFactory, query: str, text: str) -> None:
    assert meta(shared_lab("0.6"), "/admin/region-migration?" + query) == (500, text)


def test_http_submission_goes_to_the_leader(shared_lab: LabFactory) -> None:
    lab = shared_lab("0.7")
    assert meta(lab, "/admin/leader", number=2) == (200, lab.describe["metasrv"][0]["grpc"])
    status, body = meta(lab, "/admin/region-migration?region_id=1&from_peer_id=0&to_peer_id=1", number=1)
    assert (status, body.split(" to ")[-1]) == (500, "non-leader meta server")


def test_admin_result(new_lab: LabFactory) -> None:
    lab = new_lab("1.1")
    statement = "admin MIGRATE_REGION(%d, 0, 1, 60)" % FIRST
    assert columns(lab, statement) == ["ADMIN MIGRATE_REGION(%d, 0, 1, 60)" % FIRST]
    rows = ask(lab, "ADMIN migrate_region(%d, 1, 2)" % (FIRST + 1))
    assert PID.fullmatch(rows[0][0])
    status, _body = http_sql(lab, "ADMIN procedure_state('%s')" % rows[0][0].upper())
    assert status in (200, 500)  # the pid may not exist yet
    assert wait_end(lab, rows[0][0]) == {"status": "Done"}


def test_select_result_is_named_by_the_expression(shared_lab: LabFactory) -> None:
    lab = shared_lab("0.8")
    region = FIRST + 7
    names = columns(lab, "SELECT migrate_region(%d, 3, 1, 60)" % region)
    assert names == ["migrate_region(Int64(%d),Int64(3),Int64(1),Int64(60))" % region]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("'%d', 0, 1" % FIRST, "function signature not match"),
        ("%d, 0" % FIRST, "function signature not match"),
        ("%d, 0, 1, 60, 7" % FIRST, "function signature not match"),
        ("%d, -1, 1" % FIRST, "unsupported function arg"),
        ("%d, 0, 1+1" % FIRST, "unsupported function arg"),
    ],
)
@pytest.mark.parametrize("version", ["0.9.5", "1.1"])
def test_admin_arguments(shared_lab: LabFactory, version: str, arguments: str, problem: str) -> None:
    errno, message = refused(shared_lab(version), "ADMIN migrate_region(%s)" % arguments)
    assert errno == 1210
    assert message.startswith("(InvalidArguments): Failed to build admin function args: %s" % problem)


def test_admin_unknown_function_and_null(shared_lab: LabFactory) -> None:
    lab = shared_lab("1.1")
    assert refused(lab, "ADMIN xyz(1)") == (1210, "(InvalidArguments): Admin function not found: xyz")
    assert ask(lab, "ADMIN migrate_region(NULL, 0, 1)") == [(None,)]


@pytest.mark.parametrize(("version", "allowed"), [("0.17", True), ("1.0", False), ("1.1", False)])
def test_read_only_user(shared_lab: LabFactory, version: str, allowed: bool) -> None:
    lab = shared_lab(version, user="admin", password="pw", readonly_user="viewer", readonly_password="pw")
    login = {"user": "viewer", "password": "pw"}
    assert len(ask(lab, "SELECT * FROM information_schema.region_peers", **login)) == 74
    assert ask(lab, "SELECT * FROM information_schema.procedure_info", **login) == []
    errno, message = refused(lab, "ADMIN procedure_state('538b7476-9f79-4e50-aa9c-b1de90710839')", **login)
    if allowed:
        assert "Procedure not found" in message
    else:
        assert (errno, message) == (1045, "(PermissionDenied): User is not authorized to perform this action")


def test_another_catalog(shared_lab: LabFactory) -> None:
    message = refused(shared_lab("0.12"), "ADMIN migrate_region(1, 2, 3)", database="other-public")[1]
    assert message == "(PermissionDenied): Permission denied: current catalog is not greptime"


def test_standalone(shared_lab: LabFactory) -> None:
    lab = shared_lab("standalone")
    assert lab.describe["metasrv"] == []
    assert "Unsupported operation migrate_region" in refused(lab, "ADMIN migrate_region(1, 2, 3)")[1]
    assert ask(lab, "SELECT peer_id, peer_type, peer_addr FROM information_schema.cluster_info") == [
        (0, "STANDALONE", "")
    ]
    assert ask(lab, "SELECT peer_id, peer_addr FROM information_schema.region_peers LIMIT 1") == [(0, "")]


@pytest.mark.parametrize(
    ("version", "least", "most"),
    [
        ("0.9.3", 3 * 10, 290),  # each of three tries of the replay
        ("0.9.4", 30, 290),
        ("0.13.2", 30, 290),
        ("0.14.0", 300, 590),
        ("0.15.0", 2 * 300, 890),  # the flush before the downgrade waits as long
    ],
)
def test_default_timeout(new_lab: LabFactory, version: str, least: float, most: float) -> None:
    """A flush or replay that takes longer than the default is cut off at the default."""
    lab = new_lab(version, factor=200, regions=8)
    lab.config(durations={"flush": 100000, "replay_bytes_per_second": 1})
    regions = lab.state()["regions"].items()
    region = next(int(r) for r, v in regions if v["replicas"][str(v["leader"])]["memtable_bytes"])
    source = lab.leader(region) or 0
    started = lab.state()["time"]
    pid = migrate(lab, region, source, (source + 1) % 4, timeout=None)
    assert wait_end(lab, pid)["status"] == "Failed"
    procedure = next(p for p in lab.state()["procedures"] if p["pid"] == pid)
    assert least <= procedure["ended"] - started < most
    assert lab.leader(region) == source
