# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with an input is said in one clear sentence or as a blocker, and nothing is touched."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import pathlib
import socket
import socketserver
import tarfile
import threading
import typing as t

import pytest

from lab.client import LabClient
from lab.embedded import EmbeddedLabs
from lab.starrocks.tool_archive import build
from system.starrocks_forks import Forks
from system.starrocks_modules import SMALL, connection

Options = t.Dict[str, t.Any]
Result = t.Dict[str, t.Any]

CANARIES = {
    "password": "canary-Pa55word",
    "token": "canary-T0ken",
    "secret": "canary-S3cret",
    "access": "canary-Acc3ss",
}
USER = "operator"
LAKE: Options = {**SMALL, "mode": "shared_data", "tables": 4, "frontends": 3, "clients": 0}
PLAIN: Options = {**SMALL, "tables": 2, "clients": 0}

TWO_CLUSTERS: dict[str, Options] = {
    "preflight": {"inventory": False, "probe_ports": False},
    "comparison_info": {},
    "cutover": {"tool_is_stopped": True},
    "storage_volume_mirror": {"check_buckets": False},
    "sync_wait": {"wait": False, "directory": "/nowhere"},
    "migration_info": {},
}
ONE_CLUSTER: dict[str, Options] = {
    "info": {},
    "frontend_config": {"settings": [{"key": "disable_load_job", "value": True}]},
    "backend_config": {"settings": [{"key": "replication_max_speed_limit_kbps", "value": 1000}]},
    "global_variable": {"variables": {"enable_filter_unused_columns_in_scan_stage": False}},
    "sync_user": {"user": "cluster_sync", "user_password": CANARIES["password"]},
    "write_freeze": {},
    "storage_volume": {"volumes": [{"name": "extra", "type": "S3", "locations": ["s3://lab-target/extra"]}]},
}
EVERY = {**TWO_CLUSTERS, **ONE_CLUSTER}
NO_JOURNAL = ("info", "comparison_info", "migration_info")
DROPS = {
    "ddl_job_allow_drop_%s" % name: True
    for name in (
        "schema_change_table",
        "inconsistent_partition",
        "inconsistent_time_partition",
        "partition_target_only",
    )
}


def first(values: t.Iterable[t.Any]) -> list[t.Any]:
    """The others only in the long run."""
    chosen, *others = values
    return [chosen, *(pytest.param(*one, marks=pytest.mark.thorough) for one in map(_tuple, others))]


def _tuple(value: t.Any) -> tuple[t.Any, ...]:
    return value if isinstance(value, tuple) else (value,)


@pytest.fixture(scope="module")
def forks() -> t.Iterator[Forks]:
    with contextlib.closing(Forks([*EVERY, "sync_tool", "sync_progress_info"])) as running:
        yield running


@pytest.fixture(scope="module")
def labs() -> t.Iterator[EmbeddedLabs]:
    with contextlib.closing(EmbeddedLabs()) as embedded:
        yield embedded


@pytest.fixture(scope="module")
def plain(labs: EmbeddedLabs) -> LabClient:
    """Between shared-nothing clusters."""
    return labs.start(**{**PLAIN, "profile": "4.1"})


@pytest.fixture(scope="module")
def lake(labs: EmbeddedLabs) -> LabClient:
    """Between shared-data clusters, with an S3 server."""
    return labs.start(**{**LAKE, "profile": "4.1"})


