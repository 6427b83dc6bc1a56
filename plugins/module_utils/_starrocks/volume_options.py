# Copyright (c) 2026, the dbops.migration contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This module_util is private: it may change in any release.
"""The options of the storage volume module, checked as a whole before anything is contacted."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dbops.migration.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.dbops.migration.plugins.module_utils._core.coerce import as_bool, as_list, as_mapping
from ansible_collections.dbops.migration.plugins.module_utils._core.errors import InvalidOption, raise_problems
from ansible_collections.dbops.migration.plugins.module_utils._starrocks import volume_properties as known
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.options import connection_argument_spec
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume import Wanted, name_problem
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_credentials import (
    CREDENTIALS,
    dropped_problem,
    of_volume,
    read_credentials,
)
from ansible_collections.dbops.migration.plugins.module_utils._starrocks.volume_plan import ALWAYS, ON_CREATE

PRESENT, ABSENT, RESTORED = "present", "absent", "restored"
VOLUMES = "volumes"
_KEYS = ("name", "type", "locations", "properties", "enabled", "comment", "default")


@dataclasses.dataclass(frozen=True)
class Options:
    """``volumes``: for ``absent`` and ``restored`` only their names count. ``warnings``: what was left out, and why."""

    state: str
    volumes: t.Tuple[Wanted, ...]
    update_credentials: str
    warnings: t.Tuple[str, ...] = ()

    @property
    def names(self) -> t.Tuple[str, ...]:
        """The names of the volumes, in order."""
        return tuple(one.name for one in self.volumes)


def volume_argument_spec() -> ArgumentSpec:
    """The options besides the journal's."""
    spec = ArgumentSpec(
        {
            VOLUMES: {"type": "raw"},
            CREDENTIALS: {"type": "raw", "no_log": True},
            "state": {"type": "str", "choices": [PRESENT, ABSENT, RESTORED], "default": PRESENT},
            "update_credentials": {
                "type": "str",
                "choices": [ON_CREATE, ALWAYS],
                "default": ON_CREATE,
                "no_log": False,
            },
        }
    )
    return spec.merge(connection_argument_spec())


def read_options(params: t.Mapping[str, t.Any]) -> Options:
    """The options; InvalidOption, or InvalidInput with all problems at once."""
    state = str(params.get("state") or PRESENT)
    update = str(params.get("update_credentials") or ON_CREATE)
    problems: t.List[InvalidOption] = []
    warnings: t.List[str] = []
    credentials = read_credentials(params, problems)
    volumes: t.List[Wanted] = []
    for index, item in enumerate(_items(params.get(VOLUMES), problems)):
        one = _volume(item, f"{VOLUMES}[{index}]", state, problems, warnings)
        if one is not None:
            volumes.append(dataclasses.replace(one, credentials=of_volume(credentials, one.name)))
    names = [one.name for one in volumes]
    problems.extend(
        InvalidOption(VOLUMES, f"{name} is given twice", "Name every volume once")
        for name in sorted({name for name in names if names.count(name) > 1})
    )
    if not names and state != RESTORED and not problems:
        problems.append(InvalidOption(VOLUMES, "there is none", "Name at least one storage volume"))
    if sum(one.default for one in volumes) > 1:
        problems.append(InvalidOption(VOLUMES, "more than one is to be the default", "Give default: true to one"))
    strangers = sorted(set(credentials) - set(names) - {"*"})
    if strangers:
        problems.append(
            InvalidOption(CREDENTIALS, f"{', '.join(strangers)} is not in {VOLUMES}", "Name the volumes alike")
        )
    if state == PRESENT:
        problems.extend(_credentials_problems(volumes))
    raise_problems(problems)
    return Options(state, tuple(volumes), update, tuple(warnings))


def read_properties(raw: t.Any, place: str, problems: t.List[InvalidOption], warnings: t.List[str]) -> t.Dict[str, str]:
    """Visible properties as they are sent; secret, dropped and doubtful ones are told of by name."""
    try:
        given = as_mapping(raw, place)
    except InvalidOption as problem:
        problems.append(problem)
        return {}
    found: t.Dict[str, str] = {}
    for key, value in given.items():
        kept = known.dropped(key)
        if kept == "refuse":
            problems.append(dropped_problem(key, place))
        elif kept == "warn":
            warnings.append(
                f"{place}: {key} was left out, because servers take it without an error and forget it. What the nodes "
                "then use is set in their own configuration."
            )
        elif known.is_secret(key):
            problems.append(
                InvalidOption(place, f"{key} is a secret", f"Give it under {CREDENTIALS}, which is kept out of logs")
            )
        elif key == known.ENABLED:
            problems.append(InvalidOption(place, f"{key} is no property here", "Give enabled beside the properties"))
        elif isinstance(value, (dict, list, tuple)):
            problems.append(InvalidOption(place, f"{key} has no plain value", "Give text, a number or a boolean"))
        else:
            found[key] = known.text(value)
    return found


