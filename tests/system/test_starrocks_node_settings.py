# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs of backends and compute nodes, blocks in fe.conf, and what a cluster is, against the lab."""

from __future__ import annotations

import contextlib
import json
import pathlib
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_modules import SMALL, Result, finish, run, sent, start, told

KEY = "report_tablet_interval_seconds"
SET = json.dumps([{"key": KEY, "value": 55}])


@pytest.fixture(scope="module")
def labs() -> t.Iterator[EmbeddedLabs]:
    with contextlib.closing(EmbeddedLabs()) as embedded:
        yield embedded


@pytest.fixture
def begin(labs: EmbeddedLabs) -> t.Iterator[t.Callable[..., LabClient]]:
    started: list[LabClient] = []

    def start_lab(profile: str, **options: t.Any) -> LabClient:
        started.append(labs.start(**{**SMALL, "profile": profile, **options}))
        return started[-1]

    yield start_lab
    for lab in started:
        labs.stop(lab)


Begin = t.Callable[..., LabClient]


def journal(folder: pathlib.Path) -> dict[str, t.Any]:
    return {"journal": str(folder / "journal.jsonl"), "migration_id": "m"}


def values(lab: LabClient, key: str = KEY) -> list[str]:
    return [one["config"][key] for one in lab.state()["clusters"]["source"]["nodes"]]


def four_steps(lab: LabClient, **options: t.Any) -> Result:
    lab.clear_requests()
    predicted = run("backend_config", lab, check=True, **options)
    assert (predicted["changed"], sent(lab)) == (True, []), predicted
    done = run("backend_config", lab, **options)
    assert (done["changed"], sent(lab)) == (True, told(predicted)), done
    assert (done["changes"], done["verified"]) == (predicted["changes"], True)
    lab.clear_requests()
    for check in (False, True):
        again = run("backend_config", lab, check=check, **options)
        assert (again["changed"], again["changes"], sent(lab)) == (False, [], []), again
    return done


@pytest.mark.parametrize(
    ("profile", "mode"),
    [pytest.param("3.0", "shared_nothing", marks=pytest.mark.thorough), ("4.1", "shared_data")],
)
def test_set_and_put_back(begin: Begin, profile: str, mode: str, tmp_path: pathlib.Path) -> None:
    lab = begin(profile, mode=mode)
    done = four_steps(lab, settings=SET, **journal(tmp_path))
    assert (len(done["calls"]), values(lab)) == (3 if profile == "3.0" else 1, ["55"] * 3)
    four_steps(lab, state="restored", **journal(tmp_path))
    assert values(lab) == ["60"] * 3


def test_what_another_migration_has_set_is_told(begin: Begin, tmp_path: pathlib.Path) -> None:
    """Its restore would take it away while this one copies. What is the default was set by nobody."""
    lab = begin("4.1", mode="shared_data")
    wanted: dict[str, dict[str, t.Any]] = {
        "backend_config": {"settings": SET},
        "global_variable": {"variables": json.dumps({"enable_filter_unused_columns_in_scan_stage": False})},
    }
    other, ours, fresh = (
        {**journal(tmp_path), "journal": str(tmp_path / f"{one}.jsonl")} for one in ("other", "ours", "fresh")
    )
    for module, options in wanted.items():
        assert run(module, lab, **options, **other)["in_place"] == []
        assert "warnings" not in run(module, lab, **options, **other)
        lab.clear_requests()
        predicted = run(module, lab, check=True, **options, **ours)
        found = run(module, lab, **options, **ours)
        assert len(found["warnings"]) == 1
        (told_of,) = found["in_place"]
        assert "this migration has not set it. Somebody else has; if that is another migration" in told_of["text"]
        assert told_of["severity"] == "warning" and found["in_place"] == predicted["in_place"]
        assert (found["changed"], sent(lab)) == (False, [])
        assert run(module, lab, state="restored", **ours)["restore"] == [] and sent(lab) == []
    notes = [json.loads(line) for line in (tmp_path / "ours.jsonl").read_text().splitlines()]
    assert [one["data"]["about"] for one in notes if one["kind"] == "note"] == ["in_place", "in_place"]
    for module in wanted:
        run(module, lab, state="restored", **other)
    default = json.dumps([{"key": KEY, "value": 60}])
    assert run("backend_config", lab, settings=default, **fresh)["in_place"] == []
    default = json.dumps({"enable_filter_unused_columns_in_scan_stage": True})
    assert run("global_variable", lab, variables=default, **fresh)["in_place"] == []


