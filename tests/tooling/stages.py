# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environments in which the stages run: which requirements, which Python, which HOME."""

from __future__ import annotations

import dataclasses
import pathlib
import sys
import typing as t

from tooling import process, tree, venvs

OWN: t.Tuple[int, int] = (sys.version_info[0], sys.version_info[1])


@dataclasses.dataclass(frozen=True)
class Stage:
    """A copy of the tree and the tools to judge it with."""

    name: str
    tree: tree.Tree
    bins: pathlib.Path
    env: t.Mapping[str, str]

    def run(
        self,
        *argv: str,
        timeout: float = 300,
        check: bool = True,
        cwd: pathlib.Path | None = None,
        log: str = "",
        extra: t.Mapping[str, str] | None = None,
    ) -> process.Done:
        """Run a tool of this stage's environment, in the collection's folder unless `cwd` says otherwise."""
        __tracebackhide__ = True
        return process.run(
            [self.bins / argv[0], *argv[1:]],
            log=log or self.name,
            cwd=cwd or self.tree.path,
            env={**self.env, **(extra or {})},
            timeout=timeout,
            check=check,
        )


def prepare(name: str, requirements: str | None = None) -> Stage:
    """A stage on requirements/<requirements>.txt, or on the tools of .venv itself when that is None."""
    bins = venvs.ensure(requirements, OWN) if requirements else pathlib.Path(sys.executable).parent
    laid = tree.lay(name)
    env = process.environment(name, bins=[bins], extra={"ANSIBLE_COLLECTIONS_PATH": str(laid.root)})
    return Stage(name, laid, bins, env)
