# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What preflight has seen, in records that hold no more than the findings need."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.comparison_scope import Scope
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_objects import Kind
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.inventory_tables import Native, Table
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.profile import Profile
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sql import like_literal

SOURCE, TARGET = "source", "target"

TAKEN, REFUSED, NO_OPERATE, ENCRYPTED, UNKNOWN = "taken", "refused", "no_operate", "encrypted", "unknown"
"""What became of a login of the sync tool. Not tried, or not to the end: the last two."""
OPERATE_NEEDED = f"ADMIN SHOW FRONTEND CONFIG LIKE {like_literal('query_port')}"
"""A read that takes ``OPERATE ON SYSTEM`` in every version (facts 1.7)."""
SAME_TOKEN, OTHER_TOKEN = "same", "other"
"""Whether the source's token is the one that was given; also ``UNKNOWN``, and "" where it was not looked at."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a frontend said of itself when asked directly, None if not told. ``seconds``: its clock minus ours.

    ``loads_disabled``: its own ``disable_load_job``, which counts as soon as it leads.
    """

    query_port: t.Optional[int] = None
    seconds: t.Optional[float] = None
    loads_disabled: t.Optional[bool] = None


@dataclasses.dataclass(frozen=True)
class Port:
    """A port that must be reachable. ``what``: such as ``FE fe-0 query_port``. ``problem`` "": it is."""

    role: str
    what: str
    address: str
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Health:
    """Sums of ``SHOW PROC '/statistic'``: tablets that lack a copy, that disagree, that are broken."""

    unhealthy: int = 0
    inconsistent: int = 0
    broken: int = 0


@dataclasses.dataclass(frozen=True)
class ClusterView:
    """One cluster. What could not be read is None or absent, with the reason in ``problems`` under the field's name.

    ``given``: the addresses of the options. ``answers`` and ``silent`` (why) by the address on record of each frontend
    that is alive. ``reached_at``: where each was asked. ``config``: only keys that were found.
    ``compared``: the same of ``config_keys.compared_keys``.
    """

    role: str
    cluster_id: str
    version: Version
    profile: Profile
    frontends: t.Tuple[Frontend, ...]
    nodes: t.Tuple[Node, ...]
    given: t.Tuple[str, ...] = ()
    reached_at: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    answers: t.Mapping[str, Answer] = dataclasses.field(default_factory=dict)
    silent: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    config: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    databases: t.Optional[t.Mapping[str, int]] = None
    tables: t.Optional[t.Tuple[Table, ...]] = None
    natives: t.Optional[t.Tuple[Native, ...]] = None
    temporary: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    health: t.Optional[Health] = None
    variables: t.Optional[t.Mapping[str, str]] = None
    compared: t.Optional[t.Mapping[str, str]] = None
    problems: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def subject(self) -> str:
        """How findings call it."""
        return f"{self.role} cluster {self.cluster_id}"


@dataclasses.dataclass(frozen=True)
class Objects:
    """What was found of a kind, sorted. ``problem``: why it could not be looked at, or not everywhere."""

    kind: Kind
    names: t.Tuple[str, ...] = ()
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Details:
    """What only single queries tell of the source's selected tables.

    None, or less than there is, where a question failed: the reason is in ``problems``.

    ``generated``: ``db.table.column``. ``auto_increment`` and ``control_characters`` (``db.table``) and the indexes
    (``db.table.index``) are out of ``SHOW CREATE TABLE``; ``unread``: how many tables were not asked that way.
    ``altering``: ``db.table``.
    """

    partitions: t.Optional[int] = None
    temporary_partitions: t.Optional[t.Tuple[str, ...]] = None
    generated: t.Optional[t.Tuple[str, ...]] = None
    auto_increment: t.Tuple[str, ...] = ()
    control_characters: t.Tuple[str, ...] = ()
    bitmap_indexes: t.Tuple[str, ...] = ()
    other_indexes: t.Tuple[str, ...] = ()
    unread: int = 0
    altering: t.Tuple[str, ...] = ()
    unstable_groups: t.Tuple[str, ...] = ()
    problems: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Written:
    """Tables of the target that hold data which no replication brought, with the number of such partitions.

    None: it could not be told (``reason``).
    """

    tables: t.Optional[t.Mapping[str, int]] = None
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class TriedLogin:
    """A login of the sync tool, and what became of it on a frontend. ``said``: the server's words, or ours.

    ``there``: whether the cluster has such a user; None where that was not asked, or may not be. ``made``: whether a
    user that is not there is made (``create_sync_users``).
    """

    role: str
    user: str
    frontend: str
    state: str
    said: str = ""
    there: t.Optional[bool] = None
    made: bool = False


@dataclasses.dataclass(frozen=True)
class View:
    """All of it. ``properties``: those of the sync tool that were given; the rest is as the tool is shipped.

    ``volume_problems``: what is wrong with the volumes that a shared-data target needs, in sentences.
    ``duration``: how long the migration is expected to take, in seconds. ``switch_tasks_found``: None if not told.
    ``unasked``: how many databases were not asked for what is told database by database. ``logins``: of the sync tool.
    ``token_state``: see ``SAME_TOKEN``; ``token_said``: why it is unknown.
    """

    source: ClusterView
    target: ClusterView
    scope: Scope
    properties: t.Mapping[str, str]
    token_given: bool
    duration: float
    ports: t.Tuple[Port, ...] = ()
    objects: t.Tuple[Objects, ...] = ()
    unasked: int = 0
    details: Details = Details()
    written: Written = Written()
    volume_problems: t.Tuple[str, ...] = ()
    volumes: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    switch_tasks_found: t.Optional[bool] = None
    logins: t.Tuple[TriedLogin, ...] = ()
    token_state: str = ""
    token_said: str = ""

    def selected(self) -> t.Tuple[Table, ...]:
        """The tables and views of the source that the lists take."""
        return tuple(table for table in self.source.tables or () if self.scope.takes(table.database, table.name))

    def selected_natives(self) -> t.Tuple[Native, ...]:
        """The native tables of the source that the lists take."""
        return tuple(table for table in self.source.natives or () if self.scope.takes(table.database, table.name))

    def is_on(self, name: str, shipped: bool = False) -> bool:
        """Whether a switch of the sync tool is on; ``shipped``: as it comes."""
        value = self.properties.get(name)
        return shipped if value is None else value.strip().lower() == "true"
