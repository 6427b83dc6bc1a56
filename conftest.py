# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets plain pytest import the collection from any checkout, and spreads the tests over the workers.

ansible-test, which has its own ways, finds this file too: in a real collection folder it does nothing.
"""

from __future__ import annotations

import pathlib
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parent
IN_COLLECTION_FOLDER = ROOT.parent.parent.name == "ansible_collections"


def _link_collection() -> None:
    link = ROOT / "build" / "collections" / "ansible_collections" / "dbops" / "migration"
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        link.symlink_to(ROOT)
    except FileExistsError:
        pass


def _cost(item: pytest.Item) -> float:
    marker = item.get_closest_marker("cost")
    return float(marker.args[0]) if marker else 0.0


if not IN_COLLECTION_FOLDER:
    _link_collection()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(items: t.List[pytest.Item]) -> None:
        """Longest first; without a cost, the tests of one file stay on one worker and share its fixtures."""
        items.sort(key=_cost, reverse=True)
        for item in items:
            if not _cost(item) and item.get_closest_marker("xdist_group") is None:
                item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(ROOT))))
