# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs of frontends against the lab: predicted, sent, healed, proved on each frontend, and put back."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import typing as t
import urllib.request

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_modules import SMALL, Result, connection, finish, run, sent, start, told

KEY = "disable_load_job"
GRACE = "lake_autovacuum_grace_period_minutes"
COUNT = "max_running_txn_num_per_db"
DEFAULTS = {KEY: "false", COUNT: "1000", "tablet_sched_disable_balance": "false"}
PROFILES = ("2.5", "3.1", "3.4", "3.5", "4.1")


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


def values(lab: LabClient, key: str) -> list[str]:
    return [one["config"].get(key, DEFAULTS[key]) for one in lab.state()["clusters"]["source"]["frontends"]]


def plain_map(lab: LabClient) -> dict[str, t.Any]:
    """Hosts only: the ports that the lab maps are for those who take SHOW FRONTENDS' HttpPort at its word."""
    return {"address_map": json.dumps(dict.fromkeys(lab.describe["clusters"]["source"]["address_map"], "127.0.0.1"))}


def setting(**pairs: t.Any) -> str:
    return json.dumps([{"key": key, "value": value} for key, value in pairs.items()])


def until(call: t.Callable[[], Result], good: t.Callable[[Result], bool]) -> Result:
    """Repeat a run until the heartbeats (a few lab seconds) have told the cluster who is alive."""
    for _attempt in range(30):
        result = call()
        if good(result):
            break
    return result


def four_steps(lab: LabClient, **options: t.Any) -> Result:
    """Check, run, run again, check again: the prediction is what is sent, and then there is nothing to do."""
    lab.clear_requests()
    predicted = run("frontend_config", lab, check=True, **options)
    assert (predicted["changed"], sent(lab)) == (True, []), predicted
    done = run("frontend_config", lab, **options)
    assert (done["changed"], sent(lab)) == (True, told(predicted)), done
    assert (done["changes"], done["diff"], done["verified"]) == (predicted["changes"], predicted["diff"], True)
    lab.clear_requests()
    for check in (False, True):
        again = run("frontend_config", lab, check=check, **options)
        assert (again["changed"], again["changes"], sent(lab)) == (False, [], []), again
    return done


@pytest.mark.parametrize("profile", [pytest.param(one, marks=pytest.mark.thorough) for one in PROFILES[:-1]] + ["4.1"])
def test_set_and_put_back(begin: Begin, profile: str, tmp_path: pathlib.Path) -> None:
    lab = begin(profile)
    recorded = journal(tmp_path)
    done = four_steps(lab, settings=setting(**{KEY: "yes", COUNT: " 900 "}), **recorded)
    persistent = " WITH PERSISTENT" if profile in ("3.5", "4.1") else ""
    assert told(done) == [
        f'ADMIN SET FRONTEND CONFIG ("{KEY}" = "true"){persistent}',
        f'ADMIN SET FRONTEND CONFIG ("{COUNT}" = "900"){persistent}',
    ]
    assert (values(lab, KEY), values(lab, COUNT)) == (["true"] * 3, ["900"] * 3)
    restored = four_steps(lab, state="restored", **recorded)
    assert [call.split('"')[1] for call in told(restored)] == [COUNT, KEY]
    assert values(lab, KEY) == ["false"] * 3
    assert {one["action"] for one in restored["restore"]} == {"restore"}


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["3.3", "3.5"])
def test_frontends_on_one_host_are_told_by_themselves(begin: Begin, profile: str, tmp_path: pathlib.Path) -> None:
    lab = begin(profile, same_host=True)
    options = {**plain_map(lab), **journal(tmp_path)}
    done = four_steps(lab, settings=setting(**{KEY: True}), **options)
    assert values(lab, KEY) == ["true"] * 3
    assert [call.split(" ")[0] for call in told(done)] == (["ADMIN"] if profile == "3.3" else ["ADMIN", "GET"])
    assert ("fe.conf" in json.dumps(done.get("warnings", ""))) == (profile == "3.5")
    four_steps(lab, state="restored", **options)
    assert values(lab, KEY) == ["false"] * 3


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["3.4", "3.5"])
def test_a_frontend_that_the_leader_cannot_reach_is_told_directly(
    begin: Begin, profile: str, tmp_path: pathlib.Path
) -> None:
    lab = begin(profile)
    lab.fault("frontend_cut_off", times=0)
    done = run("frontend_config", lab, settings=setting(**{KEY: True}), persistent="never", **journal(tmp_path))
    assert (done["changed"], done["verified"], values(lab, KEY)) == (True, True, ["true"] * 3), done
    assert len(done["calls"]) == 2 and told(done) == sent(lab)
    text = pathlib.Path(journal(tmp_path)["journal"]).read_text(encoding="utf-8")
    assert "starrocks.config_partial" in text and "told_again" in text


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["3.4", "3.5"])
def test_a_lost_reply_is_looked_into(begin: Begin, profile: str, tmp_path: pathlib.Path) -> None:
    lab = begin(profile)
    lab.fault("reply_lost", match="ADMIN SET")
    done = run("frontend_config", lab, settings=setting(**{KEY: True}), **journal(tmp_path))
    assert (done["changed"], values(lab, KEY)) == (True, ["true"] * 3), done
    # From 3.5 on it is written to fe.conf too, and nothing but an answer tells that it was.
    assert sent(lab) == sent(lab)[:1] * (2 if profile == "3.5" else 1)