class Refusals:
    """``refused``: one run that must fail, with nothing sent that changes anything."""

    def __init__(self, forks: Forks, folder: pathlib.Path) -> None:
        self._forks = forks
        self._folder = folder

    def given(self, lab: LabClient, module: str, **more: t.Any) -> Options:
        """Good options of a module, and others in their place; None takes one away."""
        users = {"username": USER, "password": lab.describe["users"][USER]}
        found = {**connection(lab), **users, **EVERY[module]}
        if module in TWO_CLUSTERS:
            found.update(connection(lab, "target", "target_"))
            found.update({f"target_{name}": value for name, value in users.items()})
        if module not in NO_JOURNAL:
            found["journal"] = str(self._folder / "journal.jsonl")
        return {**found, **more}

    def run(self, lab: LabClient | None, module: str, options: Options) -> Result:
        """One run. No secret that a test knows is in its output, nor in its journal."""
        output = self._forks.run(module, options)
        written = "".join(
            path.read_text(encoding="utf-8") for path in self._folder.glob("*.jsonl*") if path.suffix != ".lock"
        )
        secrets = [*CANARIES.values()]
        if lab is not None:
            keys = lab.describe["s3"]["users"].values() if lab.describe["s3"] else ()
            secrets += [key["secret_key"] for key in keys]
            secrets += [password for password in lab.describe["users"].values() if password]
        assert [secret for secret in secrets if secret in output + written] == []
        assert "{" in output, output
        result: Result = json.loads(output[output.index("{") :])
        assert result.get("code") != "internal.error", result
        assert "Traceback" not in output
        return result

    def refused(self, lab: LabClient, module: str, *words: str, contact: bool = True, **more: t.Any) -> Result:
        """Its message holds all the words. Without ``contact`` the lab saw nothing at all."""
        lab.clear_requests()
        result = self.run(lab, module, self.given(lab, module, **more))
        said_clearly(result, *words)
        seen = lab.requests(mutating=True) if contact else lab.requests()
        assert [one["request"] for one in seen] == []
        return result

    def blocked(self, lab: LabClient, finding: str, *words: str, **more: t.Any) -> None:
        """That preflight tells of it with a blocker, whose evidence and remedy hold the words."""
        result = self.refused(lab, "preflight", **more)
        assert result["code"] == "preflight.blocked", result["msg"]
        found = [one for one in result["findings"] if one["id"] == finding and one["severity"] == "blocker"]
        assert found, [one["id"] for one in result["findings"]]
        told = json.dumps(found)
        assert [word for word in words if word not in told] == [], told

    def tool(self, *words: str, **options: t.Any) -> Result:
        """A run of the sync tool's module that must fail and leave its folder alone."""
        directory = self._folder / "tool"
        before = sorted(directory.rglob("*"))
        given = {"directory": str(directory), "supervisor": "session", **options}
        result = self.run(None, "sync_tool", given)
        said_clearly(result, *words)
        assert sorted(directory.rglob("*")) == before
        assert sorted(path.name for path in self._folder.iterdir() if path.name.startswith(".")) == []
        return result


def said_clearly(result: Result, *words: str) -> None:
    assert result.get("failed") is True, result
    said = result["msg"]
    assert [word for word in words if word not in said] == [], said
    assert "\n" not in said
    assert said.endswith((".", "]", ")")), said
    assert result.get("changed", False) is False


@pytest.fixture
def at(forks: Forks, tmp_path: pathlib.Path) -> Refusals:
    return Refusals(forks, tmp_path)


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
        # They tell what they can, miss the tool first, or need no more than roles.
        if module not in ("info", "sync_wait", "sync_user"):
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


# ---- what is selected


def test_tables_that_do_not_exist(at: Refusals, plain: LabClient) -> None:
    at.blocked(plain, "starrocks.selection.unknown", "sales.nowhere", include_data_list="sales.nowhere,sales")


def test_a_database_in_other_letters_does_not_exist(at: Refusals, plain: LabClient) -> None:
    at.blocked(plain, "starrocks.selection.unknown", "Sales", include_data_list="Sales")


@pytest.mark.parametrize("module", [name for name in TWO_CLUSTERS if name != "migration_info"])
@pytest.mark.parametrize("option", ["include_data_list", "exclude_data_list"])
def test_names_that_cannot_be(at: Refusals, plain: LabClient, module: str, option: str) -> None:
    at.refused(plain, module, option, "'a.b.c'", contact=False, **{option: ["a.b.c"]})


@pytest.mark.parametrize("module", ["comparison_info", "cutover", "storage_volume_mirror"])
def test_a_selection_that_selects_nothing(at: Refusals, lake: LabClient, module: str) -> None:
    more: Options = {"include_data_list": "nowhere"}
    if module != "comparison_info":
        at.refused(lake, module, "include_data_list", **more)
        return
    result = at.run(lake, module, at.given(lake, module, **more))
    # Nothing compared is nothing equal.
    assert (result["equal"], result["passed"]) == (False, False), result


# ---- the token


def test_a_missing_token(at: Refusals, plain: LabClient) -> None:
    at.blocked(plain, "starrocks.tool.token_missing", "token", sync_properties=DROPS)


def test_drops_that_nobody_spoke_of(at: Refusals, plain: LabClient) -> None:
    token = CANARIES["token"]
    for switch in DROPS:
        at.blocked(plain, f"starrocks.tool.{switch}", source_cluster_token=token)


# ---- storage volumes

KEYS = {"aws.s3.access_key": CANARIES["access"], "aws.s3.secret_key": CANARIES["secret"]}


def volume(**more: t.Any) -> str:
    return json.dumps([{"name": "extra", "type": "S3", "locations": ["s3://bucket/path"], **more}])


