# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a hook said, and when that stops a phase."""

from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.hooks import HookOutcome


def test_a_hook_that_agrees_stops_nothing() -> None:
    outcome = HookOutcome("before_cutover", "/srv/ask.yml")
    outcome.require_passed()
    assert outcome.as_result() == {
        "edge": "before_cutover",
        "file": "/srv/ask.yml",
        "status": "passed",
        "reason": "",
    }


@pytest.mark.parametrize(
    ("veto", "error", "status", "words"),
    [
        ("in review", "", "vetoed", "said no: in review"),
        ("", "no answer", "failed", "failed, which counts as a veto: no answer"),
        ("in review", "no answer", "failed", "failed, which counts as a veto: no answer"),
    ],
)
def test_one_that_objects_or_fails_does(veto: str, error: str, status: str, words: str) -> None:
    outcome = HookOutcome("before_cutover", "/srv/ask.yml", veto, error)
    assert outcome.as_result()["status"] == status
    with pytest.raises(MigrationError) as caught:
        outcome.require_passed()
    assert caught.value.code == f"hook.{status}"
    assert caught.value.message == f"The hook before_cutover (/srv/ask.yml) {words}"
