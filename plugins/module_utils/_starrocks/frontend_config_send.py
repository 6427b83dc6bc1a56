# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""Sending one planned request: written down before, read back on every frontend after, stragglers told by themselves.

A statement can be applied in part: frontends that were not reached keep the old value (5076, 5101), those on the
executing one's host are never told, and a reply can be lost after all was done. The reply decides nothing here; what
every frontend says afterwards does.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.changes import Change
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.journal import Journal
from ansible_collections.dbops.migration.plugins.module_utils._core.recorded import RESTORE
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_past import context_of
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_values import canonical
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.errors import CONFIG_PARTIAL, NO_REPLY
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_plan import (
    HTTP,
    SQL,
    ConfigCall,
    Target,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.frontend_config_read import (
    read_config,
    unread,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.model import Frontend

_GO_ON = (CONFIG_PARTIAL, NO_REPLY)


@dataclasses.dataclass
class Sent:
    """What became of a request: the requests that were really sent, and what a person should know."""

    calls: t.List[t.Dict[str, t.Any]] = dataclasses.field(default_factory=list)
    done: t.List[Change] = dataclasses.field(default_factory=list)
    warnings: t.List[str] = dataclasses.field(default_factory=list)


class Sender:
    """Sends the requests of one module call."""

    def __init__(self, cluster: Cluster, journal: t.Optional[Journal], sent: Sent) -> None:
        self._cluster = cluster
        self._journal = journal
        self._sent = sent

    def send(self, call: ConfigCall, targets: t.Sequence[Target]) -> None:
        """Carry one request out, and see to it that all its frontends hold the value.

        :raises MigrationError: the server's own refusal (nothing was changed), ``starrocks.config_partial`` (some
            frontends could not be told, by no way), ``starrocks.setting_contested`` or ``frontend_unreachable``
        """
        mine = {target.resource: target for target in targets if target.frontend in call.reached}
        changed = [(change, mine[change.resource]) for change in call.changes]
        contexts = [context_of(target.kind, change.action, persistent=call.persistent) for change, target in changed]
        ids = self._journal.intents(call.changes, contexts) if self._journal is not None else []
        evidence: t.Dict[str, t.Any] = {}
        answer = self._ask(call)
        open_end = answer is not None and answer.code == NO_REPLY
        if open_end and call.persistent:
            # What is read back says nothing of fe.conf, and the same statement does no harm twice.
            answer = self._ask(call)
        if answer is not None:
            told = {"code": answer.code, "server_text": answer.server_text or ""}
            if answer.code not in _GO_ON:
                self._conclude(ids, "unknown" if open_end else "failed", told)
                raise answer
            evidence.update(told)
            self._warn_unpersisted(call, answer)
        try:
            self._settle(call, [target for _change, target in changed], evidence)
            if answer is not None and answer.code == NO_REPLY and call.persistent:
                self._tell_unproved(call, answer)
        except MigrationError as error:
            self._conclude(ids, "unknown", {"code": error.code, "evidence": evidence})
            read: t.Dict[str, str] = evidence.get("read_back", {})
            self._sent.done += [
                change for change, target in changed if _holds(target, read.get(target.frontend.address))
            ]
            raise
        self._conclude(ids, "done", {"evidence": evidence})
        self._sent.done.extend(call.changes)

    def _conclude(self, ids: t.Sequence[str], status: str, data: t.Mapping[str, t.Any]) -> None:
        if self._journal is not None:
            self._journal.outcomes((change_id, status, data) for change_id in ids)

    def _ask(self, call: ConfigCall) -> t.Optional[MigrationError]:
        """None, or what it was answered with that is not success."""
        try:
            self._request(call)
        except MigrationError as error:
            return error
        return None

    def _request(self, call: ConfigCall) -> None:
        self._sent.calls.append(call.request)
        doing = f"set the config {call.key}"
        if call.via == SQL:
            self._cluster.execute_on(call.frontend, call.statement, doing)
        else:
            set_over_http(self._cluster, call.frontend, call.key, call.path, doing)

    def _settle(self, call: ConfigCall, targets: t.Sequence[Target], evidence: t.Dict[str, t.Any]) -> None:
        """Read every frontend back; tell those that hold the old value once more, each by itself."""
        found = self._look(call, targets, evidence)
        left = self._left(call, targets, found)
        if not left:
            return
        evidence["told_again"] = [target.frontend.address for target in left]
        errors: t.Dict[Frontend, MigrationError] = {}
        for target in left:
            try:
                self._request(self._alone(call, target.frontend))
            except MigrationError as error:
                if error.code != CONFIG_PARTIAL:
                    errors[target.frontend] = error
        found = self._look(call, targets, evidence)
        left = self._left(call, targets, found)
        if left:
            raise self._partial(call, left, errors)

    def _alone(self, call: ConfigCall, frontend: Frontend) -> ConfigCall:
        """The request that changes this frontend for certain: by its own query port where it carries SET out itself."""
        via = SQL if self._cluster.profile.set_runs_on == "connected" and call.via == SQL else HTTP
        return dataclasses.replace(call, via=via, frontend=frontend, persistent=False, changes=())

    def _look(
        self, call: ConfigCall, targets: t.Sequence[Target], evidence: t.Dict[str, t.Any]
    ) -> t.Dict[Frontend, str]:
        frontends = [target.frontend for target in targets]
        good, failed = self._cluster.on_each(frontends, lambda one: read_config(self._cluster, one, call.key))
        found = {frontend: row.value for frontend, row in good.items() if row is not None}
        evidence["read_back"] = {frontend.address: value for frontend, value in found.items()}
        if failed:
            raise unread(failed)
        return found

    def _left(self, call: ConfigCall, targets: t.Sequence[Target], found: t.Mapping[Frontend, str]) -> t.List[Target]:
        left = []
        for target in targets:
            now = canonical(found.get(target.frontend, ""), target.kind)
            if now == canonical(target.wanted, target.kind):
                continue
            if now != canonical(target.now, target.kind):
                raise MigrationError(
                    "starrocks.setting_contested",
                    f"{call.key} on {target.frontend.address} was changed by somebody else in the same moment: "
                    f"{target.wanted!r} was set, and {found.get(target.frontend)!r} is there now. It is left as it is; "
                    "agree on who sets it, and run again.",
                    details={"frontend": target.frontend.address, "key": call.key},
                )
            left.append(target)
        return left

    def _partial(
        self, call: ConfigCall, left: t.Sequence[Target], errors: t.Mapping[Frontend, MigrationError]
    ) -> MigrationError:
        names = [target.frontend.address for target in left]
        first = next(iter(errors.values()), None)
        why = f" ({first.message})" if first is not None else ""
        return MigrationError(
            CONFIG_PARTIAL,
            f"{call.key} was set, but not on {', '.join(names)}, not even by asking there{why}. The other frontends "
            "have the new value. Mend what is wrong, and run again.",
            server_text=first.server_text if first is not None else None,
            details={"frontends": names, "key": call.key},
        )

    def _warn_unpersisted(self, call: ConfigCall, error: MigrationError) -> None:
        hosts = error.details.get("failed_frontends")
        if call.persistent and hosts:
            self._sent.warnings.append(
                f"{call.key} could not be written to fe.conf on {', '.join(hosts)}; it is set in memory there, and "
                "forgotten at the next restart."
            )

    def _tell_unproved(self, call: ConfigCall, answer: MigrationError) -> None:
        """fe.conf may hold either value: a nuisance while it is set, and not the end of putting it back."""
        if all(change.action != RESTORE for change in call.changes):
            self._sent.warnings.append(
                f"{call.key} is set in memory, but no answer told that it was written to fe.conf; it may be forgotten "
                "at the next restart."
            )
            return
        raise MigrationError(
            NO_REPLY,
            f"{call.key} has its value again in memory, but no answer told that it was written to fe.conf, which may "
            "still hold the value of the migration and bring it back at the next restart. Run the restore again.",
            server_text=answer.server_text,
            details={"key": call.key, "frontend": call.frontend.address},
        )


def _holds(target: Target, text: t.Optional[str]) -> bool:
    return text is not None and canonical(text, target.kind) == canonical(target.wanted, target.kind)


def set_over_http(cluster: Cluster, frontend: Frontend, key: str, path: str, doing: str) -> None:
    """Set one config in the memory of one frontend. HTTP status 200 says nothing; a key that failed is in ``err``.

    :raises MigrationError: ``starrocks.no_reply`` when the answer names the key nowhere; else it was refused
    """
    place = frontend
    # SHOW FRONTENDS prints the leader's http_port for all, which is wrong where frontends share a host.
    row = read_config(cluster, frontend, "http_port")
    if row is not None and row.value.isdigit():
        place = dataclasses.replace(frontend, http_port=int(row.value))
    reply = cluster.http(place, "GET", path, doing, mutating=True)
    document = reply.verdict(doing, lambda found: _named(found, "set", key) or _named(found, "err", key))
    if not _named(document, "set", key):
        raise MigrationError(
            "starrocks.config_unknown",
            f"Could not {doing} on {frontend.address}: it does not take the key or the value over HTTP.",
            server_text=reply.text[:200],
            details={"frontend": frontend.address, "doing": doing},
        )


def _named(document: t.Mapping[str, t.Any], part: str, key: str) -> bool:
    found = document.get(part)
    return isinstance(found, dict) and key in found
