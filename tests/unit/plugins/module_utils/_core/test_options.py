# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import pathlib
import typing as t

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import accept_spec, acceptances
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import (
    journal_spec,
    open_journal,
    read_journal,
    s3_options,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.tests.unit.plugins.module_utils._core.fake_clock import FakeClock


def params(**given: t.Any) -> t.Dict[str, t.Any]:
    return {**dict.fromkeys(journal_spec().argument_spec), **given}


def test_every_option_falls_back_on_the_environment_and_secrets_are_no_log() -> None:
    spec = journal_spec().argument_spec
    assert all(option["fallback"][1] for option in spec.values())
    assert [name for name, option in spec.items() if option.get("no_log")] == ["s3_secret_key", "s3_session_token"]


def test_no_journal_asked_for() -> None:
    assert open_journal(params(), engine="x", clock=FakeClock(), redactor=Redactor([])) is None
    assert open_journal(params(journal=""), engine="x", clock=FakeClock(), redactor=Redactor([])) is None
    assert read_journal(params()) is None


def test_open_then_read(tmp_path: pathlib.Path) -> None:
    given = params(journal=str(tmp_path / "run.jsonl"), migration_id="m1")
    assert read_journal(given) is None
    journal = open_journal(given, engine="greptimedb", clock=FakeClock(), redactor=Redactor([]))
    assert journal is not None
    journal.close()
    view = read_journal(given)
    assert view is not None
    assert (view.migration_id, view.engine) == ("m1", "greptimedb")


def test_reading_tells_of_what_cannot_be_read(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MigrationError) as caught:
        read_journal(params(journal=str(tmp_path)))
    assert caught.value.code == "journal.not_accessible"


def test_an_environment_token_goes_with_its_own_key_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "theirs")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "their token")
    assert s3_options(params(s3_access_key="ours", s3_session_token="their token")).session_token == ""
    assert s3_options(params(s3_access_key="theirs", s3_session_token="their token")).session_token == "their token"
    assert s3_options(params(s3_access_key="ours", s3_session_token="our token")).session_token == "our token"


def test_accept_is_raw_for_text_from_job_templates() -> None:
    now = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
    assert accept_spec().argument_spec["accept"]["type"] == "raw"
    text = '[{"id": "a", "reason": "r", "expires": "2026-12-01"}]'
    assert [item.id for item in acceptances({"accept": text}, now)] == ["a"]
    assert acceptances({}, now) == []
    with pytest.raises(InvalidOption, match=r"^accept\[0\]\.expires"):
        acceptances({"accept": [{"id": "a", "reason": "r"}]}, now)