@pytest.mark.parametrize(
    ("volumes", "words"),
    [
        (volume(name="v" * 65), ["volumes[0].name", "64"]),
        (volume(name="9lives"), ["volumes[0].name"]),
        (volume(locations="hdfs://name:9000/path"), ["volumes[0].locations", "'hdfs://name:9000/path'", "S3", "s3://"]),
        (volume(type="HDFS"), ["volumes[0].locations", "HDFS", "hdfs://"]),
        (volume(type="AZBLOB"), ["volumes[0].locations", "AZBLOB"]),
        (volume(locations={"s3": "bucket"}), ["volumes[0].locations"]),
        (volume(type="NFS"), ["volumes[0].type", "NFS", "S3"]),
        (volume(properties={"aws.s3.secret_key": CANARIES["secret"]}), ["properties", "credentials"]),
        (volume(properties={"aws.s3.session_token": CANARIES["token"]}), ["aws.s3.session_token"]),
    ],
    ids=["name too long", "name", "location", "HDFS", "AZBLOB", "locations", "type", "secret", "session token"],
)
def test_volumes_that_cannot_be(at: Refusals, lake: LabClient, volumes: str, words: list[str]) -> None:
    credentials = json.dumps({"*": KEYS})
    at.refused(lake, "storage_volume", *words, contact=False, volumes=volumes, credentials=credentials)


def test_a_volume_that_has_another_location(at: Refusals, lake: LabClient) -> None:
    result = at.refused(lake, "storage_volume", "lake_a", volumes=volume(name="lake_a"), credentials={"lake_a": KEYS})
    assert result["code"] == "starrocks.volume_refused"


def test_a_source_volume_with_too_long_a_name(at: Refusals, labs: EmbeddedLabs) -> None:
    lab = labs.start(**{**LAKE, "profile": "4.1", "tables": 2, "no_s3": True})
    name = "v" * 61
    table = next(iter(lab.state()["clusters"]["source"]["databases"]["sales"]))
    made = [
        f"CREATE STORAGE VOLUME {name} TYPE = S3 LOCATIONS = ('s3://bucket') PROPERTIES ('enabled' = 'true', "
        "'aws.s3.region' = 'r', 'aws.s3.endpoint' = 'http://127.0.0.1:9', 'aws.s3.access_key' = 'a', "
        "'aws.s3.secret_key' = 'b')"
    ]
    assert "error" not in lab.foreign(sql=made)
    lab.foreign(fields={"table": f"sales.{table}", "storage_volume": name})
    at.refused(lab, "storage_volume_mirror", name, "60", credentials={"*": KEYS})
    at.blocked(lab, "starrocks.volume.not_ready", name, "60", sync_properties=DROPS)
    labs.stop(lab)


@pytest.mark.parametrize("key", ["canary", "stranger", "target"])
def test_credentials_that_cannot_read_the_bucket(at: Refusals, lake: LabClient, key: str) -> None:
    users = lake.describe["s3"]["users"]
    credentials = dict(KEYS)
    if key != "canary":
        credentials = {f"aws.s3.{name}": users[key][name] for name in ("access_key", "secret_key")}
    given: Options = {"credentials": {"*": credentials}, "check_buckets": True, "bucket_timeout": "5s"}
    result = at.refused(lake, "storage_volume_mirror", "lake_a", "s3://lab-source-a", **given)
    assert result["code"] == "starrocks.mirror_refused"
    assert {one["status"] for one in result["buckets"]} == {"unreadable"}


def test_no_credentials_for_volumes_that_hide_theirs(at: Refusals, lake: LabClient) -> None:
    at.refused(lake, "storage_volume_mirror", "lake_a", "credentials", check_buckets=True)


def test_a_destination_that_does_not_exist(at: Refusals, lake: LabClient) -> None:
    given: Options = {"credentials": {"*": KEYS}, "target_cluster_storage_volume": "nowhere"}
    at.refused(lake, "storage_volume_mirror", "nowhere does not exist on the target", **given)


# ---- the sync tool


