# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether the sync tool will get into both clusters: its logins and the source's token, tried with reads only."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import (
    ENCRYPTED,
    NO_OPERATE,
    OPERATE_NEEDED,
    OTHER_TOKEN,
    REFUSED,
    SAME_TOKEN,
    TAKEN,
    UNKNOWN,
    TriedLogin,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.sync_user import user_exists

_CHECK = "/check"


@dataclasses.dataclass(frozen=True)
class ToolLogin:
    """As whom the tool logs in. ``encrypted``: the password is what a key decrypts."""

    role: str
    user: str
    password: str = dataclasses.field(repr=False)
    encrypted: bool = False


def try_login(cluster: Cluster, login: ToolLogin, to_be_made: bool) -> TriedLogin:
    """One attempt on the leader of its cluster. ``to_be_made``: a user that is not there will be made, so is not tried.

    :raises MigrationError: who leads cannot be told
    """
    leader = cluster.leader()
    there: t.Optional[bool] = None
    if login.encrypted:
        state, said = ENCRYPTED, ""
    else:
        there = _is_there(cluster, login.user) if to_be_made else None
        state, said = (TAKEN, "") if to_be_made and not there else _try(cluster, leader, login)
    if state == REFUSED and there is None:
        there = _is_there(cluster, login.user)
    return TriedLogin(login.role, login.user, leader.address, state, said, there, to_be_made)


def _try(cluster: Cluster, leader: Frontend, login: ToolLogin) -> t.Tuple[str, str]:
    # The modules' own user too: their sessions turn all its roles on, and the tool is not known to do that.
    account = dataclasses.replace(cluster.connection, username=login.user, password=login.password, all_roles=False)
    try:
        with Cluster(account, cluster.redactor, cluster.clock) as session:
            session.query_on(leader, OPERATE_NEEDED, "see what the sync tool's user may do")
    except MigrationError as error:
        state = {"starrocks.login_failed": REFUSED, "starrocks.access_denied": NO_OPERATE}.get(error.code, UNKNOWN)
        return state, error.server_text or error.message
    return TAKEN, ""


def _is_there(cluster: Cluster, name: str) -> t.Optional[bool]:
    """None where that may not be asked: the module that makes users says what it needs."""
    try:
        return user_exists(cluster, name)
    except MigrationError:
        return None


def try_token(cluster: Cluster, token: str) -> t.Tuple[str, str]:
    """Whether the source has this token, and why that cannot be told.

    ``GET /check`` tells it to hosts that are frontends, and nothing else does (facts 4.2). The token stays in here.
    """
    try:
        reply = cluster.http(cluster.leader(), "GET", _CHECK, "compare the token", anonymous=True)
    except MigrationError as error:
        return UNKNOWN, error.message
    told = reply.headers.get("token", "")
    if reply.status != 200 or not told:
        return UNKNOWN, f"{reply.address} tells it to frontends only (GET {_CHECK}: HTTP status {reply.status})"
    return (SAME_TOKEN if told == token else OTHER_TOKEN), ""
