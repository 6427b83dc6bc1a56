# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Asks a meta server whether it knows another cluster, which no request tells that is meant for it.

ADD_DUPLICATION for a table that cannot exist is refused in every case and changes nothing, but the reason tells how far
it came: the server looks at its own name, then at the other's id, then at its addresses, and at the table last. That
order is the same in 2.4, 2.5 and 2.6 (src/meta/duplication/meta_duplication_service.cpp).
"""

from __future__ import annotations

import secrets
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import preflight_view as v

_HINTS = (
    ("adding duplication to itself", v.ITSELF),
    ("get_duplication_cluster_id", v.NO_ID),
    ("failed to find cluster", v.NO_ADDRESS),
)


class _AddsDuplications(t.Protocol):
    def add_duplication(self, name: str, remote: str) -> t.Any:
        """Ask for a duplication."""


def impossible_name(taken: t.Container[str]) -> str:
    """A table name that no table has, and that nobody can give to one.

    No shell or admin tool accepts the question mark in it, and 128 random bits meet no name twice; ``taken``, all names
    that the cluster lists, is looked at all the same.
    """
    while True:
        name = f"preflight?{secrets.token_hex(16)}"
        if name not in taken:
            return name


def probe(meta: _AddsDuplications, asked: str, taken: t.Container[str]) -> v.ProbeAnswer:
    """What the cluster says about the name ``asked``."""
    try:
        meta.add_duplication(impossible_name(taken), asked)
    except MigrationError as error:
        return classify(error)
    return v.ProbeAnswer(v.UNCLEAR, "It accepted a duplication of a table that does not exist.")


def classify(error: MigrationError) -> v.ProbeAnswer:
    """The meaning of the refusal."""
    text = error.server_text or error.message
    for words, outcome in _HINTS:
        # Under whatever error name: nothing says that it is the same one in all versions.
        if words in (error.server_text or ""):
            return v.ProbeAnswer(outcome, text)
    if error.code == "pegasus.app_not_found":
        return v.ProbeAnswer(v.KNOWN, text)
    if error.code == "pegasus.duplication_disabled":
        return v.ProbeAnswer(v.DISABLED, text)
    return v.ProbeAnswer(v.UNCLEAR, text)
