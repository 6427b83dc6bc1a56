# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.dbops.migration.plugins.module_utils._core.approval import (
    NOT_APPROVED,
    approves,
    plan_hash,
    read_approved,
    require_approved,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError

HASH = plan_hash({"tables": ["a", "b"], "budget": 60.0})


def test_the_hash_is_that_of_the_content() -> None:
    assert plan_hash({"budget": 60.0, "tables": ["a", "b"]}) == HASH
    assert plan_hash({"budget": 61.0, "tables": ["a", "b"]}) != HASH
    assert len(HASH) == 64
    assert plan_hash({"table": "größe"}) == plan_hash({"table": "gr\u00f6\u00dfe"})


@pytest.mark.parametrize("given", [None, "", "  "])
def test_nothing_was_approved_and_nothing_is_compared(given: object) -> None:
    approved = read_approved({"approved_plan_hash": given})
    assert approved == ""
    assert not approves(approved, HASH)
    require_approved(approved, HASH, "2 tables")


@pytest.mark.parametrize("given", [HASH, HASH.upper(), f" {HASH[:12]}\n", HASH[:20]])
def test_what_was_approved_passes(given: str) -> None:
    require_approved(read_approved({"approved_plan_hash": given}), HASH, "2 tables")


@pytest.mark.parametrize("given", ["yes", HASH[:11], HASH + "0", "g" * 64, 7])
def test_what_is_no_hash_is_told(given: object) -> None:
    with pytest.raises(InvalidOption, match=r"^approved_plan_hash: .* is not the hash of a plan\. Give the hash"):
        read_approved({"approved_plan_hash": given})


def test_another_plan_is_refused_in_one_sentence_that_names_both() -> None:
    other = plan_hash({})
    with pytest.raises(MigrationError) as caught:
        require_approved(other[:12], HASH, "2 tables")
    assert caught.value.code == NOT_APPROVED
    assert f"the plan {other[:12]} was approved" in caught.value.message
    assert f"the plan {HASH[:12]} (2 tables), so nothing was done" in caught.value.message
    assert caught.value.details == {"approved": other[:12], "plan_hash": HASH}
