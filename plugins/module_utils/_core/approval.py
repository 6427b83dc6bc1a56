# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Binds an approval to the plan that was looked at: a later phase carries out that plan, or nothing."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError

OPTION = "approved_plan_hash"
NOT_APPROVED = "plan.not_approved"
LEAST = 12
"""So many characters of a hash are enough: nobody finds another plan that begins with the same 48 bits by chance."""

_HASH = re.compile(r"[0-9a-f]{12,64}")


def plan_hash(plan: t.Mapping[str, t.Any]) -> str:
    """SHA-256 over the canonical JSON of a plan, 64 characters.

    A plan holds what a run does and nothing that changes by itself, such as sizes or times of the day, so that the same
    wishes on the same clusters have the same hash on every day and on every runner.
    """
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_approved(params: t.Mapping[str, t.Any]) -> str:
    """The hash in the option ``approved_plan_hash``, "" when none is given.

    :raises InvalidOption: it is not the hash of a plan
    """
    given = str(params.get(OPTION) or "").strip().lower()
    if given and not _HASH.fullmatch(given):
        raise InvalidOption(
            OPTION,
            f"{given!r} is not the hash of a plan",
            f"Give the hash that the phase before has shown, or at least its first {LEAST} characters",
        )
    return given


def approves(approved: str, actual: str) -> bool:
    """Whether the hash that was approved, whole or shortened, is that of the plan."""
    return bool(approved) and actual.startswith(approved)


def require_approved(approved: str, actual: str, plan: str) -> None:
    """Refuse a plan that is not the one that was approved. Without an approval (``""``) everything passes.

    :param plan: the plan in a few words, such as ``12 moves away from datanode 3``
    :raises MigrationError: ``plan.not_approved``
    """
    if not approved or approves(approved, actual):
        return
    raise MigrationError(
        NOT_APPROVED,
        f"{OPTION}: the plan {approved[:LEAST]} was approved, but this run would carry out the plan {actual[:LEAST]}"
        f" ({plan}), so nothing was done. Give every phase the same options, or look at this plan and approve it.",
        details={"approved": approved, "plan_hash": actual},
    )
