# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What preflight found, what the operator accepted, and whether the run may go on."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.clock import iso, parse_iso
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_mapping_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems

SEVERITIES = ("blocker", "warning", "info")
_ACCEPTANCE_KEYS = ("id", "reason", "expires", "subject", "accepted_by")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that was seen. ``id`` is stable (``greptimedb.region.local_wal``), ``evidence`` any JSON-able data."""

    id: str
    severity: str
    subject: str
    evidence: t.Any
    remedy: str
    reference: str = ""

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"unknown severity {self.severity!r}")

    def as_result(self) -> t.Dict[str, t.Any]:
        """The finding as plain data."""
        return {
            "id": self.id,
            "severity": self.severity,
            "subject": self.subject,
            "evidence": self.evidence,
            "remedy": self.remedy,
            "reference": self.reference,
        }


@dataclasses.dataclass(frozen=True)
class Acceptance:
    """The operator's word that a finding is known: which, why, until when (aware, exclusive), and whose word it is."""

    id: str
    reason: str
    expires: datetime.datetime
    subject: t.Optional[str] = None
    accepted_by: t.Optional[str] = None

    def covers(self, finding: Finding) -> bool:
        """Whether this acceptance speaks of the finding (without a subject: of all with its id)."""
        return self.id == finding.id and self.subject in (None, finding.subject)

    def as_result(self) -> t.Dict[str, t.Any]:
        """The acceptance as plain data; ``subject`` and ``accepted_by`` only when it names them."""
        result = {"id": self.id, "reason": self.reason, "expires": iso(self.expires)}
        if self.subject is not None:
            result["subject"] = self.subject
        if self.accepted_by is not None:
            result["accepted_by"] = self.accepted_by
        return result


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Findings, blockers first, and what the acceptances made of them."""

    findings: t.Tuple[Finding, ...]
    open_blockers: t.Tuple[Finding, ...]
    accepted: t.Tuple[t.Tuple[Finding, Acceptance], ...]
    expired: t.Tuple[Acceptance, ...]
    unused: t.Tuple[Acceptance, ...]

    @property
    def passed(self) -> bool:
        """Whether no blocker is open."""
        return not self.open_blockers

    def as_result(self) -> t.Dict[str, t.Any]:
        """The verdict as module results hold it; ``blockers`` counts the open ones only."""
        # By identity: evidence need not be hashable, and one finding may have been seen twice.
        accepted = {id(finding): acceptance for finding, acceptance in self.accepted}
        findings: t.List[t.Dict[str, t.Any]] = []
        for finding in self.findings:
            item = finding.as_result()
            acceptance = accepted.get(id(finding))
            item["accepted"] = acceptance is not None
            item["accepted_reason"] = acceptance.reason if acceptance else None
            item["accepted_until"] = iso(acceptance.expires) if acceptance else None
            item["accepted_by"] = acceptance.accepted_by if acceptance else None
            findings.append(item)
        return {
            "findings": findings,
            # Not "warnings": Ansible takes a result of that name for its own list of warnings.
            "blocker_count": len(self.open_blockers),
            "warning_count": sum(finding.severity == "warning" for finding in self.findings),
            "info_count": sum(finding.severity == "info" for finding in self.findings),
            "passed": self.passed,
            "expired_acceptances": [acceptance.as_result() for acceptance in self.expired],
            "unused_acceptances": [acceptance.as_result() for acceptance in self.unused],
        }


def judge(findings: t.Iterable[Finding], acceptances: t.Sequence[Acceptance], now: datetime.datetime) -> Verdict:
    """A blocker is open unless an acceptance that has not expired covers it. The latest expiry wins."""
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    valid = sorted(
        (acceptance for acceptance in acceptances if acceptance.expires > now),
        key=lambda acceptance: acceptance.expires,
        reverse=True,
    )
    accepted: t.List[t.Tuple[Finding, Acceptance]] = []
    open_blockers: t.List[Finding] = []
    for finding in ordered:
        covering = next((acceptance for acceptance in valid if acceptance.covers(finding)), None)
        if covering is not None:
            accepted.append((finding, covering))
        elif finding.severity == "blocker":
            open_blockers.append(finding)
    return Verdict(
        findings=tuple(ordered),
        open_blockers=tuple(open_blockers),
        accepted=tuple(accepted),
        expired=tuple(acceptance for acceptance in acceptances if acceptance.expires <= now),
        unused=tuple(
            acceptance
            for acceptance in acceptances
            if acceptance.expires > now and not any(acceptance.covers(finding) for finding in ordered)
        ),
    )


def parse_acceptances(raw: t.Any, option: str, now: datetime.datetime) -> t.List[Acceptance]:
    """Acceptances from a list of mappings or JSON text of one; everything that is wrong is told at once.

    A bare date in ``expires`` holds to the end of that day in UTC. One that is over is no error here: ``judge``
    reports it. ``now`` only makes the example in the error message a sensible one.
    """
    example = (now + datetime.timedelta(days=7)).date().isoformat()
    acceptances: t.List[Acceptance] = []
    problems: t.List[InvalidOption] = []
    for index, item in enumerate(as_mapping_list(raw, option)):
        place = f"{option}[{index}]"
        for key in ("id", "reason"):
            if not isinstance(item.get(key), str) or not item[key].strip():
                fix = "Give the id of the finding" if key == "id" else "Say in a few words why it may be accepted"
                problems.append(InvalidOption(f"{place}.{key}", "text is missing", fix))
        problems.extend(
            InvalidOption(f"{place}.{key}", "unknown key", "Use " + ", ".join(_ACCEPTANCE_KEYS))
            for key in sorted(set(item) - set(_ACCEPTANCE_KEYS))
        )
        subject, accepted_by = item.get("subject"), item.get("accepted_by")
        expires = _expiry(item.get("expires"))
        if expires is None:
            shown = "is missing" if item.get("expires") in (None, "") else f"{item['expires']!r} is no ISO date or time"
            problems.append(InvalidOption(f"{place}.expires", shown, f"Give an ISO date such as {example}"))
        elif not problems:
            acceptances.append(
                Acceptance(
                    id=item["id"].strip(),
                    reason=item["reason"].strip(),
                    expires=expires,
                    subject=None if subject in (None, "") else str(subject),
                    accepted_by=None if accepted_by in (None, "") else str(accepted_by).strip(),
                )
            )
    raise_problems(problems)
    return acceptances


def _expiry(value: t.Any) -> t.Optional[datetime.datetime]:
    # YAML turns an unquoted date into a date object before a module sees it.
    text = value.isoformat() if isinstance(value, (datetime.date, datetime.datetime)) else value
    if not isinstance(text, str):
        return None
    try:
        moment = parse_iso(text)
        return moment if ":" in text else moment + datetime.timedelta(days=1)
    except (ValueError, OverflowError):
        return None
