# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of live control; they are documented in the fragment ``_control``."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.control import Answers, Control, usual_answer
from ansible_collections.dbops.migration.plugins.module_utils._core.control_store import (
    ControlStore,
    default_location,
    open_store,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.environment import env_fallback
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import s3_options

OBEY_NOTHING = "none"
"""The value of ``control`` with which nothing is asked for."""


def control_spec() -> ArgumentSpec:
    """The argument spec of ``control``; the store's options are those of the journal."""
    return ArgumentSpec({"control": {"type": "str", "fallback": (env_fallback, ["DBOPS_MIGRATION_CONTROL"])}})


def window_spec() -> ArgumentSpec:
    """The argument spec of ``cutover_window``; raw, because job templates deliver it as text."""
    return ArgumentSpec({"cutover_window": {"type": "raw"}})


def control_store(params: t.Mapping[str, t.Any]) -> t.Optional[ControlStore]:
    """Where wishes are kept by the options; None for ``control=none``, and where neither it nor a journal is given.

    :raises InvalidOption: a location that is none, or the journal itself; nothing is contacted
    """
    journal = str(params.get("journal") or "").strip()
    given = str(params.get("control") or "").strip()
    if given.lower() == OBEY_NOTHING:
        return None
    if given and journal and _same(given, journal):
        raise InvalidOption("control", f"{given!r} is the journal", "Give another place, or leave it out")
    location = given or default_location(journal)
    if not location:
        return None
    if not given and "://" not in location:
        location = os.path.abspath(os.path.expanduser(location))
    return open_store(location, s3_options(params))


def open_control(
    params: t.Mapping[str, t.Any],
    clock: Clock,
    *,
    entries: t.Iterable[t.Any] = (),
    answers: Answers = usual_answer,
    carried: t.Optional[t.Mapping[str, t.Any]] = None,
) -> Control:
    """The control of the options. ``entries``: the journal's, which tell what was acknowledged before."""
    return Control(control_store(params), clock, answers, entries, carried)


def _same(one: str, other: str) -> bool:
    if "://" in one or "://" in other:
        return one.rstrip("/") == other.rstrip("/")
    return os.path.abspath(os.path.expanduser(one)) == os.path.abspath(os.path.expanduser(other))
