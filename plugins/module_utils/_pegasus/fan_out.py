# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Questions to many servers at once. One that does not answer costs nobody else anything."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.model import Answers

Item = t.TypeVar("Item")
Key = t.TypeVar("Key", bound=t.Hashable)
Value = t.TypeVar("Value")

_MOST_THREADS = 128
_SILENT = ("pegasus.unreachable", "pegasus.timeout")
_PATIENCE = 2
"""So many times in a row; a single connection can break by chance."""


def fan_out(addresses: t.Iterable[str], ask: t.Callable[[str], Value]) -> Answers[Value]:
    """Call ``ask`` with every address in a thread of its own; it must end by itself, and may raise MigrationError."""
    names = list(dict.fromkeys(addresses))
    if not names:
        return Answers({}, {})
    good: dict[str, Value] = {}
    failed: dict[str, MigrationError] = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=min(len(names), _MOST_THREADS)) as pool:
        futures = {name: pool.submit(ask, name) for name in names}
        for name, future in futures.items():
            try:
                good[name] = future.result()
            except MigrationError as error:
                failed[name] = error
    return Answers(good, failed)


def ask_in_turn(
    questions: t.Mapping[Key, t.Iterable[str]], ask: t.Callable[[str, Key], Value]
) -> dict[Key, Answers[Value]]:
    """Many questions at once, each to its own addresses; ``ask`` may raise MigrationError.

    Every address has a thread of its own, which asks it one question after another. One that could not be reached, or
    did not answer in time, twice in a row is not asked again, because each question would cost that time: its others
    have failed, too.
    """
    addresses = {key: tuple(dict.fromkeys(listed)) for key, listed in questions.items()}
    waiting: dict[str, list[Key]] = {}
    for key, listed in addresses.items():
        for address in listed:
            waiting.setdefault(address, []).append(key)

    def ask_all(address: str) -> tuple[dict[Key, Value], dict[Key, MigrationError]]:
        good: dict[Key, Value] = {}
        failed: dict[Key, MigrationError] = {}
        silent: list[MigrationError] = []
        for key in waiting[address]:
            if len(silent) == _PATIENCE:
                last = silent[-1]
                why = f"It had not answered before, and was not asked: {last.message}"
                failed[key] = MigrationError(last.code, why, details=last.details)
                continue
            try:
                good[key] = ask(address, key)
                silent = []
            except MigrationError as error:
                failed[key] = error
                silent = [*silent, error] if error.code in _SILENT else []
        return good, failed

    told = fan_out(waiting, ask_all).good
    return {
        key: Answers(
            {address: told[address][0][key] for address in listed if key in told[address][0]},
            {address: told[address][1][key] for address in listed if key in told[address][1]},
        )
        for key, listed in addresses.items()
    }


def each(items: t.Sequence[Item], call: t.Callable[[Item], Value], at_once: int) -> list[Value]:
    """What ``call`` returns for every item, in their order. So many are called at once; what one raises is raised."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=at_once) as pool:
        return list(pool.map(call, items))