@pytest.mark.thorough
def test_a_restart_is_drift_that_is_found_and_mended(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.3")
    options = {"settings": setting(**{KEY: True}), **journal(tmp_path)}
    run("frontend_config", lab, **options)
    lab.call("POST", "/frontends/source/2/restart", {"seconds": 0.1})
    lab.wait_for(lambda state: all(one["alive"] for one in state["clusters"]["source"]["frontends"]))
    lab.wait_for(lambda state: not state["clusters"]["source"]["frontends"][1]["config"].get(KEY))
    lab.clear_requests()
    seen = until(lambda: run("frontend_config", lab, check=True, **options), lambda one: "drift" in one)
    assert [(one["expected"], one["found"]) for one in seen["drift"]] == [("true", "false")]
    mended = run("frontend_config", lab, **options)
    assert (told(mended), sent(lab)) == (told(seen), told(seen))
    assert values(lab, KEY) == ["true"] * 3
    four_steps(lab, state="restored", **journal(tmp_path))
    assert values(lab, KEY) == ["false"] * 3


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["3.3", "3.5"])
def test_each_frontend_gets_its_own_value_back(begin: Begin, profile: str, tmp_path: pathlib.Path) -> None:
    lab = begin(profile)
    odd = lab.describe["clusters"]["source"]["frontends"][2]["http_port"]
    _http_set(odd, COUNT, "7")
    four_steps(lab, settings=setting(**{COUNT: 900}), persistent="never", **journal(tmp_path))
    assert values(lab, COUNT) == ["900"] * 3
    four_steps(lab, state="restored", **journal(tmp_path))
    assert values(lab, COUNT) == ["1000", "1000", "7"]


