# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the tool, the clusters and the cutover that cannot be are told of, and nothing is touched."""

from __future__ import annotations

import hashlib
import io
import pathlib
import tarfile
import typing as t

import pytest

from lab.client import LabClient
from lab.starrocks.tool_archive import build
from system.starrocks_refusals import (
    CANARIES,
    DROPS,
    EVERY,
    NO_JOURNAL,
    Options,
    Refusals,
    said_clearly,
)

pytest_plugins = ("system.starrocks_refusals",)


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
        (
            {"source_cluster_password": None, "source_cluster_password_secret_key": CANARIES["secret"]},
            ["source_cluster_password_secret_key", "source_cluster_password is not given"],
        ),
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
        ("cutover", {"log_utc_offset": "noon", "log_file": "a.log"}, ["log_utc_offset", "'noon'", "'a.log'"]),
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
        (
            "migration_info",
            {"create_sync_users": True, "source_cluster_password_secret_key": CANARIES["secret"]},
            ["create_sync_users", "source_cluster_password_secret_key", "encrypted"],
        ),
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
