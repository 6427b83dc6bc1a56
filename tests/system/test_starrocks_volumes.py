# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage volumes against the lab: predicted, made, found as they are, restored; and the mirrors of a migration."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_modules import Result, connection, finish, sent, start
from system.starrocks_volumes import LAKE, MASKED, keys, masked, mirror, one, told, volume

pytestmark = pytest.mark.thorough


@pytest.fixture(name="lab", scope="module")
def _lab() -> t.Iterator[LabClient]:
    """One for all tests, each of which leaves the target without the volumes that it made."""
    with contextlib.closing(EmbeddedLabs()) as labs:
        yield labs.start(**LAKE)


@pytest.fixture(name="journal")
def _journal(tmp_path: pathlib.Path) -> dict[str, t.Any]:
    return {"journal": str(tmp_path / "journal.jsonl"), "migration_id": "m"}


def test_a_volume_is_predicted_made_left_alone_altered_and_put_back(lab: LabClient, journal: dict[str, t.Any]) -> None:
    secret = json.dumps({"extra": keys(lab, "target")})
    wanted: dict[str, t.Any] = {"volumes": one(lab), "credentials": secret, **journal}
    lab.clear_requests()
    predicted = volume(lab, check=True, **wanted)
    assert (predicted["changed"], sent(lab)) == (True, [])
    made = volume(lab, **wanted)
    assert made["changes"] == predicted["changes"] and masked(sent(lab), lab) == told(made)
    lab.clear_requests()
    for check in (False, True):
        again = volume(lab, check=check, **wanted)
        assert (again["changed"], sent(lab)) == (False, [])
    altered = volume(lab, volumes=one(lab, comment="text", enabled=False), credentials=secret, **journal)
    assert altered["volumes"][0]["comment"] == "text" and not altered["volumes"][0]["enabled"]
    rotated = volume(lab, volumes=one(lab), credentials=secret, update_credentials="always", **journal)
    assert "aws.s3.secret_key" in told(rotated)[0] and MASKED in told(rotated)[0]
    back = volume(lab, state="restored", **journal)
    assert [record["action"] for record in back["restore"]] == ["restore"]
    assert sent(lab)[-1] == "DROP STORAGE VOLUME `extra`"
    assert volume(lab, state="restored", **journal)["changed"] is False


def test_what_cannot_be_altered_is_refused_and_nothing_is_sent(lab: LabClient) -> None:
    secret = json.dumps({"*": keys(lab, "target")})
    volume(lab, volumes=one(lab), credentials=secret)
    lab.clear_requests()
    other = volume(lab, volumes=one(lab, locations=["s3://lab-target/other"]), credentials=secret)
    assert (other["code"], sent(lab)) == ("starrocks.volume_refused", [])
    gone = volume(lab, volumes="extra", state="absent")
    assert gone["changed"] and volume(lab, volumes="extra", state="absent")["changed"] is False


def test_the_default_volume_is_not_dropped(lab: LabClient) -> None:
    secret = json.dumps({"*": keys(lab, "target")})
    volume(lab, volumes=one(lab, default=True), credentials=secret)
    refused = volume(lab, volumes="extra", state="absent")
    assert refused["code"] == "starrocks.volume_refused" and "Make another one the default" in refused["msg"]
    volume(lab, volumes=json.dumps([{"name": "lake_a", "default": True}]))
    assert volume(lab, volumes="extra", state="absent")["changed"] is True


def test_a_volume_in_use_is_kept(lab: LabClient) -> None:
    in_use = finish(start("storage_volume", {**connection(lab), "volumes": "lake_b", "state": "absent"}))
    assert in_use["code"] == "starrocks.volume_in_use" and "recycle bin" in in_use["msg"]


def test_mirrors_come_and_go(lab: LabClient, journal: dict[str, t.Any]) -> None:
    secret = json.dumps({"*": keys(lab)})
    lab.clear_requests()
    predicted = mirror(lab, check=True, credentials=secret)
    assert sent(lab) == []
    made = mirror(lab, credentials=secret, **journal)
    assert made["changes"] == predicted["changes"] and masked(sent(lab), lab) == told(made)
    names = [found["name"] for found in made["volumes"]]
    assert names and all(name.startswith("src_") for name in names)
    assert all(not re.search(r"partitioned_prefix", json.dumps(found["params"])) for found in made["volumes"])
    assert {found["status"] for found in made["buckets"]} == {"readable"}
    lab.clear_requests()
    assert (mirror(lab, credentials=secret, **journal)["changed"], sent(lab)) == (False, [])
    gone = mirror(lab, state="absent", **journal)
    assert sorted(sent(lab)) == [f"DROP STORAGE VOLUME `{name}`" for name in sorted(names)]
    assert gone["changed"] and mirror(lab, state="absent", **journal)["changed"] is False
    text = pathlib.Path(journal["journal"]).read_text(encoding="utf-8")
    assert keys(lab)["aws.s3.secret_key"] not in text and keys(lab)["aws.s3.access_key"] not in text


@pytest.mark.parametrize(
    ("user", "words"), [("stranger", "may not list or read"), ("", "which no server tells")], ids=["stranger", "none"]
)
def test_buckets_that_cannot_be_read_stop_it_before_anything_is_made(lab: LabClient, user: str, words: str) -> None:
    lab.clear_requests()
    found = mirror(lab, credentials=json.dumps({"*": keys(lab, user)}) if user else None)
    assert (found["code"], sent(lab)) == ("starrocks.mirror_refused", [])
    assert len(found["details"]["problems"]) == len(found["mirrors"]) and words in found["msg"]


def test_all_problems_are_told_at_once(lab: LabClient) -> None:
    options: dict[str, t.Any] = {
        "target_cluster_storage_volume": "nowhere",
        "properties": json.dumps({"*": {"aws.s3.endpoint": "http://127.0.0.1:1"}}),
    }
    found = mirror(lab, credentials=json.dumps({"*": keys(lab)}), bucket_timeout="3s", **options)
    assert found["code"] == "starrocks.mirror_refused"
    assert "nowhere does not exist on the target" in found["msg"] and "cannot be reached" in found["msg"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_is_settled_by_the_next_one(lab: LabClient, journal: dict[str, t.Any], when: str) -> None:
    wanted = {"volumes": one(lab), "credentials": json.dumps({"*": keys(lab, "target")}), **journal}
    lab.breakpoint("CREATE STORAGE VOLUME", when)
    process = start("storage_volume", {**connection(lab, "target"), **wanted})
    lab.wait_breakpoint(30)
    process.kill()
    process.communicate()
    lab.clear_breakpoints()
    again = until_seen(lab, wanted)
    assert [found["name"] for found in again["volumes"]] == ["extra"]
    back = volume(lab, state="restored", **journal)
    assert [record["action"] for record in back["restore"]] == ["restore"]
    assert volume(lab, volumes="extra", state="absent")["changed"] is False


def until_seen(lab: LabClient, wanted: dict[str, t.Any]) -> Result:
    """The statement of the killed run may still be on its way, so that one run can meet it."""
    found = volume(lab, **wanted)
    return volume(lab, **wanted) if found.get("failed") else found


def test_a_lost_reply_is_settled_by_looking(lab: LabClient, journal: dict[str, t.Any]) -> None:
    wanted = {"volumes": one(lab), "credentials": json.dumps({"*": keys(lab, "target")}), **journal}
    lab.clear_requests()
    lab.fault("reply_lost", match="CREATE STORAGE")
    made = volume(lab, **wanted)
    lab.clear_faults()
    assert made["changed"] and len(sent(lab)) == 1
    assert volume(lab, state="restored", **journal)["changed"] is True
