# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the preflight module: options, one look, one verdict."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import acceptances
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Acceptance, Verdict, judge
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import already_told
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.client import Cluster
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight import evaluate
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_objects import inventory_result
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_pair import may_accept, path_name
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_request import (
    PreflightRequest,
    read_request,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_view import ClusterView, View
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.preflight_whole import take_view

ENGINE = "starrocks"
_NAMED = 5


class PreflightTask:
    """Holds the result, which a failure shows too."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: t.Dict[str, t.Any] = {"changed": False}

    def body(self) -> t.Dict[str, t.Any]:
        """The module's result.

        :raises MigrationError: ``preflight.blocked`` when a blocker is open, unless ``fail_on_blocker`` is false
        """
        request = read_request(self._params)
        accepted = acceptances(self._params, self._clock.now())
        past = read_journal(self._params)
        if past is not None:
            past.expecting(self._params.get("migration_id") or "", ENGINE).require_valid()
        view = self._look(request)
        verdict = self._judge(view, accepted)
        self.result.update(verdict.as_result())
        self.result.update(_seen(view))
        self.result["looked_at"]["at"] = iso(self._clock.now())
        self._record(verdict)
        self.result["msg"] = summary(verdict)
        if not verdict.passed and self._params.get("fail_on_blocker", True):
            raise MigrationError("preflight.blocked", self.result["msg"])
        return self.result

    def _judge(self, view: View, accepted: t.Sequence[Acceptance]) -> Verdict:
        """Acceptances of what nobody may accept are told among those that were of no use."""
        now = self._clock.now()
        verdict = judge(evaluate(view), [one for one in accepted if may_accept(one)], now)
        vain = [one for one in accepted if one.expires > now and not may_accept(one)]
        return dataclasses.replace(verdict, unused=(*verdict.unused, *vain))

    def _look(self, request: PreflightRequest) -> View:
        with Cluster(request.source, self._redactor, self._clock) as source:
            with Cluster(request.target, self._redactor, self._clock) as target:
                view = take_view(request, source, target, self._clock)
                self.result["requests"] = {"source": source.requests, "target": target.requests}
                return view

    def _record(self, verdict: Verdict) -> None:
        if self._check_mode:
            return
        journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
        if journal is None:
            return
        with journal:
            found = {"phase": "preflight", "findings": verdict.as_result()["findings"], "passed": verdict.passed}
            if not already_told(journal.entries, [("findings", found)]):
                journal.append("findings", found)


def _seen(view: View) -> t.Dict[str, t.Any]:
    return {
        "clusters": {one.role: _cluster(one) for one in (view.source, view.target)},
        "path": path_name(view),
        "inventory": inventory_result(view),
        "looked_at": {"tables": len(view.selected()), "partitions": view.details.partitions},
    }


def _cluster(view: ClusterView) -> t.Dict[str, t.Any]:
    return {
        "cluster_id": view.cluster_id,
        "version": str(view.version),
        "run_mode": view.profile.run_mode,
        "frontends": len(view.frontends),
        "nodes": len(view.nodes),
        "databases": len(view.databases or ()),
        "tables": len(view.tables or ()),
    }


def summary(verdict: Verdict) -> str:
    """One line for people: what is in the way, the first few with their remedies."""
    if verdict.passed:
        warnings = sum(finding.severity == "warning" for finding in verdict.findings)
        return f"No blocker is open; {warnings} warnings, {len(verdict.accepted)} findings accepted."
    named = [f"{finding.id} ({finding.subject}): {finding.remedy}" for finding in verdict.open_blockers[:_NAMED]]
    more = len(verdict.open_blockers) - len(named)
    if more > 0:
        named.append(f"And {more} more, see findings.")
    count = len(verdict.open_blockers)
    return f"{count} {'blocker is' if count == 1 else 'blockers are'} open. " + " ".join(named)
