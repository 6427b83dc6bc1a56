# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A block in fe.conf: put in, found, told from an edited one, and taken out to the byte."""

from __future__ import annotations

import os
import pathlib
import types
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file import run_config_file
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.fe_conf import (
    find_block,
    put_block,
    remove_block,
    settings_of,
    valid_name,
)

FILE = "# comment\nrun_mode = shared_data\nlake_compaction_max_tasks=-1\n"
OURS = {"lake_compaction_max_tasks": "0", "enable_legacy_compatibility_for_replication": "true"}


@pytest.mark.parametrize("text", ["", FILE, FILE.rstrip("\n"), FILE.replace("\n", "\r\n"), "\n\n# x"])
def test_in_and_out_again_leaves_the_file_as_it_was(text: str) -> None:
    written = put_block(text, "lake", OURS)
    assert written.startswith(text)
    assert settings_of(written)["lake_compaction_max_tasks"] == "0"
    assert put_block(written, "lake", OURS) == written
    found = find_block(written, "lake")
    assert found is not None and (dict(found.settings), found.ours) == (OURS, True)
    assert remove_block(written, "lake") == text


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\\\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))),
    st.booleans(),
)
def test_any_file_comes_back(lines: list[str], ended: bool) -> None:
    text = "\n".join(lines) + ("\n" if ended else "")
    assert remove_block(put_block(text, "m", OURS), "m") == text


def test_two_migrations_have_a_block_each() -> None:
    both = put_block(put_block(FILE, "one", {"a": "1"}), "two", {"b": "2"})
    assert remove_block(both, "one") == put_block(FILE, "two", {"b": "2"})
    assert find_block(both, "on") is None


def test_other_settings_replace_the_block() -> None:
    written = put_block(put_block(FILE, "m", OURS), "m", {"a": "1"})
    assert written == put_block(FILE, "m", {"a": "1"})


def test_an_edited_block_is_told() -> None:
    edited = put_block(FILE, "m", OURS).replace("max_tasks = 0", "max_tasks = 8")
    found = find_block(edited, "m")
    assert found is not None and not found.ours
    assert put_block(edited, "m", OURS) == put_block(FILE, "m", OURS)


def test_a_line_behind_the_block_would_count_more_so_the_block_moves() -> None:
    # This is where WITH PERSISTENT appends.
    later = put_block(FILE, "m", OURS) + "lake_compaction_max_tasks = 16\n"
    assert put_block(later, "m", OURS) == put_block(FILE + "lake_compaction_max_tasks = 16\n", "m", OURS)


@pytest.mark.parametrize("broken", ["# BEGIN dbops.migration m x\na = 1\n", "# END dbops.migration m\n"])
def test_half_a_block_is_refused(broken: str) -> None:
    with pytest.raises(MigrationError) as caught:
        put_block(FILE + broken, "m", OURS)
    assert caught.value.code == "starrocks.block_broken" and "line 4" in caught.value.message


def test_a_last_line_that_swallows_the_next_is_refused() -> None:
    with pytest.raises(MigrationError) as caught:
        put_block("JAVA_OPTS = a \\\n", "m", OURS)
    assert caught.value.code == "starrocks.conf_unended"
    assert remove_block(put_block("# ends so: \\\n", "m", OURS), "m") == "# ends so: \\\n"


def test_names() -> None:
    assert valid_name("lake-2026.1_x") and not valid_name("two words") and not valid_name("")


def test_a_file_that_cannot_be_replaced_is_told_in_check_mode_too(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fe.conf"
    path.write_text(FILE, encoding="utf-8")
    params = {
        "path": str(path),
        "block": "lake",
        "settings": [{"key": "lake_compaction_max_tasks", "value": 0}],
        "state": "present",
        "in_container": True,
        "force": False,
    }
    module = t.cast(t.Any, types.SimpleNamespace(params=params, check_mode=True))
    assert run_config_file(module)["changed"] is True
    monkeypatch.setattr(os, "access", lambda path, _mode: path != str(tmp_path))
    with pytest.raises(InvalidOption, match=r"fe.conf' cannot be replaced. Become"):
        run_config_file(module)
    assert run_config_file(t.cast(t.Any, types.SimpleNamespace(params={**params, "state": "absent"}, check_mode=True)))