def tool_options(folder: pathlib.Path, **more: t.Any) -> Options:
    path, sha256 = build(folder, 20)
    given: Options = {"archive": str(path), "archive_sha256": sha256, "state": "started", **DROPS}
    for side, host in (("source", "10.1.0.11"), ("target", "10.2.0.11")):
        given.update({f"{side}_fe_host": host, f"{side}_cluster_password": CANARIES["password"]})
    return {**given, "source_cluster_token": CANARIES["token"], **more}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"source_cluster_token": None}, ["source_cluster_token"]),
        ({"archive_sha256": "0" * 64}, ["SHA-256", "archive_sha256", "nothing was unpacked"]),
        ({"archive_sha256": "abc"}, ["archive_sha256", "64 hexadecimal digits"]),
        ({"archive": "/nowhere/tool.tar.gz"}, ["/nowhere/tool.tar.gz"]),
        ({"archive": "tool.tar.gz"}, ["archive", "absolute path"]),
        ({"archive": "ftp://host/tool.tar.gz"}, ["archive", "ftp"]),
        ({"directory": "/"}, ["directory"]),
        ({"target_run_mode": "shared_nothing", "source_run_mode": "shared_data"}, ["shared"]),
        ({"ddl_job_allow_drop_schema_change_table": None}, ["ddl_job_allow_drop_schema_change_table"]),
        ({"extra_properties": {"no_such_property": "x"}}, ["no_such_property"]),
        ({"extra_properties": {"some_password": CANARIES["password"]}}, ["some_password"]),
        ({"source_fe_query_port": 99999}, ["source_fe_query_port", "99999"]),
        ({"address_map": {"10.1.0.12": "10.0.0.1"}, "source_hosts": ["10.1.0.11"]}, ["address_map", "10.1.0.12"]),
        ({"start_wait": "5 parsecs", "unit_name": "a b"}, ["start_wait", "unit_name"]),
        ({"source_fe_host": None}, ["source_fe_host"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_the_tool_is_not_installed_with_options_that_cannot_be(
    at: Refusals, tmp_path: pathlib.Path, more: Options, words: list[str]
) -> None:
    at.tool(*words, **tool_options(tmp_path, **more))


def _archive(folder: pathlib.Path, names: t.Sequence[str]) -> Options:
    path = folder / "other.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 2
            archive.addfile(info, io.BytesIO(b"x\n"))
    return {"archive": str(path), "archive_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["sync/readme.txt"], ["bin/start.sh"]),
        (["sync/bin/start.sh"], ["conf/sync.properties"]),
        (["../outside", "sync/bin/start.sh"], ["../outside"]),
        (["/etc/outside", "sync/bin/start.sh"], ["/etc/outside"]),
    ],
    ids=["nothing of it", "no properties", "out of the folder", "absolute"],
)
def test_archives_with_another_layout(at: Refusals, tmp_path: pathlib.Path, names: list[str], words: list[str]) -> None:
    at.tool(*words, **tool_options(tmp_path, **_archive(tmp_path, names)))
    assert not (tmp_path / "outside").exists()


def test_an_archive_that_is_none(at: Refusals, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "page.tar.gz"
    path.write_text("<html>Not found</html>")
    given = {"archive": str(path), "archive_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    at.tool("archive", **tool_options(tmp_path, **given))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"cursor": "x"}, ["cursor"]),
        ({"log_utc_offset": "noon"}, ["log_utc_offset", "'noon'"]),
        ({"converged_since": "yesterday"}, ["converged_since", "'yesterday'"]),
        ({"stall_after": "0"}, ["stall_after"]),
        ({}, ["directory"]),
    ],
    ids=["cursor", "zone", "time", "stall", "no tool"],
)
def test_progress_of_what_is_not_there(at: Refusals, tmp_path: pathlib.Path, more: Options, words: list[str]) -> None:
    result = at.run(None, "sync_progress_info", {"directory": str(tmp_path / "tool"), **more})
    said_clearly(result, *words)


# ---- secrets where none belongs


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("module", "option", "value"),
    [
        ("preflight", "sync_properties", {"source_cluster_password": CANARIES["password"]}),
        ("preflight", "sync_properties", {"source_cluster_token": CANARIES["token"]}),
        ("storage_volume_mirror", "properties", {"*": {"aws.s3.secret_key": CANARIES["secret"]}}),
        ("storage_volume_mirror", "credentials", {"*": CANARIES["secret"]}),
        ("frontend_config", "settings", [{"key": "aws_s3_secret_key", "value": CANARIES["secret"]}]),
        ("migration_info", "source_settings", [{"key": "aws_s3_secret_key", "value": CANARIES["secret"]}]),
        ("info", "frontends", [f"mysql://root:{CANARIES['password']}@fe-0:9030"]),
    ],
)
def test_secrets_that_do_not_belong_there(
    at: Refusals, plain: LabClient, module: str, option: str, value: t.Any, as_text: bool
) -> None:
    given = json.dumps(value) if as_text else value
    at.refused(plain, module, option, contact=False, **{option: given})


