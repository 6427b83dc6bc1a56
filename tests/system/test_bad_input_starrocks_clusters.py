# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that cannot be migrated between, or that cannot be talked to, are told of, and nothing is touched."""

from __future__ import annotations

import contextlib
import http.server
import socket
import socketserver
import threading
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from system.starrocks_modules import connection
from system.starrocks_refusals import (
    CANARIES,
    EVERY,
    LAKE,
    PLAIN,
    TWO_CLUSTERS,
    Options,
    Refusals,
    first,
)

pytest_plugins = ("system.starrocks_refusals",)


# ---- what the clusters are


@pytest.mark.parametrize("module", list(EVERY))
@pytest.mark.parametrize(
    ("frontends", "words"),
    first(
        [
            ("", ["frontends", "there is none", "STARROCKS_FRONTENDS"]),
            ("http://fe-0:8030", ["frontends", "URL"]),
            ("fe-0:99999", ["frontends", "99999"]),
            ("[::1]:9030", ["frontends"]),
        ]
    ),
    ids=["none", "URL", "port", "IPv6"],
)
def test_malformed_frontends(at: Refusals, plain: LabClient, module: str, frontends: str, words: list[str]) -> None:
    at.refused(plain, module, *words, contact=False, frontends=frontends)


@pytest.mark.parametrize("module", list(TWO_CLUSTERS))
def test_the_same_cluster_twice(at: Refusals, plain: LabClient, module: str) -> None:
    same = connection(plain)["frontends"]
    at.refused(plain, module, "target_frontends", "two clusters", contact=False, target_frontends=same)


@pytest.mark.parametrize("module", list(TWO_CLUSTERS))
def test_the_same_cluster_under_other_addresses(at: Refusals, lake: LabClient, module: str) -> None:
    chosen, *others = lake.describe["clusters"]["source"]["address"]
    given: Options = {"frontends": chosen, "target_frontends": ",".join(others)}
    given["target_address_map"] = connection(lake)["address_map"]
    if module == "preflight":
        at.blocked(lake, "starrocks.cluster.same", **given)
    else:
        at.refused(lake, module, "same cluster", **given)


def test_shared_data_cannot_become_shared_nothing(at: Refusals, labs: EmbeddedLabs) -> None:
    lab = labs.start(**{**LAKE, "profile": "4.1", "target_mode": "shared_nothing", "no_s3": True})
    at.blocked(lab, "starrocks.path.unsupported", "shared_nothing")
    labs.stop(lab)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("source", "target", "mode"),
    [("3.5", "3.5", "shared_data"), ("3.1.9", "3.1.7", "shared_nothing"), ("3.2.5", "3.2.2", "shared_nothing")],
)
def test_targets_that_are_too_old_for_the_path(
    at: Refusals, labs: EmbeddedLabs, source: str, target: str, mode: str
) -> None:
    lab = labs.start(**{**LAKE, "profile": source, "target_profile": target, "mode": mode, "no_s3": True})
    at.blocked(lab, "starrocks.path.target_too_old", target if target.count(".") > 1 else "4.1")
    labs.stop(lab)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("profile", "text", "code", "word"),
    [
        ("2.5", "2.4.3-abc", "starrocks.version_too_old", "2.5"),
        ("3.1", "main-5f2c", "starrocks.version_unknown", "assume_version"),
    ],
)
def test_versions_that_cannot_be_worked_with(
    at: Refusals, labs: EmbeddedLabs, profile: str, text: str, code: str, word: str
) -> None:
    lab = labs.start(**{**PLAIN, "profile": profile, "version_text": text})
    for module in EVERY:
        # It misses the tool first.
        if module == "sync_wait":
            continue
        # One that only looks tells what it can, and that this is too old.
        if module == "info" and code == "starrocks.version_too_old":
            told = at.run(lab, "info", at.given(lab, "info"))
            assert (told["version"], told["supported"], told["findings"][0]["id"]) == ("2.4.3", False, code)
            continue
        assert at.refused(lab, module, word)["code"] == code, module
    labs.stop(lab)


