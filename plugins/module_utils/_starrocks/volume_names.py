# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""How storage volumes are called: those that mirror the source's, and all of them in the journal."""

from __future__ import annotations

MIRROR_PREFIX = "src_"
"""With it and the source's name for a volume, the sync tool finds what mirrors it."""


def resource(cluster_id: str, name: str) -> str:
    """A volume's name in the journal."""
    return f"starrocks:{cluster_id}/storage_volume/{name}"


def default_resource(cluster_id: str) -> str:
    """The journal's name for which volume is the default one."""
    return f"starrocks:{cluster_id}/default_storage_volume"