# ---- settings, the freeze and the cutover


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ([{"key": "disable_load_job", "value": "perhaps"}], ["settings[0]", "perhaps", "true"]),
        ([{"key": "lake_compaction_max_tasks", "value": "many"}], ["settings[0]", "'many'", "whole number"]),
        ([{"key": "http_port", "value": 1}], ["http_port", "fe.conf"]),
        ([{"key": "no_such_config", "value": 1}], ["no_such_config"]),
        ([{"key": "ssl_keystore_password", "value": CANARIES["password"]}], ["ssl_keystore_password", "secret"]),
        ([], ["settings"]),
    ],
    ids=["boolean", "number", "immutable", "unknown", "secret", "none"],
)
def test_settings_that_cannot_be(at: Refusals, plain: LabClient, settings: t.Any, words: list[str]) -> None:
    at.refused(plain, "frontend_config", *words, settings=settings)


@pytest.mark.parametrize(
    ("module", "more", "words"),
    [
        ("write_freeze", {"journal": None}, ["journal", "not given"]),
        ("write_freeze", {"timeout": "0"}, ["timeout"]),
        ("cutover", {"journal": None}, ["journal", "not given"]),
        ("cutover", {"budget": "0"}, ["budget"]),
        ("cutover", {"budget": "5 parsecs", "quiet_time": "soon"}, ["budget", "parsecs", "quiet_time", "'soon'"]),
        ("cutover", {"tool_is_stopped": False}, ["tool_directory", "not given", "tool_is_stopped"]),
        ("cutover", {"tool_is_stopped": False, "tool_directory": "tool"}, ["tool_directory", "'tool'", "absolute"]),
        ("cutover", {"tool_directory": "/opt/tool"}, ["tool_is_stopped", "tool_directory"]),
        ("cutover", {"accept": [{"id": "x"}]}, ["accept[0].reason", "accept[0].expires"]),
        ("preflight", {"accept": "everything"}, ["accept[0]", "not a mapping"]),
        ("preflight", {"expected_duration": "soon"}, ["expected_duration", "'soon'"]),
        ("preflight", {"sync_properties": "yes"}, ["sync_properties"]),
        ("comparison_info", {"sample": -1}, ["sample"]),
        ("global_variable", {"variables": "x=1"}, ["variables"]),
        ("global_variable", {"variables": {}}, ["variables"]),
        ("global_variable", {"variables": {"a b": 1}}, ["variables", "'a b'"]),
        ("sync_user", {"user": "root"}, ["user", "'root'"]),
        ("sync_user", {"user": "x'@'%' IDENTIFIED BY '"}, ["user"]),
        ("sync_user", {"user_password": None}, ["user_password", "not given"]),
        ("sync_wait", {"directory": None}, ["directory"]),
        ("sync_wait", {"poll_interval": "0", "timeout": "soon"}, ["poll_interval", "timeout", "'soon'"]),
        ("sync_wait", {"stable_samples": 0}, ["stable_samples"]),
        ("migration_info", {"compaction_ramp": "8,4"}, ["compaction_ramp"]),
        ("migration_info", {"target_settings": "everything"}, ["target_settings"]),
        ("migration_info", {"target_settings": [{"key": "no config"}]}, ["target_settings[0].key", "'no config'"]),
    ],
)
def test_nothing_is_begun_with_options_that_cannot_be(
    at: Refusals, plain: LabClient, module: str, more: Options, words: list[str]
) -> None:
    at.refused(plain, module, *words, contact=False, **more)


def test_a_cutover_without_a_tool_that_runs(at: Refusals, plain: LabClient, tmp_path: pathlib.Path) -> None:
    more: Options = {"tool_is_stopped": False, "tool_directory": str(tmp_path / "tool")}
    at.refused(plain, "cutover", str(tmp_path / "tool"), **more)


def test_a_cutover_to_an_empty_target(at: Refusals, plain: LabClient) -> None:
    result = at.refused(plain, "cutover", max_behind=1)
    assert result["code"] == "starrocks.cutover_blocked"


def test_journals_that_cannot_be_gone_on_with(at: Refusals, plain: LabClient, tmp_path: pathlib.Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear diary,\n")
    for module in EVERY:
        # The one refuses two shared-nothing clusters first, the other one misses the tool.
        if module not in (*NO_JOURNAL, "storage_volume_mirror", "sync_wait"):
            result = at.refused(plain, module, str(letter), "not a journal", journal=str(letter))
            assert result["code"] == "journal.not_a_journal"
    assert letter.read_text() == "Dear diary,\n"
