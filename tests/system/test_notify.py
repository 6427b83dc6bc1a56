# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Webhooks are told of the edges of phases: what, in which order, and without their own secrets in sight."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import socket
import sys
import threading
import typing as t

import pytest

from lab import process
from lab.client import LabClient
from system import pegasus_playbooks, starrocks_playbooks
from system import playbooks as p
from tooling import cores, venvs

DRAINED = 1
TOKEN = "c4nary-token-of-a-webhook"
LOST = "c4nary-token-of-a-dead-webhook"
SECRET = "c4nary-secret-of-a-webhook"
HIDDEN = "c4nary-of-a-task-with-no-log"


class Taken(t.NamedTuple):
    """One message as it came in."""

    body: bytes
    timestamp: str
    signature: str

    @property
    def told(self) -> dict[str, t.Any]:
        return dict(json.loads(self.body))


@contextlib.contextmanager
def webhook() -> t.Iterator[tuple[str, list[Taken]]]:
    taken: list[Taken] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(Taken(body, self.headers["X-Dbops-Timestamp"], self.headers["X-Dbops-Signature"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: t.Any) -> None:
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks/{TOKEN}", taken
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def out_of_reach() -> t.Iterator[str]:
    """A webhook at a port that nobody listens at, and that nobody else can take."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/hooks/{LOST}"


@pytest.fixture(scope="module")
def lab() -> t.Iterator[LabClient]:
    with process.start(profile="1.1", regions=8, writers=0, factor=10) as running:
        yield running


def variables(lab: LabClient, folder: pathlib.Path, **more: t.Any) -> dict[str, t.Any]:
    return {
        **p.connection(lab),
        "greptimedb_strategy": "drain",
        "greptimedb_datanodes": [DRAINED],
        "greptimedb_journal": str(folder / "journal.jsonl"),
        "greptimedb_migration_id": "drain-1",
        # As AWX hands it over.
        "greptimedb_notify": "true",
        "greptimedb_webhook_timeout": "1s",
        **more,
    }


def edges(taken: t.Sequence[Taken]) -> list[tuple[str, str]]:
    return [(one.told["event"], one.told["status"]) for one in taken]


def remembered(folder: pathlib.Path) -> list[tuple[str, str]]:
    entries = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return [(entry["data"]["event"], entry["data"]["status"]) for entry in entries if entry["kind"] == "notification"]


def assert_nothing_leaked(folder: pathlib.Path, *outcomes: p.Outcome) -> None:
    texts = [outcome.output for outcome in outcomes]
    texts += [path.read_text() for path in folder.glob("journal.jsonl*")]
    for canary in (TOKEN, LOST, SECRET):
        assert not [text for text in texts if canary in text], canary


def test_one_webhook_hears_of_every_edge_and_a_dead_one_stops_nothing(lab: LabClient, tmp_path: pathlib.Path) -> None:
    with webhook() as (url, taken), out_of_reach() as dead:
        # As a credential of AWX injects them: into the environment of the playbook.
        env = {"DBOPS_MIGRATION_WEBHOOK_URL": f"{dead},{url}", "DBOPS_MIGRATION_WEBHOOK_SECRET": SECRET}
        told = variables(lab, tmp_path)
        moved = p.play("greptimedb_migrate", told, tmp_path, "-vvv", **env).succeed()
        assert edges(taken) == [("before_migrate", "started"), ("after_migrate", "ok")]
        assert {one.told["migration_id"] for one in taken} == {"drain-1"}
        for one in taken:
            signed = one.timestamp.encode() + b"." + one.body
            assert one.signature == "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        # There was no journal yet when the phase began.
        assert sorted(remembered(tmp_path)) == [("after_migrate", "delivered"), ("after_migrate", "failed")]
        for event in ("before_migrate", "after_migrate"):
            assert f"The notification {event} was not delivered: {dead.split('/hooks')[0]} did not answer" in (
                " ".join(moved.output.split())
            )

        # Another run is another event, and says why it failed.
        taken.clear()
        wrong = {**told, "greptimedb_datanodes": [77]}
        failed = p.play("greptimedb_migrate", wrong, tmp_path, "-vvv", **env)
        assert failed.code == 2
        assert edges(taken) == [("before_migrate", "started"), ("failed_migrate", "failed")]
        assert "77" in taken[1].told["summary"]
        assert f"msg: {taken[1].told['summary']}" in failed.output.replace('"', "")
        assert_nothing_leaked(tmp_path, moved, failed)


def test_what_a_hook_with_no_log_says_is_told_to_nobody(lab: LabClient, tmp_path: pathlib.Path) -> None:
    hooks = {edge: str(tmp_path / f"{edge}.yml") for edge in ("before_migrate", "failed")}
    for edge, path in hooks.items():
        pathlib.Path(path).write_text(p.failing_with_no_log(f"Ask for {edge}", f"the password is {HIDDEN}"))
    with webhook() as (url, taken):
        given = variables(lab, tmp_path, greptimedb_webhook_url=url, greptimedb_webhook_secret=SECRET)
        env = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
        ended = p.play("greptimedb_migrate", {**given, "greptimedb_hooks": hooks}, tmp_path, "-v", **env)
        report = {"greptimedb_report": str(tmp_path / "report.html"), "greptimedb_notify": False}
        restored = p.play("greptimedb_restore", {**given, **report}, tmp_path, "-v", **env).succeed()
    why = f"The hook before_migrate ({hooks['before_migrate']}) failed, which counts as a veto: "
    why += "A task with no_log failed: Ask for before_migrate"
    assert ended.failures[-1]["msg"] == why
    assert [(one.told["event"], one.told["summary"]) for one in taken] == [("failed_migrate", why)]
    journal = (tmp_path / "journal.jsonl").read_text()
    page = (tmp_path / "report.html").read_text()
    for text in (journal, page):
        assert "A task with no_log failed: Ask for failed" in text
    for text in (ended.told, restored.told, journal, page, taken[0].body.decode()):
        assert HIDDEN not in text


@pytest.mark.thorough
def test_check_mode_tells_nobody(lab: LabClient, tmp_path: pathlib.Path) -> None:
    with webhook() as (url, taken):
        given = variables(lab, tmp_path, greptimedb_webhook_url=url, greptimedb_webhook_secret=SECRET)
        checked = p.play("greptimedb_migrate", given, tmp_path, "--check", "-vvv").succeed()
        assert taken == []
        assert "would_be_sent" in checked.output
        assert_nothing_leaked(tmp_path, checked)


@pytest.mark.thorough
def test_a_webhook_that_cannot_be_meant_stops_a_phase_before_it_begins(lab: LabClient, tmp_path: pathlib.Path) -> None:
    lab.clear_requests()
    given = variables(lab, tmp_path, greptimedb_webhook_url=f"htp://chat.example.com/{TOKEN}")
    ended = p.play("greptimedb_migrate", given, tmp_path, "-vvv")
    assert ended.code == 2
    assert "url: one of the values is not an http(s) URL with a host" in ended.output
    assert lab.requests() == []
    assert_nothing_leaked(tmp_path, ended)


@pytest.mark.thorough
@pytest.mark.parametrize("edge", ["after_migrate", "failed"])
def test_what_is_done_stays_done_when_the_telling_breaks(lab: LabClient, tmp_path: pathlib.Path, edge: str) -> None:
    broken = {"ansible.builtin.set_fact": {"greptimedb_webhook_format": "telepathy"}}
    hook = tmp_path / "hook.yml"
    hook.write_text(json.dumps([broken]))
    with webhook() as (url, taken):
        given = variables(lab, tmp_path, greptimedb_hooks={edge: str(hook)}, greptimedb_webhook_url=url)
        if edge == "failed":
            given["greptimedb_datanodes"] = [77]
        ended = p.play("greptimedb_migrate", given, tmp_path)
        assert edges(taken) == [("before_migrate", "started")]
    assert "value of format must be one of" in ended.output
    assert ended.code == (2 if edge == "failed" else 0), ended.output
    # The last word is why the phase failed.
    assert edge != "failed" or "77" in ended.failures[-1]["msg"]


@pytest.mark.thorough
@pytest.mark.parametrize("engine", ["pegasus", "starrocks"])
def test_the_other_engines_tell_the_same(tmp_path: pathlib.Path, engine: str) -> None:
    own = {
        "pegasus": ("2.6", 10, pegasus_playbooks.SMALL, pegasus_playbooks.variables),
        "starrocks": ("4.1", 20, starrocks_playbooks.SMALL, starrocks_playbooks.variables),
    }
    profile, factor, small, given_to = own[engine]
    with process.start(profile=profile, factor=factor, **small) as running, webhook() as (url, taken):
        given = given_to(running, tmp_path, **{f"{engine}_notify": True})
        env = {"DBOPS_MIGRATION_WEBHOOK_URL": url, "DBOPS_MIGRATION_WEBHOOK_SECRET": SECRET}
        ended = p.play(f"{engine}_preflight", given, tmp_path, "-vvv", **env).succeed()
        assert edges(taken) == [("before_preflight", "started"), ("after_preflight", "ok")]
        assert taken[1].told["engine"] == engine
        assert_nothing_leaked(tmp_path, ended)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "core", [core for core in cores.ALL if not cores.missing(core)], ids=lambda core: str(core.name)
)
def test_every_core_hears_hooks_and_tells_webhooks(core: cores.Core, lab: LabClient, tmp_path: pathlib.Path) -> None:
    """What is not given is left out of the options of a module in another way by each generation of ansible-core."""
    version = core.python()
    assert version is not None
    playbook = venvs.ensure(core.venv, version) / "ansible-playbook"
    hook = tmp_path / "hook.yml"
    hook.write_text(json.dumps([{"ansible.builtin.set_fact": {"edge_veto": "Not on {{ edge_phase }} days."}}]))
    with webhook() as (url, taken):
        given = variables(
            lab,
            tmp_path,
            ansible_python_interpreter=sys.executable,
            greptimedb_hooks={"after_preflight": str(hook)},
            greptimedb_webhook_url=[url],
            greptimedb_webhook_secret=SECRET,
        )
        ran = {}
        for name in ("greptimedb_migrate", "greptimedb_preflight"):
            _program, *words = p.command(name, given, tmp_path, "-vvv")
            ran[name] = p.run([str(playbook), *words], tmp_path)
        ran["greptimedb_migrate"].succeed()
        assert f"[core {core.name}." in ran["greptimedb_migrate"].output
        assert edges(taken) == [
            ("before_migrate", "started"),
            ("after_migrate", "ok"),
            ("before_preflight", "started"),
            ("failed_preflight", "failed"),
        ]
        assert taken[-1].told["summary"].endswith("said no: Not on preflight days.")
        assert "omit_place_holder" not in "".join(map(str, taken))
        assert_nothing_leaked(tmp_path, *ran.values())
