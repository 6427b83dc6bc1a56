# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import email.utils
import pathlib
import shutil
import socket
import ssl
import subprocess
import time
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.webhook import (
    Delivery,
    Patience,
    Sender,
    tls_context,
    webhook,
)
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.hooks import (
    HANG,
    RESET,
    Answer,
    Receiver,
)

TOKEN = "T0canary0token0that0nobody0may0see"
QUICK = Patience(attempt=5.0, pause=0.02, cap=0.1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def deliver(base: str, seconds: float = 20.0, patience: Patience = QUICK, ca_cert: str = "") -> Delivery:
    clock = SystemClock()
    sender = Sender(b'{"a":1}', lambda at: {"X-At": str(at)}, tls_context(ca_cert, "ca_cert"), clock, patience)
    return sender.deliver(webhook(f"{base}/hooks/{TOKEN}", "url"), clock.monotonic() + seconds)


def test_taken_at_once() -> None:
    with Receiver(Answer(204)) as receiver:
        assert deliver(receiver.shown) == Delivery(1, 204)
    assert [(one.path, one.body) for one in receiver.got] == [(f"/hooks/{TOKEN}", b'{"a":1}')]
    assert abs(int(receiver.got[0].headers["X-At"]) - time.time()) < 60


@pytest.mark.parametrize("first", [500, 503, 429, 408, RESET])
def test_what_passes_is_tried_again(first: int) -> None:
    with Receiver(Answer(first), Answer(first), Answer(200)) as receiver:
        assert deliver(receiver.shown) == Delivery(3, 200)
    assert len({one.body for one in receiver.got}) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_what_stays_is_not_tried_again(status: int) -> None:
    with Receiver(Answer(status)) as receiver:
        ended = deliver(receiver.shown)
    assert ended == Delivery(1, status, f"{receiver.shown} answered with HTTP status {status}")


def test_a_receiver_that_hangs_is_asked_again() -> None:
    with Receiver(Answer(HANG), Answer(200)) as receiver:
        assert deliver(receiver.shown, patience=Patience(attempt=1.0, pause=0.02)) == Delivery(2, 200)


def test_an_answer_that_does_not_come_is_told_as_such() -> None:
    with Receiver(Answer(HANG)) as receiver:
        ended = deliver(receiver.shown, seconds=0.5)
    assert ended.problem == f"{receiver.shown} did not answer (nothing came in time), and the time is up"


def test_the_time_is_up() -> None:
    began = time.monotonic()
    with Receiver(Answer(503)) as receiver:
        ended = deliver(receiver.shown, seconds=2.0)
    assert time.monotonic() - began < 20
    assert ended.attempts > 1
    assert ended.problem.startswith(receiver.shown)
    assert ended.problem.endswith(", and the time is up")


@pytest.mark.parametrize("as_date", [False, True])
def test_a_pause_that_is_asked_for_is_kept(as_date: bool) -> None:
    asked = email.utils.formatdate(time.time() + 3, usegmt=True) if as_date else "1"
    began = time.monotonic()
    with Receiver(Answer(429, {"Retry-After": asked}), Answer(200)) as receiver:
        assert deliver(receiver.shown) == Delivery(2, 200)
    assert time.monotonic() - began >= 1.0


def test_a_pause_that_is_too_long_ends_it_at_once() -> None:
    began = time.monotonic()
    with Receiver(Answer(429, {"Retry-After": "3600"})) as receiver:
        ended = deliver(receiver.shown)
    assert ended.attempts == 1
    assert ended.problem.endswith("status 429, and asks for a pause of 1h, which is longer than the time left")
    assert time.monotonic() - began < 15


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_else_learns_of_it(status: int) -> None:
    with Receiver() as other, Receiver(Answer(status, {"Location": other.shown + "/x"})) as receiver:
        ended = deliver(receiver.shown)
    assert ended.attempts == 1
    assert ended.problem.endswith("which sends elsewhere; it is not followed, so give the final URL")
    assert other.got == []


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    ended = deliver(base, seconds=0.3)
    assert ended.status == 0
    assert ended.problem == f"{base} did not answer (Connection refused), and the time is up"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A certificate for 127.0.0.1 that signs itself, and its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there, which makes the certificate.")
    folder = tmp_path_factory.mktemp("tls")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    argv += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(argv, cwd=folder, check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    return folder / "both.pem"


def test_a_certificate_is_verified_against_the_given_authority_or_nothing_is_sent(certificate: pathlib.Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(str(certificate))
    with Receiver(tls=tls) as receiver:
        refused = deliver(receiver.shown)
        assert receiver.got == []
        assert deliver(receiver.shown, ca_cert=str(certificate.parent / "cert.pem")) == Delivery(1, 200)
    assert refused.attempts == 1
    assert refused.problem.startswith(f"the certificate of {receiver.shown} is not trusted (")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://chat.example.com/" + TOKEN, "one of the values is not an http(s) URL with a host"),
        ("https:///" + TOKEN, "one of the values is not an http(s) URL with a host"),
        (TOKEN, "one of the values is not an http(s) URL with a host"),
        ("https://chat.example.com:port/" + TOKEN, "one of the URLs cannot be read"),
        ("https://chat.example.com/a b" + TOKEN, "has a space or a letter that must be percent-encoded"),
        ("https://chat.example.com/ü" + TOKEN, "has a space or a letter that must be percent-encoded"),
        ("https://chat.example.com/\n" + TOKEN, ""),
        (f"https://user:{TOKEN}@chat.example.com/", "the URL of chat.example.com has a user"),
    ],
)
def test_a_wrong_url_is_told_without_showing_it(url: str, said: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        webhook(url, "url")
    assert said in caught.value.message
    assert TOKEN not in caught.value.message


def test_a_missing_authority_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name in ("nowhere.pem", "empty.pem"):
        with pytest.raises(InvalidOption, match="Give the path of a PEM file"):
            tls_context(str(tmp_path / name), "ca_cert")


def test_what_is_secret_of_a_url() -> None:
    hook = webhook(f"https://chat.example.com:8443/services/T01/{TOKEN}?key=short&token=anotherlongtoken", "url")
    assert hook.shown == "https://chat.example.com:8443"
    hidden = set(hook.secrets())
    assert {hook.url, TOKEN, "anotherlongtoken"} < hidden
    assert "services" not in hidden
    assert TOKEN not in repr(hook)
    assert webhook("http://[::1]:80/x", "url").shown == "http://[::1]:80"
    marks: t.Set[str] = {webhook(f"https://a.example.com/{name}", "url").mark for name in "ab"}
    assert len(marks) == 2