class _Silent(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(4096)


class _Banner(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        self.request.recv(4096)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextlib.contextmanager
def serving(handler: t.Any) -> t.Iterator[int]:
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.thorough
@pytest.mark.parametrize("handler", [_Silent, _Banner, http.server.SimpleHTTPRequestHandler])
@pytest.mark.parametrize("option", ["frontends", "target_frontends"])
def test_a_host_that_is_no_frontend(at: Refusals, plain: LabClient, handler: t.Any, option: str) -> None:
    with serving(handler) as port:
        side = option.replace("frontends", "")
        short: Options = {f"{side}connect_timeout": "1s", f"{side}read_timeout": "1s"}
        result = at.refused(plain, "preflight", str(port), option, **{option: f"127.0.0.1:{port}", **short})
        assert result["code"] in ("starrocks.not_starrocks", "starrocks.unreachable")


def test_the_http_port_is_no_query_port(at: Refusals, plain: LabClient) -> None:
    port = plain.describe["clusters"]["source"]["frontends"][0]["http_port"]
    at.refused(plain, "info", str(port), frontends=f"127.0.0.1:{port}", read_timeout="2s")


class _Balancer(socketserver.BaseRequestHandler):
    """Hands each connection to the next frontend."""

    ports: t.ClassVar[list[int]] = []

    def handle(self) -> None:
        port = self.ports.pop(0)
        self.ports.append(port)
        with socket.create_connection(("127.0.0.1", port)) as there:
            way = threading.Thread(target=_pour, args=(there, self.request), daemon=True)
            way.start()
            _pour(self.request, there)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("module", ["preflight", "frontend_config", "write_freeze"])
def test_frontends_behind_a_load_balancer(at: Refusals, plain: LabClient, module: str) -> None:
    cluster = plain.describe["clusters"]["source"]
    _Balancer.ports = [one["query_port"] for one in cluster["frontends"]]
    with serving(_Balancer) as port:
        followers = {one["host"]: "127.0.0.1;%d:%d" % (one["query_port"], port) for one in cluster["frontends"][1:]}
        given: Options = {"frontends": f"127.0.0.1:{port}", "address_map": {**cluster["address_map"], **followers}}
        if module == "preflight":
            at.blocked(plain, "starrocks.frontend.load_balancer", f"127.0.0.1:{port}", **given)
        else:
            result = at.refused(plain, module, f"127.0.0.1:{port}", "address_map", "load balancer", **given)
            assert result["code"] == "starrocks.frontend_shared"


# ---- who asks, and how


@pytest.mark.parametrize("module", [name for name in EVERY if name not in ("preflight", "info")])
def test_users_without_operate(at: Refusals, plain: LabClient, module: str) -> None:
    reader: Options = {"username": "reader", "password": plain.describe["users"]["reader"]}
    result = at.refused(plain, module, "OPERATE", **reader)
    assert result["code"] == "starrocks.access_denied"


@pytest.mark.thorough
@pytest.mark.parametrize("profile", ["2.5", "3.1"])
@pytest.mark.parametrize("prefix", ["", "target_"])
def test_users_without_operate_in_older_versions(at: Refusals, labs: EmbeddedLabs, profile: str, prefix: str) -> None:
    lab = labs.start(**{**PLAIN, "profile": profile, "target_profile": "4.1"})
    reader = {f"{prefix}username": "reader", f"{prefix}password": lab.describe["users"]["reader"]}
    at.refused(lab, "preflight", "OPERATE", **reader)
    labs.stop(lab)


@pytest.mark.parametrize("prefix", ["", "target_"])
def test_preflight_and_a_user_without_operate(at: Refusals, plain: LabClient, prefix: str) -> None:
    reader = {f"{prefix}username": "reader", f"{prefix}password": plain.describe["users"]["reader"]}
    at.refused(plain, "preflight", "OPERATE", **reader)


@pytest.mark.parametrize("module", first(EVERY))
def test_a_wrong_password(at: Refusals, plain: LabClient, module: str) -> None:
    result = at.refused(plain, module, "username", password=CANARIES["password"])
    assert result["code"] == "starrocks.login_failed"


@pytest.mark.parametrize("module", first(EVERY))
@pytest.mark.parametrize("level", first(["require", "verify-full"]))
def test_tls_that_is_not_offered(at: Refusals, plain: LabClient, module: str, level: str) -> None:
    result = at.refused(plain, module, "tls", "TLS", tls=level)
    assert result["code"] == "starrocks.tls_not_offered"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"client_key": "/nowhere/key.pem", "tls": "require"}, ["client_key", "client_cert"]),
        ({"ca_cert": "/nowhere/ca.pem", "tls": "verify-ca"}, ["ca_cert", "/nowhere/ca.pem"]),
        ({"address_map": {"10.1.0.11": "a;b"}}, ["address_map[10.1.0.11]"]),
        ({"address_map": "everything"}, ["address_map"]),
        ({"assume_version": "newest"}, ["assume_version", "'newest'"]),
        ({"connect_timeout": "0"}, ["connect_timeout"]),
        ({"read_timeout": "5 parsecs"}, ["read_timeout", "parsecs"]),
        ({"connect_timeout": "-1", "read_timeout": "soon"}, ["connect_timeout", "read_timeout"]),
    ],
    ids=["key", "ca", "port map", "map", "version", "zero", "unit", "all at once"],
)
def test_connections_that_make_no_sense(at: Refusals, plain: LabClient, more: Options, words: list[str]) -> None:
    at.refused(plain, "info", *words, contact=False, **more)
