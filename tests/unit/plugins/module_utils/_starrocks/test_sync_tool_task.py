# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import pathlib
import shutil
import socket
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import SystemClock
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_home import Home
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_properties import as_property
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._starrocks.tool_lot import (
    HOSTS,
    PASSWORD,
    SHIPPED,
    SLEEPS,
    Lot,
    make_lot,
)

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")


@pytest.fixture(name="lot")
def fixture_lot(tmp_path: pathlib.Path) -> t.Iterator[Lot]:
    yield from make_lot(tmp_path)


def test_a_life_in_check_mode_and_for_real(lot: Lot) -> None:
    """Each step is predicted, then done, then found done."""
    for state, expected in (
        ("present", ["install", "configure"]),
        ("started", ["start"]),
        ("stopped", ["stop"]),
        ("absent", ["remove"]),
    ):
        before = sorted(str(path) for path in lot.folder.rglob("*"))
        predicted = lot.call(state, check=True)
        assert before == sorted(str(path) for path in lot.folder.rglob("*"))
        done = lot.call(state)
        again = lot.call(state)
        assert lot.actions(predicted) == lot.actions(done) == expected
        assert [change["request"] for change in predicted["changes"]] == [
            change["request"] for change in done["changes"]
        ]
        assert (done["changed"], again["changed"], again["changes"]) == (True, False, [])
        assert done["running"] == (state == "started")
    assert not lot.home.exists()
    assert PASSWORD not in lot.journal.read_text()
    assert "0f0f-token" not in lot.journal.read_text()


def test_what_a_killed_call_left_open_is_settled_by_the_next_one(lot: Lot) -> None:
    resource = f"tool:{socket.gethostname()}{lot.home}"
    lot.call("started")
    stopped, started = {"running": False}, {"running": True}
    left = [
        Change(f"{resource}:process", "start", stopped, started, {}),
        Change(f"{resource}:process", "stop", started, stopped, {}),
        Change(resource, "install", None, {}, {}),
        Change(f"{resource}/conf/hosts.properties", "configure", {}, {}, {}),
        Change(f"{resource}-of-others:process", "start", stopped, started, {}),
    ]
    journal = _journal(lot)
    ids = journal.intents(left)
    journal.close()
    (lot.home.parent / ".sync.dbops-migration").mkdir()
    assert lot.call("started", check=True)["changed"] is False
    assert len(lot.call("started")["changes"]) == 0
    found = Journal.read(str(lot.journal)).last_outcomes()
    assert [found[name].data["status"] if name in found else "" for name in ids] == [
        "done", "abandoned", "done", "done", "",
    ]  # fmt: skip
    assert sorted(path.name for path in lot.home.parent.iterdir()) == ["sync"]
    before = lot.journal.read_bytes()
    lot.call("started")
    assert lot.journal.read_bytes() == before


def _journal(lot: Lot) -> Journal:
    clock, redactor = SystemClock(), Redactor([])
    return Journal.open(str(lot.journal), migration_id="m", engine="starrocks", clock=clock, redactor=redactor)


def test_what_is_written(lot: Lot) -> None:
    result = lot.call("present", address_map={"10.1.0.11": "127.0.0.1;9030:19030"}, source_hosts=["10.1.0.11", "fe-1"])
    conf = lot.home / "conf"
    for name in ("sync.properties", "hosts.properties"):
        assert (conf / name).stat().st_mode & 0o777 == 0o600
    text = (conf / "sync.properties").read_text()
    assert "source_cluster_password=s3cr\\\\et \\u00E9=#\n" in text
    assert "ddl_job_allow_drop_inconsistent_time_partition = false\n" in text
    assert text.startswith("# If true")
    assert (conf / "hosts.properties").read_text() == HOSTS + "SOURCE_10.1.0.11=127.0.0.1;9030:19030\n"
    assert result["properties"]["source_cluster_password"] == MASK
    assert any("fe-1 of the source cluster must resolve" in warning for warning in result["warnings"])
    # What is no longer asked for goes back to what was shipped.
    lot.call("present", source_cluster_user="tool")
    assert "source_cluster_user=tool" in (conf / "sync.properties").read_text()
    result = lot.call("present")
    assert "source_cluster_user=root" in (conf / "sync.properties").read_text()
    assert result["changes"][0]["before"]["properties"] == {"source_cluster_user": "tool"}


def test_null_is_what_the_shipped_file_calls_as_on_the_source() -> None:
    name = "target_cluster_enable_persistent_index"
    assert [as_property(name, value) for value in ("null", "", "true", False)] == ["", "", "true", "false"]
    with pytest.raises(InvalidOption, match=name):
        as_property(name, "sometimes")


def test_a_mode_that_lets_others_read_is_corrected(lot: Lot) -> None:
    lot.call("present")
    (lot.home / "conf/sync.properties").chmod(0o644)
    assert lot.actions(lot.call("present")) == ["configure"]
    assert (lot.home / "conf/sync.properties").stat().st_mode & 0o777 == 0o600


