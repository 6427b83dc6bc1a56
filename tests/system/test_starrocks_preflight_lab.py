# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preflight against the lab: what is in the way is told, what is hidden is noticed, and nothing is touched."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import typing as t
import urllib.request

import pymysql
import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_modules import SMALL, Result, connection, finish, sent, start

ASKED_FOR = json.dumps(
    {
        "ddl_job_allow_drop_schema_change_table": True,
        "ddl_job_allow_drop_inconsistent_partition": "true",
        "ddl_job_allow_drop_inconsistent_time_partition": True,
        "ddl_job_allow_drop_partition_target_only": True,
    }
)
INDEXED = (
    "CREATE TABLE %s.indexed (a INT, INDEX by_a (a) USING BITMAP) DUPLICATE KEY(a) "
    'DISTRIBUTED BY HASH(a) BUCKETS 1 PROPERTIES ("replication_num" = "1")'
)


@pytest.fixture(name="labs", scope="module")
def _labs() -> t.Iterator[EmbeddedLabs]:
    with contextlib.closing(EmbeddedLabs()) as embedded:
        yield embedded


@pytest.fixture(name="begin")
def _begin(labs: EmbeddedLabs) -> t.Iterator[t.Callable[..., LabClient]]:
    started: list[LabClient] = []

    def start_lab(**options: t.Any) -> LabClient:
        started.append(labs.start(**{**SMALL, "tables": 4, **options}))
        return started[-1]

    yield start_lab
    for lab in started:
        labs.stop(lab)


Begin = t.Callable[..., LabClient]


def preflight(lab: LabClient, **options: t.Any) -> Result:
    both = {**connection(lab), **connection(lab, "target", "target_")}
    defaults = {"source_cluster_token": lab.describe["clusters"]["source"]["token"], "sync_properties": ASKED_FOR}
    return finish(start("preflight", {**both, **defaults, **options}))


def ids(result: Result, *severities: str) -> list[str]:
    wanted = severities or ("blocker",)
    return [one["id"][len("starrocks.") :] for one in result["findings"] if one["severity"] in wanted]


def only(result: Result, name: str) -> dict[str, t.Any]:
    (found,) = [one for one in result["findings"] if one["id"] == f"starrocks.{name}"]
    return t.cast("dict[str, t.Any]", found)


