# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What is said of frontends and nodes that are down while settings are changed: they come back with their files'."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend, Node

_DOWN = "down by the cluster's own account, and"


def dead_frontends(dead: t.Sequence[Frontend], rest: str) -> MigrationError:
    """``rest``: what was done with the others."""
    names = [one.address for one in dead]
    message = _refusal(names, "dead_frontends", rest)
    return MigrationError("starrocks.frontend_unreachable", message, details={"frontends": names})


def dead_nodes(dead: t.Sequence[Node], rest: str) -> MigrationError:
    """``rest``: what was done with the others."""
    names = [one.address for one in dead]
    return MigrationError("starrocks.node_unreachable", _refusal(names, "dead_nodes", rest), details={"nodes": names})


def left_out(dead: t.Sequence[t.Union[Frontend, Node]], keys: t.Iterable[str]) -> str:
    """The warning about those that are skipped, while the others are given these settings."""
    return (
        f"{', '.join(one.address for one in dead)} is {_DOWN} was left out: it comes back without these settings "
        f"({', '.join(keys)}). Run this again when it is back."
    )


def _refusal(names: t.Sequence[str], option: str, rest: str) -> str:
    return (
        f"{', '.join(names)} is {_DOWN} would come back without these settings; {rest}. Start it "
        f"or drop it from the cluster, or set {option}: skip and run this again when it is back."
    )
