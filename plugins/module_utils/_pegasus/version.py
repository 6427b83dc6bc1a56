# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Which version a server runs, by the first of several signs that it gives (facts 7)."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.versions import Version
from ansible_collections.dbops.migration.plugins.module_utils._pegasus import messages
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.errors import HANDLER_NOT_FOUND, OK
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.http_wire import http_get
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.meta_leader import MetaLeader
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.options import ConnectionSettings

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:-[0-9A-Za-z][0-9A-Za-z.-]*)?")


def parse_version(text: str) -> Version | None:
    """The version in what a server says of itself: ``2.5.0``, ``Pegasus Server 2.4.0 (0123abc) Release``, or JSON."""
    try:
        document = json.loads(text)
    except ValueError:
        document = text
    if isinstance(document, dict):
        document = next((document[key] for key in ("Version", "version") if key in document), "")
    match = _VERSION.search(str(document))
    return Version.parse(match.group(0)) if match else None


def discover(leader: MetaLeader, settings: ConnectionSettings) -> Version:
    """The version of the primary meta server, which must be known already.

    ``/version``, else the remote command ``server-info``, else the requests that it knows: those give no more than the
    oldest version of a line.

    :raises MigrationError: ``pegasus.version_unknown``, ``pegasus.version_too_old``
    """
    for told in (_by_http, _by_command, _by_requests):
        version = told(leader, settings)
        if version is not None:
            return version
    raise MigrationError(
        "pegasus.version_unknown",
        f"The primary meta server {leader.primary} tells its version neither over HTTP (/version) nor by the remote "
        "command server-info.",
    )


def _by_http(leader: MetaLeader, settings: ConnectionSettings) -> Version | None:
    try:
        reply = http_get(leader.primary, "/version", {}, settings, leader.clock, "ask for the version")
    except MigrationError:
        return None
    return parse_version(reply.text) if reply.status == 200 else None


def _by_command(leader: MetaLeader, settings: ConnectionSettings) -> Version | None:
    reply = leader.ask(messages.COMMAND, {"cmd": "server-info", "arguments": []}, "ask for the version")
    return parse_version(reply.value) if reply.err == OK and isinstance(reply.value, str) else None


def _by_requests(leader: MetaLeader, settings: ConnectionSettings) -> Version | None:
    probes: t.Sequence[tuple[messages.Rpc, dict[str, t.Any], Version]] = (
        (messages.LIST_DUPLICATION, {"app_name_pattern": "", "match_type": messages.MATCH_ALL}, Version(2, 6)),
        (messages.GET_MAX_REPLICA_COUNT, {"app_name": ""}, Version(2, 4)),
    )
    for rpc, fields, version in probes:
        if leader.ask(rpc, fields, "ask for the version").err != HANDLER_NOT_FOUND:
            return version
    return None
