# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""A frontend of GreptimeDB over the MySQL protocol."""

from __future__ import annotations

import re

from ansible_collections.dbops.migration.plugins.module_utils._core.mysql import MysqlLogin, MysqlTransport
from ansible_collections.dbops.migration.plugins.module_utils._core.transport import ServerError
from ansible_collections.dbops.migration.plugins.module_utils._greptimedb.options import Connection

_STATUS = re.compile(r"\((\w+)\): ")
# Without a user the driver would send the name of the account that runs Ansible; servers without users take any.
_ANY_USER = "greptime"


class FrontendTransport(MysqlTransport):
    """One frontend. GreptimeDB has no transactions, so its autocommit is left alone."""

    def __init__(self, connection: Connection) -> None:
        if connection.frontend is None:
            raise ValueError("no frontend")
        super().__init__(
            MysqlLogin(
                server=connection.frontend,
                username=connection.username or _ANY_USER,
                password=connection.password or "",
                database=connection.database,
                tls=connection.tls,
                connect_timeout=connection.connect_timeout,
                read_timeout=connection.read_timeout,
                needed="for transport=mysql; transport=http needs no library",
            )
        )

    def _refused(self, errno: int, text: str) -> ServerError:
        """GreptimeDB's status code stands before the text from 0.9.0 on."""
        match = _STATUS.match(text)
        return ServerError(text, errno=errno, status=match.group(1) if match else None)
