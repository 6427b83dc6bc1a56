# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Whether values are to be written to fe.conf too, and why not: decided before anything is sent.

``WITH PERSISTENT`` (from 3.5 on) is refused where fe.conf is not writable or ``/.dockerenv`` exists (facts 1.6). No
statement tells either of it beforehand. So what is known otherwise is used: names that only Kubernetes gives, where
fe.conf is a ConfigMap, and an earlier refusal. Where neither is known, the answer to the first statement tells.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._starrocks.kubernetes_names import is_kubernetes_name
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend


@dataclasses.dataclass(frozen=True)
class Persisting:
    """``tried``: whether WITH PERSISTENT is sent. ``code`` and ``reason``: why not, "" where it is.

    ``or_memory``: a refusal is followed by the statement without it, and is no failure.
    """

    tried: bool
    code: str = ""
    reason: str = ""
    or_memory: bool = False

    def as_result(self) -> t.Dict[str, t.Any]:
        """What the module's result shows."""
        return {"tried": self.tried, "code": self.code, "reason": self.reason}


REFUSED = Persisting(
    False,
    "refused",
    "The frontends have refused to write fe.conf: they run in containers, or may not write the file.",
)


def decide_persisting(
    wish: str, with_persistent: bool, version: str, frontends: t.Iterable[Frontend], refused: bool
) -> Persisting:
    """What comes of the option ``persistent``.

    :param with_persistent: whether the version has it
    :param frontends: all of the cluster; one pod among them is enough, as the leader writes for all
    :param refused: whether the journal remembers that this cluster cannot
    """
    if wish == "never":
        return Persisting(False, "not_wanted", "The option persistent says never.")
    if not with_persistent:
        return Persisting(False, "version", f"StarRocks {version} has no WITH PERSISTENT, which came with 3.5.0.")
    if wish == "always":
        return Persisting(True)
    if refused:
        return REFUSED
    pods = [frontend.host for frontend in frontends if is_kubernetes_name(frontend.host)]
    if pods:
        reason = f"{pods[0]} is a name that Kubernetes gives, and fe.conf is a ConfigMap there, which nobody writes to."
        return Persisting(False, "kubernetes", reason)
    return Persisting(True, or_memory=True)


def memory_only(keys: str, refusal: str) -> str:
    """The warning about configs that a restart forgets. ``refusal``: the server's words, "" where it was not asked."""
    told = f" could not be written to fe.conf ({refusal}); it is set in memory" if refusal else " is set in memory only"
    return (
        f"{keys}{told}, and a frontend that restarts forgets it. Run this again then, or add it to the ConfigMap in "
        "which fe.conf is."
    )
