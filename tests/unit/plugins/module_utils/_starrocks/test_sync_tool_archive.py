# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import http.server
import io
import pathlib
import tarfile
import threading
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_archive as ta
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import missing_parts, unpack

Member = t.Tuple[str, t.Union[bytes, t.Dict[str, t.Any]]]
TOOL: list[Member] = [
    ("starrocks-cluster-sync", {"type": tarfile.DIRTYPE}),
    ("starrocks-cluster-sync/bin/start.sh", b"#!/bin/sh\n"),
    ("starrocks-cluster-sync/conf/sync.properties", b"one_time_run_mode=false\n"),
    ("starrocks-cluster-sync/lib/sync-1.0.jar", b"jar"),
]


def archive(members: list[Member]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                info.mode = 0o4777
                tar.addfile(info, io.BytesIO(content))
            else:
                for key, value in content.items():
                    setattr(info, key, value)
                tar.addfile(info)
    out.seek(0)
    return out


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return ("starrocks-cluster-sync/" + name, {"type": kind, "linkname": to})


def test_the_one_folder_is_left_out_and_modes_are_tamed(tmp_path: pathlib.Path) -> None:
    unpack(archive([*TOOL, link("lib/sync.jar", "sync-1.0.jar")]), str(tmp_path))
    assert missing_parts(str(tmp_path)) == []
    assert (tmp_path / "bin/start.sh").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "lib/sync.jar").read_bytes() == b"jar"


def test_without_one_folder(tmp_path: pathlib.Path) -> None:
    members = [("./" + name.split("/", 1)[1], content) for name, content in TOOL[1:]]
    unpack(archive(t.cast(t.Any, members)), str(tmp_path))
    assert missing_parts(str(tmp_path)) == []


@pytest.mark.parametrize(
    "extra",
    [
        [("../evil", b"x")],
        [("starrocks-cluster-sync/../../evil", b"x")],
        [("/tmp/evil", b"x")],
        [link("lib/out", "/etc/passwd")],
        [link("lib/out", "../../../evil")],
        [link("a", "lib"), link("lib/b", ".."), link("c", "a/b/../..")],
        [link("lib/out", "../evil", tarfile.LNKTYPE)],
        [("starrocks-cluster-sync/pipe", {"type": tarfile.FIFOTYPE})],
        [("starrocks-cluster-sync/null", {"type": tarfile.CHRTYPE})],
        [link("bin/start.sh", "../../../evil")],
        [link("lib", "..")],
        [link("lib", "bin"), ("starrocks-cluster-sync/lib/sync-1.0.jar", b"other")],
    ],
)
def test_nothing_lands_or_points_outside(tmp_path: pathlib.Path, extra: list[Member]) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (tmp_path / "a" / "evil").write_text("mine")
    with pytest.raises(MigrationError) as caught:
        unpack(archive([*TOOL, *extra]), str(folder))
    assert caught.value.code == "starrocks.tool_archive_unsafe"
    assert (tmp_path / "a" / "evil").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.rglob("evil")) == ["evil"]


def test_of_a_member_that_is_there_twice_the_last_counts(tmp_path: pathlib.Path) -> None:
    members: list[Member] = [
        *TOOL,
        ("starrocks-cluster-sync/bin/start.sh", b"#!/bin/sh\nexec java\n"),
        ("./starrocks-cluster-sync/bin/", {"type": tarfile.DIRTYPE}),
        link("lib/sync.jar", "none"),
        link("lib/sync.jar", "sync-1.0.jar"),
        link("lib/sync-1.0.jar", "starrocks-cluster-sync/lib/sync-1.0.jar", tarfile.LNKTYPE),
    ]
    unpack(archive(members), str(tmp_path))
    assert (tmp_path / "bin/start.sh").read_bytes() == b"#!/bin/sh\nexec java\n"
    assert (tmp_path / "lib/sync.jar").read_bytes() == b"jar"


@pytest.mark.parametrize(
    "links", [[link("bin/start.sh", "../lib/run")], [link("bin", "lib"), ("starrocks-cluster-sync/lib/start.sh", b"#")]]
)
def test_the_start_script_may_be_reached_by_a_link(tmp_path: pathlib.Path, links: list[Member]) -> None:
    members: list[Member] = [one for one in TOOL if "bin" not in one[0]]
    unpack(archive([*members, ("starrocks-cluster-sync/lib/run", b"#!/bin/sh\n"), *links]), str(tmp_path))
    assert missing_parts(str(tmp_path)) == []
    assert (tmp_path / "bin/start.sh").stat().st_mode & 0o7777 == 0o755


