# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""What the two files of the sync tool's configuration are to hold, and what of it differs from what is there."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.errors import (
    InvalidOption,
    MigrationError,
    raise_problems,
)
from ansible_collections.dbops.migration.plugins.module_utils._core.redaction import MASK
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import hosts_file as hf
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import tool_properties as tp
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.properties import Properties, readable
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.tool_unpack import (
    HOSTS_PROPERTIES,
    SYNC_PROPERTIES,
)

SHARED_DATA, SHARED_NOTHING = "shared_data", "shared_nothing"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What was asked for. ``properties``: by name, as text. ``force``: whether unknown properties are added.

    ``optional``: the names of those that are left out where the shipped file does not have them.
    """

    properties: t.Mapping[str, str]
    force: bool
    source: hf.Side
    target: hf.Side
    source_run_mode: str
    target_run_mode: str
    optional: t.FrozenSet[str] = frozenset()

    def known_to(self, shipped: t.Collection[str]) -> Wanted:
        """The same without optional properties that a release does not have."""
        if self.force:
            return self
        kept = {name: value for name, value in self.properties.items() if name in shipped or name not in self.optional}
        return dataclasses.replace(self, properties=kept)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """The files' contents by their path in the folder, and the properties in effect (with secrets)."""

    files: t.Mapping[str, str]
    properties: t.Mapping[str, str]
    warnings: t.Tuple[str, ...]

    @property
    def digest(self) -> str:
        """Names this configuration, to tell whether a running tool has read another one."""
        return digest(self.files)


def digest(files: t.Mapping[str, t.Optional[str]]) -> str:
    """Names the contents of the files. What a comment says does not count."""
    parts = []
    for name in sorted(files):
        values = Properties.parse(files[name] or "").as_dict()
        parts.append(repr((name, sorted(values.items()))))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def configure(wanted: Wanted, shipped: t.Mapping[str, str]) -> Configuration:
    """Merge what is wanted into the shipped files (by their path in the folder). Everything that is wrong at once.

    :raises MigrationError: ``starrocks.tool_property_unknown``, ``starrocks.tool_drops_unspoken``,
        ``starrocks.properties_malformed``, ``option.invalid`` or ``input.invalid``
    """
    base = Properties.parse(shipped.get(SYNC_PROPERTIES, ""))
    known = base.as_dict()
    wanted = wanted.known_to(known)
    _refuse_unknown(wanted, known)
    merged = base.merged(wanted.properties)
    effective = merged.as_dict()
    problems = _problems(wanted, effective)
    hosts = shipped.get(HOSTS_PROPERTIES, "")
    grammar = hf.grammar_of(hosts)
    for side in (wanted.source, wanted.target):
        problems += hf.literal_problems(side) + hf.grammar_problems(side, grammar)
    raise_problems(problems)
    drops = tp.unspoken_drops(effective, wanted.properties)
    if drops:
        raise MigrationError(
            "starrocks.tool_drops_unspoken",
            "The sync tool would drop objects on the target by switches that are on by its own default: "
            + "; ".join(f"{name} drops {what}" for name, what in drops.items())
            + ". Set each of them to true or false on purpose.",
            details={"properties": sorted(drops)},
        )
    return Configuration(
        files={
            SYNC_PROPERTIES: merged.text(),
            HOSTS_PROPERTIES: hf.hosts_text(hosts, (wanted.source, wanted.target)),
        },
        properties=effective,
        warnings=tuple(_warnings(wanted, effective)),
    )


def _refuse_unknown(wanted: Wanted, known: t.Mapping[str, str]) -> None:
    unknown = [name for name in wanted.properties if name not in known]
    if unknown and not wanted.force:
        raise MigrationError(
            "starrocks.tool_property_unknown",
            f"This release of the sync tool has no {', no '.join(unknown)} in its {SYNC_PROPERTIES}. Leave it out, use "
            "another release, or set force_properties=true.",
            details={"properties": unknown},
        )


def _problems(wanted: Wanted, effective: t.Mapping[str, str]) -> t.List[InvalidOption]:
    problems = [
        InvalidOption(name, "it is empty", "Give the host of a frontend")
        for name in ("source_fe_host", "target_fe_host")
        if not effective.get(name, "").strip()
    ]
    problems += tp.lonely_keys(effective)
    source, target = (
        (effective.get(f"{side}_fe_host", "").strip().lower(), effective.get(f"{side}_fe_query_port", "").strip())
        for side in ("source", "target")
    )
    if source == target and source[0]:
        problem = f"{target[0]}:{target[1]} is the source's frontend too"
        problems.append(InvalidOption("target_fe_host", problem, "Source and target must be two clusters"))
    if wanted.source_run_mode == SHARED_DATA and wanted.target_run_mode == SHARED_NOTHING:
        problem = "a shared-data cluster cannot be migrated to a shared-nothing one"
        problems.append(InvalidOption("target_run_mode", problem, "Use a shared-data target of 4.1 or later"))
    if wanted.source_run_mode == SHARED_NOTHING and not effective.get(tp.TOKEN, "").strip():
        problems.append(
            InvalidOption(
                tp.TOKEN,
                "it is empty, and a shared-nothing source needs it",
                "Give the token of meta/image/VERSION on a frontend of the source, or set source_run_mode=shared_data",
            )
        )
    return problems


def _warnings(wanted: Wanted, effective: t.Mapping[str, str]) -> t.Iterator[str]:
    for side in (wanted.source, wanted.target):
        names = hf.unmapped_names(side)
        if names:
            yield (
                f"{', '.join(names)} of the {side.name.lower()} cluster must resolve on this host"
                f"{'' if side.name == hf.TARGET else ' and on the nodes of the target'}, as {side.option} does not "
                "map it."
            )
    given = wanted.properties
    if wanted.target_run_mode == SHARED_NOTHING:
        for name in ("target_cluster_storage_volume", "target_cluster_use_builtin_storage_volume_only"):
            if given.get(name) not in (None, "", "false"):
                yield f"{name} has no effect on a shared-nothing target."
    if effective.get("source_cluster_password_secret_key") or effective.get("target_cluster_password_secret_key"):
        yield "The key of an encrypted password stands in the same file, so the encryption hides nothing from a reader."


def property_changes(before: t.Optional[str], after: str) -> t.Tuple[t.Dict[str, t.Any], t.Dict[str, t.Any]]:
    """The properties that differ between two texts of a file, before and after; secrets only say that they are others.

    Null stands for a property that is not there.
    """
    old = readable(before or "")
    new = Properties.parse(after).as_dict()
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    was: t.Dict[str, t.Any] = {}
    becomes: t.Dict[str, t.Any] = {}
    for name in names:
        if tp.is_secret(name):
            was[name] = f"{MASK} (the former one)" if old.get(name) else old.get(name)
            becomes[name] = MASK if new.get(name) else new.get(name)
        else:
            was[name], becomes[name] = old.get(name), new.get(name)
    return was, becomes
