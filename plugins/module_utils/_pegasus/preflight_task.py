# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the preflight module: options, one look, one verdict."""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.accept_options import acceptances
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock, iso
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.findings import Verdict, judge
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_news import already_told
from ansible_collections.dbops.migration.plugins.module_utils._core.journal_options import open_journal, read_journal
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight import evaluate
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_look import take_view
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_request import PreflightRequest
from ansible_collections.dbops.migration.plugins.module_utils._pegasus.preflight_view import ClusterView, View

ENGINE = "pegasus"
_NAMED = 5


class PreflightTask:
    """Reads the options on creation of the result; ``result`` is what a failure shows too."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._redactor = redactor
        self._clock = clock
        self.result: dict[str, t.Any] = {"changed": False}

    def body(self) -> dict[str, t.Any]:
        """The module's result.

        :raises MigrationError: ``preflight.blocked`` when a blocker is open, unless ``fail_on_blocker`` is false
        """
        request = PreflightRequest.from_params(self._params)
        accepted = acceptances(self._params, self._clock.now())
        past = read_journal(self._params)
        if past is not None:
            past.expecting(self._params.get("migration_id") or "", ENGINE).require_valid()
        view = take_view(request, past.entries if past is not None else (), self._clock)
        verdict = judge(evaluate(view), accepted, self._clock.now())
        self.result.update(verdict.as_result())
        self.result.update(_looked_at(view))
        self.result["looked_at"]["at"] = iso(self._clock.now())
        self._record(verdict)
        self.result["msg"] = summary(verdict)
        if not verdict.passed and self._params.get("fail_on_blocker", True):
            raise MigrationError("preflight.blocked", self.result["msg"])
        return self.result

    def _record(self, verdict: Verdict) -> None:
        if self._check_mode:
            return
        journal = open_journal(self._params, engine=ENGINE, clock=self._clock, redactor=self._redactor)
        if journal is None:
            return
        with journal:
            found = {
                "phase": "preflight",
                "findings": verdict.as_result()["findings"],
                "passed": verdict.passed,
            }
            if not already_told(journal.entries, [("findings", found)]):
                journal.append("findings", found)


def _looked_at(view: View) -> dict[str, t.Any]:
    return {
        "clusters": {one.role: _cluster(one) for one in (view.source, view.target)},
        "looked_at": {
            "tables": len(view.tables),
            "partitions": sum(table.app.partition_count for table in view.tables if table.app is not None),
            "metaproxies": len(view.metaproxy.proxies),
        },
    }


def _cluster(view: ClusterView) -> dict[str, t.Any]:
    return {
        "name": view.name,
        "version": str(view.version),
        "primary_meta": view.info.primary_meta,
        "meta_servers": list(view.info.meta_servers),
        "meta_level": view.info.meta_level,
        "replica_servers": len(view.nodes),
        "alive": len(view.alive),
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
