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
_LANES = 4
"""So many questions to one address at once."""
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

    All addresses are asked at the same time, each by a few threads that put one question after another. A thread that
    could not reach its address, or got no answer in time, twice in a row does not ask again, because each question
    would cost that time: the rest of its questions have failed, too.
    """
    addresses = {key: tuple(dict.fromkeys(listed)) for key, listed in questions.items()}
    waiting: dict[str, list[Key]] = {}
    for key, listed in addresses.items():
        for address in listed:
            waiting.setdefault(address, []).append(key)
    lanes = [
        (address, keys[lane::_LANES]) for address, keys in waiting.items() for lane in range(min(_LANES, len(keys)))
    ]
    good: dict[tuple[str, Key], Value] = {}
    failed: dict[tuple[str, Key], MigrationError] = {}
    for answers in each(lanes, lambda lane: _ask_lane(lane[0], lane[1], ask), _MOST_THREADS):
        good.update(answers[0])
        failed.update(answers[1])
    return {
        key: Answers(
            {address: good[address, key] for address in listed if (address, key) in good},
            {address: failed[address, key] for address in listed if (address, key) in failed},
        )
        for key, listed in addresses.items()
    }


def _ask_lane(
    address: str, keys: t.Sequence[Key], ask: t.Callable[[str, Key], Value]
) -> tuple[dict[tuple[str, Key], Value], dict[tuple[str, Key], MigrationError]]:
    """One address, one question after another."""
    good: dict[tuple[str, Key], Value] = {}
    failed: dict[tuple[str, Key], MigrationError] = {}
    silent: list[MigrationError] = []
    for key in keys:
        if len(silent) == _PATIENCE:
            last = silent[-1]
            why = f"It had not answered before, and was not asked: {last.message}"
            failed[address, key] = MigrationError(last.code, why, details=last.details)
            continue
        try:
            good[address, key] = ask(address, key)
            silent = []
        except MigrationError as error:
            failed[address, key] = error
            silent = [*silent, error] if error.code in _SILENT else []
    return good, failed


def each(items: t.Sequence[Item], call: t.Callable[[Item], Value], at_once: int) -> list[Value]:
    """What ``call`` returns for every item, in their order. So many are called at once; what one raises is raised."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=at_once) as pool:
        return list(pool.map(call, items))
