# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import pathlib
import socket
import time
import typing as t

import pytest
from ansible.module_utils import basic

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.dbops.migration.plugins.modules import migration_notification
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.hooks import HANG, Answer, Receiver

# Canaries: whatever comes out anywhere must not hold them.
TOKEN = "T0canary0token0of0the0url"
SECRET = "canary/secret+that signs"
PASSWORD = "canary-password-in-extra"

Call = t.Callable[..., t.Dict[str, t.Any]]


class Ended(Exception):
    def __init__(self, result: t.Dict[str, t.Any]) -> None:
        super().__init__(result)
        self.result = result


@pytest.fixture
def journal(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "orders.jsonl"
    with Journal.open(
        str(path), migration_id="orders", engine="pegasus", clock=SystemClock(), redactor=Redactor([])
    ) as opened:
        opened.append("run.started", {"run_id": "r1", "phase": "migrate"})
    return path


@pytest.fixture
def notify(tmp_path: pathlib.Path, journal: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("DBOPS_MIGRATION_WEBHOOK_URL", "DBOPS_MIGRATION_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)

    def call(*receivers: Receiver, check_mode: bool = False, **params: t.Any) -> t.Dict[str, t.Any]:
        given = {"journal": str(journal), "event": "after_migrate", "phase": "migrate", "status": "ok", **params}
        if receivers:
            given["url"] = [f"{one.shown}/hooks/{TOKEN}" for one in receivers]
        settings = {"_ansible_check_mode": check_mode, "_ansible_remote_tmp": str(tmp_path)}
        arguments = {"ANSIBLE_MODULE_ARGS": {**given, **settings}}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        warnings: t.List[str] = []
        monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _module, text: warnings.append(text))

        def end(_module: t.Any, **result: t.Any) -> None:
            raise Ended({**result, "warned": warnings})

        monkeypatch.setattr(basic.AnsibleModule, "exit_json", end)
        monkeypatch.setattr(basic.AnsibleModule, "fail_json", end)
        with pytest.raises(Ended) as caught:
            migration_notification.main()
        return caught.value.result

    return call


def remembered(journal: pathlib.Path) -> t.List[t.Dict[str, t.Any]]:
    return [entry.data for entry in Journal.read(str(journal)).require_valid().of_kind("notification")]


def test_check_run_run_again_check_again(notify: Call, journal: pathlib.Path) -> None:
    with Receiver() as receiver:
        predicted = notify(receiver, check_mode=True, summary="Done.", extra={"change": "CHG-4711"})
        assert receiver.got == []
        assert remembered(journal) == []
        done = notify(receiver, summary="Done.", extra={"change": "CHG-4711"})
        again = notify(receiver, summary="Done.", extra={"change": "CHG-4711"})
        check_again = notify(receiver, check_mode=True, summary="Done.", extra={"change": "CHG-4711"})
    assert [one["changed"] for one in (predicted, done, again, check_again)] == [True, True, False, False]
    assert [one["deliveries"][0]["status"] for one in (predicted, done, again, check_again)] == [
        "would_be_sent", "delivered", "already_delivered", "already_delivered",
    ]  # fmt: skip
    assert len(receiver.got) == 1
    sent = json.loads(receiver.got[0].body)
    assert sent == done["payload"]
    parse_iso(sent.pop("time"))
    predicted["payload"].pop("time")
    assert sent == predicted["payload"]
    assert sent == {
        "version": 1, "id": done["event_id"], "event": "after_migrate", "migration_id": "orders", "engine": "pegasus",
        "phase": "migrate", "status": "ok", "summary": "Done.", "run": "r1", "report": "",
        "extra": {"change": "CHG-4711"},
    }  # fmt: skip
    assert [(one["id"], one["status"], one["to"]) for one in remembered(journal)] == [
        (done["event_id"], "delivered", receiver.shown)
    ]


def test_another_run_another_event_and_another_receiver_are_told(notify: Call, journal: pathlib.Path) -> None:
    with Receiver() as one, Receiver() as other:
        notify(one)
        both = notify(one, other)
        assert [row["status"] for row in both["deliveries"]] == ["already_delivered", "delivered"]
        assert notify(one, event="failed_migrate")["changed"]
        assert notify(one, run="r2")["changed"]
        with Journal.open(
            str(journal), migration_id="", engine="pegasus", clock=SystemClock(), redactor=Redactor([])
        ) as opened:
            opened.append("run.started", {"run_id": "r9", "phase": "cutover"})
        assert not notify(one)["changed"], "a run of another phase is not this one's"
        assert notify(one, phase=None)["payload"]["run"] == "r9"
    assert (len(one.got), len(other.got)) == (4, 1)


def test_the_signature_is_the_one_that_is_documented(notify: Call) -> None:
    with Receiver(Answer(503), Answer(200)) as receiver:
        done = notify(receiver, secret=SECRET, summary="Grüße")
    assert done["deliveries"][0]["attempts"] == 2
    for got in receiver.got:
        signed = got.headers["X-Dbops-Timestamp"].encode() + b"." + got.body
        expected = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert got.headers["X-Dbops-Signature"] == expected
        assert abs(int(got.headers["X-Dbops-Timestamp"]) - time.time()) < 60
        assert got.headers["X-Dbops-Event-Id"] == done["event_id"]
        assert got.headers["Content-Type"] == "application/json"
    assert receiver.got[0].body == receiver.got[1].body


def test_without_a_secret_there_is_no_signature(notify: Call) -> None:
    with Receiver() as receiver:
        notify(receiver)
    assert "X-Dbops-Signature" not in receiver.got[0].headers


def test_a_failure_is_a_warning_and_is_sent_again_later(notify: Call, journal: pathlib.Path) -> None:
    with Receiver(Answer(404), Answer(200)) as receiver:
        failed = notify(receiver)
        assert not failed["changed"]
        assert failed["warned"] == [
            f"The notification after_migrate was not delivered: {receiver.shown} answered with HTTP status 404."
        ]
        assert notify(receiver)["changed"]
    assert [one["status"] for one in remembered(journal)] == ["failed", "delivered"]


def test_a_failure_that_matters_fails_and_tells_who_was_told(notify: Call) -> None:
    with Receiver() as one, Receiver(Answer(403)) as other:
        failed = notify(one, other, required=True)
    assert failed["code"] == "notification.failed"
    assert failed["changed"] is True
    assert [row["status"] for row in failed["deliveries"]] == ["delivered", "failed"]


def test_one_that_hangs_holds_up_nobody(notify: Call) -> None:
    began = time.monotonic()
    with Receiver(Answer(HANG)) as one, Receiver() as other:
        told = notify(one, other, timeout="2s")
        assert [row["status"] for row in told["deliveries"]] == ["failed", "delivered"]
    assert time.monotonic() - began < 25
    assert "did not answer" in told["warned"][0]


def test_the_format_for_chats(notify: Call) -> None:
    with Receiver() as receiver:
        notify(receiver, format="slack", summary="<!channel> & all", report="https://r.example.com/1", extra={"a": 1})
    assert json.loads(receiver.got[0].body) == {
        "text": "*orders (pegasus)*: migrate ok\n&lt;!channel&gt; &amp; all\nhttps://r.example.com/1\na: 1"
    }


@pytest.mark.parametrize("form", ["generic", "slack"])
@pytest.mark.parametrize(
    ("long", "kept"),
    [
        ({"summary": "because " * 20000}, "because because"),
        ({"summary": "failed", "extra": {"log": "\U0001f600" * 40000, "rows": [1] * 90000}}, "failed"),
        ({"summary": "failed", "extra": {f"k{number}": "v" for number in range(9000)}}, "9,000 values of extra"),
    ],
)
def test_what_is_too_long_is_shortened_and_told(notify: Call, form: str, long: t.Dict[str, t.Any], kept: str) -> None:
    with Receiver() as receiver:
        told = notify(receiver, format=form, status="failed", event="failed_migrate", **long)
        (got,) = receiver.got
    assert told["deliveries"][0]["status"] == "delivered"
    assert told["warned"] == ["The notification failed_migrate was shortened: 65,536 bytes are sent at most."]
    assert len(got.body) <= 65536
    assert kept in got.body.decode()
    assert "shortened" in got.body.decode() or "left out" in got.body.decode()


def test_no_secret_is_seen_anywhere(notify: Call, journal: pathlib.Path) -> None:
    elsewhere = Answer(301, {"Location": f"https://elsewhere.example.com/{TOKEN}"})
    with Receiver(elsewhere, look_at_argv=True) as receiver:
        told = [
            notify(receiver, secret=SECRET, summary=f"See {receiver.shown}/hooks/{TOKEN}, {SECRET} and {PASSWORD}",
                   extra={"db_password": PASSWORD, "note": f"{TOKEN} {SECRET}"}, report=f"/tmp/{TOKEN}", **more)
            for more in ({}, {"required": True}, {"check_mode": True}, {"format": "slack"})
        ]  # fmt: skip
        wrong = notify(secret=SECRET, url=[f"ftp://chat.example.com/{TOKEN}"])
        wrong_text = notify(secret=SECRET, url=f'["https://chat.example.com/a b/{TOKEN}"]')
    assert wrong["code"] == wrong_text["code"] == "option.invalid"
    shown = json.dumps([told, wrong, wrong_text]) + journal.read_text()
    seen = shown.encode() + b"".join(got.argv for got in receiver.got)
    for secret in (TOKEN, SECRET, PASSWORD):
        forms = (secret.encode(), base64.b64encode(secret.encode()), secret.encode().hex().encode())
        assert [form for form in forms if form in seen] == []
    bodies = b"".join(got.body for got in receiver.got)
    assert TOKEN.encode() not in bodies
    assert SECRET.encode() not in bodies
    assert MASK.encode() in bodies
    assert b"pytest" in receiver.got[0].argv, "nobody looked"


def test_nothing_is_sent_without_a_url(notify: Call) -> None:
    told = notify()
    assert (told["changed"], told["deliveries"], told["warned"]) == (False, [], [])
    assert notify(required=True)["code"] == "option.invalid"


def test_url_and_secret_of_the_environment(notify: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as one, Receiver() as other:
        monkeypatch.setenv("DBOPS_MIGRATION_WEBHOOK_URL", f"{one.shown}/{TOKEN}, {other.shown}/{TOKEN}")
        monkeypatch.setenv("DBOPS_MIGRATION_WEBHOOK_SECRET", SECRET)
        told = notify()
    assert [row["status"] for row in told["deliveries"]] == ["delivered", "delivered"]
    assert "X-Dbops-Signature" in other.got[0].headers
    assert TOKEN not in json.dumps(told)


def test_without_a_journal_everybody_is_told_each_time(notify: Call, tmp_path: pathlib.Path) -> None:
    with Receiver() as receiver:
        first, second = notify(receiver, journal=None), notify(receiver, journal=None, migration_id="m")
        assert first["event_id"] != second["event_id"]
        fixed = [notify(receiver, journal=None, migration_id="m", run="r1")["event_id"] for _number in range(2)]
        assert len(set(fixed)) == 1
        assert notify(receiver, journal=str(tmp_path / "new.jsonl"))["changed"]
    assert len(receiver.got) == 5
    assert not (tmp_path / "new.jsonl").exists()


def test_a_journal_that_is_locked_or_damaged_keeps_nobody_from_being_told(notify: Call, journal: pathlib.Path) -> None:
    with Receiver() as receiver:
        with Journal.open(str(journal), migration_id="", engine="pegasus", clock=SystemClock(), redactor=Redactor([])):
            told = notify(receiver)
        assert told["deliveries"][0]["status"] == "delivered"
        assert told["warned"][0].startswith("It is not remembered what was delivered, so a repetition sends it again:")
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(lines[0] + lines[1].replace(b"r1", b"r2"))
        damaged = notify(receiver)
        assert damaged["deliveries"][0]["status"] == "delivered"
        assert "It is not remembered" in damaged["warned"][0]
    assert len(receiver.got) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"event": "After Migrate"}, "event: 'After Migrate' is not a name."),
        ({"timeout": "5 parsecs"}, "timeout: "),
        ({"timeout": "1h"}, "timeout: "),
        ({"ca_cert": "/nowhere/ca.pem"}, "ca_cert: /nowhere/ca.pem cannot be read"),
        ({"extra": "[1]"}, "extra: "),
        ({"migration_id": "another"}, "belongs to migration_id 'orders', not 'another'"),
    ],
)
def test_wrong_options_are_told_before_anybody_is(notify: Call, wrong: t.Dict[str, t.Any], said: str) -> None:
    with Receiver() as receiver:
        told = notify(receiver, **wrong)
        assert said in told["msg"]
        assert receiver.got == []


def test_a_name_server_that_hangs_ends_with_the_time(notify: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_given: t.Any, **_more: t.Any) -> t.Any:
        time.sleep(20)
        raise OSError("never")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    began = time.monotonic()
    told = notify(url="https://chat.example.com/x", timeout="1s")
    assert time.monotonic() - began < 15
    assert told["deliveries"][0]["problem"] == "https://chat.example.com did not answer, and the time is up"