def root(lab: LabClient, *statements: str, side: str = "source") -> None:
    """Carry statements out as root on the leader."""
    port = lab.describe["clusters"][side]["frontends"][0]["query_port"]
    with contextlib.closing(pymysql.connect(host="127.0.0.1", port=port, user="root", ssl_disabled=True)) as session:
        with session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def test_a_pair_in_order_passes_and_nothing_is_touched(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin(profile="3.3", target_profile="3.5", target_mode="shared_data")
    database = "sales"
    root(lab, INDEXED % database)
    lab.foreign(task={"name": "nightly", "database": database, "table": "indexed"})
    lab.clear_requests()
    journal = tmp_path / "journal.jsonl"
    tool = {}
    for side in ("source", "target"):
        tool.update({f"{side}_cluster_user": "tool", f"{side}_cluster_password": lab.describe["users"]["tool"]})
    found = preflight(lab, journal=str(journal), **tool)
    assert found["passed"], found["msg"]
    assert not [name for name in ids(found, "blocker", "warning") if name.startswith("tool.login")]
    assert found["path"] == "shared_nothing -> shared_data" and found["changed"] is False
    assert (found["looked_at"]["tables"], sent(lab)) == (found["clusters"]["source"]["tables"], [])
    for secret in (lab.describe["clusters"]["source"]["token"], lab.describe["users"]["tool"]):
        assert secret not in json.dumps(found) + journal.read_text(encoding="utf-8")
    kinds = {one["kind"]: one["verdict"] for one in found["inventory"]}
    assert only(found, "object.bitmap_index")["evidence"]["first"] == [f"{database}.indexed.by_a"]
    assert only(found, "object.task")["evidence"]["first"] == [f"{database}.nightly"]
    assert not {"inventory.not_visible", "object.plugin", "object.resource_group"} & set(ids(found, "warning"))
    assert kinds["table"] == "migrated" and kinds["user"] == "recreate" and kinds["view"] == "needs_switch"


@pytest.mark.thorough
def test_what_is_missing_is_told_together(begin: Begin) -> None:
    lab = begin(profile="3.3", target_profile="3.5", target_mode="shared_data")
    found = preflight(lab, source_cluster_token=None, sync_properties=None, include_data_list="nowhere.t, nobody")
    assert found["code"] == "preflight.blocked"
    assert only(found, "selection.unknown")["evidence"] == ["nobody", "nowhere.t"]
    assert "tool.token_missing" in ids(found)
    assert sum(name.startswith("tool.ddl_job_allow_drop_") for name in ids(found)) == 4


@pytest.mark.thorough
def test_paths_that_do_not_work(begin: Begin) -> None:
    back = begin(profile="4.1", mode="shared_data", target_mode="shared_nothing")
    assert "path.unsupported" in ids(preflight(back))
    old = begin(profile="3.5", mode="shared_data", target_mode="shared_data")
    assert "path.target_too_old" in ids(preflight(old))


@pytest.mark.thorough
def test_tables_that_the_user_does_not_see_are_noticed(begin: Begin) -> None:
    lab = begin(profile="3.5", databases=2, tables=6)
    assert "privileges.hidden_tables" not in ids(preflight(lab))
    root(lab, "CREATE USER 'blind'@'%' IDENTIFIED BY 'b-42'", "GRANT OPERATE ON SYSTEM TO USER 'blind'@'%'")
    found = preflight(lab, username="blind", password="b-42")
    hidden = only(found, "privileges.hidden_tables")["evidence"]["hidden_tables"]
    assert len(hidden) == 2 and all(hidden.values())
    assert "b-42" not in json.dumps(found)


@pytest.mark.thorough
def test_a_user_without_operate_gets_one_clear_sentence(begin: Begin) -> None:
    lab = begin(profile="3.5")
    found = preflight(lab, username="reader", password=lab.describe["users"]["reader"])
    assert found["code"] == "starrocks.access_denied" and "OPERATE" in found["msg"]


@pytest.mark.thorough
def test_the_tools_own_users_are_tried_before_anything_is_changed(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin(profile="3.5")
    users, wrong = lab.describe["users"], "Canary-8-wrong"
    journal = tmp_path / "journal.jsonl"

    def tried(source: tuple[str, str], target: tuple[str, str], **more: t.Any) -> Result:
        given = {"source_cluster_user": source[0], "source_cluster_password": source[1]}
        given.update({"target_cluster_user": target[0], "target_cluster_password": target[1]})
        found = preflight(lab, inventory=False, probe_ports=False, journal=str(journal), **given, **more)
        written = json.dumps(found) + journal.read_text(encoding="utf-8")
        secrets = [wrong, lab.describe["clusters"]["source"]["token"], *filter(None, users.values())]
        assert [one for one in secrets if one in written] == []
        assert sent(lab) == []
        return found

    lab.clear_requests()
    tool = ("tool", users["tool"])
    assert not [name for name in ids(tried(tool, tool), "blocker", "warning") if name.startswith("tool.log")]
    refused = tried(("tool", wrong), ("nobody", wrong))
    assert ids(refused) == ["tool.login_refused"] * 2 and refused["code"] == "preflight.blocked"
    assert [one["evidence"]["user"] for one in refused["findings"][:2]] == ["tool", "nobody"]
    # Its role is none of its default ones, and the tool is not known to activate any.
    lacking = tried(("reader", users["reader"]), ("operator", users["operator"]))
    assert ids(lacking) == ["tool.operate_missing"] * 2
    assert "OPERATE" in lacking["findings"][0]["evidence"]["said"]
    operator = {"username": "operator", "password": users["operator"]}
    own = tried(("operator", users["operator"]), tool, **operator)
    assert ids(own) == ["tool.operate_missing"]
    assert ids(tried(tool, ("nobody", wrong), create_sync_users=True)) == []
    assert ids(tried(("tool", wrong), tool, create_sync_users=True)) == ["tool.login_refused"]
    encrypted = tried(tool, tool, source_cluster_password_secret_key=wrong, target_cluster_password_secret_key=wrong)
    assert ids(encrypted) == [] and only(encrypted, "tool.login_untried")["severity"] == "warning"
    assert only(tried(tool, tool), "tool.token_untried")["severity"] == "info"
    assert only(tried(tool, tool, source_cluster_token=wrong), "tool.token_untried")


@pytest.mark.thorough
def test_a_dead_frontend_is_a_blocker(begin: Begin) -> None:
    lab = begin(profile="3.5")
    lab.call("POST", "/frontends/target/3/kill")
    for _attempt in range(20):
        found = preflight(lab, inventory=False)
        if "frontend.dead" in ids(found):
            break
    assert list(only(found, "frontend.dead")["evidence"].values())
    assert "port.frontend_unreachable" not in ids(found)


@pytest.mark.thorough
def test_what_a_frontend_or_a_limit_stands_against_is_told(begin: Begin) -> None:
    lab = begin(profile="3.5")
    found = preflight(lab, probe_ports=False)
    assert not {"config.differ", "config.loads_disabled"} & set(ids(found, "warning", "info"))
    assert "inventory.policies_unlisted" in ids(found, "info")
    follower = lab.describe["clusters"]["source"]["frontends"][2]
    # Over HTTP it stays with the one that is asked, as after a failed request to all.
    request = urllib.request.Request(f"http://127.0.0.1:{follower['http_port']}/api/_set_config?disable_load_job=true")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"root:").decode())
    with urllib.request.urlopen(request) as reply:
        assert reply.status == 200
    root(lab, 'ADMIN SET FRONTEND CONFIG ("max_column_number_per_table" = "100")', side="target")
    lab.call("POST", "/frontends/target/2", {"clock_skew": 90})
    found = preflight(lab, probe_ports=False)
    skewed = only(found, "frontend.clock_skew")
    # The lab's clock runs ahead of ours, so it is more than that.
    ahead = skewed["evidence"]["ahead_of_this_host"]
    assert skewed["evidence"]["apart"] > 85 and len(ahead) == 7
    fastest = lab.describe["clusters"]["target"]["frontends"][1]
    assert max(ahead, key=ahead.get) == f"target {fastest['host']}:{fastest['query_port']}"
    assert only(found, "config.loads_disabled")["evidence"]["frontends"] == [
        f"{follower['host']}:{follower['query_port']}"
    ]
    differing = only(found, "config.differ")
    assert differing["severity"] == "warning"
    assert differing["evidence"] == {"max_column_number_per_table": {"source": "10000", "target": "100"}}