def test_what_may_be_left_out_is_left_out_where_a_release_does_not_have_it(lot: Lot) -> None:
    given: dict[str, t.Any] = {"report_interval_seconds": 10, "meta_job_interval_seconds": 10}
    lot.call("present", optional_properties="report_interval_seconds, meta_job_interval_seconds", **given)
    text = (lot.home / "conf/sync.properties").read_text()
    assert "report_interval_seconds=10\n" in text and "meta_job_interval_seconds" not in text
    lot.call("present", optional_properties=["meta_job_interval_seconds"], force_properties=True, **given)
    assert "meta_job_interval_seconds=10\n" in (lot.home / "conf/sync.properties").read_text()


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        ({"enable_privilege_sync": True}, "starrocks.tool_property_unknown", "no enable_privilege_sync"),
        ({"extra_properties": {"brand_new": 1}}, "starrocks.tool_property_unknown", "no brand_new"),
        ({"ddl_job_allow_drop_schema_change_table": None}, "starrocks.tool_drops_unspoken", "drop_schema_change_table"),
        ({"enable_view_sync": True}, "starrocks.tool_drops_unspoken", "ddl_job_allow_drop_inconsistent_view drops"),
        ({"source_cluster_token": None}, "option.invalid", "a shared-nothing source needs it"),
        ({"target_fe_host": "10.1.0.11"}, "option.invalid", "source's frontend too"),
        (
            {"target_cluster_password_secret_key": "Canary-Key-17", "force_properties": True},
            "option.invalid",
            "target_cluster_password_secret_key: target_cluster_password is not given with it",
        ),
        ({"source_run_mode": "shared_data", "target_run_mode": "shared_nothing"}, "option.invalid", "cannot be"),
        ({"address_map": {"10.1.0.1": "x"}, "source_hosts": ["10.1.0.11"]}, "option.invalid", "none of the hosts"),
        ({"archive_sha256": "0" * 64}, "starrocks.tool_checksum", "and not 0000"),
        ({"archive": None, "archive_sha256": None}, "option.invalid", "there is no tool in"),
        ({"include_data_list": "a.b.c"}, "option.invalid", "no database and no table"),
        ({"report_interval_seconds": 0}, "option.invalid", "report_interval_seconds"),
        ({"directory": "/opt"}, "option.invalid", "cannot be the folder"),
        ({"supervisor": "session", "user": "tool"}, "option.invalid", "Become that user"),
    ],
)  # fmt: skip
def test_bad_input_touches_nothing(lot: Lot, more: dict[str, t.Any], code: str, text: str) -> None:
    with pytest.raises(MigrationError) as caught:
        lot.call("started", **more)
    assert caught.value.code == code
    assert text in caught.value.message and "Canary" not in caught.value.message
    assert not lot.home.exists()
    assert not lot.journal.exists()


def test_what_cannot_be_written_is_told_in_check_mode_too(lot: Lot, monkeypatch: pytest.MonkeyPatch) -> None:
    (lot.folder / "file").write_text("")
    with pytest.raises(MigrationError, match=r"file cannot be used \(Not a directory\); give another") as caught:
        lot.call("started", check=True, directory=str(lot.folder / "file" / "opt" / "sync"))
    assert caught.value.code == "starrocks.tool_not_accessible"
    refused = str(lot.folder)
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != refused and allowed(path, mode))
    with pytest.raises(MigrationError, match=rf"{refused} cannot be used \(Permission denied\); become") as caught:
        lot.call("started", check=True)
    assert caught.value.code == "starrocks.tool_not_accessible"
    lot.call("present")
    refused = str(lot.home)
    with pytest.raises(MigrationError, match=f"{refused} cannot be used"):
        lot.call("present", check=True, source_cluster_user="tool")
    assert not lot.call("present", check=True)["changed"]


def test_a_full_disk(lot: Lot, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: t.Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(MigrationError, match=r"No space left on device\); make room there") as caught:
        lot.call("started")
    assert caught.value.code == "starrocks.tool_not_accessible"
    assert not list(lot.home.parent.iterdir())


def test_a_file_that_somebody_has_spoilt_is_written_anew(lot: Lot) -> None:
    lot.call("present")
    (lot.home / "conf/sync.properties").write_text("a=\\u12\n")
    assert not lot.call("stopped")["changed"]
    assert lot.actions(lot.call("present")) == ["configure"]
    assert "source_fe_host=10.1.0.11" in (lot.home / "conf/sync.properties").read_text()


def test_a_folder_behind_a_link(lot: Lot) -> None:
    lot.home.parent.mkdir()
    (lot.folder / "elsewhere").symlink_to(lot.home.parent)
    first = lot.call("present", directory=str(lot.folder / "elsewhere" / "sync"))
    assert first["directory"] == Home(str(lot.folder / "elsewhere" / "sync")).directory == str(lot.home)
    assert not lot.call("present")["changed"]


def test_an_unknown_property_by_force(lot: Lot) -> None:
    lot.call("present", extra_properties='{"brand_new": true}', force_properties=True)
    assert (lot.home / "conf/sync.properties").read_text().endswith("brand_new=true\n")


def test_a_folder_of_somebody_else(lot: Lot) -> None:
    lot.home.mkdir(parents=True)
    (lot.home / "file").write_text("theirs")
    with pytest.raises(MigrationError) as caught:
        lot.call("present")
    assert caught.value.code == "starrocks.tool_directory_taken"
    lot.given = {}
    with pytest.raises(MigrationError, match=r"no bin/start.sh and no conf/sync.properties"):
        lot.call("present")
    for name, text in (("bin/start.sh", SLEEPS), ("conf/sync.properties", SHIPPED)):
        (lot.home / name).parent.mkdir()
        (lot.home / name).write_text(text)
    assert lot.actions(lot.call("present")) == ["configure"]
    assert lot.actions(lot.call("absent")) == ["give_back"]
    assert (lot.home / "conf/sync.properties").read_text() == SHIPPED
    assert not (lot.home / ".dbops-migration").exists()
    assert (lot.home / "file").read_text() == "theirs"
