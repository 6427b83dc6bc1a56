# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pegasus_metaproxy_table against a real ZooKeeper and the lab's MetaProxies."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from kazoo.client import KazooClient

from lab import process
from lab.client import LabClient
from lab.pegasus import zookeeper
from system.pegasus_modules import run

pytestmark = pytest.mark.skipif(bool(zookeeper.missing()), reason=zookeeper.missing() or "ZooKeeper is here")
MODULE = "metaproxy_table"


@pytest.fixture(name="lab", scope="module")
def _lab() -> t.Iterator[LabClient]:
    with process.start("pegasus", "2.6", partitions=4, factor=10, clients=0, table="temp,other") as lab:
        # Both clusters have the tables, so a MetaProxy can answer for either.
        for table in ("temp", "other"):
            lab.foreign(table=table, add_duplication={"remote": "onebox-b"})
        lab.wait_for(lambda state: {"temp", "other"} <= set(state["clusters"]["target"]["apps"]), 60)
        yield lab


@pytest.fixture(name="znodes")
def _znodes(lab: LabClient) -> t.Iterator[t.Any]:
    """A client of ZooKeeper of our own. Afterwards both tables point at the source again, as text."""
    client = KazooClient(hosts=lab.describe["zookeeper"]["hosts"])
    client.start()
    yield client
    for table in ("temp", "other"):
        lab.foreign(table=table, znode={"cluster": "source"})
    client.stop()
    client.close()


def _place(lab: LabClient, **more: t.Any) -> dict[str, t.Any]:
    found = lab.describe["zookeeper"]
    return {"zookeeper_hosts": found["hosts"], "zookeeper_root": found["root"], **more}


def _target(lab: LabClient, **more: t.Any) -> dict[str, t.Any]:
    return {"side": "target", **_place(lab, **more)}


def test_switch_and_put_back_keep_what_they_do_not_know(lab: LabClient, znodes: t.Any, tmp_path: pathlib.Path) -> None:
    former = json.dumps({"owner": "team-é", **json.loads(znodes.get("/metaproxy/temp")[0])}, indent=2).encode() + b"\n"
    znodes.set("/metaproxy/temp", former)
    options = {"tables": "temp", "journal": str(tmp_path / "j.jsonl")}
    predicted = run(MODULE, lab, check=True, **_target(lab, **options))
    assert znodes.get("/metaproxy/temp")[0] == former and not (tmp_path / "j.jsonl").exists()
    result = run(MODULE, lab, **_target(lab, metaproxies=lab.describe["metaproxies"], **options))
    assert result["changed"] and result["changes"] == predicted["changes"], result
    assert all(one["follows"] for one in result["metaproxies"]) and len(result["metaproxies"]) == 2
    written = json.loads(znodes.get("/metaproxy/temp")[0])
    assert written["owner"] == "team-é" and written["cluster_name"] == "onebox-b"
    assert written["meta_addrs"].split(",") == lab.describe["clusters"]["target"]["metas"]
    assert run(MODULE, lab, **_target(lab, **options))["changed"] is False
    back = run(MODULE, lab, **_place(lab, state="restored", **options))
    assert back["changed"] and back["restore"][0]["action"] == "restore", back
    assert znodes.get("/metaproxy/temp")[0] == former
    assert run(MODULE, lab, **_place(lab, state="restored", **options))["changed"] is False


def test_what_somebody_else_wrote_stays(lab: LabClient, znodes: t.Any, tmp_path: pathlib.Path) -> None:
    options = {"tables": ["temp", "other"], "journal": str(tmp_path / "j.jsonl")}
    assert run(MODULE, lab, **_target(lab, **options))["changed"]
    theirs = b'{"cluster_name": "third", "meta_addrs": "a:1,b:1"}'
    znodes.set("/metaproxy/temp", theirs)
    back = run(MODULE, lab, **_place(lab, state="restored", **options))
    assert [one["action"] for one in back["restore"]] == ["keep_theirs", "restore"]
    assert znodes.get("/metaproxy/temp")[0] == theirs
    refused = run(MODULE, lab, **_target(lab, expected_cluster="onebox-a", tables="temp"))
    assert refused["code"] == "pegasus.znode_points_elsewhere" and znodes.get("/metaproxy/temp")[0] == theirs


def test_a_znode_that_is_made_is_removed_again(lab: LabClient, znodes: t.Any, tmp_path: pathlib.Path) -> None:
    options = {"tables": "fresh", "journal": str(tmp_path / "j.jsonl")}
    assert run(MODULE, lab, **_target(lab, **options))["code"] == "pegasus.znode_missing"
    assert run(MODULE, lab, **_target(lab, create=True, **options))["changed"]
    assert znodes.exists("/metaproxy/fresh")
    assert run(MODULE, lab, **_place(lab, state="restored", **options))["changed"]
    assert znodes.exists("/metaproxy/fresh") is None


def test_a_chroot(lab: LabClient, znodes: t.Any) -> None:
    znodes.ensure_path("/inner/metaproxy")
    raw = znodes.get("/metaproxy/temp")[0]
    znodes.create("/inner/metaproxy/temp", raw)
    place = {"zookeeper_hosts": lab.describe["zookeeper"]["hosts"] + "/inner", "zookeeper_root": "/metaproxy"}
    result = run(MODULE, lab, side="target", tables="temp", **place)
    assert result["changed"] and result["tables"][0]["path"] == "/inner/metaproxy/temp"
    assert json.loads(znodes.get("/inner/metaproxy/temp")[0])["cluster_name"] == "onebox-b"
    assert znodes.get("/metaproxy/temp")[0] == raw


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"zookeeper_chroot": "/nowhere"}, "pegasus.zookeeper_chroot", "the chroot /nowhere does not exist"),
        ({"zookeeper_root": "/nowhere"}, "pegasus.znode_missing", "/nowhere does not exist in that ZooKeeper"),
        ({"zookeeper_hosts": "127.0.0.1:1"}, "pegasus.zookeeper_unreachable", "check zookeeper_hosts"),
        ({"zookeeper_hosts": "zk"}, "option.invalid", "zookeeper_hosts: 'zk' has no port"),
        ({"meta_addrs": "one:1"}, "option.invalid", "there is only one address (one:1)"),
        ({"tables": ""}, "option.invalid", "tables"),
    ],
)
def test_bad_input_is_one_clear_sentence(
    lab: LabClient, znodes: t.Any, changed: dict[str, str], code: str, words: str
) -> None:
    before = znodes.get("/metaproxy/temp")
    options = _target(lab, tables="temp", zookeeper_timeout="2s")
    chroot = changed.pop("zookeeper_chroot", "") if "zookeeper_chroot" in changed else ""
    options.update(changed)
    options["zookeeper_hosts"] += chroot
    result = run(MODULE, lab, **options)
    assert result["code"] == code and words in result["msg"], result
    assert result["changed"] is False and znodes.get("/metaproxy/temp") == before


def test_malformed_is_left_alone(lab: LabClient, znodes: t.Any) -> None:
    znodes.set("/metaproxy/other", b'{"cluster_name": "onebox-a", "meta_addrs": "a:1"}')
    result = run(MODULE, lab, **_target(lab, tables="other"))
    assert result["code"] == "pegasus.znode_malformed" and "fewer than 2 addresses" in result["msg"]