@pytest.mark.thorough
def test_one_address_for_all_frontends_is_a_load_balancer(begin: Begin) -> None:
    lab = begin(profile="3.5")
    frontends = lab.describe["clusters"]["source"]["frontends"]
    first = frontends[0]["query_port"]
    mapping = {one["host"]: f"127.0.0.1;{one['query_port']}:{first}" for one in frontends}
    found = preflight(lab, address_map=json.dumps(mapping), probe_ports=False)
    assert only(found, "frontend.load_balancer")["evidence"]["one_address_for_several"]


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["2.5", "3.1", "3.2", "3.3", "3.4", "3.5"])
def test_sources_of_every_version(begin: Begin, profile: str) -> None:
    lab = begin(profile=profile, target_profile="3.5")
    found = preflight(lab, probe_ports=False)
    unexpected = [name for name in ids(found) if not name.startswith("table.")]
    assert unexpected == [], found["msg"]
    assert "inventory.not_visible" not in ids(found, "warning")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "options",
    [
        {"profile": "4.1", "mode": "shared_data"},
        {"profile": "3.3", "target_profile": "3.5", "target_mode": "shared_data"},
    ],
)
def test_volumes_that_the_target_lacks(begin: Begin, options: dict[str, str]) -> None:
    lab = begin(**options)
    wanted = {**json.loads(ASKED_FOR), "target_cluster_storage_volume": "nowhere"}
    found = preflight(lab, sync_properties=json.dumps(wanted))
    assert "nowhere does not exist on the target" in json.dumps(only(found, "volume.not_ready")["evidence"])
    assert ids(preflight(lab)) == []