@pytest.mark.thorough
def test_each_node_gets_its_own_value_back_and_a_restart_is_drift(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.3")
    nodes = lab.describe["clusters"]["source"]["nodes"]
    lab.call("POST", f"/nodes/source/{nodes[1]['id']}", {"config": {**_config(lab, 1), KEY: "7"}})
    four_steps(lab, settings=SET, **journal(tmp_path))
    lab.call("POST", f"/nodes/source/{nodes[2]['id']}", {"alive": False})
    lab.call("POST", f"/nodes/source/{nodes[2]['id']}", {"alive": True})
    assert values(lab) == ["55", "55", "60"]
    mended = run("backend_config", lab, settings=SET, **journal(tmp_path))
    assert [(one["expected"], one["found"]) for one in mended["drift"]] == [("55", "60")]
    done = four_steps(lab, state="restored", **journal(tmp_path))
    assert (values(lab), len(done["calls"])) == (["60", "7", "60"], 3)


@pytest.mark.thorough
def test_a_lost_reply_is_looked_into(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.3")
    lab.fault("reply_lost", match="UPDATE information_schema")
    done = run("backend_config", lab, settings=SET, **journal(tmp_path))
    assert (done["verified"], values(lab), len(sent(lab))) == (True, ["55"] * 3, 1), done


@pytest.mark.thorough
def test_a_dead_node(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.3")
    lab.call("POST", f"/nodes/source/{lab.describe['clusters']['source']['nodes'][0]['id']}", {"alive": False})
    refused = run("backend_config", lab, settings=SET, **journal(tmp_path))
    assert (refused["code"], sent(lab)) == ("starrocks.node_unreachable", []), refused
    done = run("backend_config", lab, settings=SET, dead_nodes="skip", **journal(tmp_path))
    assert (done["verified"], values(lab)[1:]) == (True, ["55"] * 2), done


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("profile", "settings", "text"),
    [
        ("3.3", [{"key": "no_such_key", "value": 1}], "spelling"),
        ("3.1.8", [{"key": "replication_max_speed_limit_kbps", "value": 1}], "3.1.17"),
        ("3.1.7", [{"key": "replication_threads", "value": 8}], "be.conf"),
        ("3.3", [{"key": KEY, "value": "soon"}], "whole number"),
        ("2.5", [{"key": KEY, "value": 1}], "from 3.0 on"),
    ],
)
def test_what_cannot_be_set_is_told_before_anything_is_sent(
    begin: Begin, profile: str, settings: t.Any, text: str
) -> None:
    lab = begin(profile)
    done = run("backend_config", lab, settings=json.dumps(settings))
    assert done.get("failed") and text in done["msg"] and sent(lab) == [], done
    optional = [{**one, "optional": True} for one in settings]
    if text in ("spelling", "3.1.17"):
        assert run("backend_config", lab, settings=json.dumps(optional))["skipped"] == [settings[0]["key"]]


def test_what_a_cluster_is(begin: Begin) -> None:
    lab = begin("4.1", mode="shared_data")
    cluster = lab.describe["clusters"]["source"]
    found = run("info", lab, configs=["run_mode", "no_such_config"])
    assert (found["cluster_id"], found["run_mode"], found["version"]) == (
        str(cluster["cluster_id"]),
        "shared_data",
        "4.1.0",
    )
    assert [one["reachable"] for one in found["frontends"]] == [True] * 3
    assert len(found["nodes"]) == 3 and found["problems"] == {} and found["findings"] == []
    assert found["databases"] and all(one["tables_seen"] >= one["tables"] > 0 for one in found["databases"])
    assert set(found["configs"]["run_mode"].values()) == {"shared_data"}
    assert set(found["configs"]["no_such_config"].values()) == {None}
    assert sent(lab) == []


@pytest.mark.thorough
def test_what_the_user_may_not_see_is_told(begin: Begin) -> None:
    lab = begin("3.3")
    scratch = [{"TABLE_SCHEMA": "sales", "TABLE_NAME": "scratch"}]
    lab.foreign(others={"temp_tables": scratch * 9})
    assert run("info", lab)["findings"] == []
    lab.foreign(others={"temp_tables": []})
    lab.foreign(cluster="source", sql="CREATE USER half IDENTIFIED BY 'half-pass-1'")
    lab.foreign(cluster="source", sql="GRANT OPERATE ON SYSTEM TO USER half")
    found = run("info", lab, username="half", password="half-pass-1")
    assert [one["id"] for one in found["findings"]] == ["starrocks.user.tables_hidden"], found
    assert list(found["findings"][0]["evidence"].values()) == [[0, 2]]
    assert "half-pass-1" not in json.dumps(found)


@pytest.mark.thorough
def test_a_frontend_that_is_not_reachable_from_here(begin: Begin) -> None:
    lab = begin("3.3")
    cluster = lab.describe["clusters"]["source"]
    address_map = {host: where for host, where in cluster["address_map"].items() if host != "10.1.0.12"}
    found = run(
        "info", lab, address_map={**address_map, "10.1.0.12": "127.0.0.1;%d:9" % cluster["frontends"][1]["query_port"]}
    )
    assert [one["reachable"] for one in found["frontends"]] == [True, False, True]
    assert len(found["problems"]) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["2.5", "3.0", "3.2", "3.4", "3.5"])
def test_every_generation_tells_what_it_is(begin: Begin, profile: str) -> None:
    found = run("info", begin(profile))
    assert found["version"].startswith(profile) and found["problems"] == {} and found["run_mode"] == "shared_nothing"


@pytest.mark.thorough
@pytest.mark.parametrize("offered", ["prefer", "require", ""])
def test_tls(begin: Begin, offered: str) -> None:
    lab = begin("3.3", **({"tls": offered} if offered else {}))
    plain = run("info", lab, gather=[])
    assert plain.get("code") == ("starrocks.insecure_transport" if offered == "require" else None), plain
    encrypted = run("info", lab, gather=[], tls="require")
    assert encrypted.get("code") == (None if offered else "starrocks.tls_not_offered"), encrypted


def test_a_block_in_fe_conf(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "fe.conf"
    path.write_text("run_mode = shared_data\nssl_keystore_password = hunter22", encoding="utf-8")
    path.chmod(0o640)
    before = path.read_text(encoding="utf-8")
    options = {
        "path": str(path),
        "block": "lake",
        "settings": json.dumps([{"key": "lake_compaction_max_tasks", "value": 0}]),
        "in_container": True,
    }

    def call(check: bool = False, **more: t.Any) -> Result:
        return finish(start("config_file", {**options, **more}, check))

    assert call(check=True)["changed"] and path.read_text(encoding="utf-8") == before
    done = call()
    assert done["changed"] and "hunter22" not in json.dumps(done)
    assert "lake_compaction_max_tasks = 0\n" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o777 == 0o640
    assert not call()["changed"]
    edited = path.read_text(encoding="utf-8").replace("max_tasks = 0", "max_tasks = 4")
    path.write_text(edited, encoding="utf-8")
    kept = call(state="absent")
    assert (kept["changed"], kept["kept"], path.read_text(encoding="utf-8")) == (False, True, edited)
    assert call()["changed"] and call(state="absent")["changed"]
    assert path.read_text(encoding="utf-8") == before
    assert not call(state="absent")["changed"]


def _config(lab: LabClient, number: int) -> dict[str, str]:
    found: dict[str, str] = lab.state()["clusters"]["source"]["nodes"][number]["config"]
    return found
