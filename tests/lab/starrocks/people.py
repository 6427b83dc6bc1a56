# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The users that every cluster of the lab has from the start."""

from __future__ import annotations

from lab.starrocks import writers
from lab.starrocks.accounts import SYSTEM, TABLE, USER, Account, Accounts, Grant

USERS = {"root": "", "operator": "operate-42", "tool": "sync-tool-42", "reader": "read-42"}
"""name -> password.

operator: db_admin, but not as a default role, so that it must be activated (before 3.0: as root). tool: db_admin by
default. reader: sees every table and nothing else.
"""


def add_people(accounts: Accounts) -> None:
    """Add them, and the user of the lab's own writing clients."""
    roles = accounts.profile.roles
    main = "db_admin" if roles else "root"
    operator = Account("operator", USERS["operator"], roles={main}, default_roles=set() if roles else {main})
    operator.grants.add(Grant("GRANT", SYSTEM))
    operator.grants.add(Grant("CREATE", USER))
    tool = Account("tool", USERS["tool"], roles={main}, default_roles={main})
    reader = Account("reader", USERS["reader"], grants={Grant("SELECT", TABLE)})
    writer = Account(writers.USER, writers.PASSWORD)
    writer.grants |= {Grant(privilege, TABLE) for privilege in ("SELECT", "INSERT", "DELETE")}
    for account in (operator, tool, reader, writer):
        accounts.users[account.name] = account
