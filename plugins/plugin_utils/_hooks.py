# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This plugin_util is private: it may change in any release.
"""Which task files of the operator belong to a phase of a migration.

A hook is a file with tasks on the controller, run at an edge of a phase: before it, after it, or when a phase failed.
All mistakes of all hooks are told at once, at the first edge, so that none comes to light in the middle of a migration.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems

PHASES = ("preflight", "plan", "migrate", "cutover", "restore", "rollback")
"""The phases that any engine has. A rehearsal is none: it touches nothing of what the migration is about."""

FAILED = "failed"
"""The hook that is run when a phase has failed, whichever it is."""


class Hooks(t.NamedTuple):
    """The absolute paths of the files for one phase; "" where there is none."""

    before: str
    after: str
    failed: str


def edges_of(phases: t.Iterable[str]) -> t.Tuple[str, ...]:
    """The edges of these phases, by the names that hooks are given under."""
    return tuple(f"{when}_{phase}" for phase in phases for when in ("before", "after")) + (FAILED,)


def hooks_of(
    given: t.Any,
    option: str,
    phase: str,
    phases: t.Sequence[str] = PHASES,
    is_file: t.Callable[[str], bool] = os.path.isfile,
) -> Hooks:
    """The hooks of ``phase`` out of a mapping from edges to paths, or JSON text of one.

    Raises InvalidInput for edges of other phases than ``phases``, because nobody would ever run those hooks, and for
    paths that are not absolute or are no file.
    """
    files = {edge: str(path or "").strip() for edge, path in as_mapping(given, option).items()}
    edges = edges_of(phases)
    problems = [problem for edge, path in files.items() for problem in _problems(option, edges, edge, path, is_file)]
    raise_problems(problems)
    return Hooks(files.get(f"before_{phase}", ""), files.get(f"after_{phase}", ""), files.get(FAILED, ""))


def _problems(
    option: str, edges: t.Sequence[str], edge: str, path: str, is_file: t.Callable[[str], bool]
) -> t.Iterator[InvalidOption]:
    if edge not in edges:
        yield InvalidOption(option, f"there is no edge {edge!r}", f"Take one of these: {', '.join(edges)}")
    elif path and not os.path.isabs(path):
        yield InvalidOption(f"{option}.{edge}", f"{path!r} is not absolute", "Give the whole path, on the controller")
    elif path and not is_file(path):
        yield InvalidOption(
            f"{option}.{edge}", f"{path} is no file on the controller", "Give a file with tasks, or leave the edge out"
        )
