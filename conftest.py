# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets plain pytest import the collection from any checkout, and spreads the tests over the workers.

ansible-test, which has its own ways, finds this file too: in a real collection folder nothing is linked or spread.
"""

from __future__ import annotations

import os
import pathlib
import typing as t
from collections import Counter

import pytest

ROOT = pathlib.Path(__file__).resolve().parent
IN_COLLECTION_FOLDER = ROOT.parent.parent.name == "ansible_collections"


def _set_up_hypothesis() -> None:
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        return
    # A busy machine is no failure. Under ansible-test the question is whether the code runs on that Python, so fewer
    # examples do; the plain run tries hypothesis's own number.
    settings.register_profile(
        "dbops",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        max_examples=15 if IN_COLLECTION_FOLDER else 100,
    )
    settings.load_profile("dbops")


def _link_collection() -> None:
    link = ROOT / "build" / "collections" / "ansible_collections" / "dbops" / "migration"
    link.parent.mkdir(parents=True, exist_ok=True)
    try:
        link.symlink_to(ROOT)
    except FileExistsError:
        pass


def _skip_thorough(items: t.Sequence[pytest.Item]) -> None:
    """What takes long and says little more than a shorter test runs in `make test-all` only."""
    skip = pytest.mark.skip(reason="Thorough tests are run by `make test-all`.")
    for item in items:
        if item.get_closest_marker("thorough"):
            item.add_marker(skip)


def _cost(item: pytest.Item) -> float:
    marker = item.get_closest_marker("cost")
    return float(marker.args[0]) if marker else 0.0


def _spread(items: t.List[pytest.Item]) -> None:
    """Longest first; without a cost, the tests of one file stay on one worker and share its fixtures."""
    items.sort(key=_cost, reverse=True)
    for item in items:
        if item.get_closest_marker("serial"):
            item.add_marker(pytest.mark.xdist_group("serial"))
        elif not _cost(item) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(ROOT))))


def pytest_configure(config: pytest.Config) -> None:
    """ansible-test does not read pytest.ini, so the mark that unit tests carry is told here.

    It also forks for every single test, which takes longer than the tests do. `make unit` shows that they need no
    process of their own.
    """
    if IN_COLLECTION_FOLDER:
        config.addinivalue_line("markers", "thorough: only in `make test-all`")
        forks = config.pluginmanager.get_plugin("ansible_forked")
        if forks:
            config.pluginmanager.unregister(forks)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: t.List[pytest.Item]) -> None:
    """What runs, and in which order."""
    if not os.environ.get("DBOPS_TEST_ALL"):
        _skip_thorough(items)
    if not IN_COLLECTION_FOLDER:
        _spread(items)


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """Skipped tests by reason, not one by one: the last lines are for what failed."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()))
    for reason, count in reasons.most_common():
        terminalreporter.write_line("%5d skipped: %s" % (count, reason.replace("Skipped: ", "", 1)))


_set_up_hypothesis()
if not IN_COLLECTION_FOLDER:
    _link_collection()
