# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback


def test_the_first_variable_with_a_value_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBOPS_SECOND", "two")
    assert env_fallback("DBOPS_FIRST", "DBOPS_SECOND") == "two"
    monkeypatch.setenv("DBOPS_FIRST", "one")
    assert env_fallback("DBOPS_FIRST", "DBOPS_SECOND") == "one"


def test_an_input_that_was_left_empty_in_a_credential_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBOPS_FIRST", "")
    monkeypatch.setenv("DBOPS_SECOND", "two")
    assert env_fallback("DBOPS_FIRST", "DBOPS_SECOND") == "two"
    monkeypatch.setenv("DBOPS_SECOND", "")
    with pytest.raises(AnsibleFallbackNotFound):
        env_fallback("DBOPS_FIRST", "DBOPS_SECOND")
