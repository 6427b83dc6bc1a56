# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the access control list of a znode lets a session do that has not authenticated itself. Pure."""

from __future__ import annotations

import typing as t

WRITE = 2
"""The bit of the permission to set a znode's data (org.apache.zookeeper.ZooDefs.Perms)."""
_EVERYBODY = "world"
_ADDRESSES = "ip"
"""A session has these two identities by itself; all others (digest, sasl, x509) come with authentication."""


def may_write(entries: t.Iterable[t.Tuple[int, str]]) -> t.Optional[bool]:
    """From (permissions, scheme) of each entry. None: only some addresses may, and ours as ZooKeeper sees it may be
    one of them."""
    schemes = {scheme for permissions, scheme in entries if permissions & WRITE}
    if _EVERYBODY in schemes:
        return True
    return None if _ADDRESSES in schemes else False
