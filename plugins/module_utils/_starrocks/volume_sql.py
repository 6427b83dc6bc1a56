# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The statements about storage volumes, each as it is sent and as it may be shown."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import quote_identifier, quote_string
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Wanted
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_properties import is_secret

LIST = "SHOW STORAGE VOLUMES"


@dataclasses.dataclass(frozen=True)
class Statement:
    """``sql`` goes to the server only; ``shown`` is the same with its secrets masked."""

    sql: str = dataclasses.field(repr=False)
    shown: str


def describe(name: str) -> str:
    """Its definition, one row."""
    return f"DESC STORAGE VOLUME {quote_identifier(name)}"


def create(wanted: Wanted) -> Statement:
    """Without IF NOT EXISTS, which would take any volume of the name for ours."""
    head = f"CREATE STORAGE VOLUME {quote_identifier(wanted.name)} TYPE = {wanted.type} LOCATIONS = "
    head += "(" + ", ".join(quote_string(location) for location in wanted.locations) + ")"
    if wanted.comment:
        head += f" COMMENT {quote_string(wanted.comment)}"
    return _both(lambda hide: f"{head} PROPERTIES ({_pairs(wanted.all_properties(), hide)})")


def alter(name: str, properties: t.Mapping[str, str], comment: t.Optional[str] = None) -> Statement:
    """Only what is given is changed; at least one of the two must be."""

    def statement(hide: bool) -> str:
        clauses = [f"SET ({_pairs(properties, hide)})"] if properties else []
        if comment is not None:
            clauses.append(f"COMMENT = {quote_string(comment)}")
        return f"ALTER STORAGE VOLUME {quote_identifier(name)} " + ", ".join(clauses)

    return _both(statement)


def drop(name: str) -> Statement:
    """Without IF EXISTS: that it is there was seen."""
    return _both(lambda hide: f"DROP STORAGE VOLUME {quote_identifier(name)}")


def set_default(name: str) -> Statement:
    """Make it the volume of databases and tables that name none."""
    return _both(lambda hide: f"SET {quote_identifier(name)} AS DEFAULT STORAGE VOLUME")


def _both(statement: t.Callable[[bool], str]) -> Statement:
    return Statement(statement(False), statement(True))


def _pairs(properties: t.Mapping[str, str], hide: bool) -> str:
    return ", ".join(
        f"{quote_string(key)} = {quote_string(MASK if hide and is_secret(key) else value)}"
        for key, value in properties.items()
    )
