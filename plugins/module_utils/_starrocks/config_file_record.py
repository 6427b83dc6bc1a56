# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""One call of the module that keeps the journal of blocks in configuration files.

The files are on the hosts of frontends, and the journal is where the modules run. So one task notes what is about to be
done, a second does it on each host, and a third notes what came of it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.clock import Clock
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_list, as_mapping, as_mapping_list
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, MigrationError
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import Redactor
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file import settings_texts
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_file_past import (
    FilesPast,
    Place,
    closing_of,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_journal import ConfigJournal
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.config_options import read_settings
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.fe_conf import valid_name

PRESENT, ABSENT = "present", "absent"

Seen = t.List[t.Tuple[Place, t.Mapping[str, t.Any]]]


def record_argument_spec() -> ArgumentSpec:
    """The options besides those of the journal."""
    return ArgumentSpec(
        {
            "block": {"type": "str", "default": "migration"},
            "cluster_id": {"type": "str", "required": True},
            "files": {"type": "raw"},
            "gone_hosts": {"type": "raw"},
            "results": {"type": "raw"},
            "settings": {"type": "raw"},
            "state": {"type": "str", "choices": [PRESENT, ABSENT], "default": PRESENT},
        }
    )


class RecordTask:
    """``body`` returns the module's result."""

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool, redactor: Redactor, clock: Clock) -> None:
        self._params = params
        self._check_mode = check_mode
        self._present = params["state"] == PRESENT
        self._journal = ConfigJournal(params, redactor, clock, restoring=False)
        self._past = FilesPast(self._journal.entries, str(params["cluster_id"]))

    def body(self) -> t.Dict[str, t.Any]:
        """Note what is about to be done, or with results what came of it.

        :raises MigrationError: ``option.invalid``, ``journal.*``, or ``starrocks.block_not_written``
        """
        try:
            if self._params.get("results") is None:
                return self._before()
            return self._after(_seen(self._params["results"]))
        finally:
            self._journal.close()

    def _before(self) -> t.Dict[str, t.Any]:
        settings, given, gone = self._options()
        left = self._past.left()
        # A block goes where it is wanted, and is looked for wherever it may be.
        places = [*([] if self._present else left), *given]
        files = [one for one in dict.fromkeys(places) if one.host not in gone]
        if self._present:
            self._intend(files, settings)
        else:
            self._forget([one for one in left if one.host in gone])
        return {"changed": False, "files": [one.as_result() for one in files], "left": []}

    def _options(self) -> t.Tuple[t.Mapping[str, str], t.List[Place], t.List[str]]:
        """Settings, files that are given, hosts that are gone."""
        params = self._params
        block = str(params["block"])
        if not valid_name(block):
            raise InvalidOption("block", f"{block!r} is no name", "Give letters, digits, dots, dashes and underscores")
        settings = settings_texts(read_settings(params.get("settings"), not self._present)) if self._present else {}
        if self._present and not settings:
            raise InvalidOption("settings", "there is none", "Give a list of mappings with key and value")
        given = [Place(host, str(path), block) for host, path in as_mapping(params.get("files"), "files").items()]
        return settings, given, [str(one) for one in as_list(params.get("gone_hosts"), "gone_hosts")]

    def _intend(self, files: t.Sequence[Place], settings: t.Mapping[str, str]) -> None:
        changes = [one for one in (self._past.change(place, settings) for place in files) if one is not None]
        journal = self._journal.open() if changes and not self._check_mode else None
        if journal is not None:
            journal.intents(changes)

    def _forget(self, gone: t.Sequence[Place]) -> None:
        if not self._check_mode:
            reason = "its host is gone for good, as the operator says"
            self._journal.conclude(self._past.closing(one, None, "gone", reason) for one in gone)

    def _after(self, seen: Seen) -> t.Dict[str, t.Any]:
        left = [_told(place, result) for place, result in seen if not _ended_well(result)]
        if not self._check_mode:
            self._settle(seen)
        if left and self._present:
            raise MigrationError(
                "starrocks.block_not_written",
                f"The block of this migration could not be written to {'; '.join(left)}. Put that right, and run it "
                "again.",
                details={"files": left},
            )
        files = [place.as_result() for place, _result in seen]
        return {"changed": False, "files": files, "left": left}

    def _settle(self, seen: Seen) -> None:
        """How the changes ended; what was refused is not ours, and what nobody has seen may be."""
        self._journal.outcomes(
            (change_id, _written(result) if self._present else _was_written(result), {})
            for place, result in seen
            if self._present or _ended_well(result)
            for change_id, _wanted in self._past.of(place).pending
        )
        if not self._present:
            self._journal.conclude(
                self._past.closing(place, result.get("former") if result.get("kept") else None, *closing_of(result))
                for place, result in seen
                if _ended_well(result) and self._past.of(place).changes
            )


def _seen(results: t.Any) -> Seen:
    """By block, what the module said that worked on it: what a loop over ``files`` has registered."""
    found: Seen = []
    for index, one in enumerate(as_mapping_list(results, "results")):
        item = one.get("item")
        if not isinstance(item, t.Mapping) or not {"host", "path", "block"} <= set(item):
            fix = "Give what a loop over the files of the first call has registered"
            raise InvalidOption(f"results[{index}]", "it does not tell its file", fix)
        found.append((Place(str(item["host"]), str(item["path"]), str(item["block"])), one))
    return found


def _ended_well(result: t.Mapping[str, t.Any]) -> bool:
    return not (result.get("failed") or result.get("unreachable")) and "former" in result


def _was_written(result: t.Mapping[str, t.Any]) -> str:
    """How a change of a killed run had ended, by what was found when the block was taken out."""
    return "abandoned" if result.get("former") is None else "done"


def _written(result: t.Mapping[str, t.Any]) -> str:
    if _ended_well(result):
        return "done"
    return "failed" if result.get("code") and not result.get("unreachable") else "unknown"


def _told(place: Place, result: t.Mapping[str, t.Any]) -> str:
    lines = str(result.get("msg") or "").strip().splitlines() or ["it does not say why"]
    return f"{place.path} of {place.host} ({lines[0]})"
