# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Sending one request to the nodes: written down before, read back by node id after, sent again to those left out."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_plan import (
    NodeCall,
    NodeStep,
    NodeTarget,
    call_for,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.backend_config_read import read_nodes
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import context_of
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import NO_REPLY


@dataclasses.dataclass
class NodesSent:
    """The requests that were really sent, and the changes that were read back."""

    calls: t.List[t.Dict[str, t.Any]] = dataclasses.field(default_factory=list)
    done: t.List[Change] = dataclasses.field(default_factory=list)


class NodeSender:
    """Sends the requests of one module call."""

    def __init__(self, cluster: Cluster, journal: t.Optional[Journal], sent: NodesSent, by_sql: bool) -> None:
        self._cluster = cluster
        self._journal = journal
        self._sent = sent
        self._by_sql = by_sql

    def send(self, call: NodeCall, step: NodeStep) -> None:
        """Carry one request out, and see to it that all its nodes hold the value.

        An UPDATE can fail on one node after others have taken it, so what counts is what they say afterwards.

        :raises MigrationError: the server's own refusal, ``starrocks.setting_contested``, ``setting_not_kept``, or
            ``no_reply`` when no answer came to what is not seen in place
        """
        by_resource = {target.resource: target for target in step.targets}
        targets = [by_resource[change.resource] for change in call.changes]
        contexts = [context_of(target.kind, step.action) for target in targets]
        ids = self._journal.intents(call.changes, contexts) if self._journal is not None else []
        refused: t.Optional[MigrationError] = None
        try:
            self._request(call)
        except MigrationError as error:
            refused = error
        found: t.Dict[str, t.Optional[str]] = {}
        try:
            found = self._look(call.key, targets)
            left = self._left(call.key, targets, found)
            if left and refused is not None and refused.code != NO_REPLY:
                raise refused
            if left:
                problem = self._tell_again(call, left)
                found = {}  # What was seen before these requests tells nothing of them.
                found = self._look(call.key, targets)
                left = self._left(call.key, targets, found)
                if left:
                    raise problem or _not_kept(call.key, left)
        except MigrationError as error:
            self._conclude(ids, call, targets, found, error, refused)
            raise
        self._conclude(ids, call, targets, found, None, refused)

    def _tell_again(self, call: NodeCall, left: t.Sequence[NodeTarget]) -> t.Optional[MigrationError]:
        """Tell each of these by itself, until one refuses; the refusal, or else the last lost reply."""
        problem: t.Optional[MigrationError] = None
        for target in left:
            try:
                self._request(call_for(target.node, call.key, target.wanted, self._by_sql))
            except MigrationError as error:
                problem = error
                if error.code != NO_REPLY:
                    break
        return problem

    def _request(self, call: NodeCall) -> None:
        self._sent.calls.append(call.request)
        doing = f"set the config {call.key}"
        if call.node is None or not call.path:
            self._cluster.execute(call.sql, doing)
            return
        reply = self._cluster.http(call.node, "POST", call.path, doing, mutating=True)
        document = reply.verdict(doing, lambda found: bool(found.get("status")))
        if str(document.get("status")).upper() != "OK":
            raise MigrationError(
                "starrocks.config_unknown",
                f"Could not {doing} on {call.node.address}: the node does not take it.",
                server_text=reply.text[:200],
                details={"node": call.node.address},
            )

    def _look(self, key: str, targets: t.Sequence[NodeTarget]) -> t.Dict[str, t.Optional[str]]:
        table = read_nodes(self._cluster, [target.node for target in targets], [key])
        rows = {target.resource: table[target.node][key] for target in targets}
        return {name: None if row is None else row.value for name, row in rows.items()}

    def _left(
        self, key: str, targets: t.Sequence[NodeTarget], found: t.Mapping[str, t.Optional[str]]
    ) -> t.List[NodeTarget]:
        left = [target for target in targets if not target.holds(found[target.resource])]
        for target in left:
            now = found[target.resource]
            if now is not None and canonical(now, target.kind) != canonical(target.now, target.kind):
                raise MigrationError(
                    "starrocks.setting_contested",
                    f"{key} on {target.node.address} was changed by somebody else in the same moment: "
                    f"{target.wanted!r} was set, and {now!r} is there now. It is left as it is; agree on who sets it, "
                    "and run again.",
                    details={"node": target.node.address, "key": key},
                )
        return left

    def _conclude(
        self,
        ids: t.Sequence[str],
        call: NodeCall,
        targets: t.Sequence[NodeTarget],
        found: t.Mapping[str, t.Optional[str]],
        error: t.Optional[MigrationError],
        refused: t.Optional[MigrationError],
    ) -> None:
        """Write how each node's change ended, and remember those that were read back.

        A node is only told as refused when no node has taken the request, and its reply (``refused``) was not lost:
        else the old value may still change, and nobody would put the former one back.
        """
        taken = (
            refused is None or refused.code == NO_REPLY or any(one.holds(found.get(one.resource)) for one in targets)
        )
        outcomes: t.List[t.Tuple[str, str, t.Dict[str, t.Any]]] = []
        for index, target in enumerate(targets):
            now = found.get(target.resource)
            status = "done" if target.holds(now) else "unknown" if taken or now is None else "failed"
            data: t.Dict[str, t.Any] = {"evidence": {"read_back": now}}
            if error is not None and status != "done":
                data.update(code=error.code, server_text=error.server_text or "")
            if ids:
                outcomes.append((ids[index], status, data))
            if status == "done":
                self._sent.done.append(call.changes[index])
        if self._journal is not None:
            self._journal.outcomes(outcomes)


def _not_kept(key: str, left: t.Sequence[NodeTarget]) -> MigrationError:
    names = ", ".join(target.node.address for target in left)
    return MigrationError(
        "starrocks.setting_not_kept",
        f"{key} was set on {names}, and the old value was read back, twice. Look at the node's log.",
        details={"nodes": [target.node.address for target in left], "key": key},
    )