def test_a_start_script_that_leads_nowhere(tmp_path: pathlib.Path) -> None:
    members: list[Member] = [one for one in TOOL if "bin" not in one[0]]
    with pytest.raises(MigrationError, match=r"it has no bin/start.sh\. It has") as caught:
        unpack(archive([*members, link("bin/start.sh", "../lib/none")]), str(tmp_path))
    assert caught.value.code == "starrocks.tool_layout"


def test_what_macos_adds_is_left_out(tmp_path: pathlib.Path) -> None:
    added: list[Member] = [("._starrocks-cluster-sync", b"x"), ("starrocks-cluster-sync/lib/._sync-1.0.jar", b"x")]
    folder = tmp_path / "a"
    folder.mkdir()
    unpack(archive([*added, *TOOL]), str(folder))
    assert missing_parts(str(folder)) == []
    assert not list(tmp_path.rglob("._*"))


def test_a_file_through_a_link_does_not_leave(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    with pytest.raises(MigrationError):
        unpack(archive([*TOOL, link("out", ".."), ("starrocks-cluster-sync/out/evil", b"x")]), str(folder))
    assert not (tmp_path / "evil").exists()


def test_a_wrong_layout_is_told_with_what_is_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(
        MigrationError, match=r"no bin/start.sh and no conf/sync.properties. It has be, fe in"
    ) as caught:
        unpack(archive([("starrocks/fe/x", b""), ("starrocks/be/x", b"")]), str(tmp_path))
    assert caught.value.code == "starrocks.tool_layout"


@pytest.mark.parametrize("kind", ["empty", "a web page", "cut", "bent"])
def test_a_damaged_archive(tmp_path: pathlib.Path, kind: str) -> None:
    whole = archive(TOOL).getvalue()
    content = {"empty": b"", "a web page": b"<html>not found</html>", "cut": whole[: len(whole) // 2],
               "bent": whole[:60] + b"\0" * 40 + whole[100:]}[kind]  # fmt: skip
    with pytest.raises(MigrationError) as caught:
        unpack(io.BytesIO(content), str(tmp_path))
    assert caught.value.code == "starrocks.tool_archive_damaged"
    assert "\n" not in caught.value.message


def test_checksum_of_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "tool.tar.gz"
    path.write_bytes(b"content")
    good = hashlib.sha256(b"content").hexdigest()
    with ta.verified_archive(str(path), good, str(tmp_path), 5) as found:
        assert found.read() == b"content"
    with pytest.raises(MigrationError, match="and not " + "0" * 64) as caught:
        with ta.verified_archive(str(path), "0" * 64, str(tmp_path), 5):
            pass
    assert caught.value.code == "starrocks.tool_checksum"
    with pytest.raises(MigrationError, match="No such file") as caught:
        with ta.verified_archive(str(tmp_path / "none"), good, str(tmp_path), 5):
            pass
    assert caught.value.code == "starrocks.tool_archive_unreachable"


def test_a_url(tmp_path: pathlib.Path) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/tool" else 404)
            self.end_headers()
            self.wfile.write(b"content")

        def log_message(self, *_args: t.Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        with ta.verified_archive(url + "/tool", hashlib.sha256(b"content").hexdigest(), str(tmp_path), 5) as found:
            assert found.read() == b"content"
        with pytest.raises(MigrationError, match="answered 404"):
            with ta.verified_archive(url + "/other", "0" * 64, str(tmp_path), 5):
                pass
    finally:
        server.shutdown()
        server.server_close()
    with pytest.raises(MigrationError, match="refused") as caught:
        with ta.verified_archive(url + "/tool", "0" * 64, str(tmp_path), 5):
            pass
    assert caught.value.code == "starrocks.tool_archive_unreachable"


def test_options() -> None:
    assert ta.read_checksum(" sha256:" + "AB" * 32, "archive_sha256") == "ab" * 32
    assert ta.read_location("https://mirror.example.com/tool.tar.gz", "archive")
    for wrong in ("ftp://x/y", "tool.tar.gz"):
        with pytest.raises(InvalidOption):
            ta.read_location(wrong, "archive")
    for checksum in (None, "", "ab" * 31, "md5:" + "ab" * 16):
        with pytest.raises(InvalidOption):
            ta.read_checksum(checksum, "archive_sha256")