@pytest.mark.thorough
def test_somebody_elses_value_stays(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.5")
    run("frontend_config", lab, settings=setting(**{COUNT: 900}), persistent="never", **journal(tmp_path))
    _http_set(lab.describe["clusters"]["source"]["frontends"][1]["http_port"], COUNT, "55")
    done = four_steps(lab, state="restored", **journal(tmp_path))
    assert values(lab, COUNT) == ["1000", "55", "1000"]
    assert sorted(one["action"] for one in done["restore"]) == ["keep_theirs", "restore", "restore"]


@pytest.mark.thorough
def test_containers_cannot_persist(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.5", container=True)
    options = {"settings": setting(**{KEY: True, COUNT: 900}), **journal(tmp_path)}
    refused = run("frontend_config", lab, persistent="always", **options)
    assert refused["code"] == "starrocks.not_persisted" and values(lab, KEY) == ["false"] * 3
    lab.clear_requests()
    ahead = run("frontend_config", lab, check=True, **options)
    assert ahead["persistence"] == {"tried": True, "code": "", "reason": ""}
    done = run("frontend_config", lab, **options)
    assert told(done) == sent(lab) and len(sent(lab)) == 3, done
    # Whether it is refused can only be found out by trying; what is sent then was told.
    assert sent(lab) == [told(ahead)[0], *(call["otherwise"] for call in ahead["calls"])]
    assert "fe.conf" in json.dumps(done["warnings"]) and values(lab, KEY) == ["true"] * 3
    assert done["persistence"]["code"] == "refused"
    restored = four_steps(lab, state="restored", **journal(tmp_path))
    assert not any("PERSISTENT" in call for call in told(restored))
    # The refusal is remembered, so the next prediction is exact.
    four_steps(lab, **options)


@pytest.mark.thorough
def test_frontends_known_by_names_of_kubernetes_are_not_asked_to_persist(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.5", container=True, host_names=True)
    options = {"settings": setting(**{KEY: True, COUNT: 900}), **journal(tmp_path)}
    done = four_steps(lab, **options)
    assert not any("PERSISTENT" in call for call in told(done)) and not any("otherwise" in one for one in done["calls"])
    assert done["persistence"]["code"] == "kubernetes" and "svc.cluster.local" in done["persistence"]["reason"]
    assert "ConfigMap" in json.dumps(done["warnings"])
    again = run("frontend_config", lab, **options)
    assert "warnings" not in again and again["persistence"]["code"] == "kubernetes"
    four_steps(lab, state="restored", **journal(tmp_path))
    # Whoever says so is obeyed, and told that it does not work.
    refused = run("frontend_config", lab, persistent="always", **options)
    assert refused["code"] == "starrocks.not_persisted" and values(lab, KEY) == ["false"] * 3


@pytest.mark.thorough
def test_fe_conf_keeps_the_former_value_after_restoring(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("4.1")
    run("frontend_config", lab, settings=setting(**{COUNT: 900}), persistent="always", **journal(tmp_path))
    for number in (1, 2, 3):
        lab.call("POST", f"/frontends/source/{number}/restart", {"seconds": 0.1})
    lab.wait_for(lambda state: all(one["alive"] for one in state["clusters"]["source"]["frontends"]))
    assert values(lab, COUNT) == ["900"] * 3
    # Somebody sets the memory back by hand: fe.conf would still bring ours back.
    for frontend in lab.describe["clusters"]["source"]["frontends"]:
        _http_set(frontend["http_port"], COUNT, "1000")
    lab.clear_requests()
    done = until(
        lambda: run("frontend_config", lab, state="restored", **journal(tmp_path)), lambda one: "code" not in one
    )
    assert sent(lab) == [f'ADMIN SET FRONTEND CONFIG ("{COUNT}" = "1000") WITH PERSISTENT'], done
    for frontend in lab.describe["clusters"]["source"]["frontends"]:
        text = pathlib.Path(frontend["fe_conf"]).read_text(encoding="utf-8")
        assert [line for line in text.splitlines() if line.startswith(COUNT)] == [f"{COUNT} = 1000"]


@pytest.mark.thorough
def test_a_dead_frontend(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.4")
    lab.call("POST", "/frontends/source/3/kill", {})
    options = {"settings": setting(**{KEY: True}), **journal(tmp_path)}
    done = run("frontend_config", lab, **options)
    assert (done["code"], sent(lab), values(lab, KEY)[:2]) == ("starrocks.frontend_unreachable", [], ["false"] * 2)
    until(lambda: run("frontend_config", lab, **options), lambda one: "down by" in one["msg"])
    assert sent(lab) == []
    done = run("frontend_config", lab, dead_frontends="skip", **options)
    assert (done["changed"], values(lab, KEY)[:2], len(done["dead_frontends"])) == (True, ["true"] * 2, 1), done
    restored = run("frontend_config", lab, state="restored", **journal(tmp_path))
    assert values(lab, KEY)[:2] == ["false"] * 2, restored


WRONG: t.Sequence[tuple[str, str, str, str]] = (
    ("3.1.9", json.dumps([{"key": "enable_legacy_compatibility_for_replication", "value": True}]), "3.1.10", "unknown"),
    ("3.3", setting(no_such_config=1), "spelling", "unknown"),
    ("3.3", setting(http_port=1), "fe.conf of every frontend", "immutable"),
    ("3.3", setting(**{KEY: "maybe"}), "boolean", "option.invalid"),
    ("3.3", setting(**{COUNT: "many"}), "whole number", "option.invalid"),
    ("3.3", setting(**{COUNT: 3_000_000_000}), "out of range", "option.invalid"),
    ("3.3", setting(**{GRACE: 30_000_000}), "out of range", "option.invalid"),
    ("3.3", setting(tablet_sched_disable_balance=True, disable_balance=True), "another name", "option.invalid"),
    ("3.3", setting(ssl_keystore_password="hunter22"), "secret", "option.invalid"),
    ("3.4", setting(**{KEY: True}), "3.5.0", "always"),
)


@pytest.mark.thorough
@pytest.mark.parametrize(("profile", "settings", "text", "code"), WRONG)
def test_what_cannot_be_set_is_told_before_anything_is_sent(
    begin: Begin, profile: str, settings: str, text: str, code: str
) -> None:
    lab = begin(profile)
    persistent = "always" if code == "always" else "auto"
    done = run("frontend_config", lab, settings=settings, persistent=persistent)
    assert done.get("failed") and text in done["msg"] and sent(lab) == [], done
    assert done["code"].endswith(code) or code == "always"
    assert "hunter22" not in json.dumps(done)


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["2.5", "3.1", "3.2", "4.1"])
def test_who_may_not_is_told_so(begin: Begin, profile: str) -> None:
    lab = begin(profile)
    reader = {"username": "reader", "password": lab.describe["users"]["reader"]}
    done = run("frontend_config", lab, settings=setting(**{KEY: True}), **reader)
    assert done["code"] == "starrocks.access_denied" and "OPERATE" in done["msg"] and sent(lab) == [], done
    wrong = run("frontend_config", lab, settings=setting(**{KEY: True}), username="root", password="no-such-word")
    assert wrong["code"] == "starrocks.login_failed" and "no-such-word" not in json.dumps(wrong)
    operator = {"username": "operator", "password": lab.describe["users"]["operator"]}
    done = run("frontend_config", lab, settings=setting(**{KEY: True}), persistent="never", **operator)
    assert done["changed"] and "operate-42" not in json.dumps(done)


@pytest.mark.thorough
def test_who_may_use_sql_and_not_http_is_told_which_frontend_is_left(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.5", same_host=True)
    operator = {"username": "operator", "password": lab.describe["users"]["operator"]}
    options = {"settings": setting(**{KEY: True}), "persistent": "never", **journal(tmp_path), **plain_map(lab)}
    done = run("frontend_config", lab, **operator, **options)
    assert done["code"] == "starrocks.access_denied" and "over HTTP" in done["msg"] and done["changed"], done
    assert values(lab, KEY) == ["true", "false", "true"]
    # Somebody who may goes on where that run has stopped, and everything is put back.
    assert len(run("frontend_config", lab, **options)["calls"]) == 1
    run("frontend_config", lab, state="restored", **journal(tmp_path), **plain_map(lab))
    assert values(lab, KEY) == ["false"] * 3


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["3.4", "3.5"])
def test_after_a_failover_the_new_leader_is_asked(begin: Begin, profile: str, tmp_path: pathlib.Path) -> None:
    lab = begin(profile)
    run("frontend_config", lab, settings=setting(**{KEY: True}), **journal(tmp_path))
    lab.call("POST", "/frontends/source/failover", {})
    restored = four_steps(lab, state="restored", **journal(tmp_path))
    assert restored["calls"][0]["frontend"] == lab.state()["clusters"]["source"]["leader"]
    assert values(lab, KEY) == ["false"] * 3


@pytest.mark.thorough
def test_defaults_of_the_patch_release_when_the_journal_is_lost(begin: Begin) -> None:
    lab = begin("3.2.4")
    run("frontend_config", lab, settings=setting(**{GRACE: 10_000_000, COUNT: 900}))
    done = four_steps(lab, state="default", settings=[GRACE, COUNT])
    assert [(one["key"], {at["value"] for at in one["frontends"]}) for one in done["settings"]] == [
        (GRACE, {"5"}),
        (COUNT, {"1000"}),
    ]
    assert "before the migration" in json.dumps(done["warnings"])
    wrong = run("frontend_config", lab, state="default", settings=["label_keep_max_num"])
    assert "not on record" in wrong["msg"], wrong


@pytest.mark.thorough
def test_an_alias_is_the_config_itself(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.3")
    done = four_steps(lab, settings=setting(disable_balance=True), **journal(tmp_path))
    assert done["settings"][0]["key"] == "tablet_sched_disable_balance"
    four_steps(lab, state="restored", **journal(tmp_path))
    assert values(lab, "tablet_sched_disable_balance") == ["false"] * 3


@pytest.mark.thorough
def test_killed_between_intent_and_outcome(begin: Begin, tmp_path: pathlib.Path) -> None:
    lab = begin("3.5")
    options = {"settings": setting(**{KEY: True}), **journal(tmp_path)}
    for when, left in (("before", ["false"] * 3), ("after", ["true"] * 3)):
        lab.breakpoint("ADMIN SET", when)
        process = start("frontend_config", {**connection(lab), **options})
        assert lab.wait_breakpoint(20)
        process.kill()
        process.communicate()
        lab.clear_breakpoints()
        if when == "before":
            lab.call("POST", "/breakpoints/release", {})
        assert values(lab, KEY) in (left, ["true"] * 3)
        done = finish(start("frontend_config", {**connection(lab), **options}))
        assert done["verified"] and values(lab, KEY) == ["true"] * 3
        run("frontend_config", lab, state="restored", **journal(tmp_path))
        assert values(lab, KEY) == ["false"] * 3


def _http_set(port: int, key: str, value: str) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/_set_config?{key}={value}")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"root:").decode())
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["set"] == {key: value}
