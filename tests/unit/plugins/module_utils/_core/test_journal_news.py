# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a finding or a proof is news."""

from __future__ import annotations

import types
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import already_told

PROOF = ("proof", {"kind": "k", "passed": True, "items": [{"subject": "region 7"}]})


def entries(*records: t.Tuple[str, t.Mapping[str, t.Any]]) -> t.List[t.Any]:
    return [types.SimpleNamespace(kind=kind, data=dict(data)) for kind, data in records]


def test_what_the_journal_says_already_is_no_news() -> None:
    assert already_told(entries(PROOF, ("run.finished", {"status": "ok"})), [PROOF])


def test_another_outcome_is_news() -> None:
    other = ("proof", {**PROOF[1], "passed": False})
    assert not already_told(entries(PROOF), [other])
    assert not already_told(entries(PROOF), [PROOF, other])


def test_after_a_change_the_same_proof_is_news_again() -> None:
    assert not already_told(entries(PROOF, ("change.outcome", {"id": "c1", "status": "done"})), [PROOF])


def test_an_empty_journal_has_told_nothing() -> None:
    assert not already_told([], [PROOF])