def _items(value: t.Any, problems: t.List[InvalidOption]) -> t.List[t.Any]:
    try:
        return [value] if isinstance(value, t.Mapping) else as_list(value, VOLUMES)
    except InvalidOption as problem:
        problems.append(problem)
        return []


def _volume(
    item: t.Any, place: str, state: str, problems: t.List[InvalidOption], warnings: t.List[str]
) -> t.Optional[Wanted]:
    if isinstance(item, str) and not item.lstrip().startswith("{"):
        item = {"name": item}
    try:
        given = as_mapping(item, place)
    except InvalidOption as problem:
        problems.append(problem)
        return None
    before = len(problems)
    problems.extend(
        InvalidOption(f"{place}.{key}", "unknown key", "Use " + ", ".join(_KEYS))
        for key in sorted(set(given) - set(_KEYS))
    )
    name = str(given.get("name") or "").strip()
    wrong = "text is missing" if not name else ""
    if name and state == PRESENT and not given.get("type"):
        wrong = ""  # It may be the built-in one, which can be altered though not created.
    elif name and state == PRESENT:
        wrong = name_problem(name)
    if wrong:
        problems.append(InvalidOption(f"{place}.name", wrong, "Give a name that the server takes"))
    if state != PRESENT:
        return Wanted(name) if len(problems) == before else None
    kind = str(given.get("type") or "").strip().upper()
    if kind and kind not in known.TYPES:
        problems.append(InvalidOption(f"{place}.type", f"{kind} is no type", "Use one of " + ", ".join(known.TYPES)))
    locations = tuple(str(one).strip() for one in as_list(given.get("locations"), f"{place}.locations"))
    properties = read_properties(given.get("properties"), f"{place}.properties", problems, warnings)
    if kind in known.TYPES:
        problems.extend(_type_problems(kind, locations, properties, place))
    enabled, default = True, False
    try:
        enabled = as_bool(given.get("enabled", True), f"{place}.enabled")
        default = as_bool(given.get("default", False), f"{place}.default")
    except InvalidOption as problem:
        problems.append(problem)
    comment = given.get("comment")
    if len(problems) > before:
        return None
    return Wanted(name, kind, locations, properties, {}, enabled, None if comment is None else str(comment), default)


def _type_problems(
    kind: str, locations: t.Sequence[str], properties: t.Mapping[str, str], place: str
) -> t.Iterator[InvalidOption]:
    schemes = known.SCHEMES[kind]
    for location in locations:
        if not any(location.startswith(scheme) and len(location) > len(scheme) for scheme in schemes):
            yield InvalidOption(
                f"{place}.locations", f"{location!r} is no location of type {kind}", f"Begin it with {schemes[0]}"
            )
    for key in properties:
        if not known.is_known(key, kind):
            yield InvalidOption(f"{place}.properties", f"type {kind} has no property {key}", "Remove or correct it")
    number = properties.get(known.PARTITIONED_PREFIX_NUMBER)
    if number is not None and not (number.isascii() and number.isdigit() and int(number) > 0):
        yield InvalidOption(
            f"{place}.properties", f"{known.PARTITIONED_PREFIX_NUMBER} is {number!r}", "Give a whole number above 0"
        )
    if properties.get(known.PARTITIONED_PREFIX) == "true":
        for location in locations:
            if "/" in location.partition("://")[2].rstrip("/"):
                yield InvalidOption(
                    f"{place}.locations",
                    f"{location!r} has a path, and {known.PARTITIONED_PREFIX} allows none",
                    "Give the bucket alone, or switch the partitioned prefix off",
                )


def _credentials_problems(volumes: t.Iterable[Wanted]) -> t.Iterator[InvalidOption]:
    for one in volumes:
        for key in one.credentials:
            if one.type in known.TYPES and not known.is_known(key, one.type):
                yield InvalidOption(CREDENTIALS, f"{one.name} is of type {one.type}, which has no {key}", "Remove it")
